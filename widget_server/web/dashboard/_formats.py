"""Numbers, money, days and scores as people of the member's language write them; Jinja filters for the pages.

Language and time zone are those that Flask-Babel has for this request. Nothing here rounds a share up to "100 %" or down
to "0 %" when it is neither, and no filter raises on None: it gives a dash. Halves are rounded away from zero, as browsers do
in the charts beside these numbers.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from time import time
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta, get_timezone
from babel.numbers import format_currency, format_decimal, format_percent
from flask import Flask
from flask_babel import get_locale, gettext, ngettext
from flask_babel import get_timezone as zone_of_request

from widget_server.contract.metrics import metrics
from widget_server.contract.money import decimal
from widget_server.contract.scores import compare

NOTHING = "–"
_MINUS = "\N{MINUS SIGN}"
# How languages write the days and months that pages want like this: the first of them that a pattern begins with.
_WRITTEN = {
    "lv": {"medium": "y. 'g'. d. MMM", "d MMM y": "y. 'g'. d. MMM", "d MMM": "d. MMM", "LLLL y": "y. 'gada' LLLL"},
    "lt": {"d MMM y, ": "y-MM-dd ", "d MMM y": "y-MM-dd", "d MMM, ": "MM-dd ", "d MMM": "MM-dd", "LLLL y": "y 'm'. LLLL", "LLL y": "y-MM"},
    "et": {"d MMM": "d. MMM"},
    "en": {"medium": "d MMM y"},
}
# Pages have hundreds of numbers, and most of them come again: writing one takes Babel as long as a short query.
_KEPT = 8192


def number(value: float | Decimal | None, digits: int = 0) -> str:
    """`1234` as 1 234 in Latvian; at most `digits` decimals."""
    if value is None:
        return NOTHING
    # Minus nothing is nothing.
    return _decimal(_rounded(value, digits) or Decimal(0), _pattern(digits), _language())


def percent(share: float | None, digits: int = 0) -> str:
    """A share from 0 to 1. What is more than nothing is never 0 %, what is less than all never 100 %."""
    if share is None:
        return NOTHING
    # Cut to what is shown first: of a hundred parts there are few, of shares any number.
    parts, whole = int(_rounded(share, 2 + digits).scaleb(2 + digits)), 100 * 10**digits
    if parts == 0 and share > 0:
        return str(gettext("under %(share)s", share=_of_hundred(1, digits, _language())))
    if parts == whole and share < 1:
        return str(gettext("over %(share)s", share=_of_hundred(whole - 1, digits, _language())))
    return _of_hundred(parts, digits, _language())


def signed(value: float | None, digits: int = 0) -> str:
    """A change: with its sign, 0 without."""
    if value is None:
        return NOTHING
    rounded = _rounded(value, digits)
    sign = "+" if rounded > 0 else _MINUS if rounded < 0 else ""
    return sign + number(abs(rounded), digits)


def money(units: int | float | None, currency: str | None, whole: bool = False) -> str:
    """An amount in the smallest unit of its currency; `whole` leaves the cents out, for estimates."""
    if units is None:
        return NOTHING
    amount = float(decimal(round(units), currency))
    if currency is None:
        return number(amount, 0 if whole else 2)
    return _currency(amount, currency, whole, _language())


def day(value: str | date | int | None, form: str = "medium") -> str:
    """A day `2026-11-22`, or that of a moment (ms) in the shop's time zone; `form` is short, medium, long, full or a pattern like `d MMM`."""
    if not value:
        return NOTHING
    return format_date(_date(value), written(form), locale=_language())


def month(value: str) -> str:
    """A month `2026-11` in words."""
    return format_date(date.fromisoformat(f"{value[:7]}-01"), written("LLLL y"), locale=_language())


def moment(ms: int | None, form: str = "medium") -> str:
    """Milliseconds since 1970 as day and minute in the shop's time zone."""
    if ms is None:
        return NOTHING
    at = datetime.fromtimestamp(ms / 1000, UTC)
    pattern = {"medium": "d MMM y, HH:mm", "short": "d MMM, HH:mm", "time": "HH:mm"}.get(form, form)
    return format_datetime(at, written(pattern), tzinfo=_zone(), locale=_language())


