"""The shop itself: a server-rendered Flask application that needs no script of its own.

Each language tells the snippet about a search in another of the ways that README offers: Latvian pages by attributes,
English ones by a JSON block, Lithuanian ones not at all, so that words and count are found on the page. Which product
each result is stands on all of them, as the shop's own cards are known to nobody.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from flask import Flask, abort, redirect, render_template, request, session, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from widget_server.contract.tokens import sign_order_token

from . import basket, catalogue
from .basket import Basket
from .catalogue import LANGUAGES

MOST_QUERY = 200

OrderPlaced = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Demo:
    """What the shop's owner has: where Atbalss is, the public site key, and two secrets that stay on the server."""

    atbalss: str
    site_key: str
    order_token_secret: str
    cookie_secret: str


def create_app(demo: Demo, order_placed: OrderPlaced = lambda _order: None) -> Flask:
    """The shop. `order_placed` is told each new order, as a platform would tell it."""
    app = Flask(__name__)
    app.secret_key = demo.cookie_secret
    app.config.update(SESSION_COOKIE_NAME="mezmala", SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_HTTPONLY=True)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    _Pages(app, demo, order_placed)
    return app


class _Pages:
    """The shop's pages and what they share."""

    def __init__(self, app: Flask, demo: Demo, order_placed: OrderPlaced) -> None:
        self._demo = demo
        self._order_placed = order_placed
        self._catalogue = catalogue.load()
        self._texts: Mapping[str, Mapping[str, str]] = json.loads(catalogue.data("texts.json"))
        self._policy = _policy(demo.atbalss)
        self._routes(app)

    def _routes(self, app: Flask) -> None:
        app.url_value_preprocessor(_check_language)
        app.context_processor(self._shared)
        app.after_request(self._headers)
        app.register_error_handler(HTTPException, self._error)
        app.add_template_filter(_price, "price")
        app.add_url_rule("/", "root", _root)
        app.add_url_rule("/<lang>/", "front", self._front)
        app.add_url_rule("/<lang>/c/<slug>", "category", self._category)
        app.add_url_rule("/<lang>/p/<slug>", "product", self._product)
        app.add_url_rule("/<lang>/search", "search", self._search)
        app.add_url_rule("/<lang>/basket", "basket", self._basket)
        app.add_url_rule("/<lang>/basket", "change_basket", self._change_basket, methods=["POST"])
        app.add_url_rule("/<lang>/checkout", "checkout", self._checkout)
        app.add_url_rule("/<lang>/checkout", "order", self._order, methods=["POST"])
        app.add_url_rule("/<lang>/thank-you", "thank_you", self._thank_you)

    def _front(self, lang: str) -> str:
        picked = [p for slug in _ON_THE_TABLE if (p := self._catalogue.product(slug)) is not None]
        return render_template("front.html", products=picked)

    def _category(self, lang: str, slug: str) -> str:
        category = self._catalogue.category(slug) or abort(HTTPStatus.NOT_FOUND)
        return render_template("category.html", category=category, products=self._catalogue.of(slug))

    def _product(self, lang: str, slug: str) -> str:
        product = self._catalogue.product(slug) or abort(HTTPStatus.NOT_FOUND)
        beside = [p for p in self._catalogue.of(product.category) if p != product]
        return render_template("product.html", product=product, beside=beside[:4])

    def _search(self, lang: str) -> str:
        query = " ".join(request.args.get("q", "").split())[:MOST_QUERY]
        found = self._catalogue.search(query, lang)
        return render_template("search.html", query=query, products=found)

    def _basket(self, lang: str) -> str:
        return render_template("basket.html")

    def _change_basket(self, lang: str) -> Response:
        slug = request.form.get("product", "")
        if self._catalogue.product(slug) is None:
            abort(HTTPStatus.BAD_REQUEST)
        kept = session.get("basket")
        quantity = request.form.get("quantity", basket.pieces_of(kept, slug) + 1, type=int)
        session["basket"] = basket.changed(kept, slug, quantity)
        return redirect(url_for("basket", lang=lang), HTTPStatus.SEE_OTHER)

    def _checkout(self, lang: str) -> str | Response:
        if not self._held().lines:
            return redirect(url_for("basket", lang=lang))
        return render_template("checkout.html")

    def _order(self, lang: str) -> Response:
        bought = self._held()
        if not bought.lines:
            return redirect(url_for("basket", lang=lang), HTTPStatus.SEE_OTHER)
        ref = basket.order_number()
        customer = session.setdefault("customer", basket.customer_number())
        self._order_placed(basket.placed_order(ref, customer, bought, lang))
        session["order"] = {"ref": ref, "basket": session.pop("basket")}
        return redirect(url_for("thank_you", lang=lang), HTTPStatus.SEE_OTHER)

    def _thank_you(self, lang: str) -> str | Response:
        order = session.get("order")
        if not order:
            return redirect(url_for("front", lang=lang))
        bought = basket.read(order["basket"], self._catalogue)
        claims = basket.order_claims(order["ref"], bought, self._demo.site_key, lang)
        token = sign_order_token(self._demo.order_token_secret, claims)
        return render_template("thank_you.html", ref=order["ref"], bought=bought, token=token)

    def _held(self) -> Basket:
        return basket.read(session.get("basket"), self._catalogue)

    def _shared(self) -> dict[str, Any]:
        """What every template may use."""
        first = request.path.split("/")[1]
        lang = first if first in LANGUAGES else LANGUAGES[0]
        return {
            "demo": self._demo,
            "lang": lang,
            "t": self._texts[lang],
            "categories": self._catalogue.categories,
            "held": self._held(),
            "free_from": basket.FREE_FROM,
            "most": basket.MOST,
            "elsewhere": _elsewhere,
        }

    def _error(self, error: HTTPException) -> Response | tuple[str, int]:
        if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
            return error.get_response()
        return render_template("error.html", missing=error.code == HTTPStatus.NOT_FOUND), error.code

    def _headers(self, response: Response) -> Response:
        response.headers["Content-Security-Policy"] = self._policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        if response.mimetype == "text/html":
            response.headers["Cache-Control"] = "private, no-cache"
        return response


# What lies on the front page's table.
_ON_THE_TABLE = ("bucket", "willow-basket", "blanket", "terracotta-pot", "whisk", "enamel-mug", "birdhouse", "mittens")


def _policy(atbalss: str) -> str:
    """As strict as a careful shop's: Atbalss needs to be named twice and nothing else."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {atbalss}",
            f"connect-src {atbalss}",
            "style-src 'self'",
            "img-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    )


def _check_language(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values and values.get("lang", LANGUAGES[0]) not in LANGUAGES:
        abort(HTTPStatus.NOT_FOUND)


def _root() -> Response:
    lang = request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
    return redirect(url_for("front", lang=lang))


def _elsewhere(lang: str) -> str:
    """This page in another language; a search begins anew, because its words belong to one language."""
    values = {**(request.view_args or {}), "lang": lang}
    return url_for(request.endpoint or "front", **values)


def _price(amount: Decimal, lang: str) -> str:
    return f"€{amount:.2f}" if lang == "en" else f"{amount:.2f}".replace(".", ",") + "\u00a0€"
