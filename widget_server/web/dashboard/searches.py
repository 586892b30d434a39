"""Searches: what shoppers look for, whether they find it, what they looked for instead, and what that may have cost.

All numbers are those of `truth`, which the owner API reads too.
"""

import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import quote_plus, urlencode

from flask import Response, flash, redirect, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext, ngettext
from sqlalchemy import Connection

from widget_server.contract import money
from widget_server.contract.demand import LEAST_CONVERSION, MOST_CONVERSION, WHOLE, Lost
from widget_server.contract.events import MAX_QUERY
from widget_server.contract.queries import query_key
from widget_server.contract.scores import ENOUGH, Score, proportion
from widget_server.record import answers, assumptions, counters
from widget_server.record import searches as spellings
from widget_server.record.answers import Filter
from widget_server.record.counters import Searching
from widget_server.web import truth
from widget_server.web.errors import not_found
from widget_server.web.params import cursor, open_cursor

from . import _csv, _fixes
from ._formats import day, number
from ._page import Page, View, Visit, draw
from ._period import Period, read_period
from ._texts import lazy_gettext as _

_ROWS = 50
# A file has every search of the days, read so many at a time.
_AT_ONCE = 500
_SAID, _INSTEAD, _SPELLINGS = 12, 200, 12
_FEWEST_POINTS, _MOST_POINTS = 3, 60
_FIRST_SORT = "not_found"
_CURSOR = re.compile(r"[0-9]{1,15}\.[A-Za-z0-9_-]{0,3000}", re.ASCII)
_PERCENT = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))?\s*%?", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """What the address asks for; nonsense in it counts as nothing."""

    period: Period
    sort: str
    words: str
    corner: str
    after: truth.Position | None

    def query(self, **changed: str | None) -> dict[str, Any]:
        """The address of the same, with something changed."""
        all_of_it = {**self.period.query, "sort": self.sort, "q": self.words, "corner": self.corner, **changed}
        return {name: value for name, value in all_of_it.items() if value}

    def searching(self, visit: Visit) -> Searching:
        return truth.searching(visit.shop, self.period.first, self.period.last, query_key(self.words) or None)


def show(visit: Visit) -> ResponseReturnValue:
    return _list(visit, request.args)


def one(visit: Visit) -> ResponseReturnValue:
    """One search: its numbers day by day, its spellings, and what was said about it."""
    key = query_key(_line(request.args.get("q", "")))
    if not key:
        raise not_found("There is no such search.")
    period = read_period(request.args, visit.shop.time_zone)
    chosen = truth.searching(visit.shop, period.first, period.last)
    with visit.reading() as conn:
        known = truth.basis(conn, chosen)
        (row,) = truth.of_keys(conn, chosen, [key], known, texts=0)
        by_day = counters.of_query(conn, chosen, key)
        spelled = spellings.of_query(conn, visit.shop.id, key, _SPELLINGS)
        said = answers.newest(conn, visit.shop.id, Filter(query_key=key, with_text=True, start=chosen.since, end=chosen.until), None, _SAID)
        texts = answers.newest_texts(conn, visit.shop.id, [key], _INSTEAD, chosen.since, chosen.until)[key]
    return draw(
        "searches/one.html", row=row, period=period, known=known, doors=Doors(period, chosen), chart=_chart(by_day, period, row.found),
        spelled=spelled, said=said, instead=_instead(texts), is_known=bool(spelled or row.asked or row.searched.searches),
        advice=_advice(row), is_large=is_large,
    )  # fmt: skip


def export(visit: Visit) -> ResponseReturnValue:
    """The table as a file: every search of the days, in the order that is asked for."""
    wanted = _wanted(request.args, visit)
    name = f"searches-{wanted.period.first}-{wanted.period.last}.csv"
    made = _csv.lines(_HEADER, _file(visit, wanted), _csv.marks_of(str(get_locale() or "en")))
    reply = Response(stream_with_context(made), mimetype=_csv.MIMETYPE)
    reply.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return reply


def set_conversion(visit: Visit) -> ResponseReturnValue:
    """The owner says how many searches of a hundred end in an order."""
    typed = request.form.get("percent", "")
    parts = _parts(typed)
    if parts is None:
        return _list(visit, request.form, typed), 422
    with visit.writing() as conn:
        assumptions.set_conversion(conn, visit.shop.id, parts, time.time_ns() // 1_000_000)
    flash(gettext("Saved. Lost demand is worked out with %(share)s%% from now on.", share=number(parts * 100 / WHOLE, 2)), "good")
    return redirect(url_for("searches.show", **_wanted(request.form, visit).query(), _anchor="lost"), 303)


def _list(visit: Visit, args: Mapping[str, str], refused: str | None = None) -> str:
    wanted = _wanted(args, visit)
    chosen = wanted.searching(visit)
    doors = Doors(wanted.period, chosen)
    with visit.reading() as conn:
        known = truth.basis(conn, chosen)
        total = truth.total(conn, chosen, known)
        corners, rows, end = _rows(conn, chosen, wanted, known, _ROWS, wanted.after)
        before = _total_before(conn, wanted, visit)
        points = _points(conn, corners, visit, doors)
    return draw(
        "searches/list.html", wanted=wanted, period=wanted.period, known=known, total=total, corners=_corners(corners),
        rows=rows, before=before, doors=doors, sort_of=_sort_of(wanted), refused=refused,
        next=None if end is None else url_for("searches.show", **wanted.query(after=cursor(*end)), _anchor="table"),
        points=points, is_large=is_large, title=_TITLES[wanted.sort],
        troubles={row.key: _fixes.trouble(row.found, total.found, row.searched) for row in rows},
    )  # fmt: skip


@dataclass(frozen=True)
class Doors:
    """Where the numbers lead: to the answers behind them, and texts to all texts about their search, whichever question
    they were left for. A page has hundreds, so what they share is written once."""

    period: Period
    chosen: Searching

    def answers(self, query: str | None = None, value: str | None = None) -> str:
        filters = {"query": query, "value": value}
        return "&".join((self._asked, *(f"{name}={quote_plus(given)}" for name, given in filters.items() if given), self._days))

    def texts(self, query: str) -> str:
        return f"/app/answers?query={quote_plus(query)}&text=yes&{self._days}"

    def answer(self, question: str, key: str) -> str:
        return "/app/answers/one?" + urlencode({"question": question, "key": key})

    def one(self, key: str) -> str:
        return f"{self._one}?q={quote_plus(key)}&{self._same_days}"

    @cached_property
    def _asked(self) -> str:
        asked = {"question": ",".join(self.chosen.questions)} if self.chosen.questions else {"placement": "search"}
        return f"/app/answers?{urlencode(asked)}"

    @cached_property
    def _days(self) -> str:
        return urlencode({name: value for name, value in self.period.query.items() if name != "compare"})

    @cached_property
    def _one(self) -> str:
        return url_for("searches.one")

    @cached_property
    def _same_days(self) -> str:
        return urlencode(self.period.query)


def _wanted(args: Mapping[str, str], visit: Visit) -> Wanted:
    sort, corner, after = args.get("sort", ""), args.get("corner", ""), args.get("after", "")
    words = _line(args.get("q", ""))
    return Wanted(
        read_period(args, visit.shop.time_zone),
        # Who looks for words looks for them among all searches.
        sort if sort in truth.SORTS else "searches" if words else _FIRST_SORT,
        words,
        corner if corner in truth.CORNERS else "",
        open_cursor(after) if _CURSOR.fullmatch(after) else None,
    )


def _line(text: str) -> str:
    """What somebody typed as one line that a database can hold."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()[:MAX_QUERY]


