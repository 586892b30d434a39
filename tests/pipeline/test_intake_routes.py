"""`ask` and `asked`, origins and headers: what a page of the shop meets."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from tests.conftest import SECRET_KEY
from tests.pipeline.envelopes import NOW, envelope
from tests.pipeline.envelopes import event as counted
from tests.pipeline.shopfront import Live, Reply, Shopfront, event, shopfront
from tests.servers import wait_for
from widget_server.act.pipeline import process
from widget_server.contract.texts import TEXTS
from widget_server.intake import seen
from widget_server.record import questions, shops
from widget_server.record.db import Database

DOMAIN = "https://www.shop.example"


@pytest.fixture
def database(live: Live) -> Iterator[Database]:
    """The one of the shared process."""
    opened = Database(live.database_url, SECRET_KEY)
    yield opened
    opened.close()


def titles(reply: Reply) -> dict[str, str]:
    return {question["question"]: question["texts"]["title"] for question in reply.json["questions"]}


@pytest.mark.parametrize(
    ("query", "lang"),
    [
        ("?lang=lv", "lv"), ("?lang=LV", "lv"), ("?lang=lv-LV", "lv"), ("?lang=et_EE", "et"), ("?lang=ru-Latn-RU", "ru"),
        ("?lang=de-AT", "de"), ("?lang=sv", "en"), ("", "en"), ("?lang=", "en"), ("?lang=%00", "en"), ("?lang=x&lang=y", "en"), ("?LANG=lv", "en"),
        ("?lang=" + "x" * 5000, "en"), ("?lang=%ff", "en"),
    ],
)  # fmt: skip
def test_ask_speaks_the_pages_language_and_never_falls_silent(front: Shopfront, query: str, lang: str) -> None:
    reply = front.call("GET", f"{front.path}/ask{query}")
    assert reply.status == 200
    assert reply.json["lang"] == lang
    assert reply.json["shop"] == {"site_key": front.shop.site_key, "name": "Shop"}
    assert titles(reply) == {name: TEXTS[name][lang]["title"] for name in ("search-found", "order-rating")}
    assert reply.headers["cache-control"] == "public, max-age=25"


def test_ask_is_the_same_for_every_visitor_and_not_sent_twice(front: Shopfront) -> None:
    first = front.call("GET", f"{front.path}/ask?lang=lv", origin=DOMAIN)
    second = front.call("GET", f"{front.path}/ask?lang=lv-LV", origin="https://another.example", cookie="a=b")
    assert (first.body, first.headers["etag"]) == (second.body, second.headers["etag"])
    assert "set-cookie" not in first.headers
    assert first.headers["vary"] == "accept-encoding"
    for tag in (first.headers["etag"], first.headers["etag"].removeprefix("W/"), f'"x", {first.headers["etag"]}', "*"):
        again = front.call("GET", f"{front.path}/ask?lang=lv", if_none_match=tag)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert again.headers["access-control-allow-origin"] == "*"
    assert front.call("GET", f"{front.path}/ask?lang=lt", if_none_match=first.headers["etag"]).status == 200
    head = front.call("HEAD", f"{front.path}/ask?lang=lv")
    assert (head.status, head.body, head.headers["etag"]) == (200, b"", first.headers["etag"])


def test_a_paused_question_is_not_asked_and_an_edit_shows_within_seconds(front: Shopfront, database: Database) -> None:
    with database.reading() as conn:
        shop = shops.by_id(conn, front.shop.id)
    assert shop is not None
    found, rating = shop.question("search-found"), shop.question("order-rating")
    assert found is not None and rating is not None
    front.call("GET", f"{front.path}/ask")
    with database.writing() as conn:
        questions.add_version(conn, shop.id, replace(found, version=2, paused=True))
        questions.add_version(conn, shop.id, replace(rating, version=2, texts={"lv": {"title": "Nu?"}, "en": {"title": "Well?", "send": "Go"}}))

    def shown() -> dict[str, str]:
        return titles(front.call("GET", f"{front.path}/ask?lang=lv"))

    wait_for(lambda: shown() == {"order-rating": "Nu?"}, "the edit does not show")
    (question,) = front.call("GET", f"{front.path}/ask?lang=lv").json["questions"]
    assert question["version"] == 2
    assert question["texts"] == {"title": "Nu?", "send": "Go"}  # what an owner left out comes from English
    # Whoever has the old panel open is not turned away.
    assert front.send(event(question="search-found", value="no", question_version=1)).status == 202


def test_asked_tells_what_an_order_has_answered(front: Shopfront, database: Database) -> None:
    rated = {"ref": "A-1", "line": None, "sku": []}
    process(database, [envelope(front.shop.id, counted("answer.given", NOW, question="order-rating", value=5, order=rated))])

    def asked(token: str) -> Reply:
        return front.call("POST", f"{front.path}/asked", token, content_type="text/plain;charset=UTF-8", origin=DOMAIN)

    for order, answered in (("A-1", ["order-rating"]), ("A-2", [])):
        reply = asked(front.token(order))
        assert (reply.status, reply.json) == (200, {"answered": answered})
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["access-control-allow-origin"] == "*"
    assert asked(front.token("A-1", line="1")).json == {"answered": []}
    expired = asked(front.token("A-1", exp=1))
    assert (expired.status, expired.json) == (200, {"answered": []})
    assert "expired" in expired.headers["x-atbalss-reason"]
    forged = asked(front.token("A-1")[:-2] + "xx")
    assert (forged.status, list(forged.json["errors"])) == (422, ["order_token"])


def test_every_reply_can_be_read_by_the_page(front: Shopfront) -> None:
    """A reply without these headers is opaque to it, so that it could not even wait for the right time."""
    replies = {
        202: front.send(event(), origin=DOMAIN),
        403: front.send(event(), origin="https://evil.example"),
        404: front.call("POST", "/v1/shops/pk_nobody/answers", b"{}", origin=DOMAIN),
        405: front.call("GET", f"{front.path}/answers"),
        413: front.call("POST", f"{front.path}/answers", b" " * 70_000, origin=DOMAIN),
        415: front.call("POST", f"{front.path}/answers", b"{}", content_encoding="gzip"),
        422: front.send(event(value=9), origin=DOMAIN),
        400: front.call("POST", f"{front.path}/answers", b"{", origin=DOMAIN),
        200: front.call("GET", f"{front.path}/ask", origin=DOMAIN),
        204: front.call("OPTIONS", f"{front.path}/answers", origin=DOMAIN, access_control_request_method="POST"),
    }
    for status, reply in replies.items():
        assert reply.status == status
        assert reply.headers["access-control-allow-origin"] == "*"
        assert reply.headers["access-control-expose-headers"] == "Retry-After, X-Atbalss-Reason, ETag"
        assert "access-control-allow-credentials" not in reply.headers
        assert ("x-atbalss-reason" in reply.headers) == (status >= 400)
        if status >= 400:
            assert set(reply.json) == {"code", "message", "errors"}


@pytest.mark.parametrize(("route", "methods"), [("answers", "POST"), ("asked", "POST"), ("ask", "GET")])
def test_preflight(front: Shopfront, route: str, methods: str) -> None:
    reply = front.call(
        "OPTIONS", f"{front.path}/{route}", origin="https://anywhere.example", access_control_request_method=methods,
        access_control_request_headers="content-type",
    )  # fmt: skip
    assert reply.status == 204
    assert methods in reply.headers["access-control-allow-methods"].split(", ")
    assert "content-type" in reply.headers["access-control-allow-headers"].lower()
    assert int(reply.headers["access-control-max-age"]) >= 3600


@pytest.mark.parametrize(
    ("origin", "status"),
    [(DOMAIN, 202), ("https://shop.example", 202), ("null", 202), (None, 202), ("https://evil.example", 403)],
)
def test_only_the_shops_own_pages_may_send(front: Shopfront, origin: str | None, status: int) -> None:
    headers = {} if origin is None else {"origin": origin}
    assert front.send(event(), **headers).status == status


def test_the_trusted_proxys_word_is_counted_and_no_other(tmp_path: Path, sqlite_url: str, redis_url: str) -> None:
    with shopfront(tmp_path / "direct", sqlite_url, redis_url, network_rate="5") as front:
        statuses = [front.send(event(), x_forwarded_for=f"198.51.{n}.1").status for n in range(14)]
        assert statuses.count(429) >= 4
    with shopfront(tmp_path / "behind", sqlite_url, redis_url, network_rate="5", proxies="1") as front:
        assert {front.send(event(), x_forwarded_for=f"6.6.6.6, 198.51.{n}.1").status for n in range(14)} == {202}


def test_everything_else_is_answered_by_flask(front: Shopfront) -> None:
    assert front.call("GET", "/healthz").json == {"status": "alive"}
    for path in ("/v1/shops", f"{front.path}", f"{front.path}/", f"{front.path}/other", f"{front.path}/answers/", "//v1/shops/x/ask"):
        assert front.call("GET", path).status in (308, 404)


def test_ask_for_one_placement_gives_its_questions_only(front: Shopfront) -> None:
    def asked(query: str) -> list[str]:
        return [q["question"] for q in front.call("GET", f"{front.path}/ask?lang=lv{query}").json["questions"]]

    assert asked("&placement=search") == ["search-found"]
    assert asked("&placement=order") == ["order-rating"]
    assert asked("&placement=elsewhere") == []
    assert sorted(asked("")) == ["order-rating", "search-found"]


def test_where_a_shops_page_has_asked_is_remembered(front: Shopfront, redis_client: "redis.Redis") -> None:
    front.call("GET", f"{front.path}/ask", origin=DOMAIN)
    front.call("GET", f"{front.path}/ask", origin="https://copy.example")
    front.call("GET", f"{front.path}/ask")
    wait_for(lambda: all(seen.of_shop(redis_client, front.shop.id)), "what was seen is not told")
    own, refused = seen.of_shop(redis_client, front.shop.id)
    assert own is not None and refused is not None
    assert (own.origin, refused.origin) == (DOMAIN, "https://copy.example")
    assert abs(own.at - time.time() * 1000) < 60_000


def test_a_refused_answer_is_remembered_too(front: Shopfront, redis_client: "redis.Redis") -> None:
    assert front.send(event(), origin="https://forged.example").status == 403
    wait_for(lambda: seen.of_shop(redis_client, front.shop.id)[1], "what was refused is not told")
    own, refused = seen.of_shop(redis_client, front.shop.id)
    assert refused is not None
    assert (own, refused.origin) == (None, "https://forged.example")


def test_a_page_that_the_shops_own_address_serves_is_seen(front: Shopfront, redis_client: "redis.Redis") -> None:
    front.call("GET", f"{front.path}/ask", sec_fetch_site="same-origin")
    wait_for(lambda: seen.of_shop(redis_client, front.shop.id)[0], "what was seen is not told")
    own, _ = seen.of_shop(redis_client, front.shop.id)
    assert own is not None and own.origin.startswith("http://127.0.0.1:")
