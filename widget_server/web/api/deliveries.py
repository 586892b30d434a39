"""Deliveries: what was sent to the endpoints, what became of it, and sending it again."""

import time
from dataclasses import asdict
from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy import Connection

from widget_server.act import deliver
from widget_server.contract.times import format_time, parse_time
from widget_server.record import outbox
from widget_server.record.outbox import STAGES, STATES, Attempt, Delivery, Wanted
from widget_server.web.errors import Problem, conflict, not_found
from widget_server.web.params import Params, Position, choice, cursor, line, page_size
from widget_server.web.resource import Read, Resource, Write
from widget_server.web.shapes import next_field

TRIES = 50
_NONE = "This shop has no such delivery."

RESOURCE = Resource("deliveries", "What was sent to the endpoints, and what became of it.", place=60)


_TIME = "Give a time like 2026-11-22T10:00:00Z."
# Every time of this form is taken (so are those with an offset or fractions of a second).
_TIME_FORM = r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$"
_ID = {
    "delivery": {
        "type": "string",
        "pattern": "^msg_[0-9a-f]{32}$",
        "example": "msg_0123456789abcdef0123456789abcdef",
    }
}


class _Time(fields.Field[int]):
    """A time, handed on as ms."""

    default_error_messages = {"invalid": _TIME, "null": _TIME}

    def __init__(self, name: str, help: str) -> None:
        more = {"type": "string", "pattern": _TIME_FORM, "example": "2026-11-22T10:00:00Z"}
        super().__init__(data_key=name, attribute=name, metadata={**more, "description": help})

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        found = parse_time(value) if isinstance(value, str) else None
        if found is None:
            raise self.make_error("invalid")
        return found


class DeliveriesQuery(Params):
    state = choice(*STATES, help="due (waiting), done, dead (given up) or cancelled")
    endpoint = line(64, "only those to this endpoint", "ep_0123456789abcdef01234567")
    cursor = Position()
    limit = page_size(50, 200)


class DeliveryShape(Schema):
    id = fields.String(required=True, metadata={"description": "the `webhook-id` that the receiver sees"})
    endpoint = fields.String(required=True)
    type = fields.String(required=True)
    state = fields.String(required=True)
    stage = fields.String(
        required=True,
        validate=validate.OneOf(STAGES),
        metadata={"description": "how far it is; unknown: it may have been taken or not, and will be asked for"},
    )
    attempts = fields.Integer(required=True)
    created = fields.String(required=True, metadata={"format": "date-time"})
    next_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    ended = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    last_error = fields.String(required=True, allow_none=True)


class Deliveries(Schema):
    deliveries = fields.List(fields.Nested(DeliveryShape), required=True)
    next = next_field()


class Try(Schema):
    at = fields.String(required=True, metadata={"format": "date-time"})
    took = fields.Integer(required=True, metadata={"description": "ms"})
    status = fields.Integer(required=True, allow_none=True, metadata={"description": "what was answered, or null"})
    error = fields.String(required=True, allow_none=True, metadata={"description": "what went wrong, or null"})
    request = fields.String(
        required=True, metadata={"description": "what was sent: no signature, nothing after `?`, no key"}
    )
    response = fields.String(required=True, metadata={"description": "the beginning of what was answered"})


class DeliveryDetail(DeliveryShape):
    body = fields.String(
        required=True, allow_none=True, metadata={"description": "its beginning; null until it is made"}
    )
    tries = fields.List(fields.Nested(Try), required=True, metadata={"description": "the last 50, oldest first"})


class ReplayBody(Params):
    endpoint = line(64, "only those to this endpoint", "ep_0123456789abcdef01234567")
    since = _Time("from", "only those made then or later")
    until = _Time("to", "only those made before")
    state = choice(
        "dead", "done", default="dead", help="those given up, or webhooks that were taken (needs `from`)"
    )


class LeftOutShape(Schema):
    count = fields.Integer(required=True)
    why = fields.String(required=True)


class ReplayedAll(Schema):
    replayed = fields.Integer(required=True, metadata={"description": "how many will be sent again"})
    left_out = fields.List(
        fields.Nested(LeftOutShape), required=True, metadata={"description": "how many will not, and why"}
    )


class Replayed(Schema):
    id = fields.String(required=True)
    state = fields.String(required=True)


