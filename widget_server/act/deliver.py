"""From the outbox to the world, at least once and fair.

One `Deliverer` a process. The thread that calls `run` does all the work with the database, in short transactions; a
pool of threads does nothing but wait for other people's servers. A slow endpoint holds at most 2 of them, a shop at
most 6, all endpoints that fail at present together at most half, and with those that took nothing from this process yet
three quarters; of one shop three and four. For such no more is claimed than can be begun at once, in turn what waits
longest and what is newest. One that fails again and again is held back. What a dying process has claimed is free again
when the lease ends; what was taken but not noted down yet is then sent once more, with the same id.

A coupon or points are not sent once more like that. Where nobody knows what became of an attempt (no answer, an answer
that tells nothing, a sender that died), the platform is asked first, and gets only what it surely has not. And they are
never given up for a platform that is away: after five days without a success its connection is paused, and they wait.
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

from integrations import Finder, Http, Integration, PermanentError, Receipt, Response, TemporaryError
from integrations.webhook import integration as webhook
from widget_server.contract.coupons import State
from widget_server.contract.platforms import platforms
from widget_server.contract.times import format_time
from widget_server.record import connections, endpoints, holds, outbox
from widget_server.record.db import Database, lock_shops
from widget_server.record.outbox import Attempt, Claimed, Delivery, LeftOut, Queue, Wanted

from . import grants, loyalty
from .crash import crash_point
from .http import DEADLINE, UrlRefused

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
DOUBTFUL = THREADS * 3 // 4
# Of one shop alone.
FAILING_OF_SHOP = EACH_SHOP // 2
DOUBTFUL_OF_SHOP = EACH_SHOP - EACH_ENDPOINT

# Seconds between attempts once the schedule is over, for what is not given up; ms to wait for another message.
DAILY = 24 * 3600
BLOCKED = 15_000

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


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many are sent again, and what is not."""

    count: int
    left_out: Sequence[LeftOut]


def replay_all(
    writing: Callable[[], AbstractContextManager[Connection]], now: int, wanted: Wanted
) -> Replayed:
    """Send all of `wanted` again, in short transactions, because others want to write."""
    with writing() as conn:
        left_out = outbox.left_out(conn, wanted)
    total = 0
    while True:
        with writing() as conn:
            part = replay(conn, now, wanted)
        total += part
        if part == 0:
            return Replayed(total, left_out)


def why_not(conn: Connection, one: Delivery) -> str:
    """A sentence for whoever wanted to send again what `replay` passed over."""
    if one.state == "due":
        return _why_it_waits(conn, one)
    if one.state == "cancelled":
        return f"It was cancelled: {one.last_error}."
    return f"It {outbox.TAKEN_ONCE if one.state == 'done' else outbox.GIVEN_BACK}."


