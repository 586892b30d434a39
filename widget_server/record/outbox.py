"""What has to be told to the outside, and how often that was tried. Owner of the tables `outbox` and `attempts`.

A row is written in the transaction that is its cause, under a key made from that cause, so nothing is told because of
a crash or a repetition. It holds the count of attempts and the time of the next; whoever sends it takes a lease first,
and a sender that dies loses it. The row's id is the receiver's idempotency key and never changes, nor does its body.
"""

import secrets as random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
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
    or_,
    select,
    tuple_,
    update,
)

from widget_server.contract.times import MINUTE, format_time

from .db import Key, among, insert_ignore, metadata
from .taking import Taken

_T = TypeVar("_T")

STATES = ("due", "done", "dead", "cancelled")
STAGES = ("planned", "sending", "done", "unknown", "failed", "cancelled")
EXCERPT = 500
REPLAYED_AT_ONCE = 1000
# So many rows a search looks at before it says where to go on.
LOOKED_AT = 5000
# Why something is not sent again.
GIVEN_BACK = "failed for good: what was paid for such a coupon was given back, so it can't be sent again"
STILL_WAITS = "still waits and is sent by itself, once its connection is not paused"
TAKEN_ONCE = "was taken: coupons and points are not sent twice"

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
    Column("began", BigInteger),  # the first attempt of this run through the schedule
    Column("next_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("lease_by", String),
    # An attempt was begun, and whether the other side did it nobody knows.
    Column("unknown", Boolean, nullable=False),
    Column("last_error", Text),
    Column("created", BigInteger, nullable=False),
    Column("ended", BigInteger),
    UniqueConstraint("shop", "key", name="outbox_key"),
    Index("outbox_ended", "ended", "state"),
    Index("outbox_shop", "shop", "created", "id"),
)
# What was in a message is in what it was about; it is kept for a while only.
taken = Taken(
    _outbox, ("created", "id"), ("id", "kind", "type", "endpoint", "state", "attempts", "created", "ended", "last_error"),
    left=("key", "body", "began", "next_at", "lease_until", "lease_by", "unknown"),
)  # fmt: skip
_c = _outbox.c
# Written into the statements as it stands in the indexes, so that both databases see that these fit.
_IS_DUE = _c.state == literal_column("'due'")
# Only what is due is looked for every second, and it is little beside what is done.
_due_only: dict[str, Any] = {"sqlite_where": _IS_DUE, "postgresql_where": _IS_DUE}
Index("outbox_due_endpoint", _c.endpoint, _c.next_at, _c.id, **_due_only)
Index("outbox_due_next", _c.next_at, **_due_only)
# What was given up is little beside what is done, unless something is wrong, and then somebody looks for it.
_IS_DEAD = _c.state == literal_column("'dead'")
_dead_only: dict[str, Any] = {"sqlite_where": _IS_DEAD, "postgresql_where": _IS_DEAD}
Index("outbox_dead_ended", _c.shop, _c.ended, **_dead_only)
# The state is among its columns so that SQLite prefers it to that of all rows.
Index("outbox_dead_shop", _c.shop, _c.state, _c.created, _c.id, **_dead_only)

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
    Column("request", Text, nullable=False),
    Index("attempts_outbox", "outbox", "number"),
)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message to be told. `key` names its cause and is unique in the shop for ever. Where `body` is None, it is made when
    the message is first sent, which is not before `not_before`."""

    shop: str
    key: str
    endpoint: str
    type: str
    body: str | None
    kind: str = "Notify"
    not_before: int = 0


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """A score that an endpoint wants to hear of."""

    shop: str
    endpoint: str
    question: str
    metric: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that nobody else sends until `lease_until`. `attempts` were made before. `unknown`: whether one of them did
    what it was to do was never told, also because its sender died."""

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
    began: int | None = None
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """Something waits for this endpoint."""

    shop: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: when, what was sent (`request`), what was answered (`status`, `excerpt`) or went wrong (`error`), and how
    many ms it took."""

    at: int
    status: int | None
    error: str | None
    took: int
    excerpt: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of what ended to send again: one `delivery`, or all of a shop, an endpoint, a time of their creation (`since`
    included, `until` not). Dead ones, unless `done` asks for those that were taken; one delivery in either state."""

    shop: str | None = None
    delivery: str | None = None
    endpoint: str | None = None
    since: int | None = None
    until: int | None = None
    done: bool = False


