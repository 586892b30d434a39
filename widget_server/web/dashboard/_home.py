"""/app itself, and the way from one shop to another."""

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from widget_server.record import members, shops
from widget_server.web.errors import Problem
from widget_server.web.state import state

from . import _session
from ._page import Page, View, Visit, draw, menu, page_at
from ._texts import lazy_gettext

_STEPS = "/start"


def home(visit: Visit) -> ResponseReturnValue:
    """The first steps, until they are done; then the first page of the menu."""
    if not visit.shop.is_set_up and visit.member.may("owner") and page_at(_STEPS) is not None:
        return redirect(f"/app{_STEPS}", 303)
    return redirect(f"/app{menu(visit)[0].path}", 303)


def choose(visit: Visit) -> ResponseReturnValue:
    with visit.reading() as conn:
        roles = members.shops_of(conn, visit.member.account)
        named = shops.names(conn, roles)
    return draw("shops.html", shops=[(shop, named[shop], role) for shop, role in roles.items() if shop in named])


def switch(visit: Visit) -> ResponseReturnValue:
    show_shop(visit, request.form.get("shop", ""))
    return redirect(url_for("app.home"), 303)


def show_shop(visit: Visit, shop: str) -> None:
    """The session is in `shop` from now on: one of the member's, or the sample shop."""
    with state().database.writing() as conn:
        if shop != shops.SAMPLE and members.role_of(conn, shop, visit.member.account) is None:
            raise Problem(404, "not_found", "You are no member of that shop.")
        _session.move(conn, visit.member.session, shop)


PAGE = Page(
    "", lazy_gettext("Start"), 0, "overview", in_menu=False,
    views=(
        View("", home),
        View("/shops", choose, in_sample=True),
        View("/shops", switch, methods=("POST",), in_sample=True),
    ),
)  # fmt: skip
