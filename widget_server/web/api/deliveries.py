"""Deliveries: what was sent to the endpoints, what became of it, and sending it again."""

import time
from typing import Any

from marshmallow import Schema, fields

from widget_server.act import deliver
from widget_server.contract.times import format_time
from widget_server.record import outbox
from widget_server.record.outbox import STATES, Delivery
from widget_server.web.errors import not_found
from widget_server.web.params import Params, Position, choice, cursor, line, page_size
from widget_server.web.resource import Read, Resource, Write
from widget_server.web.shapes import next_field

RESOURCE = Resource("deliveries", "What was sent to the endpoints, and what became of it.", place=60)


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
    attempts = fields.Integer(required=True)
    created = fields.String(required=True, metadata={"format": "date-time"})
    next_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    ended = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    last_error = fields.String(required=True, allow_none=True)


class Deliveries(Schema):
    deliveries = fields.List(fields.Nested(DeliveryShape), required=True)
    next = next_field()


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
    "POST",
    "/v1/deliveries/{delivery}/replay",
    summary="Send a delivery again",
    reply=Replayed,
    status=202,
    parameters={
        "delivery": {
            "type": "string",
            "pattern": "^msg_[0-9a-f]{32}$",
            "example": "msg_0123456789abcdef0123456789abcdef",
        }
    },
    refusals={404: "The shop has no such delivery that is done or dead."},
    example='-X POST "$HOST/v1/deliveries/$DELIVERY/replay" -H "Authorization: Bearer $KEY"',
)
def replay(call: Write, delivery: str) -> dict[str, Any]:
    """Its `webhook-id` and body stay the same; the schedule begins anew. A disabled endpoint is opened again."""
    with call.writing() as conn:
        if not deliver.replay(conn, int(time.time() * 1000), shop=call.shop.id, delivery=delivery):
            raise not_found("This shop has no such delivery that is done or dead.")
    return {"id": delivery, "state": "due"}


def _json(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "endpoint": delivery.endpoint,
        "type": delivery.type,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "created": format_time(delivery.created),
        "next_at": _time(delivery.next_at),
        "ended": _time(delivery.ended),
        "last_error": delivery.last_error,
    }


def _time(ms: int | None) -> str | None:
    return None if ms is None else format_time(ms)
