"""What the collector lets in: the same verdict as the schemas, limits by name, and what is stored."""

import json
import uuid
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from widget_server.contract.events import BROWSER, EVENT_TYPES, EventType
from widget_server.contract.fields import Fields, Group, Many, flatten
from widget_server.contract.shop import Question, Shop
from widget_server.contract.tokens import sign_order_token
from widget_server.intake import checks
from widget_server.intake.replies import Refusal

NOW = 1_763_800_000_000  # 2025-11-22T08:26:40Z
AT = "2025-11-22T08:26:40Z"
SHOP = Shop(
    "shop_1", "Shop", "pk_1", ("shop.example",), "UTC", "ots_1",
    {
        "order-rating": (Question("order-rating", 1, "stars", "order"), Question("order-rating", 2, "stars", "order")),
        "search-found": (Question("search-found", 1, "yes_no", "search"),),
        "recommend": (Question("recommend", 1, "nps", "order", paused=True),),
        "colour": (Question("colour", 1, "a type of the future", "order"),),
        "why": (Question("why", 1, "choices", "order", settings={"options": ["price", "range"]}),),
        "expected": (Question("expected", 1, "choice", "order", settings={"options": ["worse", "better"]}),),
    },
)  # fmt: skip

_ODD = st.sampled_from(
    [None, True, False, 0, 1, 5, -1, 2**53, 1.5, "", "a", "yes", ["a", "b"], ["a"] * 21, ["a\nb"], "a\x00b", "a\nb", "é", "😀", "x" * 3000, AT, "lv", "pt-BR",
     "1970-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-22 10:00:00Z", [], [1], {}, {"url": 1}, {"query": "q"},
     "0b7e1c5e-3f5a-4d0e-9a36-5f2d6a7b8c9d", "0b7e1c5e-3f5a-4d0e-9a36-5f2d6a7b8c9", "12.50", "EUR", "a b", "A-B", "\u2028"]
)  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30) | _ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6,
)  # fmt: skip
_GOOD: dict[str, Any] = {
    "id": "0b7e1c5e-3f5a-4d0e-9a36-5f2d6a7b8c9d", "at": AT, "question": "order-rating", "value": 5, "reason": "later",
    "text": "All\nwell", "page": {"url": "https://shop.example/", "lang": "lv"}, "final": True, "placement": "order",
    "search": {"query": "chair", "results": 0, "position": 1}, "product": "4750001", "question_version": 1,
    "order": {"ref": "1", "lines": [{"line": "1", "product": "p", "price": "1.50"}], "total": "1.50", "currency": "EUR"},
    "customer": {"ref": "c"}, "key": "order:1", "trap": True, "took": 900,
}  # fmt: skip


