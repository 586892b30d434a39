"""The question types of the ready sets: by hand, by keyboard and with a screen reader; what arrives; no text is cut."""

import pytest
from playwright.sync_api import Browser, Page, expect

from widget_server.contract.questions import question_types
from widget_server.contract.sets import SETS
from widget_server.contract.texts import LANGUAGES

from . import right_to_left
from .conftest import Put, order, results, soon
from .gallery import texts
from .standin import Ours, question
from .test_access import CUT, FOCUS

pytestmark = pytest.mark.browser

SECOND_TAP = 600


def ask(ours: Ours, name: str) -> None:
    """The ready question `name` is asked on the order's page, whatever its own place and moment."""
    made = SETS[name]
    settings = {key: value for key, value in made.settings.items() if key in question_types()[made.type].settings}
    ours.questions = [{**question(name, made.type, "order", **settings), "texts": texts(name)}]


def choose(page: Page, name: str) -> None:
    """What opens the follow-up text, where the set has one."""
    kind = SETS[name].type
    if kind == "choices":
        page.get_by_role("checkbox").last.check()
        page.locator(".send").click()
    elif kind == "yes_no":
        page.get_by_role("dialog").get_by_role("button").nth(1).click()
    elif kind != "text":
        page.get_by_role("radio").first.click()


def test_faces_by_keyboard(page: Page, put: Put, ours: Ours) -> None:
    ask(ours, "delivery-rating")
    page.goto(put("/thanks", order() + '<a href="/x">before</a>'))
    page.get_by_role("link", name="before").focus()
    expect(page.get_by_role("radiogroup", name="How was the delivery?")).to_be_visible()
    for key, name in (("Tab", "Very bad"), ("ArrowRight", "Bad"), ("End", "Very good"), ("ArrowRight", "Very bad"), ("ArrowDown", "Bad")):
        page.keyboard.press(key)
        assert page.evaluate(FOCUS) == name
    ours.wait_for("question.shown")
    assert not ours.events("answer.given")  # arrows only move
    page.keyboard.press("Space")
    expect(page.get_by_role("radio", name="Bad", exact=True)).to_be_checked()
    expect(page.get_by_role("textbox")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox")).to_be_focused()
    page.wait_for_timeout(SECOND_TAP)
    page.keyboard.type("late")
    page.keyboard.press("Enter")
    tapped, told = ours.wait_for("answer.given", 2)
    assert (tapped["value"], tapped["final"], told["text"], told["final"]) == (2, False, "late", True)
    assert tapped["answer"] == told["answer"]


def test_arrows_turn_round_from_right_to_left(page: Page, put: Put, ours: Ours) -> None:
    ask(ours, "order-effort")
    page.goto(put("/thanks", order(), lang="ar"))
    expect(page.get_by_role("dialog", name=right_to_left.TEXTS["order-effort"]["title"])).to_have_attribute("dir", "rtl")
    page.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(FOCUS) == "2"
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUS) == "3"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(FOCUS) == "2"
    one, seven = (page.get_by_role("radio").nth(i).bounding_box() for i in (0, 6))
    assert one is not None and seven is not None and one["x"] > seven["x"]


def test_easy_is_thanked_and_hard_is_asked_why(page: Page, put: Put, ours: Ours) -> None:
    ask(ours, "order-effort")
    page.goto(put("/thanks", order()))
    page.get_by_role("radio", name="3", exact=True).click()
    expect(page.get_by_label("What made it hard?")).to_be_visible()
    page.get_by_role("radio", name="7, Very easy").click()
    expect(page.get_by_role("dialog", name="Thank you for your answer!")).to_be_visible()
    assert [(a["value"], a["final"]) for a in ours.wait_for("answer.given", 2)] == [(3, False), (7, True)]


def test_each_branch_has_its_own_words_and_what_is_written_stays(page: Page, put: Put, ours: Ours) -> None:
    ask(ours, "recommend")
    page.goto(put("/thanks", order()))
    page.get_by_role("radio", name="9", exact=True).click()
    page.get_by_label("What do you like about us?").fill("the cat")
    page.get_by_role("radio", name="4", exact=True).click()
    expect(page.get_by_label("What should we do better?")).to_have_value("the cat")
    page.wait_for_timeout(SECOND_TAP)
    page.get_by_role("button", name="Send").click()
    assert [a.get("value", a.get("text")) for a in ours.wait_for("answer.given", 3)] == [9, 4, "the cat"]


def test_one_of_several_options(page: Page, put: Put, ours: Ours) -> None:
    ask(ours, "as-expected")
    page.goto(put("/thanks", order()))
    expect(page.get_by_role("radio")).to_have_text(["Worse than I expected", "As I expected", "Better than I expected"])
    page.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Thank you for your answer!")).to_be_visible()
    (answer,) = ours.wait_for("answer.given")
    assert (answer["value"], answer["final"]) == ("better", True)


