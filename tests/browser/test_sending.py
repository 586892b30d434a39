"""What a shopper said arrives: over failures, once by its id, and although the page is closed."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import Put, goes, order, results, soon, told
from .standin import Ours, failure

pytestmark = pytest.mark.browser


def test_what_was_refused_for_now_comes_again_unchanged(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    yes = page.get_by_role("button", name="Yes")
    expect(yes).to_be_visible()
    ours.wait_for("search.performed")
    ours.wait_for("question.shown")
    ours.replies = [failure(503, **{"Retry-After": "1"}), failure(429)]
    yes.click()
    (answer,) = ours.wait_for("answer.given")
    tries = [r for r in ours.posts() if any(e["id"] == answer["id"] for e in r.json["events"])]
    assert [r.status for r in tries] == [503, 429, 202]
    assert [r.json["events"] for r in tries] == [[answer]] * 3
    assert len({r.json["sent_at"] for r in tries}) == 3  # the moment of sending, which corrects a wrong clock


def test_a_refusal_is_final(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    ours.wait_for("search.performed")
    ours.wait_for("question.shown")
    ours.replies = [failure(422)]
    page.get_by_role("button", name="Yes").click()
    refused = ours.wait(lambda: [r for r in ours.posts() if r.status == 422])[0]
    goes(page)  # some seconds went by
    assert [r.body for r in ours.posts()].count(refused.body) == 1
    assert not ours.events("answer.given")


def test_it_goes_as_a_request_without_preflight_and_without_credentials(page: Page, put: Put, ours: Ours) -> None:
    page.context.add_cookies([{"name": "session", "value": "secret", "url": ours.url}])
    page.goto(put("/thanks", order()))
    page.get_by_role("radio", name="5 of 5 stars").click()
    ours.wait_for("answer.given")
    assert {r.method for r in ours.requests} == {"GET", "POST"}
    assert {r.headers["Content-Type"] for r in ours.posts()} == {"text/plain;charset=UTF-8"}
    assert not [r.path for r in ours.requests if "Cookie" in r.headers and r.path != "/widget.js"]


@pytest.mark.parametrize("how", ["closed", "left"])
def test_a_page_closed_in_the_same_moment_still_tells(how: str, context: BrowserContext, put: Put, ours: Ours) -> None:
    page = context.new_page()
    page.goto(put("/search", results()))
    expect(page.get_by_role("button", name="Yes")).to_be_visible()
    leave = "window.close()" if how == "closed" else "location.href = '/gone'"
    put("/gone")
    with context.expect_page() as opened:
        page.evaluate("window.open(location.href)")  # a page may only close what a script has opened
    popup = opened.value
    popup.get_by_role("button", name="Yes").wait_for()
    before = len(ours.events("answer.given"))
    soon(popup, f"document.querySelector('atbalss-panel').shadowRoot.querySelector('.pair button').click(); {leave}")
    ours.wait(lambda: len(ours.events("answer.given")) > before)
    # A browser that is closed while a window of it goes elsewhere may hang.
    if how == "left":
        popup.wait_for_url("**/gone")
    elif not popup.is_closed():
        popup.wait_for_event("close")


def test_what_still_waits_goes_when_the_page_is_left(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    ours.wait_for("search.performed")
    ours.wait_for("question.shown")
    ours.replies = [failure(503, **{"Retry-After": "600"})]
    with page.expect_response(lambda response: response.status == 503):
        page.get_by_role("button", name="Yes").click()
    (refused,) = [r for r in ours.posts() if r.status == 503]
    told(page, ours)
    page.goto(put("/elsewhere"))
    (answer,) = ours.wait_for("answer.given")
    assert refused.json["events"] == [answer]


def test_offline_and_back(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    ours.wait_for("question.shown")
    page.context.set_offline(True)
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text("Thank you!").first).to_be_visible()
    assert not ours.events("answer.given")
    page.context.set_offline(False)
    ours.wait_for("answer.given")
