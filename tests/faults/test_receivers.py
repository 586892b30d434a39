"""Bad receivers in a short form, on both databases: nothing lost, nothing told twice, every attempt over in time."""

from tests.faults.bad_server import MODES
from tests.faults.receivers import beside_a_hung_one, measure

DEADLINE = 0.3
# What a loaded machine may add before the test calls an attempt endless; `make faults` holds it to half a second.
SLACK = 5.0


def test_bad_receivers_cost_nobody_a_message(database_url: str) -> None:
    measured = measure(48, DEADLINE, database_url)
    outcome = measured.outcome
    print(outcome.notes)
    assert outcome.struck == len(MODES) == 12
    assert outcome.finding.acknowledged >= 48
    assert (outcome.finding.lost, outcome.finding.doubled, outcome.finding.problems) == (0, 0, [])
    assert measured.late < SLACK


def test_who_hangs_holds_up_nobody_else_of_its_shop() -> None:
    """The hung one would take 15 s a message."""
    waited = beside_a_hung_one(20)
    print(f"p95 {waited:.2f} s")
    assert waited < SLACK
