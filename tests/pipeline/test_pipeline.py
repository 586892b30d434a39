"""The pipeline on both databases: one transaction, known ids harmless, counters of the present state."""

import uuid
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from tests.pipeline.envelopes import NOW, envelope, event
from widget_server.act.pipeline import UnknownShop, process
from widget_server.act.verify import rebuild, verify
from widget_server.contract.metrics import metrics
from widget_server.record import answers, counters, endpoints, outbox, searches, shops
from widget_server.record.db import Database
from widget_server.record.shops import NewShop


@pytest.fixture
def shop(database: Database) -> NewShop:
    with database.writing() as conn:
        return shops.create(conn, "Tests", "shop.example", "Europe/Riga")


def total(database: Database, shop: NewShop, question: str, **chosen: Any) -> Any:
    with database.reading() as conn:
        return counters.total(conn, counters.Slice(shop.id, (question,), **chosen))


def test_an_answer_counts_once_however_often_it_is_sent(database: Database, shop: NewShop) -> None:
    given = event("answer.given", question="order-rating", value=5, page={"url": "https://x/", "lang": "lv-LV"})
    body = envelope(shop.id, given)
    assert process(database, [body, body]).new == 1
    assert process(database, [body]).new == 0
    assert total(database, shop, "order-rating").answers == {"5": 1}
    assert total(database, shop, "order-rating").shown == 1
    with database.reading() as conn:
        found = counters.by_key(conn, counters.Slice(shop.id, ("order-rating",), "language"), "", 10)
    assert found["lv"].answers == {"5": 1}
    assert list(verify(database)) == []


def test_shown_tapped_texted_and_edited_are_one_answer(database: Database, shop: NewShop) -> None:
    name = str(uuid.uuid4())
    search = {"query": "Krēsls", "results": 0}
    parts = [
        event("question.shown", NOW, question="search-found", answer=name, search=search),
        event("answer.given", NOW + 1, question="search-found", answer=name, value="yes", search=search),
        event("answer.given", NOW + 2, question="search-found", answer=name, value="no", search=search),
        event("answer.given", NOW + 3, question="search-found", answer=name, text="zaļu krēslu", search=search),
    ]
    for part in reversed(parts):
        process(database, [envelope(shop.id, part)])
    counts = total(database, shop, "search-found")
    assert (dict(counts.answers), counts.shown) == ({"no": 1}, 1)
    with database.reading() as conn:
        assert answers.newest_texts(conn, shop.id, ["kresls"], 3) == {"kresls": ["zaļu krēslu"]}
    assert metrics()["response_rate"].read(counts).value == 1.0


def test_an_order_that_arrives_late_gives_the_answer_its_products(database: Database, shop: NewShop) -> None:
    given = event("answer.given", question="order-rating", value=4, order={"ref": "17", "line": None, "sku": ["s"]})
    process(database, [envelope(shop.id, given)])
    product = counters.Slice(shop.id, ("order-rating",), "product")
    with database.reading() as conn:
        assert set(counters.by_key(conn, product, "", 10)) == {"s"}
    lines = [{"line": str(n), "product": p} for n, p in enumerate(("a", "b", "a"))]
    process(database, [envelope(shop.id, event("order.placed", order={"ref": "17", "lines": lines}), "platform")])
    with database.reading() as conn:
        found = counters.by_key(conn, product, "", 10)
    assert {key: dict(c.answers) for key, c in found.items()} == {"a": {"4": 1}, "b": {"4": 1}}
    assert total(database, shop, "order-rating", trust="verified").answers == {"4": 1}
    assert list(verify(database)) == []


def test_quarantine_takes_an_answer_out_of_the_counts_and_release_puts_it_back(
    database: Database, shop: NewShop
) -> None:
    given = event("answer.given", question="order-rating", value=1)
    key = f"browser:{given['id']}"
    hide = event("answer.quarantined", NOW + 5, question="order-rating", key=key, reason="spam")
    back = event("answer.released", NOW + 9, question="order-rating", key=key)
    process(database, [envelope(shop.id, hide, "owner")])
    process(database, [envelope(shop.id, given)])
    assert total(database, shop, "order-rating").answers == {}
    process(database, [envelope(shop.id, back, "owner")])
    assert total(database, shop, "order-rating").answers == {"1": 1}


def test_a_buyer_is_asked_although_a_mail_scanner_has_answered_and_then_counts_in_its_place(
    database: Database, shop: NewShop
) -> None:
    def answered() -> list[str]:
        with database.reading() as conn:
            return answers.answered_by_order(conn, shop.id, "order:A-1")

    about = {"question": "order-rating", "order": {"ref": "A-1", "line": None, "sku": []}}
    process(database, [envelope(shop.id, event("answer.given", NOW, **about, value=1, marks=["bot"]))])
    assert (total(database, shop, "order-rating").answers, answered()) == ({}, [])
    process(database, [envelope(shop.id, event("answer.given", NOW + 1, **about, value=5))])
    assert (total(database, shop, "order-rating").answers, answered()) == ({"5": 1}, ["order-rating"])


def test_endpoints_hear_of_new_answers_and_of_scores_but_not_of_imported_history(
    database: Database, shop: NewShop
) -> None:
    with database.writing() as conn:
        endpoints.create(conn, shop.id, "https://shop.example/hook", ["answer.given", "score.updated"], NOW)
    old = event("answer.given", NOW - 10, question="order-rating", value=3, row="r1", revision=NOW)
    process(database, [envelope(shop.id, old, "import")])
    with database.reading() as conn:
        assert {d.type for d in outbox.deliveries(conn, shop=shop.id)} == {"score.updated"}
    process(database, [envelope(shop.id, event("answer.given", question="order-rating", value=3))])
    with database.reading() as conn:
        assert [d.type for d in outbox.deliveries(conn, shop=shop.id)].count("answer.given") == 1


