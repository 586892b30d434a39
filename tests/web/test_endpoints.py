"""/v1/endpoints and /v1/deliveries."""

import json
import time
from typing import Any

import pytest

from integrations.signing import sign, verify
from tests.pipeline.envelopes import NOW
from tests.web.conftest import PUBLIC, World, answer
from widget_server.act.http import HttpClient
from widget_server.act.notices import TYPES
from widget_server.contract.times import format_time
from widget_server.record import connections, endpoints, holds, outbox

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
    refused = world.call("POST", f"/v1/deliveries/{one}/replay", world.shop.api_key)
    assert (refused.status_code, refused.json["message"]) == (409, f"It still waits and is sent at {due['next_at']}.")
    assert world.call("POST", f"/v1/deliveries/{one}/replay", world.neighbour.api_key).status_code == 404


def test_what_can_t_be_sent_again_says_why(world: World) -> None:
    """Coupons: each state in which one is left alone, and how many of them a replay of many leaves out."""
    now = int(time.time() * 1000)
    shop, kind = world.shop.id, "IssueCoupon"
    with world.database.writing() as conn:
        made = connections.create(conn, shop, "webhook", "mine", {"url": "https://a.example/", "secret": "x"}, now)
        rows = [outbox.OutboxRow(shop, f"coupon:{key}:0", made.id, "coupon.issue", "{}", kind) for key in "abcd"]
        outbox.add(conn, rows, now)
        refused, unsure, _, taken = sorted(outbox.claim(conn, now=now, lease=1, limit=9, by="me"), key=lambda row: row.key)
        no = outbox.Attempt(now, 422, "answered 422", 1)
        outbox.give_up(conn, refused, no)
        outbox.retry_later(conn, unsure, no, now + 60_000, unknown=True)
        outbox.finish(conn, [(taken, outbox.Attempt(now, 200, None, 1))])

    def said(delivery: str) -> str:
        reply = world.call("POST", f"/v1/deliveries/{delivery}/replay", world.shop.api_key)
        assert (reply.status_code, list(reply.json["errors"])) == (409, ["delivery"])
        message: str = reply.json["message"]
        return message

    assert "failed for good" in said(refused.id)
    assert "given back" in said(refused.id)
    assert f"asked at {format_time(now + 60_000)}" in said(unsure.id)
    assert "not sent twice" in said(taken.id)
    with world.database.writing() as conn:
        connections.pause(conn, made.id, "answered 410", now)
    assert f"PATCH /v1/connections/{made.id}" in said(unsure.id)

    def left_out(**body: Any) -> Any:
        return world.call("POST", "/v1/replays", world.shop.api_key, json=body).json

    many = left_out()
    assert (many["replayed"], [each["count"] for each in many["left_out"]]) == (0, [1, 1])
    assert [each["why"] for each in many["left_out"]] == [outbox.GIVEN_BACK, outbox.STILL_WAITS]
    assert left_out(state="done", **{"from": "2026-01-01T00:00:00Z"})["left_out"] == [{"count": 1, "why": outbox.TAKEN_ONCE}]
    assert world.call("POST", "/v1/replays", world.neighbour.api_key, json={}).json["left_out"] == []


# --- changing, pausing, testing


def change(world: World, endpoint: str, body: Any) -> Any:
    return world.call("PATCH", f"/v1/endpoints/{endpoint}", world.shop.api_key, json=body)


def test_an_endpoint_is_changed_paused_and_resumed(world: World) -> None:
    endpoint = add(world).json["id"]
    changed = change(world, endpoint, {"url": "https://example.com/new", "types": ["rule.fired", "rule.fired", "coupon.issued"]})
    assert changed.status_code == 200
    assert (changed.json["url"], changed.json["types"]) == ("https://example.com/new", ["rule.fired", "coupon.issued"])
    assert changed.json == world.get("/v1/endpoints").json["endpoints"][0]
    assert change(world, endpoint, {"paused": True}).json["paused"] is True
    assert change(world, endpoint, {}).json["paused"] is True
    assert change(world, endpoint, {"paused": False}).json["paused"] is False
    assert change(world, "ep_" + "0" * 24, {"paused": True}).status_code == 404


@pytest.mark.parametrize(("url", "status"), [("http://example.com/", 422), ("https://10.0.0.1/", 409), ("https://u:p@example.com/", 422)])
def test_an_address_is_checked_again_when_it_is_changed(small_world: World, url: str, status: int) -> None:
    endpoint = add(small_world).json["id"]
    reply = change(small_world, endpoint, {"url": url, "paused": True})
    assert (reply.status_code, list(reply.json["errors"])) == (status, ["url"])
    (kept,) = small_world.get("/v1/endpoints").json["endpoints"]
    assert (kept["url"], kept["paused"]) == (GOOD["url"], False)


