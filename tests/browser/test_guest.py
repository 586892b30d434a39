"""The snippet is a guest in the page: it leaves nothing behind, breaks no rule of the house, and stands a hostile one."""

import pytest
from playwright.sync_api import Browser, Page

from .conftest import MOVED, WATCH, Put, goes, order, results
from .standin import Ours, Shop

pytestmark = pytest.mark.browser

SPOIL = """<script>
for (const name of Object.getOwnPropertyNames(Array.prototype))
  if (typeof Array.prototype[name] === "function" && name !== "constructor")
    Array.prototype[name] = () => { throw new Error("the page's own " + name); };
Array.prototype[Symbol.iterator] = () => { throw new Error("the page's own iterator"); };
Array.prototype.toJSON = Object.prototype.toJSON = String.prototype.toJSON = () => "spoilt";
Object.prototype.odd = "from the page";
Array.prototype.extra = Object.prototype.extra = function () {};
JSON.parse = JSON.stringify = () => { throw new Error("the page's own JSON"); };
Element.prototype.attachEvent = crypto.randomUUID = undefined;
</script>"""

UGLY = """<style>
body, body * { color: red !important; font-size: 40px !important; display: inline !important; position: static !important;
    background: lime !important; transform: rotate(3deg) !important; opacity: 0.5 !important; }
button, textarea, div, p { padding: 50px !important; border: 9px solid blue !important; }
</style>"""


def test_a_strict_policy_with_trusted_types_is_kept(page: Page, put: Put, ours: Ours) -> None:
    policy = (
        f"default-src 'none'; script-src 'self' {ours.url}; connect-src {ours.url}; style-src 'self'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    page.add_init_script(
        "window.broken = []; document.addEventListener('securitypolicyviolation', "
        "(e) => broken.push(e.violatedDirective + ' ' + e.blockedURI))"
    )
    page.goto(put("/search", results(), Content_Security_Policy=policy))
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_label("What were you looking for?").fill("boots")
    card = page.locator(".card")
    assert card.evaluate("e => getComputedStyle(e).borderRadius") == "18px"  # so the style sheet was taken
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Send").click()
    ours.wait_for("answer.given", 2)
    assert page.evaluate("broken") == []


def test_a_page_that_spoilt_its_own_objects(page: Page, put: Put, ours: Ours) -> None:
    block = '<script type="application/json" data-atbalss>{"search": {"query": "boots", "results": 3}}</script>'
    page.goto(put("/found", block, head=SPOIL))
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_label("What were you looking for?").fill("boots")
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Send").click()
    answers = ours.wait_for("answer.given", 2)
    assert [a.get("value", a.get("text")) for a in answers] == ["no", "boots"]
    assert answers[0]["search"].items() >= {"query": "boots", "results": 3}.items()
    page.goto(put("/thanks", order(), head=SPOIL))
    page.get_by_role("radio", name="3 of 5 stars").click()
    assert ours.wait_for("answer.given", 3)[2]["value"] == 3


def test_styles_of_the_page_stay_outside(page: Page, put: Put) -> None:
    look = """() => { const card = document.querySelector("atbalss-panel").shadowRoot.querySelector(".card");
        const box = card.getBoundingClientRect(), style = getComputedStyle(card);
        return [box.width, box.height, box.right, box.bottom, style.color, style.backgroundColor]
          .map((x) => (typeof x === "number" ? Math.round(x) : x)); }"""
    page.emulate_media(reduced_motion="reduce")
    page.goto(put("/search", results()))
    page.get_by_role("button", name="Yes").wait_for()
    plain = page.evaluate(look)
    page.goto(put("/search", results(), head=UGLY))
    page.get_by_role("button", name="Yes").wait_for()
    assert page.evaluate(look) == plain


def test_one_global_and_nothing_else_is_left(browser: Browser, put: Put, ours: Ours, shop: Shop) -> None:
    def globals_of(page: Page) -> set[str]:
        return set(page.evaluate("Object.getOwnPropertyNames(window)"))

    context = browser.new_context()
    page = context.new_page()
    address = put("/plain")
    shop.pages["/plain"].body = str(shop.pages["/plain"].body).replace("<script async", "<script type=off")
    page.goto(address)
    before = globals_of(page)

    page.goto(put("/search", results()))
    page.get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    goes(page)
    assert globals_of(page) - before == {"atbalss"}
    assert context.cookies() == []
    kept = "async () => [localStorage.length, sessionStorage.length, (await indexedDB.databases()).length, (await caches.keys()).length]"
    assert page.evaluate(kept) == [0, 0, 0, 0]
    assert page.evaluate("document.querySelectorAll('head style, head link, body > :not(main)').length") == 0
    context.close()


def test_nothing_in_the_page_moves(page: Page, put: Put) -> None:
    page.add_init_script(WATCH)
    page.goto(put("/search", results() + "<p>text</p>" * 60))
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_label("What were you looking for?").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(MOVED) == 0


def test_the_keys_of_the_page_do_not_act_on_what_is_typed_in_the_panel(page: Page, put: Put) -> None:
    keys = "<script>window.keys = []; addEventListener('keydown', (e) => keys.push(e.key))</script>"
    page.goto(put("/search", results() + keys))
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_label("What were you looking for?").press_sequentially("/s?")
    assert page.evaluate("keys") == []


def test_a_server_that_is_away_is_not_noticed(page: Page, put: Put, ours: Ours) -> None:
    page.route(f"{ours.url}/v1/**", lambda route: route.abort())
    page.add_init_script("window.rejected = 0; addEventListener('unhandledrejection', () => rejected++)")
    page.goto(put("/search", results()))
    page.wait_for_load_state("networkidle")
    page.route(f"{ours.url}/widget/panel*", lambda route: route.abort())
    page.unroute(f"{ours.url}/v1/**")
    page.goto(put("/search", results()))
    page.wait_for_load_state("networkidle")
    assert page.locator("atbalss-panel").count() == 0
    assert page.evaluate("rejected") == 0  # errors of the page fail the test too
