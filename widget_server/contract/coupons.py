"""Coupons: what they are worth and what their codes look like. Pure.

A code is made from the row that it belongs to, so whoever makes it again makes the same: a platform that is asked twice
for one coupon has one.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from . import money as money_of
from .fields import REQUIRED, Fields, Whole, currency, money, one_of
from .points import Caps

MOST_AMOUNT = 2**53 - 1
MOST_DAYS = 3650

# What people confuse (0 and o, 1 and l) is left out, so 32 characters of 36 remain: 5 bits each.
ALPHABET = "23456789abcdefghijkmnpqrstuvwxyz"
LENGTH = 20  # 100 bits

STATES = ("planned", "sending", "done", "unknown", "failed", "cancelled")
State = Literal["planned", "sending", "done", "unknown", "failed", "cancelled"]
CouponKind = Literal["percent", "fixed"]


COUPON = Fields(
    "CouponTerms",
    {
        "kind": one_of("percent", "fixed"),
        "amount": money(),
        "currency": currency(),
        "days": Whole(1, MOST_DAYS),
    },
    frozenset({"kind", "amount"}),
)
"""What a coupon is worth, as people write it: `{"kind": "fixed", "amount": "5.00", "currency": "EUR", "days": 30}`."""

_PERCENT = "Give a percentage as text from 0.01 to 100.00."
_NO_CURRENCY = "Leave it out: a percentage has no currency."


@dataclass(frozen=True, slots=True)
class CouponTerms:
    """What a coupon is worth: `amount` in basis points (1000 is 10 %) or in minor units of `currency`.

    It can be used for `days` after it is made; for ever, when that is None.
    """

    kind: CouponKind
    amount: int
    currency: str | None = None
    days: int | None = None

    def __post_init__(self) -> None:
        most = 10_000 if self.kind == "percent" else MOST_AMOUNT
        if type(self.amount) is not int or not 0 < self.amount <= most:
            raise ValueError(f"a {self.kind} coupon is worth a whole number from 1 to {most}, not {self.amount!r}")
        if (self.kind == "fixed") != (self.currency is not None):
            raise ValueError("a fixed coupon has a currency, and no other has")
        if self.days is not None and not 1 <= self.days <= MOST_DAYS:
            raise ValueError(f"a coupon is good for 1 to {MOST_DAYS} days, not {self.days}")


@dataclass(frozen=True, slots=True)
class CouponDue:
    """The coupon that `rule` owes for `source`. None as `terms`: none is owed, or no longer.

    `caps` count coupons. `available_at` is when it may be made known: after the return window.
    """

    rule: str
    version: int
    source: str
    customer: str
    terms: CouponTerms | None
    available_at: int
    at: int
    caps: Caps | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon. `round` counts how often it was planned: a cancelled one that is owed again is planned anew."""

    id: str
    shop: str
    customer: str
    rule: str
    source: str
    code: str
    terms: CouponTerms
    available_at: int
    expires_at: int | None
    state: State
    created: int
    why: str = ""
    round: int = 0
    error: str | None = None
    changed: int = 0


def errors(given: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with terms that `COUPON` takes, by field; empty when `terms` can be made of them."""
    unit = given.get("currency")
    if given["kind"] == "percent":
        if unit is not None:
            return {"currency": _NO_CURRENCY}
        share = Decimal(given["amount"]) * 100
        fine = share == share.to_integral_value() and 1 <= share <= 10_000
        return {} if fine else {"amount": _PERCENT}
    if unit is None:
        return {"currency": REQUIRED}
    amount = money_of.minor(given["amount"], unit)
    exact = Decimal(money_of.decimal(amount, unit)) == Decimal(given["amount"])
    if not exact or not 0 < amount <= MOST_AMOUNT:
        return {"amount": f"Give an amount above 0 with at most {money_of.exponent(unit)} decimals."}
    return {}


def terms(given: Mapping[str, Any]) -> CouponTerms:
    """The terms that have no `errors`."""
    unit = given.get("currency")
    percent = given["kind"] == "percent"
    amount = int(Decimal(given["amount"]) * 100) if percent else money_of.minor(given["amount"], unit)
    return CouponTerms(given["kind"], amount, unit, given.get("days"))


def worth(terms: CouponTerms) -> str:
    """What a coupon is worth, as a decimal number: `12.5` of a hundred, `5.00` of its currency."""
    if terms.kind == "fixed":
        return money_of.decimal(terms.amount, terms.currency)
    whole, part = divmod(terms.amount, 100)
    return f"{whole}.{part:02}".rstrip("0").rstrip(".")


def terms_json(terms: CouponTerms) -> dict[str, Any]:
    """Terms as `COUPON` takes them."""
    return {"kind": terms.kind, "amount": worth(terms), "currency": terms.currency, "days": terms.days}


def code_of(key: str, row: str) -> str:
    """The code of the coupon `row`, always the same under one key, and not to be guessed without it."""
    digest = int.from_bytes(hmac.digest(key.encode(), row.encode(), "sha256"), "big")
    return "".join(ALPHABET[digest >> (5 * place) & 31] for place in range(LENGTH))
