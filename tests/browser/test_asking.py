"""When a question is asked, what is sent then, and what is not."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import Put, goes, loaded, order, results, stand_still
from .standin import SITE_KEY, Ours, Shop, question

pytestmark = pytest.mark.browser

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
PANEL = "atbalss-panel"
TITLE = "Did you find what you were looking for?"


def test_a_search_that_failed_is_told_in_two_parts(page: Page, put: Put, ours: Ours, shop: Shop) -> None:
    page.goto(put("/search", results("zābaki", 12), lang="lv"))
    page.get_by_role("button", name="Nē").click()
    (first,) = ours.wait_for("answer.given")  # before any text is written
    field = page.get_by_label("Ko jūs meklējāt?")
    field.fill("sarkanus gumijas\nzābakus 🥾")
    page.wait_for_timeout(600)  # nobody reads and writes faster; a second tap is no wish to send
    page.get_by_role("button", name="Nosūtīt").click()
    expect(page.get_by_text("Paldies! Tas palīdzēs mums uzlabot meklēšanu.")).to_have_count(2)  # seen, and said
    second = ours.wait_for("answer.given", 2)[1]

    searched, shown = ours.wait_for("search.performed")[0], ours.wait_for("question.shown")[0]
    assert searched["search"].items() >= {"query": "zābaki", "results": 12}.items()
    assert (first["value"], first["final"]) == ("no", False)
    assert (second["text"], second["final"]) == ("sarkanus gumijas\nzābakus 🥾", True)
    assert "value" not in second
    same = {"question": "search-found", "question_version": 1, "placement": "search", "answer": shown["answer"]}
    for event in (shown, first, second):
        assert event.items() >= same.items()
        assert event["search"] == searched["search"]
        assert event["page"] == {"url": shop.url + "/search", "lang": "lv"}
        assert "order_token" not in event
    ids = [e["id"] for e in ours.events()] + [shown["answer"], searched["search"]["id"]]
    assert len(set(ids)) == 6
    assert all(UUID.fullmatch(i) for i in ids)
    assert searched["at"] < shown["at"] < first["at"] < second["at"]
    assert [e["type"] for e in ours.events()] == ["search.performed", "question.shown", "answer.given", "answer.given"]
    goes(page)


def test_yes_needs_one_tap(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("textbox")).to_have_count(0)
    (answer,) = ours.wait_for("answer.given")
    assert (answer["value"], answer["final"]) == ("yes", True)
    goes(page)
    assert not ours.events("question.dismissed")


def test_a_tap_on_the_other_choice_edits_the_same_answer(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    page.get_by_role("button", name="No", exact=True).dblclick()  # one answer, and no empty text
    expect(page.get_by_label("What were you looking for?")).to_be_visible()
    page.get_by_role("button", name="Yes").click()
    answers = ours.wait_for("answer.given", 2)
    assert [a["value"] for a in answers] == ["no", "yes"]
    assert len({a["answer"] for a in answers}) == 1
    assert len({a["id"] for a in answers}) == 2
    goes(page)
    assert len(ours.events("answer.given")) == 2


@pytest.mark.parametrize("how", ["cross", "escape in the page", "escape in the panel"])
def test_closing_is_told_once_and_is_no_answer(how: str, page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    expect(page.get_by_role("dialog", name=TITLE)).to_be_visible()
    if how == "cross":
        page.get_by_role("button", name="Close").click()
    else:
        if how.endswith("panel"):
            page.get_by_role("button", name="Yes").focus()
        page.keyboard.press("Escape")
    expect(page.locator(PANEL)).to_have_count(0)
    (dismissed,) = ours.wait_for("question.dismissed")
    (shown,) = ours.wait_for("question.shown")
    assert dismissed["answer"] == shown["answer"]
    assert ours.types(3) == ["search.performed", "question.shown", "question.dismissed"]


def test_closing_after_the_tap_takes_nothing_back(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("button", name="Close").click()
    expect(page.locator(PANEL)).to_have_count(0)
    ours.wait_for("answer.given")
    assert not ours.events("question.dismissed")


def test_an_order_is_rated_with_its_token(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/thanks", order("v1.1.claims.mac"), lang="en"))
    page.get_by_role("radio", name="4 of 5 stars").click()
    (answer,) = ours.wait_for("answer.given")
    page.get_by_label("Anything you’d like to add?").fill("Quick.")
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Send").click()
    text = ours.wait_for("answer.given", 2)[1]
    (shown,) = ours.wait_for("question.shown")
    assert answer.items() >= {"value": 4, "final": False, "question": "order-rating", "placement": "order"}.items()
    assert text["text"] == "Quick."
    assert {e["order_token"] for e in (shown, answer, text)} == {"v1.1.claims.mac"}
    assert {e["answer"] for e in (answer, text)} == {shown["answer"]}
    assert not ours.events("search.performed")
    (asked,) = [r for r in ours.requests if r.path.endswith("/asked")]
    assert (asked.method, asked.body) == ("POST", "v1.1.claims.mac")
    assert asked.headers["Content-Type"].startswith("text/plain")


def test_an_order_that_was_rated_is_not_asked_about_again(page: Page, put: Put, ours: Ours) -> None:
    ours.answered = ["order-rating"]
    page.goto(put("/thanks", order()))
    ours.wait(lambda: [r for r in ours.requests if r.path.endswith("/asked")])
    page.wait_for_load_state("networkidle")
    assert page.locator(PANEL).count() == 0
    assert not ours.events()


def test_an_order_is_asked_about_when_the_server_can_not_say(page: Page, put: Put, ours: Ours) -> None:
    ours.asked_fails = True
    page.goto(put("/thanks", order()))
    expect(page.get_by_role("radiogroup", name="How was shopping with us?")).to_be_visible()


def test_nothing_but_the_script_and_what_to_ask_is_fetched_where_nothing_matches(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/shoes", "<p>Shoes</p><input name=q>", address="?size=38&page=2"))
    asked = ours.wait(lambda: [r for r in ours.requests if r.path.endswith("/ask")])
    page.wait_for_load_state("networkidle")
    assert [r.method for r in ours.requests] == ["GET", "GET"]
    assert asked[0].query == {"lang": ["en"], "placement": ["page"]}
    assert page.locator(PANEL).count() == 0


def test_a_search_is_told_even_where_no_question_is_asked(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [question("order-rating", "stars", "order"), question("odd", "of_tomorrow", "search")]
    page.goto(put("/search", results("boots", 0)))
    (searched,) = ours.wait_for("search.performed")
    page.wait_for_load_state("networkidle")
    assert searched["search"].items() >= {"query": "boots", "results": 0}.items()
    assert len(ours.events()) == 1
    assert not any("panel" in r.path for r in ours.requests)


@pytest.mark.parametrize(
    ("address", "body", "words", "count"),
    [
        ("?q=red+boots", '<input name="q" value="red boots"><p>Showing 1–12 of 1,057 results</p>', "red boots", 1057),
        ("?s=zabaki", '<input name="s" value="zabaki"><p class="woocommerce-result-count">Rāda 1–4 no 4</p>', "zabaki", 4),
        ("?search=x1", '<input name="search" value="x1"><p>Nekas netika atrasts</p>', "x1", 0),
        ("?query=cap", '<input name="query" value="cap"><p hidden>No products found</p><p>Caps</p>', "cap", None),
    ],
)
def test_words_and_count_are_found_on_the_page(
    address: str, body: str, words: str, count: int | None, page: Page, put: Put, ours: Ours
) -> None:
    page.goto(put("/", body, address=address))
    (searched,) = ours.wait_for("search.performed")
    assert searched["search"]["query"] == words
    assert searched["search"].get("results") == count


def test_the_page_may_say_it_in_a_block_of_json(page: Page, put: Put, ours: Ours) -> None:
    block = '<script type="application/json" data-atbalss>{"search": {"query": "boots", "results": 3}}</script>'
    page.goto(put("/found", block))
    assert ours.wait_for("search.performed")[0]["search"].items() >= {"query": "boots", "results": 3}.items()


def test_the_page_may_push_it_before_and_after(page: Page, put: Put, ours: Ours) -> None:
    early = '<script>window.atbalss = window.atbalss || []; atbalss.push({search: {query: "early"}})</script>'
    page.goto(put("/found", early))
    assert ours.wait_for("search.performed")[0]["search"]["query"] == "early"
    page.evaluate("atbalss.push({search: {query: 'late', results: 0}})")
    assert ours.wait_for("search.performed", 2)[1]["search"].items() >= {"query": "late", "results": 0}.items()


def test_pages_that_change_without_loading(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", '<input name="q" value="boots">', address="?q=boots"))
    expect(page.get_by_role("dialog", name=TITLE)).to_be_visible()
    page.evaluate("history.replaceState(null, '', '?q=boots&sort=price')")  # still the same search
    page.evaluate("history.pushState(null, '', '/boots/red')")
    expect(page.locator(PANEL)).to_have_count(0)
    page.evaluate("history.pushState(null, '', '/search?q=hats')")
    second = ours.wait_for("search.performed", 2)[1]
    assert second["search"]["query"] == "hats"
    page.wait_for_load_state("networkidle")
    assert page.locator(PANEL).count() == 0  # asked once is enough for a page that never loads anew
    assert not ours.events("question.dismissed")
    assert len(ours.events("search.performed")) == 2
    assert len({e["search"]["id"] for e in ours.events("search.performed")}) == 2


def test_nobody_is_asked_while_typing(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results() + '<input name="q" aria-label="Search" autofocus>'))
    ours.wait_for("search.performed")
    page.get_by_label("Search").press_sequentially("red boots", delay=20)
    page.wait_for_load_state("networkidle")
    assert page.locator(PANEL).count() == 0
    assert not ours.events("question.shown")
    page.get_by_label("Search").blur()
    expect(page.get_by_role("dialog", name=TITLE)).to_be_visible()


def test_results_are_looked_at_in_peace_first(context: BrowserContext, put: Put, ours: Ours) -> None:
    ours.questions = [question("search-found", "yes_no", "search")]
    del ours.questions[0]["settings"]["delay"]
    page = context.new_page()
    stand_still(page)
    page.goto(put("/search", results()))
    loaded(page, "found")
    page.clock.run_for(3000)
    assert page.locator(PANEL).count() == 0
    page.clock.run_for(2000)
    expect(page.get_by_role("dialog", name=TITLE)).to_be_visible()


def test_two_tags_are_one(page: Page, put: Put, ours: Ours) -> None:
    again = f'<script async src="{ours.url}/widget.js?again" data-shop="{SITE_KEY}"></script>'
    page.goto(put("/search", results(), head=again))
    expect(page.get_by_role("dialog", name=TITLE)).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert page.locator(PANEL).count() == 1
    assert ours.types(2) == ["search.performed", "question.shown"]


def test_everything_comes_from_the_host_that_the_tag_names(page: Page, put: Put, ours: Ours, shop: Shop) -> None:
    other = Ours()
    try:
        page.goto(put("/search", results(), tag=f'data-host="{other.url}/"'))
        expect(page.get_by_role("dialog", name=TITLE)).to_be_visible()
        other.wait_for("question.shown")
        assert [r.path for r in ours.requests] == ["/widget.js"]
    finally:
        other.stop()
