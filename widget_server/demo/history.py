"""Ninety days in the life of the shop: searches, what shoppers said about them, orders and ratings.

It goes through the same stream as everything else and is the same in every demo that is begun on the same day. Every
event's id is derived from its place in the history, so loading it again changes nothing.
"""

import json
import random
import uuid
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from widget_server.intake.checks import envelope

from . import catalogue
from .catalogue import Catalogue, Product

DAYS = 90

_SEED = 3

_DAY_MS = 86_400_000
_SEARCHES_A_DAY = (26, 44)
_ORDERS_A_DAY = (5, 11)
_LANGUAGES = (("lv", 5), ("lt", 3), ("en", 2))
# People who have ordered at least once; some of them often.
_CUSTOMERS = 240
_SHOWN = 0.4
_TAPPED = 0.34
_WROTE = 0.55
# Who finds something mostly looks at it; who doesn't may still try one of what is there.
_CLICKED = 0.9
_CLICKED_IN_VAIN = 0.15
_RATED = 0.38
_COMMENTED = 0.4
# Stars from 1 to 5: 4.3 in the mean, and a carrier that was late makes the worst of them.
_STARS = (3, 3, 7, 23, 64)
# In this part of the history the carrier was late, so a chart has something to tell.
_LATE = range(34, 41)
_STARS_LATE = (18, 16, 20, 24, 22)

Event = dict[str, Any]


