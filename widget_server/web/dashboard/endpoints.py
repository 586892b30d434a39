"""Endpoints: where webhooks go. The same is done here as at /v1/endpoints, by the same code."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import Connection

from widget_server.contract.times import parse_time
from widget_server.record import endpoints as record
from widget_server.record import outbox
from widget_server.record.endpoints import Endpoint
from widget_server.record.outbox import Sought
from widget_server.web.api import endpoints as api
from widget_server.web.errors import Problem, not_found
from widget_server.web.params import load
from widget_server.web.resource import Write

from . import _clash, _delivery_words, _standing, _troubles
from ._page import Page, View, Visit, draw
from ._texts import lazy_gettext as _

_NEWEST = 10
_FIRST = ("answer.given", "score.updated")


def begin(visit: Visit) -> ResponseReturnValue:
    """The form for a new one."""
    return _new(visit, "", _FIRST)


def add(visit: Visit) -> ResponseReturnValue:
    url, types = request.form.get("url", "").strip(), request.form.getlist("types")
    try:
        body = load(api.NewEndpointBody, {"url": url, "types": types})
        made = api.add_endpoint(Write(visit.shop, body, visit.writing))
    except Problem as problem:
        return _new(visit, url, types, refused(problem)), 422
    return draw("deliveries/secret.html", goal=made["id"], url=url, secret=made["secret"], old_until=None)


def show(visit: Visit, goal: str) -> ResponseReturnValue:
    return _page(visit, goal)


def change(visit: Visit, goal: str) -> ResponseReturnValue:
    url, types = request.form.get("url", "").strip(), request.form.getlist("types")
    try:
        body = load(api.EndpointChange, {"url": url, "types": types})
        guarded = _clash.guarded(visit, partial(_now, visit, goal), [body["url"], sorted(set(body["types"]))])
        api.change_endpoint(Write(visit.shop, body, guarded), goal)
    except _clash.Clash:
        _clash.say()
        return _page(visit, goal, None, url, types), 409
    except Problem as problem:
        if problem.status == 404:
            raise
        return _page(visit, goal, refused(problem), url, types), 422
    flash(gettext("Saved. What waits goes to the new address."), "good")
    return _back(goal)


def pause(visit: Visit, goal: str) -> ResponseReturnValue:
    api.change_endpoint(Write(visit.shop, {"paused": True}, visit.writing), goal)
    flash(gettext("Paused. What comes meanwhile is kept for thirty days."), "good")
    return _back(goal)


def resume(visit: Visit, goal: str) -> ResponseReturnValue:
    api.change_endpoint(Write(visit.shop, {"paused": False}, visit.writing), goal)
    flash(gettext("It is on again. What was given up meanwhile can be sent again from the log."), "good")
    return _back(goal)


def change_secret(visit: Visit, goal: str) -> ResponseReturnValue:
    """Show the new one, once."""
    made = api.change_secret(Write(visit.shop, {}, visit.writing), goal)
    with visit.reading() as conn:
        url = _known(conn, visit, goal).url
    until = parse_time(made["old_valid_until"])
    return draw("deliveries/secret.html", goal=goal, url=url, secret=made["secret"], old_until=until)


def send_test(visit: Visit, goal: str) -> ResponseReturnValue:
    try:
        sent = api.test_endpoint(Write(visit.shop, {}, visit.writing), goal)
    except Problem as problem:
        if problem.status != 409:
            raise
        flash(next(iter(refused(problem).values())), "bad")
        return _back(goal)
    flash(gettext("A test is on its way. Look at this page again in a few seconds."), "good")
    return redirect(url_for("deliveries.one", delivery=sent["delivery"]), 303)


def remove(visit: Visit, goal: str) -> ResponseReturnValue:
    api.delete_endpoint(Write(visit.shop, {}, visit.writing), goal)
    flash(gettext("Removed. Nothing more is sent there."), "good")
    return redirect(url_for("deliveries.show"), 303)


def refused(problem: Problem) -> dict[str, str]:
    """What is wrong in a form, by field; "" for what belongs to none."""
    if not problem.errors:
        return {"": _troubles.refusal(problem.message)}
    return {name.partition(".")[0] if name.startswith("types") else name: _troubles.refusal(said) for name, said in problem.errors.items()}


def _new(visit: Visit, url: str, types: Any, wrong: Mapping[str, str] | None = None) -> str:
    return draw("deliveries/endpoint_new.html", url=url, types=types, wrong=wrong or {}, groups=_delivery_words.GROUPS)


def _page(
    visit: Visit, goal: str, wrong: Mapping[str, str] | None = None, url: str | None = None, types: Any = None
) -> str:
    with visit.reading() as conn:
        found = _known(conn, visit, goal)
        standing = _standing.of_endpoints(conn, visit.shop.id, [found], time.time_ns() // 1_000_000)[goal]
        newest, _end = outbox.search(conn, Sought(visit.shop.id, endpoint=goal), limit=_NEWEST)
    return draw(
        "deliveries/endpoint.html", endpoint=found, standing=standing, newest=newest, wrong=wrong or {}, goals={},
        url=found.url if url is None else url, types=found.types if types is None else types,
        groups=_delivery_words.GROUPS, words=_delivery_words, explain=_troubles.explain,
        made_from=_clash.mark([found.url, sorted(found.types)]),
    )  # fmt: skip


def _now(visit: Visit, goal: str, conn: Connection) -> list[Any]:
    found = record.by_id(conn, visit.shop.id, goal)
    return [] if found is None else [found.url, sorted(found.types)]


def _known(conn: Connection, visit: Visit, goal: str) -> Endpoint:
    found = record.by_id(conn, visit.shop.id, goal)
    if found is None:
        raise not_found("This shop has no such endpoint.")
    return found


def _back(goal: str) -> ResponseReturnValue:
    return redirect(url_for("endpoints.show", goal=goal), 303)


PAGE = Page(
    "/deliveries/endpoints", _("Endpoints"), 51, "deliveries", in_menu=False,
    views=(
        View("/<goal>", show),
        View("/new", begin, role="owner"),
        View("/new", add, methods=("POST",), role="owner"),
        View("/<goal>", change, methods=("POST",), role="owner"),
        View("/<goal>/pause", pause, methods=("POST",), role="owner"),
        View("/<goal>/resume", resume, methods=("POST",), role="owner"),
        View("/<goal>/secret", change_secret, methods=("POST",), role="owner"),
        View("/<goal>/remove", remove, methods=("POST",), role="owner"),
        View("/<goal>/test", send_test, methods=("POST",), role="editor"),
    ),
)  # fmt: skip
