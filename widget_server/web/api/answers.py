"""Answers one by one, newest first."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import Schema, fields, validate

from widget_server.contract.answer import Answer
from widget_server.contract.events import MAX_PRODUCT, MAX_QUERY
from widget_server.contract.fields import language, slug
from widget_server.contract.queries import query_key
from widget_server.contract.times import format_time
from widget_server.record import answers as record
from widget_server.record.answers import Filter
from widget_server.web.params import (
    Params,
    Position,
    YesNo,
    check_range,
    cursor,
    first_day,
    last_day,
    line,
    of_kind,
    page_size,
)
from widget_server.web.resource import Read, Resource
from widget_server.web.shapes import next_field

RESOURCE = Resource("answers", "What shoppers said, one by one.", place=30)


class AnswersQuery(Params):
    question = of_kind(slug(), "its name", "search-found")
    value = line(64, "the bucket of the answer: yes, no, 1 ... 5, 0 ... 10", "no")
    verified = YesNo(metadata={"description": "with (true) or without (false) proof of purchase"})
    text = YesNo(metadata={"description": "only those with (true) or without (false) a text"})
    product = line(MAX_PRODUCT, "the product it is about, as the shop names it")
    lang = of_kind(language(), "the language of the page")
    query = line(MAX_QUERY, "what was searched for, however it was spelt")
    from_ = first_day()
    to = last_day()
    cursor = Position()
    limit = page_size(50, 200)


class AnswerShape(Schema):
    key = fields.String(required=True, metadata={"description": "unique with its question"})
    question = fields.String(required=True)
    value = fields.Raw(
        required=True, metadata={"type": ["string", "integer", "array", "null"], "description": "null when only a text was left"}
    )
    text = fields.String(required=True, allow_none=True)
    verified = fields.Boolean(required=True, metadata={"description": "an order token or an import vouches for it"})
    at = fields.String(required=True, metadata={"format": "date-time", "description": "its earliest part"})
    updated_at = fields.String(required=True, metadata={"format": "date-time"})
    placement = fields.String(required=True, allow_none=True)
    lang = fields.String(required=True, allow_none=True)
    product = fields.String(required=True, allow_none=True)
    query = fields.String(required=True, allow_none=True)
    order = fields.String(required=True, allow_none=True, metadata={"description": "the reference the shop gave"})


class Answers(Schema):
    answers = fields.List(fields.Nested(AnswerShape), required=True, validate=validate.Length(max=200))
    next = next_field()


@RESOURCE.route(
    "GET",
    "/v1/answers",
    summary="Answers, newest first",
    query=AnswersQuery,
    reply=Answers,
    refusals={409: "`from` is after `to`."},
    example='"$HOST/v1/answers?question=search-found&value=no&text=true" -H "Authorization: Bearer $KEY"',
)
def answers(call: Read) -> dict[str, Any]:
    """Answers that an owner has hidden are left out. No personal data is in here; an order is named as the shop
    named it."""
    query, limit = call.query, call.query["limit"]
    before = None
    if "cursor" in query:
        at, last = query["cursor"]
        key, _, question = last.partition("\n")
        before = (at, key, question)
    found = record.newest(call.conn, call.shop.id, _filter(call), before, limit + 1)
    last_one = found[limit - 1] if len(found) > limit else None
    return {
        "answers": [_json(answer) for answer in found[:limit]],
        "next": last_one and cursor(last_one.first_at, f"{last_one.key}\n{last_one.question}"),
    }


def _filter(call: Read) -> Filter:
    query = call.query
    first, last = check_range(query)
    lang, searched = query.get("lang"), query.get("query")
    return Filter(
        question=query.get("question"),
        bucket=query.get("value"),
        verified=query.get("verified"),
        with_text=query.get("text"),
        product=query.get("product"),
        language=lang and lang.replace("_", "-").split("-")[0].lower(),
        query_key=searched and query_key(searched),
        start=None if first is None else _midnight(first, 0, call.shop.time_zone),
        end=None if last is None else _midnight(last, 1, call.shop.time_zone),
    )


def _midnight(day: str, later: int, zone: str) -> int:
    """When a day begins in a time zone."""
    start = date.fromisoformat(day) + timedelta(days=later)
    return int(datetime(start.year, start.month, start.day, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def _json(answer: Answer) -> dict[str, Any]:
    return {
        "key": answer.key,
        "question": answer.question,
        "value": answer.get("value"),
        "text": answer.get("text"),
        "verified": answer.verified,
        "at": format_time(answer.first_at),
        "updated_at": format_time(answer.updated_at),
        "placement": answer.get("placement"),
        "lang": answer.get("language"),
        "product": answer.get("product"),
        "query": answer.get("query"),
        "order": answer.order,
    }
