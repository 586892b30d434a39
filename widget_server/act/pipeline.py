"""A batch of envelopes in ONE database transaction: log, orders, answers, counters, searches, outbox.

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
from widget_server.contract import order as orders_of
from widget_server.contract.answer import Answer, Count, answer_key
from widget_server.contract.events import EVENT_TYPES
from widget_server.contract.order import Order
from widget_server.contract.queries import LONGEST, query_key
from widget_server.contract.questions import Bucket, question_types
from widget_server.contract.shop import Shop
from widget_server.contract.times import local_day
from widget_server.record import answers, counters, eventlog, orders, searches, shops
from widget_server.record.db import Database, lock_shops

from . import evaluate
from .crash import crash_point

Envelope = Mapping[str, Any]
_ABOUT_ANSWERS = frozenset(
    {
        "question.shown", "question.dismissed", "answer.given",
        "answer.quarantined", "answer.released", "answer.removed",
    }
)  # fmt: skip
_ABOUT_ORDERS = frozenset({"order.placed", "order.updated", "order.completed", "order.refunded"})


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
            fresh = _fresh(conn, shop_id, envelopes)
            if fresh:
                new += len(fresh)
                messages += _apply(conn, shop, fresh)
        crash_point()
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


def _fresh(conn: Connection, shop: str, envelopes: Sequence[Envelope]) -> list[Envelope]:
    """Those whose event is not in the log, each once, in the order of their times; now they are in the log."""
    known = eventlog.known(conn, shop, [envelope["event"]["id"] for envelope in envelopes])
    fresh: dict[str, Envelope] = {}
    for envelope in envelopes:
        name = envelope["event"]["id"]
        if name not in known:
            fresh.setdefault(name, envelope)
    found = sorted(fresh.values(), key=lambda envelope: (envelope["event"]["at"], envelope["event"]["id"]))
    eventlog.add(conn, shop, found)
    crash_point()
    return found


def _apply(conn: Connection, shop: Shop, fresh: Sequence[Envelope]) -> int:
    events = [envelope["event"] for envelope in fresh]
    changes: dict[counters.Change, int] = defaultdict(int)
    touched = _apply_answers_and_orders(conn, shop, events, changes)
    _count_searches(conn, shop, events, changes)
    # No score is read from what was skipped.
    changed = {question for (question, _, _), n in changes.items() if n and question}
    for event in events:
        for count in answers_of.skipped(event, shop.time_zone):
            changes[event["question"], "unverified", count] += 1
    counters.add(conn, shop.id, changes)
    return evaluate.send(conn, shop, fresh, touched, changed)


def _apply_answers_and_orders(
    conn: Connection, shop: Shop, events: Sequence[Mapping[str, Any]], changes: dict[counters.Change, int]
) -> dict[tuple[str, str], Answer]:
    """Fold the events into answers and orders; returns the answers that events were about."""
    parts = [event for event in events if event["type"] in _ABOUT_ANSWERS]
    about_orders = [event for event in events if event["type"] in _ABOUT_ORDERS]
    if not parts and not about_orders:
        return {}
    refs = {event["order"]["ref"] for event in about_orders}
    before = answers.load(conn, shop.id, [answer_key(event) for event in parts], sorted(refs))
    refs |= {event["order"]["ref"] for event in parts if event.get("order")}
    refs |= {answer.order for answer in before.values() if answer.order is not None}
    known = orders.load(conn, shop.id, sorted(refs))

    after, changed = _fold_answers(shop, parts, before)
    known_after = _fold_orders(shop, about_orders, known)

    # An order that changes its lines changes what its answers count for, so these are counted anew too.
    for name in set(before) | set(after):
        _count(before.get(name), known, shop, -1, changes)
        _count(after[name], known_after, shop, +1, changes)
    orders.save(conn, [known_after[ref] for ref in {event["order"]["ref"] for event in about_orders}])
    answers.save(conn, [after[name] for name in changed])
    return {name: after[name] for name in changed}


def _fold_answers(
    shop: Shop, parts: Iterable[Mapping[str, Any]], before: Mapping[tuple[str, str], Answer]
) -> tuple[dict[tuple[str, str], Answer], set[tuple[str, str]]]:
    after, changed = dict(before), set()
    for event in parts:
        name = (event["question"], answer_key(event))
        after[name] = answers_of.merged(after.get(name), shop.id, event, bucket_of(shop, event))
        changed.add(name)
    return after, changed


def _fold_orders(
    shop: Shop, events: Iterable[Mapping[str, Any]], known: Mapping[str, Order]
) -> dict[str, Order]:
    after = dict(known)
    for event in events:
        ref = event["order"]["ref"]
        after[ref] = orders_of.merged(after.get(ref), shop.id, event)
    return after


def bucket_of(shop: Shop, event: Mapping[str, Any]) -> Bucket:
    """The bucket that the event's value counts in, by the version of the question that was shown."""
    value = event.get("value")
    if value is None:
        return None
    question = shop.question(event["question"], event.get("question_version")) or shop.question(event["question"])
    kind = None if question is None else question_types().get(question.type)
    return None if question is None or kind is None else kind.bucket(value, question.settings)


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
