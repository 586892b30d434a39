"""How much one network and one shop may send in a minute.

A network is the /24 or /48 of the client's address, and we know it only as a keyed hash: the address itself is neither
stored nor logged. The key is a random salt, shared through Redis by all web processes, made anew every six hours and
gone from memory and Redis an hour later; `forget`, every six hours, takes it and the counters out of Redis's append-only
file as well: within 24 hours even when it fails once.

Counting costs no round trip: what a process has taken rides in the pipeline of the next append, and the reply says what
all processes together have taken. So a limit is exact to within one group a process. While Redis is away each process
counts for itself.
"""

import hashlib
import ipaddress
import secrets
import time
from collections.abc import Callable

import redis
import structlog

from .wire import Reply, pack

SALT = "atbalss:salt:"
COUNTS = "atbalss:rate:"
SALT_SECONDS = 6 * 3600
FORGET_SECONDS = 6 * 3600
_SALT_TTL = 7 * 3600
_MINUTE = 60
_COUNTS_TTL = 180
_MOST_NAMES = 200_000

log = structlog.get_logger("intake")


class Limits:
    """The counters of this process and what it knows of the others'."""

    def __init__(self, shop_rate: int, network_rate: int, clock: Callable[[], float] = time.time) -> None:
        self.shop_rate = shop_rate
        self.network_rate = network_rate
        self._clock = clock
        self._minute = -1
        self._taken: dict[bytes, int] = {}
        self._unsent: dict[bytes, int] = {}
        self._expiring = False
        self._salt = secrets.token_bytes(32)

    def use_salt(self, salt: bytes) -> None:
        """Hash networks with `salt` from now on; the counts of a minute under another one are let go."""
        self._salt = salt

    def take_request(self, address: str) -> bool:
        """Count one request of the network of `address`; False when the network has had its share."""
        key = hashlib.blake2b(network(address), key=self._salt, digest_size=12).digest()
        return self._take(b"n" + key, 1, self.network_rate)

    def take_events(self, shop: str, count: int) -> bool:
        """Count events of a shop; False when it has had its share."""
        return self._take(b"s" + shop.encode(), count, self.shop_rate)

    def seconds_left(self) -> int:
        """Until the next minute begins."""
        return _MINUTE - int(self._clock()) % _MINUTE

    def commands(self) -> tuple[list[bytes], "Sent | None"]:
        """The packed commands that tell Redis what was taken since the last time, and how to read their replies."""
        if not self._unsent:
            return [], None
        unsent, self._unsent = self._unsent, {}
        key = b"%b%d" % (COUNTS.encode(), self._minute)
        packed = [pack(b"HINCRBY", key, name, b"%d" % count) for name, count in unsent.items()]
        if not self._expiring:
            self._expiring = True
            packed.append(pack(b"EXPIRE", key, b"%d" % _COUNTS_TTL))
        return packed, Sent(self._minute, list(unsent))

    def learn(self, sent: "Sent", replies: list[Reply]) -> None:
        """What all processes together have taken of each name in `sent`."""
        if sent.minute != self._minute:
            return
        for name, total in zip(sent.names, replies, strict=False):
            if isinstance(total, int):
                self._taken[name] = total + self._unsent.get(name, 0)

    def _take(self, name: bytes, count: int, limit: int) -> bool:
        minute = int(self._clock()) // _MINUTE
        if minute != self._minute:
            self._minute, self._taken, self._unsent, self._expiring = minute, {}, {}, False
        taken = self._taken.get(name, 0) + count
        if taken > limit:
            return False
        if len(self._taken) >= _MOST_NAMES and name not in self._taken:
            return True  # rather let strangers pass for the rest of the minute than fill the memory
        self._taken[name] = taken
        self._unsent[name] = self._unsent.get(name, 0) + count
        return True


class Sent:
    """Which names were told to Redis, in which minute."""

    __slots__ = ("minute", "names")

    def __init__(self, minute: int, names: list[bytes]) -> None:
        self.minute = minute
        self.names = names


def network(address: str) -> bytes:
    """The /24 of an IPv4 address, the /48 of an IPv6 one; anything else is one network of its own."""
    if ":" not in address:
        return address.rpartition(".")[0].encode()
    return _network6(address)


def _network6(address: str) -> bytes:
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return b""
    if parsed.ipv4_mapped is not None:
        return network(str(parsed.ipv4_mapped))
    return parsed.packed[:6]


def client_address(peer: str, forwarded: list[str], proxies: int) -> str:
    """The client's address: the peer's, or the one that the outermost of `proxies` trusted proxies saw.

    `forwarded` are the values of X-Forwarded-For. Entries that no trusted proxy wrote are not believed.

    >>> client_address("10.0.0.1:5", ["6.6.6.6, 192.0.2.7"], 1)
    '192.0.2.7'
    """
    if proxies:
        entries = [entry.strip() for value in forwarded for entry in value.split(",")]
        if entries:
            return _host(entries[-min(proxies, len(entries))])
    return _host(peer)


def _host(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    if address.count(":") == 1:
        return address.partition(":")[0]
    return address


def salt_key(now: float) -> str:
    """The Redis key of the salt of these six hours."""
    return f"{SALT}{int(now) // SALT_SECONDS}"


def salt_seconds() -> int:
    """How long Redis keeps a salt."""
    return _SALT_TTL


def forget(client: "redis.Redis") -> None:
    """Have Redis rewrite its append-only file, so that expired salts and counters are off its disk too.

    For the clock, every FORGET_SECONDS. A Redis that lets nobody ask for it (as hosted ones) rewrites when it likes.
    """
    try:
        client.bgrewriteaof()
    except redis.ResponseError as error:
        log.warning("redis does not rewrite its append-only file when asked", why=str(error))
