"""Reading what no webhook told: by a shop in memory, with everything that happens in shops while somebody reads them."""

import json
import time
from collections.abc import Callable, Iterator

import pytest
import redis
from rq import Queue

from integrations import Response
from tests.integrations.conftest import Hooked
from tests.integrations.test_woocommerce import send, state
from tests.integrations.woo_shop import WooShop, order
from widget_server.act import jobs, reconcile
from widget_server.act.inbound import take_in
from widget_server.contract.times import format_time, parse_time
from widget_server.record import connections
from widget_server.record.connections import ShopConnection

BASE = "https://atbalss.example"


def at(text: str) -> int:
    found = parse_time(f"{text}Z")
    assert found is not None
    return found


NOW = at("2026-11-21T12:00:00")


def connection(hooked: Hooked) -> ShopConnection:
    with hooked.database.reading() as conn:
        return connections.targets(conn, [hooked.connections["woocommerce"]])[hooked.connections["woocommerce"]]


def read(hooked: Hooked, shop: WooShop, now: int = NOW) -> reconcile.Reading:
    return reconcile.read(hooked.database, shop, hooked.connections["woocommerce"], now)


def cursor_is(hooked: Hooked, text: str | None) -> None:
    with hooked.database.writing() as conn:
        connections.set_cursor(conn, hooked.connections["woocommerce"], "" if text is None else f"{text}Z")


def problems(hooked: Hooked) -> list[str]:
    health = connection(hooked).health
    return [] if health is None else list(json.loads(health)["problems"])


def test_what_no_webhook_told_is_read_and_the_cursor_moves_by_the_shops_clock(hooked: Hooked) -> None:
    cursor_is(hooked, "2026-11-21T09:30:00")
    shop = WooShop()
    shop.put(
        order(1, modified="2026-11-21T08:00:00"), order(2, modified="2026-11-21T08:30:01"),
        order(3, "completed", modified="2026-11-21T10:00:00"), order(4, "trash", modified="2026-11-21T09:00:00"),
    )  # fmt: skip
    assert read(hooked, shop) == reconcile.Reading(orders=3, new=3)
    found = state(hooked, "1", "2", "3", "4")
    # An hour is read again; what is older is not; what lies in the bin is found there.
    assert {ref: each.state for ref, each in found.items()} == {"2": "open", "3": "completed", "4": "cancelled"}
    assert connection(hooked).cursor == "2026-11-21T10:00:00.000Z"


def test_reading_again_says_nothing_new(hooked: Hooked) -> None:
    shop = WooShop()
    shop.put(*(order(n, modified="2026-11-21T11:30:00") for n in range(1, 30)))
    cursor_is(hooked, "2026-11-21T11:00:00")
    assert read(hooked, shop).new == 29
    for minutes in (10, 20, 30):
        assert read(hooked, shop, NOW + minutes * 60_000) == reconcile.Reading(orders=29, new=0)
    assert len(hooked.events()) == 29


def test_what_a_webhook_has_told_is_not_told_again_by_a_reading(hooked: Hooked) -> None:
    shop = WooShop()
    cursor_is(hooked, "2026-11-21T10:00:00")
    for body in (order(5, "completed"), order(6, "processing", customer_id=0, lang="lv")):
        shop.put(body)
        send(hooked, "order.updated", body)
    take_in(hooked.database)
    assert read(hooked, shop) == reconcile.Reading(orders=2, new=0)
    shop.orders[6]["line_items"][0]["sku"] = "OTHER"
    assert read(hooked, shop) == reconcile.Reading(orders=2, new=1)
    assert state(hooked, "6")["6"].products == ("OTHER",)


def test_no_order_is_missed_while_orders_move_between_the_pages(hooked: Hooked) -> None:
    """Whoever turns pages by number misses what stood first on the next page when an order of this one is changed."""
    shop = WooShop()
    for n in range(1, 171):
        shop.put(order(n, modified=f"2026-11-21T10:{n // 60:02}:{n % 60:02}"))
    turns = iter(range(1, 40))

    def sell(shop: WooShop) -> None:
        turn = next(turns)
        shop.orders[turn]["date_modified_gmt"] = f"2026-11-21T11:00:{turn:02}"

    shop.between = sell
    cursor_is(hooked, "2026-11-21T10:30:00")
    read(hooked, shop)
    assert set(state(hooked, *map(str, range(1, 171)))) == set(map(str, range(1, 171)))