def test_every_type_that_can_be_told_can_be_asked_for(small_world: World) -> None:
    made = add(small_world, {**GOOD, "types": list(TYPES)})
    assert made.status_code == 201
    assert {"rule.fired", "points.changed", "coupon.created", "coupon.issued", "coupon.failed", "coupon.cancelled"} <= set(TYPES)


def test_a_test_event_is_a_delivery_like_any_other(world: World) -> None:
    endpoint = add(world).json["id"]
    sent = world.call("POST", f"/v1/endpoints/{endpoint}/test", world.shop.api_key)
    assert sent.status_code == 202
    shown = world.get(f"/v1/deliveries/{sent.json['delivery']}").json
    assert (shown["type"], shown["state"], shown["endpoint"], shown["tries"]) == ("endpoint.test", "due", endpoint, [])
    assert json.loads(shown["body"])["data"] == {"shop": world.shop.id, "endpoint": endpoint}
    change(world, endpoint, {"paused": True})
    assert world.call("POST", f"/v1/endpoints/{endpoint}/test", world.shop.api_key).status_code == 409


def test_the_owner_sees_why_nothing_is_sent(world: World) -> None:
    endpoint, now = add(world).json["id"], int(time.time() * 1000)
    with world.database.writing() as conn:
        endpoints.failed(conn, endpoint, now)
        for _ in range(holds.AFTER):
            holds.failed(conn, endpoint, now)
    (failing,) = world.get("/v1/endpoints").json["endpoints"]
    assert failing["failing_since"] == format_time(now)
    assert failing["waits_until"] == format_time(now + holds.SHORTEST)
    assert failing["disabled"] is None
    with world.database.writing() as conn:
        endpoints.disable(conn, endpoint, "answered 410: it wants no more webhooks", now)
    (disabled,) = world.get("/v1/endpoints").json["endpoints"]
    assert (disabled["disabled"], disabled["disabled_at"]) == ("answered 410: it wants no more webhooks", format_time(now))
    assert disabled["waits_until"] is None
    resumed = change(world, endpoint, {"paused": False}).json
    assert (resumed["disabled"], resumed["disabled_at"], resumed["failing_since"]) == (None, None, None)


def test_a_delivery_shows_every_try(world: World) -> None:
    add(world)
    world.send(answer("order-rating", 1))
    (one,) = [d for d in world.get("/v1/deliveries").json["deliveries"] if d["type"] == "answer.given"]
    with world.database.writing() as conn:
        claimed = [row for row in outbox.claim(conn, now=2**50, lease=1, limit=9, by="me") if row.id == one["id"]]
        tried = outbox.Attempt(NOW, 500, "answered 500", 12, "oops", "POST https://example.com/hook\nwebhook-id: msg")
        outbox.retry_later(conn, claimed[0], tried, NOW + 5)
    shown = world.get(f"/v1/deliveries/{one['id']}").json
    assert shown["tries"] == [
        {"at": format_time(NOW), "took": 12, "status": 500, "error": "answered 500", "request": tried.request, "response": "oops"}
    ]
    assert shown["attempts"] == 1
    assert json.loads(shown["body"])["type"] == "answer.given"
    assert world.get(f"/v1/deliveries/{one['id']}", key=world.neighbour.api_key).status_code == 404
    assert world.get("/v1/deliveries/msg_" + "0" * 32).status_code == 404


def test_a_range_of_deliveries_is_sent_again(world: World) -> None:
    endpoint = add(world).json["id"]
    world.send(*(answer("order-rating", value) for value in (1, 2, 3)))
    with world.database.writing() as conn:
        outbox.kill_queued(conn, endpoint, "the receiver is gone", int(time.time() * 1000))
    total = len(world.get("/v1/deliveries", state="dead").json["deliveries"])

    def again(**body: Any) -> Any:
        return world.call("POST", "/v1/replays", world.shop.api_key, json=body)

    assert again(to="2026-01-01T00:00:00Z").json == {"replayed": 0, "left_out": []}
    assert again(endpoint="ep_" + "0" * 24).json == {"replayed": 0, "left_out": []}
    stranger = world.call("POST", "/v1/replays", world.neighbour.api_key, json={})
    assert stranger.json == {"replayed": 0, "left_out": []}
    reply = again(**{"from": "2026-01-01T00:00:00Z"}, endpoint=endpoint)
    assert (reply.status_code, reply.json) == (202, {"replayed": total, "left_out": []})
    assert total >= 3
    assert again(state="done").status_code == 409
    bare = world.call("POST", "/v1/replays", world.shop.api_key)
    assert (bare.status_code, bare.json["replayed"]) == (202, 0)
    assert world.call("POST", "/v1/replays", world.shop.api_key, data="{}", content_type="text/plain").status_code == 415
    assert again(**{"from": "2026-01-01T00:00:00+02:00"}, to="2025-12-31T22:00:00Z").status_code == 409
