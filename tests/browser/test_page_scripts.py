"""What JavaScript adds to the owner's pages: menus that close, charts, copying, parts that come by htmx, all of it under
the pages' own policy."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from .office import Office

pytestmark = pytest.mark.browser

INK = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
  return [...seen];
}"""


@pytest.fixture
def page(browser: Browser, office: Office) -> Iterator[Page]:
    """The living style page; what it says of errors fails the test."""
    context = office.context(browser)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/app/style")
    page.wait_for_load_state("networkidle")
    yield page
    context.close()
    assert not errors


def test_htmx_brings_parts_while_text_can_not_become_html(page: Page) -> None:
    page.evaluate("""() => {
        const button = document.createElement("button");
        for (const [name, value] of Object.entries({"hx-get": "/app/style?period=7", "hx-target": "#main", "hx-select": "#main", "hx-swap": "outerHTML"})) button.setAttribute(name, value);
        button.textContent = "bring";
        document.querySelector("main").prepend(button);
        htmx.process(button);
    }""")
    page.get_by_role("button", name="bring").click()
    expect(page.locator(".period summary").first).to_have_text("Last 7 days")
    # What came is as alive as what was there.
    expect(page.locator("canvas").first).to_be_visible()
    page.wait_for_function("Boolean(document.querySelector('canvas').style.width)")
    refused = page.evaluate(
        "() => { try { document.body.innerHTML = '<b>x</b>'; return ''; } catch (e) { return e.name; } }"
    )
    assert refused == "TypeError"
    with pytest.raises(Exception, match=r"Policy|policy"):
        page.evaluate("trustedTypes.createPolicy('another', {createHTML: (x) => x})")


def test_code_in_attributes_does_not_run(page: Page) -> None:
    page.evaluate("""() => {
        const button = document.createElement("button");
        button.setAttribute("hx-get", "/app/style"); button.setAttribute("hx-vals", "js:{a: (window.ran = 1)}");
        button.setAttribute("hx-on:click", "window.ran = 1"); button.textContent = "run";
        document.querySelector("main").prepend(button);
        htmx.process(button);
        window.addEventListener("error", (event) => event.preventDefault());
    }""")
    page.get_by_role("button", name="run").click()
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None


def test_charts_are_drawn_in_the_colours_of_the_page(page: Page) -> None:
    canvas = page.locator("canvas").first
    light = set(canvas.evaluate(INK))
    assert len(light) > 3
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(200)
    assert set(canvas.evaluate(INK)) - light


def test_menus_close_by_escape_and_by_going_elsewhere(page: Page) -> None:
    summary = page.locator(".period > details > summary")
    summary.click()
    page.keyboard.press("Tab")
    expect(page.locator(".period > details")).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(page.locator(".period > details")).not_to_have_attribute("open", "")
    expect(summary).to_be_focused()
    summary.click()
    page.locator("h1").click()
    expect(page.locator(".period > details")).not_to_have_attribute("open", "")


def test_what_is_to_be_pasted_is_copied_or_marked(page: Page) -> None:
    tag = page.locator(".copy code").first.inner_text()
    button = page.locator("[data-copy]").first
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button.click()
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == tag
    expect(button).to_have_text("Copy")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    button.click()
    page.wait_for_function("String(getSelection()) !== ''")
    assert page.evaluate("String(getSelection())").strip() == tag
