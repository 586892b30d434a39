"""Pictures of every ready question, for a person to look at: light and dark, phone and desktop, several languages (one
from right to left), with the shop's own colours, in the page, and with large letters; and sheets of many in one picture.

What a sheet shows is in its name. Nothing is compared here: what can be measured is in test_access.py.
"""

import base64
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Locator, Page, expect

from widget_server.contract.questions import question_types
from widget_server.contract.sets import SETS
from widget_server.contract.theme import resolved

from . import right_to_left
from .standin import SITE_KEY, Ours, Reply, Shop, question

Scheme = Literal["light", "dark"]
Device = Literal["phone", "desktop", "small"]

SIZES: dict[Device, tuple[int, int]] = {"phone": (375, 667), "desktop": (1100, 640), "small": (320, 568)}
# Wide enough for a panel with its shadow, in the corner of the window.
CORNER = {"x": 670, "y": 40, "width": 430, "height": 600}
RTL_CORNER = {**CORNER, "x": 0}
IN_THE_PAGE = {"x": 0, "y": 48, "width": 680, "height": 400}
ON_A_SHEET = 8
SECOND_TAP = 600
POSTER: dict[Scheme, tuple[str, ...]] = {
    "light": ("search-found", "order-rating", "why-us", "recommend", "delivery-rating"),
    "dark": ("order-effort", "as-expected", "nearly-stopped"),
}
LANGUAGES = ("lv", "lt", "ru", right_to_left.LANG)
BRANDS = {"yellow": "#ffd400", "dark blue": "#14213d", "grey": "#808080", "green": "#2f6f4f", "red": "#d7263d"}


@dataclass(frozen=True)
class Shot:
    """One question as one shopper meets it."""

    name: str
    lang: str = "en"
    scheme: Scheme = "light"
    device: Device = "desktop"
    widget: dict[str, Any] = field(default_factory=dict)
    letters: int = 100
    inline: bool = False


@dataclass(frozen=True)
class Sheet:
    """Several shots in one picture."""

    name: str
    shots: list[Shot]


def sheets() -> Iterator[Sheet]:
    """All that are made."""
    for lang, scheme, device in itertools.product(LANGUAGES, ("light", "dark"), ("phone", "desktop")):
        yield Sheet(f"{device}-{scheme}-{lang}", [Shot(name, lang, scheme, device) for name in SETS])  # type: ignore[arg-type]
    for scheme in ("light", "dark"):
        shots = [
            Shot(name, "en", scheme, "desktop", {"brand": brand, "mode": scheme})  # type: ignore[arg-type]
            for brand in BRANDS.values()
            for name in ("search-found", "recommend", "order-rating", "delivery-rating")
        ]
        yield Sheet(f"brands-{scheme}", shots)
    own = {"brand": "#7a4b2a", "background": "#f6efe4", "text": "#3a2a1c", "mode": "light"}
    shapes: list[dict[str, Any]] = [*({"radius": radius} for radius in (0, 4, 12, 28)), own]
    names = ("search-found", "order-effort", "as-expected", "why-us")
    yield Sheet("shapes", [Shot(name, widget=widget) for widget in shapes for name in names])
    yield Sheet("inline", [Shot(name, inline=True, widget=widget) for name in SETS for widget in ({}, {"brand": "#2f6f4f"})])
    yield Sheet("large-letters", [Shot(name, lang, device="small", letters=200) for lang in ("de", "ru") for name in SETS])


