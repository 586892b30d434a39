"""From a batch's events to the present state of the customers, orders and answers that they touch.

Customers come first, because an erasure covers orders; orders before answers, because an answer of an erased customer's
order keeps no words. What the log says of the erased goes in the same transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection

from widget_server.contract import answer as answers_of
from widget_server.contract import erasure
from widget_server.contract import order as orders_of
from widget_server.contract.answer import Answer, answer_key
from widget_server.contract.order import ERASED, Order
from widget_server.contract.questions import Bucket, question_types
from widget_server.contract.shop import Shop
from widget_server.record import answer_products, answers, cases, customers, eventlog, notes, orders
from widget_server.record.answer_products import About, Place

Event = Mapping[str, Any]
Name = tuple[str, str]
"""Question and key of an answer."""

_ABOUT_ANSWERS = frozenset(
    {
        "question.shown", "question.dismissed", "answer.given",
        "answer.quarantined", "answer.released", "answer.removed",
    }
)  # fmt: skip
_ABOUT_ORDERS = frozenset({"order.placed", "order.updated", "order.completed", "order.refunded"})
_ABOUT_CUSTOMERS = frozenset({"customer.updated", "customer.erased"})


@dataclass(frozen=True, slots=True)
class Change:
    """What a batch does: answers and orders before and after it.

    `touched` are the answers that it says something new about, `refs` the orders, `customers` the customers; `owners` had
    its orders before it or have them after it. `erased` are the customers whose erasure is news, `unnamed` the orders of
    which the log may not tell whose they were.
    """

    before: Mapping[Name, Answer] = field(default_factory=dict)
    after: Mapping[Name, Answer] = field(default_factory=dict)
    known: Mapping[str, Order] = field(default_factory=dict)
    known_after: Mapping[str, Order] = field(default_factory=dict)
    touched: frozenset[Name] = frozenset()
    refs: frozenset[str] = frozenset()
    customers: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    erased: frozenset[str] = frozenset()
    unnamed: frozenset[str] = frozenset()


def fold(conn: Connection, shop: Shop, events: Sequence[Event]) -> Change:
    """Fold the events into what is known. Customers are saved already; answers and orders wait for `save`."""
    parts = [event for event in events if event["type"] in _ABOUT_ANSWERS]
    about_orders = [event for event in events if event["type"] in _ABOUT_ORDERS]
    about_customers = [event for event in events if event["type"] in _ABOUT_CUSTOMERS]
    if not parts and not about_orders and not about_customers:
        return Change()
    erased = customers.apply(conn, shop, about_customers)
    touched_refs = {event["order"]["ref"] for event in about_orders}
    rated = set[str]()
    if erased:
        touched_refs.update(orders.refs_of_customers(conn, shop.id, erased))
        rated.update(answers.orders_by_customer(conn, shop.id, erased))
    before = answers.load(conn, shop.id, [answer_key(event) for event in parts], sorted(touched_refs | rated))
    refs = touched_refs | {event["order"]["ref"] for event in parts if event.get("order")}
    refs |= {answer.order for answer in before.values() if answer.order is not None}
    known = orders.load(conn, shop.id, sorted(refs))
    after, touched = _fold_answers(shop, parts, before)
    known_after = _without_erased(conn, shop, _fold_orders(shop, about_orders, known), touched_refs)
    unnamed = {order for answer in after.values() if (order := _of_erased(answer, known_after, erased)) is not None}
    unnamed |= {ref for ref in touched_refs if _is_erased(known_after[ref])}
    touched |= _take_words(after, unnamed)
    return Change(
        before, after, known, known_after, frozenset(touched), frozenset(touched_refs),
        customers=frozenset({*(event["customer"]["ref"] for event in about_customers), *erased}),
        owners=frozenset(_owners(known, touched_refs) | _owners(known_after, touched_refs)),
        erased=frozenset(erased),
        unnamed=frozenset(unnamed),
    )  # fmt: skip


def save(conn: Connection, shop: Shop, change: Change) -> None:
    """Write answers, orders and what follows from orders for their customers; and clean the log of the erased."""
    orders.save(conn, [change.known_after[ref] for ref in sorted(change.refs)])
    answers.save(conn, [change.after[name] for name in change.touched])
    # An order that changes its lines changes what its answers are about.
    answer_products.save(conn, shop.id, _about(change.before, change.known), _about(change.after, change.known_after))
    _clean_notes(conn, shop, change)
    ordering = _who_ordered(change)
    if ordering:
        last = orders.last_of(conn, shop.id, ordering)
        customers.ordered(conn, shop.id, {ref: last.get(ref) for ref in ordering})
    _clean_log(conn, shop, change)


def bucket_of(shop: Shop, event: Event) -> Bucket:
    """The bucket that the event's value counts in, by the version of the question that was shown."""
    value = event.get("value")
    if value is None:
        return None
    question = shop.question(event["question"], event.get("question_version")) or shop.question(event["question"])
    kind = None if question is None else question_types().get(question.type)
    return None if question is None or kind is None else kind.bucket(value, question.settings)