@dataclass(frozen=True, slots=True)
class Sought:
    """Which deliveries of a shop to show: all, or those in this state, to this endpoint, of this type, made in this time
    (`since` included, `until` not)."""

    shop: str
    state: str | None = None
    endpoint: str | None = None
    type: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many of those that somebody may want to send again are not, and why, as the rest of a sentence."""

    count: int
    why: str


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
    unknown: bool = False
    leased: bool = False

    @property
    def stage(self) -> str:
        """How far it is, in the words of `STAGES`: `unknown` when it may have been taken or not, `sending` when somebody
        is at it or was until now."""
        if self.state in ("dead", "due") and self.unknown:
            return "unknown"
        if self.state == "due":
            return "sending" if self.leased else "planned"
        return {"dead": "failed"}.get(self.state, self.state)


def webhook_body(event_type: str, at: int, data: Any) -> str:
    """The JSON of a webhook, as the standard recommends it."""
    return orjson.dumps({"type": event_type, "timestamp": format_time(at), "data": data}).decode()


def add(conn: Connection, rows: Iterable[OutboxRow], now: int) -> None:
    """Queue `rows` for sending; those whose key is known are left as they are."""
    new = [
        _new(r.shop, r.key, r.endpoint, r.type, r.body, now, max(now, r.not_before), r.kind) for r in rows
    ]
    insert_ignore(conn, _outbox, new)


def add_first(conn: Connection, row: OutboxRow, now: int) -> str:
    """Queue `row` before all that waits for its endpoint. Returns its id, or that of the row that has its key."""
    insert_ignore(conn, _outbox, [_new(row.shop, row.key, row.endpoint, row.type, row.body, now, 0, row.kind)])
    same = and_(_c.shop == row.shop, _c.key == row.key)
    return str(conn.execute(select(_c.id).where(same)).scalar_one())


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


def is_due(conn: Connection, now: int, without: Collection[str] = ()) -> bool:
    """Whether anything waits to be sent to others than `without`."""
    if without:
        return any(queue.endpoint not in without for queue in queues(conn, now))
    return conn.execute(select(_c.id).where(_is_free(now)).limit(1)).first() is not None


def queues(conn: Connection, now: int) -> list[Queue]:
    """All that something waits for, those that wait longest first.

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
    return [Queue(row.shop, row.endpoint) for row in conn.execute(_oldest_due(now).where(_c.id.in_(known)))]


