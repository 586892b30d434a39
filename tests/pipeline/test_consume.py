"""The consumer on a real Valkey: what is in the stream is counted once, whoever dies, stalls or is away meanwhile."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from sqlalchemy import create_engine, text
from structlog.testing import capture_logs

from tests import oracle
from tests.pipeline import consumer as other_process
from tests.pipeline.envelopes import NOW, envelope, event
from tests.servers import wait_for
from widget_server.act import consume
from widget_server.act.consume import Consumer
from widget_server.act.pipeline import Outcome, process
from widget_server.act.verify import verify
from widget_server.intake.stream import FIELD, GROUP, STREAM
from widget_server.record import setaside, shops
from widget_server.record.db import Database


@pytest.fixture
def shop(database: Database) -> str:
    with database.writing() as conn:
        return shops.create(conn, "Tests", "shop.example").id


@pytest.fixture
def sqlite_shop(sqlite_database: Database) -> str:
    with sqlite_database.writing() as conn:
        return shops.create(conn, "Tests", "shop.example").id


def ratings(number: int) -> list[dict[str, Any]]:
    return [event("answer.given", NOW + n, question="order-rating", value=n % 5 + 1) for n in range(number)]


def send(client: redis.Redis, shop: str, events: Sequence[dict[str, Any]]) -> None:
    with client.pipeline(transaction=False) as pipe:
        for one in events:
            pipe.xadd(STREAM, {FIELD: envelope(shop, one)})
        pipe.execute()


@contextmanager
def working(*consumers: Consumer) -> Iterator[threading.Event]:
    """The consumers run in threads of their own until the block ends, and must have ended well then."""
    stop, raised = threading.Event(), []

    def run(consumer: Consumer) -> None:
        try:
            consumer.run(stop)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(one,), name=one.name) for one in consumers]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    assert not raised
    assert not any(thread.is_alive() for thread in threads)


def waiting(client: redis.Redis) -> int:
    return int(client.xlen(STREAM))


def in_hand(client: redis.Redis) -> dict[str, int]:
    """How many entries each consumer has in hand."""
    found: Any = client.xpending(STREAM, GROUP)
    return {one["name"].decode(): one["pending"] for one in found["consumers"]}


def check(client: redis.Redis, database: Database, shop: str, events: Sequence[dict[str, Any]]) -> None:
    """Nothing waits, and exactly `events` are in the log and in the counters."""
    assert waiting(client) == 0
    assert in_hand(client) == {}
    with database.reading() as conn:

        def run(sql: str) -> list[Any]:
            return [tuple(row) for row in conn.execute(text(sql))]

        assert sorted(run(f"SELECT id FROM events WHERE shop = '{shop}'")) == sorted({(one["id"],) for one in events})
        assert oracle.stored_counters(run, shop) == oracle.recount(events).counters
    assert list(verify(database, shop)) == []


def test_batches_are_applied_acknowledged_and_deleted(redis_client: redis.Redis, database: Database, shop: str) -> None:
    events = ratings(230)
    send(redis_client, shop, events + events[:40])
    with working(Consumer(redis_client, database, batch=100)):
        wait_for(lambda: waiting(redis_client) == 0, "entries remain")
    check(redis_client, database, shop, events)


def test_a_consumer_that_leaves_takes_its_name_along(redis_client: redis.Redis, sqlite_database: Database, sqlite_shop: str) -> None:
    events = ratings(5)
    for one in events:
        send(redis_client, sqlite_shop, [one])
        with working(Consumer(redis_client, sqlite_database)):
            wait_for(lambda: waiting(redis_client) == 0, "entries remain")
    assert redis_client.xinfo_consumers(STREAM, GROUP) == []
    assert redis_client.keys("atbalss:consumer:*") == []
    check(redis_client, sqlite_database, sqlite_shop, events)


def test_what_a_killed_consumer_had_in_hand_is_taken_over(
    redis_client: redis.Redis, redis_url: str, sqlite_database: Database, sqlite_url: str, sqlite_shop: str
) -> None:
    events = ratings(100)
    locked = create_engine(sqlite_url, connect_args={"isolation_level": None})
    send(redis_client, sqlite_shop, events[:60])
    with locked.connect() as conn:
        # The killed one is in the middle of its batch: its transaction waits for this lock.
        conn.exec_driver_sql("BEGIN IMMEDIATE")
        dies = other_process.start(redis_url, sqlite_url, batch=50)
        wait_for(lambda: sum(in_hand(redis_client).values()) == 50, "nobody reads", dies)
        dies.kill()
        dies.wait()
        conn.exec_driver_sql("ROLLBACK")
    locked.dispose()
    send(redis_client, sqlite_shop, events[60:])
    # Two look for dead ones at the same time; what one takes the other leaves alone.
    living = Consumer(redis_client, sqlite_database, batch=20), Consumer(redis_client, sqlite_database, batch=20)
    with capture_logs() as logs, working(*living):
        wait_for(lambda: waiting(redis_client) == 0, "not taken over", seconds=10)
        wait_for(lambda: len(redis_client.xinfo_consumers(STREAM, GROUP)) == 2, "the dead one's name stays")
    assert sum(line["entries"] for line in logs if line["event"] == "took_over") == 50
    check(redis_client, sqlite_database, sqlite_shop, events)


def test_entries_that_are_deleted_while_pending_are_let_go(
    redis_client: redis.Redis, sqlite_database: Database, sqlite_shop: str
) -> None:
    events = ratings(10)
    send(redis_client, sqlite_shop, events)
    redis_client.xgroup_create(STREAM, GROUP, id="0")
    for name in ("dead", "dead too"):
        redis_client.xreadgroup(GROUP, name, {STREAM: ">"}, count=5)
    names = [name for name, _ in redis_client.xrange(STREAM)]
    redis_client.xdel(STREAM, *names[:5], names[7])
    with working(Consumer(redis_client, sqlite_database)):
        wait_for(lambda: in_hand(redis_client) == {}, "entries pend for ever", seconds=10)
        wait_for(lambda: len(redis_client.xinfo_consumers(STREAM, GROUP)) == 1, "the dead ones' names stay")
    check(redis_client, sqlite_database, sqlite_shop, [*events[5:7], *events[8:]])


def test_a_slow_consumer_keeps_what_it_has_in_hand(
    redis_client: redis.Redis, sqlite_database: Database, sqlite_shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = ratings(60)
    slow, quick = Consumer(redis_client, sqlite_database, batch=20), Consumer(redis_client, sqlite_database, batch=20)
    holding, let_go = threading.Event(), threading.Event()

    def sometimes_slow(database: Database, bodies: Sequence[bytes]) -> Outcome:
        if threading.current_thread().name == slow.name:
            holding.set()
            let_go.wait(30)
        return process(database, bodies)

    monkeypatch.setattr(consume, "process", sometimes_slow)
    send(redis_client, sqlite_shop, events[:20])
    with capture_logs() as logs, working(slow) as stop:
        assert holding.wait(10)
        # Asked to stop, it still finishes its batch, and nobody takes that away meanwhile.
        stop.set()
        with working(quick):
            send(redis_client, sqlite_shop, events[20:])
            wait_for(lambda: waiting(redis_client) == 20, "the quick one does nothing")
            time.sleep(4)  # longer than a dead one's entries would have to wait
            assert in_hand(redis_client) == {slow.name: 20}
            let_go.set()
            wait_for(lambda: waiting(redis_client) == 0, "entries remain")
    assert [line for line in logs if line["event"] == "took_over"] == []
    check(redis_client, sqlite_database, sqlite_shop, events)


def bad_envelopes(shop: str) -> list[bytes]:
    """Each fails in another place of the pipeline."""
    return [
        b"\x00\xff not JSON at all",
        b"",
        b'{"shop": "%s"}' % shop.encode(),
        envelope(shop, event("answer.given", question="order-rating", value=5, at=123)).replace(b"123", b"9" * 400),
        envelope(shop, event("answer.given", question="order-rating", value=5, at=2**62)),
        envelope(shop, event("search.performed")),
        envelope(shop, event("answer.given", value=5)),
        envelope("shop_of_nobody", event("answer.given", question="order-rating", value=5)),
        envelope(shop, event("order.placed", order={"lines": 7})),
    ]


def test_a_bad_event_is_set_aside_alone(redis_client: redis.Redis, database: Database, shop: str) -> None:
    events = ratings(120)
    bad = bad_envelopes(shop)
    bodies = [envelope(shop, one) for one in events]
    for n, one in enumerate(bad):
        bodies.insert(n * 13, one)
    for body in bodies:
        redis_client.xadd(STREAM, {FIELD: body})
    with working(Consumer(redis_client, database)):
        wait_for(lambda: waiting(redis_client) == 0, "entries remain")
    with database.reading() as conn:
        aside = setaside.every(conn)
    assert len(aside) == len(bad)
    assert {one.envelope for one in aside} >= {body for body in bad if body.isascii() and b"\x00" not in body}
    assert all("Traceback" in one.traceback and one.error for one in aside)
    check(redis_client, database, shop, events)


def test_long_queries_in_wide_scripts_are_counted(redis_client: redis.Redis, database: Database, shop: str) -> None:
    """500 characters may be 2,000 bytes, and evened out even more: too much for an index as they are."""
    odd = ["\ufdfa" * 500, "".join(chr(0x1F300 + n) for n in range(500)), "a" * 500]
    events = [event("search.performed", search={"query": query, "results": 0}) for query in odd]
    send(redis_client, shop, events)
    with working(Consumer(redis_client, database)):
        wait_for(lambda: waiting(redis_client) == 0, "entries remain")
    with database.reading() as conn:
        assert setaside.every(conn) == []
    assert list(verify(database)) == []


def test_a_locked_database_is_waited_for(
    redis_client: redis.Redis, sqlite_database: Database, sqlite_url: str, sqlite_shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = Database(sqlite_url, other_process.SECRET_KEY)
    with impatient.writing() as conn:
        conn.exec_driver_sql("PRAGMA busy_timeout=50")  # the pool hands out this connection again
    events = ratings(30)
    send(redis_client, sqlite_shop, events)
    with capture_logs() as logs, working(Consumer(redis_client, impatient)):
        with sqlite_database.writing():
            wait_for(lambda: len([line for line in logs if line["event"] == "database_away"]) > 3, "it does not try again")
            assert waiting(redis_client) == 30
        wait_for(lambda: waiting(redis_client) == 0, "entries remain")
    impatient.close()
    with sqlite_database.reading() as conn:
        assert setaside.count(conn) == 0
    check(redis_client, sqlite_database, sqlite_shop, events)


def test_a_stop_while_the_database_is_away_leaves_the_batch_to_the_next_one(
    redis_client: redis.Redis, sqlite_database: Database, sqlite_url: str, sqlite_shop: str
) -> None:
    impatient = Database(sqlite_url, other_process.SECRET_KEY)
    with impatient.writing() as conn:
        conn.exec_driver_sql("PRAGMA busy_timeout=50")
    events = ratings(30)
    # One of them can't be set aside either, as long as the database is away.
    redis_client.xadd(STREAM, {FIELD: b"no envelope"})
    send(redis_client, sqlite_shop, events)
    with sqlite_database.writing(), capture_logs() as logs, working(Consumer(redis_client, impatient)):
        wait_for(lambda: any(line["event"] == "database_away" for line in logs), "it does not try")
    assert waiting(redis_client) == 31
    with working(Consumer(redis_client, sqlite_database)):
        wait_for(lambda: waiting(redis_client) == 0, "entries remain", seconds=10)
    impatient.close()
    with sqlite_database.reading() as conn:
        assert [one.envelope for one in setaside.every(conn)] == [b"no envelope"]
    check(redis_client, sqlite_database, sqlite_shop, events)


@pytest.mark.postgres
def test_cut_connections_to_postgres_are_made_anew(redis_client: redis.Redis, postgres_url: str) -> None:
    database = Database(postgres_url, other_process.SECRET_KEY)
    with database.writing() as conn:
        shop = shops.create(conn, "Tests", "shop.example").id
    cutter = create_engine(database.url, isolation_level="AUTOCOMMIT")
    events = ratings(400)
    with cutter.connect() as conn, working(Consumer(redis_client, database, batch=10), Consumer(redis_client, database, batch=10)):
        cut = text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'atbalss'")
        for n in range(0, 400, 40):
            send(redis_client, shop, events[n : n + 40])
            conn.execute(cut)
        wait_for(lambda: waiting(redis_client) == 0, "entries remain")
    cutter.dispose()
    with database.reading() as conn:
        assert setaside.count(conn) == 0
    check(redis_client, database, shop, events)
    database.close()


class LosesReplies(redis.Redis):
    """Every third reply to a read of new entries, and every third acknowledgement's, gets lost on its way back."""

    count = 0

    def _lose(self) -> None:
        self.count += 1
        if self.count % 3 == 0:
            raise redis.ConnectionError("the reply was lost")

    def xreadgroup(self, *args: Any, **kwargs: Any) -> Any:
        found = super().xreadgroup(*args, **kwargs)
        if found:
            self._lose()
        return found

    def pipeline(self, *args: Any, **kwargs: Any) -> Any:
        pipe = super().pipeline(*args, **kwargs)
        execute = pipe.execute

        def losing(*args: Any, **kwargs: Any) -> Any:
            found = execute(*args, **kwargs)
            self._lose()
            return found

        pipe.execute = losing
        return pipe


