"""From the outbox to a receiver, on both databases, with a clock that only the test moves."""

import itertools
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import standardwebhooks
import time_machine
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from integrations import Response
from integrations.webhook import Webhook
from tests.conftest import SECRET_KEY
from tests.pipeline.receivers import FakeHttp, Got, listening
from tests.servers import wait_for
from widget_server.act.deliver import (
    DOUBTFUL,
    DOUBTFUL_OF_SHOP,
    LEASE,
    SCHEDULE,
    Deliverer,
    MakeBody,
    replay,
)
from widget_server.act.http import HttpClient
from widget_server.record import endpoints, holds, outbox
from widget_server.record.db import Database
from widget_server.record.outbox import Claimed, OutboxRow, ScoreChange, Wanted

SHOP = "shop_1"
START = 1_795_300_000_000


class Now:
    """The time, in ms for us and in seconds for the integration."""

    def __init__(self) -> None:
        self.ms = START

    def __call__(self) -> int:
        return self.ms

    def seconds(self) -> float:
        return self.ms / 1000


class Setup:
    """A database with one endpoint, and deliverers that are closed at the end."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = Now()
        self._deliverers: list[Deliverer] = []

    def endpoint(self, url: str = "https://a.example/", shop: str = SHOP) -> tuple[str, str]:
        """Id and secret of a new endpoint."""
        with self.database.writing() as conn:
            made, secret = endpoints.create(conn, shop, url, ["answer.given"], self.now())
        return made.id, secret

    def add(self, endpoint: str, *keys: str, shop: str = SHOP) -> None:
        rows = [
            OutboxRow(shop, f"answer.given:{k}:{endpoint}", endpoint, "answer.given", _body(k)) for k in keys
        ]
        with self.database.writing() as conn:
            outbox.add(conn, rows, self.now())

    def deliverer(
        self, http: FakeHttp | HttpClient, make_body: MakeBody = lambda _conn, _row: None
    ) -> Deliverer:
        made = Deliverer(
            self.database, http, make_body, integration=Webhook(clock=self.now.seconds), clock=self.now,
            rng=random.Random(1),
        )  # fmt: skip
        self._deliverers.append(made)
        return made

    def deliver(self, http: FakeHttp | HttpClient) -> int:
        """Send all that is due now."""
        return self.deliverer(http).run(30)

    def rows(self, shop: str | None = None) -> list[outbox.Delivery]:
        with self.database.reading() as conn:
            return outbox.deliveries(conn, shop=shop)

    def states(self) -> dict[str, int]:
        with self.database.reading() as conn:
            return {state: n for state, n in outbox.counts(conn).items() if n}

    def attempts(self, delivery: str) -> list[outbox.Attempt]:
        with self.database.reading() as conn:
            return outbox.attempts(conn, delivery)

    def replay(self, **wanted: Any) -> int:
        with self.database.writing() as conn:
            return replay(conn, self.now(), Wanted(**wanted))

    def close(self) -> None:
        for each in self._deliverers:
            each.close(5)


@pytest.fixture
def setup(database: Database) -> Iterator[Setup]:
    made = Setup(database)
    yield made
    made.close()


def _body(key: str) -> str:
    return outbox.webhook_body(
        "answer.given", START, {"question": "search-found", "value": key, "text": "zābaki"}
    )


def _verify(secret: str, got: Got, at: float) -> object:
    with time_machine.travel(at, tick=False):
        return standardwebhooks.Webhook(secret).verify(got.body, got.headers)


def test_a_receiver_verifies_it_with_the_public_library(setup: Setup) -> None:
    with listening(200) as receiver:
        endpoint, secret = setup.endpoint(receiver.url)
        setup.add(endpoint, "no")
        assert setup.deliver(HttpClient(allow_private=True)) == 1
    [got] = receiver.got
    payload = _verify(secret, got, setup.now.seconds())
    assert payload == {
        "type": "answer.given",
        "timestamp": "2026-11-21T22:26:40.000Z",
        "data": {"question": "search-found", "value": "no", "text": "zābaki"},
    }
    [row] = setup.rows()
    assert (row.state, row.attempts, row.id, row.ended) == ("done", 1, got.id, START)


def test_a_receiver_that_fails_three_times_sees_one_id_and_body_and_new_signatures(setup: Setup) -> None:
    with listening(500, 302, 503, 200) as receiver:
        endpoint, secret = setup.endpoint(receiver.url)
        setup.add(endpoint, "no")
        http = HttpClient(allow_private=True)
        times = []
        while setup.states() == {"due": 1}:
            if setup.deliver(http):
                times.append(setup.now.seconds())
                assert setup.deliver(http) == 0, "it waits for its next time"
            setup.now.ms = setup.rows()[0].next_at or setup.now.ms
    assert len({got.id for got in receiver.got}) == len({got.body for got in receiver.got}) == 1
    assert len({got.headers["webhook-signature"] for got in receiver.got}) == 4
    for got, at in zip(receiver.got, times, strict=True):
        assert got.headers["webhook-timestamp"] == str(int(at))
        _verify(secret, got, at)
    [row] = setup.rows()
    assert (row.state, row.attempts, row.last_error) == ("done", 4, None)
    assert [each.status for each in setup.attempts(row.id)] == [500, 302, 503, 200]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    for wait, planned in zip(waits, SCHEDULE[1:], strict=False):
        assert 0.8 * planned <= wait <= 1.2 * planned + 0.001


def test_a_hung_endpoint_does_not_hold_up_the_others(setup: Setup) -> None:
    over = threading.Event()

    def answer(got: Got, _number: int) -> Response:
        if "hung" in got.url:
            over.wait(30)
        return Response(200)

    http = FakeHttp(answer)
    hung, _ = setup.endpoint("https://hung.example/")
    other, _ = setup.endpoint("https://other.example/")
    elsewhere, _ = setup.endpoint("https://elsewhere.example/", shop="shop_2")
    setup.add(hung, *map(str, range(40)))
    setup.add(other, *map(str, range(40)))
    setup.add(elsewhere, *map(str, range(40)), shop="shop_2")
    deliverer = setup.deliverer(http)
    running = threading.Thread(target=deliverer.run, args=(30,))
    running.start()
    try:
        wait_for(lambda: setup.states().get("done") == 80, "the others are not served")
        assert setup.states() == {"done": 80, "due": 40}
        assert http.at_once["https://hung.example/"] == 2
    finally:
        over.set()
        running.join()
    assert setup.states() == {"done": 120}
    assert Counter(got.id for got in http.got).most_common(1)[0][1] == 1, "nothing was sent twice"


def test_endpoints_that_fail_share_half_of_the_threads(setup: Setup) -> None:
    """Ten hung endpoints could take all sixteen threads otherwise."""
    over = threading.Event()

    def answer(got: Got, _number: int) -> Response:
        if "hung" in got.url:
            over.wait(30)
        return Response(200)

    http = FakeHttp(answer)
    with setup.database.writing() as conn:
        for number in range(10):
            made, _ = endpoints.create(conn, f"shop_{number}", f"https://hung{number}.example/", [], START)
            endpoints.failed(conn, made.id, START)
            rows = [OutboxRow(f"shop_{number}", str(n), made.id, "answer.given", "{}") for n in range(4)]
            outbox.add(conn, rows, START)
    running = threading.Thread(target=setup.deliverer(http).run, args=(30,))
    running.start()
    try:
        wait_for(lambda: len(http.got) == 8, "the hung ones are not tried")
        good, _ = setup.endpoint("https://good.example/", shop="shop_good")
        setup.add(good, *map(str, range(20)), shop="shop_good")
        wait_for(lambda: setup.states().get("done") == 20, "the good one is not served")
        assert sum(http.at_once[f"https://hung{number}.example/"] for number in range(10)) == 8
    finally:
        over.set()
        running.join()


def test_a_new_endpoint_gets_its_first_message_through_however_many_hang(setup: Setup) -> None:
    """A hundred that nobody has tried yet hang: no more than two of them end before one that works has its turn."""
    gate = threading.Semaphore(0)

    def answer(got: Got, _number: int) -> Response:
        if "hung" in got.url:
            gate.acquire(timeout=30)
        return Response(200)

    def more_than(count: int) -> bool:
        return len(http.got) > count

    http = FakeHttp(answer)
    for number in range(100):
        hung, _ = setup.endpoint(f"https://hung{number}.example/", shop=f"shop_{number}")
        setup.add(hung, "0", shop=f"shop_{number}")
    running = threading.Thread(target=setup.deliverer(http).run, args=(60,))
    running.start()
    try:
        wait_for(lambda: len(http.got) == DOUBTFUL, "the hung ones are not tried")
        setup.now.ms += 1
        good, _ = setup.endpoint("https://good.example/", shop="shop_good")
        setup.add(good, "first", shop="shop_good")
        ended = 0
        while not any("good" in got.url for got in http.got):
            ended += 1
            tried = partial(more_than, len(http.got))
            gate.release()
            wait_for(tried, "nobody has the free thread")
        assert ended <= 2
        wait_for(lambda: setup.states().get("done", 0) == ended + 1, "the first message is not noted down")
        setup.add(good, *map(str, range(20)), shop="shop_good")
        wait_for(lambda: setup.states().get("done") == ended + 21, "one that works waits for those that hang")
        assert sum(setup.states().values()) == 121
    finally:
        gate.release(1000)
        running.join()
    assert setup.states() == {"done": 121}
    assert sum(http.at_once[f"https://hung{number}.example/"] for number in range(100)) == 100


def test_those_of_a_shop_that_hang_leave_threads_to_those_of_it_that_work(setup: Setup) -> None:
    over = threading.Event()

    def answer(got: Got, _number: int) -> Response:
        if "hung" in got.url:
            over.wait(30)
        return Response(200)

    http = FakeHttp(answer)
    deliverer = setup.deliverer(http)
    good, _ = setup.endpoint("https://good.example/")
    setup.add(good, "first")
    assert deliverer.run(30) == 1
    hung = [setup.endpoint(f"https://hung{number}.example/")[0] for number in range(4)]
    for each in hung:
        setup.add(each, *map(str, range(10)))
    running = threading.Thread(target=deliverer.run, args=(30,))
    running.start()
    try:
        wait_for(lambda: len(http.got) == 1 + DOUBTFUL_OF_SHOP, "the hung ones are not tried")
        setup.add(good, *map(str, range(20)))
        wait_for(lambda: setup.states().get("done") == 21, "the one that works is not served")
        assert sum("hung" in got.url for got in http.got) == DOUBTFUL_OF_SHOP
    finally:
        over.set()
        running.join()


def test_what_is_never_sent_keeps_nobody_waiting(setup: Setup) -> None:
    """More than can be taken at once, and none of it ends in an attempt."""
    for number in range(2 * DOUBTFUL):
        setup.add(f"ep_gone{number}", "0", shop=f"shop_{number}")
    other, _ = setup.endpoint()
    setup.now.ms += 1
    setup.add(other, "0")
    http = FakeHttp(lambda _got, _number: Response(200))
    assert setup.deliver(http) == 1
    assert setup.states() == {"done": 1, "cancelled": 2 * DOUBTFUL}


def test_every_shop_comes_first_once_before_any_comes_twice(setup: Setup) -> None:
    many, _ = setup.endpoint("https://many.example/")
    setup.add(many, *map(str, range(30)))
    second, _ = setup.endpoint("https://second.example/")
    setup.add(second, "a", "b")
    few, _ = setup.endpoint("https://few.example/", shop="shop_2")
    setup.add(few, "x", "y", shop="shop_2")
    with setup.database.writing() as conn:
        claimed = outbox.claim(conn, now=START, lease=LEASE, limit=8, by="me")
    assert [row.shop for row in claimed[:4]].count("shop_2") == 2
    assert {row.endpoint for row in claimed[:4]} == {many, second, few}
    with setup.database.writing() as conn:
        assert {
            row.endpoint
            for row in outbox.claim(conn, now=START, lease=LEASE, limit=50, by="me", among=[each for each in outbox.queues(conn, START) if each.endpoint != many])
        } <= {second, few}


def test_a_long_queue_costs_no_more_to_look_at_than_a_short_one(sqlite_database: Database) -> None:
    """Or an endpoint that hangs for a day would slow down everybody else's deliveries, and the counting."""
    setup = Setup(sqlite_database)
    hung, _ = setup.endpoint("https://hung.example/")
    other, _ = setup.endpoint("https://other.example/")
    setup.add(other, *map(str, range(50)))

    def steps() -> int:
        done = [0]
        with sqlite_database.writing() as conn:
            driver = conn.connection.driver_connection
            assert driver is not None
            driver.set_progress_handler(lambda: done.__setitem__(0, done[0] + 1), 10)
            assert outbox.is_due(conn, START)
            assert len(outbox.claim(conn, now=START, lease=0, limit=20, by="me")) == 20
            driver.set_progress_handler(None, 0)
        return done[0]

    setup.add(hung, *map(str, range(50)))
    short = steps()
    setup.add(hung, *map(str, range(50, 10_000)))
    assert steps() <= 2 * short


