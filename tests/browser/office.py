"""A server with the demo's shop and its history on it, as its owner comes to it: what the tests of the pages walk through."""

import re
import time
import urllib.request
from collections.abc import Iterator
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Literal, cast
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit

from playwright.sync_api import Browser, BrowserContext, ViewportSize
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from tests.conftest import SECRET_KEY
from tests.web.live import LiveServer
from widget_server.act import notices
from widget_server.act.pipeline import process
from widget_server.contract import passwords
from widget_server.demo import history, tenant
from widget_server.record import accounts, connections, endpoints, members, outbox
from widget_server.record.db import Database
from widget_server.web.dashboard import _app

PASSWORD = "pareizs zirgs 12"
LANGUAGES = ("en", "lv", "lt", "et", "ru")
_BATCH = 500
# So many are sent on to others, to one of them in vain.
_LAST = 25
# Nothing leads there: it is for whoever builds pages.
_TYPED = ("/app/style",)
_MOST = 200


def endpoints_of_pages() -> dict[str, str]:
    """Every address of the owner's pages that is looked at with GET, as `module.view`: its rule."""
    return {
        f"{name}.{view.handler.__name__}": f"/app{page.path}{view.path}"
        for name, page in _app.pages().items()
        for view in page.views
        if "GET" in view.methods
    }


def furnish(folder: Path, database_url: str, *, in_trouble: bool = True) -> None:
    """The demo's shop, its history, and an owner for each language; `folder` keeps what else is to be known of it.
    `in_trouble`: something could not be delivered."""
    database = Database(database_url, SECRET_KEY)
    now = time.time_ns() // 1_000_000
    shop = tenant.settle(database, folder).id
    told = history.envelopes(shop, now)
    for start in range(0, len(told) - _LAST, _BATCH):
        process(database, told[start : min(start + _BATCH, len(told) - _LAST)])
    with database.writing() as conn:
        given_up, _ = endpoints.create(
            conn, shop, "https://till.example/atbalss", ("answer.given",), now
        )
        listening, _secret = endpoints.create(
            conn, shop, "https://shop.example/hooks/atbalss", ("answer.given",), now
        )
        notices.send_test(conn, shop, listening.id, now)
    process(database, told[-_LAST:])
    with database.writing() as conn:
        if in_trouble:
            outbox.kill_queued(conn, given_up.id, "410 Gone", now)
        secrets = {
            "url": "https://127.0.0.1/",
            "consumer_key": "ck_1",
            "consumer_secret": "cs_1",
            "secret": "s",
        }
        connections.create(conn, shop, "woocommerce", "Mežmala", secrets, now)
        password = passwords.hashed(PASSWORD)
        for language in LANGUAGES:
            account = accounts.create(conn, _email(language), "Ieva Bērziņa", language, password, now)
            members.add(conn, shop, account.id, "owner", now)
    database.close()


def _email(language: str) -> str:
    return f"{language}@mezmala.example"


class Office:
    """A server for what was furnished here; runs when made. `context` opens a browser's profile in which the owner is
    signed in."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        (folder / "data").mkdir(exist_ok=True)
        shop = tenant.read(folder)
        assert shop is not None, "nothing was furnished"
        self.shop, self.database_url, self.redis_url = shop, database_url, redis_url
        self._server = LiveServer(
            folder / "data", database_url=database_url, redis_url=redis_url, secret_key=SECRET_KEY
        )
        self.url = self._server.url
        self._cookies: dict[str, str] = {}
        self._addresses: dict[str, str] = {}

    def context(
        self, browser: Browser, language: str = "en", *, width: int = 1200, height: int = 800,
        scheme: Literal["light", "dark"] = "light", script: bool = True, signed_in: bool = True, scale: float = 1,
    ) -> BrowserContext:  # fmt: skip
        """As the owner whose pages are in `language`; fresh, and the same every time."""
        context = browser.new_context(
            locale=language, viewport=ViewportSize(width=width, height=height), color_scheme=scheme,
            java_script_enabled=script, reduced_motion="reduce", device_scale_factor=scale, base_url=self.url,
        )  # fmt: skip
        context.set_default_timeout(15_000)
        if signed_in:
            context.add_cookies([{"name": "atbalss", "value": self._cookie(language), "url": self.url}])
        return context

    def address(self, endpoint: str) -> str:
        """Where a view is found by following links from the first page on, as an owner does."""
        if not self._addresses:
            self._addresses = dict(self._walk())
        assert endpoint in self._addresses, f"no page leads to {endpoint}"
        return self._addresses[endpoint]

    def fetch(self, address: str) -> tuple[str, bytes]:
        """The media type and the bytes of what is there, as the owner gets it."""
        request = urllib.request.Request(
            f"{self.url}{address}", headers={"Cookie": f"atbalss={self._cookie('en')}"}
        )
        with urllib.request.urlopen(request, timeout=15) as reply:
            return reply.headers.get_content_type(), reply.read()

    def read(self, address: str, language: str) -> str:
        """The page as it is sent to the owner of this language, also one that says that there is no such page."""
        request = urllib.request.Request(
            f"{self.url}{address}",
            headers={"Cookie": f"atbalss={self._cookie(language)}", "Accept-Language": language},
        )
        try:
            with urllib.request.urlopen(request, timeout=15) as reply:
                return str(reply.read().decode())
        except HTTPError as refused:
            with refused:
                return refused.read().decode()

    def stop(self) -> None:
        self._server.stop()

    def _cookie(self, language: str) -> str:
        if language not in self._cookies:
            jar, opener = CookieJar(), urllib.request.build_opener()
            opener.add_handler(urllib.request.HTTPCookieProcessor(jar))
            page = opener.open(f"{self.url}/app/sign-in", timeout=15).read().decode()
            token = re.search(r'name="csrf_token" value="([^"]+)"', page)
            assert token is not None
            form = {"csrf_token": token[1], "email": _email(language), "password": PASSWORD}
            request = urllib.request.Request(
                f"{self.url}/app/sign-in",
                urlencode(form).encode(),
                {"Origin": self.url, "Sec-Fetch-Site": "same-origin"},
            )
            with opener.open(request, timeout=15) as reply:
                assert "/sign-in" not in reply.url, "the owner could not sign in"
            self._cookies[language] = next(str(cookie.value) for cookie in jar if cookie.name == "atbalss")
        return self._cookies[language]

    def _walk(self) -> Iterator[tuple[str, str]]:
        rules = Map(
            [Rule(rule, endpoint=name) for name, rule in endpoints_of_pages().items()], strict_slashes=False
        )
        known, seen, todo = rules.bind("localhost"), set[str](), ["/app/overview", *_TYPED]
        while todo and len(seen) < _MOST:
            address = todo.pop(0)
            try:
                name = cast("str", known.match(urlsplit(address).path)[0])
            except HTTPException:
                continue
            if name in seen:
                continue
            seen.add(name)
            yield name, address
            todo += self._links(address)

    def _links(self, address: str) -> list[str]:
        try:
            kind, body = self.fetch(address)
        except HTTPError:
            # Whoever looks at this one will say so.
            return []
        found = re.findall(r'\s(?:href|action|src)="([^"]+)"', body.decode() if kind == "text/html" else "")
        return [
            link for link in (urljoin(address, unescape(each)) for each in found) if link.startswith("/app")
        ]
