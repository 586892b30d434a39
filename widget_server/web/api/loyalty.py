"""What the shop has set about points: return window, expiry, rewards."""

from typing import Any

from marshmallow import Schema, fields, validate

from widget_server.contract import coupons as coupons_of
from widget_server.contract.coupons import COUPON
from widget_server.contract.fields import Fields, Group, Many, Text, Whole
from widget_server.contract.loyalty import (
    MOST_EXPIRE_DAYS,
    MOST_RETURN_DAYS,
    MOST_REWARDS,
    RETURN_DAYS,
    Loyalty,
    Reward,
)
from widget_server.contract.points import MOST
from widget_server.record import loyalty as record
from widget_server.record.db import lock_shops
from widget_server.web.errors import invalid
from widget_server.web.params import Params, of_kind
from widget_server.web.resource import Read, Resource, Write

RESOURCE = Resource("loyalty", "How long points are pending, when they are over, and what they buy.", place=43)

_REWARD = Fields(
    "RewardBody",
    {"name": Text(100), "points": Whole(1, MOST), "coupon": Group(COUPON)},
    frozenset({"name", "points", "coupon"}),
)
_REWARDS = [{"name": "5 euros off", "points": 500, "coupon": {"kind": "fixed", "amount": "5.00", "currency": "EUR", "days": 30}}]


class LoyaltyBody(Params):
    return_days = of_kind(
        Whole(0, MOST_RETURN_DAYS), f"how many days points are pending; {RETURN_DAYS} when left out", 14  # type: ignore[arg-type]
    )
    expire_days = Whole(1, MOST_EXPIRE_DAYS).field(required=False)
    rewards = Many(Group(_REWARD), MOST_REWARDS).field(required=False)


LoyaltyBody._declared_fields["expire_days"].metadata = {
    "description": "for how many days after that they can be spent; null or left out: for ever", "example": 730,
}  # fmt: skip
LoyaltyBody._declared_fields["rewards"].metadata = {"description": "what points buy", "example": _REWARDS}


class CouponTermsOut(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(["percent", "fixed"]))
    amount = fields.String(required=True)
    currency = fields.String(required=True, allow_none=True)
    days = fields.Integer(required=True, allow_none=True, metadata={"description": "how long it can be used"})


class RewardOut(Schema):
    name = fields.String(required=True)
    points = fields.Integer(required=True)
    coupon = fields.Nested(CouponTermsOut, required=True)


class LoyaltySettings(Schema):
    return_days = fields.Integer(required=True)
    expire_days = fields.Integer(required=True, allow_none=True)
    rewards = fields.List(fields.Nested(RewardOut), required=True)


@RESOURCE.route(
    "GET",
    "/v1/loyalty",
    summary="What the shop has set about points",
    reply=LoyaltySettings,
    example='"$HOST/v1/loyalty" -H "Authorization: Bearer $KEY"',
)
def show_loyalty(call: Read) -> dict[str, Any]:
    """Until something is set, points are pending for 14 days and never over."""
    return _json(record.of_shop(call.conn, call.shop.id))


@RESOURCE.route(
    "PUT",
    "/v1/loyalty",
    summary="Set what holds for points",
    body=LoyaltyBody,
    reply=LoyaltySettings,
    example='-X PUT "$HOST/v1/loyalty" -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" '
    """-d '{"return_days": 14, "expire_days": 730, "rewards": [{"name": "5 euros off", "points": 500, """
    """"coupon": {"kind": "fixed", "amount": "5.00", "currency": "EUR", "days": 30}}]}'""",
)
def put_loyalty(call: Write) -> dict[str, Any]:
    """In place of all that was set before, and for points that are given from now on; those that were given keep the dates
    they were given with."""
    made = _read(call.body)
    with call.writing() as conn:
        lock_shops(conn, [call.shop.id])
        record.replace(conn, call.shop.id, made)
    return _json(made)


def _read(body: Any) -> Loyalty:
    given = body.get("rewards") or []
    wrong = {
        f"rewards.{place}.coupon.{name}": sentence
        for place, reward in enumerate(given)
        for name, sentence in coupons_of.errors(reward["coupon"]).items()
    }
    names = [reward["name"] for reward in given]
    wrong |= {
        f"rewards.{place}.name": "Another reward has this name."
        for place, name in enumerate(names)
        if name in names[:place]
    }
    if wrong:
        raise invalid(wrong)
    rewards = tuple(Reward(each["name"], each["points"], coupons_of.terms(each["coupon"])) for each in given)
    return Loyalty(body.get("return_days", RETURN_DAYS), body.get("expire_days"), rewards)


def _json(settings: Loyalty) -> dict[str, Any]:
    return {
        "return_days": settings.return_days,
        "expire_days": settings.expire_days,
        "rewards": [
            {"name": each.name, "points": each.points, "coupon": coupons_of.terms_json(each.coupon)}
            for each in settings.rewards
        ],
    }
