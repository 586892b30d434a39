"""`atbalss doctor`: looks at everything that can be wrong around the program, and says what to do about it."""

import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from widget_server.contract.settings import Settings
from widget_server.intake import readiness
from widget_server.intake.readiness import Problem, RedisFacts
from widget_server.record.db import Database

from . import config, valkey

_SLOW_MS = 50.0
_SKEW_MS = 2000
_SPARE = 64 << 20
_FULL = 0.7


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `level` is ok, warning or problem; only a problem makes doctor exit 1."""

    check: str
    level: str
    message: str
    remedy: str = ""


def examine(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """Everything, in the order in which things depend on each other."""
    found = [*_settings(settings, environ), *_disk(settings)]
    client = valkey.connect(settings.redis_url, timeout=2.0)
    database = Database(settings.database_url, settings.secret_key)
    try:
        found += _redis(client, settings)
        found += _database(database)
        found += _time(client, database)
    finally:
        client.close()
        database.close()
    return found


def _settings(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    yield Finding("settings", "ok", f"data folder {settings.data_dir}, address {settings.base_url}")
    for sentence in config.unknown(environ):
        yield Finding("settings", "warning", sentence, "Correct or remove it.")
    if not config.owns_redis(settings) and not any(
        environ.get(f"ATBALSS_SECRET_KEY{end}") for end in ("", "_FILE")
    ):
        yield Finding(
            "secret-key",
            "warning",
            f"The secret key is this machine's own, from {settings.data_dir / 'secret-key'}.",
            "Set ATBALSS_SECRET_KEY to the same value on every machine that shares the database.",
        )
    for path in (settings.data_dir / "secret-key", settings.data_dir / "valkey" / "valkey.conf"):
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding("file-mode", "problem", f"{path} can be read by others.", f"chmod 600 {path}")
    yield _proxies(settings)


def _proxies(settings: Settings) -> Finding:
    """Without the right number of hops every shopper has the proxy's address, or may choose one freely."""
    parts = urlsplit(settings.base_url)
    behind = parts.scheme == "https" or (parts.port or 80) != settings.port
    if behind and settings.proxies == 0:
        return Finding(
            "proxies",
            "warning",
            f"{parts.scheme}://{parts.netloc} is not this port, so a proxy stands in front, but no proxy is trusted.",
            "Set ATBALSS_PROXIES to the number of proxies; until then all shoppers share one rate limit.",
        )
    if not behind and settings.proxies:
        return Finding(
            "proxies",
            "warning",
            f"{settings.proxies} proxies are trusted, but {settings.base_url} is this very port.",
            "Set ATBALSS_BASE_URL to the public address, or ATBALSS_PROXIES to 0: else clients choose their address.",
        )
    return Finding("proxies", "ok", f"{settings.proxies} trusted")


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = _existing(settings.spill_dir)
    if not os.access(folder, os.W_OK):
        yield Finding(
            "spill", "problem", f"{folder} can't be written to.", "Give it to the user that runs Atbalss."
        )
        return
    free = shutil.disk_usage(folder).free
    used = sum(f.stat().st_size for f in settings.spill_dir.glob("*") if f.is_file())
    wanted = settings.spill_limit - used + _SPARE
    if free < wanted:
        yield Finding(
            "disk",
            "problem",
            f"{free >> 20} MiB free at {folder}, but the spill may still grow by {(wanted - _SPARE) >> 20} MiB.",
            "Make room, or lower ATBALSS_SPILL_LIMIT.",
        )
    else:
        yield Finding("disk", "ok", f"{free >> 20} MiB free, {used >> 10} KiB in the spill")


def _redis(client: "redis.Redis", settings: Settings) -> Iterator[Finding]:
    try:
        facts = readiness.read_facts(client)
        memory: Mapping[str, Any] = client.info("memory")
        persistence: Mapping[str, Any] = client.info("persistence")
        latency = _latency(client)
    except redis.RedisError as error:
        remedy = "Start `atbalss up`, or see that ATBALSS_REDIS_URL is right."
        yield Finding("redis", "problem", f"Redis does not answer: {_line(error)}.", remedy)
        return
    version = ".".join(map(str, facts.version))
    yield Finding("redis", "ok", f"{facts.kind} {version}, appendfsync {facts.appendfsync or 'unknown'}")
    yield from map(_problem, readiness.judge(facts, settings.redis_trusted))
    if valkey.is_vulnerable(facts.kind, facts.version):
        yield Finding(
            "redis-version",
            "warning",
            f"{facts.kind} {version} has CVE-2025-49844, unless its packager repaired it.",
            "Update it.",
        )
    if persistence.get("aof_last_write_status", "ok") != "ok":
        yield Finding("redis-disk", "problem", "Redis could not write to its disk.", "Make room on its disk.")
    yield from _memory(facts, int(memory.get("used_memory", 0)))
    if latency > _SLOW_MS:
        yield Finding(
            "redis-latency",
            "warning",
            f"Redis takes {latency:.0f} ms to answer.",
            "Use a faster disk or network.",
        )
    else:
        yield Finding("redis-latency", "ok", f"{latency:.1f} ms")


