"""How much one network and one shop may send in a minute, and how many answers one network may give one shop in ten.

A network is the /24 or /48 of the client's address, and we know it only as a keyed hash: the address itself is neither
stored nor logged. The key is a random salt, shared through Redis by all web processes, made anew every six hours and
gone from memory and Redis an hour later; `forget`, every six hours, takes it and the counters out of Redis's append-only
file as well: within 24 hours even when it fails once.

Counting costs no round trip: what a process has taken rides in the pipeline of the next append, and the reply says what
all processes together have taken. So a limit is exact to within one group a process. While Redis is away each process
counts for itself.

Requests and events beyond their limit are refused. Answers beyond theirs (`burst`) are not: they are marked, and wait in
quarantine until the owner looks at them. Only answers without proof of purchase are counted, as an order gives one answer
to a question whoever sends it: a counter in the shop, or an office that orders much, is not held up. Everybody behind one
address of a mobile carrier is one network too, so the limit must lie far above what their share of the largest shop can
be: 60 answers in ten minutes are the answers of some 1,200 shoppers of one shop, at the one in twenty who answers.
An address that is none of the internet is no network to be held against anybody: it belongs to a proxy that nobody has
told us of, and all shoppers stand behind it. Ten minutes are those of the clock, so that around their end a network may give twice as many.
"""

import hashlib
import ipaddress
import secrets
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import redis
import structlog

from .wire import Reply, pack

SALT = "atbalss:salt:"
COUNTS = "atbalss:rate:"
SALT_SECONDS = 6 * 3600
FORGET_SECONDS = 6 * 3600
_SALT_TTL = 7 * 3600
_MINUTE = 60
_BURST_SECONDS = 600
_MOST_NAMES = 200_000
_NO_LIMIT = 2**62

