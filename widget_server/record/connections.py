"""A shop's credentials on the platforms it uses. Owner of the table `connections`.

The settings are stored sealed for their row, whole, because which of them are secret is the platform's matter. A deleted
connection stays as a tombstone without settings, so that what was queued for it can be told apart from what never existed.
"""

import secrets as random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Row,
    Table,
    Text,
    and_,
    func,
    insert,
    select,
    update,
)

from widget_server.contract.platforms import handles

from . import holds
from .db import Key, among, metadata, sealer
from .taking import Taken

LIMIT = 20  # connections a shop may have
GIVE_UP = 5 * 24 * 3600 * 1000  # ms of failing without one success after which a connection is paused
# Why a connection is paused; any other reason is what its platform said.
BY_OWNER = "the owner paused it"
SILENT = "it has not worked once in five days"

_connections = Table(
    "connections",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", Key, nullable=False),
    Column("platform", Key, nullable=False),
    Column("name", Key, nullable=False),
    Column("settings", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("paused_at", BigInteger),
    Column("paused_reason", Text),
    Column("failing_since", BigInteger),
    Column("health", Text),
    Column("cursor", Text),
    Column("deleted_at", BigInteger),
    Index("connections_shop", "shop", "created"),
)
# The settings hold the platform's keys.
taken = Taken(
    _connections, ("created", "id"),
    ("id", "platform", "name", "created", "paused_at", "paused_reason", "failing_since", "deleted_at"),
    left=("settings", "health", "cursor"),
)  # fmt: skip
_c = _connections.c
_ALIVE = _c.deleted_at.is_(None)
_ACTIVE = and_(_ALIVE, _c.paused_at.is_(None))


class ConnectionLimitError(Exception):
    """The shop has as many connections as a shop may have."""

    def __init__(self) -> None:
        super().__init__(f"A shop may have {LIMIT} connections.")


@dataclass(frozen=True, slots=True)
class ShopConnection:
    """One shop on one platform. `paused` says why nothing is sent there now, `health` what was found there last."""

    id: str
    shop: str
    platform: str
    name: str
    settings: Mapping[str, str] = field(repr=False)
    created: int
    paused: str | None = None
    failing_since: int | None = None
    health: str | None = None
    cursor: str | None = None
    deleted: bool = False
    paused_at: int | None = None


def create(
    conn: Connection, shop: str, platform: str, name: str, settings: Mapping[str, str], now: int
) -> ShopConnection:
    """A new connection. `settings` must have been checked."""
    held = conn.execute(select(func.count()).where(_c.shop == shop, _ALIVE)).scalar_one()
    if held >= LIMIT:
        raise ConnectionLimitError
    made = ShopConnection("con_" + random.token_hex(12), shop, platform, name, dict(settings), now)
    conn.execute(
        insert(_connections).values(
            id=made.id, shop=shop, platform=platform, name=name, created=now,
            settings=_sealed(conn, made.id, settings),
        )
    )  # fmt: skip
    return made


def of_shop(conn: Connection, shop: str) -> list[ShopConnection]:
    """All that were not deleted, oldest first; paused ones too."""
    return _found(conn, _c.shop == shop, _ALIVE)


def by_id(conn: Connection, shop: str, connection: str) -> ShopConnection | None:
    return next(iter(_found(conn, _is(shop, connection))), None)


def stopped(conn: Connection, shop: str) -> int:
    """How many of the shop's connections get nothing any more, though nobody has paused them."""
    off = and_(_c.shop == shop, _ALIVE, _c.paused_at.is_not(None), _c.paused_reason != BY_OWNER)
    return int(conn.execute(select(func.count()).where(off)).scalar_one())


def by_address(conn: Connection, platform: str, connection: str) -> ShopConnection | None:
    """The connection that a platform's request names, of whatever shop; its signature has to prove the rest."""
    return next(iter(_found(conn, _c.id == connection, _c.platform == platform, _ALIVE)), None)


def active(conn: Connection, platform: str | None = None) -> list[ShopConnection]:
    """Those of all shops that are neither paused nor deleted, oldest first."""
    return _found(conn, _ACTIVE, *(() if platform is None else (_c.platform == platform,)))


def taking(conn: Connection, shop: str, kind: str) -> list[ShopConnection]:
    """The shop's connections that messages of this kind can be sent to now, oldest first."""
    return [each for each in _found(conn, _c.shop == shop, _ACTIVE) if handles(each.platform, kind)]


def targets(conn: Connection, ids: Iterable[str]) -> dict[str, ShopConnection]:
    """What is known of these connections, deleted ones included; one that never existed is missing."""
    return {each.id: each for each in _found(conn, _c.id.in_(sorted(set(ids))))}


def change(
    conn: Connection,
    shop: str,
    connection: str,
    *,
    name: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> bool:
    """Give it another name, or other settings in place of all those before. False when there is no such connection."""
    changed: dict[str, Any] = {"id": connection}
    if name is not None:
        changed["name"] = name
    if settings is not None:
        # What was found there before says nothing of the place it is now.
        changed |= {"settings": _sealed(conn, connection, settings), "failing_since": None, "health": None}
    found = conn.execute(update(_connections).where(_is(shop, connection)).values(changed)).rowcount
    if found and settings is not None:
        holds.forget(conn, [connection])
    return bool(found)


def pause(conn: Connection, connection: str, reason: str, now: int) -> None:
    """Send nothing there until it is resumed. What is queued waits."""
    paused = {"paused_at": now, "paused_reason": reason}
    if conn.execute(update(_connections).where(_c.id == connection, _ACTIVE).values(paused)).rowcount:
        holds.pause(conn, connection)


def resume(conn: Connection, connection: str) -> None:
    """Send there again, as if it had never failed."""
    works = {"paused_at": None, "paused_reason": None, "failing_since": None}
    if conn.execute(update(_connections).where(_c.id == connection, _ALIVE).values(works)).rowcount:
        holds.resume(conn, [connection])


def delete(conn: Connection, shop: str, connection: str, now: int) -> bool:
    """Leave a tombstone that has no settings any more. False when there is no such connection."""
    gone = {"deleted_at": now, "settings": _sealed(conn, connection, {}), "cursor": None, "health": None}
    found = conn.execute(update(_connections).where(_is(shop, connection)).values(gone)).rowcount
    if found:
        holds.resume(conn, [connection])
    return bool(found)


def failing(conn: Connection, ids: Iterable[str]) -> set[str]:
    """Those of `ids` that took nothing since they failed."""
    fails = and_(among(conn, _c.id, ids), _c.failing_since.is_not(None))
    return set(conn.execute(select(_c.id).where(fails)).scalars())


def worked(conn: Connection, ids: Iterable[str]) -> None:
    conn.execute(
        update(_connections)
        .where(_c.id.in_(sorted(set(ids))), _c.failing_since.is_not(None))
        .values(failing_since=None)
    )


def failed(conn: Connection, connection: str, now: int, gone: str | None = None) -> None:
    """Remember since when it fails. After five days without a success it is paused; at once when it says that it wants
    nothing more, which is `gone`."""
    conn.execute(
        update(_connections)
        .where(_c.id == connection, _c.failing_since.is_(None))
        .values(failing_since=now)
    )
    if gone is not None:
        pause(conn, connection, gone, now)
    elif conn.execute(select(_c.id).where(_c.id == connection, _c.failing_since <= now - GIVE_UP)).first():
        pause(conn, connection, SILENT, now)


def set_cursor(conn: Connection, connection: str, cursor: str) -> None:
    """How far the platform has been read."""
    conn.execute(update(_connections).where(_c.id == connection, _ALIVE).values(cursor=cursor))


def set_health(conn: Connection, connection: str, health: str) -> None:
    """What was found there last: JSON, for people."""
    conn.execute(update(_connections).where(_c.id == connection, _ALIVE).values(health=health))


def _found(conn: Connection, *wanted: ColumnElement[bool]) -> list[ShopConnection]:
    rows = conn.execute(select(_connections).where(*wanted).order_by(_c.created, _c.id))
    return [_connection(conn, row) for row in rows]


def _is(shop: str, connection: str) -> ColumnElement[bool]:
    return and_(_c.id == connection, _c.shop == shop, _ALIVE)


def _place(connection: str) -> str:
    return f"connections.settings.{connection}"


def _sealed(conn: Connection, connection: str, settings: Mapping[str, str]) -> str:
    return sealer(conn).seal(orjson.dumps(dict(settings)).decode(), _place(connection))


def _connection(conn: Connection, row: Row[Any]) -> ShopConnection:
    return ShopConnection(
        row.id, row.shop, row.platform, row.name,
        orjson.loads(sealer(conn).open(row.settings, _place(row.id))), row.created,
        paused=row.paused_reason if row.paused_at is not None else None, failing_since=row.failing_since,
        health=row.health, cursor=row.cursor,
        deleted=row.deleted_at is not None, paused_at=row.paused_at,
    )  # fmt: skip
