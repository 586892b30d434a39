"""The snippet behind the shop's own host name: the shop's web server hands everything below /atbalss/ on to ours.

Then nothing on the page is third-party. The proxy here does what the README's lines for nginx do: it takes the prefix
away, says who the client was, and keeps the shop's cookies to itself.
"""

import http.client
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.running import Program, run
from tests.servers import wait_for

from .conftest import ask_everybody, order, results
from .connected import Connected
from .standin import Reply, Request, Shop

pytestmark = pytest.mark.browser

PREFIX = "/atbalss/"
RATE = 40
# What only the shop's own host may run and call: stricter than any shop would be.
CSP = "default-src 'none'; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'"
_OF_THE_CONNECTION = {"host", "connection", "content-length", "transfer-encoding", "cookie", "x-forwarded-for"}


class ProxyingShop(Shop):
    """A shop whose web server has the lines of the README in it. `client` is the address it saw."""

    def __init__(self, ours: str) -> None:
        super().__init__()
        self.ours = urlsplit(ours).netloc
        self.client = "192.0.2.1"
        self.forwarded: list[Forwarded] = []

    def answer(self, request: Request) -> Reply:
        if not request.path.startswith(PREFIX):
            return super().answer(request)
        path = "/" + request.path.removeprefix(PREFIX)
        if request.query:
            path += "?" + urlencode(request.query, doseq=True)
        told = request.headers.get("X-Forwarded-For")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_CONNECTION}
        headers["X-Forwarded-For"] = f"{told}, {self.client}" if told else self.client
        connection = http.client.HTTPConnection(self.ours, timeout=10)
        try:
            connection.request(request.method, path, request.body.encode() or None, headers)
            reply = connection.getresponse()
            body = reply.read()
        finally:
            connection.close()
        self.forwarded.append(Forwarded(request.method, path, dict(request.headers), reply.status))
        kept = {name.title(): value for name, value in reply.getheaders() if name.lower() not in _OF_THE_CONNECTION}
        return Reply(reply.status, body, kept)


@dataclass
class Forwarded:
    method: str
    path: str
    headers: dict[str, str]
    status: int

    @property
    def name(self) -> str:
        return self.path.partition("?")[0].rpartition("/")[2]