def _parts(typed: str) -> int | None:
    """A percentage as parts of WHOLE; None when it is none, or nothing, or more than all."""
    found = _PERCENT.fullmatch(typed.strip())
    if found is None:
        return None
    parts = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    return parts if LEAST_CONVERSION <= parts <= MOST_CONVERSION else None


def _rows(
    conn: Connection, chosen: Searching, wanted: Wanted, known: truth.Basis, limit: int, after: truth.Position | None
) -> tuple[truth.Corners, list[truth.Row], truth.Position | None]:
    """The corners of all searches, and a page of the table."""
    if not wanted.corner:
        return truth.corners_and_rows(conn, chosen, wanted.sort, after, limit, known)
    corners = truth.corners(conn, chosen)
    return corners, *truth.rows_of_corner(conn, chosen, corners[wanted.corner], wanted.sort, after, limit, known)


def _total_before(conn: Connection, wanted: Wanted, visit: Visit) -> truth.Total | None:
    """All searches of the time before, where a comparison is asked for."""
    if not wanted.period.compare:
        return None
    before = wanted.period.before
    chosen = truth.searching(visit.shop, before.first, before.last)
    return truth.total(conn, chosen, truth.basis(conn, chosen))


def _sort_of(wanted: Wanted) -> dict[str, dict[str, Any]]:
    """The columns that sort: where their heads lead, and which of them does now."""
    return {
        name: {
            "href": url_for("searches.show", **wanted.query(sort=name), _anchor="table"),
            "direction": "down" if name == wanted.sort else None,
        }
        for name in truth.SORTS
    }


