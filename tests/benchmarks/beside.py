"""(f) How long the collector's replies take while the same web process does something else.

One web process takes single events over few connections, as fast as they come: alone, while fifty people sign in at once
(each with an own e-mail from an own address, again and again, and as politely as `Retry-After` asks), and while four
owners read the page of searches. Hashing a password takes a processor 30 ms and more on purpose, and a page
nearly as much. Rounds are interleaved, and the best round of each counts: the one in which the machine was least busy with
something else.
"""

import http.client
import itertools
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.benchmarks import Benchmark, Goal, Result
from tests.benchmarks._load import Load, free_port, post, run
from tests.benchmarks.intake import make_requests, make_shop
from tests.servers import ValkeyServer, wait_for
from widget_server.record import accounts, members
from widget_server.record.db import Database
from widget_server.web.dashboard import _secrets

_KEY = "benchmark-secret-key-0123456789"
_CONNECTIONS = 8
_PEOPLE, _READERS = 50, 4
_ROUNDS, _SECONDS = 4, 4.0
_PASSWORD = "a long way to the sea"
_ALONE, _SIGN_INS, _PAGES = "nothing else", f"{_PEOPLE} people who sign in", f"{_READERS} owners who read searches"
_MOST_MS = 50.0


def measure() -> Result:
    """All three, by turns."""
    with tempfile.TemporaryDirectory() as folder:
        valkey = ValkeyServer({"maxmemory": "1gb"})
        try:
            shop = make_shop(Path(folder))
            _owner(Path(folder), shop.id)
            requests = make_requests(shop, 5000)
            with _server(Path(folder), valkey.url) as port:
                loads, others = _rounds(port, requests, valkey)
        finally:
            valkey.stop()
    rows = []
    for what, found in loads.items():
        best = min(found, key=lambda load: load.p99)
        wrong = sum(n for load in found for status, n in load.statuses.items() if status != 202) + sum(load.broken for load in found)
        rows.append((what, f"{best.per_second:,.0f}", f"{best.p50:.1f}", f"{best.p99:.1f}", f"{best.longest:.0f}", str(wrong), _said(others[what])))
    goals = [Goal(f"ms of a reply's p99 beside {_SIGN_INS}", min(load.p99 for load in loads[_SIGN_INS]), _MOST_MS, most=True)]
    limit = "Limit: Python runs one thread at a time, and whoever has computed for 2 ms hands over; generator and server share the processors."
    return Result(("beside", "events/s", "p50 ms", "p99 ms", "longest ms", "not 202", "what they got"), rows, goals, (limit,))


def _said(statuses: Counter[int]) -> str:
    return ", ".join(f"{n} x {status}" for status, n in sorted(statuses.items())) or "-"


def _rounds(port: int, requests: list[bytes], valkey: ValkeyServer) -> tuple[dict[str, list[Load]], dict[str, Counter[int]]]:
    loads: dict[str, list[Load]] = {what: [] for what in (_ALONE, _SIGN_INS, _PAGES)}
    statuses: dict[str, Counter[int]] = {what: Counter() for what in loads}
    run(port, requests, _CONNECTIONS, 1.0)
    for number in range(_ROUNDS):
        for what, found in loads.items():
            with valkey.client() as client:
                client.delete("atbalss:intake")
            with _crowd(what, port, number, statuses[what]):
                found.append(run(port, requests, _CONNECTIONS, _SECONDS))
    return loads, statuses


@contextmanager
def _crowd(what: str, port: int, number: int, statuses: Counter[int]) -> Iterator[None]:
    """Others, in a process of their own, at work before this begins and until it ends."""
    work = {_SIGN_INS: _sign_in_again_and_again, _PAGES: _read_again_and_again}.get(what)
    if work is None:
        yield
        return
    context = multiprocessing.get_context("spawn")
    at_work, end, got = context.Event(), context.Event(), context.SimpleQueue()
    process = context.Process(target=_run_crowd, args=(work, port, number, at_work, end, got))
    process.start()
    try:
        if not at_work.wait(30):
            raise RuntimeError(f"{what}: nobody came")
        yield
    finally:
        end.set()
        statuses.update(got.get())
        process.join()


