"""/v1/questions and /v1/sets: made, changed, paused, deleted, brought back; never by another shop, never twice at once."""

import json
import random
import threading
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.web.conftest import World, answer
from widget_server.contract.sets import SETS
from widget_server.record import questions as record
from widget_server.record import shops

MINE = {
    "name": "clear", "type": "yes_no", "placement": "page", "settings": {"where": [{"like": "/delivery*"}], "sample": 50},
    "texts": {"lv": {"title": "Vai viss skaidrs?", "follow_up": "Kas nav skaidrs?"}},
}  # fmt: skip


def send(world: World, method: str, path: str, body: Any = ..., key: str | None = None) -> TestResponse:
    # Escaped, so that also what UTF-8 cannot carry travels.
    data = None if body is ... else json.dumps(body)
    return world.call(method, path, world.shop.api_key if key is None else key, data=data, content_type="application/json")


def add(world: World, body: Any) -> TestResponse:
    return send(world, "POST", "/v1/questions", body)


def patch(world: World, name: str, body: Any) -> TestResponse:
    return send(world, "PATCH", f"/v1/questions/{name}", body)


def listed(world: World, **query: Any) -> list[str]:
    return [question["name"] for question in world.get("/v1/questions", **query).json["questions"]]


def test_a_question_of_ones_own_is_made_and_read(world: World) -> None:
    made = add(world, MINE)
    assert made.status_code == 201
    assert (made.json["version"], made.json["touchpoint"], made.json["paused"], made.json["deleted"]) == (1, "site", False, False)
    assert made.json["settings"] == MINE["settings"]
    assert made.json["texts"]["lv"] == {
        **MINE["texts"]["lv"], "yes": "Jā", "no": "Nē", "send": "Nosūtīt", "thanks": "Paldies par atbildi!", "close": "Aizvērt",
    }  # fmt: skip
    assert world.get("/v1/questions/clear").json == made.json
    assert listed(world) == ["clear", "order-rating", "search-found"]


@pytest.mark.parametrize("name", sorted(SETS))
def test_every_set_can_be_switched_on_and_changed_at_once(small_world: World, name: str) -> None:
    made = add(small_world, {"set": name, "name": "mine", "settings": {"every_days": 9}, "texts": {"lv": {"title": "Nu?"}}, "paused": True})
    assert made.status_code == 201, made.json
    found = SETS[name]
    assert (made.json["name"], made.json["type"], made.json["touchpoint"]) == ("mine", found.type, found.touchpoint)
    assert made.json["settings"] == {**found.settings, "every_days": 9}
    assert made.json["texts"]["lv"] == {**found.texts["lv"], "title": "Nu?"}
    assert made.json["paused"] is True


def test_the_sets_are_listed_with_what_the_shop_has_of_them(world: World) -> None:
    add(world, {"set": "why-us"})
    world.call("DELETE", "/v1/questions/order-rating", world.shop.api_key)
    sets = {each["name"]: each for each in world.get("/v1/sets").json["sets"]}
    assert set(sets) == set(SETS)
    assert {name for name, each in sets.items() if each["question"] == name} == {"search-found", "why-us"}
    assert sets["recommend"]["title"]["lv"] == SETS["recommend"].texts["lv"]["title"]
    assert (sets["parcel-locker"]["placement"], sets["parcel-locker"]["touchpoint"], sets["parcel-locker"]["type"]) == ("link", "delivery", "ces")
    assert set(sets["recommend"]["languages"]) >= {"lv", "lt", "et", "ru", "en", "pl", "de", "fi"}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["name", "placement", "texts", "type"]),
        ([], ["body"]),
        ({**MINE, "more": 1}, ["more"]),
        ({**MINE, "version": 1}, ["version"]),
        ({**MINE, "name": "Clear"}, ["name"]),
        ({**MINE, "name": 7}, ["name"]),
        ({**MINE, "type": "thumbs"}, ["type"]),
        ({**MINE, "type": []}, ["type"]),
        ({**MINE, "placement": "basket"}, ["placement"]),
        ({**MINE, "placement": {}}, ["placement"]),
        ({**MINE, "touchpoint": ""}, ["touchpoint"]),
        ({**MINE, "touchpoint": 5}, ["touchpoint"]),
        ({**MINE, "paused": "true"}, ["paused"]),
        ({**MINE, "paused": None}, ["paused"]),
        ({**MINE, "settings": []}, ["settings"]),
        ({**MINE, "settings": None}, ["settings"]),
        ({**MINE, "settings": {}}, ["settings.where"]),
        ({**MINE, "settings": {"where": [{"like": "/x"}], "delay": 9999}}, ["settings.delay"]),
        ({**MINE, "settings": {"where": [{"like": "x"}]}}, ["settings.where.0.like"]),
        ({**MINE, "settings": {"where": [{"like": "/x"}], "\ud800": 1}}, ["settings.?"]),
        ({**MINE, "texts": []}, ["texts"]),
        ({**MINE, "texts": {"lv": []}}, ["texts.lv"]),
        ({**MINE, "texts": {"lv": {"title": []}}}, ["texts.lv.title"]),
        ({**MINE, "texts": {"lv": {"title": "a", "follow_up": "b", "\ud800": "c"}}}, ["texts.lv.?"]),
        ({"set": "no-such"}, ["set"]),
        ({"set": ["why-us"]}, ["set"]),
        ({"set": "why-us", "type": "choices"}, ["type"]),
        ({"set": "why-us", "settings": {"options": ["price"]}}, ["settings.options"]),
        ({"set": "delivery-rating", "settings": {"delay": 3}}, ["settings.delay"]),
    ],
)
def test_a_wrong_question_is_refused_and_named(small_world: World, body: Any, fields: list[str]) -> None:
    reply = add(small_world, body)
    assert (reply.status_code, sorted(reply.json["errors"])) == (422, fields)
    assert listed(small_world) == ["order-rating", "search-found"]


