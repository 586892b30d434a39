"""Where and when a question is asked: the page's address, what stands on it, what happens there, and how often."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.servers import wait_for

from .conftest import HIDE, MOVED, WATCH, Put, goes, loaded, order, quiet, results, stand_still
from .standin import Ours, question

pytestmark = pytest.mark.browser

PANEL = "atbalss-panel"
LONG = '<div style="height: 6000px">long</div>'
TEXTS = {
    "en": {"title": "How is this page?", "yes": "Yes", "no": "No", "close": "Close", "thanks": "Thank you!"}
}


def page_question(name: str = "page-useful", placement: str = "page", **settings: Any) -> dict[str, Any]:
    return {**question(name, "yes_no", placement, follow_up="never", **settings), "texts": TEXTS}


def chunks(ours: Ours) -> set[str]:
    """The plain names of the files that were fetched, without the loader."""
    paths = [r.path.rpartition("/")[2] for r in ours.requests if r.path.startswith("/widget/")]
    return {name.rpartition("-")[0] for name in paths}


def asked_for(ours: Ours) -> list[dict[str, str]]:
    return [{k: v[0] for k, v in r.query.items()} for r in ours.requests if r.path.endswith("/ask")]


def settled(page: Page, ours: Ours) -> None:
    """The page was looked at, and whatever would have been fetched for it was."""
    ours.wait(lambda: asked_for(ours))
    quiet(page, ours)


def stays_away(page: Page, ours: Ours) -> None:
    settled(page, ours)
    assert page.locator(PANEL).count() == 0
    assert not ours.events("question.shown")


# --- the page


@pytest.mark.parametrize(
    ("where", "path", "address"),
    [
        ([{"is": "/help"}], "/help", "?utm_source=mail"),
        ([{"contains": "/brands/"}], "/lv/brands/viking", ""),
        ([{"like": "/*/brands/*"}], "/lv/brands/viking", ""),
        ([{"contains": "cart", "not": True}], "/help", ""),
    ],
)
def test_a_page_by_its_address(
    where: list[dict[str, Any]], path: str, address: str, page: Page, put: Put, ours: Ours
) -> None:
    ours.questions = [page_question(where=where)]
    page.goto(put(path, address=address))
    (shown,) = ours.wait_for("question.shown")
    assert shown.items() >= {"question": "page-useful", "placement": "page"}.items()
    assert "search" not in shown
    assert asked_for(ours) == [{"lang": "en", "placement": "page"}, {"lang": "en", "question": "page-useful"}]


@pytest.mark.parametrize("where", [[{"is": "/help"}], [{"like": "*"}, {"contains": "/brands", "not": True}]])
def test_on_other_pages_nothing_more_is_fetched(
    where: list[dict[str, Any]], page: Page, put: Put, ours: Ours
) -> None:
    ours.questions = [page_question(where=where)]
    page.goto(put("/lv/brands/viking"))
    stays_away(page, ours)
    assert chunks(ours) == set()
    assert asked_for(ours) == [{"lang": "en", "placement": "page"}]
    assert not ours.posts()


@pytest.mark.parametrize(
    ("head", "body", "product"),
    [
        ('<meta property="og:type" content="product">', "", None),
        ("", '<script>document.body.id = "product"</script>', None),
        ("", '<script type="application/json" data-atbalss>{"product": {"id": "RB-32"}}</script>', "RB-32"),
        ("", '<script>document.body.dataset.atbalssProduct = "42"</script>', "42"),
        ("", "<script>(window.atbalss = window.atbalss || []).push({product: {id: 42}})</script>", "42"),
    ],
)
def test_the_page_of_a_product(
    head: str, body: str, product: str | None, page: Page, put: Put, ours: Ours
) -> None:
    ours.questions = [page_question("product-text", "product")]
    page.goto(put("/red-boots", body, head=head))
    (shown,) = ours.wait_for("question.shown")
    assert (shown["placement"], shown.get("product")) == ("product", product)
    assert asked_for(ours) == [{"lang": "en", "placement": "product"}]
    assert chunks(ours) == {"sending", "rules", "panel", "yes_no"}


def test_what_reads_the_number_of_results_is_fetched_where_the_page_does_not_say_it(
    page: Page, put: Put, ours: Ours
) -> None:
    ours.questions = [question("search-found", "yes_no", "search")]
    page.goto(put("/search", results("boots", 3)))
    ours.wait_for("question.shown")
    assert chunks(ours) == {"found", "panel", "yes_no"}
    page.goto(put("/search", results("boots", None) + "<p>3 results</p>"))
    assert ours.wait_for("search.performed", 2)[1]["search"]["results"] == 3
    assert "results" in chunks(ours)


def test_an_element_that_comes_later(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [page_question(selector="#sold-out")]
    page.goto(put("/boots", '<div id="stock">in stock</div>'))
    stays_away(page, ours)
    page.evaluate("stock.id = 'sold-out'")
    ours.wait_for("question.shown")


@pytest.mark.parametrize("setting", ["selector", "inline"])
def test_what_is_no_selector_silences_its_own_question_only(setting: str, page: Page, put: Put, ours: Ours) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    ours.questions = [
        question("broken", "yes_no", "search", **{setting: "..product"}),
        question("search-found", "yes_no", "search"),
    ]
    page.goto(put("/search", results()))
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate("document.body.append('changed')")
    page.get_by_role("dialog").get_by_role("button").nth(0).click()
    assert {e["question"] for e in ours.wait_for("answer.given")} == {"search-found"}
    assert errors == []


def test_an_element_that_is_there_needs_no_watching(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [page_question(selector="main h1")]
    page.goto(put("/boots"))
    ours.wait_for("question.shown")
    assert "triggers" not in chunks(ours)


# --- what happens on the page


def test_scrolled_so_far(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [page_question(where=[{"is": "/long"}], trigger="scroll", scroll=60)]
    page.goto(put("/long", LONG))
    stays_away(page, ours)
    page.evaluate("scrollTo(0, 1500)")
    stays_away(page, ours)
    page.evaluate("scrollTo(0, 4000)")
    ours.wait_for("question.shown")


def test_the_mouse_leaves_through_the_top(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [page_question(where=[{"is": "/long"}], trigger="exit")]
    page.goto(put("/long", LONG))
    stays_away(page, ours)
    out = (
        "document.dispatchEvent(new MouseEvent('mouseout', {clientY: %d, relatedTarget: %s, bubbles: true}))"
    )
    page.evaluate(out % (400, "null"))  # through a side
    page.evaluate(out % (0, "document.body"))  # to another element
    stays_away(page, ours)
    page.evaluate(out % (-1, "null"))
    ours.wait_for("question.shown")


SCROLL = "(to) => new Promise((done) => { addEventListener('scroll', done, {once: true}); scrollTo(0, to); })"


@pytest.fixture
def phone(context: BrowserContext) -> Page:
    assert context.browser
    phone = context.browser.new_context(
        has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800}
    )
    return phone.new_page()


def test_a_thumb_flings_the_page_back_up(phone: Page, put: Put, ours: Ours) -> None:
    stand_still(phone)
    ours.questions = [page_question(where=[{"is": "/long"}], trigger="exit")]
    phone.goto(put("/long", LONG))
    loaded(phone, "triggers")
    phone.evaluate(SCROLL, 3000)
    phone.clock.run_for(600)
    phone.evaluate(SCROLL, 2800)  # reads a line again
    stays_away(phone, ours)
    phone.clock.run_for(500)
    phone.evaluate(SCROLL, 2790)
    phone.evaluate(SCROLL, 1000)
    expect(phone.locator(PANEL)).to_have_count(1)
    phone.clock.run_for(100)
    ours.wait_for("question.shown")
    phone.context.close()


def test_a_phone_comes_back_from_another_tab(phone: Page, put: Put, ours: Ours) -> None:
    ours.questions = [page_question(where=[{"is": "/long"}], trigger="exit")]
    phone.goto(put("/long", LONG))
    stays_away(phone, ours)
    phone.evaluate(HIDE, True)
    stays_away(phone, ours)
    phone.evaluate(HIDE, False)
    ours.wait_for("question.shown")
    phone.context.close()


def test_nobody_touches_anything(page: Page, put: Put, ours: Ours) -> None:
    stand_still(page)
    ours.questions = [page_question(where=[{"is": "/long"}], trigger="idle", idle=20)]
    page.goto(put("/long", LONG))
    loaded(page, "triggers")
    page.clock.run_for(15_000)
    page.mouse.move(100, 100)
    page.clock.run_for(15_000)
    stays_away(page, ours)
    page.clock.run_for(6_000)
    expect(page.locator(PANEL)).to_have_count(1)


def test_an_event_of_the_page_with_its_properties(page: Page, put: Put, ours: Ours) -> None:
    match = {"kind": "wishlist", "items": 3, "guest": True}
    ours.questions = [page_question(trigger="event", event="added", match=match)]
    page.goto(put("/boots"))
    stays_away(page, ours)
    for other in (
        {**match, "event": "removed"},
        {"event": "added", "kind": "wishlist"},
        {**match, "event": "added", "items": "3"},
        {"consent": False},
    ):
        page.evaluate("(one) => atbalss.push(one)", other)
    stays_away(page, ours)
    page.evaluate("(one) => atbalss.push(one)", {**match, "event": "added", "colour": "red"})
    ours.wait_for("question.shown")


def test_an_event_from_before_the_script_was_there(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [page_question(trigger="event", event="added")]
    page.goto(
        put(
            "/boots", "<script>window.atbalss = window.atbalss || []; atbalss.push({event: 'added'})</script>"
        )
    )
    ours.wait_for("question.shown")


# --- the delay


def test_the_delay_begins_with_the_trigger(page: Page, put: Put, ours: Ours) -> None:
    stand_still(page)
    ours.questions = [page_question(trigger="event", event="added", delay=10)]
    page.goto(put("/boots"))
    loaded(page, "triggers")
    page.clock.run_for(30_000)
    page.evaluate("atbalss.push({event: 'added'})")
    page.clock.run_for(9_000)
    stays_away(page, ours)
    page.clock.run_for(2_000)
    expect(page.locator(PANEL)).to_have_count(1)


def test_the_delay_stands_still_in_a_hidden_tab_and_no_timer_runs(page: Page, put: Put, ours: Ours) -> None:
    stand_still(page)
    page.add_init_script(COUNT)  # over the clock, which has a timer of its own
    ours.questions = [page_question(where=[{"is": "/boots"}], delay=10)]
    page.goto(put("/boots"))
    loaded(page, "rules")
    page.clock.run_for(4_000)
    page.evaluate(HIDE, True)
    page.clock.run_for(1_000)
    assert page.evaluate("timers.size") == 0
    page.clock.run_for(60_000)
    stays_away(page, ours)
    page.evaluate(HIDE, False)
    page.clock.run_for(4_000)
    assert page.locator(PANEL).count() == 0
    page.clock.run_for(4_000)
    expect(page.locator(PANEL)).to_have_count(1)


@pytest.mark.parametrize(
    "change", ["history.replaceState(null, '', '/boots?sold=1')", "document.body.id = 'checkout'"]
)
def test_all_rules_are_looked_at_again_when_the_delay_is_over(
    change: str, page: Page, put: Put, ours: Ours
) -> None:
    ours.questions = [
        page_question(
            where=[{"is": "/boots"}, {"contains": "sold", "not": True}], trigger="event", event="go", delay=1
        )
    ]
    page.goto(put("/boots"))
    stays_away(page, ours)
    page.evaluate(f"atbalss.push({{event: 'go'}}); {change}")
    page.wait_for_timeout(2500)
    stays_away(page, ours)


# --- how often


def in_share(path: str, ours: Ours) -> bool:
    """Whether the page at `path` is one to ask on, or is reported as left out; one of both is awaited."""

    def told() -> dict[str, dict[str, Any]]:
        # By their ids: what a page says while it is left may come twice, and late.
        return {e["id"]: e for e in ours.events("question") if e["page"]["url"].endswith(path)}

    ours.wait(told)
    (event,) = told().values()
    assert event.get("reason", "sampled") == "sampled"
    return bool(event["type"] == "question.shown")


def test_one_search_of_three_is_asked_about_the_same_ones_each_time(
    context: BrowserContext, put: Put, ours: Ours
) -> None:
    ours.questions = [question("search-found", "yes_no", "search")]
    del ours.questions[0]["settings"]["sample"]
    drawn: list[list[bool]] = []
    for _ in range(2):
        row = []
        for n in range(12):
            page = context.new_page()
            page.goto(put(f"/search/{len(drawn)}-{n}", results(f"boots {n}")))
            row.append(in_share(f"/{len(drawn)}-{n}", ours))
            page.close()
        drawn.append(row)
    assert drawn[0] == drawn[1]
    assert (
        0 < sum(drawn[0]) < 12
    )  # on a given day these twelve draw alike everywhere: all or none is one in 130 years


def test_a_search_left_out_costs_one_request(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [question("search-found", "yes_no", "search", sample=1)]
    taken = 0
    for n in range(4):
        page.goto(put(f"/search/{n}", results(f"hats {n}")))
        if in_share(f"/{n}", ours):
            taken += 1
            continue
        quiet(page, ours)
        post = next(p for p in ours.posts() if p.json["events"][0]["page"]["url"].endswith(f"/{n}"))
        assert [e["type"] for e in post.json["events"]] == ["search.performed", "question.skipped"]
        assert taken or "panel" not in chunks(ours)
    assert taken < 4


def test_an_order_draws_by_its_number_whatever_its_token(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [question("order-rating", "stars", "order", sample=50)]
    drawn: list[tuple[bool, ...]] = []
    for n in range(8):
        both = []
        for jti in ("one", "two"):
            claims = (
                urlsafe_b64encode(json.dumps({"order": f"A-{n}", "jti": jti}).encode()).decode().rstrip("=")
            )
            page.goto(put(f"/thanks/{n}-{jti}", order(f"v1.1.{claims}.mac")))
            both.append(in_share(f"/{n}-{jti}", ours))
        drawn.append(tuple(both))
    assert set(drawn) == {(True, True), (False, False)}


def test_never_asked_about_two_searches_without_loading_anew(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [
        question("search-found", "yes_no", "search"),
        page_question("search-more", "search"),
    ]
    page.goto(put("/search", '<input name="q" value="boots">', address="?q=boots"))
    page.get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    page.evaluate("history.pushState(null, '', '/search?q=hats')")
    ours.wait_for("search.performed", 2)
    quiet(page, ours)
    assert [e["question"] for e in ours.events("question.shown")] == ["search-found"]


# --- several questions


def test_the_first_of_two_comes_and_no_second(page: Page, put: Put, ours: Ours) -> None:
    where = [{"is": "/help"}]
    ours.questions = [page_question("first", where=where), page_question("second", where=where)]
    page.goto(put("/help"))
    page.get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    goes(page)
    page.wait_for_timeout(300)
    assert [e["question"] for e in ours.events("question")] == ["first"]
    assert not ours.events("question.skipped")


def test_the_second_comes_when_something_speaks_against_the_first(page: Page, put: Put, ours: Ours) -> None:
    where = [{"is": "/help"}]
    ours.questions = [
        {**page_question("odd", where=where), "type": "of_tomorrow"},
        page_question("first", where=where, results="none"),
        page_question("second", where=where),
    ]
    page.goto(put("/help"))
    assert ours.wait_for("question.shown")[0]["question"] == "second"


def test_two_that_are_due_at_once_are_never_both_open(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [
        page_question(name, trigger="event", event="go") for name in ("first", "second", "third")
    ]
    page.goto(put("/help"))
    stays_away(page, ours)
    page.evaluate("atbalss.push({event: 'go'})")
    ours.wait_for("question.shown")
    page.wait_for_timeout(500)
    assert page.locator(PANEL).count() == 1
    assert [e["question"] for e in ours.events("question")] == ["first"]


# --- in the page


@pytest.mark.parametrize(
    ("body", "is_seen"),
    [
        ('<div id="here" style="height: 500px"></div><p>below</p>', True),
        (f'{LONG}<div id="here"></div><p>below</p>', False),
    ],
)
def test_a_question_in_the_page_moves_nothing(
    body: str, is_seen: bool, page: Page, put: Put, ours: Ours
) -> None:
    page.add_init_script(WATCH)
    ours.questions = [page_question(where=[{"is": "/help"}], inline="#here")]
    page.goto(put("/help", body))
    expect(page.locator(f"#here {PANEL}")).to_have_count(1)
    if not is_seen:
        assert not ours.events("question.shown")
        page.locator("#here").scroll_into_view_if_needed()
    ours.wait_for("question.shown")
    page.get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    assert page.evaluate(MOVED) == 0


def test_a_place_in_view_without_room_stays_empty(page: Page, put: Put, ours: Ours) -> None:
    page.add_init_script(WATCH)
    ours.questions = [page_question(where=[{"is": "/help"}], inline="#here")]
    page.goto(put("/help", '<div id="here"></div><p>below</p>'))
    stays_away(page, ours)
    assert page.evaluate(MOVED) == 0


# --- pages that change without loading

COUNT = """(() => {
  window.listening = 0; window.timers = new Set(); window.observing = 0;
  const add = EventTarget.prototype.addEventListener, remove = EventTarget.prototype.removeEventListener, all = [];
  const find = (t, n, f, c) => all.find((x) => !x.gone && x.t === t && x.n === n && x.f === f && x.c === c);
  const capture = (o) => !!(o === true || o?.capture);
  EventTarget.prototype.addEventListener = function (n, f, o) {
    const t = this ?? window, ours = t === window || t === document;
    if (ours && f && !o?.signal?.aborted && !find(t, n, f, capture(o))) {
      const x = {t, n, f, c: capture(o)}; all.push(x); listening++;
      const end = () => { if (!x.gone) { x.gone = true; listening--; } };
      if (o?.signal) add.call(o.signal, "abort", end);
      if (o?.once) add.call(t, n, end, {once: true, capture: x.c});
    }
    return add.call(t, n, f, o);
  };
  EventTarget.prototype.removeEventListener = function (n, f, o) {
    const x = find(this ?? window, n, f, capture(o));
    if (x) { x.gone = true; listening--; }
    return remove.call(this ?? window, n, f, o);
  };
  for (const name of ["MutationObserver", "IntersectionObserver"]) {
    const {observe, disconnect} = window[name].prototype, live = new Set();
    window[name].prototype.observe = function (...a) { if (!live.has(this)) { live.add(this); observing++; } return observe.apply(this, a); };
    window[name].prototype.disconnect = function () { if (live.delete(this)) observing--; return disconnect.call(this); };
  }
  addEventListener("DOMContentLoaded", () => 0);
  const start = window.setTimeout, stop = window.clearTimeout;
  window.setTimeout = (act, ms) => { const id = start(() => { timers.delete(id); act(); }, ms); timers.add(id); return id; };
  window.clearTimeout = (id) => { timers.delete(id); stop(id); };
})()"""

GO = {
    "history": "history.pushState(null, '', '%s')",
    "turbo": "history.pushState(null, '', '%s'); document.dispatchEvent(new Event('turbo:load'))",
    "view transition": "document.startViewTransition(() => history.pushState(null, '', '%s')).finished",
}
WAITING: dict[str, dict[str, Any]] = {
    "scroll": {"trigger": "scroll", "scroll": 90},
    "exit": {"trigger": "exit"},
    "idle": {"trigger": "idle", "idle": 60},
    "event": {"trigger": "event", "event": "never"},
    "selector": {"selector": "#never"},
    "delay": {"delay": 600},
    "in the page": {"inline": "#here"},
    "shown": {},
}


@pytest.mark.parametrize("way", sorted(GO))
def test_what_waits_on_a_page_goes_with_it_whatever_it_waits_for(
    way: str, page: Page, put: Put, ours: Ours
) -> None:
    page.add_init_script(COUNT)
    ours.questions = [
        page_question(name.replace(" ", "-"), where=[{"contains": f"/{n}"}], **settings)
        for n, (name, settings) in enumerate(WAITING.items())
    ]
    page.goto(put("/plain", f'<div id="here"></div>{LONG}'))
    settled(page, ours)
    # Once round, so that every part of the snippet is there, with what it keeps for the life of the page.
    counts: list[list[int]] = []
    for _ in range(2):
        for n, name in enumerate(WAITING):
            asked = len(asked_for(ours))
            page.evaluate(GO[way] % f"/{n}")
            ours.wait(lambda asked=asked: len(asked_for(ours)) > asked)  # type: ignore[misc]
            quiet(page, ours)
            if name == "shown" and not counts:
                expect(page.locator(PANEL)).to_have_count(1)
        asked = len(asked_for(ours))
        page.evaluate(GO[way] % "/plain")
        ours.wait(lambda asked=asked: len(asked_for(ours)) > asked)  # type: ignore[misc]
        quiet(page, ours)
        assert page.locator(PANEL).count() == 0
        wait_for(lambda: page.evaluate("timers.size") == 0, "a timer runs on")
        counts.append(page.evaluate("[listening, observing, timers.size]"))
    assert counts[0] == counts[1]
    assert counts[0][1:] == [0, 0]
    assert [e["question"] for e in ours.events("question")] == ["shown"]


def test_what_was_pushed_for_one_page_is_not_for_the_next(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [page_question(where=[{"is": "/next"}], trigger="event", event="added")]
    page.goto(put("/boots"))
    settled(page, ours)
    page.evaluate("atbalss.push({event: 'added'}); atbalss.push({product: {id: 'RB-32'}})")
    ours.wait(lambda: asked_for(ours)[-1] == {"lang": "en", "placement": "product"})
    page.evaluate("history.pushState(null, '', '/next')")
    ours.wait(lambda: asked_for(ours)[-1] == {"lang": "en", "placement": "page"})
    stays_away(page, ours)
    page.evaluate("atbalss.push({event: 'added'})")
    assert "product" not in ours.wait_for("question.shown")[0]