def draw(folder: Path, browser: Browser, wanted: str = "") -> None:
    """Save every sheet whose name contains `wanted` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    ours, shop = Ours(), Shop()
    try:
        for sheet in sheets():
            if wanted in sheet.name:
                pictures = [found for shot in sheet.shots for found in _taken(shot, browser, ours, shop)]
                for start in range(0, len(pictures), ON_A_SHEET):
                    path = folder / f"{sheet.name}-{start // ON_A_SHEET + 1}.png"
                    _together(browser, path, pictures[start : start + ON_A_SHEET])
                    print(path)
    finally:
        ours.stop()
        shop.stop()


def poster(path: Path, browser: Browser) -> None:
    """All types in one picture, for README: one ready question each."""
    ours, shop = Ours(), Shop()
    cards = ""
    try:
        for scheme, names in POSTER.items():
            for name in names:
                shot = Shot(name, scheme=scheme)
                page = _opened(shot, browser, ours, shop)
                _chosen(page.locator(".card"), SETS[name].type)
                page.mouse.move(1, 1)
                page.evaluate("document.querySelector('ul').remove(); document.body.style.background = '#e8eaee'")
                data = page.locator(".card").screenshot(animations="disabled", caret="hide", scale="device")
                cards += f"<img src='data:image/png;base64,{base64.b64encode(data).decode()}'>"
                page.context.close()
        page = browser.new_page(viewport={"width": 1260, "height": 600})
        page.set_content(
            "<!doctype html><style>body{margin:24px 24px 0;background:#e8eaee}div{columns:3;column-gap:24px}"
            f"img{{display:block;width:100%;margin-bottom:24px;border-radius:18px;break-inside:avoid}}</style><div>{cards}</div>"
        )
        page.screenshot(path=path, full_page=True)
        page.close()
        print(path)
    finally:
        ours.stop()
        shop.stop()


def texts(name: str) -> dict[str, dict[str, str]]:
    """The texts of a ready question, with those from right to left."""
    return {**SETS[name].texts, right_to_left.LANG: right_to_left.TEXTS[name]}  # type: ignore[dict-item]


def _taken(shot: Shot, browser: Browser, ours: Ours, shop: Shop) -> list[tuple[str, bytes]]:
    """The question, what follows the first tap, and the thanks."""
    made = SETS[shot.name]
    page = _opened(shot, browser, ours, shop)
    panel = page.locator("atbalss-panel .card")
    found = [_picture(page, shot, "")]
    if _chosen(panel, made.type):
        found.append(_picture(page, shot, "and then"))
    if shot.lang == LANGUAGES[0] and shot.name == "search-found":
        page.wait_for_timeout(SECOND_TAP)
        panel.locator(".send").click()
        expect(panel.locator(".thanks")).to_be_visible()
        found.append(_picture(page, shot, "thanks"))
    page.context.close()
    return found


def _opened(shot: Shot, browser: Browser, ours: Ours, shop: Shop) -> Page:
    """A page on which the question is asked."""
    made = SETS[shot.name]
    width, height = SIZES[shot.device]
    is_phone = shot.device != "desktop"
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=shot.scheme, reduced_motion="reduce",
        is_mobile=is_phone, has_touch=is_phone, device_scale_factor=1,
    )  # fmt: skip
    page = context.new_page()
    settings = {name: value for name, value in made.settings.items() if name in question_types()[made.type].settings}
    inline = {"inline": "#here"} if shot.inline else {}
    ours.widget = resolved(shot.widget)
    ours.questions = [{**question(shot.name, made.type, "order", **settings, **inline), "texts": texts(shot.name)}]
    shop.pages["/"] = Reply(200, _page(shot, ours.url))
    page.goto(shop.url + "/")
    page.locator("atbalss-panel .card").wait_for()
    return page


def _chosen(panel: Locator, kind: str) -> bool:
    """Choose what is followed by a text; whether there is something new to see."""
    if kind == "text":
        return False
    if kind == "yes_no":
        panel.locator("button[aria-pressed]").last.click()
    elif kind == "choices":
        panel.get_by_role("checkbox").nth(1).check()
        panel.get_by_role("checkbox").last.check()
    elif kind == "stars":
        panel.get_by_role("radio").nth(3).click()
    else:
        panel.get_by_role("radio").first.click()
    if kind != "choices":
        panel.locator("textarea").wait_for()
    return True


def _picture(page: Page, shot: Shot, state: str) -> tuple[str, bytes]:
    page.mouse.move(1, 1)
    page.wait_for_timeout(60)
    corner = RTL_CORNER if shot.lang == right_to_left.LANG else CORNER
    clip = IN_THE_PAGE if shot.inline else corner if shot.device == "desktop" else None
    title = " ".join(str(part) for part in (shot.name, state, *shot.widget.values()) if part)
    return title, page.screenshot(clip=clip, animations="disabled", caret="hide")  # type: ignore[arg-type]


def _together(browser: Browser, path: Path, pictures: list[tuple[str, bytes]]) -> None:
    """All in one picture, each with its title."""
    cells = "".join(
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f"<img src='data:image/png;base64,{base64.b64encode(data).decode()}'></figure>"
        for title, data in pictures
    )
    page = browser.new_page(viewport={"width": 1790, "height": 600})
    page.set_content(
        "<style>body{margin:10px;background:#999;font:13px sans-serif;display:flex;flex-wrap:wrap;gap:12px}"
        f"figure{{margin:0}}img{{display:block}}</style>{cells}"
    )
    page.screenshot(path=path, full_page=True)
    page.close()


def _page(shot: Shot, ours: str) -> str:
    """A shop's page after an order."""
    direction = "rtl" if shot.lang == right_to_left.LANG else "ltr"
    tiles = "".join(f"<li><b></b><p>Thing {number}</p><small>{number}9,00 €</small></li>" for number in range(1, 9))
    return f"""<!doctype html><html lang="{shot.lang}" dir="{direction}"><head><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
html {{ font-size: {shot.letters}%; color-scheme: light dark }}
body {{ margin: 0; font: 1rem/1.5 "Liberation Sans", sans-serif; background: light-dark(#fff, #16181c) }}
header {{ display: flex; gap: 1em; padding: 14px 20px; border-bottom: 1px solid light-dark(#ddd, #333); font-size: 16px }}
ul {{ list-style: none; display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: 16px; padding: 20px;
  margin: 0; font-size: 15px }}
b {{ display: block; aspect-ratio: 1; border-radius: 8px; background: light-dark(#e9e4dc, #2a2d33) }}
p {{ margin: 6px 0 0 }} #here {{ max-width: 640px; min-height: 560px; margin: 20px }} </style>
<script async src="{ours}/widget.js" data-shop="{SITE_KEY}"></script></head>
<body><header><strong>Mežmala</strong> <span>Sauna</span> <span>Garden</span></header>
<div data-atbalss-order-token="v1.1.claims.mac"></div>{'<div id="here"></div>' if shot.inline else ""}<ul>{tiles}</ul></body></html>"""
