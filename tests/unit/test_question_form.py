"""The editor's form: what is drawn and sent back is the same question, and what was typed comes back with its errors."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from tests.unit.test_placing import BESIDE, GOOD, placement_of
from widget_server.contract import saving
from widget_server.contract.placing import SETTINGS
from widget_server.contract.questions import question_types
from widget_server.contract.sets import SETS
from widget_server.contract.shop import Question
from widget_server.web.dashboard import _question_editor as editor
from widget_server.web.dashboard import _question_form as form
from widget_server.web.dashboard import _question_words as words
from widget_server.web.dashboard._sentences import is_known

ZONE = "Europe/Riga"


def sent(question: Question, **more: Any) -> MultiDict[str, str]:
    """What a browser sends of the form drawn for `question`."""
    found: list[tuple[str, str]] = [("version", str(question.version)), ("placement", question.placement), ("touchpoint", question.touchpoint)]
    for field in (field for _name, _label, fields in editor.groups(question, {}, ZONE) for field in fields):
        name = f"s.{field.name}"
        if not field.rows:
            found.append((name, field.value))
        for at, row in enumerate(field.rows):
            found += [(f"{name}.{at}.{part}", str(value)) for part, value in row.items() if value is not False]
    found += [("o", name) for name in editor.options(question) or ()]
    chosen, branches = form.follow_up(question)
    found.append(("f", chosen))
    for at, (when, text) in enumerate(branches if chosen == form.BRANCHES else []):
        found += [(f"f.{at}.when", str(value)) for value in when or ()] + [(f"f.{at}.text", text)] + ([(f"f.{at}.rest", "1")] if when is None else [])
    found += [("l", lang) for lang in question.texts]
    found += [(f"t.{lang}.{key}", text) for lang, given in question.texts.items() for key, text in given.items()]
    return MultiDict([*((name, value) for name, value in found if name not in more), *more.items()])


@pytest.mark.parametrize("name", sorted(SETS))
def test_a_form_that_is_sent_as_it_was_drawn_changes_nothing(name: str) -> None:
    question = SETS[name].question()
    made = form.read(sent(question), question, ZONE)
    assert made == question
    assert form.body(question, made) == {}


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_every_setting_goes_through_the_form_as_it_is(name: str) -> None:
    for value in GOOD[name]:
        settings = {"follow_up": "never", **BESIDE.get(name, {}), name: value}
        question = replace(SETS["order-rating"].question(), placement=placement_of(name), settings=settings)
        made = form.read(sent(question), question, ZONE)
        assert made.settings == settings, value
        if name not in ("event", "until_answered") and value != {"a": ""}:
            assert form.read(sent(question), replace(question, settings={}), ZONE).settings[name] == _without_defaults(name, value)


def _without_defaults(name: str, value: Any) -> Any:
    """A time that was not known before is written anew, with the shop's offset."""
    if name in ("starts", "ends"):
        return {"2026-12-01T00:00:00+02:00": value, "2026-12-24T18:00:00+02:00": value}.get(value, "2026-12-01T02:00:00+02:00")
    if name == "where":
        return [{key: each for key, each in rule.items() if each is not False} for rule in value]
    return value


@pytest.mark.parametrize(
    ("field", "typed", "path"),
    [
        ("s.delay", "soon", "settings.delay"), ("s.sample", "0", "settings.sample"), ("s.sample", "33.3", "settings.sample"), ("s.starts", "tomorrow", "settings.starts"),
        ("s.selector", "a[", "settings.selector"), ("s.where.0.text", "no slash", "settings.where.0.like"), ("touchpoint", "Not A Name", "touchpoint"),
        ("t.lv.title", "", "texts.lv.title"), ("t.lv.close", "x" * 61, "texts.lv.close"), ("placement", "roof", "placement"), ("s.trigger", "click", "settings.trigger"),
    ],
)  # fmt: skip
def test_what_can_t_be_taken_is_named_at_its_field_and_shown_again(field: str, typed: str, path: str) -> None:
    question = SETS["order-rating"].question()
    made = form.read(sent(question, **{field: typed}), question, ZONE)
    errors = saving.errors(saving.completed(made)) if path != "texts.lv.title" else saving.errors(made)
    assert path in errors
    assert form.field_of(path) == field
    again = sent(made)
    assert again.get(field, "") == typed


