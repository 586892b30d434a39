"""Answers by their words: folded as queries are, the same on both databases, and in step with the answers whatever
happens to them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy import event as sql_event

from tests.pipeline.envelopes import NOW, envelope, event
from widget_server.act.pipeline import process
from widget_server.act.verify import rebuild, verify
from widget_server.contract.answer import Answer, Register, Stamp
from widget_server.contract.queries import query_key
from widget_server.record import answer_products, answer_texts, answers, shops
from widget_server.record.answers import Filter
from widget_server.record.db import Database
from widget_server.record.shops import NewShop

MINUTE = 60_000


@pytest.fixture
def shop(database: Database) -> NewShop:
    with database.writing() as conn:
        return shops.create(conn, "Tests", "shop.example")


def said(words: str, name: str, at: int = NOW, **more: Any) -> dict[str, Any]:
    return event("answer.given", at, question="search-found", answer=name, value="no", text=words, **more)


def tell(database: Database, shop: NewShop, *events: dict[str, Any]) -> None:
    process(database, [envelope(shop.id, each) for each in events])


def found(database: Database, shop: NewShop, typed: str, **more: Any) -> list[str]:
    """The answers that a search finds, all pages of it."""
    keys: list[str] = []
    after = None
    with database.reading() as conn:
        while True:
            page = answers.page(conn, shop.id, Filter(words=typed, **more), after, 2)
            keys += [answer.key.removeprefix("browser:") for answer in page.answers]
            if page.next is None:
                return keys
            after = page.next


def differences(database: Database) -> list[str]:
    return [one.row for one in verify(database)]


def test_words_are_folded_as_queries_are(database: Database, shop: NewShop) -> None:
    tell(
        database, shop,
        said("Nav ZAĻU krēslu, tikai melni!", "lv", NOW), said("Ieškau žalios kėdės", "lt", NOW + 1),
        said("Kas teil on rohelisi toole? Jõulud", "et", NOW + 2), said("Не нашёл зелёный стул, йогурт", "ru", NOW + 3),
        said("Smørrebrød\u00a0Straße ﬁne I\u0307", "more", NOW + 4),
    )  # fmt: skip
    expected = {
        "zalu": ["lv"], "ZAĻU krēslu": ["lv"], "kreslu zalu": ["lv"], "zalios kede": ["lt"], "joulud": ["et"], "JÕULUD": ["et"],
        "нашел зеленый": ["ru"], "НАШЁЛ": ["ru"], "йогурт": ["ru"], "иогурт": [], "smorrebrod strasse": ["more"], "fine i": ["more"],
        "zalu kedes": [], "krēsls": [], "reslu": [],
    }  # fmt: skip
    assert {typed: found(database, shop, typed) for typed in expected} == expected
    assert differences(database) == []


@pytest.mark.parametrize("endings", [0, 1, 64])
def test_only_the_last_word_is_a_beginning(
    database: Database, shop: NewShop, endings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_texts, "_ENDINGS", endings)
    tell(database, shop, said("green chair", "a", NOW), said("greenish chairs", "b", NOW + 1), said("chair", "c", NOW + 2))
    assert found(database, shop, "chai") == ["c", "b", "a"]
    assert found(database, shop, "green chai") == ["a"]
    assert found(database, shop, "green") == ["b", "a"]
    assert found(database, shop, "gr") == found(database, shop, "g") == ["b", "a"]
    assert found(database, shop, "chair green") == ["a"]
    assert found(database, shop, "chairy") == found(database, shop, "green chairy") == []


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "!!!", '"', "'", "\\", "chair\\", "chair'", 'chair"', "chair*", "*", "chair:*", "chair & | ! ( ) <->", "NEAR(chair)",
        "words:chair", "-chair", "^chair", "{chair}", "chair\0", "\0", "%", "_", "chair;--", "' OR 1=1 --", "chair\u2028", "\U0001f44d",
        "\u0301", "a\u0301\u0301", "chair " * 200, "x" * 5000, "(" * 5000, "\ud800", ":", "chair:A", "$$", "?", ":typed",
    ],
)  # fmt: skip
def test_whatever_is_typed_is_no_error(database: Database, shop: NewShop, typed: str) -> None:
    tell(database, shop, said("a chair", "a"), said("\U0001f44d \u0301", "b"))
    expected = ["a"] if answer_texts.words_of(typed) and set(answer_texts.words_of(typed)) <= {"chair", "a"} else []
    assert found(database, shop, typed) == expected
    assert differences(database) == []


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40), st.text(max_size=20))
def test_a_text_is_found_by_any_of_its_words(database: Database, shop: NewShop, words: str, typed: str) -> None:
    given_words = Answer(
        shop.id, "q", "browser:x", NOW, ("x",), {"text": Register(Stamp(NOW, "e"), words)}
    )
    with database.writing() as conn:
        answer_texts.save(conn, [given_words])

        def hits(sought: str) -> bool:
            found = answer_texts.matching(conn, shop.id, sought, None, 10, 1).numbers
            return len(conn.execute(answer_texts.named(conn, shop.id, found).select()).all()) == 1

        for word in answer_texts.words_of(words):
            assert hits(word)
        has, last = answer_texts.words_of(words), answer_texts.words_of(typed)[-1:]
        before = answer_texts.words_of(typed)[:-1][: answer_texts.MOST_WORDS - 1]
        if last and len(answer_texts.words_of(typed)) <= answer_texts.MOST_WORDS:
            assert hits(typed) is (set(before) <= set(has) and any(word.startswith(last[0]) for word in has))
        else:
            assert hits(typed) is False or len(before) >= answer_texts.MOST_WORDS - 1


@given(st.text(max_size=300))
def test_words_are_those_of_the_query_key(typed: str) -> None:
    key = query_key(typed)
    if len(key) < 190:
        assert answer_texts.words_of(typed) == answer_texts.words_of(key)


def test_another_shop_finds_nothing(database: Database, shop: NewShop) -> None:
    with database.writing() as conn:
        other = shops.create(conn, "Other", "other.example")
    tell(database, shop, said("red chair", "a"))
    tell(database, other, said("red lamp", "a"))
    assert (found(database, shop, "red"), found(database, other, "red")) == (["a"], ["a"])
    assert (found(database, shop, "lamp"), found(database, other, "chair")) == ([], [])
    rebuild(database, other.id)
    assert (found(database, shop, "chair"), found(database, other, "lamp")) == (["a"], ["a"])


def test_the_newest_come_first_and_pages_are_whole(database: Database, shop: NewShop) -> None:
    # Many of one time, as from a file of ratings.
    tell(database, shop, *(said("chair", f"{n}", NOW - n // 10 * MINUTE) for n in range(35)))
    keys = found(database, shop, "chair")
    assert sorted(keys, key=int) == [f"{n}" for n in range(35)]
    assert [int(key) // 10 for key in keys] == sorted(int(key) // 10 for key in keys)


def test_answers_of_one_time_have_numbers_of_their_own(
    database: Database, shop: NewShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_texts, "_scatter", lambda answer: (1 << 21) - 1)
    tell(database, shop, *(said("chair", f"{n}") for n in range(3)))
    tell(database, shop, *(said("chair", f"{n}") for n in range(3, 6)))
    assert sorted(found(database, shop, "chair")) == [f"{n}" for n in range(6)]
    assert differences(database) == []


def test_a_text_that_changes_is_found_by_its_new_words(database: Database, shop: NewShop) -> None:
    tell(database, shop, said("red chair", "a"))
    tell(database, shop, said("blue lamp", "a", NOW + 1))
    assert (found(database, shop, "red"), found(database, shop, "blue")) == ([], ["a"])
    # An earlier part arrives late: the answer is older than was thought.
    tell(database, shop, event("question.shown", NOW - MINUTE, question="search-found", answer="a"), said("lamp", "b", NOW - 1))
    assert found(database, shop, "lamp") == ["b", "a"]
    assert differences(database) == []


def test_filters_and_words_together(database: Database, shop: NewShop) -> None:
    tell(
        database, shop, said("chair", "a", product="p"), said("chair", "b", NOW + 1, marks=["bot"]),
        event("answer.given", NOW + 2, question="order-rating", answer="c", value=1, text="chair", page={"lang": "lt"}),
    )  # fmt: skip
    assert found(database, shop, "chair") == ["c", "a"]
    assert found(database, shop, "chair", quarantined=True) == ["b"]
    assert found(database, shop, "chair", product="p") == ["a"]
    assert found(database, shop, "chair", question="order-rating") == found(database, shop, "chair", language="lt") == ["c"]
    assert found(database, shop, "chair", buckets=("1", "2")) == ["c"]
    assert found(database, shop, "chair", end=NOW + 1) == ["a"]


def test_a_page_of_words_goes_on_when_few_of_very_many_fit(
    database: Database, shop: NewShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MOST_HITS", 4)
    tell(database, shop, *(said("chair", f"{n}", NOW - n, product="p" if n in (1, 9) else "q") for n in range(11)))
    assert found(database, shop, "chair", product="p") == ["1", "9"]


def test_pages_of_words_are_whole_however_few_are_looked_at_first(
    database: Database, shop: NewShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_FIRST_HITS", 1)
    monkeypatch.setattr(answers, "MOST_HITS", 3)
    tell(database, shop, *(said("chair", f"{n}", NOW - n) for n in range(11)))
    assert found(database, shop, "chair") == [f"{n}" for n in range(11)]


def test_a_usual_word_is_looked_for_among_the_newest(
    database: Database, shop: NewShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_texts, "_NEWEST", 4)
    monkeypatch.setattr(answers, "_ENOUGH", 2)
    tell(database, shop, *(said("chair" if n % 3 else "lamp", f"{n}", NOW - n) for n in range(14)))
    assert found(database, shop, "chair") == [f"{n}" for n in range(14) if n % 3]
    assert found(database, shop, "lamp") == ["0", "3", "6", "9", "12"]
    assert found(database, shop, "chair", language="lv") == []


def test_removal_and_erasure_take_the_words_away(database: Database, shop: NewShop) -> None:
    order: dict[str, Any] = {"ref": "A-1", "line": None, "sku": [], "customer": "15"}
    tell(
        database, shop, said("a rude word", "a"),
        event("answer.given", question="order-rating", value=1, text="my name is Jane", order=order),
        event("order.placed", order={"ref": "A-1", "status": "completed", "customer": "15", "placed_at": "2025-11-22T08:00:00Z"}),
    )  # fmt: skip
    assert (found(database, shop, "rude"), found(database, shop, "jane")) == (["a"], ["order:A-1"])
    removed = event("answer.removed", NOW + 1, question="search-found", key="browser:a", reason="rude")
    tell(database, shop, removed, event("customer.erased", NOW + 1, customer={"ref": "15"}))
    assert (found(database, shop, "rude"), found(database, shop, "jane")) == ([], [])
    assert differences(database) == []
    with database.reading() as conn:
        assert conn.execute(text("SELECT count(*) FROM answer_texts")).scalar() == 0
        if database.dialect == "sqlite":
            # Not even as what is waiting to be merged away.
            assert [row for row in conn.execute(text("SELECT block FROM answer_words_data")) if b"jane" in row[0]] == []
    assert rebuild(database) == 1
    assert differences(database) == []


_COPY = (
    "INSERT INTO answer_texts (shop, key, question, number, words) SELECT shop, 'browser:{}', question, 1, words"
    " FROM answer_texts WHERE key = 'browser:a'"
)


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        ("DELETE FROM answer_texts WHERE key = 'browser:a'", ["a"]),
        ("UPDATE answer_texts SET words = 'nothing' WHERE key = 'browser:a'", ["a"]),
        ("UPDATE answer_texts SET number = number + 2097152 WHERE key = 'browser:a'", ["a"]),
        (_COPY.format("0"), ["0"]),
        (_COPY.format("z"), ["z"]),
    ],
)
def test_verify_notices_and_rebuild_mends(database: Database, shop: NewShop, harm: str, expected: list[str]) -> None:
    tell(database, shop, said("red chair", "a"), said("blue chair", "b"))
    with database.writing() as conn:
        conn.execute(text(harm))
    assert differences(database) == [f"words of the answer browser:{name} to search-found" for name in expected]
    rebuild(database)
    assert differences(database) == []
    assert sorted(found(database, shop, "chair")) == ["a", "b"]


def test_verify_looks_into_the_index_of_sqlite(sqlite_database: Database) -> None:
    with sqlite_database.writing() as conn:
        shop = shops.create(conn, "Tests", "shop.example")
    tell(sqlite_database, shop, said("red chair", "a"), said("blue chair", "b"))
    with sqlite_database.writing() as conn:
        conn.execute(
            text(
                "INSERT INTO answer_words(answer_words, rowid, words)"
                " SELECT 'delete', number, words FROM answer_texts WHERE key = 'browser:a'"
            )
        )
    assert found(sqlite_database, shop, "chair") == ["b"]
    assert differences(sqlite_database) == ["words of the answer browser:a to search-found"]
    rebuild(sqlite_database)
    assert differences(sqlite_database) == []
    assert sorted(found(sqlite_database, shop, "chair")) == ["a", "b"]


def test_a_batch_that_dies_leaves_no_words(database: Database, shop: NewShop) -> None:
    with pytest.raises(RuntimeError), dying_at_commit(database):
        tell(database, shop, said("red chair", "a"))
    assert found(database, shop, "red") == []
    tell(database, shop, said("red chair", "a"))
    assert found(database, shop, "red") == ["a"]


@contextmanager
def dying_at_commit(database: Database) -> Iterator[None]:
    def die(_conn: Connection) -> None:
        raise RuntimeError("killed")

    engine = database._writer
    sql_event.listen(engine, "commit", die)
    try:
        yield
    finally:
        sql_event.remove(engine, "commit", die)


def test_the_plan_uses_the_index(database: Database, shop: NewShop) -> None:
    """With as many answers as make it worth the while, and words as people write them."""
    many = [
        Answer(
            shop.id, "search-found", f"browser:{n}", NOW + n, (str(n),),
            {"text": Register(Stamp(NOW, "e"), f"chair number{n} of {n % 97}"), "value": Register(Stamp(NOW, "e"), "no")},
        )
        for n in range(6000)
    ]  # fmt: skip
    with database.writing() as conn:
        answers.save(conn, many)
    with database.writing() as conn:
        conn.execute(text("ANALYZE"))
    for words in ("number77", "chair number77"):
        plan = "\n".join(plans(database, lambda typed=words: found(database, shop, typed)))
        if database.dialect == "sqlite":
            assert "SCAN answer_words VIRTUAL TABLE INDEX" in plan
            assert not re.search("SCAN answer(s|_texts)\\b", plan)
        else:
            assert "Bitmap Index Scan on answer_texts_words" in plan, plan
            assert "Seq Scan" not in plan


def plans(database: Database, work: Any) -> list[str]:
    """How the database goes about the statements that `work` makes."""
    said: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith(("SELECT", "WITH")):
            said.append((statement, parameters))

    sql_event.listen(database._reader, "before_cursor_execute", note)
    work()
    sql_event.remove(database._reader, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
    with database.reading() as conn:
        return [str(row[-1]) for each, given in said for row in conn.exec_driver_sql(explain + each, given)]


def bought(ref: str, *products: str, at: int = NOW, **more: Any) -> dict[str, Any]:
    lines = [{"line": str(n), "product": product} for n, product in enumerate(products, 1)]
    return event("order.placed", at, order={"ref": ref, "status": "completed", "lines": lines, **more})


def rated(ref: str, at: int, line: str | None = None, sku: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    order = {"ref": ref, "line": line, "sku": list(sku), "customer": None}
    return event("answer.given", at, question="order-rating", value=1, order=order, **more)


def about(database: Database, shop: NewShop, product: str, **more: Any) -> list[str]:
    """The answers about a product: as the page lists them, page by page, which is as all at once."""
    chosen = Filter(product=product, **more)
    keys: list[str] = []
    after = None
    with database.reading() as conn:
        while True:
            page = answers.page(conn, shop.id, chosen, after, 1)
            keys += [answer.key for answer in page.answers]
            if page.next is None:
                assert keys == [answer.key for answer in answers.newest(conn, shop.id, chosen, None, 99)]
                return keys
            after = page.next


def test_answers_are_about_the_products_of_their_order(database: Database, shop: NewShop) -> None:
    tell(
        database, shop, bought("A", "pot", "jug"), bought("B", "pot"),
        rated("A", NOW + 1, text="broken pot"), rated("A", NOW + 2, line="2"), rated("B", NOW + 3, product="jug"), rated("C", NOW + 4, sku=("pot",)),
        event("answer.given", NOW + 5, question="search-found", value="no", answer="own", product="pot", search={"query": "Pots"}),
        rated("D", NOW + 6), event("question.shown", NOW + 7, question="order-rating", answer="only shown", product="pot"),
    )  # fmt: skip
    assert about(database, shop, "pot") == ["browser:own", "order:C", "order:A"]
    assert about(database, shop, "jug") == ["order:B", "order:A:2", "order:A"]
    assert about(database, shop, "pot", question="order-rating") == ["order:C", "order:A"]
    assert about(database, shop, "pot", query_key="pots") == about(database, shop, "pot", start=NOW + 5) == ["browser:own"]
    assert about(database, shop, "pot", with_text=True) == about(database, shop, "pot", end=NOW + 4) == ["order:A"]
    assert about(database, shop, "pot", verified=True, with_text=False, buckets=("1",)) == ["order:C"]
    assert found(database, shop, "broken", product="jug") == ["order:A"] and found(database, shop, "broken", product="x") == []
    # Orders that are told later, or otherwise, count for what was said before.
    tell(
        database, shop, bought("C", "jug", at=NOW + 9), bought("D", "pot", at=NOW + 9), bought("A", "vase", at=NOW + 9),
        event("answer.quarantined", NOW + 9, question="search-found", key="browser:own", reason="ours"),
    )  # fmt: skip
    assert about(database, shop, "pot") == ["order:D"]
    assert about(database, shop, "jug") == ["order:C", "order:B"]
    assert about(database, shop, "vase") == ["order:A"]
    assert about(database, shop, "pot", quarantined=True) == ["browser:own"]
    # An earlier part arrives late.
    tell(database, shop, rated("D", NOW - 5), event("answer.removed", NOW + 9, question="order-rating", key="order:A", reason="x"))
    tell(database, shop, event("answer.released", NOW + 10, question="search-found", key="browser:own"))
    assert about(database, shop, "pot") == ["browser:own", "order:D"] and about(database, shop, "vase") == []
    assert about(database, shop, "pot", end=NOW) == ["order:D"]
    assert differences(database) == []


@pytest.mark.parametrize(
    ("harm", "wrong"),
    [
        ("DELETE FROM answer_products", "order:A"), ("UPDATE answer_products SET first_at = first_at - 1", "order:A"),
        ("UPDATE answer_products SET key = 'order:B'", "order:A, order:B"), ("UPDATE answer_products SET key = 'a'", "a, order:A"),
    ],
)  # fmt: skip
def test_verify_notices_what_answers_are_about_and_rebuild_mends(database: Database, shop: NewShop, harm: str, wrong: str) -> None:
    tell(database, shop, bought("A", "pot"), rated("A", NOW))
    with database.writing() as conn:
        conn.execute(text(harm))
    assert differences(database) == [f"the product pot of the answer {key} to order-rating" for key in wrong.split(", ")]
    rebuild(database)
    assert differences(database) == [] and about(database, shop, "pot") == ["order:A"]


def test_answers_about_a_product_are_walked_along_an_index(database: Database, shop: NewShop) -> None:
    with database.writing() as conn:
        every = [
            Answer(shop.id, f"q{n % 3}", f"browser:{n}", NOW + n, (str(n),), {"value": Register(Stamp(NOW, "e"), 1)}) for n in range(9000)
        ]
        answers.save(conn, every)
        about_it = {
            answer_products.About(answer.key, answer.question, f"p{n % 7 and n}"): answer_products.Place(answer.first_at, False)
            for n, answer in enumerate(every)
        }
        answer_products.save(conn, shop.id, {}, about_it)
    with database.writing() as conn:
        conn.execute(text("ANALYZE"))

    def read(chosen: Filter) -> None:
        with database.reading() as conn:
            assert answers.page(conn, shop.id, chosen, (NOW + 8000, "k", "q"), 10).answers
            assert answers.newest(conn, shop.id, chosen, (NOW + 8000, "k", "q"), 10)
            assert answers.how_many(conn, shop.id, chosen, 1000) != 0

    for chosen in (Filter(product="p0"), Filter(product="p0", question="q1"), Filter(product="p0", end=NOW + 7500), Filter(product="p8")):
        plan = "\n".join(plans(database, lambda wanted=chosen: read(wanted)))
        assert "answer_products_newest" in plan
        assert not re.search(r"SCAN answer|Seq Scan|USE TEMP B-TREE FOR ORDER BY|answers_(newest|of_question)", plan), plan
