"""Hypothesis writes histories of a shop: what its platform, shoppers and owner do, and what becomes of their words."""

import sys
import uuid
from collections import Counter
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.pipeline.histories import BEGIN, DAY, GUEST, MINUTE, World, iso
from widget_server.contract.loyalty import Loyalty
from widget_server.record import loyalty
from widget_server.record.db import Database

# Few of everything, so that things meet.
refs = st.sampled_from(["A", "B", "C:1", "D"])
customers = st.sampled_from(["c1", "c2", GUEST])
statuses = st.sampled_from(["pending", "processing", "shipped", "completed", "completed", "delivered", "cancelled", "failed", "refunded"])
totals = st.sampled_from([0, 1, 999, 1000, 10_000, 123_456])
shares = st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 1.0])
products = st.frozensets(st.sampled_from(["p", "q", "r"]), max_size=2)
questions = st.sampled_from(["order-rating", "search-found"])
deaths = st.sampled_from([0, 0, 0, 0, 0, 1, 2, 3, 5, 8, 13, 21, 34])
moments = st.sampled_from([-DAY, -MINUTE, -1, 0, 0, 1, MINUTE, 5 * MINUTE])
spans = st.sampled_from([1, 300, 1000, 1000, MINUTE, 10 * MINUTE, DAY, 15 * DAY])

points = st.sampled_from([1, 50, 100, 101])
per = st.sampled_from([("1.00", 1), ("0.07", 3), ("33.33", 10)]).map(
    lambda given: {"points_per": {"points": given[1], "amount": given[0], "currency": "EUR"}}
)
coupon = st.sampled_from([{"coupon": {"kind": "percent", "amount": "10"}}, {"coupon": {"kind": "fixed", "amount": "5.00", "currency": "EUR", "days": 30}}])
bounds = st.sampled_from([None, None, None, {"min": "10.00"}, {"max": "10.00"}, {"min": "0.01", "max": "100.00"}])
frames = st.sampled_from([{}, {}, {}, {}, {}, {"active": False}, {"starts": iso(BEGIN + MINUTE)}, {"ends": iso(BEGIN + 2 * DAY)}, {"return_days": 0}, {"return_days": 1}])


@st.composite
def bodies(draw: st.DrawFn, when: str | None = None) -> dict[str, Any]:
    """What an owner may want."""
    when = when or draw(st.sampled_from(["answer.given", "order.completed"]))
    given: dict[str, Any] = {}
    worth = draw(bounds)
    if worth is not None:
        given["order_value"] = {**worth, "currency": draw(st.sampled_from(["EUR", "EUR", "USD"]))}
    then = draw(st.sampled_from(["points", "points", "coupon", "both"]))
    actions = [] if then == "coupon" else [{"points": draw(points)}]
    actions += [draw(coupon)] if then != "points" else []
    if when == "answer.given":
        given |= draw(st.sampled_from([{}, {}, {"question": ["order-rating"]}, {"placement": ["order"]}, {"verified": True}, {"first": True}, {"first": False}]))
    else:
        given |= draw(st.sampled_from([{}, {}, {"product": ["p"]}, {"product": ["q", "r"]}, {"language": ["lv"]}, {"first": True}, {"first": False}]))
        actions += [draw(per)] if draw(st.booleans()) else []
    return {"name": "A rule", "when": when, "if": given, "then": actions, **draw(frames)}


caps = st.sampled_from([{}, {}, {"total": 120}, {"customer": 100}, {"day": 150}, {"customer": 60, "day": 90, "total": 151}])


def _fitting(body: dict[str, Any], when: str) -> list[dict[str, Any]]:
    """The actions of `body` that a rule for `when` may have."""
    return [action for action in body["then"] if when == "order.completed" or "points_per" not in action]


def _known(body: dict[str, Any], when: str) -> dict[str, Any]:
    """The conditions of `body` that a rule for `when` may have."""
    allowed = {"order.completed": ("order_value", "first", "product", "language"), "answer.given": ("order_value", "first", "question", "placement", "verified")}
    return {name: value for name, value in body["if"].items() if name in allowed[when]}


