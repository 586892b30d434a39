"""Lost demand: what the shoppers who did not find something might have bought, in money. Pure.

    lost demand = searches that said "no"  x  average order value  x  search conversion

- *Searches that said "no"* are counted, not estimated: shoppers who answered the question on the search page with "no".
  Whoever did not answer is not in it, so the real loss is rather larger.
- The *average order value* is the shop's own (`order_values`).
- *Search conversion* is the share of searches that end in an order when shoppers do find something. We cannot see it; the
  owner sets it. Until then it is `FIRST_CONVERSION`, the careful end of what has been measured: 2.4 % of visits with a
  search over 39 British specialist shops (Screen Pages, 2011), 4.3 % and more elsewhere.

**The interval** tells how far the product may be off for two reasons: as many shoppers might have said "no" by chance in
such a period, and the average comes from so many orders. It is the 95 % interval of what would be lost in the long run
in a period like this one, given the conversion: that one is the owner's assumption, it is not uncertain but right or
wrong, and the money grows and shrinks in step with it.

The number of "no" is taken as a Poisson count with its score interval, k + z^2/2 +- z sqrt(k + z^2/4) (the limit of
Wilson's for rare things; L. Barker, The American Statistician 56 (2002) 85-89). The two intervals are joined on the
logarithmic scale by the method of variance estimates recovery (G. Y. Zou and A. Donner, Statistics in Medicine 27 (2008)
1693-1702): each end lies sqrt(a^2 + b^2) from the product, a and b being the distances of the two factors' own ends.
"""

from dataclasses import dataclass
from math import exp, hypot, log, sqrt

from .order_values import Average
from .scores import Z

# Shares are kept in hundredths of a percent, so that what an owner typed is what is read.
WHOLE = 10_000
FIRST_CONVERSION = 200
LEAST_CONVERSION, MOST_CONVERSION = 1, WHOLE


@dataclass(frozen=True, slots=True)
class Conversion:
    """The share of searches that end in an order: `parts` of WHOLE. `own`: the owner has set it."""

    parts: int = FIRST_CONVERSION
    own: bool = False

    @property
    def share(self) -> float:
        return self.parts / WHOLE


@dataclass(frozen=True, slots=True)
class Lost:
    """Lost demand in the smallest unit of `currency`, with its 95 % interval."""

    currency: str
    value: float
    interval: tuple[float, float]


def lost(said_no: int, average: Average | None, conversion: Conversion) -> Lost | None:
    """What so many searches lost; None while there are too few orders to tell an average."""
    if average is None or not average.enough:
        return None
    each = average.value * conversion.share
    low, high = poisson(said_no)
    if said_no == 0:
        return Lost(average.currency, 0.0, (0.0, high * average.interval[1] * conversion.share))
    value = said_no * each
    below = hypot(log(said_no / low), log(average.value / average.interval[0]))
    above = hypot(log(high / said_no), log(average.interval[1] / average.value))
    return Lost(average.currency, value, (value * exp(-below), value * exp(above)))


def poisson(count: int) -> tuple[float, float]:
    """The 95 % score interval of what a Poisson count was to be expected to be."""
    centre, half = count + Z * Z / 2, Z * sqrt(count + Z * Z / 4)
    return (0.0 if count == 0 else centre - half), centre + half
