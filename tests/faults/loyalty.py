"""Points and coupons on the standing system: a platform that tells of orders by webhook, a rule that rewards ratings, and
the shop that coupons and points are sent to.

Exactly what is owed must be there: for every rating in the log whose order the log knows as completed, so many points in
the ledger and one coupon; what a customer spends buys one coupon; and every coupon is there once at the receiving shop,
which counts what comes twice.
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
import uuid
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
# After so many of its orders a customer spends what one rating gave.
REDEEMED = 0.2


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
            told = {"url": self.receiving.url, "secret": self.receiving.secret}
            # The older one of those that take coupons gets them.
            connections.create(conn, shop.id, "webhook", "Coupons", told, now - 1000)
            settings = {"url": "https://shop.example", "consumer_key": "ck", "consumer_secret": "cs", "secret": self._secret}
            self._connection = connections.create(conn, shop.id, "woocommerce", "Orders", settings, now).id
            known = shops.by_id(conn, shop.id)
            assert known is not None
            rules.create(conn, known, RULE, now)
        self._orders: queue.SimpleQueue[tuple[str, list[str], bool]] = queue.SimpleQueue()
        self._http: http.client.HTTPConnection | None = None
        self.acknowledged: dict[str, str] = {}  # order -> customer, of those completed
        self.redeemed: dict[str, str] = {}  # id of the redemption -> customer
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
            if self._random.random() < REDEEMED:
                self._redeem(customer)
            # Each order finds its way by itself, as behind a load balancer.
            self._go_elsewhere()
        self._go_elsewhere()

    def _redeem(self, customer: str) -> None:
        """The same request again until it is answered."""
        request = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        wanted = {"id": request, "points": POINTS, "coupon": {"kind": "fixed", "amount": "5.00", "currency": "EUR", "days": 30}}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._shop.api_key}"}
        if self._until_answered(f"/v1/points/{customer}/redeem", json.dumps(wanted).encode(), headers, (201, 409, 404)) == 201:
            self.redeemed[request] = customer

    def _tell(self, body: bytes) -> bool:
        signature = base64.b64encode(hmac.digest(self._secret.encode(), body, hashlib.sha256)).decode()
        headers = {
            "Content-Type": "application/json", "X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-Signature": signature,
            "X-WC-Webhook-Delivery-ID": "1",
        }  # fmt: skip
        return self._until_answered(f"/v1/hooks/woocommerce/{self._connection}", body, headers, (200,)) == 200

    def _until_answered(self, path: str, body: bytes, headers: dict[str, str], fine: tuple[int, ...]) -> int:
        """The status; 0 when nobody answered, or only to come back later."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            status = self._post(path, body, headers)
            self.statuses[status] += 1
            if status in fine:
                return status
            if status not in (0, 429, 503):
                self.wrong.append(f"{path[:10]} answered {status}")
                return status
            if self.stop.wait(0.2):
                return 0
        return 0

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        try:
            if self._http is None:
                self._http = http.client.HTTPConnection("127.0.0.1", self._ports[0], timeout=20)
            self._http.request("POST", path, body, headers)
            reply = self._http.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException):
            self._go_elsewhere()
            return 0
        return reply.status

    def _go_elsewhere(self) -> None:
        if self._http is not None:
            self._http.close()
        self._http = None
        self._ports = self._ports[1:] + self._ports[:1]

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
    # The platform's word on the order is enough for its rating; that it is completed may not have been told yet.
    told = {event["order"]["ref"] for event in events if event["type"].startswith("order.")}
    owed = {f"answer:order-rating:order:{ref}" for ref in told & rated}
    given, spent, balance = Counter[str](), Counter[str](), Counter[str]()
    for rule, source, customer, points in run(f"SELECT rule, source, customer, points FROM ledger WHERE shop = '{shop}'"):
        (spent if rule == "redeem" else given)[source] += points
        balance[customer] += points
    made, bought = (
        Counter(source for (source,) in run(f"SELECT source FROM coupons WHERE shop = '{shop}' AND state <> 'cancelled' AND rule {which} 'redeem'"))
        for which in ("<>", "=")
    )
    lost = len(set(platform.acknowledged) - completed) + len({f"redeem:{one}" for one in platform.redeemed} - set(spent))
    doubled = sum(1 for n in given.values() if n > POINTS) + sum(1 for n in spent.values() if n < -POINTS)
    doubled += sum(n - 1 for n in (made + bought).values())
    problems = platform.wrong[:3]
    if {source for source, n in given.items() if n} != owed or set(given.values()) - {0, POINTS}:
        problems.append(f"points were given for {len(given)} ratings, {len(owed)} are owed")
    if set(made) != owed:
        problems.append(f"coupons were made for {len(made)} ratings, {len(owed)} are owed")
    if set(bought) != set(spent) or set(spent.values()) - {-POINTS}:
        problems.append(f"{len(spent)} redemptions, {len(bought)} coupons for them")
    if min(balance.values(), default=0) < 0:
        problems.append("a customer spent more than there was")
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
