"""What an owner decides about an answer: quarantine, release, removal; and the list of what waits."""

import json
from dataclasses import replace
from typing import Any

import pytest
import redis
from sqlalchemy import text

from tests.pipeline.envelopes import NOW, event
from tests.web.conftest import Make, World, answer
from widget_server.act.pipeline import process
from widget_server.act.verify import verify
from widget_server.contract.settings import Settings
from widget_server.contract.shop import Question
from widget_server.intake.stream import STREAM
from widget_server.record import endpoints, questions
from widget_server.record.db import Database
from widget_server.web.app import create_app


@pytest.fixture
def world(database: Database, make_world: Make, redis_client: "redis.Redis") -> World:
    """Both shops, with a stream."""
    return make_world(database, redis_client)


def decide(world: World, what: str, key: str, expected: int = 202, **more: Any) -> Any:
    """One decision about an answer to `search-found`, and what the worker makes of it."""
    body = {"question": "search-found", "key": key, "reason": "rude", **more}
    given = {name: value for name, value in body.items() if value is not ...}
    reply = world.call("POST", f"/v1/answers/{what}", world.shop.api_key, json=given)
    assert reply.status_code == expected, reply.text
    work(world)
    return reply.json


def work(world: World) -> None:
    """What the worker does with the stream."""
    client = world.app.extensions["atbalss"].redis
    entries = client.xrange(STREAM)
    process(world.database, [fields[b"e"] for _, fields in entries])
    client.delete(STREAM)


def listed(world: World, **query: Any) -> dict[str, str | None]:
    """The keys that a list shows, each with why it is in quarantine."""
    found = world.get("/v1/answers", **query).json["answers"]
    return {each["key"]: each["quarantined"] for each in found}


def counted(world: World) -> int:
    n = world.get("/v1/scores", metric="success", question="search-found").json["total"]["n"]
    assert list(verify(world.database)) == []
    return int(n)


def test_quarantine_and_back(world: World) -> None:
    given = answer("search-found", "no", text="a rude word")
    key = f"browser:{given['answer']}"
    world.send(given, answer("order-rating", 5))
    assert counted(world) == 1
    reply = decide(world, "quarantine", key)
    assert (reply["question"], reply["key"]) == ("search-found", key)
    assert counted(world) == 0
    assert key not in listed(world)
    assert listed(world, quarantined="true") == {key: "rude"}
    assert listed(world, quarantined="true", question="order-rating") == {}
    decide(world, "release", key, reason=...)
    assert counted(world) == 1
    assert listed(world, question="search-found") == {key: None}
    assert listed(world, quarantined="true") == {}


def test_a_suspect_answer_waits_until_it_is_released(world: World) -> None:
    given = answer("search-found", "yes", marks=["bot", "fast"])
    key = f"browser:{given['answer']}"
    world.send(event("question.shown", NOW - 1, question="search-found", answer=given["answer"], marks=["bot"]), given)
    assert counted(world) == 0
    assert world.get("/v1/reach").json["questions"] == []
    assert listed(world) == {}
    assert listed(world, quarantined="true") == {key: "fast, bot"}
    decide(world, "release", key)
    assert counted(world) == 1
    assert world.get("/v1/reach").json["questions"][0]["shown"] == 1
    # A part that comes later, suspect too, does not undo what the owner decided.
    world.send(event("answer.given", NOW + 9, question="search-found", answer=given["answer"], text="more", marks=["trap"]))
    assert counted(world) == 1
    assert listed(world) == {key: None}
    decide(world, "quarantine", key, reason="an advertisement")
    assert listed(world, quarantined="true") == {key: "an advertisement"}


def test_removed_is_gone_for_good(world: World) -> None:
    kept, gone = answer("search-found", "yes"), answer("search-found", "no", marks=["trap"])
    world.send(kept, gone)
    key = f"browser:{gone['answer']}"
    decide(world, "remove", key)
    assert listed(world, quarantined="true") == {}
    assert listed(world) == {f"browser:{kept['answer']}": None}
    for what in ("release", "quarantine", "remove"):
        decide(world, what, key, expected=404)
    assert counted(world) == 1


