"""Redemption, correction by hand, expiry on a clock of the test's own, and what became of coupons outside."""

import random
import re
import threading
import uuid
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from tests.pipeline.envelopes import NOW
from tests.pipeline.test_ledger import balance, due, settle
from widget_server.act import loyalty
from widget_server.contract.coupons import ALPHABET, CouponDue, CouponTerms, code_of
from widget_server.contract.loyalty import Loyalty
from widget_server.contract.order import tombstone
from widget_server.contract.points import Balance, Caps
from widget_server.contract.times import DAY
from widget_server.record import coupons, ledger, shops
from widget_server.record import loyalty as settings
from widget_server.record.db import Database, lock_shops

SHOP = "shop_1"
FIVE = CouponTerms("fixed", 500, "EUR", 30)
WHO = "kanarejputns"


def earn(database: Database, points: int = 100, source: str = "order:A-1", now: int = NOW, **more: Any) -> None:
    settle(database, due(source, points, available_at=now, **more), now=now)


def redeem(database: Database, points: int = 60, now: int = NOW, request: str = "", **more: Any) -> loyalty.Redemption:
    with database.writing() as conn:
        return loyalty.redeem(
            conn, SHOP, more.pop("customer", "c1"), request or str(uuid.uuid4()), points, more.pop("terms", FIVE), now, **more
        )


def set_days(database: Database, days: int | None) -> None:
    with database.writing() as conn:
        settings.replace(conn, SHOP, Loyalty(expire_days=days))


def told(database: Database, coupon: str, state: Any, now: int = NOW) -> Any:
    with database.writing() as conn:
        return loyalty.coupon_told(conn, SHOP, coupon, state, now)


def test_points_become_a_coupon(database: Database) -> None:
    earn(database)
    made = redeem(database, 60)
    assert balance(database) == Balance(40, 0)
    assert (made.entry.kind, made.entry.points) == ("redeem", -60)
    assert (made.coupon.state, made.coupon.terms, made.coupon.customer) == ("planned", FIVE, "c1")
    assert made.coupon.expires_at == NOW + 30 * DAY
    assert re.fullmatch(f"[{ALPHABET}]{{20}}", made.coupon.code)
    with database.reading() as conn:
        assert coupons.newest(conn, SHOP) == [made.coupon]


def test_the_same_id_again_finds_what_was_made(database: Database) -> None:
    earn(database)
    first = redeem(database, 60, request="one")
    assert redeem(database, 60, NOW + DAY, request="one") == first
    assert balance(database) == Balance(40, 0)
    for other in ({"points": 61}, {"points": 60, "customer": "c2"}, {"points": 60, "terms": CouponTerms("percent", 1000)}):
        with pytest.raises(loyalty.OtherRequest):
            redeem(database, request="one", **other)
    assert balance(database) == Balance(40, 0)


def test_only_approved_points_can_be_spent(database: Database) -> None:
    settle(database, due(points=100))
    with pytest.raises(loyalty.NotEnough) as refused:
        redeem(database, 1)
    assert refused.value.approved == 0
    with pytest.raises(loyalty.NotEnough):
        redeem(database, 101, NOW + 14 * DAY)
    redeem(database, 100, NOW + 14 * DAY)
    with database.reading() as conn:
        assert len(coupons.newest(conn, SHOP)) == 1


def test_who_owes_points_can_spend_none_until_they_are_back(database: Database) -> None:
    earn(database)
    redeem(database, 80)
    settle(database, due(points=0, because="refunded"))
    assert balance(database) == Balance(-80, 0)
    earn(database, 50, "order:A-2")
    with pytest.raises(loyalty.NotEnough) as refused:
        redeem(database, 1)
    assert refused.value.approved == -30
    earn(database, 31, "order:A-3")
    redeem(database, 1)
    assert balance(database) == Balance(0, 0)


