"""The dry run says what would really have happened."""

import random
from typing import Any

import pytest

from tests.pipeline.envelopes import NOW, event
from tests.pipeline.loyal import BEGIN, DAY, Loyal, customer, order, rating
from widget_server.act import dry_run as module
from widget_server.act import occasions
from widget_server.act.dry_run import Outcome, dry_run
from widget_server.contract.rules import errors
from widget_server.contract.times import format_time
from widget_server.record import endpoints
from widget_server.record.db import Database

PER = {"points_per": {"points": 1, "amount": "1.00", "currency": "EUR"}}
COUPON = {"coupon": {"kind": "percent", "amount": "10"}}
RULES: list[dict[str, Any]] = [
    {"when": "answer.given", "then": [{"points": 50}]},
    {"when": "answer.given", "then": [{"points": 50}, COUPON], "if": {"first": True, "question": ["order-rating"]}},
    {"when": "answer.given", "then": [{"points": 7}], "if": {"order_value": {"min": "50.00", "currency": "EUR"}, "segment": ["vip"]}},
    {"when": "answer.given", "then": [{"points": 40}, COUPON], "caps": {"customer": 90, "day": 120, "total": 400, "coupons": {"customer": 1, "total": 3}}},
    {"when": "answer.given", "then": [{"mail": {}}], "if": {"value": {"max": 2}}},
    {"when": "order.completed", "then": [PER, {"points": 3}]},
    {"when": "order.completed", "then": [PER], "if": {"first": True}, "caps": {"total": 300}},
    {"when": "order.completed", "then": [COUPON], "if": {"product": ["sku-1"], "language": ["lv"]}},
    {"when": "order.refunded", "then": [{"mail": {}}]},
    {"when": "customer.birthday", "then": [{"points": 9}, COUPON]},
    {"when": "customer.silent", "then": [{"points": 9}], "if": {"days": 20}},
]  # fmt: skip


@pytest.fixture
def loyal(database: Database) -> Loyal:
    return Loyal.open(database, "Europe/Riga")


def live_a_month(loyal: Loyal, seed: int) -> None:
    """Orders, answers, refunds, birthdays and silence, in the order in which they happen."""
    rng = random.Random(seed)
    loyal.hear(*(customer(f"c-{n}", BEGIN, birthday=f"11-{n + 1:02}", segments=["vip"] if n % 2 else [], language="lv") for n in range(6)))
    for n in range(60):
        at = NOW - 40 * DAY + n * 16 * 3_600_000 + rng.randrange(3600) * 1000
        who = f"c-{rng.randrange(5)}" if n % 4 else f"n-{n}"
        lines = [{"line": "1", "product": f"sku-{rng.randrange(3)}"}]
        ref, paid = f"A-{n}", rng.randrange(1, 120)
        bought = order(ref, at, customer=who, placed_at=format_time(at), completed_at=format_time(at), total=f"{paid}.00", lines=lines)
        loyal.hear(bought)
        if rng.random() < 0.7:
            loyal.hear(rating(ref, at + 1000, rng.randint(1, 5), rng.choice(["order-rating", "nps"])), source="browser")
        if rng.random() < 0.3:
            back = paid if rng.random() < 0.5 else 1
            loyal.hear(_refunded(bought, at + 2000, back))
        occasions.birthdays(loyal.database, at + 5000)
        occasions.silences(loyal.database, at + 5000)
    occasions.birthdays(loyal.database, NOW - 1)
    occasions.silences(loyal.database, NOW - 1)


def _refunded(bought: dict[str, Any], at: int, amount: int) -> dict[str, Any]:
    return event("order.updated", at, order={**bought["order"], "updated_at": format_time(at), "refunded": f"{amount}.00"})


def tried(loyal: Loyal, body: dict[str, Any]) -> Outcome:
    with loyal.database.reading() as conn:
        return dry_run(conn, loyal.shop, body, NOW)


@pytest.mark.parametrize("which", range(len(RULES)))
def test_it_is_what_really_happens(loyal: Loyal, which: int) -> None:
    body = {"name": "a rule", **RULES[which]}
    assert errors(body) == {}
    # In force for exactly the time that is looked at.
    loyal.rule(at=NOW - 30 * DAY, **RULES[which])
    live_a_month(loyal, which)
    with loyal.database.reading() as conn:
        found = conn.exec_driver_sql("SELECT points, customer FROM ledger").all()
        given = conn.exec_driver_sql("SELECT customer, state FROM coupons").all()
    outcome = tried(loyal, body)
    assert outcome.complete
    if "caps" not in body:
        # What a cap kept from one fact may have gone to another before the first was taken back.
        assert outcome.points == sum(points for points, _ in found)
        assert outcome.coupons == sum(state != "cancelled" for _, state in given)
        with_points = {who for who in {w for _, w in found} if sum(n for n, w in found if w == who)}
        assert outcome.customers == len(with_points | {who for who, state in given if state != "cancelled"})
    caps = body.get("caps", {})
    assert outcome.points <= caps.get("total", outcome.points)
    assert outcome.coupons <= caps.get("coupons", {}).get("total", outcome.coupons)
    assert outcome.facts > 0


