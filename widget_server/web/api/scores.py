"""Scores: what the answers of a shop add up to, in all and by day, week, month, product, language or placement."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from marshmallow import Schema, fields

from widget_server.contract.fields import slug
from widget_server.contract.metrics import Metric, metrics
from widget_server.contract.scores import Counts
from widget_server.contract.shop import Shop
from widget_server.record import counters
from widget_server.record.counters import Slice
from widget_server.web.errors import conflict, not_found
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
from widget_server.web.shapes import ScoreShape, next_field, score_json

TIMES = ("day", "week", "month")
KEYS = ("product", "language", "placement")

RESOURCE = Resource("scores", "What the answers add up to, always with how many they are and how sure that makes it.", place=10)


class ScoresQuery(Params):
    metric = choice(*metrics(), help="what to read")
    metric.required = True
    question = of_kind(slug(), "its name; without it all that the metric can be read from")
    trust = choice("all", "verified", "unverified", default="all", help="answers with or without proof of purchase")
    by = choice(*TIMES, *KEYS, help="one row for each; without it only the total")
    from_ = first_day()
    to = last_day()
    cursor = Position()
    limit = page_size(100)


class ScoreRow(ScoreShape):
    key = fields.String(required=True, metadata={"description": "2026-11-22, 2026-W47, 2026-11, or the product ..."})


class Scores(Schema):
    metric = fields.String(required=True)
    by = fields.String(required=True, allow_none=True)
    total = fields.Nested(ScoreShape, required=True)
    rows = fields.List(fields.Nested(ScoreRow), required=True)
    next = next_field()


@RESOURCE.route(
    "GET",
    "/v1/scores",
    summary="One metric, in all and by time, product, language or placement",
    query=ScoresQuery,
    reply=Scores,
    refusals={404: "The shop has no such question.", 409: "The metric can't be read from this question, or `from` is after `to`."},
    example='"$HOST/v1/scores?metric=success&by=month" -H "Authorization: Bearer $KEY"',
)
def scores(call: Read) -> dict[str, Any]:
    """Rows are sorted by key. `total` is over the same filters as the rows. Without `question` all questions
    that the metric can be read from count together."""
    query = call.query
    metric = metrics()[query["metric"]]
    first, last = check_range(query)
    trust = None if query["trust"] == "all" else query["trust"]
    chosen = Slice(call.shop.id, questions_for(call.shop, metric, query.get("question")), "total", trust, first, last)
    by, limit = query.get("by"), query["limit"]
    _, after = query.get("cursor", (0, ""))
    rows = [] if by is None else _rows(call, chosen, by, after, limit + 1)
    return {
        "metric": metric.name,
        "by": by,
        "total": score_json(metric.read(counters.total(call.conn, chosen))),
        "rows": [{"key": key, **score_json(metric.read(counts))} for key, counts in rows[:limit]],
        "next": cursor(0, rows[limit - 1][0]) if len(rows) > limit else None,
    }


def questions_for(shop: Shop, metric: Metric, named: str | None) -> tuple[str, ...]:
    """The questions of `shop` that a metric is read from: the named one, or all of its types."""
    types = {name: versions[-1].type for name, versions in shop.questions.items()}
    fitting = tuple(n for n, kind in types.items() if not metric.question_types or kind in metric.question_types)
    if named is None:
        return fitting
    if named not in types:
        raise not_found(f"This shop has no question {named}.", {"question": f"Give one of: {', '.join(types)}."})
    if named not in fitting:
        wanted = " or ".join(metric.question_types)
        raise conflict({"metric": f"{metric.name} is read from {wanted} questions; {named} is {types[named]}."})
    return (named,)


def _rows(call: Read, chosen: Slice, by: str, after: str, most: int) -> list[tuple[str, Counts]]:
    if by in KEYS:
        found = counters.by_key(call.conn, replace(chosen, dimension=by), after, most)
        return list(found.items())
    if by == "day":
        return list(counters.next_days(call.conn, chosen, after, most).items())
    counts = counters.by_time(call.conn, chosen, "month" if by == "month" else "day")
    if by == "week":
        counts = _weeks(counts)
    return [(key, counts[key]) for key in sorted(counts) if key > after][:most]


def _weeks(days: Mapping[str, Counts]) -> dict[str, Counts]:
    """Days as ISO 8601 weeks, 2026-W47: Monday to Sunday."""
    found: dict[str, list[Counts]] = defaultdict(list)
    for day, counts in days.items():
        year, week, _ = date.fromisoformat(day).isocalendar()
        found[f"{year}-W{week:02d}"].append(counts)
    return {week: counters.combined(parts) for week, parts in found.items()}
