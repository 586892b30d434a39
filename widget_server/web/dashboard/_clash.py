"""Two members who have the same form open: who saves second is told before anything of the first is lost.

A form carries a mark of what it was made from. Where that has changed meanwhile, nothing is saved: what was typed is
shown again with the mark of the present state, so that saving once more is to put it in place of the other's, knowingly.
"""

import hmac
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import orjson
from flask import flash, request
from flask_babel import gettext
from sqlalchemy import Connection

from widget_server.record.db import lock_shops
from widget_server.web.state import state

from ._page import Visit

FIELD = "made_from"

StateOf = Callable[[Connection], Any]


class Clash(Exception):
    """Somebody else was faster; nothing is saved."""


def mark(now: Any) -> str:
    """What a form carries that was made from the state `now`. Nothing of it can be read from the mark."""
    key = hmac.digest(state().settings.secret_key.encode(), b"atbalss-made-from-v1", "sha256")
    said = orjson.dumps(now, option=orjson.OPT_SORT_KEYS, default=list)
    return hmac.digest(key, said, "sha256").hex()[:24]


def guarded(visit: Visit, state_of: StateOf, wanted: Any = None) -> Callable[[], AbstractContextManager[Connection]]:
    """`visit.writing` for a form that was made from what `state_of` reads. Raises Clash, unless what is there is what is
    `wanted`, as when a button was pressed twice."""

    @contextmanager
    def writing() -> Iterator[Connection]:
        with visit.writing() as conn:
            lock_shops(conn, [visit.shop.id])
            carried, present = request.form.get(FIELD), mark(state_of(conn))
            if carried and not hmac.compare_digest(carried.encode(), present.encode()) and present != mark(wanted):
                raise Clash
            yield conn

    return writing


def say() -> None:
    """On the page that shows what was typed again."""
    said = gettext("Somebody else has changed this while you had it open. What you typed stands below and is not saved yet. Save it to put it in place of theirs.")
    flash(said, "bad")


def say_theirs() -> None:
    """On the page that shows what is there now."""
    flash(gettext("Somebody else has changed this while you had it open. Here is how it is now; make your change once more."), "bad")
