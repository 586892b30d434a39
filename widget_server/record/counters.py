"""Counters: additive rows that every metric reads. Each count stands in a day row, a month row and an all-time row.

So a score over all time, or a list of products, reads as many rows after a million answers as after ten thousand.
`n` never lies: it is changed only inside the transaction that changes the answers it counts.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Row,
    Select,
    Subquery,
    Table,
    and_,
    case,
    cast,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)

from widget_server.contract import order_values
from widget_server.contract.answer import Count
from widget_server.contract.scores import ENOUGH, Counts

from .db import Key, add_up, among, metadata

DAY, MONTH, ALL = "day", "month", "all"
SEARCHES = ""  # the question under which searches, clicks and what orders are worth are counted

_counters = Table(
    "counters",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("question", Key, primary_key=True),
    Column("counter", Key, primary_key=True),
    Column("dimension", Key, primary_key=True),
    Column("period", Key, primary_key=True),
    Column("key", Key, primary_key=True),
    Column("start", Key, primary_key=True),
    Column("trust", Key, primary_key=True),
    Column("bucket", Key, primary_key=True),
    Column("n", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
# Queries are many, and which of them matter is asked of a few days.
Index(
    "counters_of_queries",
    _counters.c.shop, _counters.c.question, _counters.c.counter, _counters.c.period, _counters.c.start, _counters.c.key,
    sqlite_where=_counters.c.dimension == "query", postgresql_where=_counters.c.dimension == "query",
)  # fmt: skip

Change = tuple[str, str, Count]  # question, trust, count


@dataclass(frozen=True, slots=True)
class Slice:
    """What to read: questions of a shop along one dimension, of one trust or both (None), from day to day inclusive."""

    shop: str
    questions: tuple[str, ...]
    dimension: str = "total"
    trust: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One counter row that does not say what the answers say."""

    question: str
    counter: str
    trust: str
    dimension: str
    key: str
    bucket: str
    period: str
    start: str
    stored: int
    counted: int


def add(conn: Connection, shop: str, changes: Mapping[Change, int]) -> None:
    """Add `changes` (which may be negative) to the rows of `shop`."""
    rows: dict[tuple[str, ...], int] = defaultdict(int)
    for (question, trust, count), n in changes.items():
        if n:
            for period, start in _periods(count.day):
                rows[
                    question, count.counter, count.dimension, period, count.key, start, trust, count.bucket
                ] += n
    names = ("question", "counter", "dimension", "period", "key", "start", "trust", "bucket")
    add_up(
        conn,
        _counters,
        [{"shop": shop, **dict(zip(names, key, strict=True)), "n": n} for key, n in rows.items() if n],
        "n",
    )


def total(conn: Connection, chosen: Slice) -> Counts:
    """All counts of a slice of dimension "total", added up."""
    return _added_up(_read(conn, chosen, _spans(chosen.start, chosen.end), ())).get("", Counts({}))


Days = tuple[str, str]  # first, last; both included


def by_question(conn: Connection, shop: str, questions: Sequence[str], bins: Sequence[Days]) -> list[dict[str, Counts]]:
    """What each question counts in each of `bins` (which must be apart), by its name; in one statement, however many
    bins there are. Questions without any count are left out."""
    found: list[list[tuple[str, str, str, str, int]]] = [[] for _ in bins]
    if questions and bins:
        c = _counters.c
        parts = [
            select(_bin(run).label("bin"), c.question, c.counter, c.bucket, c.n).where(
                c.shop == shop, c.question.in_(questions), c.dimension == "total", c.key == "", c.period == period,
                c.counter.in_(("answers", "chosen", "shown")), c.start >= run[0][1], c.start <= run[-1][2],
            )
            for period, run in _runs(bins)
        ]  # fmt: skip
        rows = union_all(*parts).subquery().c
        columns = (rows.bin, rows.question, rows.counter, rows.bucket)
        for number, question, counter, bucket, n in conn.execute(select(*columns, func.sum(rows.n)).group_by(*columns)).all():
            found[number].append((question, "", counter, bucket, int(n)))
    return [_added_up(rows) for rows in found]


