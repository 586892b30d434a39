"""Pictures of the panel: `python -m tests.browser.pictures [demo | gallery [PART OF A NAME]]`; without a word, both.

demo: those in README. Starts `atbalss demo` in a folder of its own, opens its pages in Chromium, waits for the panel, and
saves what is seen in `pictures`. gallery: every question in many looks, in `artefacts`, which git ignores (gallery.py).
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from . import chromium, gallery
from .running_demo import RunningDemo

FOLDER = Path(__file__).parent / "pictures"
ARTEFACTS = Path(__file__).parent / "artefacts"
DESKTOP = (1200, 750)
PHONE = (390, 780)


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


def main() -> int:
    which, wanted = (*sys.argv[1:], "", "")[:2]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.arguments())
        if which in ("", "gallery"):
            gallery.draw(ARTEFACTS, browser, wanted)
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
