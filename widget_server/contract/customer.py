"""The present state of a customer as their platform tells it: last writer wins, field by field. Pure.

Of an e-mail address only the keyed hash is known here (`order.pseudonym`). An erasure covers all that was said up to
its time, also what arrives after it; what the platform says of later times stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .answer import Register, Stamp
from .times import parse_time

_FIELDS = ("email", "birthday", "language", "segments")
# Fields of which it is known since when each of their values was heard.
_HEARD = ("email", "birthday")
# Nobody honest has as many birthdays or addresses.
_MAX_VALUES = 20
# Times of one value: more than the first, because an erasure takes the first ones away.
_MAX_TIMES = 16
# Changes of segments that are remembered.
_MAX_PAST = 50


@dataclass(frozen=True, slots=True)
class Customer:
    """What rules may know of a customer. Times are in ms; `birthday` is YYYY-MM-DD or MM-DD and `birthday_since` when
    this very birthday was first heard of. `last_order` is the newest order that was not cancelled. `segments` are those of
    now, `past` the times from which on others were said to hold, oldest first. `emails` are the hashes of all addresses
    that were ever told."""

    ref: str
    email: str | None = None
    birthday: str | None = None
    birthday_since: int | None = None
    language: str | None = None
    segments: tuple[str, ...] = ()
    last_order_at: int | None = None
    last_order: str | None = None
    erased: bool = False
    past: tuple[Register, ...] = ()
    emails: tuple[str, ...] = ()

    def segments_at(self, at: int) -> Sequence[str]:
        """The segments that held at a time (ms); before anything was said of them, those that were said first."""
        found: Sequence[str] = self.past[0].value if self.past else self.segments
        for said in self.past:
            if said.stamp.at <= at:
                found = said.value
        return found


@dataclass(frozen=True, slots=True)
class Profile:
    """`heard` is {field: {value: the first times (ms) at which it was said}}, `past` every word on segments, oldest first."""

    registers: Mapping[str, Register] = field(default_factory=dict)
    heard: Mapping[str, Mapping[str, Sequence[int]]] = field(default_factory=dict)
    past: tuple[Register, ...] = ()

    def get(self, name: str) -> Any:
        """The value of a field, None when nobody named it."""
        register = self.registers.get(name)
        return None if register is None else register.value

    @property
    def birthday_since(self) -> int | None:
        """When the present birthday was first heard of."""
        register = self.registers.get("birthday")
        if register is None or register.value is None:
            return None
        times = self.heard.get("birthday", {}).get(register.value)
        return times[0] if times else register.stamp.at


def stamp_of(event: Mapping[str, Any]) -> Stamp:
    """When a `customer.*` event was true: the platform's time of it, else its own."""
    told = event["customer"].get("updated_at")
    updated = None if told is None else parse_time(told)
    return Stamp(event.get("revision", event["at"]) if updated is None else updated, event["id"])


def merged(state: Profile, event: Mapping[str, Any]) -> Profile:
    """`state` with what one `customer.updated` says; what it does not name stays."""
    customer, stamp = event["customer"], stamp_of(event)
    registers, heard = dict(state.registers), dict(state.heard)
    for name in _FIELDS:
        value = customer.get(name)
        if value is None:
            continue
        present = registers.get(name)
        if present is None or stamp > present.stamp:
            registers[name] = Register(stamp, value)
        if name in _HEARD:
            heard[name] = _with_time(heard.get(name, {}), value, stamp.at)
    past = state.past
    if customer.get("segments") is not None:
        past = tuple(sorted({said.stamp: said for said in (*past, Register(stamp, customer["segments"]))}.values()))
    return Profile(registers, heard, past[-_MAX_PAST:])


def _with_time(heard: Mapping[str, Sequence[int]], value: str, at: int) -> dict[str, Sequence[int]]:
    # The earliest are kept, so that the cuts do not depend on the order of arrival.
    times = sorted({*heard.get(value, ()), at})[:_MAX_TIMES]
    return dict(sorted({**heard, value: times}.items(), key=lambda one: (one[1][0], one[0]))[:_MAX_VALUES])


def without(state: Profile, until: int) -> Profile:
    """What is left of `state` when all that was said up to `until` is erased."""
    registers = {name: register for name, register in state.registers.items() if register.stamp.at > until}
    heard = {
        name: {value: later for value, times in values.items() if (later := [at for at in times if at > until])}
        for name, values in state.heard.items()
    }
    return Profile(registers, heard, tuple(said for said in state.past if said.stamp.at > until))
