"""Serves a WSGI application (Flask) behind granian's RSGI.

Not a2wsgi: that one hands a half-sent body to a thread, which then waits for the client; here threads meet only
requests whose body is whole. A reply is sent in one piece, unless nobody knows how long it gets: then it goes through a
named pipe, which granian reads as it would a file, and only as fast as the client takes it. (Its `send_bytes` never
waits: what a slow client has not taken is kept in memory, however much it is.)
"""

import asyncio
import contextlib
import errno
import io
import os
import select
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import structlog

Headers = list[tuple[str, str]]
WSGI = Callable[..., Iterable[bytes]]

THREADS = 16
MAX_BODY = 1024 * 1024
_ONE_PIECE = 256 * 1024
# So many long replies at once: each keeps a thread for as long as its client takes.
_LONG_REPLIES = THREADS // 2
# Who takes nothing for so long has gone; who pauses a download for a coffee has not.
_STALLED_SECONDS = 600.0
_OPEN_SECONDS = 10.0
_LOOK_SECONDS = 0.2

log = structlog.get_logger("web")


class Bridge:
    """Runs `app` in threads. `read(protocol, declared, most)` reads a body and raises as `intake.collector.Reader`."""

    def __init__(
        self, app: WSGI, read: Callable[[Any, int | None, int], Any], too_large: type[Exception]
    ) -> None:
        self._app = app
        self._read = read
        self._too_large = too_large
        self._threads = ThreadPoolExecutor(THREADS, "flask")
        self._long = threading.BoundedSemaphore(_LONG_REPLIES)
        self._closing = threading.Event()

    async def __call__(self, scope: Any, protocol: Any) -> None:
        """Serve one request."""
        try:
            length = scope.headers.get("content-length")
            body = await self._read(protocol, None if length is None else int(length), MAX_BODY)
        except ConnectionError:
            return
        except self._too_large:
            _refuse(protocol, 413, "too_large", f"The body is larger than {MAX_BODY} bytes.")
            return
        except TimeoutError:
            _refuse(protocol, 408, "timeout", "The body did not come in time.")
            return
        loop = asyncio.get_running_loop()
        reply = _Reply(protocol, scope, self._long, self._closing)
        try:
            await loop.run_in_executor(self._threads, reply.make, self._app, environ(scope, body))
        except _ClientLeft:
            log.info("the client left before its reply was whole", path=scope.path)
            return
        except _Busy:
            _refuse(protocol, 503, "busy", "Too many long replies are being sent; try again soon.", [("retry-after", "5")])
            return
        except Exception:
            # The wall: Flask answers its own errors, so this is one of the bridge or of a reply half sent.
            log.exception("a reply failed", path=scope.path)
            if not reply.begun:
                _refuse(protocol, 500, "internal", "Something went wrong here.")
            return
        reply.send()

    def close(self) -> None:
        """What is still being sent is broken off."""
        self._closing.set()
        self._threads.shutdown(wait=True, cancel_futures=True)


def environ(scope: Any, body: bytes) -> dict[str, Any]:
    """The WSGI environment (PEP 3333) of a request."""
    host, _, port = scope.server.rpartition(":")
    peer, _, peer_port = scope.client.rpartition(":")
    made: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": host or "localhost",
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": peer.strip("[]"),
        "REMOTE_PORT": peer_port,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        if "_" in name:
            continue  # X_Forwarded_For must not pass for X-Forwarded-For
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        made[key] = f"{made[key]},{value}" if key in made else value
    made["CONTENT_LENGTH"] = str(len(body))
    return made


class _ClientLeft(Exception):
    """Nobody reads the rest of the reply."""


class _Busy(Exception):
    """Too many long replies are being sent."""