_Piece = tuple[int, str, str]  # number of the bin, first and last start


def _runs(bins: Sequence[Days]) -> Iterator[tuple[str, list[_Piece]]]:
    """The fewest rows that cover the bins, as stretches without a gap: (period, pieces in their order)."""
    pieces: dict[str, list[_Piece]] = defaultdict(list)
    for number, (start, end) in enumerate(bins):
        for period, first, last in _spans(start, end):
            assert first is not None and last is not None
            pieces[period].append((number, first, last))
    for period, found in pieces.items():
        run: list[_Piece] = []
        for piece in sorted(found, key=lambda piece: piece[1]):
            if run and piece[1] != _following(run[-1][2]):
                yield period, run
                run = []
            run.append(piece)
        yield period, run


def _following(start: str) -> str:
    """The day or month after `start`."""
    if len(start) == len("2026-11"):
        return f"{_month_start(date.fromisoformat(f'{start}-01'), 1):%Y-%m}"
    return f"{date.fromisoformat(start) + timedelta(days=1)}"


def _bin(run: Sequence[_Piece]) -> ColumnElement[int]:
    number, _, _ = run[-1]
    if len(run) == 1:
        return literal(number)
    return case(*((_counters.c.start <= last, earlier) for earlier, _, last in run[:-1]), else_=number)


def by_time(conn: Connection, chosen: Slice, period: str) -> dict[str, Counts]:
    """The counts of each day or month (`period`) of a slice, by its first day (YYYY-MM-DD) or month (YYYY-MM)."""
    if period == DAY:
        return _added_up(_read(conn, chosen, [(DAY, chosen.start, chosen.end)], (), by_start=True), by_start=True)
    spans: list[Span] = [(MONTH, None, None)]
    if chosen.start is not None or chosen.end is not None:
        spans = _spans(chosen.start, chosen.end)
    months: dict[str, list[Counts]] = defaultdict(list)
    for start, counts in _added_up(_read(conn, chosen, spans, (), by_start=True), by_start=True).items():
        months[start[:7]].append(counts)
    return {month: combined(parts) for month, parts in months.items()}


def next_days(conn: Connection, chosen: Slice, after: str, limit: int) -> dict[str, Counts]:
    """The counts of the next `limit` days of a slice after the day `after`, in their order."""
    days = (
        select(_counters.c.start)
        .where(
            _where(chosen, [(DAY, chosen.start, chosen.end)]),
            _counters.c.counter == "shown",
            _counters.c.key == "",
            _counters.c.start > after,
        )
        .group_by(_counters.c.start)
        .having(func.sum(_counters.c.n) > 0)
        .order_by(_counters.c.start)
        .limit(limit)
    )
    found = list(conn.execute(days).scalars())
    return by_time(conn, replace(chosen, start=found[0], end=found[-1]), DAY) if found else {}


def by_key(conn: Connection, chosen: Slice, after: str, limit: int) -> dict[str, Counts]:
    """The counts of the next `limit` keys of the slice's dimension after `after`, in the order of the keys."""
    spans = _spans(chosen.start, chosen.end)
    keys = _next_keys(conn, chosen, spans, after, limit)
    found = _added_up(_read(conn, chosen, spans, keys))
    return {key: found[key] for key in keys if key in found}


def of_keys(conn: Connection, chosen: Slice, keys: Sequence[str]) -> dict[str, Counts]:
    """The counts of exactly these keys; those without any are left out."""
    return _added_up(_read(conn, chosen, _spans(chosen.start, chosen.end), keys)) if keys else {}


@dataclass(frozen=True, slots=True)
class Reached:
    """How far one question came: shown, answered, closed without an answer, and not asked although it was due, by reason."""

    question: str
    shown: int
    answered: int
    dismissed: int
    skipped: Mapping[str, int]


def reach(conn: Connection, chosen: Slice) -> list[Reached]:
    """How far each question of a slice came in all; questions without any count are left out."""
    found = _reach(conn, chosen, _spans(chosen.start, chosen.end), None)
    return found.get("", [])


