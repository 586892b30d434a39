"""A question comes only when it disturbs nobody: not in checkout, not over or under anything, and it leaves with its page."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.servers import wait_for

from .conftest import Put, order, quiet, results
from .standin import Ours, question

pytestmark = pytest.mark.browser

PANEL = "atbalss-panel"
BANNER = (
    '<div id="banner" style="position: fixed; inset: auto 0 0; height: {height}px; background: #ddd; z-index: {z}">'
    "We use cookies. <button onclick=\"document.getElementById('banner').remove()\">Agree</button></div>"
)
CHAT = '<button style="position: fixed; right: 20px; bottom: 20px; width: 60px; height: 60px; z-index: 2147483647">Chat</button>'
# The places where the panel isn't the topmost thing.
COVERED = """() => {
  const box = document.querySelector("atbalss-panel").getBoundingClientRect(), hit = [];
  for (const x of [box.left + 20, (box.left + box.right) / 2, box.right - 20])
    for (const y of [box.top + 20, (box.top + box.bottom) / 2, box.bottom - 20])
      if (document.elementFromPoint(x, y)?.tagName !== "ATBALSS-PANEL") hit.push([x, y]);
  return hit;
}"""


def stays_away(page: Page, ours: Ours) -> None:
    """The question was fetched, and is not shown."""
    ours.wait(lambda: [r for r in ours.requests if r.path.endswith("/ask")])
    quiet(page, ours)
    assert page.locator(PANEL).count() == 0
    assert not ours.events("question.shown")


def skipped(page: Page, ours: Ours) -> dict[str, Any]:
    """What is told of the question that was not shown once the page is left."""
    page.goto("about:blank")
    (event,) = ours.wait_for("question.skipped")
    assert event.items() >= {"question": "search-found", "question_version": 1, "placement": "search"}.items()
    assert set(event) <= {"id", "type", "at", "question", "question_version", "placement", "page", "search", "reason"}
    assert len(ours.events("question.skipped")) == 1
    return event


def test_not_in_checkout(page: Page, put: Put, ours: Ours) -> None:
    for path, body in (
        ("/checkout", results()),
        ("/lt/apmokejimas/", results()),
        ("/pay", results() + '<form><input autocomplete="cc-number"></form>'),
        ("/cassa", results() + '<form name="checkout"></form>'),
    ):
        count = len(ours.events("question.skipped"))
        page.goto(put(path, body))
        event = ours.wait_for("question.skipped", count + 1)[count]
        assert event["reason"] == "checkout"
        page.wait_for_load_state("networkidle")
        assert page.locator(PANEL).count() == 0
    page.goto("about:blank")
    assert ours.types(8) == ["search.performed", "question.skipped"] * 4


def test_the_page_after_an_order_is_no_checkout(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/checkout/order-received/17", order()))
    expect(page.get_by_role("dialog", name="How was shopping with us?")).to_be_visible()


@pytest.mark.parametrize("height", [60, 300])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_cookie_banner_comes_first(width: int, height: int, page: Page, put: Put, ours: Ours) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(put("/search", results() + BANNER.format(height=height, z=10)))
    stays_away(page, ours)
    page.get_by_role("button", name="Agree").click()
    expect(page.locator(PANEL)).to_have_count(1)
    assert page.evaluate(COVERED) == []
    ours.wait_for("question.shown")
    page.goto("about:blank")
    assert not ours.events("question.skipped")


def test_a_banner_in_a_shadow_root_that_goes_without_a_click(page: Page, put: Put, ours: Ours) -> None:
    hidden = """<div id="cmp"></div><script>
    const inner = document.getElementById("cmp").attachShadow({mode: "open"}).appendChild(document.createElement("div"));
    inner.style.cssText = "position: fixed; inset: auto 0 0; height: 200px; background: #ddd"; inner.textContent = "cookies";
    window.settle = () => { inner.style.display = "none"; };
    </script>"""
    page.goto(put("/search", results() + hidden))
    stays_away(page, ours)
    page.evaluate("settle()")
    expect(page.locator(PANEL)).to_have_count(1)


def test_a_banner_that_nobody_answers(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results() + BANNER.format(height=200, z=10)))
    stays_away(page, ours)
    event = skipped(page, ours)
    assert event["reason"] == "covered"
    assert event["search"] == ours.wait_for("search.performed")[0]["search"]


@pytest.mark.parametrize("z", [10, 2147483647])
def test_a_banner_that_comes_later_takes_the_place(z: int, page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    expect(page.locator(PANEL)).to_have_count(1)
    ours.wait_for("question.shown")
    page.evaluate("(html) => document.body.insertAdjacentHTML('beforeend', html)", BANNER.format(height=300, z=z))
    expect(page.locator(PANEL)).to_have_count(0)
    page.goto("about:blank")
    assert not ours.events("question.dismissed") and not ours.events("question.skipped")


def test_a_banner_does_not_take_away_what_is_being_answered(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    page.get_by_role("button", name="No", exact=True).click()
    ours.wait_for("answer.given")
    page.evaluate("(html) => document.body.insertAdjacentHTML('beforeend', html)", BANNER.format(height=60, z=10))
    page.get_by_label("What were you looking for?").fill("boots")
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Send").click()
    ours.wait_for("answer.given", 2)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_chat_button_is_stood_above(width: int, page: Page, put: Put, ours: Ours) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(reduced_motion="reduce")
    page.goto(put("/search", results() + CHAT))
    ours.wait_for("question.shown")
    assert page.evaluate(COVERED) == []
    chat, panel = page.get_by_role("button", name="Chat").bounding_box(), page.locator(PANEL).bounding_box()
    assert chat and panel and panel["y"] + panel["height"] <= chat["y"]
    page.get_by_role("button", name="Chat").click()  # it can still be reached


DIALOGS = {
    "modal": "<dialog id=d>Sale! <button onclick='d.close()'>Close it</button></dialog><script>d.showModal()</script>",
    "aria": (
        "<div id=d role=dialog aria-modal=true style='position: fixed; top: 10px; left: 10px; background: #ddd'>Sale!"
        " <button onclick='d.style.display = \"none\"'>Close it</button></div>"
    ),
    "large": (
        "<div id=d role=dialog style='position: absolute; top: 0; left: 0; width: 80vw; height: 60vh'>Sale!"
        " <button onclick='d.remove()'>Close it</button></div>"
    ),
}


@pytest.mark.parametrize("kind", sorted(DIALOGS))
def test_an_open_dialog_comes_first(kind: str, page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results() + DIALOGS[kind]))
    stays_away(page, ours)
    page.get_by_role("button", name="Close it").click()
    expect(page.get_by_role("dialog", name="Did you find what you were looking for?")).to_be_visible()


def test_a_dialog_that_stays(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results() + DIALOGS["modal"]))
    stays_away(page, ours)
    assert skipped(page, ours)["reason"] == "dialog"


@pytest.mark.parametrize(
    "style", ["visibility: hidden", "display: none", "opacity: 0; pointer-events: none", "transform: translateX(-100%)"]
)
def test_a_drawer_that_waits_unseen_is_no_dialog(style: str, page: Page, put: Put, ours: Ours) -> None:
    drawer = f"<div role=dialog aria-modal=true style='position: fixed; inset: 0 auto 0 0; width: 400px; {style}'>Cart</div>"
    page.goto(put("/search", results() + drawer))
    ours.wait_for("question.shown")


def test_what_only_looks_like_an_obstacle(page: Page, put: Put, ours: Ours) -> None:
    around = (
        '<header style="position: fixed; inset: 0 0 auto; height: 60px; background: #eee">Shop</header>'
        '<div style="position: sticky; top: 0; height: 900px">filters</div>'
        '<div style="position: fixed; inset: 0; pointer-events: none">snow</div>'
    )
    page.goto(put("/search", results() + around))
    ours.wait_for("question.shown")


def test_a_field_that_keeps_the_focus(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results() + '<input name="q" aria-label="Search" autofocus>'))
    stays_away(page, ours)
    assert skipped(page, ours)["reason"] == "typing"


def test_who_leaves_before_it_is_due_was_not_skipped(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [question("search-found", "yes_no", "search", delay=600)]
    page.goto(put("/search", results()))
    stays_away(page, ours)
    page.goto(put("/plain"))
    page.wait_for_load_state("networkidle")
    assert ours.types(1) == ["search.performed"]


# --- pages that change without loading

LISTENERS = """(() => {
  window.listening = 0; window.timers = new Set();
  const add = EventTarget.prototype.addEventListener, remove = EventTarget.prototype.removeEventListener;
  const all = new Map();
  const key = (t, n, f) => { if (!all.has(t)) all.set(t, []); return all.get(t).find((x) => x[0] === n && x[1] === f); };
  EventTarget.prototype.addEventListener = function (name, act, options) {
    const target = this ?? window;
    if ((target === window || target === document) && !key(target, name, act)) {
      const entry = [name, act]; all.get(target).push(entry); listening++;
      options?.signal && add.call(options.signal, "abort", () => { if (!entry.gone) { entry.gone = true; listening--; } });
    }
    return add.call(target, name, act, options);
  };
  EventTarget.prototype.removeEventListener = function (name, act, options) {
    const target = this ?? window;
    const entry = (target === window || target === document) && key(target, name, act);
    if (entry && !entry.gone) { entry.gone = true; listening--; all.get(target).splice(all.get(target).indexOf(entry), 1); }
    return remove.call(target, name, act, options);
  };
  const start = setTimeout, stop = clearTimeout;
  window.setTimeout = (act, ms) => { const id = start(() => { timers.delete(id); act(); }, ms); timers.add(id); return id; };
  window.clearTimeout = (id) => { timers.delete(id); stop(id); };
})()"""


def asks(ours: Ours) -> int:
    return len([r for r in ours.requests if r.path.endswith("/ask")])


def looked_at(page: Page, ours: Ours, count: int) -> None:
    """This page, for which the `count`th time was asked what to ask, is at rest; no timer of ours runs on."""
    ours.wait(lambda: asks(ours) >= count)
    quiet(page, ours)
    wait_for(lambda: page.evaluate("timers.size") == 0, "a timer runs on")


OLD_BROWSER = "Object.defineProperty(window, 'navigation', {value: undefined})"


@pytest.mark.parametrize("way", ["navigation", "patched history"])
def test_a_page_that_is_left_without_loading(way: str, page: Page, put: Put, ours: Ours) -> None:
    if way == "patched history":
        page.add_init_script(OLD_BROWSER)
    page.add_init_script(LISTENERS)
    page.goto(put("/plain", '<main id="app"></main>'))
    page.wait_for_function("window.atbalss && atbalss.live")
    page.evaluate("history.pushState({n: 1}, '', '/search?q=boots')")
    expect(page.locator(PANEL)).to_have_count(1)
    ours.wait_for("question.shown")
    left = page.evaluate("history.pushState({n: 2}, '', '/boots/red'), document.querySelectorAll('atbalss-panel').length")
    assert left == 0  # at once, not when the new page is looked at
    looked_at(page, ours, 3)
    before = page.evaluate("listening")

    page.go_back()
    second = ours.wait_for("search.performed", 2)[1]
    assert second["search"]["query"] == "boots"
    page.go_forward()
    looked_at(page, ours, 5)
    assert page.evaluate("listening") == before  # nothing piles up
    assert page.evaluate("history.state") == {"n": 2}
    assert not ours.events("question.dismissed")


def test_a_question_that_waits_goes_with_its_page(page: Page, put: Put, ours: Ours) -> None:
    page.add_init_script(LISTENERS)
    page.goto(put("/search", '<input name="q" value="boots">' + BANNER.format(height=200, z=10), address="?q=boots"))
    stays_away(page, ours)
    page.evaluate("history.pushState(null, '', '/boots/red')")
    assert ours.wait_for("question.skipped")[0]["reason"] == "covered"
    page.get_by_role("button", name="Agree").click()
    looked_at(page, ours, 2)
    assert page.locator(PANEL).count() == 0
    page.goto("about:blank")
    assert len(ours.events("question.skipped")) == 1


def test_what_was_pushed_belongs_to_its_page(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/found"))
    page.wait_for_function("window.atbalss && atbalss.live")
    page.evaluate("atbalss.push({search: {query: 'boots', results: 3}})")
    ours.wait_for("search.performed")
    page.evaluate("history.pushState(null, '', '/boots/red')")
    ours.wait(lambda: asks(ours) == 3)
    quiet(page, ours)
    page.evaluate("history.pushState(null, '', '/found/hats'); atbalss.push({search: {query: 'hats', results: 0}})")
    assert ours.wait_for("search.performed", 2)[1]["search"]["query"] == "hats"
    page.wait_for_timeout(1300)
    assert len(ours.events("search.performed")) == 2


def test_turbo_keeps_a_clean_copy_of_the_page(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", '<input name="q" value="boots">', address="?q=boots"))
    expect(page.locator(PANEL)).to_have_count(1)
    copy = page.evaluate("document.dispatchEvent(new Event('turbo:before-cache')), document.body.outerHTML")
    assert PANEL not in copy
    page.evaluate(
        """() => { history.pushState(null, "", "/search?q=hats");
        const body = document.createElement("body"); body.innerHTML = "<main>No products found</main>";
        document.body.replaceWith(body); document.dispatchEvent(new Event("turbo:load")); }"""
    )
    second = ours.wait_for("search.performed", 2)[1]
    assert second["search"].items() >= {"query": "hats", "results": 0}.items()
    page.wait_for_timeout(1300)
    assert len(ours.events("search.performed")) == 2
