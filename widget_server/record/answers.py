"""Answers: the present state of what one shopper said to one question. UNIQUE (shop, question, key)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    Row,
    Select,
    Table,
    Text,
    and_,
    false,
    func,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from widget_server.contract.answer import Answer, chosen_options, dump_registers, load_registers
from widget_server.contract.queries import query_key
from widget_server.contract.questions import is_option

from . import answer_products, answer_texts, cases
from .cases import Wanted
from .db import Key, among, gathered, listed, metadata, put

_PAGE = 2000
# What a page of the list for people costs at most: answers that are looked through, and texts that have the words.
MOST_LOOKED_AT = 10_000
MOST_HITS = 2_000
# Of those that are found by their product: of more PostgreSQL reads the whole table of answers.
MOST_ABOUT = 3_000
_ENOUGH = 100
# Most pages are full after so many.
_FIRST_LOOKED_AT, _FIRST_HITS, _FIRST_RATED = 500, 100, 200
# Of a question's newest answers so many are looked through for those with some scores.
MOST_RATED = 2_000
# Many small walks of an index in one round trip; SQLite takes at most 500 of them at once.
_WALKS = 400

_answers = Table(
    "answers",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("key", Key, primary_key=True),
    Column("question", Key, primary_key=True),
    Column("first_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("answered", Boolean, nullable=False),
    Column("hidden", Boolean, nullable=False),
    # Why an answer waits in quarantine; null too when it says nothing or is removed, as it is listed nowhere then.
    Column("quarantined", Text),
    Column("verified", Boolean, nullable=False),
    # Points or a coupon were held out for it, whatever became of them.
    Column("incentivised", Boolean, nullable=False),
    Column("bucket", Key),
    # The options of an answer that may choose several, each between two line ends.
    Column("chosen", Text),
    Column("text", Text),
    Column("language", Key),
    Column("placement", Key),
    Column("product", Key),
    Column("query_key", Key),
    Column("order_ref", Key),
    Column("customer", Key),
    Column("state", Text, nullable=False),
)
Index(
    "answers_newest", _answers.c.shop, _answers.c.first_at, _answers.c.key,
    sqlite_where=and_(_answers.c.answered.is_(True), _answers.c.hidden.is_(False)),
    postgresql_where=and_(_answers.c.answered.is_(True), _answers.c.hidden.is_(False)),
)  # fmt: skip
Index(
    "answers_quarantined", _answers.c.shop, _answers.c.first_at, _answers.c.key,
    sqlite_where=_answers.c.quarantined.is_not(None), postgresql_where=_answers.c.quarantined.is_not(None),
)  # fmt: skip
Index(
    "answers_chosen", _answers.c.shop, _answers.c.question, _answers.c.first_at, _answers.c.key,
    sqlite_where=_answers.c.chosen.is_not(None), postgresql_where=_answers.c.chosen.is_not(None),
)  # fmt: skip
# By the first of these that is asked for the list is walked.
_WALKED = ("query_key", "product", "question")
# What is known where answers are walked by their products.
_WITH_PRODUCT: dict[str, Any] = {"product": None, "question": None, "start": None, "end": None}
_LISTED = (_answers.c.answered.is_(True), _answers.c.hidden.is_(False))
Index(
    "answers_of_question", _answers.c.shop, _answers.c.question, _answers.c.first_at, _answers.c.key,
    sqlite_where=and_(*_LISTED), postgresql_where=and_(*_LISTED),
)  # fmt: skip
Index(
    "answers_of_query", _answers.c.shop, _answers.c.query_key, _answers.c.first_at, _answers.c.key,
    sqlite_where=and_(_answers.c.query_key.is_not(None), *_LISTED),
    postgresql_where=and_(_answers.c.query_key.is_not(None), *_LISTED),
)  # fmt: skip
Index(
    "answers_of_order", _answers.c.shop, _answers.c.order_ref,
    sqlite_where=_answers.c.order_ref.is_not(None), postgresql_where=_answers.c.order_ref.is_not(None),
)  # fmt: skip
Index(
    "answers_of_customer", _answers.c.shop, _answers.c.customer, _answers.c.question, _answers.c.first_at,
    sqlite_where=and_(_answers.c.customer.is_not(None), _answers.c.answered.is_(True)),
    postgresql_where=and_(_answers.c.customer.is_not(None), _answers.c.answered.is_(True)),
)  # fmt: skip
Index(
    "answers_texts_of_query", _answers.c.shop, _answers.c.query_key, _answers.c.first_at,
    sqlite_where=and_(_answers.c.text.is_not(None), _answers.c.query_key.is_not(None)),
    postgresql_where=and_(_answers.c.text.is_not(None), _answers.c.query_key.is_not(None)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filter:
    """Which answers to list; None and empty mean any. `quarantined` lists those that wait there, and no others. `product`
    is one that they are about, by themselves or by their order, as the counters have it.

    `value` is a bucket, or an option that was chosen among others; `option` is such an option and nothing else, for
    which only answers that chose several have to be looked through. Of several `questions`, or `buckets`, any will do.
    `words` are those of a text, as `answer_texts` finds them. `no_case`: those that are no case.
    """

    quarantined: bool = False
    question: str | None = None
    questions: tuple[str, ...] | None = None
    value: str | None = None
    option: str | None = None
    verified: bool | None = None
    with_text: bool | None = None
    product: str | None = None
    language: str | None = None
    query_key: str | None = None
    start: int | None = None
    end: int | None = None
    buckets: tuple[str, ...] | None = None
    placement: str | None = None
    words: str | None = None
    case: Wanted | None = None
    no_case: bool = False


_Columns = ReadOnlyColumnCollection[str, Column[Any]]
Position = tuple[int, str, str]
"""(first_at, key, question) of an answer; in a list by words its number and nothing else."""


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is where to go on, None at the end. A page may be short, or empty, and yet not the last one: no more than
    `MOST_LOOKED_AT` answers are looked through for it."""

    answers: list[Answer]
    next: Position | None


