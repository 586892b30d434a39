"""What shoppers wrote, to be found by its words: SQLite's FTS5 or PostgreSQL's tsvector with a GIN index. Owner of
`answer_texts` and, on SQLite, of the index `answer_words` that triggers keep beside it.

Words are cut here and folded as queries are (`contract.queries`), so that both databases find the same. Each word stands in
the index behind the mark of its shop: nobody's search gets slower by what another shop has, or finds it. Answers without
words and removed ones have no row. Whoever writes an answer writes its row in the same transaction.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Subquery,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    column,
    delete,
    func,
    literal_column,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from widget_server.contract.answer import Answer
from widget_server.contract.queries import folded

from .db import Key, among, listed, metadata, put

LONGEST_WORD = 48
MOST_WORDS = 12
"""Of a search; who types more has found it by then."""

_texts = Table(
    "answer_texts",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("key", Key, primary_key=True),
    Column("question", Key, primary_key=True),
    # The time of the answer and something that tells it from others of the same time: the newer, the greater.
    Column("number", BigInteger, nullable=False),
    # Each once, with the mark of the shop before it. The GIN index on it is the migration's.
    Column("words", Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
)
_c = _texts.c
Index("answer_texts_newest", _c.shop, _c.number, unique=True)

# SQLite only: the index of words, and a view of it by word and row.
_words = table("answer_words", column("rowid", BigInteger))
_instances = table("answer_words_instances", column("term", Text), column("doc", BigInteger))

# From each word to the next, past all the rows that the word is in.
_BEGIN = text("""
    WITH RECURSIVE words(word) AS (
        SELECT (SELECT term FROM answer_words_instances WHERE term >= :first AND term < :behind LIMIT 1)
        UNION ALL
        SELECT (SELECT term FROM answer_words_instances WHERE term >= word || char(1) AND term < :behind LIMIT 1)
        FROM words WHERE word IS NOT NULL LIMIT :most
    )
    SELECT word FROM words WHERE word IS NOT NULL
""")

_WORD = re.compile(r"[^\W_]+")
_BITS = 21
_PAGE = 2000
# Among so many newest texts it is looked first for words that are usual.
_NEWEST = 5000
# Of a beginning.
_ENDINGS = 64
# Pages that an erasure may cost at most; what is left is gone when later writes merge.
_MERGE = -2000

Name = tuple[str, str]
"""Key and question of an answer."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An answer whose words are not in the index as they should be: how many are, how many should be."""

    key: str
    question: str
    stored: int
    counted: int


@dataclass(frozen=True, slots=True)
class Hits:
    """`numbers` of answers, the newest first, for `named`; under the number `end` there may be more, None says that these
    are all."""

    numbers: Sequence[int]
    end: int | None


def words_of(typed: str) -> list[str]:
    """The words of a text as they are compared, in their order.

    >>> words_of("  Zaļš KRĒSLS, 2.gab ")
    ['zals', 'kresls', '2', 'gab']
    """
    return [word[:LONGEST_WORD] for word in _WORD.findall(folded(typed))]


def save(conn: Connection, answers: Iterable[Answer]) -> None:
    """Bring the rows of `answers`, all of one shop, to their present state."""
    # Who never wrote a text has no row: most answers end here.
    wrote = [answer for answer in answers if "text" in answer.registers]
    if not wrote:
        return
    shop = wrote[0].shop
    stored = _stored(conn, shop, [answer.key for answer in wrote])
    rows, moved, gone = [], [], []
    for answer in wrote:
        name, words = (answer.key, answer.question), _indexed(answer)
        old = stored.get(name)
        if not words:
            if old is not None:
                gone.append(name)
        elif old is None or old[0] >> _BITS != answer.first_at:
            moved.append((answer, words))
        elif old[1] != words:
            rows.append(_row(answer, old[0], words))
    numbers = _free_numbers(conn, shop, [answer for answer, _ in moved])
    put(conn, _texts, [*rows, *(_row(answer, numbers[answer.key, answer.question], words) for answer, words in moved)])
    _remove(conn, shop, gone)


