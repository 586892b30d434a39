"""Endpoints: where a shop's webhooks go."""

import time
from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy import Connection

from widget_server.act import notices
from widget_server.act.http import AddressRefused, NoAnswer, UrlRefused
from widget_server.act.notices import SCORE_UPDATED, TYPES
from widget_server.contract.fields import Flag
from widget_server.contract.times import format_time
from widget_server.record import endpoints as record
from widget_server.record import holds
from widget_server.record.endpoints import Endpoint, EndpointLimitError
from widget_server.web.errors import Problem, conflict, invalid, not_found
from widget_server.web.params import Params, of_kind
from widget_server.web.resource import Read, Resource, Write
from widget_server.web.state import state

_TYPES = f"Give a list of at least one of: {', '.join(TYPES)}."
# Every address of this form is taken (the real rule, act/http.py, takes a few more, such as names in Unicode).
_URL = r"^https://([a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?\.){1,5}[a-z]{2,20}(:443|:8443)?(/[A-Za-z0-9/_.~-]{0,500})?$"
_ID = {"endpoint": {"type": "string", "pattern": "^ep_[0-9a-f]{24}$", "example": "ep_0123456789abcdef01234567"}}
_NONE = {404: "The shop has no such endpoint."}

RESOURCE = Resource("endpoints", "Where signed webhooks go (Standard Webhooks).", place=50)


def _url(required: bool) -> fields.String:
    return fields.String(
        required=required,
        validate=validate.Length(1, 2048, error="Give an address of at most 2048 characters."),
        metadata={"format": "uri", "pattern": _URL, "example": "https://example.com/hooks/atbalss"},
    )


def _types(required: bool) -> fields.List[Any]:
    return fields.List(
        fields.String(validate=validate.OneOf(TYPES, error=_TYPES)),
        required=required,
        validate=validate.Length(1, len(TYPES), error=_TYPES),
        metadata={"description": "what to be told", "example": ["answer.given", SCORE_UPDATED]},
    )


class NewEndpointBody(Params):
    url = _url(required=True)
    types = _types(required=True)


class EndpointChange(Params):
    url = _url(required=False)
    types = _types(required=False)
    paused = of_kind(Flag(), "true: keep what comes; false: send it, also to an endpoint that was disabled")


class EndpointShape(Schema):
    id = fields.String(required=True)
    url = fields.String(required=True)
    types = fields.List(fields.String(), required=True)
    created = fields.String(required=True, metadata={"format": "date-time"})
    paused = fields.Boolean(required=True)
    disabled = fields.String(
        required=True, allow_none=True, metadata={"description": "why nothing is sent there any more, or null"}
    )
    disabled_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    failing_since = fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "date-time", "description": "since when nothing was taken, or null"},
    )
    waits_until = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "format": "date-time",
            "description": "it failed again and again, or asked for time: when it is tried again, or null",
        },
    )


class Endpoints(Schema):
    endpoints = fields.List(fields.Nested(EndpointShape), required=True)


class NewEndpoint(EndpointShape):
    secret = fields.String(required=True, metadata={"description": "whsec_..., shown only now"})


class NewSecret(Schema):
    secret = fields.String(required=True, metadata={"description": "whsec_..., shown only now"})
    old_valid_until = fields.String(required=True, metadata={"format": "date-time"})


class TestSent(Schema):
    delivery = fields.String(required=True, metadata={"description": "see `GET /v1/deliveries/{delivery}`"})


@RESOURCE.route(
    "GET",
    "/v1/endpoints",
    summary="All endpoints",
    reply=Endpoints,
    example='"$HOST/v1/endpoints" -H "Authorization: Bearer $KEY"',
)
def list_endpoints(call: Read) -> dict[str, Any]:
    """Oldest first. Secrets are not in here; nobody can read them again."""
    return {"endpoints": _shown(call.conn, record.of_shop(call.conn, call.shop.id))}


@RESOURCE.route(
    "POST",
    "/v1/endpoints",
    summary="Add an endpoint",
    body=NewEndpointBody,
    reply=NewEndpoint,
    status=201,
    refusals={409: "The address is not one of the open internet, or the shop has 50 endpoints."},
    example='-X POST "$HOST/v1/endpoints" -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" '
    """-d '{"url": "https://example.com/hooks/atbalss", "types": ["answer.given", "score.updated"]}'""",
)
def add_endpoint(call: Write) -> dict[str, Any]:
    """The reply has the secret that signs everything sent there; it is shown only now."""
    url = call.body["url"]
    _check(url)
    types = tuple(dict.fromkeys(call.body["types"]))
    try:
        with call.writing() as conn:
            made, secret = record.create(conn, call.shop.id, url, types, _now())
            return {**_shown(conn, [made])[0], "secret": secret}
    except EndpointLimitError as error:
        raise Problem(409, "conflict", str(error)) from error


