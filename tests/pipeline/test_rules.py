"""Rules in the pipeline: what facts are worth at any moment, whatever was heard of when."""

import random
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from tests.pipeline.envelopes import NOW, event
from tests.pipeline.loyal import BEGIN, DAY, Loyal, customer, cut, decided, order, rating
from widget_server.contract.times import format_time
from widget_server.record import answers, endpoints, outbox
from widget_server.record.db import Database
from widget_server.record.rules import LIMIT, MOST_VERSIONS, RuleConflict

ANSWER, ORDER = "answer:order-rating:order:A-1 c-1", "order:A-1 c-1"
PER = {"points_per": {"points": 1, "amount": "1.00", "currency": "EUR"}}
COUPON = {"coupon": {"kind": "percent", "amount": "10", "days": 30}}


@pytest.fixture
def loyal(database: Database) -> Loyal:
    return Loyal.open(database)


@pytest.mark.parametrize("batches", [["a", "o"], ["o", "a"], ["ao"], ["a", "a", "o", "o"], ["oa", "ao"]])
def test_an_answer_is_rewarded_once_whether_its_order_comes_before_or_after(loyal: Loyal, batches: list[str]) -> None:
    loyal.rule(then=[{"points": 50}, COUPON])
    known = {"a": rating(), "o": order()}
    for batch in batches:
        loyal.hear(*(known[each] for each in batch))
    assert loyal.check() == {ANSWER: 50}
    assert loyal.lines() == [50]
    assert loyal.coupons() == {"answer:order-rating:order:A-1": "planned"}


def test_an_answer_alone_is_worth_nothing(loyal: Loyal) -> None:
    loyal.rule(then=[{"points": 50}, COUPON])
    loyal.hear(rating("A-1"), event("answer.given", question="order-rating", value=5), source="browser")
    loyal.hear(order("A-2"), order("A-3", customer=None))
    loyal.hear(rating("A-3"), source="browser")
    assert loyal.check() == {}
    assert loyal.coupons() == {}


@pytest.mark.parametrize(
    ("then", "left", "coupon"),
    [
        ([{"refunded": "30.00"}], 50, "planned"), ([{"refunded": "100.00"}], 0, "cancelled"), ([{"status": "cancelled"}], 0, "cancelled"),
        ([{"status": "refunded"}], 0, "cancelled"), ([{"status": "cancelled"}, {}], 50, "planned"), ([{"status": "failed"}], 0, "cancelled"),
    ],
)  # fmt: skip
def test_a_cancelled_order_takes_the_reward_of_its_answer_back(loyal: Loyal, then: Any, left: int, coupon: str) -> None:
    loyal.rule(then=[{"points": 50}, COUPON])
    loyal.hear(rating(), source="browser")
    loyal.hear(order())
    for n, more in enumerate(then, 1):
        loyal.hear(order(at=NOW + n * 1000, **more))
    assert loyal.check() == ({ANSWER: left} if left else {})
    assert loyal.coupons() == {"answer:order-rating:order:A-1": coupon}


@pytest.mark.parametrize(
    ("decisions", "left"),
    [
        (["quarantined"], 0), (["removed"], 0), (["quarantined", "released"], 50), (["quarantined", "released", "quarantined"], 0),
        (["released"], 50), (["quarantined", "removed", "released"], 0),
    ],
)  # fmt: skip
def test_what_does_not_count_earns_nothing(loyal: Loyal, decisions: list[str], left: int) -> None:
    loyal.rule(then=[{"points": 50}, COUPON])
    loyal.hear(order(), rating())
    for n, kind in enumerate(decisions, 1):
        loyal.hear(decided(kind, at=NOW + n), source="owner")
    assert loyal.check() == ({ANSWER: left} if left else {})
    assert loyal.coupons() == {"answer:order-rating:order:A-1": "planned" if left else "cancelled"}


def test_a_suspect_answer_earns_when_it_is_released(loyal: Loyal) -> None:
    loyal.rule()
    loyal.hear(order(), rating(marks=["bot"]))
    assert loyal.check() == {}
    loyal.hear(decided("released"), source="owner")
    assert loyal.check() == {ANSWER: 50}