def _memory(facts: RedisFacts, used: int) -> Iterator[Finding]:
    if not facts.maxmemory:
        if facts.maxmemory == 0:
            yield Finding(
                "redis-memory",
                "warning",
                "Redis has no maxmemory: it may grow until the kernel kills it.",
                "Set maxmemory, for example to 256mb.",
            )
        return
    share = used / facts.maxmemory
    told = f"{share:.0%} of {facts.maxmemory >> 20} MiB used"
    if share > _FULL:
        yield Finding(
            "redis-memory",
            "problem",
            f"Redis is nearly full: {told}.",
            "Raise maxmemory (ATBALSS_REDIS_MEMORY).",
        )
    else:
        yield Finding("redis-memory", "ok", told)


def _latency(client: "redis.Redis") -> float:
    """Median ms of a round trip."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        client.ping()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def _database(database: Database) -> Iterator[Finding]:
    problems = readiness.database_problems(database)
    yield from map(_problem, problems)
    if any(p.away for p in problems):
        return
    with database.reading() as conn:
        if database.dialect == "sqlite":
            found = {
                name: conn.execute(text(f"PRAGMA {name}")).scalar()
                for name in ("synchronous", "journal_mode")
            }
            checks: dict[str, Callable[[Any], bool]] = {
                "synchronous": lambda value: int(value) >= 2,
                "journal_mode": lambda value: value == "wal",
            }
            wanted = {"synchronous": "FULL (2)", "journal_mode": "WAL"}
            told = f"SQLite, synchronous {found['synchronous']}, journal {found['journal_mode']}"
            remedy = "Put the database on a local disk; network file systems don't offer it."
        else:
            found = {
                name: conn.execute(text(f"SHOW {name}")).scalar() for name in ("fsync", "server_version")
            }
            checks = {"fsync": lambda value: value == "on"}
            wanted = {"fsync": "on"}
            told = f"PostgreSQL {found['server_version']}, fsync {found['fsync']}"
            remedy = "Set fsync = on: without it a power cut can destroy the database."
    yield Finding("database", "ok", told)
    for name, holds in checks.items():
        if not holds(found[name]):
            yield Finding(
                f"database-{name}", "problem", f"{name} is {found[name]}, not {wanted[name]}.", remedy
            )


def _time(client: "redis.Redis", database: Database) -> Iterator[Finding]:
    """Clocks that differ move answers to the wrong day, and leases to the wrong second."""
    offsets: dict[str, int] = {}
    try:
        before = _now()
        seconds, micros = client.time()
        offsets["Redis"] = seconds * 1000 + micros // 1000 - (before + _now()) // 2
    except redis.RedisError:
        pass
    if database.dialect == "postgresql":
        try:
            with database.reading() as conn:
                before = _now()
                there = conn.execute(text("SELECT extract(epoch FROM clock_timestamp()) * 1000")).scalar_one()
                offsets["the database"] = int(there) - (before + _now()) // 2
        except SQLAlchemyError:
            pass
    wrong = {name: offset for name, offset in offsets.items() if abs(offset) > _SKEW_MS}
    for name, offset in wrong.items():
        yield Finding(
            "time",
            "problem",
            f"The clock of {name} is {abs(offset) / 1000:.1f} s {'ahead of' if offset > 0 else 'behind'} this machine's.",
            "Keep all clocks right by NTP.",
        )
    if offsets and not wrong:
        yield Finding("time", "ok", ", ".join(f"{name} {offset:+d} ms" for name, offset in offsets.items()))


def _problem(problem: Problem) -> Finding:
    return Finding(problem.check, "problem", problem.message, problem.remedy)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def _now() -> int:
    return time.time_ns() // 1_000_000


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
