"""Connections: the shop on its platforms. The form is drawn from what the platform's code asks for; the same is done here
as at /v1/connections, by the same code."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import Connection

from integrations import Integration
from widget_server.act import reconcile
from widget_server.act.inbound import receiving
from widget_server.contract.connecting import LONGEST, shown
from widget_server.contract.platforms import handles, platforms
from widget_server.record import connections as record
from widget_server.record import outbox
from widget_server.record.connections import ShopConnection
from widget_server.record.outbox import Sought
from widget_server.web.api import connections as api
from widget_server.web.errors import Problem, not_found
from widget_server.web.params import load
from widget_server.web.resource import Write
from widget_server.web.state import state

from . import _clash, _delivery_words, _standing, _troubles
from ._page import Page, View, Visit, draw
from ._texts import lazy_gettext as _
from .endpoints import refused

_NEWEST = 10


@dataclass(frozen=True)
class Field:
    """One setting of a platform, as a field of the form."""

    name: str
    label: str
    hint: str
    type: str
    value: str
    is_required: bool
    is_secret: bool
    error: str


def choose(visit: Visit) -> ResponseReturnValue:
    """The platforms that there is code for; then the form of one of them."""
    code = platforms().get(request.args.get("platform", ""))
    if code is not None:
        return _form(visit, code, _delivery_words.platform_label(code.name), {})
    return draw("deliveries/platforms.html", platforms=[_described(each) for each in platforms().values()])


def add(visit: Visit) -> ResponseReturnValue:
    code = platforms().get(request.form.get("platform", ""))
    if code is None:
        raise not_found("There is no such platform.")
    name, settings = request.form.get("name", "").strip(), _settings(code)
    try:
        body = load(api.NewConnectionBody, {"platform": code.name, "settings": settings, **({"name": name} if name else {})})
        made = api.add_connection(Write(visit.shop, body, visit.writing))
    except Problem as problem:
        return _form(visit, code, name, settings, refused(problem)), 422
    flash(gettext("Connected. It is looked at within a minute; try it yourself right away."), "good")
    return _saved(visit, made)


def show(visit: Visit, connection: str) -> ResponseReturnValue:
    return _page(visit, connection)


def change(visit: Visit, connection: str) -> ResponseReturnValue:
    with visit.reading() as conn:
        code = _code(_known(conn, visit, connection))
    name, settings = request.form.get("name", "").strip(), _settings(code)
    try:
        body = load(api.ConnectionChange, {"settings": settings, **({"name": name} if name else {})})
        made = api.change_connection(Write(visit.shop, body, _clash.guarded(visit, partial(_now, visit, connection))), connection)
    except _clash.Clash:
        _clash.say()
        return _page(visit, connection, settings), 409
    except Problem as problem:
        if problem.status == 404:
            raise
        return _page(visit, connection, settings, refused(problem)), 422
    flash(gettext("Saved."), "good")
    return _saved(visit, made)


def pause(visit: Visit, connection: str) -> ResponseReturnValue:
    api.change_connection(Write(visit.shop, {"paused": True}, visit.writing), connection)
    flash(gettext("Paused. What is owed to customers waits."), "good")
    return _back(connection)


def resume(visit: Visit, connection: str) -> ResponseReturnValue:
    api.change_connection(Write(visit.shop, {"paused": False}, visit.writing), connection)
    flash(gettext("It is on again. What waited is tried at once."), "good")
    return _back(connection)


def remove(visit: Visit, connection: str) -> ResponseReturnValue:
    api.delete_connection(Write(visit.shop, {}, visit.writing), connection)
    flash(gettext("Removed. Its keys are forgotten; what had not arrived there waits for another connection."), "good")
    return redirect(url_for("deliveries.show"), 303)


def send_test(visit: Visit, connection: str) -> ResponseReturnValue:
    """Ask the platform whether it knows us; nothing is changed there."""
    try:
        health = api.try_connection(Write(visit.shop, {}, visit.writing), connection)
    except Problem as problem:
        if problem.status not in (409, 503):
            raise
        flash(next(iter(refused(problem).values())), "bad")
        return _back(connection)
    if health["ok"]:
        flash(gettext("It works: the other side knows us and answers."), "good")
    else:
        flash(gettext("It does not work yet. What was found stands below."), "bad")
    return _back(connection)


def _saved(visit: Visit, made: Mapping[str, Any]) -> ResponseReturnValue:
    """What was made for the owner is shown once; else back to the page."""
    if not made["made"]:
        return _back(made["id"])
    code = platforms()[made["platform"]]
    told = [(_label(code, name), value) for name, value in made["made"].items()]
    return draw("deliveries/made.html", connection=made["id"], name=made["name"], told=told, address=made["address"])


def _form(
    visit: Visit, code: Integration, name: str, settings: Mapping[str, str], wrong: Mapping[str, str] | None = None
) -> str:
    return draw(
        "deliveries/connection_new.html", platform=_described(code), name=name,
        fields=_fields(code, settings, wrong or {}), wrong=wrong or {},
    )  # fmt: skip


def _page(
    visit: Visit, connection: str, settings: Mapping[str, str] | None = None, wrong: Mapping[str, str] | None = None
) -> str:
    with visit.reading() as conn:
        found = _known(conn, visit, connection)
        standing = _standing.of_connections(conn, visit.shop.id, [found], time.time_ns() // 1_000_000)[connection]
        newest, _end = outbox.search(conn, Sought(visit.shop.id, endpoint=connection), limit=_NEWEST)
        others = record.of_shop(conn, visit.shop.id)
    code = platforms().get(found.platform)
    kept = {} if code is None else shown(code, found.settings)
    hears = receiving(found.platform)
    return draw(
        "deliveries/connection.html", connection=found, platform=None if code is None else _described(code), standing=standing,
        newest=newest, goals={}, checked=_standing.checked_at(found), kept=kept, wrong=wrong or {},
        fields=[] if code is None else _fields(code, kept if settings is None else settings, wrong or {}),
        duties=_duties(found, others), address=reconcile.address(state().settings.base_url, found) if hears is not None else None,
        words=_delivery_words, explain=_troubles.explain, made_from=_clash.mark([found.name, found.settings]),
    )  # fmt: skip


def _now(visit: Visit, connection: str, conn: Connection) -> list[Any]:
    found = record.by_id(conn, visit.shop.id, connection)
    return [] if found is None else [found.name, found.settings]


def _duties(connection: ShopConnection, others: list[ShopConnection]) -> list[str]:
    """What it is there for, in words: who makes coupons and books points, and whether it tells us of orders."""
    active = [each for each in others if each.paused is None]

    def takes(kind: str) -> ShopConnection | None:
        return next((each for each in active if handles(each.platform, kind)), None)

    found = []
    if handles(connection.platform, "IssueCoupon"):
        first = takes("IssueCoupon")
        if first is None or first.id == connection.id:
            found.append(gettext("Coupons that your rules grant are made here, each one once."))
        else:
            found.append(gettext("Coupons are made by “%(name)s”, which was connected earlier. This one takes over when that is paused or removed.", name=first.name))
    else:
        found.append(gettext("It can't make coupons."))
    if handles(connection.platform, "GrantPoints"):
        first = takes("GrantPoints")
        if first is None or first.id == connection.id:
            found.append(gettext("Points are booked here as well, as soon as they count."))
        else:
            found.append(gettext("Points are booked by “%(name)s”, which was connected earlier.", name=first.name))
    else:
        found.append(gettext("It has no points of its own; customers' points stand in Atbalss, and your shop can read them there."))
    if receiving(connection.platform) is not None:
        found.append(gettext("It tells us of orders and customers at once, and is read every ten minutes for what it forgot to tell."))
    return found


def _described(code: Integration) -> dict[str, str]:
    about = _delivery_words.ABOUT_PLATFORMS.get(code.name)
    return {"name": code.name, "label": _delivery_words.platform_label(code.name), "about": str(about or "")}


def _fields(code: Integration, values: Mapping[str, str], wrong: Mapping[str, str]) -> list[Field]:
    made = []
    for setting in code.settings:
        label, hint = _delivery_words.SETTINGS.get((code.name, setting.name), (setting.label, ""))
        said = str(hint)
        if setting.make is not None:
            said = " ".join((said, gettext("Leave it empty, and one is made and shown to you once."))).strip()
        elif not setting.required:
            said = " ".join((said, gettext("You may leave it empty."))).strip()
        kind = {"url": "url", "number": "text"}.get(setting.kind, "text")
        made.append(
            Field(
                setting.name, str(label), said, kind, values.get(setting.name, ""),
                setting.required and setting.make is None, setting.secret, wrong.get(f"settings.{setting.name}", ""),
            )
        )  # fmt: skip
    return made


def _settings(code: Integration) -> dict[str, str]:
    given = {each.name: request.form.get(f"s.{each.name}") for each in code.settings}
    return {name: text.strip()[: LONGEST + 1] for name, text in given.items() if text is not None}


def _label(code: Integration, name: str) -> str:
    known = _delivery_words.SETTINGS.get((code.name, name))
    return str(known[0]) if known else next((each.label for each in code.settings if each.name == name), name)


def _code(connection: ShopConnection) -> Integration:
    found = platforms().get(connection.platform)
    if found is None:
        raise not_found("This server does not know that platform any more.")
    return found


def _known(conn: Connection, visit: Visit, connection: str) -> ShopConnection:
    found = record.by_id(conn, visit.shop.id, connection)
    if found is None:
        raise not_found("This shop has no such connection.")
    return found


def _back(connection: str) -> ResponseReturnValue:
    return redirect(url_for("connections.show", connection=connection), 303)


PAGE = Page(
    "/deliveries/connections", _("Connections"), 52, "link", in_menu=False,
    views=(
        View("/<connection>", show),
        View("/new", choose, role="owner"),
        View("/new", add, methods=("POST",), role="owner"),
        View("/<connection>", change, methods=("POST",), role="owner"),
        View("/<connection>/pause", pause, methods=("POST",), role="owner"),
        View("/<connection>/resume", resume, methods=("POST",), role="owner"),
        View("/<connection>/remove", remove, methods=("POST",), role="owner"),
        View("/<connection>/test", send_test, methods=("POST",), role="editor"),
    ),
)  # fmt: skip
