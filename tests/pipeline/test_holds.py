"""Receivers that fail, ask for time or are paused, on both databases, with a clock that only the test moves."""

import itertools
from collections.abc import Iterator
from email.utils import formatdate

import pytest
from sqlalchemy import text

from integrations import Response
from tests.pipeline.receivers import Answer, FakeHttp, Got
from tests.pipeline.test_deliver import SHOP, START, Setup
from widget_server.act import deliver, notices
from widget_server.act.deliver import PATIENCE, SCHEDULE, Deliverer
from widget_server.record import endpoints, holds, outbox
from widget_server.record.db import Database

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.fixture
def setup(database: Database) -> Iterator[Setup]:
    made = Setup(database)
    yield made
    made.close()


def says(status: int, **headers: str) -> Answer:
    return lambda _got, _number: Response(status, {name.replace("_", "-"): value for name, value in headers.items()})


def pass_time(setup: Setup, deliverer: Deliverer, until: int, step: int = MINUTE) -> None:
    """Deliver every `step` ms, as the clock does every second."""
    while setup.now.ms < until:
        deliverer.run(30)
        setup.now.ms += step


def shut(setup: Setup) -> set[str]:
    with setup.database.reading() as conn:
        return set(holds.at(conn, setup.now()).shut)


def test_a_dead_endpoint_with_a_long_queue_costs_one_request_a_quarter_of_an_hour(sqlite_database: Database) -> None:
    setup, http = Setup(sqlite_database), FakeHttp(says(500))
    dead, _ = setup.endpoint()
    setup.add(dead, *map(str, range(10_000)))
    deliverer = setup.deliverer(http)
    pass_time(setup, deliverer, START + HOUR)
    opening = len(http.got)
    # Five until it is held back, and what was on its way beside them; then after 1, 2, 4, 8 and 15 minutes.
    assert opening <= holds.AFTER + 1 + 7
    pass_time(setup, deliverer, START + 24 * HOUR)
    assert len(http.got) - opening <= 23 * 4
    with sqlite_database.reading() as conn:
        rows = outbox.deliveries(conn, limit=20_000)
    assert sum(each.attempts for each in rows) == len(http.got)
    assert max(each.attempts for each in rows) <= 2, "nothing burns its attempts"
    assert setup.states() == {"due": 10_000}
    print(f"{len(http.got)} requests in a day, for 10,000 messages")
    setup.close()


def test_the_first_success_lets_everything_flow(setup: Setup) -> None:
    http = FakeHttp(says(500))
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, *map(str, range(40)))
    deliverer = setup.deliverer(http)
    pass_time(setup, deliverer, START + 10 * MINUTE)
    assert shut(setup) == {endpoint}
    http.answer = says(204)
    pass_time(setup, deliverer, START + 26 * MINUTE)
    assert shut(setup) == set()
    pass_time(setup, deliverer, START + 2 * HOUR)
    assert setup.states() == {"done": 40}
    with setup.database.reading() as conn:
        assert conn.execute(text("SELECT count(*) FROM holds")).scalar() == 0


def test_when_its_time_is_over_one_message_is_tried_by_one_of_many_workers(setup: Setup) -> None:
    http = FakeHttp(says(500))
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, *map(str, range(40)))
    workers = [setup.deliverer(http) for _ in range(3)]
    for each in workers * 3:
        each.run(30)
        setup.now.ms += 6_000
    assert shut(setup) == {endpoint}
    before = len(http.got)
    assert [each.run(30) for each in workers] == [0, 0, 0]
    setup.now.ms += holds.LONGEST
    assert sorted(each.run(30) for each in workers) == [0, 0, 1]
    assert len(http.got) == before + 1


def test_a_worker_that_dies_while_it_tries_blocks_nobody(setup: Setup) -> None:
    with setup.database.writing() as conn:
        for _ in range(holds.AFTER):
            holds.failed(conn, "ep_1", START)
        later = START + holds.SHORTEST
        assert holds.at(conn, later - 1).shut == {"ep_1"}
        assert holds.at(conn, later).single == {"ep_1"}
        assert holds.try_one(conn, ["ep_1"], later, later + 45_000) == {"ep_1"}
        assert holds.try_one(conn, ["ep_1"], later, later + 45_000) == set()
        assert holds.at(conn, later + 44_999).shut == {"ep_1"}
        assert holds.try_one(conn, ["ep_1"], later + 45_000, later + 90_000) == {"ep_1"}


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_what_is_wrong_with_a_message_holds_back_no_other(setup: Setup, status: int) -> None:
    http = FakeHttp(lambda got, _number: Response(status if b"bad" in got.body else 200))
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, *(f"{'bad' if number < 20 else 'good'}{number}" for number in range(40)))
    setup.deliver(http)
    assert setup.states() == {"done": 20, "due": 20}