def _fold_answers(
    shop: Shop, parts: Iterable[Event], before: Mapping[Name, Answer]
) -> tuple[dict[Name, Answer], set[Name]]:
    after, touched = dict(before), set()
    for event in parts:
        name = (event["question"], answer_key(event))
        after[name] = answers_of.merged(after.get(name), shop.id, event, bucket_of(shop, event))
        touched.add(name)
    return after, touched


def _fold_orders(shop: Shop, events: Iterable[Event], known: Mapping[str, Order]) -> dict[str, Order]:
    after = dict(known)
    for event in events:
        ref = event["order"]["ref"]
        after[ref] = orders_of.merged(after.get(ref), shop.id, event)
    return after


def _without_erased(conn: Connection, shop: Shop, known: dict[str, Order], refs: Iterable[str]) -> dict[str, Order]:
    """Orders that were placed before their customer was erased belong to nobody who could be named."""
    owned = {ref: owner for ref in refs if (owner := orders_of.customer_of(known[ref])) is not None}
    until = customers.erased_until(conn, shop, sorted({owner for owner in owned.values() if not owner.startswith(ERASED)}))
    for ref, owner in owned.items():
        placed_at = orders_of.facts(known[ref]).placed_at
        if owner.startswith(ERASED) or (owner in until and placed_at is not None and placed_at <= until[owner]):
            known[ref] = orders_of.disowned(known[ref], shop.customer_key)
    return known


def _of_erased(answer: Answer, known: Mapping[str, Order], erased: Mapping[str, int]) -> str | None:
    """The order of an answer by somebody who was erased: as its platform says or, of an order that no platform has told
    of, as its token said."""
    if answer.order is None:
        return None
    if (order := known.get(answer.order)) is not None and orders_of.customer_of(order) is not None:
        return answer.order if _is_erased(order) else None
    until = erased.get(answer.customer or "")
    return None if until is None or answer.first_at > until else answer.order


def _take_words(after: dict[Name, Answer], unnamed: set[str]) -> set[Name]:
    """Take the words out of answers about these orders; returns which answers that changed."""
    found = set()
    for name, answer in after.items():
        if answer.order in unnamed:
            left = erasure.without_words(answer)
            if left is not answer:
                after[name] = left
                found.add(name)
    return found


def _is_erased(order: Order) -> bool:
    return (orders_of.customer_of(order) or "").startswith(ERASED)


def _owners(known: Mapping[str, Order], refs: Iterable[str]) -> set[str]:
    owners = (orders_of.customer_of(known[ref]) for ref in refs if ref in known)
    return {owner for owner in owners if owner is not None}


def _about(found: Mapping[Name, Answer], known: Mapping[str, Order]) -> dict[About, Place]:
    about: dict[About, Place] = {}
    for answer in found.values():
        order = None if answer.order is None else known.get(answer.order)
        about |= answer_products.of(answer, () if order is None else order.present_lines())
    return about


def _who_ordered(change: Change) -> list[str]:
    """The customers whose last order may be another now."""
    found: set[str] = set()
    for ref in change.refs:
        before, after = (_as_ordered(known.get(ref)) for known in (change.known, change.known_after))
        if before != after:
            found |= {owner for owner, *_ in (before, after) if owner is not None and not owner.startswith(ERASED)}
    return sorted(found)


def _as_ordered(order: Order | None) -> tuple[str | None, int | None, bool]:
    if order is None:
        return None, None, False
    now = orders_of.facts(order)
    return now.customer, now.placed_at, now.state == "cancelled"


def _clean_notes(conn: Connection, shop: Shop, change: Change) -> None:
    """What members wrote about the answers of the erased may name them; and nobody sees to an answer that is removed."""
    if change.unnamed:
        notes.strip(conn, shop.id, [name for name, answer in change.after.items() if answer.order in change.unnamed])
    removed = [name for name in sorted(change.touched) if change.after[name].get("removed") is not None]
    cases.remove(conn, shop.id, removed)
    notes.strip(conn, shop.id, removed)


def _clean_log(conn: Connection, shop: Shop, change: Change) -> None:
    if change.unnamed:
        subjects = [eventlog.of_order(ref) for ref in sorted(change.unnamed)]
        eventlog.rewrite(conn, shop.id, subjects, erasure.anonymous)
    for ref, until in customers.erased_until(conn, shop, sorted(change.customers)).items():
        clean = partial(erasure.anonymous_customer, key=shop.customer_key, until=until)
        eventlog.rewrite(conn, shop.id, [eventlog.of_customer(ref)], clean)
