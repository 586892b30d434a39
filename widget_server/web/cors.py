"""Pages of other origins may read the owner API only when the shop whose key they show has named their origin.

Before a browser sends a key it asks whether it may (OPTIONS, without the key), so that question is answered by whether
any shop has named the origin; the request itself then by the shop of its key alone. Never with cookies.
"""

from flask import Flask, Response, g, request
from flask_cors import cross_origin
from sqlalchemy.exc import SQLAlchemyError

from widget_server.record import origins

from .state import state

_SECONDS = 600


def install(app: Flask) -> None:
    """Answer browsers for every route of the owner API."""
    app.after_request(_allow)


def _allow(reply: Response) -> Response:
    origin = request.headers.get("Origin")
    if origin is None or not request.path.startswith("/v1/") or not _is_named(origin):
        return reply
    allowed = cross_origin(
        origins=[origin],
        methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["Retry-After", "X-Request-Id"],
        max_age=_SECONDS,
        automatic_options=False,
    )
    return allowed(lambda: reply)()


def _is_named(origin: str) -> bool:
    shop = g.get("shop")
    if shop is None and request.method != "OPTIONS":
        return False
    try:
        with state().database.reading() as conn:
            return origins.named(conn, origin) if shop is None else origin in origins.of_shop(conn, shop)
    except SQLAlchemyError:
        return False