# What most shops have: without these, few histories would be about anything.
FOR_ORDERS: dict[str, Any] = {
    "name": "For orders", "when": "order.completed", "if": {},
    "then": [{"points": 50}, {"points_per": {"points": 1, "amount": "1.00", "currency": "EUR"}}],
    "return_days": 1,
}  # fmt: skip
FOR_ANSWERS: dict[str, Any] = {
    "name": "For answers", "when": "answer.given", "if": {"question": ["order-rating"]}, "then": [{"points": 50}], "return_days": 0,
}  # fmt: skip


class Histories(RuleBasedStateMachine):
    """One history. What happened in it is added to `seen` when it went well."""

    database: Database
    seen: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.database)
        self.numbers = iter(range(1, 10_000))
        self.broken = True

    @initialize(expires=st.sampled_from([None, None, 1, 20]), third=bodies(), most=st.tuples(caps, caps, caps))
    def begin(self, expires: int | None, third: dict[str, Any], most: tuple[dict[str, int], ...]) -> None:
        if expires is not None:
            with self.world.database.writing() as conn:
                loyalty.replace(conn, self.world.shop.id, Loyalty(14, expires))
        for body, limits in zip((FOR_ORDERS, FOR_ANSWERS, third), most, strict=True):
            self.world.save_rule({**body, "caps": limits})
        self.world.wait(1000)
        # What happens then happens to something.
        for ref, customer, total in (("A", "c1", 10_000), ("B", GUEST, 999)):
            self.buy(ref, customer, total, frozenset("p"), "lv", "completed", True)
        self.broken = False

    # --- the platform ---

    @rule(
        ref=refs, customer=customers, total=totals, bought=products, language=st.sampled_from(["lv", "ru"]),
        status=st.sampled_from(["processing", "completed", "completed"]), rated=st.booleans(),
    )  # fmt: skip
    def buy(
        self, ref: str, customer: str, total: int, bought: frozenset[str], language: str, status: str, rated: bool
    ) -> None:
        """An order, most often soon sent and rated; or a correction of one that there is."""
        known = self.world.platform.get(ref)
        if known is None:
            self.world.change(ref, status="processing", customer=customer, total=total, products=bought, language=language)
            self.world.wait(300)
            if status != "processing":
                self.world.change(ref, status=status)
        else:
            # A guest may open an account, and an account may be another's; it does not become a guest again.
            owner = customer if customer != GUEST else known["customer"]
            self.world.change(ref, customer=owner, total=max(total, known["refunded"]), products=bought)
        if rated:
            self.world.wait(1000)
            self._answer(ref, "order-rating", 0, 5, "order")

    @precondition(lambda self: self.world.platform)
    @rule(which=st.integers(0, 3), status=statuses)
    def move(self, which: int, status: str) -> None:
        self.world.change(self._one_of(self.world.platform, which), status=status)

    @precondition(lambda self: self.world.platform)
    @rule(which=st.integers(0, 3), share=shares)
    def refund(self, which: int, share: float) -> None:
        ref = self._one_of(self.world.platform, which)
        self.world.change(ref, refunded=int(self.world.platform[ref]["total"] * share))

    # --- shoppers and the owner ---

    @rule(ref=refs, question=questions, offset=moments, value=st.integers(1, 5), placement=st.sampled_from(["order", "mail"]))
    def answer(self, ref: str, question: str, offset: int, value: int, placement: str) -> None:
        self._answer(ref, question, offset, value, placement)

    @rule(ref=refs, question=questions, kind=st.sampled_from(["quarantined", "released", "released", "removed"]))
    def decide(self, ref: str, question: str, kind: str) -> None:
        name = ref.replace(":", "%3A")
        about = {"question": question, "key": f"order:{name}", "reason": "spam"}
        self.world.say({"id": self._id(), "type": f"answer.{kind}", "at": self.world.now, **about})

    @rule(body=bodies(), most=caps, which=st.integers(0, 3), what=st.sampled_from(["make", "change", "change", "remove"]), dies_at=deaths)
    def edit(self, body: dict[str, Any], most: dict[str, int], which: int, what: str, dies_at: int) -> None:
        """The owner makes a rule, changes one or removes one."""
        name = self._one_of(self.world.rules, which)
        known = self.world.rules[name]
        first = known.said[0][1]
        if what == "make" and len(self.world.rules) < 4:
            self.world.save_rule({**body, "caps": most}, dies_at=dies_at)
        elif what == "change" and known.deleted is None:
            self.world.save_rule({**body, "when": first["when"], "then": _fitting(body, first["when"]), "if": _known(body, first["when"]), "caps": first["caps"]}, name, dies_at)
        elif what == "remove" and known.deleted is None:
            self.world.remove_rule(name, dies_at)

    @rule(customer=st.sampled_from(["c1", "c2"]), email=st.sampled_from([None, GUEST[2:], GUEST[2:], "f" * 32]))
    def account(self, customer: str, email: str | None) -> None:
        """Who has an account says by which address, or wants everything to be forgotten."""
        self.world.wait(1)
        if email is None:
            self.world.erase(customer)
        else:
            self.world.tell_address(customer, email)

    @rule(customer=customers, part=st.sampled_from([0.5, 1.0, 1.0, 1.5]), name=st.sampled_from("abcde"), dies_at=deaths)
    def redeem(self, customer: str, part: float, name: str, dies_at: int) -> None:
        rich = sorted({line.customer for line in self.world.lines()} - {customer}, key=self.world.approved)
        if not self.world.approved(customer) and rich:
            customer = rich[-1]
        self.world.redeem(customer, max(1, int(self.world.approved(customer) * part)), name, dies_at)

    @rule(span=spans, dies_at=deaths)
    def wait(self, span: int, dies_at: int) -> None:
        self.world.wait(span)
        self.world.expire(dies_at)

    # --- how their words reach us ---

    @precondition(lambda self: self.world.waiting)
    @rule(picks=st.lists(st.integers(0, 20), min_size=1, max_size=6), keep=st.booleans(), dies_at=deaths, again=st.booleans())
    def arrive(self, picks: list[int], keep: bool, dies_at: int, again: bool) -> None:
        """Some of what is on its way, in any order, in one batch. `keep`: it is also still to come."""
        waiting = self.world.waiting
        chosen = [waiting[pick % len(waiting)] for pick in picks]
        self.world.process(chosen, dies_at, again)
        if not keep:
            self.world.waiting = [event for event in waiting if not any(event is one for one in chosen)]
        self.world.check_always()

    @precondition(lambda self: self.world.waiting)
    @rule(dies_at=deaths)
    def arrive_all(self, dies_at: int) -> None:
        self.world.process(list(reversed(self.world.waiting)), dies_at)
        self.world.waiting.clear()
        self.world.check_always()

    @precondition(lambda self: self.world.waiting)
    @rule(pick=st.integers(0, 20))
    def lose(self, pick: int) -> None:
        """What a platform sends may be lost; what a browser sends is sent until it is taken."""
        event = self.world.waiting[pick % len(self.world.waiting)]
        if event["type"].startswith("order."):
            self.world.waiting.remove(event)
            self.world.seen["lost"] += 1

    @precondition(lambda self: self.world.platform)
    @rule()
    def read(self) -> None:
        self.world.read_all()
        self.world.check_always()

    def _answer(self, ref: str, question: str, offset: int, value: int, placement: str) -> None:
        self.world.say(
            {
                "id": self._id(), "type": "answer.given", "at": self.world.now + offset, "question": question,
                "value": value if question == "order-rating" else "yes", "placement": placement,
                "order": {"ref": ref, "line": None, "sku": []}, "answer": str(uuid.UUID(int=7, version=4)),
            }
        )  # fmt: skip

    def _id(self) -> str:
        return str(uuid.UUID(int=next(self.numbers), version=4))

    @staticmethod
    def _one_of(named: dict[str, Any], which: int) -> str:
        return list(named)[which % len(named)]

    def teardown(self) -> None:
        try:
            # A history that has failed already is not to fail anew for what it left undone.
            if not self.broken and sys.exc_info()[0] is None:
                self.world.finish()
                self.seen.update(self.world.seen)
                self.seen["histories"] += 1
                # Something went wrong on the way of words that were worth something.
                trouble = ("died", "repeated", "lost")
                self.seen["struck"] += self.world.seen["owed"] > 0 and any(self.world.seen[each] for each in trouble)
        finally:
            self.world.close()


def machine(database: Database) -> type[Histories]:
    """The machine for histories on `database`."""
    return type("LoyaltyHistories", (Histories,), {"database": database, "seen": Counter()})
