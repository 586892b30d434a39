"""Scores with their uncertainty: what a metric gives, and the intervals it is built from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Literal

# The 97.5 % point of the normal distribution: two-sided 95 %.
Z = 1.959963984540054
# Below this many answers a page says "too few answers to say".
ENOUGH = 10


@dataclass(frozen=True, slots=True)
class Counts:
    """What the counters say of one row: answers by bucket, how many were asked, and how often each option was chosen.

    `answers` adds up to the number of answers; `chosen` may be more, where one answer may choose several options.
    """

    answers: Mapping[str, int]
    shown: int = 0
    chosen: Mapping[str, int] = field(default_factory=dict)

    def within(self, buckets: tuple[str, ...]) -> dict[str, int]:
        """The answers of exactly these buckets, zeros included."""
        return {bucket: self.answers.get(bucket, 0) for bucket in buckets}


@dataclass(frozen=True, slots=True)
class Score:
    """`value` and `interval` are None when n is 0; `distribution` is {bucket: count}."""

    value: float | None
    n: int
    interval: tuple[float, float] | None
    distribution: Mapping[str, int]

    @property
    def enough(self) -> bool:
        """Whether there are enough answers to say something."""
        return self.n >= ENOUGH


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a score: `up`, `down`, or `unclear` where the two intervals have a value in common; `few` where one
    of the two has too few answers to say, `none` where there was nothing before. `by` is the difference of the values."""

    kind: Literal["up", "down", "unclear", "few", "none"]
    by: float | None = None


def compare(now: Score, before: Score | None) -> Change:
    """How `now` differs from `before`. Intervals that only just part make this stricter than a test at 5 %."""
    if before is None or before.value is None or before.interval is None:
        return Change("none")
    if now.value is None or now.interval is None or not (now.enough and before.enough):
        return Change("few")
    by = now.value - before.value
    if now.interval[0] <= before.interval[1] and before.interval[0] <= now.interval[1]:
        return Change("unclear", by)
    return Change("up" if by > 0 else "down", by)


def proportion(hits: int, distribution: Mapping[str, int]) -> Score:
    """The share of `hits` among all counts of `distribution`, with Wilson's interval."""
    n = sum(distribution.values())
    if n == 0:
        return Score(None, 0, None, distribution)
    return Score(hits / n, n, wilson(hits, n), distribution)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion (E. B. Wilson, JASA 22 (1927) 209-212). Needs n > 0."""
    share = hits / n
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    # Rounding must not part the ends from the share where the two are equal.
    return (0.0 if hits == 0 else centre - half), (1.0 if hits == n else centre + half)


def bounded_mean(distribution: Mapping[str, int], least: int, most: int) -> Score:
    """The mean of whole-number buckets between `least` and `most`, with an adjusted normal 95 % interval.

    Two answers are added at each end before the interval is drawn, as Agresti and Coull do for a proportion
    (The American Statistician 52 (1998) 119-126), of which this is the same thing on a longer scale. So the interval
    never has zero width, even when all answers agree; the value itself is not adjusted.
    """
    n = sum(distribution.values())
    if n == 0:
        return Score(None, 0, None, distribution)
    total = sum(int(bucket) * count for bucket, count in distribution.items())
    squares = sum(int(bucket) ** 2 * count for bucket, count in distribution.items())
    value = total / n
    more = n + 4
    centre = (total + 2 * (least + most)) / more
    spread = (squares + 2 * (least * least + most * most)) / more - centre * centre
    half = Z * sqrt(spread / more)
    low, high = max(float(least), centre - half), min(float(most), centre + half)
    return Score(value, n, (min(low, value), max(high, value)), distribution)
