"""Times, queries and the merging of parts."""

import random
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget_server.contract import answer as answers_of
from widget_server.contract import order as orders_of
from widget_server.contract.events import SKIPPED
from widget_server.contract.queries import query_key
from widget_server.contract.times import DAY, MINUTE, corrected, format_time, local_day, parse_time


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0), ("2025-11-22T10:00:00.250Z", 1_763_805_600_250),
        ("2025-11-22T12:00:00.250999+02:00", 1_763_805_600_250), ("2025-11-22t10:00:00z", 1_763_805_600_000),
        ("2025-11-22T10:00:00", None), ("2025-11-22", None), ("2025-02-30T10:00:00Z", None),
        ("2025-11-22T24:00:01Z", None), ("1969-12-31T23:59:59Z", None), ("2100-01-01T00:00:00Z", None),
        ("2025-11-22T10:00:00+25:00", None), ("２025-11-22T10:00:00Z", None), ("2025-11-22 10:00:00Z", None), ("", None),
    ],
)  # fmt: skip
def test_times(text: str, ms: int | None) -> None:
    assert parse_time(text) == ms


@given(st.integers(0, 4_102_444_799_999))
def test_times_survive_the_round_trip(ms: int) -> None:
    assert parse_time(format_time(ms)) == ms


@given(st.integers(-315_576_000_000, 315_576_000_000), st.integers(0, 10 * DAY))
def test_a_wrong_clock_does_not_move_an_act(wrong: int, ago: int) -> None:
    received = 1_763_800_000_000
    sent = received + wrong
    assert corrected(sent - ago, sent, received) == received - ago


def test_times_are_clamped_to_the_last_month_and_the_next_five_minutes() -> None:
    received = 1_763_800_000_000
    assert corrected(0, None, received) == received - 30 * DAY
    assert corrected(received + DAY, None, received) == received + 5 * MINUTE


@given(st.integers(0, 4_102_444_799_999), st.sampled_from(["Europe/Riga", "Asia/Kathmandu", "America/St_Johns", "UTC"]))
def test_the_local_day_agrees_with_the_time_zone(ms: int, name: str) -> None:
    assert local_day(ms, name) == f"{datetime.fromtimestamp(ms / 1000, ZoneInfo(name)):%Y-%m-%d}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Krēsls", "kresls"), ("  zaļš   krēsls ", "ZAĻŠ KRĒSLS"), ("kėdė", "kede"), ("tool õues", "TOOL OUES"),
        ("ёлка", "Елка"), ("cafe\u0301", "café"), ("ﬁlm", "film"), ("łóżko", "lozko"), ("a\u00a0b", "a b"),
    ],
)  # fmt: skip
def test_spellings_of_one_query(one: str, other: str) -> None:
    assert query_key(one) == query_key(other)


@pytest.mark.parametrize(("one", "other"), [("чайник", "чаиник"), ("lamp 1", "lamp 2"), ("стол", "стул")])
def test_different_queries(one: str, other: str) -> None:
    assert query_key(one) != query_key(other)


@given(st.text(max_size=500))
def test_a_query_key_is_its_own_key(query: str) -> None:
    assert query_key(query_key(query)) == query_key(query)


def test_answer_keys() -> None:
    given_ = {"type": "answer.given", "id": "e", "answer": "a"}
    assert answers_of.answer_key(given_) == "browser:a"
    assert answers_of.answer_key({"type": "answer.given", "id": "e"}) == "browser:e"
    assert answers_of.answer_key({**given_, "order": {"ref": "7:2", "line": None}}) == "order:7%3A2"
    assert answers_of.answer_key({**given_, "order": {"ref": "7", "line": None}}) == "order:7"
    assert answers_of.answer_key({**given_, "order": {"ref": "7", "line": "2"}}) == "order:7:2"
    assert answers_of.answer_key({**given_, "row": "r1", "order": {"ref": "7"}}) == "import:r1"


