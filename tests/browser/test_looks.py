"""How the panel looks: as its owner chose, in the page or above it, for those who see, hear or point differently."""

import time

import pytest
from playwright.sync_api import Browser, Page, expect

from widget_server.contract.sets import SETS
from widget_server.contract.texts import FALLBACK, LANGUAGES
from widget_server.contract.theme import resolved

from . import right_to_left
from .conftest import HIDE, MOVED, WATCH, Put, loaded, order, results
from .gallery import BRANDS
from .standin import Ours, question
from .test_access import COLOURS, CUT, axe, planted, violations
from .test_types import SECOND_TAP, ask, choose

pytestmark = pytest.mark.browser

EACH_TYPE = sorted({made.type: name for name, made in SETS.items()}.values())
LOOK = """(at) => { const look = getComputedStyle(document.querySelector("atbalss-panel").shadowRoot.querySelector(at));
  return [look.backgroundColor, look.color, look.borderTopLeftRadius, look.fontFamily, look.colorScheme]; }"""


def thank(page: Page, seen: float | None = None) -> None:
    """On from the first choice to the thanks; what is needed to write may still be on its way, unless it was `seen` then."""
    expect(page.locator("textarea, .thanks").first).to_be_visible()
    seen = seen or time.monotonic()
    if page.locator("textarea").count():
        page.locator("textarea").fill("abc")
        page.wait_for_timeout(max(0.0, SECOND_TAP - 1000 * (time.monotonic() - seen)))
        page.locator(".send").click()
    expect(page.locator(".thanks")).to_be_visible()


def found_in_every_state(
    name: str, lang: str, page: Page, put: Put, ours: Ours, rules: tuple[str, ...] = ()
) -> dict[str, list[str]]:
    """What axe finds in the question, in what follows the first choice, and in the thanks."""
    ask(ours, name)
    page.goto(put("/thanks", order(), lang=lang))
    page.get_by_role("dialog").wait_for()
    checked = axe(page, rules)
    if page.get_by_role("radiogroup").count() and not rules:
        assert any('role="radiogroup"' in node["html"] for rule in checked["passes"] for node in rule["nodes"])
    found = {f"{name} {lang}": violations(page, checked)}
    page.evaluate(HIDE, True)  # so that the thanks stay until they are looked through
    choose(page, name)
    expect(page.locator("textarea, .thanks").first).to_be_visible()
    seen = time.monotonic()
    found[f"{name} {lang}, and then"] = violations(page, rules=rules)
    thank(page, seen)
    found[f"{name} {lang}, thanks"] = violations(page, rules=rules)
    return {state: what for state, what in found.items() if what}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", [*LANGUAGES, right_to_left.LANG])
def test_axe_finds_nothing_in_any_type_and_language(lang: str, scheme: str, page: Page, put: Put, ours: Ours) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    # In the dark a language's panel has other colours, and is otherwise what it is in the light.
    rules = COLOURS if scheme == "dark" and lang not in (FALLBACK, right_to_left.LANG) else ()
    found: dict[str, list[str]] = {}
    for name in EACH_TYPE:
        found |= found_in_every_state(name, lang, page, put, ours, rules)
    assert found == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("brand", ["yellow", "dark blue", "grey"])
def test_axe_finds_nothing_in_any_type_in_the_colours_of_a_shop(
    brand: str, scheme: str, page: Page, put: Put, ours: Ours
) -> None:
    # The system says the contrary.
    page.emulate_media(color_scheme="light" if scheme == "dark" else "dark", reduced_motion="reduce")
    ours.widget = resolved({"brand": BRANDS[brand], "mode": scheme})
    found: dict[str, list[str]] = {}
    for name in EACH_TYPE:
        found |= found_in_every_state(name, "en", page, put, ours, COLOURS)
    assert found == {}


def test_axe_finds_what_is_planted(page: Page, put: Put, ours: Ours) -> None:
    page.emulate_media(reduced_motion="reduce")
    ask(ours, "order-rating")
    page.goto(put("/thanks", order()))
    expect(page.get_by_role("radiogroup")).to_be_visible()
    assert violations(page) == []
    page.evaluate(planted("button", ""))
    page.evaluate(planted("p", "hard to read", "color: #ccc; background: #fff"))
    assert sorted(line.partition(":")[0] for line in violations(page)) == ["button-name", "color-contrast"]
    assert [line.partition(":")[0] for line in violations(page, rules=COLOURS)] == ["color-contrast"]
    # And in the group itself.
    page.get_by_role("radio").first.evaluate("radio => radio.removeAttribute('aria-checked')")
    assert any(line.startswith("aria-required-attr") for line in violations(page))


