"""When, where and how often a question is asked: the settings an owner can give beside those of the question type.

The table `SETTINGS` is what the server checks, what forms are drawn from, and what the snippet obeys; `ask` hands them on
as they were saved, but for the schedule, which it keeps itself (schedule.py). Owners never write regular expressions: an
address is matched whole, by a part of it, or by a glob whose one sign is `*`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from .fields import BIGGEST, UNKNOWN, Time, one_of, slug
from .times import parse_time

PLACEMENTS: Final = {
    "search": "the page of search results",
    "order": "the order confirmation",
    "product": "the page of a product",
    "page": "any page that its rules name",
    "link": "asked later, by an e-mail",
}
TOUCHPOINTS: Final = {"search": "search", "order": "order", "product": "choice", "page": "site", "link": "delivery"}
"""The touchpoint of a question whose owner names none, by its placement."""

MOST_RULES = 10
LONGEST_RULE = 300
LONGEST_SELECTOR = 200
MOST_PROPERTIES = 5

# None, one sentence, or sentences by the path below.
_Wrong = str | Mapping[str, str] | None
_RULE_KEYS = ("is", "contains", "like")
_IN_PAGES = ("search", "order", "product", "page")
# An address never holds these as they are.
_NOT_IN_ADDRESS = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_CLOSING = {")": "(", "]": "["}


@dataclass(frozen=True)
class Amount:
    """A number of `unit` from `least` to `most`."""

    least: int
    most: int
    unit: str
    whole: bool = False

    def __call__(self, value: Any) -> _Wrong:
        fine = type(value) in ((int,) if self.whole else (int, float)) and self.least <= value <= self.most
        return None if fine else f"Give a {'whole ' * self.whole}number of {self.unit} from {self.least} to {self.most}."


@dataclass(frozen=True)
class Choice:
    """One of these words."""

    options: tuple[str, ...]

    def __call__(self, value: Any) -> _Wrong:
        return one_of(*self.options).check(value)


@dataclass(frozen=True)
class Shape:
    """What is neither a number nor a choice: `flag`, `rules`, `selector`, `name`, `properties` or `moment`."""

    name: str
    check: Callable[[Any], _Wrong]

    def __call__(self, value: Any) -> _Wrong:
        return self.check(value)


@dataclass(frozen=True)
class Setting:
    """`about` says what it does, in words for an owner; `wrong` what it may be and what is wrong with a value; `placements`
    where it has a meaning; `needs` another setting that must have one of these values for it to have one."""

    about: str
    wrong: Amount | Choice | Shape
    placements: tuple[str, ...] = _IN_PAGES
    needs: tuple[str, tuple[Any, ...]] | None = None


def errors(placement: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with `settings`, each by its path and with its limit; those of the question type left out before."""
    found: dict[str, str] = {}
    for name, value in settings.items():
        setting = SETTINGS.get(name)
        if setting is None:
            found[name] = UNKNOWN
        elif placement not in setting.placements:
            found[name] = f"Has no meaning for the placement {placement}: only for {_listed(setting.placements)}."
        else:
            _collect(found, name, setting.wrong(value) or _lacking(setting, settings))
    if settings.get("trigger") == "event" and "event" not in settings:
        found["event"] = 'Required: the trigger is "event".'
    if "ends" in settings and not found.keys() & {"starts", "ends"} and not _in_order(settings):
        found["ends"] = "Give a time after `starts`."
    if placement == "page" and not any(name in settings for name in ("where", "selector", "event")):
        found["where"] = 'A question of the placement "page" needs `where`, `selector` or `event`: it would be on every page.'
    return found


def _in_order(settings: Mapping[str, Any]) -> bool:
    starts, ends = (parse_time(settings.get(name, "")) for name in ("starts", "ends"))
    return starts is None or ends is None or starts < ends


def _lacking(setting: Setting, settings: Mapping[str, Any]) -> str | None:
    if setting.needs is None:
        return None
    name, values = setting.needs
    return None if settings.get(name) in values else f"Needs {name} to be {' or '.join(map(_written, values))}."


