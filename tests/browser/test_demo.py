"""The demo shop in a real browser, with the real server behind it: a tap becomes a score."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .running_demo import RunningDemo

pytestmark = pytest.mark.browser

NOTHING = {"lv": "Vafeļu panna", "lt": "Vaflių keptuvė", "en": "Waffle iron"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    running = RunningDemo(tmp_path_factory.mktemp("demo") / "data")
    yield running
    assert running.stop() == 0


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page on which nothing is reported: no error, and nothing that the shop's strict policy had to stop."""
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    yield page
    assert said == []


@pytest.mark.parametrize("lang", ["lv", "lt", "en"])
def test_a_no_and_what_was_looked_for_show_in_searches(demo: RunningDemo, page: Page, lang: str) -> None:
    query = NOTHING[lang]
    page.goto(f"{demo.shop}/{lang}/")
    page.get_by_role("searchbox").fill(query)
    page.get_by_role("searchbox").press("Enter")
    panel = page.get_by_role("dialog")
    panel.wait_for()  # it comes after some seconds
    assert panel.get_attribute("lang") == lang
    panel.get_by_role("button").filter(has_text={"lv": "Nē", "lt": "Ne", "en": "No"}[lang]).click()
    panel.get_by_role("textbox").fill(f"{query}, čuguna")
    page.wait_for_timeout(600)  # a tap this soon after the first one counts as the same one
    panel.get_by_role("textbox").press("Enter")
    reply = demo.until(
        f"the tap in {lang}", "/v1/searches", lambda said: said["searches"] and said["searches"][0]["texts"], q=query
    )
    (row,) = reply["searches"]
    assert row["query"] == query
    assert row["texts"] == [f"{query}, čuguna"]
    assert (row["searches"], row["asked"]) == (1, 1)
    assert row["zero_results"] == {"n": 1, "share": 1.0}
    assert row["found"]["distribution"] == {"yes": 0, "no": 1}


@pytest.mark.parametrize("lang", ["lv", "lt", "en"])
def test_each_way_to_tell_the_number_of_results_is_understood(demo: RunningDemo, page: Page, lang: str) -> None:
    words = {"lv": "tvaikā", "lt": "garuose", "en": "steam"}[lang]  # in no search of the history
    page.goto(f"{demo.shop}/{lang}/search?q={words}")
    expect(page.locator(".card").first).to_be_visible()
    reply = demo.until("the search", "/v1/searches", lambda said: said["searches"], q=words)
    assert reply["searches"][0]["zero_results"] == {"n": 0, "share": 0.0}


@pytest.mark.parametrize("lang", ["lv", "lt", "en"])
def test_a_click_on_a_result_is_known(demo: RunningDemo, page: Page, lang: str) -> None:
    words = {"lv": "dārza", "lt": "sodo", "en": "garden"}[lang]  # in no search of the history
    page.goto(f"{demo.shop}/{lang}/search?q={words}")
    (row,) = demo.until("the search", "/v1/searches", lambda said: said["searches"], q=words)["searches"]
    assert (row["searches"], row["clicks"]) == (1, 0)
    page.locator("a.card").nth(1).click()
    expect(page.locator("article.product")).to_be_visible()
    reply = demo.until("the click", "/v1/searches", lambda said: said["searches"][0]["clicks"], q=words)
    assert (reply["searches"][0]["searches"], reply["searches"][0]["clicks"]) == (1, 1)


@pytest.mark.parametrize("lang", ["lv", "lt", "en"])
def test_stars_after_an_order_count_as_verified_for_what_was_bought(demo: RunningDemo, page: Page, lang: str) -> None:
    def stars(trust: str) -> dict[str, int]:
        said = demo.get("/v1/scores", metric="stars", question="order-rating", trust=trust, by="product")
        return {row["key"]: row["n"] for row in said["rows"]}

    before, unverified = stars("verified"), stars("unverified")
    for slug in ("vase", "honey"):
        page.goto(f"{demo.shop}/{lang}/p/{slug}")
        page.locator("article form button").click()
    page.goto(f"{demo.shop}/{lang}/checkout")
    page.locator("[name=name]").fill("Anna Bērziņa")
    page.locator("[name=email]").fill("anna@shop.example")
    page.locator("form.fields button").click()
    panel = page.get_by_role("dialog")
    panel.get_by_role("radio").nth(3).click()
    wanted = {**before, "MM-409": before.get("MM-409", 0) + 1, "MM-403": before.get("MM-403", 0) + 1}
    demo.until(
        f"the stars in {lang}", "/v1/scores",
        lambda said: {row["key"]: row["n"] for row in said["rows"]} == wanted,
        metric="stars", question="order-rating", trust="verified", by="product",
    )  # fmt: skip
    assert stars("unverified") == unverified

    with page.expect_response("**/asked") as reply:
        page.reload()
    assert reply.value.json() == {"answered": ["order-rating"]}
    page.wait_for_timeout(1500)  # it would be asked a second after that
    assert page.locator("atbalss-panel").count() == 0
