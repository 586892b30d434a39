"""/v1/openapi.json: made from the schemas that check requests, so that it can't say anything else than they do."""

import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import validate
from marshmallow.fields import Field

from . import collector_spec, hooks
from .resource import Resource, Route
from .shapes import ErrorShape

KEY: list[dict[str, list[str]]] = [{"apiKey": []}]
_ABOUT = (
    "Read what shoppers answered, and manage where signed webhooks go. Every route of the owner API needs the shop's "
    "API key; the routes below `/v1/shops/` are those of the snippet and need none."
)
# What any request may meet, by status.
_ANY = {503: "The database is away, or the server is not ready; try again after `Retry-After` seconds."}
_OWNER = {401: "The API key is missing or not valid.", 422: "A parameter or field is wrong; `errors` names it."}
_BODY = {
    400: "The body is not JSON.",
    413: "The body is larger than 64 KiB.",
    415: "The body is not sent as application/json.",
}


def document(resources: Mapping[str, Resource], base_url: str) -> dict[str, Any]:
    """The whole OpenAPI document."""
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    spec = APISpec(
        title="Atbalss",
        version=version("atbalss"),
        openapi_version="3.1.0",
        plugins=[plugin],
        info={"description": _ABOUT, "license": {"name": "MIT", "identifier": "MIT"}},
        servers=[{"url": base_url}],
    )
    assert plugin.converter is not None
    plugin.converter.add_attribute_function(_checks_as_pattern)  # type: ignore[no-untyped-call]
    spec.components.security_scheme(
        "apiKey", {"type": "http", "scheme": "bearer", "description": "`sk_...`, told once when the shop is added"}
    )
    spec.components.schema("Error", schema=ErrorShape)
    for resource in sorted(resources.values(), key=lambda r: (r.place, r.name)):
        spec.tag({"name": resource.name, "description": resource.about})
        for route in resource.routes:
            spec.path(route.path, operations={route.method.lower(): _operation(plugin, resource, route)})
    collector_spec.add(spec)
    hooks.add(spec)
    made = _plain_patterns(spec.to_dict())
    assert isinstance(made, dict)
    return made


def _refused(status: int, text: str) -> dict[str, Any]:
    reply: dict[str, Any] = {"description": text, "content": {"application/json": {"schema": ErrorShape}}}
    if status == 503:
        reply["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
    return reply


def _operation(plugin: MarshmallowPlugin, resource: Resource, route: Route) -> dict[str, Any]:
    assert plugin.converter is not None
    path = [
        {"name": name, "in": "path", "required": True, "schema": dict(schema)} for name, schema in route.parameters.items()
    ]
    refusals = {**_ANY, **_OWNER, **(_BODY if route.body else {}), **route.refusals}
    success: dict[str, Any] = {"description": route.summary}
    if route.reply is not None:
        success["content"] = {"application/json": {"schema": route.reply}}
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": " ".join(route.about.split()),
        "tags": [resource.name],
        "security": KEY,
        "parameters": path + plugin.converter.schema2parameters(route.query, location="query"),
        "responses": {
            str(route.status): success,
            **{str(status): _refused(status, text) for status, text in sorted(refusals.items())},
        },
        "x-codeSamples": [{"lang": "Shell", "source": f"curl {route.example}"}],
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": not route.body_optional,
            "content": {"application/json": {"schema": route.body}},
        }
    return operation


def _name(schema: Any) -> str:
    made = schema if isinstance(schema, type) else type(schema)
    return made.__name__.removesuffix("Shape")


def _checks_as_pattern(self: Any, field: Field[Any], **_: Any) -> dict[str, Any]:
    """Checks that forbid a class of characters, as a pattern: apispec knows only marshmallow's own validators."""
    for check in field.validators:
        forbidden = getattr(check, "pattern", None)
        if isinstance(forbidden, re.Pattern) and not isinstance(check, validate.Regexp):
            return {"pattern": f"^[^{forbidden.pattern[1:-1]}]*$"}
    return {}


def _plain_patterns(value: Any) -> Any:
    r"""Python's `(?:...)\Z` as `^(?:...)$`, and no lone surrogates: JSON Schema patterns are those of ECMAScript."""
    if isinstance(value, list):
        return [_plain_patterns(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {name: _plain_patterns(item) for name, item in value.items()}
    pattern = found.get("pattern")
    if isinstance(pattern, str):
        if pattern.endswith(r"\Z"):
            pattern = f"^{pattern.removeprefix('^').removesuffix(chr(92) + 'Z')}$"
        found["pattern"] = pattern.replace(r"\ud800-\udfff", "")
    return found
