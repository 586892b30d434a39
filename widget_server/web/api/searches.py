"""Searches: what shoppers looked for, and whether they found it."""

from typing import Any

from marshmallow import Schema, fields, validate

from widget_server.contract.demand import Lost
from widget_server.contract.events import MAX_QUERY
from widget_server.contract.money import decimal
from widget_server.contract.queries import query_key
from widget_server.web import truth
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

RESOURCE = Resource("searches", "What shoppers searched for: how often, with how many empty pages, and whether they found it.", place=20)


class SearchesQuery(Params):
    sort = choice(
        *truth.SORTS, default="searches",
        help="most first: searches, searches that showed nothing, clicks, shoppers asked, shoppers who said no (and so "
        "lost demand), or the share of those (with 10 answers or more)",
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


class Money(Schema):
    value = fields.String(required=True, metadata={"description": "an amount like 179.99"})
    interval = fields.List(
        fields.String(), required=True, validate=validate.Length(equal=2), metadata={"description": "95 % interval [low, high]"}
    )
    currency = fields.String(required=True, allow_none=True)


class SearchRow(Schema):
    query = fields.String(required=True, metadata={"description": "the most frequent spelling"})
    key = fields.String(required=True, metadata={"description": "the form under which spellings are grouped"})
    searches = fields.Integer(required=True)
    zero_results = fields.Nested(ZeroResults, required=True)
    clicks = fields.Integer(required=True, metadata={"description": "clicks on results"})
    asked = fields.Integer(required=True, metadata={"description": "how often shoppers were asked whether they found it"})
    found = fields.Nested(ScoreShape, required=True, metadata={"description": 'the share of "yes"'})
    lost_demand = fields.Nested(
        Money, required=True, allow_none=True, metadata={"description": "what shoppers who said no might have bought"}
    )
    texts = fields.List(fields.String(), required=True, metadata={"description": "the newest texts left about it"})


class AverageOrder(Money):
    n = fields.Integer(required=True, metadata={"description": "how many orders"})
    enough = fields.Boolean(required=True, metadata={"description": "false below 10 orders"})
    of_all_orders = fields.Boolean(
        required=True, metadata={"description": "true when the days asked for have too few, so that it is that of all orders"}
    )


class Basis(Schema):
    search_conversion = fields.Float(required=True, metadata={"description": "the share of searches that end in an order"})
    search_conversion_is_set = fields.Boolean(
        required=True, metadata={"description": "false: nobody has set it, so it is the one to begin with"}
    )
    average_order = fields.Nested(
        AverageOrder, required=True, allow_none=True, metadata={"description": "in the currency of most orders"}
    )


class Searches(Schema):
    searches = fields.List(fields.Nested(SearchRow), required=True)
    lost_demand = fields.Nested(
        Money, required=True, allow_none=True, metadata={"description": "that of all searches in the days asked for"}
    )
    basis = fields.Nested(Basis, required=True, metadata={"description": "what lost demand is worked out from"})
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
    the yes-or-no questions on search pages.

    Lost demand is the number of searches that were answered with "no", times the shop's own average order value, times
    the share of searches that end in an order, which the owner sets on the page of searches. Its interval holds what is
    uncertain in the first two; the third is an assumption. It is null while there are fewer than 10 orders."""
    query = call.query
    first, last = check_range(query)
    chosen = truth.searching(call.shop, first, last, query_key(query["q"]) if "q" in query else None)
    known = truth.basis(call.conn, chosen)
    rows, end = truth.rows(call.conn, chosen, query["sort"], query.get("cursor"), query["limit"], known)
    return {
        "searches": [_row(row) for row in rows],
        "lost_demand": _lost(truth.total(call.conn, chosen, known).lost),
        "basis": _basis(known),
        "next": end and cursor(*end),
    }


def _row(row: truth.Row) -> dict[str, Any]:
    return {
        "query": row.query,
        "key": row.key,
        "searches": row.searched.searches,
        "zero_results": {"n": row.searched.zero, "share": row.zero_share},
        "clicks": row.searched.clicks,
        "asked": row.asked,
        "found": score_json(row.found),
        "lost_demand": _lost(row.lost),
        "texts": list(row.texts),
    }


def _basis(known: truth.Basis) -> dict[str, Any]:
    found = known.average
    return {
        "search_conversion": known.conversion.share,
        "search_conversion_is_set": known.conversion.own,
        "average_order": None if found is None else {
            **_amounts(found.value, found.interval, found.currency),
            "n": found.n, "enough": found.enough, "of_all_orders": known.ever,
        },
    }  # fmt: skip


def _lost(found: Lost | None) -> dict[str, Any] | None:
    return None if found is None else _amounts(found.value, found.interval, found.currency)


def _amounts(value: float, interval: tuple[float, float], currency: str) -> dict[str, Any]:
    named = currency or None
    return {
        "value": decimal(round(value), named),
        "interval": [decimal(round(end), named) for end in interval],
        "currency": named,
    }
