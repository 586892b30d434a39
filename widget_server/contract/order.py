"""The present state of an order: last writer wins, part by part, whatever order its events arrive in. Pure.

**Who wrote last.** Platforms tell times in whole seconds, so that two states of one second are common. A stamp is the
time that the platform names (`updated_at`; a file's revision; else the event's own time), then whether and when the state
was read through the platform's API (what a webhook carries may be older than its delivery, a read is what stands), then
how far the status is (an order goes forward), then how much was paid back, then the event's id, which platforms' events
derive from their content. So any two events of an order are in one order for ever, and their arrival does not matter.

A read tells the whole header: what it leaves out the order does not have. Every other event leaves alone what it does
not name.
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from . import money
from .answer import Line
from .times import parse_time

State = Literal["open", "completed", "cancelled"]

_HEADER = (
    "status", "customer", "email", "placed_at", "completed_at", "currency", "total", "refunded", "language",
)  # fmt: skip
# A guest's order belongs to the e-mail it was placed with; an erased customer's to nobody who could be named.
GUEST = "e:"
ERASED = "erased:"
_HASH = re.compile(r"[0-9a-f]{32}", re.ASCII)

# How far each status is, by the words that platforms and exports use: ours are the first of each line.
_WORDS: tuple[tuple[State | None, tuple[str, ...]], ...] = (
    ("open", ("pending", "pending-payment", "awaiting-payment", "on-hold", "new", "created", "draft", "checkout-draft",
              "unpaid", "unconfirmed")),
    ("open", ("placed", "processing", "paid", "approved", "invoiced", "confirmed", "accepted", "authorized")),
    ("open", ("shipped", "sent", "in-transit", "dispatched", "partially-shipped", "partially-fulfilled")),
    ("completed", ("completed", "complete", "delivered", "fulfilled", "finished", "done", "closed")),
    # Says nothing of whether the order was completed.
    (None, ("partially-refunded",)),
    ("cancelled", ("cancelled", "canceled", "failed", "voided", "expired", "declined", "unavailable", "trash",
                   "deleted")),
    ("cancelled", ("refunded", "returned", "charged-back")),
)  # fmt: skip
_STATES = {word: state for state, words in _WORDS for word in words}
_RANKS = {word: rank for rank, (_, words) in enumerate(_WORDS, 1) for word in words}
_UNKNOWN_RANK = _RANKS["placed"]
_WHOLLY_REFUNDED = _WORDS[-1][1]


class OrderStamp(NamedTuple):
    """Who wrote last, as the module says."""

    at: int
    read: int
    rank: int
    refunded: int
    event: str


class Written(NamedTuple):
    """A value and its last (in `firsts`: its first) writer."""

    stamp: OrderStamp
    value: Any


@dataclass(frozen=True, slots=True)
class Order:
    """`registers` holds the header, `lines` every line ever named; `whole` is when all lines were last listed.

    `firsts` holds the times of the earliest event (`seen`) and of the earliest that said the order was completed.
    """

    shop: str
    ref: str
    registers: Mapping[str, Written] = field(default_factory=dict)
    lines: Mapping[str, Written] = field(default_factory=dict)
    whole: OrderStamp | None = None
    firsts: Mapping[str, Written] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """The value of a header field, None when nobody named it."""
        register = self.registers.get(name)
        return None if register is None else register.value

    def present_lines(self) -> tuple[Line, ...]:
        """The lines it has now: those that the last full list named, and those named one by one since."""
        return tuple(
            Line(name, register.value["product"])
            for name, register in sorted(self.lines.items())
            if self.whole is None or register.stamp >= self.whole
        )


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What rules may know of an order. Money is in the smallest unit of `currency`, times are in ms.

    `customer` is the platform's own id of the customer, for guests `e:` and the keyed hash of their e-mail, for erased
    ones `erased:` and a hash; None when nobody said. `cancelled` is also what failed and what was refunded whole.
    """

    ref: str
    customer: str | None
    state: State
    currency: str | None
    total: int
    refunded: int
    placed_at: int | None
    completed_at: int | None
    products: tuple[str, ...]
    language: str | None


def pseudonym(key: str, customer: str) -> str:
    """The same for the same customer of a shop, and of no use to anybody without the shop's `customer_key`."""
    return hmac.digest(key.encode(), customer.strip().lower().encode(), "sha256").hex()[:32]


def tombstone(key: str, customer: str) -> str:
    """What an erased customer goes by from then on; one who already goes by it stays so."""
    return customer if customer.startswith(ERASED) else ERASED + pseudonym(key, f"{ERASED}{customer}")


