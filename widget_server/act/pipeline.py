"""A batch of envelopes in ONE database transaction: log, customers, orders, answers, counters, searches, outbox.

Known event ids change nothing, so a batch that is repeated after a crash at any point is harmless. Everything that an
event causes is decided here and stands or falls with the event itself.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from widget_server.contract import answer as answers_of
from widget_server.contract import order_values
from widget_server.contract.answer import Answer, Count
from widget_server.contract.events import EVENT_TYPES
from widget_server.contract.order import Order, pseudonymous
from widget_server.contract.queries import LONGEST, query_key
from widget_server.contract.shop import Shop
from widget_server.contract.times import local_day
from widget_server.record import counters, eventlog, searches, shops
from widget_server.record import rules as rule_book
from widget_server.record.db import Database, lock_shops

from . import evaluate, fold, loyalty, rules
from .crash import crash_point

Envelope = Mapping[str, Any]


class UnknownShop(Exception):
    """An event of a shop that does not exist (any more)."""


class BadEnvelope(Exception):
    """Not the envelope of an event."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch did: events that were new, and whether messages wait for delivery."""

    new: int = 0
    messages: int = 0


def process(database: Database, bodies: Sequence[bytes]) -> Outcome:
    """Apply envelopes (JSON bytes) in one transaction. Any exception leaves everything as it was."""
    by_shop: dict[str, list[Envelope]] = defaultdict(list)
    for body in bodies:
        envelope = decode(body)
        by_shop[envelope["shop"]].append(envelope)
    new = messages = 0
    with database.writing() as conn:
        lock_shops(conn, by_shop)
        for shop_id, envelopes in sorted(by_shop.items()):
            shop = shops.by_id(conn, shop_id)
            if shop is None:
                raise UnknownShop(f"no shop has the id {shop_id}")
            fresh = _fresh(conn, shop, envelopes)
            if fresh:
                new += len(fresh)
                messages += _apply(conn, shop, fresh)
        crash_point("batch applied, not committed")
    return Outcome(new, messages)


def decode(body: bytes) -> Envelope:
    """The envelope in `body`; raises BadEnvelope when it is none."""
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadEnvelope(f"not JSON: {error}") from error
    try:
        event = envelope["event"]
        fine = isinstance(envelope["shop"], str) and event["type"] in EVENT_TYPES
        fine = fine and isinstance(event["id"], str) and type(event["at"]) is int
        fine = fine and type(envelope["received"]) is int and isinstance(envelope["source"], str)
    except (KeyError, TypeError) as error:
        raise BadEnvelope(f"misses {error}") from error
    if not fine:
        raise BadEnvelope("a field is of the wrong kind, or the event type is unknown")
    found: Envelope = envelope
    return found


def _fresh(conn: Connection, shop: Shop, envelopes: Sequence[Envelope]) -> list[Envelope]:
    """Those whose event is not in the log, each once, in the order of their times; now they are in the log."""
    known = eventlog.known(conn, shop.id, [envelope["event"]["id"] for envelope in envelopes])
    fresh: dict[str, Envelope] = {}
    for envelope in envelopes:
        name = envelope["event"]["id"]
        if name not in known:
            fresh.setdefault(name, _without_addresses(shop, envelope))
    found = sorted(fresh.values(), key=lambda envelope: (envelope["event"]["at"], envelope["event"]["id"]))
    eventlog.add(conn, shop.id, found)
    crash_point("events in the log")
    return found


def _without_addresses(shop: Shop, envelope: Envelope) -> Envelope:
    """Whoever sent an event should have seen to it; nobody's e-mail address gets into the database by their slip."""
    event = envelope["event"]
    if not event["type"].startswith(("order.", "customer.")):
        return envelope
    made = pseudonymous(event, shop.customer_key)
    return envelope if made is event else {**envelope, "event": made}


def _apply(conn: Connection, shop: Shop, fresh: Sequence[Envelope]) -> int:
    events = [envelope["event"] for envelope in fresh]
    changes: dict[counters.Change, int] = defaultdict(int)
    book = rule_book.book(conn, shop)
    change = rules.mark(book, fold.fold(conn, shop, events))
    # An order that changes its lines changes what its answers count for, so these are counted anew too.
    for name in set(change.before) | set(change.after):
        _count(change.before.get(name), change.known, shop, -1, changes)
        _count(change.after[name], change.known_after, shop, +1, changes)
    for ref in change.refs:
        count_order(change.known.get(ref), shop, -1, changes)
        count_order(change.known_after[ref], shop, +1, changes)
    fold.save(conn, shop, change)
    crash_point("orders and answers kept")
    _count_searches(conn, shop, events, changes)
    # No score is read from what was skipped.
    changed = {question for (question, _, _), n in changes.items() if n and question}
    for event in events:
        for count in answers_of.skipped(event, shop.time_zone):
            changes[event["question"], "unverified", count] += 1
    counters.add(conn, shop.id, changes)
    now = max(envelope["received"] for envelope in fresh)
    for ref in sorted(change.erased):
        loyalty.erase(conn, shop.id, ref)
    made = rules.settle(conn, shop, book, change, fresh, now)
    crash_point("rules settled")
    rules.note_scores(conn, shop, book, changed, now)
    return made + evaluate.send(conn, shop, fresh, {name: change.after[name] for name in change.touched}, changed)


def _count(
    answer: Answer | None, known: Mapping[str, Order], shop: Shop, sign: int, changes: dict[counters.Change, int]
) -> None:
    if answer is None:
        return
    for count, n in counts_of(answer, known, shop.time_zone).items():
        changes[answer.question, trust(answer), count] += sign * n


def counts_of(answer: Answer, known: Mapping[str, Order], time_zone: str) -> dict[Count, int]:
    """What `answer` counts for, its order taken from `known`."""
    order = None if answer.order is None else known.get(answer.order)
    return answers_of.counts(answer, () if order is None else order.present_lines(), time_zone)


def count_order(order: Order | None, shop: Shop, sign: int, changes: dict[counters.Change, int]) -> None:
    """Add what `order` is worth to the `changes` of the counters, or take it away."""
    for count, n in order_values.counts(order, shop.time_zone).items():
        changes[counters.SEARCHES, "verified", count] += sign * n


def trust(answer: Answer) -> str:
    """The trust under which `answer` is counted."""
    return "verified" if answer.verified else "unverified"


def _count_searches(
    conn: Connection, shop: Shop, events: Iterable[Mapping[str, Any]], changes: dict[counters.Change, int]
) -> None:
    spelled: Counter[tuple[str, str]] = Counter()
    for event in events:
        for count in search_counts(event, shop.time_zone):
            changes[counters.SEARCHES, "unverified", count] += 1
        spelled.update(spellings(event))
    searches.add(conn, shop.id, spelled)


def search_counts(event: Mapping[str, Any], time_zone: str) -> list[Count]:
    """The rows that one event counts in as a search or a click."""
    if event["type"] not in ("search.performed", "result.clicked"):
        return []
    query, day = query_key(event["search"]["query"]), local_day(event["at"], time_zone)
    if event["type"] == "result.clicked":
        return counters.clicked(query, day)
    return counters.searched(query, day, event["search"].get("results"))


def spellings(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The query of a search as it was typed, spaces at its ends aside, beside the query it is grouped under."""
    if event["type"] != "search.performed":
        return []
    typed = " ".join(event["search"]["query"].split())
    return [(query_key(typed), typed[:LONGEST].rstrip())]
