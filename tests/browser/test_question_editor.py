"""The editor of a question in Chromium: the real panel follows what is typed, and without JavaScript by a button."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from . import fits
from .office import Office
from .test_pages import faults, opened, settle

pytestmark = pytest.mark.browser

EDIT = "/app/questions/one/search-found/edit"


def panel(page: Page) -> str:
    """What the panel in the frame reads."""
    frame = page.frame_locator("iframe.panel")
    frame.locator("atbalss-panel").wait_for(state="attached")
    return str(frame.locator("atbalss-panel").evaluate("host => host.shadowRoot.textContent"))


def test_the_panel_follows_what_is_typed_in_every_language_and_look(office: Office, browser: Browser) -> None:
    context = office.context(browser)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(EDIT)
    assert "Did you find what you were looking for?" in panel(page)
    page.get_by_label("The question, English").fill("Was it there?")
    expect(page.frame_locator("iframe.panel").locator("atbalss-panel").get_by_text("Was it there?").first).to_be_visible()
    page.get_by_label("Language", exact=True).select_option("lt")
    expect(page.frame_locator("iframe.panel").locator("atbalss-panel").get_by_text("Ar radote, ko ieškojote?").first).to_be_visible()
    page.get_by_label("Colours").select_option("dark")
    page.get_by_label("Screen").select_option("desk")
    expect(page.locator("iframe.panel.desk")).to_have_attribute("src", re.compile("look=dark"))
    page.get_by_label("What it waits for").select_option("exit")
    expect(page.locator("#look")).to_contain_text("When the shopper is about to leave.")
    page.get_by_label("The question, Lithuanian").fill("")
    expect(page.locator("#look")).to_contain_text("Required in each language.")
    assert wrong == []
    context.close()


ROOM = """() => [...document.querySelectorAll("iframe.panel")].map((frame) => {
  const {left, right, top, bottom} = frame.getBoundingClientRect(), around = frame.parentElement.getBoundingClientRect();
  return left >= around.left && right <= around.right && top >= around.top && bottom <= around.bottom;
})"""
CARD = """(host) => {
  const {left, right, top, bottom} = host.shadowRoot.querySelector(".card").getBoundingClientRect();
  return {wide: innerWidth, left: left / innerWidth, right: right / innerWidth, top: top / innerHeight, bottom: bottom / innerHeight};
}"""


@pytest.mark.parametrize("path", ["/app/questions/one/search-found", "/app/questions/sets/recommend", EDIT])
def test_a_computer_is_shown_as_wide_as_one_and_a_phone_as_narrow(office: Office, browser: Browser, path: str) -> None:
    context = office.context(browser)
    page = opened(context, path)
    card = page.frame_locator("iframe.panel").locator("atbalss-panel")
    for width in (1280, 1600, 390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        for screen in ("desk", "phone"):
            page.get_by_label("Screen").select_option(screen)
            if path != EDIT:
                page.locator("#look").get_by_role("button", name="Show").click()
            page.locator(f"iframe.panel.{screen}").wait_for()
            card.locator(".card").wait_for()
            settle(page)
            seen = card.evaluate(CARD)
            assert seen["wide"] > 900 if screen == "desk" else seen["wide"] < 480, (width, screen, seen)
            # In the lower corner of a computer; on a phone from side to side.
            assert (seen["left"] > 0.5) == (screen == "desk"), (width, screen, seen)
            assert 0 < seen["right"] <= 1 and 0.3 < seen["top"] < seen["bottom"] <= 1.01, (width, screen, seen)
            assert page.evaluate(ROOM) == [True], (width, screen)
            assert fits.lost(page) == [], (width, screen)
    page.goto(f"{path}?p.width=desk")
    settle(page)
    assert faults(page) == []
    assert page.evaluate("[Math.round(window.__moved), window.__refused.length]") == [0, 0]
    context.close()


def test_the_corner_that_is_chosen_is_seen(office: Office, browser: Browser) -> None:
    context = office.context(browser)
    for width in (1280, 320):
        page = opened(context, office.address("shop.looks"))
        page.set_viewport_size({"width": width, "height": 900})
        frame = page.locator("iframe.panel").first
        for corner, name in (("start", "Lower corner at the left"), ("end", "Lower corner at the right")):
            before = frame.get_attribute("src") or "none"
            page.get_by_label(name).check()
            expect(frame).not_to_have_attribute("src", before)
            card = frame.content_frame.locator("atbalss-panel")
            card.locator(".card").wait_for()
            seen = card.evaluate(CARD)
            assert (seen["left"] < 0.1) == (corner == "start"), (width, corner, seen)
            assert all(page.evaluate(ROOM))
        assert fits.lost(page) == []
        assert faults(page) == []
    context.close()


def test_a_field_is_there_only_where_it_means_something(office: Office, browser: Browser) -> None:
    context = office.context(browser)
    page = context.new_page()
    page.goto(EDIT)
    scroll, results, branches = page.get_by_label("Per cent that must be scrolled"), page.get_by_label("Which search results"), page.get_by_text("any other answer").first
    expect(scroll).to_be_hidden()
    expect(results).to_be_visible()
    expect(branches).to_be_hidden()
    page.get_by_label("What it waits for").select_option("scroll")
    page.get_by_label("Kind of page").select_option("order")
    page.get_by_label("It depends on the answer").check()
    expect(scroll).to_be_visible()
    expect(results).to_be_hidden()
    expect(branches).to_be_visible()
    context.close()


def test_enter_in_a_field_shows_and_saves_nothing(office: Office, browser: Browser) -> None:
    context = office.context(browser)
    page = context.new_page()
    page.goto(EDIT)
    page.get_by_label("Seconds to wait").fill("9")
    page.get_by_label("Seconds to wait").press("Enter")
    expect(page.get_by_label("Seconds to wait")).to_have_value("9")
    expect(page.locator("#look")).to_contain_text("9 s after the page is there.")
    page.goto("/app/questions/one/search-found")
    assert "9 s after" not in page.content()
    context.close()


def test_all_of_it_works_without_javascript(office: Office, browser: Browser) -> None:
    context = office.context(browser, script=False)
    page = context.new_page()
    page.goto("/app/questions/one/product-info/edit")
    page.get_by_label("The question, English").fill("All clear?")
    page.get_by_label("It depends on the answer").check()
    page.get_by_role("button", name="One more branch").click()
    page.get_by_role("group", name="Branch 1").get_by_label("Yes").check()
    page.get_by_role("button", name="One more branch").click()
    expect(page.get_by_role("group", name="Branch 2")).to_be_visible()
    page.get_by_label("One more, like lv or pt-BR").fill("sv")
    page.get_by_role("button", name="Add the language").click()
    page.get_by_label("The question, Swedish").fill("Allt klart?")
    page.get_by_role("button", name="Show it as it is now").click()
    expect(page.locator("iframe.panel")).to_be_visible()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("All clear?")
    expect(page.get_by_text("Allt klart?")).to_be_visible()
    expect(page.locator(".facts")).to_contain_text("After Yes:")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused", exact=True).first).to_be_visible()
    context.close()
