"""The first version in a real page: with its SRI hash, from another host, long after the build has moved on."""

import json
import shutil
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from widget_server.web import errors, frozen, snippet

from .conftest import results
from .standin import BUILT, SITE_KEY, Ours, Reply, Request, Shop

pytestmark = pytest.mark.browser


class Released(Ours):
    """Ours, some builds after the first release."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.hashes = frozen.release(BUILT, folder / "v1")
        later = folder / "widget"
        later.mkdir()
        shutil.copy(BUILT / "widget.js", later)
        (later / "manifest.json").write_text(json.dumps({"loader": "widget.js", "chunks": {}}))
        app = Flask(__name__, static_folder=None)
        errors.install(app)
        app.register_blueprint(snippet.blueprint(later, folder / "v1"))
        self._client = app.test_client()

    def answer(self, request: Request) -> Reply:
        if not request.path.startswith("/widget"):
            return super().answer(request)
        reply = self._client.get(request.path)
        return Reply(reply.status_code, reply.data, dict(reply.headers.items()))


def put(ours: Released, shop: Shop, integrity: str) -> str:
    tag = f'<script async src="{ours.url}/widget.v1.js" integrity="{integrity}" crossorigin="anonymous" data-shop="{SITE_KEY}"></script>'
    shop.pages["/search"] = Reply(200, f'<!doctype html><html lang="en"><head>{tag}</head><body>{results()}</body></html>')
    return shop.url + "/search"


def test_the_frozen_snippet_asks_long_after_its_release(shop: Shop, page: Page, tmp_path: Path) -> None:
    ours = Released(tmp_path)
    try:
        page.goto(put(ours, shop, ours.hashes["widget.js"]))
        page.get_by_role("button", name="Yes").click()
        (given,) = ours.wait_for("answer.given")
        assert given["value"] == "yes"
        files = [request for request in ours.requests if request.path.startswith("/widget")]
        assert {request.status for request in files} == {200}
        assert {request.path.rpartition("/")[2] for request in files if "-" in request.path} <= set(ours.hashes)
        assert any("/panel-" in request.path for request in files)
    finally:
        ours.stop()


def test_with_another_hash_the_browser_runs_nothing_of_it(shop: Shop, page: Page, tmp_path: Path) -> None:
    ours = Released(tmp_path)
    try:
        with page.expect_console_message(lambda message: "integrity" in message.text):
            page.goto(put(ours, shop, frozen.sri(b"another file")))
        page.wait_for_load_state("networkidle")
        assert [request.path for request in ours.requests] == ["/widget.v1.js"]
        assert page.evaluate("window.atbalss") is None
        expect(page.locator("atbalss-panel")).to_have_count(0)
    finally:
        ours.stop()
