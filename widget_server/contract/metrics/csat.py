"""Customer satisfaction: the share of 4 and 5 among one to five, with Wilson's 95 % interval."""

from widget_server.contract.scores import Counts, Score, proportion

from . import Metric


def read(counts: Counts) -> Score:
    """(fours + fives) / all."""
    distribution = counts.within(("1", "2", "3", "4", "5"))
    return proportion(distribution["4"] + distribution["5"], distribution)


METRIC = Metric("csat", ("csat", "stars"), read, "share, 0 to 1", "the share of those who gave 4 or 5 of 5")
