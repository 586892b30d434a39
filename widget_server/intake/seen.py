"""When a shop's page last asked, and from where: for the owner who has just put the line into it.

A page that is no page of the shop is remembered apart, with where it was. A request costs a look into a dictionary; what
there is to tell is told to Redis in the background, about each shop at most once in `EVERY` seconds a process. Nothing
hangs on it: what can't be told is let go. Only the origin is kept, which is the shop's and never a shopper's.
"""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from . import wire
from .wire import Link, ReplyError, pack

SEEN = "atbalss:seen:"
REFUSED = "atbalss:refused:"
EVERY = 10.0
KEPT_SECONDS = 30 * 86_400
_FLUSH = 1.0
_MOST = 20_000
_MOST_AT_ONCE = 1_000
# As browsers send it; whatever else somebody writes there is not repeated to an owner.
_ORIGIN = re.compile(r"https?://[a-z0-9.\[\]:_-]{1,200}", re.ASCII)

log = structlog.get_logger("intake")


@dataclass(frozen=True, slots=True)
class Sight:
    """`at` is in ms."""

    at: int
    origin: str


class Seen:
    """What one process has seen. `note` never waits; `run` tells Redis until it is cancelled."""

    def __init__(self, url: str, timeout: float, clock: Callable[[], float] = time.time) -> None:
        self._url = url
        self._timeout = timeout
        self._clock = clock
        self._noted: dict[str, float] = {}
        self._untold: dict[str, Sight] = {}

    def note(self, shop: str, origin: str, is_own: bool) -> None:
        """A page of `origin` has asked for `shop`; `is_own` says whether it is one of its pages."""
        key = (SEEN if is_own else REFUSED) + shop
        now = self._clock()
        if now - self._noted.get(key, 0.0) < EVERY or not _ORIGIN.fullmatch(origin):
            return
        if len(self._noted) >= _MOST:
            self._noted.clear()
        self._noted[key] = now
        if len(self._untold) < _MOST:
            self._untold[key] = Sight(int(now * 1000), origin)

    def commands(self) -> list[bytes]:
        """The packed commands that tell Redis of a part of what it has not heard."""
        told = list(self._untold)[:_MOST_AT_ONCE]
        return [
            pack(b"SET", key.encode(), orjson.dumps(self._untold.pop(key)), b"EX", b"%d" % KEPT_SECONDS) for key in told
        ]

    async def run(self) -> None:
        link: Link | None = None
        try:
            while True:
                await asyncio.sleep(_FLUSH)
                commands = self.commands()
                if commands:
                    link = await self._tell(link, commands)
        finally:
            if link is not None:
                link.close()

    async def _tell(self, link: Link | None, commands: list[bytes]) -> Link | None:
        """The link to go on with; None when it broke."""
        try:
            async with asyncio.timeout(self._timeout):
                if link is None or link.lost:
                    link = await wire.connect(self._url, self._timeout)
                await link.ask(*commands)
        except (OSError, TimeoutError, wire.Lost, ReplyError) as error:
            log.debug("what was seen could not be told", why=type(error).__name__)
            if link is not None:
                link.close()
            return None
        return link


def of_shop(client: Any, shop: str) -> tuple[Sight | None, Sight | None]:
    """When a page of the shop was seen last, and one that is none of its pages. `client` is a redis-py client; raises what
    it raises."""
    own, refused = client.mget(SEEN + shop, REFUSED + shop)
    return _read(own), _read(refused)


def _read(raw: bytes | None) -> Sight | None:
    return None if raw is None else Sight(**orjson.loads(raw))
