"""The looks of the snippet: whatever an owner chooses, what is drawn can be read."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from widget_server.contract import theme
from widget_server.contract.theme import DARK, LIGHT, Card

PANEL = Path(__file__).parents[2] / "js_snippet/src/panel"

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
# Faint ones, greys and the corners of the cube are where mending has to work.
brands = st.one_of(
    colours,
    st.integers(0, 255).map(lambda part: f"#{part:02x}{part:02x}{part:02x}"),
    st.tuples(*[st.sampled_from(("00", "01", "7f", "80", "fe", "ff"))] * 3).map(lambda parts: "#" + "".join(parts)),
)


def ratio(one: str, other: str) -> float:
    """WCAG's ratio once more, with nothing of the module that is tested."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else math.pow((part + 0.055) / 1.055, 2.4) for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    high, low = max(light(one), light(other)), min(light(one), light(other))
    return (high + 0.05) / (low + 0.05)


@given(brands)
@settings(max_examples=1000, deadline=None)
@example("#ffdd00")
def test_for_every_brand_all_four_pairs_can_be_read(brand: str) -> None:
    found = theme.resolved({"brand": brand})
    assert list(found) == ["accent", "on_accent", "accent_dark", "on_accent_dark"]
    for ending, card in (("", "#ffffff"), ("_dark", "#1c1e24")):
        accent, on_accent = found[f"accent{ending}"], found[f"on_accent{ending}"]
        assert re.fullmatch("#[0-9a-f]{6}", accent) and re.fullmatch("#[0-9a-f]{6}", on_accent)
        assert ratio(accent, card) >= 3
        assert ratio(on_accent, accent) >= 4.5


@given(brands, brands)
@settings(max_examples=300, deadline=None)
def test_also_on_a_card_of_the_shops_own(brand: str, background: str) -> None:
    text = max(("#000000", "#ffffff"), key=lambda text: ratio(text, background))
    drawn = theme.pair(brand, Card(background, text))
    assert ratio(drawn.accent, background) >= 3
    assert ratio(drawn.on_accent, drawn.accent) >= 4.5


@given(brands)
@settings(max_examples=300, deadline=None)
def test_who_is_fine_is_left_alone_and_who_is_not_is_told(brand: str) -> None:
    said = theme.notes({"brand": brand})
    for name, card, colour in (("light", "#ffffff", "accent"), ("dark", "#1c1e24", "accent_dark")):
        told = [note for note in said if f"on the {name} card" in note]
        used = theme.resolved({"brand": brand})[colour]
        if ratio(brand, card) >= 3:
            assert (used, told) == (brand, [])
        else:
            assert used != brand
            assert len(told) == 1 and f"{brand} on {card} is " in told[0] and f"so {used} is used" in told[0]


@given(colours)
@settings(max_examples=300, deadline=None)
def test_a_mended_colour_keeps_its_hue_as_far_as_the_screen_goes(brand: str) -> None:
    _, chroma, hue = theme.to_oklch(brand)
    used = theme.pair(brand, LIGHT).accent
    _, kept, turned = theme.to_oklch(used)
    if chroma > 0.05 and kept > 0.03:  # the hue of a grey is nothing
        assert abs(math.remainder(turned - hue, math.tau)) < 0.12
    assert kept <= max(chroma, 0.02) + 0.01


def test_mending_goes_no_further_than_it_must() -> None:
    for brand in ("#ffdd00", "#ff9900", "#7fdbff", "#e6e600", "#ff99cc"):
        used = theme.pair(brand, LIGHT).accent
        assert 3 <= ratio(used, "#ffffff") < 3.05


def test_a_black_white_or_grey_brand_becomes_the_text_of_a_card_that_hides_it() -> None:
    assert theme.pair("#000000", DARK).accent == DARK.text
    assert theme.pair("#ffffff", LIGHT).accent == LIGHT.text
    assert theme.pair("#000000", LIGHT).accent == "#000000"


@given(colours)
@settings(max_examples=300, deadline=None)
def test_oklch_goes_there_and_back(colour: str) -> None:
    assert theme.from_oklch(*theme.to_oklch(colour)) == colour


@pytest.mark.parametrize(
    ("colour", "lightness", "chroma", "degrees"),
    # https://www.w3.org/TR/css-color-4/#the-oklch-notation and its sample values for sRGB red, green, blue, white
    [("#ff0000", 0.62796, 0.25768, 29.234), ("#008000", 0.51975, 0.17686, 142.495), ("#0000ff", 0.45201, 0.31321, 264.052), ("#ffffff", 1, 0, None)],
)
def test_oklch_is_that_of_css(colour: str, lightness: float, chroma: float, degrees: float | None) -> None:
    found = theme.to_oklch(colour)
    assert found[:2] == pytest.approx((lightness, chroma), abs=1e-4)
    if degrees is not None:
        assert math.degrees(found[2]) % 360 == pytest.approx(degrees, abs=0.05)


def test_known_ratios() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)
    assert theme.contrast("#1d4ed8", "#1d4ed8") == 1


@given(st.one_of(st.none(), brands), st.one_of(st.none(), brands))
@settings(max_examples=300, deadline=None)
def test_an_own_pair_is_refused_exactly_when_it_is_too_faint(background: str | None, text: str | None) -> None:
    errors = theme.errors({"background": background, "text": text})
    back, front = background or LIGHT.background, text or LIGHT.text
    if ratio(back, front) >= 4.5:
        assert errors == {}
        return
    ((field, sentence),) = errors.items()
    assert field == ("text" if text else "background")
    assert f"{front} on {back} is " in sentence and "4.5:1" in sentence
    nearest = re.findall(r"#[0-9a-f]{6}", sentence)[-1]
    assert ratio(nearest, back if text else front) >= 4.5
    assert theme.errors({"background": background, "text": text, field: nearest}) == {}


def test_a_ratio_is_never_told_better_than_it_is() -> None:
    assert ratio("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
    assert "is 4.47:1" in theme.errors({"text": "#777777"})["text"]


def test_what_is_kept_and_what_is_told() -> None:
    kept = theme.stored({"brand": "#0F766E", "mode": "system", "radius": 0, "position": "start", "font": None, "cooldown_hours": 24})
    assert kept == {"brand": "#0f766e", "radius": 0, "position": "start"}
    told = theme.resolved(kept)
    assert told["radius"] == 0 and told["position"] == "start" and "mode" not in told and "brand" not in told
    assert theme.resolved({}) == {}
    assert theme.resolved({"text": "#000000", "cooldown_hours": 0, "consent": "never"}) == {"cooldown_hours": 0, "consent": "never", "text": "#000000"}


def test_only_cards_that_are_shown_are_spoken_of() -> None:
    assert theme.notes({"brand": "#ffdd00", "mode": "dark"}) == []
    assert len(theme.notes({"brand": "#ffdd00", "mode": "light"})) == 1
    assert "never shows" in theme.notes({"text": "#000000", "mode": "dark"})[0]


def test_the_cards_are_those_of_the_panel() -> None:
    css = "\n".join(path.read_text() for path in sorted(PANEL.rglob("*.css")))
    for name, used in (("back", {LIGHT.background, DARK.background}), ("front", {LIGHT.text, DARK.text})):
        there = {whole(value) for value in re.findall(rf"--{name}:\s*(#[0-9a-f]+)\b", css)}
        assert there == used


def whole(colour: str) -> str:
    return "#" + "".join(part * 2 for part in colour[1:]) if len(colour) == 4 else colour
