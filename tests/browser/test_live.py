"""The whole way: a tap in a real page of another origin, the real server and worker, and the score that changes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.running import Program, run
from tests.servers import wait_for

from .conftest import ask_everybody, order, results
from .connected import Connected
from .standin import Reply, Shop

pytestmark = pytest.mark.browser


class Live(Connected):
    def put(self, path: str, body: str, lang: str = "en") -> str:
        script = f'<script async src="{self.url}/widget.js" data-shop="{self.made["site_key"]}"></script>'
        html = f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">{script}</head><body>{body}</body></html>'
        self.shop.pages[path] = Reply(200, html)
        return self.shop.url + path


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    data_dir: Path = tmp_path_factory.mktemp("live") / "data"
    program = Program(data_dir, "up", "--port", "0", burst="1000").wait_until_ready()
    shop = Shop()
    try:
        added = run(data_dir, "shop", "add", "Stūra veikals", "--domain", "127.0.0.1", "--json")
        assert added.returncode == 0, added.stderr
        made = Live(program.url, json.loads(added.stdout), shop)
        ask_everybody(made.url, made.made["api_key"])
        yield made
    finally:
        shop.stop()
        program.kill()


def test_a_failed_search_shows_in_the_owners_list(live: Live, page: Page) -> None:
    page.goto(live.put("/search", results("gumijas zābaki", 0), "lv"))
    page.get_by_role("button", name="Nē").click()
    page.get_by_label("Ko jūs meklējāt?").fill("sarkanus, 38. izmērs")
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Nosūtīt").click()

    def row() -> dict[str, Any]:
        return next((r for r in live.read("/v1/searches")["searches"] if r["query"] == "gumijas zābaki"), {})

    wait_for(lambda: row().get("texts") == ["sarkanus, 38. izmērs"], "the text did not come")
    assert row()["searches"] == row()["asked"] == row()["zero_results"]["n"] == row()["found"]["n"] == 1
    assert row()["found"]["value"] == 0.0
    score = live.read("/v1/scores?metric=success&question=search-found")["total"]
    assert (score["n"], score["value"]) == (1, 0.0)


def test_an_order_is_rated_once_and_counts_as_verified(live: Live, page: Page) -> None:
    token = live.token("A-1001")
    address = live.put("/thanks", order(token))
    page.goto(address)
    page.get_by_role("radio", name="2 of 5 stars").click()
    page.get_by_role("radio", name="5 of 5 stars").click()  # changed her mind
    scores = f"/v1/scores?metric=stars&question={quote('order-rating')}&trust=verified"
    wait_for(lambda: live.read(scores)["total"]["value"] == 5.0, "the rating did not come")
    assert live.read(scores)["total"]["n"] == 1

    with page.expect_response(lambda reply: reply.url.endswith("/asked")) as asked:
        page.goto(address)
    assert asked.value.json() == {"answered": ["order-rating"]}
    page.wait_for_load_state("networkidle")
    expect(page.locator("atbalss-panel")).to_have_count(0)


def test_a_page_that_is_not_the_shops_asks_nobody_and_tells_the_owner_why(live: Live, page: Page) -> None:
    address = live.put("/elsewhere", results("boots", 0)).replace("127.0.0.1", "localhost")
    with (
        page.expect_response(lambda reply: reply.url.endswith("/answers")) as answered,
        page.expect_console_message(lambda message: message.text.startswith("Atbalss: ")) as told,
    ):
        page.goto(address)
    assert answered.value.status == 403
    assert "do not belong to the shop" in told.value.text
    page.wait_for_timeout(3000)  # a page without results is asked about after 1.5 s
    expect(page.locator("atbalss-panel")).to_have_count(0)
    assert not [r for r in live.read("/v1/searches")["searches"] if r["query"] == "boots"]


def test_an_order_token_that_proves_nothing_asks_nobody(live: Live, page: Page) -> None:
    with page.expect_console_message(lambda message: message.text.startswith("Atbalss: ")) as told:
        page.goto(live.put("/thanks", order("v1.1.e30." + "A" * 43)))
    assert "order token" in told.value.text.lower()
    page.wait_for_timeout(2500)
    expect(page.locator("atbalss-panel")).to_have_count(0)
