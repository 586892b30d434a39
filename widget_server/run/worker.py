"""The worker: stream consumer, deliveries, readings of platforms and clock, each in a process of its own that is back at
once when it dies."""

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial

import redis
import structlog
from sqlalchemy.exc import SQLAlchemyError

from widget_server.act import jobs
from widget_server.act import reconcile as readings
from widget_server.act.bodies import make_body
from widget_server.act.clock import TASKS, Clock, Task
from widget_server.act.consume import Consumer
from widget_server.act.deliver import Deliverer
from widget_server.act.http import HttpClient
from widget_server.contract.settings import Settings
from widget_server.intake import limits
from widget_server.record.db import Database

from . import offspring, valkey
from .supervisor import Child, Supervisor

# Longer than any wait of ours inside Redis; a stopped server is noticed after it.
_REDIS_TIMEOUT = 5.0

log = structlog.get_logger("worker")


def run(settings: Settings) -> int:
    """Keep the three parts running until SIGTERM."""
    return Supervisor(children(settings)).run()


def children(settings: Settings) -> list[Child]:
    """The parts, in the order of their start."""
    parts: dict[str, Callable[[Settings], int]] = {
        "consume": consume, "deliver": deliver, "reconcile": reconcile, "clock": clock,
    }  # fmt: skip
    # What `deliver` has begun goes to its end when that is soon; the lease gives the rest to another.
    return [Child(name, entry=partial(part, settings), stop_seconds=5.0) for name, part in parts.items()]


def consume(settings: Settings) -> int:
    stop = stop_on_signal()
    database = _database(settings, stop)
    client = valkey.connect(settings.redis_url, _REDIS_TIMEOUT)
    Consumer(client, database, kick=lambda: jobs.kick(client)).run(stop)
    database.close()
    return 0


def deliver(settings: Settings) -> int:
    offspring.watch_parent()
    database = _database(settings, threading.Event())
    client = valkey.connect(settings.redis_url, _REDIS_TIMEOUT)
    _wait_for_redis(client)
    deliverer = Deliverer(database, HttpClient(allow_private=settings.allow_private), make_body)
    jobs.make_worker(client, deliverer).work(logging_level="WARNING")
    database.close()
    return 0


def reconcile(settings: Settings) -> int:
    offspring.watch_parent()
    database = _database(settings, threading.Event())
    client = valkey.connect(settings.redis_url, _REDIS_TIMEOUT)
    _wait_for_redis(client)
    http = HttpClient(allow_private=settings.allow_private, deadline=readings.DEADLINE, body_limit=readings.BODY_LIMIT)

    def act(what: str, connection: str) -> None:
        readings.act(database, http, what, connection, settings.base_url, time.time_ns() // 1_000_000)

    jobs.make_reconciler(client, act).work(logging_level="WARNING")
    database.close()
    return 0


def clock(settings: Settings) -> int:
    stop = stop_on_signal()
    database = _database(settings, stop)
    client = valkey.connect(settings.redis_url, _REDIS_TIMEOUT)
    forget = Task("forget-networks", limits.FORGET_SECONDS, lambda _database, _now: limits.forget(client))
    Clock(database, client, (*TASKS, forget, _ask_for_readings(client))).run(stop)
    database.close()
    return 0


def _ask_for_readings(client: "redis.Redis") -> Task:
    """Whatever connection's time has come is read or looked at by the worker of these jobs."""

    def ask(database: Database, now: int) -> None:
        for what, connection in readings.due(database, now):
            jobs.ask_reconcile(client, what, connection)

    return Task("ask-for-readings", 5, ask)


def stop_on_signal() -> threading.Event:
    """An event that SIGTERM and SIGINT set. A thread waits for them, because a handler that sets an event while the
    main thread waits for that event could wait for itself."""
    offspring.watch_parent()
    stop = threading.Event()
    awaited = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)

    def wait() -> None:
        signal.sigwait(awaited)
        stop.set()

    threading.Thread(target=wait, daemon=True, name="signals").start()
    return stop


def _database(settings: Settings, stop: threading.Event) -> Database:
    """Open the database, and wait until it has the tables of this version."""
    database = Database(settings.database_url, settings.secret_key)
    told = False
    while not stop.is_set() and not _is_migrated(database):
        if not told:
            log.warning("waiting_for_tables", pid=os.getpid(), hint="atbalss migrate")
            told = True
        stop.wait(0.5)
    return database


def _wait_for_redis(client: "redis.Redis") -> None:
    """RQ's worker gives up with a traceback where Redis is not there yet."""
    told = False
    while True:
        try:
            client.ping()
            return
        except redis.RedisError as error:
            if not told:
                log.warning("waiting_for_redis", error=str(error)[:200], hint="See that it runs and that ATBALSS_REDIS_URL is right.")
                told = True
            time.sleep(0.2)


def _is_migrated(database: Database) -> bool:
    try:
        return database.is_migrated()
    except SQLAlchemyError:
        return False
