"""Questions in words for shop-keepers: what a type, a setting and a text are called, and when, where and how often a
question is asked, in sentences.

The sentences say what the snippet does (js_snippet/src/rules, memory/caps.ts), its defaults included.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from babel.lists import format_list
from flask_babel import (
    LazyString,
    format_datetime,
    format_decimal,
    get_locale,
    gettext,
    lazy_pgettext,
    ngettext,
)

from widget_server.contract import schedule
from widget_server.contract.placing import SETTINGS
from widget_server.contract.questions import branches, question_types
from widget_server.contract.shop import Question

from . import _names
from ._formats import written
from ._texts import lazy_gettext as _

TYPES: Final[Mapping[str, tuple[LazyString, LazyString]]] = {
    "yes_no": (_("Yes or no"), _("One tap, and where it is a no, you may ask for words.")),
    "stars": (_("Five stars"), _("How it was as a whole, from one star to five.")),
    "csat": (_("Five faces"), _("From very unhappy to very happy.")),
    "nps": (_("Recommend, 0 to 10"), _("How likely they are to recommend you (NPS).")),
    "ces": (_("How easy, 1 to 7"), _("How easy it was to get something done (CES).")),
    "choice": (_("One of several"), _("You name the options, shoppers choose one.")),
    "choices": (_("Any of several"), _("You name the options, shoppers choose as many as they like.")),
    "text": (_("In their own words"), _("A field for words and nothing else.")),
}
PLACES: Final[Mapping[str, LazyString]] = {
    "search": _("On search results"),
    "order": _("After the order"),
    "product": _("On a product's page"),
    "page": _("On pages that you name"),
    "link": _("Later, by e-mail"),
}
STATES: Final[Mapping[str, tuple[LazyString, str]]] = {
    "on": (lazy_pgettext("a question", "Asked"), "good"),
    "paused": (lazy_pgettext("a question", "Paused"), ""),
    "waits": (_("Not begun yet"), "info"),
    "over": (lazy_pgettext("a question", "Over"), ""),
}


def waits_for_mails(question: Question) -> bool:
    """Whether it can't be asked because mails can't be sent yet."""
    return question.placement == "link"


def state(question: Question, known: str) -> tuple[LazyString, str]:
    """What STATES says of a question in that state; what would be asked if mails could be sent has not begun."""
    return STATES["waits" if known == "on" and waits_for_mails(question) else known]


@dataclass(frozen=True)
class Said:
    """A setting in the editor. `choices` are the words for its values, "" being what holds without it."""

    group: str
    label: LazyString | str
    hint: LazyString | str = ""
    choices: Mapping[str, LazyString] = field(default_factory=dict)


GROUPS: Final[Mapping[str, LazyString]] = {
    "where": _("Where"), "when": _("When"), "schedule": _("From when to when"), "often": _("How often"),
}  # fmt: skip
_SAID: Final[Mapping[str, Said]] = {
    "delay": Said("when", _("Seconds to wait"), _("Left empty: 1 after an order, 4 on search results (1.5 where nothing was found), else 2.")),
    "results": Said(
        "where", _("Which search results"),
        choices={"": _("All"), "none": _("Only where nothing was found"), "some": _("Only where something was found")},
    ),
    "where": Said("where", _("Addresses of the pages"), _("One that fits is enough. In “looks like”, * stands for anything.")),
    "selector": Said("where", _("Only on pages that have this"), _("A CSS selector, for whoever knows the shop's pages.")),
    "inline": Said("where", _("Put it into this part of the page"), _("A CSS selector. Left empty, it comes as a card in the corner.")),
    "trigger": Said(
        "when", _("What it waits for"),
        choices={
            "": _("The page is there"), "load": _("The page is there"), "scroll": _("Part of the page was scrolled"),
            "exit": _("The shopper is about to leave"), "idle": _("Nothing has moved for a while"),
            "event": _("The page says so"),
        },
    ),
    "scroll": Said("when", _("Per cent that must be scrolled"), _("Left empty: 50.")),
    "idle": Said("when", _("Seconds without a move"), _("Left empty: 30.")),
    "event": Said("when", _("Name of the event"), _("The page says: atbalss.push({event: name})")),
    "match": Said("when", _("Only if the event has"), _("All of them must be equal.")),
    "starts": Said("schedule", _("Ask from")),
    "ends": Said("schedule", _("Ask until")),
    "sample": Said("often", _("Per cent of shoppers"), _("Left empty: all of them; on search results one in three as long as nothing may be kept in their browser.")),
    "most": Said("often", _("Times at most for one visitor"), _("Left empty: no such limit.")),
    "until_answered": Said(
        "often", _("After an answer"),
        choices={"": _("As usual for the place"), "yes": _("Don't ask again"), "no": _("Ask again")},
    ),
    "every_days": Said("often", _("Days between two times"), _("Asks in waves: the same customer again after so many days, answered or not.")),
    "cooldown_hours": Said("often", _("Hours of rest after it was shown"), _("Left empty: 24 on search results, else none.")),
}  # fmt: skip
_TEXTS: Final[Mapping[str, LazyString]] = {
    "title": _("The question"),
    "yes": _("Yes"),
    "no": _("No"),
    "low": _("At the low end"),
    "high": _("At the high end"),
    "star": _("A star, read aloud; {n} is the number"),
    "follow_up": _("What is asked then"),
    "follow_up_placeholder": _("Hint in that field"),
    "placeholder": _("Hint in the field"),
    "send": _("Button that sends"),
    "thanks": _("Thanks"),
    "close": _("Button that closes, read aloud"),
}
_FACES: Final = {
    "1": _("Face 1, very unhappy"), "2": _("Face 2, unhappy"), "3": _("Face 3, so-so"), "4": _("Face 4, happy"),
    "5": _("Face 5, very happy"),
}  # fmt: skip


def setting(name: str) -> Said:
    """What a setting is called; one that nobody gave words to stands with the words of the API."""
    return _SAID.get(name) or Said("when", name, SETTINGS[name].about)


def language_name(code: str) -> str:
    """The language as a label, with a capital; the code where nobody knows it."""
    found = _names.language_name(code)
    return code if found == code else found[:1].upper() + found[1:]


def most_used(names: Iterable[str]) -> list[str]:
    """The types in the order in which shops need them; what has no words of its own comes last."""
    places = {name: place for place, name in enumerate(TYPES)}
    return sorted(names, key=lambda name: places.get(name, len(places)))


def type_label(name: str) -> str:
    return str(TYPES[name][0]) if name in TYPES else name


def type_about(name: str) -> str:
    return str(TYPES[name][1]) if name in TYPES else ""


def place_label(name: str) -> str:
    return str(PLACES.get(name, name))


def text_label(key: str, question: Question) -> str:
    """What the text under `key` is."""
    if key in _TEXTS:
        return str(_TEXTS[key])
    if key.startswith("option."):
        name = key.removeprefix("option.")
        return str(_FACES[name]) if question.type == "csat" and name in _FACES else gettext("Option %(name)s", name=name)
    base = key.removesuffix("_placeholder")
    for at, (_when, text) in enumerate(branches(question.settings.get("follow_up", "never")), 1):
        if text == base:
            if key != base:
                return str(gettext("Hint in the field of branch %(n)s", n=at))
            return str(gettext("What branch %(n)s asks", n=at))
    return key


def field_label(path: str, question: Question) -> str:
    """What the field of an error is called, by the path that the API gives it."""
    first, _dot, rest = path.partition(".")
    if first == "settings":
        name = rest.partition(".")[0]
        if name in SETTINGS:
            return str(setting(name).label)
        return str(gettext("Options")) if name == "options" else str(gettext("What is asked then"))
    if first == "texts" and "." in rest:
        lang, _dot, key = rest.partition(".")
        return str(gettext("%(text)s (%(language)s)", text=text_label(key, question), language=language_name(lang)))
    known = {
        "texts": gettext("Languages"), "placement": gettext("Kind of page"), "touchpoint": gettext("Step of the customer's journey"),
        "name": gettext("Name for programs"),
    }  # fmt: skip
    return str(known.get(first, first))


def value_label(question: Question, value: Any, lang: str) -> str:
    """An answer as the shopper reads it."""
    for each in (lang, "en", *question.texts):
        words = question.texts.get(each, {})
        found = words.get(f"option.{value}") or (words.get(str(value)) if question.type == "yes_no" else None)
        if found:
            return str(found)
    return str(value)


def follow_up_label(question: Question, choice: str, lang: str) -> str:
    """What one choice of the field for the follow-up means."""
    if choice == "never":
        return str(gettext("Nothing"))
    if choice == "always":
        return str(gettext("The same after every answer"))
    return str(gettext("Something after “%(answer)s”", answer=value_label(question, choice, lang)))


# --- sentences


def where(question: Question) -> list[str]:
    settings = question.settings
    found = [_place(question.placement, settings.get("results"))]
    rules = [rule for rule in settings.get("where", ()) if isinstance(rule, Mapping)]
    wanted = [_rule(rule) for rule in rules if not rule.get("not")]
    unwanted = [_rule(rule) for rule in rules if rule.get("not")]
    if wanted:
        found.append(gettext("Only where the address %(rules)s.", rules=_any_of(wanted)))
    if unwanted:
        found.append(gettext("Not where the address %(rules)s.", rules=_any_of(unwanted)))
    if settings.get("selector"):
        found.append(gettext("Only on pages that have %(selector)s.", selector=settings["selector"]))
    if question.placement != "link":
        found.append(
            gettext("As a part of the page, in %(selector)s.", selector=settings["inline"])
            if settings.get("inline")
            else gettext("As a card in the corner.")
        )
    return found


def _any_of(found: list[str]) -> str:
    return str(format_list(found, "or", get_locale() or "en"))


def _place(placement: str, results: Any) -> str:
    if placement == "search":
        placement = {"none": "search-none", "some": "search-some"}.get(results, placement)
    found: dict[str, str] = {
        "search": gettext("On the page of search results."),
        "search-none": gettext("On search pages where nothing was found."),
        "search-some": gettext("On search pages where something was found."),
        "order": gettext("On the page that confirms the order."),
        "product": gettext("On the page of a product."),
        "page": gettext("On ordinary pages."),
        "link": gettext("By an e-mail after the order. Mails can't be sent yet."),
    }
    return found.get(placement, placement)


def _rule(rule: Mapping[str, Any]) -> str:
    if "is" in rule:
        return str(gettext("is %(text)s", text=rule["is"]))
    if "contains" in rule:
        return str(gettext("has %(text)s in it", text=rule["contains"]))
    return str(gettext("looks like %(text)s", text=rule.get("like", "")))


def when(question: Question, now: int) -> list[str]:
    """`now` is in ms."""
    if question.placement == "link":
        return _schedule(question, now)
    settings = question.settings
    trigger, delay = settings.get("trigger") or "load", settings.get("delay")
    happens = {
        "scroll": gettext("Once %(percent)s %% of the page were scrolled.", percent=settings.get("scroll", 50)),
        "exit": gettext("When the shopper is about to leave."),
        "idle": gettext("When nothing has moved for %(seconds)s s.", seconds=_number(settings.get("idle", 30))),
        "event": gettext("When the page says “%(event)s”.", event=settings.get("event", "")),
    }.get(trigger)
    found = [happens] if happens else []
    if isinstance(delay, int | float) and (delay or not found):
        found.append(
            gettext("%(seconds)s s later.", seconds=_number(delay))
            if found
            else gettext("%(seconds)s s after the page is there.", seconds=_number(delay))
        )
    elif not found:
        found.append(_usual_delay(question))
    return [*found, *_schedule(question, now)]


def _usual_delay(question: Question) -> str:
    if question.placement != "search":
        usual = 1 if question.placement == "order" else 2
        return str(gettext("%(seconds)s s after the page is there.", seconds=_number(usual)))
    results = question.settings.get("results")
    if results is None:
        return str(gettext("4 s after the page is there, and after 1.5 s where nothing was found."))
    return str(gettext("%(seconds)s s after the page is there.", seconds=_number(1.5 if results == "none" else 4)))


def _schedule(question: Question, now: int) -> list[str]:
    starts, ends = schedule.moment(question, "starts"), schedule.moment(question, "ends")
    found = []
    if starts is not None and starts > now:
        found.append(gettext("From %(moment)s on.", moment=_moment(starts)))
    if ends is not None:
        found.append(
            gettext("Until %(moment)s.", moment=_moment(ends)) if ends > now else gettext("It ended on %(moment)s.", moment=_moment(ends))
        )
    return found


def how_often(question: Question) -> list[str]:
    settings, placement = question.settings, question.placement
    if placement == "link":
        found = [gettext("Once after each order.")]
    elif settings.get("sample") is not None:
        found = [gettext("To %(percent)s %% of shoppers.", percent=settings["sample"])] if settings["sample"] != 100 else [gettext("To all shoppers.")]
    elif placement == "search":
        found = [gettext("To one shopper in three; to all whose browser may remember it.")]
    else:
        found = [gettext("To all shoppers.")]
    if settings.get("every_days"):
        found.append(ngettext("Once in %(num)s day for each.", "Once in %(num)s days for each.", settings["every_days"]))
    if settings.get("most"):
        found.append(ngettext("%(num)s time at most.", "%(num)s times at most.", settings["most"]))
    if placement != "link":
        found.extend(_after(settings, placement))
    return found


def _after(settings: Mapping[str, Any], placement: str) -> list[str]:
    once = settings.get("until_answered")
    if once is None:
        once = not settings.get("every_days") and placement in ("page", "product")
    found = [gettext("Not again once they have answered.")] if once else []
    rest = settings.get("cooldown_hours", 24 if placement == "search" else 0)
    if isinstance(rest, int | float) and rest:
        found.append(gettext("After it was shown, not for %(hours)s h.", hours=_number(rest)))
    if placement == "order":
        found.append(gettext("Once for each order."))
    return found


def _moment(ms: int) -> str:
    return str(format_datetime(datetime.fromtimestamp(ms // 1000, UTC), written("d MMM y, HH:mm")))


def _number(value: Any) -> str:
    return str(format_decimal(value)) if isinstance(value, int | float) else str(value)


def follow_ups(question: Question, lang: str) -> list[str]:
    """What is asked after which answer."""
    given = question.settings.get("follow_up", question_types()[question.type].settings.get("follow_up", "never"))
    found: list[str] = []
    for values, key in branches(given):
        asked = next((words[key] for each in (lang, "en", *question.texts) if key in (words := question.texts.get(each, {}))), key)
        if values is None:
            found.append(gettext("After any other answer: “%(asked)s”", asked=asked) if found else gettext("After every answer: “%(asked)s”", asked=asked))
        else:
            answers = ", ".join(value_label(question, value, lang) for value in values)
            found.append(gettext("After %(answers)s: “%(asked)s”", answers=answers, asked=asked))
    return found
