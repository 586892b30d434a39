"""/healthz, /readyz and /metrics."""

import re
from dataclasses import replace

import redis
from flask.testing import FlaskClient

from tests.servers import ValkeyServer
from tests.web.conftest import World, answer
from widget_server.contract.settings import Settings
from widget_server.intake.stream import STREAM
from widget_server.record import endpoints, setaside
from widget_server.record.db import Database
from widget_server.web.app import create_app, equip


def client_of(settings: Settings, database: Database, url: str) -> FlaskClient:
    return create_app(settings, database, redis.Redis.from_url(url)).test_client()


def test_alive_whatever_is_away(small_world: World) -> None:
    assert small_world.client.get("/healthz").json == {"status": "alive"}


def test_ready_with_a_durable_redis_and_a_migrated_database(
    settings: Settings, database: Database, redis_url: str
) -> None:
    reply = client_of(settings, database, redis_url).get("/readyz")
    assert (reply.status_code, reply.json) == (200, {"status": "ready", "problems": []})
    assert reply.headers["Cache-Control"] == "no-store"


def test_not_ready_without_redis(small_world: World) -> None:
    reply = small_world.client.get("/readyz")
    assert reply.status_code == 503
    assert reply.headers["Retry-After"]
    (problem,) = reply.json["problems"]
    assert set(problem) == {"check", "message", "remedy"}
    assert problem["check"] == "redis"


def test_not_ready_with_a_redis_that_forgets(settings: Settings, sqlite_database: Database) -> None:
    server = ValkeyServer({"appendonly": "no"})
    try:
        client = client_of(settings, sqlite_database, server.url)
        assert [p["check"] for p in client.get("/readyz").json["problems"]] == ["redis-appendonly"]
        trusted = client_of(replace(settings, redis_trusted=True), sqlite_database, server.url)
        assert trusted.get("/readyz").status_code == 503
    finally:
        server.stop()


def test_not_ready_before_the_tables_are_there(settings: Settings, redis_url: str) -> None:
    database = Database(settings.database_url, settings.secret_key)
    reply = client_of(settings, database, redis_url).get("/readyz")
    database.close()
    assert reply.status_code == 503
    assert [p["check"] for p in reply.json["problems"]] == ["database-tables"]


def test_figures(world: World, settings: Settings, redis_client: redis.Redis) -> None:
    with world.database.writing() as conn:
        endpoints.create(conn, world.shop.id, "https://a.example/", ("answer.given",), 1)
        setaside.add(conn, b"{}", "broken", "")
    world.send(answer("order-rating", 5), answer("order-rating", 4))
    settings.spill_dir.mkdir(parents=True)
    (settings.spill_dir / "0.spill").write_bytes(b"x" * 11)
    redis_client.xadd(STREAM, {"e": "{}"})
    app = create_app(settings, world.database, redis_client)
    text = app.test_client().get("/metrics").text
    for line in (
        "atbalss_backlog_events 1.0",
        "atbalss_backlog_taken_events 0.0",
        "atbalss_set_aside_events 1.0",
        'atbalss_outbox_messages{state="due"} 2.0',
        "atbalss_spill_waiting_bytes 11.0",
        'atbalss_up{part="redis"} 1.0',
        'atbalss_up{part="database"} 1.0',
    ):
        assert line in text.splitlines()
    assert world.shop.id not in text


def test_figures_when_redis_is_away(small_world: World) -> None:
    reply = small_world.client.get("/metrics")
    assert reply.status_code == 200
    assert 'atbalss_up{part="redis"} 0.0' in reply.text
    assert "atbalss_backlog_events" not in reply.text
    assert "atbalss_set_aside_events 0.0" in reply.text


def test_an_app_that_works_with_something_else_remembers_nothing(
    small_world: World, settings: Settings, redis_client: "redis.Redis"
) -> None:
    app = create_app(settings, small_world.database, redis.Redis(host="127.0.0.1", port=1, retry=None, socket_timeout=0.1))
    before = dict(app.extensions)
    client = app.test_client()
    assert client.get("/readyz").status_code == 503
    page = client.get("/app/sign-in").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    client.post("/app/sign-in", data={"csrf_token": token[1], "email": "a@b.example", "password": "wrong"})
    assert app.extensions.keys() > before.keys(), "nothing is remembered that could be forgotten"
    equip(app, settings, small_world.database, redis_client)
    assert app.extensions.keys() == before.keys()
    assert client.get("/readyz").status_code == 200
