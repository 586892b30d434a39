"""Pages as they are found in the wild. On each: what arrived at the server, and that nothing else was sent or stored."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from widget_server.contract.texts import TEXTS

from . import chromium
from .conftest import Put, loaded, order, quiet, results, told
from .standin import BUILT, SITE_KEY, Ours, Reply, Request, Shop, question
from .traces import check_sent, kept

pytestmark = pytest.mark.browser

PANEL = "atbalss-panel"
TITLE = TEXTS["search-found"]["en"]["title"]


@pytest.fixture(autouse=True)
def nothing_odd_is_sent(ours: Ours) -> Iterator[None]:
    yield
    check_sent(ours)


def say_no(page: Page, words: str = "boots") -> None:
    """The whole answer: a tap, some words, and the button that sends them."""
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_label("What were you looking for?").fill(words)
    page.wait_for_timeout(600)  # a tap this soon after the first one counts as the same one
    page.get_by_role("button", name="Send").click()


WHOLE = ["search.performed", "question.shown", "answer.given", "answer.given"]


# --- policies


def reported(shop: Shop) -> list[Request]:
    return [r for r in shop.requests if r.path == "/reports"]


def test_the_strictest_policy_reports_nothing(page: Page, put: Put, ours: Ours, shop: Shop) -> None:
    """Not even the page's own origin is allowed anything; one violation is planted, to see that they are reported."""
    shop.pages["/reports"] = Reply(204)
    policy = (
        f"default-src 'none'; script-src {ours.url}; connect-src {ours.url}; "
        "require-trusted-types-for 'script'; trusted-types 'none'; report-uri /reports"
    )
    planted = '<p style="color: red">planted</p>'
    kinds = sorted(path.stem for path in (BUILT.parents[3] / "js_snippet/src/questions").glob("*.ts"))
    for kind in kinds:
        texts = {
            "en": {
                **TEXTS["search-found"]["en"],
                "title": f"A {kind}?",
                "option.a": "First",
                "option.b": "Second",
            }
        }
        options = {"options": ["a", "b"]} if kind.startswith("choice") else {}
        ours.questions = [
            {**question(f"a-{kind.replace('_', '-')}", kind, "search", **options), "texts": texts}
        ]
        page.goto(put(f"/{kind}", results() + planted, Content_Security_Policy=policy))
        panel = page.get_by_role("dialog", name=f"A {kind}?")
        panel.wait_for()
        assert (
            page.locator(".card").evaluate("e => getComputedStyle(e).position") == "relative"
        )  # so it has its looks
        if kind == "text":
            panel.get_by_role("textbox").fill("boots")
            page.wait_for_timeout(600)
            panel.get_by_role("button", name="Send").click()
        elif kind == "choices":
            panel.get_by_label("First").check()
            panel.get_by_role("button", name="Send").click()
        else:
            panel.locator("button:not(.close)").first.click()
        ours.wait(
            lambda kind=kind: [
                e for e in ours.events("answer.given") if e["question"].endswith(kind.replace("_", "-"))
            ]
        )
        assert kept(page) == {}
    shop.wait(lambda: len(reported(shop)) >= len(kinds))
    directives = Counter(
        json.loads(r.body)["csp-report"]["effective-directive"]
        for r in reported(shop)
    )
    assert directives == {"style-src-attr": len(kinds)}


def test_a_tag_with_its_hash(page: Page, put: Put, ours: Ours) -> None:
    integrity = json.loads((BUILT / "manifest.json").read_text())["integrity"]["widget.js"]
    page.goto(put("/search", results(), tag=f'integrity="{integrity}" crossorigin="anonymous"'))
    page.get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    assert ours.types(3) == ["search.performed", "question.shown", "answer.given"]
    assert kept(page) == {}


