"""(e) How long the server takes for each of the owner's pages when there are a hundred times as many answers.

The same shop twice, once with 10 thousand and once with 1 million events of the last 730 days: searches of 3,000 different
queries, few of them often and most of them seldom, what shoppers said about them, orders and their ratings, some with a
text. Filled through the pipeline; PostgreSQL gets a copy of SQLite's tables. Every page of the registry whose address
needs no name is asked for, and some more by name, through the whole Flask app by a signed-in owner. Requests to both
sizes alternate, so that a slow moment of the machine hits both.
"""

import itertools
import random
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import orjson
import redis
from flask import Flask
from flask.testing import FlaskClient

from tests.benchmarks import Benchmark, Goal, Result
from tests.benchmarks.reads import _databases, _elsewhere, _middle, _p95, copy
from tests.servers import ValkeyServer
from widget_server.act.pipeline import process
from widget_server.contract.sets import SETS
from widget_server.record import accounts, members, questions, sessions, shops
from widget_server.record.db import Database
from widget_server.run import config
from widget_server.web.app import create_app

_KEY = "benchmark-secret-key-0123456789"
_SIZES = (10_000, 1_000_000)
_DAYS, _PRODUCTS, _QUERIES = 730, 2_000, 3_000
_BATCH = 50_000
_TIMES = 60
_MOST_MS, _MOST_RATIO = 60.0, 1.5
_LANGUAGES = ("lv", "lt", "et", "ru", "en")
_WORDS = ("krēsls", "galds", "lampa", "zaļš", "liels", "bērnu", "koka", "lina", "paklājs", "spogulis", "plaukts", "vāze")
# Beside the pages themselves: what owners do most.
_MORE = (
    "/app/overview?period=90&compare=1",
    "/app/searches?period=90&sort=not_found",
    "/app/answers?text=yes",
    "/app/answers?question=search-found&value=no&period=30",
    "/app/answers?q=kr%C4%93sls",
    "/app/searches/query?q=kr%C4%93sls+0",
    "/app/questions/one/search-found",
)


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
            for page, (quick, slow) in _compare(Path(folder), small, large).items():
                ratio = _p95(slow) / _p95(quick)
                cells = [f"{value:.1f}" for value in (_middle(quick), _p95(quick), _middle(slow), _p95(slow))]
                rows.append((f"{name} {page}", *cells, f"{ratio:.2f}"))
                goals.append(Goal(f"{name} {page}: p95 ms after a million events", _p95(slow), _MOST_MS, most=True))
                goals.append(Goal(f"{name} {page}: p95 with a hundred times the events", ratio, _MOST_RATIO, most=True))
    header = ("GET", "10k p50 ms", "p95 ms", "1M p50 ms", "p95 ms", "ratio")
    return Result(header, rows, [goal for goal in goals if not goal.held] or goals[:2], limits)


def fill(url: str, size: int) -> None:
    """A shop with `size` events, in the order of their times."""
    database = Database(url, _KEY)
    database.migrate()
    with database.writing() as conn:
        shop = shops.create(conn, "Bench", "shop.example").id
        shops.set_up(conn, shop)
        for name in ("recommend", "product-info", "delivery-rating"):
            questions.create(conn, shop, SETS[name].question())
    bodies = _bodies(shop, size)
    while batch := list(itertools.islice(bodies, _BATCH)):
        process(database, batch)
    database.close()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as conn:
        conn.execute("ANALYZE")


def _bodies(shop: str, size: int) -> Iterator[bytes]:
    rng = random.Random(11)
    now = int(time.time() * 1000)
    source = {"order.placed": "platform"}
    made = 0
    while made < size:
        at = now - (size - made) * _DAYS * 86_400_000 // size
        for event in itertools.islice(_events(rng, at, made), size - made):
            made += 1
            kind = str(event["type"])
            yield orjson.dumps({"shop": shop, "source": source.get(kind, "browser"), "received": at, "event": event})