def test_the_schedule_is_the_same_for_an_endpoint_that_is_held_back(setup: Setup) -> None:
    """One message to an endpoint that always fails: ten attempts in 75.6 hours."""
    http = FakeHttp(says(500))
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, "one")
    deliverer = setup.deliverer(http)
    while setup.states() == {"due": 1}:
        deliverer.run(30)
        setup.now.ms = max(setup.now.ms + 1_000, setup.rows()[0].next_at or 0)
    [row] = setup.rows()
    tried = [each.at for each in setup.attempts(row.id)]
    assert (row.state, len(tried)) == ("dead", 10)
    waits = [(later - earlier) / 1000 for earlier, later in itertools.pairwise(tried)]
    for wait, planned in zip(waits, SCHEDULE[1:], strict=True):
        assert 0.8 * planned <= wait <= 1.2 * planned + 2
    print(f"ten attempts in {(tried[-1] - tried[0]) / HOUR:.2f} h of virtual time")


# --- "not now"


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_for_time_gets_it_and_it_costs_no_attempt(setup: Setup, status: int) -> None:
    http = FakeHttp(says(status, retry_after="7200"))
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, "one")
    deliverer = setup.deliverer(http)
    pass_time(setup, deliverer, START + DAY, step=15 * MINUTE)
    [row] = setup.rows()
    tried = [each.at for each in setup.attempts(row.id)]
    assert 9 <= len(tried) <= 13
    assert all(later - earlier >= 7200_000 for earlier, later in itertools.pairwise(tried))
    assert (row.state, row.attempts) == ("due", 0)
    http.answer = says(200)
    pass_time(setup, deliverer, START + DAY + 3 * HOUR, step=15 * MINUTE)
    assert setup.states() == {"done": 1}
    assert setup.rows()[0].attempts == 1


def test_a_date_is_as_good_as_seconds(setup: Setup) -> None:
    http = FakeHttp(says(503, retry_after=formatdate(START / 1000 + 3 * 3600, usegmt=True)))
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, "one")
    setup.deliver(http)
    assert START + 3 * HOUR - 1000 <= (setup.rows()[0].next_at or 0) <= START + 3.6 * HOUR


def test_all_messages_wait_for_who_asked_for_time_also_when_another_was_taken_meanwhile(setup: Setup) -> None:
    http = FakeHttp(lambda _got, number: Response(429, {"retry-after": "600"}) if number == 0 else Response(200))
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, *map(str, range(30)))
    deliverer = setup.deliverer(http)
    deliverer.run(30)
    assert len(http.got) <= 3, "what was on its way when it asked"
    assert shut(setup) == {endpoint}
    pass_time(setup, deliverer, START + 590_000, step=10_000)
    assert len(http.got) <= 3
    pass_time(setup, deliverer, START + 30 * MINUTE)
    assert setup.states() == {"done": 30}


def test_asking_for_time_ends_after_five_days_and_the_owner_is_told(setup: Setup) -> None:
    http = FakeHttp(says(429, retry_after="3600"))
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, "one")
    deliverer = setup.deliverer(http)
    pass_time(setup, deliverer, START + 6 * DAY, step=30 * MINUTE)
    [row] = setup.rows()
    tried = setup.attempts(row.id)
    assert row.state == "dead"
    assert row.attempts <= 2
    assert PATIENCE * 1000 <= tried[-1].at - START <= PATIENCE * 1000 + 2 * HOUR
    with setup.database.reading() as conn:
        found = endpoints.by_id(conn, SHOP, endpoint)
    assert found is not None
    assert "five days" in (found.disabled_reason or "")


def test_who_asks_for_a_year_is_asked_again_after_five_days(setup: Setup) -> None:
    http = FakeHttp(says(503, retry_after="31536000"))
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, "one")
    setup.deliver(http)
    assert (setup.rows()[0].next_at or 0) <= START + 1.2 * PATIENCE * 1000


def test_a_message_that_is_refused_for_five_days_counts_then(setup: Setup) -> None:
    """The endpoint takes others meanwhile, so it is not disabled, and one message could be put off for ever."""
    http = FakeHttp(lambda got, _number: Response(429, {"retry-after": "3600"}) if b"one" in got.body else Response(200))
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, "one")
    deliverer = setup.deliverer(http)
    for day in range(12):
        setup.add(endpoint, f"another{day}")
        pass_time(setup, deliverer, START + (day + 1) * DAY, step=HOUR)
    assert setup.states() == {"done": 12, "dead": 1}
    [row] = [each for each in setup.rows() if each.state == "dead"]
    assert row.attempts == 10


