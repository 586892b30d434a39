"""`verify` recounts points and coupons: nothing to say about what the program wrote, and a word for each thing that is wrong."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, text

from tests.pipeline.envelopes import NOW, envelope, event
from widget_server.act import loyalty, rules
from widget_server.act.pipeline import process
from widget_server.act.verify import verify
from widget_server.contract.coupons import CouponTerms
from widget_server.contract.points import Entry
from widget_server.contract.times import DAY
from widget_server.record import ledger, shops
from widget_server.record.db import Database, lock_shops

FIVE = CouponTerms("fixed", 500, "EUR", 30)
PER_EURO = {"points_per": {"points": 1, "amount": "1.00", "currency": "EUR"}}
RULES: tuple[dict[str, Any], ...] = (
    {"name": "a point a euro", "when": "order.completed", "then": [PER_EURO]},
    {"name": "capped", "when": "order.completed", "then": [{"points": 50}], "caps": {"total": 120}},
    {"name": "a coupon", "when": "order.completed", "then": [{"coupon": {"kind": "percent", "amount": "10"}}]},
)


def order(ref: str, status: str = "completed", at: int = NOW, **more: Any) -> dict[str, Any]:
    said = {"ref": ref, "status": status, "customer": "c1", "total": "80.00", "currency": "EUR", **more}
    return event("order.updated", at, order=said)


@pytest.fixture
def shop(database: Database) -> str:
    """Rules, orders, one of which was refunded in part and one cancelled, and two redemptions, one of which failed."""
    with database.writing() as conn:
        made = shops.create(conn, "Shop", "shop.example")
        lock_shops(conn, [made.id])
        found = shops.by_id(conn, made.id)
        assert found is not None
        for body in RULES:
            rules.create(conn, found, body, NOW - DAY)
    orders = [order(f"A-{n}") for n in range(4)]
    later = [order("A-1", refunded="20.00", at=NOW + 1000), order("A-2", "cancelled", NOW + 1000), order("A-3", customer="c2", at=NOW + 1000)]
    process(database, [envelope(made.id, each, "platform") for each in orders])
    process(database, [envelope(made.id, each, "platform") for each in later])
    with database.writing() as conn:
        loyalty.adjust(conn, made.id, "c1", "one", 1000, "a present", NOW)
        loyalty.redeem(conn, made.id, "c1", str(uuid.uuid4()), 100, FIVE, NOW + 1)
        failed = loyalty.redeem(conn, made.id, "c1", str(uuid.uuid4()), 100, FIVE, NOW + 2)
        loyalty.coupon_told(conn, made.id, failed.coupon.id, "failed", NOW + 3)
    return made.id


def test_what_the_program_wrote_is_right(database: Database, shop: str) -> None:
    assert list(verify(database)) == []
    with database.reading() as conn:
        kinds = {line.kind for line in ledger.of_shop(conn, shop)}
    assert kinds == {"earn", "refund", "correction", "redeem", "return"}


def forge(conn: Connection, shop: str, **changed: Any) -> None:
    """A line that nobody owes."""
    line = {"customer": "c1", "rule": "rul_x", "rule_version": 1, "source": "order:A-0", "n": 0, "kind": "earn", "points": 5}
    ledger.add(conn, shop, [Entry(**{**line, "at": NOW, "available_at": NOW, **changed})])


def first_of(conn: Connection, shop: str, name: str, source: str = "order:A-0") -> Entry:
    (found,) = [line for line in ledger.of_shop(conn, shop) if line.why.get("name") == name and line.source == source]
    return found


def again(conn: Connection, shop: str) -> None:
    """The points of an order a second time."""
    line = first_of(conn, shop, "a point a euro")
    forge(conn, shop, rule=line.rule, n=1, points=line.points, day=line.day)


def above_the_cap(conn: Connection, shop: str) -> None:
    line = first_of(conn, shop, "capped")
    forge(conn, shop, rule=line.rule, n=1, points=5, day=line.day)


def too_little(conn: Connection, shop: str) -> None:
    line = first_of(conn, shop, "a point a euro")
    forge(conn, shop, rule=line.rule, n=1, points=-5, day=line.day, kind="correction")


def another_number(conn: Connection, shop: str) -> None:
    line = first_of(conn, shop, "a point a euro")
    forge(conn, shop, rule=line.rule, n=7, points=0, day=line.day)


def by_sql(statement: str) -> Callable[[Connection, str], None]:
    return lambda conn, shop: conn.execute(text(statement)) and None


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (again, "points of c1 by rule rule_"),
        (above_the_cap, "points of c1 by rule rule_"),
        (too_little, "points of c1 by rule rule_"),
        (another_number, "number of line pt_"),
        (forge, "points of c1 by rule rul_x for order:A-0"),
        (lambda conn, shop: forge(conn, shop, rule="redeem", source="redeem:x", kind="redeem", points=-5), "coupon of redeem:x"),
        (lambda conn, shop: forge(conn, shop, rule="expiry", source="expiry:pt_x", kind="expiry", points=-5), "that expired"),
        (by_sql("UPDATE ledger_given SET points = points + 1 WHERE day = ''"), "altogether"),
        (by_sql("DELETE FROM coupons WHERE rule = 'redeem' AND state = 'failed'"), "coupon of redeem:"),
        (by_sql("UPDATE coupons SET state = 'done' WHERE state = 'failed'"), "whose coupon did not fail"),
        (by_sql("UPDATE coupons SET state = 'failed' WHERE rule = 'redeem'"), "whose coupon failed"),
        (by_sql("DELETE FROM coupons WHERE source = 'order:A-0'"), "coupon by rule"),
        (by_sql("UPDATE coupons SET state = 'done' WHERE source = 'order:A-2'"), "coupon by rule"),
        (by_sql("UPDATE coupons SET customer = 'c9' WHERE source = 'order:A-0'"), "c9 in place of c1"),
        (by_sql("UPDATE coupons SET state = 'sending' WHERE source = 'order:A-0'"), "message of coupon cpn_"),
        (by_sql("UPDATE orders SET customer = 'c3', state = replace(state, '\"c1\"', '\"c3\"') WHERE ref = 'A-0'"), "points of c3"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(database: Database, shop: str, harm: Callable[[Connection, str], None], says: str) -> None:
    with database.writing() as conn:
        harm(conn, shop)
    found = list(verify(database))
    assert any(says in one.row for one in found), found
    assert all(one.stored != one.counted for one in found)
