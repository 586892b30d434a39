"""A shopper's basket: pairs of product slug and pieces in the shop's signed cookie, and the order that comes of it."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .catalogue import Catalogue, Product

MOST = 20
DELIVERY = Decimal("3.50")
FREE_FROM = Decimal("50.00")

_TOKEN_SECONDS = 24 * 3600

Pairs = list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Line:
    """Some pieces of one product."""

    product: Product
    quantity: int

    @property
    def sum(self) -> Decimal:
        return self.product.price * self.quantity


@dataclass(frozen=True, slots=True)
class Basket:
    """Lines in the order they were put in."""

    lines: tuple[Line, ...]

    @property
    def pieces(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def goods(self) -> Decimal:
        return sum((line.sum for line in self.lines), Decimal(0))

    @property
    def delivery(self) -> Decimal:
        return DELIVERY if Decimal(0) < self.goods < FREE_FROM else Decimal(0)

    @property
    def total(self) -> Decimal:
        return self.goods + self.delivery


def read(kept: Pairs | None, catalogue: Catalogue) -> Basket:
    """The basket in a cookie; products that are no longer sold are left out."""
    found = [(catalogue.product(slug), quantity) for slug, quantity in kept or ()]
    return Basket(tuple(Line(product, quantity) for product, quantity in found if product is not None))


def changed(kept: Pairs | None, slug: str, quantity: int) -> Pairs:
    """What to keep once there are `quantity` pieces of `slug`; none takes it out."""
    basket = dict(kept or ())
    basket[slug] = min(max(quantity, 0), MOST)
    return [(name, pieces) for name, pieces in basket.items() if pieces]


def pieces_of(kept: Pairs | None, slug: str) -> int:
    """How many of a product there are."""
    return dict(kept or ()).get(slug, 0)


def order_number() -> str:
    """Nobody can guess it, as a good shop's."""
    return f"MM-{time.strftime('%y%m%d', time.gmtime())}-{secrets.token_hex(3).upper()}"


def customer_number() -> str:
    """Of somebody who orders for the first time."""
    return f"K-{secrets.randbelow(90_000) + 10_000}"


def order_claims(ref: str, basket: Basket, site_key: str, language: str) -> Mapping[str, Any]:
    """What the shop's server vouches for on the thank-you page: this order was really placed, with these products."""
    now = int(time.time())
    return {
        "site": site_key, "order": ref, "sku": [line.product.sku for line in basket.lines][:50], "iat": now,
        "exp": now + _TOKEN_SECONDS, "jti": secrets.token_urlsafe(12), "use": "rate", "locale": language,
    }  # fmt: skip


def placed_order(ref: str, customer: str, basket: Basket, language: str) -> Mapping[str, Any]:
    """The order as a platform tells it to Atbalss."""
    return {
        "ref": ref,
        "customer": customer,
        "status": "processing",
        "currency": "EUR",
        "total": f"{basket.total:.2f}",
        "lines": [
            {
                "line": str(number),
                "product": line.product.sku,
                "name": line.product.name[language],
                "category": line.product.category,
                "quantity": line.quantity,
                "price": f"{line.product.price:.2f}",
            }
            for number, line in enumerate(basket.lines, 1)
        ],
    }
