"""One connection to Redis for groups of commands: everything of a group is written at once, its replies come together.

redis-py reads reply by reply, each a coroutine; for a group of 60 appends that costs more than all the rest of the
request. So the hot path packs and parses the protocol (RESP2, https://redis.io/docs/latest/develop/reference/protocol-spec/)
itself, and nothing else does: one group at a time, no retries, no reconnecting. Addresses are those of redis-py.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, cast

import redis.asyncio
from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection


class ReplyError(Exception):
    """What Redis refused, such as OOM, LOADING or MISCONF. Found among the replies, not raised."""


Reply = bytes | int | list[Any] | None | ReplyError
_NULL: Reply = None


class Lost(Exception):
    """The connection is gone; what was in flight may or may not have been done."""


def pack(*parts: bytes) -> bytes:
    """One command."""
    return b"*%d\r\n%b" % (len(parts), b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts))


class Replies:
    """Parses replies out of bytes as they come. `feed` returns those that are whole by now."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Reply]:
        raw = self._rest + data if self._rest else data
        found: list[Reply] = []
        at = 0
        while True:
            parsed = _one(raw, at)
            if parsed is None:
                self._rest = raw[at:]
                return found
            reply, at = parsed
            found.append(reply)


def _one(raw: bytes, at: int) -> tuple[Reply, int] | None:
    end = raw.find(b"\r\n", at)
    if end < 0:
        return None
    kind, line, after = raw[at], raw[at + 1 : end], end + 2
    if kind == 36:  # $
        length = int(line)
        if length < 0:
            return _NULL, after
        stop = after + length
        return (raw[after:stop], stop + 2) if len(raw) >= stop + 2 else None
    if kind == 58:  # :
        return int(line), after
    if kind == 43:  # +
        return line, after
    if kind == 45:  # -
        return ReplyError(line.decode("utf-8", "replace")), after
    if kind == 42:  # *
        return _many(raw, after, int(line))
    raise ValueError(f"not a reply: {raw[at : at + 40]!r}")


def _many(raw: bytes, at: int, count: int) -> tuple[Reply, int] | None:
    items: list[Reply] = []
    for _ in range(max(count, 0)):
        parsed = _one(raw, at)
        if parsed is None:
            return None
        item, at = parsed
        items.append(item)
    return items, at


class Link(asyncio.Protocol):
    """A connection. `send` may be called again when the replies to the last group have come."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._replies = Replies()
        self._got: list[Reply] = []
        self._expected = 0
        self._then: Callable[[list[Reply] | None], None] | None = None
        self.lost = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.lost = False

    def data_received(self, data: bytes) -> None:
        try:
            self._got += self._replies.feed(data)
        except ValueError:
            self.close()
            return
        if self._then is not None and len(self._got) >= self._expected:
            got, self._got = self._got, []
            then, self._then = self._then, None
            then(got)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        then, self._then = self._then, None
        if then is not None:
            then(None)

    def send(self, packed: bytes, expected: int, then: Callable[[list[Reply] | None], None]) -> None:
        """Write a group; `then` gets its `expected` replies, or None when the connection broke."""
        assert self._then is None, "one group at a time"
        if self.lost or self._transport is None:
            raise Lost
        self._expected, self._then = expected, then
        self._transport.write(packed)

    async def ask(self, *commands: bytes) -> list[Reply]:
        """The replies to a few packed commands. Raises Lost."""
        future: asyncio.Future[list[Reply] | None] = asyncio.get_running_loop().create_future()

        def then(replies: list[Reply] | None) -> None:
            if not future.done():
                future.set_result(replies)

        self.send(b"".join(commands), len(commands), then)
        replies = await future
        if replies is None:
            raise Lost
        return replies

    def close(self) -> None:
        """Drop the connection at once; a group in flight learns that it broke."""
        if self._transport is not None:
            self._transport.abort()


async def connect(url: str, timeout: float) -> Link:
    """An open link: signed in, in its database, known to answer. Raises OSError, TimeoutError, Lost or ReplyError."""
    link = Link()
    try:
        async with asyncio.timeout(timeout):
            await _open(url, link)
    except BaseException:
        link.close()
        raise
    return link


async def _open(url: str, link: Link) -> None:
    loop = asyncio.get_running_loop()
    # redis-py reads the address, so that it means here what it means everywhere else.
    pool = redis.asyncio.ConnectionPool.from_url(url)
    plain: Any = pool.make_connection()  # type: ignore[no-untyped-call]
    if isinstance(plain, UnixDomainSocketConnection):
        await loop.create_unix_connection(lambda: link, plain.path)
    else:
        context = plain.ssl_context.get() if isinstance(plain, SSLConnection) else None
        await loop.create_connection(lambda: link, plain.host, int(plain.port), ssl=context)
    hello = [pack(b"PING")]
    if plain.password:
        names = (plain.username, plain.password) if plain.username else (plain.password,)
        hello.insert(0, pack(b"AUTH", *(str(name).encode() for name in names)))
    if int(plain.db or 0):
        hello.append(pack(b"SELECT", str(plain.db).encode()))
    for reply in await link.ask(*hello):
        if isinstance(reply, ReplyError):
            raise reply
    with contextlib.suppress(Exception):
        await pool.aclose()
