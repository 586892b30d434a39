"""What has to be told to the outside, and how often that was tried. Owner of the tables `outbox` and `attempts`.

A row is written in the transaction that is its cause, under a key made from that cause, so nothing is told because of
a crash or a repetition. It holds the count of attempts and the time of the next; whoever sends it takes a lease first,
and a sender that dies loses it. The row's id is the receiver's idempotency key and never changes, nor does its body.
"""

import secrets as random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Row,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    func,
    insert,
    literal_column,
    select,
    tuple_,
    update,
)

from widget_server.contract.times import MINUTE, format_time

from .db import Key, insert_ignore, metadata

STATES = ("due", "done", "dead", "cancelled")
EXCERPT = 500

_outbox = Table(
    "outbox",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", Key, nullable=False),
    Column("key", Key, nullable=False),
    Column("kind", String, nullable=False),
    Column("endpoint", Key, nullable=False),
    Column("type", String, nullable=False),
    Column("body", Text),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("lease_by", String),
    Column("last_error", Text),
    Column("created", BigInteger, nullable=False),
    Column("ended", BigInteger),
    UniqueConstraint("shop", "key", name="outbox_key"),
    Index("outbox_ended", "ended", "state"),
    Index("outbox_shop", "shop", "created", "id"),
)
_c = _outbox.c
# Written into the statements as it stands in the indexes, so that both databases see that these fit.
_IS_DUE = _c.state == literal_column("'due'")
# Only what is due is looked for every second, and it is little beside what is done.
_due_only: dict[str, Any] = {"sqlite_where": _IS_DUE, "postgresql_where": _IS_DUE}
Index("outbox_due_endpoint", _c.endpoint, _c.next_at, _c.id, **_due_only)
Index("outbox_due_next", _c.next_at, **_due_only)