def test_a_file_that_is_not_the_one_of_the_hash_does_nothing(page: Page, put: Put, ours: Ours) -> None:
    other = "sha384-" + "A" * 64
    with page.expect_console_message(lambda message: "integrity" in message.text):
        page.goto(put("/search", results(), tag=f'integrity="{other}" crossorigin="anonymous"'))
    page.wait_for_load_state("networkidle")
    assert [r.path for r in ours.requests] == ["/widget.js"]


# --- frames


def test_a_theme_editor_shows_the_shop_in_a_sandbox(page: Page, put: Put, ours: Ours, shop: Shop) -> None:
    put("/search", results())
    frame = '<iframe sandbox="allow-scripts" src="/search" width="700" height="600"></iframe>'
    shop.pages["/editor"] = Reply(200, f"<!doctype html><title>Editor</title>{frame}")
    page.goto(shop.url + "/editor")
    inner = page.frame_locator("iframe")
    inner.get_by_role("button", name="Yes").click()
    (answer,) = ours.wait_for("answer.given")
    assert answer["value"] == "yes"
    assert {r.headers["Origin"] for r in ours.posts()} == {"null"}
    assert ours.types(3) == ["search.performed", "question.shown", "answer.given"]
    assert page.locator(PANEL).count() == 0
    assert kept(page) == kept(page.frames[1]) == {}


def test_a_preview_beside_its_editor(page: Page, put: Put, ours: Ours) -> None:
    """Both have the tag; they are two pages."""
    put("/search", results())
    page.goto(put("/editor", '<iframe src="/search" width="700" height="600"></iframe>'))
    page.frame_locator("iframe").get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    assert ours.types(3) == ["search.performed", "question.shown", "answer.given"]
    assert page.locator(f"body > {PANEL}").count() == 0
    assert kept(page) == kept(page.frames[1]) == {}


@pytest.mark.parametrize("how", ["display: none", "width: 0; height: 0; border: 0"])
def test_a_frame_that_nobody_sees_asks_nobody(how: str, page: Page, put: Put, ours: Ours) -> None:
    put("/search", results())
    page.goto(put("/front", f'<iframe src="/search" style="{how}"></iframe>'))
    ours.wait(lambda: [r for r in ours.requests if r.query.get("placement") == ["search"]])
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    page.goto("about:blank")
    page.wait_for_timeout(300)
    assert not ours.events("question.shown")


# --- screens


def test_the_smallest_phone(browser: Browser, put: Put, ours: Ours) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 568}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(put("/search", results() + "<p>text</p>" * 60))
    page.get_by_role("button", name="No", exact=True).tap()
    page.get_by_label("What were you looking for?").fill("boots")
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Send").tap()
    ours.wait_for("answer.given", 2)
    assert ours.types(4) == WHOLE
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate("scrollY") == 0
    assert kept(page) == {}
    context.close()


@pytest.mark.parametrize("kind", ["yes_no", "nps"])
def test_four_hundred_per_cent(kind: str, browser: Browser, put: Put, ours: Ours) -> None:
    """A window of 1280 x 800 holds 320 x 200 then. Everything can be reached, the page behind it too."""
    if kind == "nps":
        texts = TEXTS["order-rating"]
        ours.questions = [{**question("search-found", kind, "search", follow_up="always"), "texts": texts}]
    context = browser.new_context(viewport={"width": 320, "height": 200}, device_scale_factor=4)
    page = context.new_page()
    page.goto(put("/search", results() + "<p>text</p>" * 60))
    card = page.get_by_role("dialog")
    (
        card.get_by_role("radio").nth(9)
        if kind == "nps"
        else card.get_by_role("button", name="No", exact=True)
    ).click()
    card.get_by_role("textbox").fill("boots")
    box = page.locator(PANEL).bounding_box()
    assert box is not None
    assert (
        box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= 320 and box["y"] + box["height"] <= 200
    )
    page.wait_for_timeout(600)
    card.get_by_role("button", name="Send").click()
    assert ours.wait_for("answer.given", 2)[1]["text"] == "boots"
    assert ours.types(4) == WHOLE
    context.close()


