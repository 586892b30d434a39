"""What every reply of Flask carries so that a browser can't be talked into misusing it."""

import uuid

from flask import Flask, Response, g, request

# No inline script or style anywhere, nothing from elsewhere.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_API_CSP = "default-src 'none'; frame-ancestors 'none'"


def install(app: Flask) -> None:
    """Put the headers on every reply of `app`."""
    app.before_request(_name)
    app.after_request(_add)


def _name() -> None:
    g.request_id = uuid.uuid4().hex


def _add(reply: Response) -> Response:
    headers = reply.headers
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
