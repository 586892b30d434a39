"""What the editor of a question shows: its fields, its words in every language, and a look at the real panel.

Everything is drawn from a `Question` that may be anything but right (what somebody is just typing), so nothing here may
fail over a value that makes no sense.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import request
from flask_babel import get_locale

from widget_server.contract import saving
from widget_server.contract.placing import MOST_PROPERTIES, MOST_RULES, SETTINGS, Amount, Choice
from widget_server.contract.questions import (
    MOST_BRANCHES,
    MOST_OPTIONS,
    question_types,
    settings_errors,
    texts_allowed,
    texts_needed,
)
from widget_server.contract.saving import longest
from widget_server.contract.shop import Question, Shop
from widget_server.contract.texts import LANGUAGES
from widget_server.intake.ask import ask_about
from widget_server.web import preview

from . import _question_form as form
from . import _question_words as words
from ._sentences import said

LOOKS = ("", "light", "dark")
WIDTHS = ("phone", "desk")


@dataclass(frozen=True)
class Field:
    """A setting as a field. `kind` is what draws it; `rows` are the parts of one that has several."""

    name: str
    kind: str
    label: str
    hint: str
    value: Any
    choices: list[tuple[str, str]]
    least: int | None
    most: int | None
    whole: bool
    needs: str
    places: str
    errors: dict[str, str]
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Cell:
    """A text in one language; `fallback` is what shoppers read where it is empty, in the language `source` ("" is ours)."""

    lang: str
    key: str
    value: str
    fallback: str
    source: str | None
    most: int
    error: str


@dataclass(frozen=True)
class Line:
    """A text in all languages."""

    key: str
    label: str
    is_needed: bool
    cells: list[Cell]

    @property
    def is_open(self) -> bool:
        """Whether it is to be seen at once: the question itself, and what has to be looked at."""
        return self.key == "title" or any(cell.error for cell in self.cells)

    def of(self, lang: str) -> str:
        """What it is in the language that the member reads, or in the first there is."""
        found = {cell.lang: cell.value or cell.fallback for cell in self.cells}
        return found.get(lang) or next((text for text in found.values() if text), "")


@dataclass(frozen=True)
class Look:
    """The panel in a frame. Without a `url` there is nothing to show yet, and `wrong` says why."""

    url: str
    page: str
    lang: str
    look: str
    width: str
    langs: list[str]
    wrong: list[str]

def groups(question: Question, errors: Mapping[str, str], zone: str) -> list[tuple[str, str, list[Field]]]:
    """(name, label, fields) of where, when, from when to when, and how often."""
    blamed = form.by_field(errors)
    found: dict[str, list[Field]] = {name: [] for name in words.GROUPS}
    for name in SETTINGS:
        found[words.setting(name).group].append(_field(name, question, blamed, zone))
    return [(name, str(words.GROUPS[name]), fields) for name, fields in found.items()]


def _field(name: str, question: Question, blamed: Mapping[str, list[tuple[str, str]]], zone: str) -> Field:
    setting, spoken, value = SETTINGS[name], words.setting(name), question.settings.get(name)
    shape = setting.wrong
    kind = "number" if isinstance(shape, Amount) else "choice" if isinstance(shape, Choice) else shape.name
    choices = [(key, str(text)) for key, text in spoken.choices.items()]
    if isinstance(shape, Choice):
        known = dict(choices)
        choices = [(key, known.get(key, key)) for key in ("", *shape.options) if key or "" in known]
        if "" in known and value != "load":
            # What holds anyway needs no entry of its own.
            choices = [(key, text) for key, text in choices if not key or text != known[""]]
    errors = {field: said(each[0][1]) for field, each in blamed.items() if field == f"s.{name}" or field.startswith(f"s.{name}.")}
    return Field(
        name, kind, str(spoken.label), str(spoken.hint), _shown(kind, value, zone), choices,
        shape.least if isinstance(shape, Amount) else None, shape.most if isinstance(shape, Amount) else None,
        isinstance(shape, Amount) and shape.whole, " ".join(map(str, setting.needs[1])) if setting.needs else "",
        " ".join(setting.placements), errors, _rows(kind, value),
    )  # fmt: skip


def _shown(kind: str, value: Any, zone: str) -> str:
    if value is None:
        return ""
    if kind == "flag" and isinstance(value, bool):
        return "yes" if value else "no"
    return form.local_time(value, zone) if kind == "moment" else str(value)


def _rows(kind: str, value: Any) -> list[dict[str, Any]]:
    """What there is and two empty ones, as long as there may be more."""
    if kind == "rules":
        given = [rule for rule in value or () if isinstance(rule, Mapping)] if isinstance(value, list) else []
        rows = [_rule(rule) for rule in given]
        return rows + [{"how": "like", "text": "", "not": False}] * min(2, max(0, MOST_RULES - len(rows)))
    if kind == "properties":
        pairs = list(value.items()) if isinstance(value, Mapping) else []
        rows = [{"name": name, "value": _typed(each), "is": _type(each)} for name, each in pairs]
        return rows + [{"name": "", "value": "", "is": "text"}] * min(2, max(0, MOST_PROPERTIES - len(rows)))
    return []


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    how = next((key for key in ("is", "contains", "like") if key in rule), next(iter(rule), "like"))
    return {"how": how, "text": rule.get(how, ""), "not": bool(rule.get("not"))}


def _type(value: Any) -> str:
    return "flag" if isinstance(value, bool) else "number" if isinstance(value, int | float) or value is None else "text"


def _typed(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else "" if value is None else str(value)


# --- words


def lines(shop: Shop, question: Question, errors: Mapping[str, str]) -> list[Line]:
    """Every text that the question may have, in all its languages."""
    kind = question_types()[question.type]
    if settings_errors(kind, question.settings):
        keys = tuple(dict.fromkeys(key for given in question.texts.values() for key in ("title", *given)))
        needed: tuple[str, ...] = keys
    else:
        keys, needed = texts_allowed(kind, question.settings), texts_needed(kind, question.settings)
    whole = saving.completed(question)
    told = {lang: _told(shop, whole, lang) for lang in question.texts}
    blamed = form.by_field(errors)
    return [
        Line(key, words.text_label(key, question), key in needed, [_cell(question, told[lang], lang, key, blamed) for lang in question.texts])
        for key in _ordered(keys)
    ]


def _ordered(keys: tuple[str, ...]) -> list[str]:
    """A field's hint stands below the field."""
    found = [key for key in keys if not key.endswith("_placeholder")]
    for key in keys:
        base = key.removesuffix("_placeholder")
        if base != key:
            found.insert(found.index(base) + 1 if base in found else len(found), key)
    return found


