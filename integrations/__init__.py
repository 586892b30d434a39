"""The whole interface between Atbalss and one platform.

An integration is a folder here whose `__init__.py` sets `integration` to an object with the four members of
`Integration`; nothing else has to be edited. It gets a frozen message, the settings of one connection, the one HTTP
client and the idempotency key, and either returns a `Receipt` or raises one of the two errors. It keeps no state,
retries nothing itself, and imports nothing but the standard library and `cryptography`.

`webhook/` is the reference: copy that one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


class TemporaryError(Exception):
    """It did not work this time: try again at the next slot of the schedule.

    `reason` is shown to the owner. `retry_after` is what the platform asked for, in seconds. `status` and `excerpt`
    are the answer, when there was one.
    """

    def __init__(
        self, reason: str, retry_after: float | None = None, *, status: int | None = None, excerpt: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.status = status
        self.excerpt = excerpt


class PermanentError(Exception):
    """It will never work unchanged: stop, and show `reason` to the owner.

    `gone` says that the other side wants nothing more, whatever the message.
    """

    def __init__(
        self, reason: str, gone: bool = False, *, status: int | None = None, excerpt: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.gone = gone
        self.status = status
        self.excerpt = excerpt


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of the form by which an owner connects the platform. A `secret` one is masked and stored sealed."""

    name: str
    label: str
    kind: Literal["text", "url", "secret", "number"] = "text"
    required: bool = True
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell a subscriber that something happened. `body` is the JSON to send, byte for byte the same every time."""

    type: str
    body: str


Message = Notify


@dataclass(frozen=True, slots=True)
class Receipt:
    """The other side took the message. `excerpt` is the beginning of what it answered."""

    status: int | None = None
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. Header names are in lower case; `complete` is false when the body was cut off by a limit."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = True

    def excerpt(self, length: int = 500) -> str:
        """The beginning of the body as text that can be stored and shown anywhere."""
        text = self.body[: length * 4].decode("utf-8", "replace").replace("\0", "�")
        return text[:length]


class Http(Protocol):
    """The one HTTP client. It follows no redirects, and any status is an answer, not an error."""

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Response:
        """Raises TemporaryError when there is no answer, PermanentError when the request may never be sent."""


class Integration(Protocol):
    """Code for one platform."""

    @property
    def name(self) -> str:
        """The folder's name, as stored with each connection."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What a connection needs, in the order of the form."""

    @property
    def handles(self) -> tuple[type[Any], ...]:
        """The message types that `deliver` takes."""

    def deliver(
        self, message: Message, settings: Mapping[str, str], http: Http, idempotency_key: str
    ) -> Receipt:
        """Bring one message to the other side. May be called again with the same key after a success."""
