"""GET /v1/reach: how often questions were shown, answered, closed and kept back."""

import uuid
from typing import Any

import pytest

from tests.pipeline.envelopes import NOW, event
from tests.web.conftest import DAY, World, answer
from widget_server.act.verify import rebuild, verify
from widget_server.contract.events import SKIPPED

NOTHING = {"shown": 0, "answered": 0, "dismissed": 0, "skipped": {}}


def shown(question: str = "search-found", at: int = NOW, **more: Any) -> dict[str, Any]:
    return event("question.shown", at, question=question, answer=str(uuid.uuid4()), **more)


def closed(question: str = "search-found", at: int = NOW, **more: Any) -> dict[str, Any]:
    return event("question.dismissed", at, question=question, answer=str(uuid.uuid4()), **more)


def skip(reason: str, question: str = "search-found", at: int = NOW, **more: Any) -> dict[str, Any]:
    return event("question.skipped", at, question=question, reason=reason, **more)


def test_each_question_with_what_became_of_it(world: World) -> None:
    again = skip("typing")
    world.send(
        shown(), shown(), closed(), answer("search-found", "no"), answer("order-rating", 5),
        skip("cap"), skip("cap"), again, skip("made up by somebody"), skip("made up by another"), skip("cap", "order-rating"),
    )  # fmt: skip
    world.send(again)
    world.send(shown(), shop=world.neighbour.id)
    reply = world.get("/v1/reach").json
    assert (reply["by"], reply["rows"], reply["next"]) == (None, [], None)
    assert reply["questions"] == [
        {"question": "order-rating", "shown": 1, "answered": 1, "dismissed": 0, "skipped": {"cap": 1}},
        {"question": "search-found", "shown": 4, "answered": 1, "dismissed": 1, "skipped": {"cap": 2, "other": 2, "typing": 1}},
    ]
    assert list(verify(world.database)) == []
    rebuild(world.database)
    assert world.get("/v1/reach").json == reply


def test_reasons_cannot_fill_the_table(world: World) -> None:
    world.send(*(skip(reason) for reason in (*SKIPPED, *(f"x{n}" for n in range(100)))))
    (found,) = world.get("/v1/reach").json["questions"]
    assert found["skipped"] == {**dict.fromkeys(SKIPPED, 1), "other": 100}


def test_who_is_suspect_reaches_nowhere(world: World) -> None:
    world.send(shown(marks=["bot"]), skip("cap", marks=["bot"]), answer("search-found", "no", marks=["fast"]), closed(marks=["bot"]))
    assert world.get("/v1/reach").json["questions"] == []


def test_closed_and_answered_later_is_answered(world: World) -> None:
    one = str(uuid.uuid4())
    world.send(closed() | {"answer": one})
    assert world.get("/v1/reach").json["questions"][0]["dismissed"] == 1
    world.send(answer("search-found", "yes", NOW + 1) | {"answer": one})
    assert world.get("/v1/reach").json["questions"] == [
        {"question": "search-found", **NOTHING, "shown": 1, "answered": 1}
    ]


# 2025-11-22 is a Saturday.
TIMES = [(by, keys) for by, keys in (
    ("day", ["2025-10-31", "2025-11-01", "2025-11-17", "2025-11-22"]),
    ("week", ["2025-W44", "2025-W47"]),
    ("month", ["2025-10", "2025-11"]),
)]  # fmt: skip


@pytest.mark.parametrize(("by", "keys"), TIMES)
def test_by_time_page_by_page(world: World, by: str, keys: list[str]) -> None:
    for days in (0, 5, 21, 22):
        world.send(shown(at=NOW - days * DAY), skip("wave", at=NOW - days * DAY), answer("order-rating", 4, NOW - days * DAY))
    whole = world.get("/v1/reach", by=by).json
    assert [row["key"] for row in whole["rows"]] == keys
    for number in ("shown", "answered"):
        assert sum(q[number] for row in whole["rows"] for q in row["questions"]) == sum(q[number] for q in whole["questions"])
    assert sum(q["skipped"].get("wave", 0) for row in whole["rows"] for q in row["questions"]) == 4
    found, more = [], {}
    while True:
        page = world.get("/v1/reach", by=by, limit=1, **more).json
        assert len(page["rows"]) <= 1
        found += page["rows"]
        if page["next"] is None:
            break
        more = {"cursor": page["next"]}
    assert found == whole["rows"]


def test_within_days_and_of_one_question(world: World) -> None:
    for days in range(40):
        world.send(shown(at=NOW - days * DAY), shown("order-rating", NOW - days * DAY))
    span = {"from": "2025-10-25", "to": "2025-11-20"}
    for by in ("day", "week", "month"):
        reply = world.get("/v1/reach", by=by, question="search-found", **span).json
        assert reply["questions"] == [{"question": "search-found", **NOTHING, "shown": 27}]
        assert sum(q["shown"] for row in reply["rows"] for q in row["questions"]) == 27
        assert {q["question"] for row in reply["rows"] for q in row["questions"]} == {"search-found"}
    assert world.get("/v1/reach", **{"from": "2030-01-01"}).json["questions"] == []


def test_by_placement(world: World) -> None:
    world.send(shown(placement="search"), shown(placement="page"), skip("cap", placement="page"), skip("cap"), closed(placement="page"))
    rows = world.get("/v1/reach", by="placement").json["rows"]
    assert rows == [
        {"key": "page", "questions": [{"question": "search-found", "shown": 2, "answered": 0, "dismissed": 1, "skipped": {"cap": 1}}]},
        {"key": "search", "questions": [{"question": "search-found", **NOTHING, "shown": 1}]},
    ]
    second = world.get("/v1/reach", by="placement", limit=1).json["next"]
    assert world.get("/v1/reach", by="placement", cursor=second).json["rows"] == rows[1:]


def test_what_it_refuses(small_world: World) -> None:
    assert small_world.get("/v1/reach", question="nobody-asked").status_code == 404
    assert small_world.get("/v1/reach", by="product").status_code == 422
    assert small_world.get("/v1/reach", limit="401").status_code == 422
    assert small_world.get("/v1/reach", **{"from": "2025-02-01", "to": "2025-01-01"}).status_code == 409


def test_any_well_formed_cursor_is_a_position(world: World) -> None:
    world.send(shown())
    for by in ("day", "week", "month", "placement"):
        for cursor in ("0.", "9.A", "0.OTk5OS1XNTI", "0.OTk5OS1XNTM", "0." + "A" * 3000):
            assert world.get("/v1/reach", by=by, cursor=cursor).status_code == 200
