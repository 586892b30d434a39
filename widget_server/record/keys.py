"""API keys of shops: 256 random bits behind a prefix; only a hash is stored, so a stolen database opens nothing."""

import hashlib
import hmac
import secrets
import string
import time

from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, select

from .db import Key, metadata

_PREFIX = 11
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
    Index("api_keys_by_prefix", "prefix"),
)


def random_word(length: int) -> str:
    """Letters and digits only (5.95 random bits each): a hyphen would end the word where it is double-clicked."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def create(conn: Connection, shop: str, name: str) -> str:
    """A new key of `shop`, told only here."""
    key = f"sk_{random_word(43)}"
    conn.execute(
        _keys.insert().values(
            id=f"key_{secrets.token_hex(8)}", shop=shop, prefix=key[:_PREFIX], hash=_hash(key), name=name,
            created=int(time.time() * 1000),
        )
    )  # fmt: skip
    return key


def shop_of(conn: Connection, presented: str) -> str | None:
    """The shop that `presented` is a valid key of, else None."""
    if not presented.startswith("sk_") or len(presented) > 100:
        return None
    rows = conn.execute(
        select(_keys.c.shop, _keys.c.hash).where(
            _keys.c.prefix == presented[:_PREFIX], _keys.c.revoked.is_(None)
        )
    ).all()
    found = [row.shop for row in rows if hmac.compare_digest(row.hash, _hash(presented))]
    return found[0] if found else None


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
