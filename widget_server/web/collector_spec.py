"""The collector's three routes for /v1/openapi.json: what the snippet uses, with its exact limits.

The collector answers them in front of Flask (intake/collector.py); the event schemas are those of contract/events.py.
"""

from typing import Any

from apispec import APISpec
from marshmallow import Schema, fields

from widget_server.contract.events import BROWSER, EVENT_TYPES, MAX_EVENTS
from widget_server.intake.ask import SECONDS

from .shapes import ErrorShape

_SITE_KEY = {
    "name": "site_key",
    "in": "path",
    "required": True,
    "description": "the shop's public key",
    "schema": {"type": "string", "pattern": "^pk_[A-Za-z0-9]{20}$"},
}
_ORIGIN = {"schema": {"type": "string", "const": "*"}}
_CORS = {"Access-Control-Allow-Origin": _ORIGIN}
_REASON = {"X-Atbalss-Reason": {"description": "`message` once more, for the page's console", "schema": {"type": "string"}}}
_TEXT = "application/json"
EXAMPLES = {
    "ask": '"$HOST/v1/shops/$SITE_KEY/ask?lang=lv"',
    "answers": '-X POST "$HOST/v1/shops/$SITE_KEY/answers" -H "Content-Type: application/json" '
    """-d '{"events": [{"id": "0b7e1c5e-3f5a-4d0e-9a36-5f2d6a7b8c9d", "type": "answer.given", """
    """"at": "2026-11-22T10:00:00Z", "question": "search-found", "value": "no", "text": "a blue kettle"}]}'""",
    "asked": '-X POST "$HOST/v1/shops/$SITE_KEY/asked" -H "Content-Type: text/plain" -d "$ORDER_TOKEN"',
}


class Asking(Schema):
    question = fields.String(required=True)
    version = fields.Integer(required=True)
    type = fields.String(required=True)
    placement = fields.String(required=True)
    settings = fields.Dict(keys=fields.String(), required=True)
    texts = fields.Dict(
        keys=fields.String(), values=fields.String(),
        metadata={"description": "not there for the placement `page` when a placement was named: ask for the `question`"},
    )  # fmt: skip
    lang = fields.String(metadata={"description": "of its texts, where that is not the language of the reply"})


class AskedShop(Schema):
    site_key = fields.String(required=True)
    name = fields.String(required=True)


class Ask(Schema):
    shop = fields.Nested(AskedShop, metadata={"description": "not there when a placement was named: a page knows its shop"})
    lang = fields.String(required=True)
    widget = fields.Dict(keys=fields.String(), metadata={"description": "looks and manners, as far as they are not our own"})
    questions = fields.List(fields.Nested(Asking), required=True)
    paused = fields.List(fields.String(), metadata={"description": "only with `why`"})
    unscheduled = fields.List(fields.String(), metadata={"description": "only with `why`: not begun yet, or over"})


class Rejected(Schema):
    index = fields.Integer(required=True, metadata={"minimum": 0})
    errors = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class Accepted(Schema):
    accepted = fields.Integer(required=True, metadata={"minimum": 1})
    rejected = fields.List(fields.Nested(Rejected), required=True)


class Asked(Schema):
    answered = fields.List(
        fields.String(), required=True, metadata={"description": "questions; empty too when the token has expired"}
    )


def add(spec: APISpec) -> None:
    """Put the three routes and their schemas into `spec`."""
    _add_batch(spec)
    spec.tag({"name": "snippet", "description": "What the script in the shop's pages uses. No key; every reply may be read by any page."})
    for path, method, operation in (("ask", "get", _ask()), ("answers", "post", _answers()), ("asked", "post", _asked())):
        operation["x-codeSamples"] = [{"lang": "Shell", "source": f"curl {EXAMPLES[path]}"}]
        spec.path(f"/v1/shops/{{site_key}}/{path}", operations={method: operation}, parameters=[_SITE_KEY])


def _add_batch(spec: APISpec) -> None:
    names = []
    for name in sorted(BROWSER):
        made = EVENT_TYPES[name]
        spec.components.schema(made.fields.name, schema=made.fields.schema())
        component = spec.components.schemas[made.fields.name]
        if made.any_of:
            component["anyOf"] = [{"required": [field]} for field in made.any_of]
        names.append(made.fields.name)
    spec.components.schema("Batch", {
        "type": "object",
        "additionalProperties": False,
        "required": ["events"],
        "properties": {
            "sent_at": {"type": ["string", "null"], "format": "date-time", "description": "the browser's clock when it sent this"},
            "events": {
                "type": "array", "minItems": 1, "maxItems": MAX_EVENTS,
                "items": {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]},
            },
        },
    })  # fmt: skip


