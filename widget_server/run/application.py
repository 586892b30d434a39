"""What a web process serves: the collector's three routes, and Flask for everything else."""

import gc
import sys
import time
from typing import Any

from prometheus_client import REGISTRY

from widget_server.contract.settings import Settings
from widget_server.contract.shop import Shop
from widget_server.contract.tokens import OrderClaims
from widget_server.intake import asked
from widget_server.intake.collector import Collector, TooLarge
from widget_server.record import shops
from widget_server.record.db import Database
from widget_server.web.app import create_app

from . import valkey
from .bridge import Bridge

# With 20,000 a page waited up to 50 ms for what pages before it had left; now it is 8 ms.
_GC_THRESHOLD = 5_000
# A thread that computes a page hands over after so many seconds when the collector waits. With Python's own 5 ms a reply's
# p99 was half as long again beside pages and sign-ins; with 1 ms fewer events came through when nothing else was done.
_TURN = 0.002


def settle() -> None:
    """Everything loaded by now stays; looking through it again and again costs a tenth of each request."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 50)


class Application:
    """An RSGI application. `start` before the first request and `stop` after the last, on the event loop."""

    def __init__(self, settings: Settings) -> None:
        self._database = Database(settings.database_url, settings.secret_key)
        self._redis = valkey.connect(settings.redis_url, timeout=settings.redis_timeout)
        self.collector = Collector(settings, self._shop, self._answered)
        flask_app = create_app(settings, self._database, self._redis)
        self._flask = Bridge(flask_app, self.collector.reader.read, TooLarge)

    async def start(self) -> None:
        REGISTRY.register(self.collector.figures)
        settle()
        sys.setswitchinterval(_TURN)
        await self.collector.start()

    async def stop(self) -> None:
        """End when everything acknowledged is on disk; requests in flight have ended before."""
        await self.collector.stop()
        self._flask.close()
        REGISTRY.unregister(self.collector.figures)
        self._redis.close()
        self._database.close()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        if self.collector.takes(scope.path):
            await self.collector(scope, protocol)
        else:
            await self._flask(scope, protocol)

    def _shop(self, site_key: str) -> Shop | None:
        with self._database.reading() as conn:
            return shops.by_site_key(conn, site_key)

    def _answered(self, shop: Shop, claims: OrderClaims) -> list[str]:
        with self._database.reading() as conn:
            return asked.answered(conn, shop, claims, time.time_ns() // 1_000_000)
