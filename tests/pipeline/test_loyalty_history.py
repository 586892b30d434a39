"""Whatever is lost, repeated, late or interrupted on the way: points and coupons end as the platform's final state has them."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import SECRET_KEY
from tests.pipeline.loyalty_machine import machine
from widget_server.record.db import Database

# Every try writes to a disk, so that shrinking a failure would take minutes.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]


def check(database: Database, examples: int, steps: int = 30) -> Counter[str]:
    """So many histories. What happened in them, all in all."""
    made = machine(database)
    chosen = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, phases=PHASES,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(made, settings=chosen)
    return made.seen


def test_the_ledger_is_the_fold_over_the_final_state(sqlite_database: Database) -> None:
    seen = check(sqlite_database, 100)
    # Histories of nothing would prove nothing.
    assert seen["histories"] == 100
    assert all(seen[each] > 5 for each in ("struck", "owed", "earn", "died", "repeated", "lost")), seen


@pytest.mark.postgres
def test_the_ledger_is_the_fold_over_the_final_state_on_postgres(postgres_url: str) -> None:
    database = Database(postgres_url, SECRET_KEY)
    try:
        assert check(database, 20)["histories"] == 20
    finally:
        database.close()
