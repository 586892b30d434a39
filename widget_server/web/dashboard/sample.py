"""The way into the sample shop and out of it again (act/sample.py)."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from flask import current_app, redirect, url_for
from flask.typing import ResponseReturnValue

from widget_server.act.sample import settle
from widget_server.contract.shop import Shop
from widget_server.record import members
from widget_server.web.state import state

from ._home import show_shop
from ._page import Page, View, Visit, draw
from ._texts import lazy_gettext as _

_NAME = "atbalss-sample"
# Seconds that a browser shows itself busy before a page says what is going on.
_PATIENCE = 8.0


def enter(visit: Visit) -> ResponseReturnValue:
    """Shows the sample shop to whoever is signed in; the first time it is made, and who would wait long is told."""
    try:
        made = _making().result(_PATIENCE)
    except TimeoutError:
        return draw("sample_wait.html"), 202
    show_shop(visit, made.id)
    return redirect(url_for("overview.show"), 303)


def _making() -> "Future[Shop]":
    """What is under way in this process, or begins now. It goes on when nobody waits for it any more."""
    known: _Maker = current_app.extensions.setdefault(_NAME, _Maker())
    return known.making(partial(settle, state().database, time.time_ns() // 1_000_000))


class _Maker:
    """One at a time makes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._future: Future[Shop] | None = None

    def making(self, make: Callable[[], Shop]) -> "Future[Shop]":
        with self._lock:
            if self._future is None or self._future.done():
                self._future = Future()
                threading.Thread(target=self._run, args=(self._future, make), name="sample", daemon=True).start()
            return self._future

    @staticmethod
    def _run(future: "Future[Shop]", make: Callable[[], Shop]) -> None:
        try:
            future.set_result(make())
        except BaseException as error:  # noqa: BLE001 - who waits is told
            future.set_exception(error)


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
