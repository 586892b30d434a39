"""Settings, the shop: its name, its time zone, and what the panel looks like in it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from zoneinfo import available_timezones

import redis
from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from sqlalchemy import Connection

from widget_server.act import verify
from widget_server.contract import theme
from widget_server.record import answers, eventlog, shops
from widget_server.web.api import widget as api
from widget_server.web.errors import Problem
from widget_server.web.params import load
from widget_server.web.resource import Write
from widget_server.web.state import state

from . import _clash
from . import _question_words as words
from ._page import Page, View, Visit, draw
from ._sentences import said
from ._texts import lazy_gettext as _
from .start import chosen_colour, looks_now, seen_as

_LONGEST = 100
# Counting anew takes about a second for five thousand answers; whoever runs the server can do it for any number.
_MOST_ANSWERS = 50_000
# On SQLite nobody else's answers are stored meanwhile.
_MOST_ON_SQLITE = 5_000
_MOST_EVENTS_ON_SQLITE = 20_000
# So many seconds apart a shop is counted anew; one shop at a time, and not for ever where the process that did it died.
_EVERY = 600
_LONGEST_COUNT = 120
_COUNTING = "atbalss:counting-anew"
_TEXTS = ("background", "text")
_CHOICES = ("mode", "position", "font", "consent")
_NUMBERS = ("radius", "cooldown_hours")


def show(visit: Visit) -> ResponseReturnValue:
    return _page(visit)


def save(visit: Visit) -> ResponseReturnValue:
    """Name and time zone. With another zone all days are cut anew, and everything is counted anew for that."""
    name, zone = request.form.get("name", "").strip(), request.form.get("time_zone", "")
    wrong = {}
    if not 1 <= len(name) <= _LONGEST or not name.isprintable():
        wrong["name"] = gettext("Give a name of 1 to %(most)s characters.", most=_LONGEST)
    if zone not in _zones():
        wrong["time_zone"] = gettext("Choose one of the list.")
    moves = not wrong and zone != visit.shop.time_zone
    if moves and _is_large(visit):
        wrong["time_zone"] = gettext(
            "Your shop has so many answers that counting them anew takes too long for a page. Whoever runs this server can do "
            "it: atbalss counters rebuild --shop %(key)s --time-zone %(zone)s", key=visit.shop.site_key, zone=zone,
        )  # fmt: skip
    if wrong:
        return _page(visit, name=name, zone=zone, wrong=wrong), 422
    try:
        if moves:
            with _turn(visit.shop.id):
                _rename(visit, name, zone)
                verify.rebuild(state().database, visit.shop.id, zone)
            flash(gettext("Saved. All days were cut anew for the new time zone."), "good")
        else:
            _rename(visit, name, zone)
            flash(gettext("Saved."), "good")
    except _clash.Clash:
        _clash.say()
        return _page(visit, name=name, zone=zone), 409
    except _TooSoon as early:
        n = early.seconds
        wrong["time_zone"] = ngettext("Too many tries. Try again in %(n)s second.", "Too many tries. Try again in %(n)s seconds.", n, n=n)
        return _page(visit, name=name, zone=zone, wrong=wrong), 429, {"Retry-After": str(n)}
    return redirect(url_for("shop.show"), 303)


def looks(visit: Visit) -> ResponseReturnValue:
    return _looks(visit, {**theme.DEFAULTS, **visit.shop.widget}, {})


def save_looks(visit: Visit) -> ResponseReturnValue:
    given, wrong = _given(visit)
    if not wrong and request.form.get("do") != "look":
        try:
            api.put_widget(Write(visit.shop, given, _clash.guarded(visit, partial(looks_now, visit), theme.stored(given))))
        except _clash.Clash:
            _clash.say()
            return _looks(visit, given, wrong), 409
        flash(gettext("Saved. It shows in your shop within a minute."), "good")
        return redirect(url_for("shop.looks"), 303)
    return _looks(visit, given, wrong), 422 if wrong else 200


def try_looks(visit: Visit) -> ResponseReturnValue:
    """The panel as it is being chosen: a part of the page."""
    given, wrong = _given(visit)
    return draw("start/look.html", **seen_as(visit, given, wrong))


def _given(visit: Visit) -> tuple[dict[str, Any], dict[str, str]]:
    """What the panel would look like, and what is wrong with that."""
    form = request.form
    given: dict[str, Any] = {**theme.DEFAULTS, **visit.shop.widget}
    given["brand"] = chosen_colour()
    given |= {name: form.get(name, "").strip() or None for name in _TEXTS}
    given |= {name: form.get(name, given[name]) for name in _CHOICES}
    for name in _NUMBERS:
        typed = form.get(name, "").strip()
        given[name] = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 7 else typed or None
    try:
        load(api.WidgetBody, given)
    except Problem as problem:
        return given, {field: said(sentence) for field, sentence in problem.errors.items()}
    kept = theme.stored(given)
    return given, {field: said(sentence) for field, sentence in theme.errors(kept).items()}


def _looks(visit: Visit, given: dict[str, Any], wrong: dict[str, str]) -> str:
    made_from = _clash.mark(dict(visit.shop.widget))
    return draw("settings/looks.html", given=given, wrong=wrong, made_from=made_from, words=words, **seen_as(visit, given, wrong))


def _page(visit: Visit, name: str | None = None, zone: str | None = None, wrong: dict[str, str] | None = None) -> str:
    return draw(
        "settings/shop.html", name=visit.shop.name if name is None else name, zone=zone or visit.shop.time_zone,
        zones=_zones(), wrong=wrong or {}, tag=api.tag(visit.shop), made_from=_clash.mark([visit.shop.name, visit.shop.time_zone]),
    )  # fmt: skip


def _named(visit: Visit, conn: Connection) -> list[str]:
    found = shops.by_id(conn, visit.shop.id)
    return [] if found is None else [found.name, found.time_zone]


def _rename(visit: Visit, name: str, zone: str) -> None:
    with _clash.guarded(visit, partial(_named, visit), [name, zone])() as conn:
        shops.set_name(conn, visit.shop.id, name)


def _is_large(visit: Visit) -> bool:
    is_sqlite = state().database.dialect == "sqlite"
    with visit.reading() as conn:
        if answers.are_more_than(conn, visit.shop.id, _MOST_ON_SQLITE if is_sqlite else _MOST_ANSWERS):
            return True
        # Searches are counted from the log.
        return is_sqlite and eventlog.page(conn, visit.shop.id, (), "", _MOST_EVENTS_ON_SQLITE)[1] is not None


class _TooSoon(Exception):
    """The shop was counted anew a short while ago, or another is being counted."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = max(1, seconds)


