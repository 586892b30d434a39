"""Which products answers are about, as `contract.answer.products` says: their own, or those of their order. Owner of
`answer_products`: by it the answers about a product are listed, as many of them as its counters count.

Answers that say nothing, and removed ones, have no row. Whoever changes an answer or the lines of its order writes its rows
in the same transaction.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
)

from widget_server.contract.answer import Answer, Line, products

from .db import Key, metadata, put

_PAGE = 2000

table = Table(
    "answer_products",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("key", Key, primary_key=True),
    Column("question", Key, primary_key=True),
    Column("product", Key, primary_key=True),
    # As the answer has them.
    Column("first_at", BigInteger, nullable=False),
    Column("hidden", Boolean, nullable=False),
)
c = table.c
Index(
    "answer_products_newest", c.shop, c.product, c.first_at, c.key, c.question,
    sqlite_where=c.hidden.is_(False), postgresql_where=c.hidden.is_(False),
)  # fmt: skip


class About(NamedTuple):
    """An answer (key, question) and a product that it is about."""

    key: str
    question: str
    product: str


class Place(NamedTuple):
    """Where among the answers about a product it is listed."""

    first_at: int
    hidden: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """A product that an answer is listed under and should not be, or the other way round; or at another place."""

    about: About
    stored: int
    counted: int


def of(answer: Answer, lines: Iterable[Line]) -> dict[About, Place]:
    """The rows of an answer whose order has these lines."""
    if not answer.answered or answer.get("removed") is not None:
        return {}
    place = Place(answer.first_at, not answer.counted)
    return {About(answer.key, answer.question, product): place for product in products(answer, lines)}


def save(conn: Connection, shop: str, before: Mapping[About, Place], after: Mapping[About, Place]) -> None:
    """Bring the rows of some answers of `shop` from what they were to what they are."""
    gone = [about for about in before if about not in after]
    if gone:
        named = [{f"gone_{name}": value for name, value in about._asdict().items()} for about in sorted(gone)]
        which = (c[name] == bindparam(f"gone_{name}") for name in About._fields)
        conn.execute(delete(table).where(c.shop == shop, *which), named)
    changed = sorted((about, place) for about, place in after.items() if before.get(about) != place)
    put(conn, table, [{"shop": shop, **about._asdict(), **place._asdict()} for about, place in changed])


def walk(
    shop: str, product: str, question: str | None, start: int | None, end: int | None
) -> list[ColumnElement[bool]]:
    """Leads along an index through what is listed about a product, to one question or all, in [`start`, `end`) (ms); its
    columns are `c`."""
    found = [c.shop == shop, c.product == product, c.hidden.is_(False)]
    if question is not None:
        found.append(c.question == question)
    if start is not None:
        found.append(c.first_at >= start)
    return found if end is None else [*found, c.first_at < end]


def joined(shop: ColumnElement[str], key: ColumnElement[str], question: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a row is that of the answer under these columns."""
    return and_(shop == c.shop, key == c.key, question == c.question)


def is_about(
    shop: ColumnElement[str], key: ColumnElement[str], question: ColumnElement[str], product: str
) -> ColumnElement[bool]:
    """Whether the answer under these columns is about a product; by its key, not along an index."""
    row = table.alias()
    return exists().where(
        row.c.shop == shop, row.c.key == key, row.c.question == question, row.c.product == product
    )


def forget(conn: Connection, shop: str) -> None:
    """Delete every row of `shop`; only for a rebuild, in whose transaction they come back."""
    conn.execute(delete(table).where(c.shop == shop))


def differences(conn: Connection, shop: str, counted: Iterable[tuple[About, Place]]) -> Iterator[Difference]:
    """Where rows differ from what is `counted`, everything the shop has in the order of key, question and product."""
    rows = _every(conn, shop)
    row = next(rows, None)
    for about, place in counted:
        while row is not None and row[0] < about:
            yield Difference(row[0], 1, 0)
            row = next(rows, None)
        stored = None
        if row is not None and row[0] == about:
            stored = row[1]
            row = next(rows, None)
        if stored != place:
            yield Difference(about, 0, 1)
    while row is not None:
        yield Difference(row[0], 1, 0)
        row = next(rows, None)


def _every(conn: Connection, shop: str) -> Iterator[tuple[About, Place]]:
    after = About("", "", "")
    while True:
        later = or_(
            c.key > after.key,
            and_(c.key == after.key, c.question > after.question),
            and_(c.key == after.key, c.question == after.question, c.product > after.product),
        )
        page = select(c.key, c.question, c.product, c.first_at, c.hidden).where(c.shop == shop, later)
        rows = conn.execute(page.order_by(c.key, c.question, c.product).limit(_PAGE)).all()
        for row in rows:
            yield About(row.key, row.question, row.product), Place(row.first_at, row.hidden)
        if len(rows) < _PAGE:
            return
        after = About(rows[-1].key, rows[-1].question, rows[-1].product)
