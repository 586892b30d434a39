"""Deliveries: how it stands with whatever we send to, what was sent, why it did not arrive, and sending it again."""

import re
import time
from dataclasses import dataclass, replace
from typing import Any

import orjson
from flask import flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from sqlalchemy import Connection

from widget_server.contract.platforms import handles
from widget_server.contract.times import midnight
from widget_server.record import connections, endpoints, outbox
from widget_server.record.connections import ShopConnection
from widget_server.record.endpoints import Endpoint
from widget_server.record.outbox import Attempt, Delivery, Sought
from widget_server.web.api import deliveries as api
from widget_server.web.errors import Problem, not_found
from widget_server.web.params import cursor, open_cursor
from widget_server.web.resource import Write

from . import _attention, _delivery_words, _standing, _troubles
from ._everything import PRIVATE, nameless
from ._formats import number
from ._page import Page, View, Visit, draw
from ._period import Period, read_period
from ._texts import lazy_gettext as _

_ROWS = 50
_NEWEST = 8
_MOST_FAILED = 1000
_KEPT = 30 * 24 * 3600 * 1000
_LONGEST = 2000
_CURSOR = re.compile(r"[0-9]{1,15}\.[A-Za-z0-9_-]{0,3000}", re.ASCII)
# What of a message only owners read, beside what follows a page's path: customers, codes, and what is in a mail.
_KEPT_ASIDE = PRIVATE | {"email", "to", "values"}
_ASIDE = "…"
_NEEDED = ("coupon.issue", "coupon.cancel", "points.grant")


@dataclass(frozen=True)
class Goal:
    """Where something was sent: its name for people, and its page; "" when it was removed."""

    name: str
    href: str


def show(visit: Visit) -> ResponseReturnValue:
    now = _now()
    with visit.reading() as conn:
        found, connected = endpoints.of_shop(conn, visit.shop.id), connections.of_shop(conn, visit.shop.id)
        standing = _standing.of_endpoints(conn, visit.shop.id, found, now)
        standing |= _standing.of_connections(conn, visit.shop.id, connected, now)
        failed = outbox.given_up(conn, visit.shop.id, now - _KEPT, _MOST_FAILED + 1)
        newest, _more = outbox.search(conn, Sought(visit.shop.id), limit=_NEWEST)
    order = {"off": 0, "doubtful": 1, "paused": 2, "healthy": 3}
    return draw(
        "deliveries/show.html", endpoints=sorted(found, key=lambda each: order[standing[each.id].name]),
        connections=sorted(connected, key=lambda each: order[standing[each.id].name]), standing=standing,
        failed=failed, failed_text=_count(failed), newest=newest, goals=_goals(visit, found, connected), makes=_who_makes(connected),
        words=_delivery_words, explain=_troubles.explain,
    )  # fmt: skip


def log(visit: Visit) -> ResponseReturnValue:
    """All of thirty days, newest first, by state, goal, type and days."""
    period = read_period(request.args, visit.shop.time_zone)
    asked = {name: request.args.get(name, "") for name in ("state", "goal", "type")}
    state = asked["state"] if asked["state"] in outbox.STATES else ""
    type_ = asked["type"] if asked["type"] in {**_delivery_words.TYPES, **_delivery_words.OTHERS} else ""
    after = request.args.get("after", "")
    before = open_cursor(after) if _CURSOR.fullmatch(after) else None
    with visit.reading() as conn:
        found, connected = endpoints.of_shop(conn, visit.shop.id), connections.of_shop(conn, visit.shop.id)
        goals = _goals(visit, found, connected)
        goal = asked["goal"] if asked["goal"] in goals else ""
        since, until = _span(visit, period)
        sought = Sought(visit.shop.id, state or None, goal or None, type_ or None, since, until)
        rows, end = outbox.search(conn, sought, before, _ROWS)
    chosen = {"state": state, "goal": goal, "type": type_}
    filters: dict[str, Any] = {name: value for name, value in chosen.items() if value}
    here = {**filters, **period.query}
    return draw(
        "deliveries/log.html", rows=rows, goals=goals, period=period, filters=filters, chosen=chosen, words=_delivery_words,
        explain=_troubles.explain, is_first=before is None,
        next=None if end is None else url_for("deliveries.log", **here, after=cursor(*end)),
        first=url_for("deliveries.log", **here) if before is not None else None,
    )  # fmt: skip