def pseudonymous(event: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """`event` without e-mail addresses: hashes under the shop's `customer_key` stand in their places.

    What already is such a hash stays, so that it does no harm to do this twice.
    """
    changed = {
        name: made
        for name, names in (("order", "customer"), ("customer", "ref"))
        if isinstance(given := event.get(name), Mapping) and (made := _without_address(given, names, key)) != given
    }
    return {**event, **changed} if changed else event


def _without_address(about: Mapping[str, Any], names: str, key: str) -> Mapping[str, Any]:
    """`names`: the field that names the customer; some platforms know theirs by nothing but the address."""
    found = dict(about)
    email, named = found.get("email"), found.get(names)
    if isinstance(email, str) and not _HASH.fullmatch(email):
        found["email"] = pseudonym(key, email) if "@" in email else None
    if isinstance(named, str) and "@" in named:
        found[names] = GUEST + pseudonym(key, named)
    return found


def merged(state: Order | None, shop: str, event: Mapping[str, Any]) -> Order:
    """`state` with what one `order.*` event says."""
    order = event["order"]
    said = _said(event)
    stamp = stamp_of(event)
    state = state or Order(shop, order["ref"])
    registers = dict(state.registers)
    for name in _HEADER:
        if said.get(name) is not None or order.get("read"):
            _write(registers, name, stamp, said.get(name))
    lines, whole = dict(state.lines), state.whole
    for line in order.get("lines") or ():
        _write(lines, line["line"], stamp, {k: v for k, v in line.items() if k != "line"})
    if order.get("lines") is not None and not order.get("partial"):
        whole = stamp if whole is None else max(whole, stamp)
    firsts = dict(state.firsts)
    _write_first(firsts, "seen", stamp, event["at"])
    if state_of(said.get("status")) == "completed":
        _write_first(firsts, "completed", stamp, _completed(event))
    return Order(shop, order["ref"], registers, lines, whole, firsts)


def stamp_of(event: Mapping[str, Any]) -> OrderStamp:
    """The stamp of an `order.*` event."""
    order = event["order"]
    updated = _time(order.get("updated_at"))
    return OrderStamp(
        at=event.get("revision", event["at"]) if updated is None else updated,
        read=event["at"] if order.get("read") else 0,
        rank=_rank(_said(event).get("status")),
        refunded=_minor(order.get("refunded"), order.get("currency")),
        event=event["id"],
    )


def state_of(status: str | None) -> State | None:
    """What a status of any platform means for us; None when it does not tell."""
    return None if status is None else _STATES.get(status)


def facts(order: Order) -> OrderFacts:
    """What `order` is now."""
    currency = order.get("currency")
    total = max(0, _minor(order.get("total"), currency))
    refunded = min(max(0, _minor(order.get("refunded"), currency)), total)
    status = order.get("status")
    if status in _WHOLLY_REFUNDED:
        refunded = total
    completed_at = _time(order.get("completed_at"))
    state = state_of(status) or ("open" if completed_at is None else "completed")
    if 0 < total == refunded:
        state = "cancelled"
    return OrderFacts(
        ref=order.ref, customer=customer_of(order), state=state, currency=currency, total=total, refunded=refunded,
        placed_at=_first(_time(order.get("placed_at")), order.firsts.get("seen")),
        completed_at=_first(completed_at, order.firsts.get("completed")),
        products=tuple(sorted({line.product for line in order.present_lines()})), language=order.get("language"),
    )  # fmt: skip


def customer_of(order: Order) -> str | None:
    """Whose it is, as `OrderFacts` names customers."""
    customer: str | None = order.get("customer")
    if customer is not None:
        return customer
    email: str | None = order.get("email")
    if email is None or email.startswith(ERASED):
        return email
    return GUEST + email


def disowned(order: Order, key: str) -> Order:
    """`order` without its customer, who was erased: under the tombstone made with the shop's `customer_key`."""
    changed = dict(order.registers)
    for name, before in (("customer", ""), ("email", GUEST)):
        written = changed.get(name)
        if written is not None and written.value is not None and not written.value.startswith(ERASED):
            # Under the same stamp, so that a later word about the order still is later.
            changed[name] = Written(written.stamp, tombstone(key, before + written.value))
    return replace(order, registers=changed)


def _said(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The header of an event. Where it names no status, its type may."""
    order: Mapping[str, Any] = event["order"]
    if order.get("status") is not None:
        return order
    if event["type"] == "order.completed":
        return {**order, "status": "completed"}
    if event["type"] == "order.refunded" and order.get("refunded") is None:
        return {**order, "status": "refunded"}
    return order


def _completed(event: Mapping[str, Any]) -> int:
    """When an event that says no time of its own saw the order completed."""
    at: int = event["at"]
    # A file is read long after what it tells of.
    told = _time(event["order"].get("placed_at")) if "revision" in event else None
    return at if told is None else told


def _rank(status: str | None) -> int:
    return 0 if status is None else _RANKS.get(status, _UNKNOWN_RANK)


def _write(registers: dict[str, Written], name: str, stamp: OrderStamp, value: Any) -> None:
    present = registers.get(name)
    if present is None or stamp > present.stamp:
        registers[name] = Written(stamp, value)


def _write_first(firsts: dict[str, Written], name: str, stamp: OrderStamp, value: int) -> None:
    present = firsts.get(name)
    if present is None or stamp < present.stamp:
        firsts[name] = Written(stamp, value)


def _minor(amount: str | None, currency: str | None) -> int:
    return 0 if amount is None else money.minor(amount, currency)


def _time(text: str | None) -> int | None:
    return None if text is None else parse_time(text)


def _first(told: int | None, written: Written | None) -> int | None:
    if told is not None or written is None:
        return told
    found: int = written.value
    return found


def dump_registers(registers: Mapping[str, Written]) -> dict[str, Any]:
    """Registers as plain lists, for JSON."""
    return {name: [*written.stamp, written.value] for name, written in registers.items()}


def load_registers(raw: Mapping[str, Sequence[Any]]) -> dict[str, Written]:
    """The registers that `dump_registers` gave."""
    return {name: Written(OrderStamp(*stamp), value) for name, (*stamp, value) in raw.items()}
