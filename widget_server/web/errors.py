"""One error shape for everything that Flask answers: {"code", "message", "errors"}; on the owner's pages, a page.

`code` is for programs, `message` is one sentence for people, `errors` names each wrong field (dotted path: sentence).
422: a parameter or field is wrong in itself. 409: right in itself, but it contradicts another one or what the shop has.
"""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, jsonify, request
from werkzeug.exceptions import HTTPException

from widget_server.record.db import is_passing

from .headers import is_of_owners

log = structlog.get_logger(__name__)

RETRY_AFTER = 5
_PAGE = "atbalss-error-page"


class Problem(Exception):
    """Ends a request with the error shape."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = dict(errors or {})
        self.headers = dict(headers or {})


def invalid(errors: Mapping[str, str]) -> Problem:
    """Something is wrong in itself; each wrong field is named."""
    named = ", ".join(errors)
    return Problem(422, "invalid", f"Missing or not understood: {named}.", errors)


def conflict(errors: Mapping[str, str]) -> Problem:
    """Each field is right in itself, but not beside the others or in this shop."""
    return Problem(409, "conflict", " ".join(errors.values()), errors)


def not_found(message: str, errors: Mapping[str, str] | None = None) -> Problem:
    return Problem(404, "not_found", message, errors)


_CODES = {
    400: ("bad_request", "The request is not understood."),
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This address does not take that method."),
    413: ("too_large", "The body is too large."),
    415: ("unsupported_media_type", "Send the body as application/json."),
}


def install(app: Flask, page: Callable[[Problem], Response] | None = None) -> None:
    """Make `app` answer every failure with the error shape, or under /app with a `page` where it has such."""
    app.extensions[_PAGE] = page or _json
    app.register_error_handler(Problem, _of_problem)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _of_anything)


def _of_problem(problem: Problem) -> Response:
    return _reply(problem)


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    code, message = _CODES.get(status, ("refused", error.description or error.name))
    headers = {name: value for name, value in error.get_headers() if name.lower() in ("allow", "location", "retry-after")}
    return _reply(Problem(status, code, message, headers=headers))


def _of_anything(error: Exception) -> Response:
    if is_passing(error):
        log.warning("database_away", request_id=g.get("request_id"), path=_route(), error=type(error).__name__)
        retry = {"Retry-After": str(RETRY_AFTER)}
        return _reply(Problem(503, "unavailable", "The database is away; try again soon.", headers=retry))
    log.error("request_failed", request_id=g.get("request_id"), path=_route(), exc_info=error)
    return _reply(Problem(500, "internal", "Something went wrong here; it is in the log."))


def _route() -> str:
    """What the log says was asked for: an address itself may be a secret, as that of a one-time link is."""
    return request.path if request.url_rule is None else request.url_rule.rule


def _reply(problem: Problem) -> Response:
    reply = _page(problem) if is_of_owners(request.path) else _json(problem)
    reply.headers.update(problem.headers)
    return reply


def _page(problem: Problem) -> Response:
    made = current_app.extensions[_PAGE](problem)
    assert isinstance(made, Response)
    return made


def _json(problem: Problem) -> Response:
    errors = {_sayable(path): _sayable(sentence) for path, sentence in problem.errors.items()}
    body: dict[str, Any] = {"code": problem.code, "message": _sayable(problem.message), "errors": errors}
    reply = jsonify(body)
    reply.status_code = problem.status
    return reply


def _sayable(text: str) -> str:
    """`text` as it can be sent: a name that came in by JSON's escapes may hold half a character, which UTF-8 can't say."""
    return text.encode("utf-8", "replace").decode()
