"""Touchpoints in the database, and what counters say of many questions in many stretches of days at once."""

import random
from collections import defaultdict
from datetime import date, timedelta

import pytest

from widget_server.contract.answer import Count
from widget_server.contract.journey import BUILT_IN, MOST_TOUCHPOINTS, Touchpoint
from widget_server.contract.scores import Counts
from widget_server.record import counters, shops, touchpoints
from widget_server.record.counters import Slice
from widget_server.record.db import Database


def test_what_an_owner_arranged_is_kept_in_its_order_and_in_its_shop(database: Database) -> None:
    with database.writing() as conn:
        mine, other = (shops.create(conn, name, f"{name}.example").id for name in ("mine", "other"))
        touchpoints.replace(conn, mine, [Touchpoint("zebra", "need", "Zebra"), Touchpoint("ant", "need")])
        touchpoints.replace(conn, mine, [Touchpoint("search", "search"), *touchpoints_of(conn, mine)[:2]])
    with database.reading() as conn:
        assert touchpoints_of(conn, mine) == [
            Touchpoint("zebra", "need", "Zebra"), Touchpoint("ant", "need"), Touchpoint("search", "search"),
            Touchpoint("order", "purchase"),
        ]  # fmt: skip
        assert touchpoints_of(conn, other) == list(BUILT_IN)


def touchpoints_of(conn, shop: str) -> list[Touchpoint]:  # type: ignore[no-untyped-def]
    found = shops.by_id(conn, shop)
    assert found is not None
    return touchpoints.of_shop(conn, found)


def test_too_many_or_in_no_stage_are_refused_and_nothing_is_lost(sqlite_database: Database) -> None:
    with sqlite_database.writing() as conn:
        shop = shops.create(conn, "mine", "mine.example").id
        touchpoints.replace(conn, shop, [Touchpoint("ant", "need")])
        many = [Touchpoint(f"t{n}", "need") for n in range(MOST_TOUCHPOINTS + 1)]
        for wrong in (many, [Touchpoint("ant", "nowhere")]):
            with pytest.raises(ValueError, match="touchpoints"):
                touchpoints.replace(conn, shop, wrong)
        assert touchpoints_of(conn, shop)[0] == Touchpoint("ant", "need")


def test_many_questions_in_many_stretches_are_what_each_is_alone(database: Database) -> None:
    rng = random.Random(5)
    first = date(2025, 1, 1)
    told: dict[counters.Change, int] = defaultdict(int)
    for _ in range(3000):
        day = f"{first + timedelta(days=rng.randrange(500))}"
        bucket = rng.choice(("yes", "no"))
        told[rng.choice("abc"), rng.choice(("verified", "unverified")), Count("answers", "total", "", bucket, day)] += 1
        told[rng.choice("abc"), "unverified", Count("shown", "total", "", "", day)] += 1
        told["a", "unverified", Count("answers", "language", "lv", bucket, day)] += 1
    with database.writing() as conn:
        shop = shops.create(conn, "mine", "mine.example").id
        counters.add(conn, shop, told)
    ways = [
        [("2025-03-05", "2025-03-05")],
        [(f"{first + timedelta(days=n)}", f"{first + timedelta(days=n + 6)}") for n in range(40, 120, 7)],
        [("2025-01-01", "2025-03-31"), ("2025-04-01", "2025-04-30"), ("2025-05-01", "2025-05-12")],
        [("2025-06-15", "2025-09-14"), ("2025-01-10", "2025-02-09"), ("2024-12-01", "2025-01-04")],
    ]
    with database.reading() as conn:
        for bins in ways:
            found = counters.by_question(conn, shop, ("a", "b", "none"), bins)
            alone = [
                {
                    name: counts
                    for name in ("a", "b", "none")
                    if (counts := counters.total(conn, Slice(shop, (name,), start=start, end=end))) != Counts({})
                }
                for start, end in bins
            ]
            assert found == alone
        assert counters.by_question(conn, shop, (), ways[0]) == [{}]
        assert counters.by_question(conn, shop, ("a",), []) == []
