"""The sample shop: made once and when asked for, brought up to yesterday, apart from every real shop, never changed."""

import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError

from tests.pipeline.envelopes import NOW
from tests.web.conftest import DAY, Person, World, answer, signed_in
from widget_server.act import sample, verify
from widget_server.contract.events import check_browser_event
from widget_server.contract.shop import Shop
from widget_server.contract.times import format_time, local_day
from widget_server.record import answers, cases, counters, keys, leases, shops
from widget_server.record.cases import Wanted
from widget_server.record.counters import Slice
from widget_server.record.db import Database
from widget_server.web.dashboard import sample as page


def rows(database: Database, but: tuple[str, ...] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """Every row there is, but of these tables."""
    with database.reading() as conn:
        names = [name for name in inspect(conn).get_table_names() if name not in but and not name.startswith("answer_texts")]
        return {name: sorted(map(tuple, conn.execute(text(f"SELECT * FROM {name}"))), key=repr) for name in names}


def own(database: Database, shop: str) -> Counter[str]:
    """How many rows of each table belong to a shop."""
    return Counter({name: sum(shop in row for row in found) for name, found in rows(database, ("shops",)).items()})


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short history is history enough, and however busy the machine is it is waited for."""
    monkeypatch.setattr(sample, "DAYS", 8)
    monkeypatch.setattr(page, "_PATIENCE", 120)


def days_told(database: Database) -> list[str]:
    with database.reading() as conn:
        return sorted(counters.by_time(conn, Slice(shops.SAMPLE, ("search-found",)), counters.DAY))


def test_it_is_made_once_and_brought_up_to_yesterday(database: Database, short: None) -> None:
    assert rows(database)["shops"] == []
    sample.settle(database, NOW)
    last = local_day(NOW - DAY, sample.TIME_ZONE)
    assert len(days_told(database)) == 8 and days_told(database)[-1] == last
    before = rows(database)
    sample.settle(database, NOW + 60_000)
    assert rows(database) == before, "the same day adds nothing"
    sample.settle(database, NOW + 3 * DAY)
    assert len(days_told(database)) == 11 and days_told(database)[0] == local_day(NOW - 8 * DAY, sample.TIME_ZONE)
    assert list(verify.verify(database)) == []


def test_it_shows_every_stage_of_the_journey(sqlite_database: Database, short: None) -> None:
    made = sample.settle(sqlite_database, NOW)
    asked = {versions[-1].touchpoint for versions in made.questions.values()}
    assert {"site", "search", "choice", "order", "delivery", "relationship"} <= asked
    with sqlite_database.reading() as conn:
        for name in made.questions:
            counted = counters.total(conn, Slice(shops.SAMPLE, (name,)))
            assert counted.shown and counted.answers, name


def test_what_is_found_is_mostly_looked_at() -> None:
    events = [event for n in range(60) for event in sample._Day(date(2025, 9, 1) + timedelta(n)).events()]
    searched = {event["search"]["id"]: event["search"] for event in events if event["type"] == "search.performed"}
    clicked = {event["search"]["id"]: event for event in events if event["type"] == "result.clicked"}
    assert 0.4 < len(clicked) / len(searched) < 0.65
    for name, event in clicked.items():
        assert {**event["search"], "position": None} == {**searched[name], "position": None}
        assert event["search"]["position"] <= searched[name]["results"]
        assert check_browser_event({**event, "at": format_time(event["at"])}) == {}
    said = [event for event in events if event.get("question") == "search-found" and event["type"] == "answer.given"]
    for value, least, most in (("yes", 0.8, 1.0), ("no", 0.0, 0.2)):
        looked = [event["search"]["id"] in clicked for event in said if event.get("value") == value]
        assert least <= sum(looked) / len(looked) <= most


def test_there_are_cases_and_something_that_does_not_count(database: Database, short: None) -> None:
    def listed() -> tuple[list[str], list[str], int]:
        with database.reading() as conn:
            opened = [case.key for case in cases.listed(conn, shops.SAMPLE, Wanted(), None, 50)]
            solved = [case.key for case in cases.ended(conn, shops.SAMPLE, Wanted(), None, 50)]
            return opened, solved, len(answers.newest(conn, shops.SAMPLE, answers.Filter(quarantined=True), None, 50))

    sample.settle(database, NOW)
    opened, solved, doubtful = listed()
    assert 1 <= len(opened) <= 3 and not solved and doubtful in (2, 3)
    sample.settle(database, NOW + 20 * DAY)
    later, done, _ = listed()
    assert set(done) == set(opened) and 1 <= len(later) <= 3 and not set(later) & set(opened)
    assert list(verify.verify(database)) == []


def test_nothing_of_it_is_in_a_real_shop_and_nothing_of_a_real_shop_in_it(small_world: World, short: None) -> None:
    small_world.send(answer("order-rating", 5, text="only mine"))
    before = own(small_world.database, small_world.shop.id)
    sample.settle(small_world.database, NOW)
    assert own(small_world.database, small_world.shop.id) == before
    person = signed_in(small_world)
    mine = person.get("/app/overview", period="2025-11").text
    assert person.post_form("/app/sample").status_code == 303
    shown = person.get("/app/overview", period="2025-11").text
    assert "sample data of a made-up shop" in shown and "sample data of a made-up shop" not in mine
    assert sample.NAME in shown and sample.NAME not in mine
    assert person.post_form("/app/sample/leave").status_code == 303
    assert "sample data of a made-up shop" not in person.get("/app/overview").text


def test_a_viewer_of_any_shop_may_look_and_nobody_else(small_world: World, short: None) -> None:
    person = signed_in(small_world, "viewer", shop=small_world.neighbour)
    assert person.post_form("/app/sample").status_code == 303
    assert "sample data of a made-up shop" in person.get("/app/overview").text
    nobody = small_world.app.test_client().get("/app/overview")
    assert nobody.status_code == 303 and "/app/sign-in" in nobody.headers["Location"]


def unsafe_routes(world: World) -> list[tuple[str, str]]:
    return sorted(
        (method, rule.rule)
        for rule in world.app.url_map.iter_rules()
        if rule.rule.startswith("/app")
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
    )


# What changes nothing of a shop: the way in and out, and what belongs to the person.
OF_THE_PERSON = re.compile(
    r"/app/(sample|sample/leave|shops|sign-in.*|sign-out|invitations/.*|settings/(account|two-factor|sessions).*)"
)


def test_every_write_is_refused_while_it_is_shown(small_world: World, short: None) -> None:
    person: Person = signed_in(small_world)
    person.post_form("/app/sample")
    token = person.token()
    sessions = ("sessions", "accounts")
    before = rows(small_world.database, sessions)
    tried = [route for route in unsafe_routes(small_world) if not OF_THE_PERSON.fullmatch(route[1])]
    assert ("POST", "/app/overview/touchpoints") in tried
    for method, rule in tried:
        path = re.sub(r"<[^>]+>", "search-found", rule)
        reply = person.client.open(path, method=method, data={"csrf_token": token, "do": "add", "title": "x"})
        assert reply.status_code == 403, (method, rule)
    assert rows(small_world.database, sessions) == before


def test_of_several_who_come_first_at_once_one_makes_it(database: Database, short: None, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def process(where: Database, envelopes: list[bytes]) -> Any:
        told.extend(orjson.loads(each)["event"]["id"] for each in envelopes)
        return really(where, envelopes)

    really = sample.process
    monkeypatch.setattr(sample, "process", process)
    monkeypatch.setattr(sample, "_AT_ONCE", 3)
    with ThreadPoolExecutor(4) as pool:
        made = [each.result().id for each in [pool.submit(sample.settle, database, NOW) for _ in range(4)]]
    assert made == [shops.SAMPLE] * 4
    assert len(days_told(database)) == 8
    assert len(told) == len(set(told)), "nothing is told twice"
    with database.reading() as conn:
        assert conn.execute(text("SELECT until FROM leases WHERE name = 'sample'")).scalar_one() == 0


def test_who_died_over_it_keeps_nobody_waiting_for_ever(database: Database, short: None) -> None:
    with database.writing() as conn:
        leases.take(conn, "sample", "dead", time.time_ns() // 1_000_000, 700)
    sample.settle(database, NOW)
    assert len(days_told(database)) == 8


def test_who_would_wait_long_is_told_and_gets_there(small_world: World, short: None, monkeypatch: pytest.MonkeyPatch) -> None:
    person, may_go, made = signed_in(small_world), threading.Event(), []

    def slowly(database: Database, now: int) -> Shop:
        made.append(now)
        assert may_go.wait(30)
        return sample.settle(database, NOW)

    monkeypatch.setattr(page, "settle", slowly)
    monkeypatch.setattr(page, "_PATIENCE", 0.05)
    for _ in range(2):
        waits = person.post_form("/app/sample")
        assert waits.status_code == 202 and "The sample shop is being made" in waits.text
        assert 'action="/app/sample"' in waits.text, "a button leads on"
    assert len(made) == 1, "whoever asks again waits for the same"
    may_go.set()
    monkeypatch.setattr(page, "_PATIENCE", 30)
    there = person.post_form("/app/sample")
    assert there.status_code == 303 and sample.NAME in person.get("/app/overview").text


def test_what_fails_in_making_it_is_told(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(database: Database, now: int) -> Shop:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(page, "settle", away)
    assert signed_in(small_world).post_form("/app/sample").status_code == 503


def test_nothing_from_outside_gets_into_it(small_world: World, short: None) -> None:
    sample.settle(small_world.database, NOW)
    with small_world.database.reading() as conn:
        made = shops.by_id(conn, shops.SAMPLE)
        assert made is not None
        assert shops.by_site_key(conn, made.site_key) is None
        assert keys.of_shop(conn, shops.SAMPLE) == []


def test_its_secret_is_on_no_page(small_world: World, short: None) -> None:
    sample.settle(small_world.database, NOW)
    with small_world.database.reading() as conn:
        made = shops.by_id(conn, shops.SAMPLE)
    assert made is not None
    person = signed_in(small_world)
    person.post_form("/app/sample")
    for rule in small_world.app.url_map.iter_rules():
        if rule.rule.startswith("/app") and "GET" in (rule.methods or ()) and not rule.arguments and "sign-in" not in rule.rule:
            page = person.get(rule.rule)
            assert made.order_token_secret not in page.text, rule.rule
