"""Clients that send events as browsers do: the same body again and again until it is acknowledged, and some twice.

The ledger knows what was acknowledged, what may be stored although nobody was told so, and how long each request took.
"""

import base64
import hashlib
import hmac
import http.client
import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# Requests that took longer waited for a time-out of Redis (a second by default) rather than for their turn.
WAITED = 0.9
# So many of the orders that are rated are known to the platform.
ORDERS = 0.1


@dataclass(frozen=True)
class Shop:
    """Where to send, and with which secret order pages sign."""

    id: str
    site_key: str
    secret: str
    api_key: str


@dataclass(frozen=True)
class Request:
    """When it began (monotonic), how long it took, and its status; 0 when the connection broke."""

    began: float
    took: float
    status: int


@dataclass
class Ledger:
    """What all clients know together."""

    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    again: int = 0
    wrong: list[str] = field(default_factory=list)
    no_retry_after: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def statuses(self, since: float = 0.0, until: float = float("inf")) -> Counter[int]:
        """How often each status came."""
        return Counter(one.status for one in self.between(since, until))

    def between(self, since: float, until: float) -> list[Request]:
        """The requests that began then."""
        return [one for one in self.requests if since <= one.began < until]

    def p99(self, since: float, until: float) -> float:
        """In ms."""
        took = sorted(one.took for one in self.between(since, until))
        return 1000 * took[int(len(took) * 0.99)] if took else 0.0


class Client(threading.Thread):
    """One shopper after the other, `rate` bodies a second."""

    def __init__(
        self, ledger: Ledger, shop: Shop, ports: list[int], rate: float, number: int, again: float = 0.1,
        order: Callable[[str, list[str]], None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(daemon=True, name=f"client-{number}")
        self._ledger, self._shop, self._rate, self._again = ledger, shop, rate, again
        self._ports = ports[number % len(ports) :] + ports[: number % len(ports)]
        self._random = random.Random(number)
        self._number = number
        self._order = order
        self._count = 0
        self._connection: http.client.HTTPConnection | None = None
        self.stop = threading.Event()

    def run(self) -> None:
        due = time.monotonic() + self._random.random() / self._rate
        while not self.stop.is_set():
            self._pause(due - time.monotonic())
            due = max(due + 1 / self._rate, time.monotonic() - 0.5)
            events = [self._event() for _ in range(self._random.choice([1, 1, 2, 3]))]
            body = json.dumps({"sent_at": _now(), "events": [event for event, _ in events]}).encode()
            with self._ledger.lock:
                self._ledger.sent.update({event["id"]: known for event, known in events})
            if self._deliver(body, len(events)):
                with self._ledger.lock:
                    self._ledger.acknowledged.update({event["id"]: known for event, known in events})
                if self._random.random() < self._again:
                    self._deliver(body, len(events))
                    with self._ledger.lock:
                        self._ledger.again += len(events)
        if self._connection is not None:
            self._connection.close()

    def _deliver(self, body: bytes, events: int) -> bool:
        """Until it is acknowledged; False when it was refused for good, or was not acknowledged before the end."""
        while True:
            began = time.monotonic()
            status, reply, after = self._post(body)
            with self._ledger.lock:
                self._ledger.requests.append(Request(began, time.monotonic() - began, status))
            if status == 202 and json.loads(reply)["accepted"] == events:
                return True
            if status in (429, 503) and after is None:
                with self._ledger.lock:
                    self._ledger.no_retry_after += 1
            if status not in (0, 429, 503):
                with self._ledger.lock:
                    self._ledger.wrong.append(f"{status} {reply[:200]!r}")
                return False
            if self.stop.is_set():
                return False
            # A browser would wait as long as `Retry-After` says; the tests have less time.
            self._pause(0.05 if status == 0 else min(float(after or 1), 0.5))

    def _post(self, body: bytes) -> tuple[int, bytes, str | None]:
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._ports[0], timeout=15)
            self._connection.request(
                "POST", f"/v1/shops/{self._shop.site_key}/answers", body,
                {"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://shop.example"},
            )  # fmt: skip
            reply = self._connection.getresponse()
            return reply.status, reply.read(), reply.headers.get("Retry-After")
        except (OSError, http.client.HTTPException):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            self._ports = self._ports[1:] + self._ports[:1]
            return 0, b"", None

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self.stop.wait(seconds)

    def _event(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """An event as it is sent, and what of it must be found again in the log."""
        rng = self._random
        self._count += 1
        page = {"url": "https://shop.example/p", "lang": rng.choice(["lv", "lt", "en"])}
        event: dict[str, Any] = {"id": str(uuid.uuid4()), "at": _now(), "page": page}
        kind = rng.random()
        if kind < 0.4:
            ref = str((self._number + 1) * 1_000_000 + self._count)
            event |= {"type": "answer.given", "question": "order-rating", "answer": str(uuid.uuid4()), "value": rng.randint(1, 5)}
            sku = [f"sku-{rng.randrange(50)}"]
            known = {"type": event["type"], "value": event["value"], "order": {"ref": ref, "line": None, "sku": sku}}
            event["order_token"] = order_token(self._shop, ref, sku)
            if self._order is not None and rng.random() < ORDERS:
                self._order(ref, sku)
            return event, known
        search = {"query": f"query {rng.randrange(40)}", "results": rng.choice([0, 5])}
        if kind < 0.6:
            event |= {"type": "search.performed", "search": search}
            return event, {"type": event["type"], "search": search}
        name = str(uuid.uuid4())
        event |= {"question": "search-found", "answer": name, "search": search}
        event |= {"type": "question.shown"} if kind < 0.7 else {"type": "answer.given", "value": rng.choice(["yes", "no"])}
        return event, {"type": event["type"], "answer": name, "search": search}


def order_token(shop: Shop, ref: str, sku: list[str]) -> str:
    """As a shop's plugin makes it; written out, because the program's own function is under test."""
    now = int(time.time())
    claims = {"site": shop.site_key, "order": ref, "sku": sku, "iat": now, "exp": now + 3600, "jti": ref, "use": "rate"}
    signed = "v1.1." + _b64(json.dumps(claims).encode())
    pseudo_random = hmac.new(bytes(32), shop.secret.encode(), hashlib.sha256).digest()
    key = hmac.new(pseudo_random, b"order-token-v1\x01", hashlib.sha256).digest()
    return f"{signed}.{_b64(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