def test_more_orders_of_one_second_than_a_page_holds_are_all_read(hooked: Hooked) -> None:
    shop = WooShop()
    shop.put(*(order(n, modified="2026-11-21T11:30:00") for n in range(1, 131)))
    shop.put(*(order(n, modified="2026-11-21T11:30:01") for n in range(131, 140)))
    cursor_is(hooked, "2026-11-21T11:00:00")
    assert read(hooked, shop).orders == 139
    assert len(shop.asked) < 10


def test_a_fresh_read_wins_over_webhooks_of_the_same_second_and_stays(hooked: Hooked) -> None:
    done = order(5, "completed", date_completed_gmt="2026-11-21T10:00:00")
    back = order(5, "processing")
    shop = WooShop()
    cursor_is(hooked, "2026-11-21T10:00:00")
    send(hooked, "order.updated", done)
    take_in(hooked.database)
    shop.put(back)
    read(hooked, shop)
    assert state(hooked, "5")["5"].state == "open"
    send(hooked, "order.updated", {**done, "refunds": []}, "again")
    take_in(hooked.database)
    assert state(hooked, "5")["5"].state == "open"


def test_what_returns_to_what_it_was_within_a_second_is_read_as_it_is(hooked: Hooked) -> None:
    """The second reading of the first words has a name of its own, or it would pass for the one that was overtaken."""
    shop = WooShop()
    cursor_is(hooked, "2026-11-21T10:00:00")
    seen = []
    for minute, status in enumerate(("processing", "cancelled", "processing", "processing", "cancelled")):
        shop.put(order(5, status))
        read(hooked, shop, NOW + minute * 600_000)
        seen.append(state(hooked, "5")["5"].state)
    assert seen == ["open", "cancelled", "open", "open", "cancelled"]
    assert len(hooked.events()) == 4


def test_a_shop_whose_clock_runs_ahead_makes_us_skip_nothing(hooked: Hooked) -> None:
    shop = WooShop()
    shop.put(order(5, "processing", modified="2099-01-01T00:00:00"))
    cursor_is(hooked, "2026-11-21T10:00:00")
    read(hooked, shop)
    assert connection(hooked).cursor == format_time(NOW)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response(401, body=b'{"code":"woocommerce_rest_cannot_view"}'), "does not accept the API keys"),
        (Response(403, body=b"<html>"), "does not accept the API keys"),
        (Response(301, {"location": "https://www.shop.example/"}), "another address"),
        (Response(404, body=b"<html>"), "permalinks"),
        (Response(500, body=b"critical error"), "answered 500"),
        (Response(200, body=b"<html>Checking your browser</html>"), "something else than JSON"),
        (Response(200, body=b'{"code":"x"}'), "something else than a list"),
        (Response(200, body=b"[" * 50_000), "something else than JSON"),
        (Response(200, body=b"[]", complete=False), "more than we read"),
    ],
)
def test_what_goes_wrong_in_the_shop_stands_on_the_connection(hooked: Hooked, answer: Response, said: str) -> None:
    cursor_is(hooked, "2026-11-21T10:00:00")
    assert read(hooked, WooShop(answer=answer)) == reconcile.Reading()
    (problem,) = problems(hooked)
    assert said in problem
    assert "cs_sample" not in problem
    # Nothing was read, so nothing is skipped next time.
    assert connection(hooked).cursor == "2026-11-21T10:00:00Z"
    reconcile.check(hooked.database, WooShop(answer=answer), hooked.connections["woocommerce"], BASE, NOW)
    assert len(problems(hooked)) == 2
    assert all(said in each for each in problems(hooked))
    # What a reading has found goes with the next good reading, what a look has found with the next good look.
    read(hooked, WooShop())
    assert len(problems(hooked)) == 1
    assert check(hooked, WooShop(webhooks=webhooks(hooked))) == []


