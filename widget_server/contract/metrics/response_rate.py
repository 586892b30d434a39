"""How many of those who were asked answered, with Wilson's 95 % interval."""

from widget_server.contract.scores import Counts, Score, proportion

from . import Metric


def read(counts: Counts) -> Score:
    """answered / shown. An answer implies that the question was shown, so the share never exceeds 1."""
    answered = sum(counts.answers.values())
    silent = max(0, counts.shown - answered)
    return proportion(answered, {"answered": answered, "silent": silent})


METRIC = Metric("response_rate", (), read, "share, 0 to 1", "the share of those asked who answered")
