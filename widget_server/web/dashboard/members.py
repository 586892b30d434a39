"""Settings, who may come in: the shop's members, their roles, and invitations by a one-time link, shown once."""

from email_validator import EmailNotValidError, validate_email
from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, gettext
from sqlalchemy import Connection

from widget_server.record import accounts, invitations, members
from widget_server.record.members import ROLES, LastOwner, Role
from widget_server.web.errors import invalid, not_found
from widget_server.web.state import state

from ._page import Page, View, Visit, draw
from ._sign_in import now
from ._texts import lazy_gettext

ROLE_NAMES: dict[Role, LazyString] = {
    "owner": lazy_gettext("Owner"), "editor": lazy_gettext("Editor"), "viewer": lazy_gettext("Viewer")
}  # fmt: skip
ROLE_MEANINGS: dict[Role, LazyString] = {
    "owner": lazy_gettext("May do everything, also settings, keys and members"),
    "editor": lazy_gettext("Works with answers, cases and questions"),
    "viewer": lazy_gettext("Looks at everything, changes nothing"),
}


def show(visit: Visit) -> ResponseReturnValue:
    return _page(visit)


def invite(visit: Visit) -> ResponseReturnValue:
    """Show the link, once."""
    role = _role()
    try:
        email = accounts.folded(validate_email(request.form.get("email", "")[:320], check_deliverability=False).normalized)
    except EmailNotValidError:
        return _page(visit, wrong=gettext("That is no e-mail address.")), 422
    with visit.writing() as conn:
        account = accounts.by_email(conn, email)
        is_member = account is not None and members.role_of(conn, visit.shop.id, account.id) is not None
        token = "" if is_member else _invited(conn, visit, email, role)
    if is_member:
        return _page(visit, wrong=gettext("%(email)s is a member already.", email=email)), 422
    link = state().settings.base_url + url_for("links.show", token=token)
    return _page(visit, link=link, invited=email)


def withdraw(visit: Visit) -> ResponseReturnValue:
    with visit.writing() as conn:
        if not invitations.withdraw(conn, visit.shop.id, request.form.get("invitation", "")):
            raise not_found("The shop has no such invitation.")
    flash(gettext("The link is good for nothing any more."), "good")
    return redirect(url_for("members.show"), 303)


def change_role(visit: Visit) -> ResponseReturnValue:
    role = _role()
    try:
        with visit.writing() as conn:
            account = request.form.get("account", "")
            if not members.set_role(conn, visit.shop.id, account, role):
                raise not_found("The shop has no such member.")
            if role != "owner":
                # Or they could come back by a link of their own making.
                invitations.withdraw_of(conn, visit.shop.id, account)
    except LastOwner:
        return _page(visit, wrong=_last_owner()), 422
    flash(gettext("The role is changed. It counts from now on, where they are signed in as well."), "good")
    return redirect(url_for("members.show"), 303)


def remove(visit: Visit) -> ResponseReturnValue:
    return _without(visit, request.form.get("account", ""))


def leave(visit: Visit) -> ResponseReturnValue:
    return _without(visit, visit.member.account)


def _invited(conn: Connection, visit: Visit, email: str, role: Role) -> str:
    _, token = invitations.create(
        conn, email, now(), shop=visit.shop.id, role=role, language=visit.member.language, made_by=visit.member.account
    )
    return token


def _without(visit: Visit, account: str) -> ResponseReturnValue:
    try:
        with visit.writing() as conn:
            role = members.role_of(conn, visit.shop.id, account)
            if not members.remove(conn, visit.shop.id, account):
                raise not_found("The shop has no such member.")
            invitations.withdraw_of(conn, visit.shop.id, account)
    except LastOwner:
        return _page(visit, wrong=_last_owner()), 422
    if account == visit.member.account:
        flash(gettext("You are no member of %(shop)s any more.", shop=visit.shop.name), "good")
        return redirect(url_for("app.home"), 303)
    said = gettext("They can't come in any more.")
    if role == "owner":
        # Keys are the shop's and outlive whoever made them.
        said = gettext("They can't come in any more. An owner may have kept an API key: revoke those that you don't know.")
    flash(said, "good")
    return redirect(url_for("members.show"), 303)


def _page(visit: Visit, *, wrong: str | None = None, link: str | None = None, invited: str = "") -> str:
    with visit.reading() as conn:
        found = members.of_shop(conn, visit.shop.id)
        waiting = invitations.waiting(conn, visit.shop.id, now()) if visit.member.may("owner") else []
    return draw(
        "settings/members.html", members=found, waiting=waiting, wrong=wrong, link=link, invited=invited, form=request.form,
        roles=[(role, ROLE_NAMES[role], ROLE_MEANINGS[role]) for role in reversed(ROLES)], role_names=ROLE_NAMES,
    )  # fmt: skip


def _role() -> Role:
    role = request.form.get("role", "")
    if role not in ROLES:
        raise invalid({"role": "is none of ours"})
    return role


def _last_owner() -> str:
    return str(gettext("A shop always has an owner. Make somebody else an owner first."))


PAGE = Page(
    "/settings/members", lazy_gettext("Members"), 40, "users", part_of="/settings", in_menu=False,
    about=lazy_gettext("Who may come into this shop, and what they may do"),
    views=(
        View("", show),
        View("/invite", invite, methods=("POST",), role="owner"),
        View("/withdraw", withdraw, methods=("POST",), role="owner"),
        View("/role", change_role, methods=("POST",), role="owner"),
        View("/remove", remove, methods=("POST",), role="owner"),
        View("/leave", leave, methods=("POST",)),
    ),
)  # fmt: skip