@pytest.mark.parametrize(
    ("then", "steps"),
    [
        ([PER], [({}, 100), ({"refunded": "30.00"}, 70), ({"refunded": "100.00"}, 0), ({}, 100)]),
        ([{"points": 7}], [({"status": "processing", "completed_at": None}, 0), ({}, 7), ({"refunded": "0.01"}, 6), ({"status": "cancelled"}, 0)]),
        ([{"points": 10}, PER], [({"total": "20.50"}, 30), ({"currency": "USD"}, 10)]),
    ],
)  # fmt: skip
def test_points_of_an_order_follow_what_was_paid_for_it(loyal: Loyal, then: Any, steps: Any) -> None:
    loyal.rule("order.completed", then)
    for n, (more, owed) in enumerate(steps):
        loyal.hear(order(at=NOW + n * 1000, **more))
        assert loyal.check() == ({ORDER: owed} if owed else {})


def test_points_go_with_the_order_to_its_customer(loyal: Loyal) -> None:
    loyal.rule()
    loyal.rule("order.completed", [PER])
    guest = "e:" + "a" * 32
    loyal.hear(rating(), order(customer=None, email="a" * 32))
    assert loyal.check() == {ANSWER.replace("c-1", guest): 50, ORDER.replace("c-1", guest): 100}
    loyal.hear(order(at=NOW + 1000, email="a" * 32))
    assert loyal.check() == {ANSWER: 50, ORDER: 100}


@pytest.mark.parametrize("seed", range(12))
def test_whatever_comes_when_the_ledger_says_the_same(database: Database, seed: int) -> None:
    """Repeated, reordered, cut into any batches, in sum and after each: what stands is what the facts are worth."""
    rng = random.Random(seed)
    loyal = Loyal.open(database)
    loyal.rule(then=[{"points": 50}], **{"if": {"first": True}})
    loyal.rule(then=[{"points": 3}], **{"if": {"order_value": {"min": "60.00", "currency": "EUR"}, "segment": ["vip"]}})
    loyal.rule("order.completed", [PER, {"points": 10}])
    events = [customer(at=NOW - DAY, segments=["new"]), customer(at=NOW + 20_000, segments=["vip"])]
    for n, ref in enumerate(("A-1", "A-2", "A-3")):
        events += [
            rating(ref, NOW + n * 11_000), decided("quarantined", ref, NOW + 30_000 + n), decided("released", ref, NOW + 40_000 + n),
            order(ref, NOW + 1000, status="processing", completed_at=None), order(ref, NOW + 2000, completed_at=None, total="50.00"),
            order(ref, NOW + 3000 + n * 1000, refunded="25.00"),
        ]  # fmt: skip
    events.append(order("A-2", NOW + 60_000, status="cancelled"))
    told = [*events, *rng.sample(events, 6)]
    rng.shuffle(told)
    for batch in cut(told, [rng.randint(1, 5) for _ in range(8)]):
        loyal.hear(*batch)
        loyal.check()
    assert loyal.points() == {
        "answer:order-rating:order:A-1 c-1": 50, "answer:order-rating:order:A-3 c-1": 3,
        "order:A-1 c-1": 75 + 7, "order:A-3 c-1": 75 + 7,
    }  # fmt: skip


# Versions


def test_what_is_heard_of_late_counts_under_the_version_of_its_own_time(loyal: Loyal) -> None:
    rule = loyal.rule(at=NOW).rule
    loyal.change(rule, NOW + 1000, then=[{"points": 80}])
    loyal.remove(rule, NOW + 2000)
    for n, at in enumerate((NOW - 1, NOW, NOW + 999, NOW + 1000, NOW + 1999, NOW + 2000)):
        loyal.hear(rating(f"A-{n}", at), order(f"A-{n}"))
    found = loyal.check()
    assert [found.get(f"answer:order-rating:order:A-{n} c-1", 0) for n in range(6)] == [0, 50, 50, 80, 80, 0]


