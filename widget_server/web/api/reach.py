"""How far questions reach: how often they were shown, answered, closed, and kept back although they were due."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from marshmallow import Schema, fields

from widget_server.contract.events import OTHER, SKIPPED
from widget_server.contract.fields import slug
from widget_server.record import counters
from widget_server.record.counters import DAY, MONTH, Reached, Slice
from widget_server.web.errors import not_found
from widget_server.web.params import (
    Params,
    Position,
    check_range,
    choice,
    cursor,
    first_day,
    last_day,
    of_kind,
    page_size,
)
from widget_server.web.resource import Read, Resource
from widget_server.web.shapes import next_field

RESOURCE = Resource("reach", "How many were asked, how many answered, and why others were not asked.", place=15)

_REASONS = f"{{reason: count}} of {', '.join(sorted(SKIPPED))}, {OTHER}"
_WEEK = 7


class ReachQuery(Params):
    question = of_kind(slug(), "its name; without it all of the shop", "search-found")
    by = choice("day", "week", "month", "placement", help="one row for each; without it only the total")
    from_ = first_day()
    to = last_day()
    cursor = Position()
    limit = page_size(100, 400)


class QuestionReach(Schema):
    question = fields.String(required=True)
    shown = fields.Integer(required=True, metadata={"description": "how often it stood on a page"})
    answered = fields.Integer(required=True, metadata={"description": "answers that count"})
    dismissed = fields.Integer(required=True, metadata={"description": "closed and never answered"})
    skipped = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True,
        metadata={"description": f"due, but not asked: {_REASONS}"},
    )  # fmt: skip


class ReachRow(Schema):
    key = fields.String(required=True, metadata={"description": "2026-11-22, 2026-W47, 2026-11, or the placement"})
    questions = fields.List(fields.Nested(QuestionReach), required=True)


class Reach(Schema):
    by = fields.String(required=True, allow_none=True)
    questions = fields.List(fields.Nested(QuestionReach), required=True)
    rows = fields.List(fields.Nested(ReachRow), required=True)
    next = next_field()


@RESOURCE.route(
    "GET",
    "/v1/reach",
    summary="How often questions were shown, answered, closed or kept back",
    query=ReachQuery,
    reply=Reach,
    refusals={404: "The shop has no such question.", 409: "`from` is after `to`."},
    example='"$HOST/v1/reach?by=week" -H "Authorization: Bearer $KEY"',
)
def reach(call: Read) -> dict[str, Any]:
    """`questions` is over the whole time, `rows` the same by day, week, month or placement, sorted by key; questions without
    a count are left out. Whatever robots and answers in quarantine would add is not in here. `skipped` has what the limits
    and manners of the snippet kept back, as far as browsers told us."""
    query = call.query
    first, last = check_range(query)
    chosen = Slice(call.shop.id, _questions(call, query.get("question")), "total", None, first, last)
    by, limit = query.get("by"), query["limit"]
    _, after = query.get("cursor", (0, ""))
    rows = [] if by is None else list(_rows(call, chosen, by, after, limit + 1).items())
    return {
        "by": by,
        "questions": _json(counters.reach(call.conn, chosen)),
        "rows": [{"key": key, "questions": _json(found)} for key, found in rows[:limit]],
        "next": cursor(0, rows[limit - 1][0]) if len(rows) > limit else None,
    }


def _questions(call: Read, named: str | None) -> tuple[str, ...]:
    known = tuple(call.shop.questions)
    if named is None:
        return known
    if named not in known:
        raise not_found(f"This shop has no question {named}.", {"question": f"Give one of: {', '.join(known)}."})
    return (named,)


def _rows(call: Read, chosen: Slice, by: str, after: str, most: int) -> dict[str, list[Reached]]:
    """At most `most` rows after the key `after`."""
    if by == "week":
        return _weeks(call, chosen, after, most)
    if by == "placement":
        return counters.reach_by(call.conn, replace(chosen, dimension="placement"), "key", after, most)
    found = counters.reach_by(call.conn, chosen, DAY if by == "day" else MONTH, after, most)
    return dict(list(found.items())[:most])


def _weeks(call: Read, chosen: Slice, after: str, most: int) -> dict[str, list[Reached]]:
    """ISO 8601 weeks, 2026-W47: Monday to Sunday."""
    # That many days reach beyond `most` weeks, so that only a week that is cut off anyway may lack days.
    days = counters.reach_by(call.conn, chosen, DAY, _last_day_of(after), (most + 1) * _WEEK)
    weeks: dict[str, list[Reached]] = defaultdict(list)
    for day, found in days.items():
        year, week, _ = date.fromisoformat(day).isocalendar()
        weeks[f"{year}-W{week:02d}"] += found
    return {week: _added_up(weeks[week]) for week in list(weeks)[:most]}


def _last_day_of(week: str) -> str:
    """The Sunday of a week; what is no week is some position too."""
    try:
        return (date.fromisoformat(f"{week}-1") + timedelta(days=_WEEK - 1)).isoformat()
    except (ValueError, OverflowError):
        return ""


def _added_up(days: Iterable[Reached]) -> list[Reached]:
    """One row a question."""
    by_question: dict[str, list[Reached]] = defaultdict(list)
    for day in days:
        by_question[day.question].append(day)
    return [
        Reached(
            question,
            sum(day.shown for day in found),
            sum(day.answered for day in found),
            sum(day.dismissed for day in found),
            _sum(day.skipped for day in found),
        )
        for question, found in sorted(by_question.items())
    ]


def _sum(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for part in parts:
        for reason, n in part.items():
            found[reason] += n
    return dict(sorted(found.items()))


def _json(found: Iterable[Reached]) -> list[dict[str, Any]]:
    return [
        {
            "question": one.question,
            "shown": one.shown,
            "answered": one.answered,
            "dismissed": one.dismissed,
            "skipped": dict(one.skipped),
        }
        for one in found
    ]