def test_it_writes_nothing(loyal: Loyal) -> None:
    live_a_month(loyal, 1)
    with loyal.database.reading() as conn:
        tables = ("ledger", "coupons", "outbox", "events", "rule_versions")
        before = [conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() for table in tables]
    outcomes = [tried(loyal, {"name": "r", **each}) for each in RULES]
    # The reader's connection refuses every write; and nothing was written beside it.
    with loyal.database.reading() as conn:
        assert [conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() for table in tables] == before
    assert sum(outcome.points for outcome in outcomes) > 1000


def test_when_it_begins_and_ends_and_whether_it_is_on_make_no_difference(loyal: Loyal) -> None:
    live_a_month(loyal, 2)
    body = {"name": "r", **RULES[0]}
    later = {**body, "starts": "2030-01-01T00:00:00Z", "ends": "2031-01-01T00:00:00Z", "active": False}
    assert tried(loyal, later) == tried(loyal, body)
    assert tried(loyal, body).points > 0


def test_it_looks_at_30_days_and_says_when_that_was_too_much(loyal: Loyal, monkeypatch: pytest.MonkeyPatch) -> None:
    for days in (31, 29, 1):
        at = NOW - days * DAY
        loyal.hear(order(f"A-{days}", at, completed_at=format_time(at)), rating(f"A-{days}", at))
    body = {"name": "r", **RULES[0]}
    assert tried(loyal, body) == Outcome(NOW - 30 * DAY, NOW, 2, 100, 0, 1, complete=True)
    monkeypatch.setattr(module, "MOST_FACTS", 1)
    monkeypatch.setattr(module.facts, "PAGE", 1)
    assert tried(loyal, body) == Outcome(NOW - 30 * DAY, NOW - 29 * DAY, 1, 50, 0, 1, complete=False)


def test_a_score_is_judged_as_it_is_now(loyal: Loyal) -> None:
    loyal.hear(*(rating(f"S-{n}", NOW - DAY, 1) for n in range(12)), source="browser")
    body = {"name": "r", "when": "score.updated", "then": [{"mail": {}}], "if": {"metric": "stars", "score": {"max": 2}}}
    assert tried(loyal, body).facts == 1
    assert tried(loyal, {**body, "if": {"metric": "stars", "score": {"min": 2}}}).facts == 0


@pytest.mark.parametrize(
    ("which", "before", "after"),
    [
        ({"when": "order.completed"}, "No order was completed", None),
        ({"when": "order.completed", "if": {"language": ["lv"], "product": ["sku-9"], "first": True}}, "No order", "meets `if.product`."),
        ({"when": "order.completed", "if": {"language": ["lt"], "product": ["sku-9"]}}, "No order", "meets `if.language` and `if.product`."),
        ({"when": "order.refunded", "then": [{"mail": {}}]}, "refunded", None),
        ({"when": "customer.birthday"}, "30 days", None),
        ({"when": "customer.silent", "if": {"days": 2, "segment": ["vip"], "language": ["ru"]}}, "last order", "meets `if.language`."),
        ({"when": "customer.silent", "if": {"days": 900}}, "last order", "Nobody's last order"),
        ({"when": "score.updated", "then": [{"mail": {}}], "if": {"metric": "stars", "score": {"max": 1}}}, "enough", "meets `if.score`."),
    ],
)  # fmt: skip
def test_it_says_why_nothing_would_have_come_of_it(loyal: Loyal, which: dict[str, Any], before: str, after: str | None) -> None:
    body = {"name": "r", "then": [{"points": 5}], **which}
    assert errors(body) == {}
    why = tried(loyal, body).why
    assert why is not None
    assert before in why
    live_a_month(loyal, 5)
    loyal.hear(*(rating(f"S-{n}", NOW - DAY, 5) for n in range(12)), source="browser")
    outcome = tried(loyal, body)
    assert (outcome.facts == 0) is (after is not None)
    assert outcome.why is None if after is None else after in (outcome.why or "")


def test_it_says_when_no_customers_are_known(loyal: Loyal) -> None:
    loyal.hear(order("A-1", NOW - DAY, customer=None, completed_at=format_time(NOW - DAY)))
    outcome = tried(loyal, {"name": "r", "when": "order.completed", "then": [{"points": 5}]})
    assert (outcome.facts, outcome.points, outcome.why) == (1, 0, "No customers are known on these orders.")


def test_a_neighbour_is_not_looked_at(database: Database) -> None:
    mine, neighbour = Loyal.open(database), Loyal.open(database)
    live_a_month(neighbour, 3)
    for each in RULES:
        assert tried(mine, {"name": "r", **each}).facts == 0


def test_answers_that_do_not_count_are_not_looked_at(loyal: Loyal) -> None:
    loyal.hear(order(at=NOW - DAY), rating(at=NOW - DAY, marks=["bot"]), event("answer.given", NOW - DAY, question="nps", value=1, row="x", revision=NOW))
    assert tried(loyal, {"name": "r", **RULES[0]}).facts == 0


def test_the_endpoint_is_told_nothing(loyal: Loyal) -> None:
    with loyal.database.writing() as conn:
        endpoint = endpoints.create(conn, loyal.id, "https://example.com/", ("rule.fired",), NOW)[0].id
    live_a_month(loyal, 4)
    assert tried(loyal, {"name": "r", "when": "order.completed", "then": [{"webhook": {"endpoint": endpoint}}]}).facts > 10
    assert loyal.told() == []
