"""Points and coupons on the standing system: a platform that tells of orders by webhook, a rule that rewards ratings, and
the shop that coupons and points are sent to.

Exactly what is owed must be there: for every rating in the log whose order the log knows as completed, so many points in
the ledger and one coupon, and every coupon once at the receiving shop, which counts what comes twice.
"""

import base64
import hashlib
import hmac
import http.client
import json
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from integrations.signing import make_secret
from tests.faults.sending import Shop
from tests.integrations.shop_server import ShopServer
from widget_server.act import rules
from widget_server.record import connections, shops
from widget_server.record.db import Database, lock_shops

Run = Callable[[str], list[Any]]
POINTS = 50
RULE = {
    "name": "Points and a coupon for rating an order", "when": "answer.given", "return_days": 0,
    "if": {"question": ["order-rating"], "verified": True},
    "then": [{"points": POINTS}, {"coupon": {"kind": "percent", "amount": "10", "days": 30}}],
}  # fmt: skip
CUSTOMERS = 100


class Platform(threading.Thread):
    """The shop's WooCommerce: tells of each order until it is told 200, some of it twice, some of it late."""

    def __init__(self, database: Database, shop: Shop, ports: list[int]) -> None:
        super().__init__(daemon=True, name="platform")
        self._shop, self._ports = shop, ports
        self._random = random.Random(shop.id)
        self._secret = "woo-secret"
        self.receiving = ShopServer(make_secret()).start()
        now = int(time.time() * 1000)
        with database.writing() as conn:
            lock_shops(conn, [shop.id])
            settings = {"url": "https://shop.example", "consumer_key": "ck", "consumer_secret": "cs", "secret": self._secret}
            self._connection = connections.create(conn, shop.id, "woocommerce", "Orders", settings, now).id
            told = {"url": self.receiving.url, "secret": self.receiving.secret}
            connections.create(conn, shop.id, "webhook", "Coupons", told, now)
            known = shops.by_id(conn, shop.id)
            assert known is not None
            rules.create(conn, known, RULE, now)
        self._orders: queue.SimpleQueue[tuple[str, list[str], bool]] = queue.SimpleQueue()
        self._http: http.client.HTTPConnection | None = None
        self.acknowledged: dict[str, str] = {}  # order -> customer, of those completed
        self.statuses: Counter[int] = Counter()
        self.wrong: list[str] = []
        self.stop = threading.Event()

    def order(self, ref: str, sku: list[str]) -> None:
        """There is such an order; its webhooks come when they come."""
        self._orders.put((ref, sku, self._random.random() < 0.3))

    def run(self) -> None:
        while not (self.stop.is_set() and self._orders.empty()):
            try:
                ref, sku, late = self._orders.get(timeout=0.1)
            except queue.Empty:
                continue
            customer = str(1 + int(ref) % CUSTOMERS)
            open_, done = self._body(ref, sku, customer, "processing", 1), self._body(ref, sku, customer, "completed", 2)
            if not late:
                self._tell(open_)
            if self._tell(done):
                self.acknowledged[ref] = customer
            if late:
                self._tell(open_)
            if self._random.random() < 0.3:
                self._tell(done)
        if self._http is not None:
            self._http.close()

    def _tell(self, body: bytes) -> bool:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            status = self._post(body)
            self.statuses[status] += 1
            if status == 200:
                return True
            if status not in (0, 429, 503):
                self.wrong.append(f"the platform was told {status}")
                return False
            if self.stop.wait(0.2):
                return False
        return False

    def _post(self, body: bytes) -> int:
        signature = base64.b64encode(hmac.digest(self._secret.encode(), body, hashlib.sha256)).decode()
        headers = {
            "Content-Type": "application/json", "X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-Signature": signature,
            "X-WC-Webhook-Delivery-ID": "1",
        }  # fmt: skip
        try:
            if self._http is None:
                self._http = http.client.HTTPConnection("127.0.0.1", self._ports[0], timeout=20)
            self._http.request("POST", f"/v1/hooks/woocommerce/{self._connection}", body, headers)
            reply = self._http.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException):
            if self._http is not None:
                self._http.close()
            self._http = None
            self._ports = self._ports[1:] + self._ports[:1]
            return 0
        return reply.status

    def _body(self, ref: str, sku: list[str], customer: str, status: str, seconds: int) -> bytes:
        created = int(time.time()) - 3600
        lines = [{"id": n, "name": name, "product_id": n, "quantity": 1, "sku": name, "price": 10} for n, name in enumerate(sku, 1)]
        said = {
            "id": int(ref), "status": status, "currency": "EUR", "total": f"{10 * len(sku)}.00", "customer_id": int(customer),
            "billing": {"email": f"c{customer}@example.lv"}, "line_items": lines, "refunds": [], "meta_data": [],
            "date_created_gmt": _gmt(created), "date_modified_gmt": _gmt(created + seconds),
            "date_completed_gmt": _gmt(created + seconds) if status == "completed" else None,
        }  # fmt: skip
        return json.dumps(said).encode()

    def close(self) -> None:
        self.receiving.close()


def _gmt(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def inspect(run: Run, shop: str, events: list[dict[str, Any]], platform: Platform) -> tuple[int, int, list[str]]:
    """Lost orders, doubled points and coupons, and what else is wrong in the database."""
    completed = {event["order"]["ref"] for event in events if event["type"] == "order.completed"}
    rated = {event["order"]["ref"] for event in events if event["type"] == "answer.given" and event.get("question") == "order-rating"}
    owed = {f"answer:order-rating:order:{ref}" for ref in completed & rated}
    given: Counter[str] = Counter()
    for source, points in run(f"SELECT source, points FROM ledger WHERE shop = '{shop}'"):
        given[source] += points
    made = Counter(source for (source,) in run(f"SELECT source FROM coupons WHERE shop = '{shop}' AND state <> 'cancelled'"))
    lost = len(set(platform.acknowledged) - completed)
    doubled = sum(1 for n in given.values() if n > POINTS) + sum(n - 1 for n in made.values())
    problems = platform.wrong[:3]
    if {source for source, n in given.items() if n} != owed or set(given.values()) - {0, POINTS}:
        problems.append(f"points were given for {len(given)} ratings, {len(owed)} are owed")
    if set(made) != owed:
        problems.append(f"coupons were made for {len(made)} ratings, {len(owed)} are owed")
    if not owed:
        problems.append("nothing was owed, so nothing is proved about points")
    return lost, doubled, problems


def arrived(run: Run, shop: str, receiving: ShopServer) -> tuple[int, list[str]]:
    """Coupons and points that are doubled at the receiving shop, and what else is wrong there."""
    codes = {code for (code,) in run(f"SELECT code FROM coupons WHERE shop = '{shop}' AND state <> 'cancelled'")}
    points: Counter[str] = Counter()
    for customer, n in run(f"SELECT customer, points FROM ledger WHERE shop = '{shop}'"):
        points[customer] += n
    problems = []
    if set(receiving.coupons) != codes:
        problems.append(f"{len(receiving.coupons)} coupons are at the receiving shop, {len(codes)} were granted")
    if receiving.points != points:
        problems.append(f"{receiving.points.total()} points are at the receiving shop, {points.total()} are in the ledger")
    if receiving.unsigned:
        problems.append(f"{receiving.unsigned} messages to the receiving shop were not signed")
    doubled = len(receiving.refused) + sum(max(0, n - points[customer]) // POINTS for customer, n in receiving.points.items())
    return doubled, problems
