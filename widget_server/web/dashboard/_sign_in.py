"""Sign-in and sign-out."""

import time

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from widget_server.contract import passwords
from widget_server.record import accounts, members
from widget_server.web.state import state

from . import _redirect, _session
from ._gate import find_visit
from ._page import View, draw


def show() -> ResponseReturnValue:
    target = _redirect.safe(request.args.get("next"))
    if find_visit() is not None:
        return redirect(target, 303)
    return draw("sign_in.html", next=target)


def sign_in() -> ResponseReturnValue:
    email, password = request.form.get("email", "")[:320], request.form.get("password", "")
    target = _redirect.safe(request.form.get("next"))
    with state().database.reading() as conn:
        account = accounts.by_email(conn, email)
        shops = {} if account is None else members.shops_of(conn, account.id)
    is_right = passwords.is_right(password, None if account is None else account.password)
    if account is None or not is_right or not shops:
        return draw("sign_in.html", next=target, email=email, wrong=True), 422
    with state().database.writing() as conn:
        _session.begin(conn, account.id, next(iter(shops)), time.time_ns() // 1_000_000)
    _session.know(account.email)
    return redirect(target, 303)


def sign_out() -> ResponseReturnValue:
    with state().database.writing() as conn:
        _session.end(conn)
    return redirect(url_for("sign_in.show"), 303)


VIEWS = (
    View("/sign-in", show),
    View("/sign-in", sign_in, methods=("POST",)),
    View("/sign-out", sign_out, methods=("POST",)),
)
