"""What a web process serves: the collector's three routes, and Flask for everything else."""

from collections.abc import Iterable
from typing import Any

from prometheus_client import REGISTRY

from widget_server.contract.settings import Settings
from widget_server.contract.shop import Shop
from widget_server.intake.collector import Collector, TooLarge
from widget_server.record import answers, shops
from widget_server.record.db import Database

from .bridge import WSGI, Bridge


class Application:
    """An RSGI application. `start` before the first request and `stop` after the last, on the event loop."""

    def __init__(self, settings: Settings, database: Database, flask_app: WSGI) -> None:
        self._database = database
        self.collector = Collector(settings, self._shop, self._answered)
        self._flask = Bridge(flask_app, self.collector.reader.read, TooLarge)

    async def start(self) -> None:
        REGISTRY.register(self.collector.figures)
        await self.collector.start()

    async def stop(self) -> None:
        """End when everything acknowledged is on disk; requests in flight have ended before."""
        await self.collector.stop()
        self._flask.close()
        REGISTRY.unregister(self.collector.figures)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        if self.collector.takes(scope.path):
            await self.collector(scope, protocol)
        else:
            await self._flask(scope, protocol)

    def _shop(self, site_key: str) -> Shop | None:
        with self._database.reading() as conn:
            return shops.by_site_key(conn, site_key)

    def _answered(self, shop: Shop, order: str, line: str | None) -> list[str]:
        with self._database.reading() as conn:
            return answers.answered_by_order(conn, shop.id, _key(order, line))


def _key(order: str, line: str | None) -> str:
    return f"order:{order}" if line is None else f"order:{order}:{line}"


def empty(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Stands in for Flask where only the collector matters."""
    start_response("404 Not Found", [("content-type", "text/plain")])
    return [b""]
