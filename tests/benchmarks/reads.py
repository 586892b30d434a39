"""(c) How long an owner waits for a score when there are a hundred times as many answers.

The same shop twice, once with 10 thousand and once with 1 million events, spread over the same 730 days, 5,000
products, 5 languages and 3 questions, filled through the pipeline (PostgreSQL gets a copy of SQLite's tables). `GET /v1/scores` through the whole Flask app, no
cache; requests to both databases alternate, so that a slow moment of the machine hits both.
"""

import random
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import orjson
import redis

from tests.benchmarks import Benchmark, Goal, Result
from tests.benchmarks._sizes import HEADER, KEY, Ask, Compared, by_turns, filled, pour
from widget_server.contract.shop import Question
from widget_server.record import keys, questions, shops
from widget_server.record.db import Database
from widget_server.run import config
from widget_server.web.app import create_app

_DAYS, _PRODUCTS = 730, 5_000
_FIRST = 1_700_000_000_000
_TIMES = 200
_ABOUT = "/v1/scores?metric=stars&question=order-rating"
_READS = {
    "total": _ABOUT,
    "by month": f"{_ABOUT}&by=month",
    "by product (page of 100)": f"{_ABOUT}&by=product",
    "total of 100 odd days": f"{_ABOUT}&from=2024-01-10&to=2024-04-18",
    "by day, 90 days": f"{_ABOUT}&by=day&from=2024-01-10&to=2024-04-08",
}
# What the issue names; the others are shown without a goal.
_GOALS = ("total", "by month", "by product (page of 100)")
_MOST = 1.5


def measure() -> Result:
    """Both databases, both sizes."""
    rows, goals, limits = [], [], []
    with filled(fill) as databases, tempfile.TemporaryDirectory() as folder:
        for each in databases:
            limits.append(f"{each.name} was filled in {each.seconds:.0f} s.")
            for read, compared in _compare(Path(folder), *each.urls).items():
                rows.append((f"{each.name}, {read}", *compared.cells()))
                if read in _GOALS:
                    goals.append(Goal(f"{each.name}, {read}: p95 with a hundred times the events", compared.ratio, _MOST, most=True))
    why = "Limit: Flask and the reply's JSON; the rows that a score reads are counters, as many after a million events as the page, its buckets and its periods have."
    return Result(("GET /v1/scores", *HEADER), rows, goals, (why, *limits))


def fill(url: str, size: int) -> None:
    """A shop with `size` events, in the order of their times."""
    database = Database(url, KEY)
    database.migrate()
    with database.writing() as conn:
        shop = shops.create(conn, "Bench", "shop.example").id
        questions.add_version(conn, shop, Question("recommend", 1, "nps", "order", False, {"follow_up": "always"}, {}))
    pour(database, _bodies(shop, size))
    database.close()


def _bodies(shop: str, size: int) -> Iterator[bytes]:
    rng = random.Random(11)
    for n in range(size):
        at = _FIRST + n * _DAYS * 86_400_000 // size
        question = ("order-rating", "search-found", "recommend")[n % 3]
        value = {"order-rating": rng.randint(1, 5), "search-found": rng.choice(["yes", "no"]), "recommend": rng.randint(0, 10)}
        name = str(uuid.UUID(int=rng.getrandbits(128)))
        event = {
            "id": name, "type": "answer.given", "at": at, "question": question, "value": value[question],
            "product": f"product-{rng.randrange(_PRODUCTS):04}",
            "page": {"lang": rng.choice(["lv", "lt", "et", "ru", "en"])},
        }  # fmt: skip
        yield orjson.dumps({"shop": shop, "source": "browser", "received": at, "event": event})


def _compare(folder: Path, small: str, large: str) -> dict[str, Compared]:
    owners = _Owner(folder, small), _Owner(folder, large)
    return by_turns({read: (owners[0].asks(path), owners[1].asks(path)) for read, path in _READS.items()}, _TIMES)


class _Owner:
    """A program of the shop's owner, with an API key."""

    def __init__(self, folder: Path, url: str) -> None:
        database = Database(url, KEY)
        with database.writing() as conn:
            (shop,) = shops.every(conn)
            key = keys.create(conn, shop.id, "bench")
        settings = config.load({"ATBALSS_DATABASE_URL": url, "ATBALSS_SECRET_KEY": KEY}, folder / "data")
        self._client = create_app(settings, database, redis.Redis(host="127.0.0.1", port=1)).test_client()
        self._headers = {"Authorization": f"Bearer {key}"}

    def asks(self, path: str) -> Ask:
        def ask() -> None:
            reply = self._client.get(path, headers=self._headers)
            assert reply.status_code == 200
            assert orjson.loads(reply.data)["total"]["n"] > 100

        return ask


BENCHMARK = Benchmark("c", "Reading scores after 10 thousand and after 1 million events", measure)
