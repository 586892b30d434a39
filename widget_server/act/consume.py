"""The stream consumer: reads batches, applies each in one transaction, then acknowledges and deletes in one MULTI.

A consumer's name is its own for ever, and it holds a heartbeat key while it works. Entries of a consumer whose
heartbeat has been gone for two looks in a row are taken over by whoever looks; a live consumer is never robbed, however
long its batch takes. A batch that raises is halved until the bad event is alone, and that one is set aside with its
traceback; a database that is away or busy is waited for instead. Being killed never counts as failing.
"""

import contextlib
import itertools
import os
import secrets
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import redis
import structlog

from widget_server.intake.stream import FIELD, GROUP, STREAM
from widget_server.record import setaside
from widget_server.record.db import Database, is_passing

from .crash import crash_point
from .pipeline import Outcome, process

BATCH = 500
_BLOCK_MS = 200
_BEAT = 0.25  # s between heartbeats
_BEAT_TTL_MS = 1000
_LOOK = 0.3  # s between looks for dead consumers
_TELL = 60.0  # s between two lines that say the same
_AWAY = 0.1  # s to wait while Redis is away
_WAIT = (0.05, 0.1, 0.2, 0.5)  # s to wait while the database is away; the last one again and again
# A batch that works longer than this is hung: its heartbeat stops, so that its entries are taken over.
_HUNG = 120.0

log = structlog.get_logger("consumer")
Entry = tuple[bytes, bytes]  # stream id, envelope


class _Left(Exception):
    """Asked to stop while the database is away; the batch stays pending."""


