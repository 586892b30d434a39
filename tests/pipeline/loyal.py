"""A shop with rules, and short words for what happens to it, for the tests of rules."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.pipeline.envelopes import NOW, envelope, event
from widget_server.act import pipeline, rules
from widget_server.contract.points import Due
from widget_server.contract.rules import Version
from widget_server.contract.shop import Shop
from widget_server.contract.times import format_time
from widget_server.record import coupons, ledger, outbox, shops
from widget_server.record import rules as record
from widget_server.record.db import Database

DAY = 86_400_000
BEGIN = NOW - 365 * DAY


@dataclass
class Loyal:
    """`BEGIN` is long before all that happens at `NOW`."""

    database: Database
    id: str

    @classmethod
    def open(cls, database: Database, zone: str = "UTC") -> "Loyal":
        with database.writing() as conn:
            return cls(database, shops.create(conn, "Shop", "shop.example", zone).id)

    @property
    def shop(self) -> Shop:
        with self.database.reading() as conn:
            found = shops.by_id(conn, self.id)
        assert found is not None
        return found

    def rule(self, when: str = "answer.given", then: Any = None, at: int = BEGIN, **more: Any) -> Version:
        body = {"name": "a rule", "when": when, "then": then or [{"points": 50}], **more}
        with self.database.writing() as conn:
            return rules.create(conn, self.shop, body, at)

    def change(self, rule: str, at: int, **changes: Any) -> None:
        with self.database.writing() as conn:
            assert rules.change(conn, self.shop, rule, lambda old: {**old, **changes}, at) is not None

    def remove(self, rule: str, at: int) -> None:
        with self.database.writing() as conn:
            assert rules.remove(conn, self.shop, rule, at)

    def hear(self, *events: dict[str, Any], source: str = "platform") -> None:
        """One batch."""
        pipeline.process(self.database, [envelope(self.id, each, source) for each in events])

    def points(self) -> dict[str, int]:
        """What every source is worth to whom, by `source customer`; nothing where that is nothing."""
        with self.database.reading() as conn:
            lines = list(ledger.of_shop(conn, self.id))
        found: Counter[str] = Counter()
        for line in lines:
            found[f"{line.source} {line.customer}"] += line.points
        return {name: n for name, n in found.items() if n}

    def lines(self) -> list[int]:
        with self.database.reading() as conn:
            return [line.points for line in sorted(ledger.of_shop(conn, self.id), key=lambda line: (line.source, line.n))]

    def coupons(self) -> dict[str, str]:
        """The state of each coupon by its source."""
        with self.database.reading() as conn:
            return {coupon.source: coupon.state for coupon in coupons.newest(conn, self.id)}

    def told(self, kind: str = "rule.fired") -> list[outbox.Delivery]:
        with self.database.reading() as conn:
            return [each for each in outbox.deliveries(conn, shop=self.id, limit=1000) if each.type == kind]

    def recounted(self) -> dict[str, int]:
        """What all facts are worth by the rules, in the words of `points`."""
        found: Counter[str] = Counter()
        with self.database.reading() as conn:
            for due in rules.recount(conn, self.shop):
                if isinstance(due, Due):
                    found[f"{due.source} {due.customer}"] += due.points
        return {name: n for name, n in found.items() if n}

    def check(self) -> dict[str, int]:
        """The ledger says what a recount says; returns it."""
        found = self.points()
        assert found == self.recounted()
        return found

    def book_is_empty(self) -> bool:
        with self.database.reading() as conn:
            return not record.of_shop(conn, self.id)


def rating(ref: str = "A-1", at: int = NOW, value: Any = 5, question: str = "order-rating", **more: Any) -> dict[str, Any]:
    """An answer on the order page, with a token."""
    order = {"ref": ref, "line": None, "sku": []}
    return event("answer.given", at, question=question, value=value, placement="order", order=order, **more)


def order(ref: str = "A-1", at: int = NOW, kind: str = "order.updated", id: str | None = None, **more: Any) -> dict[str, Any]:
    """What a platform says of an order; all of it, whatever has changed."""
    said = {
        "ref": ref, "status": "completed", "customer": "c-1", "currency": "EUR", "total": "100.00", "refunded": "0.00",
        "placed_at": format_time(NOW - DAY), "completed_at": format_time(NOW), "updated_at": format_time(at),
    }  # fmt: skip
    about = {name: value for name, value in {**said, **more}.items() if value is not None}
    made = event(kind, at, order=about)
    return made if id is None else {**made, "id": id}


def customer(ref: str = "c-1", at: int = NOW, **more: Any) -> dict[str, Any]:
    return event("customer.updated", at, customer={"ref": ref, **more})


def decided(kind: str, ref: str = "A-1", at: int = NOW + 1, question: str = "order-rating") -> dict[str, Any]:
    reason = {} if kind == "released" else {"reason": "a reason"}
    return event(f"answer.{kind}", at, question=question, key=f"order:{ref}", **reason)


def cut(events: Iterable[dict[str, Any]], sizes: Iterable[int]) -> list[list[dict[str, Any]]]:
    """The events as batches of these sizes; the rest is the last one."""
    left, batches = list(events), []
    for size in sizes:
        batches.append(left[:size])
        left = left[size:]
    return [batch for batch in [*batches, left] if batch]
