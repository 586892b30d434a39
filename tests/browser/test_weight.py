"""What a shopper's browser really receives from us, by a real server: within the promised bytes, and from nobody else."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests.sizes.received import Received
from tests.sizes.states import ANSWERED, NO, NOTHING, SHOWN, Running, running, states

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


def types() -> set[str]:
    return {path.stem for path in (BUILT.parents[3] / "js_snippet/src/questions").glob("*.ts")}


def test_the_heaviest_type_is_within_the_budget_too(received: dict[str, Received], server: Running) -> None:
    """With what the build says of the heaviest in place of the panel and the type that came."""
    manifest = json.loads((BUILT / "manifest.json").read_text())
    looks = {
        manifest["chunks"][name]
        for name in chunks(received[SHOWN], server.url) - chunks(received[NO], server.url)
    }
    came = sum(
        r.body or 0 for r in received[SHOWN].of(server.url) if r.path.removeprefix("/widget/") in looks
    )
    heaviest = manifest["totals"]["panel_with_type"]
    assert came <= heaviest + 10
    assert received[SHOWN].body(server.url) - came + heaviest <= QUESTION_SHOWN


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
