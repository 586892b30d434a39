"""Answers one by one, newest first; and what the owner decides about one of them.

A decision is an event like everything else: 202 says that it is on disk in the stream, and it counts within a second or
two. It names the answer by its question and key, as the list shows them.
"""

from typing import Any

from marshmallow import Schema, fields, validate

from widget_server.contract.answer import Answer
from widget_server.contract.events import EVENT_TYPES, MAX_PRODUCT, MAX_QUERY
from widget_server.contract.fields import language, slug
from widget_server.contract.queries import query_key
from widget_server.contract.questions import question_types
from widget_server.contract.shop import Question
from widget_server.contract.times import format_time, midnight
from widget_server.record import answers as record
from widget_server.record.answers import Filter
from widget_server.web.decisions import Kind, decidable, decide
from widget_server.web.errors import not_found
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
from widget_server.web.resource import Read, Resource, Write
from widget_server.web.shapes import next_field
from widget_server.web.state import state

RESOURCE = Resource("answers", "What shoppers said, one by one, and which of it counts.", place=30)

_UNKNOWN = {404: "The shop has no such answer.", 503: "The decision can't be stored now; try again after `Retry-After` seconds."}
_JSON_TYPE = '-H "Authorization: Bearer $KEY" -H "Content-Type: application/json" '


class AnswersQuery(Params):
    question = of_kind(slug(), "its name", "search-found")
    value = line(64, "the bucket of the answer (yes, no, 1 ... 5, 0 ... 10), or an option that was chosen", "no")
    verified = YesNo(metadata={"description": "with (true) or without (false) proof of purchase"})
    text = YesNo(metadata={"description": "only those with (true) or without (false) a text"})
    product = line(MAX_PRODUCT, "the product that it or its order is about, as the shop names it")
    lang = of_kind(language(), "the language of the page")
    query = line(MAX_QUERY, "what was searched for, however it was spelt")
    quarantined = YesNo(
        load_default=False, metadata={"description": "true: those that wait in quarantine; without it those that count"}
    )
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
    quarantined = fields.String(
        required=True, allow_none=True,
        metadata={"description": "why it does not count: the owner's reason, or any of trap, fast, bot, burst; null when it does"},
    )  # fmt: skip
    incentivised = fields.Boolean(
        required=True, metadata={"description": "points or a coupon were held out for it; say so wherever it is shown"}
    )
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
    """Removed answers are left out, and those in quarantine unless they are asked for. An answer gets there by its owner,
    or because a hidden field was filled (`trap`), nobody taps so soon (`fast`), its sender calls itself a robot (`bot`) or
    its network sent too many without an order (`burst`). No personal data is in here; an order is named as the shop named
    it."""
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


def _decision(reason: bool) -> type[Params]:
    """The body of a decision: which answer, and why."""
    kinds = EVENT_TYPES["answer.quarantined"].fields.kinds
    made: dict[str, Any] = {
        "question": kinds["question"].field(required=True), "key": kinds["key"].field(required=True),
        "reason": kinds["reason"].field(required=reason),
    }  # fmt: skip
    made["question"].metadata = {**made["question"].metadata, "example": "order-rating"}
    made["key"].metadata = {**made["key"].metadata, "example": "order:A-17", "description": "as the list of answers shows it"}
    made["reason"].metadata = {**made["reason"].metadata, "example": "insults a colleague", "description": "for the record"}
    made["reason"].allow_none = False
    return type("DecisionBody" if reason else "ReleaseBody", (Params,), made)


DecisionBody, ReleaseBody = _decision(reason=True), _decision(reason=False)


class Decided(Schema):
    question = fields.String(required=True)
    key = fields.String(required=True)
    event = fields.String(required=True, metadata={"format": "uuid", "description": "the event that will be counted"})


@RESOURCE.route(
    "POST",
    "/v1/answers/quarantine",
    summary="Put an answer into quarantine",
    body=DecisionBody,
    reply=Decided,
    status=202,
    refusals=_UNKNOWN,
    example='-X POST "$HOST/v1/answers/quarantine" ' + _JSON_TYPE
    + """-d '{"question": "order-rating", "key": "order:A-17", "reason": "insults a colleague"}'""",
)
def quarantine_answer(call: Write) -> dict[str, Any]:
    """It no longer counts and is listed with `quarantined=true` only, until it is released."""
    return _decide(call, "answer.quarantined")


@RESOURCE.route(
    "POST",
    "/v1/answers/release",
    summary="Release an answer from quarantine",
    body=ReleaseBody,
    reply=Decided,
    status=202,
    refusals=_UNKNOWN,
    example='-X POST "$HOST/v1/answers/release" ' + _JSON_TYPE
    + """-d '{"question": "order-rating", "key": "order:A-17"}'""",
)
def release_answer(call: Write) -> dict[str, Any]:
    """It counts from now on, on the day it was given. No later part of it brings it back into quarantine; only its owner
    does."""
    return _decide(call, "answer.released")


@RESOURCE.route(
    "POST",
    "/v1/answers/remove",
    summary="Remove an answer",
    body=DecisionBody,
    reply=Decided,
    status=202,
    refusals=_UNKNOWN,
    example='-X POST "$HOST/v1/answers/remove" ' + _JSON_TYPE
    + """-d '{"question": "order-rating", "key": "order:A-17", "reason": "sent by ourselves"}'""",
)
def remove_answer(call: Write) -> dict[str, Any]:
    """For good: it counts nowhere and is listed nowhere. The log keeps that it was removed, when and why."""
    return _decide(call, "answer.removed")


def _decide(call: Write, kind: Kind) -> dict[str, Any]:
    """Put the owner's decision into the stream."""
    name = call.body["question"], call.body["key"]
    with state().database.reading() as conn:
        answer = decidable(conn, call.shop.id, [name]).get(name)
    if answer is None:
        raise not_found("This shop has no such answer.", {"key": "Give the `key` of an answer to this question."})
    event = decide(call.shop.id, kind, [answer], **call.body)[name]
    return {"question": answer.question, "key": answer.key, "event": event}


def _filter(call: Read) -> Filter:
    query = call.query
    first, last = check_range(query)
    lang, searched, value = query.get("lang"), query.get("query"), query.get("value")
    several = _takes_several(call.shop.question(query.get("question", "")))
    return Filter(
        quarantined=query["quarantined"],
        question=query.get("question"),
        value=None if several else value,
        option=value if several else None,
        verified=query.get("verified"),
        with_text=query.get("text"),
        product=query.get("product"),
        language=lang and lang.replace("_", "-").split("-")[0].lower(),
        query_key=searched and query_key(searched),
        start=None if first is None else midnight(first, 0, call.shop.time_zone),
        end=None if last is None else midnight(last, 1, call.shop.time_zone),
    )


def _takes_several(question: Question | None) -> bool:
    """Whether answers to a question choose several options."""
    kind = None if question is None else question_types().get(question.type)
    return kind is not None and question is not None and isinstance(kind.bucket([], question.settings), tuple)


def _json(answer: Answer) -> dict[str, Any]:
    return {
        "key": answer.key,
        "question": answer.question,
        "value": answer.get("value"),
        "text": answer.get("text") or None,
        "verified": answer.verified,
        "quarantined": answer.quarantined,
        "incentivised": answer.incentivised,
        "at": format_time(answer.first_at),
        "updated_at": format_time(answer.updated_at),
        "placement": answer.get("placement"),
        "lang": answer.get("language"),
        "product": answer.get("product"),
        "query": answer.get("query"),
        "order": answer.order,
    }
