"""The present state of an order: last writer wins, part by part, whatever order its events arrive in. Pure."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .answer import Line, Register, Stamp

_HEADER = ("status", "customer", "placed_at", "completed_at", "currency", "total", "refunded")


@dataclass(frozen=True, slots=True)
class Order:
    """`registers` holds the header, `lines` every line ever named; `whole` is when all lines were last listed."""

    shop: str
    ref: str
    registers: Mapping[str, Register] = field(default_factory=dict)
    lines: Mapping[str, Register] = field(default_factory=dict)
    whole: Stamp | None = None

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


def pseudonym(key: str, customer: str) -> str:
    """The same for the same customer of a shop, and of no use to anybody without the shop's `customer_key`."""
    return hmac.digest(key.encode(), customer.strip().lower().encode(), "sha256").hex()[:32]


def merged(state: Order | None, shop: str, event: Mapping[str, Any]) -> Order:
    """`state` with what one `order.*` event says."""
    order = event["order"]
    stamp = Stamp(event.get("revision", event["at"]), event["id"])
    state = state or Order(shop, order["ref"])
    registers = dict(state.registers)
    for name in _HEADER:
        if order.get(name) is not None:
            _write(registers, name, stamp, order[name])
    lines, whole = dict(state.lines), state.whole
    for line in order.get("lines") or ():
        _write(lines, line["line"], stamp, {k: v for k, v in line.items() if k != "line"})
    if order.get("lines") is not None and not order.get("partial"):
        whole = stamp if whole is None else max(whole, stamp)
    return Order(shop, order["ref"], registers, lines, whole)


def _write(registers: dict[str, Register], name: str, stamp: Stamp, value: Any) -> None:
    present = registers.get(name)
    if present is None or stamp > present.stamp:
        registers[name] = Register(stamp, value)
