"""When a delivery is tried again: the table of Standard Webhooks, read against a clock that only the test moves."""

import itertools
import random

import pytest

from integrations import TemporaryError
from widget_server.act.deliver import PATIENCE, RETRY_AFTER_LIMIT, SCHEDULE, Next, next_attempt

HOUR = 3600
FAILED = TemporaryError("answered 500")


class _Fixed(random.Random):
    """Always the same place between the two ends of the jitter."""

    def __init__(self, place: float) -> None:
        super().__init__()
        self.place = place

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * self.place


def _attempts(rng: random.Random) -> list[float]:
    """The seconds at which a delivery that always fails is tried."""
    now, times = 1_795_300_000_000, []
    began: int = now
    at: int | None = now
    while at is not None:
        times.append((at - began) / 1000)
        following = next_attempt(len(times), FAILED, at, rng)
        at = following and following.at
    return times


def test_ten_attempts_within_75_hours_and_35_minutes() -> None:
    times = _attempts(_Fixed(0.5))
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert waits == [5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
    assert times[-1] == 75 * HOUR + 35 * 60 + 5


@pytest.mark.parametrize(("place", "factor"), [(0.0, 0.8), (1.0, 1.2)])
def test_jitter_moves_each_wait_by_a_fifth_at_most(place: float, factor: float) -> None:
    assert _attempts(_Fixed(place))[-1] == pytest.approx(factor * sum(SCHEDULE), abs=0.02)


def test_two_deliveries_that_failed_together_do_not_come_back_together() -> None:
    seen = {next_attempt(4, FAILED, 0, random.Random(seed)) for seed in range(50)}
    assert len(seen) == 50


@pytest.mark.parametrize(
    ("made", "asked", "expected"),
    [
        (1, None, 5),
        (1, 0, 5),
        (1, 2, 5),  # asking for less changes nothing
        (1, 120, 120),
        (1, 10 * HOUR, RETRY_AFTER_LIMIT),
        (1, float("inf"), 5),
        (1, float("nan"), 5),
        (1, -30, 5),
        (3, 10 * HOUR, HOUR),
        (5, 30 * 60, 5 * HOUR),
        (9, 60, 24 * HOUR),
    ],
)
def test_retry_after_lengthens_the_wait_within_an_hour(
    made: int, asked: float | None, expected: float
) -> None:
    error = TemporaryError("answered 502", asked, status=502)
    assert next_attempt(made, error, 1000, _Fixed(0.5)) == Next(1000 + int(expected * 1000))


@pytest.mark.parametrize("made", [10, 11, 1000])
def test_after_the_tenth_it_is_over_whatever_was_asked_for(made: int) -> None:
    assert next_attempt(made, TemporaryError("answered 502", 60, status=502), 0, random.Random(1)) is None


@pytest.mark.parametrize("status", [429, 503])
def test_not_now_costs_no_attempt_and_is_waited_for_just_so_long(status: int) -> None:
    for made, asked, least in ((1, 60, 60), (1, 0, 5), (5, 60, 60), (10, 600, 600), (1, 10 * HOUR, 10 * HOUR)):
        error = TemporaryError("not now", asked, status=status)
        assert next_attempt(made, error, 1000, _Fixed(0.0)) == Next(1000 + least * 1000, counts=False)
        latest = next_attempt(made, error, 1000, _Fixed(1.0))
        assert latest is not None
        assert latest.at == pytest.approx(1000 + 1.2 * least * 1000, abs=2)


@pytest.mark.parametrize(("status", "asked"), [(429, None), (503, None), (503, float("inf")), (429, float("nan")), (500, 60), (502, 60), (None, 60)])
def test_without_a_time_or_with_another_status_it_counts(status: int | None, asked: float | None) -> None:
    following = next_attempt(1, TemporaryError("failed", asked, status=status), 0, _Fixed(0.5))
    assert following is not None
    assert following.counts


def test_after_five_days_not_now_counts_like_everything_else() -> None:
    error, began = TemporaryError("not now", 10 * 24 * HOUR, status=429), 1_000
    soon = next_attempt(1, error, began + PATIENCE * 1000 - 60_000, _Fixed(0.0), began)
    assert soon == Next(began + PATIENCE * 1000, counts=False), "not longer than the five days"
    assert next_attempt(1, error, began + PATIENCE * 1000, _Fixed(0.5), began) == Next(began + PATIENCE * 1000 + RETRY_AFTER_LIMIT * 1000)
    assert next_attempt(10, error, began + PATIENCE * 1000, _Fixed(0.5), began) is None
