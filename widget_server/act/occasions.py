"""What happens because time has passed: a birthday, a customer who has not ordered for so long, a score that rules ask for.

The first two are events like all others. Each has an id made from what it is about, so that the clock may notice it any
number of times, and it carries what was known of the customer then. They are made only where a rule listens.

A birthday counts only when it has been known for 30 days: nobody is to have one whenever it pays. Somebody born on
29 February has it on the 28th in other years.

A rule about a score is asked when the score has changed, once a minute at most, and fires at most once a day for each
question. That it fired is told outside and is no event, so no rule can be set off by another.
"""

import uuid
from calendar import isleap
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import Connection

from widget_server.contract import rules as contract
from widget_server.contract.customer import Customer
from widget_server.contract.metrics import metrics
from widget_server.contract.order import ERASED
from widget_server.contract.rules import BIRTHDAY_KNOWN, Book, Fact, Version
from widget_server.contract.scores import Score
from widget_server.contract.shop import Shop
from widget_server.contract.times import DAY, local_day, midnight
from widget_server.record import counters, customers, eventlog, shops
from widget_server.record import rules as record
from widget_server.record.counters import Slice
from widget_server.record.db import Database, lock_shops

from . import pipeline, rules

LATE = 7
"""Days that an occasion is made up for, when no clock ran."""

_PAGE = 500
_SPACE = uuid.UUID("6f0f4c1e-9f38-5c54-9d0e-0d7f5a9d1b52")

Event = dict[str, Any]


def birthdays(database: Database, now: int) -> None:
    """Notice the birthdays of the last days, in every shop where a rule listens to them."""
    for shop in _listening(database, "customer.birthday"):
        with database.reading() as conn:
            book = record.book(conn, shop)
            for days_ago in range(LATE + 1):
                day = local_date(now - days_ago * DAY, shop)
                at = midnight(f"{day}", 0, shop.time_zone)
                if any(contract.runs(version, at) for version in _in_force(book, "customer.birthday", at)):
                    _notice(database, shop, now, born_on(conn, shop, day))


def silences(database: Database, now: int) -> None:
    """Notice who has not ordered for as many days as a rule asks for."""
    for shop in _listening(database, "customer.silent"):
        with database.reading() as conn:
            book = record.book(conn, shop)
            lengths = {version.days for history in book.listening("customer.silent") for version in history}
            for days in sorted(length for length in lengths if length is not None):
                silent = silent_between(conn, shop, days, now - LATE * DAY, now)
                _notice(database, shop, now, (event for event in silent if _is_asked(book, event)))


def scores(database: Database, now: int) -> None:
    """Ask the rules about the scores that have changed."""
    with database.reading() as conn:
        changed = record.shops_with_changes(conn, _PAGE)
    for name in changed:
        with database.writing() as conn:
            lock_shops(conn, [name])
            questions = record.take_changes(conn, name)
            shop = shops.by_id(conn, name)
            if shop is not None:
                asked = scores_asked(conn, shop, record.book(conn, shop), questions, now)
                fired = [(version, fact) for version, fact in asked if contract.matches(version, fact)]
                rules.tell(conn, shop.id, fired, now)


def scores_asked(
    conn: Connection, shop: Shop, book: Book, questions: Sequence[str], now: int
) -> Iterator[tuple[Version, Fact]]:
    """The scores of `questions` that rules ask for, as they are now; those that too few answers stand behind are left out."""
    for version in _in_force(book, "score.updated", now):
        for name in questions:
            score = _score(conn, shop, version, name, now)
            if score is not None and score.enough:
                source = f"score:{version.metric}:{name}:{local_day(now, shop.time_zone)}"
                yield version, Fact(
                    when="score.updated", source=source, at=now, question=name, metric=version.metric, score=score.value
                )