def test_two_senders_never_hold_the_same_row(setup: Setup) -> None:
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, *map(str, range(60)))
    taken: list[str] = []

    def claim(by: str) -> None:
        while True:
            with setup.database.writing() as conn:
                rows = outbox.claim(conn, now=START, lease=LEASE, limit=7, by=by)
            if not rows:
                return
            taken.extend(row.id for row in rows)

    threads = [threading.Thread(target=claim, args=(f"by{n}",)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(taken) == len(set(taken)) == 60


def test_a_lease_that_ended_lets_another_send_and_the_late_failure_change_nothing(setup: Setup) -> None:
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, "no")
    with setup.database.writing() as conn:
        [late] = outbox.claim(conn, now=START, lease=LEASE, limit=5, by="late")
        assert outbox.claim(conn, now=START + LEASE - 1, lease=LEASE, limit=5, by="other") == []
    setup.now.ms += LEASE
    assert setup.deliver(FakeHttp()) == 1
    failed = outbox.Attempt(START, 500, "answered 500", 1)
    with setup.database.writing() as conn:
        outbox.retry_later(conn, late, failed, START)
        outbox.give_up(conn, late, failed)
        outbox.release(conn, [late])
    assert setup.states() == {"done": 1}


def test_killed_between_the_answer_and_noting_it_down_sends_again_with_the_same_id(
    setup: Setup, database_url: str
) -> None:
    with listening(200) as receiver:
        endpoint, secret = setup.endpoint(receiver.url)
        setup.add(endpoint, "no")
        child = [sys.executable, "-m", "tests.pipeline.deliver_child", database_url, SECRET_KEY]
        died = subprocess.run([*child, str(START), "die"], check=False)
        assert died.returncode == -9
        assert len(receiver.got) == 1
        assert setup.deliver(HttpClient(allow_private=True)) == 0, "the dead one's lease goes on for a while"
        setup.now.ms += LEASE
        assert setup.deliver(HttpClient(allow_private=True)) == 1
    first, second = receiver.got
    assert (first.id, first.body) == (second.id, second.body)
    _verify(secret, second, setup.now.seconds())
    assert setup.states() == {"done": 1}


def test_after_ten_attempts_it_is_dead_until_it_is_replayed(setup: Setup) -> None:
    http = FakeHttp(lambda _got, _number: Response(404, body=b"no such page"))
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, "no")
    while setup.states() == {"due": 1}:
        setup.deliver(http)
        setup.now.ms = setup.rows()[0].next_at or setup.now.ms
    [row] = setup.rows()
    assert (row.state, row.attempts, row.last_error) == ("dead", 10, "answered 404")
    tried = setup.attempts(row.id)
    assert [(each.status, each.excerpt) for each in tried] == [(404, "no such page")] * 10
    assert 0.8 * sum(SCHEDULE) * 1000 <= tried[-1].at - tried[0].at <= 1.2 * sum(SCHEDULE) * 1000

    assert setup.replay(shop="shop_2") == 0
    assert setup.replay(delivery="msg_unknown") == 0
    assert setup.replay() == 1
    http.answer = lambda _got, _number: Response(200)
    assert setup.deliver(http) == 1
    assert setup.states() == {"done": 1}
    assert len({(got.id, got.body) for got in http.got}) == 1
    assert len(setup.attempts(row.id)) == 11


