"""Connections by the API: what is checked when they are saved, what is never shown again, and trying one."""

import threading
import time
from collections.abc import Mapping

import pytest
import redis
from rq import Queue

from integrations import Response
from integrations.signing import make_secret
from tests.web.conftest import Make, World
from widget_server.act import jobs, loyalty
from widget_server.act.http import HttpClient
from widget_server.contract.connecting import MASK
from widget_server.contract.coupons import CouponDue, CouponTerms
from widget_server.contract.platforms import platforms
from widget_server.record import connections, coupons, outbox
from widget_server.record.db import Database
from widget_server.record.outbox import Attempt, OutboxRow
from widget_server.web.state import State

URL = "https://shop.example/atbalss"
NEW = {"platform": "webhook", "settings": {"url": URL}}


def add(world: World, **more: object) -> dict[str, object]:
    reply = world.call("POST", "/v1/connections", world.shop.api_key, json={**NEW, **more})
    assert reply.status_code == 201, reply.json
    made: dict[str, object] = reply.json
    return made


def change(world: World, connection: object, key: str | None = None, **changes: object) -> tuple[int, dict[str, object]]:
    reply = world.call("PATCH", f"/v1/connections/{connection}", key or world.shop.api_key, json=changes)
    return reply.status_code, reply.json


def test_a_platform_says_what_it_needs(world: World) -> None:
    told = world.get("/v1/platforms").json["platforms"]
    assert [each["name"] for each in told] == sorted(platforms())
    [webhook] = [each for each in told if each["name"] == "webhook"]
    assert webhook["takes"] == ["coupon.cancel", "coupon.issue", "points.grant"]
    assert [(each["name"], each["required"], each["secret"]) for each in webhook["settings"]] == [
        ("url", True, False), ("secret", False, True),
    ]  # fmt: skip


def test_a_secret_that_is_made_here_is_told_once(world: World) -> None:
    made = add(world)
    secret = made["made"]["secret"]  # type: ignore[index]
    assert secret.startswith("whsec_")
    assert made["settings"] == {"url": URL, "secret": MASK}
    [listed] = world.get("/v1/connections").json["connections"]
    assert listed == {name: value for name, value in made.items() if name != "made"}
    with world.database.reading() as conn:
        [stored] = connections.of_shop(conn, world.shop.id)
    assert stored.settings == {"url": URL, "secret": secret}


def test_a_secret_that_was_given_is_never_told(world: World) -> None:
    secret = make_secret()
    made = add(world, settings={"url": URL, "secret": f" {secret} "}, name="Ours")
    assert made["made"] == {}
    assert made["name"] == "Ours"
    assert secret not in str(made)
    assert secret not in world.get("/v1/connections").text


def test_settings_are_changed_one_by_one(world: World) -> None:
    made = add(world)
    secret = made["made"]["secret"]  # type: ignore[index]
    status, changed = change(world, made["id"], settings={"url": f"{URL}/2", "secret": MASK}, name="New")
    assert (status, changed["name"], changed["made"]) == (200, "New", {})
    with world.database.reading() as conn:
        [stored] = connections.of_shop(conn, world.shop.id)
    assert stored.settings == {"url": f"{URL}/2", "secret": secret}
    _, changed = change(world, made["id"], settings={"secret": None})
    assert changed["made"]["secret"] not in ("", secret)  # type: ignore[index]


@pytest.mark.parametrize(
    ("given", "status", "names"),
    [
        ({}, 422, "settings.url"),
        ({"url": ""}, 422, "settings.url"),
        ({"url": None}, 422, "settings.url"),
        ({"url": URL, "colour": "red"}, 422, "settings.colour"),
        ({"url": URL, "secret": "no base64!"}, 422, "settings.secret"),
        ({"url": URL, "secret": "a b c"}, 422, "settings.secret"),
        ({"url": URL, "secret": "abc"}, 422, "settings.secret"),
        ({"url": f"{URL}\nHost: evil"}, 422, "settings.url"),
        ({"url": "http://shop.example/"}, 422, "settings.url"),
        ({"url": "https://user:word@shop.example/"}, 422, "settings.url"),
        ({"url": "https://shop.example:22/"}, 422, "settings.url"),
        ({"url": "https://2130706433/"}, 422, "settings.url"),
        ({"url": "https://127.0.0.1/"}, 409, "settings.url"),
        ({"url": "https://[::ffff:169.254.169.254]/"}, 409, "settings.url"),
        ({"url": "https://10.0.0.1/"}, 409, "settings.url"),
        ({"url": 5}, 422, "settings.url"),
        ({"url": "x" * 3000}, 422, "settings.url"),
    ],
)
def test_what_can_t_be_right_is_refused_when_it_is_saved(
    small_world: World, given: Mapping[str, object], status: int, names: str
) -> None:
    reply = small_world.call(
        "POST", "/v1/connections", small_world.shop.api_key, json={"platform": "webhook", "settings": given}
    )
    assert (reply.status_code, list(reply.json["errors"])) == (status, [names])
    made = add(small_world)
    if "url" in given and given["url"] is not None:
        status_of_change, _ = change(small_world, made["id"], settings=given)
        assert status_of_change == status
    assert len(small_world.get("/v1/connections").json["connections"]) == 1


