"""A shop that takes coupons and points as signed webhooks, and behaves badly when told to.

It is as strict as no real one: a coupon whose code is there already is refused and counted, and points are added again
for every request, also for one that came before. So whatever is doubled here was sent twice. It answers who asks by
GET with `?id=` whether it has a message.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import standardwebhooks

# What may be wrong with one request. All but the first two leave the sender without knowledge of the outcome.
FINE = "fine"
BUSY = "busy"  # 429, and nothing is done
CUT_BEFORE = "cut before"  # the connection is cut, and nothing was done
CUT_AFTER = "cut after"  # it is done, and the reply is lost
HANGS_BEFORE = "hangs before"  # nothing is done nor said until the sender has given up
HANGS_AFTER = "hangs after"  # it is done, and the reply comes after the sender has given up
FAILS_BEFORE = "500 before"
FAILS_AFTER = "500 after"  # it is done, and the answer is 500
SLOW = "slow"
FAULTS = (BUSY, CUT_BEFORE, CUT_AFTER, HANGS_BEFORE, HANGS_AFTER, FAILS_BEFORE, FAILS_AFTER, SLOW)
HARMS_SENDER = (CUT_AFTER, HANGS_AFTER, FAILS_AFTER)

Choose = Callable[[str, int], str]


class ShopServer:
    """Listens on loopback from `start` to `close`. `choose` says what goes wrong with a request, by its method and how
    many came before."""

    def __init__(self, secret: str, choose: Choose = lambda _method, _number: FINE, hang: float = 0.6) -> None:
        self.secret = secret
        self.choose = choose
        self.hang = hang
        self.coupons: dict[str, dict[str, Any]] = {}
        self.points: Counter[str] = Counter()
        self.applied: Counter[str] = Counter()  # by the id of the message
        self.refused: list[str] = []  # codes that came again
        self.unsigned = 0
        self.faults: Counter[str] = Counter()
        self.requests = 0
        self.asked = 0
        self._flying = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/atbalss"

    def start(self) -> "ShopServer":
        self._thread.start()
        return self

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way: what was taken has been done."""
        return self._flying == 0

    def wait_idle(self) -> None:
        while not self.idle:
            time.sleep(0.005)

    def _take(self, message_id: str, told: dict[str, Any]) -> int:
        data = told["data"]
        with self._lock:
            if told["type"] == "coupon.issue" and data["code"] in self.coupons:
                self.refused.append(data["code"])
                return 409
            self.applied[message_id] += 1
            if told["type"] == "coupon.issue":
                self.coupons[data["code"]] = data
            elif told["type"] == "coupon.cancel":
                self.coupons.pop(data["code"], None)
            else:
                self.points[data["customer"]] += data["points"]
        return 200

    def _begin(self, method: str) -> str:
        with self._lock:
            fault = self.choose(method, self.requests)
            self.requests += 1
            self.asked += method == "GET"
            self._flying += 1
            self.faults[fault] += 1
        return fault

    def _end(self) -> None:
        with self._lock:
            self._flying -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self._serve("POST")

            def do_GET(self) -> None:
                self._serve("GET")

            def _serve(self, method: str) -> None:
                fault = shop._begin(method)
                try:
                    self._act(method, fault)
                except OSError:
                    pass  # the sender is gone; what was done is done
                finally:
                    shop._end()

            def _act(self, method: str, fault: str) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                if fault in (BUSY, FAILS_BEFORE):
                    return self._answer(429 if fault == BUSY else 500, {})
                if fault in (HANGS_BEFORE, SLOW):
                    time.sleep(shop.hang if fault == HANGS_BEFORE else 0.03)
                if fault in (CUT_BEFORE, HANGS_BEFORE):
                    return None
                status, said = self._do(method, body)
                if fault == HANGS_AFTER:
                    time.sleep(shop.hang)
                if fault == CUT_AFTER:
                    return None
                return self._answer(500 if fault == FAILS_AFTER else status, said)

            def _do(self, method: str, body: bytes) -> tuple[int, dict[str, Any]]:
                headers = {name.lower(): value for name, value in self.headers.items()}
                try:
                    # A GET is signed over nothing.
                    hook = standardwebhooks.Webhook(shop.secret)
                    told = hook.verify(body, headers, json_parse=method == "POST")
                except standardwebhooks.WebhookVerificationError:
                    shop.unsigned += 1
                    return 401, {}
                if method == "POST":
                    return shop._take(headers["webhook-id"], told), {}
                asked = parse_qs(urlsplit(self.path).query)["id"][0]
                return (200, {"id": asked}) if shop.applied[asked] else (404, {})

            def _answer(self, status: int, said: dict[str, Any]) -> None:
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_given: object) -> None:
                pass

        return Handler

