"""What every reply has: the error shape, headers that keep browsers out of trouble, a bounded number of queries."""

import html.parser
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from tests.pipeline.envelopes import NOW
from tests.web.conftest import DAY, World, answer, search

PATHS = ["/", "/docs", "/healthz", "/v1/openapi.json", "/v1/scores?metric=stars", "/v1/nothing", "/static/pages.css"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/scores/", 404),
        ("GET", "/static/../app.py", 404),
        ("GET", "/static/%2e%2e/app.py", 404),
        ("POST", "/v1/scores", 405),
        ("PUT", "/v1/endpoints", 405),
        ("TRACE", "/v1/scores", 405),
        ("BREW", "/", 405),
    ],
)
def test_refusals_of_the_framework_have_the_shape_too(small_world: World, method: str, path: str, status: int) -> None:
    reply = small_world.call(method, path, small_world.shop.api_key)
    assert reply.status_code == status
    assert reply.content_type == "application/json"
    assert set(reply.json) == {"code", "message", "errors"}
    if status == 405:
        assert reply.headers["Allow"]


def test_a_database_that_is_away_is_503(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_conn: object, _key: str) -> str:
        raise OperationalError("select", {}, Exception("no route"))

    monkeypatch.setattr("widget_server.record.keys.find", away)
    reply = small_world.get("/v1/scores", metric="stars")
    assert (reply.status_code, reply.json["code"]) == (503, "unavailable")
    assert int(reply.headers["Retry-After"]) > 0


def test_a_fault_of_ours_tells_nothing(small_world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_conn: object, _key: str) -> str:
        raise RuntimeError("the secret is swordfish")

    monkeypatch.setattr("widget_server.record.keys.find", broken)
    with caplog.at_level(logging.CRITICAL):
        reply = small_world.get("/v1/scores", metric="stars")
    assert (reply.status_code, reply.json["code"], reply.json["errors"]) == (500, "internal", {})
    assert "swordfish" not in reply.text


@pytest.mark.parametrize("path", PATHS)
def test_headers(small_world: World, path: str) -> None:
    reply = small_world.get(path)
    reply.close()
    headers = reply.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in headers
    assert "Set-Cookie" not in headers
    assert len(headers["X-Request-Id"]) == 32


def test_what_a_key_opened_is_kept_by_nobody(small_world: World) -> None:
    for path in ("/v1/scores?metric=stars", "/v1/questions", "/v1/scores"):
        assert small_world.get(path).headers["Cache-Control"] == "no-store"


class _Inline(html.parser.HTMLParser):
    """Finds what the content security policy would block."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names) or any(n == "style" or n.startswith("on") for n in names):
            self.found.append(f"<{tag}>")
        for name in ("src", "href"):
            value = names.get(name)
            if tag in ("script", "link", "img") and value is not None and not value.startswith("/static/"):
                self.found.append(f"{tag} {value}")


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_need_nothing_inline_and_nothing_from_elsewhere(small_world: World, path: str) -> None:
    parser = _Inline()
    parser.feed(small_world.client.get(path).text)
    assert parser.found == []


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are run inside, of all databases of this process."""
    found: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


# Two find the shop (key; shop with its questions makes a third). A change here wants a reason.
QUERIES = {
    "/v1/scores?metric=stars": 4,
    "/v1/scores?metric=stars&by=day": 6,
    "/v1/scores?metric=stars&by=month": 5,
    "/v1/scores?metric=stars&by=product": 6,
    "/v1/scores?metric=stars&by=product&from=2025-09-05&to=2025-11-20": 6,
    # With what lost demand is worked out from: what is assumed, said no and answered in all, and what orders are worth.
    "/v1/searches": 11,
    "/v1/searches?sort=not_found": 12,
    "/v1/answers": 4,
    "/v1/answers?quarantined=true": 4,
    "/v1/reach": 4,
    "/v1/reach?by=day": 6,
    "/v1/reach?by=week": 6,
    "/v1/reach?by=month": 5,
    "/v1/reach?by=placement": 6,
    "/v1/questions": 3,
    "/v1/endpoints": 4,
    "/v1/deliveries": 4,
}


@pytest.mark.parametrize("path", list(QUERIES))
def test_the_number_of_queries_does_not_grow_with_the_rows(small_world: World, path: str) -> None:
    for number in range(25):
        at = NOW - number * DAY
        small_world.send(
            answer("order-rating", 4, at, product=f"p{number}"),
            search(f"query {number}", at=at),
            answer("search-found", "no", at, text="none", search={"query": f"query {number}"}),
        )
    small_world.get("/v1/origins")  # that a key is in use is written down once an hour
    with counted() as statements:
        assert small_world.get(path).status_code == 200
    assert len([s for s in statements if not s.startswith(("BEGIN", "PRAGMA"))]) <= QUERIES[path], statements
