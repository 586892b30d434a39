"""What the ledger must add up to, worked out the slow and obvious way. It shares no code with the program.

In: how the platform has every order at last, the answers as `tests.oracle` makes them from their events, and what the
owner had said about rules by when. Out: who is owed how many points, and which coupons, by rule and source. How things
came to be so, in which order and how often they were told, is no part of it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

Source = tuple[str, str]  # the rule, and what it gives for
OPEN = ("pending", "processing", "shipped")
COMPLETED = ("completed", "delivered")
CANCELLED = ("cancelled", "failed", "refunded")
# Stands for whoever was erased: of them the ledger says nothing but that they are.
ERASED = "erased:"


@dataclass
class Rule:
    """`said`: from when (ms) the owner wanted what. `caps` never change here, so that what exceeds them is easily told."""

    said: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    deleted: int | None = None

    def at(self, ms: int) -> Mapping[str, Any] | None:
        """What was in force then."""
        if self.deleted is not None and ms >= self.deleted:
            return None
        wanted = None
        for since, body in self.said:
            if since <= ms:
                wanted = body
        return wanted


@dataclass
class Owed:
    """What one rule gives for one thing."""

    customer: str
    points: int
    coupon: bool
    at: int


def owed(
    orders: Mapping[str, Mapping[str, Any]],
    answers: Mapping[tuple[str, str], Mapping[str, Any]],
    rules: Mapping[str, Rule],
    erased: Mapping[str, int],
    same: Mapping[str, str],
) -> dict[Source, Owed]:
    """Everything that is owed. `orders` have money in whole cents, times in ms and sets of products; `erased` tells of
    each such customer until when what they did is erased, `same` of some whom else they are."""
    found: dict[Source, Owed] = {}
    buyers = {ref: _buyer(order, erased) for ref, order in orders.items()}
    people = {ref: same.get(buyer or "", buyer) for ref, buyer in buyers.items()}
    bought = _firsts(
        (people[ref], (order["completed_at"], ref))
        for ref, order in orders.items()
        if state(order) == "completed" and order["completed_at"] is not None
    )
    rated: dict[tuple[str, str], str] = {}
    for (question, key), answer in answers.items():
        ref = (answer["order"] or {}).get("real")
        said = answer["value"] is not None or answer["text"] is not None
        if said and not answer["hidden"] and ref in orders and state(orders[ref]) != "cancelled":
            rated[question, key] = ref
    spoke = _firsts(
        ((people[ref], question), (answers[question, key]["first_at"], key)) for (question, key), ref in rated.items()
    )
    for name, rule in rules.items():
        for ref, order in orders.items():
            buyer, at = buyers[ref], order["completed_at"]
            if state(order) == "completed" and buyer is not None and at is not None:
                body = rule.at(at)
                first = bought.get(people[ref]) == (at, ref) and buyer != ERASED
                if body is not None and body["when"] == "order.completed" and _fits_order(body, order, at, first):
                    found[name, f"order:{ref}"] = Owed(buyer, _points_of_order(body, order), _has_coupon(body), at)
        for (question, key), ref in rated.items():
            buyer, answer = buyers[ref], answers[question, key]
            body = rule.at(answer["first_at"])
            if buyer is not None and body is not None and body["when"] == "answer.given":
                first = spoke.get((people[ref], question)) == (answer["first_at"], key) and buyer != ERASED
                if _fits_answer(body, question, answer, orders[ref], first):
                    source = name, f"answer:{question}:{key}"
                    found[source] = Owed(buyer, _fixed(body), _has_coupon(body), answer["first_at"])
    return {source: due for source, due in found.items() if due.points or due.coupon}


def _buyer(order: Mapping[str, Any], erased: Mapping[str, int]) -> str | None:
    customer: str | None = order["customer"]
    return ERASED if customer in erased and order["placed_at"] <= erased[customer] else customer


def _firsts(done: Iterable[tuple[Any, tuple[int, str]]]) -> dict[Any, tuple[int, str]]:
    """The first thing that each did."""
    found: dict[Any, tuple[int, str]] = {}
    for who, what in done:
        found[who] = min(what, found.get(who, what))
    return found


def state(order: Mapping[str, Any]) -> str:
    """open, completed or cancelled."""
    if order["status"] in CANCELLED or 0 < order["total"] <= order["refunded"]:
        return "cancelled"
    return "completed" if order["status"] in COMPLETED else "open"


def _fits_order(body: Mapping[str, Any], order: Mapping[str, Any], at: int, first: bool) -> bool:
    given = body.get("if", {})
    return (
        _is_on(body, at)
        and given.get("first", first) is first
        and _worth(given.get("order_value"), order)
        and ("product" not in given or any(each in order["products"] for each in given["product"]))
        and ("language" not in given or order["language"] in given["language"])
    )


def _fits_answer(
    body: Mapping[str, Any], question: str, answer: Mapping[str, Any], order: Mapping[str, Any], first: bool
) -> bool:
    given = body.get("if", {})
    return (
        _is_on(body, answer["first_at"])
        and given.get("first", first) is first
        and ("question" not in given or question in given["question"])
        and ("placement" not in given or answer["placement"] in given["placement"])
        and given.get("verified", True)
        and _worth(given.get("order_value"), order)
    )


def _is_on(body: Mapping[str, Any], at: int) -> bool:
    if not body.get("active", True):
        return False
    begins, ends = body.get("starts"), body.get("ends")
    return (begins is None or ms(begins) <= at) and (ends is None or at < ms(ends))


def _worth(wanted: Mapping[str, Any] | None, order: Mapping[str, Any]) -> bool:
    if wanted is None:
        return True
    cents = {name: round(float(wanted[name]) * 100) for name in ("min", "max") if name in wanted}
    return order["currency"] == wanted["currency"] and cents.get("min", 0) <= order["total"] <= cents.get("max", 10**18)


def _fixed(body: Mapping[str, Any]) -> int:
    return sum(action.get("points", 0) for action in body["then"])


def _points_of_order(body: Mapping[str, Any], order: Mapping[str, Any]) -> int:
    total, kept = order["total"], order["total"] - order["refunded"]
    points = _fixed(body) if total == 0 else _fixed(body) * kept // total
    for action in body["then"]:
        per = action.get("points_per")
        if per is not None and per["currency"] == order["currency"]:
            points += per["points"] * kept // round(float(per["amount"]) * 100)
    return points


def _has_coupon(body: Mapping[str, Any]) -> bool:
    return any("coupon" in action for action in body["then"])


def ms(text: str) -> int:
    """A time as our events name it."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


