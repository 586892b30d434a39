"""What the clock notices: birthdays, silence, and scores that rules ask for."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.pipeline.envelopes import NOW, event
from tests.pipeline.loyal import DAY, Loyal, customer, order, rating
from widget_server.act import occasions
from widget_server.act.clock import TASKS
from widget_server.contract.rules import BIRTHDAY_KNOWN
from widget_server.contract.times import format_time
from widget_server.record import endpoints
from widget_server.record.db import Database

HOUR = 3_600_000
PRESENT = {"coupon": {"kind": "percent", "amount": "15", "days": 30}}


@pytest.fixture
def loyal(database: Database) -> Loyal:
    return Loyal.open(database, "Europe/Riga")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def clock(loyal: Loyal, start: str, days: int, step: int = DAY // 4) -> None:
    """Let the tasks run for some days."""
    at = ms(start)
    for now in range(at, at + days * DAY, step):
        occasions.birthdays(loyal.database, now)
        occasions.silences(loyal.database, now)
        occasions.scores(loyal.database, now)


def test_the_clock_of_every_worker_does_these() -> None:
    assert {task.run: task.every for task in TASKS}.items() >= {
        occasions.birthdays: 3600, occasions.silences: 3600, occasions.scores: 60,
    }.items()  # fmt: skip


def test_a_birthday_is_rewarded_once_a_year(loyal: Loyal) -> None:
    loyal.rule("customer.birthday", [{"points": 100}, PRESENT], at=ms("2024-01-01"))
    loyal.hear(customer("c-1", ms("2024-01-05"), birthday="1990-05-20"), customer("c-2", ms("2024-01-05"), birthday="05-21"))
    clock(loyal, "2024-05-15", 12)
    assert loyal.check() == {"birthday:2024:c-1 c-1": 100, "birthday:2024:c-2 c-2": 100}
    clock(loyal, "2025-05-15", 12)
    assert sum(loyal.check().values()) == 400
    assert sorted(loyal.coupons()) == [f"birthday:{year}:c-{n}" for year in (2024, 2025) for n in (1, 2)]


def test_a_birthday_begins_at_midnight_where_the_shop_is(loyal: Loyal) -> None:
    loyal.rule("customer.birthday", [{"points": 100}], at=ms("2024-01-01"))
    loyal.hear(customer("c-1", ms("2024-01-05"), birthday="05-20"))
    occasions.birthdays(loyal.database, ms("2024-05-19T20:59:59"))
    assert loyal.points() == {}
    occasions.birthdays(loyal.database, ms("2024-05-19T21:00:00"))
    assert loyal.check() == {"birthday:2024:c-1 c-1": 100}


@pytest.mark.parametrize(("known", "owed"), [(BIRTHDAY_KNOWN, 100), (BIRTHDAY_KNOWN - 1, 0), (0, 0)])
def test_a_birthday_that_was_named_lately_is_none(loyal: Loyal, known: int, owed: int) -> None:
    loyal.rule("customer.birthday", [{"points": 100}], at=ms("2024-01-01"))
    midnight = ms("2024-05-19T21:00:00")
    loyal.hear(customer("c-1", midnight - known * DAY, birthday="05-20"))
    clock(loyal, "2024-05-19T21:00:00", 9)
    assert sum(loyal.check().values()) == owed


def test_whoever_changes_a_birthday_waits_anew_and_never_has_two_a_year(loyal: Loyal) -> None:
    loyal.rule("customer.birthday", [{"points": 100}], at=ms("2023-01-01"))
    loyal.hear(customer("c-1", ms("2023-06-01"), birthday="03-01"))
    clock(loyal, "2024-02-28", 4)
    loyal.hear(customer("c-1", ms("2024-03-02"), birthday="03-20"))
    clock(loyal, "2024-03-18", 5)
    loyal.hear(customer("c-1", ms("2024-03-25"), birthday="05-20"))
    clock(loyal, "2024-05-18", 5)
    assert loyal.check() == {"birthday:2024:c-1 c-1": 100}


@pytest.mark.parametrize(("start", "year"), [("2023-02-25", 2023), ("2024-02-25", 2024)])
def test_somebody_born_on_a_leap_day_has_a_birthday_each_year(loyal: Loyal, start: str, year: int) -> None:
    loyal.rule("customer.birthday", [{"points": 1}], at=ms("2022-01-01"))
    loyal.hear(customer("c-1", ms("2022-06-01"), birthday="2000-02-29"))
    clock(loyal, start, 8)
    assert loyal.check() == {f"birthday:{year}:c-1 c-1": 1}
    with loyal.database.reading() as conn:
        (at,) = conn.exec_driver_sql("SELECT at FROM events WHERE type = 'customer.birthday'").scalars()
    assert format_time(at)[:10] == ("2023-02-27" if year == 2023 else "2024-02-28")  # midnight in Riga is 22:00 UTC


def test_birthdays_are_made_up_for_within_a_week(loyal: Loyal) -> None:
    loyal.rule("customer.birthday", [{"points": 1}], at=ms("2024-01-01"))
    for n in range(1, 15):
        loyal.hear(customer(f"c-{n:02}", ms("2024-01-05"), birthday=f"05-{n:02}"))
    occasions.birthdays(loyal.database, ms("2024-05-14T12:00:00"))
    assert sorted(name.split()[1] for name in loyal.check()) == [f"c-{n:02}" for n in range(7, 15)]


def test_a_birthday_counts_under_the_rules_of_its_day(loyal: Loyal) -> None:
    loyal.hear(*(customer(f"c-{n}", ms("2024-01-05"), birthday=f"05-2{n}", segments=["vip"] if n % 2 else []) for n in range(4)))
    rule = loyal.rule("customer.birthday", [{"points": 1}], at=ms("2024-05-21"), **{"if": {"segment": ["vip"]}}).rule
    loyal.change(rule, ms("2024-05-22T12:00:00"), then=[{"points": 5}])
    clock(loyal, "2024-05-26", 1)
    assert loyal.check() == {"birthday:2024:c-3 c-3": 5}
    clock(loyal, "2024-05-20", 7)
    loyal.hear(customer("c-3", ms("2024-05-28"), segments=[]))
    assert loyal.check() == {"birthday:2024:c-3 c-3": 5}


def test_nobody_erased_has_a_birthday(loyal: Loyal) -> None:
    loyal.rule("customer.birthday", [{"points": 1}], at=ms("2024-01-01"))
    loyal.hear(customer("c-1", ms("2024-01-05"), birthday="05-20"))
    loyal.hear(event("customer.erased", ms("2024-02-01"), customer={"ref": "c-1"}))
    clock(loyal, "2024-05-18", 5)
    assert loyal.points() == {}


def test_without_a_rule_nothing_is_noticed(loyal: Loyal) -> None:
    gone = loyal.rule("customer.birthday", [{"points": 1}], at=ms("2024-01-01")).rule
    loyal.remove(gone, ms("2024-02-01"))
    loyal.rule("customer.silent", [{"points": 1}], at=ms("2024-01-01"), active=False, **{"if": {"days": 30}})
    loyal.hear(customer("c-1", ms("2024-01-05"), birthday="05-20"), bought("A-1", "2024-04-20"))
    clock(loyal, "2024-05-18", 5)
    with loyal.database.reading() as conn:
        kinds = set(conn.exec_driver_sql("SELECT type FROM events").scalars())
    assert kinds == {"customer.updated", "order.updated"}


def bought(ref: str, placed: str, who: str = "c-1", **more: Any) -> dict[str, Any]:
    at = ms(placed)
    return order(ref, at, customer=who, placed_at=format_time(at), completed_at=format_time(at), **more)


def test_silence_is_rewarded_once_for_each_time_somebody_falls_silent(loyal: Loyal) -> None:
    loyal.rule("customer.silent", [{"points": 20}, PRESENT], at=ms("2024-01-01"), **{"if": {"days": 60}})
    loyal.hear(bought("A-1", "2024-02-01"), bought("B-1", "2024-02-10", "c-2"))
    clock(loyal, "2024-03-28", 20)
    assert loyal.check() == {"silent:c-1:A-1 c-1": 20, "silent:c-2:B-1 c-2": 20}
    loyal.hear(bought("A-2", "2024-05-01"))
    clock(loyal, "2024-06-25", 20)
    assert loyal.check() == {"silent:c-1:A-1 c-1": 20, "silent:c-1:A-2 c-1": 20, "silent:c-2:B-1 c-2": 20}
    assert sorted(loyal.coupons()) == ["silent:c-1:A-1", "silent:c-1:A-2", "silent:c-2:B-1"]


def test_whoever_orders_in_time_is_not_silent_and_cancelled_orders_are_none(loyal: Loyal) -> None:
    loyal.rule("customer.silent", [{"points": 20}], at=ms("2024-01-01"), **{"if": {"days": 60}})
    loyal.hear(bought("A-1", "2024-02-01"), bought("A-2", "2024-03-20"), bought("B-1", "2024-02-01", "c-2"))
    loyal.hear(bought("B-2", "2024-03-20", "c-2", status="cancelled"))
    clock(loyal, "2024-03-30", 10)
    assert loyal.check() == {"silent:c-2:B-1 c-2": 20}


def test_each_rule_has_its_own_length_of_silence(loyal: Loyal) -> None:
    for days, n in ((30, 1), (60, 2), (90, 4)):
        loyal.rule("customer.silent", [{"points": n}], at=ms("2024-01-01"), **{"if": {"days": days}})
    loyal.hear(bought("A-1", "2024-02-01"))
    clock(loyal, "2024-02-25", 45, DAY)
    assert loyal.check() == {"silent:c-1:A-1 c-1": 3}


def test_those_who_were_silent_for_years_when_the_rule_was_made_stay_so(loyal: Loyal) -> None:
    loyal.hear(bought("A-1", "2020-02-01"), bought("B-1", "2024-01-01", "c-2"))
    loyal.rule("customer.silent", [{"points": 20}], at=ms("2024-02-25"), **{"if": {"days": 60}})
    clock(loyal, "2024-02-25", 10)
    assert loyal.check() == {"silent:c-2:B-1 c-2": 20}


# Scores


def low(loyal: Loyal, **more: Any) -> str:
    with loyal.database.writing() as conn:
        endpoint = endpoints.create(conn, loyal.id, "https://example.com/", ("answer.removed",), NOW)[0].id
    condition = {"metric": "stars", "score": {"max": 3.5}, **more}
    loyal.rule("score.updated", [{"webhook": {"endpoint": endpoint}}, {"mail": {}}], **{"if": condition})
    return endpoint


def rate(loyal: Loyal, n: int, value: int, at: int = NOW, start: int = 0) -> None:
    loyal.hear(*(rating(f"S-{start + i}", at, value) for i in range(n)), source="browser")


def test_a_low_score_is_told_once_a_day_while_it_lasts(loyal: Loyal) -> None:
    low(loyal)
    rate(loyal, 9, 1)
    occasions.scores(loyal.database, NOW)
    assert loyal.told() == []  # too few answers to say
    rate(loyal, 3, 1, start=9)
    for minute in range(0, 180, 20):
        occasions.scores(loyal.database, NOW + minute * 60_000)
        rate(loyal, 1, 1, start=100 + minute)
    assert len(loyal.told()) == len(loyal.told("mail")) == 1
    occasions.scores(loyal.database, NOW + DAY)
    assert len(loyal.told()) == len(loyal.told("mail")) == 2


def test_a_score_that_has_not_changed_is_not_told(loyal: Loyal) -> None:
    low(loyal)
    rate(loyal, 12, 2)
    for day in range(3):
        occasions.scores(loyal.database, NOW + day * DAY)
    assert len(loyal.told()) == 1


def test_a_good_score_another_question_and_old_answers_are_not_told(loyal: Loyal) -> None:
    low(loyal, question=["search-found"])
    low(loyal, days=7)
    rate(loyal, 12, 1, NOW - 8 * DAY)
    rate(loyal, 12, 4, NOW, 50)
    occasions.scores(loyal.database, NOW)
    assert loyal.told() == []
    rate(loyal, 12, 1, NOW, 100)
    occasions.scores(loyal.database, NOW)
    assert len(loyal.told()) == 1


def test_a_rule_about_a_score_sets_itself_off_no_more_than_any_other(loyal: Loyal) -> None:
    low(loyal)
    rate(loyal, 12, 1)
    occasions.scores(loyal.database, NOW)
    with loyal.database.reading() as conn:
        before = conn.exec_driver_sql("SELECT count(*) FROM outbox").scalar()
        assert conn.exec_driver_sql("SELECT count(*) FROM scores_changed").scalar() == 0
    for minute in range(1, 30):
        occasions.scores(loyal.database, NOW + minute * 60_000)
    with loyal.database.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM outbox").scalar() == before
        assert conn.exec_driver_sql("SELECT count(*) FROM events").scalar() == 12
