"""Points of customers: balances, every line in words, redemption, and a person's correction."""

import time
from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy import Connection

from widget_server.act import loyalty
from widget_server.contract import coupons as coupons_of
from widget_server.contract import ledger_texts
from widget_server.contract.coupons import COUPON, CouponTerms
from widget_server.contract.fields import Group, Text, Whole, language, uuid
from widget_server.contract.points import KINDS, MOST, Balance, Entry
from widget_server.contract.times import format_time
from widget_server.record import customers, ledger
from widget_server.record import loyalty as settings
from widget_server.web.errors import conflict, invalid, not_found
from widget_server.web.params import Params, Position, cursor, of_kind, page_size
from widget_server.web.resource import Read, Resource, Write
from widget_server.web.shapes import next_field

RESOURCE = Resource("points", "Points of customers: balances, every line in words, and what points buy.", place=42)

# Customers as the platform names them; guests go by `e:` and the hash of their e-mail.
_CUSTOMER = {
    "customer": {
        "type": "string", "pattern": "^[A-Za-z0-9:_@+-][A-Za-z0-9:._@+-]{0,189}[A-Za-z0-9:_@+-]$", "example": "4711",
        "description": "as the platform names the customer",
    }
}  # fmt: skip
_UNKNOWN = "The shop knows no such customer."
_USED = "This id belongs to another request."
_JSON_TYPE = '-H "Authorization: Bearer $KEY" -H "Content-Type: application/json" '
_UUID = "0b7e1c5e-3f5a-4d0e-9a36-5f2d6a7b8c9d"
_WHOLE = Whole(-MOST, MOST)
_REASON = Text(500, lines=True)


class CustomersQuery(Params):
    cursor = Position()
    limit = page_size(50, 200)


class LinesQuery(Params):
    lang = of_kind(language(), "the language of `text`: lv, lt, et, ru or en, which is also that of any other", "lv")
    cursor = Position()
    limit = page_size(50, 200)


class BalanceShape(Schema):
    customer = fields.String(required=True)
    balance = fields.Integer(required=True, metadata={"description": "what can be spent; below zero after a late refund"})
    pending = fields.Integer(required=True, metadata={"description": "what waits for its return window to end"})


class Customers(Schema):
    customers = fields.List(fields.Nested(BalanceShape), required=True, validate=validate.Length(max=200))
    next = next_field()


class LineShape(Schema):
    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    points = fields.Integer(required=True, metadata={"description": "below zero: taken away"})
    text = fields.String(required=True, metadata={"description": "the line in words"})
    rule = fields.String(required=True, metadata={"description": "the rule's id, or redeem, expiry, adjust"})
    rule_version = fields.Integer(required=True)
    source = fields.String(required=True, metadata={"description": "the fact it is about", "example": "order:A-17"})
    at = fields.String(required=True, metadata={"format": "date-time"})
    available_at = fields.String(required=True, metadata={"format": "date-time", "description": "pending before"})
    expires_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


class CustomerPoints(BalanceShape):
    entries = fields.List(fields.Nested(LineShape), required=True, validate=validate.Length(max=200))
    next = next_field()


class CouponOut(Schema):
    id = fields.String(required=True)
    customer = fields.String(required=True)
    code = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["percent", "fixed"]))
    amount = fields.String(required=True, metadata={"description": "percent, or money", "example": "5.00"})
    currency = fields.String(required=True, allow_none=True)
    state = fields.String(
        required=True, validate=validate.OneOf(coupons_of.STATES),
        metadata={"description": "what the platform has of it; unknown: it is asked before anything is sent again"},
    )  # fmt: skip
    rule = fields.String(required=True, metadata={"description": "the rule's id, or redeem"})
    source = fields.String(required=True)
    created = fields.String(required=True, metadata={"format": "date-time"})
    available_at = fields.String(required=True, metadata={"format": "date-time"})
    expires_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    error = fields.String(required=True, allow_none=True)


