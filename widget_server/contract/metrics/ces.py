"""Customer Effort Score: the mean of 1 (very hard) to 7 (very easy), with an adjusted normal 95 % interval.

The interval is that of scores.bounded_mean. Dixon, Freeman and Toman, "The Effortless Experience" (2013).
"""

from widget_server.contract.scores import Counts, Score, bounded_mean

from . import Metric


def read(counts: Counts) -> Score:
    """The mean step."""
    return bounded_mean(counts.within(("1", "2", "3", "4", "5", "6", "7")), 1, 7)


METRIC = Metric("ces", ("ces",), read, "steps, 1 to 7", "the mean ease, 1 very hard to 7 very easy", (1, 7))
