"""What a rule would have done over the last 30 days, had it been in force all the time. Reads, and never writes.

The same facts and the same judgement as in a batch, caps included, in the order of the facts' own times. `starts`, `ends`
and `active` are left aside: who tries a rule that begins next week wants to know what it will cost. Silence is looked for
among those who are silent still.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from widget_server.contract import points as points_of
from widget_server.contract import rules as contract
from widget_server.contract.points import Caps, Due, Room
from widget_server.contract.rules import Book, Fact, Version
from widget_server.contract.shop import Shop
from widget_server.contract.times import DAY, local_day

from . import facts, occasions

DAYS = 30
MOST_FACTS = 100_000
"""That are looked at; a shop that has more is told so."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would have been granted. `facts` fired the rule, of which some grant nothing: their order is not known, or a cap
    was reached. Looked at was all from `start` to `end` (ms); `complete` is false where that is less than was asked for."""

    start: int
    end: int
    facts: int = 0
    points: int = 0
    coupons: int = 0
    customers: int = 0
    complete: bool = True


def dry_run(conn: Connection, shop: Shop, body: Mapping[str, Any], now: int) -> Outcome:
    """Try a rule whose body has no errors."""
    start = now - DAYS * DAY
    timeless = {name: value for name, value in body.items() if name not in ("starts", "ends", "active")}
    tally = _Tally(contract.version_of("", 1, start, False, timeless), shop)
    seen = 0
    end = now
    for page in _pages(conn, shop, tally.version, start, now):
        tally.add(page)
        seen += len(page)
        if seen >= MOST_FACTS:
            end = max(fact.at for fact in page)
            break
    return Outcome(start, end, tally.facts, tally.points, tally.coupons, len(tally.customers), complete=end == now)


class _Tally:
    def __init__(self, version: Version, shop: Shop) -> None:
        self.version = version
        self._zone = shop.time_zone
        self._points, self._coupons = Room(), Room()
        self.facts = self.points = self.coupons = 0
        self.customers: set[str] = set()

    def add(self, page: list[Fact]) -> None:
        """Facts that come after all that were added before."""
        version = self.version
        fired = [fact for fact in page if contract.matches(version, fact)]
        self.facts += len(fired)
        self.points += self._given(self._points, {f.source: (f, contract.points(version, f)) for f in fired}, version.caps)
        coupons = {f.source: (f, 1) for f in fired if contract.coupon(version, f) is not None}
        self.coupons += self._given(self._coupons, coupons, version.coupon_caps)

    def _given(self, room: Room, owed: Mapping[str, tuple[Fact, int]], caps: Caps | None) -> int:
        dues = [
            (Due("", 1, source, fact.customer or "", n, fact.at, fact.at, caps), local_day(fact.at, self._zone))
            for source, (fact, n) in owed.items()
            if n
        ]
        made = points_of.settle(dues, {}, room, 0, None)
        self.customers.update(entry.customer for entry in made)
        return sum(entry.points for entry in made)


def _pages(conn: Connection, shop: Shop, version: Version, start: int, end: int) -> Iterator[list[Fact]]:
    """The facts that the rule listens to, oldest first."""
    book = Book([[version]])
    if version.when == "score.updated":
        asked = occasions.scores_asked(conn, shop, book, sorted(shop.questions), end)
        yield [fact for _, fact in asked]
    elif version.when in facts.CLOCK:
        found = sorted(_noticed(conn, shop, version, start, end), key=lambda fact: (fact.at, fact.source))
        yield [fact for fact in found if start <= fact.at < end]
    else:
        for page in facts.pages(conn, shop, book, start, end):
            yield [each.fact for each in page]


def _noticed(conn: Connection, shop: Shop, version: Version, start: int, end: int) -> Iterator[Fact]:
    if version.days is not None:
        for event in occasions.silent_between(conn, shop, version.days, start, end):
            yield facts.noticed(event).fact
        return
    day, last = occasions.local_date(start, shop), occasions.local_date(end, shop)
    while day <= last:
        for event in occasions.born_on(conn, shop, day):
            yield facts.noticed(event).fact
        day += timedelta(days=1)