def test_a_name_is_taken_once(world: World) -> None:
    reply = add(world, {**MINE, "name": "order-rating"})
    assert (reply.status_code, list(reply.json["errors"])) == (409, ["name"])
    assert "PATCH" in reply.json["message"]


def test_a_change_makes_a_version_and_keeps_what_it_doesn_t_name(world: World) -> None:
    before = world.get("/v1/questions/search-found").json
    made = patch(world, "search-found", {"settings": {"sample": 50}, "texts": {"en": {"title": "Found it?"}}})
    assert made.status_code == 200
    assert made.json == {
        **before, "version": 2, "settings": {**before["settings"], "sample": 50},
        "texts": {**before["texts"], "en": {**before["texts"]["en"], "title": "Found it?"}},
    }  # fmt: skip
    assert world.get("/v1/questions/search-found").json == made.json
    assert world.get("/v1/questions/search-found", version=1).json == before
    assert world.get("/v1/questions/search-found", version=3).status_code == 404
    undone = patch(world, "search-found", {"settings": {"sample": None}, "texts": {"en": {"title": before["texts"]["en"]["title"]}}})
    assert undone.json == {**before, "version": 3}


def test_nothing_changed_is_no_version(small_world: World) -> None:
    for same in ({}, {"paused": False}, {"settings": {}}, {"type": "yes_no"}, {"texts": {"lv": {}}}, {"settings": {"sample": None}}):
        assert patch(small_world, "search-found", same).json["version"] == 1


def test_a_question_is_paused_and_resumed(small_world: World) -> None:
    assert patch(small_world, "search-found", {"paused": True}).json["paused"] is True
    assert listed(small_world) == ["order-rating", "search-found"]
    resumed = patch(small_world, "search-found", {"paused": False}).json
    assert (resumed["paused"], resumed["version"]) == (False, 3)


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ({"type": "stars"}, 409, ["type"]),
        ({"version": 7}, 409, ["version"]),
        ({"name": "other"}, 422, ["name"]),
        ({"set": "why-us"}, 422, ["set"]),
        ({"deleted": True}, 422, ["deleted"]),
        ({"version": 0}, 422, ["version"]),
        ({"version": "1"}, 422, ["version"]),
        ({"placement": "page"}, 422, ["settings.where"]),
        ({"placement": "order", "settings": {"results": "none"}}, 422, ["settings.results"]),
        ({"settings": {"scroll": 10}}, 422, ["settings.scroll"]),
        ({"settings": {"follow_up": ["no"]}}, 422, ["settings.follow_up"]),
        ({"texts": {"lv": {"high": "x"}}}, 422, ["texts.lv.high"]),
        ({"texts": {"lv": {"title": None}}}, 422, ["texts.lv.title"]),
        ({"texts": {"sv": {"yes": "Ja"}}}, 422, ["texts.sv.title"]),
        ({"paused": 1}, 422, ["paused"]),
    ],
)
def test_a_wrong_change_is_refused_and_changes_nothing(small_world: World, body: Any, status: int, fields: list[str]) -> None:
    before = small_world.get("/v1/questions").text
    reply = patch(small_world, "search-found", body)
    assert (reply.status_code, list(reply.json["errors"])) == (status, fields)
    assert small_world.get("/v1/questions").text == before