Work = Callable[[int, int, int, Event, Counter[int]], None]


def _run_crowd(work: Work, port: int, number: int, at_work: Event, end: Event, got: Any) -> None:
    """One thread for each of them."""
    statuses: Counter[int] = Counter()
    people = _PEOPLE if work is _sign_in_again_and_again else _READERS
    threads = [threading.Thread(target=work, args=(port, number, person, end, statuses)) for person in range(people)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    at_work.set()
    for thread in threads:
        thread.join()
    got.put(statuses)


def _sign_in_again_and_again(port: int, number: int, person: int, end: Event, statuses: Counter[int]) -> None:
    browser = _Browser(port)
    for time_ in itertools.count():
        if end.is_set():
            return
        # A wrong password for an e-mail that nobody has takes as long as a right one.
        address = f"10.{number}.{person}.{time_ % 250}"
        status, wait = browser.sign_in(f"{number}-{person}-{time_}@people.example", f"198.{address[3:]}")
        statuses[status] += 1
        end.wait(wait)


def _read_again_and_again(port: int, _number: int, person: int, end: Event, statuses: Counter[int]) -> None:
    browser = _Browser(port)
    browser.sign_in(_owner_email(), f"192.0.2.{person + 1}")
    while not end.is_set():
        statuses[browser.get("/app/searches")[0]] += 1


class _Browser:
    """Keeps its cookie, and sends forms with their token."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookie = ""
        self._token = ""

    def get(self, path: str) -> tuple[int, str, str | None]:
        return self._ask("GET", path, None, {})

    def sign_in(self, email: str, address: str) -> tuple[int, float]:
        """The status, and for how long to wait."""
        if not self._token:
            found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get("/app/sign-in")[1])
            assert found is not None
            self._token = found[1]
        form = urlencode({"email": email, "password": _PASSWORD, "csrf_token": self._token})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": address}
        status, _, wait = self._ask("POST", "/app/sign-in", form, headers)
        return status, float(wait or 0)

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, str, str | None]:
        self._connection.request(method, path, body, {**headers, "Cookie": self._cookie})
        reply = self._connection.getresponse()
        text = reply.read().decode()
        cookie = reply.getheader("Set-Cookie")
        if cookie:
            self._cookie = cookie.partition(";")[0]
        return reply.status, text, reply.getheader("Retry-After")


def _owner_email() -> str:
    return "owner@people.example"


def _owner(folder: Path, shop: str) -> None:
    now = time.time_ns() // 1_000_000
    database = Database(f"sqlite:///{folder / 'atbalss.db'}", _KEY)
    with database.writing() as conn:
        made = accounts.create(conn, _owner_email(), "Owner", "en", _secrets.hashed(_PASSWORD), now)
        members.add(conn, shop, made.id, "owner", now)
    database.close()


@contextmanager
def _server(folder: Path, redis_url: str) -> Iterator[int]:
    port = free_port()
    settings = {
        "DATA_DIR": str(folder), "REDIS_URL": redis_url, "SECRET_KEY": _KEY, "PROXIES": "1", "LOG_LEVEL": "error",
        "SHOP_RATE": "1000000000", "NETWORK_RATE": "1000000000",
    }  # fmt: skip
    environ = {**os.environ, **{f"ATBALSS_{name}": value for name, value in settings.items()}}
    process = subprocess.Popen([sys.executable, "-m", "widget_server.run", "web", "--port", str(port)], env=environ)
    try:
        wait_for(lambda: bool(run(port, [post("/", b"")], 1, 0.01).statuses), "the server does not answer", process)
        yield port
    finally:
        process.terminate()
        process.wait(20)


BENCHMARK = Benchmark("f", "The collector beside sign-ins and pages, one web process", measure)
