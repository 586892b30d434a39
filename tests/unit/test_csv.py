"""The CSV writer: what comes out of every spreadsheet's reader is text, and what was a number is one."""

import csv
import io
import re
import unicodedata
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget_server.web.dashboard._csv import _INSIDE, BOM, _guarded, line, lines, marks_of, safe

FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", "\tx", "\rx", "\nx",
    "＝1+1", "＋1", "－1", "＠SUM(A1)", "﹦1+1", "﹢1", "﹣1", "﹫x", "⁺1", "\N{MINUS SIGN}1",
    " =1+1", "\N{NO-BREAK SPACE}=1+1", "\N{ZERO WIDTH SPACE}=1+1", BOM + "=1+1", "\N{RIGHT-TO-LEFT MARK}=1+1",
    "\x0b=1+1", "\0=1+1", "'=1+1", '"=1+1', "=cmd|' /C calc'!A0", '=HYPERLINK("https://evil.example";"click")',
    "-2+3+cmd|' /C calc'!A0", "@", "=", "-", "\ud83d\ude00"[:0] + "=😀",
]  # fmt: skip
TEXTS = [
    "", "chair", "a-b", "a=b", "mail@shop.example", "1+1", "zaļš krēsls", "5", "3.14", "2026-11-22", 'say "hi"', "a, b; c",
    "two\nlines", "'quoted'", "ķ", "стул", "€ 5", "!", "😀",
]  # fmt: skip


def read(text: str, separator: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


@pytest.mark.parametrize("text", FORMULAS)
def test_what_could_be_a_formula_is_text(text: str) -> None:
    ((cell, after),) = read(line([text, "after"]))
    assert cell == "'" + text.replace("\0", "").replace("\r=", "\r'=").replace("\n=", "\n'=").replace("\t=", "\t'=").replace(
        "\x0b=", "\x0b'="
    ).replace('";"c', '";"c')
    assert after == "after"


@pytest.mark.parametrize("text", TEXTS)
def test_other_text_is_as_it_was(text: str) -> None:
    assert read(line([text])) == [[text]]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "\n", "\r"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝"])
@pytest.mark.parametrize("between", ["", " ", '"', "' ", "\N{NO-BREAK SPACE}"])
def test_a_reader_with_another_separator_meets_no_formula_either(separator: str, sign: str, between: str) -> None:
    found = line([1, f"a{separator}{between}{sign}1+1{separator}b", "c"])
    for cut in re.split(r"[,;|\t\r\n]", found):
        assert not begins_formula(cut)


def test_numbers_stay_numbers_and_text_stays_text() -> None:
    cells = [0, -5, 1234567, -0.25, 0.1 + 0.2, 1e-7, Decimal("-12.30"), True, None, date(2026, 11, 22), "-5", "5", float("nan")]
    assert line(cells) == '0,-5,1234567,-0.25,0.3,0.0000001,-12.30,true,,2026-11-22,"\'-5","5",\r\n'


def test_the_file_begins_with_a_byte_order_mark_and_its_header_is_as_safe_as_its_cells() -> None:
    found = list(lines(["query", "=n"], [["a", 1], ["b", 2]]))
    assert found == [BOM + '"query","\'=n"\r\n', '"a",1\r\n', '"b",2\r\n']
    assert BOM.encode() == b"\xef\xbb\xbf"


def test_lines_are_made_as_they_are_asked_for() -> None:
    def endless():  # type: ignore[no-untyped-def]
        while True:
            yield ["x", 1]

    found = lines(["a", "b"], endless())
    assert [next(found) for _ in range(3)][1:] == ['"x",1\r\n'] * 2


@given(st.lists(st.text(alphabet=st.one_of(st.sampled_from("=+-@\t\r\n ,;|'\"＝a\0\N{ZERO WIDTH SPACE}"), st.characters(exclude_categories=["Cs"])), max_size=12), min_size=1, max_size=3))
def test_whatever_is_written_no_cell_begins_a_formula_for_any_reader(cells: list[str]) -> None:
    found = line(cells)
    (row,) = read(found)
    assert len(row) == len(cells)
    for before, after in zip(cells, row, strict=True):
        assert not begins_formula(after)
        # Nothing is lost but NUL, and nothing comes in but apostrophes.
        assert after.replace("'", "") == before.replace("'", "").replace("\0", "")
    for cut in re.split(r"[,;|\t\r\n]", found):
        assert not begins_formula(cut)


def test_safe_says_what_it_is_called_for() -> None:
    assert safe("=1") == "'=1"
    assert safe("a;=1") == "a;'=1"


# As it was when each line end began the search anew: of `n` of them at the end of a text, n * n / 2 were read.
SLOW = re.compile(r"([,;|\t\r\n\v\f\x85\u2028\u2029]['\"\s]*)(?=(\S))")
RUNS = st.text(alphabet=st.sampled_from("=+-@\t\r\n\v\f\x85\u2028\u2029 ,;|'\"＝a\N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE}"), max_size=40)


@given(RUNS, st.sampled_from(["\n", "\r\n", "'\n", "\u2028 ", '"']), st.integers(0, 50), RUNS)
def test_line_ends_are_read_once_and_to_the_same_end(before: str, run: str, times: int, after: str) -> None:
    text = before + run * times + after
    assert _INSIDE.sub(_guarded, text) == SLOW.sub(_guarded, text)
    read = [at for found in _INSIDE.finditer(text) for at in range(*found.span())]
    assert len(read) == len(set(read)) and {at for at, sign in enumerate(text) if sign in ",;|\t\r\n\v\f\x85\u2028\u2029"} <= set(read)


def test_a_text_of_nothing_but_line_ends_is_one_find() -> None:
    assert [found.span() for found in _INSIDE.finditer("a" + "\r\n" * 5_000)] == [(1, 10_001)]
    assert safe("a" + "\r\n" * 5_000 + "=1") == "a" + "\r\n" * 5_000 + "'=1"


def begins_formula(cell: str) -> bool:
    """As a careless reader: quotes, blanks and unseen characters dropped, every form of a sign taken for it."""
    if cell[:1] and cell[0] in "\t\r\n":
        return True
    seen = "".join(c for c in cell if c != '"' and unicodedata.category(c)[0] not in "CZ")
    return unicodedata.normalize("NFKC", seen)[:1] in ("=", "+", "-", "@", "\N{MINUS SIGN}")


def test_the_marks_are_those_of_the_spreadsheets_language() -> None:
    cells = ["a, b; c", Decimal("12.50"), 0.25, -3, None]
    assert line(cells, marks_of("en")) == '"a, b; c",12.50,0.25,-3,\r\n'
    for language in ("lv", "lt", "et", "ru"):
        assert line(cells, marks_of(language)) == '"a, b; c";12,50;0,25;-3;\r\n', language
