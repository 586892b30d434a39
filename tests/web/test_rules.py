"""The owner API of rules."""

import time
from typing import Any

import pytest

from tests.pipeline.envelopes import event
from tests.web.conftest import World
from widget_server.contract.times import format_time
from widget_server.record import endpoints, ledger

BODY: dict[str, Any] = {"name": "50 points", "when": "answer.given", "then": [{"points": 50}], "caps": {"customer": 500}}
LOW = {"name": "alert", "when": "answer.given", "if": {"value": {"max": 2}}, "then": [{"mail": {}}]}


def send(world: World, method: str, path: str, body: Any = None, key: str = "") -> Any:
    return world.call(method, path, key or world.shop.api_key, json=body)


def made(world: World, **more: Any) -> dict[str, Any]:
    reply = send(world, "POST", "/v1/rules", {**BODY, **more})
    assert reply.status_code == 201, reply.text
    found: dict[str, Any] = reply.json
    return found


def test_a_rule_is_made_read_changed_and_deleted(world: World) -> None:
    rule = made(world, starts=None, **{"if": {"question": ["order-rating"], "first": None}})
    assert rule["version"] == 1
    assert rule["active"] is True
    assert rule["if"] == {"question": ["order-rating"], "first": None}
    path = f"/v1/rules/{rule['id']}"
    assert world.get(path).json == rule
    assert world.get("/v1/rules").json == {"rules": [rule]}
    changed = send(world, "PATCH", path, {"then": [{"points": 80}], "caps": None, "version": 1}).json
    assert (changed["version"], changed["then"], changed["caps"]) == (2, [{"points": 80}], None)
    assert changed["valid_from"] > rule["valid_from"]
    assert send(world, "PATCH", path, {"then": [{"points": 80}]}).json == changed
    assert world.get(path, version="1").json == rule
    assert send(world, "DELETE", path).status_code == 204
    assert world.get(path).status_code == 404
    assert send(world, "DELETE", path).status_code == send(world, "PATCH", path, {"active": False}).status_code == 404
    assert world.get(path, version="2").json == changed
    (gone,) = world.get("/v1/rules", deleted="true").json["rules"]
    assert gone["deleted"] is True
    assert world.get("/v1/rules").json == {"rules": []}


@pytest.mark.parametrize("reward", [{"points": 5}, {"coupon": {"kind": "percent", "amount": "5"}}])
def test_a_reward_for_what_was_answered_is_refused_with_the_reason(small_world: World, reward: Any) -> None:
    bad = {**BODY, "then": [reward], "caps": None, "if": {"value": {"min": 4}}}
    for path in ("/v1/rules", "/v1/dry-runs"):
        reply = send(small_world, "POST", path, bad)
        assert reply.status_code == 422
        assert list(reply.json["errors"]) == ["if.value"]
        assert "2005/29/EC" in reply.json["errors"]["if.value"]
        assert "Omnibus" in reply.json["errors"]["if.value"]
    # Nor can it be got by in two steps, from either side.
    rule = made(small_world)
    reply = send(small_world, "PATCH", f"/v1/rules/{rule['id']}", {"if": {"value": {"min": 4}}})
    assert (reply.status_code, list(reply.json["errors"])) == (422, ["if.value"])
    alert = send(small_world, "POST", "/v1/rules", LOW).json
    reply = send(small_world, "PATCH", f"/v1/rules/{alert['id']}", {"then": [reward]})
    assert (reply.status_code, list(reply.json["errors"])) == (422, ["if.value"])
    assert small_world.get(f"/v1/rules/{alert['id']}").json == alert


