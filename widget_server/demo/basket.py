"""A shopper's basket: {product slug: pieces} in the shop's signed cookie, and the order that comes of it."""

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


def read(kept: Any, catalogue: Catalogue) -> Basket:
    """The basket in a cookie; products that are no longer sold are left out."""
    pairs = kept.items() if isinstance(kept, dict) else ()
    lines = [
        Line(product, quantity) for slug, quantity in pairs if (product := catalogue.product(str(slug))) is not None
    ]
    return Basket(tuple(lines))


def changed(kept: Any, slug: str, quantity: int) -> dict[str, int]:
    """What to keep once there are `quantity` pieces of `slug`; none takes it out."""
    basket = dict(kept) if isinstance(kept, dict) else {}
    if quantity <= 0:
        basket.pop(slug, None)
    else:
        basket[slug] = min(quantity, MOST)
    return basket


def order_number() -> str:
    """Nobody can guess it, as a good shop's."""
    return f"MM-{time.strftime('%y%m%d', time.gmtime())}-{secrets.token_hex(3).upper()}"


def order_claims(ref: str, basket: Basket, site_key: str, language: str) -> Mapping[str, Any]:
    """What the shop's server vouches for on the thank-you page: this order was really placed, with these products."""
    now = int(time.time())
    return {
        "site": site_key, "order": ref, "sku": [line.product.sku for line in basket.lines][:50], "iat": now,
        "exp": now + _TOKEN_SECONDS, "jti": secrets.token_urlsafe(12), "use": "rate", "locale": language,
    }  # fmt: skip


def placed_order(ref: str, basket: Basket, language: str) -> Mapping[str, Any]:
    """The order as a platform tells it to Atbalss."""
    return {
        "ref": ref,
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
