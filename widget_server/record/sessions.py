"""Sessions: who is signed in, where, and in which shop. The token is in the browser only; here is its hash.

A session ends after 14 days without a request and 60 days after it began, when it is revoked, or when the password or
the way to sign in changes. One that still waits for the second factor is nobody's, and ends after ten minutes.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    Table,
    Text,
    and_,
    delete,
    or_,
    select,
    update,
)

from . import accounts, members
from .db import Key, metadata
from .members import Role

_MINUTE = 60_000
IDLE = 14 * 24 * 60 * _MINUTE
ABSOLUTE = 60 * 24 * 60 * _MINUTE
WAITING = 10 * _MINUTE
# A session's last request is noted at most so often.
SEEN_EVERY = 5 * _MINUTE
# So many sessions one account may have.
MOST = 50

_sessions = Table(
    "sessions",
    metadata,
    Column("id", Key, primary_key=True),
    Column("hash", Key, nullable=False, unique=True),
    Column("account", Key, nullable=False),
    Column("shop", Key, nullable=False),
    Column("waiting", Boolean, nullable=False),
    Column("agent", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Index("sessions_by_account", "account", "seen"),
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a session belongs to, and what they may in its shop: `role` is None once they are no member of it."""

    session: str
    account: str
    email: str
    name: str
    language: str
    theme: str
    has_totp: bool
    shop: str
    role: Role | None
    seen: int


@dataclass(frozen=True, slots=True)
class Session:
    """One of somebody's sessions, as they see it."""

    id: str
    agent: str
    created: int
    seen: int


def begin(
    conn: Connection, account: str, shop: str, now: int, *, agent: str = "", waiting: bool = False, created: int | None = None
) -> str:
    """A new session; its token, told only here. `created` is when they signed in, where that was before."""
    token = secrets.token_urlsafe(32)
    conn.execute(
        _sessions.insert().values(
            id=f"ses_{secrets.token_hex(8)}", hash=_hash(token), account=account, shop=shop, waiting=waiting,
            agent=agent[:300], created=now if created is None else created, seen=now,
        )
    )  # fmt: skip
    return token


def find(conn: Connection, token: str, now: int) -> SignedIn | None:
    """Who is signed in with `token`."""
    who, role = accounts.people, members.roles
    there = and_(role.c.shop == _sessions.c.shop, role.c.account == _sessions.c.account)
    row = conn.execute(
        select(
            _sessions.c.id, _sessions.c.account, who.c.email, who.c.name, who.c.language, who.c.theme, who.c.has_totp,
            _sessions.c.shop, role.c.role, _sessions.c.seen,
        )
        .join_from(_sessions, who, who.c.id == _sessions.c.account)
        .outerjoin(role, there)
        .where(_sessions.c.hash == _hash(token), _sessions.c.waiting.is_(False), _alive(now))
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    return SignedIn(
        row.id, row.account, row.email, row.name, row.language, row.theme, row.has_totp, row.shop, row.role, row.seen
    )


def find_waiting(conn: Connection, token: str, now: int) -> tuple[str, str] | None:
    """The account and shop of a session that waits for the second factor."""
    waiting = and_(_sessions.c.hash == _hash(token), _sessions.c.waiting.is_(True), _sessions.c.created > now - WAITING)
    row = conn.execute(select(_sessions.c.account, _sessions.c.shop).where(waiting)).one_or_none()
    return None if row is None else (row.account, row.shop)


def saw(conn: Connection, session: str, now: int) -> None:
    conn.execute(update(_sessions).where(_sessions.c.id == session).values(seen=now))


def move(conn: Connection, session: str, shop: str) -> None:
    """The session is in another shop from now on. Whether its account may be there is for the caller to know."""
    conn.execute(update(_sessions).where(_sessions.c.id == session).values(shop=shop))


def end(conn: Connection, token: str) -> None:
    conn.execute(delete(_sessions).where(_sessions.c.hash == _hash(token)))


def revoke(conn: Connection, account: str, session: str) -> bool:
    """Whether the account had this session."""
    mine = and_(_sessions.c.account == account, _sessions.c.id == session)
    return bool(conn.execute(delete(_sessions).where(mine)).rowcount)


def revoke_all(conn: Connection, account: str, keep: str = "") -> int:
    """End every session of the account but `keep`; how many there were."""
    others = and_(_sessions.c.account == account, _sessions.c.id != keep)
    return int(conn.execute(delete(_sessions).where(others)).rowcount)


def of_account(conn: Connection, account: str, now: int, limit: int = 100) -> Sequence[Session]:
    """The sessions that are alive, the last used first."""
    mine = and_(_sessions.c.account == account, _sessions.c.waiting.is_(False), _alive(now))
    found = select(_sessions.c.id, _sessions.c.agent, _sessions.c.created, _sessions.c.seen).where(mine)
    rows = conn.execute(found.order_by(_sessions.c.seen.desc(), _sessions.c.id).limit(limit)).all()
    return [Session(*row) for row in rows]


def forget_ended(conn: Connection, account: str, now: int) -> None:
    """Take away the account's sessions that are over, and of the others all but the last used MOST."""
    over = or_(~_alive(now), and_(_sessions.c.waiting.is_(True), _sessions.c.created <= now - WAITING))
    conn.execute(delete(_sessions).where(_sessions.c.account == account, over))
    newest = select(_sessions.c.id).where(_sessions.c.account == account)
    kept = newest.order_by(_sessions.c.seen.desc(), _sessions.c.id).limit(MOST)
    conn.execute(delete(_sessions).where(_sessions.c.account == account, _sessions.c.id.not_in(kept)))


def _alive(now: int) -> ColumnElement[bool]:
    return and_(_sessions.c.seen > now - IDLE, _sessions.c.created > now - ABSOLUTE)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
