"""Answers, and what became of them, in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale, gettext, pgettext
from sqlalchemy import Connection

from widget_server.contract.answer import SUSPICIONS, Answer, answer_key, suspicions
from widget_server.contract.shop import Question, Shop
from widget_server.record import questions
from widget_server.record.cases import Case
from widget_server.record.notes import Note

from . import _formats
from ._names import title_of
from ._question_words import value_label
from ._texts import lazy_gettext

Event = Mapping[str, Any]

STATUS_NAMES = {
    "new": lazy_gettext("New"), "doing": lazy_gettext("In work"), "solved": lazy_gettext("Solved"),
    "closed": lazy_gettext("Closed"),
}  # fmt: skip
STATUS_TONES = {"new": "info", "doing": "warn", "solved": "good", "closed": ""}
REASONS = {
    "trap": lazy_gettext("filled in a field that people don't see"), "fast": lazy_gettext("quicker than anybody can be"),
    "bot": lazy_gettext("calls itself a robot"), "burst": lazy_gettext("one of too many from one network"),
}  # fmt: skip
# Up to the first it is bad, from the second on good.
_TONES = {"stars": (2, 4), "csat": (2, 4), "ces": (3, 6), "nps": (6, 9)}
_TOPS = {"stars": 5, "csat": 5, "ces": 7, "nps": 10}


@dataclass(frozen=True)
class Said:
    """What an answer says: `value` in words ("" for a text alone), `tone` good, bad or "" between, `text` of the shopper."""

    value: str
    tone: str
    text: str


def asked(shop: Shop, name: str) -> str:
    """What a question asks now, in the member's language where it has that; its name when the shop has it no more."""
    question = shop.question(name)
    return name if question is None else title_of(question)


def asked_then(conn: Connection, shop: Shop, answer: Answer) -> str:
    """What was asked when this was answered: an owner may have changed the words since."""
    number, newest = answer.get("version"), shop.question(answer.question)
    then = None
    if newest is not None and number not in (None, newest.version):
        then = questions.version(conn, shop.id, answer.question, number)
    return asked(shop, answer.question) if then is None else title_of(then)


def said(shop: Shop, answer: Answer) -> Said:
    question = shop.question(answer.question)
    value = answer.get("value")
    return Said(value_words(question, value), tone(question, value), answer.get("text") or "")


