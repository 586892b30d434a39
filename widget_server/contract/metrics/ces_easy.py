"""The share of those for whom it was easy, 5 to 7 of 7, with Wilson's 95 % interval."""

from widget_server.contract.scores import Counts, Score, proportion

from . import Metric


def read(counts: Counts) -> Score:
    """(fives + sixes + sevens) / all."""
    distribution = counts.within(("1", "2", "3", "4", "5", "6", "7"))
    return proportion(distribution["5"] + distribution["6"] + distribution["7"], distribution)


METRIC = Metric("ces_easy", ("ces",), read, "share, 0 to 1", "the share of those who gave 5, 6 or 7 of 7")