def test_a_refund_under_a_deleted_rule_takes_its_part_back(loyal: Loyal) -> None:
    rule = loyal.rule("order.completed", [PER]).rule
    loyal.hear(order())
    loyal.remove(rule, NOW + 10)
    loyal.hear(order(at=NOW + 1000, refunded="40.00"))
    assert loyal.check() == {ORDER: 60}


def test_an_earlier_part_of_an_answer_moves_it_to_an_older_version(loyal: Loyal) -> None:
    rule = loyal.rule(at=NOW).rule
    loyal.change(rule, NOW + 1000, then=[{"points": 20}])
    one = "0b7e1c5e-3f5a-4d0e-9a36-5f2d6a7b8c9d"
    loyal.hear(order(), rating(at=NOW + 1500, answer=one))
    assert loyal.check() == {ANSWER: 20}
    loyal.hear(rating(at=NOW + 500, answer=one, value=3), source="browser")
    assert loyal.check() == {ANSWER: 50}
    loyal.hear(event("question.shown", NOW - 5, question="order-rating", answer=one, order={"ref": "A-1", "line": None}))
    assert loyal.check() == {}


STEPS = ("answer", "order", "edit", "refund", "delete")


@pytest.mark.parametrize("steps", [s for s in permutations(STEPS) if s.index("edit") < s.index("delete")])
def test_edits_and_deletion_between_any_two_steps(sqlite_database: Database, steps: tuple[str, ...]) -> None:
    """All happened at fixed times; it makes no difference when it was heard of, or when the rule was changed beside it."""
    loyal = Loyal.open(sqlite_database)
    rated = loyal.rule(at=NOW - 10).rule
    bought = loyal.rule("order.completed", [PER], at=NOW - 10).rule
    for step in steps:
        if step == "answer":
            loyal.hear(rating(at=NOW + 500), source="browser")
        elif step == "order":
            loyal.hear(order(at=NOW + 1000))
        elif step == "refund":
            loyal.hear(order(at=NOW + 2000, refunded="50.00"))
        elif step == "edit":
            loyal.change(rated, NOW + 400, then=[{"points": 30}])
            loyal.change(bought, NOW + 400, then=[{"points": 1}])
        else:
            loyal.remove(rated, NOW + 600)
            loyal.remove(bought, NOW + 600)
        loyal.check()
    assert loyal.points() == {ANSWER: 30, ORDER: 50}


def test_a_change_reaches_what_was_heard_of_already_but_happens_later(loyal: Loyal) -> None:
    """A shopper's clock may be five minutes fast, a platform's wrong."""
    rule = loyal.rule(then=[{"points": 50}, COUPON], at=NOW).rule
    loyal.hear(rating(at=NOW + 300_000), order())
    loyal.change(rule, NOW + 1000, then=[{"points": 20}])
    assert loyal.check() == {ANSWER: 20}
    assert loyal.coupons() == {"answer:order-rating:order:A-1": "cancelled"}
    loyal.remove(rule, NOW + 2000)
    assert loyal.check() == {}
    loyal.rule(at=NOW + 3000)
    assert loyal.check() == {ANSWER: 50}


def test_a_new_rule_counts_for_nothing_that_is_older(loyal: Loyal) -> None:
    loyal.hear(order(), rating())
    loyal.rule(at=NOW + 1)
    loyal.rule("order.completed", at=NOW + 1)
    loyal.hear(rating("A-2", NOW), order("A-2", at=NOW + 5))
    assert loyal.check() == {}


def test_ten_years_of_imported_history_earn_nothing(loyal: Loyal) -> None:
    loyal.rule(then=[{"points": 50}, COUPON, {"mail": {}}])
    loyal.rule("order.completed", [PER, {"mail": {}}])
    loyal.rule("order.refunded", [{"mail": {}}])
    year = 365 * DAY
    for n in range(12):
        then = NOW - n * year
        placed = {"ref": f"I-{n}", "status": "delivered", "customer": "c-1", "currency": "EUR", "total": "10.00", "refunded": "1.00"}
        # As the importer words it: the file was read now, and says when the order was placed.
        bought = event("order.placed", NOW, order={**placed, "placed_at": format_time(then - year - DAY)}, revision=NOW)
        rated = event("answer.given", then, question="order-rating", value=5, row=f"r{n}", order={"ref": f"I-{n}"}, revision=NOW)
        loyal.hear(bought, rated, source="import")
    assert loyal.check() == {}
    assert loyal.coupons() == {}
    assert loyal.told() == []
    with loyal.database.reading() as conn:
        assert not any(answer.incentivised for answer in answers.of_shop(conn, loyal.id))


