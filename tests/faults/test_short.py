"""Every fault in a short form. What is asserted is what `make faults` asserts of hours, times aside."""

from collections.abc import Callable

import pytest

from tests.faults import Outcome, away, starve, strikes

FAULTS: dict[str, Callable[[], Outcome]] = {
    "kill": lambda: strikes.one_machine({"consumer": 6, "valkey": 1, "web": 1, "worker": 1, "supervisor": 1}, 0),
    "frozen": lambda: starve.frozen_consumer(2),
    "silent": lambda: away.stopped(1.5, clients=16),
    "gone": lambda: away.killed(1.5, clients=16),
    "full": starve.spill_full,
    "half-sent": lambda: starve.half_sent(2, sockets=300),
}


def check(outcome: Outcome) -> None:
    print(outcome)
    assert outcome.finding.acknowledged > 0
    assert outcome.struck > 0
    assert (outcome.finding.lost, outcome.finding.doubled, outcome.finding.problems) == (0, 0, [])


@pytest.mark.parametrize("name", FAULTS)
def test_nothing_acknowledged_is_lost_or_doubled(name: str) -> None:
    check(FAULTS[name]())


@pytest.mark.postgres
def test_nothing_acknowledged_is_lost_or_doubled_on_postgres() -> None:
    check(strikes.many_processes({"consumer": 4, "valkey": 1, "web": 1, "worker": 1, "database": 2}, 0))
