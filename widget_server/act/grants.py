"""Coupons and points as messages to the shop's platform, queued in the transaction that granted them.

A message goes to one connection: the oldest that takes its kind. A coupon for which there is none stays planned, and is
queued when one comes. A row's key is made from the coupon or the line of the ledger, so nothing is queued twice.
"""

import secrets as random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from sqlalchemy import Connection

from integrations import (
    MESSAGES,
    CancelCoupon,
    Finder,
    GrantPoints,
    Http,
    IssueCoupon,
    Message,
    Notify,
    PermanentError,
    SendMail,
    TemporaryError,
)
from widget_server.contract.coupons import Coupon, worth
from widget_server.contract.points import Entry
from widget_server.contract.times import format_time
from widget_server.record import connections, coupons, holds, ledger, outbox
from widget_server.record.outbox import Claimed, OutboxRow

TYPES: Mapping[str, str] = {
    IssueCoupon.__name__: "coupon.issue",
    CancelCoupon.__name__: "coupon.cancel",
    GrantPoints.__name__: "points.grant",
}
# Where mails wait, until there is something that sends them.
POST = "mail"
# ms after which the outbox may have forgotten what it sent.
REMEMBERED = 29 * 24 * 3600 * 1000
_PAGE = 500


def coupon(conn: Connection, shop: str, granted: Coupon, now: int) -> bool:
    """Have the platform make this coupon once it is available. False when there is no connection that takes it."""
    return all_coupons(conn, shop, [granted], now)


def all_coupons(conn: Connection, shop: str, granted: Sequence[Coupon], now: int) -> bool:
    """The same for each of these, in as many queries as for one."""
    rows = [(f"coupon:{each.id}:{each.round}", _body(_issue(each)), each.available_at) for each in granted]
    return _queue(conn, shop, IssueCoupon.__name__, rows, now)


def points(conn: Connection, shop: str, entry: Entry, now: int) -> bool:
    """Tell the platform of this line of the ledger once it is available. False when nobody is to be told.

    Its body is made when it is first sent, because only then the customer's total is known.
    """
    return all_points(conn, shop, [entry], now)


def all_points(conn: Connection, shop: str, entries: Sequence[Entry], now: int) -> bool:
    """The same for each of these, in as many queries as for one."""
    rows = [(f"points:{entry.id}", None, entry.available_at) for entry in entries]
    return _queue(conn, shop, GrantPoints.__name__, rows, now)


def cancel(conn: Connection, shop: str, granted: Coupon, now: int) -> None:
    """This coupon is owed no longer. What surely reached nobody is not sent any more; else whoever has it, or may have
    it, is told, once all that was said before has come to its end."""
    issue = f"coupon:{granted.id}:{granted.round}"
    if outbox.cancel_unsent(conn, shop, issue, "the coupon is owed no longer", now):
        return
    said = outbox.by_key(conn, shop, issue)
    if said is not None and said.state in ("dead", "cancelled") and not said.unknown:
        return
    told = CancelCoupon(granted.code, granted.customer, format_time(now))
    kind, key = CancelCoupon.__name__, f"cancel:{granted.id}:{granted.round}"
    if said is not None:
        outbox.add(conn, [OutboxRow(shop, key, said.endpoint, TYPES[kind], _body(told), kind)], now)
    elif granted.created < now - REMEMBERED:
        _queue(conn, shop, kind, [(key, _body(told), now)], now)


def resume(conn: Connection, shop: str, connection: str, now: int) -> None:
    """Send there again: what failed there, what came meanwhile, and what waits for whoever takes it."""
    connections.resume(conn, connection)
    outbox.hurry(conn, connection, now)
    waiting(conn, shop, now)


def waiting(conn: Connection, shop: str, now: int) -> int:
    """Queue what was planned while there was no connection; returns how many."""
    if not connections.taking(conn, shop, IssueCoupon.__name__):
        return 0
    queued, after = 0, ""
    while page := coupons.planned(conn, shop, after, _PAGE):
        queued += sum(coupon(conn, shop, each, now) for each in page)
        after = page[-1].id
    return queued


def leave(conn: Connection, shop: str, connection: str, now: int) -> None:
    """This connection was deleted. What surely reached nobody there goes to another one; of the rest nobody can say what
    became of it."""
    reason = "the connection was deleted"
    for key in outbox.withdraw_queued(conn, connection, reason, now):
        _tell_another(conn, shop, key, now)


def moved(conn: Connection, row: Claimed, now: int) -> bool:
    """The connection of this row was deleted before it was begun: send it to another one. False when it may have arrived
    already, so that this is its end."""
    if row.unknown:
        outbox.kill(conn, row, "the connection was deleted", now)
        return False
    if outbox.withdraw(conn, row):
        _tell_another(conn, row.shop, row.key, now)
    return True


