"""Coupons and points on their way to the shop's platform: once each, whatever happens to the sender or the reply."""

import random
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace

import orjson
import pytest
from sqlalchemy import text

from integrations import (
    CancelCoupon,
    GrantPoints,
    Http,
    IssueCoupon,
    Message,
    PermanentError,
    Receipt,
    Response,
)
from integrations.signing import make_secret
from integrations.webhook import Webhook
from tests.faults.grants import kill_loop
from tests.integrations import shop_server
from tests.integrations.shop_server import ShopServer
from tests.pipeline.receivers import FakeHttp, Got
from widget_server.act import grants, loyalty
from widget_server.act.bodies import make_body
from widget_server.act.deliver import LEASE, Deliverer, replay
from widget_server.act.http import HttpClient
from widget_server.contract.coupons import Coupon, CouponDue, CouponTerms, worth
from widget_server.contract.points import Due, Entry
from widget_server.record import connections, coupons, ledger, outbox, shops
from widget_server.record.connections import ShopConnection
from widget_server.record.db import Database
from widget_server.record.outbox import Delivery, Wanted

START = 1_795_300_000_000
TERMS = CouponTerms("percent", 1250, None, 30)
DAY = 24 * 3600 * 1000


class Setup:
    """A shop whose platform is a server that may behave badly, and a clock that only the test moves."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = START
        self.secret = make_secret()
        self.server = ShopServer(self.secret).start()
        with database.writing() as conn:
            self.shop = shops.create(conn, "Shop", "shop.example").id
        self.patience = 10.0  # seconds that the sender waits for the shop
        self._deliverers: list[Deliverer] = []

    def connect(self, url: str | None = None) -> ShopConnection:
        with self.database.writing() as conn:
            settings = {"url": url or self.server.url, "secret": self.secret}
            made = connections.create(conn, self.shop, "webhook", "mine", settings, self.now)
            grants.waiting(conn, self.shop, self.now)
        return made

    def coupon(self, number: int = 1, terms: CouponTerms | None = TERMS, available_at: int = 0) -> Coupon:
        due = CouponDue("rule_c", 1, f"order:{number}", "customer-1", terms, available_at, START, why="10 % off")
        with self.database.writing() as conn:
            [made] = loyalty.settle(conn, self.shop, [], [due], self.now).coupons
        return made

    def points(self, points: int, number: int = 1, available_at: int = 0) -> list[Entry]:
        due = Due("rule_p", 1, f"order:{number}", "customer-1", points, available_at, START, why="an order")
        with self.database.writing() as conn:
            return list(loyalty.settle(conn, self.shop, [due], [], self.now).entries)

    def deliver(self, http: Http | None = None, integration: Webhook | None = None) -> int:
        sender = Deliverer(
            self.database, http or HttpClient(allow_private=True, deadline=self.patience), make_body,
            clock=lambda: self.now, rng=random.Random(1), integration=integration or Webhook(),
        )  # fmt: skip
        self._deliverers.append(sender)
        ended = sender.run(30)
        self.server.wait_idle()
        return ended

    def settle(self) -> None:
        """Send until nothing waits any more, by the schedule."""
        for _ in range(30):
            waiting = [row.next_at for row in self.rows() if row.next_at is not None]
            if not waiting:
                return
            self.now = max(self.now, min(waiting))
            if self.deliver() == 0:
                self.now += LEASE
        raise AssertionError(f"it never comes to an end: {self.rows()}")

    def rows(self) -> list[Delivery]:
        with self.database.reading() as conn:
            return sorted(outbox.deliveries(conn, shop=self.shop), key=lambda row: row.created)

    def stages(self) -> list[str]:
        return [row.stage for row in self.rows()]

    def state(self, coupon: Coupon) -> str:
        with self.database.reading() as conn:
            found = coupons.by_id(conn, self.shop, coupon.id)
        assert found is not None
        return found.state

    def close(self) -> None:
        for each in self._deliverers:
            each.close(5)
        self.server.close()


@pytest.fixture
def setup(database: Database) -> Iterator[Setup]:
    made = Setup(database)
    yield made
    made.close()


def test_a_coupon_and_points_arrive_as_the_shop_needs_them(setup: Setup) -> None:
    setup.connect()
    coupon = setup.coupon()
    setup.points(50)
    assert setup.state(coupon) == "planned"
    assert setup.stages() == ["planned", "planned"]
    assert setup.deliver() == 2
    told = setup.server.coupons[coupon.code]
    assert told == {
        "code": coupon.code, "kind": "percent", "amount": "12.5", "currency": None, "customer": "customer-1",
        "expires": "2026-12-21T22:26:40.000Z", "reason": "10 % off",
    }  # fmt: skip
    assert setup.server.points == {"customer-1": 50}
    assert setup.stages() == ["done", "done"]
    assert setup.state(coupon) == "done"


@pytest.mark.parametrize("fault", shop_server.FAULTS)
def test_whatever_becomes_of_the_reply_it_is_there_once(setup: Setup, fault: str) -> None:
    setup.server.choose = lambda _method, number: fault if number < 2 else shop_server.FINE
    setup.connect()
    coupon = setup.coupon()
    setup.points(50)
    setup.patience = 0.3 if "hangs" in fault else setup.patience
    setup.deliver()
    setup.patience = 10.0
    if fault == shop_server.SLOW:
        assert setup.stages() == ["done", "done"]
    elif fault == shop_server.BUSY:
        assert setup.stages() == ["planned", "planned"], "it surely has not got them"
        assert setup.state(coupon) == "planned"
    else:
        assert setup.stages() == ["unknown", "unknown"]
        assert setup.state(coupon) == "unknown"
    setup.settle()
    assert (list(setup.server.coupons), setup.server.points) == ([coupon.code], {"customer-1": 50})
    assert set(setup.server.applied.values()) == {1}
    assert setup.server.refused == [], "nothing was sent a second time that had arrived"
    assert setup.stages() == ["done", "done"]
    assert setup.state(coupon) == "done"


def test_a_question_that_is_not_answered_is_asked_again_and_nothing_is_sent_meanwhile(setup: Setup) -> None:
    wrong = [shop_server.CUT_AFTER, shop_server.FAILS_AFTER, shop_server.CUT_BEFORE, shop_server.HANGS_BEFORE]
    setup.server.choose = lambda _method, number: wrong[number] if number < len(wrong) else shop_server.FINE
    setup.connect()
    setup.points(50)
    for fault in wrong:
        setup.patience = 0.3 if "hangs" in fault else 10.0
        setup.deliver()
        assert setup.stages() == ["unknown"]
        setup.now = setup.rows()[0].next_at or 0
    setup.patience = 10.0
    assert setup.server.requests - setup.server.asked == 1
    setup.deliver()
    assert setup.stages() == ["done"]
    assert setup.server.applied.total() == 1


def test_a_sender_that_died_in_the_middle_is_a_reason_to_ask(setup: Setup) -> None:
    """Its lease is all that is left of it: nobody noted anything down."""
    setup.connect()
    setup.points(50)
    with setup.database.writing() as conn:
        [row] = outbox.claim(conn, now=setup.now, lease=LEASE, limit=5, by="died")
    assert not row.unknown
    assert setup.stages() == ["sending"]
    setup.now += LEASE
    assert setup.deliver() == 1
    assert (setup.server.asked, setup.server.requests) == (1, 2)
    assert setup.stages() == ["done"]


def test_what_was_given_back_before_it_was_begun_is_no_reason_to_ask(setup: Setup) -> None:
    setup.connect()
    setup.points(50)
    with setup.database.writing() as conn:
        outbox.release(conn, outbox.claim(conn, now=setup.now, lease=LEASE, limit=5, by="stopped"))
    setup.deliver()
    assert (setup.server.asked, setup.server.requests) == (0, 1)


@pytest.mark.parametrize("ends", ["fine", "refused"])
def test_a_sender_that_wakes_up_too_late_sends_nothing_and_says_nothing(setup: Setup, ends: str) -> None:
    setup.connect()
    coupon = setup.coupon()
    states = []

    class Slow(Webhook):
        def deliver(
            self, message: Message, settings: Mapping[str, str], http: Http, idempotency_key: str
        ) -> Receipt:
            setup.now += LEASE
            setup.deliver()
            states.append(setup.state(coupon))
            if ends == "refused":
                raise PermanentError("a late opinion")
            return Webhook.deliver(self, message, settings, http, idempotency_key)

    setup.deliver(integration=Slow())
    assert states == ["done"]
    assert setup.server.applied.total() == 1
    assert setup.server.refused == []
    assert setup.state(coupon) == "done"
    assert setup.stages() == ["done"]


class _Strict(Webhook):
    """Refuses coupons."""

    def deliver(
        self, message: Message, settings: Mapping[str, str], http: Http, idempotency_key: str
    ) -> Receipt:
        if isinstance(message, IssueCoupon):
            raise PermanentError("this shop makes no coupons")
        return Webhook.deliver(self, message, settings, http, idempotency_key)


def test_a_coupon_that_is_refused_for_good_is_over_and_can_t_be_replayed(setup: Setup) -> None:
    setup.connect()
    with setup.database.writing() as conn:
        loyalty.adjust(conn, setup.shop, "customer-1", "start", 100, "a present", setup.now)
        redeemed = loyalty.redeem(conn, setup.shop, "customer-1", "once", 80, TERMS, setup.now)
    setup.deliver(integration=_Strict())
    assert setup.state(redeemed.coupon) == "failed"
    with setup.database.writing() as conn:
        assert ledger.balance(conn, setup.shop, "customer-1", setup.now).approved == 100, "the points are back"
        assert replay(conn, setup.now, Wanted(setup.shop)) == 0
    setup.deliver()
    assert setup.server.coupons == {}
    assert setup.server.points == {"customer-1": 100}
    assert setup.state(redeemed.coupon) == "failed"


@pytest.mark.parametrize("status", [400, 422])
def test_the_shop_says_no_with_400_or_422(setup: Setup, status: int) -> None:
    setup.connect()
    coupon = setup.coupon()
    http = FakeHttp(lambda _got, _number: Response(status))
    assert setup.deliver(http) == 1
    assert setup.state(coupon) == "failed"
    assert setup.stages() == ["failed"]


def test_410_is_about_the_connection_and_costs_no_coupon(setup: Setup) -> None:
    made = setup.connect()
    coupon = setup.coupon()
    assert setup.deliver(FakeHttp(lambda _got, _number: Response(410))) == 1
    assert setup.state(coupon) == "planned"
    with setup.database.writing() as conn:
        [shown] = connections.of_shop(conn, setup.shop)
        assert "410" in (shown.paused or "")
        grants.resume(conn, setup.shop, made.id, setup.now)
    meanwhile: list[str] = []

    def answer(_got: Got, _number: int) -> Response:
        meanwhile.append(setup.state(coupon))
        return Response(200)

    assert setup.deliver(FakeHttp(answer)) == 1, "it need not wait for the schedule"
    assert meanwhile == ["sending"]
    assert setup.state(coupon) == "done"


def test_an_address_that_may_not_be_called_costs_no_coupon(setup: Setup) -> None:
    setup.connect("ftp://shop.example/")
    coupon = setup.coupon()
    assert setup.deliver() == 1
    assert setup.state(coupon) == "planned"
    with setup.database.reading() as conn:
        [shown] = connections.of_shop(conn, setup.shop)
    assert shown.paused == "the URL must begin with https://"


def test_a_coupon_of_long_ago_is_cancelled_although_its_message_is_forgotten(setup: Setup) -> None:
    setup.connect()
    coupon = setup.coupon()
    setup.deliver()
    setup.now += 40 * DAY
    with setup.database.writing() as conn:
        assert outbox.prune(conn, setup.now) == 1
    setup.coupon(1, None)
    setup.settle()
    assert setup.server.coupons == {}
    assert setup.state(coupon) == "cancelled"


def test_409_may_mean_this_very_coupon(setup: Setup) -> None:
    """A sender whose lease had ended was slower than its successor."""
    setup.connect()
    coupon = setup.coupon()
    setup.server.coupons[coupon.code] = {}
    setup.server.applied[setup.rows()[0].id] = 1
    setup.deliver()
    assert setup.stages() == ["unknown"]
    setup.settle()
    assert setup.state(coupon) == "done"
    assert setup.server.asked == 1


def test_points_are_told_when_they_are_available_with_the_total_of_then(setup: Setup) -> None:
    setup.connect()
    setup.points(50, 1, START + 14 * DAY)
    setup.points(7, 2)
    got = FakeHttp()
    assert setup.deliver(got) == 1
    setup.now = START + 14 * DAY
    assert setup.deliver(got) == 1
    first, second = (grants_of(each.body) for each in got.got)
    assert (first["points"], first["total"]) == (7, 7)
    assert (second["points"], second["total"]) == (50, 57)
    assert second["reason"] == "an order"


def test_a_fault_of_ours_costs_nobody_points(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    setup.connect()
    setup.points(50)
    with monkeypatch.context() as broken:
        broken.setattr(ledger, "by_id", None)
        setup.deliver()
    assert setup.stages() == ["planned"]
    setup.settle()
    assert setup.server.points == {"customer-1": 50}


def grants_of(body: bytes) -> dict[str, object]:
    told: dict[str, dict[str, object]] = orjson.loads(body)
    return told["data"]


def test_a_coupon_waits_for_a_connection_and_then_goes_to_one_only(setup: Setup) -> None:
    coupon = setup.coupon()
    assert setup.rows() == []
    first = setup.connect()
    setup.connect(f"{setup.server.url}/other")
    assert [row.endpoint for row in setup.rows()] == [first.id]
    setup.settle()
    assert setup.state(coupon) == "done"
    assert setup.server.applied.total() == 1


def test_a_paused_connection_gets_nothing_until_it_is_resumed(setup: Setup) -> None:
    made = setup.connect()
    setup.points(50)
    with setup.database.writing() as conn:
        connections.pause(conn, made.id, "the owner paused it", setup.now)
    assert setup.deliver() == 0
    assert setup.server.requests == 0
    with setup.database.writing() as conn:
        assert connections.taking(conn, setup.shop, "GrantPoints") == []
        connections.resume(conn, made.id)
    assert setup.deliver() == 1


def test_a_platform_that_is_away_for_weeks_costs_nobody_anything(setup: Setup) -> None:
    setup.server.choose = lambda _method, _number: shop_server.FAILS_BEFORE
    made = setup.connect()
    coupon = setup.coupon()
    for _ in range(60):
        setup.deliver()
        [row] = setup.rows()
        setup.now = max(setup.now + DAY // 4, row.next_at or 0)
    with setup.database.writing() as conn:
        [shown] = connections.of_shop(conn, setup.shop)
        assert shown.paused == "it has not worked once in five days"
        asked = setup.server.requests
        connections.resume(conn, made.id)
    setup.server.choose = lambda _method, _number: shop_server.FINE
    setup.settle()
    assert asked < 30
    assert setup.state(coupon) == "done"
    assert list(setup.server.coupons) == [coupon.code]


def test_a_deleted_connection_leaves_what_surely_did_not_arrive_to_another(setup: Setup) -> None:
    setup.server.choose = lambda _method, number: shop_server.CUT_AFTER if number == 0 else shop_server.FINE
    first = setup.connect()
    doubtful = setup.coupon(1)
    setup.deliver()
    sure = setup.coupon(2)
    setup.points(50, 3)
    setup.connect(f"{setup.server.url}/other")
    with setup.database.writing() as conn:
        assert connections.delete(conn, setup.shop, first.id, setup.now)
        grants.leave(conn, setup.shop, first.id, setup.now)
        stored = " ".join(map(str, conn.execute(text("SELECT * FROM connections ORDER BY created, id")).all()))
    assert setup.secret.removeprefix("whsec_") not in stored
    setup.settle()
    assert setup.state(doubtful) == "unknown", "nobody can say, so nobody may make it again"
    assert setup.state(sure) == "done"
    assert setup.server.points == {"customer-1": 50}
    assert setup.server.applied.total() == 3


def test_a_coupon_that_is_owed_no_longer_is_cancelled_where_it_may_be(setup: Setup) -> None:
    setup.connect()
    unsent, sent = setup.coupon(1, available_at=START + DAY), setup.coupon(2)
    setup.deliver()
    setup.coupon(1, None)
    setup.coupon(2, None)
    setup.now += 2 * DAY
    setup.settle()
    assert setup.server.coupons == {}
    assert setup.server.applied.total() == 2, "one coupon, and its cancelling"
    assert (setup.state(unsent), setup.state(sent)) == ("cancelled", "cancelled")
    assert sorted(setup.stages()) == ["cancelled", "done", "done"]


def test_a_coupon_is_cancelled_after_it_was_made_and_made_anew_after_it_was_cancelled(setup: Setup) -> None:
    setup.server.choose = lambda _method, number: shop_server.FAILS_BEFORE if number < 2 else shop_server.FINE
    setup.connect()
    coupon = setup.coupon(1)
    setup.deliver()
    setup.coupon(1, None)
    again = setup.coupon(1)
    assert (again.id, again.code) == (coupon.id, coupon.code)
    setup.settle()
    assert list(setup.server.coupons) == [coupon.code]
    assert setup.state(coupon) == "done"
    assert setup.stages() == ["done", "done", "done"]


def test_one_shop_s_connection_is_no_other_s(setup: Setup) -> None:
    made = setup.connect()
    with setup.database.writing() as conn:
        other = shops.create(conn, "Other", "other.example").id
        assert connections.by_id(conn, other, made.id) is None
        assert connections.taking(conn, other, "IssueCoupon") == []
        assert not connections.change(conn, other, made.id, name="mine now")
        assert not connections.delete(conn, other, made.id, START)
        assert connections.of_shop(conn, setup.shop) == [made]


def test_settings_are_stored_sealed_for_their_row(setup: Setup) -> None:
    made = setup.connect()
    with setup.database.writing() as conn:
        [row] = conn.execute(text("SELECT * FROM connections")).all()
    assert setup.secret.removeprefix("whsec_") not in str(row)
    assert setup.server.url not in str(row)
    assert setup.secret not in repr(made)


def test_mails_wait_and_hold_up_nobody(setup: Setup) -> None:
    setup.connect()
    with setup.database.writing() as conn:
        for _ in range(2):
            grants.mails(conn, setup.shop, [("rule_1:silent:customer-1", {"customer": "customer-1"})], setup.now)
    setup.points(50)
    assert setup.deliver() == 1
    assert sorted((row.type, row.stage) for row in setup.rows()) == [("mail", "planned"), ("points.grant", "done")]


def test_two_senders_share_the_work_and_send_nothing_twice(setup: Setup) -> None:
    setup.connect()
    for number in range(30):
        setup.coupon(number)
    threads = [threading.Thread(target=setup.deliver) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert setup.server.applied.total() == len(setup.server.applied) == 30
    assert set(setup.stages()) == {"done"}


def test_what_a_coupon_is_worth_is_told_as_a_decimal_number() -> None:
    fixed = replace(TERMS, kind="fixed", amount=500, currency="EUR")
    told = [worth(terms) for terms in (TERMS, replace(TERMS, amount=1000), replace(TERMS, amount=5), fixed)]
    assert told == ["12.5", "10", "0.05", "5.00"]
    assert worth(replace(fixed, currency="JPY")) == "500"


def test_coupons_and_points_under_killed_senders_and_lost_replies_are_there_once(database_url: str) -> None:
    outcome = kill_loop(database_url, 20)
    assert outcome.clean, outcome
    assert outcome.finding.acknowledged == 40
    assert outcome.struck >= 2, "senders were killed while they had something in hand"


def test_every_kind_has_a_type() -> None:
    assert set(grants.TYPES) == {each.__name__ for each in (IssueCoupon, CancelCoupon, GrantPoints)}
