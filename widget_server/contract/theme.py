"""The looks of the snippet: from one brand colour to pairs that everybody can read, on the light and on the dark card.

Two rules of WCAG 2.2 are kept for every brand colour there is:
- `accent` is what the brand draws with (a line, a star, the back of a button or of the chosen option); beside the card
  it has at least 3:1 (1.4.11 Non-text Contrast, https://www.w3.org/TR/WCAG22/#non-text-contrast);
- `on_accent` is text upon it, with at least 4.5:1 (1.4.3 Contrast (Minimum), https://www.w3.org/TR/WCAG22/#contrast-minimum).

A brand that is too faint is mended by moving its lightness alone, in OKLCH, where that looks like the same colour made
darker or lighter; only where the screen has no such colour does it lose some chroma. A black, white or grey one that is
too faint becomes the colour of the card's text: half grey is nobody's brand.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

LINE = 3.0
TEXT = 4.5
# What the panel looks like when an owner has set nothing; the colours of the cards stand in panel.css too.
DEFAULTS: Mapping[str, Any] = {
    "brand": None, "background": None, "text": None, "mode": "system", "radius": 18, "position": "end", "font": "page",
    "cooldown_hours": 24, "consent": "auto",
}  # fmt: skip
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_DARKEST_TEXT = "#000000"
_FINEST = 0.001
_GREYISH = 0.02
_PLAIN = ("mode", "radius", "position", "font", "cooldown_hours", "consent")

Lab = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Card:
    """What the panel is drawn on, and the colour of its text."""

    background: str
    text: str


LIGHT = Card("#ffffff", "#15171c")
DARK = Card("#1c1e24", "#f4f5f7")


@dataclass(frozen=True, slots=True)
class Pair:
    """What the brand draws with on a card, and the text upon it."""

    accent: str
    on_accent: str


def luminance(colour: str) -> float:
    """Relative luminance: 0 for black, 1 for white (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance).

    L = 0.2126 R + 0.7152 G + 0.0722 B of the linear components; a component c of 0 to 1 is c / 12.92 up to 0.04045,
    else ((c + 0.055) / 1.055) ** 2.4.
    """
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """(L1 + 0.05) / (L2 + 0.05), L1 being the lighter: 1 to 21 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).

    >>> round(contrast("#ffffff", "#767676"), 2)
    4.54
    """
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mended(colour: str, beside: str, least: float) -> str:
    """The nearest colour of the same hue that has at least `least` to 1 beside another, itself if it has.

    `least` is at most 4.5: so much has black or white beside any colour there is.
    """
    if contrast(colour, beside) >= least:
        return colour
    lightness, chroma, hue = to_oklch(colour)

    def fits(found: str) -> bool:
        return contrast(found, beside) >= least

    both = [_moved(lightness, end, lambda at: from_oklch(at, chroma, hue), fits) for end in (0.0, 1.0)]
    return min((found for found in both if found is not None), key=lambda found: found[0])[1]


def pair(brand: str, card: Card) -> Pair:
    """What `brand` becomes on `card`."""
    accent = mended(brand, card.background, LINE)
    if accent != brand and to_oklch(brand)[1] < _GREYISH:
        accent = card.text
    # White first, as designers have it; between those that white and the card's text suit there is black.
    texts = ("#ffffff", LIGHT.text, _DARKEST_TEXT)
    return Pair(accent, next(text for text in texts if contrast(text, accent) >= TEXT))


def cards(widget: Mapping[str, Any]) -> dict[str, tuple[Card, Pair]]:
    """Both cards by name with what is drawn on them, as an owner has set it."""
    own = Card(widget.get("background") or LIGHT.background, widget.get("text") or LIGHT.text)
    brand = widget.get("brand")
    # Without a brand the panel is drawn in the two colours of its card.
    return {
        name: (card, pair(brand, card) if brand else Pair(card.text, card.background))
        for name, card in (("light", own), ("dark", DARK))
    }


def errors(widget: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the own pair of `background` and `text`, by field. Either may be left to the card."""
    card = cards({**widget, "brand": None})["light"][0]
    if contrast(card.text, card.background) >= TEXT:
        return {}
    said = f"{_too_little(card.text, card.background)}; text needs {TEXT}:1."
    if widget.get("text"):
        return {"text": f"{said} The nearest that has it is {mended(card.text, card.background, TEXT)}."}
    return {"background": f"{said} The nearest that has it is {mended(card.background, card.text, TEXT)}."}


