"""Where platforms send their webhooks: POST /v1/hooks/{platform}/{connection}.

A 200 means that the request is in the database, on disk. Before that only its size and its signature, over the bytes
as they came, are looked at; what it says is read afterwards (act/inbound.py). While the database is away the answer is
503: the secret that tells a friend from a stranger is in there, and what nobody has vouched for must not fill a disk.
Platforms that repeat then do; what one of those that don't had to say is found by `reconcile`.
"""

import re
import time
from typing import Any

from apispec import APISpec
from flask import Blueprint, Response, jsonify, request

from integrations import Inbound
from integrations.signing import SignatureError
from widget_server.act.crash import crash_point
from widget_server.act.inbound import receiving
from widget_server.contract.platforms import platforms
from widget_server.record import connections, inbox
from widget_server.record.inbox import Taken

from .errors import Problem, not_found
from .shapes import ErrorShape
from .state import state

MOST_BYTES = 1024 * 1024
_PATH = "/v1/hooks/<platform>/<connection>"
_ID = re.compile(r"con_[0-9a-f]{24}", re.ASCII)
_FULL_SECONDS = 60
_EXAMPLE = (
    '-X POST "$HOST/v1/hooks/woocommerce/$CONNECTION" -H "Content-Type: application/x-www-form-urlencoded" '
    '-d "webhook_id=1"'
)


def blueprint() -> Blueprint:
    made = Blueprint("hooks", __name__)
    # Exactly this address: a redirect would count as delivered for a platform that does not follow it.
    made.add_url_rule(_PATH, "take", take, methods=["POST"], strict_slashes=True, merge_slashes=False)
    return made


def take(platform: str, connection: str) -> Response:
    """Verify, keep, answer."""
    request.max_content_length = MOST_BYTES
    body = request.get_data(cache=False)
    integration = receiving(platform)
    if integration is None or not _ID.fullmatch(connection):
        raise _unknown()
    with state().database.reading() as conn:
        sender = connections.by_address(conn, platform, connection)
    if sender is None:
        raise _unknown()
    # A header that comes twice is one value here, with both in it, and so no signature.
    headers = {name.lower(): value for name, value in request.headers.items()}
    given = Inbound(headers, body, time.time_ns() // 1_000_000)
    if integration.is_ping(given):
        return _fine()
    try:
        integration.verify(given, sender.settings)
    except SignatureError as error:
        raise Problem(401, "unauthorized", f"The signature is not that of this connection ({error.reason}).") from error
    topic = integration.topic(given)
    if topic not in integration.topics:
        return _fine()
    taken = Taken(sender.id, integration.delivery(given), sender.shop, given.received, topic, headers, body)
    with state().database.writing() as conn:
        if inbox.is_full(conn, sender.id):
            raise Problem(503, "unavailable", "Too much waits here; try again soon.", headers={"Retry-After": str(_FULL_SECONDS)})
        inbox.put(conn, taken)
    crash_point("request of a platform kept, not answered")
    return _fine()


def add(spec: APISpec) -> None:
    """Put the route into the OpenAPI document."""
    names = [name for name in sorted(platforms()) if receiving(name) is not None]
    refused: dict[int, str] = {
        401: "The signature is missing or not that of this connection.",
        404: "There is no such connection.",
        413: f"The body is larger than {MOST_BYTES // 1024} KiB.",
        503: "The database is away, or too much waits; send it again after `Retry-After` seconds.",
    }
    retry = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
    operation: dict[str, Any] = {
        "operationId": "hook",
        "summary": "Webhooks of shop platforms",
        "description": "The address for a platform's webhooks. What is sent must be signed as that platform signs; 200 "
        "means that it is on disk. The same delivery again changes nothing, and topics that we don't know are answered "
        "200 and forgotten. The example is the unsigned trial that WooCommerce sends when a webhook is saved.",
        "tags": ["hooks"],
        "security": [],
        "requestBody": {"required": True, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
        "responses": {
            "200": {"description": "taken", "content": {"application/json": {"schema": {"type": "object"}}}},
            **{
                str(status): {
                    "description": text,
                    "content": {"application/json": {"schema": ErrorShape}},
                    **({"headers": retry} if status == 503 else {}),
                }
                for status, text in refused.items()
            },
        },
        "x-codeSamples": [{"lang": "Shell", "source": f"curl {_EXAMPLE}"}],
    }
    spec.tag({"name": "hooks", "description": "Where platforms send their webhooks."})
    spec.path(
        "/v1/hooks/{platform}/{connection}",
        operations={"post": operation},
        parameters=[
            {"name": "platform", "in": "path", "required": True, "schema": {"type": "string", "enum": names}},
            {
                "name": "connection", "in": "path", "required": True, "description": "of GET /v1/connections",
                "schema": {"type": "string", "pattern": f"^{_ID.pattern}$"},
            },
        ],
    )  # fmt: skip


def _fine() -> Response:
    return jsonify({})


def _unknown() -> Problem:
    return not_found("There is no such connection.")