def test_a_reading_that_breaks_off_starts_again_where_it_started(hooked: Hooked) -> None:
    shop = WooShop()
    shop.put(*(order(n, modified=f"2026-11-21T11:30:{n % 60:02}") for n in range(1, 121)))
    cursor_is(hooked, "2026-11-21T11:00:00")
    calls = iter(range(10))

    def break_off(shop: WooShop) -> None:
        if next(calls) == 2:
            shop.answer = Response(503)

    shop.between = break_off
    read(hooked, shop)
    assert connection(hooked).cursor == "2026-11-21T11:00:00Z"
    shop.answer, shop.between = None, lambda _shop: None
    read(hooked, shop)
    assert len(state(hooked, *map(str, range(1, 121)))) == 120


def test_an_order_that_is_none_stops_no_other(hooked: Hooked) -> None:
    shop = WooShop()
    shop.put(order(1, modified="2026-11-21T11:30:00", total="x" * 50), order(2, modified="2026-11-21T11:30:00", line_items=None))
    shop.put(order(3, modified="2026-11-21T11:30:01", currency="euro"))
    cursor_is(hooked, "2026-11-21T11:00:00")
    read(hooked, shop)
    assert set(state(hooked, "1", "2", "3")) == {"1", "3"}


# --- health -----------------------------------------------------------------------------------------------------------


def webhooks(hooked: Hooked, **more: str) -> list[dict[str, object]]:
    from integrations.woocommerce import integration

    address = reconcile.address(BASE, connection(hooked))
    return [
        {"id": n, "topic": topic, "status": "active", "delivery_url": address, **more} for n, topic in enumerate(integration.topics, 1)
    ]


def check(hooked: Hooked, shop: WooShop) -> list[str]:
    reconcile.check(hooked.database, shop, hooked.connections["woocommerce"], BASE, NOW)
    return problems(hooked)


def test_a_shop_that_tells_everything_is_well(hooked: Hooked) -> None:
    other = {"id": 99, "topic": "order.updated", "status": "disabled", "delivery_url": "https://else.example/"}
    assert check(hooked, WooShop(webhooks=[*webhooks(hooked), other])) == []
    health = connection(hooked).health
    assert health is not None
    assert json.loads(health) == {"ok": True, "problems": [], "checked_at": format_time(NOW)}


def test_a_webhook_that_was_switched_off_is_told_and_so_is_its_return(hooked: Hooked) -> None:
    shop = WooShop(webhooks=webhooks(hooked))
    shop.webhooks[1]["status"] = "disabled"
    (problem,) = check(hooked, shop)
    assert "order.updated is disabled" in problem
    assert "five failures" in problem
    shop.webhooks[1]["status"] = "active"
    assert check(hooked, shop) == []


def test_a_webhook_that_is_missing_or_paused_is_told(hooked: Hooked) -> None:
    shop = WooShop(webhooks=webhooks(hooked)[1:])
    shop.webhooks[0]["status"] = "paused"
    missing, paused = sorted(check(hooked, shop), key=lambda each: "paused" in each)
    assert "no webhook for order.created" in missing
    assert reconcile.address(BASE, connection(hooked)) in missing
    assert "order.updated is paused" in paused


def test_a_webhook_that_meets_a_redirect_looks_healthy_there_and_not_here(hooked: Hooked) -> None:
    """WooCommerce counts 301 and 302 as delivered and follows neither."""
    plain = reconcile.address(BASE, connection(hooked)).replace("https://", "http://")
    found = check(hooked, WooShop(webhooks=webhooks(hooked, delivery_url=plain)))
    assert len(found) == 7
    assert all("redirect" in each and plain in each for each in found)


def test_the_platform_is_told_to_send_what_it_does_not(hooked: Hooked) -> None:
    shop, mine = WooShop(), hooked.connections["woocommerce"]
    for _ in range(3):
        reconcile.act(hooked.database, shop, "check", mine, BASE, NOW)
    assert problems(hooked) == []
    assert [(each["topic"], each["status"]) for each in shop.webhooks] == [(each["topic"], "active") for each in webhooks(hooked)]
    address = reconcile.address(BASE, connection(hooked))
    assert {(each["delivery_url"], each["secret"]) for each in shop.webhooks} == {(address, "SampleSecret42")}
    shop.webhooks[0]["status"], shop.webhooks[1]["status"] = "disabled", "paused"
    reconcile.act(hooked.database, shop, "check", mine, BASE, NOW)
    assert [each["status"] for each in shop.webhooks] == ["active", "paused", *["active"] * 5]
    assert len(problems(hooked)) == 1


