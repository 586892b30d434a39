"""Settings, API keys: what programs of the shop's come in with. A key is told once, when it is made."""

import time

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from widget_server.record import keys
from widget_server.web.errors import not_found

from ._page import Page, View, Visit, draw
from ._texts import lazy_gettext as _

_LONGEST = 60


def show(visit: Visit) -> ResponseReturnValue:
    return _page(visit)


def make(visit: Visit) -> ResponseReturnValue:
    """Show the new key, once."""
    name = request.form.get("name", "").strip()
    if not 1 <= len(name) <= _LONGEST or not name.isprintable():
        return _page(visit, wrong=gettext("Say what the key is for, in 1 to %(most)s characters.", most=_LONGEST)), 422
    try:
        with visit.writing() as conn:
            key = keys.create(conn, visit.shop.id, name)
    except keys.KeyLimitError:
        return _page(visit, wrong=gettext("A shop may have %(most)s keys. Revoke one that nobody needs.", most=keys.LIMIT)), 422
    return _page(visit, made=key, name=name)


def revoke(visit: Visit) -> ResponseReturnValue:
    with visit.writing() as conn:
        if not keys.revoke(conn, visit.shop.id, request.form.get("key", ""), time.time_ns() // 1_000_000):
            raise not_found("The shop has no such key.")
    flash(gettext("The key opens nothing any more."), "good")
    return redirect(url_for("api_keys.show"), 303)


def _page(visit: Visit, *, made: str | None = None, name: str = "", wrong: str | None = None) -> str:
    with visit.reading() as conn:
        found = keys.of_shop(conn, visit.shop.id)
    return draw("settings/api_keys.html", keys=found, made=made, name=name, wrong=wrong, form=request.form, most=_LONGEST)


PAGE = Page(
    "/settings/keys", _("API keys"), 60, "key", part_of="/settings", in_menu=False,
    about=_("For programs and plugins of yours that read scores or send orders"),
    views=(
        View("", show),
        View("", make, methods=("POST",), role="owner"),
        View("/revoke", revoke, methods=("POST",), role="owner"),
    ),
)  # fmt: skip
