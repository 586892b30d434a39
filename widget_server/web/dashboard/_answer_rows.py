"""An answer as the pages show it in a row, and what the pages of the inbox share: which answers of the shop a form names,
and which addresses are lists that one may be led back to."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2s

from flask import redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from widget_server.contract.answer import Answer
from widget_server.contract.shop import Shop
from widget_server.record import cases, members
from widget_server.record.cases import Case, Name
from widget_server.web.decisions import decidable
from widget_server.web.errors import not_found

from . import _answer_words as words
from ._answer_words import Said
from ._question_words import place_label


@dataclass(frozen=True)
class Row:
    """An answer in a list. `name` is its question and key, as a form sends them; `anchor` its place in the page."""

    answer: Answer
    said: Said
    asked: str
    name: str
    case: Case | None
    late: bool

    @property
    def anchor(self) -> str:
        return anchor_of(self.name)


def anchor_of(name: str) -> str:
    return f"a{blake2s(name.encode(), digest_size=6).hexdigest()}"


def rows_of(conn: Connection, shop: Shop, found: Sequence[Answer]) -> list[Row]:
    """With the cases that they are."""
    known = cases.of_answers(conn, shop.id, [(answer.question, answer.key) for answer in found])
    now = now_ms()
    return [row_of(shop, answer, known.get((answer.question, answer.key)), now) for answer in found]


def row_of(shop: Shop, answer: Answer, case: Case | None, now: int) -> Row:
    return Row(
        answer, words.said(shop, answer), words.asked(shop, answer.question), f"{answer.question}\n{answer.key}", case,
        case is not None and case.is_overdue(now),
    )  # fmt: skip


def placements(shop: Shop) -> list[tuple[str, str]]:
    """Where questions of the shop are asked, or were: the name and what it is called."""
    found = {version.placement for each in shop.questions.values() for version in each}
    return sorted(((name, place_label(name)) for name in found), key=lambda pair: pair[1].casefold())


def people_of(conn: Connection, shop: Shop) -> dict[str, str]:
    """The members by their account."""
    return {member.account: member.name or member.email for member in members.of_shop(conn, shop.id)}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def named() -> Name:
    """The answer that a form is about."""
    return request.form.get("question", ""), request.form.get("key", "")


def found_here(conn: Connection, shop: Shop, names: Sequence[Name]) -> dict[Name, Answer]:
    """All of these answers of the shop; 404 unless it has every one of them."""
    found = decidable(conn, shop.id, names)
    if len(found) < len(set(names)):
        raise not_found("This shop has no such answer.")
    return found


def is_list(address: str) -> bool:
    """Whether it is one of the lists, or the overview, which has one too: nothing else is led to by what a form or an address says."""
    return re.fullmatch(r"/app/(answers(/cases)?|overview)(\?[^\x00-\x20\x7f\\]*)?", address) is not None


def back_to_list(otherwise: str, anchor: str | None = None) -> ResponseReturnValue:
    """To the list where it was done, if it was done in one."""
    back = request.form.get("back", "")
    return redirect((back if is_list(back) else otherwise) + (f"#{anchor}" if anchor else ""), 303)
