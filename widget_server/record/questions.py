"""Questions and all their versions. A version never changes; every change, pausing and deleting too, is a new version."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
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

from .db import Key, lock_shops, metadata

LIMIT = 50
"""Questions of a shop."""
MOST_NAMES = 200
"""Those that were deleted included: their answers stay, so their names do."""
MOST_VERSIONS = 1000
"""Of one question, and five times as many in all: whoever asks about the shop reads them."""

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


class QuestionConflict(Exception):
    """What is wanted contradicts what the shop has. `field` is what is wrong, the text says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def create_first(conn: Connection, shop: str) -> None:
    """The two questions every shop starts with: search-found and order-rating."""
    for name in FIRST:
        add_version(conn, shop, SETS[name].question())


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


def create(conn: Connection, shop: str, question: Question) -> Question:
    """Store a new question; one that was deleted lives on in it, its answers included. Raises QuestionConflict."""
    known = _locked(conn, shop)
    old = known[question.name][-1] if question.name in known else None
    if old is not None and not old.deleted:
        raise QuestionConflict("name", f"There is a question {question.name}; PATCH changes it.")
    if old is not None and old.type != question.type:
        raise QuestionConflict(
            "type",
            f"The deleted question {old.name} was of the type {old.type}, and its answers stay: give that type or another name.",
        )
    if sum(not versions[-1].deleted for versions in known.values()) >= LIMIT:
        raise QuestionConflict("name", f"The shop has {LIMIT} questions; delete one first.")
    if old is None and len(known) >= MOST_NAMES:
        raise QuestionConflict("name", f"The shop has had {MOST_NAMES} questions; take up the name of a deleted one.")
    return _add_next(conn, shop, known, question)


def change(
    conn: Connection, shop: str, name: str, changed: Callable[[Question], Question], expected: int | None = None
) -> Question | None:
    """The question after `changed` was done to its newest version: a new version when that makes a difference. None when
    there is no such question. Raises QuestionConflict, also when the newest version is not the `expected` one.

    Nobody else changes the shop's questions meanwhile, so that no two changes become the same version.
    """
    known = _locked(conn, shop)
    if name not in known or known[name][-1].deleted:
        return None
    old = known[name][-1]
    if expected is not None and expected != old.version:
        raise QuestionConflict("version", f"The question is at version {old.version} by now; read it and try again.")
    made = changed(old)
    return old if made == old else _add_next(conn, shop, known, made)


def delete(conn: Connection, shop: str, name: str) -> Question | None:
    """Ask a question no more; None when there is no such one."""
    return change(conn, shop, name, lambda old: replace(old, deleted=True, paused=True))


def _locked(conn: Connection, shop: str) -> dict[str, tuple[Question, ...]]:
    lock_shops(conn, [shop])
    return of_shop(conn, shop)


def _add_next(conn: Connection, shop: str, known: Mapping[str, tuple[Question, ...]], question: Question) -> Question:
    versions = known.get(question.name, ())
    is_ending = bool(versions) and (question.paused, question.deleted) > (versions[-1].paused, versions[-1].deleted)
    # To stop asking must always be possible; it can be done twice at most, because nothing goes on from there.
    if not is_ending and len(versions) >= MOST_VERSIONS:
        raise QuestionConflict(
            "name", f"The question {question.name} was changed {MOST_VERSIONS} times; pause it and make another one."
        )
    if not is_ending and sum(map(len, known.values())) >= 5 * MOST_VERSIONS:
        raise QuestionConflict("name", f"The shop's questions were changed {5 * MOST_VERSIONS} times; they can only be paused now.")
    made = replace(question, version=versions[-1].version + 1 if versions else 1)
    add_version(conn, shop, made)
    return made


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
