"""Standard Webhooks to any URL: the reference integration.

The receiver sees the same `webhook-id` and body on every attempt, with a new timestamp and signature. 2xx is success
and everything else is failure, redirects included; 410 means that it wants no more; `Retry-After` is honoured on 429
and 5xx.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from integrations import Http, Message, Notify, PermanentError, Receipt, Response, Setting, TemporaryError
from integrations.signing import sign

_BUSY = {429: "asked us to slow down", 502: "was away", 503: "was away", 504: "was away"}


@dataclass(frozen=True, slots=True)
class Webhook:
    """Settings: `url`, and `secret`, one or (while it is being changed) two with a space between."""

    clock: Callable[[], float] = time.time
    name: str = "webhook"
    settings: tuple[Setting, ...] = (
        Setting("url", "URL", kind="url"),
        Setting("secret", "Signing secret", kind="secret", secret=True),
    )
    handles: tuple[type[Message], ...] = (Notify,)

    def deliver(
        self, message: Message, settings: Mapping[str, str], http: Http, idempotency_key: str
    ) -> Receipt:
        body = message.body.encode()
        headers = sign(settings["secret"].split(), idempotency_key, int(self.clock()), body)
        headers["content-type"] = "application/json"
        response = http.request("POST", settings["url"], headers=headers, body=body)
        if 200 <= response.status < 300:
            return Receipt(response.status, response.excerpt())
        raise _failure(response, self.clock())


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
    return TemporaryError(reason, asked, status=status, excerpt=excerpt)


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
