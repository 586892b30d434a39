"""Pages for people: the landing page and /docs, drawn on the server from the same document as /v1/openapi.json."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template

from widget_server.act.notices import NOTICES
from widget_server.contract.events import BROWSER, EVENT_TYPES
from widget_server.contract.metrics import metrics
from widget_server.contract.placing import SETTINGS
from widget_server.contract.questions import question_types

from .openapi import document
from .resource import Resource
from .state import state

_CACHED = "public, max-age=300"
_METHODS = ("get", "post", "put", "patch", "delete")


def blueprint(resources: Mapping[str, Resource]) -> Blueprint:
    """`/`, `/docs` and `/v1/openapi.json`. The document is made once."""
    made = Blueprint("pages", __name__, template_folder="templates")
    of_address = cache(partial(document, resources))

    def spec() -> dict[str, Any]:
        return of_address(state().settings.base_url)

    for path, name, view in _views(spec):
        made.add_url_rule(path, name, view)
    made.after_request(_cached)
    return made


def _views(spec: Callable[[], dict[str, Any]]) -> list[tuple[str, str, Callable[[], Response]]]:
    def home() -> Response:
        return Response(render_template("home.html", base_url=state().settings.base_url))

    def docs() -> Response:
        return Response(
            render_template(
                "docs.html",
                base_url=state().settings.base_url,
                version=spec()["info"]["version"],
                sections=sections(spec()),
                metrics=metrics().values(),
                question_types=question_types().values(),
                placing=SETTINGS,
                event_types=[(name, kind.source) for name, kind in EVENT_TYPES.items()],
                notices=NOTICES,
                browser=sorted(BROWSER),
            )
        )

    def openapi() -> Response:
        return jsonify(spec())

    def icon() -> Response:
        return current_app.send_static_file("mark.svg")

    # Browsers ask for the icon by this name where a reply of ours is no page, as JSON is.
    return [("/", "home", home), ("/docs", "docs", docs), ("/v1/openapi.json", "openapi", openapi), ("/favicon.ico", "icon", icon)]


def sections(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The operations by tag, ready to be drawn."""
    found: dict[str, dict[str, Any]] = {tag["name"]: {**tag, "operations": []} for tag in spec["tags"]}
    for path, item in spec["paths"].items():
        shared = item.get("parameters", [])
        for method in _METHODS:
            if method in item:
                operation = item[method]
                found[operation["tags"][0]]["operations"].append(_operation(spec, path, method, operation, shared))
    return [section for section in found.values() if section["operations"]]


def _operation(
    spec: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any], shared: list[dict[str, Any]]
) -> dict[str, Any]:
    status, success = next((s, r) for s, r in operation["responses"].items() if s.startswith("2"))
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "about": operation["description"],
        "example": operation["x-codeSamples"][0]["source"],
        "parameters": [_parameter(p) for p in [*shared, *operation.get("parameters", [])]],
        "body": _fields(spec, operation.get("requestBody", {})),
        "status": status,
        "reply": _fields(spec, success),
        "refusals": [(s, r["description"]) for s, r in operation["responses"].items() if s != status],
    }


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    schema = parameter["schema"]
    return {
        "name": parameter["name"],
        "required": parameter.get("required", False),
        "type": _type(schema),
        "default": schema.get("default"),
        "about": parameter.get("description", ""),
    }


def _fields(spec: Mapping[str, Any], holder: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields of a body, those of nested objects by their dotted path."""
    content = holder.get("content", {}).get("application/json", {}).get("schema")
    return [] if content is None else list(_walk(spec, content, ""))


def _walk(spec: Mapping[str, Any], schema: Mapping[str, Any], before: str) -> list[dict[str, Any]]:
    schema = _resolved(spec, schema)
    found: list[dict[str, Any]] = []
    for name, raw in schema.get("properties", {}).items():
        inner = _resolved(spec, raw)
        path = f"{before}{name}"
        found.append(
            {
                "name": path,
                "required": name in schema.get("required", []),
                "type": _type(inner),
                "about": raw.get("description") or inner.get("description", ""),
            }
        )
        items = _resolved(spec, inner["items"]) if isinstance(inner.get("items"), dict) else inner
        below = f"{path}[]." if inner.get("type") == "array" else f"{path}."
        found.extend(_walk(spec, items, below))
    return found


def _resolved(spec: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref")
    if name is None and len(schema.get("allOf", [])) == 1:
        name = schema["allOf"][0].get("$ref")
    if name is None:
        return schema
    found: Mapping[str, Any] = spec["components"]["schemas"][name.rpartition("/")[2]]
    return found


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(str(option) for option in schema["enum"])
    kind = schema.get("format") or schema.get("type", "object")
    return " or ".join(str(each) for each in kind) if isinstance(kind, list) else str(kind)


def _cached(reply: Response) -> Response:
    reply.headers["Cache-Control"] = _CACHED
    return reply