def test_what_is_replayed_goes_oldest_first(setup: Setup) -> None:
    endpoint, _ = setup.endpoint()
    names = [f"n{number}" for number in range(8)]
    for name in names:
        setup.now.ms += 1000
        setup.add(endpoint, name)
    with setup.database.writing() as conn:
        outbox.kill_queued(conn, endpoint, "it is over", setup.now())
        assert len(outbox.replay(conn, setup.now(), Wanted(SHOP))) == 8
        claimed = outbox.claim(conn, now=setup.now(), lease=1, limit=8, by="me")
    assert [row.key.split(":")[1] for row in claimed] == names


def test_410_disables_the_endpoint_and_replay_opens_it(setup: Setup) -> None:
    http = FakeHttp(lambda _got, number: Response(410 if number < 2 else 200))
    endpoint, _ = setup.endpoint()
    other, _ = setup.endpoint("https://b.example/")
    setup.add(endpoint, "a")
    assert setup.deliver(http) == 1
    setup.add(endpoint, "b", "c")
    with setup.database.reading() as conn:
        assert [each.id for each in endpoints.for_shop(conn, SHOP)] == [other]
        [shown] = [each for each in endpoints.of_shop(conn, SHOP) if each.id == endpoint]
        assert "410" in (shown.disabled_reason or "")
    assert setup.deliver(http) == 0
    assert setup.states() == {"dead": 3}
    assert all(
        "disabled" in (row.last_error or "") or "410" in (row.last_error or "") for row in setup.rows()
    )
    http.answer = lambda _got, _number: Response(200)
    assert setup.replay(shop=SHOP) == 3
    assert setup.deliver(http) == 3
    with setup.database.reading() as conn:
        assert len(endpoints.for_shop(conn, SHOP)) == 2


