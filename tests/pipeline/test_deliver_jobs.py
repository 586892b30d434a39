"""RQ and the clock around the outbox: whatever RQ forgets, doubles or loses, everything due is sent."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from rq import Queue
from rq.serializers import DefaultSerializer

from integrations import Response
from tests.conftest import SECRET_KEY
from tests.pipeline.receivers import FakeHttp, Got, listening
from tests.servers import wait_for
from widget_server.act import jobs
from widget_server.act.clock import LEASE, Clock, Task
from widget_server.act.deliver import Deliverer
from widget_server.act.http import HttpClient
from widget_server.record import endpoints, outbox
from widget_server.record.db import Database
from widget_server.record.outbox import OutboxRow

START = 1_795_300_000_000
Work = Callable[..., jobs.DeliverWorker]


@pytest.fixture
def work(database: Database, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """Run a worker until its queue is empty."""
    monkeypatch.setattr(jobs.DeliverWorker, "_install_signal_handlers", lambda _worker: None)
    clients = []

    def work(http: FakeHttp) -> jobs.DeliverWorker:
        client = redis.Redis.from_url(redis_url)
        clients.append(client)
        worker = jobs.make_worker(client, Deliverer(database, http, lambda _conn, _row: None))
        worker.work(burst=True, logging_level="WARNING")
        return worker

    yield work
    for client in clients:
        client.close()


def _add(database: Database, count: int, url: str = "https://a.example/") -> None:
    now = time.time_ns() // 1_000_000
    with database.writing() as conn:
        made, _ = endpoints.create(conn, "shop_1", url, ["answer.given"], now)
        outbox.add(
            conn, [OutboxRow("shop_1", str(n), made.id, "answer.given", "{}") for n in range(count)], now
        )


def _states(database: Database) -> dict[str, int]:
    with database.reading() as conn:
        return {state: n for state, n in outbox.counts(conn).items() if n}


def _waiting(client: "redis.Redis") -> int:
    return Queue(jobs.QUEUE, connection=client).count


def test_one_job_waits_however_often_it_is_asked_for(redis_client: "redis.Redis") -> None:
    for _ in range(5):
        jobs.kick(redis_client)
    assert _waiting(redis_client) == 1


def test_a_worker_sends_what_is_due_and_leaves_nothing_behind(
    database: Database, redis_client: "redis.Redis", work: Work
) -> None:
    http = FakeHttp()
    _add(database, 50)
    jobs.kick(redis_client)
    work(http)
    assert _states(database) == {"done": 50}
    assert len({got.id for got in http.got}) == len(http.got) == 50
    assert list(redis_client.scan_iter("rq:job:*")) == []


def test_a_job_that_a_killed_worker_took_away_does_not_keep_the_next_from_being_asked_for(
    database: Database, redis_client: "redis.Redis", work: Work
) -> None:
    _add(database, 3)
    jobs.kick(redis_client)
    assert redis_client.lmove("rq:queue:deliver", "rq:queue:deliver:intermediate")
    clock = Clock(database, redis_client, ())
    assert clock.tick()
    assert _waiting(redis_client) == 1
    work(FakeHttp())
    assert _states(database) == {"done": 3}


def test_a_redis_that_lost_everything_is_asked_again(
    database: Database, redis_client: "redis.Redis", work: Work
) -> None:
    _add(database, 3)
    jobs.kick(redis_client)
    redis_client.flushall()
    Clock(database, redis_client, ()).tick()
    work(FakeHttp())
    assert _states(database) == {"done": 3}


def test_a_job_ends_in_time_and_the_next_goes_on_with_what_hangs(
    database: Database, redis_client: "redis.Redis", work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_SLICE", 0.05)
    run, runs = Deliverer.run, []

    def counted(deliverer: Deliverer, seconds: float) -> int:
        runs.append(seconds)
        return run(deliverer, seconds)

    def answer(_got: Got, _number: int) -> Response:
        time.sleep(0.5)
        return Response(200)

    monkeypatch.setattr(Deliverer, "run", counted)
    http = FakeHttp(answer)
    _add(database, 1)
    jobs.kick(redis_client)
    work(http)
    assert len(runs) > 1
    assert len(http.got) == 1
    assert _states(database) == {"done": 1}


def test_a_pickled_job_is_not_run(redis_client: "redis.Redis", work: Work, tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    Queue(jobs.QUEUE, connection=redis_client, serializer=DefaultSerializer).enqueue(os.mkdir, str(trace))
    work(FakeHttp())
    assert _waiting(redis_client) == 0
    assert not trace.exists()


def test_the_job_outside_of_a_worker_says_so() -> None:
    with pytest.raises(RuntimeError, match="make_worker"):
        jobs.deliver()


def test_senders_killed_in_the_middle_lose_nothing(database: Database, database_url: str) -> None:
    """Each sender's clock stands where the lease of the one before has ended."""
    with listening(200) as receiver:
        _add(database, 150, receiver.url)
        now, kills, struck = time.time_ns() // 1_000_000, 4, 0
        for _number in range(kills):
            child = [sys.executable, "-m", "tests.pipeline.deliver_child", database_url, SECRET_KEY, str(now)]
            with subprocess.Popen(child) as process:
                before = len(receiver.got)
                wait_for(lambda before=before: len(receiver.got) >= before + 10, "nothing arrives", process)
                process.send_signal(signal.SIGKILL)
            struck += _states(database).get("due", 0) > 0
            now += 60_000
        Deliverer(database, HttpClient(allow_private=True), lambda _conn, _row: None, clock=lambda: now).run(
            60
        )
    assert struck == kills
    assert _states(database) == {"done": 150}
    with database.reading() as conn:
        wanted = {row.id for row in outbox.deliveries(conn, limit=1000)}
    assert {got.id for got in receiver.got} == wanted
    print(f"{struck} of {kills} kills struck; {len(receiver.got) - 150} of 150 were sent again")


