"""The bridge from granian to Flask: a long reply goes no faster than its reader takes it, and what happens when that one
goes away. (With granian itself: tests/web/test_downloads.py.)"""

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.servers import wait_for
from widget_server.run import bridge as module
from widget_server.run.bridge import Bridge

SECRET = "who bought what"
PIECE = SECRET.encode() * 20_000
SCOPE = SimpleNamespace(
    method="GET", path="/app/settings/export/file", query_string="", headers={}, server="127.0.0.1:80", client="127.0.0.1:9",
    http_version="1.1", scheme="http",
)  # fmt: skip


class Client:
    """One that takes at most so many bytes of a long reply, and leaves."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = b""
        self.status = 0
        self.path = ""
        self.goes_on = threading.Event()
        self._reading = threading.Thread(target=self._read)

    def response_file(self, status: int, _headers: Any, path: str) -> None:
        self.status, self.path = status, path
        self._reading.start()

    def response_bytes(self, status: int, _headers: Any, body: bytes) -> None:
        self.status, self.taken = status, body

    def _read(self) -> None:
        with open(self.path, "rb", buffering=0) as opened:
            self.goes_on.wait(20)
            while len(self.taken) < self.most and (part := opened.read(8192)):
                self.taken += part

    def end(self) -> None:
        self.goes_on.set()
        if self._reading.ident is not None:
            self._reading.join(20)


class Export:
    """A long reply that notes whether it was closed."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        self.headers = list(headers)
        self.made = 0
        self.is_closed = False

    def __call__(self, _environ: Any, start: Any) -> "Export":
        start("200 OK", self.headers)
        return self

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(20):
            self.made += 1
            yield PIECE

    def close(self) -> None:
        self.is_closed = True


async def nothing(*_: Any) -> bytes:
    return b""


def sent_to(client: Client, export: Export) -> list[Any]:
    """What was logged."""
    bridge = Bridge(export, nothing, ValueError)
    client.goes_on.set()
    with capture_logs() as logged:
        asyncio.run(bridge(SCOPE, client))
    bridge.close()
    client.end()
    return list(logged)


def test_a_client_that_leaves_ends_its_reply_and_is_one_quiet_line() -> None:
    export, client = Export(), Client(2 * len(PIECE))
    logged = sent_to(client, export)
    assert export.is_closed and 2 <= export.made <= 4
    assert [entry["log_level"] for entry in logged] == ["info"]
    assert SECRET not in repr(logged)


def test_a_client_that_stays_gets_all() -> None:
    export, client = Export(), Client(1 << 30)
    assert sent_to(client, export) == []
    assert export.is_closed and client.taken == PIECE * 20
    assert not Path(client.path).parent.exists()


def test_a_reply_of_known_length_is_one_piece() -> None:
    export, client = Export(("Content-Length", str(20 * len(PIECE)))), Client(0)
    assert sent_to(client, export) == []
    assert export.is_closed and client.path == "" and client.taken == PIECE * 20


class Beside:
    """A bridge that serves in a thread of its own."""

    def __init__(self, export: Any, *clients: Client) -> None:
        self.bridge = Bridge(export, nothing, ValueError)
        self._thread = threading.Thread(target=asyncio.run, args=(self._all(clients),))
        self._thread.start()

    async def _all(self, clients: tuple[Client, ...]) -> None:
        await asyncio.gather(*(self.bridge(SCOPE, client) for client in clients))

    def join(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()


def test_nothing_more_is_made_while_the_client_takes_nothing() -> None:
    export, client = Export(), Client(1 << 30)
    beside = Beside(export, client)
    wait_for(lambda: bool(client.path) and not os.path.exists(client.path), "never opened")
    # The name is gone as soon as both ends are open, and a pipe has room for less than a piece.
    assert export.made == 1 and not export.is_closed
    client.end()
    beside.join()
    beside.bridge.close()
    assert export.is_closed and client.taken == PIECE * 20


def test_the_end_of_the_process_breaks_off_what_is_being_sent() -> None:
    export, client = Export(), Client(1 << 30)
    beside = Beside(export, client)
    wait_for(lambda: export.made > 0, "never began")
    beside.bridge.close()
    beside.join()
    client.end()
    assert export.is_closed and len(client.taken) < 2 * len(PIECE) and not os.path.exists(client.path)


def test_who_takes_nothing_for_long_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STALLED_SECONDS", 0.1)
    export, client = Export(), Client(1 << 30)
    beside = Beside(export, client)
    beside.join()
    client.end()
    beside.bridge.close()
    assert export.is_closed and export.made < 3


def test_only_so_many_long_replies_are_sent_at_once_and_threads_are_left() -> None:
    class Exports:
        def __call__(self, environ: Any, start: Any) -> Export:
            return Export()(environ, start)

    clients = [Client(1 << 30) for _ in range(module.THREADS + 4)]
    beside = Beside(Exports(), *clients)
    wait_for(lambda: sum(client.status == 503 for client in clients) == len(clients) - module._LONG_REPLIES, "not refused")
    for client in clients:
        client.end()
    beside.join()
    beside.bridge.close()
    assert sum(client.taken == PIECE * 20 for client in clients) == module._LONG_REPLIES < module.THREADS
