"""How shoppers spell each query: for every normalised query the spellings and how often each was searched."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import BigInteger, Column, Connection, Table, delete, select

from .db import Key, add_up, metadata

_spellings = Table(
    "spellings",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("query_key", Key, primary_key=True),
    Column("spelling", Key, primary_key=True),
    Column("n", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)


def add(conn: Connection, shop: str, spelled: Mapping[tuple[str, str], int]) -> None:
    """Count spellings: {(query key, spelling): how often}."""
    rows = [{"shop": shop, "query_key": key, "spelling": text, "n": n} for (key, text), n in spelled.items()]
    add_up(conn, _spellings, rows, "n")


def most_frequent(conn: Connection, shop: str, keys: Iterable[str]) -> dict[str, str]:
    """The most frequent spelling of each query; of equally frequent ones the first in the alphabet. What differs in
    capitals only is one spelling, written as it mostly is."""
    written: dict[str, dict[str, list[tuple[int, str]]]] = defaultdict(lambda: defaultdict(list))
    for row in conn.execute(select(_spellings).where(_spellings.c.shop == shop, _spellings.c.query_key.in_(list(keys)))):
        written[row.query_key][row.spelling.casefold()].append((-int(row.n), row.spelling))
    found = {}
    for key, alike in written.items():
        often = min((sum(n for n, _ in each), min(each)) for each in alike.values())
        found[key] = often[1][1]
    return found


def of_query(conn: Connection, shop: str, key: str, limit: int) -> list[tuple[str, int]]:
    """The most frequent spellings of one query, and how often each was searched."""
    c = _spellings.c
    chosen = select(c.spelling, c.n).where(c.shop == shop, c.query_key == key, c.n > 0)
    return [(row.spelling, int(row.n)) for row in conn.execute(chosen.order_by(c.n.desc(), c.spelling).limit(limit))]


def stored(conn: Connection, shop: str) -> dict[tuple[str, str], int]:
    """Every spelling of `shop` and how often it was counted."""
    rows = conn.execute(select(_spellings).where(_spellings.c.shop == shop, _spellings.c.n != 0))
    return {(row.query_key, row.spelling): row.n for row in rows}


def forget(conn: Connection, shop: str) -> None:
    """Delete every spelling of `shop`; only for a rebuild, in whose transaction they come back."""
    conn.execute(delete(_spellings).where(_spellings.c.shop == shop))
