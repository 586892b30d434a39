"""(b) Events a second from the stream to committed counts, with one worker; the same with 20 active rules; and the two
ways most would write it.

The same events for all: answers of an order page with token and language, and searches, as `intake` leaves them in the
stream. One consumer in a process of its own drains a full stream (SQLite `synchronous=FULL`, PostgreSQL with fsync).
Beside it the same pipeline with a transaction for each event, and an RQ job for each event.

Of the 20 rules two thirds listen to answers, as those of a busy shop would. The order of every tenth rating is known, so
that it is granted points, and one rating in 25 is told to an endpoint; the rest is looked at in vain, which is most of
what rules do.
"""

import multiprocessing
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import orjson
import redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from tests.benchmarks import Benchmark, Goal, Result
from tests.servers import PostgresServer, ValkeyServer
from widget_server.act import pipeline, rules
from widget_server.act.consume import Consumer
from widget_server.intake.stream import FIELD, STREAM
from widget_server.record import endpoints, shops
from widget_server.record.db import Database

_KEY = "benchmark-secret-key-0123456789"
_EVENTS = 20_000
_ONE_BY_ONE = 1_000
_JOBS = 200
_ROUNDS = 3
_NOW = 1_763_800_000_000


def measure() -> Result:
    """Both databases, four ways each."""
    rows, goals, ratios = [], [], []
    valkey = ValkeyServer({"maxmemory": "1gb"})
    try:
        with tempfile.TemporaryDirectory() as folder, _databases(Path(folder)) as urls:
            for name, make in urls.items():
                rates = {way: _rounds(valkey, make, way) for way in _WAYS}
                for way, found in rates.items():
                    middle = statistics.median(found)
                    span = f"{min(found):,.0f}-{max(found):,.0f}" if len(found) > 1 else "-"
                    rows.append((name, way, f"{middle:,.0f}", span))
                plain, ruled = statistics.median(rates[_OURS]), statistics.median(rates[_RULES])
                goals.append(Goal(f"events/s, one worker, {name}", plain, 5000))
                if name == "SQLite":
                    goals.append(Goal(f"events/s with 20 active rules, {name}", ruled, 5000))
                ratios.append(f"{name}: with 20 active rules {ruled / plain:.2f} of the events/s without.")
    finally:
        valkey.stop()
    return Result(
        ("database", "how", "events/s", "rounds"),
        rows,
        goals,
        (
            *ratios,
            *[f"{name}: the consumer's own processor time is {share:.0%} of the time." for name, share in _busy.items()],
            "Limit: that is Python folding answers and summing their counters (on SQLite its upserts too); the rest is the",
            "server's upserts of counter rows, three periods for each count. The fsync of a batch hardly shows.",
        ),
    )


_OURS, _SINGLE, _RQ = "consumer, batches of 500", "a transaction for each event", "an RQ job for each event"
_RULES = "the consumer with 20 active rules"


def _rounds(valkey: ValkeyServer, make: Callable[[], str], way: str) -> list[float]:
    found = []
    for _ in range(_ROUNDS if way in (_OURS, _RULES) else 1):
        url = make()
        database = Database(url, _KEY)
        database.migrate()
        with database.writing() as conn:
            shop = shops.create(conn, "Bench", "shop.example").id
        if way == _RULES:
            _make_rules(database, shop)
        database.close()
        with valkey.client() as client:
            client.flushall()
        found.append(_WAYS[way](valkey.url, url, shop))
        _check(url, _RULES_NEED if way == _RULES else 0)
    return found


