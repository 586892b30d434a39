"""Times: ISO 8601 with an offset outside, integer milliseconds UTC inside, days as the shop's local date."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTE = 60_000
DAY = 86_400_000
# What a browser may claim at most: half a month offline and a clock that runs ahead (RFC 9110 says nothing here; ours).
OLDEST = 30 * DAY
NEWEST = 5 * MINUTE

_FORM = re.compile(
    r"(19[7-9]\d|20\d\d)-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# An event's time is looked at twice, by the check and by the correction.
@lru_cache(maxsize=1024)
def parse_time(text: str) -> int | None:
    """Milliseconds since 1970 of a time like `2026-11-22T10:00:00.250Z` or `...+02:00`; None when it is none."""
    if not _FORM.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    since = moment - _EPOCH
    return max(0, (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000)


def format_time(ms: int) -> str:
    """The time as `2026-11-22T10:00:00.250Z`."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def corrected(at: int, sent: int | None, received: int) -> int:
    """When a browser's act happened by our clock: its own clock's error taken out, then clamped.

    A browser stamps the act (`at`) and the sending (`sent`) with the same wrong clock, so the difference is right.
    The result lies within [-30 days, +5 minutes] of `received`.
    """
    guess = at if sent is None else received - (sent - at)
    return min(max(guess, received - OLDEST), received + NEWEST)


def zone(name: str) -> ZoneInfo:
    """The time zone called `name`; raises ValueError with a sentence when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f'"{name}" is no time zone; write one like Europe/Riga') from error


@lru_cache(maxsize=65_536)
def _day_of_quarter(quarter: int, zone_name: str) -> str:
    return f"{datetime.fromtimestamp(quarter * 900, ZoneInfo(zone_name)):%Y-%m-%d}"


def local_day(ms: int, zone_name: str) -> str:
    """The date `YYYY-MM-DD` of `ms` in a time zone."""
    # Every offset in use since 1970 is a whole number of quarter hours, so a quarter hour never straddles two days.
    return _day_of_quarter(ms // 900_000, zone_name)


def midnight(day: str, later: int, zone_name: str) -> int:
    """When the day `later` days after `day` (YYYY-MM-DD) begins in a time zone, in ms. Days that no calendar can count on
    from are the nearest that it can."""
    start = date.fromisoformat(min(max(day, "1970-01-02"), "2199-12-31")) + timedelta(days=later)
    return int(datetime(start.year, start.month, start.day, tzinfo=ZoneInfo(zone_name)).timestamp() * 1000)
