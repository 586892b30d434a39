"""(d) Webhooks a second from the outbox to receivers that answer at once, by one worker; and the way most would write it.

The same messages for all: signed, to 40 endpoints of 20 shops on the loopback, each noted down as an attempt. One sender
in a process of its own (SQLite `synchronous=FULL`, PostgreSQL with fsync). Beside it an RQ job for each webhook, which
reads its row, signs, sends by the standard library without any guard, and writes the row: no lease, no schedule, no
fairness, no log. And as the floor, the sending alone: our client in as many threads, and no database.
"""

import asyncio
import multiprocessing
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from sqlalchemy import text

from integrations.signing import make_secret, sign
from tests.benchmarks import Benchmark, Goal, Result
from tests.servers import PostgresServer, ValkeyServer
from widget_server.act.deliver import THREADS, Deliverer
from widget_server.act.http import HttpClient
from widget_server.record import endpoints, outbox
from widget_server.record.db import Database
from widget_server.record.outbox import OutboxRow

_KEY = "benchmark-secret-key-0123456789"
_SHOPS, _EACH = 20, 2
_MESSAGES = 2_000
_JOBS = 150
_ROUNDS = 3
_BODY = outbox.webhook_body("answer.given", 1_763_800_000_000, {"question": "order-rating", "value": 5, "text": "ļoti labi " * 20})

_OURS, _RQ, _BARE = "our worker", "an RQ job for each webhook", "our client alone, no database"


def measure() -> Result:
    """Both databases."""
    rows, goals = [], []
    valkey = ValkeyServer({"maxmemory": "1gb"})
    try:
        with _receiver() as url, tempfile.TemporaryDirectory() as folder, _databases(Path(folder)) as makes:
            bare = [_MESSAGES / _elsewhere(_send_only, url) for _ in range(_ROUNDS)]
            rows.append(_row("-", _BARE, bare))
            for name, make in makes.items():
                ours = [_MESSAGES / _elsewhere(_deliver, _filled(make(), url, _MESSAGES)) for _ in range(_ROUNDS)]
                jobs = [_jobs(valkey.url, _filled(make(), url, _JOBS))]
                rows += [_row(name, _OURS, ours), _row(name, _RQ, jobs)]
                goals.append(Goal(f"times an RQ job for each webhook, {name}", statistics.median(ours) / jobs[0], 10))
    finally:
        valkey.stop()
    return Result(
        ("database", "how", "webhooks/s", "rounds"),
        rows,
        goals,
        ("Limit: Python's threads, which share one core for signing, HTTP and the rows; the receiver uses the other.",),
    )


def _row(database: str, how: str, found: list[float]) -> tuple[str, ...]:
    span = f"{min(found):,.0f}-{max(found):,.0f}" if len(found) > 1 else "-"
    return (database, how, f"{statistics.median(found):,.0f}", span)


def _filled(database_url: str, url: str, messages: int) -> str:
    database = Database(database_url, _KEY)
    database.migrate()
    now = time.time_ns() // 1_000_000
    with database.writing() as conn:
        for shop in range(_SHOPS):
            for number in range(_EACH):
                made, _ = endpoints.create(conn, f"shop_{shop}", f"{url}/{shop}/{number}", ["answer.given"], now)
                count = messages // (_SHOPS * _EACH) + ((shop * _EACH + number) < messages % (_SHOPS * _EACH))
                rows = [OutboxRow(f"shop_{shop}", f"answer.given:{n}:{made.id}", made.id, "answer.given", _BODY) for n in range(count)]
                outbox.add(conn, rows, now)
    database.close()
    return database_url


# --- the three ways, each in a process of its own


def _deliver(database_url: str) -> None:
    database = Database(database_url, _KEY)
    deliverer = Deliverer(database, HttpClient(allow_private=True), lambda _conn, _row: None)
    while deliverer.run(60):
        pass
    with database.reading() as conn:
        assert outbox.counts(conn)["done"] == _MESSAGES
    deliverer.close(1)
    database.close()


def _send_only(url: str) -> None:
    http, secret = HttpClient(allow_private=True), make_secret()

    def send(number: int) -> None:
        headers = sign([secret], f"msg_{number}", int(time.time()), _BODY.encode())
        assert http.request("POST", url, headers=headers, body=_BODY.encode()).status == 204

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(send, range(_MESSAGES)))


def _jobs(redis_url: str, database_url: str) -> float:
    database = Database(database_url, _KEY)
    with redis.Redis.from_url(redis_url) as client, database.reading() as conn:
        client.flushall()
        queue = Queue("bench", connection=client, serializer=JSONSerializer)
        for one in outbox.deliveries(conn, limit=_JOBS):
            queue.enqueue(send_one, one.id, result_ttl=0)
    database.close()
    return _JOBS / _elsewhere(_work_jobs, redis_url, database_url)


_job_database: Database | None = None


def send_one(delivery: str) -> None:
    """The RQ job."""
    assert _job_database is not None
    with _job_database.reading() as conn:
        row = outbox.deliveries(conn, delivery=delivery)[0]
        target = endpoints.targets(conn, [row.endpoint], 0)[row.endpoint]
        body = (outbox.body(conn, delivery) or "").encode()
    headers = sign(target.secrets, delivery, int(time.time()), body)
    request = urllib.request.Request(target.url, body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=15) as reply:
        assert reply.status == 204
    with _job_database.writing() as conn:
        conn.execute(text("UPDATE outbox SET state = 'done', attempts = 1 WHERE id = :id"), {"id": delivery})


def _work_jobs(redis_url: str, database_url: str) -> None:
    global _job_database
    _job_database = Database(database_url, _KEY)
    client = redis.Redis.from_url(redis_url)
    Worker([Queue("bench", connection=client, serializer=JSONSerializer)], connection=client, serializer=JSONSerializer).work(
        burst=True, logging_level="ERROR"
    )
    with _job_database.reading() as conn:
        assert outbox.counts(conn)["done"] == _JOBS


def _elsewhere(work: Callable[..., None], *arguments: str) -> float:
    """Run `work` in a fresh process; how long it took."""
    context = multiprocessing.get_context("spawn")
    told, tell = context.Pipe(duplex=False)
    process = context.Process(target=_tell, args=(tell, work, *arguments), daemon=False)
    process.start()
    tell.close()
    seconds = float(told.recv())
    process.join()
    return seconds


def _tell(tell: Connection, work: Callable[..., None], *arguments: str) -> None:
    began = time.perf_counter()
    work(*arguments)
    tell.send(time.perf_counter() - began)


# --- the receiver


@contextmanager
def _receiver() -> Iterator[str]:
    """Answers 204 to everything, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    told, tell = context.Pipe(duplex=False)
    process = context.Process(target=_receive, args=(tell,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{told.recv()}"
    finally:
        process.terminate()
        process.join()


def _receive(tell: Connection) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
        finally:
            writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=256)
        tell.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


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


BENCHMARK = Benchmark("d", "From the outbox to receivers", measure)
