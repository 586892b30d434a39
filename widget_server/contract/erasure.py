"""What stays of an erased customer: what counts, and nothing that tells who it was. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from . import customer as customers_of
from .answer import Answer
from .order import tombstone

_PERSONAL = ("customer", "email")
_BY_PLATFORM = ("customer.updated", "customer.erased")


def without_words(answer: Answer) -> Answer:
    """`answer` as far as it counts: its text and the page it was given on are gone, that there was a text is not."""
    changed = dict(answer.registers)
    for name, left in (("text", ""), ("url", None)):
        written = changed.get(name)
        if written is not None and written.value is not None:
            changed[name] = written._replace(value=left)
    order = changed.get("order")
    if order is not None and order.value is not None and order.value.get("customer") is not None:
        changed["order"] = order._replace(value={**order.value, "customer": None})
    return answer if changed == answer.registers else replace(answer, registers=changed)


def anonymous(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """An event about an erased customer's order, as the log keeps it."""
    found = {name: value for name, value in event.items() if name not in ("text", "page")}
    found["order"] = {name: value for name, value in event["order"].items() if name not in _PERSONAL}
    return found


def anonymous_customer(event: Mapping[str, Any], key: str, until: int) -> Mapping[str, Any]:
    """An event about a customer who was erased for all that was said up to `until`, as the log keeps it.

    Of birthdays and silence the clock speaks later, and by what was said before.
    """
    if event["type"] in _BY_PLATFORM and customers_of.stamp_of(event).at > until:
        return event
    about = event["customer"]
    kept = {name: value for name, value in about.items() if name == "updated_at"}
    return {**event, "customer": {"ref": tombstone(key, about["ref"]), **kept}}