def test_any_of_several_options_by_keyboard(page: Page, put: Put, ours: Ours) -> None:
    ask(ours, "why-us")
    page.goto(put("/thanks", order()))
    group = page.get_by_role("group", name="Why did you choose our shop?")
    expect(group.get_by_role("checkbox")).to_have_count(6)
    page.get_by_role("button", name="Send").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector('atbalss-panel').shadowRoot.activeElement.type") == "checkbox"
    ours.wait_for("question.shown")
    assert not ours.events("answer.given")  # nothing was said yet
    page.keyboard.press("Space")
    assert ours.wait_for("answer.given")[0].items() >= {"value": ["price"], "final": False}.items()
    for _ in range(5):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("What was the reason?")).to_be_focused()
    page.wait_for_timeout(SECOND_TAP)
    page.keyboard.type("my aunt")
    page.keyboard.press("Enter")
    answers = ours.wait_for("answer.given", 4)
    assert [a.get("value") for a in answers] == [["price"], ["price", "other"], ["price", "other"], None]
    assert (answers[3]["text"], answers[3]["final"]) == ("my aunt", True)
    assert len({a["answer"] for a in answers}) == 1


def test_ticks_are_kept_when_the_panel_is_closed(page: Page, put: Put, ours: Ours) -> None:
    ask(ours, "why-us")
    page.goto(put("/thanks", order()))
    page.get_by_role("checkbox", name="Wide choice").check()
    page.get_by_role("checkbox", name="It was in stock").check()
    page.get_by_role("checkbox", name="Wide choice").uncheck()
    page.get_by_role("button", name="Close").click()
    assert [a["value"] for a in ours.wait_for("answer.given", 3)] == [["range"], ["range", "stock"], ["stock"]]
    assert not ours.events("question.dismissed")


def test_own_words(page: Page, put: Put, ours: Ours) -> None:
    ask(ours, "nearly-stopped")
    page.goto(put("/thanks", order()))
    field = page.get_by_role("textbox", name="What nearly stopped you from buying?")
    field.focus()
    page.wait_for_timeout(SECOND_TAP)
    page.keyboard.press("Enter")
    expect(field).to_be_visible()  # nothing written, nothing sent
    page.keyboard.type("  the delivery price  ")
    page.keyboard.press("Enter")
    (answer,) = ours.wait_for("answer.given")
    assert (answer["text"], answer["final"], "value" in answer) == ("the delivery price", True, False)
    expect(page.get_by_role("dialog", name="Thank you for your answer!")).to_be_visible()


@pytest.mark.parametrize("name", sorted(SETS))
def test_by_keyboard_alone_to_the_end(name: str, page: Page, put: Put, ours: Ours) -> None:
    ask(ours, name)
    kind, texts = SETS[name].type, SETS[name].texts["en"]
    page.goto(put("/thanks", order() + '<a href="/x">before</a>'))
    page.get_by_role("link", name="before").focus()
    page.get_by_role("dialog", name=texts["title"]).wait_for()
    press = page.keyboard.press
    press("Tab")
    if kind in ("stars", "nps", "csat", "ces", "choice"):
        press("ArrowRight")
        press("ArrowLeft")
        press("Space")
    elif kind == "choices":
        press("Shift+Tab")
        press("Tab")
        press("Space")
        for _ in range(page.get_by_role("checkbox").count() - 1):
            press("Tab")
        press("Space")
        press("Tab")
        press("Enter")
    elif kind == "yes_no":
        press("Tab")
        press("Enter")
    field = page.get_by_role("textbox")
    expect(field).to_have_count(1)
    if page.evaluate(FOCUS) != "TEXTAREA":
        press("Tab")
    expect(field).to_be_focused()
    page.wait_for_timeout(SECOND_TAP)
    page.keyboard.type("because")
    press("Tab")
    assert page.evaluate(FOCUS) == texts["send"]  # what only robots find is no stop on the way
    press("Space")
    page.get_by_role("dialog", name=texts["thanks"]).wait_for()
    assert page.evaluate(FOCUS) == "before"
    parts = ours.wait_for("answer.given", {"text": 1, "choices": 4}.get(kind, 2))
    assert (parts[-1]["text"], parts[-1]["final"]) == ("because", True)
    assert len({part["answer"] for part in (*parts, *ours.wait_for("question.shown"))}) == 1
    assert len({part["id"] for part in parts}) == len(parts)
    press("Escape")
    expect(page.locator("atbalss-panel")).to_have_count(0)
    assert not ours.events("question.dismissed")
    took = [part["took"] for part in parts]
    assert took == sorted(took) and took[-1] >= SECOND_TAP
    assert not any("trap" in part for part in parts)


@pytest.mark.parametrize("name", sorted(set(SETS) - {made.name for made in SETS.values() if made.type == "text"}))
def test_the_first_tap_counts_though_all_ends_with_it(name: str, page: Page, put: Put, ours: Ours) -> None:
    ask(ours, name)
    page.goto(put("/thanks", order()))
    page.get_by_role("dialog").wait_for()
    # The page removes the panel, and goes, in the same step as the tap.
    soon(
        page,
        """const host = document.querySelector("atbalss-panel");
        host.shadowRoot.querySelector("[role=radio], [aria-pressed], [type=checkbox]").click(); host.remove(); location = "/gone"; """,
    )
    page.wait_for_url("**/gone")
    (answer,) = ours.wait_for("answer.given")
    assert answer["value"] not in (None, "", [])
    (shown,) = ours.wait_for("question.shown")
    assert shown["answer"] == answer["answer"]
    page.wait_for_timeout(300)
    assert len(ours.events("answer.given")) == 1


