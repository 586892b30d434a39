"""Settings of when, where and how often: what is good is taken, what is bad is named with its limit."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget_server.contract.placing import PLACEMENTS, SETTINGS, TOUCHPOINTS, errors

RULE = {"like": "/products/*"}
GOOD: dict[str, tuple[Any, ...]] = {
    "delay": (0, 3600, 1.5, 0.25),
    "results": ("none", "some"),
    "where": (
        [RULE], [{"is": "/"}], [{"is": "https://shop.example/lv/?a=b"}], [{"contains": "sale"}, {"contains": "x", "not": True}],
        [{"like": "*"}], [{"like": "/krēsli/*", "not": False}], [RULE] * 10, [{"is": "/" + "x" * 299}],
    ),
    "selector": (
        "main", ".a > .b", "#x:not(.y)", "[data-x='{a,b}']", 'a[href^="/p;"]', "ul li:nth-child(2n + 1)", "a,b", "a\\:b", "x" * 200,
        "*", "a~b+c", "[a=')']",
    ),
    "inline": ("#here",),
    "trigger": ("load", "scroll", "exit", "idle"),
    "scroll": (1, 100),
    "idle": (5, 600, 7.5),
    "event": ("added-to-cart", "a.b_c"),
    "match": ({"a": "x"}, {"a": 1, "b": 1.5, "c": True, "d": "", "e": False}),
    "sample": (1, 100),
    "most": (1, 100),
    "until_answered": (True, False),
    "every_days": (1, 3650),
    "cooldown_hours": (0, 8760, 0.5),
    "starts": ("2026-12-01T00:00:00+02:00", "2026-12-01T00:00:00.5Z"),
    "ends": ("2026-12-24T18:00:00+02:00",),
}  # fmt: skip
# (value, what the sentence has to say, the path when it is below the setting)
BAD: dict[str, tuple[tuple[Any, ...], ...]] = {
    "delay": ((-1, "0 to 3600"), (3601, "0 to 3600"), ("3", "0 to 3600"), (True, "0 to 3600"), (float("nan"), "3600"), (10**30, "3600")),
    "results": (("all", "none, some"), (None, "none, some"), (0, "none, some")),
    "where": (
        ([], "1 to 10 rules"), ([RULE] * 11, "1 to 10 rules"), ("/x", "1 to 10 rules"), ([7], "rule like", "0"), ([{}], "is, contains, like", "0"),
        ([{"is": "/a", "like": "/b"}], "Give one of", "0"), ([RULE, {"is": "x"}], "Begin with /", "1.is"), ([{"like": "x*"}], "Begin with /", "0.like"),
        ([{"is": "/" + "x" * 300}], "1 to 300 characters", "0.is"), ([{"contains": ""}], "1 to 300 characters", "0.contains"),
        ([{"contains": 5}], "1 to 300 characters", "0.contains"), ([{"is": "/a b"}], "no spaces", "0.is"), ([{"is": "/a\n"}], "control", "0.is"),
        ([{"regex": "/x"}], "is, contains, like", "0"), ([{**RULE, "case": True}], "Unknown", "0.case"), ([{**RULE, "not": 1}], "true or false", "0.not"),
        ([{"contains": "\ud800"}], "control", "0.contains"),
    ),
    "selector": (
        ("", "1 to 200 characters"), ("x" * 201, "1 to 200 characters"), (7, "1 to 200 characters"), ("a\nb", "control"), ("a[b", "brackets"),
        ("a)b(", "brackets"), ("a[(])", "brackets"), ('a[b="c]', "quote"), ("a{b}", "{}"), ("a,,b", "commas"), (",", "commas"), ("> a", "missing"),
        ("a >", "missing"), ("a::before", "pseudo-element"), ("a\\", "brackets"), ("<script>", "<"), ("a;b", ";"), ("@media", "@"), ("a.", "missing"),
        ("\ud800", "control"), ("   ", "empty"),
    ),
    "inline": ((".a[", "brackets"), (True, "1 to 200 characters")),
    "trigger": (("click", "load, scroll, exit, idle, event"), (1, "load, scroll")),
    "scroll": ((0, "1 to 100"), (101, "1 to 100"), (50.5, "1 to 100"), ("50", "1 to 100")),
    "idle": ((4, "5 to 600"), (601, "5 to 600"), ("x", "5 to 600")),
    "event": (("Added", "1 to 64"), ("x" * 65, "1 to 64"), (1, "1 to 64"), ("", "1 to 64")),
    "match": (
        ({}, "1 to 5 properties"), ({str(n): n for n in range(6)}, "1 to 5 properties"), ([1], "1 to 5 properties"), ({"a": None}, "text of at most 200", "a"),
        ({"a": [1]}, "text of at most 200", "a"), ({"a": "x" * 201}, "200 characters", "a"), ({"a": 2**60}, "a number", "a"), ({"": 1}, "1 to 64", ""),
        ({"a": float("inf")}, "a number", "a"), ({"b\x00" * 40: 1}, "1 to 64", ("b?" * 32)),
    ),
    "sample": ((0, "1 to 100"), (101, "1 to 100"), (33.3, "1 to 100"), (False, "1 to 100")),
    "most": ((0, "1 to 100"), (101, "1 to 100"), ("3", "1 to 100")),
    "until_answered": ((1, "true or false"), ("yes", "true or false"), (None, "true or false")),
    "every_days": ((0, "1 to 3650"), (3651, "1 to 3650"), (1.5, "1 to 3650"), (True, "1 to 3650")),
    "cooldown_hours": ((-1, "0 to 8760"), (8761, "0 to 8760"), ("1", "0 to 8760")),
    "starts": (("2026-12-01", "time like"), (1, "time like"), ("2026-12-01T00:00:00", "time like"), ([], "time like")),
    "ends": (("tomorrow", "time like"), (None, "time like")),
}  # fmt: skip
# What a setting needs beside it.
BESIDE: dict[str, dict[str, Any]] = {
    "scroll": {"trigger": "scroll"}, "idle": {"trigger": "idle"}, "event": {"trigger": "event"},
    "match": {"trigger": "event", "event": "x"},
}  # fmt: skip


def placement_of(name: str) -> str:
    return "search" if name == "results" else "product"


def test_the_cases_are_about_every_setting() -> None:
    assert set(GOOD) == set(BAD) == set(SETTINGS)
    assert set(TOUCHPOINTS) == set(PLACEMENTS)


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_good_values(name: str) -> None:
    for value in GOOD[name]:
        assert errors(placement_of(name), {**BESIDE.get(name, {}), name: value}) == {}, value


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_bad_values_are_named_with_their_limit(name: str) -> None:
    for value, says, *below in BAD[name]:
        found = errors(placement_of(name), {**BESIDE.get(name, {}), name: value})
        ((path, sentence),) = found.items()
        assert path == ".".join([name, *below]), value
        assert says in sentence, (value, sentence)


@pytest.mark.parametrize(
    ("placement", "settings", "path", "says"),
    [
        ("order", {"results": "none"}, "results", "only for search"),
        ("link", {"delay": 1}, "delay", "only for search, order, product, page"),
        ("link", {"selector": "a"}, "selector", "link"),
        ("page", {}, "where", "`where`, `selector` or `event`"),
        ("page", {"delay": 3}, "where", "every page"),
        ("product", {"scroll": 50}, "scroll", 'trigger to be "scroll"'),
        ("product", {"idle": 50, "trigger": "load"}, "idle", '"idle" or "exit"'),
        ("product", {"trigger": "event"}, "event", "Required"),
        ("product", {"event": "x"}, "event", 'trigger to be "event"'),
        ("product", {"colour": "red"}, "colour", "Unknown"),
        ("product", {"": 1}, "", "Unknown"),
    ],
)
def test_what_contradicts_itself_is_named(placement: str, settings: dict[str, Any], path: str, says: str) -> None:
    ((where, sentence),) = errors(placement, settings).items()
    assert where == path
    assert says in sentence


def test_everything_wrong_is_told_at_once() -> None:
    wrong = {"delay": -1, "sample": 0, "where": [{"is": "x"}, {"like": "/ok"}, 5], "colour": 1, "most": 0}
    assert set(errors("page", wrong)) == {"delay", "sample", "where.0.is", "where.2", "colour", "most"}


def test_a_question_of_a_page_needs_to_know_which() -> None:
    for settings in ({"where": [RULE]}, {"selector": "main"}, {"trigger": "event", "event": "x"}):
        assert errors("page", settings) == {}
    assert errors("page", {"where": [{"like": "/x", "not": True}]}) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["is", "like", "not", "a", ""]), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(PLACEMENTS)), st.dictionaries(st.sampled_from([*SETTINGS, "x"]), JSON, max_size=6))
def test_no_value_breaks_it_and_what_is_taken_is_json(placement: str, settings: dict[str, Any]) -> None:
    found = errors(placement, settings)
    assert all(re.match(r"[A-Z].*\.$", sentence, re.S) for sentence in found.values())
    if not found:
        assert json.loads(json.dumps(settings, allow_nan=False)) == settings


@given(st.text(alphabet="ab[](){}\"'\\.#:,>+~ =*;", max_size=20))
def test_any_selector_is_judged(selector: str) -> None:
    found = errors("product", {"selector": selector})
    if not found:
        bare = re.sub(r"\\.|\"(\\.|[^\"])*\"|'(\\.|[^'])*'", "x", selector)
        assert bare.count("[") == bare.count("]")
        assert bare.count("(") == bare.count(")")
        assert not set(bare) & set("{};\"'")