@dataclass
class FirstParty(Connected):
    shop: ProxyingShop

    def put(self, path: str, body: str, lang: str = "lv") -> str:
        script = f'<script async src="{PREFIX}widget.js" data-shop="{self.made["site_key"]}"></script>'
        html = f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">{script}</head><body>{body}</body></html>'
        self.shop.pages[path] = Reply(200, html, {"Content-Security-Policy": CSP})
        return self.shop.url + path

    def call(self, method: str, route: str, body: str | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """A request to the shop's host, below the prefix."""
        connection = http.client.HTTPConnection(urlsplit(self.shop.url).netloc, timeout=10)
        try:
            path = f"{PREFIX}v1/shops/{self.made['site_key']}/{route}"
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            reply = connection.getresponse()
            return reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
        finally:
            connection.close()

    def answer(self, **headers: str) -> tuple[int, dict[str, str], bytes]:
        event = {
            "id": str(uuid.uuid4()), "type": "answer.given", "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "question": "search-found", "value": "yes",
        }  # fmt: skip
        return self.call("POST", "answers", json.dumps({"events": [event]}), content_type="text/plain", **headers)


@pytest.fixture(scope="module")
def first_party(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstParty]:
    data_dir: Path = tmp_path_factory.mktemp("first-party") / "data"
    program = Program(data_dir, "up", "--port", "0", proxies="1", network_rate=str(RATE)).wait_until_ready()
    shop = ProxyingShop(program.url)
    try:
        added = run(data_dir, "shop", "add", "Stūra veikals", "--domain", "127.0.0.1", "--json")
        assert added.returncode == 0, added.stderr
        made = json.loads(added.stdout)
        ask_everybody(program.url, made["api_key"])
        yield FirstParty(program.url, made, shop)
    finally:
        shop.stop()
        program.kill()


def test_search_and_order_without_one_third_party_request(
    first_party: FirstParty, context: BrowserContext, page: Page
) -> None:
    shop = first_party.shop
    shop.client = "192.0.2.1"
    shop.forwarded.clear()
    context.add_cookies([{"name": "basket", "value": "private", "url": shop.url}])
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)

    page.goto(first_party.put("/search", results("gumijas zābaki", 0)))
    page.get_by_role("button", name="Nē").click()
    page.get_by_label("Ko jūs meklējāt?").fill("sarkanus")
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Nosūtīt").click()
    wait_for(
        lambda: [r["texts"] for r in first_party.read("/v1/searches")["searches"]] == [["sarkanus"]], "the text did not come"
    )

    thanks = first_party.put("/thanks", order(first_party.token("A-1")), "en")
    page.goto(thanks)
    page.get_by_role("radio", name="4 of 5 stars").click()
    scores = "/v1/scores?metric=stars&question=order-rating&trust=verified"
    wait_for(lambda: first_party.read(scores)["total"]["value"] == 4.0, "the rating did not come")
    with page.expect_response(lambda reply: reply.url.endswith("/asked")) as asked:
        page.goto(thanks)
    assert asked.value.json() == {"answered": ["order-rating"]}
    page.wait_for_load_state("networkidle")
    expect(page.locator("atbalss-panel")).to_have_count(0)

    assert [url for url in urls if not url.startswith(shop.url + "/")] == []
    assert refused == []
    below = {request.name.partition("-")[0] for request in shop.forwarded}
    assert {"widget.js", "panel", "yes_no", "stars", "ask", "answers", "asked"} <= below
    assert {request.status for request in shop.forwarded} <= {200, 202, 304}
    # The browser sends the shop's cookies with scripts (so the proxy must keep them), but never with what we send.
    spoken = [request for request in shop.forwarded if request.path.startswith("/v1/")]
    assert spoken
    assert not [request.path for request in spoken if "Cookie" in request.headers]
    assert [request for request in shop.forwarded if "basket=private" in request.headers.get("Cookie", "")]


def test_origins_are_checked_as_without_a_proxy(first_party: FirstParty) -> None:
    first_party.shop.client = "192.0.3.1"
    for origin, status in ((first_party.shop.url, 202), ("https://evil.example", 403), ("null", 202)):
        found, headers, _ = first_party.answer(origin=origin)
        assert (found, headers["access-control-allow-origin"]) == (status, "*"), origin
    assert first_party.answer()[0] == 202
    status, headers, _ = first_party.call("OPTIONS", "answers", origin="https://www.127.0.0.1", access_control_request_method="POST")
    assert (status, headers["access-control-allow-origin"]) == (204, "*")
    # A page of www.shop.example may use the path of shop.example.
    status, headers, body = first_party.call("GET", "ask?lang=lv", origin="https://www.shop.example")
    assert (status, headers["access-control-allow-origin"], json.loads(body)["lang"]) == (200, "*", "lv")
    assert headers["etag"] and "set-cookie" not in headers


def test_each_shopper_has_a_network_of_their_own_and_nobody_can_borrow_one(first_party: FirstParty) -> None:
    """Behind the shop's server all would otherwise be one network, which 40 requests a minute would close."""
    first_party.shop.client = "198.51.100.7"

    def closed() -> bool:
        return any(first_party.answer()[0] == 429 for _ in range(RATE + 1))

    assert any(closed() for _ in range(3))  # a new minute may begin in between
    first_party.shop.client = "203.0.113.9"
    assert first_party.answer()[0] == 202
    first_party.shop.client = "198.51.100.7"
    forged = [first_party.answer(x_forwarded_for="203.0.113.9")[0] for _ in range(2 * RATE)]
    assert 429 in forged


def test_an_answer_is_not_taken_for_another_path(first_party: FirstParty) -> None:
    """What the shop's server hands on without taking the prefix away is nothing of ours."""
    connection = http.client.HTTPConnection(urlsplit(first_party.url).netloc, timeout=10)
    connection.request("GET", f"{PREFIX}widget.js")
    reply = connection.getresponse()
    assert (reply.status, json.loads(reply.read())["code"]) == (404, "not_found")
    connection.close()