# --- what the owner does


def test_a_paused_endpoint_gets_nothing_and_misses_nothing(setup: Setup) -> None:
    http = FakeHttp()
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, "a")
    with setup.database.writing() as conn:
        assert not endpoints.pause(conn, "shop_2", endpoint, START)
        assert endpoints.pause(conn, SHOP, endpoint, START)
        assert [each.id for each in endpoints.for_shop(conn, SHOP)] == [endpoint]
    setup.add(endpoint, "b")
    deliverer = setup.deliverer(http)
    pass_time(setup, deliverer, START + DAY, step=HOUR)
    with setup.database.reading() as conn:
        assert not outbox.is_due(conn, setup.now(), holds.at(conn, setup.now()).shut), "nobody is woken up for it"
        assert holds.until(conn, [endpoint], setup.now()) == {}
    assert (http.got, setup.states()) == ([], {"due": 2})
    with setup.database.writing() as conn:
        assert not endpoints.resume(conn, "shop_2", endpoint)
        assert endpoints.resume(conn, SHOP, endpoint)
    deliverer.run(30)
    assert setup.states() == {"done": 2}


def test_what_was_claimed_before_the_pause_is_given_back(setup: Setup) -> None:
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, *map(str, range(10)))

    def answer(_got: Got, number: int) -> Response:
        if number == 0:
            with setup.database.writing() as conn:
                endpoints.pause(conn, SHOP, endpoint, START)
        return Response(200)

    http = FakeHttp(answer)
    setup.deliver(http)
    assert len(http.got) <= 4, "those that were on their way"
    assert setup.states()["due"] == 10 - len(http.got)
    with setup.database.writing() as conn:
        endpoints.resume(conn, SHOP, endpoint)
    setup.deliver(http)
    assert setup.states() == {"done": 10}


def test_an_endpoint_that_is_paused_and_forgotten_is_disabled(setup: Setup) -> None:
    endpoint, _ = setup.endpoint()
    with setup.database.writing() as conn:
        endpoints.pause(conn, SHOP, endpoint, START)
    setup.add(endpoint, "a")
    for days, state in ((29, "due"), (30, "dead")):
        setup.now.ms = START + days * DAY
        with setup.database.writing() as conn:
            endpoints.disable_forgotten(conn, setup.now())
        assert setup.states() == {state: 1}
    with setup.database.writing() as conn:
        found = endpoints.by_id(conn, SHOP, endpoint)
        assert found is not None
        assert "thirty days" in (found.disabled_reason or "")
        endpoints.resume(conn, SHOP, endpoint)
    assert setup.replay(shop=SHOP) == 1
    setup.deliver(FakeHttp())
    assert setup.states() == {"done": 1}


def test_a_test_goes_first_and_at_once_also_to_who_is_held_back(setup: Setup) -> None:
    http = FakeHttp(says(500))
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, *map(str, range(20)))
    deliverer = setup.deliverer(http)
    pass_time(setup, deliverer, START + 20 * MINUTE)
    assert shut(setup) == {endpoint}
    before = len(http.got)
    http.answer = says(200)
    with setup.database.writing() as conn:
        delivery = notices.send_test(conn, SHOP, endpoint, setup.now())
        assert notices.send_test(conn, SHOP, endpoint, setup.now()) == delivery
    deliverer.run(30)
    assert http.got[before].id == delivery
    assert b'"type":"endpoint.test"' in http.got[before].body
    assert setup.states() == {"done": 21}, "it works again"


def test_a_new_address_has_not_failed_yet(setup: Setup) -> None:
    http = FakeHttp(lambda got, _number: Response(200 if "new" in got.url else 500))
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, *map(str, range(20)))
    deliverer = setup.deliverer(http)
    pass_time(setup, deliverer, START + 20 * MINUTE)
    with setup.database.writing() as conn:
        assert not endpoints.change(conn, "shop_2", endpoint, "https://stolen.example/")
        assert endpoints.change(conn, SHOP, endpoint, "https://new.example/", ["order.placed"])
        changed = endpoints.by_id(conn, SHOP, endpoint)
    assert changed is not None
    assert (changed.url, changed.types, changed.failing_since) == ("https://new.example/", ("order.placed",), None)
    setup.now.ms += HOUR
    deliverer.run(30)
    assert setup.states() == {"done": 20}


