"""Every page of the owner's: built from the registry, so that a new one is looked at without a line here.

Who can't see, who has no mouse, who has a small phone or large letters, who has no JavaScript, who pays for every byte.
"""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

from . import fits
from .office import Office, endpoints_of_pages
from .test_access import AXE

pytestmark = pytest.mark.browser

# What is read from these addresses is a file to keep.
FILES = {"searches.export": "", "exports.download": "?what=answers&form=csv"}
# Parts of pages: one is fetched again and again, one stands there only while two-factor sign-in is being set up.
PARTS = {"start.sight", "two_factor.show_picture"}
PAGES = sorted(set(endpoints_of_pages()) - set(FILES) - PARTS)
# Whoever comes, signed in or not.
OPEN = {"sign-in": "/app/sign-in", "nothing": "/app/there-is-nothing", "landing": "/"}
MOST_BYTES = 150 * 1024

WATCH = """() => {
  window.__moved = 0; window.__refused = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.__moved += entry.value;
  }).observe({type: "layout-shift", buffered: true});
  document.addEventListener("securitypolicyviolation", (e) => window.__refused.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
}"""

REACHABLE = """() => {
  const radios = new Set();
  const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")];
  const wanted = all.filter((e) => {
    // What Enter in a field presses stands first in its form, for nobody to see or to reach.
    if (e.disabled || !e.checkVisibility({visibilityProperty: true}) || e.matches(".unseen[tabindex='-1']")) return false;
    if (e.type !== "radio") return true;
    const group = `${e.form && [...document.forms].indexOf(e.form)} ${e.name}`;
    if (radios.has(group)) return false;
    radios.add(group);
    return true;
  });
  wanted.forEach((e, i) => { e.dataset.number = e.type === "radio" ? `radio ${e.name}` : String(i); });
  for (const e of all) if (e.type === "radio") e.dataset.number = `radio ${e.name}`;
  document.activeElement?.blur();
  return wanted.map((e) => [e.dataset.number, `${e.tagName} ${e.className} ${(e.ariaLabel || e.textContent).trim().slice(0, 40)}`]);
}"""

FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body || e === document.documentElement) return null;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  const x = Math.min(Math.max(box.left + Math.min(box.width, 200) / 2, 1), innerWidth - 2), y = Math.min(Math.max(box.top + Math.min(box.height, 40) / 2, 1), innerHeight - 2);
  const top = document.elementFromPoint(x, y);
  const free = !top || e.contains(top) || top.contains(e) || e.tagName === "IFRAME";
  return {number: e.dataset.number ?? null, frame: e.tagName === "IFRAME", ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2, free, what: `${e.tagName} ${e.className} ${(e.ariaLabel || e.textContent).trim().slice(0, 40)}`};
}"""


def address(office: Office, name: str) -> str:
    return OPEN.get(name) or office.address(name)


def opened(context: BrowserContext, path: str) -> Page:
    """The page, once everything that it fetches by itself has come."""
    page = context.new_page()
    page.add_init_script(f"({WATCH})()")
    reply = page.goto(path)
    assert reply is not None and reply.headers["content-type"].startswith("text/html")
    assert reply.status == (404 if "there-is-nothing" in path else 200), page.content()
    settle(page)
    return page


def settle(page: Page) -> None:
    """Nothing is on its way any more, and nothing is being done: "networkidle" waits for half a second in vain."""
    page.evaluate("""async () => {
        const idle = () => new Promise((done) => requestIdleCallback(done));
        const count = () => performance.getEntriesByType("resource").length;
        for (let still = 0, before = -1; still < 3; still = count() === before ? still + 1 : 0, before = count()) {
            await idle();
            await new Promise((done) => setTimeout(done, 30));
        }
    }""")


def faults(page: Page, only: str = "") -> list[str]:
    """What axe finds wrong, by all rules or by one."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    chosen = {"resultTypes": ["violations", "passes"], "iframes": False}
    if only:
        chosen["runOnly"] = {"type": "rule", "values": [only]}
    found = page.evaluate("(chosen) => axe.run(document, chosen)", chosen)
    assert found["passes"] or only, "axe did not look"
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found["violations"] for node in rule["nodes"]]


def walk(page: Page) -> tuple[list[str], list[str], list[str]]:
    """Tab through the page: what was not reached, what had no visible focus, what lay under something else."""
    wanted: dict[str, str] = dict(page.evaluate(REACHABLE))
    reached, blind, covered = set[str](), [], []
    for _ in range(3 * len(wanted) + 40):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if at is None:
            if reached:
                break
            continue
        if at["number"] in reached and not at["frame"] and len(reached) == len(wanted):
            break
        if at["number"] is not None:
            reached.add(at["number"])
        if not at["frame"]:
            blind += [] if at["ring"] else [at["what"]]
            covered += [] if at["free"] else [at["what"]]
    return [what for number, what in wanted.items() if number not in reached], blind, covered


