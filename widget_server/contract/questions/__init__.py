"""The question types, one file each: what an answer may be, and which bucket of the distribution it falls into.

An owner sets a question up by `settings` (for programs) and `texts` (what is read, in each language). Two settings mean
the same in every type that has them:

`follow_up`: when a text is asked after the choice: "never", "always", a value (after this one), or a list of branches
`{"when": [values], "text": key}` of which the first that fits asks, under the text of that key. Without `when` a branch
always fits, without `text` the key is "follow_up". A branch fits several chosen options when it names one of them.

`options`: the names of what can be chosen, in the order of the page. What is read of option `x` is the text `option.x`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from widget_server.contract.registry import load_all

# What a type makes of a value: one bucket, several (one for each option chosen), "" when the value names nothing that
# is known by now (it is kept and counts as an answer), None when no question of the type can be answered so.
Bucket = str | tuple[str, ...] | None

MOST_OPTIONS = 20
MOST_BRANCHES = 5

_OPTION = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_TEXT_KEY = re.compile(r"follow_up[a-z0-9_]{0,32}", re.ASCII)
_BAD_OPTIONS = f"Give 2 to {MOST_OPTIONS} different names of characters a-z, 0-9, '-' and '_'."
_BAD_FOLLOW_UP = (
    'Give "never", "always", one of the values, or a list of at most '
    f'{MOST_BRANCHES} branches like {{"when": [values], "text": "follow_up"}}.'
)


@dataclass(frozen=True)
class QuestionType:
    """`bucket(value, settings)` says where a value counts; `buckets` are those known before an owner names options.

    `settings` gives the default of each thing that an owner can set, `choices` the short forms it may be set to (see
    above for the long ones), `texts` the keys of the texts it needs beside the title, `optional` those it can do without.
    """

    name: str
    buckets: tuple[str, ...]
    sentence: str
    bucket: Callable[[Any, Mapping[str, Any]], Bucket]
    settings: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


def whole_number(least: int, most: int) -> Callable[[Any, Mapping[str, Any]], str | None]:
    """The bucket of a whole number from `least` to `most` is its own digits."""

    def bucket(value: Any, _settings: Mapping[str, Any]) -> str | None:
        return str(value) if type(value) is int and least <= value <= most else None

    return bucket


def is_option(value: Any) -> bool:
    """Whether `value` could be the name of an option. One that the question doesn't have may have had it once."""
    return isinstance(value, str) and _OPTION.fullmatch(value) is not None


def settings_errors(kind: QuestionType, settings: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the settings that belong to the type, by name; those of placing.py are not looked at."""
    found: dict[str, str] = {}
    if "options" in kind.settings and not _good_options(settings.get("options")):
        found["options"] = _BAD_OPTIONS
    elif "follow_up" in settings and not _good_follow_up(kind, settings):
        found["follow_up"] = _BAD_FOLLOW_UP
    return found


def texts_needed(kind: QuestionType, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of the texts that a question needs in each of its languages."""
    options = [f"option.{name}" for name in settings.get("options", ())] if "options" in kind.settings else []
    follow_ups = [text for _, text in branches({**kind.settings, **settings}.get("follow_up", "never"))]
    more = [*follow_ups, "send"] if follow_ups else []
    return tuple(dict.fromkeys(("title", *kind.texts, *options, *more, "thanks", "close")))


def texts_allowed(kind: QuestionType, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of the texts that a question may have: those it needs, and those it can do without."""
    needed = texts_needed(kind, settings)
    placeholders = [f"{key}_placeholder" for key in needed if key.startswith("follow_up")]
    return (*needed, *kind.optional, *placeholders)


def branches(follow_up: Any) -> list[tuple[tuple[Any, ...] | None, str]]:
    """The setting `follow_up` in its long form: (values, or None for any; key of the text)."""
    if follow_up in ("never", "always"):
        return [(None, "follow_up")] if follow_up == "always" else []
    if not isinstance(follow_up, list):
        return [((follow_up,), "follow_up")]
    found: list[tuple[tuple[Any, ...] | None, str]] = []
    for branch in follow_up:
        when = branch.get("when")
        found.append((None if when is None else tuple(when), branch.get("text", "follow_up")))
    return found


def _good_options(options: Any) -> bool:
    return (
        isinstance(options, list | tuple)
        and 2 <= len(options) <= MOST_OPTIONS
        and all(map(is_option, options))
        and len(set(options)) == len(options)
    )


def _good_follow_up(kind: QuestionType, settings: Mapping[str, Any]) -> bool:
    follow_up = settings["follow_up"]
    if "follow_up" not in kind.settings:
        return False
    if isinstance(follow_up, list):
        shaped = all(isinstance(b, dict) and b.keys() <= {"when", "text"} for b in follow_up)
        if not shaped or not 1 <= len(follow_up) <= MOST_BRANCHES:
            return False
        if not all(b.get("when") is None or isinstance(b["when"], list) for b in follow_up):
            return False
    return all(
        isinstance(text, str)
        and _TEXT_KEY.fullmatch(text) is not None
        and all(_is_value(kind, settings, value) for value in when or ())
        for when, text in branches(follow_up)
    )


def _is_value(kind: QuestionType, settings: Mapping[str, Any], value: Any) -> bool:
    """Whether a shopper can choose `value` (one of several, where several can be chosen)."""
    if "options" in kind.settings:
        return is_option(value) and value in settings.get("options", ())
    return kind.bucket(value, settings) not in (None, "")


@cache
def question_types() -> dict[str, QuestionType]:
    """Every question type by name."""
    return load_all("widget_server.contract.questions", "QUESTION_TYPE")
