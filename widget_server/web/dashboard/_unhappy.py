"""Unhappy buyers: how many ratings after orders were low, and the newest of them that somebody should see to."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from widget_server.contract.answer import Answer
from widget_server.contract.shop import Question, Shop
from widget_server.contract.times import midnight
from widget_server.record import answers, cases
from widget_server.record.cases import Case

from . import _answer_words as words
from ._answer_words import Said
from ._journey import Asked, Journey
from ._period import Period

# The page after an order, and the link that comes by mail some days later.
_AFTER_ORDERS: Final = ("order", "link")
_SHOWN: Final = 4
_READ: Final = 20


@dataclass(frozen=True, slots=True)
class Rated:
    """A question about an order: `low` of its `n` ratings are from `bounds[0]` to `bounds[1]`, of at most `bounds[2]`."""

    question: Question
    low: int
    n: int
    bounds: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Buyer:
    """One low rating. Who gave it stays closed."""

    answer: Answer
    said: Said
    asked: str
    case: Case | None
    late: bool


@dataclass(frozen=True, slots=True)
class Unhappy:
    """`buyers` are the newest ones whom nobody sees to yet, then those whose cases are open."""

    rated: tuple[Rated, ...]
    buyers: tuple[Buyer, ...]

    @property
    def low(self) -> int:
        return sum(each.low for each in self.rated)


def find(conn: Connection, shop: Shop, period: Period, journey: Journey) -> Unhappy | None:
    """None where no buyer has rated anything."""
    rated = tuple(each for each in map(_rated, journey.asked) if each is not None and each.n)
    if not rated:
        return None
    start, end = midnight(period.first, 0, shop.time_zone), midnight(period.last, 1, shop.time_zone)
    wanted = {each.question.name: _buckets(each.bounds) for each in rated if each.low}
    newest = answers.newest_in(conn, shop.id, wanted, start, end, _READ)
    known = cases.of_answers(conn, shop.id, [(answer.question, answer.key) for answer in newest])
    return Unhappy(rated, tuple(_waiting(shop, newest, known))[:_SHOWN])


def _waiting(shop: Shop, newest: list[Answer], known: Mapping[cases.Name, Case]) -> list[Buyer]:
    now = time.time_ns() // 1_000_000
    found = []
    for answer in newest:
        case = known.get((answer.question, answer.key))
        if case is None or case.is_open:
            late = case is not None and case.is_overdue(now)
            found.append(Buyer(answer, words.said(shop, answer), words.asked(shop, answer.question), case, late))
    return sorted(found, key=lambda buyer: buyer.case is not None)


def _rated(asked: Asked) -> Rated | None:
    bounds = words.low_bounds(asked.question.type)
    if bounds is None or asked.question.placement not in _AFTER_ORDERS:
        return None
    low = sum(asked.counts.answers.get(bucket, 0) for bucket in _buckets(bounds))
    return Rated(asked.question, low, asked.answered, bounds)


def _buckets(bounds: tuple[int, int, int]) -> list[str]:
    return [str(score) for score in range(bounds[0], bounds[1] + 1)]
