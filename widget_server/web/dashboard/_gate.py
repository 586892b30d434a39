"""Who gets in. Every request to a page passes here before its view is called.

Without a session it is sent to the sign-in, with the way back. With one it becomes a `Visit`: member and shop come from
the session's row, read in one snapshot, and from nowhere else. Then what changes something must come from a form of
ours (the browser's word on where it comes from, and the form's token), and the role must do.
"""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Flask, Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from widget_server.record import members, sessions, shops
from widget_server.record.db import is_passing
from widget_server.record.sessions import SignedIn
from widget_server.web.errors import Problem
from widget_server.web.headers import FRAMING
from widget_server.web.state import state

from . import _session
from ._page import Member, Page, View, Visit
from ._redirect import back_here

SAFE = ("GET", "HEAD", "OPTIONS")

_csrf = CSRFProtect()


def install(app: Flask) -> None:
    """Have `app` check forms, where a page asks for it."""
    # A form may stay open as long as the session lasts. Where it comes from is asked in `is_ours`, not of `Referer`.
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    _csrf.init_app(app)


def blueprint(name: str, page: Page, pages: list[Page]) -> Blueprint:
    """The routes of a page for members."""
    made = Blueprint(name, __name__, url_prefix="/app")
    for view in page.views:
        made.add_url_rule(
            page.path + view.path, view.handler.__name__, _view(view, pages), methods=view.methods, strict_slashes=False
        )
    return made


def open_blueprint(name: str, views: tuple[View, ...]) -> Blueprint:
    """Routes for whoever comes, signed in or not."""
    made = Blueprint(name, __name__, url_prefix="/app")
    for view in views:
        made.add_url_rule(view.path, view.handler.__name__, partial(_for_all, view), methods=view.methods)
    return made


def check_form() -> None:
    """What changes something comes from a form of ours."""
    if request.method in SAFE:
        return
    if not _session.is_ours():
        raise CSRFError("from elsewhere")
    _csrf.protect()


def find_visit() -> Visit | None:
    """Who is here; None without a session that is alive."""
    token = _session.token()
    if token is None:
        return None
    now = time.time_ns() // 1_000_000
    with state().database.reading() as conn:
        signed = sessions.find(conn, token, now)
        visit = None if signed is None else _visit(conn, signed)
    if signed is not None and now - signed.seen > sessions.SEEN_EVERY:
        _note_seen(signed.session, now)
    if signed is not None and visit is None:
        return _elsewhere(signed, now)
    return visit


def _view(view: View, pages: list[Page]):  # type: ignore[no-untyped-def]
    def answer(**path: str) -> ResponseReturnValue:
        _take_words()
        visit = find_visit()
        if visit is None:
            return _to_sign_in()
        g.visit, g.dashboard_pages = visit, pages
        _check_path(path)
        check_form()
        if not visit.member.may(view.role):
            raise Problem(403, "forbidden", "Your role does not allow that.")
        if visit.is_sample and request.method not in SAFE and not view.in_sample:
            raise Problem(403, "sample", "These are sample data.")
        reply = _made(view.handler(visit, **path))
        if view.frames:
            reply.headers["Content-Security-Policy"] = FRAMING
        return reply

    return answer


def _for_all(view: View, **path: str) -> ResponseReturnValue:
    _take_words()
    _check_path(path)
    check_form()
    return view.handler(**path)


def _made(given: ResponseReturnValue) -> Response:
    from flask import make_response

    made = make_response(given)
    assert isinstance(made, Response)
    return made


def _visit(conn: Connection, signed: SignedIn) -> Visit | None:
    is_sample = signed.shop == shops.SAMPLE
    role = "viewer" if is_sample else signed.role
    shop = None if role is None else shops.by_id(conn, signed.shop)
    if role is None or shop is None:
        return None
    member = Member(
        signed.session, signed.account, signed.email, signed.name, role, signed.language, signed.theme, signed.has_totp
    )
    return Visit(member, shop, is_sample)


def _elsewhere(signed: SignedIn, now: int) -> Visit | None:
    """Who is no member of the session's shop any more goes on in another of theirs."""
    with state().database.writing() as conn:
        others = members.shops_of(conn, signed.account)
        if not others:
            sessions.revoke(conn, signed.account, signed.session)
            return None
        # A form that was begun in the shop they had is refused by this, as its token is dead now.
        _session.move(conn, signed.session, next(iter(others)))
        again = sessions.find(conn, _session.token() or "", now)
        return None if again is None else _visit(conn, again)


def _note_seen(session: str, now: int) -> None:
    """Reading goes on while nothing can be written."""
    try:
        with state().database.writing() as conn:
            sessions.saw(conn, session, now)
    except DBAPIError as error:
        if not is_passing(error):
            raise


def _to_sign_in() -> Response:
    target = url_for("sign_in.show", next=back_here())
    if request.headers.get("HX-Request"):
        return Response(status=204, headers={"HX-Redirect": target})
    made = redirect(target, 303)
    assert isinstance(made, Response)
    return made


class _Words(ImmutableMultiDict[str, Any]):
    """Parameters and fields without NUL: PostgreSQL takes none, and nobody means one."""

    def __init__(self, given: Any = None) -> None:
        pairs = given.items(multi=True) if isinstance(given, MultiDict) else given or ()
        super().__init__([(name.replace("\0", ""), _bare(value)) for name, value in pairs])


def _take_words() -> None:
    """What came with this request, as `request.args` and `request.form` are to give it from now on."""
    request.parameter_storage_class = _Words


def _bare(value: Any) -> Any:
    return value.replace("\0", "") if isinstance(value, str) else value


def _check_path(path: Mapping[str, str]) -> None:
    """PostgreSQL takes no NUL, and nothing of ours has one in its name."""
    if any("\0" in value for value in path.values()):
        raise Problem(404, "not_found", "There is nothing here.")


__all__ = ["blueprint", "check_form", "find_visit", "install", "open_blueprint"]
