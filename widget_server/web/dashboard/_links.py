"""One-time links: an invitation into a shop, and a new password. Looking at one changes nothing.

Whoever has a link has it from an owner, or from whoever runs the server; it is shown once and good once. An invitation
is for one e-mail. Who has an account with it signs in first; who has none makes one here.
"""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from widget_server.contract.shop import Shop
from widget_server.record import accounts, invitations, members, sessions, shops
from widget_server.record.accounts import Account
from widget_server.record.invitations import Invitation
from widget_server.web.state import state

from . import _secrets, _session, _texts
from ._gate import find_visit
from ._page import View, Visit, draw
from ._sign_in import enter, now, tries

_MOST_NAME = 100


def show(token: str) -> ResponseReturnValue:
    found = _found(token)
    if found is None:
        return draw("link_gone.html"), 404
    invitation, shop, account = found
    return _form(token, invitation, shop, account)


def take(token: str) -> ResponseReturnValue:
    found = _found(token)
    if found is None:
        return draw("link_gone.html"), 404
    invitation, shop, account = found
    if shop is not None and account is not None:
        return _join(token, invitation, shop, account)
    return _choose_password(token, invitation, shop, account)


def _join(token: str, invitation: Invitation, shop: Shop, account: Account) -> ResponseReturnValue:
    """Whoever has an account already becomes a member with it, once signed in."""
    visit = find_visit()
    if visit is None or visit.member.account != account.id:
        return _form(token, invitation, shop, account)
    with state().database.writing() as conn:
        is_good = invitations.use(conn, invitation.id, now())
        if is_good:
            assert invitation.role is not None
            members.join(conn, shop.id, account.id, invitation.role, now())
            _session.move(conn, visit.member.session, shop.id)
    if not is_good:
        return draw("link_gone.html"), 404
    flash(gettext("Welcome to %(shop)s.", shop=shop.name), "good")
    return redirect(url_for("app.home"), 303)


def _choose_password(
    token: str, invitation: Invitation, shop: Shop | None, account: Account | None
) -> ResponseReturnValue:
    """A new account, or a new password for one."""
    name = request.form.get("name", "").strip()[:_MOST_NAME] or (account.name if account else "")
    password = request.form.get("password", "")
    wrong = {}
    if not name:
        wrong["name"] = gettext("Say what you are called.")
    fault = _secrets.password_fault(password, invitation.email, name, shop.name if shop else "")
    if fault is not None:
        wrong["password"] = fault
    if wrong:
        return _form(token, invitation, shop, account, name=name, wrong=wrong), 422
    kept = _secrets.hashed(password)
    try:
        return _with_password(invitation, shop, account, name, kept)
    except accounts.EmailTaken:
        # Another invitation of theirs was accepted meanwhile: this one is good still, for the account that there is now.
        with state().database.reading() as conn:
            account = accounts.by_email(conn, invitation.email)
        return _form(token, invitation, shop, account), 409


def _with_password(
    invitation: Invitation, shop: Shop | None, account: Account | None, name: str, kept: str
) -> ResponseReturnValue:
    """Use the link. `kept` is the hash of the password. Raises EmailTaken, and the link is not used then."""
    with state().database.writing() as conn:
        if not invitations.use(conn, invitation.id, now()):
            return draw("link_gone.html"), 404
        person = account or accounts.create(conn, invitation.email, name, _language(invitation), kept, now())
        if account is not None:
            accounts.set_password(conn, person.id, kept)
            # Whoever knew the old password, or sits at a browser that is signed in, is out.
            sessions.revoke_all(conn, person.id)
        if shop is not None and invitation.role is not None:
            members.join(conn, shop.id, person.id, invitation.role, now())
        entered = shop.id if shop else next(iter(members.shops_of(conn, person.id)), None)
        if entered is not None and not person.has_totp:
            enter(conn, person, entered)
    tries().password_forgotten(person.email)
    if entered is None or person.has_totp:
        flash(gettext("Your new password is set. Sign in with it."), "good")
        return redirect(url_for("sign_in.show"), 303)
    return redirect(url_for("app.home"), 303)


def _found(token: str) -> tuple[Invitation, Shop | None, Account | None] | None:
    """What the link is for: a shop, or a new password of an account; None when it is good for nothing."""
    with state().database.reading() as conn:
        invitation = invitations.find(conn, token, now())
        if invitation is None:
            return None
        account = accounts.by_email(conn, invitation.email)
        shop = None if invitation.shop is None else shops.by_id(conn, invitation.shop)
    return None if shop is None and account is None else (invitation, shop, account)


def _form(
    token: str, invitation: Invitation, shop: Shop | None, account: Account | None,
    name: str = "", wrong: dict[str, str] | None = None,
) -> str:  # fmt: skip
    visit: Visit | None = find_visit()
    is_known = shop is not None and account is not None
    return draw(
        "link.html", token=token, invitation=invitation, shop=shop, is_known=is_known, has_account=account is not None,
        is_here=visit is not None and account is not None and visit.member.account == account.id,
        other=None if visit is None else visit.member.email,
        name=name or invitation.name, wrong=wrong or {},
    )  # fmt: skip


def _language(invitation: Invitation) -> str:
    return invitation.language if invitation.language in _texts.LANGUAGES else _texts.of_browser()


VIEWS = (View("/invitations/<token>", show), View("/invitations/<token>", take, methods=("POST",)))