def one(visit: Visit, delivery: str) -> ResponseReturnValue:
    """One delivery: what it is, each try, and what was said; whole for owners only."""
    whole = visit.member.may("owner")
    with visit.reading() as conn:
        found = _known(conn, visit, delivery)
        body = outbox.body(conn, delivery)
        tries = [each if whole else _less(each) for each in outbox.attempts(conn, delivery)[-api.TRIES :]]
        goals = _goals(visit, endpoints.of_shop(conn, visit.shop.id), connections.of_shop(conn, visit.shop.id))
    told = [(each, _troubles.explain(each.error, each.status) if each.error is not None else None) for each in tries]
    reason = _troubles.explain(found.last_error) if found.last_error and found.state != "done" else None
    return draw(
        "deliveries/one.html", delivery=found, body=body and _pretty(body, whole), tries=told[::-1], goal=goals.get(found.endpoint), reason=reason,
        words=_delivery_words, can_replay=_can_replay(found),
    )  # fmt: skip


def replay(visit: Visit, delivery: str) -> ResponseReturnValue:
    """Send one again."""
    here = url_for("deliveries.one", delivery=delivery)
    try:
        api.replay(Write(visit.shop, {}, visit.writing), delivery)
    except Problem as problem:
        if problem.status != 409:
            raise
        flash(_why_not(visit, delivery), "bad")
    else:
        flash(gettext("It is on its way again, with the same id, so that nothing is counted twice there."), "good")
    return redirect(here, 303)


def replay_all(visit: Visit) -> ResponseReturnValue:
    """Send all again that were given up, or those of some days, or to one goal."""
    body: dict[str, Any] = {"state": "dead"}
    goal = request.form.get("goal", "")
    if goal:
        body["endpoint"] = goal[:64]
    back: dict[str, Any] = {"state": "dead", **({"goal": goal} if goal else {})}
    if request.form.get("period"):
        period = read_period(request.form, visit.shop.time_zone)
        body["from"], body["to"] = _span(visit, period)
        back |= period.query
    done = api.replay_many(Write(visit.shop, body, visit.writing))
    said = ngettext("%(n)s delivery is on its way again.", "%(n)s deliveries are on their way again.", done["replayed"], n=number(done["replayed"]))
    left = sum(each["count"] for each in done["left_out"])
    if left:
        said += " " + ngettext(
            "%(n)s is not: it waits for a connection, or what was paid for it was given back.",
            "%(n)s are not: they wait for a connection, or what was paid for them was given back.", left, n=number(left),
        )  # fmt: skip
    flash(said, "good" if done["replayed"] else "info")
    return redirect(url_for("deliveries.log", **back), 303)


def seen(visit: Visit) -> ResponseReturnValue:
    """Do not mention again on each page what was given up until now."""
    session[_attention.SEEN] = {visit.shop.id: _now()}
    flash(gettext("You are told again when something else fails."), "good")
    return redirect(url_for("deliveries.show"), 303)


def _can_replay(found: Delivery) -> bool:
    if found.state == "dead":
        return found.type != "coupon.issue" or found.unknown
    return found.state == "done" and found.type not in _NEEDED


