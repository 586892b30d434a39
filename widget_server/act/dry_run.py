"""What a rule would have done over the last 30 days, had it been in force all the time. Reads, and never writes.

The same facts and the same judgement as in a batch, caps included, in the order of the facts' own times. `starts`, `ends`
and `active` are left aside: who tries a rule that begins next week wants to know what it will cost. Silence is looked for
among those who are silent still.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

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
_FACTS: Final[Mapping[str, str]] = {
    "answer.given": "answers", "order.completed": "orders", "order.refunded": "refunds", "score.updated": "scores",
    "customer.birthday": "birthdays", "customer.silent": "customers",
}  # fmt: skip
_NOTHING: Final[Mapping[str, str]] = {
    "answer.given": f"There were no answers in these {DAYS} days.",
    "order.completed": f"No order was completed in these {DAYS} days.",
    "order.refunded": f"Of no order completed in these {DAYS} days was anything refunded.",
    "score.updated": "No question that it asks about has such a score with enough answers.",
    "customer.birthday": f"There was no birthday in these {DAYS} days that had been known for {contract.BIRTHDAY_KNOWN} days.",
    "customer.silent": f"Nobody's last order became that old in these {DAYS} days.",
}
_NOBODY = "Nothing is granted for these answers: the shop's platform has not told us of their orders and customers."
# What decides which facts there are to look at.
_NEVER_ALONE: Final = ("metric", "days")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would have been granted. `facts` fired the rule, of which some grant nothing: their order is not known, or a cap
    was reached. Looked at was all from `start` to `end` (ms); `complete` is false where that is less than was asked for.
    `why` says in a sentence why it would not have fired, or would have granted nothing, as far as that is known."""

    start: int
    end: int
    facts: int = 0
    points: int = 0
    coupons: int = 0
    customers: int = 0
    complete: bool = True
    why: str | None = None


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
    return Outcome(
        start, end, tally.facts, tally.points, tally.coupons, len(tally.customers), complete=end == now, why=tally.why()
    )


class _Tally:
    def __init__(self, version: Version, shop: Shop) -> None:
        self.version = version
        self._zone = shop.time_zone
        self._points, self._coupons = Room(), Room()
        self.facts = self.points = self.coupons = 0
        self.customers: set[str] = set()
        self._seen = self._nobodys = 0
        body = version.body
        conditions = {name: value for name, value in (body.get("if") or {}).items() if value is not None}
        always = {name: conditions[name] for name in _NEVER_ALONE if name in conditions}
        # By condition, the rule with hardly more than this one; those that some fact meets are taken out.
        self._unmet = {
            name: contract.version_of("", 1, version.valid_from, False, {**body, "if": {**always, name: value}})
            for name, value in conditions.items()
            if name not in _NEVER_ALONE
        }

    def add(self, page: list[Fact]) -> None:
        """Facts that come after all that were added before."""
        version = self.version
        fired = [fact for fact in page if contract.matches(version, fact)]
        self.facts += len(fired)
        self._seen += sum(fact.stands and fact.when == version.when for fact in page)
        self._nobodys += sum(fact.customer is None or (fact.when == "answer.given" and fact.order is None) for fact in fired)
        if fired:
            self._unmet.clear()
        self._unmet = {
            name: alone
            for name, alone in self._unmet.items()
            if not any(contract.matches(alone, fact) for fact in page)
        }
        self.points += self._given(self._points, {f.source: (f, contract.points(version, f)) for f in fired}, version.caps)
        coupons = {f.source: (f, 1) for f in fired if contract.coupon(version, f) is not None}
        self.coupons += self._given(self._coupons, coupons, version.coupon_caps)

    def why(self) -> str | None:
        """Why nothing came of it, as far as that is known."""
        when = self.version.when
        if not self._seen:
            return _NOTHING[when]
        if not self.facts:
            if self._unmet:
                met_by_none = " and ".join(f"`if.{name}`" for name in self._unmet)
                return f"None of the {_FACTS[when]} of these {DAYS} days meets {met_by_none}."
            return f"None of the {_FACTS[when]} of these {DAYS} days meets all of `if` at once."
        if self.version.rewards and not self.customers and self._nobodys == self.facts:
            return _NOBODY if when == "answer.given" else "No customers are known on these orders."
        return None

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