def test_a_corrected_row_replaces_the_whole_row(database: Database, shop: NewShop) -> None:
    row = {"question": "order-rating", "row": "r1"}
    first = event("answer.given", NOW, **row, value=2, text="slow", product="p1", revision=1, page={"lang": "lv"})
    second = event("answer.given", NOW - 86_400_000, **row, value=4, revision=2)
    for one in (second, first):
        process(database, [envelope(shop.id, one, "import")])
    with database.reading() as conn:
        (found,) = answers.newest(conn, shop.id, answers.Filter(), None, 10)
        assert [found.get(n) for n in ("value", "text", "product", "language")] == [4, None, None, None]
        by_day = counters.by_time(conn, counters.Slice(shop.id, ("order-rating",)), counters.DAY)
    assert {day: dict(c.answers) for day, c in by_day.items()} == {"2025-11-21": {"4": 1}}


def test_the_day_is_the_shops_local_day(database: Database, shop: NewShop) -> None:
    late = 1_763_850_600_000  # 2025-11-22T22:30:00Z is the 23rd in Riga
    process(database, [envelope(shop.id, event("answer.given", late, question="order-rating", value=3))])
    chosen = counters.Slice(shop.id, ("order-rating",))
    with database.reading() as conn:
        assert list(counters.by_time(conn, chosen, counters.DAY)) == ["2025-11-23"]
    rebuild(database, shop.id, "UTC")
    with database.reading() as conn:
        assert list(counters.by_time(conn, chosen, counters.DAY)) == ["2025-11-22"]
        assert counters.total(conn, counters.Slice(shop.id, ("order-rating",), end="2025-11-21")).shown == 0
    assert list(verify(database)) == []


@pytest.mark.parametrize(
    ("start", "end"),
    [(None, None), ("2025-01-15", None), (None, "2025-03-15"), ("2025-01-31", "2025-03-01"),
     ("2025-02-01", "2025-02-28"), ("2025-02-02", "2025-02-20"), ("2025-01-02", "2025-02-28"), ("2025-03-01", "2025-01-01")],
)  # fmt: skip
def test_any_range_of_days_adds_up(database: Database, shop: NewShop, start: str | None, end: str | None) -> None:
    first, day = 1_735_732_800_000, 86_400_000  # 2025-01-01T12:00:00Z
    process(
        database,
        [envelope(shop.id, event("answer.given", first + n * day, question="order-rating", value=n % 5 + 1)) for n in range(100)],
    )
    days = {n: f"{date(2025, 1, 1) + timedelta(days=n)}" for n in range(100)}
    wanted = Counter(
        str(n % 5 + 1) for n, day in days.items() if (start is None or day >= start) and (end is None or day <= end)
    )
    found = total(database, shop, "order-rating", start=start, end=end)
    assert dict(found.answers) == dict(wanted)
    assert found.shown == sum(wanted.values())


def test_searches_are_grouped_and_shown_as_most_shoppers_type_them(database: Database, shop: NewShop) -> None:
    typed = [("Krēsls", 0), ("krēsls ", 3), ("krēsls", 2), ("KRESLS", None)]
    process(
        database,
        [envelope(shop.id, event("search.performed", search={"query": q, "results": r})) for q, r in typed]
        + [envelope(shop.id, event("result.clicked", search={"query": "kresls", "position": 1}))],
    )
    with database.reading() as conn:
        (row,) = counters.most_searched(conn, counters.Searching(shop.id), None, 10)
        assert (row.key, row.searches, row.zero, row.some, row.clicks) == ("kresls", 4, 1, 2, 1)
        assert searches.most_frequent(conn, shop.id, ["kresls"]) == {"kresls": "krēsls"}
    assert list(verify(database)) == []


def test_verify_names_a_row_that_was_changed_by_hand(database: Database, shop: NewShop) -> None:
    process(database, [envelope(shop.id, event("answer.given", question="order-rating", value=2))])
    with database.writing() as conn:
        conn.exec_driver_sql("UPDATE counters SET n = 7 WHERE period = 'day' AND counter = 'answers'")
    (found,) = verify(database)
    assert found.row == "counter answers of order-rating, unverified, total, bucket 2, 2025-11-22"
    assert (found.stored, found.counted) == (7, 1)
    rebuild(database)
    assert list(verify(database)) == []


def test_an_event_of_no_shop_leaves_its_batch_untouched(database: Database, shop: NewShop) -> None:
    good = envelope(shop.id, event("answer.given", question="order-rating", value=2))
    with pytest.raises(UnknownShop):
        process(database, [good, envelope("zzz", event("answer.given", question="order-rating", value=2))])
    assert total(database, shop, "order-rating").shown == 0


def test_a_query_is_called_as_it_is_mostly_written_whatever_its_capitals(database: Database) -> None:
    spelled = {"dovanų kuponas": 18, "Dovanų kuponas": 31, "dovanu kuponas": 32}
    with database.writing() as conn:
        searches.add(conn, "shop_1", {("dovanu kuponas", text): n for text, n in spelled.items()})
        searches.add(conn, "shop_1", {("medus", "Medus"): 1, ("medus", "medus"): 1})
    with database.reading() as conn:
        found = searches.most_frequent(conn, "shop_1", ["dovanu kuponas", "medus"])
    assert found == {"dovanu kuponas": "Dovanų kuponas", "medus": "Medus"}
