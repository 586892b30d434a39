"""WooCommerce: orders and customers by webhook and by REST, coupons by REST. README.md here says how an owner connects a shop.

What running shops showed decides most of this: `X-WC-Webhook-Delivery-ID` is a hash of the webhook and the second, so
two orders may share one and it tells no repeats; a body is the state when it is delivered; there are no retries, and
after more than five failures in a row a webhook is switched off in silence; 301 and 302 count as delivered.
"""

import hashlib
import html
import re
import secrets as random
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from integrations import (
    CancelCoupon,
    Health,
    Http,
    Inbound,
    IssueCoupon,
    Message,
    NotUnderstood,
    PermanentError,
    PlatformEvent,
    Receipt,
    Setting,
)
from integrations.signing import verify_body
from integrations.woocommerce import coupons, words
from integrations.woocommerce.rest import Rest, changed_orders

_PING = re.compile(rb"webhook_id=\d{1,18}")
_ORDERS = ("order.created", "order.updated", "order.restored")
_CUSTOMERS = ("customer.created", "customer.updated")


def _make_secret() -> str:
    """Letters and digits only, which WordPress leaves as they are."""
    return "".join(random.choice(string.ascii_letters + string.digits) for _ in range(40))


@dataclass(frozen=True, slots=True)
class WooCommerce:
    """Settings: `url` of the shop, `consumer_key` and `consumer_secret` of its REST API, `secret` of its webhooks (one,
    or two with a space between while it is being changed), and `birthday_field`, the key of the customers' meta field
    that holds their birthday."""

    name: str = "woocommerce"
    settings: tuple[Setting, ...] = (
        Setting("url", "Address of the shop", kind="url"),
        Setting("consumer_key", "Consumer key", kind="secret", secret=True),
        Setting("consumer_secret", "Consumer secret", kind="secret", secret=True),
        Setting("secret", "Secret of the webhooks", kind="secret", secret=True, make=_make_secret),
        Setting("birthday_field", "Meta field with the birthday", required=False),
    )
    handles: tuple[type[Message], ...] = (IssueCoupon, CancelCoupon)
    topics: tuple[str, ...] = (*_ORDERS, "order.deleted", *_CUSTOMERS, "customer.deleted")

    def is_ping(self, request: Inbound) -> bool:
        """What WooCommerce posts once when a webhook is saved: a form, and none of its own headers."""
        own = any(name.startswith("x-wc-") for name in request.headers)
        return not own and _PING.fullmatch(request.body) is not None

    def verify(self, request: Inbound, settings: Mapping[str, str]) -> None:
        """WooCommerce signs with the secret after undoing HTML's entities in it, and people copy either form."""
        given = settings["secret"].split()
        verify_body(
            list(dict.fromkeys([*given, *map(html.unescape, given)])),
            request.body, request.headers.get("x-wc-webhook-signature", ""), "base64",
        )  # fmt: skip

    def topic(self, request: Inbound) -> str:
        return request.headers.get("x-wc-webhook-topic", "")

    def delivery(self, request: Inbound) -> str:
        """Of the body, which names id, status and time of the change. A deletion names its id only, and there may be
        another one after the order was taken out of the bin; so there the delivery's own id counts too."""
        told = [self.topic(request).encode(), request.body]
        if self.topic(request).endswith(".deleted"):
            told.append(request.headers.get("x-wc-webhook-delivery-id", "").encode())
        return hashlib.sha256(b"\0".join(hashlib.sha256(each).digest() for each in told)).hexdigest()

    def receive(self, request: Inbound, settings: Mapping[str, str]) -> list[PlatformEvent]:
        topic, heard = self.topic(request), words.utc(request.received)
        raw = words.parse(request.body)
        if topic in _ORDERS:
            return [words.order(raw, heard)]
        if topic in _CUSTOMERS:
            return [words.customer(raw, heard, settings.get("birthday_field", ""))]
        return [words.order_gone(raw, heard) if topic == "order.deleted" else words.customer_gone(raw, heard)]

    def reconcile(self, settings: Mapping[str, str], http: Http, since: str) -> Iterator[PlatformEvent]:
        """Orders only: customers can't be asked for by the time of their change."""
        for raw in changed_orders(Rest(settings, http), since):
            try:
                found = words.order(raw, since)
            except NotUnderstood:
                continue
            yield replace(found, about={**found.about, "read": True})

    def subscribe(self, settings: Mapping[str, str], http: Http, address: str) -> None:
        rest = Rest(settings, http)
        ours = _webhooks(rest, address)
        for topic in self.topics:
            found = [each for each in ours if each.get("topic") == topic and each.get("delivery_url") == address]
            if not found:
                rest.call("POST", "webhooks", body={
                    "name": f"Atbalss {topic}", "topic": topic, "delivery_url": address, "status": "active",
                    "secret": settings["secret"].split()[0],
                })  # fmt: skip
            elif all(each.get("status") == "disabled" for each in found):
                rest.call("PUT", f"webhooks/{found[0].get('id')}", body={"status": "active"})

    def health(self, settings: Mapping[str, str], http: Http, address: str) -> Health:
        ours = _webhooks(Rest(settings, http), address)
        return Health(tuple(problem for topic in self.topics if (problem := _problem(topic, ours, address))))

    def deliver(
        self, message: Message, settings: Mapping[str, str], http: Http, idempotency_key: str
    ) -> Receipt:
        rest = Rest(settings, http)
        if isinstance(message, IssueCoupon):
            return coupons.issue(rest, message)
        if isinstance(message, CancelCoupon):
            return coupons.cancel(rest, message)
        raise PermanentError(f"WooCommerce takes no {type(message).__name__}")

    def find(
        self, message: Message, settings: Mapping[str, str], http: Http, idempotency_key: str
    ) -> Receipt | None:
        rest = Rest(settings, http)
        if isinstance(message, IssueCoupon):
            return coupons.find(rest, message)
        if isinstance(message, CancelCoupon):
            return coupons.cancelled(rest, message)
        raise PermanentError(f"WooCommerce takes no {type(message).__name__}")


def _webhooks(rest: Rest, address: str) -> list[dict[str, Any]]:
    """The shop's webhooks that are meant for us, whatever stands in front of the path."""
    path = urlsplit(address).path
    held = rest.get("webhooks", per_page="100", _fields="id,topic,status,delivery_url")
    return [each for each in held if isinstance(each, dict) and urlsplit(str(each.get("delivery_url"))).path == path]


def _problem(topic: str, ours: list[dict[str, Any]], address: str) -> str:
    """What is wrong with the webhooks of one topic; "" when one of them works."""
    found = [each for each in ours if each.get("topic") == topic]
    if not found:
        return f"WooCommerce has no webhook for {topic}: add one that goes to {address}."
    working = [each for each in found if each.get("status") == "active"]
    if not working:
        status = found[0].get("status")
        why = "after more than five failures in a row it is switched off" if status == "disabled" else "somebody paused it"
        return f"The webhook for {topic} is {status} ({why}): set it to active under Settings, Advanced, Webhooks."
    if not any(each.get("delivery_url") == address for each in working):
        return (
            f"The webhook for {topic} goes to {working[0].get('delivery_url')}: it must go to {address}. A redirect on "
            "the way counts as delivered there, and nothing arrives."
        )
    return ""


integration = WooCommerce()