def _ask() -> dict[str, Any]:
    return {
        "operationId": "ask",
        "summary": "What to ask on this shop's pages",
        "description": f"The same for every visitor; cached for {SECONDS} s.",
        "tags": ["snippet"],
        "security": [],
        "parameters": [
            {"name": "lang", "in": "query", "schema": {"type": "string"}, "description": _LANG},
            {"name": "placement", "in": "query", "schema": {"type": "string"}, "description": _PLACEMENT},
            {"name": "question", "in": "query", "schema": {"type": "string"}, "description": "only the question of this name"},
            {"name": "why", "in": "query", "schema": {"type": "string"}, "description": "1: with the names of those that are paused or not on at this time"},
        ],
        "responses": {
            "200": {
                "description": "the questions in the best language there is",
                "headers": {**_CORS, "ETag": {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": Ask}},
            },
            "304": {"description": "Unchanged since the ETag in `If-None-Match`."},
            **_errors({404: "There is no such shop.", 503: "The shop can't be looked up; wait `Retry-After` seconds."}),
        },
    }


def _answers() -> dict[str, Any]:
    return {
        "operationId": "answers_post",
        "summary": "Events from browsers",
        "description": (
            f"At most {MAX_EVENTS} events and 64 KiB, as application/json or (the snippet's way, without a preflight) the same "
            "JSON as text/plain. An event is known by its `id`: sending it again changes nothing. An event that is stored "
            "or known counts as accepted; 202 means that it is on disk. What may not come from a shopper (a robot, a hidden "
            "field that was filled, a tap within 120 ms, too many from one network) is accepted too; the answer then waits in "
            "quarantine until the owner has looked at it."
        ),
        "tags": ["snippet"],
        "security": [],
        "requestBody": {"required": True, "content": {_TEXT: {"schema": {"$ref": "#/components/schemas/Batch"}}}},
        "responses": {
            "202": {
                "description": "At least one event is stored or was known.",
                "headers": _CORS,
                "content": {"application/json": {"schema": Accepted}},
            },
            **_errors({
                400: "The body is not JSON.",
                403: "The page's Origin is not a domain of the shop.",
                404: "There is no such shop.",
                408: _SLOW,
                413: "The body is larger than 64 KiB.",
                415: "The body is neither application/json nor text/plain, or it is encoded.",
                422: "No event can be taken; `errors` says why.",
                429: _BUSY,
                503: _AWAY,
            }),
        },
    }  # fmt: skip


def _asked() -> dict[str, Any]:
    return {
        "operationId": "asked",
        "summary": "Which questions the page of an order need not ask",
        "description": "Those that this order has answered, and those with `every_days` or `until_answered` that its "
        "customer has answered for another order recently enough. The body is the order token that the shop's server "
        "put into the page, as text/plain.",
        "tags": ["snippet"],
        "security": [],
        "requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}},
        "responses": {
            "200": {
                "description": "the names of the questions",
                "headers": _CORS,
                "content": {"application/json": {"schema": Asked}},
            },
            **_errors({
                403: "The page's Origin is not a domain of the shop.",
                404: "There is no such shop.",
                408: _SLOW,
                413: "The body is larger than 4 KiB.",
                415: "The body is neither text/plain nor application/json, or it is encoded.",
                422: "The order token is not valid.",
                429: _BUSY,
                503: _AWAY,
            }),
        },
    }  # fmt: skip


_PLACEMENT = "only the questions of this placement (search, order, product) and, without texts, those of `page`"
_LANG = "of the page, like lv or pt-BR; English stands in for a language without texts"
_SLOW = "The body did not come within 10 s."
_BUSY = "Too many requests; wait `Retry-After` seconds."
_AWAY = "Nothing can be stored at present; wait `Retry-After` seconds."
_RETRY = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}


def _errors(statuses: dict[int, str]) -> dict[str, Any]:
    return {
        str(status): {
            "description": text,
            "headers": {**_CORS, **_REASON, **(_RETRY if status in (408, 429, 503) else {})},
            "content": {"application/json": {"schema": ErrorShape}},
        }
        for status, text in statuses.items()
    }
