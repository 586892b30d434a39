"""(a) Requests a second into the stream: ours, and what most would write instead.

Single-event bodies, each with an id of its own and a valid order token, from one generator over the same number of
connections; one server process each; one Valkey with `appendfsync always` for all. Rounds are interleaved, and the best
round of each server counts: the one in which the machine was least busy with something else.
"""

import os
import secrets
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from tests.benchmarks import Benchmark, Goal, Result
from tests.benchmarks._load import Load, free_port, post, run
from tests.servers import ValkeyServer, wait_for
from widget_server.contract.shop import Shop
from widget_server.contract.tokens import sign_order_token
from widget_server.record import shops
from widget_server.record.db import Database

CONNECTIONS = 128
_ROUNDS = 5
_SECONDS = 3.0
_BODIES = 20_000
_KEY = "benchmark-secret-key-0123456789"
_OURS, _GUNICORN, _GRANIAN, _EMPTY = (
    "our collector", "Flask + marshmallow + XADD, gunicorn gthread", "the same on granian", "empty WSGI callable, granian",
)  # fmt: skip


def measure() -> Result:
    """All four, side by side."""
    with tempfile.TemporaryDirectory() as folder, _valkey() as valkey:
        shop = make_shop(Path(folder))
        requests = make_requests(shop)
        with _servers(Path(folder), valkey.url) as ports:
            loads = _rounds(ports, requests, valkey)
    best = {name: max(load.per_second for load in of) for name, of in loads.items()}
    return Result(
        ("server, one process", "requests/s", "p50 ms", "p99 ms", "not 202", "generator busy"),
        [_row(name, of) for name, of in loads.items()],
        (
            Goal("times Flask on gunicorn gthread", best[_OURS] / best[_GUNICORN], 8),
            Goal("times Flask on granian", best[_OURS] / best[_GRANIAN], 3),
            Goal("share of the empty callable", best[_OURS] / best[_EMPTY], 0.15),
        ),
        (
            "Limit: the collector's Python, on one core (parse, check, verify the token, pack), then Valkey's fsync for each group.",
            "Where the generator is busy near 100 % it is the limit itself, so that server could do more.",
        ),
    )


def make_shop(folder: Path) -> Shop:
    """A shop in a SQLite file in `folder`."""
    database = Database(f"sqlite:///{folder / 'atbalss.db'}", _KEY)
    database.migrate()
    with database.writing() as conn:
        made = shops.create(conn, "Bench", "shop.example")
        shop = shops.by_id(conn, made.id)
    database.close()
    assert shop is not None
    return shop


def make_requests(shop: Shop, count: int = _BODIES) -> list[bytes]:
    """Requests as the snippet sends them from an order page."""
    now = int(time.time())
    return [
        post(
            f"/v1/shops/{shop.site_key}/answers",
            _body(shop, number, now),
            (("Content-Type", "text/plain;charset=UTF-8"), ("Origin", "https://www.shop.example")),
        )
        for number in range(count)
    ]


def _body(shop: Shop, number: int, now: int) -> bytes:
    claims = {"site": shop.site_key, "order": f"A-{number}", "iat": now, "exp": now + 86_400, "use": "rate",
              "jti": secrets.token_hex(8), "sku": ["4750001"], "locale": "lv"}  # fmt: skip
    at = time.strftime("%Y-%m-%dT%H:%M:%S.123Z", time.gmtime(now))
    event: dict[str, Any] = {
        "id": str(uuid.uuid4()), "type": "answer.given", "at": at, "question": "order-rating", "question_version": 1,
        "placement": "order", "answer": str(uuid.uuid4()), "value": number % 5 + 1,
        "page": {"url": "https://www.shop.example/thanks", "lang": "lv"},
        "order_token": sign_order_token(shop.order_token_secret, claims),
    }  # fmt: skip
    return orjson.dumps({"sent_at": at, "events": [event]})


def _rounds(ports: dict[str, int], requests: list[bytes], valkey: ValkeyServer) -> dict[str, list[Load]]:
    loads: dict[str, list[Load]] = {name: [] for name in ports}
    for port in ports.values():
        run(port, requests, CONNECTIONS, 1.0)
    for _ in range(_ROUNDS):
        for name, port in ports.items():
            with valkey.client() as client:
                client.delete("atbalss:intake")
            loads[name].append(run(port, requests, CONNECTIONS, _SECONDS))
    return loads


def _row(name: str, loads: list[Load]) -> tuple[str, ...]:
    best = max(loads, key=lambda load: load.per_second)
    wrong = sum(count for load in loads for status, count in load.statuses.items() if status != 202)
    wrong += sum(load.broken for load in loads)
    return (name, f"{best.per_second:,.0f}", f"{best.p50:.2f}", f"{best.p99:.2f}", str(wrong), f"{best.busy:.0%}")


@contextmanager
def _valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer({"maxmemory": "1gb"})
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def _servers(folder: Path, redis_url: str) -> Iterator[dict[str, int]]:
    ports = {name: free_port() for name in (_OURS, _GUNICORN, _GRANIAN, _EMPTY)}
    # What gunicorn's documentation advises at most; on two cores also the fastest for both, within the noise.
    threads = str(4 * (os.cpu_count() or 1))
    plain, bench = "tests.benchmarks._plain", {"BENCH_REDIS_URL": redis_url}
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1", "--no-log", "--backlog", "1024"]
    commands: dict[str, tuple[list[str], dict[str, str]]] = {
        _OURS: ([sys.executable, "-m", "widget_server.run", "web", "--port", str(ports[_OURS])], {
            "ATBALSS_DATA_DIR": str(folder), "ATBALSS_REDIS_URL": redis_url, "ATBALSS_SECRET_KEY": _KEY,
            "ATBALSS_SHOP_RATE": "1000000000", "ATBALSS_NETWORK_RATE": "1000000000", "ATBALSS_LOG_LEVEL": "warning",
        }),
        _GUNICORN: ([sys.executable, "-m", "gunicorn", "-k", "gthread", "-w", "1", "--threads", threads, "--keep-alive", "75",
                     "--log-level", "warning", "-b", f"127.0.0.1:{ports[_GUNICORN]}", f"{plain}:app"], bench),
        _GRANIAN: ([*granian, "--blocking-threads", threads, "--port", str(ports[_GRANIAN]), f"{plain}:app"], bench),
        _EMPTY: ([*granian, "--blocking-threads", "4", "--port", str(ports[_EMPTY]), f"{plain}:empty"], bench),
    }  # fmt: skip
    started = [subprocess.Popen(argv, env={**os.environ, **env}) for argv, env in commands.values()]
    try:
        for process, port in zip(started, ports.values(), strict=True):
            wait_for(lambda port=port: _answers(port), "a server does not answer", process)  # type: ignore[misc]
        yield ports
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


def _answers(port: int) -> bool:
    return bool(run(port, [post("/", b"")], 1, 0.01).statuses)


BENCHMARK = Benchmark("a", f"Intake, appendfsync always, {CONNECTIONS} connections, single events with order tokens", measure)
