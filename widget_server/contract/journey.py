"""The customer's journey: five stages, and the touchpoints in them that questions measure.

A question names its touchpoint by a short name. An owner may give touchpoints words of their own, put them into a stage
and in an order, and add others; what a question names and nobody arranged still has its place.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from .placing import TOUCHPOINTS
from .shop import Question

STAGES: Final = ("need", "search", "comparison", "purchase", "after")

MOST_TOUCHPOINTS = 30
LONGEST_TITLE = 60

# Where a question belongs whose touchpoint nobody has put anywhere.
_BY_PLACEMENT: Final[Mapping[str, str]] = {
    "page": "need", "search": "search", "product": "comparison", "order": "purchase", "link": "after",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Touchpoint:
    """A named step of the journey. Without a `title` it is called by what its name means."""

    name: str
    stage: str
    title: str = ""


BUILT_IN: Final = (
    Touchpoint("site", "need"),
    Touchpoint("search", "search"),
    Touchpoint("choice", "comparison"),
    Touchpoint("order", "purchase"),
    Touchpoint("delivery", "after"),
    Touchpoint("product", "after"),
    Touchpoint("relationship", "after"),
)
"""What every shop has until its owner arranges them otherwise: those that placements and ready sets name."""


def named(question: Question) -> str:
    """The touchpoint that a question belongs to."""
    return question.touchpoint or TOUCHPOINTS.get(question.placement, "site")


def arranged(saved: Iterable[Touchpoint], questions: Iterable[Question]) -> list[Touchpoint]:
    """All touchpoints of a shop from stage to stage: those its owner has saved, else the built-in ones, and behind them
    in their stages those that only a question names."""
    known = {touchpoint.name: touchpoint for touchpoint in saved} or {one.name: one for one in BUILT_IN}
    built_in = {one.name: one for one in BUILT_IN}
    for question in questions:
        name = named(question)
        if name not in known:
            known[name] = built_in.get(name) or Touchpoint(name, _BY_PLACEMENT.get(question.placement, "need"))
    return sorted(known.values(), key=lambda one: STAGES.index(one.stage))
