"""What a rule may say, and what it owes for a fact."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget_server.contract import rules
from widget_server.contract.order import OrderFacts
from widget_server.contract.placing import PLACEMENTS
from widget_server.contract.points import MOST, Caps
from widget_server.contract.rules import Fact, Version
from widget_server.contract.times import DAY, parse_time

NOW = 1_763_800_000_000
ENDPOINT = "ep_0123456789abcdef01234567"
PER = {"points": 1, "amount": "1.00", "currency": "EUR"}
# That of the issue, as far as it may be granted for.
WHOLE = {
    "name": "50 points for rating an order", "active": True, "when": "answer.given",
    "if": {
        "question": ["order-rating"], "placement": ["order"], "verified": True, "first": True,
        "order_value": {"min": "20.00", "max": "500.00", "currency": "EUR"}, "product": ["SKU1"], "language": ["lv"],
        "segment": ["vip"],
    },
    "then": [{"points": 50}, {"coupon": {"kind": "percent", "amount": "10", "days": 30}}, {"webhook": {"endpoint": ENDPOINT}}, {"mail": {}}],
    "starts": "2026-12-01T00:00:00Z", "ends": None, "return_days": 14, "caps": {"customer": 500, "day": 5000, "total": 100000},
}  # fmt: skip


def rule(when: str = "answer.given", then: Any = None, **more: Any) -> dict[str, Any]:
    return {"name": "a rule", "when": when, "then": then or [{"points": 50}], **more}


def version(when: str = "answer.given", then: Any = None, **more: Any) -> Version:
    body = rule(when, then, **more)
    assert rules.errors(body) == {}
    return rules.version_of("rule_1", 1, NOW - DAY, False, body)


def order(**more: Any) -> OrderFacts:
    made = {
        "ref": "A-1", "customer": "c-1", "state": "completed", "currency": "EUR", "total": 10_000, "refunded": 0,
        "placed_at": NOW - DAY, "completed_at": NOW, "products": ("SKU1",), "language": "lv",
    }  # fmt: skip
    return OrderFacts(**{**made, **more})


def answer(**more: Any) -> Fact:
    made = {
        "when": "answer.given", "source": "answer:order-rating:order:A-1", "at": NOW, "customer": "c-1",
        "question": "order-rating", "placement": "order", "value": 5, "verified": True, "order": order(),
    }  # fmt: skip
    return Fact(**{**made, **more})


def completed(**more: Any) -> Fact:
    return Fact("order.completed", "order:A-1", NOW, "c-1", order=order(**more))


def test_the_rule_of_the_documentation_is_fine() -> None:
    assert rules.errors(WHOLE) == {}
    made = rules.version_of("rule_1", 1, NOW, False, orjson.loads(orjson.dumps(WHOLE)))
    assert made.caps == Caps(500, 5000, 100_000)
    assert made.starts == parse_time("2026-12-01T00:00:00Z")
    assert made.rewards
    assert made.tells


@pytest.mark.parametrize("value", [{"min": 1}, {"max": 3}, {"min": 4, "max": 5}, {"is": ["yes"]}, {"min": -5}])
@pytest.mark.parametrize(
    "then",
    [
        [{"points": 1}], [{"coupon": {"kind": "percent", "amount": "10"}}], [{"mail": {}}, {"points": 1}],
        [{"webhook": {"endpoint": ENDPOINT}}, {"coupon": {"kind": "fixed", "amount": "5.00", "currency": "EUR"}}],
    ],
)  # fmt: skip
def test_nothing_is_granted_for_what_was_answered(value: Any, then: Any) -> None:
    found = rules.errors(rule(then=then, **{"if": {"value": value}}))
    assert list(found) == ["if.value"]
    for words in ("2005/29/EC", "Annex I", "23b", "23c", "2019/2161", "Omnibus"):
        assert words in found["if.value"]


def test_an_answer_without_an_order_can_not_be_rewarded() -> None:
    assert list(rules.errors(rule(**{"if": {"verified": False}}))) == ["if.verified"]
    assert rules.errors(rule(then=[{"mail": {}}], **{"if": {"verified": False}})) == {}


def test_whoever_is_only_told_may_ask_for_a_value() -> None:
    made = version(then=[{"mail": {}}], **{"if": {"value": {"max": 2}}})
    assert rules.matches(made, answer(value=2))
    assert not rules.matches(made, answer(value=3))
    assert not rules.matches(made, answer(value="2"))
    words = version(then=[{"mail": {}}], **{"if": {"value": {"is": ["no", "late"]}}})
    assert rules.matches(words, answer(value="no"))
    assert rules.matches(words, answer(value=["price", "late"]))
    assert not rules.matches(words, answer(value=["price"]))
    assert not rules.matches(words, answer(value=None))


@pytest.mark.parametrize(
    ("condition", "fine", "wrong"),
    [
        ({"question": ["order-rating", "nps"]}, {}, {"question": "why"}),
        ({"placement": ["order", "link"]}, {"placement": "link"}, {"placement": "page"}),
        ({"placement": ["order"]}, {}, {"placement": None}),
        ({"verified": True}, {}, {"verified": False}),
        ({"verified": False}, {"verified": False}, {}),
        ({"first": True}, {"first": True}, {"first": False}),
        ({"product": ["a", "b"]}, {"products": ("b", "c")}, {"products": ("c",)}),
        ({"language": ["lv", "pt-BR"]}, {"language": "pt"}, {"language": "ru"}),
        ({"language": ["lv"]}, {"language": "lv"}, {"language": None}),
        ({"segment": ["vip"]}, {"segments": ("new", "vip")}, {"segments": ()}),
        ({"order_value": {"min": "20", "currency": "EUR"}}, {"order": order(total=2000)}, {"order": order(total=1999)}),
        ({"order_value": {"max": "20", "currency": "EUR"}}, {"order": order(total=2000)}, {"order": order(total=2001)}),
        ({"order_value": {"min": "20", "currency": "EUR"}}, {}, {"order": order(currency="USD")}),
        ({"order_value": {"min": "20", "currency": "EUR"}}, {}, {"order": None}),
    ],
)  # fmt: skip
def test_each_condition(condition: Any, fine: Any, wrong: Any) -> None:
    made = version(then=[{"mail": {}}], **{"if": condition})
    assert rules.matches(made, answer(**fine))
    assert not rules.matches(made, answer(**wrong))


def test_it_runs_from_its_start_up_to_its_end() -> None:
    made = version(starts="2025-11-22T08:26:40Z", ends="2025-11-22T08:26:41Z")
    assert [rules.points(made, answer(at=at)) for at in (NOW - 1, NOW, NOW + 999, NOW + 1000)] == [0, 50, 50, 0]
    assert rules.points(version(active=False), answer()) == 0


@pytest.mark.parametrize(
    "less",
    [
        {"customer": None}, {"verified": False}, {"order": None}, {"order": order(state="cancelled")}, {"stands": False},
    ],
)  # fmt: skip
def test_nobody_is_rewarded_without_an_order_that_stands(less: Any) -> None:
    made = version(then=[{"points": 50}, {"coupon": {"kind": "percent", "amount": "10"}}])
    assert rules.points(made, answer()) == 50
    assert rules.coupon(made, answer()) is not None
    assert rules.points(made, answer(**less)) == 0
    assert rules.coupon(made, answer(**less)) is None


def test_an_answer_is_worth_the_same_whether_or_not_something_of_its_order_was_paid_back() -> None:
    assert rules.points(version(), answer(order=order(refunded=9999))) == 50


@pytest.mark.parametrize(
    ("then", "facts", "owed"),
    [
        ([{"points": 50}], {}, 50), ([{"points": 50}], {"refunded": 1}, 49), ([{"points": 50}], {"refunded": 5000}, 25),
        ([{"points": 50}], {"total": 0}, 50), ([{"points": 50}], {"state": "open"}, 0), ([{"points": 50}], {"state": "cancelled"}, 0),
        ([{"points_per": PER}], {}, 100), ([{"points_per": PER}], {"total": 199}, 1), ([{"points_per": PER}], {"refunded": 3333}, 66),
        ([{"points_per": PER}], {"currency": "USD"}, 0), ([{"points_per": PER}], {"total": 0}, 0),
        ([{"points_per": {**PER, "points": 10, "amount": "5.00"}}], {"total": 749}, 14),
        ([{"points": 5}, {"points_per": PER}], {"refunded": 5000}, 52),
        ([{"points_per": {**PER, "points": 1_000_000}}], {"total": 2**50}, MOST),
    ],
)  # fmt: skip
def test_what_a_completed_order_is_worth(then: Any, facts: Any, owed: int) -> None:
    assert rules.points(version("order.completed", then), completed(**facts)) == owed


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 10**6), st.integers(1, 10**6))
def test_the_more_is_paid_back_the_less_an_order_is_worth(total: int, refunded: int, n: int, amount: int) -> None:
    made = version("order.completed", [{"points": n}, {"points_per": {"points": n, "amount": str(amount), "currency": "JPY"}}])
    owed = [
        rules.points(made, completed(total=total, refunded=back, currency="JPY"))
        for back in (0, min(refunded, total) // 2, min(refunded, total), total)
    ]
    assert owed == sorted(owed, reverse=True)
    assert owed[0] <= n + n * total // amount
    if total:
        assert owed[-1] == 0


def test_the_version_in_force_is_that_of_the_moment() -> None:
    history = [rules.version_of("rule_1", n, at, n == 4, rule()) for n, at in ((1, 100), (2, 200), (3, 300), (4, 400))]
    found = [rules.in_force(history, at) for at in (99, 100, 199, 200, 399, 400, 10**15)]
    assert [None if each is None else each.number for each in found] == [None, 1, 1, 2, 3, None, None]


@pytest.mark.parametrize(
    ("condition", "more", "promised"),
    [
        ({}, {}, True), ({"question": ["nps"]}, {}, False), ({"placement": ["page"]}, {}, False),
        ({"placement": ["page"]}, {"placement": None}, True), ({"language": ["ru"]}, {}, False),
        ({"verified": True}, {}, True), ({"verified": True}, {"verified": False}, False), ({}, {"verified": False}, True),
        # These turn out when it is too late to make a difference to the answer.
        ({"first": True}, {}, True), ({"segment": ["vip"]}, {}, True), ({"product": ["x"]}, {}, True),
        ({"order_value": {"min": "900", "currency": "EUR"}}, {}, True),
    ],
)  # fmt: skip
def test_what_an_answer_was_promised(condition: Any, more: Any, promised: bool) -> None:
    said = {"at": NOW, "question": "order-rating", "placement": "order", "language": "lv", "verified": True, **more}
    assert rules.promises(version(**{"if": condition}), **said) is promised
    assert not rules.promises(version(then=[{"mail": {}}], **{"if": condition}), **said)


def test_a_reward_waits_until_nothing_can_be_returned() -> None:
    late = order(completed_at=NOW + 3 * DAY)
    assert rules.available_at(version(), answer(order=late), 14) == NOW + 17 * DAY
    assert rules.available_at(version(return_days=2), answer(order=late), 14) == NOW + 5 * DAY
    assert rules.available_at(version(return_days=0), answer(order=order(completed_at=None)), 14) == NOW
    birthday = Fact("customer.birthday", "birthday:2025:c-1", NOW, "c-1")
    assert rules.available_at(version("customer.birthday"), birthday, 14) == NOW


@pytest.mark.parametrize("when", rules.TRIGGERS)
def test_each_trigger_takes_its_own_conditions_and_names_them(when: str) -> None:
    given_ = {
        "question": ["q"], "placement": ["order"], "value": {"min": 1}, "verified": True, "first": True,
        "order_value": {"min": "1", "currency": "EUR"}, "product": ["p"], "language": ["lv"], "segment": ["s"],
        "metric": "nps", "score": {"max": 20.5}, "days": 90,
    }  # fmt: skip
    own = {name: value for name, value in given_.items() if name in rules.CONDITIONS[when]}
    assert rules.errors(rule(when, [{"mail": {}}], **{"if": own})) == {}
    found = rules.errors(rule(when, [{"mail": {}}], **{"if": given_}))
    assert set(found) == {f"if.{name}" for name in given_ if name not in own}
    assert all(name in said for said in found.values() for name in rules.CONDITIONS[when])


QUESTIONS = {"order-rating": "stars", "search-found": "yes_no", "why": "choice"}


@pytest.mark.parametrize(
    ("when", "condition", "path", "words"),
    [
        ("answer.given", {"question": ["order-rating", "order_rating"]}, "if.question", ["no question order_rating;", "order-rating, search-found, why"]),
        ("score.updated", {"question": ["nps"], "metric": "nps", "score": {"max": 0}}, "if.question", ["no question nps;"]),
        ("score.updated", {"question": ["why"], "metric": "success", "score": {"max": 0}}, "if.metric", ["yes_no", "why (choice)", "top_option"]),
        ("score.updated", {"question": ["order-rating", "why"], "metric": "nps", "score": {"max": 0}}, "if.metric", ["read from nps questions", "csat, stars"]),
    ],
)  # fmt: skip
def test_what_can_not_come_true_in_the_shop_is_named_with_what_can(when: str, condition: Any, path: str, words: list[str]) -> None:
    body = rule(when, [{"mail": {}}], **{"if": condition})
    assert rules.errors(body) == {}
    found = rules.conflicts(body, QUESTIONS)
    assert list(found) == [path]
    assert all(word in found[path] for word in words)


@pytest.mark.parametrize(
    ("when", "condition"),
    [
        ("answer.given", {}), ("answer.given", {"question": None}), ("answer.given", {"question": ["why"]}),
        ("score.updated", {"metric": "nps", "score": {"max": 0}}),
        ("score.updated", {"question": ["why"], "metric": "response_rate", "score": {"max": 0.5}}),
        ("score.updated", {"question": ["order-rating", "why"], "metric": "stars", "score": {"max": 2}}),
    ],
)  # fmt: skip
def test_what_can_come_true_in_the_shop_is_fine(when: str, condition: Any) -> None:
    assert rules.conflicts(rule(when, [{"mail": {}}], **{"if": condition}), QUESTIONS) == {}


def test_of_many_questions_some_are_named() -> None:
    said = rules.conflicts(rule(**{"if": {"question": ["x"]}}), {f"q{n:03}": "stars" for n in range(500)})["if.question"]
    assert said.endswith("q019 and 480 more.")
    assert "it has none" in rules.conflicts(rule(**{"if": {"question": ["x"]}}), {})["if.question"]


@pytest.mark.parametrize(
    ("metric", "bad", "good", "said"),
    [
        ("success", {"max": 20}, {"max": 1}, "success is between 0 and 1."), ("success", {"min": -0.1}, {"min": 0}, "success is between 0 and 1."),
        ("nps", {"min": -101}, {"min": -100}, "nps is between -100 and 100."), ("stars", {"max": 0.5}, {"max": 1}, "stars is between 1 and 5."),
        ("ces", {"max": 7.1}, {"max": 7}, "ces is between 1 and 7."), ("response_rate", {"max": 2}, {"max": 0.2}, "response_rate is between 0 and 1."),
    ],
)  # fmt: skip
def test_no_score_is_outside_its_scale(metric: str, bad: Any, good: Any, said: str) -> None:
    found = rules.errors(rule("score.updated", [{"mail": {}}], **{"if": {"metric": metric, "score": bad}}))
    assert found == {f"if.score.{next(iter(bad))}": said}
    assert rules.errors(rule("score.updated", [{"mail": {}}], **{"if": {"metric": metric, "score": good}})) == {}


def test_a_placement_is_one_of_those_there_are() -> None:
    found = rules.errors(rule(**{"if": {"placement": ["order", "checkout"]}}))
    assert list(found) == ["if.placement.1"]
    assert all(name in found["if.placement.1"] for name in PLACEMENTS)


def test_a_rule_that_is_over_is_known_by_its_end() -> None:
    ends = rule(ends="2026-12-01T00:00:00Z")
    at = parse_time("2026-12-01T00:00:00Z")
    assert at is not None
    assert rules.over(ends, at - 1) == rules.over(rule(), at) == rules.over(rule(ends=None), at) == {}
    assert "2026-12-01T00:00:00" in rules.over(ends, at)["ends"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(rules.RULE.kinds)), json_values)
def test_whatever_is_sent_is_refused_in_words_or_understood(name: str, value: Any) -> None:
    body = {**rule(), name: value}
    found = rules.errors(body)
    assert all(isinstance(path, str) and said.endswith((".", ")")) for path, said in found.items())
    if not found:
        rules.version_of("rule_1", 1, NOW, False, body)


amounts = st.from_regex(r"\A-?[0-9]{1,12}(\.[0-9]{1,4})?\Z")
currencies = st.sampled_from(["EUR", "JPY", "BHD", "CLF", "XXX"])


@given(amounts, currencies, st.sampled_from(["percent", "fixed"]), st.booleans())
def test_every_amount_that_is_taken_can_be_granted(amount: str, currency: str, kind: str, named: bool) -> None:
    coupon = {"kind": kind, "amount": amount, **({"currency": currency} if named else {})}
    per = {"points": 1, "amount": amount, "currency": currency}
    worth = {"order_value": {"min": amount, "currency": currency}}
    for then, condition in (([{"coupon": coupon}], {}), ([{"points_per": per}], {}), ([{"points": 1}], worth)):
        body = rule("order.completed", then, **{"if": condition})
        if not rules.errors(body):
            made = rules.version_of("rule_1", 1, NOW, False, body)
            assert rules.points(made, completed(currency=currency)) >= 0