def test_numbers_are_read_as_people_write_them() -> None:
    question = SETS["order-rating"].question()
    for typed, value in (("1,5", 1.5), ("1.50", 1.5), (" 3 ", 3), ("2,0", 2), ("", None), ("-1", -1), ("1e5", "1e5"), ("٣", "٣")):
        assert form.read(sent(question, **{"s.delay": typed}), question, ZONE).settings.get("delay") == value


def test_options_are_written_one_a_line_moved_and_taken_away() -> None:
    question = form.blank("choice", "order", "lv")
    made = form.read(sent(question, **{"o.new": "Laba cena\r\n\nĒrta piegāde\nLaba cena", "t.lv.title": "Kāpēc?"}), question, ZONE)
    assert made.settings["options"] == ["laba-cena", "erta-piegade", "laba-cena-2"]
    assert made.texts["lv"] == {"title": "Kāpēc?", "option.laba-cena": "Laba cena", "option.erta-piegade": "Ērta piegāde", "option.laba-cena-2": "Laba cena"}
    moved = form.read(sent(made, do="option_up:erta-piegade"), made, ZONE)
    assert moved.settings["options"] == ["erta-piegade", "laba-cena", "laba-cena-2"]
    fewer = form.read(sent(moved, do="drop_option:laba-cena"), moved, ZONE)
    assert fewer.settings["options"] == ["erta-piegade", "laba-cena-2"]
    assert "option.laba-cena" not in fewer.texts["lv"]
    assert saving.errors(saving.completed(replace(fewer, name="why"))) == {}


def test_branches_are_added_and_taken_away() -> None:
    question = SETS["order-rating"].question()
    data = sent(question, f=form.BRANCHES)
    data.setlist("f.0.when", ["1", "2"])
    data.setlist("f.1.rest", ["1"])
    data["f.1.text"] = "follow_up_2"
    made = form.read(data, question, ZONE)
    assert made.settings["follow_up"] == [{"when": [1, 2]}, {"text": "follow_up_2"}]
    assert form.next_text(made) == "follow_up_3"
    assert "texts.lv.follow_up_2" in saving.errors(saving.completed(made))
    fewer = form.read(sent(made, do="drop_branch:0"), made, ZONE)
    assert fewer.settings["follow_up"] == [{"text": "follow_up_2"}]


def test_languages_are_added_and_taken_away() -> None:
    question = SETS["order-rating"].question()
    more = form.read(sent(question, do="add_language", language="sv"), question, ZONE)
    assert list(more.texts) == [*question.texts, "sv"]
    assert form.body(question, more) == {"texts": {"sv": {}}}
    fewer = form.read(sent(more, do="drop_language:pl"), more, ZONE)
    assert form.body(question, fewer)["texts"] == {"pl": None, "sv": {}}


def test_a_time_is_the_shops_own() -> None:
    question = SETS["order-rating"].question()
    made = form.read(sent(question, **{"s.starts": "2026-07-01T09:00", "s.ends": "2026-12-01T09:00"}), question, ZONE)
    assert (made.settings["starts"], made.settings["ends"]) == ("2026-07-01T09:00:00+03:00", "2026-12-01T09:00:00+02:00")