def load(
    conn: Connection, shop: str, keys: Sequence[str], orders: Sequence[str] = ()
) -> dict[tuple[str, str], Answer]:
    """The answers under any of `keys`, and those of any of `orders`, by (question, key)."""
    found: dict[tuple[str, str], Answer] = {}
    if keys:
        _collect(found, conn, and_(_answers.c.shop == shop, among(conn, _answers.c.key, keys)))
    if orders:
        _collect(found, conn, and_(_answers.c.shop == shop, among(conn, _answers.c.order_ref, orders)))
    return found


def orders_by_customer(conn: Connection, shop: str, customers: Iterable[str]) -> list[str]:
    """References of the orders that were rated with tokens of `customers` (pseudonyms)."""
    c = _answers.c
    theirs = (c.shop == shop, among(conn, c.customer, customers), c.answered.is_(True))
    return list(conn.execute(select(c.order_ref).distinct().where(*theirs).order_by(c.order_ref)).scalars())


def save(conn: Connection, answers: Iterable[Answer]) -> None:
    """Write the present state of `answers`, all of one shop, and what they are found by; but for the products that they
    are about, which their orders tell too (`answer_products`)."""
    written = list(answers)
    put(conn, _answers, [_row(answer) for answer in written])
    answer_texts.save(conn, written)


def answered_by_order(conn: Connection, shop: str, key: str) -> list[str]:
    """The questions that the order (or order line) under this answer key has answered.

    What waits in quarantine may be a mail scanner's: its buyer is asked all the same, and answers in its place.
    """
    c = _answers.c
    found = select(c.question).where(c.shop == shop, c.key == key, *_said()).order_by(c.question)
    return list(conn.execute(found).scalars())


def last_answered(
    conn: Connection, shop: str, customers: Iterable[str], orders: Sequence[str], questions: Sequence[str]
) -> dict[str, int]:
    """When each of `questions` was last answered by one of `customers` (pseudonyms that tokens told) or for one of
    `orders`, in ms; those that never were are left out, and answers in quarantine as in `answered_by_order`."""
    found: dict[str, int] = {}
    rows: list[Row[tuple[str, int]]] = []
    walks = [_last_of(shop, customer, question) for customer in customers for question in questions]
    for start in range(0, len(walks), _WALKS):
        rows += conn.execute(union_all(*walks[start : start + _WALKS])).all()
    if orders:
        c = _answers.c
        of_orders = [c.shop == shop, among(conn, c.order_ref, orders), c.question.in_(questions), *_said()]
        rows += conn.execute(select(c.question, func.max(c.first_at).label("first_at")).where(*of_orders).group_by(c.question))
    for row in rows:
        found[row.question] = max(row.first_at, found.get(row.question, row.first_at))
    return found


def _said() -> tuple[ColumnElement[bool], ...]:
    """Something was answered that does not wait in quarantine."""
    return _answers.c.answered.is_(True), _answers.c.quarantined.is_(None)


