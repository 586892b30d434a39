"""(c) How long an owner waits for a score when there are a hundred times as many answers.

The same shop twice, once with 10 thousand and once with 1 million events, spread over the same 730 days, 5,000
products, 5 languages and 3 questions, filled through the pipeline (PostgreSQL gets a copy of SQLite's tables). `GET /v1/scores` through the whole Flask app, no
cache; requests to both databases alternate, so that a slow moment of the machine hits both.
"""

import itertools
import multiprocessing
import random
import sqlite3
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import psycopg
import redis
from flask.testing import FlaskClient
from sqlalchemy import Boolean

from tests.benchmarks import Benchmark, Goal, Result
from tests.servers import PostgresServer
from widget_server.act.pipeline import process
from widget_server.contract.shop import Question
from widget_server.record import questions, shops
from widget_server.record.db import Database, metadata
from widget_server.run import config
from widget_server.web.app import create_app

_KEY = "benchmark-secret-key-0123456789"
_SIZES = (10_000, 1_000_000)
_DAYS, _PRODUCTS = 730, 5_000
_FIRST = 1_700_000_000_000
_BATCH = 50_000
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
    rows: list[tuple[str, ...]] = []
    goals, limits = [], []
    with tempfile.TemporaryDirectory() as folder, _databases(Path(folder)) as urls:
        for name, (small, large) in urls.items():
            began = time.perf_counter()
            for place, url in enumerate((small, large)):
                _elsewhere(fill, url, _SIZES[place]) if name == "SQLite" else _elsewhere(copy, urls["SQLite"][place], url)
            limits.append(f"{name} was filled in {time.perf_counter() - began:.0f} s.")
            for read, (quick, slow) in _compare(Path(folder), small, large).items():
                ratio = _p95(slow) / _p95(quick)
                cells = [f"{value:.2f}" for value in (_middle(quick), _p95(quick), _middle(slow), _p95(slow), ratio)]
                rows.append((f"{name}, {read}", *cells))
                if read in _GOALS:
                    goals.append(Goal(f"{name}, {read}: p95 with a hundred times the events", ratio, _MOST, most=True))
    header = ("GET /v1/scores", "10k p50 ms", "p95 ms", "1M p50 ms", "p95 ms", "ratio")
    why = "Limit: Flask and the reply's JSON; the rows that a score reads are counters, as many after a million events as the page, its buckets and its periods have."
    return Result(header, rows, goals, (why, *limits))


def _elsewhere(work: Callable[..., None], *arguments: Any) -> None:
    """In a process of its own, so that what it leaves in memory slows no request."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__} failed")


def fill(url: str, size: int) -> None:
    """A shop with `size` events, in the order of their times."""
    database = Database(url, _KEY)
    database.migrate()
    with database.writing() as conn:
        shop = shops.create(conn, "Bench", "shop.example").id
        questions.add_version(conn, shop, Question("recommend", 1, "nps", "order", False, {"follow_up": "always"}, {}))
    bodies = _bodies(shop, size)
    while batch := list(itertools.islice(bodies, _BATCH)):
        process(database, batch)
    database.close()


def copy(source: str, target: str) -> None:
    """Every row of every table, from SQLite to PostgreSQL."""
    database = Database(target, _KEY)
    database.migrate()
    database.close()
    with sqlite3.connect(source.removeprefix("sqlite:///")) as rows, psycopg.connect(target) as conn:
        for table in metadata.sorted_tables:
            names = ", ".join(column.name for column in table.columns)
            flags = [n for n, column in enumerate(table.columns) if isinstance(column.type, Boolean)]
            with conn.cursor().copy(f"COPY {table.name} ({names}) FROM STDIN") as sink:
                for row in rows.execute(f"SELECT {names} FROM {table.name}"):
                    sink.write_row([bool(cell) if n in flags else cell for n, cell in enumerate(row)])
        conn.execute("ANALYZE")


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


def _compare(folder: Path, small: str, large: str) -> dict[str, tuple[list[float], list[float]]]:
    clients = [_client(folder, url) for url in (small, large)]
    found: dict[str, tuple[list[float], list[float]]] = {}
    for read, path in _READS.items():
        found[read] = ([], [])
        for _ in range(_TIMES):
            for (client, key), took in zip(clients, found[read], strict=True):
                began = time.perf_counter()
                reply = client.get(path, headers={"Authorization": f"Bearer {key}"})
                took.append((time.perf_counter() - began) * 1000)
                assert reply.status_code == 200
                assert reply.json["total"]["n"] > 100
    return found


def _client(folder: Path, url: str) -> tuple[FlaskClient, str]:
    database = Database(url, _KEY)
    with database.writing() as conn:
        (shop,) = shops.every(conn)
        key = shops.keys.create(conn, shop.id, "bench")
    settings = config.load({"ATBALSS_DATABASE_URL": url, "ATBALSS_SECRET_KEY": _KEY}, folder / "data")
    client = create_app(settings, database, redis.Redis(host="127.0.0.1", port=1)).test_client()
    return client, key


def _p95(took: list[float]) -> float:
    return statistics.quantiles(took, n=20)[-1]


def _middle(took: list[float]) -> float:
    return statistics.median(took)


@contextmanager
def _databases(folder: Path) -> Iterator[dict[str, tuple[str, str]]]:
    server = PostgresServer(durable=True)
    try:
        for name in ("small", "large"):
            server.run(f"CREATE DATABASE {name}")
        yield {
            "SQLite": (f"sqlite:///{folder}/small.db", f"sqlite:///{folder}/large.db"),
            "PostgreSQL": (server.url("small"), server.url("large")),
        }
    finally:
        server.stop()


BENCHMARK = Benchmark("c", "Reading scores after 10 thousand and after 1 million events", measure)
