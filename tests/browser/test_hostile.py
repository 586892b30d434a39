"""Pages that have broken their own tools, that style everything, and that throw out what they don't know.

Either the question is asked as anywhere else or there is none: never half of one, never an error in the page.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import Put, order, quiet, results
from .standin import SITE_KEY, Ours, Reply, Shop
from .traces import check_sent, kept

pytestmark = pytest.mark.browser

PANEL = "atbalss-panel"


@pytest.fixture(autouse=True)
def nothing_odd_is_sent(ours: Ours) -> Iterator[None]:
    yield
    check_sent(ours)


# --- broken tools: each throws when it is used

BROKEN = {
    "window": "fetch setTimeout clearTimeout URLSearchParams AbortController MutationObserver getComputedStyle matchMedia Blob Response "
    "CSSStyleSheet encodeURIComponent decodeURI decodeURIComponent atob parseFloat EventTarget Event Promise Proxy Map Set",
    "crypto": "getRandomValues randomUUID",
    "performance": "now",
    "Date": "now",
    "Math": "random max min",
    "JSON": "parse stringify",
    "Object": "keys assign entries defineProperty",
    "Array": "isArray from",
    "Number": "isInteger",
    "String.prototype": "replace replaceAll trim split slice substr toLowerCase charCodeAt match indexOf normalize",
    "RegExp.prototype": "exec test",
    "Function.prototype": "call apply bind",
    "Promise.prototype": "then catch finally",
    "Node.prototype": "appendChild insertBefore contains getRootNode",
    "Element.prototype": "setAttribute getAttribute append prepend closest querySelector querySelectorAll attachShadow getBoundingClientRect "
    "remove replaceWith",
    "Document.prototype": "createElement createElementNS querySelector querySelectorAll elementFromPoint elementsFromPoint",
    "EventTarget.prototype": "addEventListener removeEventListener dispatchEvent",
    "DOMTokenList.prototype": "add toggle",
    "CSSStyleDeclaration.prototype": "setProperty",
    "History.prototype": "pushState replaceState",
    "Navigator.prototype": "sendBeacon",
    "HTMLElement.prototype": "focus",
    "Headers.prototype": "get",
    "Response.prototype": "json text",
    "AbortSignal": "timeout",
}
TOOLS = sorted(f"{owner}.{name}" for owner, names in BROKEN.items() for name in names.split())

# What scripts of real shops replace: with these the whole way to an answer works. Without others there may be no question.
REPLACED = {
    "window.Map", "window.Proxy", "window.matchMedia", "crypto.randomUUID", "Math.random", "JSON.parse", "JSON.stringify",
    "Object.assign", "Object.entries", "Object.defineProperty", "Array.from", "String.prototype.replaceAll",
    "Function.prototype.call", "Function.prototype.bind", "Promise.prototype.finally",
    "Node.prototype.appendChild", "Node.prototype.insertBefore", "Element.prototype.prepend", "Response.prototype.text",
    "History.prototype.pushState", "Navigator.prototype.sendBeacon",
}  # fmt: skip


SHOPPER = """<script>{
  const later = setTimeout.bind(window), find = document.getElementsByTagName.bind(document);
  const look = () => {
    const yes = find("atbalss-panel")[0]?.shadowRoot?.querySelector(".pair button");
    if (yes) yes.click(); else later(look, 50);
  };
  look();
}</script>"""


def test_broken_tools(page: Page, ours: Ours, shop: Shop) -> None:
    """Each in a frame of its own, so in a world of its own; there a shopper taps on "Yes" when there is one."""
    tag = f'<script src="{ours.url}/widget.js" data-shop="{SITE_KEY}"></script>'
    for tool in TOOLS:
        broken = f"<script>{tool} = function () {{ throw new Error('{tool} is broken'); }}</script>"
        html = f'<!doctype html><html lang="en"><head>{SHOPPER}{broken}{tag}</head><body>{results(tool)}</body></html>'
        shop.pages[f"/{tool}"] = Reply(200, html)
    for first in range(0, len(TOOLS), 6):  # as many frames as come in good time on a slow machine, too
        some = TOOLS[first : first + 6]
        frames = "".join(
            f'<iframe src="/{tool}" name="{tool}" width="400" height="360"></iframe>' for tool in some
        )
        shop.pages["/"] = Reply(200, f"<!doctype html><title>Shop</title>{frames}")
        page.goto(shop.url + "/", wait_until="commit")
        ours.wait(lambda some=some: answered(ours) >= REPLACED & set(some))  # type: ignore[misc]
        quiet(page, ours)
    page.goto("about:blank")
    page.wait_for_timeout(300)
    shown = {_tool(e) for e in ours.events("question.shown")}
    assert answered(ours) <= shown  # and whatever went wrong: no error reached a page, or the fixture says so


def answered(ours: Ours) -> set[str]:
    return {_tool(e) for e in ours.events("answer.given")}


def _tool(event: dict[str, Any]) -> str:
    return str(event["page"]["url"].rpartition("/")[2])


FRAMEWORK = """<script>
// As zone.js and APM agents do it: everything that waits is wrapped, and Promise is another one.
const native = { Promise, setTimeout: setTimeout.bind(window), addEventListener: EventTarget.prototype.addEventListener, fetch: fetch.bind(window) };
window.Promise = class ZonePromise extends native.Promise {
  static get [Symbol.species]() { return native.Promise; }
  static [Symbol.hasInstance](it) { return Object.getPrototypeOf(it ?? 0) === ZonePromise.prototype; }
};
window.seen = [];
window.setTimeout = (act, ms, ...more) => native.setTimeout(() => { seen.push("timer"); act(...more); }, ms);
EventTarget.prototype.addEventListener = function (name, act, options) {
  return native.addEventListener.call(this ?? window, name, act && function (event) { return act.call(this, event); }, options);
};
window.fetch = async (...all) => { seen.push("fetch"); return (await native.fetch(...all)).clone(); };
window.onunhandledrejection = (event) => seen.push("unhandled " + event.reason);
window.onerror = (message) => { seen.push("error " + message); };
</script>"""


def test_a_framework_that_wraps_everything(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results(), head=FRAMEWORK))
    page.get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    assert ours.types(3) == ["search.performed", "question.shown", "answer.given"]
    page.route(f"{ours.url}/widget/**", lambda route: route.abort())
    page.goto(put("/other", results("hats"), head=FRAMEWORK))
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    assert set(page.evaluate("seen")) <= {"timer", "fetch"}  # it is told of no rejection that nobody handles
    assert page.locator(PANEL).count() == 0
    assert kept(page) == {}


# --- styles

LOOK = """() => { const host = document.querySelector("atbalss-panel"), all = [host, ...host.shadowRoot.querySelectorAll("*")];
  return all.map((e) => { const b = e.getBoundingClientRect(), s = getComputedStyle(e);
    return [e.tagName, Math.round(b.left), Math.round(b.top), Math.round(b.width), Math.round(b.height), s.color, s.backgroundColor,
      s.fontSize, s.letterSpacing, s.wordSpacing, s.textTransform, s.textIndent, s.textAlign, s.whiteSpace, s.cursor, s.opacity,
      s.visibility, s.pointerEvents, s.direction, s.writingMode, s.borderRadius, s.zoom, s.filter, s.userSelect, s.textShadow].join(" "); });
}"""
STYLES = {
    "unset": "* { all: unset !important }",
    "revert": "* { all: revert !important } *::before, *::after { content: 'x' !important }",
    "gone": "body > * { opacity: 0 !important; visibility: hidden !important; pointer-events: none !important; transform: scale(0) !important }",
    "none": "body > :not(main) { display: none !important }",
    "hidden": "body * { clip-path: inset(50%) !important; contain: strict !important; inset: auto !important; height: 0 !important; "
    "width: 0 !important; overflow: hidden !important; z-index: -1 !important; position: static !important }",
    "letters": "* { letter-spacing: 9px !important; word-spacing: 3em !important; text-transform: uppercase !important; text-indent: 50px !important; "
    "text-align: right !important; white-space: pre !important; line-height: 4 !important; text-shadow: 0 0 9px red !important; "
    "font-weight: 900 !important; font-style: italic !important; color: lime !important }",
    "turned": "body * { writing-mode: vertical-rl !important; zoom: 3 !important; filter: invert(1) !important; user-select: none !important; "
    "cursor: none !important; rotate: 20deg !important; scale: 2 !important; translate: 90px !important; animation: none !important; "
    "perspective: 9px !important; mix-blend-mode: difference !important; backdrop-filter: blur(9px) !important }",
    "variables": "* { " + " ".join(f"--{c}: red !important;" for c in "abcdefghijklmnopqrstuvwxyz")
    + " --back: red !important; --front: red !important; --accent: red !important; --radius: 99px !important }",
    "slow": "body * { transition: all 9s !important; animation: x 1s infinite !important } @keyframes x { to { opacity: 0; rotate: 1turn } }",
    "body": "body { font: 10px/3 cursive; width: 300px; margin: 99px; display: flex; gap: 40px }",
    "layers": "@layer reset { * { all: initial !important } }",
}  # fmt: skip


@pytest.fixture
def plain(page: Page, put: Put, ours: Ours) -> list[str]:
    """How the panel looks in a page without styles of its own."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(put("/plain-search", results()))
    page.get_by_role("button", name="Yes").wait_for()
    look: list[str] = page.evaluate(LOOK)
    return look


