"""From a file of customers, orders, items or ratings to envelopes for the stream.

A row's event has an id made from the shop, the row's name and what the row says, so a file that is read again changes
nothing, and one that is interrupted is simply read again. A row that says something new edits what it said before: its
event bears a `revision` above that of the last one. What a later file leaves out stays as it was.

The first eight bytes of such an id (a UUID of version 8) stand for the row and its content, the others for what it
follows. So a row that returns to what it said two files ago is told from a row that never changed.
"""

import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson
from sqlalchemy import Connection

from widget_server.contract.answer import Stamp
from widget_server.contract.questions import question_types
from widget_server.contract.shop import Shop
from widget_server.record import answers, customers, orders
from widget_server.record.db import Database

from .columns import (
    KINDS,
    ORDER_RATING,
    BadColumns,
    FileKind,
    Place,
    Refused,
    content_digest,
    place_columns,
    read_row,
)
from .csvfile import CannotRead, CsvFile, Row

# Rows that are looked up, and sent, together.
BATCH = 2000
SHOWN = 20
_WHOLE_ROW = "row"
_OTHERWISE = "An earlier row of the same id says otherwise; that one counts."


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row was not taken: {header: sentence}; "row" stands for the row as a whole."""

    row: int
    line: int
    errors: Mapping[str, str]


@dataclass
class Tally:
    """What became of the rows of one file. `refusals` holds the first few, `reasons` counts all."""

    rows: int = 0
    new: int = 0
    corrected: int = 0
    unchanged: int = 0
    repeated: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def accepted(self) -> int:
        return self.rows - self.refused

    def refuse(self, row: Row, errors: Mapping[str, str]) -> None:
        self.refused += 1
        self.reasons.update(errors.items())
        if len(self.refusals) < SHOWN:
            self.refusals.append(Refusal(row.number, row.line, errors))


@dataclass(frozen=True, slots=True)
class _Read:
    """A row that can be taken."""

    name: str
    event: dict[str, Any]
    content: bytes


def place_of(shop: Shop) -> Place:
    """Where imported rows go. Raises CannotRead when the shop no longer asks about orders."""
    question = shop.question(ORDER_RATING)
    kind = None if question is None else question_types().get(question.type)
    if question is None or kind is None:
        raise CannotRead(f"The shop {shop.name} has no question {ORDER_RATING} that ratings could answer.")
    return Place(shop, question, kind)


class FileImport:
    """One file. Opening it reads the header and raises CannotRead; `batches` then reads the rows, once.

    `started` is when the run began, in ms; `names` are the columns that the user has named.
    """

    def __init__(
        self, kind: str, path: Path, place: Place, started: int, names: Mapping[str, str | None] | None = None
    ) -> None:
        self.kind = KINDS[kind]
        self.path = path
        self.tally = Tally()
        self._place = place
        self._started = started
        self._file = CsvFile(path)
        self._seen = _Seen()
        try:
            self._places, self.unused = place_columns(self.kind, self._file.header, names or {})
        except BadColumns as error:
            self.close()
            raise CannotRead(f"{path}: {error}.") from error

    def __enter__(self) -> "FileImport":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self._seen.close()

    @property
    def size(self) -> int:
        return self._file.size

    @property
    def position(self) -> int:
        return self._file.position

    def batches(self, database: Database) -> Iterator[list[bytes]]:
        """Envelopes of what is new, a batch of rows at a time. One batch must be in the stream before the next is asked."""
        batch: list[_Read] = []
        for row in self._file.rows():
            self.tally.rows += 1
            read = self._read(row)
            if read is not None:
                batch.append(read)
            if len(batch) == BATCH:
                yield self._envelopes(database, batch)
                batch = []
        yield self._envelopes(database, batch)

    def _read(self, row: Row) -> _Read | None:
        if row.problem:
            self.tally.refuse(row, {_WHOLE_ROW: row.problem})
            return None
        cells = {name: row.cells[index] for name, index in self._places.items()}
        try:
            name, event = read_row(self.kind, cells, self._place)
        except Refused as error:
            self.tally.refuse(row, {self._header(column): said for column, said in error.errors.items()})
            return None
        content = orjson.dumps(event, option=orjson.OPT_SORT_KEYS)
        earlier = self._seen.earlier(name, content)
        if earlier is None:
            return _Read(name, event, content)
        if says_nothing_new(event, earlier):
            self.tally.repeated += 1
        else:
            self.tally.refuse(row, {_WHOLE_ROW: _OTHERWISE})
        return None

    def _header(self, column: str) -> str:
        """What the file calls a column."""
        return self._file.header[self._places[column]] if column in self._places else column

    def _envelopes(self, database: Database, batch: list[_Read]) -> list[bytes]:
        if not batch:
            return []
        with database.reading() as conn:
            present = _present(conn, self._place.shop.id, self.kind, batch)
        return [made for read in batch if (made := self._envelope(read, present)) is not None]

    def _envelope(self, read: _Read, present: Mapping[str, list[Stamp]]) -> bytes | None:
        shop = self._place.shop.id
        stamps = present.get(read.name, [])
        ours = [stamp for stamp in stamps if is_import_id(stamp.event)]
        before = max(ours).event if ours else None
        made = event_id(shop, self.kind.name, read.name, read.content, before)
        if before is not None and same_content(before, made):
            self.tally.unchanged += 1
            return None
        if before is None:
            self.tally.new += 1
        else:
            self.tally.corrected += 1
        # Above all that was said before, also when a clock was set back since.
        revision = max([self._started, *(stamp.at + 1 for stamp in stamps)])
        event = {"id": made, "at": self._started, **read.event, "revision": revision}
        return orjson.dumps({"shop": shop, "source": "import", "received": _now(), "event": event})


def event_id(shop: str, kind: str, row: str, content: bytes, before: str | None) -> str:
    """The id of the event of a row that says `content` and follows the event `before`."""
    digest = content_digest(shop, kind, row, content)
    follows = digest[8:16] if before is None else content_digest(digest, before)[:8]
    made = bytearray(digest[:8] + follows)
    made[6] = made[6] & 0x0F | 0x80  # version 8: RFC 9562 leaves the rest to us
    made[8] = made[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(made)))


def is_import_id(event: str) -> bool:
    """Whether `event_id` has made it: nothing else here makes UUIDs of version 8."""
    return event[14:15] == "8"


def same_content(event: str, other: str) -> bool:
    """Whether two ids of one row stand for the same content."""
    return event[:18] == other[:18]


def says_nothing_new(event: Any, earlier: Any) -> bool:
    """Whether all that `event` says was said by `earlier`, which may say more (exports repeat orders for each item)."""
    if isinstance(event, dict) and isinstance(earlier, dict):
        return all(
            name in earlier and says_nothing_new(value, earlier[name]) for name, value in event.items()
        )
    return bool(event == earlier)


def _present(conn: Connection, shop: str, kind: FileKind, batch: list[_Read]) -> dict[str, list[Stamp]]:
    """Who last wrote what the rows of a batch speak of, by the names of the rows."""
    if kind.name == "ratings":
        found = answers.load(conn, shop, [f"import:{read.name}" for read in batch])
        return {
            key.removeprefix("import:"): [answer.registers["answered_at"].stamp]
            for (question, key), answer in found.items()
            if question == ORDER_RATING and "answered_at" in answer.registers
        }
    if kind.name == "customers":
        return customers.written(conn, shop, sorted(read.name for read in batch))
    known = orders.load(conn, shop, sorted({read.event["order"]["ref"] for read in batch}))
    present: dict[str, list[Stamp]] = {}
    for read in batch:
        order = known.get(read.event["order"]["ref"])
        if order is None:
            continue
        written = order.registers
        if kind.name == "items":
            line = read.event["order"]["lines"][0]["line"]
            written = {line: order.lines[line]} if line in order.lines else {}
        present[read.name] = [Stamp(one.stamp.at, one.stamp.event) for one in written.values()]
    return present


class _Seen:
    """Which rows a file has named so far, and what they said; on disk as soon as they are many."""

    def __init__(self) -> None:
        # "" is a private file that is gone with the connection.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("CREATE TABLE seen (name TEXT PRIMARY KEY, content BLOB) WITHOUT ROWID")
        self._db.execute("BEGIN")

    def earlier(self, name: str, content: bytes) -> Any:
        """None when the name is new; else the event of the row that had it first."""
        if self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (name, content)).rowcount:
            return None
        row = self._db.execute("SELECT content FROM seen WHERE name = ?", (name,)).fetchone()
        return orjson.loads(row[0])

    def close(self) -> None:
        self._db.close()


def _now() -> int:
    return int(time.time() * 1000)
