"""Cases, the notes about answers, and saved views, on both databases."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event as sql_event

from tests.pipeline.envelopes import NOW, envelope, event
from widget_server.act.pipeline import process
from widget_server.record import answers, cases, notes, shops, views
from widget_server.record.answers import Filter
from widget_server.record.cases import CaseConflict, Wanted
from widget_server.record.db import Database
from widget_server.record.shops import NewShop

DAY = 86_400_000


@pytest.fixture
def shop(database: Database) -> NewShop:
    with database.writing() as conn:
        return shops.create(conn, "Tests", "shop.example")


def name(key: str, question: str = "order-rating") -> cases.Name:
    return question, key


def make(database: Database, shop: NewShop, *keys: str, at: int = NOW) -> int:
    with database.writing() as conn:
        return cases.make(conn, shop.id, [name(key) for key in keys], "acc_1", at)


def change(database: Database, shop: NewShop, key: str, at: int = NOW, version: int | None = None, **changes: Any) -> int:
    with database.writing() as conn:
        return cases.change(conn, shop.id, [name(key)], changes, "acc_2", at, version)


def listed(database: Database, shop: NewShop, wanted: Wanted | None = None) -> list[str]:
    """All open cases, page by page."""
    found: list[str] = []
    after = None
    with database.reading() as conn:
        while page := cases.listed(conn, shop.id, wanted or Wanted(), after, 2):
            found += [case.key for case in page]
            after = cases.place(page[-1])
    return found


def story(database: Database, shop: NewShop, key: str) -> list[tuple[str | None, str, str]]:
    with database.reading() as conn:
        return [(note.account, note.kind, note.text) for note in notes.of_answer(conn, shop.id, name(key))]


def test_an_answer_is_one_case(database: Database, shop: NewShop) -> None:
    assert make(database, shop, "a", "b", "a") == 2
    assert make(database, shop, "a", "c") == 1
    with database.reading() as conn:
        found = cases.of_answers(conn, shop.id, [name("a"), name("z"), name("a", "search-found")])
        assert list(found) == [name("a")]
        case = found[name("a")]
        assert (case.status, case.assignee, case.due, case.version, case.is_open) == ("new", None, None, 1, True)
        assert cases.by_id(conn, shop.id, case.id) == case
        assert cases.of_answers(conn, shop.id, []) == {}
    assert story(database, shop, "a") == [("acc_1", "status", "new")]


def test_what_is_due_first_comes_first(database: Database, shop: NewShop) -> None:
    make(database, shop, "old", at=NOW - 5)
    make(database, shop, "new", "late", "soon", "done")
    change(database, shop, "late", due=NOW - DAY)
    change(database, shop, "soon", due=NOW + DAY)
    change(database, shop, "done", due=NOW - 2 * DAY, status="solved")
    assert listed(database, shop) == ["late", "soon", "old", "new"]
    with database.reading() as conn:
        assert cases.overdue(conn, shop.id, NOW) == 1
        assert cases.open_by_question(conn, shop.id) == {"order-rating": 4}
        ended = cases.ended(conn, shop.id, Wanted(), None, 5)
        assert [(case.key, case.is_overdue(NOW)) for case in ended] == [("done", False)]
        assert cases.ended(conn, shop.id, Wanted(), (ended[0].changed, ended[0].id), 5) == []
        late = cases.of_answers(conn, shop.id, [name("late")])[name("late")]
        assert (late.is_overdue(NOW), late.is_overdue(NOW - DAY)) == (True, False)


def test_changes_are_noted_by_whom(database: Database, shop: NewShop) -> None:
    make(database, shop, "a")
    assert change(database, shop, "a", status="doing", assignee="acc_3", due=NOW) == 1
    assert change(database, shop, "a", status="doing") == 0
    assert change(database, shop, "a", due=None, assignee=None, status="closed") == 1
    assert change(database, shop, "b", status="doing") == 0
    assert story(database, shop, "a") == [
        ("acc_1", "status", "new"),
        ("acc_2", "status", "doing"), ("acc_2", "assignee", "acc_3"), ("acc_2", "due", str(NOW)),
        ("acc_2", "status", "closed"), ("acc_2", "assignee", ""), ("acc_2", "due", ""),
    ]  # fmt: skip
    assert listed(database, shop) == []


def test_who_looked_at_an_older_state_changes_nothing(database: Database, shop: NewShop) -> None:
    make(database, shop, "a")
    assert change(database, shop, "a", version=1, status="doing") == 1
    with pytest.raises(CaseConflict):
        change(database, shop, "a", version=1, status="closed")
    assert change(database, shop, "a", version=2, status="closed") == 1


def test_many_are_changed_by_as_many_statements_as_few(database: Database, shop: NewShop) -> None:
    many = [f"{n:02}" for n in range(50)]
    make(database, shop, *many)
    change(database, shop, "00", status="doing", assignee="acc_3")
    change(database, shop, "01", at=NOW + 9, status="doing")
    said: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        said.append(statement)

    n_of = []
    for keys, status in ((many[:5], "doing"), (many, "closed")):
        said.clear()
        with database.writing() as conn:
            sql_event.listen(conn, "before_cursor_execute", note)
            done = cases.change(conn, shop.id, [name(key) for key in keys], {"status": status, "assignee": "acc_3"}, "acc_2", NOW + 5)
        n_of.append((done, len(said)))
    assert n_of[0][0] == 4, "one was like that already"
    assert n_of[1][0] == 50
    assert n_of[0][1] == n_of[1][1] <= 5
    with database.reading() as conn:
        found = cases.of_answers(conn, shop.id, [name(key) for key in many])
    assert {(case.status, case.assignee, case.due, case.is_open) for case in found.values()} == {("closed", "acc_3", None, False)}
    assert [found[name(key)].version for key in ("00", "01", "04", "05")] == [3, 4, 3, 2]
    assert [found[name(key)].changed - NOW for key in ("00", "01", "04", "05")] == [5, 9, 5, 5]
    assert listed(database, shop) == []
    lines = {key: story(database, shop, key)[1:] for key in many[:6]}
    first, closed, theirs = (("acc_2", "status", "doing"), ("acc_2", "status", "closed"), ("acc_2", "assignee", "acc_3"))
    assert lines == {
        "00": [first, theirs, closed], "01": [first, theirs, closed], "05": [closed, theirs],
        **{key: [first, theirs, closed] for key in ("02", "03", "04")},
    }  # fmt: skip


def test_one_that_was_changed_meanwhile_keeps_all_as_they_are(database: Database, shop: NewShop) -> None:
    make(database, shop, "a", "b", "c")
    change(database, shop, "b", status="doing")
    with database.writing() as conn, pytest.raises(CaseConflict):
        cases.change(conn, shop.id, [name("a"), name("b"), name("c")], {"status": "closed"}, "acc_2", NOW, 1)
    with database.reading() as conn:
        found = cases.of_answers(conn, shop.id, [name("a"), name("b"), name("c")])
    assert {key: case.status for (_, key), case in found.items()} == {"a": "new", "b": "doing", "c": "new"}


def test_filters_by_who_and_how_far(database: Database, shop: NewShop) -> None:
    make(database, shop, "a", "b", "c")
    change(database, shop, "a", assignee="acc_3")
    change(database, shop, "b", status="doing")
    change(database, shop, "c", status="solved")
    assert listed(database, shop, Wanted(assignee="acc_3")) == ["a"]
    assert listed(database, shop, Wanted(assignee="")) == ["b"]
    assert listed(database, shop, Wanted(statuses=("doing",))) == ["b"]
    assert listed(database, shop, Wanted(statuses=())) == []
    assert sorted(listed(database, shop, Wanted(question="order-rating"))) == ["a", "b"]
    assert listed(database, shop, Wanted(question="search-found")) == []


def test_another_shop_has_cases_of_its_own(database: Database, shop: NewShop) -> None:
    with database.writing() as conn:
        other = shops.create(conn, "Other", "other.example")
    make(database, shop, "a")
    make(database, other, "a")
    change(database, shop, "a", status="solved")
    with database.writing() as conn:
        notes.add(conn, shop.id, [name("a")], "acc_1", "note", "ours", NOW)
        (theirs,) = cases.listed(conn, other.id, Wanted(), None, 5)
        assert cases.by_id(conn, shop.id, theirs.id) is None
    assert listed(database, other) == ["a"]
    assert story(database, other, "a") == [("acc_1", "status", "new")]


def given(key: str, at: int, **more: Any) -> dict[str, Any]:
    return event("answer.given", at, question="order-rating", answer=key, value=1, text="bad", **more)


def keys(page: answers.Page) -> Sequence[str]:
    return [answer.key.removeprefix("browser:") for answer in page.answers]


def test_the_list_of_answers_by_case(database: Database, shop: NewShop) -> None:
    process(database, [envelope(shop.id, given(each, NOW + n)) for n, each in enumerate("abcd")])
    make(database, shop, "browser:a", "browser:c", "browser:gone")
    change(database, shop, "browser:c", status="solved", assignee="acc_3")
    expected: dict[str, tuple[Filter, list[str]]] = {
        "any": (Filter(case=Wanted()), ["c", "a"]),
        "new": (Filter(case=Wanted(statuses=("new",))), ["a"]),
        "theirs": (Filter(case=Wanted(assignee="acc_3")), ["c"]),
        "none": (Filter(no_case=True), ["d", "b"]),
        "words": (Filter(case=Wanted(), words="bad"), ["c", "a"]),
        "words of none": (Filter(no_case=True, words="bad"), ["d", "b"]),
        "elsewhere": (Filter(case=Wanted(), question="search-found"), []),
    }
    with database.reading() as conn:
        for what, (chosen, found) in expected.items():
            assert (what, keys(answers.page(conn, shop.id, chosen, None, 10))) == (what, found)
            first = answers.page(conn, shop.id, chosen, None, 1)
            assert keys(first) == found[:1]
            assert (first.next is None) is (len(found) < 2)
            if first.next is not None:
                assert keys(answers.page(conn, shop.id, chosen, first.next, 1)) == found[1:]


def test_a_removed_answer_is_no_case_and_an_erased_one_keeps_no_words_in_its_notes(database: Database, shop: NewShop) -> None:
    order: dict[str, Any] = {"ref": "A-1", "line": None, "sku": [], "customer": "15"}
    told = event("order.placed", order={"ref": "A-1", "status": "completed", "customer": "15", "placed_at": "2025-11-22T08:00:00Z"})
    process(database, [envelope(shop.id, each) for each in (given("a", NOW), given("x", NOW, order=order), told)])
    make(database, shop, "browser:a", "order:A-1")
    with database.writing() as conn:
        notes.add(conn, shop.id, [name("browser:a"), name("order:A-1")], "acc_1", "note", "Jane called", NOW)
    removed = event("answer.removed", NOW + 1, question="order-rating", key="browser:a", reason="rude")
    erased = event("customer.erased", NOW + 1, customer={"ref": "15"})
    process(database, [envelope(shop.id, each) for each in (removed, erased)])
    assert listed(database, shop) == ["order:A-1"]
    for key in ("browser:a", "order:A-1"):
        assert story(database, shop, key) == [("acc_1", "status", "new"), ("acc_1", "note", "")]


def test_an_answer_has_room_for_so_many_notes(database: Database, shop: NewShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "MOST", 2)
    with database.writing() as conn:
        for expected in (True, True, False):
            assert notes.room(conn, shop.id, name("a")) is expected
            notes.add(conn, shop.id, [name("a")], None, "note", "x", NOW)
        assert notes.room(conn, shop.id, name("b"))


def test_what_is_done_takes_no_room_from_the_notes_and_the_newest_is_read(
    database: Database, shop: NewShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "MOST", 2)
    with database.writing() as conn:
        for n in range(5):
            notes.add(conn, shop.id, [name("a")], f"acc_{n}", "opened", "", NOW)
        assert notes.room(conn, shop.id, name("a"))
        notes.add(conn, shop.id, [name("a")], "acc_5", "note", "called", NOW)
    assert story(database, shop, "a") == [("acc_2", "opened", ""), ("acc_3", "opened", ""), ("acc_4", "opened", ""), ("acc_5", "note", "called")]


def test_views_are_ones_own_or_everybodys(database: Database, shop: NewShop, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.writing() as conn:
        other = shops.create(conn, "Other", "other.example")
        mine = views.save(conn, shop.id, "acc_1", "Bad", "low=1&high=2", NOW)
        ours = views.save(conn, shop.id, None, "All", "", NOW)
        assert views.seen_by(conn, shop.id, "acc_1") == [ours, mine]
        assert views.seen_by(conn, shop.id, "acc_2") == [ours]
        assert views.seen_by(conn, other.id, "acc_1") == []
        assert not views.remove(conn, shop.id, mine.id, "acc_2")
        assert not views.remove(conn, shop.id, mine.id, None)
        assert not views.remove(conn, other.id, mine.id, "acc_1")
        again = views.save(conn, shop.id, "acc_1", "Bad", "low=1&high=1", NOW)
        assert views.seen_by(conn, shop.id, "acc_1") == [ours, again]
        assert views.remove(conn, shop.id, again.id, "acc_1")
        assert views.remove(conn, shop.id, ours.id, None)
        monkeypatch.setattr(views, "MOST", 1)
        views.save(conn, shop.id, "acc_1", "One", "", NOW)
        with pytest.raises(views.ViewConflict):
            views.save(conn, shop.id, "acc_1", "Two", "", NOW)
        views.save(conn, shop.id, "acc_1", "One", "q=x", NOW)


def walk(database: Database, shop: NewShop, chosen: Filter, limit: int = 3) -> list[str]:
    found: list[str] = []
    after = None
    with database.reading() as conn:
        while True:
            page = answers.page(conn, shop.id, chosen, after, limit)
            found += keys(page)
            if page.next is None:
                return found
            after = page.next


@pytest.mark.parametrize(("first", "most"), [(3, 3), (2, 7), (500, 10_000)])
def test_pages_of_any_filter_are_whole_however_little_is_looked_at(
    database: Database, shop: NewShop, monkeypatch: pytest.MonkeyPatch, first: int, most: int
) -> None:
    monkeypatch.setattr(answers, "MOST_LOOKED_AT", most)
    monkeypatch.setattr(answers, "_FIRST_LOOKED_AT", first)
    told = []
    for n in range(24):
        more: dict[str, Any] = {"product": f"p{n % 2}", "page": {"lang": ("lv", "en", "ru")[n % 3]}, "placement": f"place{n % 4}"}
        if n % 5 == 0:
            more["marks"] = ["bot"]
        if n % 2:
            more["search"] = {"query": f"Krēsls {n % 3}"}
        at = NOW - n // 3
        told.append(event("answer.given", at, question=f"q{n % 2}", answer=f"{n:02}", value=n % 5, **more))
    process(database, [envelope(shop.id, each) for each in told])
    filters = [
        Filter(), Filter(quarantined=True), Filter(question="q1"), Filter(product="p1", language="en"), Filter(language="ru"),
        Filter(placement="place3"), Filter(buckets=("3", "4")), Filter(question="q0", value="2"), Filter(query_key="kresls 1"),
        Filter(with_text=True), Filter(verified=True), Filter(start=NOW - 5, end=NOW - 1, language="lv"), Filter(no_case=True),
        Filter(quarantined=True, question="q1", language="ru"), Filter(query_key="kresls 1", product="p1", question="q1", language="en"),
        Filter(language="et"),
    ]  # fmt: skip
    seen = 0
    for chosen in filters:
        with database.reading() as conn:
            whole = [answer.key.removeprefix("browser:") for answer in answers.newest(conn, shop.id, chosen, None, 100)]
        assert walk(database, shop, chosen) == whole, chosen
        seen += len(whole)
    assert seen >= 80




@pytest.mark.parametrize(
    ("chosen", "index"),
    [
        (Filter(), "answers_newest"), (Filter(language="lv"), "answers_newest"), (Filter(with_text=True), "answers_newest"),
        (Filter(question="q7"), "answers_of_question"), (Filter(question="q7", buckets=("1",)), "answers_of_question"),
        (Filter(query_key="k7", product="p7", question="q7", language="lv"), "answers_of_query"),
        (Filter(quarantined=True), "answers_quarantined"), (Filter(quarantined=True, question="q7"), "answers_quarantined"),
    ],
)  # fmt: skip
def test_each_list_is_walked_along_an_index(sqlite_database: Database, chosen: Filter, index: str) -> None:
    """Newest first, without sorting or looking through what is not asked for."""
    with sqlite_database.writing() as conn:
        shop = shops.create(conn, "Tests", "shop.example")
    said: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("SELECT"):
            said.append((statement, parameters))

    sql_event.listen(sqlite_database._reader, "before_cursor_execute", note)
    with sqlite_database.reading() as conn:
        answers.page(conn, shop.id, chosen, (NOW, "k", "q"), 10)
        answers.how_many(conn, shop.id, chosen, 1000)
    sql_event.remove(sqlite_database._reader, "before_cursor_execute", note)
    with sqlite_database.reading() as conn:
        for statement, parameters in said:
            plan = [row[-1] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            about = [line for line in plan if line.startswith(("SEARCH answers", "SCAN answers"))]
            assert about
            assert all(re.match(rf"SEARCH answers USING (COVERING )?INDEX {index} \(shop=\?", line) for line in about), plan
            assert not [line for line in plan if line == "USE TEMP B-TREE FOR ORDER BY"], plan
