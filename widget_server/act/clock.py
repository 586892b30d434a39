"""What happens because time has passed. Every worker has a clock; at any moment only the one that holds the lease acts.

Every second it takes in what platforms have sent, and has the outbox looked into when something in it is due, whatever
RQ remembers. Periodic tasks run at most once in their time over all workers, also when workers come and go.
"""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from redis import Redis

from widget_server.record import endpoints, holds, leases, outbox
from widget_server.record.db import Database

from . import inbound, jobs, loyalty, occasions, reconcile

TICK = 1.0  # seconds
LEASE = 5_000  # ms; the longest that nobody acts after a worker was killed

_KEPT = 30 * 24 * 3600 * 1000

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do every so many seconds. `run` gets the time in ms."""

    name: str
    every: float
    run: Callable[[Database, int], None]


def prune_outbox(database: Database, now: int) -> None:
    """Forget deliveries that ended more than 30 days ago; in short transactions, because others want to write."""
    for _ in range(100):
        with database.writing() as conn:
            if outbox.prune(conn, now - _KEPT) == 0:
                return


def disable_forgotten(database: Database, now: int) -> None:
    """Endpoints that were paused long ago get nothing more; their owner is told why."""
    with database.writing() as conn:
        endpoints.disable_forgotten(conn, now)


TASKS = (
    Task("prune-inbox", 3600, reconcile.prune_inbox),
    Task("birthdays", 3600, occasions.birthdays),
    Task("silences", 3600, occasions.silences),
    Task("rules-about-scores", 60, occasions.scores),
    Task("prune-outbox", 3600, prune_outbox),
    Task("disable-forgotten", 3600, disable_forgotten),
    Task("expire-points", 60, loyalty.expire),
)


class Clock:
    """Acts on what is due, as long as it holds the lease."""

    def __init__(
        self,
        database: Database,
        redis: "Redis",
        tasks: Sequence[Task] = TASKS,
        *,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._database = database
        self._redis = redis
        self._tasks = tasks
        self._clock = clock
        self._name = secrets.token_hex(8)
        self._next = {task.name: 0 for task in tasks}

    def run(self, stop: threading.Event) -> None:
        """Tick until `stop` is set, whatever is away meanwhile."""
        while not stop.wait(TICK):
            try:
                self.tick()
            except Exception:  # noqa: BLE001 - the next tick may find everything back
                _log.warning("clock_tick_failed", exc_info=True)
        self._step_back()

    def tick(self) -> bool:
        """Do what is due. False when another clock has the lease."""
        now = self._clock()
        if not self._holds(now):
            return False
        self._take_in()
        with self._database.reading() as conn:
            due = outbox.is_due(conn, now, holds.at(conn, now).shut)
        if due:
            jobs.kick(self._redis)
        for task in self._tasks:
            if now >= self._next[task.name]:
                self._run(task, now)
        return True

    def _take_in(self) -> None:
        try:
            inbound.take_in(self._database)
        except Exception:  # noqa: BLE001 - the wall: what platforms send must not keep anything else waiting
            _log.warning("not_taken_in", exc_info=True)

    def _holds(self, now: int) -> bool:
        """Written only when the lease is half over, so that an idle system writes little."""
        with self._database.reading() as conn:
            left = leases.left(conn, "clock", self._name, now)
        if left < 0 or left > LEASE // 2:
            return left > 0
        with self._database.writing() as conn:
            return leases.take(conn, "clock", self._name, now, LEASE)

    def _run(self, task: Task, now: int) -> None:
        """Unless another worker did, within the time. The time is taken first: a task that fails is not hurried."""
        length = int(task.every * 1000)
        lease = f"task:{task.name}"
        with self._database.writing() as conn:
            left = abs(leases.left(conn, lease, self._name, now))
            if left == 0:
                leases.take(conn, lease, self._name, now, length)
        self._next[task.name] = now + (left or length)
        if left == 0:
            task.run(self._database, now)

    def _step_back(self) -> None:
        try:
            with self._database.writing() as conn:
                leases.free(conn, "clock", self._name)
        except Exception:  # noqa: BLE001 - the lease ends by itself
            _log.warning("clock_lease_not_freed", exc_info=True)
