"""CSV that a spreadsheet shows and never runs. Every file that the pages hand out is made here.

Spreadsheets take a cell for a formula by its first character (OWASP, "CSV Injection"): `=`, `+`, `-`, `@`, and TAB, CR and
LF, which some drop before they look; full-width and other forms of these mean the same to some. Such text gets an
apostrophe in front, which spreadsheets take for "this is text". Blanks and characters that nobody sees are looked
through. A spreadsheet that expects another separator than ours cuts a text where it finds that separator, so what begins
a cell there gets its apostrophe too.

Only text is changed: a number stays a number, also a negative one. All text is quoted, numbers are not. The file begins with a
byte order mark, or Excel takes it for another alphabet. A file for programs is JSON, where nothing needs to be changed.

Where a comma stands in numbers Excel separates cells by semicolons, and shows a file with commas as one column; so the
language of who fetches the file decides on both.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel.numbers import get_decimal_symbol

Cell = str | int | float | Decimal | date | None

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
END = "\r\n"
MIMETYPE = "text/csv"
_SIGNS = "=+-@\N{MINUS SIGN}"
_BLANKS = "\t\r\n"
# What may separate cells elsewhere, and what may stand between it and the next cell's first character. At the end of the
# text there is none: that fits too, so that a run of line ends is read once and not anew from each of them.
_INSIDE = re.compile(r"([,;|\t\r\n\v\f\x85\u2028\u2029]['\"\s]*)(?=(\S?))")


@dataclass(frozen=True)
class Marks:
    """What stands between cells, and in a number before its decimals."""

    separator: str = ","
    decimal: str = "."


def marks_of(language: str) -> Marks:
    """Those that a spreadsheet in this language expects."""
    return Marks(";", ",") if get_decimal_symbol(language.replace("-", "_")) == "," else Marks()


def lines(header: Iterable[str], rows: Iterable[Iterable[Cell]], marks: Marks = Marks()) -> Iterator[str]:
    """The file, line by line; nothing of it is kept."""
    yield BOM + line(header, marks)
    for row in rows:
        yield line(row, marks)


def line(cells: Iterable[Cell], marks: Marks = Marks()) -> str:
    """One line with its end."""
    return marks.separator.join(_cell(cell, marks) for cell in cells) + END


def safe(text: str) -> str:
    """`text` as it may stand in a cell."""
    text = text.replace("\0", "")
    found = _INSIDE.sub(_guarded, text)
    return f"'{found}" if _begins_formula(text) else found


def _guarded(match: re.Match[str]) -> str:
    return f"{match[1]}'" if _is_sign(match[2]) else match[1]


def _begins_formula(text: str) -> bool:
    if text[:1] and text[0] in _BLANKS:
        return True
    # "C" are controls, signs of direction and joiners, "Z" blanks of every kind.
    first = next((c for c in text if c not in "'\"" and unicodedata.category(c)[0] not in "CZ"), "")
    return _is_sign(first)


def _is_sign(character: str) -> bool:
    """Whether it is one of _SIGNS in whatever form: full-width, small, raised."""
    return bool(character) and unicodedata.normalize("NFKC", character)[:1] in tuple(_SIGNS)


def _cell(value: Cell, marks: Marks) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}".replace(".", marks.decimal)
    if isinstance(value, float):
        # Neither 1e-07 nor nan is a number to every spreadsheet.
        return f"{value:.10f}".rstrip("0").rstrip(".").replace(".", marks.decimal) if value - value == 0 else ""
    if isinstance(value, date):
        return value.isoformat()
    return '"{}"'.format(safe(value).replace('"', '""'))
