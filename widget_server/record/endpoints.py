"""Where a shop's webhooks go. Owner of the table `endpoints`.

A secret is given away once, when it is made, and stored sealed for its row. A deleted endpoint stays as a tombstone,
so that what was queued for it can be told apart from what never existed.
"""

import secrets as random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

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

from integrations.signing import make_secret

from . import holds, outbox
from .db import Key, among, lock_shops, metadata, sealer
from .taking import Taken

LIMIT = 50  # endpoints a shop may have; each event becomes a row for each of them
ROTATION = 24 * 3600 * 1000  # ms that an old secret goes on signing beside the new one
FORGOTTEN = 30 * 24 * 3600 * 1000  # ms after which a paused endpoint is disabled
GIVE_UP = 5 * 24 * 3600 * 1000  # ms of failing without one success after which an endpoint is disabled
# Why an endpoint was disabled by itself; any other reason is what its receiver said.
SILENT = "it has not answered once in five days"
LEFT_PAUSED = "it was paused for thirty days"

_endpoints = Table(
    "endpoints",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", Key, nullable=False),
    Column("url", Text, nullable=False),
    Column("types", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("old_secret", Text),
    Column("old_secret_until", BigInteger),
    Column("created", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    Column("disabled_reason", Text),
    Column("failing_since", BigInteger),
    Column("paused_at", BigInteger),
    Column("deleted_at", BigInteger),
    Index("endpoints_shop", "shop", "created"),
)
taken = Taken(
    _endpoints, ("created", "id"),
    ("id", "url", "types", "created", "disabled_at", "disabled_reason", "failing_since", "paused_at", "deleted_at"),
    left=("secret", "old_secret", "old_secret_until"),
)  # fmt: skip
_c = _endpoints.c


class EndpointLimitError(Exception):
    """The shop has as many endpoints as a shop may have."""

    def __init__(self) -> None:
        super().__init__(f"A shop may have {LIMIT} endpoints.")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One subscription, to events of these `types`."""

    id: str
    shop: str
    url: str
    types: tuple[str, ...]
    created: int
    disabled_at: int | None = None
    disabled_reason: str | None = None
    failing_since: int | None = None
    paused_at: int | None = None

    @property
    def host(self) -> str:
        return host_of(self.url)


@dataclass(frozen=True, slots=True)
class Target:
    """What a delivery needs to know. `disabled` says why nothing may be sent there at present."""

    url: str
    secrets: tuple[str, ...]
    failing: bool
    deleted: bool
    disabled: str | None


def host_of(url: str) -> str:
    """An address as those see it who are no owners: scheme and host, because what follows is often a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def create(conn: Connection, shop: str, url: str, types: Sequence[str], now: int) -> tuple[Endpoint, str]:
    """The new endpoint and its secret, which nobody can read again. `url` must have been checked."""
    lock_shops(conn, [shop])
    held = conn.execute(select(func.count()).where(_c.shop == shop, _c.deleted_at.is_(None))).scalar_one()
    if held >= LIMIT:
        raise EndpointLimitError
    made = Endpoint("ep_" + random.token_hex(12), shop, url, tuple(types), now)
    secret = make_secret()
    conn.execute(
        insert(_endpoints).values(
            id=made.id, shop=shop, url=url, types=orjson.dumps(made.types).decode(), created=now,
            secret=sealer(conn).seal(secret, _place(made.id)),
        )
    )  # fmt: skip
    return made, secret


def of_shop(conn: Connection, shop: str) -> list[Endpoint]:
    """All that were not deleted, oldest first; disabled ones too."""
    rows = conn.execute(
        select(_endpoints).where(_c.shop == shop, _c.deleted_at.is_(None)).order_by(_c.created, _c.id)
    )
    return [_endpoint(row) for row in rows]


def by_id(conn: Connection, shop: str, endpoint: str) -> Endpoint | None:
    row = conn.execute(select(_endpoints).where(_is(shop, endpoint))).first()
    return _endpoint(row) if row is not None else None


def disabled(conn: Connection, shop: str) -> int:
    """How many of the shop's endpoints get nothing any more."""
    off = and_(_c.shop == shop, _c.deleted_at.is_(None), _c.disabled_at.is_not(None))
    return int(conn.execute(select(func.count()).where(off)).scalar_one())


def for_shop(conn: Connection, shop: str) -> list[Endpoint]:
    """Those that want to be told; for paused ones it is kept."""
    return [each for each in of_shop(conn, shop) if each.disabled_at is None]


def change(
    conn: Connection, shop: str, endpoint: str, url: str | None = None, types: Sequence[str] | None = None
) -> bool:
    """Another address, which must have been checked, or other types. False when there is no such endpoint.

    A new address has not failed yet. What is queued goes to it.
    """
    values: dict[str, Any] = {} if types is None else {"types": orjson.dumps(tuple(types)).decode()}
    if url is not None:
        values |= {"url": url, "failing_since": None}
    if by_id(conn, shop, endpoint) is None:
        return False
    if values:
        conn.execute(update(_endpoints).where(_is(shop, endpoint)).values(values))
    if url is not None:
        holds.forget(conn, [endpoint])
    return True


def pause(conn: Connection, shop: str, endpoint: str, now: int) -> bool:
    """Send nothing there, and keep what comes. False when there is no such endpoint."""
    unpaused = and_(_is(shop, endpoint), _c.paused_at.is_(None))
    if conn.execute(update(_endpoints).where(unpaused).values(paused_at=now)).rowcount:
        holds.pause(conn, endpoint)
        return True
    return by_id(conn, shop, endpoint) is not None


def resume(conn: Connection, shop: str, endpoint: str) -> bool:
    """Send there again, as if it had never been paused, disabled or failed. False when there is no such endpoint.

    What died while it was disabled stays so until it is replayed.
    """
    working = {"paused_at": None, "disabled_at": None, "disabled_reason": None, "failing_since": None}
    if not conn.execute(update(_endpoints).where(_is(shop, endpoint)).values(working)).rowcount:
        return False
    holds.resume(conn, [endpoint])
    return True


def disable_forgotten(conn: Connection, now: int) -> None:
    """What is queued for an endpoint that was paused and forgotten does not grow for ever."""
    long_since = and_(_c.paused_at <= now - FORGOTTEN, _c.disabled_at.is_(None), _c.deleted_at.is_(None))
    for endpoint in list(conn.execute(select(_c.id).where(long_since).order_by(_c.id)).scalars()):
        disable(conn, endpoint, LEFT_PAUSED, now)


def delete(conn: Connection, shop: str, endpoint: str, now: int) -> bool:
    """Leave a tombstone and cancel what is queued. False when there is no such endpoint."""
    found = conn.execute(update(_endpoints).where(_is(shop, endpoint)).values(deleted_at=now)).rowcount
    if found:
        holds.resume(conn, [endpoint])
        outbox.cancel_queued(conn, endpoint, "the endpoint was deleted", now)
    return bool(found)


def rotate_secret(conn: Connection, shop: str, endpoint: str, now: int) -> str | None:
    """A new secret; the old one signs beside it for a day more. None when there is no such endpoint."""
    row = conn.execute(select(_c.secret).where(_is(shop, endpoint))).first()
    if row is None:
        return None
    secret = make_secret()
    sealed = sealer(conn).seal(secret, _place(endpoint))
    changed = {"secret": sealed, "old_secret": row.secret, "old_secret_until": now + ROTATION}
    conn.execute(update(_endpoints).where(_is(shop, endpoint)).values(changed))
    return secret


def disable(conn: Connection, endpoint: str, reason: str, now: int) -> None:
    """Send nothing more there; what is queued is dead and can be replayed."""
    conn.execute(
        update(_endpoints)
        .where(_c.id == endpoint, _c.disabled_at.is_(None))
        .values(disabled_at=now, disabled_reason=reason)
    )
    holds.forget(conn, [endpoint])
    outbox.kill_queued(conn, endpoint, f"the endpoint was disabled: {reason}", now)


def enable(conn: Connection, ids: Iterable[str]) -> None:
    """Send there again, as if it had never failed; who is paused stays so."""
    ids = sorted(set(ids))
    conn.execute(
        update(_endpoints)
        .where(_c.id.in_(ids), _c.disabled_at.is_not(None))
        .values(disabled_at=None, disabled_reason=None, failing_since=None)
    )
    holds.forget(conn, ids)


def targets(conn: Connection, ids: Iterable[str], now: int) -> dict[str, Target]:
    """What is known of these endpoints at this moment; one that never existed is missing."""
    rows = conn.execute(select(_endpoints).where(_c.id.in_(sorted(set(ids)))))
    return {row.id: _target(conn, row, now) for row in rows}


def failing(conn: Connection, ids: Iterable[str]) -> set[str]:
    """Those of `ids` that took nothing since they failed."""
    fails = and_(among(conn, _c.id, ids), _c.failing_since.is_not(None))
    return set(conn.execute(select(_c.id).where(fails)).scalars())


def worked(conn: Connection, ids: Iterable[str]) -> None:
    conn.execute(
        update(_endpoints)
        .where(_c.id.in_(sorted(set(ids))), _c.failing_since.is_not(None))
        .values(failing_since=None)
    )


def failed(conn: Connection, endpoint: str, now: int) -> None:
    """Remember since when it fails; after five days without a success it is disabled."""
    conn.execute(
        update(_endpoints).where(_c.id == endpoint, _c.failing_since.is_(None)).values(failing_since=now)
    )
    long_since = and_(_c.id == endpoint, _c.failing_since <= now - GIVE_UP, _c.disabled_at.is_(None))
    if conn.execute(select(_c.id).where(long_since)).first() is not None:
        disable(conn, endpoint, SILENT, now)


def _is(shop: str, endpoint: str) -> ColumnElement[bool]:
    return and_(_c.id == endpoint, _c.shop == shop, _c.deleted_at.is_(None))


def _place(endpoint: str) -> str:
    return f"endpoints.secret.{endpoint}"


def _endpoint(row: Row[Any]) -> Endpoint:
    return Endpoint(
        row.id, row.shop, row.url, tuple(orjson.loads(row.types)), row.created,
        row.disabled_at, row.disabled_reason, row.failing_since, row.paused_at,
    )  # fmt: skip


def _target(conn: Connection, row: Row[Any], now: int) -> Target:
    sealed = [row.secret]
    if row.old_secret is not None and row.old_secret_until > now:
        sealed.append(row.old_secret)
    opened = tuple(sealer(conn).open(each, _place(row.id)) for each in sealed)
    disabled = row.disabled_reason if row.disabled_at is not None else None
    return Target(row.url, opened, row.failing_since is not None, row.deleted_at is not None, disabled)
