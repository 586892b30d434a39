"""The present state of what one shopper said to one question, and what it counts for. Pure.

An answer is made of parts (shown, first tap, later text, edits, an owner's quarantine), each an event. The state is a
set of registers, each holding the last writer's value in the order of (`at`, event id), so that parts may arrive in
any order, any number of times, and end alike. What an answer counts for depends on its state and its order's lines
only; a batch subtracts what the old state gave and adds what the new one gives.

**Quarantine.** The intake marks events that may not come from a shopper (`SUSPICIONS`). An answer is quarantined while
the part that wrote its present value, or its present text, bears such a mark: a slower second tap clears a `fast` first
one, and whoever edits an answer under suspicion puts the whole answer under it. A question that was only shown is
quarantined when any of its parts is suspect. What the owner decides stands above all marks, those of parts that come
later included, until the owner decides otherwise: a release is a decision on the answer and not on one of its parts.
A quarantined answer is kept, counts nowhere, and counts from the moment it is released.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from .events import OTHER, SKIPPED
from .queries import query_key
from .questions import Bucket
from .times import local_day

# Why an answer may not come from a shopper (intake/checks.py puts these among an event's `marks`): a field that people
# don't see was filled, nobody is that quick, a robot by its own word, too many from one network.
SUSPICIONS = ("trap", "fast", "bot", "burst")

# An order page that is loaded again shows the question again under a new answer id; nobody honest comes near this.
MAX_SEEN = 100

# The dimensions along which it is counted how far questions reach: who was asked, who closed them, what was skipped.
REACH = ("total", "placement")


class Stamp(NamedTuple):
    """Who wrote last: time, then event id."""

    at: int
    event: str


class Register(NamedTuple):
    """A value and its last writer."""

    stamp: Stamp
    value: Any


def dump_registers(registers: Mapping[str, Register]) -> dict[str, Any]:
    """Registers as plain lists, for JSON."""
    return {name: [*register.stamp, register.value] for name, register in registers.items()}


def load_registers(raw: Mapping[str, Any]) -> dict[str, Register]:
    """The registers that `dump_registers` gave."""
    return {name: Register(Stamp(at, event), value) for name, (at, event, value) in raw.items()}


class Line(NamedTuple):
    """One line of an order."""

    line: str
    product: str


class Count(NamedTuple):
    """One row of the counters that an answer stands in."""

    counter: str
    dimension: str
    key: str
    bucket: str
    day: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`registers` holds value, bucket, chosen, text, language, placement, product, query, order, dismissed,
    quarantined, removed ...

    `seen` are the answer ids under which the question was shown or answered. `first_at` is the earliest part, or for
    an imported row the time that its newest version names. `incentivised`: points or a coupon were held out for it.
    """

    shop: str
    question: str
    key: str
    first_at: int
    seen: tuple[str, ...] = ()
    registers: Mapping[str, Register] = field(default_factory=dict)
    incentivised: bool = False

    def get(self, name: str) -> Any:
        """The value of a register, None when nothing was written."""
        register = self.registers.get(name)
        return None if register is None else register.value

    @property
    def verified(self) -> bool:
        """Whether an order token or an import vouches for it."""
        return not self.key.startswith("browser:")

    @property
    def answered(self) -> bool:
        """Whether there is a value or a text; else the question was only shown."""
        return self.get("value") is not None or self.get("text") is not None

    @property
    def order(self) -> str | None:
        """The reference of the order it belongs to."""
        order = self.get("order")
        return None if order is None else order["ref"]

    @property
    def quarantined(self) -> str | None:
        """Why it does not count: the owner's reason, or its marks like "fast, bot". None when nothing is held against it."""
        decided = self.registers.get("quarantined")
        if decided is not None:
            return None if decided.value is None else str(decided.value)
        found: Iterable[str] = self.get("marks") or ()
        if self.answered:
            found = (*self._marks_of("value"), *self._marks_of("text"))
        return ", ".join(mark for mark in SUSPICIONS if mark in found) or None

    @property
    def counted(self) -> bool:
        """Whether it may stand in the counters and lists."""
        return self.get("removed") is None and self.quarantined is None

    def _marks_of(self, name: str) -> Iterable[str]:
        """The suspicions against the part that wrote the present value of a register."""
        marks, written = self.registers.get(f"{name}_marks"), self.registers.get(name)
        if marks is None or written is None or marks.stamp != written.stamp:
            return ()
        found: list[str] = marks.value
        return found

    @property
    def customer(self) -> str | None:
        """The pseudonym of who placed that order, where its token told."""
        order = self.get("order")
        return None if order is None else order.get("customer")

    @property
    def updated_at(self) -> int:
        """The time of its newest part."""
        return max((register.stamp.at for register in self.registers.values()), default=self.first_at)


