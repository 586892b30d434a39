"""One-time links: an invitation into a shop, or a new password for an account. Only a hash of the link's token is here."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Row,
    Select,
    Table,
    and_,
    delete,
    or_,
    select,
    update,
)

from .db import Key, lock_shops, metadata
from .members import Role

_DAY = 86_400_000
INVITATION = 7 * _DAY
PASSWORD = _DAY

_invitations = Table(
    "invitations",
    metadata,
    Column("id", Key, primary_key=True),
    Column("hash", Key, nullable=False, unique=True),
    Column("email", Key, nullable=False),
    # None for a new password.
    Column("shop", Key),
    Column("role", Key),
    Column("language", Key, nullable=False),
    Column("name", Key, nullable=False),
    # The account of who made it; None for a command.
    Column("made_by", Key),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used", BigInteger),
    Index("invitations_by_shop", "shop", "created"),
    Index("invitations_by_email", "email"),
)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link is good for. Without a `shop`: for a new password of the account with this e-mail."""

    id: str
    email: str
    shop: str | None
    role: Role | None
    language: str
    name: str
    created: int
    expires: int


def create(
    conn: Connection, email: str, now: int, *, shop: str | None = None, role: Role | None = None, language: str = "",
    name: str = "", made_by: str | None = None,
) -> tuple[Invitation, str]:  # fmt: skip
    """A new link and its token, told only here. The one before for the same e-mail and shop is good for nothing any more."""
    # Two who invite one address at once come one after the other.
    lock_shops(conn, [shop or ""])
    over = or_(_invitations.c.email == email, _invitations.c.expires <= now, _invitations.c.used.is_not(None))
    conn.execute(delete(_invitations).where(_same(shop), over))
    token = secrets.token_urlsafe(32)
    expires = now + (PASSWORD if shop is None else INVITATION)
    made = Invitation(f"inv_{secrets.token_hex(8)}", email, shop, role, language, name, now, expires)
    conn.execute(
        _invitations.insert().values(
            id=made.id, hash=_hash(token), email=email, shop=shop, role=role, language=language, name=name, made_by=made_by,
            created=now, expires=expires, used=None,
        )
    )  # fmt: skip
    return made, token


def find(conn: Connection, token: str, now: int) -> Invitation | None:
    """What the link with this token is good for; None when it is unknown, used or too old."""
    return _one(conn.execute(_told().where(_invitations.c.hash == _hash(token), _open(now))).one_or_none())


def use(conn: Connection, invitation: str, now: int) -> bool:
    """Whether it was still good; it is used then."""
    good = update(_invitations).where(_invitations.c.id == invitation, _open(now))
    return bool(conn.execute(good.values(used=now)).rowcount)


def waiting(conn: Connection, shop: str, now: int, limit: int = 100) -> list[Invitation]:
    """The shop's invitations that nobody has used yet, the newest first."""
    mine = _told().where(_invitations.c.shop == shop, _open(now))
    rows = conn.execute(mine.order_by(_invitations.c.created.desc(), _invitations.c.id).limit(limit)).all()
    return [each for row in rows if (each := _one(row)) is not None]


def withdraw(conn: Connection, shop: str, invitation: str) -> bool:
    """Whether the shop had this invitation."""
    mine = and_(_invitations.c.shop == shop, _invitations.c.id == invitation)
    return bool(conn.execute(delete(_invitations).where(mine)).rowcount)


def withdraw_of(conn: Connection, shop: str, made_by: str) -> int:
    """What a member has made in a shop is good for nothing any more; how many there were."""
    theirs = and_(_invitations.c.shop == shop, _invitations.c.made_by == made_by, _invitations.c.used.is_(None))
    return int(conn.execute(delete(_invitations).where(theirs)).rowcount)


def withdraw_passwords(conn: Connection, email: str) -> int:
    """Links for a new password of this account are good for nothing any more; how many there were."""
    theirs = and_(_invitations.c.shop.is_(None), _invitations.c.email == email, _invitations.c.used.is_(None))
    return int(conn.execute(delete(_invitations).where(theirs)).rowcount)


def _one(row: Row[Any] | None) -> Invitation | None:
    if row is None:
        return None
    return Invitation(row.id, row.email, row.shop, row.role, row.language, row.name, row.created, row.expires)


def _told() -> Select[Any]:
    named = ("id", "email", "shop", "role", "language", "name", "created", "expires")
    return select(*(_invitations.c[name] for name in named))


def _open(now: int) -> ColumnElement[bool]:
    return and_(_invitations.c.used.is_(None), _invitations.c.expires > now)


def _same(shop: str | None) -> ColumnElement[bool]:
    return _invitations.c.shop.is_(None) if shop is None else _invitations.c.shop == shop


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
