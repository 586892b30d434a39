"""Cases by the owner API: the same as on the pages."""

from typing import Any

import pytest

from tests.pipeline.envelopes import NOW, event
from tests.web.conftest import World, enrol
from widget_server.record import cases, notes

DAY = 86_400_000


def told(world: World, *keys: str) -> None:
    world.send(*(event("answer.given", NOW - n, question="search-found", answer=key, value="no") for n, key in enumerate(keys)))


def make(world: World, key: str, expected: int = 201, **more: Any) -> Any:
    body = {"question": "search-found", "key": f"browser:{key}", **more}
    reply = world.call("POST", "/v1/cases", world.shop.api_key, json=body)
    assert reply.status_code == expected, reply.text
    return reply.json


def change(world: World, case: str, expected: int = 200, **body: Any) -> Any:
    reply = world.call("PATCH", f"/v1/cases/{case}", world.shop.api_key, json=body)
    assert reply.status_code == expected, reply.text
    return reply.json


def listed(world: World, **query: Any) -> list[str]:
    """The keys of all pages."""
    found: list[str] = []
    more: dict[str, Any] = {}
    while True:
        page: Any = world.get("/v1/cases", limit=2, **query, **more).json
        found += [case["key"].removeprefix("browser:") for case in page["cases"]]
        if page["next"] is None:
            return found
        more = {"cursor": page["next"]}


def test_a_case_from_beginning_to_end(world: World) -> None:
    member = enrol(world, "editor", email="Anna@People.example")
    told(world, "a")
    made = make(world, "a", assignee="anna@people.EXAMPLE", due="2025-11-30", note="Call them,\nplease")
    assert {name: made[name] for name in ("key", "status", "due", "overdue")} == {
        "key": "browser:a", "status": "new", "due": "2025-11-30", "overdue": True,
    }  # fmt: skip
    assert made["assignee"].casefold() == "anna@people.example"
    again = make(world, "a", status="doing")
    assert (again["id"], again["status"], again["due"]) == (made["id"], "doing", "2025-11-30")
    solved = change(world, made["id"], status="solved", assignee=None, due=None, version=float(again["version"]))
    assert (solved["status"], solved["assignee"], solved["due"], solved["overdue"]) == ("solved", None, None, False)
    refused = change(world, made["id"], 409, status="new", version=again["version"])
    assert list(refused["errors"]) == ["version"]
    with world.database.reading() as conn:
        story = [(note.account, note.kind, note.text) for note in notes.of_answer(conn, world.shop.id, ("search-found", "browser:a"))]
        case = cases.by_id(conn, world.shop.id, made["id"])
    assert case is not None
    assert (None, "note", "Call them,\nplease") in story
    assert (None, "assignee", member.id) in story


def test_what_is_due_first_comes_first(world: World) -> None:
    told(world, "a", "b", "c", "d", "e")
    bodies: dict[str, Any] = {"a": {}, "b": {"due": "2099-01-01"}, "c": {"due": "2025-01-01"}, "d": {"status": "doing"}, "e": {}}
    for key, more in bodies.items():
        make(world, key, **more)
    assert listed(world)[:2] == ["c", "b"]
    assert sorted(listed(world)) == ["a", "b", "c", "d", "e"]
    assert listed(world, status="doing") == ["d"]
    make(world, "a", status="closed")
    make(world, "e", status="closed")
    assert sorted(listed(world, status="closed")) == ["a", "e"]
    assert sorted(listed(world)) == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"status": "open"}, "status"), ({"due": "2025-02-30"}, "due"), ({"due": 5}, "due"), ({"note": ""}, "note"),
        ({"note": "x" * 2001}, "note"), ({"note": "\0"}, "note"), ({"assignee": "a\nb"}, "assignee"), ({"more": 1}, "more"),
        ({"version": 0}, "version"), ({"version": "1"}, "version"), ({"version": 1.5}, "version"), ({"version": True}, "version"), ({"status": None}, "status"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(small_world: World, body: dict[str, Any], wrong: str) -> None:
    told(small_world, "a")
    made = make(small_world, "a")
    assert list(change(small_world, made["id"], 422, **body)["errors"]) == [wrong]


def test_nobody_elses_cases_answers_or_members(small_world: World) -> None:
    told(small_world, "a")
    made = make(small_world, "a")
    stranger = enrol(small_world, "owner", small_world.neighbour)
    assert list(make(small_world, "a", 409, assignee=stranger.email)["errors"]) == ["assignee"]
    assert list(make(small_world, "zz", 404)["errors"]) == ["key"]
    change(small_world, "case_none", 404, status="doing")
    reply = small_world.call("PATCH", f"/v1/cases/{made['id']}", small_world.neighbour.api_key, json={"status": "closed"})
    assert reply.status_code == 404
    assert listed(small_world) == ["a"]


@pytest.mark.parametrize("cursor", ["0.", "1.AAAA", "999999999999999.eHgKOTk5", "5.Y2FzZV94CngxMg", "7.Y2FzZQrCsg"])
def test_a_made_up_cursor_is_some_place(small_world: World, cursor: str) -> None:
    for status in ("open", "closed"):
        assert small_world.get("/v1/cases", status=status, cursor=cursor).status_code == 200


def test_a_due_day_at_the_end_of_all_calendars(small_world: World) -> None:
    told(small_world, "a")
    assert make(small_world, "a", due="9999-12-31")["due"] == "2199-12-31"
    assert make(small_world, "a", due="0001-01-01")["due"] == "1970-01-02"
