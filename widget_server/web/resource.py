"""A resource of the owner API: its routes, each with the schemas that check it and that /v1/openapi.json shows.

A file in `api/` defines `RESOURCE`; nothing else has to be edited. Every route needs the shop's key, and what it may
see is that shop's only: the shop comes from the key and from nowhere else.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, jsonify, request
from marshmallow import Schema
from sqlalchemy import Connection

from widget_server.contract.shop import Shop

from .auth import shop_of_request
from .errors import not_found
from .params import Nothing, load, read_body, read_query
from .state import state


@dataclass(frozen=True)
class Read:
    """A checked GET. `conn` is a snapshot that the check of the key has seen too."""

    conn: Connection
    shop: Shop
    query: Mapping[str, Any]


@dataclass(frozen=True)
class Write:
    """A checked request that changes something. `writing` opens the one transaction to do it in.

    Not opened yet, so that nothing slow happens inside, and nobody without a key makes others wait for the write lock.
    """

    shop: Shop
    body: Mapping[str, Any]
    writing: Callable[[], AbstractContextManager[Connection]]


Handler = Callable[..., Any]


@dataclass(frozen=True)
class Route:
    """`example` is what follows `curl` in the documentation, with $HOST and $KEY in it."""

    method: str
    path: str
    handler: Handler
    summary: str
    reply: type[Schema] | None
    query: type[Schema]
    body: type[Schema] | None
    status: int
    refusals: Mapping[int, str]
    parameters: Mapping[str, Mapping[str, Any]]
    example: str
    about: str
    body_optional: bool = False

    @property
    def name(self) -> str:
        return self.handler.__name__


@dataclass
class Resource:
    """Routes that belong together. `about` is the sentence above them in the documentation, which is sorted by
    `place` and then by name."""

    name: str
    about: str
    place: int = 100
    routes: list[Route] = field(default_factory=list)

    def route(
        self,
        method: str,
        path: str,
        *,
        summary: str,
        example: str,
        reply: type[Schema] | None,
        query: type[Schema] = Nothing,
        body: type[Schema] | None = None,
        body_optional: bool = False,
        status: int = 200,
        refusals: Mapping[int, str] | None = None,
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Make a function a route. `refusals` are the statuses of its own, `parameters` those in the path. With
        `body_optional` no body at all is an empty object."""

        def add(handler: Handler) -> Handler:
            about = (handler.__doc__ or "").strip()
            self.routes.append(
                Route(
                    method, path, handler, summary, reply, query, body, status, refusals or {}, parameters or {},
                    example, about, body_optional,
                )
            )  # fmt: skip
            return handler

        return add

    def blueprint(self) -> Blueprint:
        """The routes as Flask wants them."""
        made = Blueprint(f"v1_{self.name}", __name__)
        for route in self.routes:
            path = route.path.replace("{", "<").replace("}", ">")
            made.add_url_rule(path, route.name, _view(route), methods=[route.method])
        return made


def _view(route: Route) -> Callable[..., Response]:
    def read(**path: str) -> Response:
        with state().database.reading() as conn:
            shop = shop_of_request(conn)
            _check_path(path)
            return _reply(route, route.handler(Read(conn, shop, read_query(route.query)), **path))

    def write(**path: str) -> Response:
        with state().database.reading() as conn:
            shop = shop_of_request(conn)
        _check_path(path)
        read_query(Nothing)
        body = _body(route)
        return _reply(route, route.handler(Write(shop, body, state().database.writing), **path))

    return read if route.method == "GET" else write


def _body(route: Route) -> Mapping[str, Any]:
    if route.body is None:
        return {}
    return load(route.body, {}) if route.body_optional and not request.get_data() else read_body(route.body)


def _check_path(path: Mapping[str, str]) -> None:
    """PostgreSQL takes no NUL, and nothing of ours has one in its name."""
    if any("\0" in value for value in path.values()):
        raise not_found("There is nothing here.")


def _reply(route: Route, made: Any) -> Response:
    reply = Response() if route.reply is None else jsonify(made)
    reply.status_code = route.status
    if route.reply is None:
        del reply.headers["Content-Type"]
    return reply