@dataclass(frozen=True)
class _Teller:
    """What telling the history takes. `today` is the midnight (ms) before which it ends."""

    shop: str
    today: int
    rng: random.Random
    stock: Catalogue
    told: Mapping[str, Any]

    def events(self) -> Iterator[Event]:
        for day in range(DAYS):
            midnight = self.today - (DAYS - day) * _DAY_MS
            for number in range(self.rng.randint(*_SEARCHES_A_DAY)):
                yield from self._search(f"{day}/search/{number}", self._daytime(midnight))
            for number in range(self.rng.randint(*_ORDERS_A_DAY)):
                yield from self._order(day, f"{day}/order/{number}", self._daytime(midnight))

    def _search(self, name: str, at: int) -> Iterator[Event]:
        rng, language = self.rng, self._language()
        kinds = self.told["searches"][language]
        kind = rng.choices(kinds, [k["often"] for k in kinds])[0]
        query = rng.choice(kind["say"])
        results = self.stock.search(query, language)
        where = {
            "search": {"id": self._id(name), "query": query, "results": len(results)},
            "page": {"url": f"https://mezmala.example/{language}/search", "lang": language},
        }  # fmt: skip
        yield self._event("search.performed", f"{name}/performed", at, **where)
        found = yield from self._say(name, at, kind, where)
        if results:
            yield from self._click(name, at, results, kind["found"] if found is None else found, where)

    def _say(self, name: str, at: int, kind: Mapping[str, Any], where: Event) -> Generator[Event, None, bool | None]:
        """Whether it was found, as far as the shopper says."""
        rng = self.rng
        if rng.random() > _SHOWN:
            return None
        about = {
            "question": "search-found", "question_version": 1, "placement": "search", **where,
            "answer": self._id(f"{name}/answer"),
        }  # fmt: skip
        yield self._event("question.shown", f"{name}/shown", at + 5_000, **about)
        if rng.random() > _TAPPED:
            if rng.random() < 0.3:
                yield self._event("question.dismissed", f"{name}/dismissed", at + 9_000, **about)
            return None
        found = rng.random() < (kind["found"] if where["search"]["results"] else 0.03)
        yield self._event(
            "answer.given", f"{name}/tap", at + 12_000, value="yes" if found else "no", final=found, **about
        )
        if not found and rng.random() < _WROTE:
            text = rng.choice(kind["missed"])
            yield self._event("answer.given", f"{name}/text", at + 25_000, text=text, final=True, **about)
        return found

    def _click(self, name: str, at: int, results: list[Product], likely: float, where: Event) -> Iterator[Event]:
        """A look at one of the results, when everything was said; mostly at one of the first. `likely`: that it is found.

        Drawn from the search's name: what is drawn in turns stays as it was.
        """
        rng = random.Random(name)  # noqa: S311 - no secret
        if rng.random() > (_CLICKED if rng.random() < likely else _CLICKED_IN_VAIN):
            return
        place = min(int(rng.expovariate(0.7)), len(results) - 1)
        search = {**where["search"], "position": place + 1}
        later = at + 26_000 + rng.randrange(40_000)
        yield self._event("result.clicked", f"{name}/clicked", later, **{**where, "search": search}, product=results[place].sku)

    def _order(self, day: int, name: str, at: int) -> Iterator[Event]:
        rng, language = self.rng, self._language()
        bought = rng.sample(self.stock.products, rng.choices((1, 2, 3, 4), (46, 30, 16, 8))[0])
        ref = f"MM-{self._id(name)[:8].upper()}"
        yield self._event("order.placed", f"{name}/placed", at, order=_order(ref, self._customer(name), bought, language, rng))
        if rng.random() > _RATED:
            return
        about = {
            "question": "order-rating", "question_version": 1, "placement": "order", "page": {"lang": language},
            "answer": self._id(f"{name}/answer"), "order": {"ref": ref, "line": None, "sku": [p.sku for p in bought]},
        }  # fmt: skip
        yield self._event("question.shown", f"{name}/shown", at + 4_000, **about)
        if rng.random() > 2 * _TAPPED:
            return
        stars = rng.choices((1, 2, 3, 4, 5), _STARS_LATE if day in _LATE else _STARS)[0]
        yield self._event("answer.given", f"{name}/tap", at + 9_000, value=stars, final=False, **about)
        if rng.random() < _COMMENTED:
            mood = "low" if stars < 3 else "middle" if stars == 3 else "high"
            text = self._comment(f"{name}/text", self.told["comments"][language][mood], bought)
            yield self._event("answer.given", f"{name}/text", at + 30_000, text=text, final=True, **about)

    def _comment(self, name: str, told: list[str | Mapping[str, str]], bought: list[Product]) -> str:
        """One of what is told; what is about a product only where that was bought."""
        skus = {product.sku for product in bought}
        fitting = [each for each in told if isinstance(each, str) or each["of"] in skus]
        drawn = self.rng.choice(told)
        if drawn not in fitting:
            drawn = fitting[uuid.UUID(self._id(name)).int % len(fitting)]
        return drawn if isinstance(drawn, str) else drawn["say"]

    def _event(self, kind: str, name: str, at: int, **fields: Any) -> Event:
        return {"id": self._id(name), "type": kind, "at": at, **fields}

    def _id(self, name: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://mezmala.example/{self.shop}/{name}"))

    def _customer(self, order: str) -> str:
        """Drawn from the order's name: what is drawn in turns stays as it was."""
        return f"K-{1000 + uuid.UUID(self._id(f'{order}/customer')).int % _CUSTOMERS}"

    def _language(self) -> str:
        return self.rng.choices([name for name, _ in _LANGUAGES], [weight for _, weight in _LANGUAGES])[0]

    def _daytime(self, midnight: int) -> int:
        """Shoppers come from seven in the morning till late, most of them in the evening."""
        return midnight + int(self.rng.triangular(7, 23.5, 19.5) * 3_600_000)


def envelopes(shop: str, now: int) -> list[bytes]:
    """The history of `shop` up to the midnight (UTC) before `now` (ms), as it is put into the stream."""
    today = now - now % _DAY_MS
    told = json.loads(catalogue.data("history.json"))
    # The same in every demo, so that what README shows is what one sees.
    teller = _Teller(shop, today, random.Random(_SEED), catalogue.load(), told)  # noqa: S311 - no secret
    return [envelope(shop, now, event, _source(event)) for event in teller.events()]


def _source(event: Event) -> str:
    return "platform" if event["type"].startswith("order.") else "browser"


def _order(ref: str, customer: str, bought: list[Product], language: str, rng: random.Random) -> dict[str, Any]:
    lines = [
        {
            "line": str(number), "product": product.sku, "name": product.name[language],
            "category": product.category, "quantity": rng.choices((1, 2, 3), (80, 15, 5))[0],
            "price": f"{product.price:.2f}",
        }
        for number, product in enumerate(bought, 1)
    ]  # fmt: skip
    total = sum(product.price * int(str(line["quantity"])) for product, line in zip(bought, lines, strict=True))
    return {
        "ref": ref, "customer": customer, "status": "completed", "currency": "EUR", "total": f"{total:.2f}", "lines": lines,
    }  # fmt: skip