def claim(
    conn: Connection,
    *,
    now: int,
    lease: int,
    limit: int,
    by: str,
    each: int = 10,
    single: Collection[str] = (),
    among: Sequence[Queue] | None = None,
) -> list[Claimed]:
    """Take a lease of `lease` ms on up to `limit` due rows of those `among` whom to choose, which are all where that is
    not given: at most `each` of one endpoint, and one of those in `single`.

    Fair: every shop's first row comes before any shop's second, and so with the endpoints of a shop.
    """
    first = queues(conn, now) if among is None else among
    chosen = [queue.endpoint for queue in by_turns(first, lambda queue: queue.shop)][:limit]
    share = min(each, -(-limit // max(1, len(chosen))))
    due: list[Row[Any]] = []
    for endpoint in chosen:
        most = 1 if endpoint in single else share
        due += conn.execute(_oldest_due(now).where(_c.endpoint == endpoint).limit(most))
    turns = by_turns(by_turns(due, lambda row: row.endpoint), lambda row: row.shop)
    return _take(conn, [row.id for row in turns[:limit]], now, lease, by)


def by_turns(each: Iterable[_T], group: Callable[[_T], str], had: Mapping[str, int] | None = None) -> list[_T]:
    """Every group's first before any group's second; else in the order given. What a group `had` before counts."""
    seen = Counter(had)
    turns = []
    for number, one in enumerate(each):
        name = group(one)
        turns.append((seen[name], number, one))
        seen[name] += 1
    return [one for _, _, one in sorted(turns, key=lambda turn: turn[:2])]


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


def retry_later(
    conn: Connection,
    row: Claimed,
    attempt: Attempt,
    next_at: int,
    counts: bool = True,
    unknown: bool = False,
) -> bool:
    """It failed; nobody tries again before `next_at`. Whether it `counts` among the attempts of the schedule, and whether
    the other side may have done it all the same is `unknown`. False when the row is no longer ours, which changes
    nothing but its history."""
    _record(conn, row, attempt)
    changed = {
        "attempts": row.attempts + counts,
        "began": attempt.at if row.began is None else row.began,
        "next_at": next_at,
        "lease_until": 0,
        "unknown": unknown,
        "last_error": attempt.error,
    }
    return bool(conn.execute(update(_outbox).where(_is_mine(row)).values(changed)).rowcount)


def give_up(conn: Connection, row: Claimed, attempt: Attempt, unknown: bool = False) -> bool:
    """It failed for good; somebody has to replay it. False when the row is no longer ours."""
    _record(conn, row, attempt)
    dead = {"state": "dead", "attempts": row.attempts + 1, "ended": attempt.at, "lease_until": 0}
    told = {"unknown": unknown, "last_error": attempt.error}
    return bool(conn.execute(update(_outbox).where(_is_mine(row)).values(dead | told)).rowcount)


def is_ours(conn: Connection, row: Claimed) -> bool:
    """Whether nobody else has taken or ended it since it was claimed."""
    return conn.execute(select(_c.id).where(_is_mine(row))).first() is not None


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


def postpone(conn: Connection, row: Claimed, next_at: int) -> None:
    """Nothing was tried, and nothing shall be before `next_at`."""
    conn.execute(update(_outbox).where(_is_mine(row)).values(lease_until=0, next_at=next_at))


def hurry(conn: Connection, endpoint: str, now: int) -> None:
    """What failed before is tried again now, and not when the schedule says: it works again."""
    late = and_(_c.endpoint == endpoint, _IS_DUE, _c.next_at > now, _c.began.is_not(None))
    conn.execute(update(_outbox).where(late).values(next_at=now))


def withdraw(conn: Connection, row: Claimed) -> bool:
    """Forget a message that surely reached nobody, so that its cause can be told to somebody else. False when it is no
    longer ours."""
    ours = is_ours(conn, row)
    _forget(conn, [row.id] if ours else [])
    return ours


def withdraw_queued(conn: Connection, endpoint: str, reason: str, now: int) -> list[str]:
    """Forget what surely reached nobody there, and give up what may have. What is being sent ends as it will. Returns the
    keys of what was forgotten."""
    idle = and_(_c.endpoint == endpoint, _IS_DUE, _c.lease_until == 0)
    sure = conn.execute(select(_c.id, _c.key).where(idle, ~_c.unknown)).all()
    over = {"state": "dead", "ended": now, "last_error": reason}
    conn.execute(update(_outbox).where(idle, _c.unknown).values(over))
    _forget(conn, [row.id for row in sure])
    return [row.key for row in sure]


def cancel_unsent(conn: Connection, shop: str, key: str, reason: str, now: int) -> bool:
    """Cancel a message that surely reached nobody. False when it did or may have, or when there is none."""
    unsent = and_(_c.shop == shop, _c.key == key, _IS_DUE, _c.lease_until == 0, ~_c.unknown)
    over = {"state": "cancelled", "ended": now, "last_error": reason}
    return bool(conn.execute(update(_outbox).where(unsent).values(over)).rowcount)


def by_key(conn: Connection, shop: str, key: str) -> Delivery | None:
    """The message that has this cause."""
    row = conn.execute(select(_outbox).where(_c.shop == shop, _c.key == key)).first()
    return None if row is None else _delivery(row)


def trouble(conn: Connection, endpoint: str) -> str | None:
    """Why something that waits for it was not taken yet, of what is tried again last."""
    tried = and_(_c.endpoint == endpoint, _IS_DUE, _c.last_error.is_not(None))
    query = select(_c.last_error).where(tried).order_by(_c.next_at.desc(), _c.id).limit(1)
    return conn.execute(query).scalar_one_or_none()


def known(conn: Connection, shop: str, keys: Iterable[str]) -> set[str]:
    """Those of `keys` under which there is a row, whatever became of it."""
    return set(conn.execute(select(_c.key).where(_c.shop == shop, among(conn, _c.key, list(keys)))).scalars())


def cancel_queued(conn: Connection, endpoint: str, reason: str, now: int) -> None:
    queued = and_(_c.endpoint == endpoint, _IS_DUE)
    conn.execute(update(_outbox).where(queued).values(state="cancelled", ended=now, last_error=reason))


def kill_queued(conn: Connection, endpoint: str, reason: str, now: int) -> None:
    queued = and_(_c.endpoint == endpoint, _IS_DUE)
    conn.execute(update(_outbox).where(queued).values(state="dead", ended=now, last_error=reason))


def replay(conn: Connection, now: int, wanted: Wanted, limit: int = REPLAYED_AT_ONCE) -> list[str]:
    """Send up to `limit` of `wanted` again. Returns the endpoint of each.

    What was cancelled stays so, and of what was taken only webhooks are sent again: a coupon is no news. The schedule
    begins anew; id and body stay the same. The oldest go first.
    """
    # What ends while a long replay goes on is not sent again by it.
    before = [_c.ended <= now] if wanted.delivery is None else []
    ids = select(_c.id).where(*before, *_filters(wanted)).order_by(_c.ended, _c.id).limit(limit)
    again = {"state": "due", "attempts": 0, "began": None, "next_at": _c.created, "lease_until": 0, "ended": None}
    # A lease that stands there still: it was given up while somebody was sending it.
    unknown = or_(_c.unknown, _c.lease_until > 0)
    changed = update(_outbox).where(_c.id.in_(ids)).values(again | {"unknown": unknown})
    return list(conn.execute(changed.returning(_c.endpoint)).scalars())


def left_out(conn: Connection, wanted: Wanted) -> list[LeftOut]:
    """What `replay` passes over although it failed, or was taken where that is asked for."""
    over = and_(_c.state == "dead", _c.kind == "IssueCoupon", ~_c.unknown)
    waits = and_(_IS_DUE, or_(_c.began.is_not(None), _c.unknown))
    taken = and_(_c.state == "done", _c.kind != "Notify")
    reasons = [(taken, TAKEN_ONCE)] if wanted.done else [(over, GIVEN_BACK), (waits, STILL_WAITS)]
    found = []
    for state, why in reasons:
        query = select(func.count()).select_from(_outbox).where(state, *_among(wanted))
        found.append(LeftOut(conn.execute(query).scalar_one(), why))
    return [each for each in found if each.count]


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


def search(
    conn: Connection, sought: Sought, before: tuple[int, str] | None = None, limit: int = 50
) -> tuple[list[Delivery], tuple[int, str] | None]:
    """Newest first, and (created, id) of where to go on, if there is more.

    No more than LOOKED_AT rows are looked at, so that it costs the same however rare the sought ones are; the page may be
    short, or empty, although there is more.
    """
    near = [_c.shop == sought.shop]
    if sought.state == "dead":
        near.append(_IS_DEAD)
    if sought.since is not None:
        near.append(_c.created >= sought.since)
    if sought.until is not None:
        near.append(_c.created < sought.until)
    if before is not None:
        near.append(tuple_(_c.created, _c.id) < tuple_(*before))
    newest = (_c.created.desc(), _c.id.desc())
    columns = [column for column in _c if column is not _c.body]
    window = select(*columns).where(*near).order_by(*newest).limit(LOOKED_AT).subquery()
    w = window.c
    equal = ((w.state, sought.state), (w.endpoint, sought.endpoint), (w.type, sought.type))
    wanted = [column == value for column, value in equal if value is not None]
    query = select(window).where(*wanted).order_by(w.created.desc(), w.id.desc()).limit(limit + 1)
    found = [_delivery(row) for row in conn.execute(query)]
    if len(found) > limit:
        return found[:limit], (found[limit - 1].created, found[limit - 1].id)
    last = select(_c.created, _c.id).where(*near).order_by(*newest).offset(LOOKED_AT - 1).limit(1)
    row = conn.execute(last).first()
    return found, None if row is None else (row.created, row.id)


def given_up(conn: Connection, shop: str, since: int, most: int) -> int:
    """How many of the shop's messages were given up after `since`; `most` may be more."""
    some = select(_c.id).where(_c.shop == shop, _IS_DEAD, _c.ended > since).limit(most).subquery()
    return int(conn.execute(select(func.count()).select_from(some)).scalar_one())


def waiting(conn: Connection, endpoint: str, most: int) -> int:
    """How many messages wait for it; `most` may be more."""
    some = select(_c.id).where(_c.endpoint == endpoint, _IS_DUE).limit(most).subquery()
    return int(conn.execute(select(func.count()).select_from(some)).scalar_one())


def last_failure(conn: Connection, shop: str, endpoint: str) -> Attempt | None:
    """The last try that failed, of what waits for it or was given up."""
    tried = and_(_c.endpoint == endpoint, _IS_DUE, _c.last_error.is_not(None))
    query = select(_c.id).where(tried).order_by(_c.next_at.desc(), _c.id).limit(1)
    found = conn.execute(query).scalar_one_or_none()
    if found is None:
        newest = select(_c.id, _c.endpoint, _c.attempts, _c.created).where(_c.shop == shop, _IS_DEAD)
        window = newest.order_by(_c.created.desc(), _c.id.desc()).limit(LOOKED_AT).subquery()
        theirs = (window.c.endpoint == endpoint, window.c.attempts > 0)
        dead = select(window.c.id).where(*theirs).order_by(window.c.created.desc(), window.c.id.desc()).limit(1)
        found = conn.execute(dead).scalar_one_or_none()
    if found is None:
        return None
    a = _attempts.c
    failed = select(_attempts).where(a.outbox == found, a.error.is_not(None)).order_by(a.number.desc()).limit(1)
    row = conn.execute(failed).first()
    return None if row is None else _attempt(row)


def body(conn: Connection, delivery: str) -> str | None:
    """What is sent; None until it is made."""
    found = conn.execute(select(_c.body).where(_c.id == delivery)).scalar_one_or_none()
    return None if found is None else str(found)


def attempts(conn: Connection, delivery: str) -> list[Attempt]:
    """All tries of one delivery, oldest first."""
    a = _attempts.c
    rows = conn.execute(select(_attempts).where(a.outbox == delivery).order_by(a.number))
    return [_attempt(row) for row in rows]


def counts(conn: Connection) -> dict[str, int]:
    """How many rows are in each state, for /metrics."""
    found = {
        row.state: row.n for row in conn.execute(select(_c.state, func.count().label("n")).group_by(_c.state))
    }
    return {state: int(found.get(state, 0)) for state in STATES}


def prune(conn: Connection, before: int, limit: int = 2000) -> int:
    """Forget up to `limit` rows that ended before `before`, with their attempts. Returns how many."""
    old = list(conn.execute(select(_c.id).where(_c.ended < before).limit(limit)).scalars())
    _forget(conn, old)
    return len(old)


def _forget(conn: Connection, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        conn.execute(delete(_attempts).where(_attempts.c.outbox.in_(part)))
        conn.execute(delete(_outbox).where(_c.id.in_(part)))


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
        "unknown": False, "created": now,
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


def _filters(wanted: Wanted) -> list[ColumnElement[bool]]:
    taken = and_(_c.state == "done", _c.kind == "Notify")
    # A coupon that failed for good is over: what was paid for it has been given back.
    failed = and_(_c.state == "dead", or_(_c.kind != "IssueCoupon", _c.unknown))
    state = or_(failed, taken) if wanted.delivery is not None else taken if wanted.done else failed
    return [state, *_among(wanted)]


def _among(wanted: Wanted) -> list[ColumnElement[bool]]:
    equal = ((_c.shop, wanted.shop), (_c.id, wanted.delivery), (_c.endpoint, wanted.endpoint))
    found = [column == value for column, value in equal if value is not None]
    if wanted.since is not None:
        found.append(_c.created >= wanted.since)
    if wanted.until is not None:
        found.append(_c.created < wanted.until)
    return found


def _is_free(now: int) -> ColumnElement[bool]:
    return and_(_IS_DUE, _c.next_at <= now, _c.lease_until <= now)


def _oldest_due(now: int) -> Select[Any]:
    return select(_c.id, _c.shop, _c.endpoint).where(_is_free(now)).order_by(_c.next_at, _c.id)


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
    # A lease that stands there still ended without a word: its holder died, perhaps in the middle of sending.
    unknown = or_(_c.unknown, _c.lease_until > 0)
    taken = conn.execute(
        update(_outbox)
        .where(_c.id.in_(ids))
        .values(lease_until=now + lease, lease_by=by, unknown=unknown)
        .returning(_outbox)
    )
    return sorted((_claimed(row) for row in taken), key=lambda row: place[row.id])


def _record(conn: Connection, row: Claimed, attempt: Attempt) -> None:
    conn.execute(insert(_attempts), _tried(row, attempt))


def _tried(row: Claimed, attempt: Attempt) -> dict[str, Any]:
    return {
        "outbox": row.id, "at": attempt.at, "status": attempt.status, "error": attempt.error, "took": attempt.took,
        "excerpt": attempt.excerpt[:EXCERPT], "request": attempt.request,
    }  # fmt: skip


def _claimed(row: Row[Any]) -> Claimed:
    return Claimed(
        row.id, row.shop, row.key, row.kind, row.endpoint, row.type, row.body, row.attempts, row.created,
        row.lease_until, row.lease_by, row.began, row.unknown,
    )  # fmt: skip


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(row.at, row.status, row.error, row.took, row.excerpt, row.request)


def _delivery(row: Row[Any]) -> Delivery:
    next_at = max(row.next_at, row.created) if row.state == "due" else None
    return Delivery(
        row.id, row.shop, row.endpoint, row.type, row.state, row.attempts, row.created, next_at, row.ended,
        row.last_error, row.unknown, row.lease_until > 0,
    )  # fmt: skip
