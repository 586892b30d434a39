"""What moves points and coupons: settling what rules owe, redemption, a person's correction, expiry, and what became of a
coupon outside. Each in one transaction, under the lock of the shop, messages included.

Redemption: the points go and the coupon comes in the same transaction, under an id that the caller chose. The lock makes
it one at a time for a shop, so of many at once as many win as the balance pays for; a repeated id changes nothing and
finds what was made the first time. A coupon that failed for good gives its points back, exactly once, and is over.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from widget_server.contract import points as points_of
from widget_server.contract.coupons import Coupon, CouponDue, CouponTerms, State, worth
from widget_server.contract.order import ERASED, tombstone
from widget_server.contract.points import ADJUST, EXPIRY, REDEEM, Due, Entry
from widget_server.contract.times import DAY, format_time
from widget_server.record import coupons, ledger, shops
from widget_server.record import loyalty as settings
from widget_server.record.db import Database, lock_shops

from . import grants, notices
from .crash import crash_point

_PAGE = 200
_SAID = {
    "planned": "coupon.created", "done": "coupon.issued", "failed": "coupon.failed", "cancelled": "coupon.cancelled",
}  # fmt: skip


class NotEnough(Exception):
    """The balance does not pay for it. `approved` is what there is."""

    def __init__(self, approved: int) -> None:
        super().__init__(f"The customer has {approved} points to spend.")
        self.approved = approved


class OtherRequest(Exception):
    """The id belongs to another redemption or correction."""


class Erased(Exception):
    """There is no such customer any more."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling has changed."""

    entries: Sequence[Entry] = ()
    coupons: Sequence[Coupon] = ()


@dataclass(frozen=True, slots=True)
class Redemption:
    """Points for a coupon. `returned` is the line that gave the points back, when the coupon could not be made."""

    entry: Entry
    coupon: Coupon
    returned: Entry | None = None


def settle(
    conn: Connection,
    shop: str,
    dues: Sequence[Due],
    coupon_dues: Sequence[CouponDue],
    now: int,
    zone: str = "UTC",
) -> Settled:
    """Bring ledger and coupons to what is owed, and queue what has to be told. The shop is locked already."""
    entries = ledger.settle(conn, shop, dues, now, zone)
    crash_point("points settled, coupons not")
    changed = coupons.grant(conn, shop, coupon_dues, now, zone)
    crash_point("coupons granted, not told")
    _tell_points(conn, shop, entries, now)
    _tell_coupons(conn, shop, changed, now)
    crash_point("points and coupons told")
    return Settled(entries, changed)


def redeem(
    conn: Connection,
    shop: str,
    customer: str,
    request: str,
    points: int,
    terms: CouponTerms,
    now: int,
    reward: str | None = None,
) -> Redemption:
    """`points` of `customer` for a coupon, once for each `request`.

    Raises NotEnough, OtherRequest when the id was used for something else, Erased.
    """
    lock_shops(conn, [shop])
    source = f"redeem:{request}"
    why = {"coupon": asdict(terms), **({} if reward is None else {"reward": reward})}
    known = ledger.of_source(conn, shop, REDEEM, source)
    if known:
        first = known[0]
        if (first.customer, first.points, dict(first.why)) != (customer, -points, why):
            raise OtherRequest
        coupon = coupons.of_source(conn, shop, REDEEM, source)
        assert coupon is not None
        return Redemption(first, coupon, known[1] if len(known) > 1 else None)
    if customer.startswith(ERASED):
        raise Erased
    _expire(conn, shop, [customer], now)
    approved = ledger.balance(conn, shop, customer, now).approved
    if approved < points:
        raise NotEnough(approved)
    line = Entry(customer, REDEEM, 0, source, 0, "redeem", -points, now, now, why=why)
    (entry,) = ledger.add(conn, shop, [line])
    crash_point("points redeemed, no coupon yet")
    owed = CouponDue(REDEEM, 0, source, customer, terms, now, now, why=reward or "")
    (coupon,) = coupons.grant(conn, shop, [owed], now)
    _tell_points(conn, shop, [entry], now)
    _tell_coupons(conn, shop, [coupon], now)
    crash_point("points redeemed for a coupon, not committed")
    return Redemption(entry, coupon)


def paid_for(conn: Connection, shop: str, request: str, reward: str) -> tuple[int, CouponTerms] | None:
    """What `request` paid for this reward, and what for, whatever the shop asks for it by now; None when it paid nothing."""
    lock_shops(conn, [shop])
    known = ledger.of_source(conn, shop, REDEEM, f"redeem:{request}")
    if not known or known[0].why.get("reward") != reward:
        return None
    return -known[0].points, CouponTerms(**known[0].why["coupon"])


def adjust(conn: Connection, shop: str, customer: str, request: str, points: int, reason: str, now: int) -> Entry:
    """A person gives or takes `points`, once for each `request`; below zero too. Raises OtherRequest, Erased."""
    lock_shops(conn, [shop])
    source = f"adjust:{request}"
    known = ledger.of_source(conn, shop, ADJUST, source)
    if known:
        if (known[0].customer, known[0].points, known[0].why.get("reason")) != (customer, points, reason):
            raise OtherRequest
        return known[0]
    if customer.startswith(ERASED):
        raise Erased
    days = settings.of_shop(conn, shop).expire_days
    expires = None if days is None or points < 0 else now + days * DAY
    line = Entry(customer, ADJUST, 0, source, 0, "correction", points, now, now, expires, why={"reason": reason})
    entries = ledger.add(conn, shop, [line])
    _tell_points(conn, shop, entries, now)
    return entries[0]


