"""Who is asking: the shop of `Authorization: Bearer sk_...`."""

from flask import g, request
from sqlalchemy import Connection

from widget_server.contract.shop import Shop
from widget_server.record import keys, shops

from .errors import Problem

_REALM = 'Bearer realm="atbalss"'


def shop_of_request(conn: Connection) -> Shop:
    """The shop whose key came with this request, or 401."""
    header = request.headers.get("Authorization", "")
    scheme, _, presented = header.partition(" ")
    if scheme.lower() != "bearer" or not presented.strip():
        raise _unauthorized("Send the shop's API key as `Authorization: Bearer sk_...`.", _REALM)
    found = keys.shop_of(conn, presented.strip())
    shop = None if found is None else shops.by_id(conn, found)
    if shop is None:
        raise _unauthorized("This API key is not valid.", f'{_REALM}, error="invalid_token"')
    g.shop = shop.id
    return shop


def _unauthorized(message: str, challenge: str) -> Problem:
    return Problem(401, "unauthorized", message, headers={"WWW-Authenticate": challenge})
