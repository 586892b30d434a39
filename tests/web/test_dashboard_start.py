"""The first steps, and what is said of a shop's page that was looked at."""

import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
import time_machine

from integrations import Response, TemporaryError
from tests.certificates import make_certificate
from tests.pipeline.shopfront import shopfront
from tests.servers import wait_for
from tests.web.conftest import Make, Person, World, signed_in
from tests.web.test_dashboard_questions import fields
from widget_server.act.http import HttpClient
from widget_server.contract.settings import Settings
from widget_server.intake.seen import REFUSED, SEEN
from widget_server.record import shops
from widget_server.record.db import Database
from widget_server.web.app import create_app
from widget_server.web.dashboard import start


@pytest.mark.parametrize("path", ["/shop", "/looks", "/line", "/check", "/check/sight"])
def test_steps_open(small_world: World, path: str) -> None:
    page = signed_in(small_world).get(f"/app/start{path}")
    assert page.status_code == 200, page.text


class Shopfront:
    """A shop's web server: `pages` are what it answers, by path."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.pages: dict[str, tuple[int, dict[str, str | list[str]], str]] = {}
        self.asked: list[str] = []
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                front.asked.append(self.path)
                status, headers, body = front.pages.get(self.path, (404, {}, ""))
                self.send_response(status)
                for name, values in {"Content-Type": "text/html", **headers}.items():
                    for value in [values] if isinstance(values, str) else values:
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_args: Any) -> None:
                """Not of interest."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.domain = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def front() -> Iterator[Shopfront]:
    made = Shopfront()
    yield made
    made.stop()


@pytest.fixture
def shop_world(sqlite_database: Database, settings: Settings, redis_client: "redis.Redis", front: Shopfront) -> World:
    """A world whose first shop is the shopfront, on the operator's own network."""
    with sqlite_database.writing() as conn:
        shop = shops.create(conn, "Shop", front.domain, "Europe/Riga")
        neighbour = shops.create(conn, "Neighbour", "neighbour.example")
    app = create_app(settings, sqlite_database, redis_client, http=HttpClient(allow_private=True))
    return World(app, sqlite_database, shop, neighbour)


def checked(world: World, front: Shopfront, path: str = "/") -> str:
    reply = signed_in(world).post_form("/app/start/check", {"address": f"http://{front.domain}{path}"})
    assert reply.status_code == 200, reply.text
    return unescape(reply.text)


def line(world: World) -> str:
    found = re.search(r"<code>(&lt;script.*?)</code>", signed_in(world).get("/app/start/line").text)
    assert found is not None
    return unescape(unescape(found[1]))


