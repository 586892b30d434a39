"""Points: what rules owe for facts, the lines that settle it, and what is left of what was earned. Pure.

The ledger is settled, not incremented. For every fact and rule there is a target, and `settle` makes the lines that are
missing between what stands and what is owed. Whatever is repeated, reordered or doubled on the way there, the sum of the
lines is the target. A line is never changed: what is owed less is a line of its own.

All points are whole numbers, and no single amount is above `MOST`, so any sum stays below 2**53, which is what JSON holds.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .order import ERASED
from .times import DAY

MOST = 1_000_000_000

KINDS = ("earn", "correction", "refund", "redeem", "return", "expiry")
Kind = Literal["earn", "correction", "refund", "redeem", "return", "expiry"]

# Why less is owed than before. A refund is told as such; the rest are corrections.
BECAUSE = ("", "refunded", "cancelled", "removed", "quarantined", "moved", "erased")

# In place of a rule: lines that no rule has caused.
REDEEM, EXPIRY, ADJUST = "redeem", "expiry", "adjust"


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that one rule gives: to one customer, for the facts of one day (the shop's), and altogether."""

    customer: int | None = None
    day: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What the rule `rule` owes for the fact `source`, which happened `at`: `points` to `customer`, and nothing to others.

    `why` is the rule's name, for people. `because` is one of `BECAUSE`: why it is less than it might be.
    """

    rule: str
    version: int
    source: str
    customer: str
    points: int
    available_at: int
    at: int
    caps: Caps | None = None
    why: str = ""
    because: str = ""

    def __post_init__(self) -> None:
        if type(self.points) is not int or not 0 <= self.points <= MOST:
            raise ValueError(f"points are whole numbers from 0 to {MOST}, not {self.points!r}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger. `n` counts the lines of one rule and source; `day` is that of the fact, for the caps.

    It is pending until `available_at`. What it gives is over at `expires_at`.
    """

    customer: str
    rule: str
    rule_version: int
    source: str
    n: int
    kind: Kind
    points: int
    at: int
    available_at: int
    expires_at: int | None = None
    day: str = ""
    why: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """What a customer may spend (below zero: owes), and what waits for its return window to end."""

    approved: int = 0
    pending: int = 0


@dataclass(frozen=True, slots=True)
class Lot:
    """What is `left` of the line `id`."""

    id: str
    left: int
    available_at: int
    expires_at: int | None


class Room:
    """What rules have given so far, and thus how much their caps leave."""

    def __init__(self) -> None:
        self.given: Counter[tuple[str, str, str]] = Counter()

    def add(self, entry: Entry) -> None:
        for scope, key in (("total", ""), ("day", entry.day), ("customer", entry.customer)):
            self.given[entry.rule, scope, key] += entry.points

    def left(self, due: Due, day: str) -> int:
        caps = due.caps or Caps()
        limits = (("total", "", caps.total), ("day", day, caps.day), ("customer", due.customer, caps.customer))
        found = [most - self.given[due.rule, scope, key] for scope, key, most in limits if most is not None]
        return max(0, min(found, default=MOST))


Lines = Mapping[tuple[str, str], Sequence[Entry]]


def settle(
    dues: Iterable[tuple[Due, str]], present: Lines, room: Room, now: int, expire_days: int | None
) -> list[Entry]:
    """The lines that are missing, given the `present` ones by rule and source. Each due comes with its fact's day.

    What is owed less goes first, so that what it frees under a cap can be given in the same batch; then the oldest fact.
    """
    ordered = sorted(dues, key=lambda pair: (pair[0].at, pair[0].rule, pair[0].source))
    made: dict[tuple[str, str], list[Entry]] = {}
    for due, _ in ordered:
        lines = present.get((due.rule, due.source), ())
        made[due.rule, due.source] = less = _less(due, lines, now)
        for entry in less:
            room.add(entry)
    for due, day in ordered:
        name = due.rule, due.source
        for entry in _more(due, day, [*present.get(name, ()), *made[name]], room, now, expire_days):
            made[name].append(entry)
            room.add(entry)
    return [entry for entries in made.values() for entry in entries]


def reversed_by(lines: Iterable[Entry], points: int, now: int) -> list[tuple[int, int]]:
    """How to take `points` away from what `lines` gave: (points, available_at), the latest first.

    What is still pending is taken from before what was approved, and stays pending beside what it takes away.
    """
    pending: Counter[int] = Counter()
    for line in lines:
        pending[max(line.available_at, now)] += line.points
    found, left = [], points
    for moment in sorted((moment for moment in pending if moment > now), reverse=True):
        part = min(left, pending[moment])
        if part > 0:
            found.append((part, moment))
            left -= part
    return found if left <= 0 else [*found, (left, now)]


def lots(lines: Iterable[Entry]) -> list[Lot]:
    """What is left of everything that one customer was given, what is over first at the front.

    What is taken back is taken from what its own rule and source gave, the latest first; what expired, from what it names;
    what was spent, from what is over first.
    """
    given, expired, spent = _given(lines)
    return _spend([replace(lot, left=lot.left - expired[lot.id]) for lot in given], spent)[0]


def overdue(lines: Iterable[Entry], now: int) -> list[Lot]:
    """The lots of one customer of which something is left although they are over."""
    return [lot for lot in lots(lines) if lot.left > 0 and lot.expires_at is not None and lot.expires_at <= now]


