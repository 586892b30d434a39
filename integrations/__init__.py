"""The whole interface between Atbalss and one platform.

An integration is a folder here whose `__init__.py` sets `integration` to an object with the four members of
`Integration`; nothing else has to be edited. It gets a frozen message, the settings of one connection, the one HTTP
client and the idempotency key, and either returns a `Receipt` or raises one of the two errors. It keeps no state,
retries nothing itself, and imports nothing but the standard library and `cryptography`.

What must never be done twice (coupons, points) is a `Grant`. An integration that handles one also has `find`: after an
attempt whose outcome nobody knows, the other side is asked whether it has it, and only what it has not is sent again.

`webhook/` is the reference: copy that one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable


class TemporaryError(Exception):
    """It did not work this time: try again at the next slot of the schedule.

    `reason` is shown to the owner. `retry_after` is what the platform asked for, in seconds. `status` and `excerpt`
    are the answer, when there was one. `unknown` says that the other side may have done it all the same: no answer after
    the request had left, or an answer that tells nothing. When in doubt, it is unknown.
    """

    def __init__(
        self,
        reason: str,
        retry_after: float | None = None,
        *,
        status: int | None = None,
        excerpt: str = "",
        unknown: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.status = status
        self.excerpt = excerpt
        self.unknown = unknown


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
    """One field of the form by which an owner connects the platform. A `secret` one is never shown again.

    `check` raises ValueError with a sentence for a value that can't be right. Where the owner leaves the field empty and
    there is a `make`, its value is taken, and told to the owner once.
    """

    name: str
    label: str
    kind: Literal["text", "url", "secret", "number"] = "text"
    required: bool = True
    secret: bool = False
    check: Callable[[str], object] | None = None
    make: Callable[[], str] | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell a subscriber that something happened. `body` is the JSON to send, byte for byte the same every time."""

    type: str
    body: str


@dataclass(frozen=True, slots=True)
class IssueCoupon:
    """Make a coupon with this very `code`. `amount` is a decimal number: of a hundred, or of `currency` where it is fixed.

    `customer` is the platform's customer id, or a pseudonym of ours beginning with `e:` for somebody without one;
    `reason` is the rule's name, for people. `at` and `expires` are ISO 8601 times.
    """

    code: str
    kind: Literal["percent", "fixed"]
    amount: str
    currency: str | None
    expires: str | None
    customer: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class GrantPoints:
    """Add `points` (negative: take away) to what the platform shows the customer. `total` is what there is with them,
    as far as known when this was first sent; messages may arrive in any order."""

    customer: str
    points: int
    total: int
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class CancelCoupon:
    """The coupon with this code may not be used any more. Sent only where the platform may have it."""

    code: str
    customer: str
    at: str


@dataclass(frozen=True, slots=True)
class SendMail:
    """A mail in `language` from the shop to its owner or a customer. No integration sends mail yet: these wait."""

    to: str
    template: str
    language: str
    values: Mapping[str, Any]


Grant = IssueCoupon | GrantPoints | CancelCoupon
Message = Notify | Grant | SendMail

# Every message by the name of its kind.
MESSAGES: Mapping[str, type[Any]] = {
    each.__name__: each for each in (Notify, IssueCoupon, GrantPoints, CancelCoupon, SendMail)
}
GRANTS = (IssueCoupon, GrantPoints, CancelCoupon)


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


@runtime_checkable
class Finder(Protocol):
    """What an integration that handles a `Grant` also can."""

    def find(
        self, message: Message, settings: Mapping[str, str], http: Http, idempotency_key: str
    ) -> Receipt | None:
        """Whether the other side has this message: its receipt, or None when it surely has not.

        Changes nothing there. Raises one of the two errors when it can't be told.
        """


@dataclass(frozen=True, slots=True)
class Inbound:
    """A request of a platform, as it came. Header names are in lower case; `received` is when, in ms since 1970."""

    headers: Mapping[str, str]
    body: bytes
    received: int


class NotUnderstood(Exception):
    """A signed request that says nothing we can make sense of; the reason is kept beside it."""


@dataclass(frozen=True, slots=True)
class PlatformEvent:
    """What a platform says, in our words: a type and the fields of contract/events.py.

    `about` is the event's `order` or `customer`. Its `email` is the address as the platform has it: the frame puts a
    keyed hash in its place before anything is stored. `at` is the platform's own time of the change, or, where it names
    none, when we heard of it (ISO 8601, UTC). The same words of the platform must give an equal event, whatever topic
    or time they came by: that is how repeats are known.
    """

    type: str
    at: str
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a platform still tells us everything. Each of `problems` is a sentence that says what to do about it."""

    problems: tuple[str, ...] = ()


@runtime_checkable
class Receiving(Protocol):
    """What an integration has beside `Integration`'s when its platform sends us requests.

    They arrive at /v1/hooks/PLATFORM/CONNECTION. Nothing of a request is looked into before `verify` has passed, but by
    `is_ping`. A delivery is a hint and never the whole truth, so `reconcile` reads what no delivery told.
    """

    @property
    def name(self) -> str:
        """The folder's name."""

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that `receive` understands; others are answered as if they had been taken."""

    def is_ping(self, request: Inbound) -> bool:
        """Whether this is the platform's unsigned trial, which wants a 200 and nothing else."""

    def verify(self, request: Inbound, settings: Mapping[str, str]) -> None:
        """Raises `signing.SignatureError` unless the platform has signed exactly these bytes."""

    def topic(self, request: Inbound) -> str:
        """What the request is about; "" when it does not say."""

    def delivery(self, request: Inbound) -> str:
        """Equal for two deliveries that say the same, and for no others."""

    def receive(self, request: Inbound, settings: Mapping[str, str]) -> list[PlatformEvent]:
        """What a verified request of a known topic says. Raises NotUnderstood."""

    def reconcile(self, settings: Mapping[str, str], http: Http, since: str) -> Iterator[PlatformEvent]:
        """The present state of everything that changed after `since` (ISO 8601, UTC, by the platform's clock). Each
        order says when it changed in `updated_at`. Raises as `deliver` does."""

    def subscribe(self, settings: Mapping[str, str], http: Http, address: str) -> None:
        """Have the platform send all `topics` to `address`: what is missing is made, what it switched off by itself is
        switched on. What a person has paused stays. Raises as `deliver` does."""

    def health(self, settings: Mapping[str, str], http: Http, address: str) -> Health:
        """Whether the platform has been told to send all `topics` to `address`, and still does. Raises as `deliver`
        does."""
