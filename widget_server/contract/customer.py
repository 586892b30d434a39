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
# Fields of which it is known when each of their values was first heard.
_FIRST_HEARD = ("email", "birthday")
# Nobody honest has as many birthdays or addresses.
_MAX_FIRSTS = 20
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
    """`firsts` is {field: {value: when it was first heard, in ms}}, `past` every word on segments, oldest first."""

    registers: Mapping[str, Register] = field(default_factory=dict)
    firsts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
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
        return self.firsts["birthday"].get(register.value, register.stamp.at)


def stamp_of(event: Mapping[str, Any]) -> Stamp:
    """When a `customer.*` event was true: the platform's time of it, else its own."""
    told = event["customer"].get("updated_at")
    updated = None if told is None else parse_time(told)
    return Stamp(event.get("revision", event["at"]) if updated is None else updated, event["id"])


def merged(state: Profile, event: Mapping[str, Any]) -> Profile:
    """`state` with what one `customer.updated` says; what it does not name stays."""
    customer, stamp = event["customer"], stamp_of(event)
    registers, firsts = dict(state.registers), {name: dict(heard) for name, heard in state.firsts.items()}
    for name in _FIELDS:
        value = customer.get(name)
        if value is None:
            continue
        present = registers.get(name)
        if present is None or stamp > present.stamp:
            registers[name] = Register(stamp, value)
        if name in _FIRST_HEARD:
            heard = firsts.setdefault(name, {})
            heard[value] = min(stamp.at, heard.get(value, stamp.at))
            # The earliest are kept, so that the cut does not depend on the order of arrival.
            firsts[name] = dict(sorted(heard.items(), key=lambda one: (one[1], one[0]))[:_MAX_FIRSTS])
    past = state.past
    if customer.get("segments") is not None:
        past = tuple(sorted({said.stamp: said for said in (*past, Register(stamp, customer["segments"]))}.values()))
    return Profile(registers, firsts, past[-_MAX_PAST:])


def without(state: Profile, until: int) -> Profile:
    """What is left of `state` when all that was said up to `until` is erased."""
    registers = {name: register for name, register in state.registers.items() if register.stamp.at > until}
    firsts = {
        name: kept
        for name, heard in state.firsts.items()
        if (kept := {value: at for value, at in heard.items() if at > until})
    }
    return Profile(registers, firsts, tuple(said for said in state.past if said.stamp.at > until))
