"""A question as a form: what the fields of the editor say, and which field is to blame for what is wrong.

The fields are drawn from what the contract says may be set (contract/placing.py, contract/questions/), and what is sent is
made into the same body that the owner API takes, so that one check serves both. A field that can't be read keeps what was
typed: the check names it, and the form shows it again.

`s.NAME` is a setting; `s.where.0.how` and the like are the parts of one that has several; `o` the options in their order;
`f` what is asked after the choice, `f.0.when` and the like its branches; `t.LANG.KEY` a text; `l` the languages there are.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from widget_server.contract.fields import language
from widget_server.contract.placing import MOST_PROPERTIES, MOST_RULES, SETTINGS, Amount, Choice, Setting
from widget_server.contract.questions import (
    MOST_BRANCHES,
    MOST_OPTIONS,
    QuestionType,
    branches,
    question_types,
    settings_errors,
    texts_allowed,
)
from widget_server.contract.saving import MOST_LANGUAGES
from widget_server.contract.shop import Question
from widget_server.contract.times import parse_time

BRANCHES: Final = "branches"
"""What the field for the follow-up holds when it depends on the answer."""

Form = MultiDict[str, str]

# A form may hold any number of these. More is read than can be saved, so that the check says what is too many and nothing
# that people typed is lost; but every text is drawn in every language, so it is never read without end.
_MOST_LANGUAGES = MOST_LANGUAGES + 1
_MOST_OPTIONS = 2 * (MOST_OPTIONS + 1)
_MOST_KEYS = 100
_LONGEST_LANGUAGE = language().most
_LONGEST_NAME = 64
_LONGEST_KEY = 80

_LINES = re.compile(r"[\r\n\u2028\u2029]+")


def read(form: Form, before: Question, zone: str) -> Question:
    """`before` with all that the form says. It may be anything but right; `saving.errors` knows."""
    kind = question_types()[before.type]
    placement = form.get("placement", before.placement)
    options = _options(form, before)
    settings = {**_settings(form, before, placement, zone), **options}
    if "follow_up" in kind.settings and "f" in form:
        asked = _follow_up(form, kind, settings)
        if "follow_up" in before.settings or asked != kind.settings["follow_up"]:
            settings["follow_up"] = asked
    made = replace(
        before,
        placement=placement,
        touchpoint=form.get("touchpoint", before.touchpoint).strip(),
        settings=settings,
        texts=_texts(form, before),
    )
    return _pruned(_with_new_options(made, form, kind), kind)


def body(before: Question, made: Question) -> dict[str, Any]:
    """What makes `made` of `before`, as the body of a request to the owner API: only what differs; null takes away."""
    found: dict[str, Any] = {}
    if made.placement != before.placement:
        found["placement"] = made.placement
    if made.touchpoint != before.touchpoint:
        found["touchpoint"] = made.touchpoint
    if settings := _differing(before.settings, made.settings):
        found["settings"] = settings
    texts: dict[str, Any] = {lang: None for lang in before.texts if lang not in made.texts}
    for lang, words in made.texts.items():
        differing = _differing(before.texts.get(lang, {}), words)
        if differing or lang not in before.texts:
            texts[lang] = differing
    if texts:
        found["texts"] = texts
    return found


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    gone = {name: None for name in before if name not in after}
    return gone | {name: value for name, value in after.items() if name not in before or before[name] != value}


# --- settings


def _settings(form: Form, before: Question, placement: str, zone: str) -> dict[str, Any]:
    """Those of placing.py that were given and have a meaning beside what else was given."""
    found: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        if placement not in setting.placements or (setting.needs and found.get(setting.needs[0]) not in setting.needs[1]):
            continue
        value = _value(form, name, setting, before, zone)
        if value is not None:
            found[name] = value
    return found


def _value(form: Form, name: str, setting: Setting, before: Question, zone: str) -> Any:
    """None where nothing was given."""
    field, shape = f"s.{name}", setting.wrong
    if isinstance(shape, Amount):
        return _number(form.get(field, ""))
    if isinstance(shape, Choice):
        return form.get(field) or None
    if shape.name == "rules":
        rules = _rules(form, field)
        old = before.settings.get(name)
        return old if rules and rules == _plainly(old) else rules or None
    if shape.name == "properties":
        return _properties(form, field) or None
    given = form.get(field, "").strip()
    if shape.name == "flag":
        return {"yes": True, "no": False}.get(given, given or None)
    if shape.name == "moment":
        return _moment(given, before.settings.get(name), zone)
    return given or None


def _number(given: str) -> Any:
    """The number; as it was typed when it is none."""
    text = given.strip().replace(",", ".").replace("\u00a0", "").replace(" ", "")
    if re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"-?\d{1,9}\.\d{1,6}", text, re.ASCII):
        number = float(text)
        return int(number) if number.is_integer() else number
    return given.strip()[:40] or None


def _rules(form: Form, field: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    # One more than there may be, so that the check can say so.
    for at in range(MOST_RULES + 1):
        text = form.get(f"{field}.{at}.text", "").strip()
        if text:
            rule: dict[str, Any] = {form.get(f"{field}.{at}.how", "like"): text}
            found.append({**rule, "not": True} if form.get(f"{field}.{at}.not") else rule)
    return found


def _plainly(rules: Any) -> Any:
    """Rules as the form writes them: what is not turned round doesn't say so."""
    if not isinstance(rules, list) or not all(isinstance(rule, Mapping) for rule in rules):
        return rules
    return [{key: value for key, value in rule.items() if (key, value) != ("not", False)} for rule in rules]