def test_a_platform_that_nobody_knows_is_refused(small_world: World) -> None:
    for body in ({"platform": "nowhere"}, {"settings": {"url": URL}}, {**NEW, "shop": small_world.neighbour.id}):
        reply = small_world.call("POST", "/v1/connections", small_world.shop.api_key, json=body)
        assert reply.status_code == 422


def test_a_neighbour_sees_and_changes_nothing(world: World) -> None:
    made = add(world)
    key, path = world.neighbour.api_key, f"/v1/connections/{made['id']}"
    assert world.get("/v1/connections", key).json == {"connections": []}
    assert change(world, made["id"], key, name="mine")[0] == 404
    assert world.call("POST", f"{path}/test", key).status_code == 404
    assert world.call("DELETE", path, key).status_code == 404
    assert world.get("/v1/connections").json["connections"][0]["name"] == "webhook"


def test_a_shop_has_so_many_at_most(small_world: World) -> None:
    for _ in range(connections.LIMIT):
        last = add(small_world)
    assert small_world.call("POST", "/v1/connections", small_world.shop.api_key, json=NEW).status_code == 409
    assert small_world.call("DELETE", f"/v1/connections/{last['id']}", small_world.shop.api_key).status_code == 204
    add(small_world)


def test_pausing_and_deleting(world: World) -> None:
    made = add(world)
    path = f"/v1/connections/{made['id']}"
    assert change(world, made["id"], paused=True)[1]["paused"] == "the owner paused it"
    assert world.call("POST", f"{path}/test", world.shop.api_key).status_code == 409
    assert change(world, made["id"], paused=False)[1]["paused"] is None
    assert world.call("DELETE", path, world.shop.api_key).status_code == 204
    assert world.call("DELETE", path, world.shop.api_key).status_code == 404
    assert change(world, made["id"], name="gone")[0] == 404
    assert world.get("/v1/connections").json == {"connections": []}


@pytest.mark.parametrize("faster, status", [(1, 200), (4, 200), (1000, 409)])
def test_two_who_change_settings_at_once_lose_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, faster: int, status: int
) -> None:
    """Somebody else saves another secret just while the new address is looked up."""
    made = add(world)
    secrets: list[str] = []

    def look_up(_http: HttpClient, _url: str) -> None:
        if len(secrets) < faster:
            secrets.append(make_secret())
            with world.database.writing() as conn:
                settings = {"url": URL, "secret": secrets[-1]}
                assert connections.change(conn, world.shop.id, str(made["id"]), settings=settings)

    monkeypatch.setattr(HttpClient, "check_url", look_up)
    got, told = change(world, made["id"], settings={"url": f"{URL}/2"}, name="New", paused=True)
    assert got == status, told
    with world.database.reading() as conn:
        [stored] = connections.of_shop(conn, world.shop.id)
    if status == 200:
        assert len(secrets) == faster
        assert (stored.settings, stored.name) == ({"url": f"{URL}/2", "secret": secrets[-1]}, "New")
    else:
        assert told["errors"] == {"settings": "Somebody else changes them just now; read them and try again."}
        assert (stored.settings, stored.name, stored.paused) == ({"url": URL, "secret": secrets[-1]}, "webhook", None)


def test_new_settings_forget_what_was_found_at_the_old_place(world: World) -> None:
    made = add(world)
    with world.database.writing() as conn:
        connections.set_health(conn, str(made["id"]), '{"ok": false, "problems": ["Away."], "checked_at": "2026-11-22T10:00:00Z"}')
    assert change(world, made["id"], name="Another")[1]["health"] is not None
    assert change(world, made["id"], settings={"url": f"{URL}/2"})[1]["health"] is None