def test_an_endpoint_that_never_answers_for_five_days_is_disabled(setup: Setup) -> None:
    http = FakeHttp(lambda _got, _number: Response(500))
    endpoint, _ = setup.endpoint()
    for day in range(6):
        setup.now.ms = START + day * 24 * 3600 * 1000
        setup.add(endpoint, f"day{day}")
        setup.deliver(http)
    with setup.database.reading() as conn:
        assert endpoints.for_shop(conn, SHOP) == []
    assert set(setup.states()) == {"dead"}


def test_one_success_ends_the_count_of_the_five_days(setup: Setup) -> None:
    http = FakeHttp(lambda got, _number: Response(200 if b"day3" in got.body else 500))
    endpoint, _ = setup.endpoint()
    for day in range(8):
        setup.now.ms = START + day * 24 * 3600 * 1000
        setup.add(endpoint, f"day{day}")
        for _ in range(5):  # one message a quarter of an hour is tried, the oldest first
            setup.deliver(http)
            setup.now.ms += holds.LONGEST
    with setup.database.reading() as conn:
        assert len(endpoints.for_shop(conn, SHOP)) == 1


def test_what_was_queued_for_a_deleted_endpoint_is_never_sent(setup: Setup) -> None:
    http = FakeHttp()
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, "a", "b")
    with setup.database.writing() as conn:
        assert not endpoints.delete(conn, "shop_2", endpoint, START), "another shop's endpoint"
        assert endpoints.delete(conn, SHOP, endpoint, START)
        assert not endpoints.delete(conn, SHOP, endpoint, START)
    setup.add(endpoint, "late")
    assert setup.deliver(http) == 0
    assert http.got == []
    assert setup.states() == {"cancelled": 3}
    assert setup.replay() == 0


