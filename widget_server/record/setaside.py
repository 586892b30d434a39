"""Set aside: events that failed alone. Nothing is dropped; each waits with its traceback until it is replayed."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import BigInteger, Column, Connection, Index, Row, Table, Text, delete, func, select

from .db import Key, insert_ignore, metadata

_setaside = Table(
    "set_aside",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", Key, nullable=False),  # "" where the envelope does not say
    Column("at", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("traceback", Text, nullable=False),
    Column("envelope", Text, nullable=False),
    Index("set_aside_of_shop", "shop"),
)


@dataclass(frozen=True, slots=True)
class SetAside:
    """An envelope that failed, when, and why."""

    id: str
    at: int
    error: str
    traceback: str
    envelope: bytes


def add(conn: Connection, envelope: bytes, error: str, traceback: str) -> str:
    """Keep `envelope`. The same envelope is kept once, however often it fails."""
    made = f"aside_{hashlib.sha256(envelope).hexdigest()[:24]}"
    row = {
        "id": made, "shop": _shop(envelope), "at": int(time.time() * 1000), "error": error[:1000], "traceback": traceback[-20_000:],
        "envelope": envelope.decode("utf-8", "backslashreplace").replace("\x00", "\\x00"),
    }  # fmt: skip
    insert_ignore(conn, _setaside, [row])
    return made


def every(conn: Connection, limit: int = 1000) -> list[SetAside]:
    """What is set aside, oldest first."""
    rows = conn.execute(select(_setaside).order_by(_setaside.c.at, _setaside.c.id).limit(limit))
    return [_one(row) for row in rows]


def load(conn: Connection, ids: Sequence[str]) -> list[SetAside]:
    """Those of `ids` that are set aside."""
    return [_one(row) for row in conn.execute(select(_setaside).where(_setaside.c.id.in_(ids)))]


def remove(conn: Connection, ids: Sequence[str]) -> None:
    """Forget these; only after the stream has them again."""
    conn.execute(delete(_setaside).where(_setaside.c.id.in_(ids)))


def count(conn: Connection) -> int:
    """How many are set aside."""
    return int(conn.execute(select(func.count()).select_from(_setaside)).scalar_one())


def of_shop(conn: Connection, shop: str) -> int:
    """How many of this shop's are set aside."""
    return int(conn.execute(select(func.count()).where(_setaside.c.shop == shop)).scalar_one())


def _shop(envelope: bytes) -> str:
    """Whose it is, if that can be read."""
    try:
        found = orjson.loads(envelope)
    except orjson.JSONDecodeError:
        return ""
    shop = found.get("shop") if isinstance(found, dict) else None
    return shop[:100].replace("\0", "") if isinstance(shop, str) else ""


def _one(row: Row[tuple[object, ...]]) -> SetAside:
    return SetAside(row.id, row.at, row.error, row.traceback, row.envelope.encode())
