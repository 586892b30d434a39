"""The log of events: every accepted fact once, for ever. Its unique id is what makes counting exact."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import BigInteger, Column, Connection, Table, Text, select, tuple_

from .db import Key, among, insert_ignore, metadata

_PAGE = 2000

_events = Table(
    "events",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("id", Key, primary_key=True),
    Column("type", Key, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("body", Text, nullable=False),
)


def known(conn: Connection, shop: str, ids: Sequence[str]) -> set[str]:
    """Which of `ids` are in the log. Exact for as long as the shop is locked."""
    wanted = among(conn, _events.c.id, ids)
    return set(conn.execute(select(_events.c.id).where(_events.c.shop == shop, wanted)).scalars())


def add(conn: Connection, shop: str, envelopes: Iterable[Mapping[str, Any]]) -> None:
    """Write events that are not yet known."""
    rows = [
        {
            "shop": shop, "id": envelope["event"]["id"], "type": envelope["event"]["type"],
            "at": envelope["event"]["at"], "received": envelope["received"], "source": envelope["source"],
            "body": orjson.dumps(envelope["event"]).decode(),
        }
        for envelope in envelopes
    ]  # fmt: skip
    insert_ignore(conn, _events, rows)


def of_shop(conn: Connection, shop: str, types: Iterable[str] = ()) -> Iterator[dict[str, Any]]:
    """Every event of a shop (of these types, when given), page by page in no particular order."""
    wanted = tuple(types)
    after = ""
    while True:
        page = select(_events.c.id, _events.c.body).where(
            _events.c.shop == shop, tuple_(_events.c.shop, _events.c.id) > tuple_(shop, after)
        )
        if wanted:
            page = page.where(_events.c.type.in_(wanted))
        rows = conn.execute(page.order_by(_events.c.shop, _events.c.id).limit(_PAGE)).all()
        for row in rows:
            yield orjson.loads(row.body)
        if len(rows) < _PAGE:
            return
        after = rows[-1].id
