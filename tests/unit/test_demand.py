"""Lost demand and the average order value: by hand, by simulation, and at the ends."""

import math
import random
import statistics
from typing import Any

import pytest

from widget_server.contract import demand
from widget_server.contract.demand import Conversion, lost
from widget_server.contract.order import Order, merged
from widget_server.contract.order_values import Average, average, counts

PLACED = "2025-11-22T08:00:00.000Z"
AT = 1_763_800_000_000


def order(shop: str = "s", **header: Any) -> Order:
    said = {"ref": "1", "status": "processing", "currency": "EUR", "total": "12.50", "placed_at": PLACED, **header}
    said = {name: value for name, value in said.items() if value is not None}
    return merged(None, shop, {"id": "e", "type": "order.placed", "at": AT, "order": said})


def amounts(value: Order | None, zone: str = "UTC") -> dict[tuple[str, str, str], int]:
    return {(count.key, count.bucket, count.day): n for count, n in counts(value, zone).items()}


def sums(values: list[int], currency: str = "EUR") -> dict[str, dict[str, int]]:
    found = {"n": len(values), "value": sum(values)}
    squares = sum(value * value for value in values)
    # Added up order by order, as counters do.
    high = sum(value * value // 2**31 for value in values)
    return {currency: {**found, "squares_high": high, "squares": squares - high * 2**31}}


def test_an_order_counts_with_what_was_paid_less_what_was_paid_back() -> None:
    day = "2025-11-22"
    assert amounts(order()) == {("EUR", "n", day): 1, ("EUR", "value", day): 1250, ("EUR", "squares", day): 1250**2}
    assert amounts(order(refunded="2.50"))["EUR", "value", day] == 1000
    assert amounts(order(currency="JPY", total="1250"))["JPY", "value", day] == 1250
    assert amounts(order(currency=None))["", "value", day] == 1250
    assert amounts(order(total="0")) == {("EUR", "n", day): 1}
    (n, *_) = amounts(order(placed_at="2025-11-22T23:30:00.000Z"), "Europe/Riga")
    assert n[2] == "2025-11-23"


@pytest.mark.parametrize(
    "header",
    [{"status": "cancelled"}, {"status": "refunded"}, {"refunded": "12.50"}, {"total": None}, {"status": "failed"}],
)
def test_what_was_not_sold_or_has_no_total_does_not_count(header: dict[str, Any]) -> None:
    assert amounts(order(**header)) == {}
    assert amounts(None) == {}


def test_an_absurd_order_neither_outweighs_all_others_nor_overflows() -> None:
    found = amounts(order(total="99999999999999.99"))
    assert found["EUR", "value", "2025-11-22"] == 10**11
    # A million of these still fit a database's whole number.
    assert max(found.values()) * 1_000_000 < 2**63


def test_the_average_is_that_of_the_currency_most_orders_were_paid_in() -> None:
    values = [1000, 2000, 4000, 3000, 5000]
    both = {**sums(values), **sums([90_000, 70_000], "SEK")}
    found = average(both)
    assert found is not None
    assert (found.currency, found.n, found.value, found.enough) == ("EUR", 5, 3000.0, False)
    wide = math.exp(1.959963984540054 * statistics.stdev(values) / math.sqrt(5) / 3000)
    assert found.interval == pytest.approx((3000 / wide, 3000 * wide))
    assert average({}) is None
    assert average(sums([])) is None
    assert average(sums([0, 0, 0])) is None


def test_the_spread_is_exact_for_large_and_for_equal_orders() -> None:
    rng = random.Random(3)
    values = [50_000_000_000 + rng.randrange(100) for _ in range(400)]
    found = average(sums(values))
    assert found is not None
    half = 1.959963984540054 * statistics.stdev(values) / 20
    assert found.interval[1] - found.value == pytest.approx(half, rel=1e-3)
    same = average(sums([2500] * 12))
    assert same == Average("EUR", 12, 2500.0, (2500.0, 2500.0))


def test_lost_demand_by_hand() -> None:
    # 40 said "no" to an average of 50.00 EUR that is known within a fifth; 3 % of searches end in an order.
    found = lost(40, Average("EUR", 80, 5000.0, (5000 / 1.2, 5000 * 1.2)), Conversion(300, own=True))
    assert found is not None
    assert (found.currency, found.value) == ("EUR", pytest.approx(40 * 5000 * 0.03))
    # Score interval of 40: 41.92 +- 1.96 sqrt(40.96).
    low, high = 41.9207 - 12.5438, 41.9207 + 12.5438
    assert demand.poisson(40) == pytest.approx((low, high), abs=1e-3)
    below = math.sqrt(math.log(40 / low) ** 2 + math.log(1.2) ** 2)
    above = math.sqrt(math.log(high / 40) ** 2 + math.log(1.2) ** 2)
    assert found.interval == pytest.approx((6000 * math.exp(-below), 6000 * math.exp(above)), rel=1e-4)


def test_nothing_is_said_in_money_without_enough_orders() -> None:
    few = Average("EUR", 9, 5000.0, (4000.0, 6000.0))
    assert lost(40, few, Conversion()) is None
    assert lost(40, None, Conversion()) is None


def test_nobody_said_no_is_nothing_lost_but_not_surely() -> None:
    found = lost(0, Average("EUR", 90, 5000.0, (4000.0, 6000.0)), Conversion(1000))
    assert found is not None
    assert found.value == 0
    assert found.interval == (0.0, pytest.approx(3.8415 * 6000 * 0.1, rel=1e-4))


def test_the_interval_holds_the_truth_nineteen_times_in_twenty() -> None:
    """Counts of 25 on average, 120 orders that lean to the right; the truth is 25 x the true mean x the conversion."""
    rng = random.Random(20261122)
    sigma, times = 0.8, 1500
    true_mean = 4000 * math.exp(sigma * sigma / 2)
    held = 0
    for _ in range(times):
        values = [round(4000 * math.exp(rng.gauss(0, sigma))) for _ in range(120)]
        known = average(sums(values))
        found = lost(_poisson(rng, 25), known, Conversion(250))
        assert found is not None
        held += found.interval[0] <= 25 * true_mean * 0.025 <= found.interval[1]
    assert 0.93 <= held / times <= 0.975


def test_twice_the_conversion_is_twice_the_money() -> None:
    known = Average("EUR", 90, 5000.0, (4000.0, 6000.0))
    one, two = lost(7, known, Conversion(150)), lost(7, known, Conversion(300))
    assert one is not None
    assert two is not None
    assert two.value == pytest.approx(2 * one.value)
    assert two.interval == pytest.approx(tuple(2 * end for end in one.interval))


def _poisson(rng: random.Random, mean: float) -> int:
    left, count = math.exp(-mean), 0
    product = rng.random()
    while product > left:
        product *= rng.random()
        count += 1
    return count
