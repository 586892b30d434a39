"""Facts, as rules look at them, from what is recorded: answers, orders, customers and what the clock has noticed.

What an import tells of answers is history from elsewhere: nothing was held out for it, so it is no fact for any rule.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from widget_server.contract import answer as answers_of
from widget_server.contract import order as orders_of
from widget_server.contract.answer import Answer
from widget_server.contract.customer import Customer
from widget_server.contract.order import ERASED, GUEST, Order, OrderFacts
from widget_server.contract.rules import Book, Fact
from widget_server.contract.shop import Shop
from widget_server.record import answers, customers, eventlog, orders

Name = tuple[str, str]
"""Question and key of an answer."""

CLOCK = ("customer.birthday", "customer.silent")
PAGE = 500
_AT_ONCE = 50
# Of as many customers at once; whoever has more has had a first one long ago.
_MOST_ORDERS = 20_000


@dataclass(frozen=True, slots=True)
class Found:
    """A fact, and why it is worth less than it might be: "", refunded, cancelled, removed or quarantined."""

    fact: Fact
    less: str = ""


@dataclass(slots=True)
class Firsts:
    """The first answers to their question, and the first completed orders, of the customers that were looked at."""

    answers: set[Name] = field(default_factory=set)
    orders: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Past:
    """All that some customers did: their orders, the answers to these, and which were the first."""

    orders: Mapping[str, Order] = field(default_factory=dict)
    answers: Mapping[Name, Answer] = field(default_factory=dict)
    firsts: Firsts = field(default_factory=Firsts)


class Sight:
    """Makes facts for the rules of `book`: what none of them asks for is not looked up."""

    def __init__(self, conn: Connection, shop: Shop, book: Book) -> None:
        self._conn = conn
        self._shop = shop
        self._book = book
        self._customers: dict[str, Customer | None] = {}
        self._facts: dict[int, tuple[Order, OrderFacts]] = {}
        self.firsts = Firsts()

    def facts_of(self, order: Order) -> OrderFacts:
        """Made once for each state of an order."""
        found = self._facts.get(id(order))
        if found is None:
            # The order is kept beside, so that its id is nobody else's meanwhile.
            found = self._facts[id(order)] = (order, orders_of.facts(order))
        return found[1]

    def meet(self, refs: Iterable[str | None]) -> None:
        """Look customers up in one go, if any rule asks for what is known of them."""
        if not self._book.asks_customers:
            return
        new = {ref for ref in refs if ref is not None and ref not in self._customers}
        if new:
            found = customers.load(self._conn, self._shop.id, sorted(new))
            self._customers.update({ref: found.get(ref) for ref in new})

    def answer(self, answer: Answer | None, known: Mapping[str, Order]) -> Found | None:
        """None while nothing is answered, and for answers of imports."""
        if answer is None or not answer.answered or answer.key.startswith("import:"):
            return None
        ref = answer.order
        order = None if ref is None else known.get(ref)
        facts = None if order is None else self.facts_of(order)
        asked = self._book.asks_products
        lines = () if order is None or not asked else order.present_lines()
        customer = None if facts is None else facts.customer
        fact = Fact(
            when="answer.given", source=f"answer:{answer.question}:{answer.key}", at=answer.first_at, customer=customer,
            stands=answer.counted, question=answer.question, placement=answer.get("placement"), value=answer.get("value"),
            verified=answer.verified, first=(answer.question, answer.key) in self.firsts.answers, order=facts,
            products=answers_of.products(answer, lines) if asked else (), language=answer.get("language"),
            segments=self._segments(customer, answer.first_at),
        )  # fmt: skip
        return Found(fact, _less_of_answer(answer, facts))

    def completed(self, order: Order | None) -> Found | None:
        """An order that was completed once; it stands for as long as it is."""
        facts = None if order is None else self.facts_of(order)
        if facts is None or facts.completed_at is None:
            return None
        fact = self._of_order("order.completed", f"order:{facts.ref}", facts.completed_at, facts)
        return Found(replace(fact, stands=facts.state == "completed"), _less_of_order(facts))

    def refunded(self, order: Order, at: int) -> Found:
        facts = self.facts_of(order)
        return Found(self._of_order("order.refunded", f"refund:{facts.ref}:{facts.refunded}", at, facts))

    def past(self, refs: Iterable[str | None]) -> Past:
        """All that customers did, also under the other names they go by when rules ask for what was first."""
        named = {ref for ref in refs if ref is not None and not ref.startswith(ERASED)}
        if not named:
            return Past()
        person = self._persons(named) if self._book.asks_first else dict(zip(named, named, strict=True))
        known: dict[str, Order] = {}
        everybody = iter(sorted(person))
        while some := list(islice(everybody, _AT_ONCE)):
            theirs = orders.of_customers(self._conn, self._shop.id, some, _MOST_ORDERS)
            known.update((order.ref, order) for order in theirs)
        given = answers.load(self._conn, self._shop.id, [], sorted(known))
        self.meet(person)
        return Past(known, given, self._firsts(known, given, person))

    def _persons(self, named: Iterable[str]) -> dict[str, str]:
        """One name for all the names by which one person goes: these, and those who shared an address with them before."""
        refs = set(named)
        for customer in customers.load(self._conn, self._shop.id, sorted(refs)).values():
            for email in customer.emails:
                refs.update(customers.same_person(self._conn, self._shop.id, f"{GUEST}{email}"))
        found: dict[str, str] = {}
        for ref in sorted(refs):
            same = customers.same_person(self._conn, self._shop.id, ref)
            found.update(dict.fromkeys(same, min(same)))
        return found

    def _firsts(
        self, known: Mapping[str, Order], given: Mapping[Name, Answer], person: Mapping[str, str]
    ) -> Firsts:
        first_orders: dict[str, tuple[int, str]] = {}
        for order in known.values():
            facts = self.facts_of(order)
            if facts.state == "completed" and facts.customer is not None and facts.completed_at is not None:
                one = facts.completed_at, order.ref
                who = person[facts.customer]
                first_orders[who] = min(one, first_orders.get(who, one))
        first_answers: dict[Name, tuple[int, str]] = {}
        for (question, key), answer in given.items():
            facts = self.facts_of(known[answer.order or ""])
            counts = answer.answered and answer.counted and not key.startswith("import:")
            if counts and facts.state != "cancelled" and facts.customer is not None:
                one = answer.first_at, key
                who_asked = person[facts.customer], question
                first_answers[who_asked] = min(one, first_answers.get(who_asked, one))
        return Firsts(
            {(question, key) for (_, question), (_, key) in first_answers.items()},
            {ref for _, ref in first_orders.values()},
        )

    def _of_order(self, when: str, source: str, at: int, facts: OrderFacts) -> Fact:
        return Fact(
            when=when, source=source, at=at, customer=facts.customer, first=facts.ref in self.firsts.orders, order=facts,
            products=facts.products, language=facts.language or self._language(facts.customer),
            segments=self._segments(facts.customer, at),
        )  # fmt: skip

    def _segments(self, ref: str | None, at: int) -> Sequence[str]:
        """Those of the fact's own time: whoever leaves a segment keeps what it earned."""
        customer = None if ref is None else self._customers.get(ref)
        return () if customer is None else customer.segments_at(at)

    def _language(self, ref: str | None) -> str | None:
        customer = None if ref is None else self._customers.get(ref)
        return None if customer is None else customer.language