# --- the clock


class _Now:
    def __init__(self) -> None:
        self.ms = START

    def __call__(self) -> int:
        return self.ms


def test_only_one_clock_acts_and_another_takes_over_when_it_is_gone(
    database: Database, redis_client: "redis.Redis"
) -> None:
    now = _Now()
    first, second = (Clock(database, redis_client, (), clock=now) for _ in range(2))
    assert first.tick()
    for _ in range(20):
        now.ms += 1000
        assert first.tick()
        assert not second.tick()
    waited = 0
    while not second.tick():
        now.ms += 1000
        waited += 1000
    assert 1000 < waited <= LEASE
    assert not first.tick()


def test_a_clock_that_ends_steps_back_at_once(database: Database, redis_client: "redis.Redis") -> None:
    now = _Now()
    first, second = (Clock(database, redis_client, (), clock=now) for _ in range(2))
    assert first.tick()
    assert not second.tick()
    stop = threading.Event()
    stop.set()
    first.run(stop)
    assert second.tick()


def test_nothing_is_asked_for_while_nothing_is_due(database: Database, redis_client: "redis.Redis") -> None:
    Clock(database, redis_client, ()).tick()
    assert _waiting(redis_client) == 0
    _add(database, 1)
    Clock(database, redis_client, (), clock=lambda: time.time_ns() // 1_000_000 + 2 * LEASE).tick()
    assert _waiting(redis_client) == 1


def test_a_task_runs_once_in_its_time_over_all_clocks_and_a_failing_one_is_not_hurried(
    database: Database, redis_client: "redis.Redis"
) -> None:
    now, ran = _Now(), []

    def broken(_database: Database, at: int) -> None:
        ran.append(("broken", at - START))
        raise RuntimeError("a fault")

    tasks = (
        Task("steady", 60, lambda _database, at: ran.append(("steady", at - START))),
        Task("broken", 60, broken),
    )
    clocks = [Clock(database, redis_client, tasks, clock=now) for _ in range(2)]
    for second in range(125):
        now.ms = START + second * 1000
        acting = clocks[0] if second < 30 else clocks[1]  # the first one is gone after half a minute
        try:
            acting.tick()
        except RuntimeError:
            continue
    assert [each for each in ran if each[0] == "steady"] == [
        ("steady", 0),
        ("steady", 60_000),
        ("steady", 120_000),
    ]
    assert [each for each in ran if each[0] == "broken"] == [
        ("broken", 0),
        ("broken", 60_000),
        ("broken", 120_000),
    ]


def test_a_clock_goes_on_after_a_tick_that_failed(
    database: Database, redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("widget_server.act.clock.TICK", 0.01)
    stop, ran = threading.Event(), []

    def task(_database: Database, _now: int) -> None:
        ran.append(1)
        if len(ran) == 1:
            raise RuntimeError("a fault")
        stop.set()

    Clock(database, redis_client, (Task("task", 0.02, task),)).run(stop)
    assert len(ran) == 2