def test_four_hundred_per_cent_and_no_thanks(browser: Browser, put: Put, ours: Ours) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 200}, device_scale_factor=4)
    page = context.new_page()
    page.goto(put("/search", results()))
    page.get_by_role("dialog").locator(".close").click()
    ours.wait_for("question.dismissed")
    expect(page.locator(PANEL)).to_have_count(0)
    assert ours.types(3) == ["search.performed", "question.shown", "question.dismissed"]
    assert kept(page) == {}
    context.close()


def test_from_right_to_left(page: Page, put: Put, ours: Ours) -> None:
    """In a language that we don't speak: asked in English, on the side where the page's lines end."""
    address = put(
        "/search", results("حذاء", 3), lang="ar", head="<script>document.documentElement.dir = 'rtl'</script>"
    )
    page.goto(address)
    expect(page.get_by_role("dialog", name=TITLE)).to_be_visible()
    box = page.locator(PANEL).bounding_box()
    assert box is not None and box["x"] == 24
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    say_no(page, "حذاء أحمر")
    assert ours.wait_for("answer.given", 2)[1]["text"] == "حذاء أحمر"
    assert ours.types(4) == WHOLE
    assert ours.events()[0]["search"]["query"] == "حذاء"
    assert kept(page) == {}


# --- documents


def test_a_theme_that_says_nothing(page: Page, put: Put, ours: Ours) -> None:
    """The front page of a shop with a search field, prices, and products, in no known markup."""
    body = '<form action="/find"><input name="q" placeholder="Search"></form><div>57 products</div><a href="/p">Boots 38</a>'
    page.goto(put("/", body, address="?utm_source=mail&email=anna%40shop.example"))
    page.wait_for_function("window.atbalss && atbalss.live")
    quiet(page, ours)
    page.goto("about:blank")
    asked = [r.query for r in ours.requests if r.path != "/widget.js"]
    assert asked == [{"lang": ["en"], "placement": ["page"]}]
    assert not ours.events()


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="{src}" data-shop="{shop}"></script>',
        '<script defer src="{src}" data-shop="{shop}"></script>',
        '<script type="module" src="{src}" data-shop="{shop}"></script>',
        '<script>document.write(\'<script src="{src}" data-shop="{shop}"><\\/script>\')</script>',
        (
            "<script>addEventListener('load', () => {{ const s = document.createElement('script'); s.src = '{src}';"
            " s.dataset.shop = '{shop}'; document.body.append(s); s.remove(); }})</script>"
        ),
    ],
    ids=["blocking", "defer", "module", "document.write", "by a tag manager that tidies up"],
)
def test_however_the_tag_comes_into_the_page(tag: str, page: Page, ours: Ours, shop: Shop) -> None:
    script = tag.format(src=f"{ours.url}/widget.js", shop=SITE_KEY)
    shop.pages["/search"] = Reply(
        200, f'<!doctype html><html lang="en"><head>{script}</head><body>{results()}</body></html>'
    )
    page.goto(shop.url + "/search")
    page.get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    assert ours.types(3) == ["search.performed", "question.shown", "answer.given"]
    assert kept(page) == {}


DOCUMENTS = {
    "quirks": ("text/html", "<html lang=en><head>{tag}</head><body>{body}</body>"),
    "no head, no body": ("text/html", "<!doctype html><title>Shop</title>{tag}{body}"),
    "xhtml": (
        "application/xhtml+xml",
        (
            '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml" lang="en"><head><title>Shop</title>{tag}</head>'
            "<body>{body}</body></html>"
        ),
    ),
    "another base": (
        "text/html",
        '<!doctype html><html lang=en><head><base href="http://elsewhere.invalid/x/">{tag}</head><body>{body}</body>',
    ),
    "frames of 1998 around it": (
        "text/html",
        "<html><frameset cols=100%><frame src=/inner></frameset></html>",
    ),
}


@pytest.mark.parametrize("kind", sorted(DOCUMENTS))
def test_kinds_of_documents(kind: str, page: Page, ours: Ours, shop: Shop) -> None:
    tag = f'<script src="{ours.url}/widget.js" data-shop="{SITE_KEY}"></script>'
    mime, text = DOCUMENTS[kind]
    headers = {"Content-Type": f"{mime}; charset=utf-8"}
    shop.pages["/search"] = Reply(200, text.format(tag=tag, body=results()), headers)
    shop.pages["/inner"] = Reply(200, f"<html lang=en><head>{tag}</head><body>{results()}</body></html>")
    page.goto(shop.url + "/search")
    place: Any = page if len(page.frames) == 1 else page.frames[1]
    place.get_by_role("button", name="No", exact=True).click()
    place.get_by_role("textbox").fill("boots & <hats>")
    page.wait_for_timeout(600)
    place.get_by_role("button", name="Send").click()
    assert ours.wait_for("answer.given", 2)[1]["text"] == "boots & <hats>"
    assert ours.types(4) == WHOLE
    assert kept(place) == {}


@pytest.mark.parametrize("kind", ["a frameset", "a drawing", "a document without body"])
def test_documents_in_which_nothing_can_be_shown(kind: str, page: Page, ours: Ours, shop: Shop) -> None:
    push = "window.atbalss = [{search: {query: 'boots', results: 3}}];"
    late = f"const s = document.createElement('script'); s.src = '{ours.url}/widget.js'; s.dataset.shop = '{SITE_KEY}';"
    html = {
        "a frameset": f"<html lang=en><head><script>{push}{late} document.head.append(s)</script></head><frameset></frameset></html>",
        "a drawing": f'<svg xmlns="http://www.w3.org/2000/svg"><script>{push}</script>'
        f'<script href="{ours.url}/widget.js" data-shop="{SITE_KEY}"/></svg>',
        "a document without body": f"<!doctype html><html lang=en><head><script>{push}{late} document.head.append(s);"
        " document.body?.remove(); addEventListener('DOMContentLoaded', () => document.body?.remove())</script></head></html>",
    }[kind]
    mime = "image/svg+xml" if kind == "a drawing" else "text/html"
    shop.pages["/"] = Reply(200, html, {"Content-Type": mime})
    page.goto(shop.url + "/")
    ours.wait(lambda: [r for r in ours.requests if r.path == "/widget.js"])
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    page.goto("about:blank")
    page.wait_for_timeout(200)
    assert not ours.events("question.shown")


def test_a_page_that_writes_itself_anew(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    ours.wait_for("question.shown")
    page.evaluate(
        "document.open(), document.write('<!doctype html><title>New</title><h1>New</h1>'), document.close()"
    )
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    assert page.locator(PANEL).count() == 0
    page.goto("about:blank")
    page.wait_for_timeout(200)
    assert ours.types(2) == ["search.performed", "question.shown"]


OLD_GLOBALS = {
    "an element": '<div id="atbalss">our logo</div>',
    "two elements": '<a name="atbalss"></a><form name="atbalss"></form>',
    "a function": "<script>window.atbalss = function () { return 1; }</script>",
    "a string": "<script>window.atbalss = 'theirs'</script>",
    "null": "<script>window.atbalss = null</script>",
    "a queue of odd things": "<script>window.atbalss = [null, undefined, 5, 'x', {search: null}, {order: 5}, [], {search: {}}, {event: {}}]</script>",
    "a constant": "<script>const atbalss = 5;</script>",
    "frozen": "<script>window.atbalss = Object.freeze({push: 1})</script>",
}
KEPT_FROM_US = {
    "not to be read": "<script>Object.defineProperty(window, 'atbalss', {get() { throw new Error('theirs'); }})</script>",
    "somebody else's, at work": "<script>window.atbalss = {live: true, push() {}}</script>",
}


@pytest.mark.parametrize("kind", sorted(OLD_GLOBALS))
def test_the_name_is_taken(kind: str, page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results(), head=OLD_GLOBALS[kind]))
    page.get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    assert ours.types(3) == ["search.performed", "question.shown", "answer.given"]
    assert ours.events()[0]["search"].items() >= {"query": "zābaki", "results": 12}.items()
    assert kept(page) == {}


