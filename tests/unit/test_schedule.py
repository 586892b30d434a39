"""The schedule: a question is asked between `starts` and `ends`, and pages hear of neither."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from widget_server.contract import schedule
from widget_server.contract.placing import errors
from widget_server.contract.sets import SETS
from widget_server.contract.shop import Question, Shop
from widget_server.contract.times import parse_time
from widget_server.intake.ask import Asking, AskReplies

STARTS, ENDS = "2026-12-01T00:00:00+02:00", "2026-12-24T18:00:00+02:00"


def at(text: str) -> int:
    found = parse_time(text)
    assert found is not None
    return found


FIRST, LAST = at(STARTS), at(ENDS)


def question(**settings: Any) -> Question:
    return replace(SETS["order-rating"].question(), settings=settings)


@pytest.mark.parametrize(
    ("settings", "now", "state"),
    [
        ({}, FIRST, "on"), ({"starts": STARTS}, FIRST - 1, "waits"), ({"starts": STARTS}, FIRST, "on"), ({"starts": STARTS}, LAST, "on"),
        ({"ends": ENDS}, FIRST, "on"), ({"ends": ENDS}, LAST - 1, "on"), ({"ends": ENDS}, LAST, "over"),
        ({"starts": STARTS, "ends": ENDS}, FIRST - 1, "waits"), ({"starts": STARTS, "ends": ENDS}, LAST, "over"),
    ],
)  # fmt: skip
def test_the_state_follows_the_clock(settings: dict[str, Any], now: int, state: str) -> None:
    made = question(**settings)
    assert schedule.state(made, now) == state
    assert schedule.state(replace(made, paused=True), now) == "paused"


def test_the_next_change_is_the_first_that_is_still_to_come() -> None:
    both = [question(starts=STARTS, ends=ENDS), question()]
    assert [schedule.next_change(both, now) for now in (0, FIRST - 1, FIRST, LAST - 1, LAST)] == [FIRST, FIRST, LAST, LAST, None]


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"starts": STARTS, "ends": ENDS}, {}), ({"ends": ENDS}, {}), ({"starts": STARTS, "ends": STARTS}, {"ends": "Give a time after `starts`."}),
        ({"starts": "2026-12-01T02:00:00+02:00", "ends": "2026-12-01T00:30:00Z"}, {}),
        ({"starts": ENDS, "ends": STARTS}, {"ends": "Give a time after `starts`."}),
        ({"starts": "tomorrow", "ends": ENDS}, {"starts": "Give a time like 2026-11-22T10:00:00Z."}),
    ],
)  # fmt: skip
def test_it_ends_after_it_has_begun(settings: dict[str, Any], wrong: dict[str, str]) -> None:
    assert errors("order", settings) == wrong


def test_a_page_is_asked_by_the_servers_clock() -> None:
    now = [FIRST / 1000 - 1]
    there = {"order-rating": (question(starts=STARTS, ends=ENDS, delay=3),), "search-found": (SETS["search-found"].question(),)}
    replies = AskReplies(Shop("s", "Shop", "pk_1", ("shop.example",), "UTC", "ots_1", there), lambda: now[0])

    def told(why: bool = False) -> dict[str, Any]:
        body: dict[str, Any] = orjson.loads(replies.reply(Asking("lv", why=why), None).body)
        return body

    assert [each["question"] for each in told()["questions"]] == ["search-found"]
    assert (told(why=True)["paused"], told(why=True)["unscheduled"]) == ([], ["order-rating"])
    before = replies.reply(Asking("lv"), None).headers
    now[0] += 1
    asked = {each["question"]: each for each in told()["questions"]}
    assert asked["order-rating"]["settings"] == {"delay": 3}
    assert replies.reply(Asking("lv"), None).headers != before
    assert "unscheduled" not in told(why=True)
    now[0] = LAST / 1000
    assert [each["question"] for each in told()["questions"]] == ["search-found"]