def _last_of(shop: str, customer: str, question: str) -> Select[tuple[str, int]]:
    c = _answers.c
    wanted = (
        select(c.question, c.first_at)
        .where(c.shop == shop, c.customer == customer, c.question == question, *_said())
        .order_by(c.first_at.desc())
        .limit(1)
        .subquery()
    )
    return select(wanted.c.question, wanted.c.first_at)


def newest(
    conn: Connection, shop: str, chosen: Filter, before: tuple[int, str, str] | None, limit: int
) -> list[Answer]:
    """Answers that say something and are not removed, newest first; `before` is (first_at, key, question) of the last."""
    if chosen.product is not None and not chosen.quarantined:
        rows, c = _about_product()
        walk = answer_products.walk(shop, chosen.product, chosen.question, chosen.start, chosen.end)
        where = [*walk, *_conditions(replace(chosen, **_WITH_PRODUCT), plain=False), *_before(before, c)]
    else:
        rows, c = select(_answers), _answers.c
        where = [c.shop == shop, *_listed(chosen), *_conditions(chosen), *_before(before, c)]
    return [_answer(row) for row in conn.execute(rows.where(*where).order_by(*_newest(c)).limit(limit))]


def page(conn: Connection, shop: str, chosen: Filter, before: Position | None, limit: int) -> Page:
    """A page of the list that `newest` gives, for people who wait for it: whatever is asked for, however rare it is, no
    more than so many answers are looked through. `before` is the `next` of the page before."""
    if chosen.words is not None:
        return _page_of_words(conn, shop, chosen, chosen.words, before, limit)
    if chosen.case is not None:
        return _page_of_cases(conn, shop, chosen, chosen.case, before, limit)
    rows, c, walked, others = _walk(shop, chosen)
    walk = [*walked, *_before(before, c)]
    if not others and not chosen.no_case:
        found = conn.execute(rows.where(*walk).order_by(*_newest(c)).limit(limit + 1)).all()
        return _page(found, limit, None)
    others += _about_case(shop, chosen)
    at_most = MOST_LOOKED_AT if c is _answers.c else min(MOST_LOOKED_AT, MOST_ABOUT)
    for most in _ever_more(_FIRST_LOOKED_AT, at_most):
        # Asked for alone: a database that is told the time knows that few rows are newer, and doesn't read the table.
        until = conn.execute(select(c.first_at).where(*walk).order_by(*_newest(c)).limit(1).offset(most)).scalar()
        where = [*walk, *others, *([] if until is None else [c.first_at >= until])]
        found = conn.execute(rows.where(*where).order_by(*_newest(c)).limit(limit + 1)).all()
        if len(found) > limit or until is None:
            break
    return _page(found, limit, None if until is None else (until, "", ""))


def how_many(conn: Connection, shop: str, chosen: Filter, most: int) -> int | None:
    """How many answers the list has in all; None where it takes more to say than a walk past `most` answers."""
    if chosen.words is not None or chosen.case is not None:
        return None
    rows, c, walk, others = _walk(shop, chosen)
    if others or chosen.no_case:
        if conn.execute(select(c.first_at).where(*walk).order_by(*_newest(c)).limit(1).offset(most)).first() is not None:
            return None
        found = rows.where(*walk, *others, *_about_case(shop, chosen)).order_by(*_newest(c)).limit(most).subquery()
        return int(conn.execute(select(func.count()).select_from(found)).scalar_one())
    # In their order, so that the same index is walked.
    few = select(c.first_at).where(*walk).order_by(c.first_at.desc(), c.key.desc()).limit(most + 1).subquery()
    n = int(conn.execute(select(func.count()).select_from(few)).scalar_one())
    return n if n <= most else None


def _ever_more(first: int, most: int) -> tuple[int, ...]:
    """How many are looked through before it is tried with more."""
    return (first, most) if first < most else (most,)


def _page(rows: Sequence[Row[Any]], limit: int, beyond: Position | None) -> Page:
    answers = [_answer(row) for row in rows[:limit]]
    if len(rows) > limit:
        return Page(answers, (answers[-1].first_at, answers[-1].key, answers[-1].question))
    return Page(answers, beyond)


