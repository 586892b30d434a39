"""A shop's platform, its shoppers and its owner, and what our side makes of their words when these arrive as they do.

The platform is the truth about its orders. It tells of each change in a webhook, which may be lost, come twice, late and
out of order; times are whole seconds, so that changes of one second look alike. Answers come from browsers, which repeat
them until they are taken: they too come twice and in any order, but none is lost. Any batch may die at any of its
statements, and any batch may be repeated after it was committed. At last everything is read from the platform once, and
then the ledger must be what the oracle makes of the platform's orders, the answers and the owner's rules.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import orjson
import time_machine
from sqlalchemy import event as sql_event
from sqlalchemy import text

from tests import loyalty_oracle, oracle
from widget_server.act import loyalty, rules
from widget_server.act.pipeline import process
from widget_server.act.verify import verify
from widget_server.contract.coupons import CouponTerms
from widget_server.record import shops
from widget_server.record.db import Database

ZONE = "Europe/Riga"
BEGIN = 1_763_762_000_000  # 2025-11-21T21:53:20Z, seven minutes before midnight in Riga
MINUTE, DAY = 60_000, 86_400_000
_names = count(1)
_space = uuid.UUID(int=4)

# Who has ordered without an account.
GUEST = "e:" + "0123456789abcdef" * 2
REDEEMED = CouponTerms("fixed", 500, "EUR", 30)


class Died(Exception):
    """The process was killed, or the database went away, in the middle of a transaction."""


def iso(ms: int) -> str:
    """A time as our events name it."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).isoformat().replace("+00:00", "Z")


