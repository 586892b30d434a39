"""The web process: one granian worker around the application, on a socket that its starter may have opened.

On SIGTERM it first says "not ready" for `ATBALSS_DRAIN` seconds, so that a load balancer looks elsewhere, then takes no
new connections and lets the requests in flight end.
"""

import asyncio
import contextlib
import errno
import importlib.util
import os
import signal
import socket
from collections.abc import Iterator
from typing import Any, Protocol

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from widget_server.contract.settings import Settings
from widget_server.intake import readiness

from . import offspring
from .application import Application

_BACKLOG = 1024
_CONNECTIONS = 16_384
_IN_FLIGHT_SECONDS = 5.0


class PortTaken(Exception):
    """The port can't be had. The message is one sentence."""


class Served(Protocol):
    """What a web process serves: an RSGI application with a beginning and an end."""

    async def __rsgi__(self, scope: Any, protocol: Any) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def run(settings: Settings, sock: socket.socket) -> int:
    """The web process: serve on `sock` until SIGTERM."""
    offspring.watch_parent()
    serve(Application(settings), sock, settings.drain)
    return 0


def listen(host: str, port: int) -> socket.socket:
    """An open port. Kept open by whoever restarts web processes, so that nobody is refused in between."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        why = (
            "is taken by another program"
            if error.errno == errno.EADDRINUSE
            else f"can't be had: {error.strerror}"
        )
        raise PortTaken(f"Port {port} on {host} {why}; choose another with --port.") from error
    sock.setblocking(False)
    return sock


def serve(application: Served, sock: socket.socket, drain_seconds: float) -> None:
    """Serve the RSGI `application` on `sock` until SIGTERM or SIGINT. Must run in the main thread."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(application, sock, drain_seconds))


async def _serve(application: Served, sock: socket.socket, drain_seconds: float) -> None:
    server = _Server(application, sock)
    asked = asyncio.Event()
    with _signals(asked):
        await application.start()
        serving = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(asked.wait())
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        readiness.stopping.set()
        if not serving.done():
            await asyncio.sleep(drain_seconds)
            server.stop()  # type: ignore[no-untyped-call]
        stopping.cancel()
        # A request whose body never comes must not keep us; those that are whole need far less.
        await asyncio.wait((serving,), timeout=_IN_FLIGHT_SECONDS)
        if serving.done():
            serving.result()
        await application.stop()


class _Server(Server):
    """Granian's embedded server on a socket that is already open."""

    def __init__(self, application: Served, sock: socket.socket) -> None:
        super().__init__(
            application,
            interface=Interfaces.RSGI,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=10_000, keep_alive=True),
            websockets=False,
            backlog=_BACKLOG,
            # Connections, not threads: half-sent requests cost a little memory, and must not lock others out.
            backpressure=_CONNECTIONS,
            log_enabled=False,
        )
        self._open = sock

    def _init_shared_socket(self) -> None:
        # Granian closes what it is given; ours stays.
        self._shd: Any = SocketHolder(os.dup(self._open.fileno()), False, _BACKLOG)  # type: ignore[call-arg]


@contextlib.contextmanager
def _signals(asked: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, asked.set)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _loop_factory() -> Any:
    """uvloop where it is installed; it is faster and not needed."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    import uvloop

    return uvloop.new_event_loop
