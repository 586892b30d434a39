"""From the lines that `make demo` printed to "I know my worst search and which buyer was unhappy, and have made a case of it".

Only what was printed is typed; from there on everything is pressed that a page shows: with a mouse, with a thumb, by keys.
"""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from .conftest import PATIENCE, slowed
from .running_demo import RunningDemo
from .standin import SLOW

pytestmark = pytest.mark.browser

# The same day whichever of day and month is typed first.
DAY, MONTH = 12, 12
_MOST_STOPS = 400


class Person:
    """Somebody at a page, by whatever they have to point with; a mouse here."""

    size = (1200, 800)
    touches = False

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, what: Locator) -> None:
        what.click()

    def write(self, field: Locator, text: str) -> None:
        self.press(field)
        field.fill(text)

    def choose(self, field: Locator, label: str) -> None:
        field.select_option(label=label)

    def set_day(self, field: Locator, year: int) -> None:
        field.fill(f"{year}-{MONTH}-{DAY}")


class Thumb(Person):
    """On a phone."""

    size = (390, 844)
    touches = True

    def press(self, what: Locator) -> None:
        what.tap()


class Keys(Person):
    """With no mouse: Tab to it, then Enter, or letters."""

    def press(self, what: Locator) -> None:
        self._reach(what)
        self.page.keyboard.press("Enter")

    def write(self, field: Locator, text: str) -> None:
        self._reach(field)
        self.page.keyboard.type(text)

    def choose(self, field: Locator, label: str) -> None:
        self._reach(field)
        for _ in range(field.locator("option").count()):
            if field.evaluate("(it) => it.selectedOptions[0].label") == label:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no arrow leads to {label}")

    def set_day(self, field: Locator, year: int) -> None:
        self._reach(field)
        self.page.keyboard.type(f"{DAY}{MONTH}{year}")

    def _reach(self, what: Locator) -> None:
        expect(what).to_be_visible()
        for _ in range(_MOST_STOPS):
            if what.evaluate("(it) => it === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {what}")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningDemo]:
    """One of its own for each: a buyer whom somebody sees to is unhappy no more."""
    running = RunningDemo(tmp_path / "data")
    yield running
    assert running.stop() == 0


@pytest.fixture
def meet(browser: Browser) -> Iterator[Callable[[type[Person]], Person]]:
    """A person in a fresh browser; what the pages report fails the test."""
    said: list[str] = []
    made = []

    def meet(kind: type[Person]) -> Person:
        width, height = kind.size
        context = browser.new_context(
            locale="en-GB", viewport=ViewportSize(width=width, height=height), has_touch=kind.touches,
            is_mobile=kind.touches, reduced_motion="reduce",
        )  # fmt: skip
        made.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        if SLOW:
            slowed(page, True)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda it: said.append(it.text) if it.type in ("error", "warning") else None)
        return kind(page)

    yield meet
    for context in made:
        context.close()
    assert said == []


def menu(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name="Main menu").get_by_role("link", name=name)