def _properties(form: Form, field: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for at in range(MOST_PROPERTIES + 1):
        name, value = form.get(f"{field}.{at}.name", "").strip(), form.get(f"{field}.{at}.value", "").strip()
        if name or value:
            found[name] = _property(value, form.get(f"{field}.{at}.is", "text"))
    return found


def _property(value: str, kind: str) -> Any:
    if kind == "number":
        # What is no number is refused as such, not taken for the text that it is.
        number = _number(value)
        return number if isinstance(number, int | float) else None
    return {"true": True, "yes": True, "false": False, "no": False}.get(value.lower()) if kind == "flag" else value


def _moment(given: str, before: Any, zone: str) -> Any:
    """A local time of the shop with its offset. One that was not touched stays as it was written."""
    if not given:
        return None
    if isinstance(before, str) and local_time(before, zone) == given:
        return before
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        return given[:40]
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.isoformat(timespec="seconds")


def local_time(given: Any, zone: str) -> str:
    """A time as a field for local times has it; whatever is no time as it stands."""
    ms = parse_time(given) if isinstance(given, str) else None
    if ms is None:
        return str(given or "")
    return f"{datetime.fromtimestamp(ms // 1000, ZoneInfo(zone)):%Y-%m-%dT%H:%M}"


# --- options and follow-ups


def _options(form: Form, before: Question) -> dict[str, Any]:
    if "options" not in question_types()[before.type].settings:
        return {}
    names = _few(form, "o", _LONGEST_NAME, _MOST_OPTIONS) if "o" in form else list(before.settings.get("options", ()))
    act, _, name = form.get("do", "").partition(":")
    if act == "drop_option" and name in names:
        names.remove(name)
    if act in ("option_up", "option_down") and name in names:
        at = names.index(name)
        names.insert(max(0, at + (-1 if act == "option_up" else 1)), names.pop(at))
    return {"options": names}


def _few(form: Form, field: str, longest: int, most: int) -> list[str]:
    """What came under `field`, each once; the first of very many, and nothing that is longer than any of its kind."""
    return [each for each in dict.fromkeys(form.getlist(field)) if len(each) <= longest][:most]


def _with_new_options(question: Question, form: Form, kind: QuestionType) -> Question:
    """Options that were only written down, one a line, get names of their own and their words in the language that leads."""
    new = [line.strip() for line in form.get("o.new", "").splitlines() if line.strip()]
    if "options" not in kind.settings or not new or not question.texts:
        return question
    lang = form.get("o.lang", "")
    lang = lang if lang in question.texts else next(iter(question.texts))
    names = list(question.settings["options"])
    words = dict(question.texts[lang])
    for text in new[: max(0, _MOST_OPTIONS - len(names))]:
        name = free_name(text, [*names, *_names_before(question)])
        names.append(name)
        words[f"option.{name}"] = text
    return replace(question, settings={**question.settings, "options": names}, texts={**question.texts, lang: words})


def _names_before(question: Question) -> list[str]:
    return [key.removeprefix("option.") for words in question.texts.values() for key in words if key.startswith("option.")]


def free_name(text: str, taken: list[str]) -> str:
    """A name for programs made from words, that nothing has yet."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "option"
    name, more = base, 1
    while name in taken:
        more += 1
        name = f"{base}-{more}"
    return name


def _follow_up(form: Form, kind: QuestionType, settings: Mapping[str, Any]) -> Any:
    given = form.get("f", "")
    if given != BRANCHES:
        return given if given in ("never", "always") else _as_value(kind, given)
    act, _, dropped = form.get("do", "").partition(":")
    found: list[dict[str, Any]] = []
    for at in range(MOST_BRANCHES + 1):
        when = [_as_value(kind, each) for each in _few(form, f"f.{at}.when", _LONGEST_NAME, _MOST_OPTIONS)]
        rest, text = bool(form.get(f"f.{at}.rest")), form.get(f"f.{at}.text", "follow_up")
        if (when or rest) and not (act == "drop_branch" and dropped == str(at)):
            found.append(({"when": when} if when else {}) | ({} if text == "follow_up" else {"text": text}))
    options = settings.get("options", ())
    if options:
        # An option that has left can't be what a branch waits for.
        found = [{**b, "when": [v for v in b["when"] if v in options]} if "when" in b else b for b in found]
        found = [b for b in found if b.get("when") != []]
    return found or [{}]


def _as_value(kind: QuestionType, given: str) -> Any:
    """What a shopper answers, told from how it is written in a form."""
    return int(given) if given in kind.buckets and given.isdigit() else given


def values(question: Question) -> list[Any]:
    """What can be answered, in order, for the boxes of a branch."""
    kind = question_types()[question.type]
    if "options" in kind.settings:
        return list(question.settings.get("options", ()))
    return [_as_value(kind, bucket) for bucket in kind.buckets]


def follow_up(question: Question) -> tuple[str, list[tuple[tuple[Any, ...] | None, str]]]:
    """What the field for the follow-up holds, and its branches."""
    kind = question_types()[question.type]
    given = question.settings.get("follow_up", kind.settings.get("follow_up", "never"))
    try:
        found = branches(given)
    except (AttributeError, TypeError):
        return "never", []
    return (BRANCHES if isinstance(given, list) else str(given)), found


def next_text(question: Question) -> str:
    """The key for the words of another branch."""
    taken = {text for _, text in follow_up(question)[1]}
    return next(key for key in ("follow_up", *(f"follow_up_{n}" for n in range(2, 99))) if key not in taken)


# --- texts


def _texts(form: Form, before: Question) -> dict[str, dict[str, str]]:
    langs = _few(form, "l", _LONGEST_LANGUAGE, _MOST_LANGUAGES) or list(before.texts)
    act, _, name = form.get("do", "").partition(":")
    if act == "drop_language" and name in langs and len(langs) > 1:
        langs.remove(name)
    new = form.get("language", "").strip()[:_LONGEST_LANGUAGE] if act == "add_language" else ""
    if new and new not in langs and len(langs) < _MOST_LANGUAGES:
        langs.append(new)
    found: dict[str, dict[str, str]] = {lang: {} for lang in langs}
    keys: set[str] = set()
    for field, given in form.items():
        if field.startswith("t."):
            lang, _, key = field[2:].partition(".")
            words = _LINES.sub(" ", given).strip()
            if lang in found and words and len(key) <= _LONGEST_KEY and (key in keys or len(keys) < _MOST_KEYS):
                keys.add(key)
                found[lang][key] = words
    return found


def _pruned(question: Question, kind: QuestionType) -> Question:
    """Without the texts of options and branches that have just left."""
    if settings_errors(kind, question.settings):
        return question
    allowed = texts_allowed(kind, question.settings)
    kept = {lang: {key: words[key] for key in words if key in allowed} for lang, words in question.texts.items()}
    return replace(question, texts=kept)


def blank(kind: str, placement: str, lang: str) -> Question:
    """A question that somebody begins to write."""
    settings: dict[str, Any] = {"options": []} if "options" in question_types()[kind].settings else {}
    return Question("", 1, kind, placement, settings=settings, texts={lang: {}})


# --- errors


def field_of(path: str) -> str:
    """The field that is to blame for the error at a dotted path of the API."""
    parts = path.split(".")
    if parts[0] == "texts" and len(parts) > 2:
        return f"t.{parts[1]}.{'.'.join(parts[2:])}"
    if parts[0] == "texts":
        return "language"
    if parts[0] != "settings":
        return parts[0]
    name = ".".join(parts[1:])
    if name == "options":
        return "o.new"
    if name == "follow_up":
        return "f"
    if parts[1:2] == ["where"] and len(parts) > 2:
        return f"s.where.{parts[2]}.text"
    if parts[1:2] == ["match"] and len(parts) > 2:
        return "s.match.0.name"
    return f"s.{name}"


def by_field(errors: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    """{field: [(path, sentence)]}."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path, sentence in errors.items():
        found.setdefault(field_of(path), []).append((path, sentence))
    return found
