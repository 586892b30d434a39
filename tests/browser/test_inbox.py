"""The inbox without a mouse: every key does what it says, and none does anything where letters are letters."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from .office import Office

pytestmark = pytest.mark.browser

ONE = re.compile(r"/app/answers/one\?")


@pytest.fixture
def inbox(browser: Browser, office: Office) -> Iterator[Page]:
    """The list, with its keys."""
    context = office.context(browser)
    page = context.new_page()
    page.goto("/app/answers?case=none")
    expect(page.locator("[data-keys-show]")).to_be_visible()
    yield page
    context.close()


def at(page: Page) -> int:
    """The row that has the focus, -1 for none."""
    where = "[...document.querySelectorAll('[data-row]')].findIndex((row) => row.contains(document.activeElement))"
    found: int = page.evaluate(where)
    return found


def test_j_and_k_go_from_row_to_row_and_o_opens(inbox: Page) -> None:
    for key, row in (("j", 0), ("j", 1), ("j", 2), ("k", 1), ("k", 0), ("k", 0)):
        inbox.keyboard.press(key)
        assert (key, at(inbox)) == (key, row)
    asked = inbox.locator("[data-row] [data-open]").first.get_attribute("href")
    inbox.keyboard.press("o")
    inbox.wait_for_url(ONE)
    assert inbox.url.endswith(asked or "nothing")
    expect(inbox.locator("[data-keys-show]")).to_be_visible()
    inbox.keyboard.press("u")
    inbox.wait_for_url("**/app/answers?case=none")


def test_c_makes_a_case_of_where_one_is_or_of_what_is_ticked(inbox: Page) -> None:
    links = inbox.locator("[data-row] [data-open]")
    names = [links.nth(n).get_attribute("href") for n in range(4)]
    inbox.keyboard.press("j")
    inbox.keyboard.press("c")
    expect(inbox.locator(".toast")).to_contain_text("1 case made.")
    expect(links.first).to_have_attribute("href", names[1] or "")
    expect(inbox.locator("[data-keys-show]")).to_be_visible()
    inbox.keyboard.press("j")
    inbox.keyboard.press("x")
    inbox.keyboard.press("j")
    inbox.keyboard.press("x")
    expect(inbox.locator("[data-ticked]")).to_have_text("(2)")
    inbox.keyboard.press("c")
    expect(inbox.locator(".toast")).to_contain_text("2 cases made.")
    expect(links.first).to_have_attribute("href", names[3] or "")


def test_a_case_is_taken_and_solved_by_keys(inbox: Page) -> None:
    inbox.keyboard.press("j")
    inbox.keyboard.press("o")
    inbox.wait_for_url(ONE)
    expect(inbox.locator("[data-keys-show]")).to_be_visible()
    inbox.keyboard.press("c")
    expect(inbox.locator(".toast")).to_contain_text("1 case made.")
    expect(inbox.locator("[data-keys-show]")).to_be_visible()
    inbox.keyboard.press("a")
    expect(inbox.locator("#story")).to_contain_text("Ieva Bērziņa sees to it")
    expect(inbox.locator("[data-keys-show]")).to_be_visible()
    inbox.keyboard.press("n")
    inbox.keyboard.type("called, c a e r ? all fine")
    expect(inbox.locator("#case textarea")).to_have_value("called, c a e r ? all fine")
    inbox.locator("#case").get_by_role("button", name="Save").click()
    expect(inbox.locator("#story .story")).to_contain_text("called, c a e r ? all fine")
    expect(inbox.locator("[data-keys-show]")).to_be_visible()
    inbox.keyboard.press("e")
    expect(inbox.locator("#story .story")).to_contain_text("The case is now: Solved")


def test_all_of_a_page_are_ticked_at_once(inbox: Page) -> None:
    ticks, every = inbox.locator("[data-tick]"), inbox.get_by_label("Tick all on this page")
    expect(every).to_be_visible()
    every.check()
    expect(inbox.locator("[data-ticked]")).to_have_text(f"({ticks.count()})")
    ticks.first.uncheck()
    expect(every).not_to_be_checked()
    ticks.first.check()
    expect(every).to_be_checked()
    every.uncheck()
    expect(inbox.locator("[data-ticked]")).to_have_text("")


def test_a_case_made_in_the_list_keeps_the_place(inbox: Page) -> None:
    button = inbox.get_by_role("button", name="Make a case")
    one = inbox.locator("[data-row]").filter(has=button).nth(9)
    row = one.get_attribute("id")
    one.get_by_role("button").click()
    expect(inbox.locator(".toast")).to_contain_text("1 case made.")
    expect(inbox.locator(".toast")).to_be_in_viewport()
    assert inbox.evaluate("location.hash") == f"#{row}"


def test_r_asks_why_and_puts_into_quarantine(inbox: Page) -> None:
    inbox.keyboard.press("j")
    inbox.keyboard.press("r")
    expect(inbox.locator("#bulk-reason")).to_be_focused()
    inbox.keyboard.type("sent by us")
    inbox.keyboard.press("Enter")
    expect(inbox.locator(".toast")).to_contain_text("Left out.")


def test_slash_searches_and_letters_in_a_field_are_letters(inbox: Page) -> None:
    inbox.keyboard.press("/")
    expect(inbox.locator("[data-search]")).to_be_focused()
    inbox.keyboard.type("jkoxcaer/?")
    expect(inbox.locator("[data-search]")).to_have_value("jkoxcaer/?")
    assert inbox.locator("dialog[open]").count() == 0
    assert inbox.url.endswith("?case=none")


def test_help_tells_the_keys_and_turns_them_off(inbox: Page) -> None:
    inbox.keyboard.press("?")
    dialog = inbox.locator("dialog[data-keys]")
    expect(dialog).to_be_visible()
    inbox.keyboard.press("j")
    assert at(inbox) == -1
    dialog.locator("[data-keys-on]").uncheck()
    inbox.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    inbox.keyboard.press("j")
    assert at(inbox) == -1
    inbox.reload()
    expect(inbox.locator("[data-keys-show]")).to_be_visible()
    inbox.keyboard.press("j")
    assert at(inbox) == -1
    inbox.locator("[data-keys-show]").click()
    dialog.locator("[data-keys-on]").check()
    dialog.locator("button").click()
    inbox.keyboard.press("j")
    assert at(inbox) == 0


def test_with_a_modifier_a_key_is_the_browsers(inbox: Page) -> None:
    for key in ("Control+j", "Alt+k", "Meta+c"):
        inbox.keyboard.press(key)
    assert at(inbox) == -1
    assert inbox.url.endswith("?case=none")
