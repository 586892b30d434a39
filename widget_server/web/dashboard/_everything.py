"""Everything that a shop has, row by row, to be taken along.

Each kind is read page by page, each page in a snapshot of its own, so that neither memory nor a long transaction grows
with the shop or with a slow line. What comes in while it is being read may or may not be in it.

Whose an order or an answer is stays out unless it is asked for: our names for customers are the platform's own ids, or
keyed hashes of e-mails, of which an address can't be read but which are about a person all the same.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from widget_server.contract import money
from widget_server.contract.answer import Answer
from widget_server.contract.metrics import metrics
from widget_server.contract.order import Order, facts
from widget_server.contract.shop import Question, Shop
from widget_server.contract.times import format_time
from widget_server.record import answers, counters, eventlog, orders, questions
from widget_server.record.answers import Filter
from widget_server.record.counters import Slice

_PAGE = 1000
_EVENTS = 5000
_PERSON = "customer"

Row = dict[str, Any]
Reading = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True)
class Kind:
    """One file. `rows(reading, shop, people)` gives {field: value} for every one of `fields`."""

    name: str
    fields: tuple[str, ...]
    read: Callable[[Reading, Shop], Iterator[Row]]

    def columns(self, people: bool) -> tuple[str, ...]:
        """The fields; without `people` those that name nobody."""
        return tuple(name for name in self.fields if people or name != _PERSON)

    def rows(self, reading: Reading, shop: Shop, people: bool) -> Iterator[Row]:
        """Every row, with exactly `columns(people)`."""
        names = self.columns(people)
        for row in self.read(reading, shop):
            yield {name: row[name] for name in names}


def _answers(reading: Reading, shop: Shop) -> Iterator[Row]:
    # Those that count, then those in quarantine. What was removed is gone for its owner too.
    for chosen in (Filter(), Filter(quarantined=True)):
        before = None
        while True:
            with reading() as conn:
                found = answers.newest(conn, shop.id, chosen, before, _PAGE)
            yield from map(_answer, found)
            if len(found) < _PAGE:
                break
            before = (found[-1].first_at, found[-1].key, found[-1].question)


def _answer(answer: Answer) -> Row:
    return {
        "question": answer.question, "key": answer.key, "value": answer.get("value"), "text": answer.get("text") or None,
        "verified": answer.verified, "quarantined": answer.quarantined, "incentivised": answer.incentivised,
        "at": format_time(answer.first_at), "updated_at": format_time(answer.updated_at),
        "placement": answer.get("placement"), "lang": answer.get("language"), "product": answer.get("product"),
        "query": answer.get("query"), "order": answer.order, _PERSON: answer.customer,
    }  # fmt: skip


def _searches(reading: Reading, shop: Shop) -> Iterator[Row]:
    after: str | None = ""
    while after is not None:
        with reading() as conn:
            found, after = eventlog.page(conn, shop.id, ("search.performed", "result.clicked"), after, _EVENTS)
        for event in found:
            said = event["search"]
            yield {
                "at": format_time(event["at"]), "type": event["type"], "query": said["query"], "results": said.get("results"),
                "position": said.get("position"), "search": said.get("id"), "event": event["id"],
            }  # fmt: skip


def _orders(reading: Reading, shop: Shop) -> Iterator[Row]:
    after = ""
    while True:
        with reading() as conn:
            found = orders.page(conn, shop.id, after, _PAGE)
        yield from map(_order, found)
        if len(found) < _PAGE:
            return
        after = found[-1].ref


def _order(order: Order) -> Row:
    now = facts(order)
    is_told = order.get("total") is not None
    return {
        "order": now.ref, "state": now.state, "status": order.get("status"), "placed_at": _time(now.placed_at),
        "completed_at": _time(now.completed_at), "currency": now.currency,
        "total": _amount(now.total, now.currency) if is_told else None,
        "refunded": _amount(now.refunded, now.currency) if is_told else None, "lang": now.language,
        "lines": [{"line": line.line, **order.lines[line.line].value} for line in order.present_lines()],
        _PERSON: now.customer,
    }  # fmt: skip


def _scores(reading: Reading, shop: Shop) -> Iterator[Row]:
    """Every metric of every question for each month, of all answers and of the verified ones."""
    for name, versions in shop.questions.items():
        fitting = [m for m in metrics().values() if not m.question_types or versions[-1].type in m.question_types]
        for trust in (None, "verified"):
            with reading() as conn:
                months = counters.by_time(conn, Slice(shop.id, (name,), "total", trust), counters.MONTH)
            for month, counts in sorted(months.items()):
                for metric in fitting:
                    score = metric.read(counts)
                    low, high = score.interval or (None, None)
                    yield {
                        "question": name, "metric": metric.name, "month": month, "trust": trust or "all", "value": score.value,
                        "n": score.n, "enough": score.enough, "low": low, "high": high, "shown": counts.shown,
                    }  # fmt: skip


def _questions(reading: Reading, shop: Shop) -> Iterator[Row]:
    for name, versions in shop.questions.items():
        for version in versions:
            with reading() as conn:
                found = questions.version(conn, shop.id, name, version.version)
            if found is not None:
                yield _question(found)


def _question(question: Question) -> Row:
    return {
        "question": question.name, "version": question.version, "type": question.type, "placement": question.placement,
        "touchpoint": question.touchpoint, "paused": question.paused, "deleted": question.deleted,
        "settings": dict(question.settings), "texts": dict(question.texts),
    }  # fmt: skip


def _time(ms: int | None) -> str | None:
    return None if ms is None else format_time(ms)


def _amount(units: int, currency: str | None) -> Decimal:
    return Decimal(money.decimal(units, currency))


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "answers",
            ("question", "key", "value", "text", "verified", "quarantined", "incentivised", "at", "updated_at", "placement",
             "lang", "product", "query", "order", _PERSON),
            _answers,
        ),
        Kind("searches", ("at", "type", "query", "results", "position", "search", "event"), _searches),
        Kind(
            "orders",
            ("order", "state", "status", "placed_at", "completed_at", "currency", "total", "refunded", "lang", "lines", _PERSON),
            _orders,
        ),
        Kind(
            "scores",
            ("question", "metric", "month", "trust", "value", "n", "enough", "low", "high", "shown"),
            _scores,
        ),
        Kind(
            "questions",
            ("question", "version", "type", "placement", "touchpoint", "paused", "deleted", "settings", "texts"),
            _questions,
        ),
    )
}  # fmt: skip
PEOPLE = frozenset(name for name, kind in KINDS.items() if _PERSON in kind.fields)