# Conditions that look further than the fact itself


def test_only_the_first_answer_of_a_customer_counts_also_when_an_earlier_one_comes_late(loyal: Loyal) -> None:
    loyal.rule(then=[{"points": 50}, COUPON], **{"if": {"first": True}})
    loyal.hear(order("A-2"), rating("A-2", NOW + 2000))
    loyal.hear(order("A-3"), rating("A-3", NOW + 3000))
    assert loyal.check() == {"answer:order-rating:order:A-2 c-1": 50}
    loyal.hear(order("A-1"), rating("A-1", NOW + 1000))
    assert loyal.check() == {ANSWER: 50}
    loyal.hear(order("A-1", at=NOW + 9000, status="cancelled"))
    assert loyal.check() == {"answer:order-rating:order:A-2 c-1": 50}
    loyal.hear(decided("removed", "A-2", NOW + 10_000), source="owner")
    assert loyal.check() == {"answer:order-rating:order:A-3 c-1": 50}
    assert {source: state for source, state in loyal.coupons().items() if state != "cancelled"} == {
        "answer:order-rating:order:A-3": "planned"
    }
    loyal.hear(order("B-1", customer="c-2"), rating("B-1", NOW), rating("B-1", NOW + 1, question="other"))
    assert loyal.check()["answer:order-rating:order:B-1 c-2"] == 50
    assert loyal.check()["answer:other:order:B-1 c-2"] == 50


def test_a_guest_who_opens_an_account_is_no_new_customer(loyal: Loyal) -> None:
    loyal.rule("order.completed", [{"points": 9}], **{"if": {"first": True}})
    mail = "b" * 32
    loyal.hear(order("A-1", customer=None, email=mail, completed_at=format_time(NOW)))
    loyal.hear(customer("c-1", email=mail), order("A-2", completed_at=format_time(NOW + 1000)))
    assert loyal.check() == {f"order:A-1 e:{mail}": 9}


def test_who_is_the_same_person_can_change_at_any_time(loyal: Loyal) -> None:
    loyal.rule("order.completed", [{"points": 9}], **{"if": {"first": True}})
    one, other = "b" * 32, "c" * 32
    loyal.hear(order("A-1", customer="c-1"), order("A-2", customer="c-2", completed_at=format_time(NOW + 1000)))
    assert len(loyal.check()) == 2
    loyal.hear(customer("c-1", NOW, email=one), customer("c-2", NOW, email=one))
    assert loyal.check() == {ORDER: 9}
    loyal.hear(customer("c-2", NOW + 5, email=other))
    assert len(loyal.check()) == 2
    loyal.hear(customer("c-1", NOW + 6, email=other))
    assert loyal.check() == {ORDER: 9}
    loyal.hear(customer("c-1", NOW + 7, email=one))
    assert len(loyal.check()) == 2


def test_a_segment_is_that_of_the_facts_own_time(loyal: Loyal) -> None:
    loyal.rule("order.completed", [{"points": 9}], **{"if": {"segment": ["vip"]}})
    loyal.hear(order("A-1", completed_at=format_time(NOW)), order("A-2", completed_at=format_time(NOW + 2000)))
    assert loyal.check() == {}
    loyal.hear(customer(at=NOW + 1000, segments=["vip"]))
    # What was said first holds for the time before too.
    assert loyal.check() == {"order:A-1 c-1": 9, "order:A-2 c-1": 9}
    loyal.hear(customer(at=NOW - 5, segments=["new"]))
    assert loyal.check() == {"order:A-2 c-1": 9}
    loyal.hear(customer(at=NOW + 5000, segments=[]))
    assert loyal.check() == {"order:A-2 c-1": 9}