@dataclass
class World:
    """One shop on `database`. `now` is in ms."""

    database: Database
    now: int = BEGIN
    platform: dict[str, dict[str, Any]] = field(default_factory=dict)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    rules: dict[str, loyalty_oracle.Rule] = field(default_factory=dict)
    spent: dict[str, tuple[str, int, bool]] = field(default_factory=dict)
    erasures: dict[str, int] = field(default_factory=dict)
    addresses: list[tuple[int, str, str]] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.clock = time_machine.travel(self.now / 1000, tick=False)
        self.traveller = self.clock.start()
        with self.database.writing() as conn:
            self.shop = shops.create(conn, f"Shop {next(_names)}", "shop.example", ZONE)

    def close(self) -> None:
        self.clock.stop()
        # The thousandth history is to cost no more than the first: who looks at every shop does not find this one.
        with self.database.writing() as conn:
            for table, column in (("shops", "id"), ("loyalty", "shop")):
                conn.execute(text(f"DELETE FROM {table} WHERE {column} = :shop"), {"shop": self.shop.id})

    def wait(self, ms: int) -> None:
        """Time goes by."""
        self.now += ms
        self.traveller.move_to(self.now / 1000)

    # --- the platform -------------------------------------------------------------------------------------------------

    def change(self, ref: str, **fields: Any) -> None:
        """Something about an order changes on the platform, which tells of it."""
        order = self.platform.setdefault(
            ref,
            {
                "status": "pending", "customer": None, "email": None, "currency": "EUR", "total": 0, "refunded": 0,
                "completed_at": None, "placed_at": self.now // 1000 * 1000, "products": frozenset(), "language": "lv",
            },
        )  # fmt: skip
        completes = fields.get("status") in loyalty_oracle.COMPLETED and order["status"] not in loyalty_oracle.COMPLETED
        order.update(fields)
        if completes:
            order["completed_at"] = self.now // 1000 * 1000
        order["updated_at"] = self.now // 1000 * 1000
        self.waiting.append(self.word(ref))

    def word(self, ref: str, read: bool = False) -> dict[str, Any]:
        """What the platform says of an order now: in a webhook, or when it is asked."""
        order = self.platform[ref]
        customer = order["customer"]
        guest = customer is not None and customer.startswith("e:")
        said: dict[str, Any] = {
            "ref": ref, "status": order["status"], "customer": None if guest else customer,
            "email": customer[2:] if guest else order["email"], "currency": order["currency"],
            "total": _money(order["total"]), "refunded": _money(order["refunded"]), "language": order["language"],
            "placed_at": iso(order["placed_at"]), "updated_at": iso(order["updated_at"]),
            "completed_at": None if order["completed_at"] is None else iso(order["completed_at"]),
            "lines": [{"line": product, "product": product} for product in sorted(order["products"])],
        }  # fmt: skip
        if read:
            said["read"] = True
        said = {name: value for name, value in said.items() if value is not None}
        at = self.now if read else order["updated_at"]
        name = uuid.uuid5(_space, orjson.dumps([said, at if read else 0], option=orjson.OPT_SORT_KEYS).decode())
        return {"id": str(name), "type": "order.updated", "at": at, "order": said}

    def read_all(self) -> None:
        """The look at the platform that makes up for what was lost. All that is on its way comes later."""
        self.process([self.word(ref, read=True) for ref in sorted(self.platform)])

    # --- shoppers and the owner ---------------------------------------------------------------------------------------

    def say(self, event: dict[str, Any]) -> None:
        """A browser, or the owner, says something that will arrive."""
        self.said.append(event)
        self.waiting.append(event)

    def erase(self, customer: str) -> None:
        """The platform says that somebody wants to be forgotten; it says so until it is heard."""
        self.erasures[customer] = self.now
        self.waiting.append(
            {
                "id": str(uuid.uuid5(_space, f"{customer} {self.now}")), "type": "customer.erased", "at": self.now,
                "customer": {"ref": customer},
            }
        )  # fmt: skip

    def tell_address(self, customer: str, email: str) -> None:
        """The platform says by which address (a hash of it) an account goes."""
        self.addresses.append((self.now, customer, email))
        self.waiting.append(
            {
                "id": str(uuid.uuid5(_space, f"{customer} at {self.now}")), "type": "customer.updated", "at": self.now,
                "customer": {"ref": customer, "email": email},
            }
        )  # fmt: skip

    def erased(self) -> dict[str, int]:
        """Until when what customers did is erased: what they did as guests is erased with them."""
        found = dict(self.erasures)
        for at, customer, email in self.addresses:
            until = self.erasures.get(customer, -1)
            if at <= until:
                found[f"e:{email}"] = max(until, found.get(f"e:{email}", 0))
        return found

    def same(self) -> dict[str, str]:
        """Accounts that have one address are one person, and who has ordered by it without an account."""
        return {customer: f"e:{email}" for at, customer, email in self.addresses if at > self.erasures.get(customer, -1)}

    def save_rule(self, body: dict[str, Any], rule: str | None = None, dies_at: int = 0) -> None:
        """Make a rule, or change one."""

        def save(conn: Any) -> Any:
            shop = shops.by_id(conn, self.shop.id)
            assert shop is not None
            if rule is None:
                return rules.create(conn, shop, body, self.now)
            return rules.change(conn, shop, rule, lambda old: body, self.now)

        made = self.write(save, dies_at)
        known = self.rules.setdefault(made.rule, loyalty_oracle.Rule())
        if not known.said or known.said[-1][1] != body:
            known.said.append((made.valid_from, body))

    def remove_rule(self, rule: str, dies_at: int = 0) -> None:
        def remove(conn: Any) -> Any:
            shop = shops.by_id(conn, self.shop.id)
            assert shop is not None
            assert rules.remove(conn, shop, rule, self.now)

        last = self.rules[rule].said[-1][0]
        self.write(remove, dies_at)
        self.rules[rule].deleted = max(self.now, last + 1)

    def redeem(self, customer: str, points: int, name: str, dies_at: int = 0) -> None:
        """A shopper spends points, or sends the same wish once more."""
        self.expire()
        before = self.approved(customer)
        known = self.spent.get(name)
        if known is not None and known[0] in self.erased():
            # Who spent them is not known any more.
            return
        # Nobody can spend what belonged to somebody who was erased.
        worked = before >= points and not customer.startswith(loyalty_oracle.ERASED)
        customer, points, worked = known or (customer, points, worked)

        def spend(conn: Any) -> bool:
            return spends(conn, self.shop.id, customer, points, name, self.now)

        before = self.approved(customer)
        found = self.write(spend, dies_at)
        if known is not None and not worked and found:
            # What was refused may be asked for again when there is more.
            assert before >= points
            known = None
        else:
            assert found is worked, (customer, points, before, known)
        self.spent[name] = customer, points, found
        self.seen["spent" if found else "refused"] += 1
        assert self.approved(customer) == before - (points if found and known is None else 0)

    def expire(self, dies_at: int = 0) -> None:
        """The clock looks for points that are over."""
        before = {customer: self.approved(customer) for customer in {line.customer for line in self.lines()}}

        def run() -> None:
            loyalty.expire(self.database, self.now)

        if dies_at:
            try:
                with dying(self.database, dies_at):
                    run()
            except Died:
                self.seen["died"] += 1
        run()
        for customer, points in before.items():
            # What is over was there to be spent: nobody comes to owe anything by it.
            assert min(points, 0) <= self.approved(customer) <= points, (customer, points)
        after = self.lines()
        run()
        assert self.lines() == after

    def approved(self, customer: str) -> int:
        return loyalty_oracle.approved(self.lines(), customer, self.now)

    # --- how things reach us ------------------------------------------------------------------------------------------

    def process(self, events: Sequence[dict[str, Any]], dies_at: int = 0, again: bool = False) -> None:
        """A batch. When it dies it is repeated, as a consumer does; `again`: also when it was committed."""
        bodies = [
            orjson.dumps({"shop": self.shop.id, "source": "platform", "received": self.now, "event": event})
            for event in events
        ]
        if not bodies:
            return
        self.seen["arrived"] += len(bodies)
        self.seen["repeated"] += again
        if dies_at:
            try:
                with dying(self.database, dies_at):
                    process(self.database, bodies)
            except Died:
                self.seen["died"] += 1
                again = True
        if again or not dies_at:
            process(self.database, bodies)

    def write(self, work: Callable[[Any], Any], dies_at: int = 0) -> Any:
        """A transaction of the owner API or the clock, which is tried again when it dies."""
        if dies_at:
            try:
                with dying(self.database, dies_at), self.database.writing() as conn:
                    return work(conn)
            except Died:
                self.seen["died"] += 1
        with self.database.writing() as conn:
            return work(conn)

    # --- what stands, and what must ------------------------------------------------------------------------------------

    def run(self, sql: str) -> list[Any]:
        with self.database.reading() as conn:
            return [tuple(row) for row in conn.execute(text(sql))]

    def lines(self) -> list[loyalty_oracle.Line]:
        return loyalty_oracle.lines(self.run, self.shop.id)

    def caps(self) -> dict[str, dict[str, int]]:
        """Those of each rule; a rule's first caps are never changed here."""
        return {name: dict(rule.said[0][1].get("caps", {})) for name, rule in self.rules.items()}

    def owed(self) -> dict[loyalty_oracle.Source, loyalty_oracle.Owed]:
        answers = oracle.recount(map(_escaped, self.said), ZONE).answers
        return loyalty_oracle.owed(self.platform, answers, self.rules, self.erased(), self.same())

    def check_always(self) -> None:
        """What must hold at any moment, whatever has not arrived yet."""
        present = self.lines()
        assert loyalty_oracle.doubled(self.run, self.shop.id) == []
        assert loyalty_oracle.over_a_cap(present, self.caps()) == []
        for source, of in loyalty_oracle.sums(present).items():
            assert all(points > 0 for points in of.values()), (source, of)
            assert len(of) == 1, (source, of)

    def finish(self, reads: bool = True) -> None:
        """All that is left arrives, the platform is read once, and everything must be as the oracle says."""
        self.wait(1000)
        self.process(self.waiting)
        self.waiting.clear()
        if reads:
            self.read_all()
        self.check_always()
        assert list(verify(self.database, self.shop.id)) == []
        present = self.lines()
        found, wanted, caps = loyalty_oracle.sums(present), self.owed(), self.caps()
        for source in sorted({*found, *wanted}):
            due, of = wanted.get(source), found.get(source, {})
            if due is None or not due.points:
                assert of == {}, (source, of, due)
            elif due.customer == loyalty_oracle.ERASED:
                # What they had stays, without their name; what is heard of later gives nobody anything.
                assert all(name.startswith(due.customer) for name in of), (source, of, due)
                assert sum(of.values()) <= due.points, (source, of, due)
            elif sum(of.values()) < due.points and caps[source[0]]:
                assert loyalty_oracle.was_full(present, caps[source[0]], source, due, ZONE), (source, of, due)
                assert set(of) <= {due.customer}, (source, of, due)
            else:
                assert of == {due.customer: due.points}, (source, of, due)
        self._check_coupons(wanted)
        self.seen.update(line.kind for line in present)
        self.seen["owed"] += len(wanted)

    def _check_coupons(self, wanted: dict[loyalty_oracle.Source, loyalty_oracle.Owed]) -> None:
        live = {
            (rule, source): customer
            for rule, source, customer, _, state in loyalty_oracle.coupons(self.run, self.shop.id)
            if state != "cancelled"
        }
        for source, due in wanted.items():
            if due.coupon and due.customer != loyalty_oracle.ERASED:
                assert live.pop(source, None) == due.customer, (source, due)
            elif due.coupon:
                assert live.pop(source, loyalty_oracle.ERASED).startswith(loyalty_oracle.ERASED), (source, due)
        assert live == {}


def spends(conn: Any, shop: str, customer: str, points: int, name: str, now: int) -> bool:
    """Whether the points could be spent."""
    try:
        made = loyalty.redeem(conn, shop, customer, name, points, REDEEMED, now)
    except (loyalty.NotEnough, loyalty.Erased):
        return False
    assert (made.entry.customer, made.entry.points, made.coupon.customer) == (customer, -points, customer)
    return True


@contextmanager
def dying(database: Database, at: int) -> Iterator[None]:
    """The `at`-th statement of a writer from now on is its last."""
    left = at

    def count_down(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Died

    engine = database._writer
    sql_event.listen(engine, "before_cursor_execute", count_down)
    try:
        yield
    finally:
        sql_event.remove(engine, "before_cursor_execute", count_down)


def _escaped(event: dict[str, Any]) -> dict[str, Any]:
    """As the oracle of answers wants it, which knows no reference with a colon."""
    order = event.get("order")
    if order is None:
        return event
    return {**event, "order": {**order, "ref": order["ref"].replace(":", "%3A"), "real": order["ref"]}}


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
