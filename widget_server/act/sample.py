"""The sample shop: what an owner can look at before the own shop has any answer.

It is a shop of its own, made when somebody first wants to see it and brought up to yesterday whenever it is looked at.
Nothing of any real shop is in it, and nothing from outside gets in: `shops.SAMPLE` has no key of any kind.

Every day is told by itself from a seed of its own, its events with ids derived from it, so that whoever tells it twice
changes nothing.
"""

import random
import secrets
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from widget_server.contract import saving
from widget_server.contract.sets import SETS
from widget_server.contract.shop import Question, Shop
from widget_server.contract.times import local_day, midnight
from widget_server.intake.checks import envelope
from widget_server.record import answers, cases, counters, leases, questions, shops
from widget_server.record.cases import Wanted
from widget_server.record.counters import Slice
from widget_server.record.db import Database, lock_shops

from .pipeline import process
from .sample_words import GOOD, HOME, LATE, POOR, PRODUCTS, QUERIES, UNCLEAR, Product, Query

NAME = "Linu sēta"
TIME_ZONE = "Europe/Riga"
DAYS = 120

_SETS = ("search-found", "product-info", "order-rating", "order-effort", "why-us", "delivery-rating", "recommend")
_AT_ONCE = 20
# Who makes it; and for how many ms, should they die over it. Longer than one part takes.
_LEASE = "sample"
_LONGEST = 30_000
_WAIT = 0.1
# So many low ratings of the last so many days are open cases.
_CASES, _SEEN_TO = 3, 14
_LANGUAGES = (("lv", 9), ("lt", 5), ("et", 3), ("ru", 4), ("en", 3))
_HOUR = 3_600_000
# How likely somebody looks at a result who finds something, and who doesn't.
_CLICKED, _CLICKED_IN_VAIN = 0.9, 0.12
# Of every sixty days the courier is late in the last so many, so that there is a fall to be seen, and its end.
_ROUND, _LATE_FROM = 60, 36
_WHY = (("price", 3), ("range", 6), ("stock", 2), ("delivery", 3), ("trust", 5), ("other", 1))

Event = dict[str, Any]


def settle(database: Database, now: int) -> Shop:
    """The sample shop with all days up to yesterday (of `now`, ms); made when there is none.

    Of several who ask at once, in whatever process, one does the work and the others wait for it.
    """
    with database.reading() as conn:
        shop = shops.by_id(conn, shops.SAMPLE)
    if shop is None:
        shop = _made(database)
    today = date.fromisoformat(local_day(now, TIME_ZONE))
    if _missing(database, shop, today):
        _one_at_a_time(database, shop, now, today)
    return shop


def _one_at_a_time(database: Database, shop: Shop, now: int, today: date) -> None:
    name = secrets.token_hex(8)
    while not _holds(database, name):
        time.sleep(_WAIT)
    try:
        # Who had it before may have done it all.
        missing = _missing(database, shop, today)
        if missing:
            _tell(database, shop, now, missing, name)
            _see_to_low_ratings(database, shop, today)
    finally:
        with database.writing() as conn:
            leases.free(conn, _LEASE, name)


def _missing(database: Database, shop: Shop, today: date) -> list[date]:
    wanted = [today - timedelta(days=ago) for ago in range(DAYS, 0, -1)]
    with database.reading() as conn:
        told = counters.by_time(conn, Slice(shop.id, ("search-found",), start=f"{wanted[0]}", end=f"{wanted[-1]}"), counters.DAY)
    return [day for day in wanted if f"{day}" not in told]


def _tell(database: Database, shop: Shop, now: int, missing: list[date], name: str) -> None:
    for start in range(0, len(missing), _AT_ONCE):
        days = missing[start : start + _AT_ONCE]
        # In one transaction, so that a day is told whole or not at all.
        process(database, [envelope(shop.id, now, event, _source(event)) for day in days for event in _Day(day).events()])
        _holds(database, name)


