"""API keys of shops: 256 random bits behind a prefix; only a hash is stored, so a stolen database opens nothing."""

import hashlib
import hmac
import secrets
import string
import time
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Table,
    Text,
    and_,
    func,
    or_,
    select,
)

from .db import Key, lock_shops, metadata
from .taking import Taken

LIMIT = 20  # keys a shop may have
_PREFIX = 11
_HOUR = 3600 * 1000
_LETTERS = string.ascii_letters + string.digits

_keys = Table(
    "api_keys",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", Key, nullable=False),
    Column("prefix", Key, nullable=False),
    Column("hash", Text, nullable=False),
    Column("name", Key, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("revoked", BigInteger),
    Column("used", BigInteger),  # to the hour: a key is used more often than it is worth a write
    Index("api_keys_by_prefix", "prefix"),
    Index("api_keys_of_shop", "shop", "created"),
)
taken = Taken(_keys, ("created", "id"), ("id", "name", "created", "revoked", "used"), left=("prefix", "hash"))


class KeyLimitError(Exception):
    """The shop has as many keys as a shop may have."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as people may see it: `prefix` is how it begins. `used` is to the hour."""

    id: str
    name: str
    prefix: str
    created: int
    used: int | None


@dataclass(frozen=True, slots=True)
class Presented:
    """A valid key that came with a request. `is_noted`: that it is in use was written down within the hour."""

    id: str
    shop: str
    is_noted: bool


def random_word(length: int) -> str:
    """Letters and digits only (5.95 random bits each): a hyphen would end the word where it is double-clicked."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def create(conn: Connection, shop: str, name: str) -> str:
    """A new key of `shop`, told only here."""
    lock_shops(conn, [shop])
    if conn.execute(select(func.count()).where(_of(shop))).scalar_one() >= LIMIT:
        raise KeyLimitError
    key = f"sk_{random_word(43)}"
    conn.execute(
        _keys.insert().values(
            id=f"key_{secrets.token_hex(8)}", shop=shop, prefix=key[:_PREFIX], hash=_hash(key), name=name,
            created=int(time.time() * 1000),
        )
    )  # fmt: skip
    return key


def find(conn: Connection, presented: str) -> Presented | None:
    """What `presented` is, when it is a valid key."""
    if not presented.startswith("sk_") or len(presented) > 100:
        return None
    k = _keys.c
    rows = conn.execute(
        select(k.id, k.shop, k.hash, k.used).where(k.prefix == presented[:_PREFIX], k.revoked.is_(None))
    ).all()
    now = int(time.time() * 1000)
    found = [
        Presented(row.id, row.shop, row.used is not None and row.used > now - _HOUR)
        for row in rows
        if hmac.compare_digest(row.hash, _hash(presented))
    ]
    return found[0] if found else None


def note_used(conn: Connection, key: str, now: int) -> None:
    """This key was used."""
    stale = and_(_keys.c.id == key, or_(_keys.c.used.is_(None), _keys.c.used < now))
    conn.execute(_keys.update().where(stale).values(used=now))


def of_shop(conn: Connection, shop: str) -> list[ApiKey]:
    """The shop's valid keys, oldest first."""
    k = _keys.c
    rows = conn.execute(
        select(k.id, k.name, k.prefix, k.created, k.used).where(_of(shop)).order_by(k.created, k.id)
    )
    return [ApiKey(*row) for row in rows]


def revoke(conn: Connection, shop: str, key: str, now: int) -> bool:
    """This key opens nothing from now on. False when the shop has no such valid key."""
    return bool(conn.execute(_keys.update().where(_keys.c.id == key, _of(shop)).values(revoked=now)).rowcount)


def _of(shop: str) -> ColumnElement[bool]:
    return and_(_keys.c.shop == shop, _keys.c.revoked.is_(None))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