def test_what_tells_us_of_orders_is_looked_at_once_it_is_changed(
    sqlite_database: Database, make_world: Make, redis_client: "redis.Redis"
) -> None:
    world = make_world(sqlite_database, redis_client)
    settings = {"url": "https://shop.example", "consumer_key": "ck_1", "consumer_secret": "cs_1"}
    queue = Queue(jobs.RECONCILE, connection=redis_client, serializer=jobs.JSONSerializer)
    made = add(world, platform="woocommerce", settings=settings)
    asked = {f"check-{made['id']}", f"read-{made['id']}"}
    assert set(queue.job_ids) == asked
    queue.empty()
    change(world, made["id"], name="Another")
    assert queue.job_ids == []
    change(world, made["id"], settings={"consumer_key": "ck_2"})
    assert set(queue.job_ids) == asked


def test_one_that_fails_says_why(world: World) -> None:
    made = add(world)
    one, now = str(made["id"]), time.time_ns() // 1_000_000
    assert made["last_error"] is None
    with world.database.writing() as conn:
        outbox.add(conn, [OutboxRow(world.shop.id, "coupon:a:0", one, "coupon.issue", "{}", "IssueCoupon")], now)
        [row] = outbox.claim(conn, now=now, lease=1, limit=1, by="me")
        outbox.retry_later(conn, row, Attempt(now, 404, "answered 404", 1), now + 60_000)
        connections.failed(conn, one, now)
    [failing] = world.get("/v1/connections").json["connections"]
    assert (failing["last_error"], failing["health"]) == ("answered 404", None)
    with world.database.writing() as conn:
        connections.worked(conn, [one])
    assert world.get("/v1/connections").json["connections"][0]["last_error"] is None


def test_a_planned_coupon_is_queued_when_a_connection_comes(world: World) -> None:
    due = CouponDue("rule_1", 1, "order:1", "customer-1", CouponTerms("percent", 1000), 0, 0)
    with world.database.writing() as conn:
        [coupon] = loyalty.settle(conn, world.shop.id, [], [due], 1).coupons
    made = add(world)
    with world.database.reading() as conn:
        [row] = outbox.deliveries(conn, shop=world.shop.id)
        assert (row.endpoint, row.type, row.stage) == (made["id"], "coupon.issue", "planned")
        assert [each.id for each in coupons.planned(conn, world.shop.id, "", 10)] == [coupon.id]
    [told] = world.get("/v1/deliveries").json["deliveries"]
    assert (told["type"], told["stage"]) == ("coupon.issue", "planned")


class _Answers(HttpClient):
    """Answers every request with one status and body."""

    def __init__(self, status: int, body: bytes = b"") -> None:
        super().__init__()
        self._answer = Response(status, {}, body)
        self.asked: list[str] = []

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Response:
        self.asked.append(f"{method} {url.partition('?')[0]}")
        return self._answer


def test_a_platform_that_hangs_holds_up_two_requests_at_most(small_world: World) -> None:
    made = add(small_world)
    over, asked = threading.Event(), threading.Semaphore(0)

    class Hung(_Answers):
        def request(self, *given: object, **more: object) -> Response:
            asked.release()
            over.wait(30)
            return self._answer

    answer_with(small_world, Hung(404))
    path = f"/v1/connections/{made['id']}/test"
    replies: list[int] = []
    threads = [
        threading.Thread(target=lambda: replies.append(small_world.call("POST", path, small_world.shop.api_key).status_code))
        for _ in range(2)
    ]
    for each in threads:
        each.start()
    try:
        assert all(asked.acquire(timeout=30) for _ in threads)
        refused = small_world.call("POST", path, small_world.shop.api_key)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    finally:
        over.set()
        for each in threads:
            each.join()
    assert replies == [200, 200]
    assert small_world.call("POST", path, small_world.shop.api_key).status_code == 200


def answer_with(world: World, http: HttpClient) -> None:
    found = world.app.extensions["atbalss"]
    State(found.settings, found.database, found.redis, http).install(world.app)


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (404, b"", ""),
        (200, b"<html>Hello</html>", "Answered 200 when asked"),
        (200, b'{"id": "another"}', "Answered 200 when asked"),
        (401, b"", "Answered 401 when asked"),
        (500, b"", "Answered 500 when asked"),
    ],
)
def test_trying_one_asks_for_what_was_never_sent(
    small_world: World, status: int, body: bytes, problem: str
) -> None:
    made = add(small_world)
    http = _Answers(status, body)
    answer_with(small_world, http)
    reply = small_world.call("POST", f"/v1/connections/{made['id']}/test", small_world.shop.api_key)
    assert reply.status_code == 200
    assert reply.json["ok"] is (problem == "")
    assert [each[: len(problem)] for each in reply.json["problems"]] == ([problem] if problem else [])
    assert http.asked == [f"GET {URL}"]
    [listed] = small_world.get("/v1/connections").json["connections"]
    assert listed["health"] == reply.json