def envelopes(shop: str, number: int) -> list[bytes]:
    """What shoppers of a mid-sized shop send: half ratings of orders, a third searches, the rest answers to them."""
    rng = random.Random(7)
    made = []
    for n in range(number):
        at = _NOW + n * 97
        page = {"url": "https://shop.example/p", "lang": rng.choice(["lv", "lt", "et", "ru", "en"])}
        event = {"id": str(uuid.UUID(int=rng.getrandbits(128))), "at": at, "page": page}
        search = {"query": f"query {int(rng.paretovariate(1)) % 2000}", "results": rng.choice([0, 3, 12])}
        kind = rng.random()
        if kind < 0.5:
            event |= {"type": "answer.given", "question": "order-rating", "question_version": 1, "placement": "order",
                      "answer": str(uuid.UUID(int=rng.getrandbits(128))), "value": rng.choice([1, 3, 4, 5, 5]),
                      "order": {"ref": f"A-{n}", "line": None, "sku": [f"sku-{rng.randrange(5000)}"]}}  # fmt: skip
        elif kind < 0.83:
            event |= {"type": "search.performed", "search": search}
        else:
            event |= {"type": "answer.given", "question": "search-found", "question_version": 1, "placement": "search",
                      "answer": str(uuid.UUID(int=rng.getrandbits(128))), "value": rng.choice(["yes", "no"]),
                      "search": search}  # fmt: skip
        made.append(orjson.dumps({"shop": shop, "source": "browser", "received": at, "event": event}))
    return made


_RULES_NEED = _EVENTS // 10
"""Orders that are known before the clock is started."""


def _make_rules(database: Database, shop: str) -> None:
    """20 active rules, and the orders of every tenth event."""
    with database.writing() as conn:
        known = shops.by_id(conn, shop)
        assert known is not None
        endpoint, _ = endpoints.create(conn, shop, "https://shop.example/hook", ("answer.removed",), _NOW)
        for body in _rules(endpoint.id):
            rules.create(conn, known, body, _NOW - 1)
    bodies = [
        orjson.dumps({"shop": shop, "source": "platform", "received": _NOW, "event": {
            "id": str(uuid.UUID(int=n)), "type": "order.completed", "at": _NOW - 1000, "order": {
                "ref": f"A-{n * 10}", "status": "completed", "customer": f"c-{n % 700}", "currency": "EUR", "total": "50.00",
                "placed_at": "2025-11-20T10:00:00Z", "completed_at": "2025-11-21T10:00:00Z"}}})
        for n in range(_RULES_NEED)
    ]  # fmt: skip
    for start in range(0, len(bodies), 500):
        pipeline.process(database, bodies[start : start + 500])


def _rules(endpoint: str) -> list[dict[str, Any]]:
    points, told = [{"points": 50}], [{"webhook": {"endpoint": endpoint}}]
    coupon = [{"coupon": {"kind": "percent", "amount": "10", "days": 30}}]
    rated = {"question": ["order-rating"]}
    made = [
        ("answer.given", points, {**rated, "placement": ["order"]}),
        ("answer.given", told, {**rated, "value": {"max": 1}, "language": ["lv"]}),
        ("answer.given", told, {"question": ["search-found"], "value": {"is": ["no"]}, "placement": ["link"]}),
        *[("answer.given", points, {**rated, "product": [f"sku-{n}", f"sku-{n + 100}"]}) for n in range(3)],
        *[("answer.given", coupon, {**rated, "order_value": {"min": f"{n}00.00", "currency": "EUR"}}) for n in (1, 2, 3)],
        *[("answer.given", points, {"question": [f"nps-{n}"]}) for n in range(3)],
        ("answer.given", [{"mail": {}}], {"placement": ["product"], "value": {"max": 2}}),
        ("order.completed", [{"points_per": {"points": 1, "amount": "1.00", "currency": "EUR"}}], {}),
        ("order.completed", coupon, {"order_value": {"min": "500.00", "currency": "EUR"}}),
        ("order.refunded", [{"mail": {}}], {}),
        ("score.updated", told, {"metric": "stars", "score": {"max": 2}}),
        ("score.updated", [{"mail": {}}], {"metric": "success", "score": {"max": 0.3}}),
        ("customer.birthday", coupon, {}),
        ("customer.silent", coupon, {"days": 90}),
    ]
    assert len(made) == 20
    return [{"name": f"rule {n}", "when": when, "then": then, "if": only} for n, (when, then, only) in enumerate(made)]


def _fill(url: str, bodies: Sequence[bytes]) -> None:
    with redis.Redis.from_url(url) as client:
        for start in range(0, len(bodies), 1000):
            with client.pipeline(transaction=False) as pipe:
                for body in bodies[start : start + 1000]:
                    pipe.xadd(STREAM, {FIELD: body})
                pipe.execute()