# Who is told


def test_a_low_rating_is_told_once_to_its_endpoint_and_by_mail(loyal: Loyal) -> None:
    mine, other = _endpoint(loyal), _endpoint(loyal)
    asked = _endpoint(loyal, ("rule.fired",))
    loyal.rule(then=[{"webhook": {"endpoint": mine}}, {"mail": {}}], **{"if": {"value": {"max": 2}}})
    loyal.hear(rating("A-1", value=4), source="browser")
    assert loyal.told() == []
    bad = rating("A-2", value=1)
    loyal.hear(bad, source="browser")
    loyal.hear(bad, event("answer.given", NOW + 5, question="order-rating", text="late", order={"ref": "A-2", "line": None}))
    loyal.hear(rating("A-2", NOW + 10, value=2), source="browser")
    assert sorted(each.endpoint for each in loyal.told()) == sorted([mine, asked])
    assert other not in {each.endpoint for each in loyal.told()}
    assert len(loyal.told("mail")) == 1
    loyal.hear(decided("quarantined", "A-2"), rating("A-3", value=1, marks=["bot"]))
    assert len(loyal.told()) == 2
    loyal.hear(decided("released", "A-3", NOW + 20), source="owner")
    assert len(loyal.told()) == 4


def test_every_refund_is_told_once(loyal: Loyal) -> None:
    endpoint = _endpoint(loyal)
    loyal.rule("order.refunded", [{"webhook": {"endpoint": endpoint}}])
    told = [order(at=NOW + n * 1000, refunded=amount) for n, amount in enumerate(("10.00", "10.00", "30.00"), 1)]
    loyal.hear(order())
    for each in (*told, *told):
        loyal.hear(each)
    assert len(loyal.told()) == 2


def test_a_rule_that_fires_sets_off_no_other(loyal: Loyal) -> None:
    endpoint = _endpoint(loyal)
    for when in ("answer.given", "order.completed"):
        loyal.rule(when, [{"webhook": {"endpoint": endpoint}}])
    loyal.hear(rating(), order())
    assert len(loyal.told()) == 2
    with loyal.database.reading() as conn:
        events = conn.exec_driver_sql("SELECT type FROM events").scalars().all()
    assert sorted(events) == ["answer.given", "order.updated"]


# Others


def test_a_neighbours_rules_see_nothing(database: Database) -> None:
    mine, neighbour = Loyal.open(database), Loyal.open(database)
    mine.rule()
    neighbour.rule("order.completed", [PER])
    mine.hear(order(), rating())
    neighbour.hear(order(), rating())
    assert mine.check() == {ANSWER: 50}
    assert neighbour.check() == {ORDER: 100}


def test_answers_know_what_was_held_out_for_them(loyal: Loyal) -> None:
    loyal.hear(rating("A-0"), source="browser")
    rule = loyal.rule(at=NOW + 1, **{"if": {"question": ["order-rating"]}}).rule
    loyal.hear(rating("A-1", NOW + 2), rating("A-2", NOW + 2, question="other"), source="browser")
    loyal.hear(event("answer.given", NOW + 2, question="order-rating", value=5, answer=None), source="browser")
    loyal.remove(rule, NOW + 3)
    loyal.hear(rating("A-3", NOW + 4), rating("A-4", NOW + 2), source="browser")
    # Changed long after, it still is the answer that it was.
    loyal.hear(rating("A-1", NOW + 9, value=1), rating("A-0", NOW + 9, value=1), source="browser")
    with loyal.database.reading() as conn:
        found = {answer.order or "": answer.incentivised for answer in answers.of_shop(conn, loyal.id)}
    assert found == {"A-0": False, "A-1": True, "A-2": False, "": True, "A-3": False, "A-4": True}