def _holds(database: Database, name: str) -> bool:
    """Whether it is ours to do, from now on for so long."""
    with database.writing() as conn:
        return leases.take(conn, _LEASE, name, time.time_ns() // 1_000_000, _LONGEST)


def _see_to_low_ratings(database: Database, shop: Shop, today: date) -> None:
    """The newest low ratings are open cases, those before are solved; so there is something of each to be looked at."""
    start, end = (midnight(f"{today}", later, TIME_ZONE) for later in (-_SEEN_TO, 0))
    with database.writing() as conn:
        low = answers.newest_in(conn, shop.id, {"order-rating": ("1", "2", "3")}, start, end, _CASES)
        names = [(answer.question, answer.key) for answer in low]
        open_ones = [(case.question, case.key) for case in cases.listed(conn, shop.id, Wanted(), None, 100)]
        cases.make(conn, shop.id, names, None, end)
        cases.change(conn, shop.id, [name for name in open_ones if name not in names], {"status": "solved"}, None, end)


def _made(database: Database) -> Shop:
    with database.writing() as conn:
        lock_shops(conn, [shops.SAMPLE])
        if shops.by_id(conn, shops.SAMPLE) is None:
            shops.create_sample(conn, NAME, TIME_ZONE)
            for question in _questions():
                questions.add_version(conn, shops.SAMPLE, question)
        found = shops.by_id(conn, shops.SAMPLE)
    assert found is not None
    return found


def _questions() -> list[Question]:
    home = Question(
        "way-around", 1, "yes_no", "page", settings={"where": [{"is": "/"}], "follow_up": "no"},
        texts={lang: {"title": title} for lang, title in HOME.items()},
    )  # fmt: skip
    return [saving.completed(home), *(SETS[name].question() for name in _SETS)]


def _source(event: Event) -> str:
    if event["type"] == "answer.quarantined":
        return "owner"
    return "platform" if event["type"].startswith("order.") else "browser"


@dataclass
class _Day:
    """One day in the life of the shop."""

    day: date

    def __post_init__(self) -> None:
        self._rng = random.Random(self.day.toordinal())  # noqa: S311 - no secret
        self._midnight = int(datetime(self.day.year, self.day.month, self.day.day, tzinfo=ZoneInfo(TIME_ZONE)).astimezone(UTC).timestamp() * 1000)
        self._count = 0
        self._late = self.day.toordinal() % _ROUND >= _LATE_FROM

    def events(self) -> Iterator[Event]:
        """Everything that happened, in no particular order."""
        rng = self._rng
        for _ in range(rng.randint(17, 23)):
            yield from self._search(self._language())
        for _ in range(rng.randint(1, 3)):
            yield from self._ask("way-around", "page", self._language(), self._daytime(), self._yes(0.81), {})
        for _ in range(rng.randint(2, 4)):
            yield from self._product(self._language())
        for _ in range(rng.randint(4, 6)):
            yield from self._order(self._language())
        if self.day.toordinal() % 3 == 0:
            yield from self._doubtful(self._language())

    def _doubtful(self, language: str) -> Iterator[Event]:
        """Answered quicker than anybody can be, so that it does not count."""
        at, answer = self._daytime(), self._id()
        about = {
            "question": "way-around", "question_version": 1, "placement": "page", "answer": answer, "page": self._page(language),
        }  # fmt: skip
        yield self._event("question.shown", at, **about)
        yield self._event("answer.given", at + 100, value="no", final=True, **about)
        yield self._event("answer.quarantined", at + 200, question="way-around", key=f"browser:{answer}", reason="fast")

    def _search(self, language: str) -> Iterator[Event]:
        rng, at = self._rng, self._daytime()
        kinds = QUERIES[language]
        kind: Query = rng.choices(kinds, [one.often for one in kinds])[0]
        search = {"id": self._id(), "query": rng.choice(kind.says), "results": kind.results}
        yield self._event("search.performed", at, search=search, page=self._page(language))
        likely = kind.found
        if rng.random() < 0.6:
            said = self._yes(kind.found)
            likely = float(said == "yes")
            text = rng.choice(kind.missed) if said == "no" and rng.random() < 0.5 else None
            yield from self._ask("search-found", "search", language, at + 5_000, said, {"search": search}, text)
        yield from self._click(search, likely, language, at + 26_000)

    def _click(self, search: Event, likely: float, language: str, at: int) -> Iterator[Event]:
        """A look at one of the results, mostly the first. Drawn from the search's id: the rest of the day stays as it was."""
        rng = random.Random(search["id"])  # noqa: S311 - no secret
        if not search["results"] or rng.random() > (_CLICKED if rng.random() < likely else _CLICKED_IN_VAIN):
            return
        clicked = {**search, "position": min(1 + int(rng.expovariate(0.6)), search["results"])}
        fields = {"id": str(uuid.uuid5(uuid.UUID(search["id"]), "clicked")), "type": "result.clicked", "at": at + rng.randrange(40_000)}
        yield {**fields, "search": clicked, "page": self._page(language)}

    def _product(self, language: str) -> Iterator[Event]:
        product: Product = self._rng.choice(PRODUCTS)
        said = self._yes(0.72)
        text = self._rng.choice(UNCLEAR[language]) if said == "no" and self._rng.random() < 0.6 else None
        yield from self._ask("product-info", "product", language, self._daytime(), said, {"product": product.sku}, text)

    def _order(self, language: str) -> Iterator[Event]:
        rng, at = self._rng, self._daytime()
        bought = rng.sample(PRODUCTS, rng.choices((1, 2, 3), (60, 30, 10))[0])
        ref = f"{self.day:%y%m%d}-{self._count:03}"
        yield self._event("order.placed", at, order=_order(ref, f"K-{rng.randrange(160)}", bought, rng))
        about = {"order": {"ref": ref, "line": None, "sku": [product.sku for product in bought]}}
        liked = min(product.liked for product in bought)
        stars = min(5, max(1, round(rng.gauss(4.5 + liked, 0.7))))
        yield from self._ask("order-rating", "order", language, at + 4_000, stars, about, self._comment(stars, language, POOR))
        which = rng.random()
        if which < 0.4:
            easy = min(7, max(1, round(rng.gauss(5.7, 1.3))))
            yield from self._ask("order-effort", "order", language, at + 60_000, easy, about)
        elif which < 0.6:
            names, weights = zip(*_WHY, strict=True)
            yield from self._ask("why-us", "order", language, at + 60_000, sorted(set(rng.choices(names, weights, k=2))), about)
        elif which < 0.85:
            points = min(10, max(0, round(rng.gauss(8.4 + liked, 1.8))))
            yield from self._ask("recommend", "order", language, at + 60_000, points, about, self._comment(points // 2, language, POOR))
        arrived = min(5, max(1, round(rng.gauss(3.3 if self._late else 4.5, 0.9))))
        # The delivery of an order is asked about on the day of the order here: a day is told by itself.
        yield from self._ask("delivery-rating", "link", language, at + 90_000, arrived, about, self._comment(arrived, language, LATE))

    def _ask(
        self, question: str, placement: str, language: str, at: int, value: Any, about: Event, text: str | None = None
    ) -> Iterator[Event]:
        """Shown to everybody who gets here, answered by most."""
        fields = {
            **about, "question": question, "question_version": 1, "placement": placement, "answer": self._id(),
            "page": self._page(language),
        }  # fmt: skip
        yield self._event("question.shown", at, **fields)
        if self._rng.random() < 0.58:
            yield self._event("answer.given", at + 7_000, value=value, final=text is None, **fields)
            if text is not None:
                yield self._event("answer.given", at + 20_000, text=text, final=True, **fields)

    def _comment(self, points: int, language: str, poor: dict[str, tuple[str, ...]]) -> str | None:
        if self._rng.random() > (0.6 if points < 4 else 0.2):
            return None
        return self._rng.choice(poor[language] if points < 4 else GOOD[language])

    def _event(self, kind: str, at: int, **fields: Any) -> Event:
        return {"id": self._id(), "type": kind, "at": at, **fields}

    def _id(self) -> str:
        self._count += 1
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://sample.example/{self.day}/{self._count}"))

    def _yes(self, likely: float) -> str:
        return "yes" if self._rng.random() < likely else "no"

    def _language(self) -> str:
        return self._rng.choices([name for name, _ in _LANGUAGES], [weight for _, weight in _LANGUAGES])[0]

    def _page(self, language: str) -> Event:
        return {"url": f"https://sample.example/{language}/", "lang": language}

    def _daytime(self) -> int:
        return self._midnight + int(self._rng.triangular(7, 22.5, 19) * _HOUR)


def _order(ref: str, customer: str, bought: Sequence[Product], rng: random.Random) -> dict[str, Any]:
    lines = [
        {
            "line": str(number), "product": one.sku, "name": one.name, "category": one.category,
            "quantity": rng.choices((1, 2), (85, 15))[0], "price": one.price,
        }
        for number, one in enumerate(bought, 1)
    ]  # fmt: skip
    cents = sum(int(one.price.replace(".", "")) * int(str(line["quantity"])) for one, line in zip(bought, lines, strict=True))
    return {
        "ref": ref, "customer": customer, "status": "completed", "currency": "EUR",
        "total": f"{cents // 100}.{cents % 100:02}", "lines": lines,
    }  # fmt: skip