def _consumer(redis_url: str, database_url: str, shop: str) -> float:
    bodies = envelopes(shop, _EVENTS)
    _fill(redis_url, bodies)
    seconds, processor = _elsewhere(_drain, redis_url, database_url)
    _busy["SQLite" if database_url.startswith("sqlite") else "PostgreSQL"] = processor / seconds
    return len(bodies) / seconds


# The share of its time that the consumer was busy itself, in the last round.
_busy: dict[str, float] = {}


def _drain(redis_url: str, database_url: str) -> None:
    database = Database(database_url, _KEY)
    with redis.Redis.from_url(redis_url) as client:
        Consumer(client, database).drain()


def _one_by_one(_redis_url: str, database_url: str, shop: str) -> float:
    return _ONE_BY_ONE / _elsewhere(_singly, database_url, shop)[0]


def _singly(database_url: str, shop: str) -> None:
    database = Database(database_url, _KEY)
    for body in envelopes(shop, _ONE_BY_ONE):
        pipeline.process(database, [body])


def _jobs(redis_url: str, database_url: str, shop: str) -> float:
    _enqueue(redis_url, shop)
    return _JOBS / _elsewhere(_work_jobs, redis_url, database_url, shop)[0]


_job_database: Database | None = None


def apply_one(body: str) -> None:
    """The RQ job."""
    assert _job_database is not None
    pipeline.process(_job_database, [body.encode()])


def _enqueue(redis_url: str, shop: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        queue = Queue("bench", connection=client, serializer=JSONSerializer)
        for body in envelopes(shop, _JOBS):
            queue.enqueue(apply_one, body.decode(), result_ttl=0)


def _work_jobs(redis_url: str, database_url: str, shop: str) -> None:
    global _job_database
    # Warm, as far as a forked job can be: statements are compiled once, connections are made after the fork.
    _job_database = Database(database_url, _KEY)
    pipeline.process(_job_database, [envelopes(shop, 1)[0]])
    _job_database.close()
    client = redis.Redis.from_url(redis_url)
    Worker([Queue("bench", connection=client, serializer=JSONSerializer)], connection=client, serializer=JSONSerializer).work(
        burst=True, logging_level="ERROR"
    )


_WAYS: dict[str, Callable[[str, str, str], float]] = {_OURS: _consumer, _RULES: _consumer, _SINGLE: _one_by_one, _RQ: _jobs}


def _elsewhere(work: Callable[..., None], *arguments: str) -> tuple[float, float]:
    """Run `work` in a fresh process, as a worker is one; how long it took, and how long it was busy itself."""
    context = multiprocessing.get_context("spawn")
    told, tell = context.Pipe(duplex=False)
    process = context.Process(target=_tell, args=(tell, work, *arguments), daemon=False)
    process.start()
    tell.close()
    seconds, processor = told.recv()
    process.join()
    return seconds, processor


def _tell(tell: Connection, work: Callable[..., None], *arguments: str) -> None:
    began, busy = time.perf_counter(), time.process_time()
    work(*arguments)
    tell.send((time.perf_counter() - began, time.process_time() - busy))


def _check(url: str, orders: int) -> None:
    database = Database(url, _KEY)
    with database.reading() as conn:
        found = conn.exec_driver_sql("SELECT count(*) FROM events").scalar_one() - orders
        granted = conn.exec_driver_sql("SELECT count(*) FROM ledger").scalar_one()
        told = conn.exec_driver_sql("SELECT count(*) FROM outbox").scalar_one()
    database.close()
    assert found in (_EVENTS, _ONE_BY_ONE, _JOBS), f"{found} events were counted"
    if orders:
        assert granted > _EVENTS // 30, f"{granted} ledger lines"
        assert told > _EVENTS // 100, f"{told} messages"


@contextmanager
def _databases(folder: Path) -> Iterator[dict[str, Callable[[], str]]]:
    number = iter(range(1000))
    server = PostgresServer(durable=True)

    def make() -> str:
        name = f"bench_{next(number)}"
        server.run(f"CREATE DATABASE {name}")
        return server.url(name)

    try:
        yield {"SQLite": lambda: f"sqlite:///{folder}/{next(number)}.db", "PostgreSQL": make}
    finally:
        server.stop()


BENCHMARK = Benchmark("b", "From the stream to committed counts", measure)