def test_a_deleted_question_is_gone_and_its_answers_are_not(world: World) -> None:
    world.send(answer("order-rating", 5), answer("order-rating", 4, question_version=1))
    assert world.call("DELETE", "/v1/questions/order-rating", world.shop.api_key).status_code == 204
    assert listed(world) == ["search-found"]
    assert listed(world, deleted="true") == ["order-rating"]
    assert world.get("/v1/questions/order-rating").status_code == 404
    assert world.get("/v1/questions/order-rating", version=1).json["texts"]["lv"]["title"]
    for method, body in (("PATCH", {"paused": False}), ("DELETE", ...)):
        assert send(world, method, "/v1/questions/order-rating", body).status_code == 404
    assert send(world, "POST", "/v1/previews", {"question": "order-rating"}).status_code == 404
    # Panels that are still open count on.
    world.send(answer("order-rating", 3, question_version=1))
    assert world.get("/v1/scores", metric="stars", question="order-rating").json["total"]["value"] == 4.0


def test_a_deleted_question_comes_back_as_its_next_version(world: World) -> None:
    world.call("DELETE", "/v1/questions/order-rating", world.shop.api_key)
    other = add(world, {**MINE, "name": "order-rating"})
    assert (other.status_code, list(other.json["errors"])) == (409, ["type"])
    assert "stars" in other.json["errors"]["type"]
    back = add(world, {"set": "order-rating"})
    assert (back.status_code, back.json["version"], back.json["deleted"], back.json["paused"]) == (201, 3, False, False)
    assert listed(world) == ["order-rating", "search-found"]


def test_a_neighbours_question_can_t_be_read_or_written(world: World) -> None:
    add(world, MINE)
    before = world.get("/v1/questions").text
    key = world.neighbour.api_key
    for method, path, body in (
        ("GET", "/v1/questions/clear", ...), ("GET", "/v1/questions/clear?version=1", ...), ("PATCH", "/v1/questions/clear", {"paused": True}),
        ("DELETE", "/v1/questions/clear", ...), ("POST", "/v1/previews", {"question": "clear"}),
    ):  # fmt: skip
        reply = send(world, method, path, body, key)
        assert reply.status_code == 404
        assert "skaidrs" not in reply.text
    # The same name is nobody's but one's own.
    assert send(world, "POST", "/v1/questions", {"set": "why-us", "name": "clear"}, key).status_code == 201
    assert send(world, "PATCH", "/v1/questions/search-found", {"paused": True}, key).json["version"] == 2
    assert world.get("/v1/questions").text == before


def test_of_two_that_read_the_same_version_the_second_is_told(world: World) -> None:
    assert patch(world, "search-found", {"version": 1, "settings": {"sample": 50}}).json["version"] == 2
    late = patch(world, "search-found", {"version": 1, "settings": {"delay": 5}})
    assert (late.status_code, list(late.json["errors"])) == (409, ["version"])
    assert "at version 2 by now" in late.json["message"]
    assert patch(world, "search-found", {"version": 2, "settings": {"delay": 5}}).json["settings"] == {"follow_up": "no", "sample": 50, "delay": 5}