@dataclass
class Look:
    """A page in a browser of one width, and what came and was said while it was opened."""

    page: Page
    replies: list[Response]
    said: list[str]

    def check_weight(self, ours: str) -> None:
        """Light, from nowhere else, standing still, breaking no rule."""
        self.page.mouse.wheel(0, 3000)
        self.page.wait_for_timeout(100)
        assert round(self.page.evaluate("window.__moved"), 3) == 0
        assert self.page.evaluate("window.__refused") == []
        assert [text for text in self.said if "404" not in text] == []
        sizes = {
            reply.url: reply.request.sizes()["responseBodySize"]
            for reply in self.replies
            if reply.status == 200
        }
        assert {url for url in sizes if not url.startswith(ours)} == set()
        # What a question's preview weighs is what it weighs in the shop; it is counted there (test_weight.py).
        own = {url: size for url, size in sizes.items() if not re.search("/preview/|/widget|/ask", url)}
        assert sum(own.values()) <= MOST_BYTES, own


@contextmanager
def looking(browser: Browser, office: Office, name: str, width: int) -> Iterator[Look]:
    context = office.context(browser, signed_in=name not in OPEN, width=width)
    replies: list[Response] = []
    said: list[str] = []

    def note_reply(reply: Response) -> None:
        replies.append(reply)

    def note_words(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            said.append(message.text)

    context.on("response", note_reply)
    context.on("console", note_words)
    context.on("weberror", lambda error: said.append(str(error.error)))
    yield Look(opened(context, address(office, name)), replies, said)
    context.close()


@pytest.fixture(scope="module")
def plain(browser: Browser, office: Office) -> Iterator[dict[bool, Page]]:
    """Without JavaScript: signed in, and not."""
    opened = {
        signed_in: office.context(browser, signed_in=signed_in, script=False).new_page() for signed_in in (True, False)
    }
    yield opened
    for page in opened.values():
        page.context.close()


def words(page: Page) -> set[str]:
    # What tells how long ago something was goes on by itself; ticking all at once comes with JavaScript.
    goes_on = {"Copy", "second", "seconds", "minute", "minutes", "now", "Tick", "on"}
    return set(re.findall(r"[^\W\d_]{2,}", page.locator("main").inner_text())) - goes_on


@pytest.mark.parametrize("name", [*PAGES, *OPEN])
def test_at_a_desk(browser: Browser, office: Office, plain: dict[bool, Page], name: str) -> None:
    without = plain[name not in OPEN]
    with looking(browser, office, name, 1200) as look:
        look.check_weight(office.url)
        without.goto(address(office, name))
        assert words(look.page) - words(without) == set()
        assert without.locator("canvas:visible, [data-copy]:visible").count() == 0
        found: dict[str, Any] = {"light": faults(look.page)}
        found["not reached"], found["no focus seen"], found["covered"] = walk(look.page)
        look.page.emulate_media(color_scheme="dark")
        found["dark"] = faults(look.page, "color-contrast")
        look.page.set_viewport_size({"width": 640, "height": 400})
        found["200 %"] = look.page.evaluate(fits.LOST)
        look.page.emulate_media(media="print")
        look.page.set_viewport_size({"width": 700, "height": 1000})
        found["paper"] = look.page.evaluate(fits.LOST)
        assert look.page.evaluate("window.__refused") == []
    assert {where: what for where, what in found.items() if what} == {}


@pytest.mark.parametrize("name", [*PAGES, *OPEN])
def test_on_a_phone(browser: Browser, office: Office, name: str) -> None:
    with looking(browser, office, name, 390) as look:
        look.check_weight(office.url)
        found: dict[str, Any] = {"light": faults(look.page)}
        found["not reached"], found["no focus seen"], found["covered"] = walk(look.page)
        look.page.set_viewport_size({"width": 320, "height": 640})
        found["320 px"] = look.page.evaluate(fits.LOST)
    assert {where: what for where, what in found.items() if what} == {}


@pytest.mark.parametrize("name", sorted(FILES))
def test_files_come(office: Office, name: str) -> None:
    kind, body = office.fetch(office.address(name) + FILES[name])
    assert kind != "text/html"
    assert body


def test_focus_and_axe_are_really_looked_at(browser: Browser, office: Office) -> None:
    """The checks above find what they should find."""
    context = office.context(browser)
    page = opened(context, "/app/style")
    page.evaluate("""() => {
        const wide = document.createElement("div"), mute = document.createElement("button"), gone = document.createElement("a");
        wide.id = "wide"; wide.textContent = "x"; mute.id = "mute"; gone.href = "/app"; gone.textContent = "gone"; gone.tabIndex = -1;
        document.querySelector("main").append(wide, mute, gone);
        const sheet = new CSSStyleSheet();
        sheet.replaceSync("#wide { width: 3000px } #mute:focus-visible { outline: none }");
        document.adoptedStyleSheets.push(sheet);
    }""")
    assert any("button-name" in fault for fault in faults(page))
    assert any("wide" in lost for lost in page.evaluate(fits.LOST))
    missed, blind, _ = walk(page)
    assert [what for what in missed if "gone" in what] != []
    assert blind != []
    context.close()


def test_what_is_folded_on_screen_stands_on_paper(browser: Browser, office: Office) -> None:
    context = office.context(browser)
    page = opened(context, "/app/style")
    assert not page.locator(".twin table").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator(".twin table").first.is_visible()
    assert not page.locator(".main-menu").is_visible()
    assert page.locator("canvas:visible").count() == 0
    context.close()


@pytest.mark.parametrize(
    ("path", "row", "of_when"),
    [
        ("/app/answers?text=yes&question=order-rating&period=90", ".inbox [data-row]", ".chips a"),
        ("/app/overview?period=90", ".buyers li", ".period summary"),
    ],
)
def test_what_was_said_stands_on_paper_and_whose_it_is_and_of_when(
    browser: Browser, office: Office, path: str, row: str, of_when: str
) -> None:
    context = office.context(browser, scheme="dark")
    page = opened(context, path)
    page.emulate_media(media="print")
    for part in (".said", ".words"):
        said = page.locator(f"{row} {part}")
        assert said.count() == page.locator(f"{row} {part}:visible").count() > 0
    # On white, whatever the colours of the device.
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.locator(".side .brand").inner_text() == "Mežmala"
    assert "Last 90 days" in page.locator(f"{of_when}:visible").all_inner_texts()[-1]
    filters = ["Question"] if "question" in path else []
    assert page.locator(".filters .field:visible label").all_inner_texts() == filters
    assert page.locator("nav:visible, button:visible, .drop:visible, .toggle:visible").count() == 0
    context.close()


def test_words_on_paper_are_whole(browser: Browser, office: Office) -> None:
    context = office.context(browser)
    page = opened(context, "/app/answers?text=yes")
    page.set_viewport_size({"width": 700, "height": 1000})
    words = page.locator(".inbox .words").first
    words.evaluate("words => { words.textContent = 'Word for word. '.repeat(40); }")
    assert words.evaluate("words => words.scrollHeight > words.clientHeight")
    page.emulate_media(media="print")
    assert page.locator(".inbox li").first.evaluate("row => row.scrollHeight <= row.clientHeight + 1 && row.clientHeight > 150")
    context.close()


def test_the_style_page_shows_a_toast_of_each_tone_where_it_stands(browser: Browser, office: Office) -> None:
    context = office.context(browser)
    page = opened(context, "/app/style")
    page.reload()
    toasts = page.locator(".card > .toasts > .toast")
    assert toasts.evaluate_all("found => found.map((toast) => toast.classList[1])") == ["good", "info", "bad"]
    assert page.locator(".toast").count() == 3
    assert len(set(toasts.evaluate_all("found => found.map((toast) => getComputedStyle(toast).backgroundColor)"))) == 3
    # Not above the page: they go with it.
    before = toasts.first.evaluate("toast => toast.getBoundingClientRect().top + scrollY")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert toasts.first.evaluate("toast => toast.getBoundingClientRect().top + scrollY") == before
    # Said here and nowhere else.
    page.goto("/app/overview")
    assert page.locator(".toast").count() == 0
    context.close()


def test_files_are_kept_for_ever_and_packed(office: Office) -> None:
    page = urllib.request.urlopen(f"{office.url}/app/sign-in", timeout=15).read().decode()
    kept = re.findall(r'(?:href|src)="(/static/kept/[^"]+)"', page)
    assert len(kept) >= 3
    for path in kept:
        _, _, _, word, rest = path.split("/", 4)
        new, old = (
            _get(f"{office.url}/static/kept/{word}/{rest}"),
            _get(f"{office.url}/static/kept/old/{rest}"),
        )
        assert "immutable" in new["cache-control"]
        assert old["cache-control"] == "no-cache"
        if not path.endswith(".svg"):
            assert new["content-encoding"] == "gzip"


def _get(url: str) -> Any:
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=15) as reply:
        return {name.lower(): value for name, value in reply.headers.items()}


def test_a_path_that_leads_elsewhere_leads_nowhere(office: Office) -> None:
    for path in (
        "/static/kept/x/../dashboard/_app.py",
        "/static/kept/x/%2e%2e/%2e%2e/app.py",
        "/static/kept/x/dashboard",
        "/static/kept/x/a%00b",
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{office.url}{path}", timeout=15)
        assert refused.value.code in (400, 404)
        refused.value.close()


def test_a_setting_of_colours_wins_over_the_device(browser: Browser, office: Office) -> None:
    context = office.context(browser, "et", scheme="light")
    page = opened(context, office.address("account.show"))
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("[name=theme][value=dark]").check()
    page.locator("form:has([name=theme]) button").first.click()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    assert faults(page) == []
    context.close()
