"""The mean of one to five stars, with an adjusted normal 95 % interval (see scores.bounded_mean)."""

from widget_server.contract.scores import Counts, Score, bounded_mean

from . import Metric


def read(counts: Counts) -> Score:
    """The mean number of stars."""
    return bounded_mean(counts.within(("1", "2", "3", "4", "5")), 1, 5)


METRIC = Metric("stars", ("stars",), read, "stars, 1 to 5", "the mean number of stars", (1, 5))
