"""Which days a page is about, as its address says, in the shop's own calendar.

`?period=` is 7, 30 or 90 (the last days, today included), a month like 2026-10, or `own` with `from` and `to`;
`compare=1` asks for the same length just before. Days to come are none: what reaches past today ends with it.
Nonsense never raises: it is the last 30 days, and `refused` says so.
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from time import time

from flask_babel import gettext, ngettext

from widget_server.contract.times import local_day

from ._formats import day, month

LASTS = (7, 30, 90)
DEFAULT = "30"
# Nothing older is kept anywhere, and calendar arithmetic stays possible.
_OLDEST = date(2000, 1, 1)
_LONGEST = 366 * 5
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Period:
    """`first` and `last` are days `2026-11-22`, both included; `today` is that of the shop.

    `until` is the last day that was asked for, where that is still to come: so an address goes on meaning what it says.
    """

    key: str
    first: str
    last: str
    today: str
    compare: bool = False
    refused: bool = False
    until: str = ""

    @property
    def days(self) -> int:
        """How many there are."""
        return (date.fromisoformat(self.last) - date.fromisoformat(self.first)).days + 1

    @property
    def before(self) -> "Period":
        """As many days just before; for a month the month before, for one that still runs the same days of that."""
        start = date.fromisoformat(self.first)
        if not _is_month(self.key):
            first, last = (f"{start - timedelta(days=back)}" for back in (self.days, 1))
            return Period("own", first, last, self.today)
        key = f"{start - timedelta(days=1)}"[:7]
        first, last = _until_today(*_month(key), self.today)
        if self.last != self.today:
            return Period(key, first, last, self.today)
        # A shorter month has not all of these days.
        return Period("own", first, min(f"{key}{self.last[7:]}", last), self.today)

    @property
    def label(self) -> str:
        """In words, in the member's language."""
        if self.key.isdigit():
            return str(ngettext("Last %(n)s day", "Last %(n)s days", int(self.key), n=self.key))
        if _is_month(self.key):
            name = month(self.key)
            return name[:1].upper() + name[1:]
        if self.first == self.last:
            return day(self.first)
        return str(gettext("%(first)s to %(last)s", first=day(self.first), last=day(self.last)))

    @property
    def query(self) -> dict[str, str]:
        """What brings another page to the same days: url_for(..., **period.query)."""
        found = {"period": self.key}
        if self.key == "own":
            found |= {"from": self.first, "to": self.until or self.last}
        return found | ({"compare": "1"} if self.compare else {})

    @property
    def by(self) -> str:
        """The step of a chart over these days: day, week or month."""
        return "day" if self.days <= 45 else "week" if self.days <= 200 else "month"

    @property
    def months(self) -> list[tuple[str, str]]:
        """The last twelve months to choose from, newest first: (key, in words)."""
        found: list[tuple[str, str]] = []
        at = date.fromisoformat(self.today)
        for _ in range(_MONTHS):
            name = month(at.isoformat())
            found.append((at.isoformat()[:7], name[:1].upper() + name[1:]))
            at = at.replace(day=1) - timedelta(days=1)
        return found


def read_period(
    args: Mapping[str, str], time_zone: str, now: int | None = None, default: str = DEFAULT
) -> Period:
    """The period that the query of a request asks for."""
    today = local_day(int(time() * 1000) if now is None else now, time_zone)
    compare = args.get("compare") == "1"
    asked = args.get("period") or default
    days = _days(asked, args, today)
    if days is None:
        first, last = _lasts(int(DEFAULT), today)
        return Period(DEFAULT, first, last, today, compare, refused=True)
    first, last = _until_today(*days, today)
    return Period(asked, first, last, today, compare, until=days[1] if last < days[1] else "")


def _until_today(first: str, last: str, today: str) -> tuple[str, str]:
    """Without the days to come, unless all of them are: then there is nothing to count anyway."""
    return first, min(last, today) if first <= today else last


def _days(asked: str, args: Mapping[str, str], today: str) -> tuple[str, str] | None:
    if asked in map(str, LASTS):
        return _lasts(int(asked), today)
    if _is_month(asked):
        return _month(asked)
    if asked != "own":
        return None
    first, last = _day(args.get("from", "")), _day(args.get("to", ""))
    if first is None or last is None or first > last or (last - first).days >= _LONGEST:
        return None
    return first.isoformat(), last.isoformat()


def _lasts(days: int, today: str) -> tuple[str, str]:
    return (date.fromisoformat(today) - timedelta(days=days - 1)).isoformat(), today


def _month(key: str) -> tuple[str, str]:
    year, number = int(key[:4]), int(key[5:])
    return f"{key}-01", f"{key}-{monthrange(year, number)[1]:02d}"


def _is_month(key: str) -> bool:
    return re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", key, re.ASCII) is not None


def _day(text: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if _OLDEST <= found < date(2200, 1, 1) else None
