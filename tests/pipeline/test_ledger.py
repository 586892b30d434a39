"""The points ledger on both databases: settled, append-only, within its caps."""

import random
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.pipeline.envelopes import NOW
from widget_server.contract.loyalty import Loyalty
from widget_server.contract.order import tombstone
from widget_server.contract.points import Balance, Caps, Due
from widget_server.contract.times import DAY
from widget_server.record import ledger, loyalty
from widget_server.record.db import Database, lock_shops

SHOP = "shop_1"
WINDOW = 14 * DAY


def due(source: str = "order:A-1", points: int = 100, customer: str = "c1", **more: Any) -> Due:
    named = {"rule": "rul_1", "version": 1, "available_at": NOW + WINDOW, "at": NOW, "why": "for shopping here", **more}
    return Due(source=source, customer=customer, points=points, **named)


def settle(database: Database, *dues: Due, now: int = NOW, zone: str = "UTC") -> list[Any]:
    with database.writing() as conn:
        lock_shops(conn, [SHOP])
        return ledger.settle(conn, SHOP, dues, now, zone)


def balance(database: Database, customer: str = "c1", now: int = NOW) -> Balance:
    with database.reading() as conn:
        return ledger.balance(conn, SHOP, customer, now)


def test_points_are_pending_until_the_window_ends(database: Database) -> None:
    (entry,) = settle(database, due())
    assert (entry.kind, entry.points, entry.n) == ("earn", 100, 0)
    assert balance(database, now=NOW + WINDOW - 1) == Balance(0, 100)
    assert balance(database, now=NOW + WINDOW) == Balance(100, 0)


def test_what_is_settled_stays_settled(database: Database) -> None:
    settle(database, due())
    assert settle(database, due(), due(), now=NOW + DAY) == []
    assert balance(database) == Balance(0, 100)


def test_a_refund_takes_its_part_back_where_it_lies(database: Database) -> None:
    settle(database, due())
    (pending,) = settle(database, due(points=60, because="refunded"), now=NOW + DAY)
    assert (pending.kind, pending.points, pending.available_at) == ("refund", -40, NOW + WINDOW)
    later = NOW + WINDOW + DAY
    (approved,) = settle(database, due(points=0, because="cancelled"), now=later)
    assert (approved.kind, approved.points, approved.available_at) == ("refund", -60, later)
    assert balance(database, now=later) == Balance(0, 0)


def test_an_order_that_is_somebody_elses_takes_its_points_along(database: Database) -> None:
    settle(database, due(customer="e:guest"))
    moved = settle(database, due(customer="c7"), now=NOW + DAY)
    assert [(entry.customer, entry.points, entry.why["because"]) for entry in moved] == [
        ("e:guest", -100, "moved"), ("c7", 100, "moved"),
    ]  # fmt: skip
    assert balance(database, "e:guest", NOW + WINDOW) == Balance()
    assert balance(database, "c7", NOW + WINDOW) == Balance(100, 0)
    assert settle(database, due(customer="c7"), now=NOW + DAY) == []
    settle(database, due(customer="", points=0))
    assert balance(database, "c7", NOW + WINDOW) == Balance()


def test_nothing_due_asks_nothing_and_a_batch_asks_little(sqlite_database: Database) -> None:
    asked: list[str] = []
    with sqlite_database.writing() as conn:
        event.listen(conn, "before_cursor_execute", lambda *args: asked.append(args[2]))
        assert ledger.settle(conn, SHOP, [], NOW) == []
        assert asked == []
        caps = Caps(customer=10_000, day=100_000, total=100_000)
        ledger.settle(conn, SHOP, [due(f"order:{n}", customer=f"c{n % 7}", caps=caps) for n in range(300)], NOW)
        few = len(asked)
        asked.clear()
        ledger.settle(conn, SHOP, [due(f"order:{n}", 90, f"c{n % 7}", caps=caps) for n in range(300)], NOW)
    assert few <= 6
    assert len(asked) <= 4


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger SET points = 1000000", "UPDATE ledger SET customer = 'c2'", "UPDATE ledger SET why = '{}'",
        "UPDATE ledger SET available_at = 0", "UPDATE ledger SET kind = 'earn', n = 7", "DELETE FROM ledger",
        "UPDATE ledger SET customer = 'erased:x', points = points + 1", "DELETE FROM ledger WHERE points < 0",
        "UPDATE ledger SET customer = 'erased:x', expires_at = 5", "UPDATE ledger SET source = 'order:other'",
    ],
)  # fmt: skip
def test_the_database_refuses_to_change_the_ledger(database: Database, change: str) -> None:
    settle(database, due())
    settle(database, due(points=30))
    with database.reading() as conn:
        before = conn.execute(text("SELECT * FROM ledger ORDER BY id")).all()
    with pytest.raises(DBAPIError, match="append-only"), database.writing() as conn:
        conn.execute(text(change))
    with database.reading() as conn:
        assert conn.execute(text("SELECT * FROM ledger ORDER BY id")).all() == before


def test_not_even_the_whole_table_can_be_emptied(postgres_url: str) -> None:
    database = Database(postgres_url, "k" * 32)
    settle(database, due())
    with pytest.raises(DBAPIError, match="append-only"), database.writing() as conn:
        conn.execute(text("TRUNCATE ledger"))
    database.close()


def test_a_line_can_be_written_once(database: Database) -> None:
    (entry,) = settle(database, due())
    with pytest.raises(IntegrityError), database.writing() as conn:
        ledger.add(conn, SHOP, [entry])
    with database.writing() as conn:
        ledger.add(conn, "shop_2", [entry])
    assert balance(database) == Balance(0, 100)