def test_thanks_when_what_is_needed_to_write_does_not_come(page: Page, put: Put, ours: Ours) -> None:
    page.route("**/words-*.js", lambda route: route.abort())
    page.goto(put("/search", results()))
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("dialog", name=SETS["search-found"].texts["en"]["thanks"]).wait_for()
    (answer,) = ours.wait_for("answer.given")
    assert answer["value"] == "no"


SNARE = """() => document.querySelector("atbalss-panel").shadowRoot.querySelector("input.said")"""


def test_nobody_meets_the_field_for_robots(page: Page, put: Put, ours: Ours) -> None:
    ask(ours, "nearly-stopped")
    page.goto(put("/thanks", order()))
    expect(page.get_by_role("textbox")).to_have_count(1)  # not in what a screen reader reads
    snare = page.evaluate_handle(SNARE).as_element()
    assert snare is not None
    assert snare.get_attribute("aria-hidden") == "true"
    for said in ("data-1p-ignore", "data-bwignore", "data-lpignore", "data-form-type"):
        assert snare.get_attribute(said) is not None  # each to one password manager
    assert snare.get_attribute("autocomplete") == "off"
    names = []
    for _ in range(8):
        page.keyboard.press("Tab")
        names.append(page.evaluate(FOCUS))
    assert "TEXTAREA" in names and "INPUT" not in names
    met = page.locator(".card").evaluate(
        """card => { const box = card.getBoundingClientRect(), root = card.getRootNode();
        for (let x = box.left; x < box.right; x += 3) for (let y = box.top; y < box.bottom; y += 3)
          if (root.elementFromPoint(x, y)?.matches("input")) return [x, y]; }"""
    )
    assert met is None
    page.get_by_role("textbox").fill("price")
    page.wait_for_timeout(SECOND_TAP)
    page.get_by_role("button", name="Send").click()
    (answer,) = ours.wait_for("answer.given")
    assert "trap" not in answer


@pytest.mark.parametrize("name", ["nearly-stopped", "search-found"])
@pytest.mark.parametrize("text", ["", "buy pills"])
def test_who_fills_it_is_marked(name: str, text: str, page: Page, put: Put, ours: Ours) -> None:
    ask(ours, name)
    page.goto(put("/thanks", order()))
    page.get_by_role("dialog").wait_for()
    choose(page, name)
    field = page.get_by_role("textbox")
    field.fill(text)
    page.evaluate(f"({SNARE})().value = 'http://pills.example'")
    page.wait_for_timeout(SECOND_TAP)
    page.get_by_role("button", name="Send").click()
    if name == "nearly-stopped" and not text:
        page.wait_for_timeout(300)
        assert not ours.events("answer.given")  # nothing was said
        return
    page.get_by_role("dialog", name=SETS[name].texts["en"]["thanks"]).wait_for()
    parts = ours.wait_for("answer.given", 1 if name == "nearly-stopped" else 2)
    assert parts[-1]["trap"] is True
    assert parts[-1].get("text", "") == text
    assert all("trap" not in part for part in parts[:-1])


def test_a_tap_by_a_script_counts(page: Page, put: Put, ours: Ours) -> None:
    """Tools that help people to point and click by voice or by keys make such events; robots have better ones."""
    page.goto(put("/search", results()))
    button = page.get_by_role("button", name="Yes")
    button.wait_for()
    button.evaluate("button => button.dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    (answer,) = ours.wait_for("answer.given")
    assert answer["value"] == "yes" and answer["took"] >= 0


@pytest.mark.parametrize(
    ("lang", "letters"),
    [*((lang, 100) for lang in (*LANGUAGES, right_to_left.LANG)), ("lv", 200), ("ru", 200), ("de", 200), (right_to_left.LANG, 200)],
)
def test_no_text_of_a_set_is_cut_on_the_smallest_phone(lang: str, letters: int, browser: Browser, put: Put, ours: Ours) -> None:
    context = browser.new_context(
        viewport={"width": 320, "height": 568}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    cut = {}
    for name in sorted(SETS):
        said = texts(name)[lang]
        ask(ours, name)
        page.goto(put("/thanks", order(), lang=lang, head=f"<style>html {{ font-size: {letters}% }}</style>"))
        page.get_by_role("dialog", name=said["title"]).wait_for()
        before = page.evaluate(CUT)
        choose(page, name)
        page.locator("textarea").wait_for()
        after = page.evaluate(CUT)
        page.wait_for_timeout(SECOND_TAP)
        page.locator("textarea").fill("abc")
        page.locator(".send").tap()
        page.get_by_role("dialog", name=said["thanks"]).wait_for()
        cut[name] = before + after + page.evaluate(CUT)
    context.close()
    assert {name: found for name, found in cut.items() if found} == {}