def _page_of_words(
    conn: Connection, shop: str, chosen: Filter, words: str, before: Position | None, limit: int
) -> Page:
    c = _answers.c
    where = [*_listed(chosen), *_conditions(chosen, plain=False), *_about_case(shop, chosen)]
    # Of those found near a page needs a few more when some of them are left out for another reason.
    enough = limit + 1 if len(where) == len(_listed(chosen)) else _ENOUGH
    hits = answer_texts.matching(conn, shop, words, None if before is None else before[0], MOST_HITS, enough)
    newest: list[Row[Any]] = []
    looked_at = 0
    while len(newest) <= limit and looked_at < len(hits.numbers):
        numbers = hits.numbers[looked_at : max(_FIRST_HITS, 2 * looked_at)]
        looked_at += len(numbers)
        few = answer_texts.named(conn, shop, numbers)
        found = select(_answers, few.c.number).join(few, and_(c.shop == shop, c.key == few.c.key, c.question == few.c.question))
        newest += conn.execute(found.where(*where).order_by(few.c.number.desc()).limit(limit + 1)).all()
    last = newest[limit - 1].number if len(newest) > limit else hits.end
    return Page([_answer(row) for row in newest[:limit]], None if last is None else (last, "", ""))


def _page_of_cases(
    conn: Connection, shop: str, chosen: Filter, wanted: Wanted, before: Position | None, limit: int
) -> Page:
    few = cases.matching(shop, wanted)
    c = _answers.c
    found = select(_answers).join(few, and_(c.shop == shop, c.key == few.c.key, c.question == few.c.question))
    where = [*_listed(chosen), *_conditions(chosen), *_before(before, c)]
    rows = conn.execute(found.where(*where).order_by(*_newest(c)).limit(limit + 1)).all()
    return _page(rows, limit, None)


def _walk(
    shop: str, chosen: Filter
) -> tuple[Select[Any], _Columns, list[ColumnElement[bool]], list[ColumnElement[bool]]]:
    """Answers, the columns of their index that leads from the newest to the oldest, its conditions, and all others."""
    by = None
    if not chosen.quarantined:
        by = next((name for name in _WALKED if getattr(chosen, name) is not None), None)
    if by == "product" and chosen.product is not None:
        rows, c = _about_product()
        walked = answer_products.walk(shop, chosen.product, chosen.question, chosen.start, chosen.end)
        return rows, c, walked, _conditions(replace(chosen, **_WITH_PRODUCT), plain=False)
    rows, c = select(_answers), _answers.c
    walked = [c.shop == shop, *_listed(chosen), *([] if by is None else [c[by] == getattr(chosen, by)])]
    if chosen.end is not None:
        walked.append(c.first_at < chosen.end)
    if chosen.start is not None:
        walked.append(c.first_at >= chosen.start)
    rest: dict[str, Any] = {"start": None, "end": None} if by is None else {"start": None, "end": None, by: None}
    return rows, c, walked, _conditions(replace(chosen, **rest), plain=False)


def _about_product() -> tuple[Select[Any], _Columns]:
    """Answers beside the products they are about, and the columns of these."""
    a = _answers.c
    return select(_answers).join(answer_products.table, answer_products.joined(a.shop, a.key, a.question)), answer_products.c


def _newest(c: _Columns) -> tuple[ColumnElement[Any], ...]:
    return c.first_at.desc(), c.key.desc(), c.question.desc()


def _about_case(shop: str, chosen: Filter) -> list[ColumnElement[bool]]:
    c = _answers.c
    if chosen.case is not None:
        few = cases.matching(shop, chosen.case)
        return [tuple_(c.question, c.key).in_(select(few.c.question, few.c.key))]
    return [cases.none_of(shop, c.question, c.key)] if chosen.no_case else []


def newest_texts(
    conn: Connection, shop: str, query_keys: Sequence[str], each: int, start: int | None = None, end: int | None = None
) -> dict[str, list[str]]:
    """For each query the `each` newest texts that shoppers left in [`start`, `end`) (ms), hidden answers aside."""
    if not query_keys:
        return {}
    key = listed(conn, query_keys)
    c = _answers.c
    # One short walk of an index for each query.
    newest = (
        select(c.text)
        .where(c.shop == shop, c.query_key == key, c.text.is_not(None), c.hidden.is_(False), *_within(start, end))
        .order_by(c.first_at.desc())
        .limit(each)
        .correlate_except(_answers)
        .subquery()
    )
    texts = select(gathered(conn, newest.c.text)).scalar_subquery()
    rows = conn.execute(select(key, texts)).all()
    return {query: orjson.loads(said or "[]") for query, said in rows}