def test_a_shop_without_rules_and_one_with_unchanged_ones_cost_no_query(database: Database) -> None:
    loyal, other = Loyal.open(database), Loyal.open(database)
    asked: list[str] = []
    engine = database._writer
    sqlalchemy_event.listen(engine, "before_cursor_execute", lambda _c, _k, statement, *_: asked.append(statement))
    other.rule()
    asked.clear()
    loyal.hear(rating(), order())
    assert not [statement for statement in asked if "rule_versions" in statement]
    loyal.rule(then=[{"mail": {}}], **{"if": {"value": {"max": 1}}})
    loyal.hear(rating("A-2"))
    asked.clear()
    loyal.hear(rating("A-3"), order("A-3"))
    assert asked
    for table in ("rule_versions", "ledger", "coupons", "loyalty", "scores_changed"):
        assert not [statement for statement in asked if f"{table} " in statement], table


def test_a_shop_has_50_rules_and_a_rule_200_versions(sqlite_database: Database) -> None:
    loyal = Loyal.open(sqlite_database)
    made = [loyal.rule() for _ in range(LIMIT)]
    with pytest.raises(RuleConflict, match=f"{LIMIT} rules"):
        loyal.rule()
    loyal.remove(made[0].rule, NOW)
    loyal.rule()
    for n in range(MOST_VERSIONS - 1):
        loyal.change(made[1].rule, BEGIN + n, name=f"name {n}")
    with pytest.raises(RuleConflict, match=f"{MOST_VERSIONS} times"):
        loyal.change(made[1].rule, NOW, name="once more")
    loyal.remove(made[1].rule, NOW)


def test_versions_follow_one_another_when_a_clock_is_set_back(loyal: Loyal) -> None:
    rule = loyal.rule(at=NOW).rule
    loyal.change(rule, NOW - DAY, then=[{"points": 1}])
    loyal.hear(rating(at=NOW), order("A-1"), rating("A-2", NOW + 1), order("A-2"))
    assert loyal.check() == {ANSWER: 50, "answer:order-rating:order:A-2 c-1": 1}


def test_caps_hold_whatever_comes(loyal: Loyal) -> None:
    caps = {"customer": 120, "total": 200, "coupons": {"customer": 1, "total": 2}}
    loyal.rule(then=[{"points": 50}, COUPON], caps=caps)
    for n in range(4):
        for who in ("c-1", "c-2", "c-3"):
            loyal.hear(rating(f"{who}-{n}", NOW + n), order(f"{who}-{n}", customer=who))
    by_customer: dict[str, int] = {}
    for name, n in loyal.points().items():
        by_customer[name.split()[-1]] = by_customer.get(name.split()[-1], 0) + n
    assert max(by_customer.values()) <= 120
    assert sum(by_customer.values()) == 200
    assert len(loyal.coupons()) == 2


def test_somebody_erased_keeps_a_number_and_no_name(loyal: Loyal) -> None:
    loyal.rule()
    loyal.rule("order.completed", [PER])
    loyal.hear(rating(), order())
    loyal.hear(event("customer.erased", NOW + 5000, customer={"ref": "c-1"}))
    left = loyal.points()
    assert sorted(left.values()) == [50, 100]
    assert all(name.split()[1].startswith("erased:") for name in left)
    loyal.hear(order(at=NOW + 9000, refunded="50.00"))
    assert sorted(loyal.points().values()) == [50, 50]
    assert "c-1" not in str(loyal.points())


def _endpoint(loyal: Loyal, types: tuple[str, ...] = ("answer.removed",)) -> str:
    with loyal.database.writing() as conn:
        return endpoints.create(conn, loyal.id, "https://example.com/", types, NOW)[0].id


def test_what_a_receiver_is_told(loyal: Loyal) -> None:
    endpoint = _endpoint(loyal)
    made = loyal.rule(then=[{"webhook": {"endpoint": endpoint}}])
    loyal.hear(rating(value=3), order())
    with loyal.database.reading() as conn:
        (body,) = conn.exec_driver_sql("SELECT body FROM outbox WHERE type = 'rule.fired'").scalars()
        assert outbox.counts(conn)["due"] == 1
    for word in (f'"rule":"{made.rule}"', '"value":3', '"question":"order-rating"', '"order":"A-1"', '"customer":"c-1"'):
        assert word in body
