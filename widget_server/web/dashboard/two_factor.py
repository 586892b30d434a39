"""Settings, two-factor sign-in: a code from the phone beside the password.

To turn it on: the password, then the picture for the app, then a code of the app, which shows that the two agree. From
then on every other browser is signed out, and recovery codes are shown once. The secret waits sealed in the cookie until
then.
"""

import segno
from flask import flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from sqlalchemy import Connection

from widget_server.record import accounts, sessions
from widget_server.record.db import sealer
from widget_server.record.sealing import SealError
from widget_server.web.state import state

from . import _secrets
from ._page import Page, View, Visit, draw
from ._sign_in import enter, now, tries
from ._texts import lazy_gettext
from .account import own_password_wrong

_PENDING = "totp"


def show(visit: Visit) -> ResponseReturnValue:
    return _page(visit)


def begin(visit: Visit) -> ResponseReturnValue:
    """Make a secret and show it. Nothing is changed yet."""
    wrong = own_password_wrong(visit)
    if wrong is not None:
        return _page(visit, wrong), 422
    secret = _secrets.new_totp()
    with visit.reading() as conn:
        session[_PENDING] = sealer(conn).seal(secret, _place(visit))
    return redirect(url_for("two_factor.show_picture"), 303)


def show_picture(visit: Visit) -> ResponseReturnValue:
    secret = _pending(visit)
    if secret is None or visit.member.has_totp:
        return redirect(url_for("two_factor.show"), 303)
    return _picture(visit, secret)


def turn_on(visit: Visit) -> ResponseReturnValue:
    """Show the recovery codes, once."""
    secret = _pending(visit)
    if secret is None or visit.member.has_totp:
        return redirect(url_for("two_factor.show"), 303)
    attempt = tries().code(visit.member.account)
    step = None if attempt.wait else _secrets.totp_step(secret, request.form.get("code", "")[:100], now())
    if step is None:
        wrong = gettext("That is not the code of this moment. Is the phone's clock right?")
        if attempt.wait:
            wrong = ngettext("Too many tries. Try again in %(n)s second.", "Too many tries. Try again in %(n)s seconds.", attempt.seconds, n=attempt.seconds)
        return _picture(visit, secret, wrong), 422
    attempt.was_right()
    codes = _secrets.new_recovery_codes()
    with state().database.writing() as conn:
        is_new = accounts.turn_totp_on(conn, visit.member.account, secret, step, codes)
        if is_new:
            _begin_anew(conn, visit)
    if not is_new:
        # Turned on in another window meanwhile: these codes would be good for nothing.
        return redirect(url_for("two_factor.show"), 303)
    return draw("settings/recovery_codes.html", codes=codes)


def turn_off(visit: Visit) -> ResponseReturnValue:
    wrong = own_password_wrong(visit)
    if wrong is not None:
        return _page(visit, {"off": wrong["current"]}), 422
    with state().database.writing() as conn:
        accounts.turn_totp_off(conn, visit.member.account)
        _begin_anew(conn, visit)
    flash(gettext("From now on the password alone signs you in."), "good")
    return redirect(url_for("two_factor.show"), 303)


def new_codes(visit: Visit) -> ResponseReturnValue:
    """Other recovery codes; those before are good for nothing."""
    wrong = own_password_wrong(visit)
    if wrong is not None or not visit.member.has_totp:
        return _page(visit, wrong), 422
    codes = _secrets.new_recovery_codes()
    with state().database.writing() as conn:
        accounts.replace_codes(conn, visit.member.account, codes)
    return draw("settings/recovery_codes.html", codes=codes)


def _begin_anew(conn: Connection, visit: Visit) -> None:
    """The way to sign in has changed: every other session ends, and this one gets a new token."""
    sessions.revoke_all(conn, visit.member.account)
    account = accounts.by_id(conn, visit.member.account)
    assert account is not None
    enter(conn, account, visit.shop.id)


def _page(visit: Visit, wrong: dict[str, str] | None = None) -> str:
    with visit.reading() as conn:
        left = accounts.codes_left(conn, visit.member.account) if visit.member.has_totp else 0
    return draw("settings/two_factor.html", codes_left=left, wrong=wrong or {})


def _picture(visit: Visit, secret: str, wrong: str | None = None) -> str:
    address = _secrets.totp_address(secret, visit.member.email)
    picture = segno.make(address, error="m")
    groups = " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))
    image = picture.svg_data_uri(scale=5, border=4, light="#fff")
    return draw("settings/two_factor_picture.html", image=image, address=address, secret=groups, wrong=wrong)


def _pending(visit: Visit) -> str | None:
    """The secret that was shown to this member and is not in use yet."""
    with visit.reading() as conn:
        try:
            return sealer(conn).open(str(session.get(_PENDING, "")), _place(visit))
        except SealError:
            return None


def _place(visit: Visit) -> str:
    """Bound to the session: nobody else's cookie can be put in its place."""
    return f"sessions/totp/{visit.member.account}/{visit.member.session}"


PAGE = Page(
    "/settings/two-factor", lazy_gettext("Two-factor"), 20, "shield", part_of="/settings", in_menu=False,
    about=lazy_gettext("A code from your phone beside the password"),
    views=(
        View("", show),
        View("/begin", begin, methods=("POST",), in_sample=True),
        View("/picture", show_picture),
        View("/on", turn_on, methods=("POST",), in_sample=True),
        View("/off", turn_off, methods=("POST",), in_sample=True),
        View("/codes", new_codes, methods=("POST",), in_sample=True),
    ),
)  # fmt: skip
