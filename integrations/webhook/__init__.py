"""Standard Webhooks to any URL: the reference integration.

The receiver sees the same `webhook-id` and body on every attempt, with a new timestamp and signature. 2xx is success
and everything else is failure, redirects included; 410 means that it wants no more; `Retry-After` is honoured on 429
and 5xx.

Coupons and points are webhooks too. Where nobody knows what became of one, the receiver is asked by a signed GET with
`?id=` and the webhook's id: 200 with that id in its JSON says that it has it, 404 that it has not.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from integrations import (
    CancelCoupon,
    GrantPoints,
    Http,
    IssueCoupon,
    Message,
    Notify,
    PermanentError,
    Receipt,
    Response,
    SendMail,
    Setting,
    TemporaryError,
)
from integrations.signing import check_secret, make_secret, sign

_TYPES: Mapping[type[Any], str] = {
    IssueCoupon: "coupon.issue",
    CancelCoupon: "coupon.cancel",
    GrantPoints: "points.grant",
}
_BUSY = {429: "asked us to slow down", 502: "was away", 503: "was away", 504: "was away"}


@dataclass(frozen=True, slots=True)
class Webhook:
    """Settings: `url`, and `secret`, one or (while it is being changed) two with a space between."""

    clock: Callable[[], float] = time.time
    name: str = "webhook"
    settings: tuple[Setting, ...] = (
        Setting("url", "URL", kind="url"),
        Setting(
            "secret", "Signing secret", kind="secret", secret=True, check=check_secret, make=make_secret
        ),
    )
    handles: tuple[type[Message], ...] = (Notify, IssueCoupon, CancelCoupon, GrantPoints)

    def deliver(
        self, message: Message, settings: Mapping[str, str], http: Http, idempotency_key: str
    ) -> Receipt:
        body = _body(message)
        headers = self._signed(settings, idempotency_key, body) | {"content-type": "application/json"}
        response = http.request("POST", settings["url"], headers=headers, body=body)
        if 200 <= response.status < 300:
            return Receipt(response.status, response.excerpt())
        if not isinstance(message, Notify):
            _check_refused(response)
        raise _failure(response, self.clock())

    def find(
        self, message: Message, settings: Mapping[str, str], http: Http, idempotency_key: str
    ) -> Receipt | None:
        url = settings["url"] + ("&" if "?" in settings["url"] else "?") + f"id={idempotency_key}"
        response = http.request("GET", url, headers=self._signed(settings, idempotency_key, b""))
        if response.status == 404:
            return None
        if response.status == 200 and _names(response, idempotency_key):
            return Receipt(response.status, response.excerpt())
        raise TemporaryError(
            f"answered {response.status} when asked whether it has this message: "
            'it must be 200 and JSON with its id, as {"id": "msg_..."}, or 404',
            status=response.status,
            excerpt=response.excerpt(),
        )

    def _signed(self, settings: Mapping[str, str], idempotency_key: str, body: bytes) -> dict[str, str]:
        return sign(settings["secret"].split(), idempotency_key, int(self.clock()), body)


def _body(message: Message) -> bytes:
    if isinstance(message, Notify):
        return message.body.encode()
    if isinstance(message, SendMail):
        raise PermanentError("a webhook carries no mail")
    data = asdict(message)
    told = {"type": _TYPES[type(message)], "timestamp": data.pop("at"), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _names(response: Response, idempotency_key: str) -> bool:
    """Whether the answer is about this very message: a page that greets whoever asks is none."""
    try:
        told = json.loads(response.body)
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("id") == idempotency_key


def _check_refused(response: Response) -> None:
    """Raises when the answer says what becomes of this very coupon, whatever is tried: it is refused for good, or a like
    one is there, which may be this one."""
    if response.status in (400, 422):
        raise PermanentError(
            f"answered {response.status}: it refuses this message",
            status=response.status, excerpt=response.excerpt(),
        )  # fmt: skip
    if response.status == 409:
        raise TemporaryError(
            "answered 409: it may have this message already",
            status=response.status, excerpt=response.excerpt(), unknown=True,
        )  # fmt: skip


def _failure(response: Response, now: float) -> TemporaryError | PermanentError:
    status, excerpt = response.status, response.excerpt()
    if status == 410:
        return PermanentError(
            "answered 410: it wants no more webhooks", gone=True, status=status, excerpt=excerpt
        )
    if 300 <= status < 400:
        return TemporaryError(
            f"answered {status}: redirects are not followed", status=status, excerpt=excerpt
        )
    reason = f"answered {status}"
    if status in _BUSY:
        reason += f": the receiver {_BUSY[status]}"
    asked = (
        _retry_after(response.headers.get("retry-after", ""), now) if status == 429 or status >= 500 else None
    )
    # What a server does before it fails is not for us to guess.
    return TemporaryError(reason, asked, status=status, excerpt=excerpt, unknown=status >= 500)


def _retry_after(value: str, now: float) -> float | None:
    """Seconds from `now`; the header holds seconds or a date. None when it is absent or makes no sense."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None


integration = Webhook()
