"""What a command works with: settings, database and Redis, beside a running `atbalss up` or without one."""

import functools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import Connection, inspect

from widget_server.contract.settings import Settings, SettingsError
from widget_server.contract.shop import Shop
from widget_server.record import shops
from widget_server.record.db import Database

from . import config, logs, offspring, valkey
from .lock import DataLock, Locked

if TYPE_CHECKING:
    from redis import Redis

_START_SECONDS = 60.0


class HouseError(click.ClickException):
    """The house can't be opened. The message is one sentence."""


@dataclass(frozen=True)
class House:
    """`alone` means that no worker runs on this data folder, so that what goes into the stream stays there."""

    settings: Settings
    database: Database
    redis: "Redis"
    alone: bool = False


def pass_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the settings as its first argument. They are read only now, so `--help` touches nothing."""

    @functools.wraps(command)
    def with_settings(*args: Any, **kwargs: Any) -> Any:
        return command(read_settings(), *args, **kwargs)

    return with_settings


def read_settings() -> Settings:
    """The settings of the running command: its environment and `--data-dir`."""
    root = click.get_current_context().find_root()
    try:
        settings = config.load(os.environ, root.params.get("data_dir"))
    except SettingsError as error:
        raise HouseError(str(error)) from error
    logs.configure(settings.log_level)
    for sentence in config.unknown(os.environ):
        click.echo(f"Warning: {sentence}", err=True)
    return settings


def find_shop(conn: Connection, named: str) -> Shop:
    """The shop with this site key (`pk_...`) or id; raises HouseError when there is none."""
    found = shops.by_site_key(conn, named) or shops.by_id(conn, named)
    if found is None:
        raise HouseError(f"There is no shop {named}; see `atbalss shop list`.")
    return found


@contextmanager
def open_house(settings: Settings, redis: bool = True) -> Iterator[House]:
    """Open what the settings name. On one machine a running `up` is used; without one, Valkey is started for as long as
    the block lasts (unless `redis` is false), and the data folder is locked meanwhile."""
    with ExitStack() as stack:
        alone = redis and config.owns_redis(settings) and stack.enter_context(_own_valkey(settings))
        database = Database(settings.database_url, settings.secret_key)
        stack.callback(database.close)
        _ensure_tables(database)
        client = valkey.connect(settings.redis_url, timeout=5.0)
        stack.callback(client.close)
        yield House(settings, database, client, alone)


@contextmanager
def _own_valkey(settings: Settings) -> Iterator[bool]:
    """Yields whether this process had to start it."""
    lock = _lock_or_wait(settings)
    if lock is None:
        yield False
        return
    with lock:
        valkey.stop_leftover(settings)
        try:
            argv = valkey.prepare(settings, valkey.find_binary(settings.data_dir))
        except valkey.ValkeyError as error:
            raise HouseError(str(error)) from error
        process = offspring.spawn(argv, keep=[lock.handle])
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not valkey.is_ready(settings):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise HouseError(
                        f"Valkey does not start; see {settings.data_dir / 'valkey' / 'valkey.log'}."
                    )
                time.sleep(0.02)
            yield True
        finally:
            process.terminate()
            process.wait()


def _lock_or_wait(settings: Settings) -> DataLock | None:
    """The lock when nobody keeps house; None once the Valkey of the one who does answers."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return DataLock(settings.data_dir).take()
        except Locked as error:
            if valkey.is_ready(settings):
                return None
            if time.monotonic() > deadline:
                raise HouseError(f"{error} Its Valkey does not answer.") from error
        time.sleep(0.05)


def _ensure_tables(database: Database) -> None:
    """A fresh database gets its tables; an older one is only touched by who was asked to (`migrate`, `up`)."""
    if database.is_migrated():
        return
    with database.reading() as conn:
        fresh = not inspect(conn).get_table_names()
    if not fresh:
        raise HouseError("The database's tables are not those of this version; run `atbalss migrate`.")
    database.migrate()
