"""What members of a shop said and did about an answer: notes, changes of its case, who opened what is personal. Owner of
`answer_notes`.

Lines are only ever added. An erasure of the customer takes the words out of the notes and leaves that there were some.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    and_,
    bindparam,
    func,
    insert,
    select,
    update,
)

from .db import Key, metadata
from .taking import Taken

LONGEST = 2000
MOST = 500
"""Notes about one answer: nobody's slip of a loop fills the table. The other lines, one for each deed, are not bounded."""

Kind = Literal["note", "status", "assignee", "due", "opened", "decided"]

_notes = Table(
    "answer_notes",
    metadata,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("shop", Key, nullable=False),
    Column("question", Key, nullable=False),
    Column("key", Key, nullable=False),
    Column("at", BigInteger, nullable=False),
    # Null when a program did it with the shop's API key.
    Column("account", Key),
    Column("kind", Key, nullable=False),
    Column("text", Text, nullable=False),
)
taken = Taken(_notes, ("question", "key", "number"), ("question", "key", "at", "account", "kind", "text"), left=("number",))
_c = _notes.c
Index("answer_notes_of_answer", _c.shop, _c.question, _c.key, _c.number)

Name = tuple[str, str]
"""Question and key of the answer."""


@dataclass(frozen=True, slots=True)
class Note:
    """`text` is what a note says, or the new status, assignee (an account) or due time (ms), empty for none; of a decision
    about quarantine the id of its event."""

    at: int
    account: str | None
    kind: str
    text: str


def add(
    conn: Connection, shop: str, names: Iterable[Name], account: str | None, kind: Kind, words: str, now: int
) -> None:
    """Write a line about each of these answers."""
    add_each(conn, shop, dict.fromkeys(names, words), account, kind, now)


def add_each(
    conn: Connection, shop: str, words: Mapping[Name, str], account: str | None, kind: Kind, now: int
) -> None:
    """Write a line about each of these answers, with words of its own."""
    rows = [
        {"shop": shop, "question": question, "key": key, "at": now, "account": account, "kind": kind, "text": text}
        for (question, key), text in words.items()
    ]
    if rows:
        conn.execute(insert(_notes), rows)


def of_answer(conn: Connection, shop: str, name: Name) -> list[Note]:
    """The lines about one answer, in the order they were written; of very many the newest."""
    found = select(_notes).where(*_about(shop, name)).order_by(_c.number.desc()).limit(2 * MOST)
    return [Note(row.at, row.account, row.kind, row.text) for row in reversed(conn.execute(found).all())]


def room(conn: Connection, shop: str, name: Name) -> bool:
    """Whether one more note may be written about this answer, whatever else was done about it."""
    written = select(func.count()).select_from(_notes).where(*_about(shop, name), _c.kind == "note")
    return conn.execute(written).scalar_one() < MOST


def strip(conn: Connection, shop: str, names: Sequence[Name]) -> None:
    """Take the words out of the notes about these answers."""
    one = update(_notes).where(
        and_(_c.shop == shop, _c.question == bindparam("named_question"), _c.key == bindparam("named_key"), _c.kind == "note")
    )
    if names:
        values = [{"named_question": question, "named_key": key} for question, key in names]
        conn.execute(one.values(text=""), values)


def _about(shop: str, name: Name) -> tuple[ColumnElement[bool], ...]:
    question, key = name
    return _c.shop == shop, _c.question == question, _c.key == key
