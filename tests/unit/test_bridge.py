"""The bridge from granian to Flask: what happens to a reply whose reader goes away."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from granian.rsgi import ProtocolClosed
from structlog.testing import capture_logs

from widget_server.run.bridge import Bridge

SECRET = "who bought what"
SCOPE = SimpleNamespace(
    method="GET", path="/app/settings/export/file", query_string="", headers={}, server="127.0.0.1:80", client="127.0.0.1:9",
    http_version="1.1", scheme="http",
)  # fmt: skip


class Leaving:
    """A client that takes `most` pieces and is gone."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    def response_stream(self, _status: int, _headers: Any) -> "Leaving":
        return self

    async def send_bytes(self, _part: bytes) -> None:
        if self.taken == self.most:
            raise ProtocolClosed
        self.taken += 1


class Export:
    """A long reply that notes whether it was closed."""

    def __init__(self) -> None:
        self.made = 0
        self.is_closed = False

    def __call__(self, _environ: Any, start: Any) -> "Export":
        start("200 OK", [])
        return self

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(20):
            self.made += 1
            yield SECRET.encode() * 20_000

    def close(self) -> None:
        self.is_closed = True


async def nothing(*_: Any) -> bytes:
    return b""


def sent_to(client: Leaving, export: Export) -> list[Any]:
    """What was logged."""
    bridge = Bridge(export, nothing, ValueError)
    with capture_logs() as logged:
        asyncio.run(bridge(SCOPE, client))
    bridge.close()
    return list(logged)


def test_a_client_that_leaves_ends_its_reply_and_is_one_quiet_line() -> None:
    export = Export()
    logged = sent_to(Leaving(2), export)
    assert export.is_closed and export.made == 3
    assert [entry["log_level"] for entry in logged] == ["info"]
    assert SECRET not in repr(logged)


def test_a_client_that_stays_gets_all() -> None:
    export, client = Export(), Leaving(99)
    assert sent_to(client, export) == []
    assert export.is_closed and client.taken == 20