_TITLES = {
    "not_found": _("Searches that shoppers said no to"),
    "zero_results": _("Searches that showed nothing"),
    "searches": _("All searches"),
    "clicks": _("Searches with clicks on results"),
    "asked": _("Searches that were asked about"),
    "share_not_found": _("Searches with at least 10 answers"),
}


@dataclass(frozen=True)
class Corner:
    name: str
    title: str
    about: str
    queries: int
    said_no: int


def _corners(placed: Mapping[str, list[truth.Placed]]) -> list[Corner]:
    words = {
        "results_no": (
            _("Results, but shoppers say no"),
            _("Your search shows something, yet not what they want. No other report shows you these."),
        ),
        "empty_no": (_("No results, and shoppers say no"), _("You don't have it, or you call it something else.")),
        "results_yes": (_("Results, and shoppers find it"), _("All is well here.")),
        "empty_yes": (_("No results, yet shoppers find it"), _("They found their way elsewhere on your site.")),
    }
    return [
        Corner(name, str(words[name][0]), str(words[name][1]), len(found), sum(each.no for each in found))
        for name, found in placed.items()
    ]


def _points(conn: Connection, corners: Mapping[str, list[truth.Placed]], visit: Visit, doors: Doors) -> dict[str, Any] | None:
    """The chart of the corners: how often each was searched, and how many found it. The most answered ones."""
    every = [each for found in corners.values() for each in found if each.searched.searches > 0]
    if len(every) < _FEWEST_POINTS:
        return None
    most = sorted(every, key=lambda each: (-each.yes - each.no, each.searched.key))[:_MOST_POINTS]
    keys = [each.searched.key for each in most]
    spelled = spellings.most_frequent(conn, visit.shop.id, keys)
    return {
        "labels": [spelled.get(key, key) for key in keys],
        "often": [each.searched.searches for each in most],
        "found": [round(each.yes / (each.yes + each.no), 4) for each in most],
        "hrefs": [doors.one(key) for key in keys],
    }


def is_large(found: Lost) -> bool:
    """Whether cents only disturb."""
    return bool(found.value >= 10 * 10 ** money.exponent(found.currency or None))


_HEADER = (
    "query", "searches", "zero_results", "zero_results_share", "clicks", "asked", "answers", "said_yes", "said_no",
    "found_share", "found_low", "found_high", "lost_demand", "lost_low", "lost_high", "currency", "looked_for_instead",
)  # fmt: skip


def _file(visit: Visit, wanted: Wanted) -> Iterator[list[_csv.Cell]]:
    """Line by line; no snapshot is held while somebody's slow line takes what was read."""
    chosen, after = wanted.searching(visit), None
    while True:
        with visit.reading() as conn:
            known = truth.basis(conn, chosen)
            if wanted.corner:
                _all, rows, after = _rows(conn, chosen, wanted, known, _AT_ONCE, after)
            else:
                rows, after = truth.rows(conn, chosen, wanted.sort, after, _AT_ONCE, known)
        yield from map(_line_of, rows)
        if after is None:
            return