def coupon_told(
    conn: Connection, shop: str, coupon: str, state: State, now: int, error: str | None = None
) -> Coupon | None:
    """What became of a coupon outside. None when that is nothing new.

    One that failed for good is final; if points were paid for it, they are given back.
    """
    lock_shops(conn, [shop])
    changed = coupons.told(conn, shop, coupon, state, now, error)
    if changed is None:
        return None
    if state == "failed" and changed.rule == REDEEM:
        _give_back(conn, shop, changed, now)
    _tell_coupons(conn, shop, [changed], now)
    return changed


def erase(conn: Connection, shop: str, customer: str) -> None:
    """Forget who `customer` was: a tombstone in every line and coupon, and no number changed. The shop is locked already."""
    known = shops.by_id(conn, shop)
    if known is None or customer.startswith(ERASED):
        return
    name = tombstone(known.customer_key, customer)
    ledger.erase(conn, shop, customer, name)
    coupons.erase(conn, shop, customer, name)


def expire(database: Database, now: int) -> None:
    """Take away what is over, shop by shop and page by page, in short transactions: others want to write."""
    with database.reading() as conn:
        wanted = settings.with_points(conn)
    for shop, since in wanted:
        with database.reading() as conn:
            found = ledger.with_overdue(conn, shop, since, now, "", 1)
        if not found:
            continue
        after = ""
        while True:
            with database.writing() as conn:
                lock_shops(conn, [shop])
                page = ledger.with_overdue(conn, shop, since, now, after, _PAGE)
                _expire(conn, shop, page, now)
                if len(page) < _PAGE:
                    settings.looked(conn, shop, now)
                    break
                after = page[-1]


def _expire(conn: Connection, shop: str, customers: Sequence[str], now: int) -> None:
    lines = ledger.of_customers(conn, shop, customers)
    entries = [
        Entry(customer, EXPIRY, 0, f"expiry:{lot.id}", 0, "expiry", -lot.left, now, now)
        for customer, theirs in lines.items()
        for lot in points_of.overdue(theirs, now)
    ]
    _tell_points(conn, shop, ledger.add(conn, shop, entries), now)


def _give_back(conn: Connection, shop: str, coupon: Coupon, now: int) -> None:
    lines = ledger.of_source(conn, shop, REDEEM, coupon.source)
    if len(lines) != 1:
        return
    days = settings.of_shop(conn, shop).expire_days
    expires = None if days is None else now + days * DAY
    line = Entry(
        lines[0].customer, REDEEM, 0, coupon.source, 1, "return", -lines[0].points, now, now, expires,
        why={"because": "failed"},
    )  # fmt: skip
    _tell_points(conn, shop, ledger.add(conn, shop, [line]), now)


def _tell_points(conn: Connection, shop: str, entries: Sequence[Entry], now: int) -> None:
    if entries:
        grants.all_points(conn, shop, entries, now)
        told = ((entry.id, entry_json(entry)) for entry in entries)
        notices.tell_all(conn, shop, notices.POINTS_CHANGED, told, now)


def _tell_coupons(conn: Connection, shop: str, changed: Sequence[Coupon], now: int) -> None:
    grants.all_coupons(conn, shop, [coupon for coupon in changed if coupon.state == "planned"], now)
    for coupon in changed:
        if coupon.state == "cancelled":
            grants.cancel(conn, shop, coupon, now)
    for state, type_ in _SAID.items():
        news = [coupon for coupon in changed if coupon.state == state]
        if news:
            told = ((f"{coupon.id}:{coupon.round}", coupon_json(coupon)) for coupon in news)
            notices.tell_all(conn, shop, type_, told, now)


def entry_json(entry: Entry) -> dict[str, Any]:
    """A line as the outside sees it."""
    return {
        "id": entry.id,
        "customer": entry.customer,
        "kind": entry.kind,
        "points": entry.points,
        "rule": entry.rule,
        "source": entry.source,
        "at": format_time(entry.at),
        "available_at": format_time(entry.available_at),
        "expires_at": None if entry.expires_at is None else format_time(entry.expires_at),
    }


def coupon_json(coupon: Coupon) -> dict[str, Any]:
    """A coupon as the outside sees it: money and percentages as decimal text."""
    return {
        "id": coupon.id,
        "customer": coupon.customer,
        "code": coupon.code,
        "kind": coupon.terms.kind,
        "amount": worth(coupon.terms),
        "currency": coupon.terms.currency,
        "state": coupon.state,
        "rule": coupon.rule,
        "source": coupon.source,
        "created": format_time(coupon.created),
        "available_at": format_time(coupon.available_at),
        "expires_at": None if coupon.expires_at is None else format_time(coupon.expires_at),
        "error": coupon.error,
    }