# --- what stands in the tables, by plain SQL --------------------------------------------------------------------------

Run = Callable[[str], list[Any]]
OF_NO_RULE = ("redeem", "expiry", "adjust")


@dataclass(frozen=True)
class Line:
    rule: str
    source: str
    customer: str
    points: int
    kind: str
    at: int
    available_at: int
    day: str


def lines(run: Run, shop: str) -> list[Line]:
    """The ledger, in the order it was written."""
    columns = "rule, source, customer, points, kind, at, available_at, day"
    return [Line(*row) for row in run(f"SELECT {columns} FROM ledger WHERE shop = '{shop}' ORDER BY at, n, id")]


def sums(present: Iterable[Line]) -> dict[Source, dict[str, int]]:
    """What stands for each rule and source, by customer; nothing that is nought."""
    found: dict[Source, dict[str, int]] = {}
    for line in present:
        if line.rule not in OF_NO_RULE:
            of = found.setdefault((line.rule, line.source), {})
            of[line.customer] = of.get(line.customer, 0) + line.points
    for source, of in list(found.items()):
        found[source] = {customer: points for customer, points in of.items() if points}
        if not found[source]:
            del found[source]
    return found


def approved(present: Iterable[Line], customer: str, now: int) -> int:
    """What `customer` may spend."""
    return sum(line.points for line in present if line.customer == customer and line.available_at <= now)


def over_a_cap(present: Iterable[Line], caps: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Where a rule ever gave more than its caps allow; what is written at one moment stands together."""
    given: dict[tuple[str, str, str], int] = {}
    found = []
    for _, together in groupby(present, key=lambda line: line.at):
        for line in together:
            for scope, key in (("total", ""), ("day", line.day), ("customer", line.customer)):
                given[line.rule, scope, key] = given.get((line.rule, scope, key), 0) + line.points
        for (rule, scope, key), points in given.items():
            most = caps.get(rule, {}).get(scope)
            if most is not None and points > most:
                found.append(f"{rule} gave {points} to {scope} {key}, above {most}")
    return found


def was_full(present: Iterable[Line], caps: Mapping[str, int], source: Source, due: Owed, time_zone: str) -> bool:
    """Whether the caps of a rule ever left less than what is owed for `source`.

    Its day is the one on which it is known now to have been earned, and any other under which it was written: what is
    heard of late can show that it was earned a day before, when the cap of the day after has long cut it."""
    present = list(present)
    if any(due.points > most for most in caps.values()):
        return True
    moment = datetime.fromtimestamp(due.at / 1000, ZoneInfo(time_zone))
    days = {line.day for line in present if (line.rule, line.source) == source} | {moment.date().isoformat()}
    theirs = {("total", ""), ("customer", due.customer), *(("day", day) for day in days)}
    given = dict.fromkeys(theirs, 0)
    for line in present:
        if line.rule == source[0] and line.source != source[1]:
            for scope, key in theirs & {("total", ""), ("day", line.day), ("customer", line.customer)}:
                given[scope, key] += line.points
                if scope in caps and given[scope, key] + due.points > caps[scope]:
                    return True
    return False


def coupons(run: Run, shop: str) -> list[tuple[str, str, str, str, str]]:
    """Rule, source, customer, code and state of every coupon that rules gave."""
    rows = run(f"SELECT rule, source, customer, code, state FROM coupons WHERE shop = '{shop}'")
    return [tuple(row) for row in rows if row[0] not in OF_NO_RULE]


def doubled(run: Run, shop: str) -> list[str]:
    """What stands twice although it may only stand once."""
    found = []
    for what, table, columns in (
        ("line of the ledger", "ledger", "rule, source, n"),
        ("coupon", "coupons", "rule, source"),
        ("code", "coupons", "code"),
        ("message", "outbox", "key"),
    ):
        twice = run(f"SELECT {columns} FROM {table} WHERE shop = '{shop}' GROUP BY {columns} HAVING count(*) > 1")
        found += [f"{what}: {json.dumps(list(row))}" for row in twice]
    return found