def matching(conn: Connection, shop: str, typed: str, before: int | None, most: int, enough: int) -> Hits:
    """The newest answers of `shop`, `most` of them, that have all the words of `typed`, the last of them as a beginning;
    only those whose number is under `before`. Where `enough` are found soon there may be fewer. None without a word."""
    words = words_of(typed)[:MOST_WORDS]
    if not words:
        return Hits((), None)
    marked = [f"{_mark(shop)}{word}" for word in words]
    if conn.dialect.name == "postgresql":
        return _matching_lexemes(conn, shop, " & ".join([*marked[:-1], f"{marked[-1]}:*"]), before, most, enough)
    match = " AND ".join([*(f'"{word}"' for word in marked[:-1]), _beginning(conn, marked[-1])])
    found = select(_words.c.rowid).where(literal_column("answer_words").op("MATCH")(match), *_under(_words.c.rowid, before))
    return _cut(conn.execute(found.order_by(_words.c.rowid.desc()).limit(most)).scalars().all(), most)


def _cut(numbers: Sequence[int], most: int) -> Hits:
    return Hits(numbers, numbers[-1] if len(numbers) == most else None)


def _beginning(conn: Connection, word: str) -> str:
    """Of a prefix FTS5 gathers every row there is before it gives the first. Of words it reads on as rows are asked for: a
    beginning that few of them have is put as these."""
    begun = {"first": word, "behind": f"{word}\U0010ffff", "most": _ENDINGS + 1}
    words = conn.execute(_BEGIN, begun).scalars().all()
    if len(words) > _ENDINGS:
        return f'"{word}" *'
    return "({})".format(" OR ".join(f'"{each}"' for each in words or [word]))


def _matching_lexemes(conn: Connection, shop: str, query: str, before: int | None, most: int, enough: int) -> Hits:
    """PostgreSQL finds all that a GIN index has before it can sort them: a word that everybody uses is quicker found among
    the newest texts, and any other by the index."""
    has = cast(bindparam(None, query, type_=Text), TSQUERY)
    newest = select(_c.number, _c.words).where(_c.shop == shop, *_under(_c.number, before)).order_by(_c.number.desc())
    window = newest.limit(_NEWEST).subquery()
    near = select(window.c.number).where(window.c.words.op("@@")(has)).order_by(window.c.number.desc())
    numbers = conn.execute(near).scalars().all()
    if len(numbers) >= enough:
        return Hits(numbers, conn.execute(select(func.min(window.c.number))).scalar_one())
    # Else the planner takes the order of the numbers for a short way, whatever the word is.
    found = select(_c.number).where(_c.shop == shop, _c.words.op("@@")(has)).cte("every").prefix_with("MATERIALIZED")
    older = select(found.c.number).where(*_under(found.c.number, before)).order_by(found.c.number.desc()).limit(most)
    return _cut(conn.execute(older).scalars().all(), most)


def named(conn: Connection, shop: str, numbers: Sequence[int]) -> Subquery:
    """`key`, `question` and `number` of the answers that have these numbers."""
    wanted = select(cast(listed(conn, map(str, numbers)), BigInteger))
    return select(_c.number, _c.key, _c.question).where(_c.shop == shop, _c.number.in_(wanted)).subquery()


def forget(conn: Connection, shop: str) -> None:
    """Delete every row of `shop`; only for a rebuild, in whose transaction they come back."""
    conn.execute(delete(_texts).where(_c.shop == shop))


def reindex(conn: Connection) -> None:
    """Make the index anew from the rows, whatever stood in it. PostgreSQL sees to that itself."""
    if conn.dialect.name == "sqlite":
        conn.execute(text("INSERT INTO answer_words(answer_words) VALUES ('rebuild')"))


def differences(conn: Connection, shop: str, answers: Iterable[Answer]) -> Iterator[Difference]:
    """Where rows or index differ from what `answers` say; these are all that have a text, in the order of key and
    question."""
    indexed = _index_counts(conn, shop)
    rows = _every(conn, shop)
    row = next(rows, None)
    for answer in answers:
        name, words = (answer.key, answer.question), _indexed(answer)
        while row is not None and row[0] < name:
            yield Difference(*row[0], len(row[2]), 0)
            row = next(rows, None)
        number, stored = None, frozenset[str]()
        if row is not None and row[0] == name:
            _, number, stored = row
            row = next(rows, None)
        if stored != words or (number is not None and number >> _BITS != answer.first_at):
            yield Difference(*name, len(stored & words), len(words))
        elif indexed is not None and number is not None:
            found, size = indexed.pop(number, (0, 0))
            if (found, size) != (len(words), sum(map(len, words))):
                yield Difference(*name, found, len(words))
    while row is not None:
        yield Difference(*row[0], len(row[2]), 0)
        row = next(rows, None)


def _indexed(answer: Answer) -> frozenset[str]:
    """What is to be in the index of it."""
    written = answer.get("text")
    if not written or answer.get("removed") is not None:
        return frozenset()
    mark = _mark(answer.shop)
    return frozenset(f"{mark}{word}" for word in words_of(written))


