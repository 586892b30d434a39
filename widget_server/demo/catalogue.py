"""What Mežmala sells, in three languages, and its plain search: every word must begin a word of the product.

Nothing is stemmed and no typing mistake is put right, as in most small shops. That is what makes shoppers fail, and
what the question after a search is for.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from typing import Any

LANGUAGES = ("lv", "lt", "en")

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf of the shop."""

    slug: str
    name: Mapping[str, str]
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Product:
    """`index` holds, for each language, the folded words it is found by."""

    slug: str
    sku: str
    category: str
    price: Decimal
    name: Mapping[str, str]
    text: Mapping[str, str]
    index: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Catalogue:
    """Everything on the shelves, in their order."""

    categories: tuple[Category, ...]
    products: tuple[Product, ...]

    def product(self, slug: str) -> Product | None:
        return next((p for p in self.products if p.slug == slug), None)

    def category(self, slug: str) -> Category | None:
        return next((c for c in self.categories if c.slug == slug), None)

    def of(self, category: str) -> list[Product]:
        return [p for p in self.products if p.category == category]

    def search(self, query: str, language: str) -> list[Product]:
        """Products in which every word of `query` begins a word; those whose name begins so come first."""
        wanted = words(query)
        if not wanted:
            return []
        found = [
            p for p in self.products if all(any(w.startswith(q) for w in p.index[language]) for q in wanted)
        ]
        return sorted(
            found, key=lambda p: not any(w.startswith(wanted[0]) for w in words(p.name[language]))
        )


def words(text: str) -> tuple[str, ...]:
    """The words of `text` without case and diacritics: somebody without a Latvian keyboard finds "kauss" and "zābaki"."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return tuple(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c))))


def load() -> Catalogue:
    """The catalogue that comes with the program."""
    read = json.loads(data("catalogue.json"))
    return Catalogue(
        tuple(Category(**category) for category in read["categories"]),
        tuple(_product(product) for product in read["products"]),
    )


def data(name: str) -> str:
    """The text of a file in `data`."""
    return resources.files("widget_server.demo").joinpath("data", name).read_text(encoding="utf-8")


def _product(read: Mapping[str, Any]) -> Product:
    index = {
        language: words(" ".join(read[part][language] for part in ("name", "words", "text")))
        for language in LANGUAGES
    }
    return Product(
        slug=read["slug"], sku=read["sku"], category=read["category"], price=Decimal(read["price"]),
        name=read["name"], text=read["text"], index=index,
    )  # fmt: skip
