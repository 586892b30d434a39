"""A CSV file as people's programs write it, read row by row: UTF-8 with or without BOM, `,` `;` or TAB between cells.

No more than one row is held in memory, however broken the file is. A row that can't be taken apart is reported with
its place, and reading goes on behind it.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_DELIMITERS = ",;\t"
# Longer lines are refused; csv itself refuses cells of more than 128 Ki characters.
_MAX_LINE = 1 << 20
_FOREIGN_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class CannotRead(Exception):
    """The file as a whole can't be read. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    """`number` is the row as a spreadsheet counts it (the header is row 1), `line` the line it ends on in an editor.

    `problem` says in a sentence why there are no cells.
    """

    number: int
    line: int
    cells: list[str]
    problem: str = ""


class CsvFile:
    """Opens `path` and reads its header. Raises CannotRead."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._raw = path.open("rb")
            self.size = path.stat().st_size
        except OSError as error:
            raise CannotRead(f"{path} can't be opened: {error.strerror}.") from error
        try:
            self.header, self._reader, self._lines = self._begin()
        except CannotRead:
            self._raw.close()
            raise

    def close(self) -> None:
        self._raw.close()

    @property
    def position(self) -> int:
        """How many bytes are read."""
        return self._raw.tell()

    def rows(self) -> Iterator[Row]:
        """Every row behind the header; empty lines are passed over, yet counted."""
        number = 1
        while True:
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except (csv.Error, _LineTooLong) as error:
                number += 1
                yield Row(number, self._lines.count, [], _sentence(error))
                continue
            except OSError as error:
                raise CannotRead(f"{self.path} can't be read further: {error.strerror}.") from error
            number += 1
            if cells:
                yield self._row(number, cells)

    def _row(self, number: int, cells: list[str]) -> Row:
        wanted = len(self.header)
        while len(cells) > wanted and not cells[-1]:
            cells.pop()
        if len(cells) != wanted:
            problem = f"It has not as many cells as the header, which has {wanted}."
            return Row(number, self._lines.count, [], problem)
        return Row(number, self._lines.count, cells)

    def _begin(self) -> tuple[list[str], "Iterator[list[str]]", "_Lines"]:
        start = self._raw.peek(4)[:4]
        if start.startswith(_FOREIGN_BOMS):
            raise CannotRead(f"{self.path} is UTF-16; save it as CSV UTF-8.")
        # Bytes that are not UTF-8 become lone surrogates, which the check of the row they stand in finds.
        text = io.TextIOWrapper(self._raw, "utf-8-sig", "surrogateescape", newline="")
        lines = _Lines(text)
        delimiter = self._delimiter(lines)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            header = [cell.strip() for cell in next(reader)]
        except StopIteration:
            raise CannotRead(f"{self.path} is empty.") from None
        except (csv.Error, _LineTooLong) as error:
            raise CannotRead(f"{self.path} is no CSV file: {_sentence(error)}") from error
        while header and not header[-1]:
            header.pop()
        return header, reader, lines

    def _delimiter(self, lines: "_Lines") -> str:
        try:
            first = lines.peek()
        except _LineTooLong as error:
            raise CannotRead(f"{self.path} is no CSV file: {_sentence(error)}") from error
        if named := re.fullmatch(r"sep=(.)\s*", first):  # Excel's own way of saying so
            next(lines)
            return named[1]
        unquoted = re.sub(r'"[^"]*"', "", first)
        return max(_DELIMITERS, key=unquoted.count)


class _LineTooLong(Exception):
    pass


class _Lines:
    """The lines of a text, and how many were read. Goes on after it has raised, which a generator could not."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.count = 0
        self._text = text
        self._next: str | None = None

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line, self._next = self._next if self._next is not None else self._read(), None
        if not line:
            raise StopIteration
        self.count += 1
        return line

    def peek(self) -> str:
        """The next line without reading it; "" at the end."""
        self._next = self._read()
        return self._next

    def _read(self) -> str:
        line = self._text.readline(_MAX_LINE)
        if len(line) < _MAX_LINE or line.endswith(("\n", "\r")):
            return line
        while len(rest := self._text.readline(_MAX_LINE)) == _MAX_LINE and not rest.endswith(("\n", "\r")):
            pass
        self.count += 1
        raise _LineTooLong


def _sentence(error: Exception) -> str:
    if isinstance(error, _LineTooLong):
        return f"A line has more than {_MAX_LINE} characters."
    if "field limit" in str(error):
        return "A cell is too long; is a quotation mark not closed?"
    return "Its quotation marks don't fit together."