def test_changes_at_the_same_moment_become_versions_of_their_own(world: World) -> None:
    """Eight at once, each of another setting: every one of them is in the end there."""
    changes: list[dict[str, Any]] = [
        {"delay": 1}, {"sample": 50}, {"most": 3}, {"cooldown_hours": 1}, {"every_days": 9}, {"until_answered": True},
        {"results": "some"}, {"selector": "main"},
    ]  # fmt: skip
    gate, statuses = threading.Barrier(len(changes)), []

    def change(settings: dict[str, Any]) -> None:
        client = world.app.test_client()
        gate.wait(20)
        headers = {"Authorization": f"Bearer {world.shop.api_key}"}
        statuses.append(client.patch("/v1/questions/search-found", json={"settings": settings}, headers=headers).status_code)

    threads = [threading.Thread(target=change, args=(settings,)) for settings in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses == [200] * len(changes)
    now = world.get("/v1/questions/search-found").json
    assert now["version"] == 1 + len(changes)
    assert now["settings"] == {"follow_up": "no", **{name: value for each in changes for name, value in each.items()}}
    with world.database.reading() as conn:
        shop = shops.by_id(conn, world.shop.id)
    assert shop is not None
    assert [question.version for question in shop.questions["search-found"]] == list(range(1, 10))


def test_of_several_that_read_the_same_version_at_once_one_changes_it(world: World) -> None:
    gate, statuses = threading.Barrier(6), []

    def change(delay: int) -> None:
        client = world.app.test_client()
        gate.wait(20)
        body = {"version": 1, "settings": {"delay": delay}}
        headers = {"Authorization": f"Bearer {world.shop.api_key}"}
        statuses.append(client.patch("/v1/questions/search-found", json=body, headers=headers).status_code)

    threads = [threading.Thread(target=change, args=(delay,)) for delay in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [200, 409, 409, 409, 409, 409]
    assert world.get("/v1/questions/search-found").json["version"] == 2


def test_a_shop_has_so_many_questions_names_and_versions(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "LIMIT", 3)
    assert [add(small_world, {**MINE, "name": f"q{n}"}).status_code for n in range(2)] == [201, 409]
    monkeypatch.setattr(record, "MOST_NAMES", 3)
    small_world.call("DELETE", "/v1/questions/q0", small_world.shop.api_key)
    refused = add(small_world, {**MINE, "name": "q1"})
    assert (refused.status_code, "deleted" in refused.json["message"]) == (409, True)
    assert add(small_world, {**MINE, "name": "q0"}).json["version"] == 3
    monkeypatch.setattr(record, "MOST_VERSIONS", 4)
    assert [patch(small_world, "q0", {"settings": {"delay": n}}).status_code for n in range(3)] == [200, 409, 409]
    # To stop asking is possible all the same, and no more than that.
    changes: list[dict[str, Any]] = [{"settings": {"delay": 9}, "version": 4}, {"paused": True}, {"paused": False}, {"texts": {"lv": {"title": "x"}}}]
    assert [patch(small_world, "q0", each).status_code for each in changes] == [409, 200, 409, 409]
    assert small_world.call("DELETE", "/v1/questions/q0", small_world.shop.api_key).status_code == 204
    assert add(small_world, {**MINE, "name": "q0"}).status_code == 409
    with small_world.database.reading() as conn:
        assert len(record.of_shop(conn, small_world.shop.id)["q0"]) == 6


def test_a_shop_has_so_many_versions_in_all(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MOST_VERSIONS", 1)
    assert [add(small_world, {**MINE, "name": f"q{n}"}).status_code for n in range(4)] == [201, 201, 201, 409]
    assert patch(small_world, "q0", {"paused": True}).status_code == 200


def junk(rng: random.Random, depth: int = 3) -> Any:
    kinds = ["null", "bool", "int", "huge", "float", "text", "odd"] + (["list", "dict"] * 2 if depth else [])
    kind = rng.choice(kinds)
    if kind == "list":
        return [junk(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    if kind == "dict":
        names = ["is", "like", "not", "when", "text", "lv", "title", "options", "follow_up", "a", "", "\ud800", "x" * 70]
        return {rng.choice(names): junk(rng, depth - 1) for _ in range(rng.randint(0, 3))}
    return {
        "null": None, "bool": rng.random() < 0.5, "int": rng.randint(-9, 200), "huge": 10 ** rng.randint(15, 40), "float": rng.uniform(-9, 9),
        "text": rng.choice(["", "/x*", "a", "no", "lv", "event", "always", "<b>", "x" * 400]), "odd": rng.choice(["\ud800", "\x00", "a\nb", "ā", "{n}"]),
    }[kind]  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_no_body_is_a_5xx(small_world: World, seed: int) -> None:
    rng = random.Random(seed)
    settings = ["delay", "results", "where", "selector", "inline", "trigger", "scroll", "idle", "event", "match", "sample", "most",
                "until_answered", "every_days", "cooldown_hours", "options", "follow_up", "x", "\ud800"]  # fmt: skip
    add(small_world, {"set": "why-us"})
    seen = set()
    for _ in range(150):
        body: Any = {name: junk(rng) for name in rng.sample(["type", "placement", "touchpoint", "paused", "version", "\ud800"], rng.randint(0, 2))}
        body["settings"] = {rng.choice(settings): junk(rng) for _ in range(rng.randint(0, 3))}
        if rng.random() < 0.5:
            body["texts"] = {rng.choice(["lv", "en", "sv", "LV", "", "\ud800", "x" * 40]): junk(rng) for _ in range(rng.randint(0, 2))}
        body = junk(rng) if rng.random() < 0.1 else body
        replies = [
            patch(small_world, "why-us", body), add(small_world, {"set": "why-us", "name": f"n{rng.randint(0, 9)}", **(body if isinstance(body, dict) else {})}),
            send(small_world, "POST", "/v1/previews", body),
        ]  # fmt: skip
        for reply in replies:
            assert reply.status_code in (200, 201, 409, 422), (body, reply.text)
            assert reply.status_code < 400 or all(reply.json["errors"].values())
            seen.add(reply.status_code)
    assert seen >= {200, 422}
    # What was taken can be read, and asked.
    assert small_world.get("/v1/questions").status_code == 200
