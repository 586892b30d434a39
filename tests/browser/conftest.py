"""A Chromium for each test process; for each test a fresh profile, a server in our place and a shop."""

import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.servers import ValkeyServer

from . import chromium
from .office import Office, furnish
from .standin import BUILT, SITE_KEY, SLOW, Ours, Reply, Shop

Put = Callable[..., str]

# What is expected may take as long as any other step; a busy machine is no fault of the page.
PATIENCE = 15_000  # ms
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    assert (BUILT / "manifest.json").exists(), "The snippet isn't built: make snippet"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.arguments())
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """The demo's shop with its history, in a folder to copy."""
    folder = tmp_path_factory.mktemp("furnished")
    shutil.copy(sqlite_template, folder / "atbalss.db")
    furnish(folder, f"sqlite:///{folder / 'atbalss.db'}")
    return folder


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, furnished: Path) -> Iterator[Office]:
    """The owner's pages, for all tests of a module."""
    folder = tmp_path_factory.mktemp("office")
    shutil.copytree(furnished, folder, dirs_exist_ok=True)
    valkey = ValkeyServer()
    made = Office(folder, f"sqlite:///{folder / 'atbalss.db'}", valkey.url)
    yield made
    made.stop()
    valkey.stop()


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    if SLOW:
        has_real_server = "ours" not in request.fixturenames
        context.on("page", lambda page: slowed(page, has_real_server))
    yield context
    context.close()


def slowed(page: Page, has_real_server: bool) -> None:
    """The page thinks three times as long; and waits for a server that cannot be slowed as `standin` is."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 3})
    if has_real_server:
        late = {"offline": False, "latency": SLOW / 2, "downloadThroughput": -1, "uploadThroughput": -1}
        session.send("Network.emulateNetworkConditions", late)


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page; what it says of errors fails the test, whosever they are."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert not errors


@pytest.fixture
def ours() -> Iterator[Ours]:
    server = Ours()
    yield server
    server.stop()


@pytest.fixture
def shop() -> Iterator[Shop]:
    server = Shop()
    yield server
    server.stop()


@pytest.fixture
def put(ours: Ours, shop: Shop) -> Put:
    """Puts a page with the snippet into the shop and gives its address."""

    def put(
        path: str, body: str = "", *, lang: str = "en", head: str = "", tag: str = "", address: str = "", **headers: str
    ) -> str:
        script = f'<script async src="{ours.url}/widget.js" data-shop="{SITE_KEY}" {tag}></script>'
        shop.pages[path] = Reply(
            200,
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Shop</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}{script}</head>'
            f"<body><main><h1>Shop</h1>{body}</main></body></html>",
            {name.replace("_", "-"): value for name, value in headers.items()},
        )
        return shop.url + path + address

    return put


def quiet(page: Page, ours: Ours) -> None:
    """The page has what it asked us for, and asks for nothing more; "networkidle" is over for ever once it was reached."""
    silent = 0
    while silent < 2:
        asked = ours.rest()
        page.wait_for_timeout(250)
        silent = silent + 1 if asked == ours.begun else 0


def loaded(page: Page, chunk: str) -> None:
    """The page has fetched this part of the snippet, and has run it."""
    fetched = f"(window.fetched || performance).getEntriesByType('resource').find((one) => one.name.includes('/widget/{chunk}-'))"
    page.wait_for_function(fetched)
    page.evaluate(f"import({fetched}.name)")
    page.evaluate("0")


def told(page: Page, ours: Ours) -> None:
    """The page has read the reply to all that it has sent since it was opened, the first in its test."""
    ours.rest()
    read = "performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/answers')).length"
    page.wait_for_function(f"(count) => {read} >= count", arg=len(ours.posts()))
    page.evaluate("0")


def soon(page: Page, script: str) -> None:
    """Runs it in the page, which may be gone in the same moment: who waited for what it gives might wait for ever."""
    page.evaluate(f"void setTimeout(() => {{ {script} }})")


def goes(page: Page) -> None:
    """The question goes by itself, some seconds after the thanks: longer than `expect` likes to wait on a slow machine."""
    page.locator("atbalss-panel").wait_for(state="detached")


def stand_still(page: Page) -> None:
    """Time stands still in the page, until the test lets it run: what the page and the test do takes none."""
    page.add_init_script("window.fetched = performance")  # the one that stands still has no list of what was fetched
    page.clock.install(time=0)
    page.clock.pause_at(1)


# Says of the page that it is hidden, as a tab in the background does; nothing goes away there by itself.
HIDE = """(hidden) => { Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
  Object.defineProperty(document, "visibilityState", {configurable: true, get: () => hidden ? "hidden" : "visible"});
  document.dispatchEvent(new Event("visibilitychange", {bubbles: true})); }"""

# Notes what moves; `MOVED` gives the sum, also of what the browser has yet to tell.
WATCH = """window.moves = []; window.watch = new PerformanceObserver((list) => moves.push(...list.getEntries()));
  watch.observe({type: "layout-shift", buffered: true});"""
MOVED = """async () => { for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
  moves.push(...watch.takeRecords());
  return moves.reduce((sum, one) => sum + one.value, 0); }"""


def results(query: str = "zābaki", count: int | None = 12) -> str:
    """What a shop's plugin puts on a page of results."""
    number = "" if count is None else f' data-atbalss-results="{count}"'
    return f'<div data-atbalss-query="{escape(query)}"{number}>{count} things</div><a href="/other">other</a>'


def order(token: str = "v1.1.claims.mac") -> str:
    """What a shop's plugin puts on the page after an order."""
    return f'<div data-atbalss-order-token="{token}">Thank you!</div>'


def ask_everybody(url: str, key: str) -> None:
    """At the server `url`, for the shop of this API key. Else, without consent, it is about one search of three."""
    body = json.dumps({"settings": {"sample": 100}}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/questions/search-found", body, headers, method="PATCH")
    with urllib.request.urlopen(request, timeout=10) as reply:
        assert reply.status == 200
