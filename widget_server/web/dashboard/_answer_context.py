"""One answer in its context: the page, the search, the order; what is personal only for who has opened it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from widget_server.contract import order as orders_of
from widget_server.contract.answer import Answer
from widget_server.contract.order import Order, OrderFacts
from widget_server.contract.shop import Shop
from widget_server.contract.times import local_day
from widget_server.record import answers, cases, customers, eventlog, notes, orders
from widget_server.record.cases import Case, Name

from . import _answer_words as words
from ._answer_rows import Row, found_here, is_list, named, now_ms, people_of, placements, row_of
from ._names import language_name
from ._page import Visit, draw

_MOST_EVENTS = 200


def one(visit: Visit) -> ResponseReturnValue:
    """An answer in its context, what is personal aside."""
    return _one(visit, (request.args.get("question", ""), request.args.get("key", "")), opened=False)


def opened(visit: Visit) -> ResponseReturnValue:
    """The same with what is personal; that it was looked at is noted first."""
    name = named()
    with visit.writing() as conn:
        found_here(conn, visit.shop, [name])
        notes.add(conn, visit.shop.id, [name], visit.member.account, "opened", "", now_ms())
    return _one(visit, name, opened=True)


def typed_again(visit: Visit, name: Name, typed: Mapping[str, str], wrong: Mapping[str, str]) -> str:
    """The same with what was typed about its case, and what is wrong in it by field."""
    return _one(visit, name, opened=False, typed=typed, wrong=wrong)


def _one(
    visit: Visit, name: Name, opened: bool, typed: Mapping[str, str] | None = None, wrong: Mapping[str, str] | None = None
) -> str:
    shop = visit.shop
    with visit.reading() as conn:
        answer = found_here(conn, shop, [name])[name]
        case = cases.of_answers(conn, shop.id, [name]).get(name)
        people = people_of(conn, shop)
        subjects = [eventlog.of_answer(answer.key)]
        order = None
        if answer.order is not None:
            subjects.append(eventlog.of_order(answer.order))
            order = orders.load(conn, shop.id, [answer.order]).get(answer.order)
        events = eventlog.about(conn, shop.id, subjects, _MOST_EVENTS)
        story = words.story(shop, answer, events, notes.of_answer(conn, shop.id, name), people, case)
        facts = None if order is None else orders_of.facts(order)
        person = _person(conn, shop, answer, facts) if opened else None
        asked = words.asked_then(conn, shop, answer)
    now = now_ms()
    back = request.values.get("list", "")
    return draw(
        "answers/one.html", answer=answer, asked=asked, row=row_of(shop, answer, case, now), case=case, people=people, story=story,
        order=facts, lines=_lines(answer, order), person=person, opened=opened,
        closed=None if opened else _closed(answer, facts), url=_url(answer, opened), due=_due_day(case, shop),
        back=back if is_list(back) else url_for("answers.show"), language=language_name,
        statuses=words.STATUS_NAMES, tones=words.STATUS_TONES, why=words.why_quarantined, placements=dict(placements(shop)),
        typed=typed or {}, wrong=wrong or {},
    )  # fmt: skip


@dataclass(frozen=True)
class Person:
    """What is known of who gave an answer: only shown to who has asked for it."""

    customer: str
    segments: Sequence[str]
    orders: Sequence[OrderFacts]
    # What they said about these orders, by the order's number.
    said: Mapping[str, Sequence[Row]]


def _person(conn: Connection, shop: Shop, answer: Answer, facts: OrderFacts | None) -> Person | None:
    ref = None if facts is None else facts.customer
    if ref is None:
        return None if answer.customer is None else Person(answer.customer, (), (), {})
    known = customers.load(conn, shop.id, [ref]).get(ref)
    theirs = [orders_of.facts(order) for order in orders.of_customers(conn, shop.id, [ref], 10)]
    said: dict[str, list[Row]] = {}
    for other in answers.load(conn, shop.id, [], [each.ref for each in theirs]).values():
        if other.answered and other.counted and other.order is not None:
            said.setdefault(other.order, []).append(row_of(shop, other, None, 0))
    return Person(ref, () if known is None else known.segments_at(now_ms()), theirs, said)


def _closed(answer: Answer, facts: OrderFacts | None) -> str | None:
    """What there is to open: `person`; where nobody is known the page's whole `address`; None where that is all seen."""
    if answer.customer is not None or (facts is not None and facts.customer is not None):
        return "person"
    return None if _url(answer, False) == _url(answer, True) else "address"


def _url(answer: Answer, opened: bool) -> str:
    """The page it was given on; what follows its path may tell who somebody is."""
    whole = answer.get("url") or ""
    return whole if opened else re.split(r"[?#]", whole)[0]


def _lines(answer: Answer, order: Order | None) -> list[str]:
    """The products of the order that the answer is about."""
    if order is None:
        return []
    names = {each["product"]: each["name"] for each in (line.value for line in order.lines.values()) if each.get("name")}
    products = sorted({line.product for line in order.present_lines()})
    return [f"{names[product]} ({product})" if product in names else product for product in products]


def _due_day(case: Case | None, shop: Shop) -> str:
    return "" if case is None or case.due is None else local_day(case.due, shop.time_zone)
