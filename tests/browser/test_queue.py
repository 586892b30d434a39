"""With consent an answer outlives its page: kept before it is sent, sent by one tab, gone when the server has it."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from .conftest import Put, loaded, order, quiet, results, soon, told
from .standin import Ours, Request, failure, question

pytestmark = pytest.mark.browser

CONSENTS = 'data-consent="granted"'
KEPT = "Object.keys(localStorage).filter((key) => key.startsWith('atbalss-')).length"
DOWN = [failure(503)] * 500


def answers(page: Page, ours: Ours) -> None:
    """The shopper taps once the question stands there with everything that it needs."""
    loaded(page, "queue")
    page.get_by_role("button", name="Yes").click()


def tries(ours: Ours, id: str) -> list[Request]:
    """The requests that carried an event, whatever became of them."""
    return [r for r in ours.posts() if any(e["id"] == id for e in r.json["events"])]


def taken(ours: Ours, id: str) -> list[Request]:
    return [r for r in tries(ours, id) if r.status == 202]


def given(ours: Ours) -> list[dict[str, Any]]:
    """The answers that anybody tried to send, each once."""
    return list(
        {e["id"]: e for r in ours.posts() for e in r.json["events"] if e["type"] == "answer.given"}.values()
    )


def leave(page: Page, ours: Ours) -> None:
    """To another place; all that the page says last has arrived, which is on its way for longer than the page lives."""
    page.evaluate("(url) => addEventListener('pagehide', () => navigator.sendBeacon(url))", f"{ours.url}/left")
    page.goto("about:blank")
    ours.wait(lambda: any(r.path == "/left" for r in ours.requests))
    ours.rest()


def is_empty(page: Page) -> None:
    page.wait_for_function(f"!{KEPT}")


def test_what_could_not_be_sent_is_sent_from_the_next_page(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results(), tag=CONSENTS))
    ours.wait_for("question.shown")
    ours.replies = list(DOWN)
    answers(page, ours)
    ours.wait(lambda: given(ours))
    page.wait_for_function(KEPT)
    leave(page, ours)
    ours.replies = []
    (answer,) = given(ours)
    assert not taken(ours, answer["id"])

    page.goto(put("/plain", tag=CONSENTS))  # no question belongs to it
    assert ours.wait_for("answer.given") == [answer]
    is_empty(page)
    page.goto(put("/other", tag=CONSENTS))
    quiet(page, ours)
    assert len(taken(ours, answer["id"])) == 1
    assert page.evaluate("Object.keys(localStorage)") == ["atbalss"]


def test_left_in_the_same_tick_as_the_tap(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results(), tag=CONSENTS))
    ours.wait_for("question.shown")
    loaded(page, "queue")
    ours.replies = list(DOWN)
    put("/plain", tag=CONSENTS)
    soon(
        page,
        """[...document.querySelector('atbalss-panel').shadowRoot.querySelectorAll('button')].find((b) => b.textContent.includes('Yes')).click();
        location.href = "about:blank" """,
    )
    page.wait_for_url("about:blank")
    ours.wait(lambda: given(ours))
    ours.rest()
    ours.replies = []
    (answer,) = given(ours)
    page.goto(put("/plain", tag=CONSENTS))
    assert ours.wait_for("answer.given") == [answer]
    is_empty(page)


def test_two_tabs_offline_then_online(context: BrowserContext, put: Put, ours: Ours) -> None:
    ours.widget = {"cooldown_hours": 0}
    ours.questions = [question("search-found", "yes_no", "search", cooldown_hours=0)]
    address = put("/search", results(), tag=CONSENTS)
    pages = [context.new_page(), context.new_page()]
    for count, page in enumerate(pages, 1):
        page.bring_to_front()
        page.goto(address)
        ours.wait_for("question.shown", count)
        loaded(page, "queue")
    context.set_offline(True)
    for page in pages:
        page.bring_to_front()
        page.get_by_role("button", name="Yes").click()
        page.wait_for_function(KEPT)
    pages[0].wait_for_function(f"{KEPT} === 2")
    assert not given(ours)

    context.set_offline(False)
    both = ours.wait_for("answer.given", 2)
    for page in pages:
        is_empty(page)
        page.goto(address)
        quiet(page, ours)
    assert [len(tries(ours, answer["id"])) for answer in both] == [1, 1]
    assert len(given(ours)) == 2


@pytest.mark.parametrize("locks", ["locks", "no locks"])
def test_of_many_tabs_one_sends_what_a_closed_one_left(
    locks: str, context: BrowserContext, put: Put, ours: Ours
) -> None:
    if locks == "no locks":
        context.add_init_script("Object.defineProperty(Navigator.prototype, 'locks', {get: () => undefined})")
    page = context.new_page()
    page.goto(put("/search", results(), tag=CONSENTS))
    ours.wait_for("question.shown")
    ours.replies = list(DOWN)
    answers(page, ours)
    page.wait_for_function(KEPT)
    leave(page, ours)
    ours.replies = []
    (answer,) = given(ours)

    page.goto(put("/frames", "".join(f'<iframe src="/plain?{i}"></iframe>' for i in range(6)), tag=""))
    put("/plain", tag=CONSENTS)
    page.reload()
    ours.wait_for("answer.given")
    quiet(page, ours)
    is_empty(page)
    assert len(taken(ours, answer["id"])) == 1


def test_withdrawal_deletes_the_queue_and_sends_what_was_answered(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results(), tag=CONSENTS))
    ours.wait_for("question.shown")
    ours.replies = list(DOWN)
    answers(page, ours)
    page.wait_for_function(KEPT)
    page.evaluate("atbalss.push({consent: false})")
    assert page.evaluate("localStorage.length") == 0
    ours.replies = []
    (answer,) = ours.wait_for("answer.given")
    told(page, ours)  # what is under way when its page goes is sent again
    page.goto(put("/plain", tag=CONSENTS))
    quiet(page, ours)
    assert len(taken(ours, answer["id"])) == 1


def test_withdrawal_on_a_later_page_sends_what_an_earlier_one_left(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results(), tag=CONSENTS))
    ours.wait_for("question.shown")
    ours.replies = list(DOWN)
    answers(page, ours)
    page.wait_for_function(KEPT)
    leave(page, ours)
    ours.replies = []
    (answer,) = given(ours)
    page.goto(put("/plain", head="<script>window.atbalss = [{consent: false}]</script>"))
    assert ours.wait_for("answer.given") == [answer]
    page.wait_for_function("localStorage.length === 0")
    assert len(taken(ours, answer["id"])) == 1


def test_without_consent_nothing_waits_in_the_browser(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    ours.wait_for("question.shown")
    ours.replies = list(DOWN)
    page.get_by_role("button", name="Yes").click()
    ours.wait(lambda: len(given(ours)) == 1 and len(tries(ours, given(ours)[0]["id"])) > 1)
    assert page.evaluate("localStorage.length") == 0
    page.goto(put("/plain"))
    assert page.evaluate("localStorage.length") == 0


def test_a_refusal_is_not_kept(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/thanks", order(), tag=CONSENTS))
    ours.wait_for("question.shown")
    loaded(page, "queue")
    ours.replies = [failure(422)]
    page.get_by_role("radio", name="4 of 5 stars").click()
    ours.wait(lambda: [r for r in ours.posts() if r.status == 422])
    is_empty(page)
