"""Receivers that mean no good: every attempt ends with its deadline, nobody else waits, and nothing is lost meanwhile.

Each way to misbehave has an endpoint in each of many shops. Then everything is repaired, time passes by a clock that
only this moves, and every message must have arrived, under the id it always had.
"""

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from tests.faults import Outcome
from tests.faults.bad_server import FINE, MODES, TAKING, BadServer
from tests.faults.invariants import Finding
from widget_server.act.deliver import Deliverer
from widget_server.act.http import DEADLINE, HttpClient
from widget_server.record import endpoints, outbox
from widget_server.record.db import Database
from widget_server.record.outbox import OutboxRow

LATE = 0.5  # seconds that an attempt may last beyond its deadline
FAST = 2.0  # seconds within which 95 of 100 messages to a good endpoint beside the bad ones have arrived
_KEY = "faults-secret-key-0123456789"
_TYPE = "answer.given"
_STEP = 20 * 60 * 1000


@dataclass
class _Clock:
    """The time, and what was added to it."""

    added: int = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self.added


@dataclass
class _Case:
    """All that a run knows. `ways` says how the endpoint of a message misbehaves."""

    database: Database
    server: BadServer
    deadline: float
    clock: _Clock = field(default_factory=_Clock)
    ways: dict[str, str] = field(default_factory=dict)
    fast: str = ""

    def deliverer(self) -> Deliverer:
        http = HttpClient(allow_private=True, deadline=self.deadline)
        return Deliverer(self.database, http, lambda _conn, _row: None, clock=self.clock)

    def add(self, shop: str, mode: str, *keys: str) -> None:
        """An endpoint that misbehaves so, with a message for each key."""
        with self.database.writing() as conn:
            made, _ = endpoints.create(conn, shop, self.server.url(mode), [_TYPE], self.clock())
            self.ways[made.id] = mode
            self._queue(conn, shop, made.id, keys)
        if mode == FINE:
            self.fast = made.id

    def add_fast(self, key: str) -> None:
        with self.database.writing() as conn:
            self._queue(conn, _GOOD_SHOP, self.fast, [key])

    def _queue(self, conn: Connection, shop: str, endpoint: str, keys: Iterable[str]) -> None:
        rows = [OutboxRow(shop, f"{_TYPE}:{key}:{endpoint}", endpoint, _TYPE, f'{{"key": "{key}"}}') for key in keys]
        outbox.add(conn, rows, self.clock())

    def messages(self) -> list[outbox.Delivery]:
        with self.database.reading() as conn:
            return outbox.deliveries(conn, limit=1_000_000)

    def tries(self) -> dict[str, list[outbox.Attempt]]:
        with self.database.reading() as conn:
            return {one.id: outbox.attempts(conn, one.id) for one in outbox.deliveries(conn, limit=1_000_000)}


_GOOD_SHOP = "shop_good"


@dataclass(frozen=True)
class Measured:
    """`late` is how long the longest attempt lasted beyond the deadline, `fast` the good endpoint's p95; in seconds."""

    outcome: Outcome
    attempts: int
    late: float
    fast: float


def bad_receivers(deliveries: int = 1000, deadline: float = 0.5, database_url: str | None = None) -> Outcome:
    """For the table of faults."""
    outcome = measure(deliveries, deadline, database_url).outcome
    waited = beside_a_hung_one(50)
    outcome.notes.append(f"an endpoint that answers, in the same shop as one that hangs for {DEADLINE:g} s a message: p95 {waited:.2f} s")
    if waited > FAST:
        outcome.slow.append(f"the endpoint beside the hung one waited {waited:.2f} s")
    return outcome


def beside_a_hung_one(messages: int, deadline: float = DEADLINE) -> float:
    """The p95 (seconds) of so many messages to a good endpoint while another of its shop hangs, with messages waiting."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'atbalss.db'}", _KEY)
        database.migrate()
        server = BadServer()
        try:
            case = _Case(database, server, deadline)
            case.add(_GOOD_SHOP, "silent", *map(str, range(40)))
            case.add(_GOOD_SHOP, FINE)
            return _all_tried(case, messages, await_bad=False)
        finally:
            server.close()
            database.close()


def measure(deliveries: int, deadline: float, database_url: str | None = None) -> Measured:
    """So many messages to the twelve kinds of bad server, on SQLite or on the empty database given."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(database_url or f"sqlite:///{Path(folder) / 'atbalss.db'}", _KEY)
        database.migrate()
        server = BadServer()
        try:
            return _run(_Case(database, server, deadline), deliveries)
        finally:
            server.close()
            database.close()