@pytest.mark.parametrize(
    ("headers", "body", "says"),
    [
        ({}, "{line}", "nothing in the page's rules keeps it out"), ({}, "<p>Shop</p>", "The line is not in this page."),
        ({}, '<script src="/widget.js" data-shop="pk_wrong"></script>', "another shop: pk_wrong"),
        ({"Content-Security-Policy": "script-src 'self'"}, "{line}", "does not let the script load: script-src 'self'"),
        ({"Content-Security-Policy": "connect-src 'self'"}, "{line}", "does not let it ask our server: connect-src 'self'"),
        ({}, "<meta http-equiv=content-security-policy content=\"default-src 'none'\">{line}", "to connect-src"),
        ({"Content-Security-Policy": ["script-src *; connect-src *", "script-src 'self'"]}, "{line}", "does not let the script load: script-src 'self'"),
        ({"Content-Security-Policy": ["connect-src 'self'", "script-src *"]}, "{line}", "does not let it ask our server: connect-src 'self'"),
        ({"Content-Security-Policy": "script-src *; connect-src *"}, "<meta http-equiv=content-security-policy content=\"script-src 'self'\">{line}",
         "does not let the script load: script-src 'self'"),
        ({"Content-Security-Policy-Report-Only": "default-src 'none'"}, "{line}", "nothing in the page's rules keeps it out"),
        ({}, '<script src="https://old.example/widget.js" data-shop="{key}"></script>', "it loads the script from https://old.example"),
        ({}, '<script type="text/plain" src="/widget.js" data-shop="{key}"></script>', "holds it back until the visitor agrees"),
        ({}, "<p>" + "x" * 1_100_000 + "{line}", "so long that only its beginning was read"),
        ({"Content-Encoding": "br"}, "x", "came packed (br)"), ({"Content-Type": "image/png"}, "x", "but image/png"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_shops_page_is_said(
    shop_world: World, front: Shopfront, headers: dict[str, str | list[str]], body: str, says: str
) -> None:
    front.pages["/"] = (200, headers, body.replace("{line}", line(shop_world)).replace("{key}", shop_world.shop.site_key))
    assert says in checked(shop_world, front)


def test_a_script_that_is_not_https_on_a_page_that_is(
    sqlite_database: Database, settings: Settings, redis_client: "redis.Redis", tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path, "shop.example")
    front = Shopfront(certificate)
    try:
        domain = front.domain.replace("127.0.0.1", "shop.example")
        with sqlite_database.writing() as conn:
            shop, neighbour = shops.create(conn, "Shop", domain), shops.create(conn, "Neighbour", "neighbour.example")
        trusted = ssl.create_default_context(cafile=str(certificate))
        client = HttpClient(allow_private=True, resolve=lambda host: ["127.0.0.1"], tls=trusted)
        world = World(create_app(settings, sqlite_database, redis_client, http=client), sqlite_database, shop, neighbour)
        front.pages["/"] = (200, {}, line(world))
        reply = signed_in(world).post_form("/app/start/check", {"address": f"https://{domain}/"})
        assert "Your shop's pages are https and the script is not (http://localhost:8000)" in unescape(reply.text)
    finally:
        front.stop()


def test_a_shop_that_does_not_answer(shop_world: World, front: Shopfront) -> None:
    front.stop()
    assert "The page could not be reached" in checked(shop_world, front)


@pytest.mark.parametrize(
    ("reason", "why"),
    [("the address of shop.example could not be found", "sasniegt: tā domēna vārdu internetā neizdevās atrast."), ("no answer within 8 s", "tas neatbildēja laikā.")],
)  # fmt: skip
def test_why_a_shop_can_t_be_reached_is_said_in_the_members_language(
    small_world: World, monkeypatch: pytest.MonkeyPatch, reason: str, why: str
) -> None:
    monkeypatch.setattr(start, "_findings", lambda _shop, _address: [start.Finding("unreachable", reason)])
    page = signed_in(small_world, language="lv").post_form("/app/start/check", {"address": "https://shop.example/"}).text
    assert why in page and reason not in page


def test_pages_that_ask_a_real_server_are_seen_and_those_from_elsewhere_are_named(
    sqlite_url: str, sqlite_database: Database, make_world: Make, redis_client: "redis.Redis", redis_url: str, tmp_path: Path
) -> None:
    world = make_world(sqlite_database, redis_client)
    owner = signed_in(world)
    with shopfront(tmp_path / "live", sqlite_url, redis_url, world.shop) as live:

        def told(origin: str, said: str) -> None:
            live.call("GET", f"{live.path}/ask", Origin=origin)
            wait_for(lambda: said in unescape(owner.get("/app/start/check/sight").text), f"{said!r} is not said")

        told("https://strange.example", "https://strange.example")
        assert "No page of your shop was seen yet." in owner.get("/app/start/check").text
        told("https://www.shop.example", "Your shop's page was seen")


def test_an_error_and_a_way_out_of_the_shop_are_said(shop_world: World, front: Shopfront) -> None:
    front.pages["/away"] = (302, {"Location": "https://elsewhere.example/"}, "")
    assert "leads on to https://elsewhere.example/" in checked(shop_world, front, "/away")
    shop_world_redis(shop_world).flushdb()
    assert "answers with the error 404" in checked(shop_world, front, "/nothing")


def test_a_page_that_leads_on_within_the_shop_is_followed_and_not_for_ever(shop_world: World, front: Shopfront) -> None:
    front.pages |= {"/": (301, {"Location": "/lv/"}, ""), "/lv/": (200, {}, line(shop_world)), "/round": (302, {"Location": "/round"}, "")}
    assert "nothing in the page's rules keeps it out" in checked(shop_world, front)
    assert front.asked == ["/", "/lv/"]
    shop_world_redis(shop_world).flushdb()
    assert "it leads in a circle" in checked(shop_world, front, "/round")
    assert len(front.asked) == 6


def shop_world_redis(world: World) -> Any:
    return world.app.extensions["atbalss"].redis


def test_nobody_is_looked_at_again_and_again(shop_world: World, front: Shopfront) -> None:
    person = signed_in(shop_world)
    statuses = [person.post_form("/app/start/check", {"address": f"http://{front.domain}/"}).status_code for _ in range(4)]
    assert statuses == [200, 429, 429, 429]
    assert front.asked == ["/"]


class Asked(HttpClient):
    """Asks nobody: `answers` is what comes, and `given` is how much time each address had."""

    def __init__(self, answers: Callable[[str], Response]) -> None:
        super().__init__()
        self.answers, self.given = answers, list[float]()

    def within(self, seconds: float) -> "Asked":
        self.given.append(seconds)
        return self

    def reading(self, most: int) -> "Asked":
        return self

    def request(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Response:
        return self.answers(url)


AnsweredBy = Callable[[Callable[[str], Response]], tuple[World, Asked]]


@pytest.fixture
def answered_by(sqlite_database: Database, settings: Settings, redis_client: "redis.Redis") -> AnsweredBy:
    """A world whose shop's pages answer as is told."""

    def make(answers: Callable[[str], Response]) -> tuple[World, Asked]:
        client = Asked(answers)
        with sqlite_database.writing() as conn:
            shop, neighbour = shops.create(conn, "Shop", "shop.example"), shops.create(conn, "Neighbour", "neighbour.example")
        return World(create_app(settings, sqlite_database, redis_client, http=client), sqlite_database, shop, neighbour), client

    return make


def test_all_that_a_page_leads_on_to_has_one_deadline(answered_by: AnsweredBy, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(start, "time", SimpleNamespace(monotonic=lambda: now[0], time_ns=time.time_ns))

    def slowly(url: str) -> Response:
        now[0] += 3.5
        return Response(302, {"location": url + "x"})

    world, client = answered_by(slowly)
    reply = signed_in(world).post_form("/app/start/check", {"address": "https://shop.example/"})
    assert reply.status_code == 200 and "it did not answer in time" in reply.text
    assert client.given == [8.0, 4.5, 1.0]


def test_no_more_than_two_pages_are_looked_at_at_once(answered_by: AnsweredBy, redis_client: "redis.Redis") -> None:
    """Whoever comes meanwhile is told so, and may look as soon as there is room."""
    statuses: list[int] = []

    def others_come(url: str) -> Response:
        redis_client.flushdb()
        reply = signed_in(world).post_form("/app/start/check", {"address": "https://shop.example/"})
        statuses.append(reply.status_code)
        if reply.status_code == 503:
            assert reply.headers["Retry-After"] == "5" and "Others are being tried just now." in unescape(reply.text)
            assert not redis_client.exists(f"atbalss:looked:{world.shop.id}"), "the room it had not costs nobody their turn"
        raise TemporaryError("it is away")

    world, client = answered_by(others_come)
    for _again in range(2):
        assert signed_in(world).post_form("/app/start/check", {"address": "https://shop.example/"}).status_code == 200
        assert (statuses, len(client.given)) == ([503, 200], 2)
        statuses.clear()
        client.given.clear()
        redis_client.flushdb()


@pytest.mark.parametrize("location", ["//[x", "https://℀/", "https://[::1", "http://[v1.x]/", "//shop.example:abc/", "https://shop.example:99999/", "\ud800", "\0", "::", ""])
def test_an_odd_way_on_is_a_finding(answered_by: AnsweredBy, location: str) -> None:
    world, _client = answered_by(lambda url: Response(302, {"location": location}))
    reply = signed_in(world).post_form("/app/start/check", {"address": "https://shop.example/"})
    assert reply.status_code == 200
    assert "The page could not be reached: " in reply.text or "which is not one of the shop&#39;s domains" in reply.text


def test_a_way_on_that_is_no_address_is_told_as_such(shop_world: World, front: Shopfront) -> None:
    front.pages["/"] = (302, {"Location": "//[x"}, "")
    assert "The page could not be reached: that is no address that may be called." in checked(shop_world, front)
    shop_world_redis(shop_world).flushdb()
    front.pages["/"] = (200, {"Content-Type": "text/html; charset=idna"}, line(shop_world))
    assert "nothing in the page's rules keeps it out" in checked(shop_world, front)


@pytest.mark.parametrize(
    "address",
    ["https://elsewhere.example/", "http://127.0.0.1:1/", "https://shop.example@elsewhere.example/", "file:///etc/passwd", "javascript:alert(1)", "https://[bad/", "",
     "http://169.254.169.254/", "gopher://{domain}/", "http://{domain}.elsewhere.example/", "http://user@{domain}/"],
)  # fmt: skip
def test_only_the_shops_own_pages_are_looked_at(shop_world: World, front: Shopfront, address: str) -> None:
    reply = signed_in(shop_world).post_form("/app/start/check", {"address": address.replace("{domain}", front.domain)})
    assert reply.status_code == 422
    assert front.asked == []


def test_a_private_address_is_not_looked_at_where_that_is_not_allowed(
    sqlite_database: Database, make_world: Make, redis_client: "redis.Redis", front: Shopfront
) -> None:
    world = make_world(sqlite_database, redis_client)
    with world.database.writing() as conn:
        shops.set_domains(conn, world.shop.id, [front.domain])
    assert "could not be reached" in checked(world, front)
    assert front.asked == []


def test_when_the_shop_was_seen_and_who_else_asked(sqlite_database: Database, make_world: Make, redis_client: "redis.Redis") -> None:
    world = make_world(sqlite_database, redis_client)
    person = signed_in(world)
    assert "No page of your shop was seen yet." in person.get("/app/start/check").text
    now = 1_800_000_000
    redis_client.set(SEEN + world.shop.id, f'{{"at": {now}000, "origin": "https://www.shop.example"}}')
    redis_client.set(REFUSED + world.shop.id, f'{{"at": {now}000, "origin": "https://shop.lv"}}')
    redis_client.set(SEEN + world.neighbour.id, f'{{"at": {now}000, "origin": "https://neighbour.example"}}')
    with time_machine.travel(now + 12, tick=False):
        owner = signed_in(world)
        part = owner.get("/app/start/check/sight").text
        assert "Your shop's page was seen 12 s ago." in unescape(part)
        assert "https://shop.lv" in part and "neighbour" not in part and "<html" not in part
        assert owner.post_form("/app/start/domain", {"domain": "shop.lv"}).status_code == 303
        assert "https://shop.lv" not in owner.get("/app/start/check/sight").text
    with world.database.reading() as conn:
        found = shops.by_id(conn, world.shop.id)
    assert found is not None and found.domains == ("shop.example", "shop.lv")


def test_a_domain_that_a_colleague_adds_meanwhile_stays(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = signed_in(small_world)

    def late(typed: str) -> str:
        with small_world.database.writing() as conn:
            shops.set_domains(conn, small_world.shop.id, ["shop.example", "colleague.example"])
        return typed

    monkeypatch.setattr(start, "domain_of", late)
    owner.post_form("/app/start/domain", {"domain": "mine.example"})
    with small_world.database.reading() as conn:
        found = shops.by_id(conn, small_world.shop.id)
    assert found is not None and found.domains == ("shop.example", "colleague.example", "mine.example")


@pytest.mark.parametrize("language", ["en", "lv", "lt", "et", "ru"])
def test_where_the_line_goes_names_the_tag_and_writes_none(small_world: World, language: str) -> None:
    told = signed_in(small_world, language=language).get("/app/start/line").text.split('id="where"')[1].split("</main>")[0]
    assert told.count("&lt;/head&gt;") == 2 and not re.search(r"</?head>", told)


def test_without_redis_it_is_said_that_nothing_is_known(small_world: World) -> None:
    assert "can't be told at present" in unescape(signed_in(small_world).get("/app/start/check").text)


@pytest.mark.parametrize(
    ("typed", "domains"),
    [
        ("https://www.Shop.example/lv/?a=b", ("shop.example",)), ("shop.example, shop.lv\nshop.example", ("shop.example", "shop.lv")),
        ("localhost:8080", ("localhost:8080",)), ("https://krēsli.lv", ("xn--krsli-jza.lv",)),
    ],
)  # fmt: skip
def test_an_address_may_be_pasted_as_it_is(world: World, typed: str, domains: tuple[str, ...]) -> None:
    reply = signed_in(world).post_form("/app/start/shop", {"name": "Krēsli un galdi", "domains": typed})
    assert (reply.status_code, reply.headers["Location"]) == (303, "/app/start/looks")
    with world.database.reading() as conn:
        found = shops.by_id(conn, world.shop.id)
    assert found is not None
    assert (found.name, found.domains) == ("Krēsli un galdi", domains)


@pytest.mark.parametrize(("form", "field"), [({"name": "", "domains": "shop.example"}, "name"), ({"name": "x" * 101, "domains": "shop.example"}, "name"),
                                             ({"name": "Shop", "domains": ""}, "domains"), ({"name": "Shop", "domains": "http://[bad <b>"}, "domains")])  # fmt: skip
def test_a_shop_needs_a_name_and_an_address(small_world: World, form: dict[str, str], field: str) -> None:
    reply = signed_in(small_world).post_form("/app/start/shop", form)
    assert reply.status_code == 422 and f'id="f-{field}-error"' in reply.text and "<b>" not in reply.text


def test_the_colour_is_tried_and_then_kept(world: World) -> None:
    person = signed_in(world)
    tried = person.post_form("/app/start/looks/look", {"brand": "#ffee00", "mode": "system"}).text
    assert "#ffee00 on #ffffff is 1.2:1; a line needs 3:1" in tried and "on the light card" in tried
    frames = re.findall(r'src="(/preview/[^"]+)"', tried)
    assert len(frames) == 2 and "accent" in person.get(unescape(frames[0])).text
    before: Any = world.get("/v1/widget").json
    assert before["brand"] is None, "trying keeps nothing"
    reply = person.post_form("/app/start/looks", {"brand": "#0F766E", "mode": "dark", "language": "lv", "do": "save", "no_brand": "1", "was": "#0f6b63"})
    assert (reply.status_code, reply.headers["Location"]) == (303, "/app/start/line")
    kept: Any = world.get("/v1/widget").json
    assert (kept["brand"], kept["mode"]) == ("#0f766e", "dark")
    assert '<html lang="lv"' in person.get("/app/start/line").text
    assert person.post_form("/app/start/looks", {"brand": "red", "do": "save"}).status_code == 422


@pytest.mark.parametrize("path", ["/app/start/looks", "/app/settings/shop/look"])
def test_a_colour_that_was_chosen_counts_whatever_the_box_still_says_and_can_be_taken_away(world: World, path: str) -> None:
    person = signed_in(world)

    def saved(**changes: str) -> Any:
        """The form as a browser without scripts sends it, with no more than `changes` done to it."""
        form = {**fields(person.get(path).text, "looks"), **changes}
        assert person.post_form(path, {**form, "do": "save"}).status_code == 303
        kept: Any = world.get("/v1/widget").json
        return kept["brand"], form.get("no_brand")

    assert saved() == (None, ["1"]), "nothing was chosen"
    assert saved(brand="#aa3300") == ("#aa3300", ["1"])
    assert saved(mode="dark") == ("#aa3300", None)
    assert saved(no_brand="1") == (None, "1")
    looked = person.post_form(path, {**fields(person.get(path).text, "looks"), "brand": "#aa3300", "do": "look"})
    assert fields(looked.text, "looks")["brand"] == ["#aa3300"] and "no_brand" not in fields(looked.text, "looks")


def test_a_shop_is_ready_once_a_page_of_it_was_seen(sqlite_database: Database, make_world: Make, redis_client: "redis.Redis") -> None:
    world = make_world(sqlite_database, redis_client)
    owner, editor = signed_in(world), signed_in(world, "editor")

    def left(person: Person) -> tuple[bool, str]:
        check = person.get("/app/start/check").text
        assert person.post_form("/app/start/finish").status_code == 303
        overview = person.get("/app/overview").text
        (toast,) = re.findall(r'<div class="toast.*?</div>', overview, re.S)
        return "Done: to the overview" in check, toast

    done, toast = left(owner)
    assert not done and "ready" not in toast
    assert 'No page of your shop was seen yet. <a href="/app/start/check">Does it work?</a>' in toast
    redis_client.set(SEEN + world.shop.id, '{"at": 1800000000000, "origin": "https://www.shop.example"}')
    done, toast = left(editor)
    assert done and "Your shop is ready." in toast


def test_the_first_steps_come_once(world: World) -> None:
    person = signed_in(world)
    assert person.get("/app").headers["Location"] == "/app/start"
    assert person.get("/app/start").headers["Location"] == "/app/start/shop"
    assert signed_in(world, "editor").get("/app/start").headers["Location"] == "/app/start/line"
    assert person.post_form("/app/start/finish").headers["Location"] == "/app"
    assert person.get("/app").headers["Location"] != "/app/start"