def test_a_cause_is_told_once_however_often_it_is_added(setup: Setup) -> None:
    http = FakeHttp()
    endpoint, _ = setup.endpoint()
    for _ in range(3):
        setup.add(endpoint, "a", "b", "a")
        setup.deliver(http)
    assert len(http.got) == 2


def test_a_fault_of_ours_costs_nobody_the_message(setup: Setup) -> None:
    def answer(_got: Got, number: int) -> Response:
        if number == 0:
            raise RuntimeError("a fault")
        return Response(200)

    http = FakeHttp(answer)
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, "a")
    setup.deliver(http)
    [row] = setup.rows()
    assert (row.state, row.last_error) == ("due", "a fault of ours: RuntimeError")
    setup.now.ms = row.next_at or 0
    setup.deliver(http)
    assert setup.states() == {"done": 1}


def test_an_outcome_survives_a_database_that_is_away(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    http = FakeHttp()
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, "a", "b", "c")
    deliverer = setup.deliverer(http)
    finish, broken = outbox.finish, [True]

    def away(*given: object) -> None:
        if broken:
            raise OperationalError("UPDATE", {}, Exception("the database is away"))
        finish(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(outbox, "finish", away)
    with pytest.raises(OperationalError):
        deliverer.run(30)
    with pytest.raises(OperationalError):
        deliverer.run(30)
    broken.clear()
    deliverer.run(30)
    assert setup.states() == {"done": 3}
    assert len(http.got) == 3, "each was sent once"


def test_a_stopped_sender_gives_back_what_it_has_not_begun(setup: Setup) -> None:
    over = threading.Event()

    def answer(_got: Got, _number: int) -> Response:
        over.wait(30)
        return Response(200)

    http = FakeHttp(answer)
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, *map(str, range(8)))
    deliverer = setup.deliverer(http)
    running = threading.Thread(target=deliverer.run, args=(30,))
    running.start()
    wait_for(lambda: len(http.got) == 2, "nothing is sent")
    deliverer.stop()
    running.join()
    over.set()
    deliverer.close(10)
    assert setup.states() == {"done": 2, "due": 6}
    assert setup.deliver(http) == 6, "the others need not wait for a lease"
    assert len({got.id for got in http.got}) == len(http.got) == 8


