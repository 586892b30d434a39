"""The intake, from a browser's request to the stream's disk, on a real web process and a real Valkey."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.pipeline.shopfront import Load, Reply, Shopfront, event, make_shop, shopfront, stored, stored_ids
from tests.servers import PostgresServer, ValkeyServer, wait_for
from widget_server.intake.stream import STREAM


@pytest.fixture
def own_valkey() -> Iterator[ValkeyServer]:
    """A Valkey that the test may kill."""
    server = ValkeyServer()
    yield server
    server.stop()


def test_an_accepted_event_is_in_the_stream_as_an_envelope(front: Shopfront, redis_client: "redis.Redis") -> None:
    sent = event(order_token=front.token("A-17", line="1"), text="Labi", page={"url": "https://shop.example/", "lang": "lv"})
    reply = front.send(sent, content_type="text/plain;charset=UTF-8", origin="https://www.shop.example")
    assert (reply.status, reply.json) == (202, {"accepted": 1, "rejected": []})
    assert "x-atbalss-reason" not in reply.headers
    (envelope,) = stored(redis_client, front.shop)
    assert (envelope["shop"], envelope["source"]) == (front.shop.id, "browser")
    assert envelope["event"]["order"] == {"ref": "A-17", "line": "1", "sku": []}
    assert envelope["event"]["text"] == "Labi"
    assert abs(envelope["event"]["at"] - envelope["received"]) < 5 * 60_000


def test_a_bad_event_is_named_and_the_good_one_stored(front: Shopfront, redis_client: "redis.Redis") -> None:
    good = event()
    reply = front.send(good, event(value=9))
    assert reply.status == 202
    assert reply.json["accepted"] == 1
    assert [(r["index"], list(r["errors"])) for r in reply.json["rejected"]] == [(1, ["value"])]
    assert "events.1.value" in reply.headers["x-atbalss-reason"]
    assert stored_ids(redis_client, front.shop) == {good["id"]}


def test_what_was_acknowledged_survives_a_killed_valkey(
    tmp_path: Path, sqlite_url: str, own_valkey: ValkeyServer
) -> None:
    with shopfront(tmp_path / "data", sqlite_url, own_valkey.url) as front:
        with Load(front) as load:
            load.wait_for(100)
            own_valkey.kill()
            load.wait_for(100)
            own_valkey.start()
            load.wait_for(100)
        assert load.statuses() == {202}
        assert load.failures == []
        with own_valkey.client() as client:
            wait_for(lambda: load.acknowledged <= stored_ids(client, front.shop), "acknowledged events are missing")


def test_nobody_waits_for_a_stopped_valkey(tmp_path: Path, sqlite_url: str, own_valkey: ValkeyServer) -> None:
    # Its time-out is longer than what the clients wait, so whoever waited for it would fail.
    with shopfront(tmp_path / "data", sqlite_url, own_valkey.url, redis_timeout="10") as front:
        with Load(front, clients=8) as load:
            load.wait_for(100)
            assert own_valkey.process is not None
            own_valkey.process.send_signal(signal.SIGSTOP)
            try:
                load.wait_for(400)
            finally:
                own_valkey.process.send_signal(signal.SIGCONT)
            load.wait_for(100)
        assert load.failures == []
        assert load.statuses() == {202}
        assert front.metric("atbalss_intake_spilled_total") >= 300
        with own_valkey.client() as client:
            wait_for(lambda: load.acknowledged <= stored_ids(client, front.shop), "acknowledged events are missing")
        wait_for(lambda: front.metric("atbalss_spill_waiting_bytes") == 0, "the spill is not emptied")


def test_a_stopped_valkey_is_found_again(tmp_path: Path, sqlite_url: str, own_valkey: ValkeyServer) -> None:
    with shopfront(tmp_path / "data", sqlite_url, own_valkey.url, redis_timeout="0.2") as front:
        assert own_valkey.process is not None
        assert front.send(event()).status == 202
        own_valkey.process.send_signal(signal.SIGSTOP)
        try:
            assert {front.send(event()).status for _ in range(3)} == {202}
            wait_for(lambda: front.metric("atbalss_intake_redis_away") == 1, "the breaker does not open")
            assert front.send(event()).status == 202
        finally:
            own_valkey.process.send_signal(signal.SIGCONT)
        wait_for(lambda: front.metric("atbalss_intake_redis_away") == 0, "the breaker does not close")
        last = event()
        assert front.send(last).status == 202
        with own_valkey.client() as client:
            assert last["id"] in stored_ids(client, front.shop)
            wait_for(lambda: len(stored_ids(client, front.shop)) == 6, "spilled events are missing")


def test_a_full_spill_is_503_and_nothing_acknowledged_is_lost(
    tmp_path: Path, sqlite_url: str, own_valkey: ValkeyServer
) -> None:
    with shopfront(tmp_path / "data", sqlite_url, own_valkey.url, spill_limit="20k") as front:
        own_valkey.kill()
        with Load(front) as load:
            load.wait_for(20, lambda reply: reply.status == 503)
        full = next(reply for reply in load.replies if reply.status == 503)
        assert int(full.headers["retry-after"]) >= 1
        assert full.json["code"] == "spill_full"
        assert full.headers["access-control-allow-origin"] == "*"
        assert load.statuses() == {202, 503}
        own_valkey.start()
        with own_valkey.client() as client:
            wait_for(lambda: load.acknowledged <= stored_ids(client, front.shop), "acknowledged events are missing")
            assert len(load.acknowledged) > 20
        assert front.send(event()).status == 202


def test_a_restarted_web_process_brings_what_the_dead_one_spilled(
    tmp_path: Path, sqlite_url: str, own_valkey: ValkeyServer
) -> None:
    with shopfront(tmp_path / "data", sqlite_url, own_valkey.url) as front:
        own_valkey.kill()
        sent = [event() for _ in range(20)]
        assert {front.send(each).status for each in sent} == {202}
        front.live.server._process.kill()
        shop = front.shop
    own_valkey.start()
    with shopfront(tmp_path / "data", sqlite_url, own_valkey.url, shop) as front, own_valkey.client() as client:
        wait_for(lambda: stored_ids(client, front.shop) == {each["id"] for each in sent}, "spilled events are missing")


@pytest.mark.parametrize("setting", [{"maxmemory": "1"}, {"min-replicas-to-write": "1"}])
def test_a_valkey_that_refuses_writes_is_away(
    tmp_path: Path, sqlite_url: str, own_valkey: ValkeyServer, setting: dict[str, str]
) -> None:
    """Full (OOM), or without the replicas it was told to have (NOREPLICAS): reads work, writes don't."""
    with shopfront(tmp_path / "data", sqlite_url, own_valkey.url) as front, own_valkey.client() as client:
        before, during = event(), [event() for _ in range(5)]
        assert front.send(before).status == 202
        normal = {name: client.config_get(name)[name] for name in setting}  # type: ignore[index]
        client.config_set(*setting.popitem())
        assert {front.send(each).status for each in during} == {202}
        assert stored_ids(client, front.shop) == {before["id"]}
        assert front.metric("atbalss_intake_redis_away") == 1
        for name, value in normal.items():
            client.config_set(name, value)
        wait_for(lambda: len(stored_ids(client, front.shop)) == 6, "spilled events are missing")