def value_words(question: Question | None, value: Any) -> str:
    """The value of an answer as the member reads it."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(value_words(question, each) for each in value) or str(gettext("None of them"))
    top = None if question is None else _TOPS.get(question.type)
    if top is not None:
        return str(gettext("%(value)s of %(top)s", value=value, top=top))
    if question is None:
        return str(value)
    if question.type == "yes_no" and value in ("yes", "no"):
        return str(gettext("Yes") if value == "yes" else gettext("No"))
    return value_label(question, value, str(get_locale() or "en"))


def tone(question: Question | None, value: Any) -> str:
    """Whether it is good to hear."""
    if question is None:
        return ""
    if question.type == "yes_no":
        return {"yes": "good", "no": "bad"}.get(str(value), "")
    bounds = _TONES.get(question.type)
    if bounds is None or type(value) is not int:
        return ""
    return "bad" if value <= bounds[0] else "good" if value >= bounds[1] else ""


def low_bounds(question_type: str) -> tuple[int, int, int] | None:
    """(lowest, highest, top): from where to where a score of such a question is bad to hear, and the most it may be."""
    if question_type not in _TONES:
        return None
    return (0 if question_type == "nps" else 1), _TONES[question_type][0], _TOPS[question_type]


def values(question: Question | None) -> list[tuple[str, str]]:
    """What an answer to the question may be: (bucket, in words)."""
    if question is None:
        return []
    top = _TOPS.get(question.type)
    if top is not None:
        return [(str(n), value_words(question, n)) for n in range(0 if question.type == "nps" else 1, top + 1)]
    if question.type == "yes_no":
        return [("yes", gettext("Yes")), ("no", gettext("No"))]
    return [(option, value_words(question, option)) for option in question.settings.get("options", ())]


def why_quarantined(reason: str) -> str:
    """Why an answer waits in quarantine: our own marks in words, or what the owner wrote."""
    marks = reason.split(", ")
    if set(marks) <= set(SUSPICIONS):
        return ", ".join(str(REASONS[mark]) for mark in marks)
    return reason


# --- the story ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """Something that happened to an answer. `who` is a member, or empty for the shopper and our own doing."""

    at: int
    icon: str
    what: str
    text: str = ""
    who: str = ""


def story(
    shop: Shop, answer: Answer, events: Iterable[tuple[int, str, Event]], notes: Sequence[Note],
    people: Mapping[str, str], case: Case | None,
) -> list[Step]:  # fmt: skip
    """All that is known to have happened, in order."""
    deciders = {note.text: note.account for note in notes if note.kind == "decided"}
    question = shop.question(answer.question)
    steps = [
        _of_event(question, event, name_of(people, deciders[event["id"]]) if event["id"] in deciders else "")
        for _, _, event in events
        if event.get("question") == answer.question and answer_key(event) == answer.key
    ]
    if all(step.at > answer.first_at for step in steps):
        steps.append(Step(answer.first_at, "questions", gettext("The question was shown")))
    steps += [_of_note(shop, note, people) for note in notes if note.kind != "decided"]
    return sorted(steps, key=lambda step: step.at)


def name_of(people: Mapping[str, str], account: str | None) -> str:
    """Who it was: a member, somebody who was one, or a program."""
    if account is None:
        return str(gettext("a program with the API key"))
    return people.get(account) or str(gettext("a former member"))


def _of_event(question: Question | None, event: Event, who: str) -> Step:
    kind, at = event["type"], event["at"]
    if kind == "answer.quarantined":
        return Step(at, "shield", gettext("Left out of the count"), str(event.get("reason") or ""), who or gettext("the owner"))
    if kind == "answer.released":
        return Step(at, "check", gettext("Counted again"), str(event.get("reason") or ""), who or gettext("the owner"))
    if kind == "answer.removed":
        return Step(at, "trash", pgettext("what happened", "Removed"), str(event.get("reason") or ""), who or gettext("the owner"))
    if kind == "question.dismissed":
        return Step(at, "cross", gettext("The question was closed"))
    if kind == "question.shown":
        return Step(at, "questions", gettext("The question was shown"))
    marks = suspicions(event)
    doubt = gettext("Looks doubtful: %(why)s", why=why_quarantined(", ".join(marks))) if marks else ""
    wrote = event.get("text")
    if event.get("value") is not None:
        what = gettext("Answered: %(answer)s", answer=value_words(question, event["value"]))
        return Step(at, "answers", what, "\n".join(filter(None, (wrote, doubt))))
    return Step(at, "text", gettext("Wrote"), "\n".join(filter(None, (wrote, doubt))))


def _of_note(shop: Shop, note: Note, people: Mapping[str, str]) -> Step:
    who = name_of(people, note.account)
    if note.kind == "note":
        return Step(note.at, "edit", gettext("Noted"), note.text or gettext("(erased)"), who)
    if note.kind == "status":
        if note.text == "new":
            return Step(note.at, "case", gettext("Made a case of it"), who=who)
        status = str(STATUS_NAMES.get(note.text, note.text))
        return Step(note.at, "case", gettext("The case is now: %(status)s", status=status), who=who)
    if note.kind == "assignee":
        what = gettext("%(name)s sees to it", name=name_of(people, note.text)) if note.text else gettext("Nobody sees to it now")
        return Step(note.at, "user", what, who=who)
    if note.kind == "due":
        what = gettext("Due on %(day)s", day=_formats.moment(int(note.text), "d MMM y")) if note.text else gettext("Not due at any time now")
        return Step(note.at, "calendar", what, who=who)
    return Step(note.at, "eye", gettext("Looked at the personal data"), who=who)