_attempts = Table(
    "attempts",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("outbox", Key, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("took", Integer, nullable=False),
    Column("excerpt", Text, nullable=False),
    Index("attempts_outbox", "outbox", "number"),
)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message to be told. `key` names its cause and is unique in the shop for ever."""

    shop: str
    key: str
    endpoint: str
    type: str
    body: str
    kind: str = "Notify"


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """A score that an endpoint wants to hear of."""

    shop: str
    endpoint: str
    question: str
    metric: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that nobody else sends until `lease_until`. `attempts` were made before."""

    id: str
    shop: str
    key: str
    kind: str
    endpoint: str
    type: str
    body: str | None
    attempts: int
    created: int
    lease_until: int
    lease_by: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: when, what was answered (`status`, `excerpt`) or went wrong (`error`), and how many ms it took."""

    at: int
    status: int | None
    error: str | None
    took: int
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row as people see it."""

    id: str
    shop: str
    endpoint: str
    type: str
    state: str
    attempts: int
    created: int
    next_at: int | None
    ended: int | None
    last_error: str | None


def webhook_body(event_type: str, at: int, data: Any) -> str:
    """The JSON of a webhook, as the standard recommends it."""
    return orjson.dumps({"type": event_type, "timestamp": format_time(at), "data": data}).decode()


def add(conn: Connection, rows: Iterable[OutboxRow], now: int) -> None:
    """Queue `rows` for sending now; those whose key is known are left as they are."""
    insert_ignore(
        conn, _outbox, [_new(r.shop, r.key, r.endpoint, r.type, r.body, now, now, r.kind) for r in rows]
    )


def add_scores(conn: Connection, changes: Iterable[ScoreChange], now: int) -> None:
    """Queue `score.updated` for the end of this minute, once for each change; the body is made when it is sent.

    The rows stay locked until this transaction ends, so a sender either finds its numbers or leaves the row alone.
    Where the body was made just before, the next minute tells it.
    """
    changes = list(dict.fromkeys(changes))
    minute = now // MINUTE
    _add_scores(conn, changes, minute, now)
    told = _locked_and_told(conn, changes, minute)
    _add_scores(
        conn, [each for each in changes if (each.shop, _score_key(each, minute)) in told], minute + 1, now
    )


def score_of(row: Claimed) -> tuple[str, str]:
    """Question and metric of a `score.updated`."""
    _, _, question, metric, _ = row.key.split(":")
    return question, metric


def is_due(conn: Connection, now: int) -> bool:
    """Whether anything waits to be sent."""
    return conn.execute(select(_c.id).where(_is_free(now)).limit(1)).first() is not None


def claim(
    conn: Connection,
    *,
    now: int,
    lease: int,
    limit: int,
    by: str,
    each: int = 10,
    without: Collection[str] = (),
) -> list[Claimed]:
    """Take a lease of `lease` ms on up to `limit` due rows, at most `each` of one endpoint and none of `without`.

    Fair: every shop's first row comes before any shop's second, and so with the endpoints of a shop.
    """
    first = [row for row in _first_due(conn, now) if row.endpoint not in without]
    chosen = [row.endpoint for row in _by_turns(first, lambda row: row.shop)][:limit]
    share = min(each, -(-limit // max(1, len(chosen))))
    due: list[Row[Any]] = []
    for endpoint in chosen:
        due += conn.execute(_oldest_due(now).where(_c.endpoint == endpoint).limit(share))
    turns = _by_turns(_by_turns(due, lambda row: row.endpoint), lambda row: row.shop)
    return _take(conn, [row.id for row in turns[:limit]], now, lease, by)


def freeze(conn: Connection, row: Claimed, body: str) -> None:
    """Give a row its body, which it keeps from now on."""
    conn.execute(update(_outbox).where(_c.id == row.id, _c.body.is_(None)).values(body=body))


def finish(conn: Connection, taken: Sequence[tuple[Claimed, Attempt]]) -> None:
    """They were taken. Also when the lease was lost meanwhile: the other side has it."""
    if not taken:
        return
    conn.execute(insert(_attempts), [_tried(row, attempt) for row, attempt in taken])
    ids = [row.id for row, _ in taken]
    done = {
        "state": "done",
        "ended": max(attempt.at for _, attempt in taken),
        "lease_until": 0,
        "last_error": None,
    }
    conn.execute(update(_outbox).where(_c.id.in_(ids), _IS_DUE).values(attempts=_c.attempts + 1, **done))


def retry_later(conn: Connection, row: Claimed, attempt: Attempt, next_at: int) -> None:
    """It failed; nobody tries again before `next_at`."""
    _record(conn, row, attempt)
    changed = {
        "attempts": row.attempts + 1,
        "next_at": next_at,
        "lease_until": 0,
        "last_error": attempt.error,
    }
    conn.execute(update(_outbox).where(_is_mine(row)).values(changed))


def give_up(conn: Connection, row: Claimed, attempt: Attempt) -> None:
    """It failed for good; somebody has to replay it."""
    _record(conn, row, attempt)
    dead = {"state": "dead", "attempts": row.attempts + 1, "ended": attempt.at, "lease_until": 0}
    conn.execute(update(_outbox).where(_is_mine(row)).values(dead | {"last_error": attempt.error}))


def release(conn: Connection, rows: Iterable[Claimed]) -> None:
    """Nothing was tried; anybody may take these rows at once."""
    for row in rows:
        conn.execute(update(_outbox).where(_is_mine(row)).values(lease_until=0))


def cancel(conn: Connection, row: Claimed, reason: str, now: int) -> None:
    """There is nothing to tell, or nobody to be told."""
    over = {"state": "cancelled", "ended": now, "lease_until": 0, "last_error": reason}
    conn.execute(update(_outbox).where(_is_mine(row)).values(over))


def kill(conn: Connection, row: Claimed, reason: str, now: int) -> None:
    """It cannot be sent as things are; it can be replayed."""
    over = {"state": "dead", "ended": now, "lease_until": 0, "last_error": reason}
    conn.execute(update(_outbox).where(_is_mine(row)).values(over))


def cancel_queued(conn: Connection, endpoint: str, reason: str, now: int) -> None:
    queued = and_(_c.endpoint == endpoint, _IS_DUE)
    conn.execute(update(_outbox).where(queued).values(state="cancelled", ended=now, last_error=reason))


def kill_queued(conn: Connection, endpoint: str, reason: str, now: int) -> None:
    queued = and_(_c.endpoint == endpoint, _IS_DUE)
    conn.execute(update(_outbox).where(queued).values(state="dead", ended=now, last_error=reason))


def replay(conn: Connection, now: int, *, shop: str | None = None, delivery: str | None = None) -> list[str]:
    """Send again: one delivery whatever became of it, or all dead ones (of `shop`). Returns their endpoints.

    What was cancelled stays so. The schedule begins anew; id and body stay the same.
    """
    wanted: list[ColumnElement[bool]] = [_c.state.in_(("dead", "done")) if delivery else _c.state == "dead"]
    if delivery is not None:
        wanted.append(_c.id == delivery)
    if shop is not None:
        wanted.append(_c.shop == shop)
    again = {"state": "due", "attempts": 0, "next_at": now, "lease_until": 0, "ended": None}
    return list(conn.execute(update(_outbox).where(*wanted).values(again).returning(_c.endpoint)).scalars())


def deliveries(
    conn: Connection,
    *,
    shop: str | None = None,
    state: str | None = None,
    endpoint: str | None = None,
    delivery: str | None = None,
    before: tuple[int, str] | None = None,
    limit: int = 100,
) -> list[Delivery]:
    """Newest first. `before` is (created, id) of the last one of the page before."""
    query = select(_outbox).order_by(_c.created.desc(), _c.id.desc()).limit(limit)
    for column, value in ((_c.shop, shop), (_c.state, state), (_c.endpoint, endpoint), (_c.id, delivery)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(tuple_(_c.created, _c.id) < tuple_(*before))
    return [_delivery(row) for row in conn.execute(query)]


def attempts(conn: Connection, delivery: str) -> list[Attempt]:
    """All tries of one delivery, oldest first."""
    a = _attempts.c
    rows = conn.execute(select(_attempts).where(a.outbox == delivery).order_by(a.number))
    return [Attempt(row.at, row.status, row.error, row.took, row.excerpt) for row in rows]


def counts(conn: Connection) -> dict[str, int]:
    """How many rows are in each state, for /metrics."""
    found = {
        row.state: row.n for row in conn.execute(select(_c.state, func.count().label("n")).group_by(_c.state))
    }
    return {state: int(found.get(state, 0)) for state in STATES}


def prune(conn: Connection, before: int, limit: int = 2000) -> int:
    """Forget up to `limit` rows that ended before `before`, with their attempts. Returns how many."""
    old = list(conn.execute(select(_c.id).where(_c.ended < before).limit(limit)).scalars())
    for start in range(0, len(old), 500):
        part = old[start : start + 500]
        conn.execute(delete(_attempts).where(_attempts.c.outbox.in_(part)))
        conn.execute(delete(_outbox).where(_c.id.in_(part)))
    return len(old)


def _new(
    shop: str,
    key: str,
    endpoint: str,
    event_type: str,
    body: str | None,
    now: int,
    next_at: int,
    kind: str = "Notify",
) -> dict[str, Any]:
    return {
        "id": "msg_" + random.token_hex(16), "shop": shop, "key": key, "kind": kind, "endpoint": endpoint,
        "type": event_type, "body": body, "state": "due", "attempts": 0, "next_at": next_at, "lease_until": 0,
        "created": now,
    }  # fmt: skip


def _score_key(change: ScoreChange, minute: int) -> str:
    return f"score.updated:{change.endpoint}:{change.question}:{change.metric}:{minute}"


def _add_scores(conn: Connection, changes: Sequence[ScoreChange], minute: int, now: int) -> None:
    rows = [
        _new(
            each.shop,
            _score_key(each, minute),
            each.endpoint,
            "score.updated",
            None,
            now,
            (minute + 1) * MINUTE,
        )
        for each in changes
    ]
    insert_ignore(conn, _outbox, rows)


def _locked_and_told(conn: Connection, changes: Sequence[ScoreChange], minute: int) -> set[tuple[str, str]]:
    keys = sorted((each.shop, _score_key(each, minute)) for each in changes)
    told: set[tuple[str, str]] = set()
    for start in range(0, len(keys), 500):
        part = keys[start : start + 500]
        rows = conn.execute(
            select(_c.shop, _c.key, _c.body, _c.state)
            .where(tuple_(_c.shop, _c.key).in_(part))
            .order_by(_c.shop, _c.key)
            .with_for_update()
        )
        told.update((row.shop, row.key) for row in rows if row.body is not None or row.state != "due")
    return told


def _is_free(now: int) -> ColumnElement[bool]:
    return and_(_IS_DUE, _c.next_at <= now, _c.lease_until <= now)


def _oldest_due(now: int) -> Select[Any]:
    return select(_c.id, _c.shop, _c.endpoint).where(_is_free(now)).order_by(_c.next_at, _c.id)


def _first_due(conn: Connection, now: int) -> Sequence[Row[Any]]:
    """The oldest due row of every endpoint that has one, oldest first.

    Goes through the index from endpoint to endpoint, so it costs the same however many rows wait for one of them.
    """
    other = _outbox.alias("other")
    waits = other.c.state == literal_column("'due'")
    lowest = select(other.c.endpoint).where(waits).order_by(other.c.endpoint).limit(1)
    names = select(lowest.scalar_subquery().label("endpoint")).cte("names", recursive=True)
    following = lowest.where(other.c.endpoint > names.c.endpoint).scalar_subquery()
    names = names.union_all(select(following).where(names.c.endpoint.is_not(None)))
    oldest = (
        select(_c.id)
        .where(_c.endpoint == names.c.endpoint, _is_free(now))
        .order_by(_c.next_at, _c.id)
        .limit(1)
    )
    ids = list(conn.execute(select(oldest.scalar_subquery().label("id")).select_from(names)).scalars())
    known = [each for each in ids if each is not None]
    return conn.execute(_oldest_due(now).where(_c.id.in_(known))).all()


def _by_turns(rows: Sequence[Row[Any]], group: Callable[[Row[Any]], str]) -> list[Row[Any]]:
    """Every group's first row before any group's second; else in the order given."""
    seen: Counter[str] = Counter()
    turns = []
    for number, row in enumerate(rows):
        name = group(row)
        turns.append((seen[name], number, row))
        seen[name] += 1
    return [row for _, _, row in sorted(turns, key=lambda turn: turn[:2])]


def _is_mine(row: Claimed) -> ColumnElement[bool]:
    return and_(_c.id == row.id, _IS_DUE, _c.lease_by == row.lease_by, _c.lease_until == row.lease_until)


def _take(conn: Connection, ids: Sequence[str], now: int, lease: int, by: str) -> list[Claimed]:
    """Those that no other sender was faster to take, in the order of `ids`."""
    if not ids:
        return []
    place = {each: number for number, each in enumerate(ids)}
    if conn.dialect.name == "postgresql":
        # Rows that another transaction holds are left to it. SQLite has one writer, who has just seen what is free.
        free = select(_c.id).where(_c.id.in_(ids), _is_free(now)).order_by(_c.id)
        ids = list(conn.execute(free.with_for_update(skip_locked=True)).scalars())
    taken = conn.execute(
        update(_outbox).where(_c.id.in_(ids)).values(lease_until=now + lease, lease_by=by).returning(_outbox)
    )
    return sorted((_claimed(row) for row in taken), key=lambda row: place[row.id])


def _record(conn: Connection, row: Claimed, attempt: Attempt) -> None:
    conn.execute(insert(_attempts), _tried(row, attempt))


def _tried(row: Claimed, attempt: Attempt) -> dict[str, Any]:
    return {
        "outbox": row.id, "at": attempt.at, "status": attempt.status, "error": attempt.error, "took": attempt.took,
        "excerpt": attempt.excerpt[:EXCERPT],
    }  # fmt: skip


def _claimed(row: Row[Any]) -> Claimed:
    return Claimed(
        row.id, row.shop, row.key, row.kind, row.endpoint, row.type, row.body, row.attempts, row.created,
        row.lease_until, row.lease_by,
    )  # fmt: skip


def _delivery(row: Row[Any]) -> Delivery:
    next_at = row.next_at if row.state == "due" else None
    return Delivery(
        row.id, row.shop, row.endpoint, row.type, row.state, row.attempts, row.created, next_at, row.ended,
        row.last_error,
    )  # fmt: skip