def pages(conn: Connection, shop: Shop, book: Book, since: int, until: int | None = None) -> Iterator[list[Found]]:
    """Every answer and every completed order of [`since`, `until`) that rules of `book` may listen to, oldest first, page
    by page; for rules about refunds the orders completed then of which something was paid back."""
    if book.listening("answer.given"):
        for given in answers.since(conn, shop.id, since, until, PAGE):
            yield _answers_page(conn, shop, book, given)
    after: tuple[int, str] | None = None
    refunds = book.listening("order.refunded")
    while book.listening("order.completed") or refunds:
        page = orders.completed(conn, shop.id, since, until, after, PAGE)
        sight = Sight(conn, shop, book)
        facts = [sight.facts_of(order) for order in page]
        sight.meet(each.customer for each in facts)
        if book.asks_first:
            sight.firsts = sight.past(each.customer for each in facts).firsts
        yield [found for order in page if (found := sight.completed(order)) is not None]
        if refunds:
            yield [sight.refunded(order, f.completed_at or 0) for order, f in zip(page, facts, strict=True) if f.refunded]
        if len(page) < PAGE:
            return
        after = facts[-1].completed_at or 0, page[-1].ref


def _answers_page(conn: Connection, shop: Shop, book: Book, found: list[Answer]) -> list[Found]:
    sight = Sight(conn, shop, book)
    known = orders.load(conn, shop.id, sorted({answer.order for answer in found if answer.order is not None}))
    refs = {sight.facts_of(order).customer for order in known.values()}
    sight.meet(refs)
    if book.asks_first:
        sight.firsts = sight.past(refs).firsts
    return [made for answer in found if (made := sight.answer(answer, known)) is not None]


def noticed(event: Mapping[str, Any]) -> Found:
    """What the clock has noticed of a customer; its event says all that was known of the customer then."""
    customer = event["customer"]
    ref = customer["ref"]
    if event["type"] == "customer.birthday":
        source, days = f"birthday:{event['year']}:{ref}", None
    else:
        source, days = f"silent:{ref}:{event['last_order']}", event["days"]
    fact = Fact(
        when=event["type"], source=source, at=event["at"], customer=ref, language=customer.get("language"),
        segments=customer.get("segments") or (), days=days,
    )  # fmt: skip
    return Found(fact)


def all_noticed(conn: Connection, shop: Shop, book: Book) -> Iterator[list[Found]]:
    """All that the clock ever noticed of a shop's customers."""
    if any(book.listening(when) for when in CLOCK):
        for event in eventlog.of_shop(conn, shop.id, CLOCK):
            yield [noticed(event)]


def _less_of_answer(answer: Answer, order: OrderFacts | None) -> str:
    if answer.get("removed") is not None:
        return "removed"
    if answer.quarantined is not None:
        return "quarantined"
    return _less_of_order(order) if order is not None and order.state == "cancelled" else ""


def _less_of_order(order: OrderFacts) -> str:
    if order.refunded:
        return "refunded"
    return "cancelled" if order.state != "completed" else ""
