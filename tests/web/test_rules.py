"""The owner API of rules."""

import time
from typing import Any

import pytest

from tests.pipeline.envelopes import event
from tests.web.conftest import World
from widget_server.act import rules as acting
from widget_server.contract.times import format_time
from widget_server.record import endpoints, ledger, shops

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


@pytest.mark.parametrize(
    ("rule", "status", "path", "words"),
    [
        ({"if": {"question": ["order_rating"]}}, 409, "if.question", "order-rating"),
        ({"if": {"placement": ["checkout"]}}, 422, "if.placement.0", "search, order, product, page, link"),
        ({"if": {"question": "order-rating"}}, 422, "if.question", '["order-rating"]'),
        ({"if": ["order-rating"]}, 422, "if", 'Give an object like {"question": ["order-rating"]}.'),
        ({"then": {"points": 50}}, 422, "then", 'like [{"points": 50}].'),
        ({"if": {"questions": ["order-rating"]}}, 422, "if.questions", "there are: days, first, language, metric"),
        ({"paused": True}, 422, "paused", "Give active: false to pause a rule."),
        ({"enabled": True}, 422, "enabled", "there are: active, caps, ends"),
    ],
)
def test_what_would_never_happen_is_refused_with_what_there_is(
    small_world: World, rule: Any, status: int, path: str, words: str
) -> None:
    old = made(small_world)
    for method, at in (("POST", "/v1/rules"), ("POST", "/v1/dry-runs"), ("PATCH", f"/v1/rules/{old['id']}")):
        reply = send(small_world, method, at, {**({} if method == "PATCH" else BODY), **rule})
        assert (reply.status_code, list(reply.json["errors"])) == (status, [path]), reply.text
        assert words in reply.json["errors"][path]
    assert small_world.get("/v1/rules").json == {"rules": [old]}


def test_a_score_that_can_not_be_is_refused(small_world: World) -> None:
    score = {"question": ["search-found"], "metric": "success", "score": {"max": 20}}
    body = {"name": "low", "when": "score.updated", "then": [{"mail": {}}], "if": score}
    for path in ("/v1/rules", "/v1/dry-runs"):
        assert send(small_world, "POST", path, body).json["errors"] == {"if.score.max": "success is between 0 and 1."}
        reply = send(small_world, "POST", path, {**body, "if": {**score, "metric": "nps"}})
        assert (reply.status_code, list(reply.json["errors"])) == (409, ["if.metric"])


def test_a_rule_whose_question_was_deleted_can_be_paused_but_not_made_again(world: World) -> None:
    condition = {"if": {"question": ["search-found"]}}
    rule = made(world, **condition)
    assert send(world, "DELETE", "/v1/questions/search-found").status_code == 204
    path = f"/v1/rules/{rule['id']}"
    assert send(world, "PATCH", path, {"active": False}).json["active"] is False
    for method, at, body in (("POST", "/v1/rules", {**BODY, **condition}), ("PATCH", path, condition)):
        reply = send(world, method, at, body)
        assert (reply.status_code, list(reply.json["errors"])) == (409, ["if.question"])
    assert send(world, "PATCH", path, {"if": None}).status_code == 200


def test_a_rule_can_not_be_over_when_it_begins(small_world: World) -> None:
    past, future = {"ends": "2020-01-01T00:00:00Z"}, {"ends": "2090-01-01T00:00:00Z"}
    reply = send(small_world, "POST", "/v1/rules", {**BODY, **past})
    assert (reply.status_code, list(reply.json["errors"])) == (422, ["ends"])
    path = f"/v1/rules/{made(small_world, **future)['id']}"
    reply = send(small_world, "PATCH", path, past)
    assert (reply.status_code, list(reply.json["errors"])) == (422, ["ends"])
    # What it would have done is another question.
    assert send(small_world, "POST", "/v1/dry-runs", {**BODY, **past}).status_code == 200
    # One that has run out can still be renamed.
    with small_world.database.reading() as conn:
        shop = shops.by_id(conn, small_world.shop.id)
    assert shop is not None
    with small_world.database.writing() as conn:
        old = acting.create(conn, shop, {**BODY, **past}, 1_500_000_000_000).rule
    assert send(small_world, "PATCH", f"/v1/rules/{old}", {"name": "old", **past}).json["name"] == "old"


def test_a_version_that_is_not_there_is_said_to_be_so(small_world: World) -> None:
    reply = small_world.get(f"/v1/rules/{made(small_world)['id']}", version="9")
    assert (reply.status_code, reply.json["message"]) == (404, "This rule has no version 9; its newest is 1.")
    assert small_world.get(f"/v1/rules/rule_{'0' * 24}", version="9").json["message"] == "This shop has no such rule."


def test_a_dry_run_of_which_nothing_comes_says_why(small_world: World) -> None:
    def said(**more: Any) -> str:
        found: str = send(small_world, "POST", "/v1/dry-runs", {**BODY, **more}).json["summary"]
        return found

    assert said() == "In the last 30 days it would not have fired. There were no answers in these 30 days."
    at = int(time.time() * 1000) - 5
    small_world.send(event("answer.given", at, question="order-rating", value=5, order={"ref": "A-1", "line": None, "sku": []}))
    assert said() == (
        "In the last 30 days it would have fired once and granted 0 points and 0 coupons to 0 customers. "
        "Nothing is granted for these answers: the shop's platform has not told us of their orders and customers."
    )
    assert said(**{"if": {"question": ["search-found"]}}).endswith("None of the answers of these 30 days meets `if.question`.")


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
