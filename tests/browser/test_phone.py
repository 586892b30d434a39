"""The owner's pages under a thumb: what asks once more can be read and pressed, what was refused is in sight."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyotp
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from .office import PASSWORD, Office

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


def send(page: Page, form: Locator) -> None:
    """Whatever the browser itself would say of it."""
    form.evaluate("(e) => { e.noValidate = true; }")
    with page.expect_navigation():
        form.locator("button").last.click()


def refuse_password(page: Page, office: Office) -> Locator:
    page.goto(office.address("account.show"))
    page.locator("#f-current").fill("nothing of mine")
    page.locator("#f-password").fill("pareizs zirgs 13")
    send(page, page.locator("#password form"))
    return page.locator("#f-current")


def refuse_conversion(page: Page, office: Office) -> Locator:
    page.goto(office.address("searches.show"))
    page.locator("#f-percent").fill("500")
    send(page, page.locator("form.conversion"))
    return page.locator("#f-percent")


def refuse_looks(page: Page, office: Office) -> Locator:
    page.goto(office.address("shop.looks"))
    page.locator("#f-cooldown_hours").fill("-3")
    send(page, page.locator("#looks"))
    return page.locator("#f-cooldown_hours")


def refuse_sight(page: Page, office: Office) -> Locator:
    page.goto(office.address("start.check"))
    page.locator("#f-address").fill("https://elsewhere.example/")
    send(page, page.locator("#look form"))
    return page.locator("#f-address")


@pytest.mark.parametrize(("width", "height"), PHONES)
@pytest.mark.parametrize("refuse", [refuse_password, refuse_conversion, refuse_looks, refuse_sight])
def test_what_was_refused_is_in_sight(
    browser: Browser, office: Office, refuse: Callable[[Page, Office], Locator], width: int, height: int
) -> None:
    with phone(browser, office, width, height) as page:
        field = refuse(page, office)
        expect(field).to_be_focused()
        assert hidden_under(page, field) == ""
        assert hidden_under(page, field.locator("xpath=..").locator(".error")) == ""


def test_what_the_look_at_the_shop_found_is_in_sight(browser: Browser, office: Office) -> None:
    with phone(browser, office, 320, 568) as page:
        page.goto(office.address("start.check"))
        send(page, page.locator("#look form"))
        found = page.locator("[data-arrive]")
        expect(found).to_be_focused()
        assert hidden_under(page, found.locator(".note").first) == ""
        # What comes later takes nobody away from where they are.
        page.locator("#f-address").focus()
        with page.expect_response("**/sight"):
            pass
        page.wait_for_timeout(200)
        expect(page.locator("#f-address")).to_be_focused()


def test_a_page_that_refused_nothing_begins_at_its_top(browser: Browser, office: Office) -> None:
    with phone(browser, office) as page:
        page.goto("/app/style")
        page.wait_for_load_state("networkidle")
        assert page.locator("[aria-invalid=true]").count() > 0
        assert page.evaluate("[scrollY, document.activeElement === document.body]") == [0, True]


def test_what_was_refused_is_said_without_a_script_too(browser: Browser, office: Office) -> None:
    with phone(browser, office, script=False) as page:
        page.goto(office.address("account.show"))
        page.locator("#f-current").fill("nothing of mine")
        page.locator("#f-password").fill("pareizs zirgs 13")
        page.locator("#password form button").click()
        expect(page.locator("#f-current-error")).to_be_visible()


def test_a_chart_never_says_nothing_of_something_nor_all_of_less(browser: Browser, office: Office) -> None:
    """What is read under a finger on the chart; the table beside it says "under 1 %", "over 99 %"."""
    shares = [0, 0.0004, 0.004, 0.005, 0.5, 0.994, 0.995, 0.9996, 1]
    with phone(browser, office, 900) as page:
        page.goto("/app/style")
        said: list[str] = page.evaluate("""async (values) => {
            const canvas = document.querySelector("canvas[data-chart]"), words = [];
            const drawing = {kind: "line", labels: values.map(String), series: [{name: "a", values}], unit: "share", language: "lv"};
            const holder = canvas.parentElement, made = document.createElement("canvas");
            made.dataset.chart = JSON.stringify(drawing);
            canvas.remove();
            holder.append(made);
            const write = CanvasRenderingContext2D.prototype.fillText;
            CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) { words.push(text); return write.call(this, text, ...rest); };
            document.dispatchEvent(new Event("htmx:after:swap"));
            while (!made.style.width) await new Promise(requestAnimationFrame);
            const box = made.getBoundingClientRect(), seen = [];
            for (let i = 0; i <= 60; i++) {
                words.length = 0;
                made.dispatchEvent(new MouseEvent("mousemove", {clientX: box.left + 40 + (box.width - 42) * i / 60, clientY: box.top + 100, bubbles: true}));
                for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
                const at = words.at(-1);
                if (at && at !== seen.at(-1)) seen.push(at);
            }
            return seen;
        }""", shares)
        assert said == ["0%", "0,04%", "0,4%", "1%", "50%", "99%", "99,5%", "99,96%", "100%"]


@pytest.mark.parametrize("has_touch", [True, False])
def test_two_factor_is_set_up_on_the_phone_that_is_in_the_hand(
    browser: Browser, office: Office, has_touch: bool
) -> None:
    """Also: what is wrong with one of two passwords is said of that one."""
    signed_in = office.context(browser, "ru")
    context = browser.new_context(
        base_url=office.url, locale="ru", viewport={"width": 390, "height": 844}, is_mobile=has_touch, has_touch=has_touch,
        storage_state=signed_in.storage_state(),
    )  # fmt: skip
    signed_in.close()
    page = context.new_page()
    page.goto(office.address("two_factor.show"))
    page.locator("#f-current").fill(PASSWORD)
    send(page, page.locator("#on form"))
    link = page.locator("a[href^='otpauth:']")
    secret = page.locator(".copy code").inner_text().replace(" ", "")
    totp = pyotp.parse_uri(link.get_attribute("href") or "")
    assert isinstance(totp, pyotp.TOTP)
    assert (totp.secret, totp.name, totp.issuer) == (secret, "ru@mezmala.example", "Atbalss")
    assert link.is_visible() == has_touch
    if has_touch:
        link.click(trial=True)
        page.locator("#f-code").fill("000000")
        send(page, page.locator("form:has(#f-code)"))
        expect(page.locator("#f-code")).to_be_focused()
        assert hidden_under(page, page.locator("#f-code-error")) == ""
    else:
        page.locator("#f-code").fill(totp.now())
        send(page, page.locator("form:has(#f-code)"))
        page.goto(office.address("two_factor.show"))
        page.locator("#off-current").fill("nothing of mine")
        send(page, page.locator("#off form"))
        expect(page.locator("#off-current")).to_be_focused()
        expect(page.locator("#codes .error")).to_have_count(0)
        page.locator("#off-current").fill(PASSWORD)
        send(page, page.locator("#off form"))
        expect(page.locator("#on")).to_be_visible()
    context.close()
