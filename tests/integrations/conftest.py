"""A shop with a connection to each platform that sends us requests, and the samples that each of them brings."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import integrations
from integrations import Inbound, Receiving
from widget_server.contract.platforms import platforms
from widget_server.contract.settings import Settings
from widget_server.record import connections, eventlog, shops
from widget_server.record.db import Database
from widget_server.web.app import create_app

NOW = 1_795_281_000_000
PLATFORMS = sorted(name for name, made in platforms().items() if isinstance(made, Receiving))


@dataclass(frozen=True)
class Sample:
    """A request as a platform sends it. `kind`: event, ignored (a topic that we don't know), refused (signed, and can't
    be understood) or ping; `signed_by` are the headers that hold the signature."""

    platform: str
    name: str
    kind: str
    request: Inbound
    signed_by: tuple[str, ...]
    events: list[dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.platform}-{self.name}"


def sample_settings(platform: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((_samples(platform) / "settings.json").read_text("utf-8"))
    return found


def samples(*kinds: str) -> list[Sample]:
    found = [
        _sample(platform, path)
        for platform in PLATFORMS
        for path in sorted(_samples(platform).glob("*.json"))
        if path.name != "settings.json"
    ]
    return [sample for sample in found if not kinds or sample.kind in kinds]


def _samples(platform: str) -> Path:
    return Path(integrations.__file__).parent / platform / "samples"


def _sample(platform: str, path: Path) -> Sample:
    raw = json.loads(path.read_text("utf-8"))
    body = base64.b64decode(raw["body_b64"]) if "body_b64" in raw else raw["body"].encode()
    request = Inbound(raw["headers"], body, raw["received"])
    return Sample(platform, path.stem, raw["kind"], request, tuple(raw["signed_by"]), raw["events"])


@dataclass
class Hooked:
    """A server with a shop that is connected to every platform, with the settings of the samples."""

    app: Flask
    database: Database
    shop: str
    connections: dict[str, str]
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def path(self, platform: str) -> str:
        return f"/v1/hooks/{platform}/{self.connections[platform]}"

    def send(self, platform: str, headers: Mapping[str, str], body: bytes, path: str = "") -> TestResponse:
        return self.client.post(path or self.path(platform), data=body, headers=dict(headers))

    def sample(self, sample: Sample) -> TestResponse:
        return self.send(sample.platform, sample.request.headers, sample.request.body)

    def events(self) -> list[dict[str, Any]]:
        """What is in the log."""
        with self.database.reading() as conn:
            return list(eventlog.of_shop(conn, self.shop))


@pytest.fixture
def hooked(database: Database, settings: Settings, lend_app: Callable[..., Flask]) -> Hooked:
    return make_hooked(database, settings, lend_app)


@pytest.fixture
def small_hooked(sqlite_database: Database, settings: Settings, lend_app: Callable[..., Flask]) -> Hooked:
    """On SQLite only, for what the kind of database can't change."""
    return make_hooked(sqlite_database, settings, lend_app)


def make_hooked(
    database: Database, settings: Settings, app: Callable[..., Flask] = create_app, **secrets: str
) -> Hooked:
    with database.writing() as conn:
        shop = shops.create(conn, "Shop", "shop.example", "Europe/Riga").id
        made = {
            name: connections.create(conn, shop, name, name, {**sample_settings(name), **secrets}, NOW).id for name in PLATFORMS
        }
    away = redis.Redis(host="127.0.0.1", port=1, retry=None, socket_timeout=0.1)
    return Hooked(app(settings, database, away), database, shop, made)
