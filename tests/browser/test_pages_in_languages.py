"""Every page of the owner's in every language: all of it is said in that language, and all that is said can be read.

English is looked at more closely in test_pages.py; colours, keys and files don't depend on the language.
"""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import zip_longest

import pytest
from playwright.sync_api import Browser, Page

from . import fits
from .office import LANGUAGES, Office
from .test_access import AXE
from .test_pages import OPEN, PAGES, WATCH

pytestmark = pytest.mark.browser

OTHERS = [language for language in LANGUAGES if language != "en"]
# Whoever builds pages reads English; and so does whoever finds the server by its bare address.
NAMES = [*(name for name in PAGES if name != "style.show"), "sign-in", "nothing"]
WIDTHS = (390, 320, 1200)

# The same in English and elsewhere, in this or in that language: names, short words of the trade, what a program reads.
SAME = frozenset(
    re.findall(
        r"\S+",
        """
    atbalss mežmala ieva bērziņa api csv json zip xml css html id url nps csat ces kb qr totp rest webhook webhooks https
    woocommerce wordpress wpcode shopify prestashop magento opencart mozello shopware bigcommerce squarespace
    com example shop hooks till mezmala owner panel event push br pt products head europe riga
    templates partials tpl layout theme liquid common header twig footer code snippets consumer key secret gone first mm lv
        jan feb mar apr jun jul aug sep oct nov dec latviešu lietuvių eesti русский english
    """,
    )
)
IN = {
    "lv": {"no", "to", "meta", "link"},
    "lt": {"be", "meta", "no", "false", "true", "name", "minutes"},
    "et": {"on", "link", "nov", "august", "september", "november", "april", "detsember", "meta"},
    "ru": set[str](),
}
# Where a platform's own menus and files are named, they are named as they stand there.
QUOTES = ("connections.show", "connections.choose", "start.line")
LOOSE = 0.5

SAID = ("aria-label", "title", "placeholder", "alt", "data-label", "data-done", "data-sure")
VOID = {"meta", "link", "input", "img", "br", "hr", "col", "wbr", "area", "base", "source"}
# What is to be pasted, and what was written by others in whatever language.
DUMB = {"script", "style", "code", "pre", "textarea", "svg", "blockquote", "q"}