_ids = st.sampled_from([f"id{n}" for n in range(6)])
_part = st.fixed_dictionaries(
    {"type": st.sampled_from(["question.shown", "answer.given", "question.dismissed", "answer.quarantined", "answer.released"]),
     "at": st.integers(0, 5), "key": st.just("order:1"), "reason": st.sampled_from(["rude", "spam"])},
    optional={"value": st.sampled_from(["yes", "no"]), "text": st.text(max_size=2), "answer": st.sampled_from("ab"),
              "marks": st.lists(st.sampled_from(["fast", "bot", "paused_question"]), max_size=2),
              "page": st.fixed_dictionaries({"lang": st.sampled_from(["lv", "lt-LT"])})},
)  # fmt: skip


@given(st.dictionaries(_ids, _part, min_size=1), st.randoms(use_true_random=False))
def test_parts_in_any_order_any_number_of_times_end_alike(parts: dict[str, Any], rng: random.Random) -> None:
    events = [{**part, "id": name, "question": "q", "order": {"ref": "1", "line": None}} for name, part in parts.items()]
    many = events + rng.choices(events, k=4)
    ends = []
    for _ in range(3):
        rng.shuffle(many)
        state = None
        for event in many:
            state = answers_of.merged(state, "s", event, event.get("value"))
        ends.append(state)
    assert ends[0] == ends[1] == ends[2]
    assert ends[0] is not None
    assert ends[0].quarantined == ends[1].quarantined == ends[2].quarantined


def answer_of(*parts: tuple[str, int, dict[str, Any]]) -> answers_of.Answer:
    """The answer that (type, time, fields) make."""
    state = None
    for number, (kind, at, fields) in enumerate(parts):
        event = {"id": f"e{number}", "type": kind, "at": at, "question": "q", "answer": "a", "key": "browser:a", **fields}
        state = answers_of.merged(state, "s", event, event.get("value"))
    assert state is not None
    return state


def tap(at: int, *marks: str, **fields: Any) -> tuple[str, int, dict[str, Any]]:
    return ("answer.given", at, {**fields, **({"marks": list(marks)} if marks else {})})


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([tap(1, value="yes")], None),
        ([tap(1, "paused_question", value="yes")], None),
        ([tap(1, "bot", "fast", value="yes")], "fast, bot"),
        ([tap(1, "fast", value="yes"), tap(2, value="no")], None),
        ([tap(1, value="yes"), tap(2, "bot", value="no")], "bot"),
        ([tap(1, "fast", value="yes"), tap(2, text="well")], "fast"),
        ([tap(1, value="yes"), tap(2, "trap", text="buy")], "trap"),
        ([tap(1, "fast", value="yes"), tap(2, "trap", text="buy")], "trap, fast"),
        ([("question.shown", 1, {"marks": ["bot"]})], "bot"),
        ([("question.shown", 1, {"marks": ["bot"]}), tap(2, value="yes")], None),
    ],
)
def test_suspicion_follows_what_stands(parts: list[tuple[str, int, dict[str, Any]]], why: str | None) -> None:
    for order in (parts, parts[::-1]):
        state = answer_of(*order)
        assert state.quarantined == why
        assert (answers_of.counts(state, (), "UTC") == {}) == (why is not None)


def test_what_the_owner_decides_stands_above_every_mark_also_of_later_parts() -> None:
    suspect, later = tap(1, "trap", value="yes"), tap(9, "bot", value="no")
    release = ("answer.released", 5, {})
    assert answer_of(suspect, release).quarantined is None
    assert answer_of(suspect, release, later).quarantined is None
    assert answer_of(later, release, suspect).quarantined is None
    assert answer_of(suspect, release, ("answer.quarantined", 6, {"reason": "rude"}), later).quarantined == "rude"
    assert answer_of(tap(1, value="yes"), ("answer.quarantined", 6, {"reason": "rude"})).quarantined == "rude"


