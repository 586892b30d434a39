"""Questions and all their versions. A version never changes; every change, pausing and deleting too, is a new version."""

import time
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    Row,
    Table,
    Text,
    case,
    func,
    literal,
    select,
)

from widget_server.contract.placing import TOUCHPOINTS
from widget_server.contract.sets import FIRST, SETS
from widget_server.contract.shop import Question

from .db import Key, metadata

_versions = Table(
    "question_versions",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("name", Key, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("type", Key, nullable=False),
    Column("placement", Text, nullable=False),
    Column("touchpoint", Key, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("settings", Text, nullable=False),
    Column("texts", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
)


def create_first(conn: Connection, shop: str, settings: Mapping[str, Any] | None = None) -> None:
    """The two questions every shop starts with: search-found and order-rating, with more `settings` where given."""
    for name in FIRST:
        add_version(conn, shop, SETS[name].question(more=settings))


def add_version(conn: Connection, shop: str, question: Question) -> None:
    """Store one version of a question."""
    conn.execute(
        _versions.insert().values(
            shop=shop, name=question.name, version=question.version, type=question.type,
            placement=question.placement, touchpoint=question.touchpoint or TOUCHPOINTS.get(question.placement, ""),
            paused=question.paused, deleted=question.deleted, settings=_dump(question.settings),
            texts=_dump(question.texts), created=int(time.time() * 1000),
        )
    )  # fmt: skip


def of_shop(conn: Connection, shop: str) -> dict[str, tuple[Question, ...]]:
    """Every version of every question of `shop`, by name, oldest first. Only the newest ones have their texts: an
    answer is understood by type and settings, and nobody reads the words of a thousand old versions every few seconds.
    """
    newest = func.max(_versions.c.version).over(partition_by=_versions.c.name)
    texts = case((_versions.c.version == newest, _versions.c.texts), else_=literal("{}")).label("texts")
    columns = [c for c in _versions.c if c.name not in ("texts", "shop", "created")]
    rows = conn.execute(
        select(*columns, texts)
        .where(_versions.c.shop == shop)
        .order_by(_versions.c.name, _versions.c.version)
    )
    found: dict[str, list[Question]] = {}
    for row in rows:
        found.setdefault(row.name, []).append(_question(row))
    return {name: tuple(versions) for name, versions in found.items()}


def version(conn: Connection, shop: str, name: str, number: int) -> Question | None:
    """One version with its texts; None when there is no such one."""
    row = conn.execute(
        select(_versions).where(
            _versions.c.shop == shop, _versions.c.name == name, _versions.c.version == number
        )
    ).one_or_none()
    return None if row is None else _question(row)


def _question(row: Row[*tuple[Any, ...]]) -> Question:
    return Question(
        row.name, row.version, row.type, row.placement, row.paused, orjson.loads(row.settings),
        orjson.loads(row.texts), row.touchpoint, row.deleted,
    )  # fmt: skip


def _dump(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()