class _Reply:
    """One WSGI reply: made in a thread, and sent from there where it is long, else on the loop."""

    def __init__(self, protocol: Any, scope: Any, long: threading.Semaphore, closing: threading.Event) -> None:
        self._protocol = protocol
        self._scope = scope
        self._long = long
        self._closing = closing
        self._status = 500
        self._headers: Headers = []
        self._parts: list[bytes] = []
        self._pipe: _Pipe | None = None
        self.begun = False

    def make(self, app: WSGI, made: dict[str, Any]) -> None:
        size = 0
        iterable = app(made, self._start)
        try:
            # Where the length is known, all of it is in memory anyhow.
            is_known = any(name == "content-length" for name, _ in self._headers)
            for part in iterable:
                size += len(part)
                self._parts.append(part)
                if size > _ONE_PIECE and not is_known:
                    self._pass_on()
        except BaseException:
            if self.begun:
                _hang_up(self._scope)
            raise
        finally:
            if self._pipe is not None:
                self._pipe.close()
                self._long.release()
            getattr(iterable, "close", lambda: None)()

    def send(self) -> None:
        if self.begun:
            return
        body = b"".join(self._parts)
        if self._scope.method == "HEAD" or not body:
            self._protocol.response_empty(self._status, self._headers)
        else:
            self._protocol.response_bytes(self._status, _without_length(self._headers), body)

    def _pass_on(self) -> None:
        if self._pipe is None:
            if not self._long.acquire(blocking=False):
                raise _Busy
            self._pipe = _Pipe(self._closing)
            self.begun = True
            self._pipe.open(lambda path: self._protocol.response_file(self._status, self._headers, path))
        part, self._parts = b"".join(self._parts), []
        self._pipe.write(part)

    def _start(self, status: str, headers: Headers, _exc_info: Any = None) -> Callable[[bytes], None]:
        self._status = int(status.split(" ", 1)[0])
        self._headers = [(name.lower(), value) for name, value in headers]
        return self._parts.append


class _Pipe:
    """A named pipe that granian reads. A write waits until there is room, and raises _ClientLeft when nobody reads."""

    def __init__(self, closing: threading.Event) -> None:
        self._closing = closing
        self._fd: int | None = None

    def open(self, give: Callable[[str], None]) -> None:
        """`give` has it opened at the other end; its name is gone as soon as that has happened."""
        with tempfile.TemporaryDirectory(prefix="atbalss-") as folder:
            path = f"{folder}/reply"
            os.mkfifo(path, 0o600)
            give(path)
            until = time.monotonic() + _OPEN_SECONDS
            while self._fd is None:
                try:
                    self._fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
                except OSError as error:
                    if error.errno != errno.ENXIO:
                        raise
                    # Who left before the reply began has it opened by nobody.
                    if time.monotonic() > until or self._closing.is_set():
                        raise _ClientLeft from None
                    time.sleep(0.001)

    def write(self, part: bytes) -> None:
        assert self._fd is not None
        rest = memoryview(part)
        room = select.poll()
        room.register(self._fd, select.POLLOUT)
        until = time.monotonic() + _STALLED_SECONDS
        while rest:
            # Without their cause: its traceback may show what was being sent.
            if self._closing.is_set() or time.monotonic() > until:
                raise _ClientLeft from None
            if room.poll(_LOOK_SECONDS * 1000):
                try:
                    rest = rest[os.write(self._fd, rest) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError:
                    raise _ClientLeft from None
                until = time.monotonic() + _STALLED_SECONDS

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _hang_up(scope: Any) -> None:
    """End the connection of a reply half sent, so that it can't pass for a whole one. Granian offers no way."""
    host, _, port = scope.client.rpartition(":")
    wanted = (host.strip("[]"), port, scope.server.rpartition(":")[2])
    for name in [entry.name for entry in Path("/dev/fd").iterdir()]:
        # Not all are sockets, and some are closed meanwhile.
        with contextlib.suppress(OSError):
            found = socket.socket(fileno=int(name))
            try:
                peer, own = found.getpeername(), found.getsockname()
                if isinstance(peer, tuple) and (peer[0], str(peer[1]), str(own[1])) == wanted:
                    found.shutdown(socket.SHUT_RDWR)
            finally:
                # It is granian's to close. (To close a copy would do harm: SQLite's locks end with any copy of their file.)
                found.detach()


def _without_length(headers: Headers) -> Headers:
    return [(name, value) for name, value in headers if name != "content-length"]


def _refuse(protocol: Any, status: int, code: str, message: str, more: Headers | None = None) -> None:
    body = f'{{"code":"{code}","message":"{message}","errors":{{}}}}'.encode()
    protocol.response_bytes(
        status, [("content-type", "application/json"), ("x-atbalss-reason", message), *(more or [])], body
    )