def blocked(conn: Connection, row: Claimed) -> bool:
    """Whether something else about the same coupon has to come to its end first."""
    before = _before(row.key)
    said = None if before is None else outbox.by_key(conn, row.shop, before)
    return said is not None and said.state == "due"


def issued_by(row: Claimed) -> str | None:
    """The coupon that this message makes."""
    return row.key.split(":")[1] if row.kind == IssueCoupon.__name__ else None


def not_sent(conn: Connection, row: Claimed, now: int) -> None:
    """An attempt surely did not reach anybody: the coupon is where it was before. The shop is locked already."""
    coupon = issued_by(row)
    if coupon is not None:
        coupons.told(conn, row.shop, coupon, "planned", now)


def body(conn: Connection, row: Claimed, now: int) -> str | None:
    """That of a `GrantPoints`; None when its line is gone."""
    entry = ledger.by_id(conn, row.shop, row.key.partition(":")[2])
    if entry is None:
        return None
    total = ledger.balance(conn, row.shop, entry.customer, max(now, entry.available_at)).approved
    reason = str(entry.why.get("name") or entry.kind)
    return _body(GrantPoints(entry.customer, entry.points, total, reason, format_time(entry.at)))


def message(row: Claimed) -> Message:
    """What the integration gets."""
    if row.kind == Notify.__name__:
        return Notify(row.type, row.body or "")
    found: Message = MESSAGES[row.kind](**orjson.loads(row.body or "{}"))
    return found


def is_grant(row: Claimed) -> bool:
    """Whether doing it twice would be wrong."""
    return row.kind in TYPES


def problems(code: Finder, settings: Mapping[str, str], http: Http) -> list[str]:
    """What is wrong with a platform: it must know us, and say that it has not got what nobody sent."""
    never = CancelCoupon("never-issued", "nobody", format_time(0))
    try:
        found = code.find(never, settings, http, "msg_" + random.token_hex(16))
    except (TemporaryError, PermanentError) as error:
        return [f"{error.reason[0].upper()}{error.reason[1:]}."]
    return [] if found is None else ["It says that it has a message that was never sent."]


def mails(conn: Connection, shop: str, told: Iterable[tuple[str, Mapping[str, Any]]], now: int) -> None:
    """Keep mails until there is something that sends them. Each comes with a key that names its cause."""
    rows = [
        OutboxRow(shop, f"mail:{key}", POST, "mail", orjson.dumps(dict(data)).decode(), SendMail.__name__)
        for key, data in told
    ]
    if not rows:
        return
    if POST not in holds.at(conn, now).shut:
        holds.pause(conn, POST)
    outbox.add(conn, rows, now)


def _issue(granted: Coupon) -> IssueCoupon:
    return IssueCoupon(
        granted.code, granted.terms.kind, worth(granted.terms), granted.terms.currency,
        None if granted.expires_at is None else format_time(granted.expires_at),
        granted.customer, granted.why, format_time(granted.created),
    )  # fmt: skip


def _queue(
    conn: Connection, shop: str, kind: str, rows: Sequence[tuple[str, str | None, int]], now: int
) -> bool:
    """Key, body and time of each."""
    taking = connections.taking(conn, shop, kind) if rows else []
    if taking:
        to, type_ = taking[0].id, TYPES[kind]
        outbox.add(conn, [OutboxRow(shop, key, to, type_, body, kind, at) for key, body, at in rows], now)
    return bool(taking)


def _tell_another(conn: Connection, shop: str, key: str, now: int) -> None:
    cause, _, name = key.partition(":")
    if cause == "coupon":
        coupons.told(conn, shop, name.partition(":")[0], "planned", now)
        granted = coupons.by_id(conn, shop, name.partition(":")[0])
        if granted is not None and granted.state == "planned":
            coupon(conn, shop, granted, now)
    elif cause == "points":
        entry = ledger.by_id(conn, shop, name)
        if entry is not None:
            points(conn, shop, entry, now)


def _before(key: str) -> str | None:
    """The key of what has to be over before this is sent: a coupon is made before it is cancelled, and cancelled before
    it is made anew."""
    cause, _, name = key.partition(":")
    if cause == "cancel":
        return f"coupon:{name}"
    if cause == "coupon":
        coupon_id, _, round_ = name.partition(":")
        return f"cancel:{coupon_id}:{int(round_) - 1}" if int(round_) else None
    return None


def _body(told: IssueCoupon | GrantPoints | CancelCoupon) -> str:
    return orjson.dumps(asdict(told)).decode()