def _told(shop: Shop, question: Question, lang: str) -> dict[str, str]:
    (entry,) = ask_about(shop, question, lang)["questions"]
    found: dict[str, str] = entry["texts"]
    return found


def _cell(question: Question, told: Mapping[str, str], lang: str, key: str, blamed: Mapping[str, list[tuple[str, str]]]) -> Cell:
    value, fallback = question.texts[lang].get(key, ""), ""
    source: str | None = None
    if not value and (fallback := told.get(key, "")):
        source = next((each for each in question.texts if question.texts[each].get(key) == fallback), "")
    wrong = blamed.get(f"t.{lang}.{key}", ())
    # What is too long to be saved isn't said in every language besides.
    return Cell(lang, key, value, fallback[: longest(key)], source, longest(key), " ".join(said(sentence) for _, sentence in wrong))


def options(question: Question) -> list[str] | None:
    """The options by name; None where the type has none of its own."""
    if "options" not in question_types()[question.type].settings:
        return None
    given = question.settings.get("options", ())
    return [str(each) for each in given] if isinstance(given, list | tuple) else []


def other_languages(question: Question) -> list[str]:
    """Those we have words in and the question hasn't."""
    return [lang for lang in LANGUAGES if lang not in question.texts]


# --- the panel


def look(shop: Shop, question: Question) -> Look:
    """The frame for `question` as the request wants it: `lang`, `look` and `width`."""
    langs = list(question.texts)
    lang = _wanted("lang", langs, next((each for each in (str(get_locale()), "en", *langs) if each in langs), ""))
    shown, width = _wanted("look", LOOKS, ""), _wanted("width", WIDTHS, "phone")
    made = saving.completed(question)
    wrong = saving.errors(replace(made, name=made.name or "preview"))
    if "where" not in made.settings:
        wrong.pop("settings.where", None)  # a preview stands on no page of the shop
    if wrong:
        return Look("", "", lang, shown, width, langs, [said(sentence) for sentence in dict.fromkeys(wrong.values())])
    # Of this very server, whatever it is called outside: the page may hold frames of its own kind only.
    path = "/preview/" + preview.make(shop.id, made, lang).url.partition("/preview/")[2].partition("?")[0]
    return Look(f"{path}/page?lang={lang}&look={shown}", f"{path}?lang={lang}", lang, shown, width, langs, [])


def _wanted(name: str, offered: Any, usual: str) -> str:
    given: str = request.values.get(f"p.{name}", "")
    return given if given in offered and f"p.{name}" in request.values else usual


MOST = {"rules": MOST_RULES, "properties": MOST_PROPERTIES, "branches": MOST_BRANCHES, "options": MOST_OPTIONS}
