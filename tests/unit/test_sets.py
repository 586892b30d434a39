"""The ready questions: whole in every language, of a type that can draw them, and short enough for the panel."""

import re

import pytest

from widget_server.contract import saving
from widget_server.contract.fields import slug
from widget_server.contract.questions import question_types, texts_needed
from widget_server.contract.sets import SETS
from widget_server.contract.texts import LANGUAGES

# What fits the panel at 320 px with large letters; tests/browser/test_types.py looks at it.
LONGEST = {
    "title": 64, "option": 36, "low": 20, "high": 20, "star": 24, "yes": 12, "no": 12, "follow_up": 48,
    "placeholder": 60, "send": 12, "thanks": 52, "close": 12,
}  # fmt: skip
MAY_BE_MISSING = re.compile(r"placeholder|follow_up\w*_placeholder")
CYRILLIC, LATIN = re.compile("[а-яё]", re.I), re.compile("[a-z]", re.I)


def kind_of(key: str) -> str:
    if key.endswith("placeholder"):
        return "placeholder"
    return "option" if key.startswith("option.") else "follow_up" if key.startswith("follow_up") else key


@pytest.mark.parametrize("name", sorted(SETS))
def test_a_set_fits_its_type(name: str) -> None:
    made = SETS[name]
    assert made.name == name and slug().check(name) is None and made.about.endswith(".")
    assert saving.errors(made.question()) == {}
    assert saving.completed(made.question()) == made.question()
    assert set(made.texts) == set(LANGUAGES)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", sorted(SETS))
def test_a_set_says_everything_in_every_language_and_no_more(name: str, lang: str) -> None:
    made, texts = SETS[name], SETS[name].texts[lang]
    needed = set(texts_needed(question_types()[made.type], made.settings))
    optional = {key for key in made.texts["en"] if MAY_BE_MISSING.fullmatch(key)}
    assert set(texts) == needed | optional


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", sorted(SETS))
def test_every_text_fits_and_is_in_its_language(name: str, lang: str) -> None:
    texts = SETS[name].texts[lang]
    assert [(key, text) for key, text in texts.items() if not 1 <= len(text) <= LONGEST[kind_of(key)]] == []
    foreign = LATIN if lang == "ru" else CYRILLIC
    assert [text for text in texts.values() if foreign.search(text.replace("{n}", "")) or text != text.strip()] == []
    if lang != "en":
        assert texts["title"] != SETS[name].texts["en"]["title"]
    assert texts["title"].endswith("?")


def test_every_type_and_every_step_of_the_journey_has_one() -> None:
    assert {made.type for made in SETS.values()} == set(question_types())
    assert {made.touchpoint for made in SETS.values()} == {"search", "choice", "order", "delivery", "product", "relationship"}
    assert SETS["recommend"].settings["every_days"] == 90
