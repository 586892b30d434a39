"""Rules and all their versions, and which scores have changed since rules last looked. Owner of `rule_versions` and
`scores_changed`.

A version never changes; every change, deleting too, is a new one, valid from the moment it was saved. Versions stay for
ever: what was granted under one is recounted under it. Whoever writes holds the lock of the shop.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
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
    and_,
    delete,
    insert,
    or_,
    select,
)

from widget_server.contract.rules import NO_RULES, Book, History, Version, version_of
from widget_server.contract.shop import Shop

from . import shops
from .db import Key, lock_shops, metadata, put
from .taking import Taken

LIMIT = 50
"""Rules of a shop that are not deleted."""
MOST_VERSIONS = 200
"""Of one rule."""
MOST_RULES = 500
"""Deleted ones included: what they granted stays, so they do."""

_CACHED = 200

_versions = Table(
    "rule_versions",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("rule", Key, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("valid_from", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("body", Text, nullable=False),
)
taken = Taken(_versions, ("rule", "version"), ("rule", "version", "valid_from", "deleted", "body"))
_c = _versions.c

_changed = Table(
    "scores_changed",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("question", Key, primary_key=True),
    Column("at", BigInteger, nullable=False),
)

# By shop and the word in its row, which no two changes share: what was read under it is true for ever.
_books: dict[tuple[str, str], Book] = {}


class RuleConflict(Exception):
    """What is wanted contradicts what the shop has. `field` is what is wrong, the text says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def book(conn: Connection, shop: Shop) -> Book:
    """The rules of `shop` as they are in the transaction that has read it. No query when it never had any, nor when they
    have not changed since this process read them."""
    if not shop.rules:
        return NO_RULES
    name = (shop.id, shop.rules)
    found = _books.get(name)
    if found is None:
        found = Book(of_shop(conn, shop.id))
        if len(_books) >= _CACHED:
            _books.clear()
        _books[name] = found
    return found


def of_shop(conn: Connection, shop: str) -> list[History]:
    """Every rule, deleted ones too, in the order they were made."""
    rows = conn.execute(select(_versions).where(_c.shop == shop).order_by(_c.rule, _c.version))
    found: dict[str, list[Version]] = {}
    for row in rows:
        found.setdefault(row.rule, []).append(_version(row))
    return sorted(found.values(), key=lambda history: (history[0].valid_from, history[0].rule))


def by_id(conn: Connection, shop: str, rule: str) -> History | None:
    """All versions of one rule, oldest first; None when the shop has no such rule."""
    rows = conn.execute(select(_versions).where(_c.shop == shop, _c.rule == rule).order_by(_c.version))
    return [_version(row) for row in rows] or None


def create(conn: Connection, shop: str, body: Mapping[str, Any], now: int) -> Version:
    """Store a new rule, whose body has no errors. Raises RuleConflict."""
    lock_shops(conn, [shop])
    known = of_shop(conn, shop)
    if sum(not history[-1].deleted for history in known) >= LIMIT:
        raise RuleConflict("name", f"The shop has {LIMIT} rules; delete one first.")
    if len(known) >= MOST_RULES:
        raise RuleConflict("name", f"The shop has had {MOST_RULES} rules; change one instead of making another.")
    return _add(conn, shop, version_of(f"rule_{secrets.token_hex(12)}", 1, now, False, body))


def change(
    conn: Connection,
    shop: str,
    rule: str,
    changed: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    now: int,
    expected: int | None = None,
) -> tuple[Version, Version] | None:
    """The version before and the one after `changed` was done to its body; they are the same when that makes no
    difference. None when there is no such rule. Raises RuleConflict, also when the newest version is not the `expected`
    one."""
    lock_shops(conn, [shop])
    history = by_id(conn, shop, rule)
    if history is None or history[-1].deleted:
        return None
    old = history[-1]
    if expected is not None and expected != old.number:
        raise RuleConflict("version", f"The rule is at version {old.number} by now; read it and try again.")
    body = changed(old.body)
    if body == old.body:
        return old, old
    if body["when"] != old.when:
        raise RuleConflict("when", f"The rule listens to {old.when}; make another one for {body['when']}.")
    if old.number >= MOST_VERSIONS:
        raise RuleConflict("version", f"The rule was changed {MOST_VERSIONS} times; delete it and make another one.")
    return old, _add(conn, shop, version_of(rule, old.number + 1, _after(old, now), False, body))


def remove(conn: Connection, shop: str, rule: str, now: int) -> tuple[Version, Version] | None:
    """Let a rule count for nothing that happens from now on; None when there is no such one."""
    lock_shops(conn, [shop])
    history = by_id(conn, shop, rule)
    if history is None or history[-1].deleted:
        return None
    old = history[-1]
    return old, _add(conn, shop, version_of(rule, old.number + 1, _after(old, now), True, old.body))


def score_changed(conn: Connection, shop: str, questions: Iterable[str], now: int) -> None:
    """Rules have to look at the scores of these questions."""
    put(conn, _changed, [{"shop": shop, "question": question, "at": now} for question in sorted(questions)])


def shops_with_changes(conn: Connection, limit: int) -> list[str]:
    """Shops with scores that rules have to look at."""
    return list(conn.execute(select(_changed.c.shop).distinct().order_by(_changed.c.shop).limit(limit)).scalars())


def take_changes(conn: Connection, shop: str) -> list[str]:
    """The questions of a shop whose scores have changed; from now on they have not."""
    found = conn.execute(delete(_changed).where(_changed.c.shop == shop).returning(_changed.c.question))
    return sorted(found.scalars())


def shops_listening(conn: Connection, triggers: Iterable[str]) -> list[str]:
    """Shops whose newest rules may listen to one of `triggers`."""
    wanted = [_c.body.contains(f'"when":"{name}"', autoescape=True) for name in triggers]
    query = select(_c.shop).where(and_(_c.deleted.is_(False), or_(*wanted))).distinct().order_by(_c.shop)
    return list(conn.execute(query).scalars())


def _after(old: Version, now: int) -> int:
    """Versions follow one another, also when a clock was set back."""
    return max(now, old.valid_from + 1)


def _add(conn: Connection, shop: str, made: Version) -> Version:
    conn.execute(
        insert(_versions).values(
            shop=shop, rule=made.rule, version=made.number, valid_from=made.valid_from, deleted=made.deleted,
            body=orjson.dumps(dict(made.body)).decode(),
        )
    )  # fmt: skip
    shops.rules_changed(conn, shop)
    return made


def _version(row: Row[Any]) -> Version:
    return version_of(row.rule, row.version, row.valid_from, row.deleted, orjson.loads(row.body))
