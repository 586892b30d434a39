"""From which pages (origins) a shop lets browsers read the owner API with its key. None, unless it names some."""

from collections.abc import Iterable

from sqlalchemy import Column, Connection, Table, Text, delete, select

from .db import insert_ignore, metadata
from .taking import Taken

_origins = Table(
    "api_origins",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("origin", Text, primary_key=True, index=True),
)
taken = Taken(_origins, ("origin",), ("origin",))
_c = _origins.c


def of_shop(conn: Connection, shop: str) -> list[str]:
    """The origins that `shop` has named, sorted."""
    return list(conn.execute(select(_c.origin).where(_c.shop == shop).order_by(_c.origin)).scalars())


def named(conn: Connection, origin: str) -> bool:
    """Whether any shop has named it: a browser asks beforehand without a key, so that nobody knows the shop yet."""
    return conn.execute(select(_c.shop).where(_c.origin == origin).limit(1)).first() is not None


def replace(conn: Connection, shop: str, origins: Iterable[str]) -> None:
    """`origins` and no others."""
    conn.execute(delete(_origins).where(_c.shop == shop))
    insert_ignore(conn, _origins, [{"shop": shop, "origin": origin} for origin in sorted(set(origins))])
