"""`atbalss deliveries list|replay` as an operator meets it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from integrations import Response
from tests.pipeline.receivers import FakeHttp
from widget_server.act.deliver import Deliverer
from widget_server.record import endpoints, outbox, shops
from widget_server.record.db import Database
from widget_server.record.outbox import OutboxRow
from widget_server.run.cli import group

Run = Callable[..., Result]
KEY = "k" * 32


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> Run:
    for name, value in (("DATABASE_URL", database_url), ("SECRET_KEY", KEY)):
        monkeypatch.setenv(f"ATBALSS_{name}", value)
    return lambda *words: CliRunner().invoke(group(), ["--data-dir", str(tmp_path / "data"), *words])


@pytest.fixture
def store(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, KEY)
    yield opened
    opened.close()


def _failed(database: Database, name: str, says: bytes = b"") -> str:
    """A shop with a delivery that its endpoint wanted no more; returns the site key."""
    with database.writing() as conn:
        shop = shops.create(conn, name, f"{name}.example")
        endpoint, _ = endpoints.create(conn, shop.id, f"https://{name}.example/", ["answer.given"], 1)
        outbox.add(conn, [OutboxRow(shop.id, "a", endpoint.id, "answer.given", "{}")], 1)
    gone = Deliverer(database, FakeHttp(lambda _got, _number: Response(410, body=says)), lambda _conn, _row: None)
    gone.run(30)
    gone.close()
    return shop.site_key


def test_failed_deliveries_are_listed_and_sent_again(run: Run, store: Database) -> None:
    assert run("deliveries", "list").output == "No deliveries.\n"
    first, second = _failed(store, "first"), _failed(store, "second")
    assert "2 deliveries." in run("deliveries", "list", "--state", "dead").output
    [one] = json.loads(run("deliveries", "list", "--shop", first, "--json").output)
    assert (one["state"], one["attempts"], one["next_at"]) == ("dead", 1, None)
    assert [each["status"] for each in one["tries"]] == [410]
    shown = run("deliveries", "list", "--id", one["id"]).output
    assert shown.count("answered 410") == 2

    assert run("deliveries", "replay", "--all-failed", "--shop", second).output == "1 will be sent again.\n"
    assert json.loads(run("deliveries", "replay", "--id", one["id"], "--json").output) == {"replayed": 1, "left_out": []}
    http = FakeHttp()
    sender = Deliverer(store, http, lambda _conn, _row: None)
    assert sender.run(30) == 2
    sender.close()
    assert one["id"] in {got.id for got in http.got}
    assert "done after 1 attempt" in run("deliveries", "list", "--shop", first).output


def test_what_cannot_be_replayed_is_told(run: Run, store: Database) -> None:
    _failed(store, "shop")
    assert run("deliveries", "replay").exit_code == 2
    assert run("deliveries", "replay", "--id", "msg_x", "--all-failed").exit_code == 2
    unknown = run("deliveries", "replay", "--id", "msg_unknown")
    assert unknown.exit_code == 1
    assert "There is no delivery msg_unknown" in unknown.output
    assert "pk_unknown" in run("deliveries", "list", "--shop", "pk_unknown").output


def test_a_coupon_that_failed_for_good_is_left_out_with_the_reason(run: Run, store: Database) -> None:
    with store.writing() as conn:
        shop = shops.create(conn, "Shop", "shop.example").id
        outbox.add(conn, [OutboxRow(shop, "coupon:a:0", "con_1", "coupon.issue", "{}", "IssueCoupon")], 1)
        [row] = outbox.claim(conn, now=1, lease=1, limit=1, by="me")
        outbox.give_up(conn, row, outbox.Attempt(1, 422, "answered 422", 1))
    assert run("deliveries", "replay", row.id).output == run("deliveries", "replay", "--id", row.id).output
    assert run("deliveries", "replay", row.id, "--id", row.id).exit_code == 2
    alone = run("deliveries", "replay", row.id)
    assert alone.exit_code == 1
    assert "given back" in alone.output
    many = run("deliveries", "replay", "--all-failed").output
    assert many == f"0 will be sent again.\n1 left out, because each {outbox.GIVEN_BACK}.\n"


def test_one_delivery_is_shown_with_what_was_sent_and_answered(run: Run, store: Database) -> None:
    _failed(store, "shop", b"no \x1b[2J more\n\xff")
    with store.reading() as conn:
        [one] = outbox.deliveries(conn)
    shown = run("deliveries", "list", "--id", one.id).output
    assert "      POST https://shop.example/\n" in shown
    assert f"      webhook-id: {one.id}\n" in shown
    assert "      no \ufffd[2J more\n" in shown
    assert "\x1b" not in shown
    assert "signature" not in shown


def test_a_range_is_sent_again(run: Run, store: Database) -> None:
    site_key = _failed(store, "shop")
    with store.reading() as conn:
        [one] = outbox.deliveries(conn)

    def again(*words: str) -> str:
        return run("deliveries", "replay", "--shop", site_key, *words).output

    assert again("--from", "2026-01-01T00:00:00Z") == "0 will be sent again.\n"
    assert again("--from", "1970-01-01T00:00:00Z", "--to", "1970-01-01T00:00:00Z") == "0 will be sent again.\n"
    assert again("--from", "1970-01-01T00:00:00Z", "--endpoint", "ep_other") == "0 will be sent again.\n"
    assert again("--from", "1970-01-01T00:00:00Z", "--done") == "0 will be sent again.\n"
    assert again("--from", "1970-01-01T00:00:00Z", "--to", "1971-01-01T00:00:00Z", "--endpoint", one.endpoint) == "1 will be sent again.\n"
    for wrong in (["--from", "yesterday"], ["--all-failed", "--to", "2026-01-01T00:00:00Z"], ["--all-failed", "--done"], ["--all-failed", "--from", "1970-01-01T00:00:00Z"]):
        assert run("deliveries", "replay", *wrong).exit_code == 2