def _why_it_waits(conn: Connection, one: Delivery) -> str:
    connection = connections.targets(conn, [one.endpoint]).get(one.endpoint)
    endpoint = endpoints.by_id(conn, one.shop, one.endpoint)
    if connection is not None and connection.paused is not None:
        return (
            f"It still waits: its connection is paused ({connection.paused}). "
            f'Resume it by PATCH /v1/connections/{one.endpoint} with {{"paused": false}}.'
        )
    if endpoint is not None and endpoint.paused_at is not None:
        return (
            "It still waits: its endpoint is paused. "
            f'Resume it by PATCH /v1/endpoints/{one.endpoint} with {{"paused": false}}.'
        )
    if one.leased:
        return "It is being sent now."
    when = format_time(one.next_at or one.created)
    if one.unknown:
        return f"Nobody knows whether it arrived: the platform is asked at {when}, and it is sent again if it did not."
    return f"It still waits and is sent at {when}."


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one attempt; `error` is None when it was taken. With an error, `unknown` says that it may have been
    taken all the same."""

    row: Claimed
    attempt: Attempt
    error: TemporaryError | PermanentError | None
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class _Destination:
    """Where a row goes, and by which code. `disabled` says why nothing may be sent there at present."""

    integration: Integration
    settings: Mapping[str, str]
    failing: bool = False
    deleted: bool = False
    disabled: str | None = None


class _Shares:
    """The threads that endpoints have which may hang, all together and each shop's; `failing` are among the `doubtful`."""

    def __init__(self) -> None:
        self.doubtful: Counter[str] = Counter()
        self._failing: Counter[str] = Counter()

    def allow(self, shop: str, fails: bool) -> bool:
        """Whether one more may be taken for this shop, by an endpoint that fails or by one of which nothing is known."""
        if fails and (self._failing.total() >= FAILING or self._failing[shop] >= FAILING_OF_SHOP):
            return False
        return self.doubtful.total() < DOUBTFUL and self.doubtful[shop] < DOUBTFUL_OF_SHOP

    def take(self, shop: str, fails: bool) -> None:
        self.doubtful[shop] += 1
        self._failing[shop] += fails


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
        self._platforms = {**platforms(), integration.name: integration}
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._name = secrets.token_hex(8)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="deliver")
        self._finished: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
        self._unrecorded: list[_Outcome] = []
        self._waiting: list[Claimed] = []
        self._flying: dict[str, Claimed] = {}
        self._targets: dict[str, _Destination] = {}
        self._working: set[str] = set()  # endpoints that took the last message we sent them
        self._picked = 0  # how often one was chosen of which nobody knows whether it answers
        self._trying: set[str] = set()  # the one message each that decides whether its endpoint works again
        self._settled = False  # the last turn ended messages without sending them, so more may be due
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
            idle = not self.busy and not self._settled
            if idle or self._stopping or time.monotonic() >= end:
                return ended
            if self.busy:
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
        self._settled = False
        if not outcomes and not self._waiting and not self._anything_due():
            return 0
        now = self._clock()
        with self._database.writing() as conn:
            lock_shops(conn, {each.row.shop for each in outcomes if grants.is_grant(each.row)})
            self._record(conn, outcomes)
            ended = {each.row.id for each in outcomes}
            flying = [row for row in self._flying.values() if row.id not in ended]
            waiting = self._let_go(conn) if self._stopping else self._claim(conn, now, flying)
            known = {row.endpoint for row in (*waiting, *self._flying.values())}
            targets = self._destinations(conn, known, now)
            held = len(waiting)
            waiting = [ready for row in waiting if (ready := self._ready(conn, row, targets, now))]
            if outcomes:
                crash_point("outcomes noted down, not committed")
        if outcomes:
            crash_point("outcomes committed")
        if waiting:
            crash_point("messages claimed")
        # Only now is it committed; had it failed, everything would be as before the turn.
        self._unrecorded = self._unrecorded[len(outcomes) :]
        for outcome in outcomes:
            self._flying.pop(outcome.row.id, None)
        had = {row.id for row in self._waiting}
        new = [row for row in waiting if row.id not in had]
        self._waiting, self._targets = waiting, targets
        self._settled = len(waiting) < held
        self._say_sending(new)
        return len(outcomes)

    def _destinations(self, conn: Connection, ids: set[str], now: int) -> dict[str, _Destination]:
        found = {}
        for name, target in endpoints.targets(conn, ids, now).items():
            settings = {"url": target.url, "secret": " ".join(target.secrets)}
            found[name] = _Destination(
                self._integration, settings, target.failing, target.deleted, target.disabled
            )
        for name, connection in connections.targets(conn, ids - found.keys()).items():
            code = self._platforms.get(connection.platform)
            if code is not None:
                failing = connection.failing_since is not None
                found[name] = _Destination(code, connection.settings, failing, connection.deleted)
        return found

    def _say_sending(self, rows: Sequence[Claimed]) -> None:
        """In a transaction of its own: who grants locks the shop before the row, so it must not wait for us, nor we
        for it, while rows are held."""
        told = [row for row in rows if row.kind == "IssueCoupon" and not row.unknown]
        if told:
            with self._database.writing() as conn:
                lock_shops(conn, {row.shop for row in told})
                for row in told:
                    if outbox.is_ours(conn, row):
                        _tell(conn, row, "sending", self._clock())

    def _anything_due(self) -> bool:
        if self._stopping:
            return False
        with self._database.reading() as conn:
            now = self._clock()
            return outbox.is_due(conn, now, holds.at(conn, now).shut)

    def _claim(self, conn: Connection, now: int, flying: Sequence[Claimed]) -> list[Claimed]:
        held = holds.at(conn, now)
        back = held.shut | held.single
        left = [row for row in self._waiting if self._is_over(row, back, now)]
        waiting = [row for row in self._waiting if not self._is_over(row, back, now)]
        outbox.release(conn, left)
        # An endpoint whose rows wait here already gets no more of them, or a hung one would fill the list.
        without = {row.endpoint for row in waiting} | held.shut
        queues = [queue for queue in outbox.queues(conn, now) if queue.endpoint not in without]
        works = self._working - held.single
        sure = [each for each in queues if each.endpoint in works]
        unsure = self._unsure(conn, [each for each in queues if each.endpoint not in works], [*flying, *waiting])
        trying = holds.try_one(
            conn, {each.endpoint for each in unsure} & held.single, now, now + LEASE
        )
        unsure = [each for each in unsure if each.endpoint in trying or each.endpoint not in held.single]
        new = outbox.claim(conn, now=now, lease=LEASE, limit=_CLAIM, by=self._name, among=sure)
        new += outbox.claim(
            conn, now=now, lease=LEASE, limit=len(unsure), by=self._name, single=trying, among=unsure
        )
        self._trying = {row.id for row in (*waiting, *new) if row.id in self._trying or row.endpoint in trying}
        return waiting + new

    def _unsure(self, conn: Connection, queues: Sequence[Queue], taken: Sequence[Claimed]) -> list[Queue]:
        """Those of `queues`, all of endpoints that may hang, that one message each is claimed for, beside what is `taken`
        already: no more than can be begun at once, so that none waits in a list behind others that hang.

        In turn the one that waits longest and the newest, so that one that works gets its first message through soon
        however many hang, and none waits for ever.
        """
        theirs = Counter(row.endpoint for row in taken)
        queues = [each for each in queues if theirs[each.endpoint] < EACH_ENDPOINT]
        failing = self._failing_among(conn, {each.endpoint for each in queues})
        shares = _Shares()
        for row in taken:
            if self._is_doubtful(row):
                shares.take(row.shop, self._is_failing(row))
        orders = [
            iter(outbox.by_turns(order, lambda queue: queue.shop, shares.doubtful))
            for order in (queues, queues[::-1])
        ]
        chosen: list[Queue] = []
        while True:
            order = orders[self._picked % 2]
            for each in order:
                if each not in chosen and shares.allow(each.shop, each.endpoint in failing):
                    break
            else:
                break
            self._picked += 1
            shares.take(each.shop, each.endpoint in failing)
            chosen.append(each)
        return chosen

    def _failing_among(self, conn: Connection, ids: set[str]) -> set[str]:
        return endpoints.failing(conn, ids) | connections.failing(conn, ids) if ids else set()

    def _is_over(self, row: Claimed, held: frozenset[str], now: int) -> bool:
        """Whether a row that was not begun has to be given back: its lease ends soon, or its endpoint is held back."""
        late = row.lease_until - now < _ENOUGH
        return late or (row.id not in self._trying and row.endpoint in held)

    def _let_go(self, conn: Connection) -> list[Claimed]:
        outbox.release(conn, self._waiting)
        return []

    def _ready(
        self, conn: Connection, row: Claimed, targets: Mapping[str, _Destination], now: int
    ) -> Claimed | None:
        """The row with its body; None when it is settled without being sent."""
        target = targets.get(row.endpoint)
        if (target is None or target.deleted) and grants.is_grant(row):
            if not grants.moved(conn, row, now):
                _tell(conn, row, "unknown", now, "the connection was deleted")
            return None
        if grants.is_grant(row) and grants.blocked(conn, row):
            outbox.postpone(conn, row, now + BLOCKED)
            return None
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
            if grants.is_grant(row):  # what is owed stays owed
                outbox.postpone(conn, row, now + SCHEDULE[2] * 1000)
                return None
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
        shares = _Shares()
        for row in self._flying.values():
            if self._is_doubtful(row):
                shares.take(row.shop, self._is_failing(row))
        left = []
        for row in self._waiting:
            bad, doubt = self._is_failing(row), self._is_doubtful(row)
            if (
                len(self._flying) >= THREADS
                or by_endpoint[row.endpoint] >= EACH_ENDPOINT
                or by_shop[row.shop] >= EACH_SHOP
                or (doubt and not shares.allow(row.shop, bad))
            ):
                left.append(row)
                continue
            by_endpoint[row.endpoint] += 1
            by_shop[row.shop] += 1
            if doubt:
                shares.take(row.shop, bad)
            self._flying[row.id] = row
            self._pool.submit(self._send, row, self._targets[row.endpoint])
        self._waiting = left

    def _is_failing(self, row: Claimed) -> bool:
        target = self._targets.get(row.endpoint)
        return target is not None and target.failing

    def _is_doubtful(self, row: Claimed) -> bool:
        """Whether nobody knows that its endpoint answers soon: it fails at present, or took nothing from us yet."""
        return row.endpoint not in self._working or self._is_failing(row)

    def _await(self, seconds: float) -> None:
        """Wait until something ended, or a little while, because something else may have become due."""
        try:
            self._unrecorded.append(self._finished.get(timeout=seconds))
        except queue.Empty:
            return

    def _send(self, row: Claimed, target: _Destination) -> None:
        """In a thread of the pool: one attempt, whose outcome is put into the queue whatever happens."""
        began, at = time.monotonic(), self._clock()
        attempting = _Attempting(self._http, row, lambda: row.lease_until - self._clock() >= _ENOUGH)
        error: TemporaryError | PermanentError | None = None
        receipt = Receipt()
        try:
            crash_point("message about to be sent")
            receipt = attempting.bring(target)
            crash_point("message sent, outcome not known")
        except (TemporaryError, PermanentError) as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001 - a fault of ours must not cost the shop its message
            _log.error("delivery_failed_inside", delivery=row.id, exc_info=True)
            error = TemporaryError(f"a fault of ours: {type(raised).__name__}", unknown=True)
            attempting.unknown = True
        took = int((time.monotonic() - began) * 1000)
        said = error or receipt
        attempt = Attempt(
            at, said.status, error.reason if error else None, took, said.excerpt, attempting.http.told(row.body)
        )
        self._finished.put(_Outcome(row, attempt, error, attempting.unknown))

    def _record(self, conn: Connection, outcomes: Sequence[_Outcome]) -> None:
        now = self._clock()
        taken = [(each.row, each.attempt) for each in outcomes if each.error is None]
        if taken:
            outbox.finish(conn, taken)
            working = {row.endpoint for row, _ in taken}
            endpoints.worked(conn, working)
            connections.worked(conn, working)
            holds.worked(conn, working, now)
            self._working |= working
            for row, _ in taken:
                _tell(conn, row, "done", now)
        # In one order, so that two workers cannot wait for each other's endpoints.
        for each in sorted(outcomes, key=lambda outcome: outcome.row.endpoint):
            if each.error is not None:
                self._working.discard(each.row.endpoint)
                self._record_failure(conn, each, each.error)

    def _record_failure(
        self, conn: Connection, outcome: _Outcome, error: TemporaryError | PermanentError
    ) -> None:
        row, attempt, now = outcome.row, outcome.attempt, self._clock()
        again, asked = self._again(row, error, now)
        if again is None:
            ours = outbox.give_up(conn, row, attempt, outcome.unknown)
        else:
            ours = outbox.retry_later(conn, row, attempt, again.at, again.counts, outcome.unknown)
        # Whoever took it over meanwhile knows better.
        if ours and outcome.unknown:
            _tell(conn, row, "unknown", now, error.reason)
        elif ours and again is None:
            _tell(conn, row, "failed", now, error.reason)
        elif ours:
            grants.not_sent(conn, row, now)
        if error.status not in ABOUT_THE_MESSAGE:
            holds.failed(conn, row.endpoint, now, asked)
        gone = isinstance(error, PermanentError) and error.gone
        if grants.is_grant(row):
            # A platform that refuses this very coupon works.
            if again is not None:
                connections.failed(conn, row.endpoint, now, error.reason if _is_closed(error) else None)
        elif gone:
            endpoints.disable(conn, row.endpoint, error.reason, now)
        else:
            endpoints.failed(conn, row.endpoint, now)

    def _again(
        self, row: Claimed, error: TemporaryError | PermanentError, now: int
    ) -> tuple[Next | None, int | None]:
        """When to try again, and the ms that the receiver asked for."""
        made = row.attempts + 1
        if isinstance(error, TemporaryError):
            again = next_attempt(made, error, now, self._rng, row.began)
            asked = asked_for(error, now, row.began)
            if again is None and grants.is_grant(row):
                again = Next(now + DAILY * 1000)
            return again, asked
        # Who wants nothing more at all has not said that this very coupon is wrong.
        if _is_closed(error) and grants.is_grant(row):
            return Next(now + DAILY * 1000), None
        return None, None