@lru_cache(maxsize=4096)
def _mark(shop: str) -> str:
    """Eight letters or digits that stand for a shop."""
    return base64.b32encode(hashlib.blake2b(shop.encode(), digest_size=5).digest()).decode().lower()


def _row(answer: Answer, number: int, words: Iterable[str]) -> dict[str, Any]:
    # PostgreSQL reads a list of bare words as a tsvector.
    return {
        "shop": answer.shop, "key": answer.key, "question": answer.question, "number": number,
        "words": " ".join(sorted(words)),
    }  # fmt: skip


def _free_numbers(conn: Connection, shop: str, answers: Sequence[Answer]) -> dict[Name, int]:
    """A number for each of these that no other answer of the shop has. Exact for as long as the shop is locked."""
    found: dict[Name, int] = {}
    wanted = {(answer.key, answer.question): (answer.first_at << _BITS) + _scatter(answer) for answer in answers}
    while wanted:
        numbers = select(_c.number).where(_c.shop == shop, _c.number.in_(sorted(set(wanted.values()))))
        taken = {*conn.execute(numbers).scalars(), *found.values()}
        clashing = {}
        for name, number in wanted.items():
            if number in taken:
                clashing[name] = (number >> _BITS << _BITS) + (number + 1) % (1 << _BITS)
            else:
                taken.add(number)
                found[name] = number
        wanted = clashing
    return found


def _scatter(answer: Answer) -> int:
    named = f"{answer.key}\n{answer.question}".encode()
    return int.from_bytes(hashlib.blake2b(named, digest_size=4).digest(), "big") >> (32 - _BITS)


def _under(number: ColumnElement[int], before: int | None) -> list[ColumnElement[bool]]:
    return [] if before is None else [number < before]


def _read_words(conn: Connection) -> ColumnElement[str]:
    if conn.dialect.name == "postgresql":
        return func.array_to_string(func.tsvector_to_array(_c.words), " ")
    return cast(_c.words, Text)


def _stored(conn: Connection, shop: str, keys: Iterable[str]) -> dict[Name, tuple[int, frozenset[str]]]:
    chosen = select(_c.key, _c.question, _c.number, _read_words(conn).label("said"))
    rows = conn.execute(chosen.where(_c.shop == shop, among(conn, _c.key, keys)))
    return {(row.key, row.question): (row.number, frozenset(row.said.split())) for row in rows}


def _every(conn: Connection, shop: str) -> Iterator[tuple[Name, int, frozenset[str]]]:
    """Every row of a shop, in the order of key and question."""
    after = ("", "")
    chosen = select(_c.key, _c.question, _c.number, _read_words(conn).label("said")).where(_c.shop == shop)
    while True:
        later = or_(_c.key > after[0], and_(_c.key == after[0], _c.question > after[1]))
        rows = conn.execute(chosen.where(later).order_by(_c.key, _c.question).limit(_PAGE)).all()
        for row in rows:
            yield (row.key, row.question), row.number, frozenset(row.said.split())
        if len(rows) < _PAGE:
            return
        after = (rows[-1].key, rows[-1].question)


def _remove(conn: Connection, shop: str, names: Sequence[Name]) -> None:
    if not names:
        return
    one = delete(_texts).where(
        _c.shop == shop, _c.key == bindparam("named_key"), _c.question == bindparam("named_question")
    )
    conn.execute(one, [{"named_key": key, "named_question": question} for key, question in names])
    if conn.dialect.name == "sqlite":
        # Else the words of whoever was erased would stay in the file until the index is merged for another reason.
        merge = "INSERT INTO answer_words(answer_words, rank) VALUES ('merge', :pages)"
        conn.execute(text(merge), {"pages": _MERGE})


def _index_counts(conn: Connection, shop: str) -> dict[int, tuple[int, int]] | None:
    """By number how many words stand in the index, and how many letters they have. None where the database itself keeps
    the index like the row."""
    if conn.dialect.name != "sqlite":
        return None
    mark = _mark(shop)
    i = _instances.c
    behind = f"{mark[:-1]}{chr(ord(mark[-1]) + 1)}"
    counted = select(i.doc, func.count().label("n"), func.sum(func.length(i.term)).label("size"))
    rows = conn.execute(counted.where(i.term >= mark, i.term < behind).group_by(i.doc))
    return {row.doc: (row.n, row.size) for row in rows}
