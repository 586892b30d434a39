"""The owner's pages under a thumb: what asks once more can be read and pressed, what was refused is in sight."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from .office import Office

pytestmark = pytest.mark.browser

PHONES = [(390, 844), (320, 568)]
# Pages on which something is asked once more, and how often at least.
ASKING = {
    "api_keys.show": 1,
    "members.show": 5,
    "endpoints.show": 2,
    "connections.show": 1,
    "deliveries.show": 1,
    "questions.one": 1,
}


@contextmanager
def phone(
    browser: Browser, office: Office, width: int = 390, height: int = 844, *, script: bool = True
) -> Iterator[Page]:
    context = office.context(browser, "lv", width=width, height=height, script=script)
    context.set_default_timeout(5000)
    yield context.new_page()
    context.close()


def hidden_under(page: Page, what: Locator) -> str:
    """What else is met where a finger comes down in the middle of it; "" where it is the thing itself."""
    found: str = what.evaluate("""(e) => {
        const box = e.getBoundingClientRect();
        const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
        return !top ? "nothing" : e === top || e.contains(top) ? "" : top.outerHTML.slice(0, 100);
    }""")
    return found


@pytest.mark.parametrize(("width", "height"), [*PHONES, (768, 1024), (1200, 800)])
@pytest.mark.parametrize("name", ASKING)
def test_what_asks_once_more_can_be_read_and_pressed(
    browser: Browser, office: Office, name: str, width: int, height: int
) -> None:
    with phone(browser, office, width, height) as page:
        page.goto(office.address(name))
        asking = page.locator("details.confirm")
        assert asking.count() >= ASKING[name]
        for each in asking.all():
            each.locator("summary").click()
            form, button = each.locator("form"), each.locator("form button")
            button.click(trial=True)
            for part in (form, button):
                box = part.bounding_box()
                assert box is not None
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= width
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            # All of it is to be seen: no card and no table cuts it.
            cut = form.evaluate("""(e) => {
                const box = e.getBoundingClientRect(), found = [];
                for (let up = e.parentElement; up && up !== document.body; up = up.parentElement) {
                    const style = getComputedStyle(up), room = up.getBoundingClientRect();
                    if (style.overflowX === "visible" && style.overflowY === "visible") continue;
                    if (box.left < room.left - 1 || box.right > room.right + 1 || box.bottom > room.bottom + 1) found.push(up.className);
                }
                return found;
            }""")
            assert cut == []
            page.keyboard.press("Escape")
            expect(form).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), PHONES)
def test_what_is_asked_comes_into_sight_above_the_menu(browser: Browser, office: Office, width: int, height: int) -> None:
    with phone(browser, office, width, height) as page:
        page.goto(office.address("questions.one"))
        summary, button = page.locator(".confirm summary"), page.locator(".confirm form button")
        summary.evaluate("(e) => scrollTo(0, scrollY + e.getBoundingClientRect().bottom - innerHeight + 80)")
        summary.click()
        page.wait_for_timeout(100)
        assert hidden_under(page, button) == ""


def test_what_asks_once_more_needs_no_script(browser: Browser, office: Office) -> None:
    with phone(browser, office, 320, 568, script=False) as page:
        page.goto(office.address("api_keys.show"))
        page.locator(".confirm summary").first.click()
        page.locator(".confirm form button").first.click(trial=True)