def test_a_backlog_is_503_until_it_shrinks(tmp_path: Path, sqlite_url: str, redis_url: str, redis_client: "redis.Redis") -> None:
    with shopfront(tmp_path / "data", sqlite_url, redis_url, stream_limit="100") as front:
        for _ in range(2):
            assert front.send(*(event() for _ in range(50))).status == 202
        reply = front.send(event())
        assert (reply.status, reply.json["code"]) == (503, "backlog")
        assert int(reply.headers["retry-after"]) >= 1
        assert redis_client.xlen(STREAM) == 100
        redis_client.delete(STREAM)
        wait_for(lambda: front.send(event()).status == 202, "it stays refused")


def test_with_everysec_an_acknowledgement_waits_for_the_disk(tmp_path: Path, sqlite_url: str) -> None:
    server = ValkeyServer({"appendfsync": "everysec"})
    try:
        with shopfront(tmp_path / "data", sqlite_url, server.url) as front, server.client() as client:
            with Load(front, clients=8) as load:
                load.wait_for(24)
            assert load.statuses() == {202}
            wait_for(lambda: load.acknowledged <= stored_ids(client, front.shop), "acknowledged events are missing")
            assert front.metric("atbalss_intake_appended_total") > 0
            assert client.info("commandstats")["cmdstat_waitaof"]["calls"] >= 1  # type: ignore[index]
    finally:
        server.stop()


