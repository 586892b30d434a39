"""Settings, where you are signed in: each browser, with the last time it was used; end one, or all others."""

import re

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from widget_server.record import sessions
from widget_server.web.errors import not_found
from widget_server.web.state import state

from ._page import Page, View, Visit, draw
from ._sign_in import now
from ._texts import lazy_gettext

_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/|FxiOS", "Firefox"),
    ("Chrome/|CriOS", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X|Macintosh", "Mac"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def show(visit: Visit) -> ResponseReturnValue:
    with visit.reading() as conn:
        found = sessions.of_account(conn, visit.member.account, now())
    rows = [(each, browser(each.agent), system(each.agent), each.id == visit.member.session) for each in found]
    return draw("settings/sessions.html", rows=rows)


def end(visit: Visit) -> ResponseReturnValue:
    """End one session of the member's own."""
    with state().database.writing() as conn:
        if not sessions.revoke(conn, visit.member.account, request.form.get("session", "")):
            raise not_found("You have no such session.")
    flash(gettext("That browser is signed out."), "good")
    return redirect(url_for("sessions.show"), 303)


def end_others(visit: Visit) -> ResponseReturnValue:
    with state().database.writing() as conn:
        n = sessions.revoke_all(conn, visit.member.account, keep=visit.member.session)
    flash(ngettext("%(n)s other browser is signed out.", "%(n)s other browsers are signed out.", n, n=n), "good")
    return redirect(url_for("sessions.show"), 303)


def browser(agent: str) -> str:
    """The browser that calls itself so, by the name people know; empty when it is none of those."""
    return next((name for word, name in _BROWSERS if re.search(word, agent)), "")


def system(agent: str) -> str:
    return next((name for word, name in _SYSTEMS if re.search(word, agent)), "")


PAGE = Page(
    "/settings/sessions", lazy_gettext("Signed in"), 30, "desktop", part_of="/settings", in_menu=False,
    about=lazy_gettext("The browsers that are signed in with your account; sign out one or all others"),
    views=(
        View("", show),
        View("/end", end, methods=("POST",), in_sample=True),
        View("/end-others", end_others, methods=("POST",), in_sample=True),
    ),
)  # fmt: skip