def test_fifty_at_once_and_one_wins(database: Database) -> None:
    """50 threads, each with a connection of its own, for a balance that pays for one; then 50 times the same request."""
    earn(database, 100)

    def all_at_once(requests: list[str]) -> Counter[str]:
        found: Counter[str] = Counter()
        start = threading.Barrier(len(requests))

        def one(request: str) -> None:
            start.wait()
            try:
                made = redeem(database, 100, request=request)
                found[made.coupon.id] += 1
            except loyalty.NotEnough:
                found["refused"] += 1

        threads = [threading.Thread(target=one, args=(request,)) for request in requests]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    first = all_at_once([str(uuid.uuid4()) for _ in range(50)])
    assert first["refused"] == 49
    assert sum(first.values()) == 50
    assert balance(database) == Balance(0, 0)
    earn(database, 100, "order:A-2")
    again = all_at_once(["the same"] * 50)
    assert list(again.values()) == [50]
    assert balance(database) == Balance(0, 0)
    with database.reading() as conn:
        assert len(coupons.newest(conn, SHOP)) == 2
        assert len([line for line in ledger.of_shop(conn, SHOP) if line.kind == "redeem"]) == 2


def test_who_looked_at_the_clock_earlier_can_not_spend_it_again(database: Database) -> None:
    """Whoever waits for the lock has an older time than whoever held it, and another machine's clock may be an hour off."""
    set_days(database, 10)
    earn(database)
    redeem(database, 60, NOW + 3_600_000)
    for early in (NOW, NOW + 1, NOW + 3_599_999):
        with pytest.raises(loyalty.NotEnough) as refused:
            redeem(database, 60, early)
        assert refused.value.approved == 40
    with database.writing() as conn:
        loyalty.adjust(conn, SHOP, "c1", "one", -30, "twice at the till", NOW + 3_600_000)
    assert balance(database) == Balance(10, 0)
    expire(database, NOW + 10 * DAY)
    assert balance(database) == Balance(0, 0)
    earn(database, 50, "order:A-2", NOW)
    settle(database, due("order:A-2", 0), now=NOW + 3_600_000)
    assert balance(database) == Balance(0, 0)


def test_a_coupon_that_failed_gives_its_points_back_once(database: Database) -> None:
    earn(database)
    made = redeem(database, 60, request="one")
    for state in ("sending", "unknown", "sending"):
        told(database, made.coupon.id, state)
        assert balance(database) == Balance(40, 0)
    assert told(database, made.coupon.id, "failed") is not None
    assert balance(database) == Balance(100, 0)
    for state in ("failed", "done", "sending", "failed", "unknown"):
        assert told(database, made.coupon.id, state, NOW + DAY) is None
    assert balance(database) == Balance(100, 0)
    again = redeem(database, 60, request="one")
    assert again.returned is not None
    assert (again.returned.points, again.coupon.state) == (60, "failed")
    assert balance(database) == Balance(100, 0)