_INNER = tuple(
    ipaddress.ip_network(net)
    for net in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip

log = structlog.get_logger("intake")


class Limits:
    """The counters of this process and what it knows of the others'."""

    def __init__(
        self, shop_rate: int, network_rate: int, burst: int = 60, clock: Callable[[], float] = time.time
    ) -> None:
        self.shop_rate = shop_rate
        self.network_rate = network_rate
        self.burst = burst
        self._clock = clock
        self._minute = _Span(b"%b%d", _MINUTE)
        self._answers = _Span(b"%bburst:%d", _BURST_SECONDS)
        self._salt = secrets.token_bytes(32)

    def use_salt(self, salt: bytes) -> None:
        """Hash networks with `salt` from now on; the counts of a minute under another one are let go."""
        self._salt = salt

    def network(self, address: str) -> bytes:
        """The name under which the network of `address` is known for as long as the salt is."""
        return b"n" + hashlib.blake2b(network(address), key=self._salt, digest_size=12).digest()

    def take_request(self, network: bytes) -> bool:
        """Count one request of a network; False when it has had its share."""
        return self._minute.take(network, 1, self.network_rate, self._clock())

    def take_events(self, shop: str, count: int) -> bool:
        """Count events of a shop; False when it has had its share."""
        return self._minute.take(b"s" + shop.encode(), count, self.shop_rate, self._clock())

    def is_burst(self, network: bytes, shop: str) -> bool:
        """Whether a network has given a shop as many answers as it may in these ten minutes, as far as we know."""
        return self._answers.taken(network + shop.encode(), self._clock()) >= self.burst

    def count_answers(self, network: bytes, shop: str, answers: Iterable[str]) -> None:
        """Count the answers that a network gave a shop, those beyond the limit too. One that comes in several parts, or
        twice, counts once, unless another process had the part before."""
        self._answers.take_once(network + shop.encode(), answers, self._clock())

    def seconds_left(self) -> int:
        """Until the next minute begins."""
        return _MINUTE - int(self._clock()) % _MINUTE

    def commands(self) -> tuple[list[bytes], "Sent | None"]:
        """The packed commands that tell Redis what was taken since the last time, and how to read their replies."""
        if not self._minute.unsent and not self._answers.unsent:
            return [], None
        packed, told = self._minute.commands()
        more, told_more = self._answers.commands()
        return packed + more, Sent(told, len(packed), told_more)

    def learn(self, sent: "Sent", replies: list[Reply]) -> None:
        """What all processes together have taken of each name in `sent`."""
        self._minute.learn(sent.minute, replies)
        self._answers.learn(sent.answers, replies[sent.commands :])


_Told = tuple[int, list[bytes]]  # when a span began, and the names that Redis was told
_NOTHING: _Told = (-1, [])


class Sent(NamedTuple):
    """What was told to Redis: names of the minute in so many commands, then names of the ten minutes."""

    minute: _Told
    commands: int
    answers: _Told


class _Span:
    """Counts by name within the present span of `seconds` of the clock; they begin anew with the next one."""

    __slots__ = ("_begin", "_end", "_expiring", "_form", "_seconds", "_taken", "_things", "unsent")

    def __init__(self, form: bytes, seconds: int) -> None:
        self._form = form
        self._seconds = seconds
        self._begin = self._end = 0
        self._taken: dict[bytes, int] = {}
        self._things: set[str] = set()
        self.unsent: dict[bytes, int] = {}
        self._expiring = False

    def taken(self, name: bytes, now: float) -> int:
        """How many were counted, here and, as far as we were told, elsewhere."""
        if not self._begin <= now < self._end:
            self._enter(now)
        return self._taken.get(name, 0)

    def take(self, name: bytes, count: int, limit: int, now: float) -> bool:
        """Count unless that made more than `limit`; whether there was room."""
        if not self._begin <= now < self._end:
            self._enter(now)
        taken = self._taken.get(name, 0) + count
        if taken > limit:
            return False
        if len(self._taken) < _MOST_NAMES or name in self._taken:
            self._taken[name] = taken
            self.unsent[name] = self.unsent.get(name, 0) + count
        # else rather let strangers pass for the rest of the span than fill the memory
        return True

    def take_once(self, name: bytes, things: Iterable[str], now: float) -> None:
        """Count, without a limit, those of `things` that were not counted in this span yet."""
        if not self._begin <= now < self._end:
            self._enter(now)
        for thing in things:
            if thing not in self._things:
                if len(self._things) < _MOST_NAMES:
                    self._things.add(thing)
                self.take(name, 1, _NO_LIMIT, now)

    def commands(self) -> tuple[list[bytes], _Told]:
        """What Redis is to be told now."""
        if not self.unsent:
            return [], _NOTHING
        unsent, self.unsent = self.unsent, {}
        key = self._form % (COUNTS.encode(), self._begin // self._seconds)
        packed = [pack(b"HINCRBY", key, name, b"%d" % count) for name, count in unsent.items()]
        if not self._expiring:
            self._expiring = True
            packed.append(pack(b"EXPIRE", key, b"%d" % (3 * self._seconds)))
        return packed, (self._begin, list(unsent))

    def learn(self, told: _Told, replies: list[Reply]) -> None:
        """What Redis said to what it was told."""
        begin, names = told
        if begin != self._begin:
            return
        for name, total in zip(names, replies, strict=False):
            if isinstance(total, int):
                self._taken[name] = total + self.unsent.get(name, 0)

    def _enter(self, now: float) -> None:
        self._begin = int(now) // self._seconds * self._seconds
        self._end = self._begin + self._seconds
        self._taken, self._things, self.unsent, self._expiring = {}, set(), {}, False


def network(address: str) -> bytes:
    """The /24 of an IPv4 address, the /48 of an IPv6 one; anything else is one network of its own."""
    if ":" not in address:
        return address.rpartition(".")[0].encode()
    return _network6(address)


def is_inner(address: str) -> bool:
    """Whether an address can't be a shopper's: one of this machine, of a local network or within a carrier's."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return True
    mapped = parsed.ipv4_mapped if parsed.version == 6 else None
    return any((mapped or parsed) in net for net in _INNER)


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
