"""The question types of the ready sets: by hand, by keyboard and with a screen reader; what arrives; no text is cut."""

import pytest
from playwright.sync_api import Browser, Page, expect

from widget_server.contract.questions import question_types
from widget_server.contract.sets import SETS
from widget_server.contract.texts import LANGUAGES

from . import right_to_left
from .conftest import Put, order
from .gallery import texts
from .standin import Ours, question
from .test_access import CUT, FOCUS

pytestmark = pytest.mark.browser

SECOND_TAP = 600
MORE = sorted(set(SETS) - {"search-found", "order-rating"})


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
    page.keyboard.press("Tab")
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


@pytest.mark.parametrize(("lang", "letters"), [*((lang, 100) for lang in LANGUAGES), ("lv", 200), ("ru", 200), ("de", 200)])
def test_no_text_of_a_set_is_cut_on_the_smallest_phone(lang: str, letters: int, browser: Browser, put: Put, ours: Ours) -> None:
    context = browser.new_context(
        viewport={"width": 320, "height": 568}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    page = context.new_page()
    cut = {}
    for name in MORE:
        ask(ours, name)
        page.goto(put("/thanks", order(), lang=lang, head=f"<style>html {{ font-size: {letters}% }}</style>"))
        expect(page.get_by_role("dialog", name=SETS[name].texts[lang]["title"])).to_be_visible()
        before = page.evaluate(CUT)
        choose(page, name)
        cut[name] = before + page.evaluate(CUT)
    context.close()
    assert {name: found for name, found in cut.items() if found} == {}