_own = threading.Lock()
# When a shop may be counted anew, as this process knows it: for while Redis is away.
_own_until: dict[str, float] = {}


@contextmanager
def _turn(shop: str) -> Iterator[None]:
    """The turn of `shop` to be counted anew; what fails has had none. Raises _TooSoon."""
    if not _own.acquire(blocking=False):
        raise _TooSoon(_LONGEST_COUNT // 10)
    try:
        _take(shop)
        try:
            yield
        except BaseException:
            _forget(f"{_COUNTING}:{shop}")
            _own_until.pop(shop, None)
            raise
        finally:
            _forget(_COUNTING)
    finally:
        _own.release()


def _take(shop: str) -> None:
    now = time.monotonic()
    for name in [name for name, until in _own_until.items() if until <= now]:
        del _own_until[name]
    if shop in _own_until:
        raise _TooSoon(int(_own_until[shop] - now))
    client, last = state().redis, f"{_COUNTING}:{shop}"
    # While Redis is away each process sees to its own.
    with suppress(redis.RedisError):
        if not client.set(last, 1, nx=True, ex=_EVERY):
            raise _TooSoon(client.ttl(last))
        if not client.set(_COUNTING, 1, nx=True, ex=_LONGEST_COUNT):
            client.delete(last)
            raise _TooSoon(_LONGEST_COUNT // 10)
    _own_until[shop] = now + _EVERY


def _forget(name: str) -> None:
    with suppress(redis.RedisError):
        state().redis.delete(name)


def _zones() -> list[str]:
    """Those of places, and UTC."""
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ["UTC", *sorted(zone for zone in available_timezones() if zone.startswith(areas))]


PAGE = Page(
    "/settings/shop", _("Shop"), 5, "cart", part_of="/settings", in_menu=False,
    about=_("Its name, its time zone, and what the questions look like"),
    views=(
        View("", show),
        View("", save, methods=("POST",), role="owner"),
        View("/look", looks, frames=True),
        View("/look", save_looks, methods=("POST",), role="owner", frames=True),
        View("/look/try", try_looks, methods=("POST",), role="owner", frames=True),
    ),
)  # fmt: skip
