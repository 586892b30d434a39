"""Connections: the shop on the platforms it uses. What has to be done there, coupons and points, goes to one of them."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import orjson
from marshmallow import Schema, fields
from sqlalchemy import Connection

from integrations import Finder, Integration
from widget_server.act import grants, jobs, reconcile
from widget_server.act.http import AddressRefused, NoAnswer, UrlRefused
from widget_server.act.inbound import receiving
from widget_server.contract.connecting import LONGEST, Form, filled_in, shown
from widget_server.contract.fields import Flag
from widget_server.contract.platforms import platforms
from widget_server.contract.times import format_time
from widget_server.record import connections as record
from widget_server.record import outbox
from widget_server.record.connections import ConnectionLimitError, ShopConnection
from widget_server.record.db import lock_shops
from widget_server.web.errors import Problem, conflict, invalid, not_found
from widget_server.web.params import Params, choice, line, of_kind
from widget_server.web.resource import Read, Resource, Write
from widget_server.web.state import state

RESOURCE = Resource("connections", "The shop on the platforms it uses: who tells us of orders, and who makes coupons.", place=48)

# A platform that doesn't answer holds up whoever asked, and not everybody else's pages.
_PATIENCE = 5.0
# Addresses are looked up before anything is locked, so others may be faster: so often it is begun anew.
_TRIES = 5
_trying = threading.BoundedSemaphore(2)
_NONE = {404: "The shop has no such connection."}
_ADDRESS = "An address among the settings is not one of the open internet"
_ID = {"connection": {"type": "string", "pattern": "^con_[0-9a-f]{24}$", "example": "con_0123456789abcdef01234567"}}


def _settings(**more: Any) -> fields.Dict:
    return fields.Dict(
        keys=fields.String(),
        metadata={
            "additionalProperties": {"type": ["string", "null"], "maxLength": LONGEST},
            "description": "those of the platform (`GET /v1/platforms`); null takes one away, or has it made anew",
            "example": {"url": "https://example.com/atbalss"},
        },
        **more,
    )


class NewConnectionBody(Params):
    platform = choice(*sorted(platforms()), help="which platform")
    name = line(100, "how people call it; the platform's name when not given", "Main shop")
    settings = _settings(load_default=dict)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields["platform"].required = True


class ConnectionChange(Params):
    name = line(100, "how people call it", "Main shop")
    settings = _settings()
    paused = of_kind(Flag(), "whether nothing is sent there for the time being")


class SettingShape(Schema):
    name = fields.String(required=True)
    label = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "text, url, secret or number"})
    required = fields.Boolean(required=True)
    secret = fields.Boolean(required=True, metadata={"description": "never shown again"})


class PlatformShape(Schema):
    name = fields.String(required=True)
    settings = fields.List(fields.Nested(SettingShape), required=True)
    takes = fields.List(
        fields.String(), required=True, metadata={"description": "what can be sent there: coupon.issue, points.grant ..."}
    )
    sends = fields.List(fields.String(), required=True, metadata={"description": "the topics it tells us of"})


class Platforms(Schema):
    platforms = fields.List(fields.Nested(PlatformShape), required=True)


class HealthShape(Schema):
    ok = fields.Boolean(required=True)
    problems = fields.List(fields.String(), required=True)
    checked_at = fields.String(required=True, metadata={"format": "date-time"})


class ConnectionShape(Schema):
    id = fields.String(required=True)
    platform = fields.String(required=True)
    name = fields.String(required=True)
    settings = fields.Dict(
        keys=fields.String(), values=fields.String(), required=True, metadata={"description": "secrets are masked"}
    )
    created = fields.String(required=True, metadata={"format": "date-time"})
    paused = fields.String(
        required=True, allow_none=True, metadata={"description": "why nothing is sent there now, or null"}
    )
    failing_since = fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "date-time", "description": "since when nothing was taken, or null"},
    )
    last_error = fields.String(
        required=True, allow_none=True, metadata={"description": "while it fails: why a message was not taken"}
    )
    health = fields.Nested(
        HealthShape,
        required=True,
        allow_none=True,
        metadata={"description": "what was found when it was last looked at or tried; null when that was never, or its settings were changed since"},
    )
    address = fields.String(
        required=True, allow_none=True, metadata={"description": "where the platform should send its webhooks, or null"}
    )


class Connections(Schema):
    connections = fields.List(fields.Nested(ConnectionShape), required=True)


class SavedConnection(ConnectionShape):
    made = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "settings that were made for you, secrets too; shown only now"},
    )


@RESOURCE.route(
    "GET",
    "/v1/platforms",
    summary="What can be connected",
    reply=Platforms,
    example='"$HOST/v1/platforms" -H "Authorization: Bearer $KEY"',
)
def list_platforms(call: Read) -> dict[str, Any]:
    """With the settings that each needs."""
    return {"platforms": [_platform(each) for each in platforms().values()]}


@RESOURCE.route(
    "GET",
    "/v1/connections",
    summary="All connections",
    reply=Connections,
    example='"$HOST/v1/connections" -H "Authorization: Bearer $KEY"',
)
def list_connections(call: Read) -> dict[str, Any]:
    """Oldest first. Coupons and points go to the oldest one that takes them and is not paused."""
    return {"connections": [_json(call.conn, each) for each in record.of_shop(call.conn, call.shop.id)]}


@RESOURCE.route(
    "POST",
    "/v1/connections",
    summary="Connect a platform",
    body=NewConnectionBody,
    reply=SavedConnection,
    status=201,
    refusals={409: f"{_ADDRESS}, or the shop has {record.LIMIT} connections."},
    example='-X POST "$HOST/v1/connections" -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" '
    """-d '{"platform": "webhook", "settings": {"url": "https://example.com/atbalss"}}'""",
)
def add_connection(call: Write) -> dict[str, Any]:
    """`platform: webhook` takes coupons and points as signed webhooks to an address of yours. Coupons that were planned
    while there was nobody to make them are sent now."""
    body, now = call.body, _now()
    code = platforms()[body["platform"]]
    form = _checked(filled_in(code, body["settings"]))
    try:
        with call.writing() as conn:
            lock_shops(conn, [call.shop.id])
            name = body.get("name", code.name)
            made = record.create(conn, call.shop.id, code.name, name, form.settings, now)
            grants.waiting(conn, call.shop.id, now)
            told = _json(conn, made)
    except ConnectionLimitError as error:
        raise Problem(409, "conflict", str(error)) from error
    _look_soon(made)
    return {**told, "made": dict(form.made)}


@RESOURCE.route(
    "PATCH",
    "/v1/connections/{connection}",
    summary="Change, pause or resume a connection",
    body=ConnectionChange,
    reply=SavedConnection,
    parameters=_ID,
    refusals={**_NONE, 409: f"{_ADDRESS}, or others change the settings at the same time again and again."},
    example='-X PATCH "$HOST/v1/connections/$CONNECTION" -H "Authorization: Bearer $KEY" '
    """-H "Content-Type: application/json" -d '{"paused": false}'""",
)
def change_connection(call: Write, connection: str) -> dict[str, Any]:
    """Settings one by one: what is not named stays. While it is paused nothing is sent there, and what is queued for it
    waits; once it is not, what failed before is tried again at once."""
    for _ in range(_TRIES):
        told = _changed(call, connection)
        if told is not None:
            return told
    raise conflict({"settings": "Somebody else changes them just now; read them and try again."})


def _changed(call: Write, connection: str) -> dict[str, Any] | None:
    """None when somebody else has changed the settings since they were read: nothing is changed then."""
    body, shop, now = call.body, call.shop.id, _now()
    with state().database.reading() as conn:
        known = _known(conn, shop, connection)
    form = None
    if "settings" in body:
        form = _checked(filled_in(_code(known), body["settings"], known.settings))
    with call.writing() as conn:
        lock_shops(conn, [shop])
        if form is not None and _known(conn, shop, connection).settings != known.settings:
            return None
        record.change(
            conn, shop, connection, name=body.get("name"), settings=None if form is None else form.settings
        )
        if body.get("paused") is True:
            record.pause(conn, connection, record.BY_OWNER, now)
        elif body.get("paused") is False:
            grants.resume(conn, shop, connection, now)
        changed = _known(conn, shop, connection)
        told = _json(conn, changed)
    if form is not None and changed.paused is None:
        _look_soon(changed)
    return {**told, "made": {} if form is None else dict(form.made)}


@RESOURCE.route(
    "DELETE",
    "/v1/connections/{connection}",
    summary="Delete a connection",
    reply=None,
    status=204,
    parameters=_ID,
    refusals=_NONE,
    example='-X DELETE "$HOST/v1/connections/$CONNECTION" -H "Authorization: Bearer $KEY"',
)
def delete_connection(call: Write, connection: str) -> None:
    """Its settings are gone at once. What surely has not arrived there goes to another connection, or waits for one."""
    now = _now()
    with call.writing() as conn:
        lock_shops(conn, [call.shop.id])
        if not record.delete(conn, call.shop.id, connection, now):
            raise _unknown()
        grants.leave(conn, call.shop.id, connection, now)


@RESOURCE.route(
    "POST",
    "/v1/connections/{connection}/test",
    summary="Try a connection",
    reply=HealthShape,
    parameters=_ID,
    refusals={**_NONE, 409: "The connection is paused."},
    example='-X POST "$HOST/v1/connections/$CONNECTION/test" -H "Authorization: Bearer $KEY"',
)
def try_connection(call: Write, connection: str) -> dict[str, Any]:
    """Asks the platform whether it knows us and can be asked about what it got; nothing is changed there."""
    with state().database.reading() as conn:
        known = _known(conn, call.shop.id, connection)
    if known.paused is not None:
        raise conflict({"connection": "It is paused; resume it first."})
    told = _try(known)
    health = {"ok": not told, "problems": told, "checked_at": format_time(_now())}
    with call.writing() as conn:
        record.set_health(conn, connection, orjson.dumps(health).decode())
    return health


def _try(connection: ShopConnection) -> list[str]:
    if not _trying.acquire(blocking=False):
        raise Problem(503, "unavailable", "Others are being tried; try again soon.", headers={"Retry-After": "5"})
    try:
        http = state().http.within(_PATIENCE)
        told: list[str] = []
        if receiving(connection.platform) is not None:
            told += reconcile.check(state().database, http, connection.id, state().settings.base_url, _now())
        code = _code(connection)
        if isinstance(code, Finder):
            told += grants.problems(code, connection.settings, http)
        return told
    finally:
        _trying.release()


def _look_soon(connection: ShopConnection) -> None:
    if receiving(connection.platform) is not None:
        jobs.reconcile_soon(state().redis, connection.id)


def _checked(form: Form) -> Form:
    """What is wrong in itself is refused, and an address we may never call, when it is saved and not when it is used."""
    if form.errors:
        raise invalid({f"settings.{name}": said for name, said in form.errors.items()})
    for name, url in form.urls.items():
        try:
            state().http.check_url(url)
        except UrlRefused as error:
            raise invalid({f"settings.{name}": _sentence(error.reason)}) from error
        except (AddressRefused, NoAnswer) as error:
            raise conflict({f"settings.{name}": _sentence(error.reason)}) from error
    return form


def _sentence(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:]}."


def _known(conn: Connection, shop: str, connection: str) -> ShopConnection:
    found = record.by_id(conn, shop, connection)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> Problem:
    return not_found("This shop has no such connection.")


def _code(connection: ShopConnection) -> Integration:
    found = platforms().get(connection.platform)
    if found is None:
        raise Problem(409, "conflict", f"There is no code for {connection.platform} here any more.")
    return found


def _platform(code: Integration) -> dict[str, Any]:
    receiver = receiving(code.name)
    return {
        "name": code.name,
        "settings": [
            {
                "name": setting.name,
                "label": setting.label,
                "kind": setting.kind,
                "required": setting.required and setting.make is None,
                "secret": setting.secret,
            }
            for setting in code.settings
        ],
        "takes": sorted(grants.TYPES[each.__name__] for each in code.handles if each.__name__ in grants.TYPES),
        "sends": [] if receiver is None else list(receiver.topics),
    }


def _json(conn: Connection, connection: ShopConnection) -> dict[str, Any]:
    code = platforms().get(connection.platform)
    receives = receiving(connection.platform) is not None
    health: Mapping[str, Any] | None = None if connection.health is None else orjson.loads(connection.health)
    since = connection.failing_since
    return {
        "id": connection.id,
        "platform": connection.platform,
        "name": connection.name,
        "settings": {} if code is None else shown(code, connection.settings),
        "created": format_time(connection.created),
        "paused": connection.paused,
        "failing_since": None if since is None else format_time(since),
        "last_error": None if since is None else outbox.trouble(conn, connection.id),
        "health": health,
        "address": reconcile.address(state().settings.base_url, connection) if receives else None,
    }


def _now() -> int:
    return time.time_ns() // 1_000_000