def _run(case: _Case, deliveries: int) -> Measured:
    shops = -(-deliveries // len(MODES))
    for number in range(shops):
        for mode in MODES:
            case.add(f"shop_{number}", mode, "0")
    case.add(_GOOD_SHOP, FINE)
    waited = _all_tried(case)
    tries = case.tries()
    longest = max(attempt.took for each in tries.values() for attempt in each) / 1000 - case.deadline
    made = sum(len(each) for each in tries.values())
    struck = {case.ways[one.endpoint] for one in case.messages() if tries[one.id]}
    case.server.repair()
    recovery = _all_done(case)
    outcome = Outcome("bad receivers", len(MODES), len(struck & set(MODES)), _finding(case), recovery)
    outcome.notes.append(
        f"{made:,} attempts; the longest ended {max(0.0, longest):.2f} s after its deadline of {case.deadline:g} s; "
        f"a good endpoint beside them: p95 {waited:.2f} s"
    )
    if longest > LATE:
        outcome.slow.append(f"an attempt ended {longest:.2f} s after its deadline")
    if waited > FAST:
        outcome.slow.append(f"the good endpoint waited {waited:.2f} s")
    return Measured(outcome, made, max(0.0, longest), waited)


def _all_tried(case: _Case, messages: int = 20, await_bad: bool = True) -> float:
    """Deliver `messages` to the good endpoint, one now and then, and go on until every bad one was tried. Returns how long
    95 of 100 of the good ones took, in seconds."""
    deliverer = case.deliverer()
    over = threading.Event()

    def deliver() -> None:
        while not over.is_set():
            deliverer.run(5)
            over.wait(0.05)

    running = threading.Thread(target=deliver)
    running.start()
    number = 0
    try:
        while number < messages or (await_bad and _any_untried(case)):
            case.add_fast(f"fast{number}")
            number += 1
            time.sleep(0.2)
    finally:
        if not await_bad:
            case.server.repair()
        deliverer.stop()
        over.set()
        running.join()
        deliverer.close(case.deadline + 5)
    tries = case.tries()
    took = sorted(
        (tries[one.id][-1].at + tries[one.id][-1].took - one.created) / 1000
        for one in case.messages()
        if one.endpoint == case.fast and one.state == "done"
    )
    return took[int(len(took) * 0.95)]


def _any_untried(case: _Case) -> bool:
    return any(one.state == "due" and one.last_error is None and one.endpoint != case.fast for one in case.messages())


def _all_done(case: _Case) -> float:
    """Let time pass until nothing waits. Returns the seconds that took in truth."""
    began = time.monotonic()
    deliverer = case.deliverer()
    while any(one.state == "due" for one in case.messages()) and time.monotonic() - began < 120:
        case.clock.added += _STEP
        deliverer.run(30)
    deliverer.close(5)
    return time.monotonic() - began


def _finding(case: _Case) -> Finding:
    messages, tries = case.messages(), case.tries()
    lost = [one for one in messages if one.state != "done"]
    twice = [one for one in messages if sum(attempt.error is None for attempt in tries[one.id]) > 1]
    finding = Finding(len(messages), len(lost), len(twice))
    unseen = [one for one in messages if case.ways[one.endpoint] not in TAKING and not case.server.ids[one.id]]
    known = {one.id for one in messages}
    finding.problems += [f"{len(unseen)} are done, but never arrived"] if unseen else []
    finding.problems += [f"{case.server.strangers} redirects were followed"] if case.server.strangers else []
    finding.problems += ["ids that nobody has sent"] if set(case.server.ids) - known else []
    states = Counter(one.state for one in lost)
    finding.problems += [f"not done: {dict(states)}, {lost[0].last_error}"] if lost else []
    return finding
