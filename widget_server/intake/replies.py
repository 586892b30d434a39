"""Replies of the collector: one error shape, and headers without which a page could not read them.

Every reply of `ask`, `answers` and `asked` may be read by any page and never carries credentials; a reply without these
headers is opaque to the page, so that it could not even tell "come back later" from "never again".
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

Headers = list[tuple[str, str]]

CORS: Headers = [
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "Retry-After, X-Atbalss-Reason, ETag"),
]
_JSON: Headers = [*CORS, ("content-type", "application/json"), ("cache-control", "no-store")]
_PREFLIGHT: Headers = [
    *CORS,
    ("access-control-allow-headers", "Content-Type, If-None-Match"),
    ("access-control-max-age", "86400"),
]
_REASON = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply."""

    status: int
    headers: Headers
    body: bytes = b""


class Refusal(Exception):
    """A request that is not served, and why. `after` is the number of seconds for Retry-After."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        errors: Mapping[str, str] | None = None,
        after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors or {}
        self.after = after

    def reply(self) -> Reply:
        body = {"code": self.code, "message": self.message, "errors": dict(self.errors)}
        headers = [*_JSON, ("x-atbalss-reason", reason(self.message, self.errors))]
        if self.after is not None:
            headers.append(("retry-after", str(self.after)))
        return Reply(self.status, headers, orjson.dumps(body))


def later(code: str, message: str, least: int = 5) -> Refusal:
    """503 with a Retry-After that does not bring everybody back in the same second."""
    return Refusal(503, code, message, after=least + secrets.randbelow(2 * least + 1))


def json(status: int, body: object, why: str = "") -> Reply:
    """A JSON reply; `why` goes into X-Atbalss-Reason."""
    headers = [*_JSON, ("x-atbalss-reason", why)] if why else _JSON
    return Reply(status, headers, orjson.dumps(body))


def preflight(methods: str) -> Reply:
    """The reply to OPTIONS."""
    return Reply(204, [*_PREFLIGHT, ("access-control-allow-methods", methods), ("allow", methods)])


def wrong_method(methods: str) -> Reply:
    """405, with the methods there are."""
    refused = Refusal(405, "method_not_allowed", f"Use {methods}.").reply()
    return Reply(405, [*refused.headers, ("allow", methods)], refused.body)


def reason(message: str, errors: Mapping[str, str]) -> str:
    """One header line: the message and the first error."""
    first = next(iter(errors.items()), None)
    text = message if first is None else f"{message} {first[0]}: {first[1]}"
    return "".join(c if " " <= c <= "~" else "?" for c in text[:_REASON])


# The reply of nearly every request, made ahead; a POST's reply is not cached anyway, and each header costs time.
ACCEPTED: tuple[Reply, ...] = tuple(
    Reply(202, [*CORS, ("content-type", "application/json")], orjson.dumps({"accepted": count, "rejected": []}))
    for count in range(51)
)
