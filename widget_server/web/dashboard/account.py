"""Settings, you: name, language, colours, password. They are the person's own, in every shop."""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext, ngettext

from widget_server.record import accounts, invitations, sessions
from widget_server.web.errors import invalid
from widget_server.web.state import state

from . import _secrets, _texts
from ._page import Page, View, Visit, draw
from ._sign_in import enter, tries
from ._texts import lazy_gettext, lazy_pgettext

THEMES = ("", "light", "dark")
_MOST_NAME = 100


def show(visit: Visit) -> ResponseReturnValue:
    return _form(visit)


def save(visit: Visit) -> ResponseReturnValue:
    """Name, language, colours."""
    mine = visit.member
    name = request.form.get("name", "").strip()[:_MOST_NAME]
    language, theme = request.form.get("language", mine.language), request.form.get("theme", mine.theme)
    if language not in _texts.LANGUAGES or theme not in THEMES:
        raise invalid({"language": "is none of ours"})
    if not name:
        return _form(visit, wrong={"name": gettext("Say what you are called.")}), 422
    with state().database.writing() as conn:
        accounts.set_person(conn, mine.account, name, language, theme)
    with force_locale(language):
        flash(gettext("Saved."), "good")
    return redirect(url_for("account.show"), 303)


def change_password(visit: Visit) -> ResponseReturnValue:
    """A new password; whoever else is signed in with the old one is out, and no link for a new one is good."""
    mine, new = visit.member, request.form.get("password", "")
    wrong = own_password_wrong(visit)
    fault = _secrets.password_fault(new, mine.email, mine.name, visit.shop.name)
    if wrong is None and fault is not None:
        wrong = {"password": fault}
    if wrong is not None:
        return _form(visit, wrong), 422
    kept = _secrets.hashed(new)
    with state().database.writing() as conn:
        accounts.set_password(conn, mine.account, kept)
        invitations.withdraw_passwords(conn, mine.email)
        sessions.revoke_all(conn, mine.account)
        account = accounts.by_id(conn, mine.account)
        assert account is not None
        enter(conn, account, visit.shop.id)
    flash(gettext("Your password is changed. Everybody else who was signed in with it is signed out."), "good")
    return redirect(url_for("account.show"), 303)


def own_password_wrong(visit: Visit) -> dict[str, str] | None:
    """Why the field `current` is not the member's password; None when it is."""
    attempt = tries().own_password(visit.member.account)
    if attempt.wait:
        return {"current": ngettext("Too many tries. Try again in %(n)s second.", "Too many tries. Try again in %(n)s seconds.", attempt.seconds, n=attempt.seconds)}
    with visit.reading() as conn:
        account = accounts.by_id(conn, visit.member.account)
    if account is None or not _secrets.is_right(request.form.get("current", ""), account.password):
        return {"current": gettext("That is not your password.")}
    attempt.was_right()
    return None


def _form(visit: Visit, wrong: dict[str, str] | None = None) -> str:
    return draw("settings/account.html", languages=list(_texts.LANGUAGES.items()), wrong=wrong or {}, form=request.form)


PAGE = Page(
    "/settings/account", lazy_pgettext("settings", "You"), 10, "user", part_of="/settings", in_menu=False,
    about=lazy_gettext("Your name, the language of these pages, your password"),
    views=(
        View("", show),
        View("", save, methods=("POST",), in_sample=True),
        View("/password", change_password, methods=("POST",), in_sample=True),
    ),
)  # fmt: skip
