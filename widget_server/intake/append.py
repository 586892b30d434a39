"""Makes events durable: in the stream, or, while Redis is away, in the spill.

Entries of concurrent requests go out as one group, one group at a time. A request's entries are all stored or the
request is told so; its future is done only when they are on disk (Redis acknowledges after fsync with `appendfsync
always`; with `everysec` each group asks WAITAOF).

Nobody waits for a time-out of Redis. A group without an answer after `HEDGE` seconds is written to the spill as well
and acknowledged, and until the answer comes everybody goes straight to the spill; without one the breaker opens, and a
probe in the background closes it. An event that so arrives twice is one event, because its id is the same.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from . import wire
from .figures import Figures
from .limits import Limits, Sent, salt_key, salt_seconds
from .spill import Spill, SpillFull
from .stream import FIELD, GROUP_BYTES, GROUP_ENTRIES, STREAM, StreamFull, append_sync
from .wire import Link, Reply, ReplyError, pack

HEDGE = 0.15
_LAST_LOOK = 0.005
_PROBE = 0.25
_DRAIN_SHARE = 0.5  # of the time at most, so that draining does not hold up requests
_PROBE_KEY = b"atbalss:probe"
# With `appendfsync everysec` a group waits up to a second for the disk, so it has to be larger.
_EVERYSEC = 1.0
_EVERYSEC_GROUP = 10

_XADD = b"".join(
    (b"*5\r\n$4\r\nXADD\r\n$%d\r\n%b\r\n" % (len(STREAM), STREAM.encode()), b"$1\r\n*\r\n",
     b"$%d\r\n%b\r\n" % (len(FIELD), FIELD), b"$%d\r\n%b\r\n")
)  # fmt: skip
_XLEN = pack(b"XLEN", STREAM.encode())

log = structlog.get_logger("intake")

Item = tuple["asyncio.Future[None]", list[bytes]]


class Backlog(Exception):
    """The stream holds as many entries as it may."""


@dataclass
class _Group:
    """What is in flight."""

    items: list[Item]
    entries: int
    sent: Sent | None
    counts: int
    timer: asyncio.TimerHandle | None = None
    overdue: bool = False
    hedged: bool = False


@dataclass
class Options:
    """How the appender is set up."""

    url: str
    timeout: float
    stream_limit: int
    hedge: float = HEDGE
    probe: float = _PROBE


class Appender:
    """One for each web process; lives on its event loop from `start` to `stop`."""

    def __init__(self, options: Options, spill: Spill, limits: Limits, figures: Figures) -> None:
        self._options = options
        self._spill = spill
        self._limits = limits
        self._figures = figures
        self._queue: list[Item] = []
        self._scheduled = False
        self._group: _Group | None = None
        self._link: Link | None = None
        self._waitaof = b""
        self._spilling: list[Item] = []
        self._spill_running = False
        self._suspect = False
        self._salt = ""
        self._writer = ThreadPoolExecutor(1, "spill")
        self._drainer = ThreadPoolExecutor(1, "drain")
        self._tasks: list[asyncio.Task[None]] = []
        self._background: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._figures.away = True
        await self._probe()
        self._tasks = [asyncio.create_task(self._keep()), asyncio.create_task(self._drain())]

    async def stop(self) -> None:
        """End after what is in flight has been made durable."""
        for _ in range(100):
            if self._group is None and not self._queue and not self._spill_running:
                break
            await asyncio.sleep(0.02)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._link is not None:
            self._link.close()
        self._writer.shutdown()
        self._drainer.shutdown()
        self._spill.close()

    def add(self, entries: list[bytes]) -> "asyncio.Future[None]":
        """Done when all `entries` are on disk. Raises Backlog; the future may raise SpillFull."""
        figures = self._figures
        if figures.waiting >= self._options.stream_limit and not figures.away:
            raise Backlog
        item = (self._loop.create_future(), entries)
        if figures.away or self._suspect:
            self._to_spill([item])
        else:
            self._queue.append(item)
            if self._group is None and not self._scheduled:
                # Whatever else arrives in this turn of the loop comes along.
                self._scheduled = True
                self._loop.call_soon(self._flush)
        return item[0]

    def _flush(self) -> None:
        self._scheduled = False
        if self._group is not None or not self._queue or self._link is None:
            return
        items, packed, entries = self._take_group()
        commands, sent = self._limits.commands()
        group = _Group(items, entries, sent, len(commands))
        packed += commands
        packed.append(_XLEN)
        expected = entries + len(commands) + 1
        if self._waitaof:
            packed.append(self._waitaof)
            expected += 1
        self._group = group
        try:
            self._link.send(b"".join(packed), expected, partial(self._answered, group))
        except wire.Lost:
            self._answered(group, None)
            return
        group.timer = self._loop.call_later(self._patience(), self._hedge, group)

    def _take_group(self) -> tuple[list[Item], list[bytes], int]:
        more = _EVERYSEC_GROUP if self._waitaof else 1
        packed: list[bytes] = []
        count = size = entries = 0
        for _, envelopes in self._queue:
            if count and (entries + len(envelopes) > more * GROUP_ENTRIES or size > more * GROUP_BYTES):
                break
            for envelope in envelopes:
                packed.append(_XADD % (len(envelope), envelope))
                size += len(envelope)
            entries += len(envelopes)
            count += 1
        items, self._queue = self._queue[:count], self._queue[count:]
        return items, packed, entries

    def _answered(self, group: _Group, replies: list[Reply] | None) -> None:
        """The replies of the group in flight, or None when the connection broke."""
        if self._group is not group:
            return
        self._group = None
        if group.timer is not None:
            group.timer.cancel()
        if replies is None or not self._stored(group, replies):
            self._go_away("connection lost" if replies is None else _why(replies))
            if not group.hedged:
                self._to_spill(group.items)
            return
        self._suspect = False
        if not group.hedged:
            for future, _ in group.items:
                if not future.done():
                    future.set_result(None)
        if self._queue:
            self._flush()

    def _stored(self, group: _Group, replies: list[Reply]) -> bool:
        """Whether all of the group is on disk."""
        if any(type(reply) is ReplyError for reply in replies):
            return False
        rest = replies[group.entries :]
        if group.sent is not None:
            self._limits.learn(group.sent, rest)
        length = rest[group.counts]
        assert isinstance(length, int)
        figures = self._figures
        figures.waiting = length
        figures.appended += group.entries
        figures.grouped(group.entries)
        if self._waitaof:
            local = rest[-1]
            return isinstance(local, list) and local[:1] != [0]
        return True

    def _hedge(self, group: _Group) -> None:
        """No answer yet: acknowledge from the spill, and let nobody else wait for this one."""
        if self._group is not group:
            return
        if not group.overdue:
            # It may have been us who were slow: let the loop look at the connection first.
            group.overdue = True
            group.timer = self._loop.call_later(_LAST_LOOK, self._hedge, group)
            return
        group.hedged = True
        self._figures.hedged += group.entries
        self._suspect = True
        self._to_spill(group.items)
        self._to_spill(self._queue)
        self._queue = []
        group.timer = self._loop.call_later(self._options.timeout, self._give_up, group)

    def _patience(self) -> float:
        # With `everysec` an acknowledgement takes up to a second when all is well.
        return 2 * _EVERYSEC if self._waitaof else self._options.hedge

    def _give_up(self, group: _Group) -> None:
        if self._group is group:
            self._group = None
            self._go_away("no answer in time")

    def _go_away(self, why: str) -> None:
        """Open the breaker: from here to the spill, until a probe succeeds."""
        link, self._link = self._link, None
        if link is not None:
            link.close()
        if not self._figures.away:
            self._figures.away = True
            self._figures.away_times += 1
            log.warning("redis is away; events go to the spill", why=why)
        self._to_spill(self._queue)
        self._queue = []

    def _to_spill(self, items: list[Item]) -> None:
        self._spilling += items
        if self._spilling and not self._spill_running:
            self._spill_running = True
            task = self._loop.create_task(self._write_spill())
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    async def _write_spill(self) -> None:
        while self._spilling:
            items, self._spilling = self._spilling, []
            payloads = [envelope for _, envelopes in items for envelope in envelopes]
            error: SpillFull | None = None
            try:
                size = await self._loop.run_in_executor(self._writer, self._spill.append, payloads)
                self._figures.spilled += len(payloads)
                self._figures.spilled_bytes += size
            except SpillFull as full:
                error = full
            except Exception:
                # A wall: whoever waits must hear of it, and the next ones must find a writer.
                log.exception("writing the spill failed")
                error = SpillFull("the spill can't be written")
            for future, _ in items:
                if not future.done():
                    future.set_exception(error) if error else future.set_result(None)
        self._spill_running = False

    async def _keep(self) -> None:
        """Every quarter second: find Redis again, measure the backlog, change the salt."""
        while True:
            await asyncio.sleep(self._options.probe)
            try:
                if self._figures.away:
                    await self._probe()
                    self._outlive_salt()
                else:
                    await self._look()
            except Exception:
                # A wall: whatever it was, Redis has to be looked for again.
                log.exception("looking for redis failed")

    async def _probe(self) -> None:
        """Close the breaker if Redis takes writes again."""
        options = self._options
        link = None
        try:
            link = await wire.connect(options.url, options.timeout)
            async with asyncio.timeout(options.timeout):
                await self._prove(link)
        except (OSError, TimeoutError, wire.Lost, ReplyError, redis.RedisError) as error:
            if link is not None:
                link.close()
            log.debug("redis is still away", why=str(error) or type(error).__name__)
            return
        self._link = link
        self._suspect = False
        if self._figures.away:
            self._figures.away = False
            log.info("redis is here")

    async def _prove(self, link: Link) -> None:
        # A write, because a Redis that is full or can't save answers reads.
        wrote, length, config = await link.ask(
            pack(b"SET", _PROBE_KEY, b"1", b"PX", b"10000"), _XLEN, pack(b"CONFIG", b"GET", b"appendfsync")
        )
        for reply in (wrote, length):
            if isinstance(reply, ReplyError):
                raise reply
        everysec = isinstance(config, list) and config[1:2] == [b"everysec"]
        self._waitaof = await _waitaof(link) if everysec else b""
        assert isinstance(length, int)
        self._figures.waiting = length
        await self._share_salt(link)

    async def _look(self) -> None:
        """While Redis is here: measure a backlog again, and change the salt when its time is over."""
        backlog = self._figures.waiting >= self._options.stream_limit
        if not backlog and self._salt == salt_key(time.time()):
            return
        # A connection of its own, so that no group has to wait for this.
        with contextlib.suppress(OSError, TimeoutError, wire.Lost, ReplyError):
            link = await wire.connect(self._options.url, self._options.timeout)
            try:
                async with asyncio.timeout(self._options.timeout):
                    await self._prove(link)
            finally:
                link.close()

    async def _share_salt(self, link: Link) -> None:
        """Agree with the other processes on the salt of these hours."""
        key = salt_key(time.time())
        if key == self._salt:
            return
        mine = secrets.token_bytes(32)
        name = key.encode()
        _, salt = await link.ask(
            pack(b"SET", name, mine, b"NX", b"EX", b"%d" % salt_seconds()), pack(b"GET", name)
        )
        if isinstance(salt, bytes):
            self._limits.use_salt(salt)
            self._salt = key

    def _outlive_salt(self) -> None:
        """A shared salt whose time is over goes, also while Redis is away."""
        if self._salt and self._salt != salt_key(time.time()):
            self._salt = ""
            self._limits.use_salt(secrets.token_bytes(32))

    async def _drain(self) -> None:
        """Move the spill into the stream whenever Redis is here."""
        client = redis.Redis.from_url(
            self._options.url, retry=Retry(NoBackoff(), 0), socket_timeout=5, socket_connect_timeout=1
        )
        limit = self._options.stream_limit
        try:
            while True:
                await asyncio.sleep(self._options.probe)
                if self._figures.away or self._suspect:
                    continue
                await self._loop.run_in_executor(self._drainer, self._drain_once, client, limit)
        finally:
            client.close()

    def _drain_once(self, client: "redis.Redis", limit: int) -> None:
        def append(envelopes: Sequence[bytes]) -> None:
            began = time.monotonic()
            append_sync(client, envelopes, limit)
            self._figures.drained += len(envelopes)
            time.sleep((time.monotonic() - began) * (1 / _DRAIN_SHARE - 1))

        try:
            done = self._spill.drain(append) if self._spill.waiting() else None
        except (redis.RedisError, StreamFull, OSError) as error:
            log.debug("the spill waits", why=str(error) or type(error).__name__)
        else:
            if done is not None and done.events:
                log.info("the spill is in the stream", events=done.events)


async def _waitaof(link: Link) -> bytes:
    """The packed command; nothing where the server doesn't know it (then /readyz says so)."""
    (answer,) = await link.ask(pack(b"WAITAOF", b"0", b"0", b"1"))
    if isinstance(answer, ReplyError):
        return b""
    return pack(b"WAITAOF", b"1", b"0", b"%d" % int(1500 * _EVERYSEC))


def _why(replies: list[Reply]) -> str:
    return next((str(reply)[:80] for reply in replies if isinstance(reply, ReplyError)), "not synced to disk")
