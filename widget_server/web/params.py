"""Query parameters and bodies, strictly: an unknown, repeated or wrong one is 422 and named.

Every value that a schema here describes is accepted, so what /v1/openapi.json says and what we take are the same.
"""

import base64
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import request
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from werkzeug.exceptions import BadRequest

from widget_server.contract.fields import NOT_OBJECT, REQUIRED, UNKNOWN, Kind, flatten, unknown_among

from .errors import Problem, conflict, invalid

_TWICE = "Give it once."
_DAY = "Give a day like 2026-11-22."
_CURSOR = "Give the `next` of the page before."
_POSITION = re.compile(r"^[0-9]{1,15}\.[A-Za-z0-9_-]{0,3000}$", re.ASCII)
# Free text that a database can hold, in one line.
_ONE_LINE = re.compile(r"^[^\x00-\x1f\x7f]*\Z")
MOST_ROWS = 1000


class Params(Schema):
    """Base of all: unknown names are refused."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": UNKNOWN, "type": NOT_OBJECT}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        names = (field.data_key or name for name, field in self.load_fields.items())
        self.error_messages = {**self.error_messages, "unknown": unknown_among(names)}

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        # What is missing is called so everywhere, as the checks of events do.
        field_obj.error_messages["required"] = REQUIRED


class Nothing(Params):
    """A route without query parameters."""


class Day(fields.String):
    """A date `YYYY-MM-DD`, handed on as such."""

    default_error_messages = {"invalid": _DAY}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.metadata = {**self.metadata, "format": "date"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not text or not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            raise self.make_error("invalid")
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError as error:
            raise self.make_error("invalid") from error


class Count(fields.Integer):
    """A whole number written with digits only."""

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        self._sentence = f"Give a whole number from {least} to {most}."
        super().__init__(
            validate=validate.Range(least, most, error=self._sentence),
            error_messages={"invalid": self._sentence, "too_large": self._sentence},
            **kwargs,
        )

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if not re.fullmatch(r"\d{1,9}", str(value), re.ASCII):
            raise self.make_error("invalid")
        return int(value)


class YesNo(fields.Boolean):
    """`true` or `false`, nothing else."""

    default_error_messages = {"invalid": "Give true or false."}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if value not in ("true", "false"):
            raise self.make_error("invalid")
        return bool(value == "true")


class Position(fields.Field[tuple[int, str]]):
    """A cursor: where the page before ended. Any well-formed one is a position, so none is refused further in."""

    default_error_messages = {"invalid": _CURSOR}

    def __init__(self) -> None:
        super().__init__(
            metadata={"type": "string", "pattern": _POSITION.pattern, "description": "`next` of the page before"}
        )

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> tuple[int, str]:
        if not isinstance(value, str) or not _POSITION.fullmatch(value):
            raise self.make_error("invalid")
        return open_cursor(value)


def cursor(number: int, key: str) -> str:
    """The position of a row sorted by a number and then a key, as it may stand in an address."""
    return f"{number}.{base64.urlsafe_b64encode(key.encode()).decode().rstrip('=')}"


def open_cursor(text: str) -> tuple[int, str]:
    """Number and key of a `cursor`. What can't be decoded is left out: a made-up cursor is some position too."""
    number, _, coded = text.partition(".")
    coded = coded[: len(coded) - (len(coded) % 4 == 1)]
    key = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode("utf-8", "ignore")
    return int(number), key.replace("\0", "")


def choice(*options: str, help: str, default: str | None = None) -> fields.String:
    """One of `options`."""
    more: dict[str, Any] = {} if default is None else {"load_default": default}
    sentence = f"Give one of: {', '.join(options)}."
    return fields.String(validate=validate.OneOf(options, error=sentence), metadata={"description": help}, **more)


def line(most: int, help: str, example: str | None = None, least: int = 1) -> fields.String:
    """Free text in one line."""
    sentence = f"Give text of {least} to {most} characters, without control characters."
    metadata = {"description": help} if example is None else {"description": help, "example": example}
    return fields.String(
        validate=[validate.Length(least, most, error=sentence), validate.Regexp(_ONE_LINE, error=sentence)],
        metadata=metadata,
    )


def of_kind(kind: Kind, help: str, example: str | None = None) -> fields.Field[Any]:
    """A field of the contract as an optional query parameter."""
    made = kind.field(required=False)
    made.allow_none = False
    made.metadata = {**made.metadata, "description": help, **({} if example is None else {"example": example})}
    return made


def first_day() -> Day:
    return Day(data_key="from", attribute="from", metadata={"description": "first day, in the shop's time zone"})


def last_day() -> Day:
    return Day(metadata={"description": "last day, included"})


def page_size(default: int, most: int = MOST_ROWS) -> Count:
    return Count(1, most, load_default=default, metadata={"description": "how many rows at most"})


def check_range(query: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """`from` and `to` of a query, which must not be the wrong way round."""
    first, last = query.get("from"), query.get("to")
    if first is not None and last is not None and first > last:
        raise conflict({"from": "`from` is after `to`."})
    return first and _within_reason(first), last and _within_reason(last)


def _within_reason(day: str) -> str:
    """Nothing is older or newer, and calendar arithmetic stays possible at the ends."""
    return min(max(day, "1970-01-01"), "2199-12-31")


def read_query(schema: type[Schema]) -> dict[str, Any]:
    """The checked query parameters of this request."""
    twice = {name: _TWICE for name, values in request.args.lists() if len(values) > 1}
    if twice:
        raise invalid(twice)
    return load(schema, request.args.to_dict())


def read_body(schema: type[Schema]) -> dict[str, Any]:
    """The checked JSON body of this request."""
    if request.mimetype != "application/json":
        raise Problem(415, "unsupported_media_type", "Send the body as application/json.")
    try:
        raw = request.get_json()
    except (BadRequest, RecursionError) as error:
        raise Problem(400, "bad_json", "The body is not JSON.") from error
    return load(schema, raw)


def load(schema: type[Schema], raw: Any) -> dict[str, Any]:
    """`raw` through the schema, or 422 naming what is wrong."""
    try:
        loaded = schema().load(raw)
    except ValidationError as error:
        messages = error.messages if isinstance(error.messages, dict) else {"body": error.messages}
        raise invalid({"body" if path == "_schema" else path: text for path, text in flatten(messages).items()}) from error
    assert isinstance(loaded, dict)
    return loaded