def test_a_rule_and_source_have_one_line_of_each_number(database: Database) -> None:
    """Whatever its id: the database itself knows what a line is."""
    settle(database, due())
    copied = text(
        "INSERT INTO ledger SELECT :id, :shop, 'c2', :rule, rule_version, :source, :n, kind, points, at, available_at, "
        "expires_at, day, why FROM ledger WHERE customer = 'c1'"
    )
    same = {"shop": SHOP, "rule": "rul_1", "source": "order:A-1", "n": 0}
    with pytest.raises(IntegrityError), database.writing() as conn:
        conn.execute(copied, {**same, "id": "pt_other"})
    for name, other in (("shop", "shop_2"), ("rule", "rul_2"), ("source", "order:A-2"), ("n", 1)):
        with database.writing() as conn:
            conn.execute(copied, {**same, "id": f"pt_{name}", name: other})
    assert balance(database, "c2") == Balance(0, 300)


def test_an_erasure_leaves_the_numbers(database: Database) -> None:
    settle(database, due(), due("birthday:2025:c1", 10), due("silent:c1:A-1", 5), due("order:B", 3, "c1:x"))
    name = tombstone("key", "c1")
    with database.writing() as conn:
        ledger.erase(conn, SHOP, "c1", name)
        ledger.erase(conn, SHOP, "c1", name)
    assert balance(database) == Balance()
    assert balance(database, name) == Balance(0, 115)
    with database.reading() as conn:
        lines = ledger.of_customer(conn, SHOP, name)
    assert {line.source for line in lines} == {"order:A-1", f"birthday:2025:{name}", f"silent:{name}:A-1"}
    assert "c1" not in "".join(f"{line.source} {line.why}" for line in lines).replace(name, "")
    assert balance(database, "c1:x") == Balance(0, 3)
    settle(database, due(points=0, because="refunded", customer=name))
    settle(database, due(customer=name))
    assert balance(database, name) == Balance(0, 15)


@pytest.mark.parametrize("seed", range(4))
def test_no_history_exceeds_a_cap(database: Database, seed: int) -> None:
    """Earning, refunds, refunds undone, orders that change hands, caps that are lowered; each batch in any order."""
    rng = random.Random(seed)
    caps = Caps(customer=250, day=400, total=700)
    for step in range(40):
        batch = [
            due(
                f"order:{number}", rng.choice((0, 40, 100, 100, 160)), f"c{rng.randrange(4)}", caps=caps,
                at=NOW + (number % 3) * DAY,
            )
            for number in rng.sample(range(15), rng.randrange(1, 6))
        ]  # fmt: skip
        settle(database, *batch, now=NOW + step * DAY // 4)
        with database.reading() as conn:
            lines = list(ledger.of_shop(conn, SHOP))
            kept = ledger.given(conn, SHOP)
        total: Counter[str] = Counter()
        for line in lines:
            total["all"] += line.points
            total[line.customer] += line.points
            total[line.day] += line.points
            total[line.source] += line.points
        assert total["all"] == kept.get(("rul_1", ""), 0) <= 700
        assert all(total[line.customer] <= 250 for line in lines)
        assert all(total[line.day] == kept["rul_1", line.day] <= 400 for line in lines if line.day)
        assert all(total[line.source] >= 0 for line in lines)
        for owed in batch:
            assert total[owed.source] <= owed.points


def test_a_days_cap_counts_the_shops_days(database: Database) -> None:
    night = 1_763_848_800_000  # 2025-11-22T22:00:00Z, the 23rd in Riga
    caps = Caps(day=100)
    settle(database, due("order:1", 80, at=night - 1, caps=caps), due("order:2", 80, at=night, caps=caps), zone="Europe/Riga")
    assert balance(database) == Balance(0, 160)
    (capped,) = settle(database, due("order:3", 80, at=night + DAY - 1, caps=caps), zone="Europe/Riga")
    assert (capped.points, capped.why["capped"]) == (20, 60)


def test_what_a_refund_frees_can_be_given_in_the_same_batch(database: Database) -> None:
    caps = Caps(total=100)
    settle(database, due("order:2", caps=caps))
    settle(database, due("order:1", caps=caps, at=NOW - DAY), due("order:2", 0, caps=caps))
    with database.reading() as conn:
        assert [line.points for line in ledger.of_source(conn, SHOP, "rul_1", "order:1")] == [100]


@pytest.mark.parametrize("points", [-1, 1_000_000_001, 2**53, 1.0, True, "5", None])
def test_points_are_whole_and_bounded(points: Any) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        due(points=points)


def test_big_sums_stay_exact(database: Database) -> None:
    settle(database, *(due(f"order:{n}", 1_000_000_000 - n) for n in range(50)))
    assert balance(database) == Balance(0, 50 * 1_000_000_000 - sum(range(50)))


def test_customers_are_listed_by_name(database: Database) -> None:
    settle(database, *(due(f"order:{n}", 10 + n, f"c{n % 3}") for n in range(6)))
    with database.reading() as conn:
        assert ledger.customers(conn, SHOP, NOW, "", 2) == [("c0", Balance(0, 23)), ("c1", Balance(0, 25))]
        assert ledger.customers(conn, SHOP, NOW, "c1", 2) == [("c2", Balance(0, 27))]
        assert ledger.customers(conn, "shop_2", NOW, "", 2) == []


def test_settings_are_the_shops_own(database: Database) -> None:
    with database.writing() as conn:
        loyalty.replace(conn, SHOP, Loyalty(7, 365))
        assert loyalty.of_shop(conn, SHOP) == Loyalty(7, 365)
        assert loyalty.of_shop(conn, "shop_2") == Loyalty(14, None)
    (entry,) = settle(database, due(available_at=NOW + 7 * DAY))
    assert entry.expires_at == NOW + (7 + 365) * DAY