def born_on(conn: Connection, shop: Shop, day: date) -> Iterator[Event]:
    """The birthdays of a day, as events."""
    at = midnight(f"{day}", 0, shop.time_zone)
    wanted = [f"{day:%m-%d}"]
    if wanted == ["02-28"] and not isleap(day.year):
        wanted.append("02-29")
    for month_day in wanted:
        for customer in _pages(partial(_born, conn, shop.id, month_day)):
            known = customer.birthday_since is not None and customer.birthday_since <= at - BIRTHDAY_KNOWN * DAY
            if known and not customer.erased:
                yield _event(shop, "customer.birthday", f"birthday:{customer.ref}:{day.year}", at, customer, year=day.year)


def silent_between(conn: Connection, shop: Shop, days: int, start: int, end: int) -> Iterator[Event]:
    """Who has been silent for `days` since some moment of (`start`, `end`] (ms), as events."""
    gone = days * DAY
    for customer in _pages(partial(_silent, conn, shop.id, start - gone, end - gone)):
        last, last_at = customer.last_order, customer.last_order_at
        if last is not None and last_at is not None and not customer.erased and not customer.ref.startswith(ERASED):
            cause = f"silent:{customer.ref}:{last}:{days}"
            yield _event(shop, "customer.silent", cause, last_at + gone, customer, days=days, last_order=last)


def local_date(at: int, shop: Shop) -> date:
    """The date where the shop is."""
    return date.fromisoformat(local_day(at, shop.time_zone))


def _listening(database: Database, when: str) -> list[Shop]:
    with database.reading() as conn:
        found = [shops.by_id(conn, name) for name in record.shops_listening(conn, [when])]
    return [shop for shop in found if shop is not None]


def _in_force(book: Book, when: str, at: int) -> list[Version]:
    found = (contract.in_force(history, at) for history in book.listening(when))
    return [version for version in found if version is not None]


def _is_asked(book: Book, event: Event) -> bool:
    at = event["at"]
    return any(v.days == event["days"] and contract.runs(v, at) for v in _in_force(book, "customer.silent", at))


def _score(conn: Connection, shop: Shop, version: Version, name: str, now: int) -> Score | None:
    """The score that a rule asks for; None when it asks for another question, or its metric can't be read from this one."""
    metric, question = metrics().get(version.metric or ""), shop.question(name)
    if metric is None or question is None or (version.questions is not None and name not in version.questions):
        return None
    if metric.question_types and question.type not in metric.question_types:
        return None
    start = None if version.days is None else local_day(now - (version.days - 1) * DAY, shop.time_zone)
    return metric.read(counters.total(conn, Slice(shop.id, (name,), start=start)))


def _pages(read: Callable[[str], list[Customer]]) -> Iterator[Customer]:
    after = ""
    while True:
        page = read(after)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].ref


def _born(conn: Connection, shop: str, month_day: str, after: str) -> list[Customer]:
    return customers.born_on(conn, shop, month_day, _PAGE, after)


def _silent(conn: Connection, shop: str, start: int, end: int, after: str) -> list[Customer]:
    return customers.silent_since(conn, shop, end, start, _PAGE, after)


def _event(shop: Shop, kind: str, cause: str, at: int, customer: Customer, **more: Any) -> Event:
    about: dict[str, Any] = {"ref": customer.ref, "segments": list(customer.segments_at(at))}
    if customer.language is not None:
        about["language"] = customer.language
    return {"id": str(uuid.uuid5(_SPACE, f"{shop.id}:{cause}")), "type": kind, "at": at, "customer": about, **more}


def _notice(database: Database, shop: Shop, now: int, events: Iterator[Event]) -> None:
    """Have the events applied that are not in the log yet."""
    while page := list(islice(events, _PAGE)):
        _apply(database, shop, now, page)


def _apply(database: Database, shop: Shop, now: int, events: Sequence[Event]) -> None:
    with database.reading() as conn:
        known = eventlog.known(conn, shop.id, [event["id"] for event in events])
    bodies = [
        orjson.dumps({"shop": shop.id, "source": "clock", "received": now, "event": event})
        for event in events
        if event["id"] not in known
    ]
    if bodies:
        pipeline.process(database, bodies)