def ago(ms: int | None, now: int | None = None) -> str:
    """How long since (or until) a moment, roughly: 12 seconds ago."""
    if ms is None:
        return NOTHING
    seconds = (ms - (now if now is not None else int(time() * 1000))) / 1000
    return format_timedelta(
        timedelta(seconds=seconds), add_direction=True, threshold=0.95, locale=_language()
    )


def metric_value(value: float | None, metric: str) -> str:
    """A score's value as its metric is read: 58 %, +32, 4.3."""
    if value is None:
        return NOTHING
    unit = unit_of(metric)
    if unit == "share":
        return percent(value)
    if unit == "points":
        return signed(value)
    return _decimal(_rounded(value, 1), "0.0", _language())


def metric_change(value: float | None, metric: str) -> str:
    """The difference of two values of one metric, in words' units: 4 points (of a hundred), 0.2."""
    if value is None:
        return NOTHING
    unit = unit_of(metric)
    if unit in ("share", "points"):
        digits = 2 if unit == "share" else 0
        size = int(_rounded(abs(value), digits).scaleb(digits))
        return str(ngettext("%(n)s point", "%(n)s points", size, n=number(size)))
    return number(abs(value), 1)


def metric_scale(metric: str) -> tuple[float, float]:
    """The least and the most that a score of the metric can be."""
    return metrics()[metric].scale


def unit_of(metric: str) -> str:
    """share, points, stars or steps."""
    return metrics()[metric].unit.split(",")[0]


FILTERS: dict[str, Callable[..., Any]] = {
    "number": number,
    "percent": percent,
    "signed": signed,
    "money": money,
    "day": day,
    "month": month,
    "moment": moment,
    "ago": ago,
    "metric_value": metric_value,
    "metric_change": metric_change,
    "metric_scale": metric_scale,
    "metric_unit": unit_of,
    "score_change": compare,
}


def install(app: Flask) -> None:
    """Put the filters into the templates of `app`."""
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(get_locale=get_locale)


def _rounded(value: float | Decimal, digits: int) -> Decimal:
    # The number as it is written: 0.145 is just below, yet nobody would call it 0.14.
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


@lru_cache(_KEPT)
def _decimal(value: Decimal, pattern: str, language: str) -> str:
    return format_decimal(value, pattern, locale=language)


@lru_cache(_KEPT)
def _of_hundred(parts: int, digits: int, language: str) -> str:
    """A percentage with `digits` decimals, of which there are `parts`."""
    pattern = Locale.parse(language).percent_formats[None].pattern.replace("#,##0", _pattern(digits))
    return format_percent(Decimal(parts).scaleb(-2 - digits), pattern, locale=language)


@lru_cache(_KEPT)
def _currency(amount: float, currency: str, whole: bool, language: str) -> str:
    if not whole:
        return format_currency(amount, currency, locale=language)
    pattern = Locale.parse(language).currency_formats["standard"].pattern.replace(".00", "")
    return format_currency(amount, currency, pattern, locale=language, currency_digits=False)


def _pattern(digits: int) -> str:
    return "#,##0" + ("." + "#" * digits if digits else "")


def written(pattern: str) -> str:
    """A pattern of days like `d MMM y`, as the language writes it: 2026-11-22 in Lithuanian."""
    known = next((each for each in _WRITTEN.get(_language(), {}).items() if pattern.startswith(each[0])), None)
    return pattern if known is None else known[1] + pattern.removeprefix(known[0])


def _language() -> str:
    locale = get_locale()
    return locale.language if locale else "en"


def _zone() -> Any:
    return get_timezone(zone_of_request() or "UTC")


def _date(value: str | date | int) -> date:
    if isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, _zone()).date()
    return value if isinstance(value, date) else date.fromisoformat(value)
