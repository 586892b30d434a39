"""When a question is on: between its settings `starts` and `ends`, unless it is paused. The server decides that, by its own
clock; pages are told of neither."""

from collections.abc import Iterable
from typing import Final, Literal

from .shop import Question
from .times import parse_time

SETTINGS: Final = ("starts", "ends")

State = Literal["on", "paused", "waits", "over"]


def state(question: Question, now: int) -> State:
    """`waits`: it has not begun yet. `now` is in ms."""
    if question.paused:
        return "paused"
    starts, ends = moment(question, "starts"), moment(question, "ends")
    if ends is not None and ends <= now:
        return "over"
    return "waits" if starts is not None and now < starts else "on"


def next_change(questions: Iterable[Question], now: int) -> int | None:
    """When the clock will change the state of one of them next; None when it won't."""
    moments = (moment(question, name) for question in questions for name in SETTINGS)
    return min((each for each in moments if each is not None and each > now), default=None)


def moment(question: Question, name: str) -> int | None:
    """`starts` or `ends` in ms; None where it is open."""
    given = question.settings.get(name)
    return parse_time(given) if isinstance(given, str) else None
