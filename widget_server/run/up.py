"""One machine, everything: the data folder's lock, an open port, the tables, Valkey, worker and web."""

import http.client
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from widget_server.contract.settings import Settings
from widget_server.record.db import Database

from . import config, valkey, web, worker
from .lock import DataLock
from .supervisor import Child, Supervisor

# After this long without being ready it says why, and again after as long.
_PATIENCE = 5.0

log = structlog.get_logger("up")


def run(
    settings: Settings,
    on_ready: Callable[[Settings], None],
    prepare: Callable[[Settings, Database], None] = lambda _settings, _database: None,
    more: Callable[[Settings], Sequence[Child]] = lambda _settings: (),
) -> int:
    """Keep the whole house running until SIGTERM; returns 0 then.

    `prepare` is called with the migrated database before anything starts, `more` names further processes, started
    last. Both and `on_ready` get the settings with the port that was really opened. Raises Locked, PortTaken,
    ValkeyError, each with one sentence.
    """
    with DataLock(settings.data_dir).take() as lock, web.listen(settings.host, settings.port) as sock:
        settings = at_port(settings, sock.getsockname()[1])
        database = Database(settings.database_url, settings.secret_key)
        database.migrate()
        prepare(settings, database)
        database.close()
        children = [
            *([_valkey(settings, lock)] if config.owns_redis(settings) else []),
            # It stops its parts one after the other, at most five seconds each.
            Child("worker", entry=lambda: worker.run(settings), stop_seconds=20.0),
            Child(
                "web",
                entry=lambda: web.run(settings, sock),
                ready=_Ready(settings),
                stop_seconds=settings.drain + 10.0,
            ),
            *more(settings),
        ]
        return Supervisor(children, on_ready=lambda: on_ready(settings)).run()


def at_port(settings: Settings, port: int) -> Settings:
    """The settings with another port, also in the address when that is the one made up from the port."""
    made_up = config.default_base_url(settings.port)
    base_url = config.default_base_url(port) if settings.base_url == made_up else settings.base_url
    return replace(settings, port=port, base_url=base_url)


def _valkey(settings: Settings, lock: DataLock) -> Child:
    valkey.stop_leftover(settings)
    binary = valkey.find_binary(
        settings.data_dir, warn=lambda sentence: log.warning("valkey", message=sentence)
    )
    log.info("valkey", path=str(binary.path), kind=binary.kind, version=".".join(map(str, binary.version)))
    argv = valkey.prepare(settings, binary)
    # Every child holds the lock: the folder is free only when the last of them is gone.
    return Child("valkey", argv=argv, keep=[lock.handle], ready=lambda: valkey.is_ready(settings))


class _Ready:
    """Asks /readyz, and says now and then why it isn't."""

    def __init__(self, settings: Settings) -> None:
        self._host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
        self._port = settings.port
        self._say_at = time.monotonic() + _PATIENCE

    def __call__(self) -> bool:
        status, body = self._ask()
        if status == 200:
            return True
        if time.monotonic() > self._say_at:
            self._say_at = time.monotonic() + _PATIENCE
            log.warning("not_ready", status=status, problems=body)
        return False

    def _ask(self) -> tuple[int | None, object]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=1.0)
        try:
            connection.request("GET", "/readyz")
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read() or b"null")
        except (TimeoutError, OSError, http.client.HTTPException, ValueError):
            return None, None
        finally:
            connection.close()
