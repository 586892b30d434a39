"""Searches: what shoppers looked for, and whether they found it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from marshmallow import Schema, fields

from widget_server.contract.events import MAX_QUERY
from widget_server.contract.metrics import metrics
from widget_server.contract.queries import query_key
from widget_server.contract.scores import Counts
from widget_server.contract.shop import Shop
from widget_server.record import answers, counters
from widget_server.record import searches as spellings
from widget_server.record.counters import Searched, Slice
from widget_server.web.params import (
    Params,
    Position,
    check_range,
    choice,
    cursor,
    first_day,
    last_day,
    line,
    page_size,
)
from widget_server.web.resource import Read, Resource
from widget_server.web.shapes import ScoreShape, next_field, score_json

TEXTS = 3

RESOURCE = Resource("searches", "What shoppers searched for: how often, with how many empty pages, and whether they found it.", place=20)


class SearchesQuery(Params):
    sort = choice(
        "searches", *counters.RANKS, default="searches",
        help="most first: searches, searches that showed nothing, shoppers asked, or shoppers who said no",
    )  # fmt: skip
    q = line(MAX_QUERY, "only searches that contain this, however it is spelt")
    from_ = first_day()
    to = last_day()
    cursor = Position()
    limit = page_size(50, 200)


class ZeroResults(Schema):
    n = fields.Integer(required=True, metadata={"description": "searches that showed nothing"})
    share = fields.Float(
        required=True, allow_none=True,
        metadata={"description": "of the searches whose number of results is known; null when none is"},
    )  # fmt: skip


class SearchRow(Schema):
    query = fields.String(required=True, metadata={"description": "the most frequent spelling"})
    key = fields.String(required=True, metadata={"description": "the form under which spellings are grouped"})
    searches = fields.Integer(required=True)
    zero_results = fields.Nested(ZeroResults, required=True)
    clicks = fields.Integer(required=True, metadata={"description": "clicks on results"})
    asked = fields.Integer(required=True, metadata={"description": "how often shoppers were asked whether they found it"})
    found = fields.Nested(ScoreShape, required=True, metadata={"description": 'the share of "yes"'})
    texts = fields.List(fields.String(), required=True, metadata={"description": "the newest texts left about it"})


class Searches(Schema):
    searches = fields.List(fields.Nested(SearchRow), required=True)
    next = next_field()


@RESOURCE.route(
    "GET",
    "/v1/searches",
    summary="Searches, by how often, how empty or how disappointing",
    query=SearchesQuery,
    reply=Searches,
    refusals={409: "`from` is after `to`."},
    example='"$HOST/v1/searches?sort=not_found&limit=20" -H "Authorization: Bearer $KEY"',
)
def searches(call: Read) -> dict[str, Any]:
    """Spellings that differ only in case, spaces, Unicode form or diacritics are one search. `found` is read from
    the yes-or-no questions on search pages."""
    query, limit = call.query, call.query["limit"]
    first, last = check_range(query)
    asking = Slice(call.shop.id, _questions(call.shop), "query", None, first, last)
    found = _ranked(call, asking, limit + 1)
    rows = [row for _, row in found[:limit]]
    keys = [row.key for row in rows]
    asked = counters.of_keys(call.conn, asking, keys)
    return {
        "searches": _rows(call, rows, keys, asked),
        "next": cursor(found[limit - 1][0], keys[-1]) if len(found) > limit else None,
    }


def _ranked(call: Read, asking: Slice, most: int) -> list[tuple[int, Searched]]:
    """The rows of a page, each with the number it is sorted by."""
    query = call.query
    containing = query_key(query["q"]) if "q" in query else None
    after, sort = query.get("cursor"), query["sort"]
    if sort == "searches":
        found = counters.most_searched(call.conn, asking.shop, asking.start, asking.end, after, most, containing)
        return [(row.searches, row) for row in found]
    counted_under = replace(asking, questions=(counters.SEARCHES,)) if sort == "zero_results" else asking
    ranks = counters.ranked(call.conn, counted_under, sort, after, most, containing)
    known = counters.searched_of(call.conn, asking.shop, asking.start, asking.end, [key for _, key in ranks])
    return [(n, known.get(key, Searched(key, 0, 0, 0, 0))) for n, key in ranks]


def _questions(shop: Shop) -> tuple[str, ...]:
    newest = [versions[-1] for versions in shop.questions.values()]
    return tuple(question.name for question in newest if question.type == "yes_no" and question.placement == "search")


def _rows(call: Read, rows: Sequence[Searched], keys: Sequence[str], asked: dict[str, Counts]) -> list[dict[str, Any]]:
    success = metrics()["success"]
    spelled = spellings.most_frequent(call.conn, call.shop.id, keys)
    texts = answers.newest_texts(call.conn, call.shop.id, keys, TEXTS)
    made = []
    for row in rows:
        counts = asked.get(row.key, Counts({}))
        known = row.zero + row.some
        made.append(
            {
                "query": spelled.get(row.key, row.key),
                "key": row.key,
                "searches": row.searches,
                "zero_results": {"n": row.zero, "share": row.zero / known if known else None},
                "clicks": row.clicks,
                "asked": counts.shown,
                "found": score_json(success.read(counts)),
                "texts": texts.get(row.key, []),
            }
        )
    return made
