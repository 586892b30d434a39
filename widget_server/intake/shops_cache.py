"""Shops as the intake knows them: at most a few seconds old, and served on while the database is away.

A request never waits for SQL unless its shop was not seen for half a minute. An unknown key is remembered too, for as
long, so that a wrong one on a busy page does not become load on the database.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import structlog

from widget_server.contract.shop import Shop

from .ask import AskReplies
from .replies import Refusal, later

FRESH = 5.0
STALE = 30.0
_MOST = 20_000
_MOST_LOOKUPS = 200
_MOST_ORIGINS = 200
_LOOKUP_SECONDS = 2.0

log = structlog.get_logger("intake")


class Known:
    """A shop and what is worked out from it once."""

    __slots__ = ("_domains", "_origins", "asks", "shop")

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.asks = AskReplies(shop)
        self._domains = tuple(_domain(domain) for domain in shop.domains)
        self._origins: dict[str, bool] = {}

    def allows(self, origin: str | None) -> bool:
        """Whether a page of `origin` may send for this shop. None and "null" (no page, or a sandboxed one) may."""
        if origin is None or origin == "null":
            return True
        allowed = self._origins.get(origin)
        if allowed is None:
            allowed = _matches(origin, self._domains)
            if len(self._origins) < _MOST_ORIGINS:
                self._origins[origin] = allowed
        return allowed


class _Entry:
    __slots__ = ("at", "known", "loading")

    def __init__(self, known: Known | None, at: float) -> None:
        self.known = known
        self.at = at
        self.loading: asyncio.Future[None] | None = None


class ShopsCache:
    """`load` looks a site key up in the database; it runs in a thread and may raise."""

    def __init__(
        self, load: Callable[[str], Shop | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._load = load
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._threads = ThreadPoolExecutor(4, "shops")
        self._lookups = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def peek(self, site_key: str) -> Known | None:
        """The shop when nothing needs to be waited for; None says: ask `get`."""
        entry = self._entries.get(site_key)
        if entry is None or entry.known is None:
            return None
        age = self._clock() - entry.at
        if age < FRESH:
            return entry.known
        if age < STALE:
            self._refresh(site_key, entry)
            return entry.known
        return None

    async def get(self, site_key: str) -> Known:
        """The shop. Raises Refusal: 404 when there is none, 503 when that can't be known now."""
        entry = self._entries.get(site_key)
        if entry is None:
            if len(self._entries) >= _MOST:
                self._entries.pop(next(iter(self._entries)))
            entry = self._entries[site_key] = _Entry(None, float("-inf"))
        if self._clock() - entry.at >= FRESH:
            await self._wait(self._refresh(site_key, entry))
        if entry.known is not None:
            return entry.known
        if entry.at == float("-inf"):
            raise later("database_away", "The shop can't be looked up now.")
        raise Refusal(404, "unknown_shop", "There is no shop with this site key.")

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _wait(self, loading: "asyncio.Future[None]") -> None:
        # A database that hangs must not hold requests: what was known before is served on, or 503.
        await asyncio.wait((loading,), timeout=_LOOKUP_SECONDS)

    def _refresh(self, site_key: str, entry: _Entry) -> "asyncio.Future[None]":
        if entry.loading is not None:
            return entry.loading
        if self._lookups >= _MOST_LOOKUPS:
            raise later("busy", "Too many shops are being looked up now.", 1)
        self._lookups += 1
        task = asyncio.create_task(self._look_up(site_key, entry))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        entry.loading = task
        return task

    async def _look_up(self, site_key: str, entry: _Entry) -> None:
        loop = asyncio.get_running_loop()
        try:
            shop = await loop.run_in_executor(self._threads, self._load, site_key)
            if shop is None:
                entry.known = None
            elif entry.known is None or entry.known.shop != shop:
                entry.known = Known(shop)
            entry.at = self._clock()
        except Exception as error:  # noqa: BLE001  (whatever the database says, the last known state serves on)
            log.warning("a shop could not be looked up", why=type(error).__name__)
        finally:
            self._lookups -= 1
            entry.loading = None


def _domain(written: str) -> tuple[str, int | None]:
    parts = urlsplit(written if "//" in written else f"//{written}")
    return _ascii(parts.hostname or ""), parts.port


def _matches(origin: str, domains: tuple[tuple[str, int | None], ...]) -> bool:
    try:
        parts = urlsplit(origin)
        host, port = _ascii(parts.hostname or ""), parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not host:
        return False
    port = port or {"http": 80, "https": 443}[parts.scheme]
    return any(
        (host == domain or host.endswith(f".{domain}")) and named in (None, port)
        for domain, named in domains
        if domain
    )


def _ascii(host: str) -> str:
    host = host.rstrip(".").lower()
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return host
