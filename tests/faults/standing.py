"""The standing system: two web processes, a worker, a Valkey and a database, with a harming proxy between them.

It is started once and struck many times. Each fault has a shop of its own on it, so that what a fault did shows, and
what it did to the others' shops shows when all of them are looked at once more in the end.
"""

import itertools
import os
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

import psutil
import psycopg

from tests.faults.disk import Disk
from tests.faults.houses import House, free_port
from tests.faults.loyalty import Platform
from tests.faults.proxy import Proxy
from tests.faults.sending import Shop
from tests.running import Program, get
from tests.servers import PostgresServer, ValkeyServer, wait_for
from widget_server.act.verify import verify
from widget_server.intake.stream import STREAM
from widget_server.record.db import Database

_WEBS = 2
WORKERS = 2


class Standing(House):
    """`database` is "sqlite" or "postgres". `spill_limit` and the like are settings of the program."""

    def __init__(self, database: str, **settings: str) -> None:
        super().__init__()
        self.kind = database
        self.aside = 0  # how many events must have been set aside
        self._settings = settings
        self._servers = ExitStack()
        try:
            self._build()
        except BaseException:
            self.forget()
            raise

    def _build(self) -> None:
        self.disks = {name: self._servers.enter_context(closing(Disk())) for name in ("spill", "valkey", "database")}
        self.valkey = ValkeyServer({"dir": str(self.disks["valkey"].folder)})
        self._servers.callback(self.valkey.stop)
        self.postgres = self._postgres() if self.kind == "postgres" else None
        self.redis_url = self.valkey.url
        self._file = self.disks["database"].folder / "atbalss.db"
        self.database_url = self.postgres.url() if self.postgres else f"sqlite:///{self._file}"
        routes = {"web-valkey": str(self.valkey.socket), "worker-valkey": str(self.valkey.socket)}
        if self.postgres:
            self._servers.callback(self.postgres.stop)
            routes["worker-database"] = str(self.postgres.folder / ".s.PGSQL.5432")
        self.proxy = self._servers.enter_context(closing(Proxy(routes, {"worker-database": "INSERT INTO events"})))
        opened = self._database()
        opened.migrate()
        opened.close()
        self.ports = [free_port() for _ in range(_WEBS)]
        for n in range(_WEBS):
            self.start_web(n)
        for n in range(WORKERS):
            self.start_worker(n)
        for n in range(_WEBS):
            self.wait_for_web(n)

    def _postgres(self) -> PostgresServer:
        before = tempfile.tempdir
        tempfile.tempdir = str(self.disks["database"].folder)
        try:
            return PostgresServer(durable=True)
        finally:
            tempfile.tempdir = before

    # --- what it is made of ---

    def settings(self) -> dict[str, str]:
        return {**super().settings(), "database_url": self.database_url, "redis_url": self.redis_url, "secret_key": "shared by all machines", **self._settings}

    def start_web(self, n: int, crash_at: int = 0) -> Program:
        own = {**self.settings(), "redis_url": f"redis://127.0.0.1:{self.proxy.ports['web-valkey']}",
               "spill_dir": str(self.disks["spill"].folder / f"web{n}")}  # fmt: skip
        if crash_at:
            own["crash_at"] = str(crash_at)
        self.programs[f"web{n}"] = Program(self.folder / f"web{n}", "web", "--port", str(self.ports[n]), **own)
        return self.programs[f"web{n}"]

    def start_worker(self, n: int, crash_at: int = 0) -> Program:
        own = {**self.settings(), "redis_url": f"redis://127.0.0.1:{self.proxy.ports['worker-valkey']}"}
        if self.postgres:
            port = self.proxy.ports["worker-database"]
            own["database_url"] = f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable&gssencmode=disable"
        if crash_at:
            own["crash_at"] = str(crash_at)
        self.programs[f"worker{n}"] = Program(self.folder / f"worker{n}", "worker", **own)
        return self.programs[f"worker{n}"]

    def wait_for_web(self, n: int) -> None:
        wait_for(lambda: get(f"http://127.0.0.1:{self.ports[n]}/healthz")[0] == 200, "no web process")

    def add_platform(self, shop: Shop) -> Platform:
        """A platform that knows the shop's orders, and one that takes its coupons."""
        database = self._database()
        try:
            return Platform(database, shop, list(self.ports))
        finally:
            database.close()

    @contextmanager
    def querying(self) -> Iterator[Callable[[str], list[Any]]]:
        """Plain SQL, past the program."""
        if self.postgres is None:
            with closing(sqlite3.connect(self._file, timeout=20)) as conn:
                yield lambda sql: conn.execute(sql).fetchall()
                conn.commit()
        else:
            with psycopg.connect(self.database_url) as conn:
                yield lambda sql: _fetched(conn.execute(sql))  # type: ignore[call-overload]

    def rows(self, sql: str) -> list[Any]:
        with self.querying() as run:
            return run(sql)

    def strikes(self) -> dict[str, Callable[[], bool]]:
        return {}

    # --- what waits ---

    def entries_wait(self) -> bool:
        return self._entries_wait()

    def done(self) -> bool:
        """Nothing waits in stream, spill or inbox."""
        return super().done() and not self.rows("SELECT 1 FROM inbox WHERE state = 'waiting' LIMIT 1")

    def due(self) -> int:
        return int(self.rows("SELECT count(*) FROM outbox WHERE state = 'due'")[0][0])

    def messages_wait(self, seconds: float = 3.0) -> bool:
        """True as soon as a message waits to be sent."""
        deadline = time.monotonic() + seconds
        with self.querying() as run:
            while not run("SELECT 1 FROM outbox WHERE state = 'due' LIMIT 1"):
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.002)
        return True

    def spilled(self) -> int:
        return sum(path.stat().st_size for path in self.disks["spill"].folder.glob("*/*.spill"))

    def recover(self, seconds: float = 60) -> float:
        """Wait until all that waits now, in the stream or in the spill, is done; how long that took."""
        began = time.monotonic()
        mark: Any = None

        def done() -> bool:
            nonlocal mark
            with self.client() as client:
                if self.spilled():
                    return False
                if mark is None:
                    info: Any = client.xinfo_stream(STREAM)
                    mark = _number(info["last-generated-id"])
                oldest: Any = client.xrange(STREAM, count=1)
                return not oldest or _number(oldest[0][0]) > mark

        wait_for(done, "what waited is not done", seconds=seconds)
        return time.monotonic() - began

    # --- whom to strike ---

    def child(self, name: str) -> psutil.Process:
        """A process of that name that has been there for a while."""
        return self._one(f"atb-{name}")

    @contextmanager
    def stopped(self, processes: Sequence[psutil.Process]) -> Iterator[None]:
        """SIGSTOP while the block lasts."""
        for one in processes:
            one.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for one in reversed(processes):
                with suppress(psutil.Error, ProcessLookupError):
                    one.send_signal(signal.SIGCONT)

    def of_postgres(self) -> list[psutil.Process]:
        assert self.postgres is not None and self.postgres.process is not None
        leader = psutil.Process(self.postgres.process.pid)
        return [leader, *leader.children(recursive=True)]

    def of_web(self, n: int) -> list[psutil.Process]:
        return self.programs[f"web{n}"].family()

    def pid_of_valkey(self) -> psutil.Process:
        assert self.valkey.process is not None
        return psutil.Process(self.valkey.process.pid)

    def kill_valkey(self, away: float) -> None:
        self.valkey.kill()
        time.sleep(away)
        self.valkey.start()

    def kill_web(self, n: int) -> None:
        self.programs[f"web{n}"].kill()
        self.start_web(n)
        self.wait_for_web(n)

    def kill_worker(self, n: int) -> None:
        self.programs[f"worker{n}"].kill()
        self.start_worker(n)

    def noticed(self, event: str) -> int:
        """How many lines of the workers' logs say this."""
        return sum(len(self.programs[f"worker{n}"].logged(event)) for n in range(WORKERS))

    def mend_postgres(self) -> None:
        """Start it again when it fell."""
        assert self.postgres is not None and self.postgres.process is not None
        if self.postgres.process.poll() is not None:
            self.postgres.start()
        wait_for(lambda: bool(self.rows("SELECT 1")), "PostgreSQL does not come back")

    def time_passes(self) -> None:
        """What waits for its next attempt is due now, as it would be after days."""
        now = int(time.time() * 1000)
        self.rows(f"UPDATE outbox SET next_at = {now} WHERE state = 'due' AND next_at > {now}")
        # Whoever sends takes rows of this table too, in an order of their own.
        with suppress(psycopg.errors.DeadlockDetected):
            self.rows(f"UPDATE holds SET until = 0 WHERE until > {now}")

    # --- what must hold ---

    def verify(self, shop: Shop) -> list[str]:
        """What `atbalss verify` says of one shop."""
        database = Database(self.database_url, self.settings()["secret_key"])
        try:
            return [f"verify: {one.row}: stored {one.stored}, counted {one.counted}" for one in itertools.islice(verify(database, shop.id), 3)]
        finally:
            database.close()

    def forget(self) -> None:
        super().forget()
        self._servers.close()


def _fetched(cursor: Any) -> list[Any]:
    return cursor.fetchall() if cursor.description else []


def _number(name: bytes) -> tuple[int, int]:
    """An entry's id, to be compared."""
    ms, _, n = (name.decode() if isinstance(name, bytes) else str(name)).partition("-")
    return int(ms), int(n or 0)


def kill(process: psutil.Process) -> None:
    """kill -9 of one process; it may be gone already."""
    with suppress(ProcessLookupError, psutil.Error):
        os.kill(process.pid, signal.SIGKILL)