@RESOURCE.route(
    "GET",
    "/v1/deliveries",
    summary="Deliveries, newest first",
    query=DeliveriesQuery,
    reply=Deliveries,
    example='"$HOST/v1/deliveries?state=dead" -H "Authorization: Bearer $KEY"',
)
def deliveries(call: Read) -> dict[str, Any]:
    """A delivery is one webhook to one endpoint, however often it was tried."""
    query, limit = call.query, call.query["limit"]
    found = outbox.deliveries(
        call.conn, shop=call.shop.id, state=query.get("state"), endpoint=query.get("endpoint"),
        before=query.get("cursor"), limit=limit + 1,
    )  # fmt: skip
    last = found[limit - 1] if len(found) > limit else None
    return {
        "deliveries": [_json(delivery) for delivery in found[:limit]],
        "next": last and cursor(last.created, last.id),
    }


@RESOURCE.route(
    "GET",
    "/v1/deliveries/{delivery}",
    summary="One delivery with every try",
    reply=DeliveryDetail,
    parameters=_ID,
    refusals={404: "The shop has no such delivery."},
    example='"$HOST/v1/deliveries/$DELIVERY" -H "Authorization: Bearer $KEY"',
)
def delivery(call: Read, delivery: str) -> dict[str, Any]:
    """What was sent and what was answered, as far as it helps to find out what went wrong. Kept for thirty days."""
    found = outbox.deliveries(call.conn, shop=call.shop.id, delivery=delivery, limit=1)
    if not found:
        raise not_found(_NONE)
    body = outbox.body(call.conn, delivery)
    tries = outbox.attempts(call.conn, delivery)[-TRIES:]
    return {**_json(found[0]), "body": body and body[: outbox.EXCERPT], "tries": [_try(each) for each in tries]}


@RESOURCE.route(
    "POST",
    "/v1/replays",
    summary="Send many deliveries again",
    body=ReplayBody,
    body_optional=True,
    reply=ReplayedAll,
    status=202,
    refusals={409: "`to` is not after `from`, or those that were taken are asked for without `from`."},
    example='-X POST "$HOST/v1/replays" -H "Authorization: Bearer $KEY" '
    """-H "Content-Type: application/json" -d '{"from": "2026-11-22T10:00:00Z", "to": "2026-11-22T12:00:00Z"}'""",
)
def replay_many(call: Write) -> dict[str, Any]:
    """All that were given up, unless the body says which. `webhook-id` and body stay the same; the schedule begins anew.
    Disabled endpoints are opened again."""
    body = call.body
    since, until, done = body.get("from"), body.get("to"), body["state"] == "done"
    if since is not None and until is not None and until <= since:
        raise conflict({"to": "`to` is not after `from`."})
    if done and since is None:
        raise conflict({"from": "Say from when on; what was taken is not all sent again."})
    wanted = Wanted(call.shop.id, endpoint=body.get("endpoint"), since=since, until=until, done=done)
    again = deliver.replay_all(call.writing, int(time.time() * 1000), wanted)
    return {"replayed": again.count, "left_out": [asdict(each) for each in again.left_out]}


@RESOURCE.route(
    "POST",
    "/v1/deliveries/{delivery}/replay",
    summary="Send a delivery again",
    reply=Replayed,
    status=202,
    parameters=_ID,
    refusals={
        404: "The shop has no such delivery.",
        409: "It still waits, was cancelled, or is a coupon or points that may not be sent twice; the message says which.",
    },
    example='-X POST "$HOST/v1/deliveries/$DELIVERY/replay" -H "Authorization: Bearer $KEY"',
)
def replay(call: Write, delivery: str) -> dict[str, Any]:
    """Its `webhook-id` and body stay the same; the schedule begins anew. A disabled endpoint is opened again."""
    with call.writing() as conn:
        if not deliver.replay(conn, int(time.time() * 1000), Wanted(call.shop.id, delivery)):
            raise _can_t_be_sent_again(conn, call.shop.id, delivery)
    return {"id": delivery, "state": "due"}


def _can_t_be_sent_again(conn: Connection, shop: str, delivery: str) -> Problem:
    found = outbox.deliveries(conn, shop=shop, delivery=delivery, limit=1)
    return conflict({"delivery": deliver.why_not(conn, found[0])}) if found else not_found(_NONE)


def _json(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "endpoint": delivery.endpoint,
        "type": delivery.type,
        "state": delivery.state,
        "stage": delivery.stage,
        "attempts": delivery.attempts,
        "created": format_time(delivery.created),
        "next_at": _time(delivery.next_at),
        "ended": _time(delivery.ended),
        "last_error": delivery.last_error,
    }


def _try(one: Attempt) -> dict[str, Any]:
    return {
        "at": format_time(one.at),
        "took": one.took,
        "status": one.status,
        "error": one.error,
        "request": one.request,
        "response": one.excerpt,
    }


def _time(ms: int | None) -> str | None:
    return None if ms is None else format_time(ms)
