"""The log of events: every accepted fact once, for ever. Its unique id is what makes counting exact.

Only an erasure changes what stands in it, and never how many they are or when they were.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, select, tuple_

from widget_server.contract.answer import answer_key

from .db import Key, among, insert_ignore, metadata, put

_PAGE = 2000
_PARTS = ("answer.given", "question.dismissed", "answer.quarantined", "answer.released", "answer.removed")

_events = Table(
    "events",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("id", Key, primary_key=True),
    Column("type", Key, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    # The order, the customer or the answer that it is about: what an erasure, or the story of an answer, looks for.
    Column("subject", Key),
    Column("body", Text, nullable=False),
)
Index(
    "events_of_subject", _events.c.shop, _events.c.subject,
    sqlite_where=_events.c.subject.is_not(None), postgresql_where=_events.c.subject.is_not(None),
)  # fmt: skip


def known(conn: Connection, shop: str, ids: Sequence[str]) -> set[str]:
    """Which of `ids` are in the log. Exact for as long as the shop is locked."""
    wanted = among(conn, _events.c.id, ids)
    return set(conn.execute(select(_events.c.id).where(_events.c.shop == shop, wanted)).scalars())


def add(conn: Connection, shop: str, envelopes: Iterable[Mapping[str, Any]]) -> None:
    """Write events that are not yet known."""
    insert_ignore(conn, _events, [_row(shop, envelope) for envelope in envelopes])


def of_order(ref: str) -> str:
    """The subject of all events about an order, answers to questions about it included."""
    return f"order:{ref}"


def of_customer(ref: str) -> str:
    """The subject of all events about a customer."""
    return f"customer:{ref}"


def of_answer(key: str) -> str:
    """The subject of what was said to questions under an answer key by who showed no order; that one was merely shown
    is not found by it, for most are. What the owner decided is found by it too, whatever the key."""
    return f"answer:{key}"


def about(conn: Connection, shop: str, subjects: Iterable[str], limit: int) -> list[tuple[int, str, dict[str, Any]]]:
    """(received, source, event) of events about any of `subjects`, the oldest `limit` of them in the order they happened."""
    c = _events.c
    chosen = select(c.received, c.source, c.body).where(c.shop == shop, among(conn, c.subject, subjects))
    rows = conn.execute(chosen.order_by(c.at, c.id).limit(limit))
    return [(row.received, row.source, orjson.loads(row.body)) for row in rows]


def rewrite(
    conn: Connection, shop: str, subjects: Iterable[str], change: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> None:
    """Put `change(event)` in the place of every event about one of `subjects`. Id, type and times stay."""
    c = _events.c
    chosen = select(_events).where(c.shop == shop, among(conn, c.subject, subjects))
    changed = []
    for row in conn.execute(chosen).all():
        event = orjson.loads(row.body)
        after = change(event)
        if after != event:
            # The names of a row are of a kind of their own, which orjson takes for no text.
            whole = {str(name): value for name, value in row._mapping.items()}
            changed.append({**whole, "subject": _subject(after), "body": orjson.dumps(after).decode()})
    put(conn, _events, changed)


def page(conn: Connection, shop: str, types: Iterable[str], after: str, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """Those of these types among the next `limit` events after the id `after`; and the id to go on after, None at the end.

    It looks at so many events whatever their types are, so that no page takes longer than another.
    """
    columns = (_events.c.id, _events.c.type, _events.c.body)
    later = tuple_(_events.c.shop, _events.c.id) > tuple_(shop, after)
    chosen = select(*columns).where(_events.c.shop == shop, later).order_by(_events.c.shop, _events.c.id).limit(limit)
    rows = conn.execute(chosen).all()
    wanted = set(types)
    found = [orjson.loads(row.body) for row in rows if row.type in wanted]
    return found, rows[-1].id if len(rows) == limit else None


def of_shop(conn: Connection, shop: str, types: Iterable[str] = ()) -> Iterator[dict[str, Any]]:
    """Every event of a shop (of these types, when given), page by page in no particular order."""
    wanted = tuple(types)
    after = ""
    while True:
        page = select(_events.c.id, _events.c.body).where(
            _events.c.shop == shop, tuple_(_events.c.shop, _events.c.id) > tuple_(shop, after)
        )
        if wanted:
            page = page.where(_events.c.type.in_(wanted))
        rows = conn.execute(page.order_by(_events.c.shop, _events.c.id).limit(_PAGE)).all()
        for row in rows:
            yield orjson.loads(row.body)
        if len(rows) < _PAGE:
            return
        after = rows[-1].id


def _row(shop: str, envelope: Mapping[str, Any]) -> dict[str, Any]:
    event = envelope["event"]
    return {
        "shop": shop, "id": event["id"], "type": event["type"], "at": event["at"],
        "received": envelope["received"], "source": envelope["source"], "subject": _subject(event),
        "body": orjson.dumps(event).decode(),
    }  # fmt: skip


def _subject(event: Mapping[str, Any]) -> str | None:
    if order := event.get("order"):
        return of_order(order["ref"])
    if customer := event.get("customer"):
        return of_customer(customer["ref"])
    if event["type"] in _PARTS:
        return of_answer(answer_key(event))
    return None