def test_fifty_say_at_once_that_it_failed(database: Database) -> None:
    earn(database)
    made = redeem(database, 60)
    start = threading.Barrier(50)

    def one() -> None:
        start.wait()
        told(database, made.coupon.id, "failed")

    threads = [threading.Thread(target=one) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert balance(database) == Balance(100, 0)


def test_a_coupon_that_the_platform_has_keeps_its_points(database: Database) -> None:
    earn(database)
    made = redeem(database, 60)
    assert told(database, made.coupon.id, "done").state == "done"
    assert told(database, made.coupon.id, "done") is None
    assert told(database, "cpn_other", "done") is None
    assert balance(database) == Balance(40, 0)


def expire(database: Database, now: int) -> None:
    loyalty.expire(database, now)


def test_what_is_over_goes_and_what_was_spent_does_not_go_again(database: Database) -> None:
    set_days(database, 100)
    earn(database, 100, "order:1", NOW)
    earn(database, 50, "order:2", NOW + 10 * DAY)
    redeem(database, 30, NOW + 20 * DAY)
    expire(database, NOW + 100 * DAY - 1)
    assert balance(database, now=NOW + 100 * DAY - 1) == Balance(120, 0)
    expire(database, NOW + 100 * DAY)
    expire(database, NOW + 100 * DAY)
    assert balance(database, now=NOW + 100 * DAY) == Balance(50, 0)
    redeem(database, 20, NOW + 105 * DAY)
    expire(database, NOW + 111 * DAY)
    assert balance(database, now=NOW + 111 * DAY) == Balance(0, 0)
    expire(database, NOW + 500 * DAY)
    with database.reading() as conn:
        lost = [line.points for line in ledger.of_shop(conn, SHOP) if line.kind == "expiry"]
    assert sorted(lost) == [-70, -30]


def test_what_is_over_can_not_be_spent_before_the_clock_has_looked(database: Database) -> None:
    set_days(database, 10)
    earn(database)
    with pytest.raises(loyalty.NotEnough):
        redeem(database, 100, NOW + 10 * DAY)


def test_pending_points_are_over_so_many_days_after_they_are_approved(database: Database) -> None:
    set_days(database, 10)
    settle(database, due())
    expire(database, NOW + 20 * DAY)
    assert balance(database, now=NOW + 20 * DAY) == Balance(100, 0)
    expire(database, NOW + 24 * DAY)
    assert balance(database, now=NOW + 24 * DAY) == Balance(0, 0)


def test_a_refund_after_the_expiry_does_not_take_twice(database: Database) -> None:
    set_days(database, 10)
    earn(database)
    redeem(database, 40, NOW + DAY)
    expire(database, NOW + 10 * DAY)
    later = NOW + 11 * DAY
    settle(database, due(points=50, because="refunded"), now=later)
    assert balance(database, now=later) == Balance(0, 0)  # 50 earned, 40 spent, 10 expired
    settle(database, due(points=0, because="refunded"), now=later)
    assert balance(database, now=later) == Balance(-40, 0)
    expire(database, later + DAY)
    assert balance(database, now=later + DAY) == Balance(-40, 0)


def test_points_given_back_have_their_days_anew(database: Database) -> None:
    set_days(database, 10)
    earn(database)
    made = redeem(database, 100, NOW + 9 * DAY)
    expire(database, NOW + 10 * DAY)
    told(database, made.coupon.id, "failed", NOW + 12 * DAY)
    expire(database, NOW + 21 * DAY)
    assert balance(database, now=NOW + 21 * DAY) == Balance(100, 0)
    expire(database, NOW + 22 * DAY)
    assert balance(database, now=NOW + 22 * DAY) == Balance(0, 0)


def test_many_customers_expire_in_pages(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loyalty, "_PAGE", 7)
    set_days(sqlite_database, 1)
    settle(sqlite_database, *(due(f"order:{n}", 5, f"c{n:03}", available_at=NOW) for n in range(50)))
    expire(sqlite_database, NOW + DAY)
    assert {balance(sqlite_database, f"c{n:03}", NOW + DAY) for n in range(50)} == {Balance(0, 0)}


class Purse:
    """Points as a till would keep them: in bags, each with its date, paid from the bag whose date comes first."""

    def __init__(self) -> None:
        self.bags: list[list[int]] = []  # what is left, from when it can be spent, when it is over

    def add(self, points: int, available: int, days: int = 20) -> None:
        self.bags.append([points, available, available + days * DAY])

    def open(self, now: int) -> list[list[int]]:
        return sorted((bag for bag in self.bags if bag[1] <= now), key=lambda bag: bag[2])

    def pay(self, points: int, now: int) -> None:
        for bag in self.open(now):
            part = min(points, bag[0])
            bag[0] -= part
            points -= part

    def expire(self, now: int) -> None:
        self.bags = [bag for bag in self.bags if bag[2] > now]

    def worth(self, now: int) -> int:
        return sum(bag[0] for bag in self.open(now))


@pytest.mark.parametrize("seed", range(6))
def test_points_are_paid_and_over_as_a_till_would_have_it(database: Database, seed: int) -> None:
    """Earning at any time, spending, coupons that fail and give back, and a clock that looks when it pleases."""
    rng = random.Random(seed)
    set_days(database, 20)
    now, purse = NOW, Purse()
    for step in range(45):
        now += rng.randrange(1, 4) * DAY + rng.randrange(1000)
        action = rng.choice(("earn", "earn", "redeem", "redeem", "expire"))
        if action == "earn":
            points, available = rng.randrange(1, 100), now + rng.choice((0, 0, 3)) * DAY
            settle(database, due(f"order:{step}", points, available_at=available), now=now)
            purse.add(points, available)
        elif action == "redeem":
            purse.expire(now)  # whoever spends is looked at first
            points = rng.randrange(1, 120)
            if points > purse.worth(now):
                with pytest.raises(loyalty.NotEnough):
                    redeem(database, points, now)
                continue
            made = redeem(database, points, now)
            purse.pay(points, now)
            if rng.random() < 0.3:
                told(database, made.coupon.id, "failed", now)
                purse.add(points, now)
        else:
            expire(database, now)
            purse.expire(now)
            assert balance(database, now=now).approved == purse.worth(now)
    expire(database, now + 100 * DAY)
    assert balance(database, now=now + 100 * DAY) == Balance(0, 0)


def test_a_correction_by_hand_counts_once_and_says_why(database: Database) -> None:
    with database.writing() as conn:
        first = loyalty.adjust(conn, SHOP, "c1", "one", -30, "twice at the till", NOW)
        assert loyalty.adjust(conn, SHOP, "c1", "one", -30, "twice at the till", NOW + 1) == first
        with pytest.raises(loyalty.OtherRequest):
            loyalty.adjust(conn, SHOP, "c1", "one", -31, "twice at the till", NOW)
        with pytest.raises(loyalty.OtherRequest):
            loyalty.adjust(conn, SHOP, "c2", "one", -30, "twice at the till", NOW)
    assert balance(database) == Balance(-30, 0)
    assert first.why == {"reason": "twice at the till"}


def coupon_due(source: str = "order:A-1", terms: CouponTerms | None = FIVE, customer: str = "c1", **more: Any) -> CouponDue:
    return CouponDue("rul_1", 1, source, customer, terms, NOW + 14 * DAY, more.pop("at", NOW), **more)


def grant(database: Database, *dues: CouponDue, now: int = NOW) -> list[Any]:
    with database.writing() as conn:
        lock_shops(conn, [SHOP])
        return list(loyalty.settle(conn, SHOP, (), dues, now).coupons)


def test_a_fact_gives_one_coupon_however_often_it_is_told(database: Database) -> None:
    (made,) = grant(database, coupon_due(), coupon_due())
    assert grant(database, coupon_due(), now=NOW + DAY) == []
    (cancelled,) = grant(database, coupon_due(terms=None))
    assert (cancelled.id, cancelled.state) == (made.id, "cancelled")
    assert grant(database, coupon_due(terms=None)) == []
    (again,) = grant(database, coupon_due())
    assert (again.id, again.code, again.state, again.round) == (made.id, made.code, "planned", 1)
    assert grant(database, coupon_due("order:none", None)) == []
    with database.reading() as conn:
        assert len(coupons.newest(conn, SHOP)) == 1


def test_a_shop_gives_one_coupon_for_a_fact_and_no_code_twice(database: Database) -> None:
    (made,) = grant(database, coupon_due())
    copied = text(
        "INSERT INTO coupons SELECT 'cpn_other', shop, 'c2', :rule, rule_version, source, :code, kind, amount, currency, days, "
        "available_at, expires_at, state, round, created, changed, day, why, error FROM coupons"
    )
    for rule, code in (("rul_1", "other"), ("rul_2", made.code)):
        with pytest.raises(IntegrityError), database.writing() as conn:
            conn.execute(copied, {"rule": rule, "code": code})
    with database.writing() as conn:
        conn.execute(copied, {"rule": "rul_2", "code": "other"})


def test_nothing_owed_asks_nothing_and_a_batch_asks_little(sqlite_database: Database) -> None:
    asked: list[str] = []
    with sqlite_database.writing() as conn:
        event.listen(conn, "before_cursor_execute", lambda *args: asked.append(args[2]))
        assert loyalty.settle(conn, SHOP, (), (), NOW) == loyalty.Settled([], [])
        assert asked == []
        dues = [due(f"order:{n}", customer=f"c{n}") for n in range(200)]
        loyalty.settle(conn, SHOP, dues, [coupon_due(f"order:{n}", customer=f"c{n}") for n in range(200)], NOW)
    assert len(asked) <= 14


def test_a_coupon_goes_along_with_its_order(database: Database) -> None:
    grant(database, coupon_due(customer="e:guest"))
    assert grant(database, coupon_due(customer="c7")) == []
    with database.reading() as conn:
        (found,) = coupons.newest(conn, SHOP, customer="c7")
        assert coupons.newest(conn, SHOP, customer="e:guest") == []
    assert found.state == "planned"


@pytest.mark.parametrize("seed", range(4))
def test_no_history_exceeds_a_cap_of_coupons(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    caps = Caps(customer=2, day=4, total=7)
    for step in range(40):
        dues = [
            coupon_due(f"order:{n}", rng.choice((FIVE, FIVE, None)), f"c{n % 5}", at=NOW + n % 3 * DAY, caps=caps)
            for n in rng.sample(range(30), 4)
        ]
        grant(database, *dues, now=NOW + step)
        with database.reading() as conn:
            valid = [each for each in coupons.newest(conn, SHOP) if each.state != "cancelled"]
        assert len(valid) <= 7
        assert max(Counter(each.customer for each in valid).values(), default=0) <= 2
        assert max(Counter(int(each.source[6:]) % 3 for each in valid).values(), default=0) <= 4


def test_100_000_codes_and_none_twice() -> None:
    made = {code_of("key", f"cpn_{n}") for n in range(100_000)}
    assert len(made) == 100_000
    assert all(len(code) == 20 and not set(code) - set(ALPHABET) for code in made)
    assert len(ALPHABET) == len(set(ALPHABET)) == 32
    assert not set("01lo") & set(ALPHABET)
    seen = [Counter(code[place] for code in made) for place in range(20)]
    assert all(set(there) == set(ALPHABET) and max(there.values()) < 2 * min(there.values()) for there in seen)


def test_a_code_is_the_rows_and_the_shops() -> None:
    assert code_of("key", "cpn_1") == code_of("key", "cpn_1")
    assert len({code_of(key, row) for key in ("key", "other") for row in ("cpn_1", "cpn_2")}) == 4


def test_an_erased_customer_has_a_tombstone_everywhere(database: Database) -> None:
    with database.writing() as conn:
        shop = shops.create(conn, "Shop", "shop.example").id
        loyalty.settle(conn, shop, [due(available_at=NOW, customer=WHO)], [coupon_due(f"birthday:2025:{WHO}", customer=WHO)], NOW)
        loyalty.adjust(conn, shop, WHO, "one", 5, f"for {WHO}, who called", NOW)
        loyalty.redeem(conn, shop, WHO, "two", 50, FIVE, NOW)
        loyalty.erase(conn, shop, WHO)
        loyalty.erase(conn, shop, WHO)
        found = shops.by_id(conn, shop)
        assert found is not None
        name = tombstone(found.customer_key, WHO)
        assert ledger.balance(conn, shop, WHO, NOW) == Balance()
        assert ledger.balance(conn, shop, name, NOW) == Balance(55, 0)
        with pytest.raises(loyalty.Erased):
            loyalty.redeem(conn, shop, name, "three", 5, FIVE, NOW)
        with pytest.raises(loyalty.Erased):
            loyalty.adjust(conn, shop, name, "four", 5, "why", NOW)
        assert {each.customer for each in coupons.newest(conn, shop)} == {name}
        everything = [*ledger.of_shop(conn, shop), *coupons.newest(conn, shop)]
        assert WHO not in repr(everything)
