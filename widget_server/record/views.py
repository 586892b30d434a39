"""Saved views of the answers: a name and the filters behind it, of one member or for everybody in the shop. Owner of
`views`."""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Row,
    Table,
    Text,
    delete,
    insert,
    or_,
    select,
)

from .db import Key, lock_shops, metadata
from .taking import Taken

MOST = 30
"""Of one member, and of the shop."""
LONGEST_NAME = 60

_views = Table(
    "views",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("id", Key, primary_key=True),
    # Whose it is; null for everybody's.
    Column("account", Key),
    Column("name", Key, nullable=False),
    Column("query", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
)
taken = Taken(_views, ("id",), ("id", "account", "name", "query", "created"))
_c = _views.c


class ViewConflict(Exception):
    """There are too many. The text says so."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """`query` is what follows the question mark in the address of the list."""

    id: str
    account: str | None
    name: str
    query: str


def seen_by(conn: Connection, shop: str, account: str) -> list[SavedView]:
    """The shop's views and this member's own, by name."""
    found = select(_views).where(_c.shop == shop, or_(_c.account.is_(None), _c.account == account))
    return [_view(row) for row in conn.execute(found.order_by(_c.name, _c.id).limit(2 * MOST))]


def save(conn: Connection, shop: str, account: str | None, name: str, query: str, now: int) -> SavedView:
    """Keep a view; one of the same name and owner is replaced. Raises ViewConflict."""
    lock_shops(conn, [shop])
    theirs = (_c.shop == shop, _is_of(account))
    conn.execute(delete(_views).where(*theirs, _c.name == name))
    if len(conn.execute(select(_c.id).where(*theirs)).all()) >= MOST:
        raise ViewConflict(f"There are {MOST} views; delete one first.")
    made = SavedView(f"view_{secrets.token_hex(8)}", account, name, query)
    conn.execute(
        insert(_views).values(shop=shop, id=made.id, account=account, name=name, query=query, created=now)
    )
    return made


def remove(conn: Connection, shop: str, view: str, account: str | None) -> bool:
    """Delete a view of this member, or with no account one of the shop; False when there is none."""
    return conn.execute(delete(_views).where(_c.shop == shop, _c.id == view, _is_of(account))).rowcount > 0


def _is_of(account: str | None) -> ColumnElement[bool]:
    return _c.account.is_(None) if account is None else _c.account == account


def _view(row: Row[Any]) -> SavedView:
    return SavedView(row.id, row.account, row.name, row.query)
