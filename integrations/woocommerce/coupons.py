"""Coupons in WooCommerce. Its codes are unique, in lower case, and ours are made from what the coupon is for: a coupon that
is there already is the one that was wanted."""

from decimal import Decimal, InvalidOperation
from typing import Any

from integrations import CancelCoupon, IssueCoupon, PermanentError, Receipt, TemporaryError
from integrations.woocommerce.rest import Rest

_TYPES = {"percent": "percent", "fixed": "fixed_cart"}
_TAKEN = "woocommerce_rest_coupon_code_already_exists"
_GONE = "woocommerce_rest_shop_coupon_invalid_id"


def issue(rest: Rest, coupon: IssueCoupon) -> Receipt:
    """Make it; when its code is taken, by it itself, that is as good."""
    if coupon.kind == "fixed":
        _check_currency(rest, coupon)
    try:
        response, _ = rest.call("POST", "coupons", body=_body(coupon))
    except PermanentError as error:
        if _TAKEN not in error.excerpt and _TAKEN not in error.reason:
            raise
        there = find(rest, coupon)
        if there is None:
            # In the bin, for instance: nobody can use it, and nobody can make it.
            raise PermanentError("the shop has a coupon with this code that can't be used", status=error.status) from error
        return there
    return Receipt(response.status, response.excerpt())


def find(rest: Rest, coupon: IssueCoupon) -> Receipt | None:
    """The coupon with this code, as long as it is what was wanted."""
    for held in _held(rest, coupon.code):
        if held.get("discount_type") != _TYPES[coupon.kind] or _number(held.get("amount")) != _number(coupon.amount):
            raise PermanentError("the shop has another coupon with this code")
        return Receipt(200, f"coupon {held.get('id')}")
    return None


def cancel(rest: Rest, coupon: CancelCoupon) -> Receipt:
    """Delete it for good, whoever did so before."""
    for held in _held(rest, coupon.code):
        try:
            rest.call("DELETE", f"coupons/{held.get('id')}", {"force": "true"})
        except TemporaryError as error:
            if error.status != 404 or _GONE not in error.excerpt:
                raise
    return Receipt(200, "no coupon with this code")


def cancelled(rest: Rest, coupon: CancelCoupon) -> Receipt | None:
    """Whether there is none with this code."""
    return None if _held(rest, coupon.code) else Receipt(200, "no coupon with this code")


def _held(rest: Rest, code: str) -> list[dict[str, Any]]:
    found = rest.get("coupons", code=code)
    return [each for each in found if isinstance(each, dict) and str(each.get("code")).lower() == code.lower()]


def _check_currency(rest: Rest, coupon: IssueCoupon) -> None:
    """A fixed amount is of the shop's own currency, whatever we say."""
    _, current = rest.call("GET", "data/currencies/current")
    held = current.get("code") if isinstance(current, dict) else None
    if held != coupon.currency:
        raise PermanentError(f"the shop's currency is {held}, the coupon's {coupon.currency}")


def _body(coupon: IssueCoupon) -> dict[str, Any]:
    """Usable once. Not bound to an address, because we hold none."""
    body: dict[str, Any] = {
        "code": coupon.code,
        "discount_type": _TYPES[coupon.kind],
        "amount": coupon.amount,
        "individual_use": True,
        "usage_limit": 1,
        "description": coupon.reason[:200],
    }
    if coupon.expires is not None:
        body["date_expires_gmt"] = coupon.expires[:19]
    return body


def _number(amount: Any) -> Decimal | None:
    try:
        return Decimal(str(amount))
    except InvalidOperation:
        return None
