"""The share of answers that chose the option chosen most often, with Wilson's 95 % interval.

The distribution is what owners look at here: how often each option was chosen. Where an answer may choose several
options their shares add up to more than 1; each is still a share of the answers.
"""

from widget_server.contract.scores import Counts, Score, wilson

from . import Metric


def read(counts: Counts) -> Score:
    """The most frequent option / all answers that could choose it."""
    n = sum(counts.answers.values())
    distribution = {option: times for option, times in counts.answers.items() if option}
    for option, times in counts.chosen.items():
        distribution[option] = distribution.get(option, 0) + times
    if n == 0:
        return Score(None, 0, None, distribution)
    most = max(distribution.values(), default=0)
    return Score(most / n, n, wilson(most, n), distribution)


METRIC = Metric(
    "top_option", ("choice", "choices"), read, "share, 0 to 1", "the share of answers that chose the most chosen option"
)
