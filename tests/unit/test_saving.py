"""What a question must be to be saved, and what it gets from us."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget_server.contract import saving
from widget_server.contract.questions import question_types, texts_allowed, texts_needed
from widget_server.contract.saving import MOST_BYTES, MOST_ERRORS, MOST_LANGUAGES, changed, completed, errors
from widget_server.contract.sets import SETS, ready_texts
from widget_server.contract.shop import Question
from widget_server.contract.texts import LANGUAGES

MINE = Question("mine", 1, "yes_no", "product", texts={"lv": {"title": "Vai viss skaidrs?"}}, settings={"follow_up": "never"})


def wrong(**fields: Any) -> dict[str, str]:
    return errors(completed(replace(MINE, **fields)))


def test_a_title_is_enough() -> None:
    made = completed(MINE)
    assert errors(made) == {}
    assert made.touchpoint == "choice"
    assert made.texts == {
        "lv": {"title": "Vai viss skaidrs?", "yes": "Jā", "no": "Nē", "thanks": "Paldies par atbildi!", "close": "Aizvērt"}
    }


@pytest.mark.parametrize("kind", sorted(question_types()))
@pytest.mark.parametrize("lang", ["lv", "de-AT", "fi"])
def test_every_type_needs_no_more_than_its_title_and_options(kind: str, lang: str) -> None:
    options = {"options": ["a", "b"]} if "options" in question_types()[kind].settings else {}
    words = {f"option.{name}": name for name in options.get("options", ())}
    made = completed(Question("mine", 1, kind, "order", texts={lang: {"title": "?", **words}}, settings=options))
    assert errors(made) == {}
    assert set(made.texts[lang]) == set(texts_needed(question_types()[kind], options))


def test_our_words_are_in_every_language_of_ours() -> None:
    for kind in question_types():
        assert set(ready_texts(kind)) == set(LANGUAGES)
        assert len({frozenset(words) for words in ready_texts(kind).values()}) == 1


def test_a_language_that_we_don_t_speak_falls_back_later() -> None:
    made = completed(replace(MINE, texts={"sv": {"title": "Klart?"}, "lv": {"title": "Skaidrs?"}}))
    assert errors(made) == {}
    assert made.texts["sv"] == {"title": "Klart?"}
    alone = errors(completed(replace(MINE, texts={"sv": {"title": "Klart?"}})))
    assert alone == {f"texts.sv.{key}": "Required in one language at least." for key in ("yes", "no", "thanks", "close")}


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"name": "Mine"}, "name", "1 to 64"),
        ({"name": "x" * 65}, "name", "1 to 64"),
        ({"name": "a b"}, "name", "a-z, 0-9"),
        ({"touchpoint": "ā"}, "touchpoint", "1 to 64"),
        ({"placement": "basket"}, "placement", "search, order, product, page, link"),
        ({"placement": ""}, "placement", "search"),
        ({"type": "rating"}, "type", "choice, choices, csat"),
        ({"type": []}, "type", "choice, choices, csat"),
        ({"settings": {"delay": -1}}, "settings.delay", "0 to 3600"),
        ({"settings": {"options": ["a", "b"]}}, "settings.options", "Unknown"),
        ({"settings": {"follow_up": "sometimes"}}, "settings.follow_up", '"never", "always"'),
        ({"type": "text", "settings": {"follow_up": "always"}}, "settings.follow_up", "Unknown"),
        ({"type": "choice"}, "settings.options", "2 to 20"),
        ({"texts": {}}, "texts", f"1 to {MOST_LANGUAGES} languages"),
        ({"texts": {f"l{chr(97 + n // 26)}{chr(97 + n % 26)}": {"title": "x"} for n in range(41)}}, "texts", "40 languages"),
        ({"texts": {"lv": {"title": "x"}, "latvian language": {"title": "x"}}}, "texts.latvian language", "language like"),
        ({"texts": {"latvian": {"title": "x"}}}, "texts.latvian", "language like"),
        ({"texts": {"l v": {"title": "x"}}}, "texts.l v", "language like"),
        ({"texts": {"lv": {"title": "x"}, "LV": {"title": "x"}}}, "texts.LV", "once"),
        ({"texts": {"pt-BR": {"title": "x"}, "pt_br": {"title": "x"}, "lv": {"title": "x"}}}, "texts.pt_br", "once"),
        ({"texts": {"lv": "x"}}, "texts.lv", '{"title": "..."}'),
        ({"texts": {"lv": {}}}, "texts.lv.title", "Required"),
        ({"texts": {"lv": {"title": "x"}, "lt": {"yes": "Taip"}}}, "texts.lt.title", "Required"),
        ({"texts": {"lv": {"title": ""}}}, "texts.lv.title", "1 to 200"),
        ({"texts": {"lv": {"title": "  "}}}, "texts.lv.title", "1 to 200"),
        ({"texts": {"lv": {"title": "x" * 201}}}, "texts.lv.title", "1 to 200"),
        ({"texts": {"lv": {"title": "a\nb"}}}, "texts.lv.title", "one line"),
        ({"texts": {"lv": {"title": "\ud800"}}}, "texts.lv.title", "plain text"),
        ({"texts": {"lv": {"title": 5}}}, "texts.lv.title", "1 to 200"),
        ({"texts": {"lv": {"title": "x", "yes": "j" * 61}}}, "texts.lv.yes", "1 to 60"),
        ({"texts": {"lv": {"title": "x", "high": "y"}}}, "texts.lv.high", "no such text; it has title, yes, no"),
        ({"texts": {"lv": {"title": "x", "option.a": "y"}}}, "texts.lv.option.a", "no such text"),
        ({"texts": {"lv": {"title": "x", "follow_up": "y"}}}, "texts.lv.follow_up", "no such text"),
        ({"type": "stars", "texts": {"lv": {"title": "x", "star": "zvaigzne"}}}, "texts.lv.star", "{n}"),
        ({"settings": {"follow_up": [{"text": "follow_up_why"}]}}, "texts.lv.follow_up_why", "Required in one language"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], path: str, says: str) -> None:
    found = wrong(**fields)
    assert list(found) == [path]
    assert says in found[path]


def test_options_need_their_words_all_in_one_language() -> None:
    of_type = {"type": "choices", "settings": {"options": ["a", "b"]}}
    texts = {"lv": {"title": "?", "option.a": "A"}, "lt": {"title": "?"}}
    assert wrong(**of_type, texts=texts) == {"texts.lv.option.b": "Required in one language at least."}
    said = wrong(**of_type, texts={**texts, "lt": {"title": "?", "option.b": "B"}})
    assert said == {"texts.lv.option.b": "Required: one language at least must have all options."}
    assert wrong(**of_type, texts={**texts, "en": {"title": "?", "option.a": "A", "option.b": "B"}}) == {}


def test_one_language_of_ask_stays_small() -> None:
    options = [f"o{n}" for n in range(20)]
    big = {"title": "x", **{f"option.{name}": "ā" * 98 for name in options}}
    texts = {"lv": {"title": "x", **{f"option.{name}": name for name in options}}, "lt": big}
    found = wrong(type="choice", settings={"options": options}, texts=texts)
    assert list(found) == ["texts.lt"]
    assert str(MOST_BYTES) in found["texts.lt"]


def test_no_more_is_told_than_can_be_read() -> None:
    assert len(wrong(texts={"lv": {"title": "x", **{f"k{n}": "y" for n in range(500)}}})) == MOST_ERRORS


def test_a_change_keeps_what_it_doesn_t_name() -> None:
    old = SETS["recommend"].question()
    assert changed(old, {}) == old
    made = changed(old, {"settings": {"sample": 50}, "texts": {"lv": {"title": "Vai ieteiktu?"}}})
    assert made.settings == {**old.settings, "sample": 50}
    assert made.texts["lv"] == {**old.texts["lv"], "title": "Vai ieteiktu?"}
    assert {lang: words for lang, words in made.texts.items() if lang != "lv"} == {k: v for k, v in old.texts.items() if k != "lv"}


def test_null_takes_away_and_ours_comes_back() -> None:
    old = changed(SETS["recommend"].question(), {"settings": {"sample": 50}, "texts": {"lv": {"send": "Aiziet"}}})
    made = changed(old, {"settings": {"sample": None, "every_days": None}, "texts": {"lv": {"send": None}, "de": None}})
    assert set(made.settings) == {"follow_up"}
    assert made.texts["lv"]["send"] == "Nosūtīt"
    assert "de" not in made.texts
    assert errors(made) == {}
    assert errors(changed(old, {"texts": dict.fromkeys(LANGUAGES)})) == {"texts": f"Give texts in 1 to {MOST_LANGUAGES} languages."}


def test_texts_that_have_no_use_any_more_leave() -> None:
    old = SETS["why-us"].question()
    fewer = changed(old, {"settings": {"options": ["price", "range"], "follow_up": None}})
    assert errors(fewer) == {}
    assert {key for key in fewer.texts["lv"] if key.startswith("option.")} == {"option.price", "option.range"}
    more = changed(old, {"settings": {"options": [*old.settings["options"], "luck"]}})
    assert errors(more) == {"texts.lv.option.luck": "Required in one language at least."}


def test_our_touchpoint_goes_with_the_placement_and_an_own_one_stays() -> None:
    ours = completed(MINE)
    assert changed(ours, {"placement": "order"}).touchpoint == "order"
    assert changed(replace(ours, touchpoint="fitting-room"), {"placement": "order"}).touchpoint == "fitting-room"
    assert changed(ours, {"placement": "order", "touchpoint": "gift"}).touchpoint == "gift"


def test_the_longest_texts_fit_what_is_allowed() -> None:
    for name in ("title", "thanks", "follow_up_low", "follow_up_low_placeholder", "option.a", "placeholder", "yes"):
        assert saving.longest(name) >= 60


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)
SOME_SETTINGS = st.dictionaries(st.sampled_from(["options", "follow_up", "delay", "where", "match", "event", "trigger", "x"]), JSON, max_size=4)
SOME_TEXTS = st.dictionaries(st.sampled_from(["lv", "en", "LV", "x y", ""]), st.dictionaries(st.text(max_size=9), JSON, max_size=3) | JSON, max_size=3)


@given(
    st.sampled_from([*SETS]),
    st.fixed_dictionaries(
        {}, optional={"settings": SOME_SETTINGS, "texts": SOME_TEXTS, "placement": st.sampled_from(["page", "search", "x"]), "paused": st.booleans()}
    ),
)  # fmt: skip
def test_any_change_is_saved_whole_or_refused(name: str, changes: dict[str, Any]) -> None:
    made = changed(SETS[name].question(), changes)
    found = errors(made)
    assert all(path and sentence.endswith(".") for path, sentence in found.items())
    if not found:
        kind = question_types()[made.type]
        assert errors(completed(made)) == {} and completed(made) == made
        for words in made.texts.values():
            assert "title" in words and set(words) <= set(texts_allowed(kind, made.settings))