# --- scores


def _minute_end(now: int) -> int:
    return (now // 60_000 + 1) * 60_000


def test_a_score_is_told_once_a_minute_with_its_newest_value(setup: Setup) -> None:
    http, value = FakeHttp(), [0]
    made: list[tuple[str, str]] = []

    def make_body(_conn: Connection, row: Claimed) -> str:
        made.append(outbox.score_of(row))
        return outbox.webhook_body(row.type, setup.now(), {"value": value[0]})

    endpoint, _ = setup.endpoint()
    deliverer = setup.deliverer(http, make_body)
    change = ScoreChange(SHOP, endpoint, "search-found", "success")
    for value[0] in range(1, 6):
        with setup.database.writing() as conn:
            outbox.add_scores(conn, [change, change], setup.now())
        assert deliverer.run(30) == 0, "the minute is not over"
    setup.now.ms = _minute_end(START)
    assert deliverer.run(30) == 1
    assert made == [("search-found", "success")]
    assert b'"value":5' in http.got[0].body


def test_a_score_keeps_its_body_over_retries_and_a_later_change_is_told_by_the_next_minute(
    setup: Setup,
) -> None:
    http, value = FakeHttp(lambda _got, number: Response(500 if number == 0 else 200)), [1]

    def make_body(_conn: Connection, row: Claimed) -> str:
        return outbox.webhook_body(row.type, START, {"value": value[0]})

    endpoint, _ = setup.endpoint()
    deliverer = setup.deliverer(http, make_body)
    change = ScoreChange(SHOP, endpoint, "search-found", "success")
    with setup.database.writing() as conn:
        outbox.add_scores(conn, [change], START)
    setup.now.ms = _minute_end(START)
    deliverer.run(30)
    value[0] = 2
    with setup.database.writing() as conn:
        outbox.add_scores(conn, [change], START)  # a batch that began before the minute was over
    setup.now.ms = _minute_end(setup.now.ms)
    deliverer.run(30)
    assert setup.states() == {"done": 2}
    first, *others = http.got
    assert [got.body for got in others if got.id == first.id] == [first.body]
    [later] = [got for got in others if got.id != first.id]
    assert b'"value":2' in later.body


@pytest.mark.postgres
def test_a_score_is_not_told_while_a_batch_that_changes_it_is_under_way(postgres_url: str) -> None:
    database = Database(postgres_url, SECRET_KEY)
    setup, http = Setup(database), FakeHttp()
    endpoint, _ = setup.endpoint()
    change = ScoreChange(SHOP, endpoint, "search-found", "success")
    deliverer = setup.deliverer(http, lambda _conn, _row: "{}")
    with database.writing() as conn:
        outbox.add_scores(conn, [change], START)
    setup.now.ms = _minute_end(START)
    with database.writing() as conn:
        outbox.add_scores(conn, [change], START)
        assert deliverer.run(30) == 0
    assert deliverer.run(30) == 1
    assert setup.states() == {"done": 1}
    setup.close()
    database.close()


def test_a_body_that_cannot_be_made_holds_up_nobody(setup: Setup) -> None:
    def make_body(conn: Connection, row: Claimed) -> str | None:
        question, _ = outbox.score_of(row)
        if question == "broken":
            conn.execute(text("SELECT nothing FROM nowhere"))
        return None if question == "gone" else "{}"

    http = FakeHttp()
    endpoint, _ = setup.endpoint()
    with setup.database.writing() as conn:
        changes = [ScoreChange(SHOP, endpoint, name, "success") for name in ("broken", "gone", "fine")]
        outbox.add_scores(conn, changes, START)
    setup.now.ms = _minute_end(START)
    setup.deliverer(http, make_body).run(30)
    assert len(http.got) == 1
    assert setup.states() == {"done": 1, "dead": 1, "cancelled": 1}


# --- endpoints


def test_a_secret_is_stored_sealed_and_two_sign_while_it_is_changed(setup: Setup) -> None:
    http = FakeHttp()
    endpoint, old = setup.endpoint()
    with setup.database.writing() as conn:
        new = endpoints.rotate_secret(conn, SHOP, endpoint, START)
        assert endpoints.rotate_secret(conn, "shop_2", endpoint, START) is None
        stored = " ".join(map(str, conn.execute(text("SELECT * FROM endpoints")).one()))
    assert new is not None
    assert old.removeprefix("whsec_") not in stored
    assert new.removeprefix("whsec_") not in stored
    setup.add(endpoint, "a")
    setup.deliver(http)
    setup.now.ms += endpoints.ROTATION
    setup.add(endpoint, "b")
    setup.deliver(http)
    both, one = http.got
    for secret in (old, new):
        _verify(secret, both, START / 1000)
    _verify(new, one, setup.now.seconds())
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        _verify(old, one, setup.now.seconds())


def test_a_shop_has_so_many_endpoints_at_most(setup: Setup) -> None:
    made = [setup.endpoint()[0] for _ in range(endpoints.LIMIT)]
    with pytest.raises(endpoints.EndpointLimitError, match=str(endpoints.LIMIT)):
        setup.endpoint()
    setup.endpoint(shop="shop_2")
    with setup.database.writing() as conn:
        endpoints.delete(conn, SHOP, made[0], START)
    setup.endpoint()


def test_one_shop_sees_nothing_of_another(setup: Setup) -> None:
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, "a")
    with setup.database.reading() as conn:
        assert endpoints.by_id(conn, "shop_2", endpoint) is None
        assert endpoints.of_shop(conn, "shop_2") == []
        assert outbox.deliveries(conn, shop="shop_2") == []
        assert [each.id for each in endpoints.of_shop(conn, SHOP)] == [endpoint]


