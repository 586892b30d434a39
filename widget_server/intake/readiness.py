"""Whether this installation keeps what it acknowledges, in the words that /readyz and `atbalss doctor` share.

Ready means: Redis writes to disk before it answers (`appendfsync always`, or `everysec` on a server that knows WAITAOF,
which the collector then sends with each group), evicts nothing, and the database has the tables of this version. A
Redis that hides its settings is not ready unless the operator vouches for it (ATBALSS_REDIS_TRUSTED).
"""

import re
import threading
from dataclasses import dataclass
from typing import Any

import redis
from sqlalchemy.exc import SQLAlchemyError

from widget_server.contract.settings import Settings
from widget_server.record.db import Database

stopping = threading.Event()
"""Set when this process is on its way out: it still serves, but new work should go elsewhere."""

_WAITAOF_SINCE = (7, 2)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it must be, and what to do about it. `away` when it just could not be asked."""

    check: str
    message: str
    remedy: str
    away: bool = False


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """What a Redis says about itself; None where it doesn't tell."""

    kind: str
    version: tuple[int, int, int]
    appendonly: bool | None
    appendfsync: str | None
    policy: str | None
    maxmemory: int | None

    @property
    def knows_waitaof(self) -> bool:
        return self.kind == "valkey" or self.version >= _WAITAOF_SINCE

    @property
    def needs_waitaof(self) -> bool:
        """Whether a group is only safe once WAITAOF has answered."""
        return self.appendfsync == "everysec" and self.knows_waitaof


def read_facts(client: Any) -> RedisFacts:
    """Ask a Redis about itself. Raises redis.RedisError when it can't be asked at all."""
    server = client.info("server")
    found: dict[str, str] = {}
    for name in ("appendonly", "appendfsync", "maxmemory-policy", "maxmemory"):
        # Hosted services rename or forbid CONFIG; what it would have said is then unknown.
        try:
            reply = client.config_get(name)
        except (redis.exceptions.BusyLoadingError, redis.exceptions.ReadOnlyError):
            raise
        except redis.exceptions.ResponseError:
            continue
        found.update({_text(key): _text(value) for key, value in reply.items()})
    kind = "valkey" if server.get("server_name") == "valkey" or "valkey_version" in server else "redis"
    appendonly, maxmemory = found.get("appendonly"), found.get("maxmemory", "")
    return RedisFacts(
        kind=kind,
        version=_version(str(server.get(f"{kind}_version", server.get("redis_version", "")))),
        appendonly=None if appendonly is None else appendonly == "yes",
        appendfsync=found.get("appendfsync"),
        policy=found.get("maxmemory-policy"),
        maxmemory=int(maxmemory) if maxmemory.isdecimal() else None,
    )


def redis_problems(client: Any, settings: Settings) -> list[Problem]:
    """What keeps this Redis from holding the intake's promise."""
    try:
        facts = read_facts(client)
    except redis.RedisError as error:
        return [_redis_away(error)]
    return judge(facts, trusted=settings.redis_trusted)


def judge(facts: RedisFacts, trusted: bool) -> list[Problem]:
    """The problems among `facts`. Being trusted answers only what the server does not say itself."""
    problems = []
    known = facts.appendonly is not None and facts.appendfsync is not None and facts.policy is not None
    if not known and not trusted:
        problems.append(
            Problem(
                "redis-durability",
                "Redis does not show whether it keeps on disk what it acknowledges.",
                "Allow CONFIG GET, or set ATBALSS_REDIS_TRUSTED=1 when you know that it does.",
            )
        )
    if facts.appendonly is False:
        problems.append(
            Problem(
                "redis-appendonly",
                "Redis keeps nothing on disk (appendonly no): a restart loses answers that were acknowledged.",
                "Set appendonly yes and appendfsync always.",
            )
        )
    elif facts.appendfsync == "no" or (facts.appendfsync == "everysec" and not facts.knows_waitaof):
        problems.append(
            Problem(
                "redis-appendfsync",
                f"Redis acknowledges before it is on disk (appendfsync {facts.appendfsync}): a power cut loses answers.",
                "Set appendfsync always; everysec is enough from Redis 7.2 or Valkey on.",
            )
        )
    if facts.policy not in (None, "noeviction"):
        problems.append(
            Problem(
                "redis-eviction",
                f"Redis throws data away when its memory is full (maxmemory-policy {facts.policy}).",
                "Set maxmemory-policy noeviction.",
            )
        )
    return problems


def database_problems(database: Database) -> list[Problem]:
    """Whether the database answers and has the tables of this version."""
    try:
        migrated = database.is_migrated()
    except SQLAlchemyError as error:
        return [
            Problem(
                "database",
                f"The database does not answer ({type(error).__name__}).",
                "See that it runs and that ATBALSS_DATABASE_URL is right.",
                away=True,
            )
        ]
    if migrated:
        return []
    return [Problem("database-tables", "The tables are not those of this version.", "Run `atbalss migrate`; `atbalss up` does it itself.")]


def check(client: Any, database: Database, settings: Settings) -> list[Problem]:
    """Everything that keeps this installation from being ready, at this moment."""
    return redis_problems(client, settings) + database_problems(database)


class Readiness:
    """For /readyz of a running process: once Redis and the database were right, their being away is no reason to send
    shoppers elsewhere, because answers then go to the spill, and every other web process sees the same."""

    def __init__(self, client: Any, database: Database, settings: Settings) -> None:
        self._client = client
        self._database = database
        self._settings = settings
        self._redis_proven = False
        self._database_proven = False

    def check(self) -> list[Problem]:
        """What /readyz answers 503 for; empty when ready."""
        if stopping.is_set():
            return [Problem("process", "This process is stopping.", "Ask another one.")]
        redis_found = redis_problems(self._client, self._settings)
        self._redis_proven = _proven(self._redis_proven, redis_found)
        database_found = database_problems(self._database)
        self._database_proven = _proven(self._database_proven, database_found)
        return [
            *(p for p in redis_found if not (p.away and self._redis_proven)),
            *(p for p in database_found if not (p.away and self._database_proven)),
        ]


def _proven(before: bool, found: list[Problem]) -> bool:
    """Being away proves nothing in either direction."""
    return before if any(p.away for p in found) else not found


def _redis_away(error: redis.RedisError) -> Problem:
    if isinstance(error, redis.exceptions.AuthenticationError | redis.exceptions.NoPermissionError):
        return Problem(
            "redis", "Redis refuses us.", "See that ATBALSS_REDIS_URL has the right user and password."
        )
    return Problem(
        "redis",
        f"Redis does not answer ({type(error).__name__}).",
        "See that it runs and that ATBALSS_REDIS_URL is right.",
        away=True,
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _version(text: str) -> tuple[int, int, int]:
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else (0, 0, 0)
