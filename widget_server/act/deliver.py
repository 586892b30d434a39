"""From the outbox to the world, at least once and fair.

One `Deliverer` a process. The thread that calls `run` does all the work with the database, in short transactions; a
pool of threads does nothing but wait for other people's servers. A slow endpoint holds at most 2 of them, a shop at
most 6, all endpoints that fail at present together at most half; one that fails again and again is held back. What a dying process has claimed is free again when
the lease ends; what was taken but not noted down yet is then sent once more, with the same id.
"""

import math
import queue
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Connection

from integrations import Http, Integration, Notify, PermanentError, Receipt, Response, TemporaryError
from integrations.webhook import integration as webhook
from widget_server.record import endpoints, holds, outbox
from widget_server.record.db import Database
from widget_server.record.endpoints import Target
from widget_server.record.outbox import Attempt, Claimed, Wanted

from .http import DEADLINE

# Seconds before each attempt, as Standard Webhooks recommends them: ten attempts in 75 h 35 min.
SCHEDULE = (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
JITTER = 0.2
RETRY_AFTER_LIMIT = 3600  # seconds; who fails otherwise may ask for more time, not for being forgotten
BUSY = (429, 503)
# Who refuses one message so may take the next: no reason to hold back the others.
ABOUT_THE_MESSAGE = (400, 409, 413, 415, 422)
PATIENCE = 5 * 24 * 3600  # seconds in which "not now" doesn't count as an attempt

THREADS = 16
EACH_ENDPOINT = 2
EACH_SHOP = 6
FAILING = THREADS // 2

LEASE = 45_000
# A row is only begun while its lease outlasts the request.
_ENOUGH = int(DEADLINE * 1000) + 5_000
_CLAIM = 100

MakeBody = Callable[[Connection, Claimed], str | None]

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Next:
    """When (ms) to try again, and whether the attempt before counts among those of the schedule."""

    at: int
    counts: bool = True


def next_attempt(
    made: int, error: TemporaryError, now: int, rng: random.Random, began: int | None = None
) -> Next | None:
    """When to try again after `made` attempts, the last at `now` and the first at `began`; None when the schedule is
    over.

    A receiver that is busy and says for how long is left alone for just that time, and it costs no attempt; that ends
    five days after `began`. One that fails otherwise may ask for more time than the schedule gives, up to an hour.
    """
    patient = asked_for(error, now, began)
    if patient is not None:
        return Next(now + math.ceil(max(patient, SCHEDULE[1] * 1000) * rng.uniform(1, 1 + JITTER)), counts=False)
    if made >= len(SCHEDULE):
        return None
    delay = SCHEDULE[made] * rng.uniform(1 - JITTER, 1 + JITTER)
    asked = error.retry_after
    if asked is not None and math.isfinite(asked):
        delay = max(delay, min(asked, RETRY_AFTER_LIMIT))
    return Next(now + math.ceil(delay * 1000))


def asked_for(error: TemporaryError, now: int, began: int | None) -> int | None:
    """The ms that a busy receiver asked for, within the five days; None when it did not, or when they are over."""
    asked = error.retry_after
    if error.status not in BUSY or asked is None or not math.isfinite(asked):
        return None
    left = PATIENCE * 1000 - (0 if began is None else now - began)
    return min(math.ceil(max(0.0, asked) * 1000), left) if left > 0 else None


def replay(conn: Connection, now: int, wanted: Wanted) -> int:
    """Send a first part of `wanted` again; 0 when nothing is left. Endpoints that were disabled are opened again."""
    again = outbox.replay(conn, now, wanted)
    endpoints.enable(conn, set(again))
    return len(again)


def replay_all(writing: Callable[[], AbstractContextManager[Connection]], now: int, wanted: Wanted) -> int:
    """Send all of `wanted` again, in short transactions, because others want to write."""
    total = 0
    while True:
        with writing() as conn:
            part = replay(conn, now, wanted)
        total += part
        if part == 0:
            return total


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one attempt; `error` is None when it was taken."""

    row: Claimed
    attempt: Attempt
    error: TemporaryError | PermanentError | None


class Deliverer:
    """Sends what is due. `make_body` gives a row that has none its body, inside the transaction that claims it."""

    def __init__(
        self,
        database: Database,
        http: Http,
        make_body: MakeBody,
        *,
        integration: Integration = webhook,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        rng: random.Random | None = None,
    ) -> None:
        self._database = database
        self._http = http
        self._make_body = make_body
        self._integration = integration
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._name = secrets.token_hex(8)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="deliver")
        self._finished: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
        self._unrecorded: list[_Outcome] = []
        self._waiting: list[Claimed] = []
        self._flying: dict[str, Claimed] = {}
        self._targets: dict[str, Target] = {}
        self._trying: set[str] = set()  # the one message each that decides whether its endpoint works again
        self._stopping = False

    def run(self, seconds: float = 20.0) -> int:
        """Send until nothing is due, or `seconds` are over. Returns how many attempts ended meanwhile.

        `busy` then tells whether some are still under way; the next `run` takes up their outcome.
        """
        end = time.monotonic() + seconds
        ended = 0
        while True:
            ended += self._turn()
            self._start()
            if not self.busy or self._stopping or time.monotonic() >= end:
                return ended
            self._await(0.25)

    @property
    def busy(self) -> bool:
        """Whether anything claimed is not settled yet."""
        return bool(self._flying or self._waiting or self._unrecorded)

    def stop(self) -> None:
        """Claim nothing more. May be called from a signal handler or another thread."""
        self._stopping = True

    def close(self, seconds: float = DEADLINE + 1) -> None:
        """Give back what was not begun, and wait a while for the outcome of what was."""
        self.stop()
        end = time.monotonic() + seconds
        while self.busy and time.monotonic() < end:
            self._turn()
            if self.busy:
                self._await(0.25)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _turn(self) -> int:
        """One transaction: note down what ended, claim what is due, give bodies, let go of what may not be sent."""
        while not self._finished.empty():
            self._unrecorded.append(self._finished.get())
        outcomes = list(self._unrecorded)
        if not outcomes and not self._waiting and not self._anything_due():
            return 0
        now = self._clock()
        with self._database.writing() as conn:
            self._record(conn, outcomes)
            waiting = self._let_go(conn) if self._stopping else self._claim(conn, now)
            known = {row.endpoint for row in (*waiting, *self._flying.values())}
            targets = endpoints.targets(conn, known, now)
            waiting = [ready for row in waiting if (ready := self._ready(conn, row, targets, now))]
        # Only now is it committed; had it failed, everything would be as before the turn.
        self._unrecorded = self._unrecorded[len(outcomes) :]
        for outcome in outcomes:
            self._flying.pop(outcome.row.id, None)
        self._waiting, self._targets = waiting, targets
        return len(outcomes)

    def _anything_due(self) -> bool:
        if self._stopping:
            return False
        with self._database.reading() as conn:
            now = self._clock()
            return outbox.is_due(conn, now, holds.at(conn, now).shut)

    def _claim(self, conn: Connection, now: int) -> list[Claimed]:
        held = holds.at(conn, now)
        back = held.shut | held.single
        left = [row for row in self._waiting if self._is_over(row, back, now)]
        outbox.release(conn, left)
        waiting = [row for row in self._waiting if row not in left]
        trying = holds.try_one(conn, outbox.waiting_for(conn, held.single, now), now, now + LEASE)
        # An endpoint whose rows wait here already gets no more of them, or a hung one would fill the list.
        without = {row.endpoint for row in waiting} | held.shut | (held.single - trying)
        new = outbox.claim(
            conn, now=now, lease=LEASE, limit=_CLAIM, by=self._name, without=without, single=trying
        )
        self._trying = {row.id for row in (*waiting, *new) if row.id in self._trying or row.endpoint in trying}
        return waiting + new

    def _is_over(self, row: Claimed, held: frozenset[str], now: int) -> bool:
        """Whether a row that was not begun has to be given back: its lease ends soon, or its endpoint is held back."""
        late = row.lease_until - now < _ENOUGH
        return late or (row.id not in self._trying and row.endpoint in held)

    def _let_go(self, conn: Connection) -> list[Claimed]:
        outbox.release(conn, self._waiting)
        return []

    def _ready(
        self, conn: Connection, row: Claimed, targets: Mapping[str, Target], now: int
    ) -> Claimed | None:
        """The row with its body; None when it is settled without being sent."""
        target = targets.get(row.endpoint)
        if target is None or target.deleted:
            outbox.cancel(conn, row, "the endpoint was deleted", now)
            return None
        if target.disabled is not None:
            outbox.kill(conn, row, f"the endpoint was disabled: {target.disabled}", now)
            return None
        if row.body is not None:
            return row
        try:
            with conn.begin_nested():
                body = self._make_body(conn, row)
        except Exception as error:  # noqa: BLE001 - one row that cannot be told must not hold up the others
            _log.error("body_not_made", delivery=row.id, type=row.type, exc_info=True)
            outbox.kill(conn, row, f"its body could not be made: {type(error).__name__}", now)
            return None
        if body is None:
            outbox.cancel(conn, row, "there is nothing to tell any more", now)
            return None
        outbox.freeze(conn, row, body)
        return replace(row, body=body)

    def _start(self) -> None:
        """Hand rows to free threads, in the order of the claim, as far as the shares allow."""
        by_endpoint = Counter(row.endpoint for row in self._flying.values())
        by_shop = Counter(row.shop for row in self._flying.values())
        failing = sum(1 for row in self._flying.values() if self._is_failing(row))
        left = []
        for row in self._waiting:
            bad = self._is_failing(row)
            if (
                len(self._flying) >= THREADS
                or by_endpoint[row.endpoint] >= EACH_ENDPOINT
                or by_shop[row.shop] >= EACH_SHOP
                or (bad and failing >= FAILING)
            ):
                left.append(row)
                continue
            by_endpoint[row.endpoint] += 1
            by_shop[row.shop] += 1
            failing += bad
            self._flying[row.id] = row
            self._pool.submit(self._send, row, self._targets[row.endpoint])
        self._waiting = left

    def _is_failing(self, row: Claimed) -> bool:
        target = self._targets.get(row.endpoint)
        return target is not None and target.failing

    def _await(self, seconds: float) -> None:
        """Wait until something ended, or a little while, because something else may have become due."""
        try:
            self._unrecorded.append(self._finished.get(timeout=seconds))
        except queue.Empty:
            return

    def _send(self, row: Claimed, target: Target) -> None:
        """In a thread of the pool: one attempt, whose outcome is put into the queue whatever happens."""
        began, at = time.monotonic(), self._clock()
        error: TemporaryError | PermanentError | None = None
        receipt = Receipt()
        http = _Watched(self._http)
        try:
            settings = {"url": target.url, "secret": " ".join(target.secrets)}
            receipt = self._integration.deliver(
                Notify(row.type, row.body or ""), settings, http, row.id
            )
        except (TemporaryError, PermanentError) as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001 - a fault of ours must not cost the shop its message
            _log.error("delivery_failed_inside", delivery=row.id, exc_info=True)
            error = TemporaryError(f"a fault of ours: {type(raised).__name__}")
        took = int((time.monotonic() - began) * 1000)
        said = error or receipt
        attempt = Attempt(
            at, said.status, error.reason if error else None, took, said.excerpt, http.told(row.body)
        )
        self._finished.put(_Outcome(row, attempt, error))

    def _record(self, conn: Connection, outcomes: Sequence[_Outcome]) -> None:
        taken = [(each.row, each.attempt) for each in outcomes if each.error is None]
        if taken:
            outbox.finish(conn, taken)
            working = {row.endpoint for row, _ in taken}
            endpoints.worked(conn, working)
            holds.worked(conn, working, self._clock())
        # In one order, so that two workers cannot wait for each other's endpoints.
        for each in sorted(outcomes, key=lambda outcome: outcome.row.endpoint):
            if each.error is not None:
                self._record_failure(conn, each.row, each.attempt, each.error)

    def _record_failure(
        self, conn: Connection, row: Claimed, attempt: Attempt, error: TemporaryError | PermanentError
    ) -> None:
        now = self._clock()
        again = asked = None
        if isinstance(error, TemporaryError):
            again = next_attempt(row.attempts + 1, error, now, self._rng, row.began)
            asked = asked_for(error, now, row.began)
        if again is None:
            outbox.give_up(conn, row, attempt)
        else:
            outbox.retry_later(conn, row, attempt, again.at, again.counts)
        if error.status not in ABOUT_THE_MESSAGE:
            holds.failed(conn, row.endpoint, now, asked)
        if isinstance(error, PermanentError) and error.gone:
            endpoints.disable(conn, row.endpoint, error.reason, now)
        else:
            endpoints.failed(conn, row.endpoint, now)


_SHOWN = ("content-type", "idempotency-key", "webhook-id", "webhook-timestamp")


class _Watched:
    """The HTTP client, remembering for the owner what was sent: nothing of what could let others send it."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._head = ""
        self._body = b""

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Response:
        given = {name.lower(): value for name, value in (headers or {}).items()}
        lines = [f"{name}: {given[name]}" for name in _SHOWN if name in given]
        # What stands after the ? may be a key.
        self._head = "\n".join([f"{method} {url.partition('?')[0]}", *lines])
        self._body = body
        return self._http.request(method, url, headers=headers, body=body)

    def told(self, known: str | None) -> str:
        """The last request: its head, and the beginning of its body unless that is `known`."""
        if not self._body or self._body == (known or "").encode():
            return self._head
        return f"{self._head}\n\n{Response(0, body=self._body).excerpt(outbox.EXCERPT)}"
