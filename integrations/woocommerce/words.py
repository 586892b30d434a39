"""What WooCommerce's bodies say, in our words. Pure.

A body is the state at the moment of delivery, whatever its topic says, so the topic decides nothing but which kind of
thing the body is. Times without an offset are read from the `_gmt` fields only; money is a decimal string (line prices
are floats, rounded to four places); guests have `customer_id` 0.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from integrations import NotUnderstood, PlatformEvent

MOST_LINES = 500

# Ours by theirs. What shops have invented themselves stays as it is.
_STATUSES = {
    "auto-draft": "pending", "checkout-draft": "pending", "pending": "pending",
    "on-hold": "placed", "processing": "placed",
    "completed": "completed", "refunded": "refunded", "failed": "failed", "cancelled": "cancelled", "trash": "cancelled",
}  # fmt: skip
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_TIME = re.compile(r"(19[7-9]\d|20\d\d)-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}", re.ASCII)
_BIRTHDAY = re.compile(r"((19|20)\d\d-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
# Where plugins for several languages keep an order's: the REST field of Polylang, then order meta.
_LANGUAGE_META = ("_atbalss_language", "wpml_language", "trp_language", "_language")


def parse(body: bytes) -> dict[str, Any]:
    """The object in a body. Raises NotUnderstood."""
    try:
        found = json.loads(body.decode("utf-8"), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise NotUnderstood(f"the body is no JSON: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise NotUnderstood("the body is no JSON object")
    return found


def order(raw: Mapping[str, Any], heard: str) -> PlatformEvent:
    """An order as it is. `heard` stands in for a time that it does not name."""
    if not isinstance(raw.get("status"), str) or not isinstance(raw.get("line_items"), list):
        raise NotUnderstood("the body is no order: it has no status or no line_items")
    status = _status(raw["status"])
    changed = _time(raw, "date_modified_gmt") or _time(raw, "date_created_gmt") or heard
    refunded = sum((-amount for each in _objects(raw, "refunds") if (amount := _decimal(each.get("total")))), Decimal())
    lines = [line for item in _objects(raw, "line_items") if (line := _line(item))]
    about = _given(
        ref=_id(raw),
        status=status,
        customer=_customer(raw.get("customer_id")),
        email=_email(raw.get("billing")),
        language=_language(raw),
        placed_at=_time(raw, "date_created_gmt"),
        completed_at=_time(raw, "date_completed_gmt") if status == "completed" else None,
        updated_at=changed,
        currency=_matching(_CURRENCY, raw.get("currency")),
        total=_money(_decimal(raw.get("total"))),
        refunded=_money(max(refunded, Decimal())),
        partial=True if len(lines) > MOST_LINES else None,
        lines=lines[:MOST_LINES],
    )
    return PlatformEvent(_type(about, refunded), changed, about)


def order_gone(raw: Mapping[str, Any], heard: str) -> PlatformEvent:
    """An order that was put into the bin or deleted. All that WooCommerce tells is its id."""
    about = {"ref": _only_id(raw), "status": "cancelled", "updated_at": heard}
    return PlatformEvent("order.updated", heard, about)


def customer(raw: Mapping[str, Any], heard: str, birthday_field: str = "") -> PlatformEvent:
    """A customer as they are; `birthday_field` is the key of the meta field that holds the birthday, if any does."""
    if not isinstance(raw.get("role"), str):
        raise NotUnderstood("the body is no customer: it has no role")
    changed = _time(raw, "date_modified_gmt") or _time(raw, "date_created_gmt") or heard
    role = _matching(_SLUG, raw["role"].lower().replace(" ", "-"))
    about = _given(
        ref=_id(raw),
        email=_email(raw) or _email(raw.get("billing")),
        language=_language(raw),
        birthday=_matching(_BIRTHDAY, _meta(raw, (birthday_field,))) if birthday_field else None,
        segments=[role] if role and role != "customer" else [],
        updated_at=changed,
    )
    return PlatformEvent("customer.updated", changed, about)


def customer_gone(raw: Mapping[str, Any], heard: str) -> PlatformEvent:
    """A customer whose account was deleted: whatever is known of them goes."""
    return PlatformEvent("customer.erased", heard, {"ref": _only_id(raw)})


def utc(ms: int) -> str:
    """Milliseconds since 1970 as ISO 8601."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def _type(about: Mapping[str, Any], refunded: Decimal) -> str:
    if about.get("status") == "refunded" or refunded > 0:
        return "order.refunded"
    if about.get("status") == "completed":
        return "order.completed"
    return "order.placed" if about["updated_at"] == about.get("placed_at") else "order.updated"


def _status(raw: str) -> str | None:
    plain = raw.lower().removeprefix("wc-")
    return _STATUSES.get(plain) or _matching(_SLUG, plain)


def _line(item: Mapping[str, Any]) -> dict[str, Any] | None:
    number = item.get("product_id")
    known = str(number) if type(number) is int and number > 0 else ""
    name = _text(item.get("name"), 500)
    # A product that was deleted since has neither; its name is what is left.
    product = _text(item.get("sku"), 191) or known or _text(name, 191)
    line = item.get("id")
    if not product or type(line) is not int:
        return None
    quantity = item.get("quantity")
    price = _decimal(item.get("price"))
    return _given(
        line=str(line),
        product=product,
        name=name,
        quantity=quantity if type(quantity) is int and 0 <= quantity <= 1_000_000 else None,
        price=_money(price) if price is not None and price >= 0 else None,
    )


def _id(raw: Mapping[str, Any]) -> str:
    number = raw.get("id")
    if type(number) is not int or not 0 < number < 10**18:
        raise NotUnderstood("the body has no id")
    return str(number)


def _only_id(raw: Mapping[str, Any]) -> str:
    """The topic is not signed, the body is: what says more than an id was never sent as a deletion."""
    if set(raw) != {"id"}:
        raise NotUnderstood("a deletion names an id and nothing else")
    return _id(raw)


def _customer(number: Any) -> str | None:
    return str(number) if type(number) is int and 0 < number < 10**18 else None


def _email(holder: Any) -> str | None:
    given = holder.get("email") if isinstance(holder, dict) else None
    found = _matching(_EMAIL, given.strip().lower()) if isinstance(given, str) else None
    return found if found and len(found) <= 254 else None


def _language(raw: Mapping[str, Any]) -> str | None:
    given = raw.get("lang") or _meta(raw, _LANGUAGE_META)
    return _matching(_LANGUAGE, given.replace("_", "-")) if isinstance(given, str) else None


def _meta(raw: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    held = {each.get("key"): each.get("value") for each in _objects(raw, "meta_data") if isinstance(each.get("key"), str)}
    return next((held[key] for key in keys if held.get(key)), None)


def _objects(raw: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = raw.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _time(raw: Mapping[str, Any], name: str) -> str | None:
    found = _matching(_TIME, raw.get(name))
    return f"{found}Z" if found else None


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < 10**12 else None


def _money(amount: Decimal | None) -> str | None:
    """At most four places, at least two: prices of lines are sums divided by a quantity."""
    if amount is None:
        return None
    text = f"{amount.quantize(Decimal('0.0001')):f}"
    whole, _, places = text.partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


def _matching(pattern: re.Pattern[str], value: Any) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _text(value: Any, most: int) -> str:
    return _CONTROL.sub(" ", value).strip()[:most].strip() if isinstance(value, str) else ""


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")