# --- the log


def test_the_log_shows_what_was_sent_and_answered_and_no_secret(setup: Setup) -> None:
    http = FakeHttp(lambda _got, _number: Response(500, body="kļūda\0".encode() * 500))
    endpoint, secret = setup.endpoint("https://a.example/hook?key=sesame")
    setup.add(endpoint, "no")
    setup.deliver(http)
    [row] = setup.rows()
    [tried] = setup.attempts(row.id)
    lines = tried.request.split("\n")
    assert lines[0] == "POST https://a.example/hook"
    assert f"webhook-id: {row.id}" in lines
    assert f"webhook-timestamp: {START // 1000}" in lines
    with setup.database.reading() as conn:
        stored = " ".join(map(str, conn.execute(text("SELECT * FROM attempts")).all()))
    for hidden in (secret, "sesame", http.got[0].headers["webhook-signature"], "signature"):
        assert hidden not in stored
    assert tried.excerpt.startswith("kļūda�kļūda")
    assert len(tried.excerpt) == outbox.EXCERPT


def test_a_range_is_replayed_and_nothing_else(setup: Setup) -> None:
    http = FakeHttp(lambda got, _number: Response(404 if b"bad" in got.body else 200))
    mine, _ = setup.endpoint()
    other, _ = setup.endpoint("https://b.example/")
    foreign, _ = setup.endpoint("https://c.example/", shop="shop_2")
    for hour in range(4):
        setup.now.ms = START + hour * HOUR
        setup.add(mine, f"bad{hour}", f"good{hour}")
        setup.add(other, f"bad{hour}", f"good{hour}")
        setup.add(foreign, f"bad{hour}", shop="shop_2")
    setup.deliver(http)
    with setup.database.writing() as conn:
        for endpoint in (mine, other, foreign):
            outbox.kill_queued(conn, endpoint, "it is over", setup.now())
    assert setup.states() == {"done": 8, "dead": 12}
    span = {"since": START + HOUR, "until": START + 3 * HOUR}
    assert setup.replay(shop=SHOP, endpoint=mine, **span) == 2
    assert setup.replay(shop=SHOP, endpoint=mine, **span) == 0, "they wait already"
    assert setup.replay(shop=SHOP, **span, done=True) == 4
    assert setup.replay(shop="shop_2", endpoint=mine) == 0
    assert setup.replay(shop=SHOP) == 6
    assert setup.replay() == 4
    assert setup.states() == {"done": 4, "due": 16}


def test_a_long_replay_is_many_short_transactions(setup: Setup) -> None:
    endpoint, _ = setup.endpoint()
    setup.add(endpoint, *map(str, range(25)))
    with setup.database.writing() as conn:
        outbox.kill_queued(conn, endpoint, "it is over", START)
        assert [len(outbox.replay(conn, START, outbox.Wanted(SHOP), limit=10)) for _ in range(4)] == [10, 10, 5, 0]
        outbox.kill_queued(conn, endpoint, "it is over", START)
    assert deliver.replay_all(setup.database.writing, START, outbox.Wanted(SHOP)).count == 25


# --- notices


def test_a_notice_goes_to_who_asked_for_it_once_for_each_cause(setup: Setup) -> None:
    http = FakeHttp()
    with setup.database.writing() as conn:
        endpoints.create(conn, SHOP, "https://a.example/", ["coupon.issued"], START)
        straight, _ = endpoints.create(conn, SHOP, "https://b.example/", ["order.placed"], START)
        endpoints.create(conn, "shop_2", "https://c.example/", ["coupon.issued"], START)
    for _ in range(3):
        with setup.database.writing() as conn:
            assert notices.tell(conn, SHOP, "coupon.issued", "cp_1", {"coupon": "cp_1"}, START) == 1
            assert notices.tell(conn, SHOP, "rule.fired", "r:1", {"rule": "r"}, START) == 0
            assert notices.tell(conn, SHOP, "rule.fired", "r:1", {"rule": "r"}, START, only=straight.id) == 1
            assert notices.tell(conn, "shop_2", "rule.fired", "r:1", {"rule": "r"}, START, only=straight.id) == 0
        setup.deliver(http)
    assert sorted(got.url for got in http.got) == ["https://a.example/", "https://b.example/"]
    body = next(got.body for got in http.got if got.url == "https://a.example/")
    assert b'"type":"coupon.issued"' in body
    assert b'"data":{"shop":"shop_1","coupon":"cp_1"}' in body
