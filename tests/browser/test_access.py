"""Everybody can answer: by keyboard, with a screen reader, on a small phone, in five languages, with large letters."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from widget_server.contract.texts import LANGUAGES, TEXTS

from .conftest import HIDE, Put, order, results
from .standin import Ours, question

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "js_snippet/node_modules/axe-core/axe.min.js"
FOCUS = "() => { let e = document.activeElement; while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement; return e.ariaLabel || e.textContent.trim() || e.tagName; }"


COLOURS = ("color-contrast",)


def axe(page: Page, rules: tuple[str, ...] = ()) -> Any:
    """What axe says of the panel, by all its rules unless some are named; of the whole page where there is no panel."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    options = {"runOnly": list(rules)} if rules else {}
    return page.evaluate("(options) => axe.run(document.querySelector('atbalss-panel') || document, options)", options)


def planted(tag: str, text: str, style: str = "") -> str:
    """A script that puts an element into the card which axe ought to find fault with."""
    return f"""document.querySelector("atbalss-panel").shadowRoot.querySelector(".body").append(
        Object.assign(document.createElement({tag!r}), {{textContent: {text!r}, style: {style!r}}}))"""


def violations(page: Page, found: Any = None, rules: tuple[str, ...] = ()) -> list[str]:
    """What is wrong by `found`, or by what axe says now."""
    found = found or axe(page, rules)
    assert any("atbalss-panel" in str(node["target"]) for rule in found["passes"] for node in rule["nodes"])
    return [f"{v['id']}: {node['html']}" for v in found["violations"] for node in v["nodes"]]


def test_the_focus_stays_until_the_shopper_moves_it(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    page.get_by_role("link", name="other").focus()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate(FOCUS) == "other"
    expect(page.get_by_role("status")).to_have_text("Did you find what you were looking for?")  # said, politely
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS) == "Yes"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox")).to_be_focused()
    page.wait_for_timeout(600)
    page.keyboard.type("boots")
    page.keyboard.press("Enter")
    assert [a.get("text") for a in ours.wait_for("answer.given", 2)] == [None, "boots"]
    assert page.evaluate(FOCUS) == "other"
    expect(page.get_by_role("status")).to_have_text(TEXTS["search-found"]["en"]["thanks"])


def test_stars_by_keyboard(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/thanks", order() + '<a href="/x">before</a>'))
    page.get_by_role("link", name="before").focus()
    expect(page.get_by_role("radiogroup", name="How was shopping with us?")).to_be_visible()
    for key, name in (
        ("Tab", "1 of 5 stars, Poor"),
        ("ArrowRight", "2 of 5 stars"),
        ("ArrowDown", "3 of 5 stars"),
        ("End", "5 of 5 stars, Great"),
        ("ArrowRight", "1 of 5 stars, Poor"),
        ("ArrowLeft", "5 of 5 stars, Great"),
        ("ArrowUp", "4 of 5 stars"),
    ):
        page.keyboard.press(key)
        assert page.evaluate(FOCUS) == name
    assert page.get_by_role("radio", checked=True).count() == 0
    ours.wait_for("question.shown")
    assert not ours.events("answer.given")  # arrows only move
    page.keyboard.press("Space")
    expect(page.get_by_role("radio", name="4 of 5 stars")).to_be_checked()
    assert page.evaluate(FOCUS) == "4 of 5 stars"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    answers = ours.wait_for("answer.given", 2)
    assert [a["value"] for a in answers] == [4, 5]
    assert len({a["answer"] for a in answers}) == 1
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUS) == "before"  # the group is one stop


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(scheme: str, page: Page, put: Put, ours: Ours) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.goto(put("/search", results()))
    page.get_by_role("button", name="No", exact=True).wait_for()
    assert violations(page) == []
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_label("What were you looking for?").wait_for()
    assert violations(page) == []
    page.goto(put("/thanks", order()))
    page.get_by_role("radio", name="4 of 5 stars").click()
    page.get_by_role("textbox").wait_for()
    assert violations(page) == []
    page.wait_for_timeout(600)
    page.evaluate(HIDE, True)  # so that the thanks stay until they are looked through
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("textbox")).to_have_count(0)
    assert violations(page) == []