class _Texts(HTMLParser):
    """All that a page says, in its order; not what says of itself that it is in a language of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        apart = tag in DUMB or ("lang" in given and tag != "html") or given.get("name") == "time_zone"
        if not apart and not self._apart():
            self.said += [" ".join((given[name] or "").split()) for name in SAID if given.get(name)]
        if tag not in VOID:
            self._open.append((tag, apart))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._apart():
            self.said.append(" ".join(data.split()))

    def _apart(self) -> bool:
        return any(apart for _, apart in self._open)


def said(html: str) -> list[str]:
    parser = _Texts()
    parser.feed(html)
    return parser.said


def words(text: str) -> set[str]:
    """Those of a sentence, without addresses, numbers of orders and colours, names of questions, what somebody wrote."""
    own = re.sub(r"\S+@\S+|https?:\S+|\w*\d\w*|search-found|[“„«][^“„”«»]+[“”»]", "", text.lower())
    return set(re.findall(r"[^\W\d_]{2,}", own))


@pytest.fixture(scope="module")
def theirs(office: Office) -> set[str]:
    """What shoppers wrote and searched for: it stands on the pages as it is."""
    files = [
        office.fetch(f"/app/settings/export/file?what={what}&form=json")[1] for what in ("answers", "searches", "orders")
    ]
    return {value.strip() for file in files for value in _strings(json.loads(file))}


def _strings(value: object, of: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _strings(each, str(name))
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each, of)
    elif isinstance(value, str) and of not in ("value", "status", "reason", "question", "placement", "lang"):
        yield value


def address(office: Office, name: str) -> str:
    return OPEN.get(name) or office.address(name)


def not_said(office: Office, name: str, language: str, theirs: set[str]) -> list[str]:
    """What is still in English."""
    english, other = (said(office.read(address(office, name), each)) for each in ("en", language))
    found = []
    for ours, its in zip_longest(english, other, fillvalue=""):
        if re.sub(r" \([^)]+\)$| · Atbalss$", "", ours).strip("“”„«» ") in theirs:
            continue
        alike = (words(ours) & words(its)) - SAME - IN[language]
        if name in QUOTES and len(alike) < LOOSE * len(words(its)):
            continue
        found += [f"{' '.join(sorted(alike))}: {its}"] if alike else []
    return found


@pytest.fixture(scope="module")
def tabs(browser: Browser, office: Office) -> Iterator[dict[tuple[str, bool], Page]]:
    """For each language one signed in and one not."""
    opened: dict[tuple[str, bool], Page] = {}
    for language in OTHERS:
        for signed_in in (True, False):
            page = office.context(browser, language, width=WIDTHS[0], signed_in=signed_in).new_page()
            page.add_init_script(f"({WATCH})()")
            opened[language, signed_in] = page
    yield opened
    for page in opened.values():
        page.context.close()


def faults(page: Page) -> list[str]:
    """What axe finds in words and names."""
    page.evaluate(AXE.read_text())
    chosen = {"resultTypes": ["violations", "passes"], "iframes": False, "rules": {"color-contrast": {"enabled": False}}}
    found = page.evaluate("(chosen) => axe.run(document, chosen)", chosen)
    assert found["passes"], "axe did not look"
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found["violations"] for node in rule["nodes"]]


@pytest.mark.parametrize("name", NAMES)
def test_all_of_it_is_said_and_can_be_read(
    office: Office, tabs: dict[tuple[str, bool], Page], theirs: set[str], name: str
) -> None:
    found: dict[str, object] = {}
    for language in OTHERS:
        found[f"{language}: in English"] = not_said(office, name, language, theirs)
        page = tabs[language, name not in OPEN]
        page.set_viewport_size({"width": WIDTHS[0], "height": 800})
        page.goto(address(office, name))
        assert page.locator("html").get_attribute("lang") == language
        found[f"{language}: axe"] = faults(page)
        found[f"{language}: moved"] = round(page.evaluate("window.__moved"), 3)
        page.evaluate(fits.UNFOLD)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            found[f"{language}: {width} px"] = fits.lost(page)
        found[f"{language}: refused"] = page.evaluate("window.__refused")
    assert {where: what for where, what in found.items() if what} == {}


def test_a_word_left_in_english_and_a_cut_one_are_really_found(
    browser: Browser, office: Office, theirs: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = office.read("/app/settings", "lv")
    title = re.search(r"<h1[^>]*>([^<]+)</h1>", whole)
    assert title is not None
    english = re.search(r"<h1[^>]*>([^<]+)</h1>", office.read("/app/settings", "en"))
    assert english is not None
    read = office.read
    half = whole.replace(title[0], english[0])
    monkeypatch.setattr(office, "read", lambda path, language: half if language == "lv" else read(path, language))
    assert any("settings" in left for left in not_said(office, "settings.show", "lv", theirs))
    context = office.context(browser, "lv", width=WIDTHS[0])
    page = context.new_page()
    page.goto("/app/settings")
    assert fits.lost(page) == []
    page.evaluate("""() => {
        const [cut, out, over] = ["cut", "out", "over"].map((id) => Object.assign(document.createElement("p"), {id, textContent: `${id} `.repeat(20)}));
        document.querySelector("main").append(cut, out, over);
        const sheet = new CSSStyleSheet();
        sheet.replaceSync("#cut { width: 5rem; overflow: hidden; white-space: nowrap } #out { width: 5rem; white-space: nowrap } #over { position: relative; top: -2rem }");
        document.adoptedStyleSheets.push(sheet);
    }""")
    found = " ".join(fits.lost(page))
    assert all(what in found for what in ("cut: p.", "sticks out: p.", "over each other: p.")), found
    context.close()
