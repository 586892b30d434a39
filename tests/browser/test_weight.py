"""What a shopper's browser really receives from us, by a real server: within the promised bytes, and from nobody else."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests.sizes.received import Received
from tests.sizes.states import ANSWERED, NO, NOTHING, READ, SHOWN, Running, running, states

from .standin import BUILT

pytestmark = pytest.mark.browser

NOTHING_MATCHES, QUESTION_SHOWN, ANSWER_GIVEN = 3000, 12000, 13000


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def received(browser: Browser, server: Running) -> dict[str, Received]:
    return states(browser, server)


def chunks(received: Received, url: str) -> set[str]:
    """The names of the chunks, as the build calls them."""
    named = {file: name for name, file in json.loads((BUILT / "manifest.json").read_text())["chunks"].items()}
    return {named[r.path.removeprefix("/widget/")] for r in received.of(url) if r.path.startswith("/widget/")}


def test_every_byte_is_within_the_budget(received: dict[str, Received], server: Running) -> None:
    sums = {state: got.body(server.url) for state, got in received.items()}
    print(sums)
    assert 0 < sums[NOTHING] <= NOTHING_MATCHES
    assert sums[NOTHING] < sums[NO] < sums[SHOWN] <= QUESTION_SHOWN
    assert sums[SHOWN] < sums[ANSWERED] <= ANSWER_GIVEN  # in words, too


def test_over_https_it_is_within_the_budget_on_pages_that_tell_the_number_in_words_only(
    browser: Browser, server: Running
) -> None:
    """Shops stand behind TLS, where browsers take brotli; reading the number of results is a file of its own."""
    got = states(browser, server, "gzip, br")
    sums = {state: got[state].body(server.url) for state in (SHOWN, READ)}
    assert "results" in chunks(got[READ], server.url)
    assert sums[SHOWN] < sums[READ] <= QUESTION_SHOWN


def types() -> set[str]:
    return {path.stem for path in (BUILT.parents[3] / "js_snippet/src/questions").glob("*.ts")}


def test_only_what_a_state_needs_is_fetched(received: dict[str, Received], server: Running) -> None:
    fetched = {state: chunks(got, server.url) for state, got in received.items()}
    assert fetched[NOTHING] == set()
    assert fetched[NO] & (types() | {"panel"}) == set()
    assert fetched[SHOWN] - fetched[NO] >= {"panel", "yes_no"}
    assert fetched[SHOWN] & types() == fetched[ANSWERED] & types() == {"yes_no"}
    assert fetched[SHOWN] <= fetched[ANSWERED]
    assert not {"memory", "queue", "triggers", "why", "inline"} & fetched[ANSWERED]


def test_everything_came_packed_and_whole(received: dict[str, Received], server: Running) -> None:
    manifest = json.loads((BUILT / "manifest.json").read_text())
    for got in received.values():
        assert [r for r in got.of(server.url) if r.status not in (200, 202)] == []
        for reply in got.of(server.url):
            plain = manifest["sizes"].get(reply.path.rpartition("/")[2])
            # Other programs pack a little looser or tighter.
            assert plain is None or (
                reply.body is not None and 0.9 * plain <= reply.body <= 1.02 * plain + 10
            )


def test_nobody_else_is_asked_for_anything(received: dict[str, Received], server: Running) -> None:
    site = server.made["site_key"]
    for got in received.values():
        assert got.origins() == {server.url, server.pages.url}
        asked = [urlsplit(r.url) for r in got.of(server.url)]
        paths = {a.path for a in asked if not a.path.startswith("/widget/")}
        assert paths <= {"/widget.js", f"/v1/shops/{site}/ask", f"/v1/shops/{site}/answers"}
        # Of the page only its kind is told to the server before somebody is asked.
        assert {a.query for a in asked} <= {"", "lang=en&placement=search", "lang=en&placement=page"}