def _is_closed(error: TemporaryError | PermanentError) -> bool:
    """Whether nothing at all can be sent there as things are, whatever the message."""
    return isinstance(error, PermanentError) and (error.gone or isinstance(error, UrlRefused))


def _tell(conn: Connection, row: Claimed, state: State, now: int, error: str | None = None) -> None:
    """Tell a coupon what became of its message."""
    coupon = grants.issued_by(row)
    if coupon is not None:
        loyalty.coupon_told(conn, row.shop, coupon, state, now, error)


class _Attempting:
    """One attempt. `unknown` tells, after an error, whether the other side may have taken the message."""

    def __init__(self, http: Http, row: Claimed, in_time: Callable[[], bool]) -> None:
        self.http = _Watched(http, in_time)
        self.unknown = grants.is_grant(row) and row.unknown
        self._row = row

    def bring(self, target: _Destination) -> Receipt:
        row, code, message = self._row, target.integration, grants.message(self._row)
        if self.unknown:
            if not isinstance(code, Finder):
                raise PermanentError("nobody knows whether it arrived, and the platform can't be asked")
            found = code.find(message, target.settings, self.http, row.id)
            self.unknown = False
            if found is not None:
                return found
        try:
            return code.deliver(message, target.settings, self.http, row.id)
        except TemporaryError as error:
            self.unknown = grants.is_grant(row) and error.unknown
            raise


_SHOWN = ("content-type", "idempotency-key", "webhook-id", "webhook-timestamp")


class _Watched:
    """The HTTP client, remembering for the owner what was sent: nothing of what could let others send it."""

    def __init__(self, http: Http, in_time: Callable[[], bool]) -> None:
        self._http = http
        self._in_time = in_time
        self._head = ""
        self._body = b""

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Response:
        if not self._in_time():
            raise TemporaryError("the time for this attempt was over before all was asked")
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
