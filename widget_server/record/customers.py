"""Customers of shops, as their platforms and their orders tell them: pseudonyms, never an address."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Row, Table, Text, select

from widget_server.contract.customer import Customer

from .db import Key, among, metadata

__all__ = ["Customer", "born_on", "load", "same_person", "silent_since"]

_customers = Table(
    "customers",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("ref", Key, primary_key=True),
    Column("email", Key),
    Column("birthday", Text),
    Column("birthday_since", BigInteger),
    # The day of it, MM-DD.
    Column("born", Key),
    Column("language", Text),
    Column("segments", Text),
    Column("last_order_at", BigInteger),
    Column("last_order", Key),
    Column("erased_at", BigInteger),
    Column("state", Text),
)
Index(
    "customers_by_email", _customers.c.shop, _customers.c.email,
    sqlite_where=_customers.c.email.is_not(None), postgresql_where=_customers.c.email.is_not(None),
)  # fmt: skip
Index(
    "customers_born", _customers.c.shop, _customers.c.born, _customers.c.ref,
    sqlite_where=_customers.c.born.is_not(None), postgresql_where=_customers.c.born.is_not(None),
)  # fmt: skip
Index(
    "customers_by_last_order", _customers.c.shop, _customers.c.last_order_at,
    sqlite_where=_customers.c.last_order_at.is_not(None), postgresql_where=_customers.c.last_order_at.is_not(None),
)  # fmt: skip


def load(conn: Connection, shop: str, refs: Iterable[str]) -> dict[str, Customer]:
    """The customers among `refs` of whom something is known."""
    wanted = list(refs)
    if not wanted:
        return {}
    c = _customers.c
    rows = conn.execute(select(_customers).where(c.shop == shop, among(conn, c.ref, wanted)))
    return {row.ref: _customer(row) for row in rows}


def born_on(conn: Connection, shop: str, month_day: str, limit: int, after: str = "") -> list[Customer]:
    """Whose birthday is on `month_day` (MM-DD), by reference; `after` is the last reference of the page before."""
    c = _customers.c
    chosen = select(_customers).where(c.shop == shop, c.born == month_day, c.ref > after)
    return [_customer(row) for row in conn.execute(chosen.order_by(c.ref).limit(limit))]


def silent_since(
    conn: Connection, shop: str, before: int, after: int, limit: int, after_ref: str = ""
) -> list[Customer]:
    """Whose last order was placed in (`after`, `before`] (ms), by reference; `after_ref` is the last of the page before."""
    c = _customers.c
    chosen = select(_customers).where(
        c.shop == shop, c.last_order_at > after, c.last_order_at <= before, c.ref > after_ref
    )
    return [_customer(row) for row in conn.execute(chosen.order_by(c.ref).limit(limit))]


def same_person(conn: Connection, shop: str, ref: str) -> tuple[str, ...]:
    """`ref` itself, then by what else the same person goes: accounts with the same e-mail address, and its guest."""
    c = _customers.c
    if ref.startswith("e:"):
        email: str | None = ref[2:]
    else:
        email = conn.execute(select(c.email).where(c.shop == shop, c.ref == ref)).scalar()
    if email is None:
        return (ref,)
    accounts = conn.execute(select(c.ref).where(c.shop == shop, c.email == email).order_by(c.ref)).scalars()
    return tuple(dict.fromkeys([ref, f"e:{email}", *accounts]))


def _customer(row: Row[Any]) -> Customer:
    return Customer(
        ref=row.ref, email=row.email, birthday=row.birthday, birthday_since=row.birthday_since,
        language=row.language, segments=tuple(row.segments.split()) if row.segments else (),
        last_order_at=row.last_order_at, last_order=row.last_order, erased=row.erased_at is not None,
    )  # fmt: skip