@pytest.mark.parametrize("kind", sorted(STYLES))
def test_styles_for_everything(kind: str, plain: list[str], page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results(), head=f"<style>{STYLES[kind]}</style>"))
    page.locator(PANEL).wait_for(state="attached")
    page.wait_for_timeout(100)
    assert page.evaluate(LOOK) == plain
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_label("What were you looking for?").fill("boots")
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Send").click()
    ours.wait_for("answer.given", 2)
    assert kept(page) == {}


# --- pages that throw out what they don't know

BOUNCER = """<script>
window.thrown = 0;
new MutationObserver(() => { for (const e of document.querySelectorAll("atbalss-panel")) { thrown++; e.remove(); } })
  .observe(document, {childList: true, subtree: true});
</script>"""


def test_a_panel_that_is_thrown_out_at_once(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results(), head=BOUNCER))
    page.wait_for_function("thrown")
    page.wait_for_timeout(1500)
    assert page.evaluate("thrown") == 1  # it doesn't try again and again
    page.keyboard.press("Escape")
    assert kept(page) == {}
    page.goto("about:blank")
    page.wait_for_timeout(300)
    assert ours.types(1) == ["search.performed"]  # nobody saw it, nobody closed it


@pytest.mark.parametrize(
    "how", ["document.querySelector('atbalss-panel').remove()", "document.body.innerHTML = ''"]
)
def test_a_panel_that_is_thrown_out_later(how: str, page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    ours.wait_for("question.shown")
    page.evaluate(how)
    page.keyboard.press("Escape")
    page.mouse.click(5, 5)
    page.wait_for_timeout(500)
    assert page.locator(PANEL).count() == 0
    page.goto("about:blank")
    page.wait_for_timeout(300)
    assert ours.types(2) == ["search.performed", "question.shown"]


def test_a_panel_that_is_moved_about(page: Page, put: Put, ours: Ours) -> None:
    """Some pages lift everything into a container of theirs."""
    page.goto(put("/thanks", order() + '<div id="app"></div>'))
    page.get_by_role("radio").first.wait_for()
    page.evaluate("document.getElementById('app').append(document.querySelector('atbalss-panel'))")
    page.get_by_role("radio", name="5 of 5 stars").click()
    ours.wait_for("answer.given")
    assert ours.types(2)[:2] == ["question.shown", "answer.given"]
    assert kept(page) == {}
