"""The commands that look after the record: setaside, verify, counters."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner, Result

from tests.pipeline.envelopes import envelope, event
from widget_server.act.consume import Consumer
from widget_server.act.pipeline import process
from widget_server.record import shops
from widget_server.record.db import Database, sealer
from widget_server.run.cli import group

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str, redis_url: str) -> Run:
    for name, value in (("DATABASE_URL", sqlite_url), ("REDIS_URL", redis_url), ("SECRET_KEY", "k" * 32)):
        monkeypatch.setenv(f"ATBALSS_{name}", value)
    return lambda *words: CliRunner().invoke(group(), ["--data-dir", str(tmp_path / "data"), *words])


def test_what_failed_alone_is_listed_and_counted_after_its_replay(
    run: Run, sqlite_url: str, redis_client: "redis.Redis"
) -> None:
    database = Database(sqlite_url, "k" * 32)
    body = envelope("shop_later", event("answer.given", question="order-rating", value=5))
    redis_client.xadd("atbalss:intake", {b"e": body})
    Consumer(redis_client, database).drain()
    (listed,) = json.loads(run("setaside", "list", "--json").output)
    assert "shop_later" in listed["error"] and "Traceback" in listed["traceback"]
    assert run("setaside", "replay", "aside_no").exit_code == 1

    assert run("setaside", "replay", listed["id"]).exit_code == 0
    Consumer(redis_client, database).drain()
    assert "1 set aside" in run("setaside", "list").output, "it fails again, and is kept again"

    with database.writing() as conn:
        made = shops.create(conn, "Later", "later.example")
        sealed = sealer(conn).seal(made.order_token_secret, "shops/order_token_secret/shop_later")
        conn.exec_driver_sql("UPDATE shops SET id = 'shop_later', order_token_secret = ?", (sealed,))
        conn.exec_driver_sql("UPDATE question_versions SET shop = 'shop_later'")
    assert run("setaside", "replay", "--all").exit_code == 0
    Consumer(redis_client, database).drain()
    assert run("setaside", "list").output == "Nothing is set aside.\n"
    assert run("verify").output == "No difference.\n"
    database.close()


def test_verify_exits_with_1_and_names_the_row_and_a_rebuild_mends_it(run: Run, sqlite_url: str) -> None:
    database = Database(sqlite_url, "k" * 32)
    with database.writing() as conn:
        shop = shops.create(conn, "T", "t.example").id
    process(database, [envelope(shop, event("search.performed", search={"query": "Lampa", "results": 0}))])
    with database.writing() as conn:
        conn.exec_driver_sql("UPDATE counters SET n = 2 WHERE period = 'all' AND dimension = 'query'")
    database.close()
    found = run("verify")
    assert found.exit_code == 1
    assert "counter searches of searches, unverified, query lampa, bucket zero, all time: stored 2, counted 1" in found.output
    assert json.loads(run("verify", "--json").output)["differences"][0]["stored"] == 2
    assert run("counters", "rebuild", "--shop", shop, "--time-zone", "Europe/Riga").exit_code == 0
    assert run("verify").exit_code == 0
    assert run("counters", "rebuild", "--shop", shop, "--time-zone", "Riga").exit_code == 2
    assert run("counters", "rebuild", "--shop", "nobody").exit_code == 1
