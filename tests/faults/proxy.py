"""A TCP proxy that harms: in a process of its own, so that it is as quick while the bench is busy.

A route is harmed only at a piece that holds given words (`XADD`, `COMMIT`), and each harm is told, so that every harm
done is one done while that very work was under way. `python -m tests.faults.proxy` prints the ports.
"""

import asyncio
import json
import socket
import struct
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

MODES = (
    "cut before the request",
    "cut after the request, reply lost",
    "cut within the reply",
    "answer late",
    "connection reset",
    "silent drop",
    "single bytes",
)
# A reply can be long; so much of it goes byte by byte.
_SLICED = 1500


class Proxy:
    """The process. `routes` maps a name to the Unix socket that its connections end at. Of a route that has one of the
    `marks` only connections are harmed on which the mark was seen before."""

    def __init__(self, routes: dict[str, str], marks: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.proxy", json.dumps([routes, marks or {}])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.ports: dict[str, int] = json.loads(self._process.stdout.readline())
        self._harmed: Counter[str] = Counter()
        self._armed = 0
        self._told = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def arm(self, route: str, mode: str, match: bytes, seconds: float = 1.2) -> None:
        """Harm the next piece that fits, as `harm` does, without waiting for it."""
        with self._told:
            armed = self._armed
            self._say(route=route, mode=mode, match=match.decode(), seconds=seconds)
            self._told.wait_for(lambda: self._armed > armed, 5)

    def harm(self, route: str, mode: str, match: bytes, seconds: float = 1.2, within: float = 4.0) -> bool:
        """Harm the next piece of `route` that holds `match`.

        True once it is done; False when no such piece came in time, and then nothing is harmed any more.
        """
        with self._told:
            before = self._harmed[route]
        self.arm(route, mode, match, seconds)
        with self._told:
            done = self._told.wait_for(lambda: self._harmed[route] > before, within)
        if not done:
            self.arm(route, "", b"")
        return done

    def _say(self, **order: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._told:
                if line == "armed\n":
                    self._armed += 1
                else:
                    self._harmed[line.strip()] += 1
                self._told.notify_all()

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._listener.join()
        self._process.stdin.close()
        self._process.stdout.close()


@dataclass
class _Route:
    """One listening port, where it leads, and what to do to the next piece that fits."""

    name: str
    upstream: str
    mark: bytes
    mode: str = ""
    match: bytes = b""
    seconds: float = 0.0

    def take(self, piece: bytes, marked: bool) -> str:
        """The harm for this piece, told and done with; the empty word leaves it alone."""
        if not self.mode or self.match not in piece or (self.mark and not marked):
            return ""
        mode, self.mode = self.mode, ""
        print(self.name, flush=True)
        return mode

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_unix_connection(self.upstream)
        except OSError:
            writer.transport.abort()
            return
        _no_delay(writer)
        connection = _Connection(self, reader, writer, up_reader, up_writer)
        try:
            await connection.run()
        finally:
            for one in (writer, up_writer):
                with suppress(Exception):
                    one.close()


@dataclass
class _Connection:
    route: _Route
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    up_reader: asyncio.StreamReader
    up_writer: asyncio.StreamWriter
    marked: bool = False
    mode: str = ""  # of what is under way
    replied: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        there, back = asyncio.create_task(self._there()), asyncio.create_task(self._back())
        await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        for task in (there, back):
            task.cancel()
        await asyncio.gather(there, back, return_exceptions=True)

    async def _there(self) -> None:
        """From the client to the server."""
        while piece := await self.reader.read(65536):
            self.marked = self.marked or bool(self.route.mark and self.route.mark in piece)
            mode = self.route.take(piece, self.marked)
            if mode == "cut before the request":
                return
            self.mode = mode
            if mode == "answer late":
                await asyncio.sleep(self.route.seconds)
            if mode == "silent drop":
                # Whoever waits gives up first, or learns after a while that nobody is there.
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._swallow(), self.route.seconds)
                self.writer.transport.abort()
                return
            if mode == "single bytes":
                await _sliced(self.up_writer, piece)
            else:
                self.up_writer.write(piece)
                await self.up_writer.drain()
            if mode in ("cut after the request, reply lost", "cut within the reply", "connection reset"):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.replied.wait(), 2)
                if mode == "connection reset":
                    _reset(self.writer)
                return

    async def _back(self) -> None:
        """From the server to the client."""
        while piece := await self.up_reader.read(65536):
            mode, self.mode = self.mode, ""
            if mode == "silent drop":
                continue
            if mode == "cut within the reply":
                self.writer.write(piece[: len(piece) // 2])
                await self.writer.drain()
            if mode in ("cut after the request, reply lost", "cut within the reply", "connection reset"):
                self.replied.set()
                await asyncio.sleep(3600)
            if mode == "single bytes":
                await _sliced(self.writer, piece)
            else:
                self.writer.write(piece)
                await self.writer.drain()

    async def _swallow(self) -> None:
        while await self.reader.read(65536):
            pass


async def _sliced(writer: asyncio.StreamWriter, piece: bytes) -> None:
    for n in range(min(len(piece), _SLICED)):
        writer.write(piece[n : n + 1])
        await writer.drain()
        await asyncio.sleep(0)
    writer.write(piece[_SLICED:])
    await writer.drain()


def _no_delay(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _reset(writer: asyncio.StreamWriter) -> None:
    """The other side sees RST, not FIN."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _main(argument: str) -> None:
    wanted, marks = json.loads(argument)
    routes, ports, servers = {}, {}, []
    for name, upstream in wanted.items():
        routes[name] = route = _Route(name, upstream, marks.get(name, "").encode())
        server = await asyncio.start_server(route.serve, "127.0.0.1", 0)
        servers.append(server)
        ports[name] = server.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        order = json.loads(line)
        route = routes[order["route"]]
        route.match, route.seconds, route.mode = order["match"].encode(), order["seconds"], order["mode"]
        print("armed", flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