def test_two_processes_share_a_networks_limit(tmp_path: Path, sqlite_url: str, redis_url: str) -> None:
    shop = make_shop(sqlite_url)
    with (
        shopfront(tmp_path / "one", sqlite_url, redis_url, shop, network_rate="40") as one,
        shopfront(tmp_path / "two", sqlite_url, redis_url, shop, network_rate="40") as two,
    ):
        replies: list[Reply] = []
        for _ in range(60):
            replies += [one.send(event()), two.send(event())]
        accepted = [reply for reply in replies if reply.status == 202]
        # A process learns with its next append, and a minute may end in between.
        assert 40 <= len(accepted) <= 84
        refused = replies[-1] if replies[-1].status == 429 else next(r for r in replies if r.status == 429)
        assert refused.json["code"] == "network_rate"
        assert 1 <= int(refused.headers["retry-after"]) <= 70
        assert refused.headers["access-control-allow-origin"] == "*"


def test_no_address_is_stored(tmp_path: Path, sqlite_url: str, redis_url: str, valkey: ValkeyServer) -> None:
    with shopfront(tmp_path / "data", sqlite_url, redis_url, proxies="1") as front:
        assert front.send(event(), x_forwarded_for="198.51.100.77").status == 202
        assert front.call("GET", f"{front.path}/ask", x_forwarded_for="198.51.100.77").status == 200
    files = [path for path in (*valkey.folder.rglob("*"), *tmp_path.rglob("*")) if path.is_file()]
    everything = b"".join(path.read_bytes() for path in files)
    assert b"answer.given" in everything
    assert b"198.51.100" not in everything


def test_a_shop_that_is_too_busy_is_429_and_what_was_acknowledged_is_there(
    tmp_path: Path, sqlite_url: str, redis_url: str, redis_client: "redis.Redis"
) -> None:
    with shopfront(tmp_path / "data", sqlite_url, redis_url, shop_rate="10") as front:
        # The last of three is no event, so that only what is accepted is seen to count.
        sends = [(event(), event(), event(value=9)) for _ in range(14)]
        replies = [front.send(*sent) for sent in sends]
        refused = next(reply for reply in replies if reply.status == 429)
        assert refused.json["code"] == "shop_rate"
        assert 1 <= int(refused.headers["retry-after"]) <= 70
        assert refused.headers["access-control-allow-origin"] == "*"
        # Ten a minute, in two minutes at most.
        accepted = [sent for sent, reply in zip(sends, replies, strict=True) if reply.status == 202]
        assert 5 <= len(accepted) <= 10
        assert stored_ids(redis_client, front.shop) == {one["id"] for sent in accepted for one in sent[:2]}


