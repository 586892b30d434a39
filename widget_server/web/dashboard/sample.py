"""The way into the sample shop and out of it again (act/sample.py)."""

import time

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from widget_server.act.sample import settle
from widget_server.record import members
from widget_server.web.state import state

from ._home import show_shop
from ._page import Page, View, Visit


def enter(visit: Visit) -> ResponseReturnValue:
    """Shows the sample shop to whoever is signed in; the first time it is made."""
    made = settle(state().database, time.time_ns() // 1_000_000)
    show_shop(visit, made.id)
    return redirect(url_for("overview.show"), 303)


def leave(visit: Visit) -> ResponseReturnValue:
    """Back to a shop of their own."""
    if visit.is_sample:
        with visit.reading() as conn:
            own = next(iter(members.shops_of(conn, visit.member.account)), None)
        if own is not None:
            show_shop(visit, own)
    return redirect(url_for("app.home"), 303)


PAGE = Page(
    "/sample", _("Sample data"), 1000, "eye", in_menu=False,
    views=(View("", enter, methods=("POST",), in_sample=True), View("/leave", leave, methods=("POST",), in_sample=True)),
)  # fmt: skip
