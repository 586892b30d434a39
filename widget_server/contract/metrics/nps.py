"""Net Promoter Score: per cent of 9 and 10 minus per cent of 0 to 6.

The 95 % interval is the adjusted Wald interval of B. Rocks, "Interval Estimation for the Net Promoter Score",
The American Statistician 70 (2016) 365-372: three answers are added (3/4 promoter, 3/2 passive, 3/4 detractor) before
the interval is drawn, so that it never has zero width. The value itself is not adjusted.
"""

from math import sqrt

from widget_server.contract.scores import Counts, Score, Z

from . import Metric

_BUCKETS = tuple(str(n) for n in range(11))


def read(counts: Counts) -> Score:
    """100 * (promoters - detractors) / all, from -100 to 100."""
    distribution = counts.within(_BUCKETS)
    n = sum(distribution.values())
    if n == 0:
        return Score(None, 0, None, distribution)
    promoters = distribution["9"] + distribution["10"]
    detractors = sum(distribution[str(low)] for low in range(7))
    value = 100 * (promoters - detractors) / n
    low, high = _interval(promoters, detractors, n)
    return Score(value, n, (min(low, value), max(high, value)), distribution)


def _interval(promoters: int, detractors: int, n: int) -> tuple[float, float]:
    for_it, against, more = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3), n + 3
    centre = for_it - against
    half = Z * sqrt((for_it + against - centre * centre) / more)
    return 100 * max(-1.0, centre - half), 100 * min(1.0, centre + half)


METRIC = Metric(
    "nps", ("nps",), read, "points, -100 to 100", "promoters (9, 10) minus detractors (0 to 6), in per cent", (-100, 100)
)
