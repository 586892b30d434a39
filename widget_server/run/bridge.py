"""Serves a WSGI application (Flask) behind granian's RSGI.

Not a2wsgi: that one hands a half-sent body to a thread, which then waits for the client; here threads meet only
requests whose body is whole. A reply is sent in one piece unless it is large, then it is streamed.
"""

import asyncio
import io
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from granian._granian import RSGIProtocolClosed as ProtocolClosed

Headers = list[tuple[str, str]]
WSGI = Callable[..., Iterable[bytes]]

THREADS = 16
MAX_BODY = 1024 * 1024
_ONE_PIECE = 256 * 1024
_STREAM_SECONDS = 60.0

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
        reply = _Reply(protocol, scope.method, loop)
        try:
            await loop.run_in_executor(self._threads, reply.make, self._app, environ(scope, body))
        except _ClientLeft:
            log.info("the client left before its reply was whole", path=scope.path)
            return
        except Exception:
            # The wall: Flask answers its own errors, so this is one of the bridge or of a reply half sent.
            log.exception("a reply failed", path=scope.path)
            if not reply.begun:
                _refuse(protocol, 500, "internal", "Something went wrong here.")
            return
        reply.send()

    def close(self) -> None:
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


class _Reply:
    """One WSGI reply: made in a thread, sent on the loop."""

    def __init__(self, protocol: Any, method: str, loop: asyncio.AbstractEventLoop) -> None:
        self._protocol = protocol
        self._method = method
        self._loop = loop
        self._status = 500
        self._headers: Headers = []
        self._parts: list[bytes] = []
        self._stream: Any = None
        self.begun = False

    def make(self, app: WSGI, made: dict[str, Any]) -> None:
        size = 0
        iterable = app(made, self._start)
        try:
            for part in iterable:
                size += len(part)
                self._parts.append(part)
                if size > _ONE_PIECE:
                    asyncio.run_coroutine_threadsafe(self._pass_on(), self._loop).result(_STREAM_SECONDS)
            if self._stream is not None:
                asyncio.run_coroutine_threadsafe(self._pass_on(), self._loop).result(_STREAM_SECONDS)
        finally:
            getattr(iterable, "close", lambda: None)()

    def send(self) -> None:
        if self._stream is not None:
            return
        body = b"".join(self._parts)
        if self._method == "HEAD" or not body:
            self._protocol.response_empty(self._status, self._headers)
        else:
            self._protocol.response_bytes(self._status, _without_length(self._headers), body)

    async def _pass_on(self) -> None:
        if self._stream is None:
            self._stream = self._protocol.response_stream(self._status, self._headers)
            self.begun = True
        part, self._parts = b"".join(self._parts), []
        if not part:
            return
        try:
            await self._stream.send_bytes(part)
        except ProtocolClosed:
            # Without its cause: that one's traceback may show what was being sent.
            raise _ClientLeft from None

    def _start(self, status: str, headers: Headers, _exc_info: Any = None) -> Callable[[bytes], None]:
        self._status = int(status.split(" ", 1)[0])
        self._headers = [(name.lower(), value) for name, value in headers]
        return self._parts.append


def _without_length(headers: Headers) -> Headers:
    return [(name, value) for name, value in headers if name != "content-length"]


def _refuse(protocol: Any, status: int, code: str, message: str) -> None:
    body = f'{{"code":"{code}","message":"{message}","errors":{{}}}}'.encode()
    protocol.response_bytes(
        status, [("content-type", "application/json"), ("x-atbalss-reason", message)], body
    )