def reach_by(
    conn: Connection, chosen: Slice, by: str, after: str, limit: int
) -> dict[str, list[Reached]]:
    """The same for each of the next `limit` days, months or keys (those of the slice's dimension) after `after`.

    `by` is DAY, MONTH or "key". A month that the slice cuts is counted within the slice only.
    """
    if by == MONTH:
        spans: list[Span] = [(MONTH, None, None)]
        if chosen.start is not None or chosen.end is not None:
            spans = _spans(chosen.start, chosen.end)
        months = _reach(conn, chosen, spans, func.substr(_counters.c.start, 1, 7))
        return {month: months[month] for month in sorted(months) if month > after and month != ""}
    spans = [(DAY, chosen.start, chosen.end)] if by == DAY else _spans(chosen.start, chosen.end)
    column = _counters.c.start if by == DAY else _counters.c.key
    where = and_(_where(chosen, spans), _counters.c.counter.in_(_REACH), column > after)
    if by == DAY:
        where = and_(where, _counters.c.key == "")
    names = select(column).where(where).group_by(column).having(func.max(_counters.c.n) > 0).order_by(column)
    wanted = list(conn.execute(names.limit(limit)).scalars())
    if not wanted:
        return {}
    if by == DAY:
        spans = [(DAY, wanted[0], wanted[-1])]
    found = _reach(conn, chosen, spans, column, None if by == DAY else wanted)
    return {name: found[name] for name in wanted if name in found}


_REACH = ("shown", "answers", "dismissed", "skipped")


