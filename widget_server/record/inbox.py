"""What platforms have sent us, from the moment it is acknowledged. Owner of the table `inbox`.

A row's key stands for what the delivery says and stays for 40 days, because the signatures of most platforms have no
time in them: only what is remembered tells a replay. The request itself, sealed for its row, goes as soon as its events
are in the log; where it could not be understood it stays for the 40 days, with the reason.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    literal_column,
    select,
    tuple_,
    update,
)

from .db import Key, insert_ignore, metadata, sealer

KEPT = 40 * 24 * 3600 * 1000  # ms
MOST_WAITING = 50_000
# Of one connection: a shop that sends too much is told so before others have to be.
MOST_OF_ONE = 5_000

_inbox = Table(
    "inbox",
    metadata,
    Column("connection", Key, primary_key=True),
    Column("key", Key, primary_key=True),
    Column("shop", Key, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("error", Text),
    Column("request", Text),
)
_c = _inbox.c
# Written into the statements as it stands in the indexes, so that both databases see that these fit: what waits is few,
# what is remembered is many.
_WAITING = _c.state == literal_column("'waiting'")
Index("inbox_waiting", _c.received, _c.key, sqlite_where=_WAITING, postgresql_where=_WAITING)
Index("inbox_waiting_of", _c.connection, sqlite_where=_WAITING, postgresql_where=_WAITING)
Index("inbox_received", _c.received)

Name = tuple[str, str]  # connection and key


@dataclass(frozen=True, slots=True)
class Taken:
    """A verified request that was acknowledged."""

    connection: str
    key: str
    shop: str
    received: int
    topic: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def name(self) -> Name:
        return self.connection, self.key


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that could not be understood, and why."""

    key: str
    received: int
    topic: str
    error: str


def put(conn: Connection, taken: Taken) -> None:
    """Keep a request; one whose key is known changes nothing."""
    request = {"headers": dict(taken.headers), "body": base64.b64encode(taken.body).decode()}
    sealed = sealer(conn).seal(orjson.dumps(request).decode(), _place(taken.connection, taken.key))
    row = {
        "connection": taken.connection, "key": taken.key, "shop": taken.shop, "received": taken.received,
        "topic": taken.topic, "state": "waiting", "error": None, "request": sealed,
    }  # fmt: skip
    insert_ignore(conn, _inbox, [row])


def is_waiting(conn: Connection) -> bool:
    """Whether anything waits to be taken in."""
    return conn.execute(select(_c.key).where(_WAITING).limit(1)).first() is not None


def is_full(conn: Connection, connection: str) -> bool:
    """Whether as much waits as may, of this connection or altogether: somebody sends more than can be taken in."""
    everybody = select(_c.key).where(_WAITING)
    theirs = everybody.where(_c.connection == connection)
    asked = ((theirs, MOST_OF_ONE), (everybody, MOST_WAITING))
    return any(conn.execute(rows.limit(1).offset(most)).first() is not None for rows, most in asked)


def waiting(conn: Connection, limit: int) -> list[Taken]:
    """What waits, oldest first."""
    rows = conn.execute(select(_inbox).where(_WAITING).order_by(_c.received, _c.key).limit(limit))
    return [_taken(conn, row) for row in rows]


def done(conn: Connection, names: Iterable[Name]) -> None:
    """Their events are in the log: forget all but that they came."""
    wanted = tuple_(_c.connection, _c.key).in_(sorted(names))
    conn.execute(update(_inbox).where(wanted).values(state="done", request=None))


def failed(conn: Connection, name: Name, error: str) -> None:
    """It can't be understood; it stays, with the reason, until it is pruned."""
    one = and_(_c.connection == name[0], _c.key == name[1])
    conn.execute(update(_inbox).where(one).values(state="failed", error=error[:500].replace("\0", "")))


def refused(conn: Connection, connection: str, since: int = 0, limit: int = 20) -> list[Refused]:
    """The newest requests of a connection, from `since` on, that could not be understood."""
    rows = conn.execute(
        select(_c.key, _c.received, _c.topic, _c.error)
        .where(_c.connection == connection, _c.received >= since, _c.state == "failed")
        .order_by(_c.received.desc(), _c.key)
        .limit(limit)
    )
    return [Refused(row.key, row.received, row.topic, row.error) for row in rows]


def prune(conn: Connection, before: int, limit: int = 1000) -> int:
    """Forget what came before `before` and does not wait. Returns how many rows went, at most `limit`."""
    old = select(_c.connection, _c.key).where(_c.received < before, _c.state != "waiting").limit(limit)
    found = [tuple(row) for row in conn.execute(old)]
    if found:
        conn.execute(delete(_inbox).where(tuple_(_c.connection, _c.key).in_(found)))
    return len(found)


def _place(connection: str, key: str) -> str:
    return f"inbox.request.{connection}.{key}"


def _taken(conn: Connection, row: Row[Any]) -> Taken:
    request = orjson.loads(sealer(conn).open(row.request, _place(row.connection, row.key)))
    return Taken(
        row.connection, row.key, row.shop, row.received, row.topic, request["headers"], base64.b64decode(request["body"])
    )