def test_without_a_word_of_the_owner_it_is_as_the_system_is(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results(), head="<style>body { font-family: Georgia, serif }</style>"))
    page.get_by_role("dialog").wait_for()
    assert page.evaluate(LOOK, ".card") == ["rgb(255, 255, 255)", "rgb(21, 23, 28)", "18px", "Georgia, serif", "light"]
    page.emulate_media(color_scheme="dark")  # also while it is open
    assert page.evaluate(LOOK, ".card") == ["rgb(28, 30, 36)", "rgb(244, 245, 247)", "18px", "Georgia, serif", "dark"]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_it_looks_as_the_owner_chose_under_a_strict_policy(mode: str, page: Page, put: Put, ours: Ours) -> None:
    page.emulate_media(color_scheme="light" if mode == "dark" else "dark")
    ours.widget = resolved({"brand": "#14213d", "mode": mode, "radius": 6, "font": "system", "position": "start"})
    policy = f"default-src 'none'; script-src {ours.url}; connect-src {ours.url}; require-trusted-types-for 'script'"
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Security Policy" in message.text else None)
    page.goto(put("/search", results(), Content_Security_Policy=policy))
    page.get_by_role("button", name="No", exact=True).click()
    expect(page.locator(".send")).to_be_visible()  # what is needed to write comes when it is needed
    back, _, corner, font, scheme = page.evaluate(LOOK, ".card")
    assert (back, corner, font, scheme) == (
        "rgb(28, 30, 36)" if mode == "dark" else "rgb(255, 255, 255)", "6px", "system-ui, sans-serif", mode,
    )  # fmt: skip
    expected = [ours.widget["accent_dark" if mode == "dark" else "accent"], ours.widget[f"on_accent{'_dark' * (mode == 'dark')}"]]
    drawn, on, rounded, *_ = page.evaluate(LOOK, ".send")
    assert [drawn, on] == [f"rgb({int(c[1:3], 16)}, {int(c[3:5], 16)}, {int(c[5:], 16)})" for c in expected]
    assert rounded == "4px"
    box = page.locator(".card").bounding_box()
    assert box is not None and box["x"] == 24
    assert refused == []


def test_own_background_and_text_are_for_the_light_card_only(page: Page, put: Put, ours: Ours) -> None:
    page.emulate_media(reduced_motion="reduce")  # what fades in has other colours until it is there
    ours.widget = resolved({"background": "#f6efe4", "text": "#3a2a1c"})
    page.goto(put("/search", results()))
    page.get_by_role("dialog").wait_for()
    assert page.evaluate(LOOK, ".card")[:2] == ["rgb(246, 239, 228)", "rgb(58, 42, 28)"]
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(LOOK, ".card")[:2] == ["rgb(28, 30, 36)", "rgb(244, 245, 247)"]


@pytest.mark.parametrize(("direction", "position", "left"), [("ltr", "end", 896), ("ltr", "start", 24), ("rtl", "end", 24), ("rtl", "start", 896)])
def test_the_corner_follows_the_page_and_the_text_its_language(
    direction: str, position: str, left: int, page: Page, put: Put, ours: Ours
) -> None:
    ours.widget = resolved({"position": position})
    page.goto(put("/search", f"<script>document.documentElement.dir = '{direction}'</script>{results()}"))
    box = page.get_by_role("dialog").bounding_box()
    assert box is not None and (box["x"], box["x"] + box["width"]) == (left, left + 360)
    assert page.locator(".title").evaluate("e => getComputedStyle(e).direction") == "ltr"  # English


