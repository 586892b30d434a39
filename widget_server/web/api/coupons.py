"""Coupons that were promised, one by one, and what became of them."""

from typing import Any

from marshmallow import Schema, fields, validate

from widget_server.act.loyalty import coupon_json
from widget_server.contract.coupons import STATES
from widget_server.record import coupons as record
from widget_server.web.params import Params, Position, choice, cursor, line, page_size
from widget_server.web.resource import Read, Resource
from widget_server.web.shapes import next_field

from .points import CouponOut

RESOURCE = Resource("coupons", "Coupons that rules and redemptions made, and what became of them.", place=44)


class CouponsQuery(Params):
    customer = line(191, "only those of this customer", "4711")
    state = choice(*STATES, help="planned (the platform was not told yet), sending, done, unknown, failed or cancelled")
    cursor = Position()
    limit = page_size(50, 200)


class Coupons(Schema):
    coupons = fields.List(fields.Nested(CouponOut), required=True, validate=validate.Length(max=200))
    next = next_field()


@RESOURCE.route(
    "GET",
    "/v1/coupons",
    summary="Coupons, newest first",
    query=CouponsQuery,
    reply=Coupons,
    example='"$HOST/v1/coupons?state=done" -H "Authorization: Bearer $KEY"',
)
def coupons(call: Read) -> dict[str, Any]:
    """A coupon that a rule grants can be used from `available_at` on: when the return window of its order has ended."""
    query, limit = call.query, call.query["limit"]
    found = record.newest(
        call.conn, call.shop.id, customer=query.get("customer"), state=query.get("state"),
        before=query.get("cursor"), limit=limit + 1,
    )  # fmt: skip
    last = found[limit - 1] if len(found) > limit else None
    return {
        "coupons": [coupon_json(coupon) for coupon in found[:limit]],
        "next": last and cursor(last.created, last.id),
    }