def _reach(
    conn: Connection, chosen: Slice, spans: list["Span"], by: ColumnElement[str] | None, keys: Sequence[str] | None = None
) -> dict[str, list[Reached]]:
    """By `by` ("" for all), how far each question came."""
    name = literal("") if by is None else by
    c = _counters.c
    columns = (name.label("name"), c.question, c.counter, case((c.counter == "skipped", c.bucket), else_="").label("reason"))
    parts = []
    for span in spans:
        where = [_where(chosen, [span]), c.counter.in_(_REACH), c.n != 0]
        if chosen.dimension == "total":
            where.append(c.key == "")
        if keys is not None:
            where.append(c.key.in_(keys))
        counted = select(*columns, c.n).where(*where).subquery().c
        parts.append(
            select(counted.name, counted.question, counted.counter, counted.reason, func.sum(counted.n).label("n"))
            .group_by(counted.name, counted.question, counted.counter, counted.reason)
        )  # fmt: skip
    found: dict[tuple[str, str], dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    for of, question, counter, reason, n in conn.execute(union_all(*parts)).all():
        found[of, question][counter, reason] += int(n)
    rows: dict[str, list[Reached]] = defaultdict(list)
    for (of, question), counts in sorted(found.items()):
        if any(counts.values()):
            rows[of].append(_reached(question, counts))
    return dict(rows)


def _reached(question: str, counts: Mapping[tuple[str, str], int]) -> Reached:
    skipped = {reason: n for (counter, reason), n in sorted(counts.items()) if counter == "skipped" and n}
    shown, answered, dismissed = (counts.get((counter, ""), 0) for counter in ("shown", "answers", "dismissed"))
    return Reached(question, shown, answered, dismissed, skipped)


def combined(parts: Iterable[Counts]) -> Counts:
    """Several counts added up."""
    answers: dict[str, int] = defaultdict(int)
    chosen: dict[str, int] = defaultdict(int)
    shown = 0
    for part in parts:
        shown += part.shown
        for bucket, n in part.answers.items():
            answers[bucket] += n
        for option, n in part.chosen.items():
            chosen[option] += n
    return Counts(dict(answers), shown, dict(chosen))


def _next_keys(conn: Connection, chosen: Slice, spans: list["Span"], after: str, limit: int) -> list[str]:
    # One question and one span at a time, so that the primary key is walked in order and each walk ends early.
    walks = []
    for question in chosen.questions:
        for span in spans:
            walk = (
                select(_counters.c.key)
                .where(
                    _where(replace(chosen, questions=(question,)), [span]),
                    _counters.c.counter == "shown",
                    _counters.c.key > after,
                )
                .group_by(_counters.c.key)
                .having(func.sum(_counters.c.n) > 0)
                .order_by(_counters.c.key)
                .limit(limit)
                .subquery()
            )
            walks.append(select(walk.c.key))
    return sorted(set(conn.execute(union_all(*walks)).scalars()))[:limit] if walks else []


Span = tuple[str, str | None, str | None]  # period, first, last


def _read(
    conn: Connection, chosen: Slice, spans: list[Span], keys: Sequence[str], by_start: bool = False
) -> list[tuple[str, str, str, str, int]]:
    """(key, start, counter, bucket, n); `start` is empty unless it is asked for: of many days there are many rows."""
    # One span at a time here too: an OR of spans would make the database read every row of the dimension.
    c = _counters.c
    groups = [c.key, *([c.start] if by_start else []), c.counter, c.bucket]
    parts = []
    for span in spans:
        where = [_where(chosen, [span]), c.counter.in_(("answers", "chosen", "shown"))]
        if keys:
            where.append(among(conn, c.key, keys))
        parts.append(select(*groups, func.sum(c.n).label("n")).where(*where).group_by(*groups))
    return [(row.key, row.start if by_start else "", row.counter, row.bucket, int(row.n)) for row in conn.execute(union_all(*parts)).all()]


def _where(chosen: Slice, spans: list[Span]) -> ColumnElement[bool]:
    within = []
    for period, first, last in spans:
        parts: list[ColumnElement[bool]] = [_counters.c.period == period]
        if first is not None:
            parts.append(_counters.c.start >= first)
        if last is not None:
            parts.append(_counters.c.start <= last)
        within.append(and_(*parts))
    where = [
        _counters.c.shop == chosen.shop,
        # A list of one keeps SQLite from walking the key in order.
        _counters.c.question == chosen.questions[0]
        if len(chosen.questions) == 1
        else _counters.c.question.in_(chosen.questions),
        _counters.c.dimension == chosen.dimension,
        or_(*within),
    ]
    if chosen.trust is not None:
        where.append(_counters.c.trust == chosen.trust)
    return and_(*where)


def _added_up(rows: Iterable[tuple[str, str, str, str, int]], by_start: bool = False) -> dict[str, Counts]:
    answers: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    chosen: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    shown: dict[str, int] = defaultdict(int)
    for key, start, counter, bucket, n in rows:
        name = start if by_start else key
        if counter == "shown":
            shown[name] += n
        elif n:
            (chosen if counter == "chosen" else answers)[name][bucket] += n
    names = sorted({name for name, n in shown.items() if n} | set(answers))
    return {
        name: Counts(dict(answers.get(name, {})), shown.get(name, 0), dict(chosen.get(name, {}))) for name in names
    }


def _periods(day: str) -> tuple[tuple[str, str], ...]:
    return ((DAY, day), (MONTH, day[:7]), (ALL, ""))


def _spans(start: str | None, end: str | None) -> list[Span]:
    """The fewest rows that cover the days from `start` to `end`: whole months, and single days at the ends."""
    if start is None and end is None:
        return [(ALL, None, None)]
    if start is not None and end is not None and start > end:
        return [(DAY, start, end)]
    first = None if start is None else date.fromisoformat(start)
    last = None if end is None else date.fromisoformat(end)
    month_from = None if first is None else _month_start(first - timedelta(days=1), 1)
    # the first month that is not whole any more
    month_to = None if last is None else _month_start(last + timedelta(days=1), 0)
    if month_from is not None and month_to is not None and month_from >= month_to:
        return [(DAY, start, end)]
    first_month = None if month_from is None else f"{month_from:%Y-%m}"
    last_month = None if month_to is None else f"{month_to - timedelta(days=1):%Y-%m}"
    spans: list[Span] = [(MONTH, first_month, last_month)]
    if first is not None and month_from is not None and first < month_from:
        spans.append((DAY, start, f"{month_from - timedelta(days=1)}"))
    if last is not None and month_to is not None and month_to <= last:
        spans.append((DAY, f"{month_to}", end))
    return spans


def _month_start(day: date, later: int) -> date:
    number = day.year * 12 + day.month - 1 + later
    return date(number // 12, number % 12 + 1, 1)


# --- searches ---------------------------------------------------------------------------------------------------------


def searched(query: str, day: str, results: int | None) -> list[Count]:
    """The rows that one search counts in."""
    bucket = "unknown" if results is None else "zero" if results == 0 else "some"
    return [
        Count("searches", dimension, key, bucket, day) for dimension, key in (("total", ""), ("query", query))
    ]


def clicked(query: str, day: str) -> list[Count]:
    """The rows that one click on a result counts in."""
    return [Count("clicks", dimension, key, "", day) for dimension, key in (("total", ""), ("query", query))]


@dataclass(frozen=True, slots=True)
class Searched:
    """What shoppers did with one query."""

    key: str
    searches: int
    zero: int
    some: int
    clicks: int


@dataclass(frozen=True, slots=True)
class Searching:
    """Which searches to look at: of a shop, from day to day inclusive, with the questions that ask whether it was found.

    `containing` is a part of the query's key; None means any. `since` and `until` are the same days in ms, for what is found
    by its time.
    """

    shop: str
    questions: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    containing: str | None = None
    since: int | None = None
    until: int | None = None


def most_searched(conn: Connection, chosen: Searching, after: tuple[int, str] | None, limit: int) -> list[Searched]:
    """The queries by number of searches, most first, then by name; `after` is (searches, key) of the last one."""
    found = _searched(conn, chosen, None).subquery()
    wanted = select(found).where(found.c.searches + found.c.clicks > 0, _is_after(found.c.searches, found.c.key, after))
    return _as_searched(conn.execute(wanted.order_by(found.c.searches.desc(), found.c.key).limit(limit)))


def searched_of(conn: Connection, chosen: Searching, keys: Sequence[str]) -> dict[str, Searched]:
    """What shoppers did with exactly these queries; those never searched are left out."""
    return {found.key: found for found in _as_searched(conn.execute(_searched(conn, chosen, keys)))} if keys else {}


def all_searched(conn: Connection, chosen: Searching) -> Searched:
    """What shoppers did with all queries together."""
    c = _counters.c
    parts = [
        select(c.counter, c.bucket, c.n).where(
            _where(Slice(chosen.shop, (SEARCHES,)), [span]), c.key == "", c.counter.in_(("searches", "clicks"))
        )
        for span in _spans(chosen.start, chosen.end)
    ]
    rows = union_all(*parts).subquery().c
    sums = select(rows.counter, rows.bucket, func.sum(rows.n)).group_by(rows.counter, rows.bucket)
    found = {(counter, bucket): int(n) for counter, bucket, n in conn.execute(sums).all()}
    zero, some, unknown = (found.get(("searches", bucket), 0) for bucket in ("zero", "some", "unknown"))
    return Searched("", zero + some + unknown, zero, some, found.get(("clicks", ""), 0))


# What queries can be ranked by: counter, bucket where not all are meant, whether it is about searches or about answers.
RANKS = {
    "zero_results": ("searches", "zero", True),
    "clicks": ("clicks", None, True),
    "asked": ("shown", None, False),
    "not_found": ("answers", "no", False),
}
# The share of "no" among "yes" and "no", of queries with enough answers.
WORST = "share_not_found"
_MILLION = 1_000_000


def ranked(
    conn: Connection, chosen: Searching, rank: str, after: tuple[int, str] | None, limit: int
) -> list[tuple[int, str]]:
    """(n, query) by one of RANKS or by WORST (n: of a million), most first, then by name; `after` is the last one of the
    page before."""
    if rank == WORST:
        found = _answered(conn, chosen, ENOUGH)
        n: ColumnElement[int] = cast(found.c.no * _MILLION, BigInteger) // cast(found.c.yes + found.c.no, BigInteger)
    else:
        counter, bucket, of_searches = RANKS[rank]
        rows = _of_queries(conn, chosen, (SEARCHES,) if of_searches else chosen.questions, (counter,), bucket)
        found = select(rows.c.key, func.sum(rows.c.n).label("n")).group_by(rows.c.key).subquery()
        n = found.c.n
    wanted = select(n.label("n"), found.c.key).where(n > 0, _is_after(n, found.c.key, after))
    rows_found = conn.execute(wanted.order_by(n.desc(), found.c.key).limit(limit))
    return [(int(row.n), row.key) for row in rows_found]


def answered(conn: Connection, chosen: Searching, least: int, limit: int) -> dict[str, tuple[int, int]]:
    """(yes, no) of the queries with at least `least` such answers; at most `limit`, the most answered ones."""
    found = _answered(conn, chosen, least)
    wanted = select(found).order_by((found.c.yes + found.c.no).desc(), found.c.key).limit(limit)
    return {row.key: (int(row.yes), int(row.no)) for row in conn.execute(wanted).all()}


def answered_and_not_found(
    conn: Connection, chosen: Searching, least: int, most: int, after: tuple[int, str] | None, limit: int
) -> tuple[dict[str, tuple[int, int]], list[tuple[int, str]]]:
    """What `answered` gives of the `most` most answered ones, and what `ranked` by "not_found" gives, of one reading."""
    sums = _sums_of_answers(conn, chosen).cte("sums")
    both, k = sums.c.yes + sums.c.no, sums.c.key
    columns = (k, sums.c.yes, sums.c.no)
    often = select(literal(0).label("part"), *columns).where(both >= least).order_by(both.desc(), k).limit(most).subquery()
    worst = (
        select(literal(1).label("part"), *columns)
        .where(sums.c.no > 0, _is_after(sums.c.no, k, after))
        .order_by(sums.c.no.desc(), k).limit(limit).subquery()
    )  # fmt: skip
    rows = conn.execute(union_all(select(often), select(worst))).all()
    ranks = sorted((-int(row.no), row.key) for row in rows if row.part)
    return {row.key: (int(row.yes), int(row.no)) for row in rows if not row.part}, [(-n, key) for n, key in ranks]


def of_query(conn: Connection, chosen: Searching, key: str) -> dict[str, tuple[int, int]]:
    """(yes, no) of one query on each day that has any."""
    rows = _of_queries(conn, replace(chosen, containing=None), chosen.questions, ("answers",), None, [key], daily=True)
    found: dict[str, tuple[int, int]] = {}
    for start, bucket, n in conn.execute(select(rows.c.start, rows.c.bucket, func.sum(rows.c.n)).group_by(rows.c.start, rows.c.bucket)):
        yes, no = found.get(start, (0, 0))
        found[start] = yes + int(n) * (bucket == "yes"), no + int(n) * (bucket == "no")
    return {start: both for start, both in sorted(found.items()) if sum(both)}


def _answered(conn: Connection, chosen: Searching, least: int) -> Subquery:
    sums = _sums_of_answers(conn, chosen).subquery()
    return select(sums).where(sums.c.yes + sums.c.no >= least).subquery()


def _sums_of_answers(conn: Connection, chosen: Searching) -> Select[Any]:
    """key, yes and no of each query that was answered."""
    rows = _of_queries(conn, chosen, chosen.questions, ("answers",), None)
    yes, no = (func.coalesce(func.sum(rows.c.n).filter(rows.c.bucket == bucket), 0) for bucket in ("yes", "no"))
    return select(rows.c.key, yes.label("yes"), no.label("no")).group_by(rows.c.key)


def _searched(conn: Connection, chosen: Searching, keys: Sequence[str] | None) -> Select[Any]:
    rows = _of_queries(conn, chosen, (SEARCHES,), ("searches", "clicks"), None, keys)
    counter, bucket, n = rows.c.counter, rows.c.bucket, rows.c.n
    return select(
        rows.c.key,
        func.coalesce(func.sum(n).filter(counter == "searches"), 0).label("searches"),
        func.coalesce(func.sum(n).filter(bucket == "zero"), 0).label("zero"),
        func.coalesce(func.sum(n).filter(bucket == "some"), 0).label("some"),
        func.coalesce(func.sum(n).filter(counter == "clicks"), 0).label("clicks"),
    ).group_by(rows.c.key)


def _of_queries(
    conn: Connection, chosen: Searching, questions: tuple[str, ...], names: tuple[str, ...], bucket: str | None,
    keys: Sequence[str] | None = None, daily: bool = False,
) -> Subquery:  # fmt: skip
    """The rows of queries that these counters have within the days; each stretch of days is read through the index."""
    c = _counters.c
    parts = []
    spans = [(DAY, chosen.start, chosen.end)] if daily else _spans(chosen.start, chosen.end)
    # Without a question that asks there is nothing; none is called so.
    for question, span in itertools.product(questions or ("-",), spans):
        where = [_where(Slice(chosen.shop, (question,), "query"), [span])]
        if keys is None:
            # Spelt out, or the database may not know that the index for queries will do. Keys have the primary key's.
            where.append(c.dimension == literal_column("'query'"))
        where.append(c.counter == names[0] if len(names) == 1 else c.counter.in_(names))
        if bucket is not None:
            where.append(c.bucket == bucket)
        if keys is not None:
            where.append(among(conn, c.key, keys))
        if chosen.containing is not None:
            where.append(c.key.contains(chosen.containing, autoescape=True))
        parts.append(select(c.key, c.counter, c.bucket, c.start, c.n).where(*where))
    return union_all(*parts).subquery()


def _is_after(n: ColumnElement[int], key: ColumnElement[str], after: tuple[int, str] | None) -> ColumnElement[bool]:
    return true() if after is None else or_(n < after[0], and_(n == after[0], key > after[1]))


def _as_searched(rows: Iterable[Row[Any]]) -> list[Searched]:
    return [Searched(row.key, int(row.searches), int(row.zero), int(row.some), int(row.clicks)) for row in rows]


# --- orders -----------------------------------------------------------------------------------------------------------


def order_sums(conn: Connection, shop: str, start: str | None, end: str | None) -> dict[str, dict[str, int]]:
    """Number, value and squares of the orders placed from day to day, by currency: see `contract.order_values`."""
    c = _counters.c
    chosen = Slice(shop, (SEARCHES,), order_values.DIMENSION, None, start, end)
    parts = [
        select(c.key, c.bucket, c.n).where(_where(chosen, [span]), c.counter == order_values.COUNTER)
        for span in _spans(start, end)
    ]
    rows = union_all(*parts).subquery().c
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for currency, name, n in conn.execute(
        select(rows.key, rows.bucket, func.sum(rows.n)).group_by(rows.key, rows.bucket)
    ):
        found[currency][name] = int(n)
    return dict(found)


# --- verify and rebuild -----------------------------------------------------------------------------------------------


def forget(conn: Connection, shop: str) -> None:
    """Delete every counter of `shop`; only for a rebuild, in whose transaction they come back."""
    conn.execute(delete(_counters).where(_counters.c.shop == shop))


def stored(conn: Connection, shop: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Every row that is not zero: (question, counter, dimension, period, key, start, trust, bucket), n."""
    c = _counters.c
    columns = (c.question, c.counter, c.dimension, c.period, c.key, c.start, c.trust, c.bucket)
    statement = select(*columns, c.n).where(c.shop == shop, c.n != 0).execution_options(yield_per=5000)
    for *key, n in conn.execute(statement):
        yield tuple(key), int(n)


def differences(conn: Connection, shop: str, counted: Mapping[Change, int]) -> Iterator[Difference]:
    """Where the stored rows differ from `counted`, a recount of everything the shop has."""
    expected: dict[tuple[str, ...], int] = defaultdict(int)
    for (question, trust, count), n in counted.items():
        for period, start in _periods(count.day):
            expected[
                question, count.counter, count.dimension, period, count.key, start, trust, count.bucket
            ] += n
    for key, n in stored(conn, shop):
        wanted = expected.pop(key, 0)
        if n != wanted:
            yield _difference(key, n, wanted)
    for key, wanted in expected.items():
        if wanted:
            yield _difference(key, 0, wanted)


def _difference(key: tuple[str, ...], stored_n: int, counted: int) -> Difference:
    question, counter, dimension, period, name, start, trust, bucket = key
    return Difference(question, counter, trust, dimension, name, bucket, period, start, stored_n, counted)
