"""Whatever is lost, repeated, late or interrupted on the way: points and coupons end as the platform's final state has them."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import SECRET_KEY
from tests.pipeline.loyalty_machine import machine
from widget_server.record.db import Database

# Every try writes to a disk, so that shrinking a failure would take minutes.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]


def of(examples: int, steps: int = 30) -> settings:
    return settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, phases=PHASES,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


def test_the_ledger_is_the_fold_over_the_final_state(sqlite_database: Database) -> None:
    run_state_machine_as_test(machine(sqlite_database), settings=of(100))


@pytest.mark.postgres
def test_the_ledger_is_the_fold_over_the_final_state_on_postgres(postgres_url: str) -> None:
    database = Database(postgres_url, SECRET_KEY)
    try:
        run_state_machine_as_test(machine(database), settings=of(15))
    finally:
        database.close()
