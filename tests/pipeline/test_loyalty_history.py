"""Whatever is lost, repeated, late or interrupted on the way: points and coupons end as the platform's final state has them."""

import random
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import SECRET_KEY
from tests.pipeline.histories import DAY, GUEST, MINUTE, World, spends
from tests.pipeline.loyalty_machine import FOR_ANSWERS, FOR_ORDERS, machine
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


# On a machine that is busy with ten other things.
@pytest.mark.timeout(900)
def test_the_ledger_is_the_fold_over_the_final_state(sqlite_database: Database) -> None:
    seen = check(sqlite_database, 100)
    # Histories of nothing would prove nothing.
    assert seen["histories"] == 100
    assert all(seen[each] > 5 for each in ("struck", "owed", "earn", "died", "repeated", "lost")), seen


@pytest.mark.postgres
@pytest.mark.timeout(900)
def test_the_ledger_is_the_fold_over_the_final_state_on_postgres(postgres_url: str) -> None:
    database = Database(postgres_url, SECRET_KEY)
    try:
        assert check(database, 20)["histories"] == 20
    finally:
        database.close()


def test_many_at_once_end_alike(database: Database) -> None:
    """Eight threads apply the same words in other orders and batches, while the owner edits rules and shoppers spend."""
    world = World(database)
    try:
        chosen = random.Random(4)
        for body in (FOR_ORDERS, FOR_ANSWERS, {**FOR_ANSWERS, "if": {"first": True}, "caps": {"total": 400, "customer": 150}}):
            world.save_rule(body)
        _tell(world, chosen)
        batches = [chosen.sample(world.waiting, len(world.waiting)) for _ in range(6)]
        world.waiting.clear()
        world.process(batches[0][:20])
        with ThreadPoolExecutor(8) as pool:
            work = [pool.submit(_apply, world, events, chosen.choice([1, 7, 20])) for events in batches]
            work += [pool.submit(_edit, world), pool.submit(_spend, world)]
            for one in work:
                one.result(120)
        # No reading makes up for what one thread has overwritten of another.
        world.finish(reads=False)
        kinds = Counter(line.kind for line in world.lines())
        assert min(kinds["earn"], kinds["redeem"]) > 5, kinds
    finally:
        world.close()


def _tell(world: World, chosen: random.Random) -> None:
    for number in range(12):
        ref = f"O-{number}"
        world.change(ref, status="processing", customer=chosen.choice(["c1", "c2", GUEST]), total=1000 * (1 + number))
        world.wait(chosen.choice([1000, 3000]))
        world.change(ref, status="completed")
        # Two parts of one answer; the second to be said is the first that counts.
        for offset in (MINUTE, chosen.choice([0, 2 * MINUTE])):
            world.say(answer(world, ref, offset))
        world.wait(1000)
        world.change(ref, refunded=chosen.choice([0, 0, 333, 1000]))
    world.wait(2 * DAY)
    for number in range(12, 18):
        # Clocks that run ahead: these come after any edit of a rule, whatever was first.
        world.change(f"O-{number}", status="processing", customer="c1", total=100)
        world.say(answer(world, f"O-{number}", 5 * MINUTE))


def answer(world: World, ref: str, offset: int) -> dict[str, Any]:
    return {
        "id": str(uuid.UUID(int=len(world.said), version=4)), "type": "answer.given", "at": world.now + offset,
        "question": "order-rating", "value": 5, "order": {"ref": ref, "line": None, "sku": []},
    }  # fmt: skip


def _apply(world: World, events: list[dict[str, Any]], size: int) -> None:
    for start in range(0, len(events), size):
        world.process(events[start : start + size])


def _edit(world: World) -> None:
    names = list(world.rules)
    for points in range(51, 71):
        world.save_rule({**FOR_ANSWERS, "then": [{"points": points}]}, names[1])


def _spend(world: World) -> None:
    for number in range(60):
        with world.database.writing() as conn:
            spends(conn, world.shop.id, ["c1", "c2", GUEST][number // 2 % 3], 10, f"spent {number // 2}", world.now)
