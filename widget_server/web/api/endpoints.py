"""Endpoints: where a shop's webhooks go."""

import time
from typing import Any

from marshmallow import Schema, fields, validate

from widget_server.act.evaluate import SCORE_UPDATED
from widget_server.act.http import AddressRefused, NoAnswer, UrlRefused
from widget_server.contract.events import EVENT_TYPES
from widget_server.contract.times import format_time
from widget_server.record import endpoints as record
from widget_server.record.endpoints import Endpoint, EndpointLimitError
from widget_server.web.errors import Problem, conflict, invalid, not_found
from widget_server.web.params import Params
from widget_server.web.resource import Read, Resource, Write
from widget_server.web.state import state

TYPES = (*sorted(EVENT_TYPES), SCORE_UPDATED)
_TYPES = f"Give a list of at least one of: {', '.join(TYPES)}."
# Every address of this form is taken (the real rule, act/http.py, takes a few more, such as names in Unicode).
_URL = r"^https://([a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?\.){1,5}[a-z]{2,20}(:443|:8443)?(/[A-Za-z0-9/_.~-]{0,500})?$"
_ID = {"endpoint": {"type": "string", "pattern": "^ep_[0-9a-f]{24}$", "example": "ep_0123456789abcdef01234567"}}
_NONE = {404: "The shop has no such endpoint."}

RESOURCE = Resource("endpoints", "Where signed webhooks go (Standard Webhooks).", place=50)


class NewEndpointBody(Params):
    url = fields.String(
        required=True,
        validate=validate.Length(1, 2048, error="Give an address of at most 2048 characters."),
        metadata={"format": "uri", "pattern": _URL, "example": "https://example.com/hooks/atbalss"},
    )
    types = fields.List(
        fields.String(validate=validate.OneOf(TYPES, error=_TYPES)),
        required=True,
        validate=validate.Length(1, len(TYPES), error=_TYPES),
        metadata={"description": "what to be told", "example": ["answer.given", SCORE_UPDATED]},
    )


class EndpointShape(Schema):
    id = fields.String(required=True)
    url = fields.String(required=True)
    types = fields.List(fields.String(), required=True)
    created = fields.String(required=True, metadata={"format": "date-time"})
    disabled = fields.String(
        required=True, allow_none=True, metadata={"description": "why nothing is sent there now, or null"}
    )


class Endpoints(Schema):
    endpoints = fields.List(fields.Nested(EndpointShape), required=True)


class NewEndpoint(EndpointShape):
    secret = fields.String(required=True, metadata={"description": "whsec_..., shown only now"})


class NewSecret(Schema):
    secret = fields.String(required=True, metadata={"description": "whsec_..., shown only now"})
    old_valid_until = fields.String(required=True, metadata={"format": "date-time"})


@RESOURCE.route(
    "GET",
    "/v1/endpoints",
    summary="All endpoints",
    reply=Endpoints,
    example='"$HOST/v1/endpoints" -H "Authorization: Bearer $KEY"',
)
def list_endpoints(call: Read) -> dict[str, Any]:
    """Oldest first. Secrets are not in here; nobody can read them again."""
    return {"endpoints": [_json(endpoint) for endpoint in record.of_shop(call.conn, call.shop.id)]}


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
    except EndpointLimitError as error:
        raise Problem(409, "conflict", str(error)) from error
    return {**_json(made), "secret": secret}


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


def _check(url: str) -> None:
    """An address we may never call is refused when it is saved, not when the first webhook fails."""
    try:
        state().http.check_url(url)
    except UrlRefused as error:
        raise invalid({"url": f"{error.reason[0].upper()}{error.reason[1:]}."}) from error
    except (AddressRefused, NoAnswer) as error:
        raise conflict({"url": f"{error.reason[0].upper()}{error.reason[1:]}."}) from error


def _unknown() -> Problem:
    return not_found("This shop has no such endpoint.")


def _json(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "types": list(endpoint.types),
        "created": format_time(endpoint.created),
        "disabled": endpoint.disabled_reason if endpoint.disabled_at is not None else None,
    }


def _now() -> int:
    return int(time.time() * 1000)
