"""A WooCommerce shop in memory, behind the one HTTP client's interface: orders, webhooks and coupons of wc/v3.

It answers as the recorded shops do (`../shared/data/webhooks/woocommerce-10.7.0/rest`): pages, error codes, codes of
coupons in lower case.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from integrations import NotUnderstood, Response

KEYS = "Basic " + base64.b64encode(b"ck_sample:cs_sample").decode()


def order(number: int, status: str = "processing", modified: str = "2026-11-21T10:00:00", **more: Any) -> dict[str, Any]:
    """As WooCommerce's REST and webhooks give it, without what we don't read."""
    return {
        "id": number, "status": status, "currency": "EUR", "total": "50.00", "customer_id": 7,
        "billing": {"email": "Anna@example.lv"}, "date_created_gmt": "2026-11-20T10:00:00", "date_modified_gmt": modified,
        "date_completed_gmt": None, "meta_data": [], "refunds": [],
        "line_items": [{"id": 1, "name": "Lamp", "product_id": 9, "sku": "LAMP", "quantity": 1, "price": 50}],
        **more,
    }  # fmt: skip


@dataclass
class WooShop:
    """`between` is called before each page of orders: what happens in a shop while somebody reads it."""

    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    webhooks: list[dict[str, Any]] = field(default_factory=list)
    coupons: list[dict[str, Any]] = field(default_factory=list)
    between: Callable[["WooShop"], None] = lambda _shop: None
    answer: Response | None = None
    read_only: bool = False
    scheme: str = "https"
    host: str = "shop.example"
    asked: list[tuple[str, str]] = field(default_factory=list)

    def put(self, *orders: dict[str, Any]) -> None:
        self.orders |= {each["id"]: each for each in orders}

    def request(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Response:
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc) == (self.scheme, self.host)
        path = parts.path.removeprefix("/wp-json/wc/v3/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append((method, path))
        if self.answer is not None:
            return self.answer
        if (headers or {}).get("authorization") != KEYS:
            return _json(401, {"code": "woocommerce_rest_cannot_view", "message": "Sorry, you cannot list resources."})
        if (method, path) == ("GET", "orders"):
            return _json(200, self._page(query))
        if path.partition("/")[0] == "webhooks":
            return self._webhook(method, path, body)
        if (method, path) == ("GET", "data/currencies/current"):
            return _json(200, {"code": "EUR", "name": "Euro"})
        if path == "coupons" or path.startswith("coupons/"):
            return self._coupon(method, path, query, body)
        raise NotUnderstood(f"{method} {path}")

    def _page(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        self.between(self)
        assert query["dates_are_gmt"] == "true"
        assert (query["orderby"], query["order"]) == ("modified", "asc")
        binned = query["status"] == "trash"
        found = [
            each
            for each in self.orders.values()
            if (each["status"] == "trash") is binned and each["date_modified_gmt"] > query["modified_after"]
        ]
        found.sort(key=lambda each: (each["date_modified_gmt"], each["id"]))
        size, page = int(query["per_page"]), int(query["page"])
        assert size <= 100
        return found[size * (page - 1) : size * page]

    def _webhook(self, method: str, path: str, body: bytes) -> Response:
        if method == "GET":
            return _json(200, self.webhooks)
        if self.read_only:
            return _json(401, {"code": "woocommerce_rest_cannot_create", "message": "Sorry, you are not allowed to create resources."})
        given = json.loads(body)
        if method == "POST":
            self.webhooks.append({"id": len(self.webhooks) + 1, **given})
            return _json(201, self.webhooks[-1])
        (held,) = [each for each in self.webhooks if each["id"] == int(path.partition("/")[2])]
        held.update(given)
        return _json(200, held)

    def _coupon(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Response:
        if method == "GET":
            return _json(200, [each for each in self.coupons if each["code"] == query["code"].lower()])
        if method == "DELETE":
            number = int(path.partition("/")[2])
            before = len(self.coupons)
            self.coupons = [each for each in self.coupons if each["id"] != number]
            return _json(200, {}) if len(self.coupons) < before else _json(404, {"code": "woocommerce_rest_shop_coupon_invalid_id"})
        given = json.loads(body)
        given["code"] = given["code"].lower()
        if any(each["code"] == given["code"] for each in self.coupons):
            return _json(400, {"code": "woocommerce_rest_coupon_code_already_exists", "message": "The coupon code already exists"})
        made = {"id": 100 + len(self.coupons), **given}
        self.coupons.append(made)
        return _json(201, made)


def _json(status: int, content: Any) -> Response:
    return Response(status, {"content-type": "application/json; charset=UTF-8"}, json.dumps(content).encode())