def test_what_is_not_there_can_not_be_decided_about(world: World) -> None:
    given = answer("search-found", "no")
    shown = event("question.shown", question="search-found", answer="f3b1c2d4-0000-4000-8000-000000000001")
    world.send(given, shown)
    key = f"browser:{given['answer']}"
    for more in ({"key": "browser:another"}, {"question": "order-rating"}, {"key": f"browser:{shown['answer']}"}):
        reply = decide(world, "quarantine", **{"key": key, **more}, expected=404)
        assert (reply["code"], list(reply["errors"])) == ("not_found", ["key"])
    neighbour = world.call(
        "POST", "/v1/answers/remove", world.neighbour.api_key, json={"question": "search-found", "key": key, "reason": "x"}
    )
    assert neighbour.status_code == 404
    work(world)
    assert listed(world) == {key: None}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"reason": ...}, "reason"), ({"reason": None}, "reason"), ({"reason": ""}, "reason"), ({"reason": "x" * 501}, "reason"),
        ({"reason": "a\nb"}, "reason"), ({"key": ""}, "key"), ({"key": "a\0"}, "key"), ({"key": 5}, "key"), ({"key": ...}, "key"),
        ({"question": "Not a name"}, "question"), ({"more": 1}, "more"),
    ],
)  # fmt: skip
def test_a_wrong_decision_is_named(small_world: World, fields: dict[str, Any], wrong: str) -> None:
    given = {"question": "search-found", "key": "browser:x", "reason": "rude", **fields}
    body = {name: value for name, value in given.items() if value is not ...}
    reply = small_world.call("POST", "/v1/answers/quarantine", small_world.shop.api_key, json=body)
    assert (reply.status_code, list(reply.json["errors"])) == (422, [wrong])


def test_a_stream_that_takes_nothing_is_503(
    small_world: World, sqlite_database: Database, make_world: Make, redis_client: "redis.Redis", settings: Settings
) -> None:
    given = answer("search-found", "no")
    body = {"question": "search-found", "key": f"browser:{given['answer']}", "reason": "rude"}
    full = make_world(sqlite_database, redis_client)
    for _ in range(3):
        redis_client.xadd(STREAM, {"e": "waits"})
    full.client = create_app(replace(settings, stream_limit=3), sqlite_database, redis_client).test_client()
    for each in (small_world, full):
        each.send(given)
        reply = each.call("POST", "/v1/answers/quarantine", each.shop.api_key, json=body)
        assert (reply.status_code, reply.json["code"]) == (503, "unavailable")
        assert int(reply.headers["Retry-After"]) > 0
        assert listed(each) == {body["key"]: None}


def test_pages_of_the_quarantine_are_whole(world: World) -> None:
    world.send(*(answer("search-found", "no", NOW - n % 3, marks=["burst"]) for n in range(7)), answer("search-found", "yes"))
    whole = list(listed(world, quarantined="true"))
    assert len(whole) == 7
    found, more = [], {}
    while True:
        page = world.get("/v1/answers", quarantined="true", limit=3, **more).json
        found += [each["key"] for each in page["answers"]]
        if page["next"] is None:
            break
        more = {"cursor": page["next"]}
    assert found == whole


def test_a_value_finds_options_that_were_chosen_among_others(world: World) -> None:
    options = ["price", "price_2", "range", "no"]
    with world.database.writing() as conn:
        questions.add_version(conn, world.shop.id, Question("why", 1, "choices", "order", settings={"options": options}))
    both, one, none, other = (
        answer("why", value) for value in (["price", "range"], ["price_2"], [], ["no", "gone"])
    )
    voice = answer("search-found", "no")
    world.send(both, one, none, other, voice)

    def having(value: str) -> set[str]:
        with_question = set(listed(world, value=value, question="why"))
        everywhere = set(listed(world, value=value))
        assert with_question == everywhere - {f"browser:{voice['answer']}"}
        return everywhere

    assert having("price") == {f"browser:{both['answer']}"}
    assert having("range") == {f"browser:{both['answer']}"}
    assert having("price_2") == {f"browser:{one['answer']}"}
    assert having("no") == {f"browser:{each['answer']}" for each in (other, voice)}
    assert having("%") == having("pri") == having("price\\n") == having("gone") == having("PRICE") == set()
    world.send(event("answer.given", NOW + 1, question="why", answer=both["answer"], value=["range"]))
    assert having("price") == set()


def test_the_receiver_of_a_webhook_is_told_that_an_answer_waits(world: World) -> None:
    with world.database.writing() as conn:
        endpoints.create(conn, world.shop.id, "https://shop.example/hook", ("answer.given",), NOW)
    world.send(answer("search-found", "no", marks=["bot"]))
    with world.database.reading() as conn:
        (body,) = conn.execute(text(f"SELECT body FROM outbox WHERE shop = '{world.shop.id}'")).scalars()
    assert json.loads(body)["data"]["quarantined"] == "bot"