def _why_not(visit: Visit, delivery: str) -> str:
    with visit.reading() as conn:
        found = _known(conn, visit, delivery)
    if found.state == "cancelled":
        return str(gettext("It was cancelled, so there is nothing to send."))
    if found.state == "due":
        return str(gettext("It is still waiting and goes out by itself, once its goal is not paused."))
    if found.state == "done":
        return str(gettext("It arrived. Coupons and points are not sent twice."))
    return str(gettext("It failed for good, and what was paid for it was given back. It can't be sent again."))


def _who_makes(connected: list[ShopConnection]) -> dict[str, ShopConnection | None]:
    """Who gets coupons and points: the oldest that takes them and isn't paused."""
    active = [each for each in connected if each.paused is None]
    return {
        kind: next((each for each in active if handles(each.platform, kind)), None) for kind in ("IssueCoupon", "GrantPoints")
    }


def _goals(visit: Visit, found: list[Endpoint], connected: list[ShopConnection]) -> dict[str, Goal]:
    whole = visit.member.may("owner")
    goals = {each.id: Goal(short_url(each.url if whole else each.host), url_for("endpoints.show", goal=each.id)) for each in found}
    return goals | {each.id: Goal(each.name, url_for("connections.show", connection=each.id)) for each in connected}


def short_url(url: str) -> str:
    """An address as people call it. What stands after the ? may be a key."""
    return url.partition("?")[0].removeprefix("https://").removesuffix("/")


def _span(visit: Visit, period: Period) -> tuple[int, int]:
    """From the first moment of a period to that after it, in ms."""
    return midnight(period.first, 0, visit.shop.time_zone), midnight(period.last, 1, visit.shop.time_zone)


def _known(conn: Connection, visit: Visit, delivery: str) -> Delivery:
    found = outbox.deliveries(conn, shop=visit.shop.id, delivery=delivery, limit=1)
    if not found:
        raise not_found("This shop has no such delivery.")
    return found[0]


def _pretty(body: str, whole: bool) -> str:
    """The beginning of a message, laid out for people; as it is where it is no JSON, for those who may read it whole."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        body = body if whole else _ASIDE
    else:
        body = orjson.dumps(said if whole else _for_all(said), option=orjson.OPT_INDENT_2).decode()
    return body if len(body) <= _LONGEST else f"{body[:_LONGEST]}\n…"


def _for_all(said: Any, name: str = "") -> Any:
    """A message without what is _KEPT_ASIDE."""
    if name in _KEPT_ASIDE and said is not None:
        return _ASIDE
    if isinstance(said, dict):
        return {inner: _for_all(value, inner) for inner, value in said.items()}
    if isinstance(said, list):
        return [_for_all(each, name) for each in said]
    if isinstance(said, str) and name == "url":
        return re.sub(r"[?#].*", _ASIDE, said, flags=re.DOTALL)
    return nameless(said) if isinstance(said, str) and name == "source" else said


def _less(tried: Attempt) -> Attempt:
    """A try without what was said in it, which is for owners; where it went and how it ended is for everybody."""
    head, _gap, body = tried.request.partition("\n\n")
    asked, *headers = head.split("\n")
    method, _space, url = asked.partition(" ")
    host = f"{method} {endpoints.host_of(url)}/{_ASIDE}" if url else _ASIDE
    request = "\n".join([host, *headers, *(["", _ASIDE] if body else [])]) if head else ""
    return replace(tried, request=request, excerpt=_ASIDE if tried.excerpt else "")


def _count(failed: int) -> str:
    return str(gettext("more than %(n)s", n=number(_MOST_FAILED))) if failed > _MOST_FAILED else number(failed)


def _now() -> int:
    return time.time_ns() // 1_000_000


PAGE = Page(
    "/deliveries", _("Deliveries"), 50, "deliveries",
    views=(
        View("", show),
        View("/log", log),
        View("/log/<delivery>", one),
        View("/log/<delivery>/replay", replay, methods=("POST",), role="editor"),
        View("/replays", replay_all, methods=("POST",), role="editor"),
        View("/seen", seen, methods=("POST",), role="editor"),
    ),
)  # fmt: skip