def _of(fields: Fields) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that are nearly right: each field good, odd, nested or missing; sometimes one too many."""
    values = {name: _value(name, kind) for name, kind in fields.kinds.items()}
    strange = st.dictionaries(st.text(max_size=6), _JSON, max_size=1)
    near = st.fixed_dictionaries({}, optional=values)
    return st.tuples(near, strange).map(lambda pair: {**pair[1], **pair[0]})


def _value(name: str, kind: Any) -> st.SearchStrategy[Any]:
    found = _JSON
    if isinstance(kind, Group):
        found = _of(kind.fields) | _ODD
    elif isinstance(kind, Many):
        inner = _of(kind.kind.fields) if isinstance(kind.kind, Group) else _JSON
        found = st.lists(inner, max_size=3) | _ODD
    return st.just(_GOOD[name]) | found if name in _GOOD else found


def _with_type(made: EventType) -> st.SearchStrategy[tuple[EventType, dict[str, Any]]]:
    return st.tuples(st.just(made), _of(made.fields).map(lambda raw: {"type": made.name, **raw}))


@given(st.one_of([_with_type(made) for made in EVENT_TYPES.values()]))
def test_plain_checks_and_schemas_give_the_same_verdict_and_name_the_same_fields(
    case: tuple[EventType, dict[str, Any]],
) -> None:
    made, raw = case
    try:
        made.fields.schema()().load(raw)
        by_schema = {}
    except ValidationError as error:
        by_schema = flatten(error.normalized_messages())
    assert made.fields.check(raw) == by_schema


def event(**fields: Any) -> dict[str, Any]:
    made = {"id": str(uuid.uuid4()), "type": "answer.given", "at": AT, "question": "order-rating", "value": 5}
    return {name: value for name, value in {**made, **fields}.items() if value is not ...}


def accept(*events: Any, **body: Any) -> list[dict[str, Any]]:
    """The events as stored."""
    found = checks.check(orjson.dumps({"events": list(events), **body}), SHOP, NOW)
    assert found.rejected == []
    return [orjson.loads(envelope)["event"] for envelope in found.envelopes]


def refuse(raw: Any) -> dict[str, str]:
    """The errors of a body of which nothing is accepted."""
    with pytest.raises(Refusal) as caught:
        checks.check(raw if isinstance(raw, bytes) else json.dumps(raw).encode(), SHOP, NOW)
    assert caught.value.status == (422 if caught.value.code != "malformed" else 400)
    return dict(caught.value.errors)


def test_the_envelope() -> None:
    sent = event()
    (raw,) = checks.check(orjson.dumps({"events": [sent]}), SHOP, NOW).envelopes
    assert orjson.loads(raw) == {
        "shop": "shop_1", "source": "browser", "received": NOW, "event": {**sent, "at": NOW, "at_raw": AT},
    }  # fmt: skip


def test_a_wrong_clock_is_corrected_and_a_wild_one_clamped() -> None:
    (late,) = accept(event(at="2020-01-01T00:00:00Z"), sent_at="2020-01-01T00:01:00Z")
    assert late["at"] == NOW - 60_000
    assert late["at_raw"] == "2020-01-01T00:00:00Z"
    assert accept(event(at="2099-01-01T00:00:00Z"))[0]["at"] == NOW + 5 * 60_000
    assert accept(event(at="1970-01-01T00:00:00Z"))[0]["at"] == NOW - 30 * 86_400_000


def test_one_bad_event_does_not_harm_the_others() -> None:
    good = [event(), event()]
    found = checks.check(orjson.dumps({"events": [good[0], event(value=6), {"type": "order.placed"}, good[1]]}), SHOP, NOW)
    assert found.accepted == 2
    assert [orjson.loads(e)["event"]["id"] for e in found.envelopes] == [good[0]["id"], good[1]["id"]]
    assert [(r["index"], sorted(r["errors"])) for r in found.rejected] == [(1, ["value"]), (2, ["type"])]


def test_the_same_event_twice_in_a_body_is_accepted_twice_and_stored_once() -> None:
    twice = event()
    upper = {**twice, "id": twice["id"].upper()}
    found = checks.check(orjson.dumps({"events": [twice, twice, upper]}), SHOP, NOW)
    assert (found.accepted, len(found.envelopes)) == (3, 1)


@pytest.mark.parametrize(
    ("fields", "marks"),
    [
        ({"question": "never-heard-of"}, ["unknown_question"]),
        ({"question_version": 9, "value": "what it asked"}, ["unknown_version"]),
        ({"question": "recommend", "value": 9}, ["paused_question"]),
        ({"question": "colour", "value": "a new colour"}, None),
        ({"question": "expected", "value": "as"}, ["unknown_option"]),
        ({"question": "why", "value": ["price", "gift"]}, ["unknown_option"]),
        ({"question": "why", "value": ["range", "price"]}, None),
        ({"question_version": 1}, None),
    ],
)
def test_what_a_shopper_cannot_help_is_accepted_and_marked(fields: dict[str, Any], marks: list[str] | None) -> None:
    (stored,) = accept(event(**fields))
    assert stored.get("marks") == marks


@pytest.mark.parametrize(
    ("question", "good", "bad"),
    [
        ("order-rating", [1, 2, 3, 4, 5], [0, 6, "5", -1]),
        ("recommend", [0, 5, 10], [-1, 11, "yes"]),
        ("search-found", ["yes", "no"], ["Yes", "maybe", 1, ["yes"]]),
        ("expected", ["worse", "better"], [1, "", "Not a name", ["worse"]]),
        ("why", [[], ["price"], ["price", "range"]], ["price", [1], ["price", "price"], ["a"] * 21, [["a"]], ["a\n"]]),
    ],
)
def test_values_fit_their_question(question: str, good: list[Any], bad: list[Any]) -> None:
    assert len(accept(*(event(question=question, value=value) for value in good))) == len(good)
    for value in bad:
        assert list(refuse({"events": [event(question=question, value=value)]})) == ["events.0.value"]


def token(**claims: Any) -> str:
    now = NOW // 1000
    made = {"site": "pk_1", "order": "A-17", "iat": now, "exp": now + 60, "jti": "j", "use": "rate", **claims}
    return sign_order_token(claims.pop("secret", "ots_1"), {k: v for k, v in made.items() if k != "secret"})


def test_a_valid_token_becomes_the_order_and_is_not_stored() -> None:
    proof = token(line="2", sku=["4750001"])
    (stored,) = accept(event(order_token=proof))
    assert stored["order"] == {"ref": "A-17", "line": "2", "sku": ["4750001"]}
    assert "order_token" not in stored
    assert proof not in json.dumps(stored)


def test_an_expired_token_leaves_an_unproven_answer() -> None:
    (stored,) = accept(event(order_token=token(exp=NOW // 1000 - 1)))
    assert "order" not in stored
    assert stored["marks"] == ["expired_token"]


@pytest.mark.parametrize(
    "proof",
    [
        "v1", "not a token", token()[:-1] + "!", token(secret="ots_of_another"), token(site="pk_2"), token(use="claim"),
        token(order=7), token(iat="1"), "v1.1.e30." + "A" * 43, token().replace("v1.", "v2.", 1),
    ],
)  # fmt: skip
def test_a_token_that_proves_nothing_is_refused_by_name(proof: str) -> None:
    assert list(refuse({"events": [event(order_token=proof)]})) == ["events.0.order_token"]


def test_an_order_cannot_be_claimed_without_a_token() -> None:
    for field in ("order", "marks", "row", "key", "at_raw", "source"):
        assert list(refuse({"events": [event(**{field: {"ref": "1"}})]})) == [f"events.0.{field}"]


@pytest.mark.parametrize("name", sorted(set(EVENT_TYPES) - BROWSER))
def test_browsers_cannot_send_what_is_not_theirs(name: str) -> None:
    assert list(refuse({"events": [event(type=name)]})) == ["events.0.type"]


_ROBOT, _CROWD = checks.Sender(robot=True), checks.Sender(burst=True)


@pytest.mark.parametrize(
    ("fields", "sender", "marks"),
    [
        ({"trap": True}, checks.Sender(), ["trap"]),
        ({"trap": False}, checks.Sender(), None),
        ({"took": 119}, checks.Sender(), ["fast"]),
        ({"took": 0, "trap": True}, checks.Sender(), ["trap", "fast"]),
        ({"took": 120}, checks.Sender(), None),
        ({"took": None}, checks.Sender(), None),
        ({}, checks.Sender(), None),
        ({}, _ROBOT, ["bot"]),
        ({"order_token": token()}, _ROBOT, ["bot"]),
        ({}, _CROWD, ["burst"]),
        ({"order_token": token()}, _CROWD, None),
        ({"order_token": token(exp=NOW // 1000 - 1)}, _CROWD, ["expired_token", "burst"]),
        ({"type": "question.dismissed", "value": ..., "took": 5}, _CROWD, None),
        ({"type": "question.shown", "value": ...}, _ROBOT, ["bot"]),
        ({"question": "recommend", "value": 9}, _ROBOT, ["paused_question", "bot"]),
    ],
)
def test_what_may_not_come_from_a_shopper_is_accepted_and_marked(
    fields: dict[str, Any], sender: checks.Sender, marks: list[str] | None
) -> None:
    found = checks.check(orjson.dumps({"events": [event(**fields)]}), SHOP, NOW, sender)
    assert found.accepted == 1
    (stored,) = (orjson.loads(envelope)["event"] for envelope in found.envelopes)
    assert stored.get("marks") == marks


def test_answers_without_a_token_are_told_apart_by_their_ids() -> None:
    one, other = str(uuid.uuid4()), event()
    sent = [
        event(answer=one), event(answer=one.upper(), value=..., text="more"), event(order_token=token()), other,
        event(type="question.shown", value=..., answer=one),
    ]  # fmt: skip
    assert checks.check(orjson.dumps({"events": sent}), SHOP, NOW).unproven == [one, one, other["id"]]


@pytest.mark.parametrize(
    ("field", "bad"), [("took", [-1, 1.5, "5", True, 86_400_001]), ("trap", [1, "true", "", []])]
)
def test_what_the_snippet_notes_is_checked(field: str, bad: list[Any]) -> None:
    for value in bad:
        assert list(refuse({"events": [event(**{field: value})]})) == [f"events.0.{field}"]


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("body", "path", "words"),
    [
        (b"", "body", "empty"),
        (b"{", "body", "Not JSON"),
        (b"\xff\xfe", "body", "UTF-8"),
        (b'{"events": ["\xed\xa0\x80"]}', "body", "UTF-8"),
        (b'{"events": ["\\ud800"]}', "body", "surrogate"),
        (b'{"events": [1e999]}', "body", "smaller than"),
        (b'{"events": [NaN]}', "body", "Not JSON"),
        (b"[" * 50_000, "body", "Nested deeper than 20"),
        (b"[" * 2_000 + b"]" * 2_000, "body", "Nested deeper than 20"),
        ({"events": [nested(25)]}, "events.0.event", "Nested deeper than 20"),
        ({"events": [event(x={str(n): n for n in range(300)})]}, "events.0.event", "More than 200 keys"),
        ({"events": [event(x=2**53)]}, "events.0.event", "Whole numbers"),
        ({"events": [event(x=1e15)]}, "events.0.event", "smaller than"),
        ({"events": [event(x="a\0b")]}, "events.0.event", "NUL"),
        ({"events": [event(text="a\0b")]}, "events.0.event", "NUL"),
        ({"events": [], "sent_at": AT}, "events", "1 to 50"),
        ({"events": [event()] * 51}, "events", "1 to 50"),
        ({"sent_at": AT}, "events", "Required"),
        ({"events": {}}, "events", "1 to 50"),
        ({"events": [event()], "sent_at": 5}, "sent_at", "time"),
        ({"events": [event()], "sent_at": "yesterday"}, "sent_at", "time"),
        ({"events": [event()], "more": 1}, "more", "Unknown"),
        ([], "body", "Not an object"),
        (nested(25), "body", "Nested deeper than 20"),
        ({"events": [7]}, "events.0.event", "Not an object"),
    ],
)
def test_limits_are_named(body: Any, path: str, words: str) -> None:
    errors = refuse(body)
    assert path in errors
    assert words in errors[path]


@given(_JSON)
def test_no_body_breaks_the_checks(body: Any) -> None:
    for raw in (body, {"events": body}, {"events": [body]}, {"events": [event(value=body)]}):
        try:
            encoded = orjson.dumps(raw)
        except TypeError:
            continue  # an integer that no JSON of ours can hold
        try:
            checks.check(encoded, SHOP, NOW)
        except Refusal as refusal:
            assert refusal.status in (400, 422)
            assert refusal.errors

