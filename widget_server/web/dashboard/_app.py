"""The owner's pages as a part of the app: what is found in this folder, the sign-in, and how a failure looks there."""

from functools import cache

from flask import Blueprint, Flask, Response, g, make_response
from flask_babel import get_locale

from widget_server.contract.registry import load_all
from widget_server.contract.settings import Settings
from widget_server.web.errors import Problem

from . import _assets, _attention, _formats, _gate, _home, _links, _session, _sign_in, _texts
from ._page import Page, draw, is_here, menu, visit_of_request

_PACKAGE = "widget_server.web.dashboard"


def equip(app: Flask, settings: Settings) -> None:
    """The cookie of the pages."""
    _session.install(app, settings)


def install(app: Flask) -> None:
    """Forms, language and templates of the pages."""
    _gate.install(app)
    _texts.install(app, _language, _time_zone)
    _formats.install(app)
    _assets.install(app)
    _attention.install(app)
    app.jinja_env.globals.update(get_locale=get_locale, menu=menu, is_here=is_here)


def pages() -> dict[str, Page]:
    """The pages by the name of their file."""
    return dict(_pages())


def blueprints() -> list[Blueprint]:
    """All routes under /app."""
    found = pages()
    every = list(found.values())
    return [
        _gate.open_blueprint("sign_in", _sign_in.VIEWS),
        _gate.open_blueprint("links", _links.VIEWS),
        _gate.blueprint("app", _home.PAGE, every),
        *(_gate.blueprint(name, page, every) for name, page in found.items()),
    ]


def problem(failed: Problem) -> Response:
    """The page that says what went wrong."""
    made = make_response(draw("problem.html", status=failed.status, code=failed.code, request_id=g.get("request_id")))
    made.status_code = failed.status
    assert isinstance(made, Response)
    return made


@cache
def _pages() -> tuple[tuple[str, Page], ...]:
    return tuple(load_all(_PACKAGE, "PAGE").items())


def _language() -> str | None:
    visit = visit_of_request()
    return None if visit is None else visit.member.language


def _time_zone() -> str | None:
    visit = visit_of_request()
    return None if visit is None else visit.shop.time_zone