def test_of_very_many_parts_so_many_are_read_that_too_many_is_said() -> None:
    codes = [f"{a}{b}{c}" for a in "abcdefghij" for b in "abcdefghij" for c in "abcdefghijklmnopqrst"]
    question = form.blank("choice", "order", "en")
    data = MultiDict([
        *(("l", code) for code in ("x" * 36, *codes)), *(("o", f"o{n}") for n in range(3000)), ("o", "x" * 65), ("f", form.BRANCHES),
        *((f"f.{at}.when", f"o{n}") for at in range(9) for n in range(500)), *((f"s.where.{at}.text", "/x") for at in range(500)),
        *((f"s.match.{at}.name", f"p{at}") for at in range(500)), ("s.trigger", "event"), *((f"t.aaa.k{n}", "x") for n in range(5000)), ("t.aaa." + "k" * 81, "x"),
        ("o.new", "\n".join(f"New {n}" for n in range(3000))),
    ])  # fmt: skip
    made = form.read(data, question, ZONE)
    assert list(made.texts) == codes[:41] and sum(map(len, made.texts.values())) <= 100
    assert len(made.settings["options"]) == 42 and all(len(branch["when"]) <= 42 for branch in made.settings["follow_up"])
    assert [len(made.settings[name]) for name in ("where", "match", "follow_up")] == [11, 6, 6]
    errors = saving.errors(saving.completed(made))
    assert errors["texts"] == "Give texts in 1 to 40 languages."
    assert {"settings.options", "settings.where", "settings.match"} <= errors.keys()
    assert len(form.read(sent(made, do="add_language", language="sv"), made, ZONE).texts) == 41


def test_what_is_too_much_to_be_saved_is_not_lost_on_the_way() -> None:
    question = form.blank("choice", "order", "lv")
    data = sent(question, **{"t.lv.title": "Kāpēc?"})
    for first in (1, 21):
        data["o.new"] = "\n".join(f"Iemesls {n}" for n in range(first, first + 20))
        question = form.read(data, question, ZONE)
        data = sent(question)
    assert "settings.options" in saving.errors(saving.completed(question))
    for n in range(21, 41):
        question = form.read(sent(question, do=f"drop_option:iemesls-{n}"), question, ZONE)
    assert question.settings["options"] == [f"iemesls-{n}" for n in range(1, 21)]
    assert question.texts["lv"]["option.iemesls-20"] == "Iemesls 20" and saving.errors(saving.completed(replace(question, name="why"))) == {}


FIELDS = st.sampled_from(
    ["s.delay", "s.where.0.text", "s.where.0.how", "s.match.0.name", "s.match.0.is", "s.trigger", "s.event", "s.starts", "s.until_answered", "f", "f.0.when", "f.0.text",
     "o", "o.new", "l", "t.lv.title", "t..", "t.lv", "do", "language", "placement", "touchpoint", "s.match.0.value"]
)  # fmt: skip
TYPED = st.one_of(st.text(max_size=20), st.sampled_from(["branches", "event", "drop_option:x", "add_language", "always", "5", "page", "never", "drop_branch:0"]))


@given(data=st.lists(st.tuples(FIELDS, TYPED), max_size=25), name=st.sampled_from(sorted(SETS)))
def test_nothing_that_is_sent_breaks_the_form(data: list[tuple[str, str]], name: str) -> None:
    question = SETS[name].question()
    made = form.read(MultiDict(data), question, ZONE)
    errors = saving.errors(saving.completed(made))
    editor.groups(made, errors, ZONE)
    form.follow_up(made)
    form.body(question, made)


def test_every_setting_and_type_has_words_of_its_own() -> None:
    assert set(words._SAID) == set(SETTINGS)
    assert set(words.TYPES) == set(question_types())


def test_every_sentence_of_a_check_can_be_said_in_other_languages() -> None:
    from tests.unit.test_placing import BAD
    from widget_server.contract.placing import errors

    said: set[str] = set()
    for name, cases in BAD.items():
        for value, _says, *_below in cases:
            said.update(errors(placement_of(name), {**BESIDE.get(name, {}), name: value}).values())
    for name in SETTINGS:
        said.update(errors("link", {name: GOOD[name][0]}).values())
        said.update(errors("product", {name: GOOD[name][0]}).values())
    said.update(errors("product", {"trigger": "event"}).values())
    said.update(errors("page", {}).values())
    said.update(made.about for made in SETS.values())
    assert {sentence for sentence in said if not is_known(sentence)} == set()
    assert len(said) > 40
