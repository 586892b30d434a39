"""Pictures: `python -m tests.browser.pictures [demo | gallery | pages [PART OF A NAME]]`; without a word, all.

demo: those in README. Starts `atbalss demo` in a folder of its own, opens its pages in Chromium, waits for the panel, and
saves what is seen in `pictures`. gallery: every question in many looks, in `artefacts`, which git ignores (gallery.py).
pages: every page of the owner's, phone and desktop, light and dark, in Latvian and English, in `artefacts/pages`; with
`best` the four of README, in `pictures`.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.conftest import SECRET_KEY
from tests.servers import ValkeyServer
from widget_server.record.db import Database

from . import chromium, gallery
from .office import Office, furnish
from .running_demo import RunningDemo
from .test_pages import OPEN
from .test_pages import PAGES as OFFICE_PAGES

FOLDER = Path(__file__).parent / "pictures"
ARTEFACTS = Path(__file__).parent / "artefacts"
DESKTOP = (1200, 750)
PHONE = (390, 780)
DESK = (1360, 1000)
_FAMILY = (
    '<match target="pattern"><test name="family"><string>{}</string></test>'
    '<edit name="family" mode="prepend" binding="strong"><string>Liberation Sans</string></edit></match>'
)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
BEST: dict[str, tuple[str, tuple[int, int], Scheme, str]] = {
    "pages-overview": ("overview.show", DESK, "light", "en"),
    "pages-searches-phone": ("searches.show", PHONE, "light", "lv"),
    "pages-answers": ("answers.show", DESK, "dark", "en"),
    "pages-questions": ("questions.edit", DESK, "light", "en"),
}


@dataclass(frozen=True)
class Look:
    """How a page is looked at."""

    name: str
    lang: str
    size: tuple[int, int] = DESKTOP
    scheme: Literal["light", "dark"] = "light"

    def open(self, browser: Browser) -> Page:
        width, height = self.size
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale=self.lang, color_scheme=self.scheme,
            reduced_motion="reduce", device_scale_factor=1 if self.size == DESKTOP else 2,
            is_mobile=self.size == PHONE, has_touch=self.size == PHONE,
        )  # fmt: skip
        context.set_default_timeout(30_000)
        return context.new_page()


def take(folder: Path, demo: RunningDemo, browser: Browser) -> None:
    """Save all pictures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for look in (Look("search", "en"), Look("search-dark", "en", scheme="dark")):
        page = look.open(browser)
        page.goto(f"{demo.shop}/en/search?q=wool")
        _panel(page)
        _save(page, folder, look)
    look = Look("why", "en")
    page = look.open(browser)
    page.goto(f"{demo.shop}/en/search?q=wool&atbalss_why=1")
    _panel(page)
    _save(page, folder, look)
    look = Look("nothing-found-phone", "lv", PHONE)
    page = look.open(browser)
    page.goto(f"{demo.shop}/lv/search?q=dāvanu+karte")
    panel = _panel(page)
    panel.get_by_role("button", name="Nē").click()
    panel.get_by_role("textbox").fill("dāvanu karti mammai")
    _save(page, folder, look)
    look = Look("order-phone", "lt", PHONE, "dark")
    page = look.open(browser)
    _order(page, f"{demo.shop}/lt")
    _panel(page)
    _save(page, folder, look)


def _panel(page: Page) -> Locator:
    panel = page.get_by_role("dialog")
    expect(panel).to_be_visible(timeout=30_000)
    return panel


def _order(page: Page, shop: str) -> None:
    for slug in ("willow-basket", "enamel-mug"):
        page.goto(f"{shop}/p/{slug}")
        page.locator("article form button").click()
    page.goto(f"{shop}/checkout")
    page.locator("[name=name]").fill("Rūta")
    page.locator("[name=email]").fill("ruta@shop.example")
    page.locator("form.fields button").click()


def _save(page: Page, folder: Path, look: Look) -> None:
    page.mouse.move(0, 0)
    page.wait_for_load_state("networkidle")
    path = folder / f"{look.name}.png"
    page.screenshot(path=path, animations="disabled", caret="hide")
    page.context.close()
    print(path)


def pages(browser: Browser, wanted: str) -> None:
    """Every page of the owner's whose name has `wanted` in it, whole, in all looks."""
    with _office() as office:
        for language, (width, height), scheme in product(("lv", "en"), (DESKTOP, PHONE), SCHEMES):
            context = office.context(browser, language, width=width, height=height, scheme=scheme)
            page = context.new_page()
            for name in [each for each in OFFICE_PAGES if wanted in each]:
                page.goto(OPEN.get(name) or office.address(name))
                where = (
                    ARTEFACTS
                    / "pages"
                    / f"{name}-{'phone' if width == PHONE[0] else 'desk'}-{scheme}-{language}.png"
                )
                _keep(page, where, full_page=True)
            context.close()


def best(browser: Browser) -> None:
    """The four of README."""
    with _office(in_trouble=False) as office:
        for name, (address, size, scheme, language) in BEST.items():
            width, height = size
            context = office.context(
                browser, language, width=width, height=height, scheme=scheme, scale=2 if size == PHONE else 1
            )
            page = context.new_page()
            page.goto(office.address(address))
            _keep(page, FOLDER / f"{name}.png", full_page=False)
            context.close()


@contextmanager
def _plain_letters() -> Iterator[dict[str, str | float | bool]]:
    """An environment where the device's letters are about as wide as those of most devices, where there are such: those
    that machines without a screen take else are far wider."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        families = "".join(_FAMILY.format(each) for each in ("system-ui", "sans", "sans-serif"))
        file.write(f"<fontconfig><include>/etc/fonts/fonts.conf</include>{families}</fontconfig>")
        file.flush()
        yield {**os.environ, "FONTCONFIG_FILE": file.name}


@contextmanager
def _office(*, in_trouble: bool = True) -> Iterator[Office]:
    with tempfile.TemporaryDirectory(prefix="atbalss-pictures-") as temporary:
        url = f"sqlite:///{temporary}/atbalss.db"
        database = Database(url, SECRET_KEY)
        database.migrate()
        database.close()
        furnish(Path(temporary), url, in_trouble=in_trouble)
        valkey = ValkeyServer()
        office = Office(Path(temporary), url, valkey.url)
        try:
            yield office
        finally:
            office.stop()
            valkey.stop()


def _keep(page: Page, path: Path, *, full_page: bool) -> None:
    page.wait_for_load_state("networkidle")
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, animations="disabled", caret="hide", full_page=full_page)
    print(path)


def main() -> int:
    which, wanted = (*sys.argv[1:], "", "")[:2]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.arguments())
        if which in ("", "gallery"):
            gallery.draw(ARTEFACTS, browser, wanted)
        if which in ("", "pages"):
            with _plain_letters() as environment:
                plain = playwright.chromium.launch(
                    executable_path=chromium.find(), args=chromium.arguments(), env=environment
                )
                if wanted != "best":
                    pages(plain, wanted)
                if wanted in ("", "best"):
                    best(plain)
                plain.close()
        if which in ("", "demo"):
            with tempfile.TemporaryDirectory(prefix="atbalss-pictures-") as temporary:
                demo = RunningDemo(Path(temporary) / "data")
                try:
                    gallery.poster(FOLDER / "types.png", browser)
                    take(FOLDER, demo, browser)
                finally:
                    demo.stop()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