@RESOURCE.route(
    "PATCH",
    "/v1/endpoints/{endpoint}",
    summary="Change, pause or resume an endpoint",
    body=EndpointChange,
    reply=EndpointShape,
    parameters=_ID,
    refusals={**_NONE, 409: "The address is not one of the open internet."},
    example='-X PATCH "$HOST/v1/endpoints/$ENDPOINT" -H "Authorization: Bearer $KEY" '
    """-H "Content-Type: application/json" -d '{"paused": false}'""",
)
def change_endpoint(call: Write, endpoint: str) -> dict[str, Any]:
    """What is queued goes to the new address. While paused, nothing is sent and what comes is kept, for thirty days.
    `"paused": false` also opens one that was disabled; what died meanwhile is sent again by a replay."""
    body, shop = call.body, call.shop.id
    if "url" in body:
        _check(body["url"])
    types = tuple(dict.fromkeys(body["types"])) if "types" in body else None
    with call.writing() as conn:
        if not record.change(conn, shop, endpoint, body.get("url"), types):
            raise _unknown()
        if body.get("paused") is True:
            record.pause(conn, shop, endpoint, _now())
        elif body.get("paused") is False:
            record.resume(conn, shop, endpoint)
        return _shown(conn, [_known(conn, shop, endpoint)])[0]


@RESOURCE.route(
    "DELETE",
    "/v1/endpoints/{endpoint}",
    summary="Delete an endpoint",
    reply=None,
    status=204,
    parameters=_ID,
    refusals=_NONE,
    example='-X DELETE "$HOST/v1/endpoints/$ENDPOINT" -H "Authorization: Bearer $KEY"',
)
def delete_endpoint(call: Write, endpoint: str) -> None:
    """Nothing more is sent there, what is queued included."""
    with call.writing() as conn:
        if not record.delete(conn, call.shop.id, endpoint, _now()):
            raise _unknown()


@RESOURCE.route(
    "POST",
    "/v1/endpoints/{endpoint}/secret",
    summary="Change an endpoint's secret",
    reply=NewSecret,
    status=201,
    parameters=_ID,
    refusals=_NONE,
    example='-X POST "$HOST/v1/endpoints/$ENDPOINT/secret" -H "Authorization: Bearer $KEY"',
)
def change_secret(call: Write, endpoint: str) -> dict[str, Any]:
    """The old one goes on signing beside the new one for a day, so that a receiver can change without missing
    anything."""
    now = _now()
    with call.writing() as conn:
        secret = record.rotate_secret(conn, call.shop.id, endpoint, now)
    if secret is None:
        raise _unknown()
    return {"secret": secret, "old_valid_until": format_time(now + record.ROTATION)}


@RESOURCE.route(
    "POST",
    "/v1/endpoints/{endpoint}/test",
    summary="Send a test",
    reply=TestSent,
    status=202,
    parameters=_ID,
    refusals={**_NONE, 409: "The endpoint is paused or disabled."},
    example='-X POST "$HOST/v1/endpoints/$ENDPOINT/test" -H "Authorization: Bearer $KEY"',
)
def test_endpoint(call: Write, endpoint: str) -> dict[str, Any]:
    """One webhook of type `endpoint.test`, signed and tried like any other, before all that waits for the endpoint. Asked
    again within five seconds, it is the same one."""
    shop = call.shop.id
    with call.writing() as conn:
        known = _known(conn, shop, endpoint)
        if known.paused_at is not None or known.disabled_at is not None:
            raise conflict({"endpoint": "It is paused or disabled; resume it first."})
        return {"delivery": notices.send_test(conn, shop, endpoint, _now())}


def _check(url: str) -> None:
    """An address we may never call is refused when it is saved, not when the first webhook fails."""
    try:
        state().http.check_url(url)
    except UrlRefused as error:
        raise invalid({"url": f"{error.reason[0].upper()}{error.reason[1:]}."}) from error
    except (AddressRefused, NoAnswer) as error:
        raise conflict({"url": f"{error.reason[0].upper()}{error.reason[1:]}."}) from error


def _known(conn: Connection, shop: str, endpoint: str) -> Endpoint:
    found = record.by_id(conn, shop, endpoint)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> Problem:
    return not_found("This shop has no such endpoint.")


def _shown(conn: Connection, found: Iterable[Endpoint]) -> list[dict[str, Any]]:
    found = list(found)
    waiting = holds.until(conn, [each.id for each in found], _now())
    return [_json(each, waiting.get(each.id)) for each in found]


def _json(endpoint: Endpoint, waits_until: int | None) -> dict[str, Any]:
    disabled = endpoint.disabled_at is not None
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "types": list(endpoint.types),
        "created": format_time(endpoint.created),
        "paused": endpoint.paused_at is not None,
        "disabled": endpoint.disabled_reason if disabled else None,
        "disabled_at": _time(endpoint.disabled_at),
        "failing_since": _time(endpoint.failing_since),
        "waits_until": _time(waits_until),
    }


def _time(ms: int | None) -> str | None:
    return None if ms is None else format_time(ms)


def _now() -> int:
    return int(time.time() * 1000)