def answer_key(event: Mapping[str, Any]) -> str:
    """What the answer that `event` is a part of is unique under, within its shop and question."""
    if event["type"] in ("answer.quarantined", "answer.released", "answer.removed"):
        return str(event["key"])
    if "row" in event:
        return f"import:{event['row']}"
    order = event.get("order")
    if order is not None:
        return order_key(order["ref"], order.get("line"))
    return f"browser:{event.get('answer') or event['id']}"


def order_key(ref: str, line: str | None = None) -> str:
    """The key of the one answer that an order, or one line of it, gives to a question."""
    # A colon inside a reference must not look like the one before a line.
    ref = ref.replace("%", "%25").replace(":", "%3A")
    return f"order:{ref}" if line is None else f"order:{ref}:{line}"


def merged(state: Answer | None, shop: str, event: Mapping[str, Any], bucket: Bucket) -> Answer:
    """`state` with one more part. `bucket` is what the question type makes of the event's value."""
    imported = "row" in event
    stamp = Stamp(event["revision"] if imported else event["at"], event["id"])
    if state is None:
        state = Answer(shop, event["question"], answer_key(event), event["at"])
    registers = dict(state.registers)
    for name, value in _written(event, bucket).items():
        present = registers.get(name)
        if present is None or stamp > present.stamp:
            registers[name] = Register(stamp, value)
    return replace(
        state,
        first_at=_first_at(state, registers, event, imported),
        seen=_seen(state.seen, event),
        registers=registers,
    )


def _first_at(
    state: Answer, registers: Mapping[str, Register], event: Mapping[str, Any], imported: bool
) -> int:
    if imported:
        return int(registers["answered_at"].value)
    at: int = event["at"]
    if event["type"].startswith("answer.") and event["type"] != "answer.given":
        # Until somebody was asked, the owner's words are all there is.
        return state.first_at if state.seen else min(state.first_at, at)
    return min(state.first_at, at) if state.seen else at


def _seen(seen: tuple[str, ...], event: Mapping[str, Any]) -> tuple[str, ...]:
    if event["type"] not in ("question.shown", "question.dismissed", "answer.given"):
        return seen
    # A row of a file is one answer however often it is corrected.
    one = event["row"] if "row" in event else event.get("answer") or event["id"]
    if one in seen:
        return seen
    # The smallest ids are kept, so that the cut does not depend on the order of arrival.
    return tuple(sorted((*seen, one)))[:MAX_SEEN]


def _written(event: Mapping[str, Any], bucket: Bucket) -> dict[str, Any]:
    kind = event["type"]
    if kind == "answer.quarantined":
        return {"quarantined": event["reason"]}
    if kind == "answer.released":
        return {"quarantined": None}
    if kind == "answer.removed":
        return {"removed": event["reason"]}
    found = _context(event)
    marks = suspicions(event)
    if marks and kind != "answer.given":
        found["marks"] = marks
    if kind == "question.dismissed":
        found["dismissed"] = event.get("reason") or "closed"
    if kind == "answer.given":
        if "row" in event:
            # A corrected row replaces the whole row, also what it no longer says.
            whole = dict.fromkeys(("text", "product", "language", "order"))
            found = {**whole, **found, "answered_at": event["at"]}
        if event.get("value") is not None:
            found["value"] = event["value"]
            if marks:
                found["value_marks"] = marks
            found["bucket"] = "" if isinstance(bucket, tuple) else bucket
            if isinstance(bucket, tuple):
                found["chosen"] = list(bucket)
        if event.get("text") is not None:
            found["text"] = event["text"]
            if marks:
                found["text_marks"] = marks
    return found


