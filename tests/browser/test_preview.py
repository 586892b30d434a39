"""The preview page in a browser: the real panel of the built snippet, and nothing goes out."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, Request, expect

from tests.conftest import SECRET_KEY
from tests.web.live import LiveServer
from widget_server.contract.sets import SETS
from widget_server.record import shops
from widget_server.record.db import Database

from .test_access import axe, violations

pytestmark = pytest.mark.browser
Preview = Callable[..., str]


@pytest.fixture
def preview(sqlite_url: str, redis_url: str, tmp_path: Path) -> Iterator[Preview]:
    """Gives the address of a preview on a live web process."""
    database = Database(sqlite_url, SECRET_KEY)
    with database.writing() as conn:
        made = shops.create(conn, "Shop", "shop.example")
    database.close()
    server = LiveServer(tmp_path / "data", database_url=sqlite_url, redis_url=redis_url, secret_key=SECRET_KEY)

    def link(**body: Any) -> str:
        headers = {"Authorization": f"Bearer {made.api_key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{server.url}/v1/previews", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as reply:
            url: str = json.loads(reply.read())["url"]
        return f"{server.url}/preview/{url.partition('/preview/')[2]}"

    yield link
    server.stop()


def panel(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def test_the_real_panel_is_shown_and_what_is_tapped_goes_nowhere(page: Page, preview: Preview) -> None:
    sent: list[Request] = []

    def note(request: Request) -> None:
        sent.append(request)

    page.on("request", note)
    page.goto(preview(set="order-rating", lang="lv"))
    texts = SETS["order-rating"].texts["lv"]
    dialog = panel(page).get_by_role("dialog", name=texts["title"])
    expect(dialog).to_be_visible()
    dialog.get_by_role("radio").nth(3).click()
    expect(dialog.get_by_text(texts["follow_up"])).to_be_visible()
    dialog.get_by_role("textbox").fill("Labi")
    page.wait_for_timeout(600)  # a second tap of the same finger sends nothing
    dialog.get_by_role("button", name=texts["send"]).click()
    expect(panel(page).get_by_text(texts["thanks"]).first).to_be_visible()
    assert {request.method for request in sent} == {"GET"}
    assert [request.url for request in sent if "/v1/" in request.url] == []
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_language_colours_and_screen_are_chosen_by_links(page: Page, preview: Preview) -> None:
    page.goto(preview(set="recommend", lang="en"))
    for name in ("ru", "phone", "dark"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator("[aria-current]").filter(has_text=name)).to_have_count(1)
    dialog = panel(page).get_by_role("dialog", name=SETS["recommend"].texts["ru"]["title"])
    expect(dialog).to_be_visible()
    frame = page.locator("iframe").bounding_box()
    assert frame is not None and frame["width"] == 390
    assert panel(page).locator("html").get_attribute("data-look") == "dark"
    expect(page.locator("[aria-current]")).to_have_text(["ru", "dark", "phone"])


def test_a_question_can_be_looked_at_again(page: Page, preview: Preview) -> None:
    page.goto(preview(question="search-found", lang="lv"))
    texts = SETS["search-found"].texts["lv"]
    dialog = panel(page).get_by_role("dialog", name=texts["title"])
    dialog.get_by_role("button", name=texts["close"]).click()
    expect(dialog).to_be_hidden()
    panel(page).get_by_role("link", name=texts["title"]).click()
    expect(dialog).to_be_visible()


def test_colours_are_those_of_the_shop_and_of_the_link(page: Page, preview: Preview) -> None:
    url = preview(question="search-found", lang="lv")
    grounds = {}
    for look in ("light", "dark"):
        page.goto(f"{url}&look={look}")
        card = panel(page).get_by_role("dialog")
        expect(card).to_be_visible()
        grounds[look] = card.evaluate("card => getComputedStyle(card).backgroundColor")
    assert grounds["light"] == "rgb(255, 255, 255)"
    assert all(int(part) < 60 for part in grounds["dark"].removeprefix("rgb(").rstrip(")").split(", "))


def test_an_inline_question_stands_in_the_page_and_right_to_left_is_so(page: Page, preview: Preview) -> None:
    texts = {"ar": {"title": "هل وجدت ما كنت تبحث عنه؟"}, "lv": None, "lt": None}
    page.goto(preview(question="search-found", lang="ar", settings={"inline": "#reviews"}, texts=texts))
    card = panel(page).get_by_role("region", name=texts["ar"]["title"])
    expect(card).to_be_visible()
    assert card.get_attribute("dir") == panel(page).locator("html").get_attribute("dir") == "rtl"
    assert panel(page).locator("#inline atbalss-panel").count() == 1


def test_axe_finds_nothing_around_the_panel(page: Page, preview: Preview) -> None:
    page.goto(preview(question="search-found", lang="lv"))
    expect(panel(page).get_by_role("dialog")).to_be_visible()
    inner = page.locator("iframe").get_attribute("src")
    assert axe(page)["violations"] == []
    page.goto(f"{page.url.partition('?')[0].rpartition('/')[0]}/{inner}")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []
