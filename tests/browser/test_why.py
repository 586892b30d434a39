"""`?atbalss_why=1` names the true reason: one page per reason, the real server, and nothing of the decision stubbed.

Only two reasons are met with a server in place of ours, since the real one never gives them cause: a question of a type that
the snippet doesn't know (`unsupported`), because the real one refuses to save it; and what only concerns the box itself.
"""

import json
import re
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.running import Program, get, run
from tests.servers import wait_for
from widget_server.contract.texts import TEXTS

from .conftest import Put, order, results
from .connected import Connected
from .standin import Ours, Reply, Shop, question

pytestmark = pytest.mark.browser

BOX = "atbalss-why"
PANEL = "atbalss-panel"
ASKED_WHY = "?atbalss_why=1"
REASONS_TS = Path(__file__).parents[2] / "js_snippet/src/reasons.ts"
AXE = Path(__file__).parents[2] / "js_snippet/node_modules/axe-core/axe.min.js"
CONSENT = "<script>window.atbalss = window.atbalss || []; atbalss.push({consent: true})</script>"
TALL = '<div style="height: 4000px">much to read</div>'


# --- a shop with a question for each reason


@dataclass(frozen=True)
class Situation:
    """A page on which the question of the same name has this fate. `act` is what happens on the page before."""

    reason: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    body: str = ""
    placement: str = "page"
    path: str = ""
    paused: bool = False
    act: Callable[[Page], object] = lambda page: None
    says: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.reason.replace("_", "-"))
        object.__setattr__(self, "path", self.path or f"/why/{self.name}")

    def made(self) -> dict[str, Any]:
        """As the owner makes it."""
        settings = {"delay": 0, "where": [{"is": self.path}], **self.settings}
        return a_question(self.name, self.placement, settings, paused=self.paused)


def a_question(name: str, placement: str, settings: dict[str, Any], **more: Any) -> dict[str, Any]:
    texts = {"en": {"title": f"The question {name}?"}}
    return {
        "name": name,
        "type": "yes_no",
        "placement": placement,
        "settings": settings,
        "texts": texts,
        **more,
    }


def put_into_background(page: Page) -> None:
    """A headless browser shows every tab, so the tab is told here that it is hidden; then the awaited event comes."""
    page.wait_for_function(
        "document.querySelector('atbalss-why')?.shadowRoot.querySelector('[data-reason=waiting_event]')"
    )
    page.evaluate(
        """() => { Object.defineProperty(document, "hidden", {value: true, configurable: true});
        document.dispatchEvent(new Event("visibilitychange")); atbalss.push({event: "ready"}); }"""
    )


SITUATIONS = (
    Situation("paused", paused=True, says="is paused"),
    Situation("unscheduled", {"starts": "2099-01-01T00:00:00Z"}, says="has not begun yet"),
    Situation(
        "url",
        {"where": [{"contains": "/elsewhere"}, {"is": "/why", "not": True}]},
        says="contains /elsewhere, not is /why",
    ),
    Situation("results", {"results": "none"}, results(count=12), "search", says="the search found nothing"),
    Situation("selector", {"selector": "#coupon"}, says="#coupon"),
    Situation("inline_missing", {"inline": "#beside-the-price"}, says="#beside-the-price"),
    Situation(
        "inline_room", {"inline": "#note"}, '<div id="note"></div><p>Right below it.</p>', says="would move"
    ),
    Situation("waiting_delay", {"delay": 600}, says="600 s"),
    Situation("waiting_scroll", {"trigger": "scroll", "scroll": 70}, TALL, says="70 %"),
    Situation("waiting_exit", {"trigger": "exit"}, says="about to leave"),
    Situation("waiting_idle", {"trigger": "idle", "idle": 300}, says="300 s"),
    Situation(
        "waiting_event",
        {"trigger": "event", "event": "basket-opened"},
        says='atbalss.push({event: "basket-opened"})',
    ),
    Situation("checkout", path="/checkout/address", says="pay on this page"),
    Situation(
        "hidden", {"trigger": "event", "event": "ready"}, act=put_into_background, says="in the background"
    ),
    Situation("typing", body='<input aria-label="Name" autofocus>', says="has the focus"),
    Situation(
        "dialog",
        body="<dialog id=d>Sale! <button>Look</button></dialog><script>d.showModal()</script>",
        says="A window of the shop is open",
    ),
    Situation(
        "covered",
        body='<div style="position: fixed; inset: auto 0 0; height: 200px; background: #ddd">We use cookies.</div>',
        says="such as a cookie notice",
    ),
    Situation("another", {"delay": 1}, says="Another question came first"),
    Situation("another", path="/why/at-once", name="second", says="Another question came first"),
    Situation("shown", says="was shown"),
)
BESIDES = (
    # Came before the one of the situation "another".
    a_question("first", "page", {"delay": 0, "where": [{"is": "/why/another"}, {"is": "/why/at-once"}]}),
    a_question("sampled", "page", {"delay": 0, "sample": 1, "where": [{"like": "/why/sampled/*"}]}),
    a_question("asked", "page", {"delay": 0, "where": [{"is": "/why/asked"}]}),
    a_question("lately", "page", {"delay": 0, "where": [{"like": "/why/lately/*"}]}),
    a_question("cap", "page", {"delay": 0, "most": 1, "where": [{"is": "/why/cap"}]}),
    a_question("wave", "page", {"delay": 0, "every_days": 90, "where": [{"is": "/why/wave"}]}),
    a_question("cooldown", "page", {"delay": 0, "cooldown_hours": 5, "where": [{"is": "/why/cooldown"}]}),
    a_question("cooldown-all", "page", {"delay": 0, "where": [{"is": "/why/cooldown-all"}]}),
    a_question("answered", "page", {"delay": 0, "where": [{"is": "/why/answered"}]}),
    a_question("live", "page", {"trigger": "event", "event": "go", "delay": 1.5, "where": [{"is": "/why/live"}]}),
)  # fmt: skip


class Live(Connected):
    """The real server with that shop, and a place for the shop's pages."""

    def put(self, path: str, body: str = "", *, head: str = "", key: str = "", **headers: str) -> str:
        """The address of a page with the snippet, opened to be told why."""
        script = (
            f'<script async src="{self.url}/widget.js" data-shop="{key or self.made["site_key"]}"></script>'
        )
        html = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>{head}{script}</head>'
            f"<body><main><h1>Shop</h1>{body}</main></body></html>"
        )
        self.shop.pages[path] = Reply(
            200, html, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        return self.shop.url + path + ASKED_WHY

    def add(self, question: Mapping[str, Any]) -> None:
        request = urllib.request.Request(
            f"{self.url}/v1/questions", json.dumps(question).encode(), method="POST",
            headers={"Authorization": f"Bearer {self.made['api_key']}", "Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=10) as reply:
            assert reply.status == 201


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    data_dir: Path = tmp_path_factory.mktemp("why") / "data"
    program = Program(data_dir, "up", "--port", "0").wait_until_ready()
    shop = Shop()
    try:
        added = run(data_dir, "shop", "add", "Stūra veikals", "--domain", "127.0.0.1", "--json")
        assert added.returncode == 0, added.stderr
        live = Live(program.url, json.loads(added.stdout), shop)
        for one in (*(situation.made() for situation in SITUATIONS), *BESIDES):
            live.add(one)
        yield live
    finally:
        shop.stop()
        program.kill()


def row(page: Page, name: str) -> Locator:
    """What the box says of a question."""
    return page.locator(f'{BOX} article[data-question="{name}"]')


def told(page: Page) -> dict[str, Any]:
    report = page.evaluate("atbalss.why()")
    assert isinstance(report, dict)
    return report


def says(page: Page, name: str, reason: str, words: str = "") -> None:
    """The box and the data name this reason for the question, with the same sentence."""
    expect(row(page, name)).to_have_attribute("data-reason", reason)
    (about,) = [q for q in told(page)["questions"] if q["question"] == name]
    assert about["reason"] == reason
    assert words in about["sentence"]
    expect(row(page, name).locator("> p")).to_have_text(about["sentence"].replace("`", ""))


def says_of_page(page: Page, reason: str, words: str) -> None:
    """The same for a reason that holds for the whole page."""
    line = page.locator(f"{BOX} .page")
    expect(line).to_have_attribute("data-reason", reason)
    about = told(page)["page"]
    assert about["reason"] == reason
    assert words in about["sentence"]
    expect(line).to_have_text(about["sentence"].replace("`", ""))


# --- the true reason


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_the_box_names_the_true_reason(situation: Situation, live: Live, page: Page) -> None:
    page.goto(live.put(situation.path, situation.body))
    situation.act(page)
    says(page, situation.name, situation.reason, situation.says)
    is_on_page = page.locator(PANEL).count() == 1
    assert is_on_page == (situation.reason in ("shown", "another"))


def test_placement(live: Live, page: Page) -> None:
    page.goto(live.put("/why/placement"))
    says(page, "order-rating", "placement", "order confirmation")
    says(page, "search-found", "placement", "search results")


def test_no_page(live: Live, page: Page) -> None:
    page.goto(live.put("/nothing-here"))
    says_of_page(page, "no_page", "None of the shop's questions")


def test_refused_because_the_page_is_not_the_shops(live: Live, page: Page) -> None:
    page.goto(live.put("/why/refused", results()).replace("127.0.0.1", "localhost"))
    says_of_page(page, "refused", "localhost:")


def test_refused_because_the_order_proves_nothing(live: Live, page: Page) -> None:
    page.goto(live.put("/why/refused-order", order("v1.1.e30." + "A" * 43)))
    says_of_page(page, "refused", "order token")


def test_unknown_shop(live: Live, page: Page) -> None:
    key = "pk_" + "f" * 32
    page.goto(live.put("/why/unknown", key=key))
    says_of_page(page, "unknown_shop", key)


def test_unreachable(live: Live, page: Page) -> None:
    """A page whose security rules forget the server: a shop's most usual way not to reach it."""
    policy = f"default-src 'none'; script-src {live.url}; connect-src 'self'"
    page.goto(live.put("/why/unreachable", Content_Security_Policy=policy))
    says_of_page(page, "unreachable", live.url)


def test_sampled(live: Live, page: Page) -> None:
    """One in a hundred pages and days is drawn; five in a row never are."""
    reasons = []
    for number in range(5):
        page.goto(live.put(f"/why/sampled/{number}"))
        expect(row(page, "sampled")).to_have_attribute("data-reason", re.compile("sampled|shown"))
        reasons.append(row(page, "sampled").get_attribute("data-reason"))
        if reasons[-1] == "sampled":
            return says(page, "sampled", "sampled", "1 %")
    raise AssertionError(reasons)


def test_asked(live: Live, page: Page) -> None:
    """A page that changes without loading asks the same question once."""
    page.goto(live.put("/why/asked"))
    says(page, "asked", "shown")
    page.evaluate("history.pushState(null, '', '/why/between')")
    expect(row(page, "asked")).to_have_attribute("data-reason", "url")
    page.go_back()
    says(page, "asked", "asked", "in this visit")


def test_answered_by_this_order(live: Live, page: Page) -> None:
    address = live.put("/why/thanks", order(live.token("W-1")))
    page.goto(address)
    page.get_by_role("radio", name="5 of 5 stars").click()
    scores = "/v1/scores?metric=stars&question=order-rating"
    wait_for(
        lambda: get(live.url + scores, live.made["api_key"])[1]["total"]["n"] == 1, "the answer did not come"
    )
    page.goto(address)
    says(page, "order-rating", "answered", "has already answered")


@pytest.mark.parametrize(("name", "words"), [("cap", "at most: 1"), ("wave", "90"), ("cooldown", "5 h")])
def test_what_is_remembered_of_a_visitor_who_allows_it(name: str, words: str, live: Live, page: Page) -> None:
    address = live.put(f"/why/{name}", head=CONSENT)
    page.goto(address)
    says(page, name, "shown")
    assert told(page)["consent"]["given"] is True
    page.goto(address)
    says(page, name, name, words)
    assert page.locator(PANEL).count() == 0


def test_cooldown_all(live: Live, page: Page) -> None:
    page.goto(live.put("/why/lately/a", head=CONSENT))
    says(page, "lately", "shown")
    page.goto(live.put("/why/cooldown-all", head=CONSENT))
    says(page, "cooldown-all", "cooldown_all", "24 h")


def test_answered_by_this_visitor(live: Live, page: Page) -> None:
    address = live.put("/why/answered", head=CONSENT)
    page.goto(address)
    page.get_by_role("button", name="Yes", exact=True).click()
    page.goto(address)
    says(page, "answered", "answered", "this visitor")


def test_unsupported(page: Page, put: Put, ours: Ours) -> None:
    ours.questions = [
        question("riddle", "riddle", "search", sample=100) | {"texts": {"en": {"title": "Riddle?"}}}
    ]
    page.goto(put("/search", results()) + ASKED_WHY)
    says(page, "riddle", "unsupported", "riddle")


def test_every_reason_has_its_situation() -> None:
    listed = re.search(r"REASONS = \[(.*?)\]", REASONS_TS.read_text(), re.S)
    assert listed
    shown_here = Path(__file__).read_text()
    reasons = re.findall(r'"([a-z_]+)"', listed[1])
    assert len(reasons) > 25
    covered = {situation.reason for situation in SITUATIONS} | {"cap", "wave", "cooldown"}
    assert [
        r for r in reasons if r not in covered and not re.search(rf'says(_of_page)?\(page.*"{r}"', shown_here)
    ] == []


# --- the box

FOCUS = "() => { let e = document.activeElement; while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement; return e.ariaLabel || e.textContent.trim() || e.tagName; }"
TITLES = {
    "lv": "Kāpēc jautājums šeit ir vai nav redzams",
    "lt": "Kodėl klausimas čia rodomas arba nerodomas",
    "et": "Miks küsimust siin näidatakse või mitte",
    "ru": "Почему вопрос здесь показан или не показан",
    "en": "Why a question is shown here, or not",
}


@pytest.fixture
def at_once(ours: Ours) -> None:
    ours.questions = [
        question("search-found", "yes_no", "search", sample=100),
        question("order-rating", "stars", "order"),
    ]


def is_why(ours: Ours) -> list[str]:
    return [r.path for r in ours.requests if "/why-" in r.path or r.query.get("why")]


def test_who_does_not_ask_loads_not_one_byte_of_it(at_once: None, page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()) + "?atbalss_why=0&why=1")
    ours.wait_for("question.shown")
    page.get_by_role("button", name="No", exact=True).click()
    ours.wait_for("answer.given")
    page.wait_for_load_state("networkidle")
    assert is_why(ours) == []
    assert page.locator(BOX).count() == 0


def test_the_console_is_told_the_same_without_a_box(at_once: None, page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()))
    ours.wait_for("question.shown")
    with page.expect_console_message(lambda message: message.text.startswith("Atbalss")) as printed:
        report = told(page)
    assert {q["question"]: q["reason"] for q in report["questions"]} == {
        "search-found": "shown",
        "order-rating": "placement",
    }
    assert (
        report["page"].items()
        >= {"kind": "search", "query": "zābaki", "results": 12, "language": "en"}.items()
    )
    assert report["consent"]["given"] is False
    for sentence in (
        report["page"]["sentence"],
        report["consent"]["sentence"],
        *(q["sentence"] for q in report["questions"]),
    ):
        assert sentence in printed.value.text
    assert page.locator(BOX).count() == 0


def test_nothing_of_it_is_sent(at_once: None, page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()) + ASKED_WHY)
    says(page, "search-found", "shown")
    ours.wait_for("question.shown")
    page.goto("about:blank")
    page.wait_for_timeout(300)
    assert ours.types(2) == ["search.performed", "question.shown"]
    assert not any("why" in json.dumps(e) for e in ours.events())
    posts = [r for r in ours.requests if r.method != "GET"]
    assert {r.path.rpartition("/")[2] for r in posts} == {"answers"}


def test_it_follows_what_happens(live: Live, page: Page) -> None:
    page.goto(live.put("/why/live"))
    expect(row(page, "live")).to_have_attribute("data-reason", "waiting_event")
    expect(row(page, "live").locator(".state")).to_have_text("Waiting")
    page.evaluate("atbalss.push({event: 'go'})")
    expect(row(page, "live")).to_have_attribute("data-reason", "shown")
    expect(row(page, "live").locator(".state")).to_have_text("Shown")
    row(page, "live").get_by_text("Step by step").click()
    expect(row(page, "live").get_by_role("listitem")).to_have_text(
        [re.compile(re.escape('atbalss.push({event: "go"})')), re.compile("waits for 1.5 s"), re.compile("was shown")]
    )


def test_it_goes_on_to_the_next_page_without_loading(at_once: None, page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()) + ASKED_WHY)
    says(page, "search-found", "shown")
    page.evaluate(
        "history.pushState(null, '', '/boots'); document.querySelector('main').textContent = 'One pair'"
    )
    expect(page.locator(f"{BOX} .page")).to_have_text(re.compile("an ordinary one"))
    expect(row(page, "search-found")).to_have_attribute("data-reason", "placement")


def test_by_keyboard(at_once: None, page: Page, put: Put, ours: Ours) -> None:
    ours.questions[0]["settings"]["delay"] = 600
    page.goto(put("/search", results() + '<a href="/last">last</a>') + ASKED_WHY)
    page.get_by_role("link", name="last").focus()
    box = page.get_by_role("region", name=TITLES["en"])
    expect(row(page, "search-found")).to_be_visible()
    assert page.evaluate(FOCUS) == "last"  # it takes no focus
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS) == "Details"
    page.keyboard.press("Enter")
    expect(row(page, "search-found")).to_be_hidden()
    page.keyboard.press("Space")
    expect(row(page, "search-found")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS) == "Close"
    page.keyboard.press("Enter")
    expect(box).to_have_count(0)


def test_escape_is_the_questions_first(at_once: None, page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()) + ASKED_WHY)
    says(page, "search-found", "shown")
    page.keyboard.press("Escape")
    ours.wait_for("question.dismissed")
    expect(page.locator(PANEL)).to_have_count(0)
    expect(page.locator(BOX)).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(BOX)).to_have_count(0)


def test_escape_inside_closes_only_the_box(at_once: None, page: Page, put: Put, ours: Ours) -> None:
    page.goto(put("/search", results()) + ASKED_WHY)
    says(page, "search-found", "shown")
    page.locator(BOX).get_by_role("button", name="Details").focus()
    page.keyboard.press("Escape")
    expect(page.locator(BOX)).to_have_count(0)
    expect(page.locator(PANEL)).to_have_count(1)
    assert not ours.events("question.dismissed")


@pytest.mark.parametrize("size", [(1280, 800), (700, 500), (390, 780), (320, 400), (640, 320)], ids=str)
def test_it_is_in_nobodys_way(size: tuple[int, int], at_once: None, page: Page, put: Put, ours: Ours) -> None:
    """The question comes as it would without the box, is seen whole, and nothing moves."""
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(reduced_motion="reduce")
    page.goto(put("/search", results() + TALL))
    expect(page.locator(PANEL)).to_have_count(1)
    places = """() => [...document.querySelectorAll("html, main, h1, a, atbalss-panel")].map((e) => [e.tagName, e.scrollWidth,
        ...Object.values(e.getBoundingClientRect().toJSON())])"""
    without = page.evaluate(places)
    page.goto(page.url + ASKED_WHY)
    says(page, "search-found", "shown")
    assert page.evaluate(places) == without
    page.get_by_role("button", name="Yes", exact=True).click()
    ours.wait_for("answer.given")
    box = page.locator(BOX).bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height


def test_on_a_page_with_the_strictest_rules(live: Live, page: Page) -> None:
    page.add_init_script(
        "window.broken = []; addEventListener('securitypolicyviolation', (e) => broken.push(e.violatedDirective))"
    )
    policy = f"default-src 'none'; script-src {live.url}; connect-src {live.url}; require-trusted-types-for 'script'; trusted-types 'none'"
    page.goto(live.put("/why/shown", Content_Security_Policy=policy))
    says(page, "shown", "shown")
    assert page.evaluate("getComputedStyle(document.querySelector('atbalss-why')).position") == "fixed"
    assert page.evaluate("broken.filter((rule) => !/^img/.test(rule))") == []


def test_on_a_page_that_patches_what_others_use(at_once: None, page: Page, put: Put, ours: Ours) -> None:
    hostile = """<style>* { all: unset !important; display: block !important; color: red !important }</style><script>
    for (const name of ["map", "forEach", "push", "join", "slice", "filter"]) Array.prototype[name] = () => { throw Error(name); };
    Array.prototype[Symbol.iterator] = () => { throw Error("iterator"); };
    Array.prototype.toJSON = () => "list"; Object.prototype.alien = "here"; JSON.stringify = JSON.parse = () => { throw Error("JSON"); };
    </script>"""
    page.goto(put("/search", results(), head=hostile) + ASKED_WHY)
    expect(row(page, "search-found")).to_have_attribute("data-reason", "shown")
    expect(row(page, "order-rating")).to_have_attribute("data-reason", "placement")
    box = page.locator(BOX).bounding_box()
    assert box and (box["x"], box["y"]) == (16, 16)


def test_text_is_text(at_once: None, page: Page, put: Put, ours: Ours) -> None:
    markup = "<img src=x onerror=alert(1)> {results} `code`"
    page.goto(put("/search", results(markup, 3)) + ASKED_WHY)
    line = page.locator(f"{BOX} .page")
    expect(line).to_contain_text("<img src=x onerror=alert(1)> {results} ")
    assert page.locator(f"{BOX} img").count() == 0


@pytest.mark.parametrize(
    ("locale", "language"),
    [("lv-LV", "lv"), ("lt", "lt"), ("et-EE", "et"), ("ru-RU", "ru"), ("en-US", "en"), ("ja", "en")],
)
def test_it_speaks_the_language_of_the_owners_browser(
    locale: str, language: str, at_once: None, browser: Browser, put: Put, ours: Ours
) -> None:
    """The page is in another one, in which the shopper is asked."""
    context = browser.new_context(locale=locale, viewport={"width": 320, "height": 640})
    page = context.new_page()
    page.goto(put("/search", results(), lang="de") + ASKED_WHY)
    box = page.get_by_role("region", name=TITLES[language])
    expect(box).to_be_visible()
    expect(box).to_have_attribute("lang", language)
    expect(row(page, "search-found")).to_contain_text("Haben Sie gefunden, was Sie gesucht haben?")
    assert page.evaluate(
        "[...document.querySelector('atbalss-why').shadowRoot.querySelectorAll('.body, header, article')].every((e) => e.scrollWidth <= e.clientWidth)"
    )
    context.close()


@pytest.mark.parametrize(
    ("body", "head", "words"),
    [
        (results("boots", 3), "", "results of a search for “boots”. Number of results: 3."),
        ('<div data-atbalss-query="boots"></div>', "", "could not be read from the page"),
        (order(), "", "confirmation of an order"),
        ("", '<meta property="og:type" content="product">', "page of a product"),
        ("", "", "an ordinary one"),
    ],
    ids=["search", "uncounted", "order", "product", "page"],
)
def test_what_the_page_was_taken_for(
    body: str, head: str, words: str, at_once: None, page: Page, put: Put
) -> None:
    page.goto(put("/somewhere", body, head=head) + ASKED_WHY)
    expect(page.locator(f"{BOX} .page")).to_contain_text(words)


def test_what_is_known_of_consent(at_once: None, page: Page, put: Put, ours: Ours) -> None:
    ours.questions[0]["settings"]["delay"] = 600
    line = page.locator(f"{BOX} .consent")
    address = put("/search", results()) + ASKED_WHY
    page.goto(address)
    expect(line).to_contain_text("there was no consent to it, or no need for it")
    page.goto(put("/refused", results(), head=CONSENT.replace("true", "false")) + ASKED_WHY)
    expect(line).to_contain_text("has not consented")
    page.goto(put("/given", results(), head=CONSENT) + ASKED_WHY)
    expect(line).to_contain_text("has consented")
    page.evaluate("atbalss.push({consent: false})")  # withdrawn while the box is open
    expect(line).to_contain_text("has not consented")
    ours.widget = {"consent": "never"}
    page.goto(address)
    expect(line).to_contain_text("nothing is ever kept")


def test_gpc_is_a_refusal(at_once: None, page: Page, put: Put, ours: Ours) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    page.goto(put("/search", results(), head=CONSENT) + ASKED_WHY)
    expect(page.locator(f"{BOX} .consent")).to_contain_text("Global Privacy Control")
    assert told(page)["consent"]["given"] is False


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(scheme: str, at_once: None, page: Page, put: Put, ours: Ours) -> None:
    ours.questions.append(
        question("later", "yes_no", "search", sample=100, delay=500) | {"texts": TEXTS["search-found"]}
    )
    ours.questions[0]["settings"]["delay"] = 0.2
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.goto(put("/search", results()) + ASKED_WHY)
    says(page, "search-found", "shown")
    page.get_by_text("Step by step").first.click()
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document)")
    visited = [str(node["target"]) + node["html"] for rule in found["passes"] for node in rule["nodes"]]
    assert any(BOX in node and 'class="state shown"' in node for node in visited)
    assert [f"{v['id']}: {node['html']}" for v in found["violations"] for node in v["nodes"]] == []
