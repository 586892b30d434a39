"""`atbalss demo`."""

import os
import shutil
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
import redis
import structlog

from widget_server.contract.settings import PREFIX, Settings
from widget_server.contract.times import local_day
from widget_server.demo import history, serve, shop, tenant
from widget_server.demo.tenant import Tenant
from widget_server.intake.checks import envelope
from widget_server.intake.stream import STREAM, StreamFull, append_sync
from widget_server.record.db import Database, OtherTables
from widget_server.run import config, logs, offspring, up, valkey, web
from widget_server.run.house import HouseError, read_settings
from widget_server.run.lock import DataLock, Locked
from widget_server.run.supervisor import Child
from widget_server.run.valkey import ValkeyError

FOLDER = Path("atbalss-demo")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

log = structlog.get_logger("demo")


@click.command("demo")
@click.option("--host", help="Address to listen on (ATBALSS_HOST; 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of Atbalss (ATBALSS_PORT; 8000).")
@click.option("--shop-port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="Port of the shop.")
def command(host: str | None, port: int | None, shop_port: int) -> None:
    """Run everything, with a small shop that has the snippet in its pages and ninety days of history.

    Keeps its data in ./atbalss-demo unless --data-dir or ATBALSS_DATA_DIR names another folder. Prints a line that
    begins with "ready" once it really is. Ctrl-C or SIGTERM stops it cleanly; the next start finds its data.
    """
    settings = _settings(host, port)
    try:
        # Before the ports, as a demo that runs already has those as well.
        DataLock(settings.data_dir).take().release()
        with _listen(settings.host, shop_port) as sock:
            house = _DemoHouse(sock)
            sys.exit(up.run(settings, house.say_ready, house.prepare, lambda found: [house.child(found)]))
    except OtherTables as error:
        raise HouseError(f"{error} Delete {settings.data_dir} to begin anew, or name another folder with --data-dir.") from error
    except (Locked, web.PortTaken, ValkeyError) as error:
        raise HouseError(str(error)) from error


def _settings(host: str | None, port: int | None) -> Settings:
    """Those of every command, but for a folder of its own and quiet logs: the terminal belongs to what we print."""
    root = click.get_current_context().find_root()
    if root.params.get("data_dir") is None and not _given("DATA_DIR"):
        root.params["data_dir"] = FOLDER
    settings = read_settings()
    if not _given("LOG_LEVEL"):
        settings = replace(settings, log_level="warning")
        logs.configure(settings.log_level)
    settings = replace(settings, host=host or settings.host)
    settings = settings if port is None else up.at_port(settings, port)
    # Links that are made have the address that is printed: a browser is signed in at that one.
    settings = replace(settings, base_url=_address(settings)) if settings.port else settings
    # Whoever tries the demo may send webhooks to a program of theirs beside it, unless others can reach the demo too.
    return settings if _given("ALLOW_PRIVATE") else replace(settings, allow_private=settings.host in _LOOPBACK)


def _given(name: str) -> bool:
    return any(os.environ.get(f"{PREFIX}{name}{end}") for end in ("", "_FILE"))


def _listen(host: str, port: int) -> socket.socket:
    try:
        return web.listen(host, port)
    except web.PortTaken as error:
        raise web.PortTaken(str(error).replace("--port", "--shop-port")) from error


class _DemoHouse:
    """What the demo adds to `atbalss up`: a tenant, a process for the shop, and its history."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._tenant: Tenant | None = None

    @property
    def tenant(self) -> Tenant:
        """Known once the database was prepared."""
        assert self._tenant is not None
        return self._tenant

    def prepare(self, settings: Settings, database: Database) -> None:
        self._tenant = tenant.settle(database, settings.data_dir)

    def child(self, settings: Settings) -> Child:
        loading = _History(settings, self.tenant)
        return Child("shop", entry=lambda: self._keep_shop(settings), ready=loading.is_loaded)

    def say_ready(self, settings: Settings) -> None:
        _, port = self._sock.getsockname()[:2]
        address = f"http://{_reachable(settings.host)}:{port}"
        width = min(shutil.get_terminal_size((80, 24)).columns, 100)
        click.echo(_announcement(address, _address(settings), self.tenant, settings.data_dir, width))
        sys.stdout.flush()

    def _keep_shop(self, settings: Settings) -> int:
        """The shop's process."""
        offspring.watch_parent()
        mine = self.tenant
        demo = shop.Demo(_address(settings), mine.site_key, mine.order_token_secret, mine.cookie_secret)
        return serve.serve(shop.create_app(demo, _Platform(settings, mine.id).order_placed), self._sock)


class _Platform:
    """What a shop system's webhooks are elsewhere: tells Atbalss of each order."""

    def __init__(self, settings: Settings, shop_id: str) -> None:
        self._settings = settings
        self._shop = shop_id

    def order_placed(self, order: Mapping[str, Any]) -> None:
        """The order goes through whether Atbalss can be told of it or not."""
        now = int(time.time() * 1000)
        event = {"id": str(uuid4()), "type": "order.placed", "at": now, "order": order}
        try:
            with valkey.connect(self._settings.redis_url, timeout=1.0) as client:
                append_sync(client, [envelope(self._shop, now, event, "platform")], self._settings.stream_limit)
        except (redis.RedisError, StreamFull) as error:
            log.warning("order_not_told", error=str(error))


class _History:
    """Loads the history once, and is done when the worker has counted it. Asked again and again by the supervisor."""

    def __init__(self, settings: Settings, mine: Tenant) -> None:
        self._settings = settings
        self._tenant = mine
        self._sent = False

    def is_loaded(self) -> bool:
        if self._tenant.has_history:
            return True
        try:
            with valkey.connect(self._settings.redis_url, timeout=5.0) as client:
                if not self._sent:
                    bodies = history.envelopes(self._tenant.id, int(time.time() * 1000))
                    append_sync(client, bodies, self._settings.stream_limit)
                    self._sent = True
                if client.xlen(STREAM):
                    return False
        except (redis.RedisError, StreamFull) as error:
            log.warning("history_waits", error=str(error))
            return False
        tenant.note_history(self._settings.data_dir, self._tenant)
        return True


def _address(settings: Settings) -> str:
    """Where a browser on this machine finds Atbalss, unless the operator said it otherwise."""
    if settings.base_url == config.default_base_url(settings.port):
        return f"http://{_reachable(settings.host)}:{settings.port}"
    return settings.base_url.rstrip("/")


def _reachable(host: str) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"[{host}]" if ":" in host else host


def _announcement(shop_address: str, atbalss: str, mine: Tenant, folder: Path, width: int) -> str:
    """What to try. What somebody needs who wants to see the owner's pages comes last, where the eye is."""
    tongues = "   ".join(f"{shop_address}/{lang}/" for lang in ("lv", "lt", "en"))
    rule = click.style("─" * width, dim=True)

    def row(name: str, text: str) -> str:
        return f"  {click.style(f'{name:<9}', bold=True)}{text}"

    first = date.fromisoformat(local_day(int(time.time() * 1000), tenant.TIME_ZONE)) - timedelta(days=29)
    ask = f'curl -s -H "Authorization: Bearer {mine.api_key}" "{atbalss}/v1/'
    return "\n".join(
        [
            f"{click.style('ready', fg='green', bold=True)}  {shop_address}/en/",
            rule,
            row("Shop", tongues),
            row("API key", f"{mine.api_key}   (reference: {atbalss}/docs)"),
            row("Data", f"{folder}   (delete it to begin anew)"),
            "",
            f'  Be a shopper: search for "gift card" ({shop_address}/en/search?q=gift+card), wait a moment, tap No',
            "  and say what you looked for. Order something (no money, no mail) and rate it on the thank-you page.",
            "",
            "  Be a program: the numbers of the last 30 days, and the searches that most shoppers said no to:",
            "",
            f'{ask}scores?metric=success&question=search-found&from={first}"',
            f'{ask}searches?sort=not_found&limit=5&from={first}"',
            rule,
            click.style(f"  Be the owner: sign in at {atbalss}/app with the e-mail and password below.", bold=True),
            "  The first page says which search disappoints most, and which buyers were unhappy: make a case of one.",
            "",
            row("Owner", click.style(f"{atbalss}/app", fg="green", bold=True)),
            row("", f"e-mail {click.style(mine.owner, bold=True)}   password {click.style(mine.password, bold=True)}"),
            rule,
            "  Ctrl-C stops everything.",
        ]
    )