def test_entries_whose_delivery_was_lost_are_worked_all_the_same(
    redis_client: redis.Redis, redis_url: str, sqlite_database: Database, sqlite_shop: str
) -> None:
    events = ratings(100)
    send(redis_client, sqlite_shop, events)
    with LosesReplies.from_url(redis_url) as losing, working(Consumer(losing, sqlite_database, batch=10)):
        wait_for(lambda: waiting(redis_client) == 0, "entries remain")
        assert losing.count > 10
    check(redis_client, sqlite_database, sqlite_shop, events)


def test_a_crash_at_any_point_changes_nothing(
    redis_client: redis.Redis, redis_url: str, sqlite_database: Database, sqlite_url: str, sqlite_shop: str
) -> None:
    """Before the batch, in its transaction after the log, at its end, after the commit, after the acknowledgement."""
    events = ratings(40)
    send(redis_client, sqlite_shop, events)
    crashing = [other_process.start(redis_url, sqlite_url, crash_at=point, batch=8) for point in range(1, 6)]
    assert [one.wait(30) for one in crashing] == [137] * 5
    # Each had one batch; only the last one's was finished.
    assert waiting(redis_client) == 32
    assert sorted(in_hand(redis_client).values()) == [8] * 4
    with working(Consumer(redis_client, sqlite_database)):
        wait_for(lambda: waiting(redis_client) == 0, "entries remain", seconds=10)
    check(redis_client, sqlite_database, sqlite_shop, events)


def test_draining_works_alone(redis_client: redis.Redis, sqlite_database: Database, sqlite_shop: str) -> None:
    events = ratings(50)
    send(redis_client, sqlite_shop, events)
    assert Consumer(redis_client, sqlite_database, batch=20).drain() == 50
    check(redis_client, sqlite_database, sqlite_shop, events)
