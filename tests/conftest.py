"""What every test may ask for: real servers, an empty database of each kind, settings in a folder of its own.

Servers start once for each test process and only when a test asks. A database is a copy of one that was migrated once.
What tests write stands in memory where there is room, as they wait for the disk thousands of times otherwise.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from flask import Flask

from tests.servers import PostgresServer, ValkeyServer
from widget_server.contract.settings import Settings
from widget_server.record.db import Database
from widget_server.run.config import load

SECRET_KEY = "tests-only-secret-key-0123456789"
_TEMPLATE = "atbalss_template"
_numbers = count(1)
_MEMORY = Path("/dev/shm")
_ROOM = 8 << 30
_in_memory = pytest.StashKey[Path]()
_free_apps: list[Flask] = []


def pytest_configure(config: pytest.Config) -> None:
    """Temporary files go into memory, unless somebody says where they shall go."""
    # The processes that xdist starts find it in their environment.
    if "TMPDIR" in os.environ or not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _ROOM:
        return
    # Of a run that was killed nothing stays in memory for ever.
    for left in _MEMORY.glob("atbalss-tests-*-*"):
        if not psutil.pid_exists(int(left.name.split("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"atbalss-tests-{os.getpid()}-", dir=_MEMORY))
    # PostgreSQL may run as somebody else.
    folder.chmod(0o711)
    config.stash[_in_memory] = folder
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(_in_memory, None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("ATBALSS_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """The Valkey of this test process. A test that kills or stops it must start a `ValkeyServer` of its own instead."""
    server = ValkeyServer()
    yield server
    server.stop()


@pytest.fixture
def redis_url(valkey: ValkeyServer) -> str:
    """An empty Valkey."""
    with valkey.client() as client:
        client.flushall()
    return valkey.url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL of this test process, with a migrated database to copy."""
    server = PostgresServer()
    server.run(f"CREATE DATABASE {_TEMPLATE}")
    _migrate(server.url(_TEMPLATE))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "atbalss.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """An empty, migrated SQLite file."""
    copy = tmp_path / "atbalss.db"
    shutil.copy(sqlite_template, copy)
    return f"sqlite:///{copy}"


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty, migrated PostgreSQL database."""
    name = f"test_{next(_numbers)}"
    # As files: page by page through the log, as is the default, takes five times as long.
    postgres.run(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY")
    yield postgres.url(name)
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty, migrated database; the test runs once with SQLite and once with PostgreSQL."""
    url = request.getfixturevalue(f"{request.param}_url")
    assert isinstance(url, str)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, SECRET_KEY)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """For tests that the kind of database can't change."""
    opened = Database(sqlite_url, SECRET_KEY)
    yield opened
    opened.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of one machine in a folder of its own; `dataclasses.replace` what a test needs otherwise."""
    return load({"ATBALSS_SECRET_KEY": SECRET_KEY}, tmp_path / "data")


@pytest.fixture
def lend_app() -> Iterator[Callable[..., Flask]]:
    """Gives an app as `create_app` does: nobody else's until the test is over, but one that others had before. To make its
    routes and templates anew takes longer than most tests."""
    from widget_server.web.app import create_app, equip

    lent: list[tuple[Flask, dict[str, Any]]] = []

    def lend(settings: Settings, database: Database, client: Any, **more: Any) -> Flask:
        app = _free_apps.pop() if _free_apps else create_app(settings, database, client)
        equip(app, settings, database, client, **more)
        lent.append((app, dict(app.config)))
        return app

    yield lend
    # One whose settings a test has changed is not lent again.
    _free_apps.extend(app for app, config in lent if app.config == config)


def _migrate(url: str) -> None:
    database = Database(url, SECRET_KEY)
    database.migrate()
    database.close()
