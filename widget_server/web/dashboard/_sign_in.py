"""Sign-in and sign-out.

E-mail and password first; then, where it is on, a code. Who does not know them learns nothing: an unknown e-mail is
answered as a wrong password is, after as long a time, and how often one may try is the same for both (_tries.py).
"""

import time

import structlog
from flask import Response, current_app, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import Connection

from widget_server.contract import passwords
from widget_server.intake.limits import client_address
from widget_server.record import accounts, members, sessions
from widget_server.record.accounts import Account
from widget_server.web.state import state

from . import _redirect, _secrets, _session
from ._gate import find_visit
from ._page import View, draw
from ._tries import Tries, Try

_MOST = 320

log = structlog.get_logger("web")


def tries() -> Tries:
    """The counts of this app."""
    found = current_app.extensions.get("atbalss-tries")
    if found is None:
        found = current_app.extensions["atbalss-tries"] = Tries(state().redis, state().settings.secret_key)
    assert isinstance(found, Tries)
    return found


def show() -> ResponseReturnValue:
    target = _redirect.safe(request.args.get("next"))
    if find_visit() is not None:
        return redirect(target, 303)
    return draw("sign_in.html", next=target)


def sign_in() -> ResponseReturnValue:
    email, password = accounts.folded(request.form.get("email", "")[:_MOST]), request.form.get("password", "")
    target = _redirect.safe(request.form.get("next"))
    attempt = tries().password(email, _session.device(email), _address())
    if attempt.wait:
        log.info("sign_in_too_early", seconds=attempt.seconds)
        return _too_early(attempt, "sign_in.html", next=target, email=email)
    account = _account(email)
    is_right = _secrets.is_right(password, None if account is None else account.password)
    if account is None or not is_right:
        log.info("sign_in_refused", account=None if account is None else account.id)
        wrong = gettext("The e-mail or the password is not right.")
        return draw("sign_in.html", next=target, email=email, wrong=wrong), 422
    attempt.was_right()
    renewed = _renewed(account, password)
    with state().database.writing() as conn:
        if renewed is not None:
            accounts.set_password(conn, account.id, renewed)
        shop = _first_shop(conn, account)
        if shop is not None and account.has_totp:
            _session.begin(conn, account.id, shop, now(), waiting=True)
        elif shop is not None:
            enter(conn, account, shop)
    if shop is None:
        wrong = gettext("You are no member of any shop at the moment. Ask an owner to invite you.")
        return draw("sign_in.html", next=target, email=email, wrong=wrong), 403
    return redirect(url_for("sign_in.ask_code", next=target) if account.has_totp else target, 303)


def ask_code() -> ResponseReturnValue:
    target = _redirect.safe(request.args.get("next"))
    with state().database.reading() as conn:
        waiting = sessions.find_waiting(conn, _session.token() or "", now())
    if waiting is None:
        return redirect(url_for("sign_in.show", next=target), 303)
    return draw("sign_in_code.html", next=target)


def give_code() -> ResponseReturnValue:
    target, given = _redirect.safe(request.form.get("next")), request.form.get("code", "")[:100]
    with state().database.reading() as conn:
        waiting = sessions.find_waiting(conn, _session.token() or "", now())
        account = None if waiting is None else accounts.by_id(conn, waiting[0])
    if waiting is None or account is None:
        return redirect(url_for("sign_in.show", next=target), 303)
    attempt = tries().code(account.id)
    if attempt.wait:
        return _too_early(attempt, "sign_in_code.html", next=target)
    with state().database.writing() as conn:
        is_right = _secrets.use_second_factor(conn, account.id, given, now())
        if is_right:
            enter(conn, account, waiting[1])
    if not is_right:
        wrong = gettext("That code is not right, or it was used already. Wait for the next one.")
        return draw("sign_in_code.html", next=target, wrong=wrong), 422
    attempt.was_right()
    return redirect(target, 303)


def sign_out() -> ResponseReturnValue:
    with state().database.writing() as conn:
        _session.end(conn)
    return redirect(url_for("sign_in.show"), 303)


def enter(conn: Connection, account: Account, shop: str) -> None:
    """Whoever is at this browser is `account` from now on."""
    _session.begin(conn, account.id, shop, now())
    _session.know(account.email)
    log.info("signed_in", account=account.id, shop=shop)


def now() -> int:
    return time.time_ns() // 1_000_000


def _account(email: str) -> Account | None:
    with state().database.reading() as conn:
        return accounts.by_email(conn, email)


def _renewed(account: Account, password: str) -> str | None:
    """The hash with today's settings, where it was made with others."""
    return _secrets.hashed(password) if passwords.is_outdated(account.password) else None


def _first_shop(conn: Connection, account: Account) -> str | None:
    return next(iter(members.shops_of(conn, account.id)), None)


def _address() -> str:
    peer = request.remote_addr or ""
    return client_address(peer, request.headers.getlist("X-Forwarded-For"), state().settings.proxies)


def _too_early(attempt: Try, template: str, **values: str) -> Response:
    made = make_response(draw(template, wait=attempt.seconds, **values))
    made.status_code = 429
    made.headers["Retry-After"] = str(attempt.seconds)
    return made


VIEWS = (
    View("/sign-in", show),
    View("/sign-in", sign_in, methods=("POST",)),
    View("/sign-in/code", ask_code),
    View("/sign-in/code", give_code, methods=("POST",)),
    View("/sign-out", sign_out, methods=("POST",)),
)
