"""Recounting points and coupons: what the rules owe for all facts, against what the ledger and the coupons say.

A rule with caps may have given less than it owes, and so may any to customers who were erased; nobody may have more.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from integrations import IssueCoupon
from widget_server.contract.coupons import Coupon, CouponDue
from widget_server.contract.order import ERASED
from widget_server.contract.points import ADJUST, EXPIRY, REDEEM, Due, Entry
from widget_server.contract.shop import Shop
from widget_server.record import connections, coupons, ledger, outbox

from . import rules

Name = tuple[str, str]
"""Rule and source."""
Found = tuple[str, int, int]
"""A row in words, what is stored there, and what a recount says."""


@dataclass(slots=True)
class _Book:
    """The ledger of a shop, added up."""

    sums: dict[Name, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    given: Counter[Name] = field(default_factory=Counter)
    redeemed: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    expired: Counter[str] = field(default_factory=Counter)
    lines: dict[str, int] = field(default_factory=dict)
    gaps: list[tuple[Entry, int]] = field(default_factory=list)


def verify(conn: Connection, shop: Shop) -> Iterator[Found]:
    """Every difference, in one snapshot."""
    book = _added_up(ledger.of_shop(conn, shop.id))
    if not book.sums and not book.redeemed and not shop.rules and not coupons.newest(conn, shop.id, limit=1):
        return
    points: dict[Name, Due] = {}
    promised: dict[Name, CouponDue] = {}
    for due in rules.recount(conn, shop):
        if isinstance(due, Due):
            points[due.rule, due.source] = due
        else:
            promised[due.rule, due.source] = due
    there = coupons.newest(conn, shop.id)
    yield from _lines(book)
    yield from _owed(book, points)
    yield from _kept_beside(book, ledger.given(conn, shop.id))
    yield from _promised(there, promised)
    yield from _redemptions(book, {coupon.source: coupon for coupon in there if coupon.rule == REDEEM})
    yield from _messages(conn, shop.id, there)


def _added_up(lines: Iterable[Entry]) -> _Book:
    book = _Book()
    counts: Counter[Name] = Counter()
    for line in lines:
        name = line.rule, line.source
        if line.n != counts[name]:
            book.gaps.append((line, counts[name]))
        counts[name] += 1
        if line.points > 0:
            book.lines[line.id] = line.points
        if line.rule == REDEEM:
            book.redeemed[line.source].append(line)
        elif line.rule == EXPIRY:
            book.expired[line.source.removeprefix("expiry:")] -= line.points
        elif line.rule != ADJUST:
            book.sums[name][line.customer] += line.points
            book.given[line.rule, ""] += line.points
            book.given[line.rule, line.day] += line.points
    return book


def _lines(book: _Book) -> Iterator[Found]:
    for line, number in book.gaps:
        yield f"number of line {line.id} of {line.rule} for {line.source}", line.n, number
    for name, points in sorted(book.expired.items()):
        most = book.lines.get(name, 0)
        if not 0 <= points <= most:
            yield f"points of line {name} that expired", points, most


def _owed(book: _Book, owed: Mapping[Name, Due]) -> Iterator[Found]:
    for name in sorted(set(book.sums) | set(owed)):
        due = owed.get(name)
        sums = book.sums.get(name, Counter())
        for customer in sorted({*sums, *([due.customer] if due else [])}):
            stored = sums[customer]
            counted = due.points if due is not None and due.customer == customer else 0
            less = customer.startswith(ERASED) or (due is not None and due.caps is not None)
            if customer.startswith(ERASED) and due is None:
                # What named the customer beside an order is gone, and cannot be recounted.
                counted = max(stored, 0)
            if stored != counted and not (less and 0 <= stored < counted):
                yield f"points of {customer} by rule {name[0]} for {name[1]}", stored, counted


def _kept_beside(book: _Book, given: Mapping[Name, int]) -> Iterator[Found]:
    for rule, day in sorted(set(book.given) | set(given)):
        stored, counted = given.get((rule, day), 0), book.given[rule, day]
        if stored != counted:
            yield f"points that rule {rule} gave {day or 'altogether'}", stored, counted


def _promised(there: Iterable[Coupon], owed: Mapping[Name, CouponDue]) -> Iterator[Found]:
    stored = {(coupon.rule, coupon.source): coupon for coupon in there if coupon.rule != REDEEM}
    for name in sorted(set(stored) | set(owed)):
        coupon, due = stored.get(name), owed.get(name)
        # One that failed was made, and is not made again.
        valid = 1 if coupon is not None and coupon.state != "cancelled" else 0
        row = f"coupon by rule {name[0]} for {name[1]}"
        if due is None:
            gone = coupon is not None and (coupon.customer.startswith(ERASED) or coupon.state == "failed")
            if valid and not gone:
                yield row, 1, 0
        elif not valid and due.caps is None and not due.customer.startswith(ERASED):
            yield row, 0, 1
        elif coupon is not None and valid and coupon.customer != due.customer:
            yield f"{row}, of {coupon.customer} in place of {due.customer}", 1, 0


def _redemptions(book: _Book, there: Mapping[str, Coupon]) -> Iterator[Found]:
    for source in sorted(set(book.redeemed) | set(there)):
        lines, coupon = book.redeemed.get(source, []), there.get(source)
        total = sum(line.points for line in lines)
        if coupon is None:
            yield f"coupon of {source}", 0, 1
        elif not lines or lines[0].points >= 0:
            yield f"line of {source}", 0, 1
        elif coupon.state == "failed" and total:
            yield f"points of {source}, whose coupon failed", total, 0
        elif coupon.state != "failed" and total != lines[0].points:
            yield f"points of {source}, whose coupon did not fail", total, lines[0].points


def _messages(conn: Connection, shop: str, there: Iterable[Coupon]) -> Iterator[Found]:
    """What is about to be told is in the outbox; what came to an end, one way or another, is forgotten there after a
    month."""
    wanted = {coupon for coupon in there if coupon.state == "sending"}
    if connections.taking(conn, shop, IssueCoupon.__name__):
        wanted |= {coupon for coupon in there if coupon.state == "planned"}
    keys = {f"coupon:{coupon.id}:{coupon.round}": coupon for coupon in wanted}
    known = outbox.known(conn, shop, keys)
    for key in sorted(set(keys) - known):
        yield f"message of coupon {keys[key].id}, which is {keys[key].state}", 0, 1
