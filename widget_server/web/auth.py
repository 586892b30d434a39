"""Who is asking: the shop of `Authorization: Bearer sk_...`."""

import time

from flask import g, request
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from widget_server.contract.shop import Shop
from widget_server.record import keys, shops
from widget_server.record.db import is_passing
from widget_server.record.keys import Presented

from .errors import Problem
from .state import state

_REALM = 'Bearer realm="atbalss"'


def shop_of_request(conn: Connection) -> Shop:
    """The shop whose key came with this request, or 401."""
    header = request.headers.get("Authorization", "")
    scheme, _, presented = header.partition(" ")
    if scheme.lower() != "bearer" or not presented.strip():
        raise _unauthorized("Send the shop's API key as `Authorization: Bearer sk_...`.", _REALM)
    found = keys.find(conn, presented.strip())
    shop = None if found is None else shops.by_id(conn, found.shop)
    if found is None or shop is None:
        raise _unauthorized("This API key is not valid.", f'{_REALM}, error="invalid_token"')
    g.shop = shop.id
    if not found.is_noted:
        _note_used(found)
    return shop


def _note_used(found: Presented) -> None:
    """So that owners see which keys nobody needs. Reading goes on while nothing can be written."""
    try:
        with state().database.writing() as conn:
            keys.note_used(conn, found.id, time.time_ns() // 1_000_000)
    except DBAPIError as error:
        if not is_passing(error):
            raise


def _unauthorized(message: str, challenge: str) -> Problem:
    return Problem(401, "unauthorized", message, headers={"WWW-Authenticate": challenge})