def head(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def sign_in(person: Person, demo: RunningDemo) -> None:
    """As the demo's own words say it."""
    said = re.search(
        r"sign in at (http://\S+) with the e-mail and password below", " ".join(demo.said.split())
    )
    assert said is not None
    person.page.goto(said[1])
    person.write(person.page.get_by_label("E-mail"), demo.email)
    person.write(person.page.get_by_label("Password"), demo.password)
    person.press(person.page.get_by_role("button", name="Sign in"))
    expect(head(person.page)).to_have_text("Overview")


def read_worst_search(person: Person) -> None:
    """The overview names it; its page tells what they looked for; the door beside it leads to who said so."""
    page = person.page
    fix = page.get_by_role("region", name="Most worth fixing now").get_by_role("listitem").first
    title = fix.get_by_role("heading").inner_text()
    query = re.fullmatch("The search for “(.+)” shows nothing", title)
    assert query is not None, title
    person.press(fix.get_by_role("link", name="See the search"))
    expect(head(page)).to_contain_text(query[1])
    words = page.locator(".card").filter(has_text="What they were looking for").locator("li")
    expect(words).not_to_have_count(0)
    print(f"“{query[1]}”: {words.all_inner_texts()}")
    person.press(page.get_by_role("link", name="All searches").first)
    expect(page.get_by_role("table").get_by_role("rowheader").first).to_contain_text(query[1])


def open_cases(page: Page) -> Locator:
    """How many there are of what buyers said, as the overview counts them."""
    about = page.locator(".asked").filter(has_text="How was shopping with us?")
    return about.locator(".reach div").filter(has_text="Open cases").locator("dd")


def unhappy(page: Page) -> Locator:
    """The buyers on the overview whom nobody sees to yet."""
    rows = page.get_by_role("region", name="Unhappy buyers").locator("li").filter(has=page.locator("q"))
    return rows.filter(has=page.get_by_role("button", name="Make a case"))


def press_the_button(person: Person) -> str:
    """The overview shows who was unhappy, with a button at each."""
    page = person.page
    row = unhappy(page).first
    words = row.locator("q").inner_text()
    expect(row).to_contain_text(re.compile("[12] of 5"))
    person.press(row.get_by_role("button", name="Make a case"))
    expect(page.locator(".toast")).to_have_text("1 case made.")
    expect(page.locator(".toast")).to_be_in_viewport()
    return words


def open_and_read(person: Person) -> str:
    """Or one is opened first."""
    page = person.page
    row = unhappy(page).first
    words = row.locator("q").inner_text()
    person.press(row.get_by_role("link"))
    person.press(page.get_by_role("button", name="Make a case of it"))
    return words


def look_through_low_scores(person: Person) -> str:
    """Or found among all low scores that there have ever been."""
    page = person.page
    person.press(menu(page, "Answers"))
    expect(head(page)).to_have_text("Answers")
    person.press(page.get_by_role("link", name="Low scores"))
    expect(page.get_by_role("list", name="Filters that are on").get_by_role("listitem")).to_have_count(2)
    # The last of the list, so the whole of it has come.
    expect(page.get_by_role("group", name="With those that are ticked")).to_be_visible()
    rows = page.locator("[data-row]")
    assert rows.count() > 0
    for number in range(rows.count()):
        expect(rows.nth(number)).to_contain_text(re.compile("[12] of 5"))
    alone = rows.filter(has=page.get_by_role("button", name="Make a case")).filter(has_text="Verified")
    row = alone.filter(has=page.locator("q")).first
    words = row.locator("q").inner_text()
    person.press(row.get_by_role("link"))
    person.press(page.get_by_role("button", name="Make a case of it"))
    return words


def see_to_case(person: Person, words: str, note: str) -> None:
    """Mine, due on a day, with a note."""
    page = person.page
    expect(head(page)).to_have_text("How was shopping with us?")
    expect(page.locator(".said")).to_have_text(re.compile("[12] of 5"))
    expect(page.locator("blockquote")).to_have_text(words)
    expect(page.get_by_text("By the order it belongs to")).to_be_visible()
    case = page.locator("#case")
    expect(case.locator(".badge")).to_have_text("New")
    me = page.locator(".me .who").inner_text()
    year = time.gmtime().tm_year + 1
    person.choose(case.get_by_label("Who sees to it"), me)
    person.set_day(case.get_by_label("Due on"), year)
    person.write(case.get_by_label("A note for your colleagues"), note)
    person.press(case.get_by_role("button", name="Save"))
    expect(case.get_by_text(f"due on {DAY} Dec {year}")).to_be_visible()
    expect(case.locator("option[selected]").filter(has_text=me)).to_have_count(1)
    story = page.locator("#story")
    expect(story).to_contain_text(f"{me} sees to it")
    expect(story.locator(".story")).to_contain_text(note)


@pytest.mark.parametrize(
    ("kind", "found"), [(Person, press_the_button), (Thumb, open_and_read), (Keys, look_through_low_scores)]
)
def test_from_the_printed_lines_to_a_case(
    demo: RunningDemo, meet: Callable[[type[Person]], Person], kind: type[Person], found: Callable[[Person], str]
) -> None:
    began = time.monotonic()
    person = meet(kind)
    page = person.page
    sign_in(person, demo)
    before = int(open_cases(page).inner_text())
    read_worst_search(person)
    person.press(menu(page, "Overview"))
    expect(head(page)).to_have_text("Overview")
    words = found(person)
    see_to_case(person, words, f"Called, by {kind.__name__}.")
    person.press(menu(page, "Overview"))
    expect(head(page)).to_have_text("Overview")
    expect(open_cases(page)).to_have_text(str(before + 1))
    person.press(open_cases(page).get_by_role("link"))
    expect(head(page)).to_have_text("Cases")
    expect(page.locator("[data-row]").filter(has_text=words).first).to_contain_text("New")
    print(f"{kind.__name__}: {time.monotonic() - began:.1f} s")