def _within(start: int | None, end: int | None) -> list[ColumnElement[bool]]:
    c = _answers.c
    return [*([] if start is None else [c.first_at >= start]), *([] if end is None else [c.first_at < end])]


def newest_in(
    conn: Connection, shop: str, wanted: Mapping[str, Sequence[str]], start: int, end: int, limit: int
) -> list[Answer]:
    """The newest answers in [`start`, `end`) (ms) that count and whose bucket is one of those `wanted` of their question,
    newest first. Of each question only the newest `MOST_RATED` are looked through."""
    found: Sequence[Row[Any]] = []
    for most in _ever_more(_FIRST_RATED, MOST_RATED) if wanted else ():
        walks = [_newest_of(shop, question, buckets, start, end, most, limit) for question, buckets in wanted.items()]
        found = conn.execute(union_all(*walks)).all()
        each = Counter(row.question for row in found)
        if all(each[question] >= limit for question in wanted):
            break
    newest = sorted(found, key=lambda row: (row.first_at, row.key, row.question), reverse=True)[:limit]
    names = [(row.question, row.key) for row in newest]
    known = load(conn, shop, [key for _, key in names]) if names else {}
    return [known[name] for name in names if name in known]


def _newest_of(
    shop: str, question: str, buckets: Sequence[str], start: int, end: int, most: int, limit: int
) -> Select[tuple[str, str, int]]:
    """The newest `limit` that say one of `buckets`, among the `most` newest of a question."""
    c = _answers.c
    newest = (
        select(c.question, c.key, c.first_at, c.bucket)
        .where(c.shop == shop, c.question == question, *_LISTED, *_within(start, end))
        .order_by(c.first_at.desc(), c.key.desc())
        .limit(most)
        .subquery()
    )
    few = select(newest.c.question, newest.c.key, newest.c.first_at).where(newest.c.bucket.in_(list(buckets)))
    rows = few.order_by(newest.c.first_at.desc(), newest.c.key.desc()).limit(limit).subquery()
    return select(rows.c.question, rows.c.key, rows.c.first_at)


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says, and what about, in short."""

    question: str
    bucket: str | None
    query_key: str | None
    product: str | None
    language: str | None
    order: str | None


def lately(conn: Connection, shop: str, start: int, end: int, most: int) -> list[Said]:
    """The newest answers in [`start`, `end`) (ms) that count, at most so many."""
    c = _answers.c
    listed = (c.shop == shop, c.answered.is_(True), c.hidden.is_(False), c.first_at >= start, c.first_at < end)
    columns = (c.question, c.bucket, c.query_key, c.product, c.language, c.order_ref)
    rows = conn.execute(select(*columns).where(*listed).order_by(c.first_at.desc(), c.key.desc()).limit(most)).all()
    return [Said(*row) for row in rows]


def are_more_than(conn: Connection, shop: str, most: int) -> bool:
    """Whether the shop has more than so many."""
    return conn.execute(select(_answers.c.key).where(_answers.c.shop == shop).offset(most).limit(1)).first() is not None


def of_shop(conn: Connection, shop: str) -> Iterator[Answer]:
    """Every answer of a shop, page by page."""
    after = ("", "")
    while True:
        later = or_(
            _answers.c.key > after[0], and_(_answers.c.key == after[0], _answers.c.question > after[1])
        )
        page = select(_answers).where(_answers.c.shop == shop, later)
        rows = conn.execute(page.order_by(_answers.c.key, _answers.c.question).limit(_PAGE)).all()
        for row in rows:
            yield _answer(row)
        if len(rows) < _PAGE:
            return
        after = (rows[-1].key, rows[-1].question)


def with_text(conn: Connection, shop: str) -> Iterator[Answer]:
    """Every answer of a shop that has a text, removed ones too, in the order of key and question."""
    c = _answers.c
    after = ("", "")
    while True:
        later = or_(c.key > after[0], and_(c.key == after[0], c.question > after[1]))
        page = select(_answers).where(c.shop == shop, c.text.is_not(None), later)
        rows = conn.execute(page.order_by(c.key, c.question).limit(_PAGE)).all()
        for row in rows:
            yield _answer(row)
        if len(rows) < _PAGE:
            return
        after = (rows[-1].key, rows[-1].question)


def since(conn: Connection, shop: str, start: int, end: int | None, page: int) -> Iterator[list[Answer]]:
    """What was answered in [`start`, `end`) (ms) and counts, oldest first, page by page."""
    c = _answers.c
    after: tuple[int, str, str] = (start, "", "")
    where = [c.shop == shop, c.answered.is_(True), c.hidden.is_(False)]
    if end is not None:
        where.append(c.first_at < end)
    while True:
        at, key, question = after
        later = or_(
            c.first_at > at, and_(c.first_at == at, c.key > key), and_(c.first_at == at, c.key == key, c.question > question)
        )
        query = select(_answers).where(*where, c.first_at >= at, later)
        rows = conn.execute(query.order_by(c.first_at, c.key, c.question).limit(page)).all()
        if rows:
            yield [_answer(row) for row in rows]
        if len(rows) < page:
            return
        after = (rows[-1].first_at, rows[-1].key, rows[-1].question)


def _listed(chosen: Filter) -> tuple[ColumnElement[bool], ...]:
    return (_answers.c.quarantined.is_not(None),) if chosen.quarantined else _LISTED


def _before(before: Position | None, c: _Columns) -> list[ColumnElement[bool]]:
    if before is None:
        return []
    at, key, question = before
    # The first is what an index can be entered by.
    return [
        c.first_at <= at,
        or_(
            c.first_at < at, and_(c.first_at == at, c.key < key), and_(c.first_at == at, c.key == key, c.question < question)
        ),
    ]  # fmt: skip


def _conditions(chosen: Filter, plain: bool = True) -> list[ColumnElement[bool]]:
    """Unless `plain`, they are worded so that no index is chosen for them."""
    found: list[ColumnElement[bool]] = []
    for name in ("question", "language", "placement", "query_key"):
        value = getattr(chosen, name)
        if value is not None:
            found.append((_answers.c[name] if plain else _answers.c[name].concat("")) == value)
    if chosen.product is not None:
        c = _answers.c
        found.append(answer_products.is_about(c.shop, c.key, c.question, chosen.product))
    if chosen.questions is not None:
        found.append((_answers.c.question if plain else _answers.c.question.concat("")).in_(chosen.questions))
    if chosen.verified is not None:
        found.append(_answers.c.verified.is_(chosen.verified))
    if chosen.buckets is not None:
        found.append(_answers.c.bucket.in_(chosen.buckets))
    if chosen.value is not None:
        found.append(or_(_answers.c.bucket == chosen.value, _chose(chosen.value)))
    if chosen.option is not None:
        found.append(_chose(chosen.option))
    if chosen.with_text is not None:
        found.append(_answers.c.text.is_not(None) if chosen.with_text else _answers.c.text.is_(None))
    if chosen.start is not None:
        found.append(_answers.c.first_at >= chosen.start)
    if chosen.end is not None:
        found.append(_answers.c.first_at < chosen.end)
    return found


def _chose(option: str) -> ColumnElement[bool]:
    """Whether this option is among those that were chosen."""
    # Options are lower-case names, so that LIKE, which SQLite takes for any case, means the same on both databases.
    if not is_option(option):
        return false()
    return and_(_answers.c.chosen.is_not(None), _answers.c.chosen.contains(f"\n{option}\n", autoescape=True))


def _collect(found: dict[tuple[str, str], Answer], conn: Connection, where: ColumnElement[bool]) -> None:
    for row in conn.execute(select(_answers).where(where)).all():
        found[row.question, row.key] = _answer(row)


def _row(answer: Answer) -> dict[str, Any]:
    query = answer.get("query")
    options = chosen_options(answer)
    waits = answer.answered and answer.get("removed") is None
    return {
        "shop": answer.shop, "key": answer.key, "question": answer.question, "first_at": answer.first_at,
        "updated_at": answer.updated_at, "answered": answer.answered,
        "hidden": not answer.counted, "quarantined": answer.quarantined if waits else None,
        "verified": answer.verified, "incentivised": answer.incentivised, "bucket": answer.get("bucket"),
        "chosen": "\n{}\n".format("\n".join(options)) if options else None, "text": answer.get("text") or None,
        "language": answer.get("language"), "placement": answer.get("placement"), "product": answer.get("product"),
        "query_key": None if query is None else query_key(query), "order_ref": answer.order,
        "customer": answer.customer,
        "state": orjson.dumps({"s": answer.seen, "r": dump_registers(answer.registers)}).decode(),
    }  # fmt: skip


def _answer(row: Row[Any]) -> Answer:
    state: Mapping[str, Any] = orjson.loads(row.state)
    return Answer(
        row.shop, row.question, row.key, row.first_at, tuple(state["s"]), load_registers(state["r"]), row.incentivised
    )