def suspicions(event: Mapping[str, Any]) -> list[str]:
    """The marks of `event` that speak against a shopper."""
    marks = event.get("marks")
    return [mark for mark in marks if mark in SUSPICIONS] if marks else []


def _context(event: Mapping[str, Any]) -> dict[str, Any]:
    page = event.get("page") or {}
    search = event.get("search") or {}
    found = {
        "version": event.get("question_version"),
        "placement": event.get("placement"),
        "product": event.get("product"),
        "order": event.get("order"),
        "url": page.get("url"),
        "language": _primary(page.get("lang")),
        "query": search.get("query"),
        "search": search.get("id"),
        "results": search.get("results"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _primary(language: str | None) -> str | None:
    return None if language is None else language.replace("_", "-").split("-")[0].lower()


def products(answer: Answer, lines: Iterable[Line]) -> set[str]:
    """The products an answer is about: its own, else those of its order line, else of its whole order.

    While the order itself is unknown the token's SKUs stand in for it.
    """
    own = answer.get("product")
    if own is not None:
        return {own}
    order = answer.get("order")
    if order is None:
        return set()
    known = list(lines)
    if order.get("line") is not None:
        known = [line for line in known if line.line == order["line"]]
    return {line.product for line in known} or set(order.get("sku") or ())


def counts(answer: Answer, lines: Iterable[Line], time_zone: str) -> dict[Count, int]:
    """The counter rows of an answer and how much it adds to each; empty while it is quarantined or removed.

    `answers` counts an answer once, whatever it says; of one that chose several options each is counted in `chosen`.
    `dismissed` counts who closed the question and never answered it.
    """
    if not answer.seen or not answer.counted:
        return {}
    day = local_day(answer.first_at, time_zone)
    bucket = _bucket(answer)
    found: dict[Count, int] = {}
    for dimension, key in _dimensions(answer, lines):
        found[Count("shown", dimension, key, "", day)] = len(answer.seen)
        if bucket is not None:
            found[Count("answers", dimension, key, bucket, day)] = 1
        for option in chosen_options(answer):
            found[Count("chosen", dimension, key, option, day)] = 1
        if dimension in REACH and answer.get("dismissed") is not None and not answer.answered:
            found[Count("dismissed", dimension, key, "", day)] = 1
    return found


def skipped(event: Mapping[str, Any], time_zone: str) -> list[Count]:
    """The rows of `question.skipped`, by reason. Reasons that we don't know share one row, so that nobody can fill the
    table; a robot is nobody who could have been asked."""
    if event["type"] != "question.skipped" or suspicions(event):
        return []
    reason = event["reason"] if event["reason"] in SKIPPED else OTHER
    day = local_day(event["at"], time_zone)
    placement = event.get("placement")
    found = [Count("skipped", "total", "", reason, day)]
    if placement is not None:
        found.append(Count("skipped", "placement", placement, reason, day))
    return found


def _bucket(answer: Answer) -> str | None:
    """The bucket it counts in, "" for a text without a value, None when there is nothing to count."""
    if answer.get("value") is not None:
        bucket = answer.get("bucket")
        return None if bucket is None else str(bucket)
    return "" if answer.answered else None


def chosen_options(answer: Answer) -> list[str]:
    """The options of an answer that may choose several; a newer answer of another kind leaves none of them."""
    return (answer.get("chosen") or []) if isinstance(answer.get("value"), list) else []


def _dimensions(answer: Answer, lines: Iterable[Line]) -> list[tuple[str, str]]:
    found = [("total", "")]
    for name in ("language", "placement"):
        value = answer.get(name)
        if value is not None:
            found.append((name, value))
    query = answer.get("query")
    if query is not None:
        found.append(("query", query_key(query)))
    found.extend(("product", product) for product in sorted(products(answer, lines)))
    return found