@pytest.mark.parametrize("kind", sorted(KEPT_FROM_US))
def test_the_name_is_kept_from_us(kind: str, page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results(), head=KEPT_FROM_US[kind]))
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    assert page.locator(PANEL).count() == 0
    page.goto("about:blank")
    assert [r.path for r in ours.requests] == ["/widget.js"]


# --- networks


def test_slow_third_generation(context: BrowserContext, put: Put, ours: Ours) -> None:
    page = context.new_page()
    slow = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
    context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    page.goto(put("/search", results()))
    say_no(page)
    ours.wait_for("answer.given", 2)
    assert ours.types(4) == WHOLE
    assert len(ours.posts()) <= 4  # nothing was sent twice for want of patience
    assert kept(page) == {}


@pytest.mark.parametrize("what", ["/widget.js", "/ask", "/widget/"])
def test_a_server_that_hangs_holds_up_nobody(what: str, page: Page, put: Put, ours: Ours) -> None:
    gate, answer = threading.Event(), ours.answer

    def hang(request: Request) -> Reply:
        if what in request.path:
            gate.wait(30)
        return answer(request)

    ours.answer = hang  # type: ignore[method-assign]
    try:
        page.goto(
            put("/search", results() + "<button onclick='this.remove()'>Buy</button>"),
            wait_until="domcontentloaded",
        )
        page.get_by_role("button", name="Buy").click()
        expect(page.get_by_role("button", name="Buy")).to_have_count(0)
        if what == "/widget.js":
            assert page.evaluate("document.readyState") == "interactive"
        else:
            page.wait_for_load_state("load")
        assert page.locator(PANEL).count() == 0
    finally:
        gate.set()
    page.get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    assert ours.types(3) == ["search.performed", "question.shown", "answer.given"]
    assert kept(page) == {}


def test_offline_in_the_middle(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    page.get_by_role("button", name="No", exact=True).click()
    ours.wait_for("answer.given")
    told(page, ours)  # else the tap is told twice
    page.get_by_label("What were you looking for?").fill("boots")
    page.context.set_offline(True)
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text(TEXTS["search-found"]["en"]["thanks"]).first).to_be_visible()
    page.context.set_offline(False)
    ours.wait_for("answer.given", 2)
    assert ours.types(4) == WHOLE
    ids = Counter(e["id"] for r in ours.posts() for e in r.json["events"])
    assert max(ids.values()) == 1  # what failed offline never arrived, so nothing came twice
    assert kept(page) == {}


def test_offline_before_the_panel(page: Page, put: Put, ours: Ours) -> None:
    page.add_init_script("window.rejected = 0; addEventListener('unhandledrejection', () => rejected++)")
    ours.questions = [question("search-found", "yes_no", "search", selector="#due")]
    page.goto(put("/search", results()))
    ours.wait_for("search.performed")
    loaded(page, "triggers")  # so everything is here that waits for the moment
    page.context.set_offline(True)
    page.evaluate("document.body.append(Object.assign(document.createElement('i'), {id: 'due'}))")
    page.wait_for_timeout(500)
    assert page.locator(PANEL).count() == 0
    page.context.set_offline(False)
    page.wait_for_timeout(300)
    assert page.evaluate("rejected") == 0
    ours.questions = [question("search-found", "yes_no", "search")]
    page.goto(put("/other", results("hats", 3)))
    page.get_by_role("button", name="Yes").click()
    assert ours.wait_for("answer.given")[0]["search"]["query"] == "hats"
    assert kept(page) == {}


