"""Long downloads over a real server: who doesn't read them fills no memory, takes nobody's place for ever, and never gets
half a file that looks like a whole one.

`python -m tests.web.test_downloads` prints its port and serves a reply that breaks after a while.
"""

import asyncio
import gc
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import text

from tests.conftest import SECRET_KEY
from tests.servers import wait_for
from tests.web.conftest import World, answer, enrol, signed_in
from tests.web.live import LiveServer
from widget_server.contract.settings import Settings
from widget_server.record import sessions
from widget_server.run import bridge, web
from widget_server.web.dashboard import _session, _spool, exports

PATH = "/app/settings/export/file?what=answers&form=json"
MB = 1 << 20
ANSWERS = 12_000
# Each member's file is some 50 MB, and what four don't read would be 200.
WORDS = "four kilobytes " * 270
MOST_GROWTH = 128 * MB
PIECE = b"half a file" * 50_000


def fill(world: World) -> None:
    """The first shop has many long answers, all alike but for their keys."""
    world.send(answer("order-rating", 5, text=WORDS))
    with world.database.writing() as conn:
        names = [row[1] for row in conn.execute(text("PRAGMA table_info(answers)"))]
        copied = ", ".join("key || '-' || n" if name == "key" else f'"{name}"' for name in names)
        numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :most)"
        conn.execute(text(f"{numbers} INSERT INTO answers SELECT {copied} FROM answers, numbers"), {"most": ANSWERS - 1})