class Consumer:
    """One consumer of the group. `kick` is called when a batch left messages to deliver."""

    def __init__(
        self, client: "redis.Redis", database: Database, kick: Callable[[], None] = lambda: None, batch: int = BATCH
    ) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._redis = client
        self._database = database
        self._kick = kick
        self._batch = batch
        self._stop = threading.Event()
        self._progress = time.monotonic()
        self._looked = 0.0
        self._told = -_TELL
        self._silent: set[bytes] = set()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; the batch at hand is finished first."""
        self._stop = stop
        ended = threading.Event()
        heart = threading.Thread(target=self._beat, args=(ended,), daemon=True, name="heart")
        heart.start()
        try:
            self._work_until(stop)
        except _Left:
            log.info("left_pending")
        finally:
            # The heart beats through the last batch, and never beats for a consumer that has fallen.
            ended.set()
            heart.join(2)
        self._leave()

    def _work_until(self, stop: threading.Event) -> None:
        fresh = True  # just connected: what this consumer had in hand before must be read again
        while not stop.is_set():
            self._progress = time.monotonic()
            try:
                if fresh:
                    self._ensure_group()
                    self._finish_own()
                    fresh = False
                if time.monotonic() - self._looked > _LOOK:
                    self._looked = time.monotonic()
                    self._work(self._taken_over())
                self._work(self._new())
            except redis.exceptions.RedisError as error:
                if time.monotonic() - self._told > _TELL:
                    self._told = time.monotonic()
                    log.warning("redis_away", error=str(error)[:200])
                # Heartbeats may have run out while Redis was away: look twice again before believing it.
                self._silent.clear()
                fresh = True
                stop.wait(_AWAY)

    def drain(self) -> int:
        """Work until the stream is empty; returns how many entries were done. For commands that run alone."""
        self._ensure_group()
        done = 0
        while entries := (self._taken_over() or self._taken_over() or self._new(block=None)):
            self._work(entries)
            done += len(entries)
        self._leave()
        return done

    def _new(self, block: int | None = _BLOCK_MS) -> list[Entry]:
        return self._read(">", block)

    def _finish_own(self) -> None:
        """Work what was handed to this consumer before the connection broke, whether or not the reply came through."""
        while entries := self._read("0", None):
            self._work(entries)

    def _read(self, after: str, block: int | None) -> list[Entry]:
        reply: Any = self._redis.xreadgroup(GROUP, self.name, {STREAM: after}, count=self._batch, block=block)
        if not reply:
            return []
        # One stream was asked for: RESP3 answers {stream: [entries]}, RESP2 [[stream, entries]].
        found = next(iter(reply.values()))[0] if isinstance(reply, dict) else reply[0][1]
        return self._present(found)

    def _present(self, found: Iterable[tuple[bytes, dict[bytes, bytes] | None]]) -> list[Entry]:
        """The entries that still exist; those deleted meanwhile are acknowledged, or they would pend for ever."""
        entries, gone = [], []
        for name, fields in found:
            if fields:
                entries.append((name, fields.get(FIELD, b"")))
            else:
                gone.append(name)
        if gone:
            self._redis.xack(STREAM, GROUP, *gone)
        return entries

    def _taken_over(self) -> list[Entry]:
        """Entries of a consumer that was silent at the last look and still is; they are ours from now on."""
        rows: Any = self._redis.xinfo_consumers(STREAM, GROUP)
        names = [row["name"] for row in rows if row["name"] != self.name.encode()]
        beats = self._redis.mget([_beat_key(name.decode()) for name in names]) if names else []
        silent = {name for name, beat in zip(names, beats, strict=True) if beat is None}
        dead, self._silent = silent & self._silent, silent
        for name in sorted(dead):
            taken = self._take(name)
            if taken:
                self._looked = 0.0  # there may be more: look again at once
                return taken
        return []

    def _take(self, dead: bytes) -> list[Entry]:
        taken: Any = self._redis.eval(_TAKE, 1, STREAM, GROUP, dead, self.name, self._batch)
        entries = [(entry[0], entry[1][1]) for entry in taken if entry]
        if entries:
            log.info("took_over", consumer=dead.decode(), entries=len(entries))
        return entries

    def _work(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        crash_point("batch read")
        outcome = self._apply([envelope for _, envelope in entries])
        crash_point("batch committed, not acknowledged")
        ids = [name for name, _ in entries]
        self._acknowledge(ids)
        crash_point("batch acknowledged")
        if outcome.messages:
            with contextlib.suppress(redis.exceptions.RedisError):
                self._kick()  # the clock asks again

    def _acknowledge(self, ids: Sequence[bytes]) -> None:
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.xack(STREAM, GROUP, *ids)
            pipe.xdel(STREAM, *ids)
            pipe.execute()

    def _apply(self, envelopes: Sequence[bytes]) -> Outcome:
        """Apply a batch; halve it when it raises, set the bad event aside when it is alone."""
        try:
            return self._patiently(lambda: process(self._database, envelopes))
        except _Left:
            raise
        except Exception as error:  # noqa: BLE001 - the wall: one bad event must not stop the others
            if len(envelopes) == 1:
                return self._set_aside(envelopes[0], error)
        half = len(envelopes) // 2
        first, second = self._apply(envelopes[:half]), self._apply(envelopes[half:])
        return Outcome(first.new + second.new, first.messages + second.messages)

    def _set_aside(self, envelope: bytes, error: Exception) -> Outcome:
        log.error("set_aside", error=type(error).__name__)
        told = "".join(traceback.format_exception(error))

        def write() -> Outcome:
            with self._database.writing() as conn:
                setaside.add(conn, envelope, f"{type(error).__name__}: {error}", told)
            return Outcome()

        return self._patiently(write)

    def _patiently(self, act: Callable[[], Outcome]) -> Outcome:
        """What `act` gives; while the database is away or busy it is tried again, for as long as it takes.

        Asked to stop meanwhile, it raises _Left: the entries stay pending, and whoever comes next takes them over.
        """
        waits = itertools.chain(_WAIT, itertools.repeat(_WAIT[-1]))
        while True:
            self._progress = time.monotonic()
            try:
                return act()
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("database_away", error=type(error).__name__)
            if self._stop.wait(next(waits)):
                raise _Left

    def _ensure_group(self) -> None:
        try:
            self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except redis.exceptions.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._redis.set(_beat_key(self.name), 1, px=_BEAT_TTL_MS)

    def _beat(self, ended: threading.Event) -> None:
        while not ended.is_set():
            if time.monotonic() - self._progress < _HUNG:
                with contextlib.suppress(redis.exceptions.RedisError):
                    self._redis.set(_beat_key(self.name), 1, px=_BEAT_TTL_MS)
            ended.wait(_BEAT)

    def _leave(self) -> None:
        with contextlib.suppress(redis.exceptions.RedisError):
            self._redis.eval(_FORGET, 1, STREAM, GROUP, self.name)
            self._redis.delete(_beat_key(self.name))


# XGROUP DELCONSUMER drops what is pending, so looking and deleting must be one step.
_FORGET = """
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if #pending == 0 then return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end
return -1
"""

# Group, the dead consumer, the living one, how many. Looking and claiming are one step, so that of two who look at the
# same moment one finds nothing. Entries that were deleted while pending are acknowledged, or they would pend for ever.
_TAKE = """
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', ARGV[4], ARGV[2])
if #pending == 0 then
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
  return {}
end
local ids, there = {}, {}
for i, row in ipairs(pending) do ids[i] = row[1] end
local taken = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, unpack(ids))
for _, entry in ipairs(taken) do if entry then there[entry[1]] = true end end
for _, id in ipairs(ids) do if not there[id] then redis.call('XACK', KEYS[1], ARGV[1], id) end end
return taken
"""


def _beat_key(name: str) -> str:
    return f"atbalss:consumer:{name}"