class RedeemBody(Params):
    id = of_kind(uuid(), "made anew for each redemption; the same one again changes nothing", _UUID)
    reward = of_kind(Text(100), "one of the shop's rewards by name, in place of `points` and `coupon`")
    points = of_kind(Whole(1, MOST), "what the coupon costs", 500)  # type: ignore[arg-type]
    coupon = of_kind(Group(COUPON), "what the coupon is worth")


RedeemBody._declared_fields["id"].required = True


class Redeemed(Schema):
    id = fields.String(required=True)
    customer = fields.String(required=True)
    points = fields.Integer(required=True, metadata={"description": "what was paid"})
    coupon = fields.Nested(CouponOut, required=True)
    returned = fields.Boolean(
        required=True, metadata={"description": "the platform refused the coupon for good, and the points were given back"}
    )


class AdjustBody(Params):
    id = of_kind(uuid(), "made anew for each correction; the same one again changes nothing", _UUID)
    points = of_kind(_WHOLE, "below zero: taken away", -20)  # type: ignore[arg-type]
    reason = of_kind(_REASON, "shown to the customer", "counted twice at the till")


for _name in ("id", "points", "reason"):
    AdjustBody._declared_fields[_name].required = True


class Adjusted(LineShape):
    customer = fields.String(required=True)


@RESOURCE.route(
    "GET",
    "/v1/points",
    summary="Customers with their balances",
    query=CustomersQuery,
    reply=Customers,
    example='"$HOST/v1/points" -H "Authorization: Bearer $KEY"',
)
def points_of_all(call: Read) -> dict[str, Any]:
    """Everybody who ever had points, by name. Guests go by `e:` and a hash of their e-mail, erased customers by
    `erased:` and a hash."""
    query, limit = call.query, call.query["limit"]
    after = query["cursor"][1] if "cursor" in query else ""
    found = ledger.customers(call.conn, call.shop.id, _now(), after, limit + 1)
    return {
        "customers": [_balance_json(customer, balance) for customer, balance in found[:limit]],
        "next": cursor(0, found[limit - 1][0]) if len(found) > limit else None,
    }