def test_suspects_are_accepted_and_marked(
    tmp_path: Path, sqlite_url: str, redis_url: str, redis_client: "redis.Redis"
) -> None:
    robot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    with shopfront(tmp_path / "data", sqlite_url, redis_url, burst="5", proxies="1") as front:
        sent = [event() for _ in range(12)]
        proven = event(order_token=front.token("A-9"))
        crawled, elsewhere = event(), event()
        for one in (*sent, proven):
            assert front.send(one, x_forwarded_for="198.51.100.7").status == 202
        inside = [event() for _ in range(12)]  # a proxy that nobody has told us of
        for one in inside:
            assert front.send(one, x_forwarded_for="10.0.0.1").status == 202
        assert front.send(elsewhere, x_forwarded_for="203.0.113.5").status == 202
        assert front.send(crawled, user_agent=robot, x_forwarded_for="203.0.113.5").status == 202
        marks = {e["event"]["id"]: e["event"].get("marks") for e in stored(redis_client, front.shop)}
    assert [marks[one["id"]] for one in sent[:5]] == [None] * 5
    # Ten minutes may have ended in between.
    assert sum(marks[one["id"]] == ["burst"] for one in sent[5:]) >= 2
    assert marks[proven["id"]] is marks[elsewhere["id"]] is None
    assert {marks[one["id"]] for one in inside} == {None}
    assert marks[crawled["id"]] == ["bot"]


def test_half_sent_bodies_hold_nobody_up(front: Shopfront) -> None:
    host, port = front.netloc.split(":")
    half = f"POST {front.path}/answers HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n".encode() + b'{"events":'
    sockets = [socket.create_connection((host, int(port))) for _ in range(600)]
    try:
        for each in sockets:
            each.sendall(half)
        with Load(front, clients=8) as load:
            load.wait_for(500)
        assert load.failures == []
        assert load.statuses() == {202}
        assert front.call("GET", "/healthz").status == 200
    finally:
        for each in sockets:
            each.close()


def test_half_sent_bodies_of_other_routes_hold_nobody_up(front: Shopfront) -> None:
    host, port = front.netloc.split(":")
    half = b"POST /v1/endpoints HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{"
    sockets = [socket.create_connection((host, int(port))) for _ in range(100)]
    try:
        for each in sockets:
            each.sendall(half)
        assert {front.call("GET", "/healthz").status for _ in range(20)} == {200}
    finally:
        for each in sockets:
            each.close()


def test_a_database_that_is_away_stops_no_known_shop(tmp_path: Path, redis_url: str) -> None:
    server = PostgresServer()
    try:
        server.run("CREATE DATABASE atbalss")
        url = server.url("atbalss")
        _migrate(url)
        shop = make_shop(url)
        with shopfront(tmp_path / "data", url, redis_url, shop) as front:
            assert front.send(event()).status == 202
            server.kill()
            assert {front.send(event()).status for _ in range(5)} == {202}
            assert front.call("GET", f"{front.path}/ask").status == 200
            stranger = front.call("POST", "/v1/shops/pk_never-seen/answers", b'{"events":[]}')
            assert (stranger.status, stranger.json["code"]) == (503, "database_away")
            assert "retry-after" in stranger.headers
            asked = front.call("POST", f"{front.path}/asked", front.token())
            assert (asked.status, asked.json["code"]) == (503, "database_away")
    finally:
        server.stop()


def _migrate(url: str) -> None:
    from tests.conftest import SECRET_KEY
    from widget_server.record.db import Database

    database = Database(url, SECRET_KEY)
    database.migrate()
    database.close()


def test_sigterm_loses_nothing(tmp_path: Path, sqlite_url: str, redis_url: str, redis_client: "redis.Redis") -> None:
    with shopfront(tmp_path / "data", sqlite_url, redis_url) as front, Load(front) as load:
        load.wait_for(100)
        os.kill(front.live.server._process.pid, signal.SIGTERM)
        front.live.server._process.wait(20)
    assert load.acknowledged <= stored_ids(redis_client, front.shop)
    assert len(load.acknowledged) >= 100
