"""What a question must be to be saved, and what it gets from us when its owner left it out.

Everything is checked at once, so that an owner sees all that is wrong: {dotted path: one sentence with the limit}.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from . import placing
from .fields import language, one_of, slug
from .placing import PLACEMENTS, SETTINGS, TOUCHPOINTS, shown
from .questions import QuestionType, question_types, settings_errors, texts_allowed, texts_needed
from .sets import ready_texts
from .shop import Question

MOST_LANGUAGES = 40
MOST_BYTES = 4_000
"""Of what `ask` says of one question in one language: settings and texts."""
MOST_ERRORS = 50

_LONGEST: Final = {"title": 200, "follow_up": 200, "thanks": 200, "option": 100, "placeholder": 120}
_LONGEST_NAME = 60
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_BAD_LANGUAGE = "Give a language like lv or pt-BR."
# ISO 639 names languages by two or three letters; a word is none ("latvian").
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?![A-Za-z0-9])")


def completed(question: Question) -> Question:
    """`question` with a touchpoint, and with our own words for every text that it needs and lacks in a language of ours.

    What nobody can know but the owner (title, options, the text of a branch) is not made up. Anything goes in, also what
    `errors` refuses afterwards.
    """
    touchpoint = question.touchpoint or TOUCHPOINTS.get(question.placement, "")
    kind = _kind(question)
    if kind is None or not _are_texts(question.texts) or settings_errors(kind, question.settings):
        return replace(question, touchpoint=touchpoint)
    ready, needed = ready_texts(kind.name), texts_needed(kind, question.settings)
    texts = {
        lang: {**{key: words for key, words in _ready_in(ready, lang).items() if key in needed}, **given}
        for lang, given in question.texts.items()
    }
    return replace(question, touchpoint=touchpoint, texts=texts)


def errors(question: Question) -> dict[str, str]:
    """What is wrong with `question`, whose fields may hold anything that JSON has; empty when it can be saved."""
    found: dict[str, str] = {}
    for name, check in (("name", slug().check), ("placement", one_of(*PLACEMENTS).check), ("touchpoint", slug().check)):
        wrong = check(getattr(question, name))
        # Without a placement there is no touchpoint of ours either.
        if wrong is not None and not (name == "touchpoint" and "placement" in found):
            found[name] = str(wrong)
    kind = _kind(question)
    if kind is None:
        found["type"] = f"Give one of: {', '.join(question_types())}."
    found.update({f"settings.{path}": said for path, said in _settings_errors(question, kind, found).items()})
    found.update(_texts_errors(question, kind))
    if not found:
        found.update(_size_errors(question))
    return dict(list(found.items())[:MOST_ERRORS])


def _settings_errors(question: Question, kind: QuestionType | None, before: Mapping[str, str]) -> dict[str, str]:
    of_type = {} if kind is None else kind.settings
    rest = {shown(name): value for name, value in question.settings.items() if name not in of_type}
    if kind is None:
        # Those of the type can't be told from unknown ones.
        rest = {name: value for name, value in rest.items() if name in SETTINGS}
    found = {} if kind is None else settings_errors(kind, question.settings)
    if "placement" not in before:
        found.update(placing.errors(question.placement, rest))
    return found


def _texts_errors(question: Question, kind: QuestionType | None) -> dict[str, str]:
    texts: Mapping[str, Any] = question.texts
    if not 1 <= len(texts) <= MOST_LANGUAGES:
        return {"texts": f"Give texts in 1 to {MOST_LANGUAGES} languages."}
    found: dict[str, str] = {}
    seen: set[str] = set()
    for lang, given in texts.items():
        path = f"texts.{shown(lang)}"
        if language().check(lang) is not None or not _LANGUAGE.match(lang):
            found[path] = _BAD_LANGUAGE
        elif not isinstance(given, Mapping):
            found[path] = 'Give texts like {"title": "..."}.'
        elif (same := lang.lower().replace("_", "-")) in seen:
            found[path] = "Give each language once."
        else:
            seen.add(same)
            found.update({f"{path}.{key}": said for key, said in _words_errors(given).items()})
    # What a language lacks is no matter while it is none.
    if kind is not None and _are_texts(texts) and _BAD_LANGUAGE not in found.values() and not settings_errors(kind, question.settings):
        found.update(_keys_errors(question, kind, found))
    return found


def _words_errors(given: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, words in given.items():
        most = longest(key)
        if not isinstance(words, str) or not 1 <= len(words) <= most or _CONTROL.search(words) or not words.strip():
            found[shown(key)] = f"Give plain text of 1 to {most} characters, in one line."
        elif key == "star" and "{n}" not in words:
            found[key] = "Write {n} where the number of stars belongs."
    if "title" not in given:
        found["title"] = "Required in each language."
    return found


def _keys_errors(question: Question, kind: QuestionType, before: Mapping[str, str]) -> dict[str, str]:
    """Texts that the question has no use for, and those that no language has."""
    allowed, found = texts_allowed(kind, question.settings), {}
    for lang, given in question.texts.items():
        for key in given:
            path = f"texts.{shown(lang)}.{shown(key)}"
            if key not in allowed and path not in before:
                found[path] = f"This question has no such text; it has {', '.join(allowed)}."
    needed = texts_needed(kind, question.settings)
    first = next(iter(question.texts))
    for key in needed:
        if key != "title" and not any(key in given for given in question.texts.values()):
            found[f"texts.{first}.{key}"] = "Required in one language at least."
    # Options are read in one language, never in two at once.
    options = {key for key in needed if key.startswith("option.")}
    if not any(options <= given.keys() for given in question.texts.values()):
        for key in sorted(options - question.texts[first].keys()):
            found.setdefault(f"texts.{first}.{key}", "Required: one language at least must have all options.")
    return found


def _size_errors(question: Question) -> dict[str, str]:
    settings = len(orjson.dumps(dict(question.settings)))
    return {
        f"texts.{lang}": f"Settings and texts of one language are {size} bytes together; at most {MOST_BYTES}."
        for lang, given in question.texts.items()
        if (size := settings + len(orjson.dumps(dict(given)))) > MOST_BYTES
    }


def longest(key: str) -> int:
    """How many characters the text under `key` may have."""
    if key.endswith("placeholder"):
        return _LONGEST["placeholder"]
    kind = "option" if key.startswith("option.") else "follow_up" if key.startswith("follow_up") else key
    return _LONGEST.get(kind, _LONGEST_NAME)


def changed(question: Question, changes: Mapping[str, Any]) -> Question:
    """`question` with `changes` and completed: what is named is replaced, what is null is taken away (ours comes back), all
    else stays. Texts go language by language and text by text. Those that the question has no use for any more leave."""
    settings = _merged(question.settings, changes.get("settings") or {})
    placement = changes.get("placement", question.placement)
    touchpoint = question.touchpoint
    if touchpoint == TOUCHPOINTS.get(question.placement):
        touchpoint = ""  # ours, so it goes with the placement
    made = replace(
        question,
        placement=placement,
        type=changes.get("type", question.type),
        touchpoint=changes.get("touchpoint", touchpoint),
        paused=changes.get("paused", question.paused),
        settings=settings,
    )
    return completed(replace(made, texts=_merged_texts(_still_used(made), changes.get("texts") or {})))


def _still_used(question: Question) -> dict[str, Any]:
    kind = _kind(question)
    if kind is None or settings_errors(kind, question.settings):
        return dict(question.texts)
    allowed = texts_allowed(kind, question.settings)
    return {
        lang: {key: words for key, words in given.items() if key in allowed} for lang, given in question.texts.items()
    }


def _merged(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**old, **changes}.items() if value is not None}


def _merged_texts(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(old)
    for lang, given in changes.items():
        found[lang] = _merged(found.get(lang) or {}, given) if isinstance(given, Mapping) else given
    return _merged(found, {})


def _kind(question: Question) -> QuestionType | None:
    return question_types().get(question.type) if isinstance(question.type, str) else None


def _are_texts(texts: Any) -> bool:
    return all(isinstance(given, Mapping) for given in texts.values())


def _ready_in(ready: Mapping[str, Mapping[str, str]], lang: str) -> Mapping[str, str]:
    """Our own words for a page in `lang`, pt-BR being pt where there is nothing nearer."""
    base = lang.lower().replace("_", "-").partition("-")[0]
    return ready.get(base, {})

