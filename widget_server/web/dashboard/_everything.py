"""Everything that a shop has, row by row, to be taken along.

All kinds are read page by page from one snapshot, so that they fit together; whoever reads does it at our own speed and not
at that of somebody's line (_spool.py), so that the snapshot ends soon.

Whose an order or an answer is stays out unless it is asked for: our names for customers are the platform's own ids, or
keyed hashes of e-mails, of which an address can't be read but which are about a person all the same. So do the codes of
coupons, which are as good as money. Those who are no owners get of endpoints' addresses what the pages show them, and
nobody gets the views that somebody else keeps for themselves.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection

from widget_server.contract import money
from widget_server.contract.answer import Answer
from widget_server.contract.metrics import metrics
from widget_server.contract.order import Order, facts
from widget_server.contract.shop import Question, Shop
from widget_server.contract.times import format_time
from widget_server.record import (
    answers,
    assumptions,
    cases,
    connections,
    counters,
    coupons,
    customers,
    endpoints,
    eventlog,
    keys,
    ledger,
    loyalty,
    members,
    notes,
    orders,
    origins,
    outbox,
    questions,
    rules,
    touchpoints,
    views,
)
from widget_server.record.answers import Filter
from widget_server.record.counters import Slice

# Few enough for the first of a file to come at once.
_PAGE = 250
_EVENTS = 5000
_PERSON = "customer"
_CODE = "code"
PRIVATE = frozenset({_PERSON, _CODE})

Row = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """Who takes it along; with `people` also what is PRIVATE."""

    account: str
    is_owner: bool
    people: bool = False


@dataclass(frozen=True)
class Kind:
    """One file. `read(conn, shop, reader)` gives {field: value} for every one of `fields`."""

    name: str
    fields: tuple[str, ...]
    read: Callable[[Connection, Shop, Reader], Iterator[Row]]

    def columns(self, people: bool) -> tuple[str, ...]:
        """The fields; without `people` those that are not PRIVATE."""
        return tuple(name for name in self.fields if people or name not in PRIVATE)

    def rows(self, conn: Connection, shop: Shop, reader: Reader) -> Iterator[Row]:
        """Every row, with exactly `columns(reader.people)`."""
        names = self.columns(reader.people)
        for row in self.read(conn, shop, reader):
            yield {name: row[name] for name in names}


def _answers(conn: Connection, shop: Shop, _reader: Reader) -> Iterator[Row]:
    # Those that count, then those in quarantine. What was removed is gone for its owner too.
    for chosen in (Filter(), Filter(quarantined=True)):
        before = None
        while True:
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


def _searches(conn: Connection, shop: Shop, _reader: Reader) -> Iterator[Row]:
    after: str | None = ""
    while after is not None:
        found, after = eventlog.page(conn, shop.id, ("search.performed", "result.clicked"), after, _EVENTS)
        for event in found:
            said = event["search"]
            yield {
                "at": format_time(event["at"]), "type": event["type"], "query": said["query"], "results": said.get("results"),
                "position": said.get("position"), "search": said.get("id"), "event": event["id"],
            }  # fmt: skip


def _orders(conn: Connection, shop: Shop, _reader: Reader) -> Iterator[Row]:
    after = ""
    while True:
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


def _scores(conn: Connection, shop: Shop, _reader: Reader) -> Iterator[Row]:
    """Every metric of every question for each month, of all answers and of the verified ones."""
    for name, versions in shop.questions.items():
        fitting = [m for m in metrics().values() if not m.question_types or versions[-1].type in m.question_types]
        for trust in (None, "verified"):
            months = counters.by_time(conn, Slice(shop.id, (name,), "total", trust), counters.MONTH)
            for month, counts in sorted(months.items()):
                for metric in fitting:
                    score = metric.read(counts)
                    low, high = score.interval or (None, None)
                    yield {
                        "question": name, "metric": metric.name, "month": month, "trust": trust or "all", "value": score.value,
                        "n": score.n, "enough": score.enough, "low": low, "high": high, "shown": counts.shown,
                    }  # fmt: skip


def _questions(conn: Connection, shop: Shop, _reader: Reader) -> Iterator[Row]:
    for name, versions in shop.questions.items():
        for version in versions:
            found = questions.version(conn, shop.id, name, version.version)
            if found is not None:
                yield _question(found)


def _question(question: Question) -> Row:
    return {
        "question": question.name, "version": question.version, "type": question.type, "placement": question.placement,
        "touchpoint": question.touchpoint, "paused": question.paused, "deleted": question.deleted,
        "settings": dict(question.settings), "texts": dict(question.texts),
    }  # fmt: skip


def _cases(conn: Connection, shop: Shop, _reader: Reader) -> Iterator[Row]:
    who = _members(conn, shop)
    for row in cases.taken_along(conn, shop.id):
        yield _timed({**row, "assignee": _named(row["assignee"], who)}, "due", "created", "changed")


def _notes(conn: Connection, shop: Shop, _reader: Reader) -> Iterator[Row]:
    who = _members(conn, shop)
    for row in notes.taken.rows(conn, shop.id):
        by, text = _named(row.pop("account"), who), row["text"]
        yield _timed({**row, "by": by, "text": _named(text, who) if row["kind"] == "assignee" else text}, "at")


def _points(conn: Connection, shop: Shop, reader: Reader) -> Iterator[Row]:
    for row in ledger.taken.rows(conn, shop.id):
        if not reader.people:
            row["source"] = nameless(row["source"])
        yield _timed(row, "at", "available_at", "expires_at")


def _coupons(conn: Connection, shop: Shop, reader: Reader) -> Iterator[Row]:
    for row in coupons.taken.rows(conn, shop.id):
        if not reader.people:
            row["source"] = nameless(row["source"])
        yield _timed(row, "created", "available_at", "expires_at", "changed")


def _customers(conn: Connection, shop: Shop, _reader: Reader) -> Iterator[Row]:
    for row in customers.taken.rows(conn, shop.id):
        row |= {_PERSON: row.pop("ref"), "segments": _parsed(row["segments"])}
        yield _timed(row, "last_order_at", "erased_at")


def _deliveries(conn: Connection, shop: Shop, _reader: Reader) -> Iterator[Row]:
    for row in outbox.taken.rows(conn, shop.id):
        yield _timed(row, "created", "ended")


def _settings(conn: Connection, shop: Shop, reader: Reader) -> Iterator[Row]:
    """What the shop is set to, each thing on a line: what it is, its name, and the rest of it."""
    about = {"name": shop.name, "domains": list(shop.domains), "time_zone": shop.time_zone, "looks": dict(shop.widget)}
    yield {"what": "shop", "name": shop.site_key, "value": about}
    for what, name, taken, times in (
        ("touchpoint", "name", touchpoints.taken, ()),
        ("rule", "rule", rules.taken, ("valid_from",)),
        ("loyalty", None, loyalty.taken, ()),
        ("assumptions", None, assumptions.taken, ("changed",)),
        ("endpoint", "id", endpoints.taken, ("created", "disabled_at", "failing_since", "paused_at", "deleted_at")),
        ("connection", "id", connections.taken, ("created", "paused_at", "failing_since", "deleted_at")),
        ("api key", "id", keys.taken, ("created", "revoked", "used")),
        ("origin", "origin", origins.taken, ()),
    ):
        for row in taken.rows(conn, shop.id):
            named = "" if name is None else row.pop(name)
            if what == "endpoint" and not reader.is_owner:
                row["url"] = endpoints.host_of(row["url"])
            yield {"what": what, "name": named, "value": {key: _parsed(said) for key, said in _timed(row, *times).items()}}
    who = _members(conn, shop)
    for row in views.taken.rows(conn, shop.id):
        account = row.pop("account")
        if account in (None, reader.account):
            yield {"what": "view", "name": row.pop("id"), "value": {**_timed(row, "created"), "of": _named(account, who)}}
    for each in members.of_shop(conn, shop.id):
        value = {"name": each.name, "role": each.role, "two_factor": each.has_totp, "since": format_time(each.since)}
        yield {"what": "member", "name": each.email, "value": value}


def nameless(source: str) -> str:
    """What points or a coupon are for, without the customer whose birthday or silence it was."""
    kind = source.partition(":")[0]
    return f"{kind}:…" if kind in ("birthday", "silent") else source


def _members(conn: Connection, shop: Shop) -> dict[str, str]:
    return {each.account: each.email for each in members.of_shop(conn, shop.id)}


def _named(account: str | None, who: Mapping[str, str]) -> str | None:
    """The e-mail of a member; who has left is told by the account alone."""
    return account if account is None else who.get(account, account)


def _timed(row: Row, *names: str) -> Row:
    return {**row, **{name: _time(row[name]) for name in names}}


def _parsed(said: Any) -> Any:
    """What is kept as JSON, as what it says."""
    if not isinstance(said, str) or said[:1] not in "[{":
        return said
    try:
        return orjson.loads(said)
    except orjson.JSONDecodeError:
        return said


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
        Kind("cases", ("question", "key", "status", "assignee", "due", "created", "changed"), _cases),
        Kind("notes", ("question", "key", "at", "kind", "text", "by"), _notes),
        Kind("points", (*(name for name in ledger.taken.fields if name != _PERSON), _PERSON), _points),
        Kind("coupons", (*(name for name in coupons.taken.fields if name not in PRIVATE), _CODE, _PERSON), _coupons),
        Kind("customers", ("language", "segments", "last_order_at", "last_order", "erased_at", _PERSON), _customers),
        Kind("deliveries", outbox.taken.fields, _deliveries),
        Kind("settings", ("what", "name", "value"), _settings),
    )
}  # fmt: skip
PEOPLE = frozenset(name for name, kind in KINDS.items() if PRIVATE & set(kind.fields))
