"""kill -9 of whoever sends coupons and points, again and again, to a shop that loses replies, hangs and fails.

However often that happens, exactly what was granted exists at the shop, once. The shop (tests/integrations/shop_server.py)
forgives nothing: what is sent twice is counted twice. Each sender lives until it has sent a few messages; the next one
begins when the lease of the one before has ended, for which its clock is put forward.
"""

import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Any

from sqlalchemy import text

from integrations.signing import make_secret
from tests.faults import Outcome
from tests.faults.invariants import Finding
from tests.integrations.shop_server import FAULTS, FINE, SLOW, ShopServer
from tests.servers import PostgresServer
from widget_server.act import loyalty
from widget_server.act.bodies import make_body
from widget_server.act.deliver import Deliverer
from widget_server.act.http import HttpClient
from widget_server.contract.coupons import CouponDue, CouponTerms
from widget_server.contract.points import Due
from widget_server.record import connections, shops
from widget_server.record.db import Database, lock_shops

SECRET_KEY = "faults-only-secret-key-0123456789"
# Seconds that the sender waits for the shop; the shop hangs for longer.
_PATIENCE = 0.3
_HANG = 0.4
# ms between one sender and the next, by their clocks: longer than a lease, and than a shop is held back for failing.
_LATER = 20 * 60 * 1000
_START = 1_795_300_000_000


@dataclass
class _Granted:
    """What has to be at the shop in the end."""

    shop: str
    codes: set[str] = field(default_factory=set)
    points: dict[str, int] = field(default_factory=dict)


def killed_senders(database: str, each: int = 500) -> Outcome:
    """So many coupons and as many grants of points, on "sqlite" or "postgres"."""
    with ExitStack() as stack:
        if database == "postgres":
            server = PostgresServer(durable=True)
            stack.callback(server.stop)
            url = server.url()
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="atb-grants-"))
            url = f"sqlite:///{folder}/atbalss.db"
        with closing(Database(url, SECRET_KEY)) as made:
            made.migrate()
        return kill_loop(url, each, on=database)


def kill_loop(database_url: str, each: int, bad: float = 0.15, seed: int = 1, on: str = "") -> Outcome:
    """So many coupons and as many grants of points, while senders are killed and a part `bad` of the shop's answers go
    wrong."""
    rng = random.Random(seed)
    secret = make_secret()
    wrong = [True]

    def choose(_method: str, _number: int) -> str:
        if wrong[0] and rng.random() < bad:
            return rng.choice(FAULTS)
        return SLOW if wrong[0] and rng.random() < 0.3 else FINE

    with closing(Database(database_url, SECRET_KEY)) as database, closing(ShopServer(secret, choose, _HANG)) as shop:
        shop.start()
        granted = _grant(database, shop, secret, each)
        now = _START
        kills = struck = 0
        in_doubt: set[str] = set()
        while _waiting(database) and kills < 2 * each + 50:
            process = _sender(database_url, now)
            told = shop.requests + rng.randint(3, 20)
            _until(lambda told=told, now=now: shop.requests >= told or not _due(database, now), 10.0)
            os.kill(process.pid or 0, signal.SIGKILL)
            process.join()
            kills += 1
            struck += _count(database, "state = 'due' AND lease_until > 0") > 0
            shop.wait_idle()
            in_doubt |= set(shop.applied) - {name for name, in _rows(database, "SELECT id FROM outbox WHERE state = 'done'")}
            now = max(now + _LATER, _next(database))
        last = time.monotonic()
        wrong[0] = False
        for _ in range(30):
            if not _waiting(database):
                break
            process = _sender(database_url, now)
            _until(lambda: not _waiting(database), 10.0)
            process.kill()
            process.join()
            now = max(now + _LATER, _next(database))
        took = time.monotonic() - last
        finding = _compare(database, shop, granted, each)
    faults = sum(n for name, n in shop.faults.items() if name not in (FINE, SLOW))
    note = (
        f"{len(in_doubt)} messages were taken by the shop and not noted down when their sender died; {faults} answers went "
        f"wrong; the shop was asked {shop.asked} times, and refused {len(shop.refused)} coupons that were there"
    )
    title = f"kill -9 of senders and lost replies: {each} coupons, {each} grants"
    return Outcome(title, kills, struck, finding, took, notes=[note], on=on, points=shop.points.total(), coupons=len(shop.coupons))


