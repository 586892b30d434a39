"""How often a password or a code may be tried.

Each try is counted before anything is hashed or compared, in one step for all names that it is made under, so that many
at once get no more than one after the other. After the first few, which cost nothing, each further try has to wait,
twice as long as the one before; a try that comes too early changes nothing, so nobody is locked out for ever.
What is right forgets the tries of its account.

Tries are counted for the account (whether there is such an account or not), and for the network they come from. A
browser that was signed in with this account before has a count of its own in place of the account's: who tries
another's passwords from elsewhere does not delay them.

The counts are in Redis, under keyed hashes. While Redis is away each process counts for itself.
"""

import hmac
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import redis
import structlog

from widget_server.intake.limits import is_inner, network

_PREFIX = "atbalss:tries:"
_MOST_NAMES = 20_000

log = structlog.get_logger("web")


@dataclass(frozen=True)
class Limit:
    """So many tries are `free`; the next waits `first` ms, each one after twice as long, at most `most`. All is
    forgotten `memory` ms after the last."""

    free: int
    first: int
    most: int
    memory: int

    def delay(self, tries: int) -> int:
        """How long the next try waits after so many."""
        over = tries - self.free
        return 0 if over < 0 else min(self.first << min(over, 40), self.most)


_MINUTE = 60_000
ACCOUNT = Limit(5, 2_000, 15 * _MINUTE, 24 * 60 * _MINUTE)
CODE = Limit(5, 5_000, 15 * _MINUTE, 24 * 60 * _MINUTE)
NETWORK = Limit(30, 2_000, 5 * _MINUTE, 60 * _MINUTE)
# Behind a proxy that nobody has told us of, everybody comes from one network.
INNER = Limit(300, 2_000, _MINUTE, 60 * _MINUTE)

# KEYS are the names; ARGV the time, and for each name: free, first, most, memory. Returns how long to wait, 0 when counted.
_TRY = """
local now, wait = tonumber(ARGV[1]), 0
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('HGET', key, 'until') or '0') <= now then redis.call('DEL', key) end
  local free_at = tonumber(redis.call('HGET', key, 'at') or '0')
  if free_at - now > wait then wait = free_at - now end
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  local at = 2 + (i - 1) * 4
  local free, first, most = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local over = redis.call('HINCRBY', key, 'n', 1) - free
  if over >= 0 then redis.call('HSET', key, 'at', string.format('%.0f', now + math.min(first * 2 ^ math.min(over, 40), most))) end
  redis.call('HSET', key, 'until', string.format('%.0f', now + ARGV[at + 3]))
  redis.call('PEXPIRE', key, ARGV[at + 3])
end
return 0
"""


@dataclass(frozen=True)
class Name:
    """What tries are counted for."""

    key: str
    limit: Limit


class Tries:
    """The counts of all processes; `clock` gives ms."""

    def __init__(
        self, client: Any, secret_key: str, clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._redis = client
        self._secret = hmac.digest(secret_key.encode(), b"atbalss-tries-v1", "sha256")
        self._clock = clock
        self._own = _Own()

    def password(self, email: str, device: str | None, address: str) -> "Try":
        """One try of a password."""
        account = Name(self._key("account", email, device or ""), ACCOUNT)
        inner = is_inner(address)
        where = b"inner" if inner else network(address)
        return self._take([account, Name(self._key("network", where.hex()), INNER if inner else NETWORK)])

    def code(self, account: str) -> "Try":
        """One try of a second factor."""
        return self._take([Name(self._key("code", account), CODE)])

    def own_password(self, account: str) -> "Try":
        """One try of the own password by somebody who is signed in."""
        return self._take([Name(self._key("own", account), ACCOUNT)])

    def password_forgotten(self, email: str) -> None:
        """The account has another password now; what was tried before counts no more."""
        self.forget([Name(self._key("account", email, ""), ACCOUNT)])

    def _take(self, names: list[Name]) -> "Try":
        now = self._clock()
        numbers = [n for name in names for n in (name.limit.free, name.limit.first, name.limit.most, name.limit.memory)]
        try:
            wait = int(self._redis.eval(_TRY, len(names), *(name.key for name in names), now, *numbers))
        except redis.RedisError as error:
            log.warning("tries_counted_here_only", error=type(error).__name__)
            wait = self._own.take(names, now)
        return Try(wait, names, self)

    def forget(self, names: Sequence[Name]) -> None:
        """What was tried is right: its account begins anew, its network has one try back."""
        account, *networks = (name.key for name in names)
        self._own.forget(account, networks)
        try:
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.delete(account)
                for key in networks:
                    pipe.hincrby(key, "n", -1)
                    pipe.hdel(key, "at")
                pipe.execute()
        except redis.RedisError as error:
            log.warning("tries_not_forgotten", error=type(error).__name__)

    def _key(self, *words: str) -> str:
        said = "\0".join(words).encode("utf-8", "replace")
        return _PREFIX + hmac.digest(self._secret, said, "sha256").hex()[:24]


@dataclass(frozen=True)
class Try:
    """A try. `wait`: so many ms too early, and not counted; 0 when it may be made."""

    wait: int
    names: list[Name]
    tries: Tries

    @property
    def seconds(self) -> int:
        """How long to wait, for people."""
        return -(-self.wait // 1000)

    def was_right(self) -> None:
        self.tries.forget(self.names)


class _Own:
    """The counts of this process, for while Redis is away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # For each key: how many, when the next may be made, and when all is forgotten.
        self._counts: dict[str, tuple[int, int, int]] = {}

    def take(self, names: list[Name], now: int) -> int:
        with self._lock:
            wait = max(self._of(name.key, now)[1] - now for name in names)
            if wait > 0:
                return wait
            for name in names:
                n = self._of(name.key, now)[0] + 1
                self._counts.pop(name.key, None)
                self._counts[name.key] = (n, now + name.limit.delay(n), now + name.limit.memory)
            # The oldest make room: rather let a few try once more than fill the memory.
            while len(self._counts) > _MOST_NAMES:
                del self._counts[next(iter(self._counts))]
            return 0

    def forget(self, account: str, networks: list[str]) -> None:
        with self._lock:
            self._counts.pop(account, None)
            for key in networks:
                if key in self._counts:
                    n, _, until = self._counts[key]
                    self._counts[key] = (n - 1, 0, until)

    def _of(self, key: str, now: int) -> tuple[int, int]:
        n, at, until = self._counts.get(key, (0, 0, 0))
        return (n, at) if now < until else (0, 0)