def expired_too_much(lines: Iterable[Entry], reduced: Collection[str]) -> dict[str, int]:
    """By line among `reduced`, of which something was taken back: what expired of it and is taken a second time now.

    Of what a line gave, first that is missing which was taken back, then what was spent; only the rest could expire.
    """
    given, expired, spent = _given(lines)
    found = {lot.id: expired[lot.id] - lot.left for lot in given if lot.id in reduced and expired[lot.id] > lot.left}
    left = [replace(lot, left=max(0, lot.left - expired[lot.id])) for lot in given]
    owed = _spend(left, spent)[1]
    for lot in given:
        if lot.id in reduced and owed > 0:
            part = min(owed, expired[lot.id] - found.get(lot.id, 0))
            owed -= part
            if part > 0:
                found[lot.id] = found.get(lot.id, 0) + part
    return found


def balance(lines: Iterable[Entry], now: int) -> Balance:
    """What was taken away at once counts whatever `now` is: clocks differ, and whoever waited for the lock of the shop
    looked at the clock before whoever held it wrote."""
    approved = pending = 0
    for line in lines:
        if line.available_at <= now or (line.points < 0 and line.available_at <= line.at):
            approved += line.points
        else:
            pending += line.points
    return Balance(approved, pending)


def unnamed(source: str, customer: str, name: str) -> str:
    """`source` with `name` in the place of a customer that it names."""
    kind, _, rest = source.partition(":")
    if kind == "birthday":
        year, _, who = rest.partition(":")
        return f"birthday:{year}:{name}" if who == customer else source
    if kind == "silent" and rest.startswith(f"{customer}:"):
        return f"silent:{name}:{rest.removeprefix(customer + ':')}"
    return source


def _less(due: Due, lines: Sequence[Entry], now: int) -> list[Entry]:
    """Take back what is owed to somebody else, or no longer."""
    held: Counter[str] = Counter()
    for line in lines:
        held[line.customer] += line.points
    made: list[Entry] = []
    for customer in sorted(held):
        own = customer == due.customer
        surplus = held[customer] - (due.points if own else 0)
        if surplus <= 0:
            continue
        because = due.because if own or not due.points else "moved"
        kind: Kind = "refund" if because in ("refunded", "cancelled") else "correction"
        for points, moment in reversed_by([line for line in lines if line.customer == customer], surplus, now):
            made.append(
                Entry(
                    customer, due.rule, due.version, due.source, len(lines) + len(made), kind, -points, now, moment,
                    day=lines[0].day, why=_why(due, because),
                )
            )  # fmt: skip
    return made


def _more(
    due: Due, day: str, lines: Sequence[Entry], room: Room, now: int, expire_days: int | None
) -> list[Entry]:
    """Give what is missing, as far as the caps leave room."""
    day = lines[0].day if lines else day
    missing = due.points - sum(line.points for line in lines if line.customer == due.customer)
    # A customer who was erased gets nothing new.
    points = min(missing, room.left(due, day)) if missing > 0 and not due.customer.startswith(ERASED) else 0
    if points <= 0:
        return []
    moved = any(line.customer != due.customer for line in lines)
    why = _why(due, "moved" if moved else "")
    expires = None if expire_days is None else max(due.available_at, now) + expire_days * DAY
    kind: Kind = "correction" if lines else "earn"
    if points < missing:
        why["capped"] = missing - points
    return [
        Entry(
            due.customer, due.rule, due.version, due.source, len(lines), kind, points, now, due.available_at, expires,
            day, why,
        )
    ]  # fmt: skip


def _why(due: Due, because: str) -> dict[str, Any]:
    return {"name": due.why, **({"because": because} if because else {})}


def _given(lines: Iterable[Entry]) -> tuple[list[Lot], Counter[str], int]:
    """What each line gave and was not taken back, what is over first at the front; what expired of it; what was spent,
    or taken back beyond what was given."""
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    expired: Counter[str] = Counter()
    spent = 0
    for line in lines:
        if line.rule == EXPIRY:
            expired[line.source.removeprefix("expiry:")] -= line.points
        elif line.kind == "redeem":
            spent -= line.points
        else:
            groups[line.rule, line.source].append(line)
    found: list[Lot] = []
    for group in groups.values():
        kept: list[Lot] = []
        for line in sorted(group, key=lambda line: line.n):
            if line.points > 0:
                kept.append(Lot(line.id, line.points, line.available_at, line.expires_at))
            else:
                kept, owed = _take_back(kept, -line.points)
                spent += owed
        found += kept
    return sorted(found, key=_over_first), expired, spent


def _take_back(kept: Sequence[Lot], points: int) -> tuple[list[Lot], int]:
    """Take `points` from the latest of `kept`; what is missing for that is told."""
    found = []
    ordered = sorted(kept, key=lambda lot: lot.available_at)
    for lot in ordered[::-1]:
        part = min(points, lot.left)
        points -= part
        found.append(replace(lot, left=lot.left - part))
    return found[::-1], points


def _over_first(lot: Lot) -> tuple[bool, int, int, str]:
    return lot.expires_at is None, lot.expires_at or 0, lot.available_at, lot.id


def _spend(ordered: Iterable[Lot], spent: int) -> tuple[list[Lot], int]:
    found = []
    for lot in ordered:
        part = min(max(lot.left, 0), spent)
        spent -= part
        found.append(replace(lot, left=lot.left - part))
    return found, spent