def test_keys_that_may_only_read_leave_it_to_the_owner(hooked: Hooked) -> None:
    shop = WooShop(read_only=True)
    reconcile.act(hooked.database, shop, "check", hooked.connections["woocommerce"], BASE, NOW)
    assert len(problems(hooked)) == 7
    assert shop.webhooks == []


def test_what_could_not_be_understood_is_told_for_a_day(hooked: Hooked) -> None:
    send(hooked, "order.updated", {"id": 5})
    send(hooked, "order.deleted", {"id": 5, "more": 1})
    take_in(hooked.database)
    shop, mine, received = WooShop(webhooks=webhooks(hooked)), hooked.connections["woocommerce"], time.time_ns() // 1_000_000
    for hours, count in ((1, 1), (23, 1), (25, 0)):
        reconcile.check(hooked.database, shop, mine, BASE, received + hours * 3_600_000)
        assert len(problems(hooked)) == count
    reconcile.check(hooked.database, shop, mine, BASE, received)
    (problem,) = problems(hooked)
    assert "understood: 2" in problem
    assert "order." in problem


# --- when it happens --------------------------------------------------------------------------------------------------


def test_each_connection_is_read_every_ten_minutes_and_looked_at_every_hour(hooked: Hooked) -> None:
    mine = hooked.connections["woocommerce"]
    due = [reconcile.due(hooked.database, NOW + minutes * 60_000) for minutes in range(121)]
    said = [(minute, what) for minute, found in enumerate(due) for what, name in found if name == mine]
    assert [minute for minute, what in said if what == "read"] == list(range(0, 121, 10))
    assert [minute for minute, what in said if what == "check"] == [0, 60, 120]


def test_one_that_is_paused_or_deleted_is_left_alone(hooked: Hooked) -> None:
    mine, shop = hooked.connections["woocommerce"], WooShop()
    with hooked.database.writing() as conn:
        connections.pause(conn, mine, "because", NOW)
    assert reconcile.due(hooked.database, NOW) == []
    assert read(hooked, shop) == reconcile.Reading()
    with hooked.database.writing() as conn:
        connections.resume(conn, mine)
        connections.delete(conn, hooked.shop, mine, NOW)
    assert reconcile.due(hooked.database, NOW) == []
    assert read(hooked, shop) == reconcile.Reading()
    assert check(hooked, shop) == []
    assert shop.asked == []


Work = Callable[[Callable[[str, str], None]], None]


@pytest.fixture
def work(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    monkeypatch.setattr(jobs.ReconcileWorker, "_install_signal_handlers", lambda _worker: None)
    clients = []

    def work(act: Callable[[str, str], None]) -> None:
        clients.append(redis.Redis.from_url(redis_url))
        jobs.make_reconciler(clients[-1], act).work(burst=True, logging_level="WARNING")

    yield work
    for client in clients:
        client.close()


def test_what_is_asked_for_is_done_once_by_the_worker_of_the_queue(redis_client: "redis.Redis", work: Work) -> None:
    for _ in range(5):
        jobs.ask_reconcile(redis_client, "read", "con_1")
        jobs.ask_reconcile(redis_client, "check", "con_1")
    done: list[tuple[str, str]] = []
    work(lambda what, name: done.append((what, name)))
    assert done == [("read", "con_1"), ("check", "con_1")]
    jobs.ask_reconcile(redis_client, "read", "con_1")
    work(lambda what, name: done.append((what, name)))
    assert len(done) == 3


def test_a_reading_that_fails_stops_no_other(redis_client: "redis.Redis", work: Work) -> None:
    done = []

    def act(_what: str, name: str) -> None:
        if name == "con_1":
            raise ZeroDivisionError
        done.append(name)

    for name in ("con_1", "con_2"):
        jobs.ask_reconcile(redis_client, "read", name)
    work(act)
    assert done == ["con_2"]


def test_jobs_carry_ids_and_run_only_in_their_worker(redis_client: "redis.Redis") -> None:
    jobs.ask_reconcile(redis_client, "read", "con_1")
    (job,) = Queue(jobs.RECONCILE, connection=redis_client, serializer=jobs.JSONSerializer).jobs
    assert job.args == ["read", "con_1"]
    with pytest.raises(RuntimeError, match="make_reconciler"):
        jobs.reconcile("read", "con_1")