CLOSE_ALL = """async (count) => {
  const windows = [];
  for (let i = 0; i < count; i++) windows.push(open("/search", "", "popup,width=800,height=600"));
  const yes = (w) => [...(w.document.querySelector("atbalss-panel")?.shadowRoot.querySelectorAll("button") || [])]
    .find((b) => b.textContent.trim() === "Yes");
  for (let i = 0; i < 300 && !windows.every(yes); i++) await new Promise((done) => setTimeout(done, 50));
  windows.forEach((w, i) => { yes(w).click(); if (i % 2) w.close(); else w.location.href = "about:blank"; });
  for (const w of windows) w.close();
}"""


def test_fifty_closed_in_the_same_tick_as_the_tap(page: Page, put: Put, ours: Ours) -> None:
    """Half of them closed, half of them left for another page."""
    put("/search", results())
    page.goto(put("/front"))
    for done in range(10, 60, 10):
        page.evaluate(CLOSE_ALL, 10)
        ours.wait_for("answer.given", done)
    page.wait_for_timeout(500)
    answers = ours.events("answer.given")
    assert len(answers) == len({a["answer"] for a in answers}) == 50
    assert {a["answer"] for a in answers} == {e["answer"] for e in ours.events("question.shown")}
    # What was under way when its page was hidden, and gone, is sent again, unchanged: nobody could say if it arrived.
    times = Counter(e["id"] for r in ours.posts() for e in r.json["events"])
    assert max(times.values()) <= 3
    copies = [json.dumps(e) for r in ours.posts() for e in r.json["events"]]
    assert len(set(copies)) == len(times)
    assert kept(page) == {}


# --- storage

BLOCKED = """for (const [owner, names] of [[window, ["localStorage", "sessionStorage", "indexedDB", "caches", "cookieStore"]], [document, ["cookie"]]])
  for (const name of names) {
    const get = () => { throw new DOMException("blocked", "SecurityError"); };
    Object.defineProperty(owner, name, { get, set: get, configurable: true });
  }"""


@pytest.mark.parametrize(
    "told", ["", "<script>(window.atbalss = window.atbalss || []).push({consent: true})</script>"]
)
def test_storage_is_blocked(told: str, page: Page, put: Put, ours: Ours) -> None:
    page.add_init_script(BLOCKED)
    page.goto(put("/search", results(), head=told))
    say_no(page)
    ours.wait_for("answer.given", 2)
    assert ours.types(4) == WHOLE


# --- pages that change


@pytest.mark.parametrize("kind", ["banner", "dialog", "typing"])
def test_nothing_is_kept_of_a_question_that_waits(kind: str, page: Page, put: Put, ours: Ours) -> None:
    what = {
        "banner": '<div style="position: fixed; inset: auto 0 0; height: 300px; background: #ddd">Cookies?</div>',
        "dialog": "<dialog id=d>Sale!</dialog><script>d.showModal()</script>",
        "typing": '<input name="q" aria-label="Search" autofocus>',
    }[kind]
    page.goto(put("/search", results() + what))
    loaded(page, "found")
    quiet(page, ours)
    assert kept(page) == {}
    page.goto("about:blank")
    (skipped,) = ours.wait_for("question.skipped")
    assert skipped["reason"] == {"banner": "covered"}.get(kind, kind)
    assert ours.types(2) == ["search.performed", "question.skipped"]