@RESOURCE.route(
    "GET",
    "/v1/points/{customer}",
    summary="A customer's points, line by line",
    query=LinesQuery,
    reply=CustomerPoints,
    parameters=_CUSTOMER,
    refusals={404: _UNKNOWN},
    example='"$HOST/v1/points/4711?lang=lv" -H "Authorization: Bearer $KEY"',
)
def points_of_one(call: Read, customer: str) -> dict[str, Any]:
    """Newest first. A line is never changed: what was taken back is a line of its own, and `text` says why."""
    query, limit = call.query, call.query["limit"]
    _known(call.conn, call.shop.id, customer)
    found = ledger.of_customer(call.conn, call.shop.id, customer, query.get("cursor"), limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return {
        **_balance_json(customer, ledger.balance(call.conn, call.shop.id, customer, _now())),
        "entries": [_line_json(entry, query.get("lang")) for entry in found[:limit]],
        "next": last and cursor(last.at, last.id),
    }


@RESOURCE.route(
    "POST",
    "/v1/points/{customer}/redeem",
    summary="Exchange points for a coupon",
    body=RedeemBody,
    reply=Redeemed,
    status=201,
    parameters=_CUSTOMER,
    refusals={404: _UNKNOWN, 409: "The balance does not pay for it, or the id belongs to another request."},
    example='-X POST "$HOST/v1/points/4711/redeem" ' + _JSON_TYPE
    + f"""-d '{{"id": "{_UUID}", "points": 500, "coupon": {{"kind": "fixed", "amount": "5.00", "currency": "EUR", "days": 30}}}}'""",
)
def redeem(call: Write, customer: str) -> dict[str, Any]:
    """The points go and the coupon comes at once, or neither. Only approved points can be spent. Send the same `id` again
    when no reply came: nothing happens twice. A coupon that the platform refuses for good gives its points back."""
    body = call.body
    with call.writing() as conn:
        _known(conn, call.shop.id, customer)
        points, terms = _wanted(conn, call.shop.id, body)
        try:
            made = loyalty.redeem(
                conn, call.shop.id, customer, body["id"].lower(), points, terms, _now(), body.get("reward")
            )
        except loyalty.NotEnough as error:
            raise conflict({"points": f"The customer has {error.approved} points to spend."}) from error
        except loyalty.OtherRequest as error:
            raise conflict({"id": _USED}) from error
        except loyalty.Erased as error:
            raise not_found(_UNKNOWN) from error
    return {
        "id": body["id"].lower(),
        "customer": customer,
        "points": points,
        "coupon": loyalty.coupon_json(made.coupon),
        "returned": made.returned is not None,
    }


@RESOURCE.route(
    "POST",
    "/v1/points/{customer}/adjust",
    summary="Give or take points by hand",
    body=AdjustBody,
    reply=Adjusted,
    status=201,
    parameters=_CUSTOMER,
    refusals={404: _UNKNOWN, 409: "The id belongs to another request."},
    example='-X POST "$HOST/v1/points/4711/adjust" ' + _JSON_TYPE
    + f"""-d '{{"id": "{_UUID}", "points": -20, "reason": "counted twice at the till"}}'""",
)
def adjust(call: Write, customer: str) -> dict[str, Any]:
    """At once and for good, with a reason that the customer can read; a mistake is put right by another one."""
    body = call.body
    if body["points"] == 0:
        raise invalid({"points": f"Give a whole number from -{MOST} to {MOST}, but not 0."})
    with call.writing() as conn:
        _known(conn, call.shop.id, customer)
        try:
            entry = loyalty.adjust(
                conn, call.shop.id, customer, body["id"].lower(), body["points"], body["reason"], _now()
            )
        except loyalty.OtherRequest as error:
            raise conflict({"id": _USED}) from error
        except loyalty.Erased as error:
            raise not_found(_UNKNOWN) from error
    return {**_line_json(entry, None), "customer": customer}


def _wanted(conn: Connection, shop: str, body: Any) -> tuple[int, CouponTerms]:
    """What the coupon costs and is worth: as the shop's reward says, or as the body does."""
    if body.get("reward") is not None:
        twice = {name: "Leave it out beside `reward`." for name in ("points", "coupon") if body.get(name) is not None}
        if twice:
            raise invalid(twice)
        paid = loyalty.paid_for(conn, shop, body["id"].lower(), body["reward"])
        if paid is not None:
            return paid
        reward = settings.of_shop(conn, shop).reward(body["reward"])
        if reward is None:
            raise conflict({"reward": "The shop has no such reward."})
        return reward.points, reward.coupon
    missing = {name: "Required, unless there is a `reward`." for name in ("points", "coupon") if body.get(name) is None}
    if missing:
        raise invalid(missing)
    wrong = coupons_of.errors(body["coupon"])
    if wrong:
        raise invalid({f"coupon.{name}": sentence for name, sentence in wrong.items()})
    return body["points"], coupons_of.terms(body["coupon"])


def _known(conn: Connection, shop: str, customer: str) -> None:
    """A customer with points, or one whom the platform named: points for a name that was misspelt would be nobody's."""
    if not ledger.has_lines(conn, shop, customer) and customer not in customers.load(conn, shop, [customer]):
        raise not_found(_UNKNOWN)


def _balance_json(customer: str, balance: Balance) -> dict[str, Any]:
    return {"customer": customer, "balance": balance.approved, "pending": balance.pending}


def _line_json(entry: Entry, lang: str | None) -> dict[str, Any]:
    return {
        "id": entry.id,
        "kind": entry.kind,
        "points": entry.points,
        "text": ledger_texts.explain(entry, lang),
        "rule": entry.rule,
        "rule_version": entry.rule_version,
        "source": entry.source,
        "at": format_time(entry.at),
        "available_at": format_time(entry.available_at),
        "expires_at": None if entry.expires_at is None else format_time(entry.expires_at),
    }


def _now() -> int:
    return int(time.time() * 1000)
