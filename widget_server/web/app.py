"""The Flask app: everything that HTTP asks of us but the collector's three routes."""

from typing import Any

from flask import Flask

from widget_server.act.http import HttpClient
from widget_server.contract.registry import load_all
from widget_server.contract.settings import Settings
from widget_server.intake.readiness import Readiness
from widget_server.record.db import Database

from . import cors, errors, headers, health, hooks, pages, preview, snippet
from .dashboard import _app as dashboard
from .resource import Resource
from .state import State

# Nothing that the owner API takes comes near this.
_MOST_BYTES = 64 * 1024


def create_app(
    settings: Settings,
    database: Database,
    redis: Any,
    *,
    http: HttpClient | None = None,
) -> Flask:
    """The app for one process. `redis` is a redis-py client, which may be away; `http` checks the
    URLs of endpoints."""
    app = Flask("widget_server.web", static_folder="static/pages", static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = _MOST_BYTES
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    state = State(settings, database, redis, http or HttpClient(allow_private=settings.allow_private))
    state.install(app)
    dashboard.install(app, settings)
    errors.install(app, dashboard.problem)
    headers.install(app)
    cors.install(app)
    found = resources()
    for made in (
        *(resource.blueprint() for resource in found.values()),
        pages.blueprint(found),
        snippet.blueprint(),
        preview.blueprint(),
        hooks.blueprint(),
        *dashboard.blueprints(),
        health.blueprint(state, Readiness(redis, database, settings)),
    ):
        app.register_blueprint(made)
    return app


def resources() -> dict[str, Resource]:
    """The resources of the owner API by the name of their file."""
    return load_all("widget_server.web.api", "RESOURCE")