def test_a_page_that_changes_its_address_a_hundred_times(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/plain"))
    page.wait_for_function("window.atbalss && atbalss.live")
    page.evaluate(
        "for (let i = 0; i < 100; i++) history.pushState(null, '', '/step/' + i + '?q=' + i);"
        "history.pushState(null, '', '/search?q=boots')"
    )
    (searched,) = ours.wait_for("search.performed")
    assert searched["search"]["query"] == "boots"
    page.get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    assert ours.types(3) == ["search.performed", "question.shown", "answer.given"]
    assert len([r for r in ours.requests if r.path.endswith("/ask")]) == 2  # of the first page and the last
    assert kept(page) == {}


def test_a_page_that_changes_by_a_view_transition(page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    ours.wait_for("question.shown")
    page.evaluate(
        """async () => { await document.startViewTransition(() => {
        history.pushState(null, "", "/boots/red"); document.querySelector("main").innerHTML = "<h1>Red boots</h1>"; }).finished; }"""
    )
    assert page.locator(PANEL).count() == 0
    page.evaluate("document.querySelector('main').innerHTML = '<h1>Hats</h1>'")
    page.keyboard.press("Escape")
    page.goto("about:blank")
    page.wait_for_timeout(200)
    assert ours.types(2) == ["search.performed", "question.shown"]


def test_an_order_in_a_frozen_realm(page: Page, put: Put, ours: Ours) -> None:
    """As hardened pages have it: everything that the language brings is frozen before any other script runs."""
    page.add_init_script(
        """for (const name of Object.getOwnPropertyNames(globalThis)) {
          let it; try { it = globalThis[name]; } catch { continue; }
          if (typeof it === "function" && it.prototype && !/^(Window|HTML|SVG)/.test(name)) { Object.freeze(it.prototype); Object.freeze(it); }
        }
        for (const it of [JSON, Math, Reflect, Intl]) Object.freeze(it);"""
    )
    page.goto(put("/thanks", order()))
    page.get_by_role("radio", name="5 of 5 stars").click()
    ours.wait_for("answer.given")
    assert ours.types(2)[:2] == ["question.shown", "answer.given"]
    assert kept(page) == {}


# --- pages that come back


@pytest.fixture
def remembering(browser: Browser) -> Iterator[Page]:
    """A page of a browser that keeps pages as they are, to go back to."""
    other = browser.browser_type.launch(
        executable_path=chromium.find(),
        args=chromium.arguments(),
        ignore_default_args=["--disable-back-forward-cache"],
    )
    page = other.new_page(locale="en-GB", viewport={"width": 1280, "height": 800})
    page.add_init_script(
        "window.back = 0; addEventListener('pageshow', (event) => { back += event.persisted; })"
    )
    yield page
    other.close()


def test_back_to_a_page_that_was_kept(remembering: Page, put: Put, ours: Ours) -> None:
    """The question stands there as it did; what is said now counts, and nothing is told twice."""
    page = remembering
    put("/elsewhere")
    page.goto(put("/search", results() + '<a href="/elsewhere">Elsewhere</a>'))
    page.get_by_role("button", name="No", exact=True).click()
    ours.wait_for("answer.given")
    told(page, ours)
    page.get_by_label("What were you looking for?").wait_for()
    page.get_by_role("link", name="Elsewhere").click()
    page.wait_for_url("**/elsewhere")
    page.evaluate("history.back()")
    page.wait_for_function("window.back === 1")  # so nothing of ours keeps a page from being kept
    page.get_by_label("What were you looking for?").fill("boots")
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Send").click()
    ours.wait_for("answer.given", 2)
    assert ours.types(4) == WHOLE
    assert len({e["answer"] for e in ours.events() if "answer" in e}) == 1


def test_back_to_a_page_that_had_not_asked_yet(remembering: Page, put: Put, ours: Ours) -> None:
    ours.questions = [question("search-found", "yes_no", "search", delay=1)]
    page = remembering
    put("/elsewhere")
    page.goto(put("/search", results() + '<a href="/elsewhere">Elsewhere</a>'))
    ours.wait(lambda: [r for r in ours.requests if r.path.endswith("/ask")])
    page.get_by_role("link", name="Elsewhere").click()
    page.wait_for_url("**/elsewhere")
    page.evaluate("history.back()")
    page.wait_for_function("window.back === 1")
    page.get_by_role("button", name="Yes").click()
    ours.wait_for("answer.given")
    assert ours.types(3) == ["search.performed", "question.shown", "answer.given"]
