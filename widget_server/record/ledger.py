"""The points ledger. Owner of the tables `ledger` and `ledger_given`.

Append-only: the database itself refuses every change and every deletion, but for the erasure of a customer, which puts
a tombstone in place of a name and touches no number. UNIQUE by (shop, rule, source, n), so that no repetition can add a
line twice. `ledger_given` is what each rule has given by day and altogether, kept beside it for the caps.

Whoever writes holds the lock of the shop (`lock_shops`).
"""

import hmac
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    Table,
    Text,
    UniqueConstraint,
    and_,
    case,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from widget_server.contract import points as points_of
from widget_server.contract.points import ADJUST, EXPIRY, REDEEM, Balance, Due, Entry, Kind, Room
from widget_server.contract.times import local_day

from . import loyalty
from .db import Key, add_up, among, metadata, sealer
from .taking import Taken

_ledger = Table(
    "ledger",
    metadata,
    Column("id", Key, primary_key=True),
    Column("shop", Key, nullable=False),
    Column("customer", Key, nullable=False),
    Column("rule", Key, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("source", Key, nullable=False),
    Column("n", Integer, nullable=False),
    Column("kind", Key, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("available_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("day", Key, nullable=False),
    Column("why", Text, nullable=False),
    # The source first: a batch asks for the lines of its sources, whatever their rules.
    UniqueConstraint("shop", "source", "rule", "n", name="ledger_once"),
    Index("ledger_customer", "shop", "customer", "at", "id"),
)
taken = Taken(
    _ledger, ("customer", "at", "id"),
    ("id", "customer", "kind", "points", "at", "available_at", "expires_at", "rule", "rule_version", "source", "why"),
    left=("n", "day"),
)  # fmt: skip
_c = _ledger.c
Index(
    "ledger_expires", _c.shop, _c.expires_at,
    sqlite_where=_c.expires_at.is_not(None), postgresql_where=_c.expires_at.is_not(None),
)  # fmt: skip

_given = Table(
    "ledger_given",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("rule", Key, primary_key=True),
    Column("day", Key, primary_key=True),  # empty: altogether
    Column("points", BigInteger, nullable=False),
)


def settle(conn: Connection, shop: str, dues: Iterable[Due], now: int, zone: str = "UTC") -> list[Entry]:
    """Write the lines that are missing between the ledger and `dues`, and return them. `zone` is the shop's: it says
    which day a cap counts a fact for.

    No query when nothing is due, else the same few however many are. Nothing is written where nothing is missing.
    """
    wanted = {(due.rule, due.source): due for due in dues}
    if not wanted:
        return []
    present = _by_source(conn, shop, {source for _, source in wanted})
    days = {name: _day(due, present.get(name, ()), zone) for name, due in wanted.items()}
    room = _room(conn, shop, wanted, days, present)
    terms = loyalty.of_shop(conn, shop) if _may_grow(wanted, present) else loyalty.FIRST
    made = points_of.settle(
        [(due, days[name]) for name, due in wanted.items()], present, room, now, terms.expire_days
    )
    added = add(conn, shop, made)
    return added + _give_back_expired(conn, shop, present, added, now)


def add(conn: Connection, shop: str, entries: Sequence[Entry]) -> list[Entry]:
    """Append `entries`, which get their ids, whatever they do to a balance."""
    if not entries:
        return []
    key = _key(conn, shop)
    named = [_named(entry, key) for entry in entries]
    conn.execute(insert(_ledger), [_row(shop, entry) for entry in named])
    given: dict[tuple[str, str], int] = defaultdict(int)
    for entry in named:
        if entry.rule not in (REDEEM, EXPIRY, ADJUST):
            given[entry.rule, ""] += entry.points
            given[entry.rule, entry.day] += entry.points
    rows = [{"shop": shop, "rule": rule, "day": day, "points": n} for (rule, day), n in given.items() if n]
    add_up(conn, _given, rows, "points")
    return named


def balance(conn: Connection, shop: str, customer: str, now: int) -> Balance:
    """What `customer` may spend at `now`, and what is pending."""
    return balances(conn, shop, [customer], now)[customer]


def balances(conn: Connection, shop: str, customers: Iterable[str], now: int) -> dict[str, Balance]:
    """The balance of each of `customers`, of strangers too."""
    wanted = list(customers)
    query = _sums(now).where(_c.shop == shop, among(conn, _c.customer, wanted))
    found = {row.customer: _balance(row) for row in conn.execute(query)}
    return {customer: found.get(customer, Balance()) for customer in wanted}


def customers(conn: Connection, shop: str, now: int, after: str, limit: int) -> list[tuple[str, Balance]]:
    """Everybody who has lines, by name, from behind `after`."""
    page = select(_c.customer).where(_c.shop == shop, _c.customer > after).distinct().order_by(_c.customer).limit(limit)
    names = list(conn.execute(page).scalars())
    if not names:
        return []
    within = and_(_c.shop == shop, _c.customer >= names[0], _c.customer <= names[-1])
    rows = conn.execute(_sums(now).where(within).order_by(_c.customer))
    return [(row.customer, _balance(row)) for row in rows]


def has_lines(conn: Connection, shop: str, customer: str) -> bool:
    return conn.execute(select(_c.id).where(_c.shop == shop, _c.customer == customer).limit(1)).first() is not None


def by_id(conn: Connection, shop: str, entry: str) -> Entry | None:
    """The line that a message is about."""
    row = conn.execute(select(_ledger).where(_c.shop == shop, _c.id == entry)).first()
    return None if row is None else _entry(row)


def of_customer(
    conn: Connection, shop: str, customer: str, before: tuple[int, str] | None = None, limit: int | None = None
) -> list[Entry]:
    """The lines of a customer, newest first. `before` is (at, id) of the last one of the page before."""
    query = select(_ledger).where(_c.shop == shop, _c.customer == customer).order_by(_c.at.desc(), _c.id.desc())
    if before is not None:
        query = query.where(tuple_(_c.at, _c.id) < tuple_(*before))
    return [_entry(row) for row in conn.execute(query if limit is None else query.limit(limit))]


def of_customers(conn: Connection, shop: str, names: Iterable[str]) -> dict[str, list[Entry]]:
    """All lines of each of these customers."""
    found: dict[str, list[Entry]] = {name: [] for name in names}
    rows = conn.execute(select(_ledger).where(_c.shop == shop, among(conn, _c.customer, found)).order_by(_c.at, _c.id))
    for row in rows:
        found[row.customer].append(_entry(row))
    return found


def of_source(conn: Connection, shop: str, rule: str, source: str) -> list[Entry]:
    """The lines of one rule and source, in the order they were written."""
    rows = conn.execute(select(_ledger).where(_is(shop, rule, source)).order_by(_c.n))
    return [_entry(row) for row in rows]


def of_shop(conn: Connection, shop: str) -> Iterator[Entry]:
    """Every line of a shop, those of one source together."""
    query = select(_ledger).where(_c.shop == shop).order_by(_c.source, _c.rule, _c.n)
    for row in conn.execute(query.execution_options(yield_per=500)):
        yield _entry(row)


def given(conn: Connection, shop: str) -> dict[tuple[str, str], int]:
    """What is kept of what each rule gave, by rule and day; the day is empty for all days together."""
    rows = conn.execute(select(_given).where(_given.c.shop == shop))
    return {(row.rule, row.day): row.points for row in rows}


def with_overdue(conn: Connection, shop: str, since: int, until: int, after: str, limit: int) -> list[str]:
    """Customers, by name from behind `after`, some line of whom was over within (since, until]."""
    over = and_(_c.shop == shop, _c.expires_at.is_not(None), _c.expires_at > since, _c.expires_at <= until)
    # Else SQLite goes through all customers, only because they have to be sorted.
    found = select(_c.customer).where(over).cte("found").prefix_with("MATERIALIZED")
    query = select(found.c.customer).where(found.c.customer > after).distinct().order_by(found.c.customer).limit(limit)
    return list(conn.execute(query).scalars())


def erase(conn: Connection, shop: str, customer: str, name: str) -> None:
    """Put the tombstone `name` in the place of a customer, in sources that name it too. Every number stays."""
    rows = conn.execute(select(_c.id, _c.source, _c.why).where(_c.shop == shop, _c.customer == customer)).all()
    for row in rows:
        changed = {"customer": name, "source": points_of.unnamed(row.source, customer, name), "why": _without_reason(row.why)}
        conn.execute(update(_ledger).where(_c.id == row.id).values(changed))


def _by_source(conn: Connection, shop: str, sources: Iterable[str]) -> dict[tuple[str, str], list[Entry]]:
    query = select(_ledger).where(_c.shop == shop, among(conn, _c.source, sorted(sources))).order_by(_c.n)
    found: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for row in conn.execute(query):
        found[row.rule, row.source].append(_entry(row))
    return found


def _day(due: Due, lines: Sequence[Entry], zone: str) -> str:
    return lines[0].day if lines else local_day(due.at, zone)


def _may_grow(wanted: Mapping[tuple[str, str], Due], present: points_of.Lines) -> bool:
    return any(
        due.points > sum(line.points for line in present.get(name, ()) if line.customer == due.customer)
        for name, due in wanted.items()
    )


def _room(
    conn: Connection,
    shop: str,
    wanted: Mapping[tuple[str, str], Due],
    days: Mapping[tuple[str, str], str],
    present: points_of.Lines,
) -> Room:
    """What the capped rules among `wanted` have given. Nothing is asked when none is capped or none gives more."""
    room = Room()
    capped = {name: due for name, due in wanted.items() if due.caps is not None and due.points}
    if not capped or not _may_grow(capped, present):
        return room
    rules = sorted({due.rule for due in capped.values()})
    in_rules = and_(_given.c.shop == shop, among(conn, _given.c.rule, rules))
    wanted_days = among(conn, _given.c.day, sorted({"", *(days[name] for name in capped)}))
    for row in conn.execute(select(_given).where(in_rules, wanted_days)):
        room.given[row.rule, "day" if row.day else "total", row.day] = row.points
    by_customer = [due for due in capped.values() if due.caps is not None and due.caps.customer is not None]
    if by_customer:
        theirs = (
            _c.shop == shop,
            among(conn, _c.customer, sorted({due.customer for due in by_customer})),
            among(conn, _c.rule, sorted({due.rule for due in by_customer})),
        )
        total = func.sum(_c.points).label("points")
        for row in conn.execute(select(_c.rule, _c.customer, total).where(*theirs).group_by(_c.rule, _c.customer)):
            room.given[row.rule, "customer", row.customer] = int(row.points)
    return room


def _give_back_expired(
    conn: Connection, shop: str, present: points_of.Lines, added: Sequence[Entry], now: int
) -> list[Entry]:
    """What expired and is taken back now would be taken twice, so that its expiry is undone."""
    taken = {(entry.rule, entry.source, entry.customer) for entry in added if entry.points < 0}
    reduced = {
        line.id: line
        for rule, source, customer in taken
        for line in present.get((rule, source), ())
        if line.customer == customer and line.expires_at is not None and line.expires_at <= now
    }
    if not reduced:
        return []
    lines = of_customers(conn, shop, {line.customer for line in reduced.values()})
    surplus = {
        name: points
        for theirs in lines.values()
        for name, points in points_of.expired_too_much(theirs, reduced).items()
    }
    expiries = _by_source(conn, shop, [f"expiry:{name}" for name in surplus])
    made = [
        Entry(
            reduced[name].customer, EXPIRY, 0, f"expiry:{name}", len(expiries[EXPIRY, f"expiry:{name}"]), "return",
            points, now, now, why={"because": "expired"},
        )
        for name, points in sorted(surplus.items())
    ]  # fmt: skip
    return add(conn, shop, made)


def _sums(now: int) -> Any:
    """As `contract.points.balance`."""
    counts = or_(_c.available_at <= now, and_(_c.points < 0, _c.available_at <= _c.at))
    approved = func.sum(case((counts, _c.points), else_=0)).label("approved")
    pending = func.sum(case((counts, 0), else_=_c.points)).label("pending")
    return select(_c.customer, approved, pending).group_by(_c.customer)


def _balance(row: Row[Any]) -> Balance:
    return Balance(int(row.approved), int(row.pending))


def _is(shop: str, rule: str, source: str) -> ColumnElement[bool]:
    return and_(_c.shop == shop, _c.rule == rule, _c.source == source)


def _key(conn: Connection, shop: str) -> str:
    return sealer(conn).key_for(f"ledger/ids/{shop}")


def _named(e: Entry, key: str) -> Entry:
    """With its id: keyed, so that a line whose customer was erased can't be found by guessing who it was.

    Not by `dataclasses.replace`, which cost more than writing the row.
    """
    told = orjson.dumps([e.rule, e.source, e.n])
    name = "pt_" + hmac.digest(key.encode(), told, "sha256").hex()[:24]
    return Entry(
        e.customer, e.rule, e.rule_version, e.source, e.n, e.kind, e.points, e.at, e.available_at, e.expires_at,
        e.day, e.why, name,
    )  # fmt: skip


def _without_reason(why: str) -> str:
    """What a person wrote about a customer goes with the customer."""
    return orjson.dumps({name: value for name, value in orjson.loads(why).items() if name != "reason"}).decode()


def _row(shop: str, entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id, "shop": shop, "customer": entry.customer, "rule": entry.rule,
        "rule_version": entry.rule_version, "source": entry.source, "n": entry.n, "kind": entry.kind,
        "points": entry.points, "at": entry.at, "available_at": entry.available_at, "expires_at": entry.expires_at,
        "day": entry.day, "why": orjson.dumps(dict(entry.why)).decode(),
    }  # fmt: skip


def _entry(row: Row[Any]) -> Entry:
    kind: Kind = row.kind
    return Entry(
        row.customer, row.rule, row.rule_version, row.source, row.n, kind, row.points, row.at, row.available_at,
        row.expires_at, row.day, orjson.loads(row.why), row.id,
    )  # fmt: skip
