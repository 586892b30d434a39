"""/v1/endpoints and /v1/deliveries."""

import json
from typing import Any

import pytest

from integrations.signing import sign, verify
from tests.pipeline.envelopes import NOW
from tests.web.conftest import PUBLIC, World, answer
from widget_server.act.http import HttpClient
from widget_server.record import endpoints, outbox

GOOD = {"url": "https://example.com/hook", "types": ["answer.given", "score.updated"]}


def add(world: World, body: Any = None) -> Any:
    # Escaped, so that also what UTF-8 cannot carry travels.
    raw = json.dumps(GOOD if body is None else body)
    return world.call("POST", "/v1/endpoints", world.shop.api_key, data=raw, content_type="application/json")


def test_an_endpoint_is_added_listed_and_deleted(world: World) -> None:
    made = add(world)
    assert made.status_code == 201
    assert made.json["secret"].startswith("whsec_")
    (listed,) = world.get("/v1/endpoints").json["endpoints"]
    assert listed == {k: v for k, v in made.json.items() if k != "secret"}
    assert (listed["url"], listed["types"], listed["disabled"]) == (GOOD["url"], GOOD["types"], None)
    path = f"/v1/endpoints/{listed['id']}"
    assert world.call("DELETE", path, world.shop.api_key).status_code == 204
    assert world.get("/v1/endpoints").json == {"endpoints": []}
    assert world.call("DELETE", path, world.shop.api_key).status_code == 404


def test_a_changed_secret_leaves_the_old_one_valid_for_a_day(small_world: World) -> None:
    made = add(small_world).json
    changed = small_world.call("POST", f"/v1/endpoints/{made['id']}/secret", small_world.shop.api_key)
    assert changed.status_code == 201
    assert changed.json["secret"] != made["secret"]
    with small_world.database.reading() as conn:
        target = endpoints.targets(conn, [made["id"]], NOW)[made["id"]]
    headers = sign(target.secrets, "msg_1", 1, b"{}")
    for secret in (made["secret"], changed.json["secret"]):
        assert verify([secret], headers, b"{}", 1) == "msg_1"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["types", "url"]),
        ([], ["body"]),
        ({**GOOD, "types": []}, ["types"]),
        ({**GOOD, "types": ["answer.given", "answer.eaten"]}, ["types.1"]),
        ({**GOOD, "types": "answer.given"}, ["types"]),
        ({**GOOD, "secret": "mine"}, ["secret"]),
        ({**GOOD, "url": 7}, ["url"]),
        ({**GOOD, "url": ""}, ["url"]),
        ({**GOOD, "url": "https://a.example/" + "x" * 2048}, ["url"]),
        ({**GOOD, "url": "http://example.com/"}, ["url"]),
        ({**GOOD, "url": "https://me:pass@example.com/"}, ["url"]),
        ({**GOOD, "url": "https://example.com:22/"}, ["url"]),
        ({**GOOD, "url": "javascript:alert(1)"}, ["url"]),
        ({**GOOD, "url": "https://exa\u0000mple.com/"}, ["url"]),
        ({**GOOD, "url": "https://\ud800.example/"}, ["url"]),
    ],
)
def test_a_wrong_body_names_its_fields(small_world: World, body: Any, fields: list[str]) -> None:
    reply = add(small_world, body)
    assert (reply.status_code, sorted(reply.json["errors"])) == (422, fields)
    assert small_world.get("/v1/endpoints").json == {"endpoints": []}


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest", "https://10.0.0.1/"])
def test_a_private_address_is_refused_when_it_is_saved(small_world: World, url: str) -> None:
    reply = add(small_world, {**GOOD, "url": url})
    assert (reply.status_code, list(reply.json["errors"])) == (409, ["url"])


def test_a_name_that_points_inside_is_refused(small_world: World) -> None:
    client = small_world.app.extensions["atbalss"].http
    assert isinstance(client, HttpClient)
    client._resolve = lambda host: [PUBLIC, "192.168.1.7"]
    assert add(small_world).status_code == 409


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 50_000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", None, 415),
        (b" " * 70_000, "application/json", 413),
        (b'{"url": 1e999, "types": NaN}', "application/json", 422),
    ],
)
def test_a_body_that_is_no_json_is_refused(small_world: World, data: bytes, content_type: str | None, status: int) -> None:
    reply = small_world.call("POST", "/v1/endpoints", small_world.shop.api_key, data=data, content_type=content_type)
    assert reply.status_code == status
    assert set(reply.json) == {"code", "message", "errors"}


def test_a_shop_has_so_many_endpoints_and_no_more(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "LIMIT", 2)
    assert [add(small_world).status_code for _ in range(3)] == [201, 201, 409]


def test_deliveries_are_listed_and_sent_again(world: World) -> None:
    endpoint = add(world).json["id"]
    world.send(*(answer("order-rating", value) for value in (1, 2, 3)))
    waiting = world.get("/v1/deliveries", state="due", endpoint=endpoint).json["deliveries"]
    told = [each for each in waiting if each["type"] == "answer.given"]
    assert len(told) == 3
    assert {each["type"] for each in waiting} == {"answer.given", "score.updated"}
    assert all(each["id"].startswith("msg_") and each["ended"] is None and each["next_at"] for each in waiting)
    pages = world.get("/v1/deliveries", limit=2).json
    rest = world.get("/v1/deliveries", cursor=pages["next"]).json
    assert [each["id"] for each in pages["deliveries"] + rest["deliveries"]] == [
        each["id"] for each in world.get("/v1/deliveries").json["deliveries"]
    ]
    with world.database.writing() as conn:
        outbox.kill_queued(conn, endpoint, "the receiver is gone", NOW)
    one = told[0]["id"]
    assert world.get("/v1/deliveries", state="due").json["deliveries"] == []
    again = world.call("POST", f"/v1/deliveries/{one}/replay", world.shop.api_key)
    assert (again.status_code, again.json) == (202, {"id": one, "state": "due"})
    (due,) = world.get("/v1/deliveries", state="due").json["deliveries"]
    assert (due["id"], due["attempts"]) == (one, 0)
    assert world.call("POST", f"/v1/deliveries/{one}/replay", world.shop.api_key).status_code == 404
