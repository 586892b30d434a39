"""Questions and all their versions. A version never changes; a change of content is a new version."""

import time
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, Table, Text, select

from widget_server.contract.questions import question_types
from widget_server.contract.shop import Question
from widget_server.contract.texts import TEXTS

from .db import Key, metadata

_versions = Table(
    "question_versions",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("name", Key, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("type", Key, nullable=False),
    Column("placement", Text, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("settings", Text, nullable=False),
    Column("texts", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
)

# What a new shop starts with: question, type, placement.
_FIRST = (("search-found", "yes_no", "search"), ("order-rating", "stars", "order"))


def create_first(conn: Connection, shop: str) -> None:
    """The two questions every shop starts with: search-found and order-rating."""
    for name, kind, placement in _FIRST:
        settings = question_types()[kind].settings
        add_version(conn, shop, Question(name, 1, kind, placement, False, settings, TEXTS[name]))


def add_version(conn: Connection, shop: str, question: Question) -> None:
    """Store one version of a question."""
    conn.execute(
        _versions.insert().values(
            shop=shop, name=question.name, version=question.version, type=question.type,
            placement=question.placement, paused=question.paused, settings=_dump(question.settings),
            texts=_dump(question.texts), created=int(time.time() * 1000),
        )
    )  # fmt: skip


def of_shop(conn: Connection, shop: str) -> dict[str, tuple[Question, ...]]:
    """Every version of every question of `shop`, by name, oldest first."""
    rows = conn.execute(
        select(_versions).where(_versions.c.shop == shop).order_by(_versions.c.name, _versions.c.version)
    )
    found: dict[str, tuple[Question, ...]] = {}
    for row in rows:
        question = Question(
            row.name, row.version, row.type, row.placement, row.paused,
            orjson.loads(row.settings), orjson.loads(row.texts),
        )  # fmt: skip
        found[row.name] = (*found.get(row.name, ()), question)
    return found


def _dump(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()