def notes(widget: Mapping[str, Any]) -> list[str]:
    """What an owner should know: what was mended on the cards that are shown, and what has no effect."""
    brand, mode = widget.get("brand"), widget.get("mode")
    found = [
        f"{_too_little(brand, card.background)}; a line needs {LINE:.0f}:1, so {drawn.accent} is used on the {name} card."
        for name, (card, drawn) in cards(widget).items()
        if brand and drawn.accent != brand and mode in (None, "system", name)
    ]
    if mode == "dark" and (widget.get("background") or widget.get("text")):
        found.append("The own background and text belong to the light card, which the mode dark never shows.")
    return found


def stored(given: Mapping[str, Any]) -> dict[str, Any]:
    """What an owner gave, as it is kept: only what differs from the defaults, colours in small letters."""
    kept = {name: value for name, value in given.items() if value is not None and value != DEFAULTS[name]}
    return {name: value.lower() if name in ("brand", "background", "text") else value for name, value in kept.items()}


def resolved(widget: Mapping[str, Any]) -> dict[str, Any]:
    """What the snippet is told: only what differs from its defaults, so nothing at all for most shops."""
    found = {name: widget[name] for name in _PLAIN if widget.get(name, DEFAULTS[name]) != DEFAULTS[name]}
    found |= {name: widget[name] for name in ("background", "text") if widget.get(name)}
    if widget.get("brand"):
        for ending, (_, drawn) in zip(("", "_dark"), cards(widget).values(), strict=True):
            found |= {f"accent{ending}": drawn.accent, f"on_accent{ending}": drawn.on_accent}
    return found


def to_oklch(colour: str) -> Lab:
    """Lightness, chroma and hue (radians) in OKLab: Björn Ottosson, "A perceptual color space for image processing",
    2020, https://bottosson.github.io/posts/oklab/ (the matrices of 2021-01-25)."""
    red, green, blue = _linear(colour)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return lightness, math.hypot(a, b), math.atan2(b, a)


def from_oklch(lightness: float, chroma: float, hue: float) -> str:
    """The colour; where the screen has none so strong, the strongest of that lightness and hue (by bisection)."""
    found = _rgb(lightness, chroma, hue)
    if not _on_screen(found):
        least, most = 0.0, chroma
        for _ in range(20):
            middle = (least + most) / 2
            if _on_screen(_rgb(lightness, middle, hue)):
                least = middle
            else:
                most = middle
        found = _rgb(lightness, least, hue)
    return "#" + "".join(f"{round(255 * _curved(min(max(part, 0.0), 1.0))):02x}" for part in found)


def _moved(
    start: float, end: float, made: Callable[[float], str], fits: Callable[[str], bool]
) -> tuple[float, str] | None:
    """How far from `start` towards `end` the first colour is that fits, and which; None when not even the last does."""
    if not fits(made(end)):
        return None
    misses, hits = start, end
    while abs(hits - misses) > _FINEST:
        middle = (misses + hits) / 2
        if fits(made(middle)):
            hits = middle
        else:
            misses = middle
    return abs(hits - start), made(hits)


def _too_little(colour: str, background: str) -> str:
    # Cut, not rounded: 4.496 must not read as 4.5.
    return f"{colour} on {background} is {math.floor(100 * contrast(colour, background)) / 100:g}:1"


def _linear(colour: str) -> Lab:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _straight(red), _straight(green), _straight(blue)


def _straight(part: float) -> float:
    return float(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)


def _curved(part: float) -> float:
    return float(12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055)


def _rgb(lightness: float, chroma: float, hue: float) -> Lab:
    """Linear components; outside 0 to 1 where the screen has no such colour."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _on_screen(rgb: Lab) -> bool:
    return all(-1e-4 <= part <= 1.0001 for part in rgb)