def test_in_the_page_it_is_a_part_of_it(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [question("search-found", "yes_no", "search", inline="#here")]
    page.add_init_script(WATCH)
    page.goto(put("/search", results() + '<div id="here" style="width: 500px; min-height: 330px"></div><p id="below">below</p>'))
    region = page.get_by_role("region", name="Did you find what you were looking for?")
    expect(region).to_be_visible()
    ours.wait_for("question.shown")
    assert page.get_by_role("dialog").count() == 0
    box = region.bounding_box()
    assert box is not None and box["width"] == 500
    look = page.locator(".card").evaluate("e => [getComputedStyle(e).boxShadow, getComputedStyle(e).animationName]")
    assert look == ["none", "none"]
    assert page.locator("atbalss-panel").evaluate("e => getComputedStyle(e).position") == "static"
    assert violations(page) == []
    # Escape elsewhere in the page is the page's.
    page.keyboard.press("Escape")
    expect(region).to_be_visible()
    page.get_by_role("button", name="No", exact=True).click()
    thank(page)
    page.wait_for_timeout(5000)
    expect(page.locator(".thanks")).to_be_visible()  # what lies below would move, were it to go
    assert page.evaluate(MOVED) == 0


def test_without_room_in_the_page_it_waits_out_of_sight(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [question("search-found", "yes_no", "search", inline="#here")]
    page.add_init_script(WATCH)
    tall = '<p style="height: 1500px">tall</p>'
    page.goto(put("/search", results() + f'{tall}<div id="here"></div>{tall}'))
    place = page.locator("#here")
    expect(place.locator("atbalss-panel")).to_have_count(1)  # out of sight, so it may be there
    page.wait_for_timeout(300)
    assert not ours.events("question.shown")  # nobody saw it
    place.scroll_into_view_if_needed()
    ours.wait_for("question.shown")
    assert page.evaluate(MOVED) == 0

    page.goto(put("/thin", results() + f'<div id="here"></div><p>in sight</p>{tall}'))
    loaded(page, "inline")
    page.wait_for_timeout(300)
    assert page.locator("atbalss-panel").count() == 0
    page.evaluate("scrollTo(0, 1400)")  # above what is in sight, which the browser then keeps where it is
    expect(place.locator("atbalss-panel")).to_have_count(1)
    page.wait_for_timeout(300)
    assert page.evaluate(MOVED) == 0


@pytest.mark.parametrize("name", EACH_TYPE)
def test_all_can_be_reached_at_400_percent(name: str, page: Page, put: Put, ours: Ours) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 320, "height": 256})  # 1280 by 1024 at 400 %
    ask(ours, name)
    page.goto(put("/thanks", order()))
    page.get_by_role("dialog").wait_for()
    choose(page, name)
    # What follows the choice scrolls into view when it is here.
    expect(page.locator("textarea, .thanks").first).to_be_visible()
    inside = page.locator(".body").evaluate("e => e.scrollWidth <= e.clientWidth && e.getBoundingClientRect().top >= 0")
    assert inside
    page.locator(".close").focus()
    # Whatever gets the focus is in view, and so is the way out.
    for control in page.locator(".card button, .card textarea, .card input:not(.said)").all():
        control.focus()
        seen = control.evaluate(
            "e => { const b = e.getBoundingClientRect(); return b.top >= 0 && b.top < innerHeight - 20 && b.left >= 0 && b.right <= innerWidth; }"
        )
        assert seen, control.evaluate("e => e.outerHTML")
    box = page.locator(".close").bounding_box()
    assert box is not None and 0 <= box["y"] <= 212


def test_what_is_chosen_is_seen_in_forced_colours(page: Page, put: Put, ours: Ours) -> None:
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    ask(ours, "order-effort")
    page.goto(put("/thanks", order()))
    page.get_by_role("radio", name="3", exact=True).click()
    page.locator("textarea").focus()
    outline = "e => getComputedStyle(e).outlineStyle"
    assert page.get_by_role("radio", name="3", exact=True).evaluate(outline) == "solid"
    assert page.get_by_role("radio", name="4", exact=True).evaluate(outline) == "none"
    assert page.locator(".card").evaluate("e => getComputedStyle(e).borderTopWidth") == "2px"


def test_the_sheet_keeps_clear_of_the_home_bar(browser: Browser, put: Put, ours: Ours) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 700}, is_mobile=True, has_touch=True, reduced_motion="reduce")
    page = context.new_page()
    context.new_cdp_session(page).send(
        "Emulation.setSafeAreaInsetsOverride", {"insets": {"bottom": 34, "bottomMax": 34}}
    )
    page.goto(put("/search", results()))
    card, button = page.get_by_role("dialog").bounding_box(), page.get_by_role("button", name="Yes").bounding_box()
    assert card is not None and button is not None
    assert card["y"] + card["height"] == 700
    assert button["y"] + button["height"] <= 700 - 34
    assert page.evaluate(CUT) == []
    context.close()