def _written(value: Any) -> str:
    return f'"{value}"'


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)


def _collect(found: dict[str, str], name: str, wrong: _Wrong) -> None:
    if isinstance(wrong, str):
        found[name] = wrong
    elif wrong:
        found.update({f"{name}.{below}": sentence for below, sentence in wrong.items()})


def _flag(value: Any) -> _Wrong:
    return None if value is True or value is False else "Give true or false."


def _where(value: Any) -> _Wrong:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_RULES:
        return f'Give a list of 1 to {MOST_RULES} rules like {{"like": "/products/*"}}.'
    found: dict[str, str] = {}
    for index, rule in enumerate(value):
        _collect(found, str(index), _rule_wrong(rule))
    return found


def _rule_wrong(rule: Any) -> _Wrong:
    if not isinstance(rule, dict):
        return 'Give a rule like {"like": "/products/*"}.'
    given = [key for key in _RULE_KEYS if key in rule]
    if len(given) != 1:
        return "Give one of: is, contains, like." + (" For two conditions give two rules." if given else "")
    strangers = rule.keys() - {given[0], "not"}
    if strangers:
        return {shown(name): UNKNOWN for name in strangers}
    if "not" in rule and _flag(rule["not"]):
        return {"not": "Give true or false."}
    wrong = _address_wrong(given[0], rule[given[0]])
    return None if wrong is None else {given[0]: wrong}


def _address_wrong(key: str, text: Any) -> str | None:
    if not isinstance(text, str) or not 1 <= len(text) <= LONGEST_RULE:
        return f"Give text of 1 to {LONGEST_RULE} characters."
    if _NOT_IN_ADDRESS.search(text):
        return "Give it as it stands in the address: no spaces, quotes, control characters or any of <>\\^`{|}."
    begins = ("/", "http://", "https://") if key == "is" else ("/", "*", "http://", "https://")
    if key != "contains" and not text.startswith(begins):
        return f"Begin with {' or '.join(begins)}."
    return None


def _selector(value: Any) -> _Wrong:
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_SELECTOR:
        return f"Give a CSS selector of 1 to {LONGEST_SELECTOR} characters."
    wrong = _selector_wrong(value)
    return None if wrong is None else f"Not a CSS selector: {wrong}."


def _selector_wrong(selector: str) -> str | None:
    """Why this can't be the selector of an element. A browser knows more; what is left over, it finds in no page."""
    if _CONTROL.search(selector):
        return "it has control characters"
    bare, open_brackets, quote = _without_strings(selector)
    if quote:
        return f"a quote {quote} is not closed"
    if open_brackets is None or open_brackets:
        return "its brackets don't close one another"
    if set(bare) & set("{};@<!?&%$`"):
        return "outside quotes it may not have any of {};@<!?&%$`"
    if "::" in bare:
        return "a pseudo-element is no element"
    parts = [part.strip() for part in bare.split(",")]
    if not all(parts):
        return "a part between commas is empty"
    if any(part[0] in ">+~" or part[-1] in ">+~.#:" for part in parts):
        return "something is missing before or after a sign"
    return None


def _without_strings(selector: str) -> tuple[str, list[str] | None, str]:
    """The selector with its quoted and escaped signs as `x`; the brackets left open (None: one closed too much or the
    wrong one); the quote left open."""
    bare: list[str] = []
    brackets: list[str] = []
    quote = ""
    signs = iter(selector)
    for sign in signs:
        if sign == "\\":
            # At the very end it escapes nothing.
            if next(signs, None) is None:
                return "".join(bare), None, quote
            bare.append("x")
        elif quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
            bare.append("x")
        else:
            if sign in _CLOSING and (not brackets or brackets.pop() != _CLOSING[sign]):
                return "".join(bare), None, ""
            if sign in _CLOSING.values():
                brackets.append(sign)
            bare.append(sign)
    return "".join(bare), brackets, quote