def test_who_closed_a_question_and_never_answered_is_counted() -> None:
    closed = ("question.dismissed", 1, {"placement": "search", "page": {"lang": "lv"}})
    found = answers_of.counts(answer_of(closed), (), "UTC")
    assert {(c.dimension, c.key) for c in found if c.counter == "dismissed"} == {("total", ""), ("placement", "search")}
    found = answers_of.counts(answer_of(closed, tap(2, value="yes")), (), "UTC")
    assert not [c for c in found if c.counter == "dismissed"]


def test_skips_are_counted_by_the_reasons_we_know() -> None:
    def rows(**fields: Any) -> list[tuple[str, str, str]]:
        made = {"type": "question.skipped", "at": 0, "question": "q", **fields}
        return [(c.dimension, c.key, c.bucket) for c in answers_of.skipped(made, "UTC")]

    assert rows(reason="cap") == [("total", "", "cap")]
    assert rows(reason="cap", placement="search") == [("total", "", "cap"), ("placement", "search", "cap")]
    assert rows(reason="what somebody made up") == [("total", "", "other")]
    assert rows(reason="cap", marks=["bot"]) == []
    assert rows(type="question.shown", reason="cap") == []


def test_the_reasons_are_those_that_the_snippet_sends() -> None:
    source = (Path(__file__).parents[2] / "js_snippet" / "src" / "reasons.ts").read_text()
    listed = re.search(r"COUNTED = \[(.*?)\]", source, re.S)
    assert listed is not None
    assert set(re.findall(r'"([a-z_]+)"', listed[1])) == SKIPPED


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.lists(st.sampled_from("abc"), max_size=3)), max_size=5),
       st.randoms(use_true_random=False))  # fmt: skip
def test_orders_end_alike_in_any_order(told: list[tuple[int, bool, list[str]]], rng: random.Random) -> None:
    events = [
        {"id": f"e{n}", "at": at, "order": {"ref": "1", "partial": partial, "status": f"s{n}",
         "lines": [{"line": line, "product": f"p{n}{line}"} for line in sorted(set(lines))]}}
        for n, (at, partial, lines) in enumerate(told)
    ]  # fmt: skip
    ends = []
    for _ in range(3):
        rng.shuffle(events)
        state = None
        for event in events:
            state = orders_of.merged(state, "s", event)
        ends.append(state)
    assert ends[0] == ends[1] == ends[2]
    whole = [event for event in sorted(events, key=lambda e: (e["at"], e["id"])) if not event["order"]["partial"]]
    if whole and whole[-1] is max(events, key=lambda e: (e["at"], e["id"])):
        assert ends[0] is not None
        wanted = {(line["line"], line["product"]) for line in whole[-1]["order"]["lines"]}
        assert set(ends[0].present_lines()) == wanted


def test_several_chosen_options_are_one_answer() -> None:
    given_ = {"type": "answer.given", "id": "1", "at": 1, "question": "why", "answer": "a", "value": ["price", "range"]}
    state = answers_of.merged(None, "s", given_, ("price", "range"))
    total = {(c.counter, c.bucket): n for c, n in answers_of.counts(state, (), "UTC").items()}
    assert total == {("shown", ""): 1, ("answers", ""): 1, ("chosen", "price"): 1, ("chosen", "range"): 1}
    later = answers_of.merged(state, "s", {**given_, "id": "2", "at": 2, "value": []}, ())
    total = {(c.counter, c.bucket): n for c, n in answers_of.counts(later, (), "UTC").items()}
    assert total == {("shown", ""): 1, ("answers", ""): 1}
    other = answers_of.merged(state, "s", {**given_, "id": "2", "at": 2, "value": "price"}, "price")
    total = {(c.counter, c.bucket): n for c, n in answers_of.counts(other, (), "UTC").items()}
    assert total == {("shown", ""): 1, ("answers", "price"): 1}