def _line_of(row: truth.Row) -> list[_csv.Cell]:
    found, lost = row.found, row.lost
    low, high = found.interval or (None, None)
    currency = None if lost is None else lost.currency or None
    amounts = [None] * 3 if lost is None else [_amount(each, currency) for each in (lost.value, *lost.interval)]
    return [
        row.query, row.searched.searches, row.searched.zero, _rounded(row.zero_share), row.searched.clicks, row.asked,
        found.n, found.distribution.get("yes", 0), row.said_no, _rounded(found.value), _rounded(low), _rounded(high),
        *amounts, currency, " | ".join(row.texts),
    ]  # fmt: skip


def _amount(units: float, currency: str | None) -> _csv.Cell:
    return Decimal(money.decimal(round(units), currency))


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _instead(texts: list[str]) -> list[tuple[str, int]]:
    """What was said more than once, spellings evened out, as it was written first."""
    times: Counter[str] = Counter()
    written: dict[str, str] = {}
    for text in texts:
        key = query_key(text)
        times[key] += 1
        written.setdefault(key, text)
    return [(written[key], n) for key, n in times.most_common(8) if n > 1 and key]


def _chart(by_day: Mapping[str, tuple[int, int]], period: Period, found: Score) -> dict[str, Any] | None:
    """The share that found it in each day, week or month; None where there are too few answers to draw anything."""
    if not by_day or not found.enough:
        return None
    by = "week" if period.by == "day" and found.n < ENOUGH * period.days else period.by
    sums: dict[str, list[int]] = {}
    for step in _steps(period, by):
        sums.setdefault(step, [0, 0])
    for name, (yes, no) in by_day.items():
        both = sums.setdefault(_step_of(date.fromisoformat(name), by), [0, 0])
        both[0] += yes
        both[1] += no
    scores = [proportion(yes, {"yes": yes, "no": no}) for yes, no in sums.values()]
    return {
        "labels": [day(step, "d MMM") if by != "month" else day(step, "LLL y") for step in sums],
        "values": [score.value for score in scores],
        "low": [score.interval and score.interval[0] for score in scores],
        "high": [score.interval and score.interval[1] for score in scores],
        "answers": [score.n for score in scores],
    }


def _steps(period: Period, by: str) -> Iterator[str]:
    at, last = date.fromisoformat(period.first), date.fromisoformat(period.last)
    while at <= last:
        yield _step_of(at, by)
        at += timedelta(days=1)


def _step_of(at: date, by: str) -> str:
    """The first day of its day, week (they begin on Mondays) or month."""
    if by == "week":
        at -= timedelta(days=at.weekday())
    return (at.replace(day=1) if by == "month" else at).isoformat()


def _advice(row: truth.Row) -> list[str]:
    """What can be done about it, the most likely thing first."""
    share = row.zero_share
    found = []
    if share is not None and share >= 0.5:
        found += [
            gettext("Do you sell it under another name? Add this word to the product, or as a synonym in your shop's search."),
            gettext("If you don't sell it: shoppers ask for it. Think about stocking it."),
        ]
    elif row.said_no:
        found += [
            gettext("Search for it in your own shop, as a shopper would. Is what they want among the first five results?"),
            gettext("Read what they were looking for, and put those words into the names of the products."),
        ]
    more = ENOUGH - row.found.n
    # Where nothing is shown there is nothing to wait for.
    if row.said_no and more > 0 and (share is None or share < 0.5):
        found.append(ngettext("Wait for %(n)s more answer before you change much.", "Wait for %(n)s more answers before you change much.", more, n=more))
    return found


PAGE = Page(
    "/searches", _("Searches"), 20, "searches",
    views=(
        View("", show),
        View("/query", one),
        View("/export", export),
        View("/conversion", set_conversion, methods=("POST",), role="owner"),
    ),
)  # fmt: skip
