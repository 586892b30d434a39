"""What orders are worth on average, from sums that counters keep. Pure.

An order counts with what was paid for it less what was paid back, on the day it was placed, in its own currency.
Cancelled orders and those of which no platform told a total do not count. Number, sum and sum of squares are kept, so
that an average over any days, with its interval, reads a few rows, however many orders there are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, sqrt
from types import MappingProxyType

from .answer import Count
from .order import Order, facts
from .scores import ENOUGH, Z
from .times import local_day

COUNTER, DIMENSION = "orders", "currency"
N, VALUE, SQUARES, SQUARES_HIGH = "n", "value", "squares", "squares_high"
# Sums of squares are kept in two parts, because one would not fit a database's whole numbers.
_PART = 2**31
# A larger order than this (in the smallest unit) is a slip, and must not outweigh all others.
_MOST = 10**11
_NOTHING: Mapping[Count, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Average:
    """The average order value in the smallest unit of `currency` ("" when nobody said which): of `n` orders."""

    currency: str
    n: int
    value: float
    interval: tuple[float, float]

    @property
    def enough(self) -> bool:
        """Whether there are enough orders to say something."""
        return self.n >= ENOUGH


def counts(order: Order | None, time_zone: str) -> Mapping[Count, int]:
    """What `order` counts for: {row: amount}."""
    if order is None or order.get("total") is None:
        return _NOTHING
    now = facts(order)
    if now.state == "cancelled" or now.placed_at is None:
        return _NOTHING
    day = local_day(now.placed_at, time_zone)
    value = min(now.total - now.refunded, _MOST)
    high, low = divmod(value * value, _PART)
    amounts = {N: 1, VALUE: value, SQUARES: low, SQUARES_HIGH: high}
    return {Count(COUNTER, DIMENSION, now.currency or "", name, day): n for name, n in amounts.items() if n}


def average(sums: Mapping[str, Mapping[str, int]]) -> Average | None:
    """The average in the currency that most orders were paid in; `sums` is {currency: {N, VALUE ...: sum}}.

    None when there is no order, or none that was worth anything. The 95 % interval is the normal one of the logarithm
    of the mean: mean * exp(+-1.96 s / (mean sqrt(n))), by the delta method (Casella and Berger, Statistical Inference,
    2nd edition, 5.5.4), because order values lean far to the right and are never below zero.
    """
    currency = max(sums, key=lambda name: (sums[name].get(N, 0), name), default=None)
    if currency is None:
        return None
    found = sums[currency]
    n, total = found.get(N, 0), found.get(VALUE, 0)
    if n <= 0 or total <= 0:
        return None
    squares = found.get(SQUARES_HIGH, 0) * _PART + found.get(SQUARES, 0)
    mean = total / n
    # Whole numbers to the end: nothing is lost where a large mean is taken from large squares.
    spread = max(0, n * squares - total * total) / (n * max(1, n - 1))
    width = exp(Z * sqrt(spread / n) / mean)
    return Average(currency, n, mean, (mean / width, mean * width))

