"""The running program and its servers as a fault test sees them: whom to kill, and what still waits."""

import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.faults.sending import Shop
from tests.running import Program, get
from tests.servers import PostgresServer, ValkeyServer, short_folder, wait_for
from widget_server.act.verify import verify
from widget_server.intake.stream import GROUP, STREAM
from widget_server.record import endpoints, shops
from widget_server.record.db import Database
from widget_server.run.config import load, own_redis_url

# Nothing here is about rates.
SETTINGS = {
    "shop_rate": "1000000000", "network_rate": "1000000000", "burst": "1000000000", "log_level": "warning",
    "allow_private": "1",
}  # fmt: skip
# The supervisor lets a process that dies again within a second wait; a fault test has no time for that.
_SETTLED = 1.05
_OF_RQ = ("deliver", "reconcile")


class House(ABC):
    """What all kinds have in common. `ports` are those of the web processes."""

    database_url: str
    redis_url: str
    fine_endings = (0, -9)

    def __init__(self) -> None:
        self.folder = short_folder("atb-f-")
        self.ports: list[int] = []
        self.programs: dict[str, Program] = {}
        self._random = random.Random(1)
        self._seen: dict[int, float] = {}

    def add_shop(self) -> Shop:
        database = self._database()
        with database.writing() as conn:
            made = shops.create(conn, "Shop", "shop.example")
        database.close()
        return Shop(made.id, made.site_key, made.order_token_secret, made.api_key)

    def add_endpoint(self, shop: Shop, url: str, kind: str) -> str:
        """An endpoint for events of that kind; its secret."""
        database = self._database()
        with database.writing() as conn:
            _, secret = endpoints.create(conn, shop.id, url, [kind], int(time.time() * 1000))
        database.close()
        return secret

    def rows(self, sql: str) -> list[Any]:
        """What the database says."""
        database = self._database()
        try:
            with database.reading() as conn:
                return [tuple(row) for row in conn.exec_driver_sql(sql)]
        finally:
            database.close()

    def _database(self) -> Database:
        environ = {f"ATBALSS_{name.upper()}": value for name, value in self.settings().items()}
        settings = load(environ, self.folder / "a")
        return Database(settings.database_url, settings.secret_key)

    def settings(self) -> dict[str, str]:
        return SETTINGS

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis_url, socket_timeout=2, retry=Retry(NoBackoff(), 0))

    def start(self, name: str, *arguments: str) -> Program:
        """A program called `name`, in the data folder of that name's first part."""
        self.programs[name] = Program(self.folder / name.split("-")[0], *arguments, **self.settings())
        return self.programs[name]

    def waiting(self) -> tuple[int, int, int]:
        """Entries in the stream, how many of them are in somebody's hands, and bytes in the spill."""
        with self.client() as client:
            summary: Any = client.xpending(STREAM, GROUP)
            return int(client.xlen(STREAM)), int(summary["pending"]), self.spilled()

    def spilled(self) -> int:
        """Bytes in all spill files."""
        return sum(path.stat().st_size for path in self.folder.glob("*/spill/*.spill"))

    def done(self) -> bool:
        with suppress(redis.RedisError):
            return self.waiting() == (0, 0, 0)
        return False

    def processes(self, name: str) -> list[psutil.Process]:
        """The running processes called `name` (the supervisor names its children `atb-...`)."""
        found = []
        for program in self.programs.values():
            found += [one for one in _below(program.process.pid) if _name(one) == name]
        return found

    def _one(self, name: str) -> psutil.Process:
        """One of them that the supervisor restarts at once."""
        found: list[psutil.Process] = []

        def settled() -> bool:
            now = time.monotonic()
            found[:] = [one for one in self.processes(name) if now - self._seen.setdefault(one.pid, now) > _SETTLED]
            return bool(found)

        wait_for(settled, f"no {name} runs")
        return self._random.choice(found)

    def strike_consumer(self) -> bool:
        """kill -9 a consumer while it has entries in hand; False when none had any for a while."""
        while True:
            pid, holds = self.stop_hands()
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return holds

    def stop_hands(self) -> tuple[int, bool]:
        """SIGSTOP a consumer; which, and whether it has entries in hand."""
        while True:
            pid = self._one("atb-consume").pid
            with suppress(ProcessLookupError):  # gone with its supervisor
                return pid, self._freeze(pid)

    def _freeze(self, pid: int) -> bool:
        """Stop it while it has entries in hand, or after a while anyway. Stopped, its hands can be looked into."""
        deadline = time.monotonic() + 3
        with self.client() as client:
            while True:
                os.kill(pid, signal.SIGSTOP)
                with suppress(redis.RedisError):
                    if _in_hand(client, pid):
                        return True
                if time.monotonic() > deadline:
                    return False
                os.kill(pid, signal.SIGCONT)
                time.sleep(self._random.uniform(0.0005, 0.004))

    def strike_process(self, name: str) -> bool:
        """kill -9 a child of that name while entries wait."""
        while True:
            victim = self._one(name)
            struck = self._entries_wait()
            with suppress(ProcessLookupError):
                os.kill(victim.pid, signal.SIGKILL)
                return struck

    def _entries_wait(self) -> bool:
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            with suppress(redis.RedisError), self.client() as client:
                if client.xlen(STREAM):
                    return True
            time.sleep(0.001)
        return False

    def strike_deliver(self) -> bool:
        """kill -9 a sender of messages while messages are due."""
        pid = self._one("atb-deliver").pid
        deadline = time.monotonic() + 2
        while not (due := self.rows("SELECT count(*) FROM outbox WHERE state = 'due'")[0][0]) and time.monotonic() < deadline:
            time.sleep(0.001)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return bool(due)

    def strike(self, what: str) -> bool:
        """Kill; True when entries were waiting in that moment."""
        common = {"consumer": self.strike_consumer, "deliver": self.strike_deliver}
        strikes: dict[str, Callable[[], bool]] = {**common, **self.strikes()}
        return strikes[what]()

    @abstractmethod
    def strikes(self) -> dict[str, Callable[[], bool]]:
        """What else can be killed in this kind of house, and how."""

    def end(self) -> list[str]:
        """Verify, stop as asked politely, and tell what was wrong with that."""
        database = self._database()
        problems = [f"verify: {one}" for one in itertools.islice(verify(database), 3)]
        database.close()
        for program in self.programs.values():
            program.process.terminate()
        for name, program in self.programs.items():
            try:
                if program.process.wait(40):
                    problems.append(f"{name} ended with {program.process.returncode}")
            except subprocess.TimeoutExpired:
                problems.append(f"{name} did not end")
        return problems + self._fallen()

    def _fallen(self) -> list[str]:
        """Processes that ended by themselves with an error: nothing of ours may fall because of somebody else's death.

        Except RQ's workers: they leave when Redis does, and their supervisor brings them back.
        """
        return [
            f"{line['process']} ended with {line['code']}"
            for program in self.programs.values()
            for line in program.logged("ended")
            if line["code"] not in self.fine_endings and line["process"] not in _OF_RQ
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.forget()

    def forget(self) -> None:
        """Leave nothing behind."""
        for program in self.programs.values():
            program.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class OneMachine(House):
    """`atbalss up`."""

    def __init__(self) -> None:
        super().__init__()
        self.data = self.folder / "a"
        self.database_url = f"sqlite:///{self.data / 'atbalss.db'}"
        self.ports = [free_port()]
        self._up()
        self.redis_url = own_redis_url(self.data)

    def _up(self) -> None:
        self.start("a", "up", "--port", str(self.ports[0])).wait_until_ready()

    def strikes(self) -> dict[str, Callable[[], bool]]:
        return {
            "valkey": lambda: self.strike_process("valkey-server"),
            "web": lambda: self.strike_process("atb-web"),
            "worker": lambda: self.strike_process("atb-worker"),
            "supervisor": self._strike_supervisor,
        }

    def _strike_supervisor(self) -> bool:
        struck = self._entries_wait()
        self.programs["a"].kill()
        self._up()
        return struck


class Apart(House):
    """`atbalss web` and `atbalss worker` beside a Valkey of the test's, on SQLite or on a PostgreSQL of the test's."""

    def __init__(self, webs: int = 1, workers: int = 1, postgres: bool = False, **settings: str) -> None:
        super().__init__()
        self.valkey = ValkeyServer()
        self.redis_url = self.valkey.url
        self.postgres = PostgresServer(durable=True) if postgres else None
        self.database_url = self.postgres.url() if self.postgres else f"sqlite:///{self.folder / 'atbalss.db'}"
        self._settings = settings
        database = self._database()
        database.migrate()
        database.close()
        self._names = "ab"
        self.ports = [free_port() for _ in range(webs)]
        for n in range(webs):
            self._web(n)
        for n in range(workers):
            self._worker(n)
        for port in self.ports:
            wait_for(lambda port=port: get(f"http://127.0.0.1:{port}/healthz")[0] == 200, "no web process")  # type: ignore[misc]

    def settings(self) -> dict[str, str]:
        shared = {"database_url": self.database_url, "redis_url": self.redis_url, "secret_key": "shared by all machines"}
        return {**SETTINGS, **shared, **self._settings}

    def _web(self, n: int) -> None:
        self.start(f"{self._names[n]}-web", "web", "--port", str(self.ports[n]))

    def _worker(self, n: int) -> None:
        self.start(f"{self._names[n]}-worker", "worker")

    def strikes(self) -> dict[str, Callable[[], bool]]:
        return {
            "valkey": lambda: self._strike_server(self.valkey),
            "database": lambda: self._strike_server(self.postgres),
            "web": lambda: self._strike_program("web", self._web),
            "worker": lambda: self._strike_program("worker", self._worker),
        }

    def _strike_server(self, server: Any) -> bool:
        struck = self._entries_wait()
        server.kill()
        time.sleep(self._random.uniform(0.05, 0.5))
        server.start()
        return struck

    def _strike_program(self, kind: str, start: Callable[[int], None]) -> bool:
        """As whatever supervises it on a real machine would, it is started again at once."""
        n = self._random.randrange(sum(name.endswith(kind) for name in self.programs))
        struck = self._entries_wait()
        self.programs[f"{self._names[n]}-{kind}"].kill()
        start(n)
        return struck

    def forget(self) -> None:
        super().forget()
        self.valkey.stop()
        if self.postgres:
            self.postgres.stop()


def _below(pid: int) -> list[psutil.Process]:
    """The processes below one. The kernel's own list where there is one: psutil looks through all that run."""
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
        found = []
        for child in " ".join(lists).split():
            with suppress(psutil.Error):
                found += [psutil.Process(int(child)), *_below(int(child))]
        if lists:
            return found
    except OSError:
        pass  # gone, or no such list
    with suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.Error:
        return ""


def _in_hand(client: redis.Redis, pid: int) -> int:
    summary: Any = client.xpending(STREAM, GROUP)
    return sum(one["pending"] for one in summary["consumers"] if f"-{pid}-".encode() in one["name"])


def free_port() -> int:
    """A port of the loopback that nobody uses now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
