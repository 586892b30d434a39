"""Every event type and what it carries. Events are immutable facts; everything we count comes from one.

Browsers send the six of `BROWSER`; the public endpoint takes no other, or anybody could forge orders. Platforms and
imports send `order.*` and `customer.*` (and imports `answer.given`); owners `answer.*`; the clock `customer.birthday` and
`customer.silent`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .fields import (
    NOT_OBJECT,
    REQUIRED,
    Fields,
    Flag,
    Group,
    Kind,
    Many,
    Text,
    Time,
    Value,
    Whole,
    currency,
    language,
    money,
    one_of,
    slug,
    uuid,
)

MAX_TEXT = 2000
MAX_QUERY = 500
MAX_PRODUCT = 191
MAX_EVENTS = 50
MAX_TOOK = 86_400_000

# Why a browser did not ask a question that was due (`question.skipped`): the list COUNTED of js_snippet/src/reasons.ts.
# What else a browser says is counted under OTHER.
SKIPPED = frozenset(
    {
        "sampled", "cap", "wave", "cooldown", "cooldown_all", "checkout", "hidden", "typing", "dialog", "covered",
    }
)  # fmt: skip
OTHER = "other"

_PAGE = Fields("Page", {"url": Text(2048), "lang": language()})
_SEARCH: dict[str, Kind] = {
    "id": uuid(),
    "query": Text(MAX_QUERY),
    "results": Whole(0, 1_000_000_000),
    "position": Whole(1, 1_000_000),
}
_SEARCH_NAMED = Fields("Search", _SEARCH)
_SEARCH_PERFORMED = Fields("SearchPerformed", _SEARCH, frozenset({"query"}))
_SEARCH_CLICKED = Fields("SearchClicked", _SEARCH, frozenset({"query", "position"}))

_LINE = Fields(
    "OrderLine",
    {
        "line": Text(128),
        "product": Text(MAX_PRODUCT),
        "name": Text(500),
        "category": Text(191),
        "quantity": Whole(0, 1_000_000),
        "price": money(),
    },
    frozenset({"line", "product"}),
)


def _email() -> Text:
    """The keyed hash of an e-mail address (`order.pseudonym`), so that no address gets any further."""
    return Text(32, 32, re.compile("[0-9a-f]{32}", re.ASCII), "Give the keyed hash of an e-mail address, 32 characters.")


def _birthday() -> Text:
    day = re.compile(r"([12]\d{3}-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)
    return Text(10, 5, day, "Give a birthday as YYYY-MM-DD or MM-DD.")


ORDER = Fields(
    "Order",
    {
        "ref": Text(128),
        "status": slug(),
        "customer": Text(191),
        "email": _email(),
        "language": language(),
        "placed_at": Time(),
        "completed_at": Time(),
        "updated_at": Time(),
        "currency": currency(),
        "total": money(),
        # all that was paid back so far
        "refunded": money(),
        # true: this was read through the platform's API and is the whole header
        "read": Flag(),
        # true: `lines` names some of the order's lines; else it names all of them
        "partial": Flag(),
        "lines": Many(Group(_LINE), 500),
    },
    frozenset({"ref"}),
)
_CUSTOMER = Fields(
    "Customer",
    {
        "ref": Text(191),
        "email": _email(),
        "birthday": _birthday(),
        "language": language(),
        "segments": Many(slug(), 20),
        "updated_at": Time(),
    },
    frozenset({"ref"}),
)

_BROWSER_KINDS: dict[str, Kind] = {
    "id": uuid(),
    "at": Time(),
    "question": slug(),
    "question_version": Whole(1, 1_000_000),
    "placement": slug(),
    "answer": uuid(),
    "value": Value(),
    "text": Text(MAX_TEXT, lines=True, message=f"Give text of 1 to {MAX_TEXT} characters."),
    "final": Flag(),
    "reason": slug(),
    # true: a field that people don't see was filled; whole milliseconds from when the question was shown to this
    "trap": Flag(),
    "took": Whole(0, MAX_TOOK),
    "page": Group(_PAGE),
    "search": Group(_SEARCH_NAMED),
    "product": Text(MAX_PRODUCT),
    "order_token": Text(4096),
}
_OWNER_KINDS: dict[str, Kind] = {
    "id": uuid(),
    "at": Time(),
    "question": slug(),
    "key": Text(300),
    "reason": Text(500),
}


@dataclass(frozen=True)
class EventType:
    """`fields` without `type` itself. `any_of`: at least one of these must be there."""

    name: str
    source: str
    fields: Fields
    any_of: tuple[str, ...] = ()

    def check(self, raw: Mapping[str, Any]) -> dict[str, str]:
        """The errors of `raw` by dotted path."""
        found = self.fields.check(raw)
        if self.any_of and all(raw.get(name) is None for name in self.any_of):
            found.setdefault(self.any_of[0], f"Give {' or '.join(self.any_of)}.")
        return found


def _browser(name: str, required: set[str], any_of: tuple[str, ...] = (), **other: Kind) -> EventType:
    kinds: dict[str, Kind] = {"type": one_of(name), **_BROWSER_KINDS, **other}
    title = "".join(part.title() for part in name.split("."))
    return EventType(
        name, "browser", Fields(title, kinds, frozenset({"type", "id", "at", *required})), any_of
    )


def _other(name: str, source: str, kinds: Mapping[str, Kind], required: set[str]) -> EventType:
    title = "".join(part.title() for part in name.split("."))
    every: dict[str, Kind] = {"type": one_of(name), "id": uuid(), "at": Time(), **kinds}
    return EventType(name, source, Fields(title, every, frozenset({"type", "id", "at", *required})))


EVENT_TYPES: dict[str, EventType] = {
    made.name: made
    for made in (
        _browser("question.shown", {"question"}),
        _browser("question.dismissed", {"question"}),
        _browser("question.skipped", {"question", "reason"}),
        _browser("answer.given", {"question"}, ("value", "text")),
        _browser("search.performed", {"search"}, search=Group(_SEARCH_PERFORMED)),
        _browser("result.clicked", {"search"}, search=Group(_SEARCH_CLICKED)),
        _other("order.placed", "platform", {"order": Group(ORDER)}, {"order"}),
        _other("order.updated", "platform", {"order": Group(ORDER)}, {"order"}),
        _other("order.completed", "platform", {"order": Group(ORDER)}, {"order"}),
        _other("order.refunded", "platform", {"order": Group(ORDER)}, {"order"}),
        _other("customer.updated", "platform", {"customer": Group(_CUSTOMER)}, {"customer"}),
        _other("customer.erased", "platform", {"customer": Group(_CUSTOMER)}, {"customer"}),
        _other("customer.birthday", "clock", {"customer": Group(_CUSTOMER), "year": Whole(1970, 2199)}, {"customer", "year"}),
        _other(
            "customer.silent", "clock",
            {"customer": Group(_CUSTOMER), "days": Whole(1, 3650), "last_order": Text(128)}, {"customer", "days", "last_order"},
        ),
        _other("answer.quarantined", "owner", _OWNER_KINDS, {"question", "key", "reason"}),
        _other("answer.released", "owner", _OWNER_KINDS, {"question", "key"}),
        _other("answer.removed", "owner", _OWNER_KINDS, {"question", "key", "reason"}),
    )
}
BROWSER = frozenset(name for name, made in EVENT_TYPES.items() if made.source == "browser")

_NOT_TAKEN = f"Give one of: {', '.join(sorted(BROWSER))}."


def check_browser_event(raw: Any) -> dict[str, str]:
    """The errors of one event as a browser may send it, by dotted path; empty when it is fine."""
    if not isinstance(raw, dict):
        return {"event": NOT_OBJECT}
    name = raw.get("type")
    if name is None:
        return {"type": REQUIRED}
    if not isinstance(name, str) or name not in BROWSER:
        return {"type": _NOT_TAKEN}
    return EVENT_TYPES[name].check(raw)
