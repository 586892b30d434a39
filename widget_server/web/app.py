"""The Flask app: everything that HTTP asks of us but the collector's three routes."""

from typing import Any

from flask import Flask

from widget_server.act.http import HttpClient
from widget_server.contract.registry import load_all
from widget_server.contract.settings import Settings
from widget_server.record.db import Database

from . import cors, errors, headers, health, hooks, pages, preview, snippet
from .dashboard import _app as dashboard
from .resource import Resource
from .state import State

# Nothing that the owner API takes comes near this.
_MOST_BYTES = 64 * 1024
# Where `app.extensions` says which of them belong to the routes; others remember what the app works with.
_OF_ROUTES = "atbalss-routes"


def create_app(
    settings: Settings,
    database: Database,
    redis: Any,
    *,
    http: HttpClient | None = None,
) -> Flask:
    """The app for one process. `redis` is a redis-py client, which may be away; `http` checks the
    URLs of endpoints."""
    app = _routed()
    equip(app, settings, database, redis, http=http)
    return app


def equip(
    app: Flask,
    settings: Settings,
    database: Database,
    redis: Any,
    *,
    http: HttpClient | None = None,
) -> None:
    """Have `app` work with these from now on, and with nothing that it had before: its routes and templates, which take
    most of the time to make, are the same for all. (Tests lend an app to one after another.)"""
    for name in app.extensions.keys() - app.extensions[_OF_ROUTES]:
        del app.extensions[name]
    state = State(settings, database, redis, http or HttpClient(allow_private=settings.allow_private))
    state.install(app)
    health.install(app, state)
    dashboard.equip(app, settings)


def _routed() -> Flask:
    app = Flask("widget_server.web", static_folder="static/pages", static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = _MOST_BYTES
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    dashboard.install(app)
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
        health.blueprint(),
    ):
        app.register_blueprint(made)
    app.extensions[_OF_ROUTES] = {*app.extensions, _OF_ROUTES}
    return app


def resources() -> dict[str, Resource]:
    """The resources of the owner API by the name of their file."""
    return load_all("widget_server.web.api", "RESOURCE")