def test_all_that_is_wrong_is_named_at_once(small_world: World) -> None:
    bad = {
        **BODY, "when": "order.completed", "then": [{"points": 5}, {"coupon": {"kind": "fixed", "amount": "5.001", "currency": "EUR"}}, {}],
        "if": {"question": ["q"], "order_value": {"currency": "EUR"}}, "starts": "2026-12-02T00:00:00Z", "ends": "2026-12-01T00:00:00Z",
    }  # fmt: skip
    found = send(small_world, "POST", "/v1/rules", bad).json["errors"]
    assert set(found) == {"if.question", "if.order_value", "then.1.coupon.amount", "then.2", "ends"}
    assert "2 decimals" in found["then.1.coupon.amount"]
    assert all(said.endswith(".") for said in found.values())


def test_what_contradicts_the_shop_is_a_conflict(world: World) -> None:
    with world.database.writing() as conn:
        mine = endpoints.create(conn, world.shop.id, "https://example.com/", ("rule.fired",), 1)[0].id
        theirs = endpoints.create(conn, world.neighbour.id, "https://example.com/", ("rule.fired",), 1)[0].id
    for endpoint, status in ((mine, 201), (theirs, 409), ("ep_" + "0" * 24, 409)):
        reply = send(world, "POST", "/v1/rules", {**BODY, "caps": None, "then": [{"mail": {}}, {"webhook": {"endpoint": endpoint}}]})
        assert reply.status_code == status
        if status == 409:
            assert list(reply.json["errors"]) == ["then.1.webhook.endpoint"]
    rule = made(world)
    path = f"/v1/rules/{rule['id']}"
    for body, name in (({"version": 7}, "version"), ({"when": "order.completed"}, "when"), ({"then": [{"webhook": {"endpoint": theirs}}], "caps": None}, "then.0.webhook.endpoint")):
        reply = send(world, "PATCH", path, body)
        assert (reply.status_code, list(reply.json["errors"])) == (409, [name])
    assert world.get(path).json == rule


def test_a_neighbour_has_no_part_in_it(world: World) -> None:
    rule = made(world)
    path, key = f"/v1/rules/{rule['id']}", world.neighbour.api_key
    assert world.get("/v1/rules", key).json == {"rules": []}
    for method, at, body in (("GET", path, None), ("PATCH", path, {"active": False}), ("DELETE", path, None), ("GET", f"{path}/dry-run", None)):
        assert send(world, method, at, body, key).status_code == 404
    assert world.get(path).json == rule


def test_the_dry_run_and_what_comes_of_it(world: World) -> None:
    now = int(time.time() * 1000)
    day = 86_400_000
    for n, ago in enumerate((1, 2, 40)):
        at = now - ago * day
        about = {"ref": f"A-{n}", "status": "completed", "customer": f"c-{n}", "currency": "EUR", "total": "9.00", "completed_at": format_time(at)}
        world.send(event("order.completed", at, order=about), source="platform")
        world.send(event("answer.given", at, question="order-rating", value=5, order={"ref": f"A-{n}", "line": None, "sku": []}))
    found = send(world, "POST", "/v1/dry-runs", BODY).json
    assert (found["points"], found["customers"], found["coupons"], found["facts"], found["complete"]) == (100, 2, 0, 2, True)
    assert found["summary"] == "In the last 30 days it would have fired 2 times and granted 100 points and 0 coupons to 2 customers."
    rule = made(world)
    saved = world.get(f"/v1/rules/{rule['id']}/dry-run").json
    assert {**saved, "from": "", "to": ""} == {**found, "from": "", "to": ""}
    with world.database.reading() as conn:
        assert list(ledger.of_shop(conn, world.shop.id)) == []


def test_answers_say_that_something_was_held_out_for_them(world: World) -> None:
    made(world, **{"if": {"question": ["order-rating"]}})
    at = int(time.time() * 1000) + 5
    for question in ("order-rating", "search-found"):
        world.send(event("answer.given", at, question=question, value=None, text="fine", answer=None))
    found = {each["question"]: each["incentivised"] for each in world.get("/v1/answers").json["answers"]}
    assert found == {"order-rating": True, "search-found": False}