def _events(rng: random.Random, at: int, number: int) -> Iterator[dict[str, Any]]:
    """One shopper: a search and what came of it, or an order and its rating, or an answer to something else."""

    def event(kind: str, **fields: Any) -> dict[str, Any]:
        return {"id": str(uuid.UUID(int=rng.getrandbits(128))), "type": kind, "at": at, **fields}

    page = {"page": {"lang": rng.choice(_LANGUAGES)}}
    which = rng.random()
    words = f"{rng.choice(_WORDS)} {rng.choice(_WORDS)}" if rng.random() < 0.3 else None
    if which < 0.55:
        which_query = min(_QUERIES - 1, int(rng.paretovariate(0.8)) - 1)
        query = {"id": str(number), "query": f"{_WORDS[which_query % len(_WORDS)]} {which_query}", "results": rng.choice((0, 3, 12, 40))}
        yield event("search.performed", search=query, **page)
        if rng.random() < 0.6:
            about = {"question": "search-found", "placement": "search", "search": query, **page}
            value = "no" if rng.random() < 0.2 + 0.6 * (which_query % 3 == 0) else "yes"
            yield event("answer.given", value=value, **about, **({"text": words} if words and value == "no" else {}))
    elif which < 0.85:
        product = f"product-{rng.randrange(_PRODUCTS):04}"
        line = {"line": "1", "product": product, "quantity": 1, "price": "25.00"}
        order = {"ref": f"B-{number}", "customer": f"C-{number // 3}", "currency": "EUR", "total": "25.00", "lines": [line]}
        yield event("order.placed", order=order)
        told = {"question": "order-rating", "placement": "order", "order": {"ref": f"B-{number}", "line": None, "sku": [product]}, **page}
        yield event("answer.given", value=rng.choice((1, 2, 3, 4, 4, 5, 5, 5)), **told, **({"text": words} if words else {}))
    else:
        question, value = rng.choice((("recommend", rng.randint(0, 10)), ("product-info", "yes"), ("delivery-rating", rng.randint(1, 5))))
        yield event("answer.given", question=question, value=value, **page)


def _compare(folder: Path, small: str, large: str) -> dict[str, tuple[list[float], list[float]]]:
    with ExitStack() as stack:
        valkey = ValkeyServer()
        stack.callback(valkey.stop)
        stream = stack.enter_context(valkey.client())
        databases = [Database(url, _KEY) for url in (small, large)]
        for database in databases:
            stack.callback(database.close)
        return _times([_owner(folder, database, stream) for database in databases])


def _times(visitors: list[tuple[Flask, FlaskClient]]) -> dict[str, tuple[list[float], list[float]]]:
    app, first = visitors[0]
    found: dict[str, tuple[list[float], list[float]]] = {}
    for path in (*_pages(app, first), *_MORE):
        took: tuple[list[float], list[float]] = ([], [])
        for _ in range(_TIMES):
            for (_, client), times in zip(visitors, took, strict=True):
                began = time.perf_counter()
                reply = client.get(path)
                times.append((time.perf_counter() - began) * 1000)
                if reply.status_code != 200:
                    raise RuntimeError(f"{path} says {reply.status_code}")
        found[path] = took
    return found


def _pages(app: Flask, client: FlaskClient) -> list[str]:
    """Every page whose address needs no name; what is no page of HTML (exports, pictures) and what leads on is left out."""
    rules = sorted(
        rule.rule for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/app/") and "GET" in (rule.methods or ()) and not rule.arguments
    )  # fmt: skip
    found = []
    for path in rules:
        if "sign-in" in path or "export" in path:
            continue
        reply = client.get(path)
        if reply.status_code == 200 and reply.mimetype == "text/html":
            found.append(path)
    return found


def _owner(folder: Path, database: Database, stream: redis.Redis) -> tuple[Flask, FlaskClient]:
    """The app on a database, and an owner signed in."""
    now = time.time_ns() // 1_000_000
    with database.writing() as conn:
        (shop,) = shops.every(conn)
        # PostgreSQL's copy has the owner of SQLite's too.
        made = accounts.create(conn, f"owner-{now}@people.example", "Owner", "en", "no password", now)
        members.add(conn, shop.id, made.id, "owner", now)
        token = sessions.begin(conn, made.id, shop.id, now)
    settings = config.load({"ATBALSS_SECRET_KEY": _KEY}, folder / "data")
    app = create_app(settings, database, stream)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["token"] = token
    return app, client


BENCHMARK = Benchmark("e", "The owner's pages after 10 thousand and after 1 million events", measure)
