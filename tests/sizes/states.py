"""What a shopper's browser receives from a real Atbalss server in four states of a page, each in a fresh profile."""

import json
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser.standin import Reply, Shop
from tests.running import Program, run

from .received import Received, receiving

NOTHING, NO, SHOWN, ANSWERED = "no placement", "rules say no", "shown", "answered"
READ = "shown, the number read"
_RESULTS = '<div data-atbalss-query="boots" data-atbalss-results="12">12 things</div>'
_TEXT = '<main data-atbalss-query="boots"><p>12 results for boots</p></main>'
_TYPING = '<input name="q" aria-label="Search" autofocus>'


class Running:
    """A server with one shop on it, as `atbalss shop add` makes it, and a web server with pages of that shop."""

    def __init__(self, folder: Path) -> None:
        self.program = Program(folder / "data", "up", "--port", "0").wait_until_ready()
        self.pages = Shop()
        self.url = self.program.url
        added = run(folder / "data", "shop", "add", "Stūra veikals", "--domain", "127.0.0.1", "--json")
        assert added.returncode == 0, added.stderr
        self.made: dict[str, Any] = json.loads(added.stdout)

    def stop(self) -> None:
        self.pages.stop()
        self.program.kill()

    def put(self, path: str, body: str = "", lang: str = "en", tag: str = "async") -> str:
        """A page of the shop with the snippet in it."""
        script = f'<script {tag} src="{self.url}/widget.js" data-shop="{self.made["site_key"]}"></script>'
        html = f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">{script}</head><body>{body}</body></html>'
        self.pages.pages[path] = Reply(200, html)
        return self.pages.url + path

    def owner(self, method: str, path: str, body: Any = None) -> Any:
        """What the owner API says."""
        request = urllib.request.Request(
            self.url + path, None if body is None else json.dumps(body).encode(), method=method,
            headers={"Authorization": f"Bearer {self.made['api_key']}", "Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.loads(reply.read() or b"null")


@contextmanager
def running() -> Iterator[Running]:
    """Its questions are those of a new shop; on results of a search everybody is asked, at once."""
    with tempfile.TemporaryDirectory() as folder:
        started = Running(Path(folder))
        try:
            started.owner("PATCH", "/v1/questions/search-found", {"settings": {"sample": 100, "delay": 0}})
            yield started
        finally:
            started.stop()


def states(browser: Browser, server: Running, encoding: str = "gzip") -> dict[str, Received]:
    """The states, by name; `encoding` as in Accept-Encoding."""
    paths = {
        NOTHING: ("/shoes", "<p>Shoes</p>"),
        NO: ("/typing", _RESULTS + _TYPING),
        SHOWN: ("/search", _RESULTS),
        READ: ("/found", _TEXT),
    }
    addresses = {state: server.put(*page) for state, page in paths.items()} | {
        ANSWERED: server.pages.url + "/search"
    }
    return {
        state: _visit(browser, server, address, _ACTS[state], encoding)
        for state, address in addresses.items()
    }


def _visit(
    browser: Browser, server: Running, address: str, act: Callable[[Page], None], encoding: str
) -> Received:
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(15_000)
    page = context.new_page()
    with receiving(page, encoding) as received:
        page.goto(address)
        page.wait_for_function("window.atbalss && atbalss.live")
        act(page)
        page.wait_for_load_state("networkidle")
        _until_quiet(page, received, server.url)
    context.close()
    return received


def _until_quiet(page: Page, received: Received, origin: str) -> None:
    """Until nothing has been asked for in a while, and everything has come."""
    seen = -1
    while seen != len(received.of(origin)) or any(reply.body is None for reply in received.of(origin)):
        seen = len(received.of(origin))
        page.wait_for_timeout(700)


def _nothing(page: Page) -> None:
    expect(page.locator("atbalss-panel")).to_have_count(0)


def _shown(page: Page) -> None:
    expect(page.get_by_role("button", name="Yes")).to_be_visible()


def _answered(page: Page) -> None:
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_label("What were you looking for?").fill("boots")
    page.wait_for_timeout(600)  # a tap this soon after the first one counts as the same one
    page.get_by_role("button", name="Send").click()


_ACTS: dict[str, Callable[[Page], None]] = {
    NOTHING: _nothing,
    NO: _nothing,
    SHOWN: _shown,
    READ: _shown,
    ANSWERED: _answered,
}
