"""The share of "yes", with Wilson's 95 % interval."""

from widget_server.contract.scores import Counts, Score, proportion

from . import Metric


def read(counts: Counts) -> Score:
    """yes / (yes + no)."""
    distribution = counts.within(("yes", "no"))
    return proportion(distribution["yes"], distribution)


METRIC = Metric("success", ("yes_no",), read, "share, 0 to 1", "the share of shoppers who answered yes")