def test_a_scale_of_eleven(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [question("order-rating", "nps", "order", follow_up="never")]
    page.set_viewport_size({"width": 320, "height": 568})
    page.emulate_media(reduced_motion="reduce")  # what fades in has other colours until it is there
    page.goto(put("/thanks", order()))
    numbers = page.get_by_role("radio")
    expect(numbers).to_have_count(11)
    assert numbers.last.get_attribute("aria-label") == "10, Great"
    for box in (n.bounding_box() for n in numbers.all()):
        assert box is not None and box["width"] >= 40 and round(box["height"], 2) >= 44
    assert violations(page) == []
    page.get_by_role("radio", name="0, Poor").click()
    assert ours.wait_for("answer.given")[0].items() >= {"value": 0, "final": True}.items()


# What can't be read or reached; what is for the ear only, or for nobody, may be as small as it likes. Only the card's
# inside may be higher than it looks: it scrolls.
CUT = """() => {
  const root = document.querySelector("atbalss-panel").shadowRoot, card = root.querySelector(".card"), cut = [];
  const frame = card.getBoundingClientRect(), body = root.querySelector(".body");
  for (const e of root.querySelectorAll(".card, .card *:not(svg, path, .said)")) {
    const box = e.getBoundingClientRect(), shape = e.outerHTML.slice(0, 80), isBlock = getComputedStyle(e).display !== "inline";
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.left < -1 || box.right > innerWidth + 1) cut.push("outside: " + shape);
    if (e.scrollWidth > e.clientWidth + 1 && isBlock) cut.push("wide: " + shape);
    if (e.scrollHeight > e.clientHeight + 2 && isBlock && e !== body) cut.push("high: " + shape);
    if (e !== body && body.contains(e) && box.top - body.getBoundingClientRect().top + body.scrollTop < -1) cut.push("above: " + shape);
  }
  if (frame.top < -1 || frame.bottom > innerHeight + 1) cut.push("card: " + frame.top + " to " + frame.bottom);
  for (const e of root.querySelectorAll("textarea")) {
    const copy = e.cloneNode(); copy.value = e.placeholder; e.after(copy);
    if (copy.scrollHeight > copy.clientHeight + 1) cut.push("placeholder: " + e.placeholder);
    copy.remove();
  }
  const small = [...root.querySelectorAll("button, .tick")].map((e) => e.getBoundingClientRect()).filter((b) => b.width < 44 || b.height < 44);
  return cut.concat(small.map((b) => "small: " + b.width + " x " + b.height));
}"""


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("letters", [200])  # the others in test_types.py
def test_no_text_is_cut_on_the_smallest_phone(lang: str, letters: int, browser: Browser, put: Put, ours: Ours) -> None:
    context = browser.new_context(
        viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    page = context.new_page()
    large = f"<style>html {{ font-size: {letters}% }}</style>"
    for path, body, name in (("/search", results(), "search-found"), ("/thanks", order(), "order-rating")):
        texts = TEXTS[name][lang]
        page.goto(put(path, body, lang=lang, head=large))
        dialog = page.get_by_role("dialog", name=texts["title"])
        expect(dialog).to_be_visible()
        assert dialog.get_attribute("lang") == lang
        assert page.evaluate(CUT) == []
        page.get_by_role("button", name=texts["no"], exact=True).tap() if "no" in texts else page.get_by_role("radio").nth(2).tap()
        expect(page.get_by_label(texts["follow_up"], exact=True)).to_be_visible()
        assert page.evaluate(FOCUS) != "TEXTAREA"  # no keyboard jumps up on a phone
        assert page.evaluate(CUT) == []
        page.wait_for_timeout(600)
        page.get_by_role("button", name=texts["send"]).tap()
        expect(page.get_by_role("dialog", name=texts["thanks"])).to_be_visible()
        assert page.evaluate(CUT) == []
    context.close()


def test_the_language_is_the_pages_not_the_browsers(browser: Browser, put: Put, ours: Ours) -> None:
    context = browser.new_context(locale="ru-RU")
    page = context.new_page()
    for lang, tag, path, expected in (
        ("et-EE", "", "/search", "et"),
        ("", "", "/lt/search", "lt"),
        ("", 'data-lang="lv"', "/search", "lv"),
        ("", "", "/search", "ru"),
    ):
        page.goto(put(path, results(), lang=lang, tag=tag))
        expect(page.get_by_role("dialog", name=TEXTS["search-found"][expected]["title"])).to_be_visible()
    assert [r.query["lang"] for r in ours.requests if r.path.endswith("/ask")] == [["et"], ["lt"], ["lv"], ["ru"]]
    context.close()


def test_who_wants_no_motion_gets_none(page: Page, put: Put) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(put("/search", results()))
    page.get_by_role("button", name="Yes").wait_for()
    assert page.locator(".card").evaluate("e => e.getAnimations({subtree: true}).length") == 0


def test_the_panel_is_not_printed(page: Page, put: Put) -> None:
    page.goto(put("/search", results()))
    page.get_by_role("button", name="Yes").wait_for()
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Yes")).to_be_hidden()
