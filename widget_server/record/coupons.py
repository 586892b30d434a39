"""Coupons that were promised, and what became of them. Owner of the table `coupons`.

UNIQUE by (shop, rule, source), so that no fact gives two. What the outside is told about a coupon is a message; its
outcome comes back here.
"""

import hmac
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    tuple_,
    update,
)

from widget_server.contract.coupons import Coupon, CouponDue, CouponKind, CouponTerms, State, code_of
from widget_server.contract.order import ERASED
from widget_server.contract.points import Caps, unnamed
from widget_server.contract.times import DAY, local_day

from .db import Key, among, metadata, sealer
from .taking import Taken

_coupons = Table(
    "coupons",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", Key, nullable=False),
    Column("customer", Key, nullable=False),
    Column("rule", Key, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("source", Key, nullable=False),
    Column("code", Key, nullable=False),
    Column("kind", Key, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text),
    Column("days", Integer),
    Column("available_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("state", Key, nullable=False),
    Column("round", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("day", Key, nullable=False),
    Column("why", Text, nullable=False),
    Column("error", Text),
    UniqueConstraint("shop", "source", "rule", name="coupons_once"),
    UniqueConstraint("shop", "code", name="coupons_code"),
    Index("coupons_newest", "shop", "created", "id"),
    Index("coupons_customer", "shop", "customer", "created", "id"),
    Index("coupons_rule", "shop", "rule", "state"),
)
taken = Taken(
    _coupons, ("created", "id"),
    ("id", "customer", "code", "kind", "amount", "currency", "state", "created", "available_at", "expires_at", "days", "changed",
     "rule", "rule_version", "source", "why", "error"),
    left=("round", "day"),
)  # fmt: skip
_c = _coupons.c


def grant(conn: Connection, shop: str, dues: Iterable[CouponDue], now: int, zone: str = "UTC") -> list[Coupon]:
    """Make what is owed and missing, cancel what is owed no longer, plan anew what is owed again; returns what changed.

    No query when nothing is due, else the same few however many are.
    """
    wanted = {(due.rule, due.source): due for due in dues}
    if not wanted:
        return []
    sources = among(conn, _c.source, sorted({source for _, source in wanted}))
    rows = conn.execute(select(_coupons).where(_c.shop == shop, sources))
    present = {(row.rule, row.source): row for row in rows if (row.rule, row.source) in wanted}
    over = [
        replace(_coupon(row), state="cancelled", changed=now)
        for name, row in present.items()
        if wanted[name].terms is None and row.state not in ("cancelled", "failed")
    ]
    _write(conn, over)
    missing = [
        due
        for name, due in wanted.items()
        if due.terms is not None
        and not due.customer.startswith(ERASED)
        and (name not in present or present[name].state == "cancelled")
    ]
    _change_customers(conn, [(present[name], due) for name, due in wanted.items() if name in present])
    allowed = _allowed(conn, shop, missing, zone)
    new = [_new(conn, shop, due, now) for due in allowed if (due.rule, due.source) not in present]
    again = [_again(present[due.rule, due.source], due, now) for due in allowed if (due.rule, due.source) in present]
    _write(conn, again)
    if new:
        days = {(due.rule, due.source): local_day(due.at, zone) for due in allowed}
        versions = {(due.rule, due.source): due.version for due in allowed}
        conn.execute(
            insert(_coupons),
            [
                _row(coupon)
                | {"day": days[coupon.rule, coupon.source], "rule_version": versions[coupon.rule, coupon.source]}
                for coupon in new
            ],
        )
    return [*over, *again, *new]


def told(
    conn: Connection, shop: str, coupon: str, state: State, now: int, error: str | None = None
) -> Coupon | None:
    """What became of a coupon outside. None when nothing changed, as after it failed for good or was cancelled."""
    final = _c.state.in_(("failed", "cancelled"))
    row = conn.execute(
        update(_coupons)
        .where(_c.shop == shop, _c.id == coupon, ~final, _c.state != state)
        .values(state=state, changed=now, error=error)
        .returning(_coupons)
    ).first()
    return None if row is None else _coupon(row)


def by_id(conn: Connection, shop: str, coupon: str) -> Coupon | None:
    row = conn.execute(select(_coupons).where(_c.shop == shop, _c.id == coupon)).first()
    return None if row is None else _coupon(row)


def of_source(conn: Connection, shop: str, rule: str, source: str) -> Coupon | None:
    """The coupon that `rule` gave for `source`."""
    row = conn.execute(select(_coupons).where(_c.shop == shop, _c.source == source, _c.rule == rule)).first()
    return None if row is None else _coupon(row)


def planned(conn: Connection, shop: str, after: str, limit: int) -> list[Coupon]:
    """Those that nobody was told about yet, by id from behind `after`."""
    query = select(_coupons).where(_c.shop == shop, _c.state == "planned", _c.id > after).order_by(_c.id)
    return [_coupon(row) for row in conn.execute(query.limit(limit))]


def newest(
    conn: Connection,
    shop: str,
    *,
    customer: str | None = None,
    state: str | None = None,
    before: tuple[int, str] | None = None,
    limit: int | None = None,
) -> list[Coupon]:
    """Newest first. `before` is (created, id) of the last one of the page before."""
    query = select(_coupons).where(_c.shop == shop).order_by(_c.created.desc(), _c.id.desc())
    for column, value in ((_c.customer, customer), (_c.state, state)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(tuple_(_c.created, _c.id) < tuple_(*before))
    return [_coupon(row) for row in conn.execute(query if limit is None else query.limit(limit))]


def erase(conn: Connection, shop: str, customer: str, name: str) -> None:
    """Put the tombstone `name` in the place of a customer, in sources that name it too. Codes stay."""
    for row in conn.execute(select(_c.id, _c.source).where(_c.shop == shop, _c.customer == customer)).all():
        changed = {"customer": name, "source": unnamed(row.source, customer, name)}
        conn.execute(update(_coupons).where(_c.id == row.id).values(changed))


def _allowed(conn: Connection, shop: str, dues: Sequence[CouponDue], zone: str) -> list[CouponDue]:
    """As many as their caps leave room for, the oldest facts first."""
    ordered = sorted(dues, key=lambda due: (due.at, due.rule, due.source))
    capped = sorted({due.rule for due in ordered if due.caps is not None})
    there: Counter[tuple[str, str, str]] = Counter()
    if capped:
        counts = _c.state.not_in(("cancelled", "failed"))
        query = select(_c.rule, _c.day, _c.customer, func.count().label("n"))
        query = query.where(_c.shop == shop, among(conn, _c.rule, capped), counts)
        for row in conn.execute(query.group_by(_c.rule, _c.day, _c.customer)):
            for scope, key in (("total", ""), ("day", row.day), ("customer", row.customer)):
                there[row.rule, scope, key] += row.n
    found = []
    for due in ordered:
        day, caps = local_day(due.at, zone), due.caps or Caps()
        limits = (("total", "", caps.total), ("day", day, caps.day), ("customer", due.customer, caps.customer))
        if all(most is None or there[due.rule, scope, key] < most for scope, key, most in limits):
            found.append(due)
            for scope, key, _ in limits:
                there[due.rule, scope, key] += 1
    return found


def _new(conn: Connection, shop: str, due: CouponDue, now: int) -> Coupon:
    assert due.terms is not None
    key = _key(conn, shop)
    name = "cpn_" + hmac.digest(key.encode(), orjson.dumps([due.rule, due.source]), "sha256").hex()[:24]
    return Coupon(
        name, shop, due.customer, due.rule, due.source, code_of(key, name), due.terms, due.available_at,
        _end(due.terms, due.available_at, now), "planned", now, due.why, 0, None, now,
    )  # fmt: skip


def _again(row: Row[Any], due: CouponDue, now: int) -> Coupon:
    found = _coupon(row)
    return replace(
        found, state="planned", round=found.round + 1, available_at=due.available_at, changed=now, error=None,
        expires_at=_end(found.terms, due.available_at, now), customer=due.customer,
    )  # fmt: skip


def _end(terms: CouponTerms, available_at: int, now: int) -> int | None:
    return None if terms.days is None else max(available_at, now) + terms.days * DAY


def _write(conn: Connection, changed: Sequence[Coupon]) -> None:
    if changed:
        conn.execute(
            update(_coupons).where(_c.id == bindparam("name")),
            [
                {
                    "name": coupon.id, "state": coupon.state, "round": coupon.round, "changed": coupon.changed,
                    "available_at": coupon.available_at, "expires_at": coupon.expires_at, "error": coupon.error,
                }
                for coupon in changed
            ],
        )  # fmt: skip


def _change_customers(conn: Connection, pairs: Iterable[tuple[Row[Any], CouponDue]]) -> None:
    """An order that is somebody else's now takes its coupon along."""
    moved = [
        {"name": row.id, "whose": due.customer}
        for row, due in pairs
        if due.terms is not None and row.customer != due.customer
    ]
    if moved:
        conn.execute(update(_coupons).where(_c.id == bindparam("name")).values(customer=bindparam("whose")), moved)


def _key(conn: Connection, shop: str) -> str:
    return sealer(conn).key_for(f"coupons/codes/{shop}")


def _row(coupon: Coupon) -> dict[str, Any]:
    terms = coupon.terms
    return {
        "id": coupon.id, "shop": coupon.shop, "customer": coupon.customer, "rule": coupon.rule,
        "source": coupon.source, "code": coupon.code, "kind": terms.kind, "amount": terms.amount,
        "currency": terms.currency, "days": terms.days, "available_at": coupon.available_at,
        "expires_at": coupon.expires_at, "state": coupon.state, "round": coupon.round, "created": coupon.created,
        "changed": coupon.changed, "why": coupon.why, "error": coupon.error,
    }  # fmt: skip


def _coupon(row: Row[Any]) -> Coupon:
    kind: CouponKind = row.kind
    state: State = row.state
    return Coupon(
        row.id, row.shop, row.customer, row.rule, row.source, row.code,
        CouponTerms(kind, row.amount, row.currency, row.days), row.available_at, row.expires_at, state, row.created,
        row.why, row.round, row.error, row.changed,
    )  # fmt: skip