class Office:
    """A web process, and members who can ask it for files."""

    def __init__(self, world: World, settings: Settings, redis_url: str, folder: Path) -> None:
        self.folder = folder
        self._world = world
        self._cookies = Flask("cookies")
        _session.install(self._cookies, settings)
        url = world.database.url.render_as_string(hide_password=False)
        self.server = LiveServer(folder / "data", database_url=url, redis_url=redis_url, secret_key=SECRET_KEY)
        self.process = psutil.Process(self.server._process.pid)

    def member(self) -> str:
        """The cookie of a new one."""
        account = enrol(self._world)
        with self._world.database.writing() as conn:
            token = sessions.begin(conn, account.id, self._world.shop.id, time.time_ns() // 1_000_000, agent="tests")
        signer = SecureCookieSessionInterface().get_signing_serializer(self._cookies)
        assert signer is not None
        return f"atbalss={signer.dumps({'token': token})!s}"

    def ask(self, cookie: str) -> socket.socket:
        """Ask for the long file, with room for little."""
        host, port = self.server.url.removeprefix("http://").split(":")
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(60)
        sock.connect((host, int(port)))
        sock.sendall(f"GET {PATH} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n".encode())
        return sock

    def serves(self, cookie: str) -> bool:
        """Whether a file is sent, and not all places are taken."""
        with self.ask(cookie) as sock:
            return status(sock) == 200

    def left_on_disk(self) -> list[Path]:
        return list((self.folder / "temporary").iterdir())

    def open_files(self) -> int:
        """How many temporary files and pipes are held, with names or without."""
        folder = str(self.folder / "temporary")
        found = 0
        for entry in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(OSError):
                found += os.readlink(entry).startswith(folder)
        return found


@pytest.fixture
def office(
    small_world: World, settings: Settings, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    fill(small_world)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    made = Office(small_world, settings, redis_url, tmp_path)
    yield made
    made.server.stop()


def reply_of(sock: socket.socket) -> http.client.HTTPResponse:
    reply = http.client.HTTPResponse(sock)
    reply.begin()
    return reply


def status(sock: socket.socket) -> int:
    """As the first line says; nothing more is read."""
    return int(sock.recv(len("HTTP/1.1 200")).decode().rpartition(" ")[2])


def whole(sock: socket.socket) -> int:
    """How many answers are in the file."""
    with reply_of(sock) as reply:
        assert reply.status == 200
        return len(json.loads(reply.read())["answers"])


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at a process as Linux shows it")
def test_clients_that_do_not_read_fill_no_memory_and_keep_no_place(office: Office) -> None:
    members = [office.member() for _ in range(_spool._MOST + 1)]
    # What the process needs for so many at once, whoever reads, is not counted: each connection to the database has a
    # cache of 32 MB, and they take turns.
    for _ in range(2):
        with ExitStack() as stack:
            for sock in [stack.enter_context(office.ask(cookie)) for cookie in members * 6]:
                with reply_of(sock) as reply:
                    reply.read()
    before = office.process.memory_info().rss
    with ExitStack() as stack:
        said = [status(sock) for sock in [stack.enter_context(office.ask(cookie)) for cookie in members * 6]]
        # Until memory has grown no more for two seconds.
        most, still = before, 0
        while still < 20 and most - before < MOST_GROWTH:
            time.sleep(0.1)
            now = office.process.memory_info().rss
            most, still = max(most, now), 0 if now > most else still + 1
        assert most - before < MOST_GROWTH
        assert sorted(said) == [200] * _spool._MOST + [429] * (len(said) - _spool._MOST)
        assert office.left_on_disk() == []
    # They have left.
    wait_for(lambda: office.open_files() == 0, "a file is kept for nobody")
    for cookie in members:
        wait_for(partial(office.serves, cookie), "a place is kept for nobody")
        wait_for(lambda: office.open_files() == 0, "a file is kept for nobody")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at a process as Linux shows it")
def test_who_is_slow_gets_all_of_it_and_waits_with_the_next(office: Office) -> None:
    cookie = office.member()
    with office.ask(cookie) as slow:
        wait_for(lambda: office.open_files() > 1, "never began")
        with office.ask(cookie) as next_one, reply_of(next_one) as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (429, "10")
            assert "Wait a little, and try again." in refused.read().decode()
        assert whole(slow) == ANSWERS
    wait_for(partial(office.serves, cookie), "a place is kept for nobody")
    wait_for(lambda: office.open_files() == 0, "a file is kept for nobody")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at a process as Linux shows it")
def test_the_end_of_the_process_waits_for_nobody_who_does_not_read(office: Office) -> None:
    with office.ask(office.member()) as sock:
        wait_for(lambda: office.open_files() > 1, "never began")
        office.server._process.terminate()
        assert office.server._process.wait(30) == 0
        with pytest.raises((http.client.IncompleteRead, ConnectionError)), reply_of(sock) as reply:
            reply.read()
    assert office.left_on_disk() == []


def test_a_place_is_given_back_in_every_case(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = signed_in(small_world)
    for _ in range(2):
        assert person.client.head(PATH).status_code == 200
        assert person.client.get(PATH, buffered=False).status_code == 200, "nobody reads on, nobody closes it"
        gc.collect()
        with person.client.get(PATH, buffered=False) as left:
            assert left.status_code == 200
            assert person.get(PATH).status_code == 429
            assert signed_in(small_world).get(PATH).status_code == 200, "another member's"
        assert person.get(f"{PATH}&people=1").status_code == 200
    monkeypatch.setattr(exports, "_made", lambda *_: iter([b"a", 1]))
    with pytest.raises(RuntimeError):
        person.get(PATH).get_data()
    monkeypatch.undo()
    assert person.get(PATH).status_code == 200


def test_half_a_file_does_not_pass_for_a_whole_one() -> None:
    served = subprocess.Popen([sys.executable, "-m", "tests.web.test_downloads"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert served.stdout is not None
    try:
        port = int(served.stdout.readline())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/")
        with closing(connection), connection.getresponse() as reply, pytest.raises((http.client.IncompleteRead, ConnectionError)):
            assert reply.status == 200
            reply.read()
    finally:
        served.terminate()
        served.wait(30)
        served.stdout.close()


class _Breaking:
    """Serves a long reply whose making fails."""

    def __init__(self) -> None:
        self._bridge = bridge.Bridge(self._reply, self._read, ValueError)

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        self._bridge.close()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        await self._bridge(scope, protocol)

    async def _read(self, *_: object) -> bytes:
        await asyncio.sleep(0)
        return b""

    def _reply(self, _environ: Any, start: Callable[..., Any]) -> Iterator[bytes]:
        start("200 OK", [("content-type", "text/csv")])
        for _ in range(4):
            yield PIECE
        raise RuntimeError("the database is away")


if __name__ == "__main__":
    signal.alarm(60)
    with web.listen("127.0.0.1", 0) as listening:
        print(listening.getsockname()[1], flush=True)
        os.dup2(2, 1)
        web.serve(_Breaking(), listening, 0)