def _match(value: Any) -> _Wrong:
    if not isinstance(value, dict) or not 1 <= len(value) <= MOST_PROPERTIES:
        return f'Give 1 to {MOST_PROPERTIES} properties of the event like {{"step": 2}}.'
    found: dict[str, str] = {}
    for name, wanted in value.items():
        if not 1 <= len(name) <= 64 or _CONTROL.search(name):
            found[shown(name)] = "Give a property's name of 1 to 64 characters."
        elif not _is_plain(wanted):
            found[name] = "Give text of at most 200 characters, a number, true or false."
    return found


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= 200 and not _CONTROL.search(value)
    return isinstance(value, bool) or (
        isinstance(value, int | float) and isfinite(value) and abs(value) <= BIGGEST
    )


def shown(name: str) -> str:
    """A name that somebody made up, as it can be repeated in a reply: short, and without what no text can hold."""
    return _CONTROL.sub("?", name[:64])


_FLAG = Shape("flag", _flag)
_SELECTOR = Shape("selector", _selector)
_MOMENT = Shape("moment", Time().check)

SETTINGS: Final[Mapping[str, Setting]] = {
    "delay": Setting(
        "seconds from the trigger until it is asked, 0 to 3600; without it 1 after an order, 4 on results, 1.5 where "
        "there are none, else 2",
        Amount(0, 3600, "seconds"),
    ),
    "results": Setting(
        '`"none"`: only where a search found nothing, `"some"`: only where it found something',
        Choice(("none", "some")),
        ("search",),
    ),
    "where": Setting(
        f"1 to {MOST_RULES} rules for the page's address: `is`, `contains` or `like` (`*` stands for anything), with "
        '`"not": true` for pages where it is not asked; one that fits is enough',
        Shape("rules", _where),
    ),
    "selector": Setting("CSS selector of what must be on the page", _SELECTOR),
    "inline": Setting(
        "CSS selector of the element it is put into; without it the question comes as a card in the corner",
        _SELECTOR,
    ),
    "trigger": Setting(
        '`"load"` (as without it), `"scroll"`, `"exit"` (about to leave), `"idle"` or `"event"`',
        Choice(("load", "scroll", "exit", "idle", "event")),
    ),
    "scroll": Setting(
        "per cent of the page that were scrolled, 1 to 100; without it 50",
        Amount(1, 100, "per cent", whole=True), needs=("trigger", ("scroll",)),
    ),
    "idle": Setting(
        "seconds without a move, 5 to 600; without it 30",
        Amount(5, 600, "seconds"), needs=("trigger", ("idle", "exit")),
    ),
    "event": Setting(
        "name of the page's own event: `atbalss.push({event: name})`", Shape("name", slug().check), needs=("trigger", ("event",))
    ),
    "match": Setting(
        f"at most {MOST_PROPERTIES} properties that the event must have, all equal",
        Shape("properties", _match), needs=("trigger", ("event",)),
    ),
    "starts": Setting("asked from this time on, like 2026-12-01T00:00:00+02:00", _MOMENT),
    "ends": Setting("asked until then, like 2026-12-24T18:00:00+02:00", _MOMENT),
    "sample": Setting(
        "per cent of shoppers that are asked, 1 to 100; without it 33 on results pages while nothing may be kept, else 100",
        Amount(1, 100, "per cent", whole=True),
    ),
    "most": Setting("how often one visitor is shown it at most, 1 to 100", Amount(1, 100, "times", whole=True)),
    "until_answered": Setting(
        "false: asked again although answered; without it true but for results pages", _FLAG
    ),
    "every_days": Setting(
        "once in so many days, 1 to 3650, answered or not", Amount(1, 3650, "days", whole=True), tuple(PLACEMENTS)
    ),
    "cooldown_hours": Setting(
        "hours of rest after it was shown, 0 to 8760; without it 24 on results pages", Amount(0, 8760, "hours")
    ),
}  # fmt: skip
"""By name. What an owner leaves out is the snippet's default."""