def _sender(database_url: str, now: int) -> BaseProcess:
    """A new process that sends; forked from one that has everything imported, because many are needed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_send, args=(database_url, now), daemon=True)
    process.start()
    return process


def _send(database_url: str, now: int) -> None:
    began, born_to = time.monotonic(), os.getppid()
    database = Database(database_url, SECRET_KEY)
    http = HttpClient(allow_private=True, deadline=_PATIENCE)
    sender = Deliverer(database, http, make_body, clock=lambda: now + int((time.monotonic() - began) * 1000))
    while os.getppid() == born_to:
        sender.run(5)
        time.sleep(0.02)


def _grant(database: Database, shop: ShopServer, secret: str, each: int) -> _Granted:
    now = _START
    with database.writing() as conn:
        made = shops.create(conn, "Shop", "shop.example")
        settings = {"url": shop.url, "secret": secret}
        connections.create(conn, made.id, "webhook", "the shop", settings, now)
    granted = _Granted(made.id)
    for first in range(0, each, 50):
        numbers = range(first, min(first + 50, each))
        dues = [
            Due("rule_points", 1, f"order:{n}", f"customer-{n % 20}", 10 + n, now, now, why="50 points for an order")
            for n in numbers
        ]
        terms = CouponTerms("percent", 1000, None, 30)
        owed = [
            CouponDue("rule_coupon", 1, f"order:{n}", f"customer-{n}", terms, now, now, why="10 % for the next one")
            for n in numbers
        ]
        with database.writing() as conn:
            lock_shops(conn, [made.id])
            settled = loyalty.settle(conn, made.id, dues, owed, now)
        granted.codes |= {coupon.code for coupon in settled.coupons}
        for entry in settled.entries:
            granted.points[entry.customer] = granted.points.get(entry.customer, 0) + entry.points
    return granted


def _compare(database: Database, shop: ShopServer, granted: _Granted, each: int) -> Finding:
    there = set(shop.coupons)
    wrong_points = {name for name, points in granted.points.items() if shop.points[name] != points}
    missing = {
        key for key, in _rows(database, "SELECT id FROM outbox WHERE kind IN ('IssueCoupon', 'GrantPoints')")
        if not shop.applied[key]
    }  # fmt: skip
    finding = Finding(2 * each, len(missing), sum(n - 1 for n in shop.applied.values()) + len(shop.refused))
    if len(granted.codes) != each or there != granted.codes:
        finding.problems.append(f"{len(there)} coupons at the shop instead of {each}")
    if wrong_points:
        finding.problems.append(f"{len(wrong_points)} customers have other points at the shop")
    if shop.unsigned:
        finding.problems.append(f"{shop.unsigned} requests were not signed")
    states = {state for state, in _rows(database, "SELECT DISTINCT state FROM coupons")}
    if states != {"done"}:
        finding.problems.append(f"coupons are {', '.join(sorted(states))}")
    states = {state for state, in _rows(database, "SELECT DISTINCT state FROM outbox")}
    if states != {"done"}:
        finding.problems.append(f"messages are {', '.join(sorted(states))}")
    return finding


def _rows(database: Database, sql: str) -> list[tuple[Any, ...]]:
    with database.reading() as conn:
        return [tuple(row) for row in conn.execute(text(sql))]


def _count(database: Database, where: str) -> int:
    return int(_rows(database, f"SELECT count(*) FROM outbox WHERE {where}")[0][0])


def _waiting(database: Database) -> bool:
    return _count(database, "state = 'due'") > 0


def _due(database: Database, now: int) -> bool:
    """Whether a sender that began at `now` still has something to send or in hand."""
    return _count(database, f"state = 'due' AND (lease_until > 0 OR next_at <= {now})") > 0


def _next(database: Database) -> int:
    return int(_rows(database, "SELECT coalesce(min(next_at), 0) FROM outbox WHERE state = 'due'")[0][0])


def _until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait until it holds, or for so long; which of the two is not an error here."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