# --- keeping


def test_old_deliveries_are_forgotten_and_waiting_ones_never(setup: Setup) -> None:
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, "old")
    setup.deliver(FakeHttp())
    setup.add(endpoint, "waiting")
    setup.now.ms += 1000
    with setup.database.writing() as conn:
        assert outbox.prune(conn, START) == 0
        assert outbox.prune(conn, START + 1) == 1
        assert outbox.prune(conn, START + 10**12) == 0
        assert conn.execute(text("SELECT count(*) FROM attempts")).scalar() == 0
    assert setup.states() == {"due": 1}


def test_deliveries_are_paged_newest_first(setup: Setup) -> None:
    endpoint, _ = setup.endpoint()
    for number in range(7):
        setup.now.ms = START + number // 2
        setup.add(endpoint, str(number))
    seen: list[outbox.Delivery] = []
    with setup.database.reading() as conn:
        while page := outbox.deliveries(conn, shop=SHOP, limit=3, before=_last(seen)):
            seen += page
        assert outbox.deliveries(conn, state="done") == []
        assert len(outbox.deliveries(conn, endpoint=endpoint, state="due")) == 7
    assert len({each.id for each in seen}) == 7
    assert [(each.created, each.id) for each in seen] == sorted(
        ((e.created, e.id) for e in seen), reverse=True
    )


def _last(seen: list[outbox.Delivery]) -> tuple[int, str] | None:
    return (seen[-1].created, seen[-1].id) if seen else None
