"""The one cookie of the owner's pages, and the session that it names.

Flask signs it. In it are the session's token (its row is in `sessions`), the secret of the forms' tokens, what is to be
said once (flash), and for whom this browser was signed in before, which spares them the delays that others' wrong
passwords cause (_tries.py). Whenever somebody's rights change, both token and secret are new.
"""

import hmac
import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Flask, g, request, session
from sqlalchemy import Connection

from widget_server.contract.settings import Settings
from widget_server.record import sessions
from widget_server.web.state import state

_TOKEN = "token"  # noqa: S105 - the name of a field
_KNOWN = "known"
# What flask-wtf calls the secret of the forms' tokens, and the token that it keeps for the rest of a request.
_FORMS = "csrf_token"
_MOST_KNOWN = 5


def install(app: Flask, settings: Settings) -> None:
    """How `app` keeps its cookie."""
    is_secure = settings.base_url.startswith("https:")
    app.secret_key = hmac.digest(settings.secret_key.encode(), b"atbalss-cookies-v1", "sha256")
    app.config.update(
        SESSION_COOKIE_NAME="__Host-atbalss" if is_secure else "atbalss",
        SESSION_COOKIE_SECURE=is_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(milliseconds=sessions.ABSOLUTE),
    )


def token() -> str | None:
    """The token that came with this request."""
    found = session.get(_TOKEN)
    return found if isinstance(found, str) else None


def begin(conn: Connection, account: str, shop: str, now: int, *, waiting: bool = False, created: int | None = None) -> None:
    """Sign this browser in anew: whatever token it had is dead, and so are the forms it had open."""
    before = token()
    if before is not None:
        sessions.end(conn, before)
    sessions.forget_ended(conn, account, now)
    made = sessions.begin(
        conn, account, shop, now, agent=request.headers.get("User-Agent", ""), waiting=waiting, created=created
    )
    known = session.get(_KNOWN, {})
    session.clear()
    session.permanent = True
    session[_TOKEN] = made
    session[_KNOWN] = known


def move(conn: Connection, name: str, shop: str) -> None:
    """This browser's session, of this id, is in another shop from now on, and the forms it had open are dead: what was
    begun in one shop is never done in another."""
    sessions.move(conn, name, shop)
    session.pop(_FORMS, None)
    g.pop(_FORMS, None)


def end(conn: Connection) -> None:
    """Sign this browser out."""
    before = token()
    if before is not None:
        sessions.end(conn, before)
    known = session.get(_KNOWN, {})
    session.clear()
    session.permanent = True
    session[_KNOWN] = known


def device(email: str) -> str | None:
    """What this browser is known by where `email` was signed in before."""
    known = session.get(_KNOWN)
    found = known.get(_short(email)) if isinstance(known, dict) else None
    return found if isinstance(found, str) else None


def know(email: str) -> None:
    """This browser has been signed in with `email`."""
    known = dict(session.get(_KNOWN, {}))
    name = _short(email)
    made = known.pop(name, None) or secrets.token_urlsafe(9)
    session[_KNOWN] = dict([*known.items(), (name, made)][-_MOST_KNOWN:])


def is_ours() -> bool:
    """Whether the request comes from a page of ours, as far as the browser says where it comes from."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    parts = urlsplit(origin)
    own = urlsplit(state().settings.base_url)
    return parts.scheme in ("http", "https") and parts.netloc in (own.netloc, request.host)


def _short(email: str) -> str:
    key = state().settings.secret_key.encode()
    return hmac.digest(key, b"atbalss-known-v1" + email.encode("utf-8", "replace"), "sha256").hex()[:12]
