"""/v1/openapi.json for programs and /docs for people, both made from the same routes."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify

from .openapi import document
from .resource import Resource
from .state import state


def blueprint(resources: Mapping[str, Resource]) -> Blueprint:
    """The routes; the document is made once."""
    made = Blueprint("reference", __name__)
    spec: dict[str, Any] = {}

    def openapi() -> Response:
        if not spec:
            spec.update(document(resources, state().settings.base_url))
        reply = jsonify(spec)
        reply.headers["Cache-Control"] = "public, max-age=300"
        return reply

    made.add_url_rule("/v1/openapi.json", "openapi", openapi)
    return made
