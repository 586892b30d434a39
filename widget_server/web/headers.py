"""What every reply of Flask carries so that a browser can't be talked into misusing it."""

import uuid

from flask import Flask, Response, current_app, g, request

# No inline script or style anywhere, nothing from elsewhere.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
# The owner's pages: htmx makes HTML by the one Trusted Types policy that it is given (js_snippet/dashboard/htmx.ts).
PAGES = f"{CSP}; trusted-types atbalss"
# Those that hold a frame of ours, such as the preview of a question.
FRAMING = f"{PAGES}; frame-src 'self'"
_API_CSP = "default-src 'none'; frame-ancestors 'none'"


def install(app: Flask) -> None:
    """Put the headers on every reply of `app`."""
    app.before_request(_name)
    app.after_request(_add)


def _name() -> None:
    g.request_id = uuid.uuid4().hex


def _add(reply: Response) -> Response:
    headers = reply.headers
    if is_of_owners(request.path):
        _add_for_owners(reply)
    headers.setdefault("X-Request-Id", g.get("request_id") or uuid.uuid4().hex)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Content-Security-Policy", CSP if reply.mimetype == "text/html" else _API_CSP)
    if request.path.startswith("/v1/"):
        headers.setdefault("Cache-Control", "no-store")
        reply.vary.update(("Authorization", "Origin"))
    return reply


def is_of_owners(path: str) -> bool:
    """Whether an address belongs to the owner's pages."""
    return path == "/app" or path.startswith("/app/")


def _add_for_owners(reply: Response) -> None:
    headers = reply.headers
    headers.setdefault("Content-Security-Policy", PAGES if reply.mimetype == "text/html" else _API_CSP)
    headers.setdefault("Cache-Control", "no-store")
    # With `no-referrer` a browser says "null" for the origin of a form, and we could not know ours from others'.
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("X-Robots-Tag", "noindex, nofollow")
    if current_app.config["SESSION_COOKIE_SECURE"]:
        # Whoever types the address without https is not asked for it in the clear a second time.
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
