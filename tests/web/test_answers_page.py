"""The inbox: what is listed, what one answer tells, and what is done about it."""

import html
import re
from dataclasses import replace
from typing import Any

import pytest
import redis
from sqlalchemy import event as sql_event

from tests.pipeline.envelopes import NOW, event
from tests.web.conftest import Make, Person, World, signed_in
from tests.web.test_dashboard_overview import statements
from widget_server.act.pipeline import process
from widget_server.act.verify import verify
from widget_server.contract.placing import PLACEMENTS
from widget_server.contract.sets import SETS
from widget_server.intake.stream import STREAM
from widget_server.record import answers as record
from widget_server.record import cases, members, notes, questions, shops, views
from widget_server.record.db import Database
from widget_server.web.dashboard import _answer_deeds
from widget_server.web.dashboard import answers as inbox
from widget_server.web.params import cursor

DAY = 86_400_000
ORDER: dict[str, Any] = {"ref": "B-1", "line": None, "sku": [], "customer": "15"}


@pytest.fixture
def world(sqlite_database: Database, make_world: Make, redis_client: "redis.Redis") -> World:
    """Both shops, with a stream."""
    return make_world(sqlite_database, redis_client)


def words_of(page: str) -> str:
    """What can be read in the main part."""
    main = page[page.index("<main") :]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<(svg|dialog).*?</\1>", "", main, flags=re.S))))


def listed(person: Person, path: str = "/app/answers", **query: Any) -> list[str]:
    """The keys of the answers in a list."""
    reply = person.get(path, **query)
    assert reply.status_code == 200
    links = re.findall(r'href="/app/answers/one\?([^"]+)" data-open', reply.text)
    keys = [re.search(r"(?:^|&)key=([^&]+)", html.unescape(link)) for link in links]
    return [key[1].replace("%3A", ":").removeprefix("browser:") for key in keys if key]


def said(key: str, question: str = "search-found", value: Any = "no", at: int = NOW, **more: Any) -> dict[str, Any]:
    return event("answer.given", at, question=question, answer=key, value=value, **more)


def rated(value: int = 1, **more: Any) -> list[dict[str, Any]]:
    """An order and what its buyer says."""
    told = {
        "ref": "B-1", "status": "completed", "customer": "15", "total": "12.50", "currency": "EUR",
        "placed_at": "2025-11-22T08:00:00Z", "lines": [{"line": "1", "product": "oak-chair"}],
    }  # fmt: skip
    page = {"url": "https://shop.example/thanks?email=jane", "lang": "lv"}
    return [
        event("order.placed", order=told),
        event("answer.given", NOW, question="order-rating", answer="r", value=value, order=ORDER, placement="order", page=page, **more),
    ]  # fmt: skip


def about(key: str, question: str = "search-found", **more: Any) -> dict[str, Any]:
    return {"question": question, "key": key if ":" in key else f"browser:{key}", **more}


def work(world: World) -> None:
    """What the worker does with the stream."""
    client = world.app.extensions["atbalss"].redis
    process(world.database, [fields[b"e"] for _, fields in client.xrange(STREAM)])
    client.delete(STREAM)


def toast(person: Person, path: str = "/app/answers") -> str:
    """The newest one."""
    found = re.findall(r'class="toast.*?<p>(.*?)</p>', person.get(path).text, re.S)
    return html.unescape(found[-1]) if found else ""


def case_of(world: World, key: str, question: str = "search-found") -> cases.Case | None:
    with world.database.reading() as conn:
        return cases.of_answers(conn, world.shop.id, [(question, about(key)["key"])]).get((question, about(key)["key"]))


# --- the list


def test_each_filter_shows_its_answers(world: World) -> None:
    world.send(
        said("a", at=NOW, search={"query": "Zaļš krēsls"}, placement="search", page={"lang": "lv"}, text="Nav zaļu krēslu"),
        said("b", value="yes", at=NOW - DAY, product="lamp"), said("q", at=NOW - 1, marks=["bot"], text="cheap chair"),
        said("c", "order-rating", 2, NOW - 2 * DAY, page={"lang": "en"}, text="slow"), said("d", "order-rating", 5, NOW - 3 * DAY),
        *rated(3),
    )  # fmt: skip
    person = signed_in(world)
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["order:B-1", "a", "b", "c", "d"]), ({"question": "order-rating"}, ["order:B-1", "c", "d"]),
        ({"question": "search-found", "value": "no"}, ["a"]), ({"low": 2, "high": 3}, ["order:B-1", "c"]), ({"low": 4}, ["d"]),
        ({"high": 2, "question": "order-rating"}, ["c"]), ({"verified": "yes"}, ["order:B-1"]),
        ({"verified": "no", "text": "no"}, ["b", "d"]), ({"text": "yes"}, ["a", "c"]), ({"lang": "lv-LV"}, ["order:B-1", "a"]),
        ({"product": "lamp"}, ["b"]), ({"query": "zals kresls"}, ["a"]), ({"query": "ZAĻŠ  krēsls"}, ["a"]),
        ({"placement": "search"}, ["a"]), ({"quarantined": "yes"}, ["q"]), ({"quarantined": "yes", "q": "chair"}, ["q"]),
        ({"q": "KRESLU"}, ["a"]), ({"q": "zalu kr"}, ["a"]), ({"q": "chair"}, []), ({"q": "!!!"}, []),
        ({"from": "2025-11-20", "to": "2025-11-21"}, ["b", "c"]), ({"from": "2025-11-22"}, ["order:B-1", "a"]),
        ({"to": "2025-11-19"}, ["d"]), ({"period": "own", "from": "2025-11-19", "to": "2025-11-19"}, ["d"]),
        ({"period": "2025-11"}, ["order:B-1", "a", "b", "c", "d"]), ({"period": "2025-10"}, []), ({"case": "any"}, []),
        ({"case": "none", "question": "order-rating", "low": 5}, ["d"]),
    ]  # fmt: skip
    for query, keys in expected:
        assert (query, listed(person, **query)) == (query, keys)
    assert "lamp" in words_of(person.get("/app/answers").text)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"question": "nobody"}, "question"), ({"low": "9", "high": "1"}, "score from"), ({"low": "-1"}, "score from"),
        ({"high": "x"}, "score to"), ({"verified": "true"}, "verified"), ({"text": "1"}, "with words"), ({"lang": "'"}, "language"),
        ({"case": "lost"}, "case"), ({"quarantined": "no"}, "not counted"), ({"period": "99"}, "days"),
        ({"from": "2025-02-30"}, "first day"), ({"from": "2025-11-22", "to": "2025-11-21"}, "last day"),
        ({"period": "own", "to": "x"}, "last day"), ({"product": "x" * 400}, "product"), ({"value": "x" * 65}, "answer"),
    ],
)  # fmt: skip
def test_nonsense_is_left_out_and_named(world: World, query: dict[str, str], name: str) -> None:
    world.send(said("a"))
    person = signed_in(world)
    assert listed(person, **query) == ["a"]
    (note,) = re.findall(r"Not understood, and left out: ([^.]*)\.", person.get("/app/answers", **query).text)
    assert name in note.split(", ")


def test_days_beside_a_period_are_no_filter(world: World) -> None:
    world.send(said("a"))
    person = signed_in(world)
    page = person.get("/app/answers", **{"period": "2025-11", "from": "2024-01-01", "to": "2024-12-31"}).text
    chips = page.split('class="chips"')[1].split("</ul>")[0]
    assert "Days: November 2025" in chips and "First day" not in chips and "Last day" not in chips
    form = page.split('class="chips"')[1]
    assert '<input type="hidden" name="period" value="2025-11">' in form and 'type="hidden" name="from"' not in form


@pytest.mark.parametrize("placement", list(PLACEMENTS))
def test_every_place_has_a_name_in_words(world: World, placement: str) -> None:
    with world.database.writing() as conn:
        questions.create(conn, world.shop.id, replace(SETS["recommend"].question(), name="somewhere", placement=placement))
    page = signed_in(world).get("/app/answers").text
    named = re.search(rf'<option value="{placement}"[^>]*>([^<]*)<', page.split('name="placement"')[1])
    assert named is not None and named[1] != placement


@pytest.mark.parametrize("after", ["", "x", "9" * 30 + ".", "1.", "1.AA", "0.AAAA", "9999999999999999999.", "1.\0", cursor(1, "x\n²"), cursor(1, "x\n" + "9" * 30), cursor(1, "x\n-1")])
def test_a_made_up_page_is_some_page(world: World, after: str) -> None:
    world.send(said("a", text="chair"))
    person = signed_in(world)
    for path, query in (("/app/answers", {}), ("/app/answers", {"q": "chair"}), ("/app/answers/cases", {}), ("/app/answers/cases", {"done": "yes"})):
        assert person.get(path, after=after, **query).status_code == 200


@pytest.mark.parametrize("query", [{}, {"q": "chair"}, {"verified": "no"}, {"case": "open"}, {"question": "search-found", "text": "yes"}])
def test_pages_follow_one_another(world: World, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]) -> None:
    monkeypatch.setattr(inbox, "PAGE_SIZE", 3)
    world.send(*(said(f"{n}", at=NOW - n, text="chair") for n in range(8)))
    person = signed_in(world)
    with world.database.writing() as conn:
        cases.make(conn, world.shop.id, [("search-found", f"browser:{n}") for n in range(8)], None, NOW)
    found: list[str] = []
    address: str | None = "/app/answers?" + "&".join(f"{name}={value}" for name, value in query.items())
    while address:
        found += listed(person, address)
        links = [html.unescape(each) for each in re.findall(r'href="(/app/answers\?[^"]*after=[^"]*)"', person.get(address).text)]
        address = links[-1] if links else None
        assert len(found) <= 8
    assert found == [f"{n}" for n in range(8)]


def test_where_nothing_is_there_is_something_to_do(world: World) -> None:
    person = signed_in(world)
    assert 'href="/app/start"' in person.get("/app/answers").text
    assert "Show all answers" in person.get("/app/answers", low=1).text
    assert "Nothing is left out" in person.get("/app/answers", quarantined="yes").text
    assert "Show low scores" in person.get("/app/answers/cases").text
    assert "Show open cases" in person.get("/app/answers/cases", done="yes").text


def test_a_list_of_several_pages_says_how_many_answers_it_has(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.send(*(said(f"{n}", at=NOW - n, value="no" if n % 4 else "yes", text="chair", product="pot") for n in range(60)), *rated())
    person = signed_in(world)

    def foot(path: str) -> list[str]:
        feet: list[str] = []
        while path:
            page = person.get(path).text
            feet += re.findall(r"<nav class=\"pager\".*?<span>(.*?)</span>", page, flags=re.S)
            more = re.search(r'href="([^"]+)" rel="next"', page)
            path = html.unescape(more[1]) if more else ""
        return feet

    assert foot("/app/answers") == ["50 of 61", "11 of 61"]
    assert foot("/app/answers?question=search-found") == foot("/app/answers?product=pot&text=yes") == ["50 of 60", "10 of 60"]
    assert foot("/app/answers?value=no") == ["45 answers"]
    assert foot("/app/answers?case=none&low=0&high=2") == ["1 answer"]
    monkeypatch.setattr(inbox, "PAGE_SIZE", 40)
    assert foot("/app/answers?value=no&product=pot") == foot("/app/answers?case=none&value=no") == ["40 of 45", "5 of 45"]
    assert foot("/app/answers?q=chair") == ["40 answers", "20 answers"], "words are not counted"
    for path, more in (("/app/answers", 1), ("/app/answers?verified=no", 2), ("/app/answers?q=chair", 0)):
        counts = []
        for size in (100, 40):
            monkeypatch.setattr(inbox, "PAGE_SIZE", size)
            with statements() as asked:
                person.get(path)
            counts.append(len(asked))
        assert counts[1] - counts[0] == more, path
    monkeypatch.setattr(inbox, "_MOST_COUNTED", 60)
    assert foot("/app/answers") == ["40 answers", "21 answers"] and foot("/app/answers?value=no") == ["40 answers", "5 answers"]
    assert foot("/app/answers?product=pot&value=no") == ["40 of 45", "5 of 45"]


def test_a_list_takes_a_bounded_number_of_statements(world: World) -> None:
    world.send(*(said(f"{n}", at=NOW - n, text="chair") for n in range(40)), *rated())
    person = signed_in(world)
    with world.database.writing() as conn:
        cases.make(conn, world.shop.id, [("search-found", f"browser:{n}") for n in range(40)], person.account, NOW)
    n = 0

    def count(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        nonlocal n
        n += statement.startswith(("SELECT", "WITH"))

    engine = world.database._reader
    sql_event.listen(engine, "before_cursor_execute", count)
    try:
        for path, most in (
            ("/app/answers", 13), ("/app/answers?q=chair&verified=no&low=1", 15), ("/app/answers/cases", 14),
            ("/app/answers/one?question=order-rating&key=order:B-1", 14),
        ):  # fmt: skip
            n = 0
            assert person.get(path).status_code == 200
            assert 0 < n <= most, (path, n)
    finally:
        sql_event.remove(engine, "before_cursor_execute", count)


# --- one answer


def test_one_answer_tells_its_whole_story(world: World) -> None:
    world.send(
        event("question.shown", NOW - 5000, question="search-found", answer="a"),
        said("a", value="yes", at=NOW - 4000, search={"query": "oak", "results": 7}), said("a", at=NOW - 3000),
        said("a", at=NOW - 2000, text="only pine", marks=["fast"]),
        event("answer.released", NOW - 1000, question="search-found", key="browser:a"), said("b", value="yes"),
    )  # fmt: skip
    person = signed_in(world)
    person.post_form("/app/answers/note", about("a", text="Asked the supplier"))
    told = words_of(person.get("/app/answers/one", **about("a")).text)
    parts = [
        "The question was shown", "Answered: Yes", "Answered: No", "only pine", "Looks doubtful: quicker than anybody can be",
        "Counted again", "the owner", "Noted", "Owner", "Asked the supplier",
    ]  # fmt: skip
    story = told[told.index("What happened") :]
    places = [story.index(part) for part in parts]
    assert places == sorted(places)
    assert "7 results" in told
    assert "Not: anybody who saw the page could answer" in told


def test_what_is_personal_is_shown_to_an_editor_who_asks_and_noted(world: World) -> None:
    world.send(*rated(1, text="bad"))
    editor, viewer = signed_in(world, "editor"), signed_in(world, "viewer")
    for person in (editor, viewer):
        seen = person.get("/app/answers/one", **about("order:B-1", "order-rating")).text
        assert "email=jane" not in seen
        assert "<dt>Customer</dt>" not in seen
        assert "https://shop.example/thanks" in seen
        assert "By the order it belongs to" in seen
        assert "oak-chair" in seen
        assert "€12.50" in seen
    assert viewer.post_form("/app/answers/one/opened", about("order:B-1", "order-rating")).status_code == 403
    assert editor.get("/app/answers/one/opened", **about("order:B-1", "order-rating")).status_code == 405
    opened = editor.post_form("/app/answers/one/opened", about("order:B-1", "order-rating"))
    assert opened.status_code == 200
    assert "email=jane" in opened.text
    assert re.search(r"<dt>Customer</dt><dd[^>]*>15</dd>", opened.text)
    assert "/one/opened" not in opened.text and "That you looked is noted below." in opened.text
    again = words_of(viewer.get("/app/answers/one", **about("order:B-1", "order-rating")).text)
    assert again.count("Looked at the personal data Editor") == 1
    assert "email=jane" not in again


def test_nothing_to_open_where_nobody_is_known(world: World) -> None:
    world.send(said("a", page={"url": "https://shop.example/search", "lang": "lv"}))
    page = signed_in(world).get("/app/answers/one", **about("a")).text
    assert "/one/opened" not in page and "kept closed" not in page


@pytest.mark.parametrize("order", [None, {**ORDER, "customer": None}])
def test_where_nobody_is_known_only_the_whole_address_can_be_opened(world: World, order: dict[str, Any] | None) -> None:
    page = {"url": "https://shop.example/search?q=green+chair#top", "lang": "lv"}
    if order is None:
        sent, name = said("a", page=page), about("a")
    else:
        sent, name = said("a", "order-rating", 2, page=page, order=order), about("order:B-1", "order-rating")
    world.send(sent)
    editor, viewer = signed_in(world, "editor"), signed_in(world, "viewer")
    seen, looked_at = (person.get("/app/answers/one", **name).text for person in (editor, viewer))
    assert "q=green" not in seen + looked_at
    told = words_of(seen)
    assert "Open the whole address" in told and "You will see the whole address of the page" in told
    assert "personal data" not in told and "customer's number" not in told
    assert "The end of the page's address is kept closed" in words_of(looked_at) and "/one/opened" not in looked_at
    assert "Who it was" not in looked_at
    assert 'action="/app/answers/one/opened#address"' in seen
    opened = editor.post_form("/app/answers/one/opened", name).text
    assert re.search(r'<dd [^>]*id="address">https://shop.example/search\?q=green\+chair#top</dd>', opened)
    assert "/one/opened" not in opened and "kept closed" not in opened and "That you looked is noted below." in opened
    assert "<dt>Customer</dt>" not in opened


@pytest.mark.parametrize(
    "name", [{}, {"question": "search-found"}, {"key": "browser:a"}, about("zz"), about("a", "order-rating")]
)
def test_no_such_answer(world: World, name: dict[str, str]) -> None:
    world.send(said("a"))
    person = signed_in(world)
    assert person.get("/app/answers/one", **name).status_code == 404
    for path in ("case", "cases/change", "note", "quarantine", "release", "one/opened"):
        given = {**name, "text": "x", "reason": "x", "status": "new"}
        assert person.post_form(f"/app/answers/{path}", given).status_code == 404
    stranger = signed_in(world, shop=world.neighbour)
    assert stranger.get("/app/answers/one", **about("a")).status_code == 404
    for path in ("case", "cases/change", "note", "quarantine", "release", "one/opened"):
        assert stranger.post_form(f"/app/answers/{path}", about("a", text="x", reason="x", status="new")).status_code == 404
    assert stranger.post_form("/app/answers/bulk", {"do": "case", "name": ["search-found\nbrowser:a"]}).status_code == 404
    assert case_of(world, "a") is None


def test_text_is_text_everywhere(world: World) -> None:
    evil = '"><img src=x onerror=alert(1)>\'{{7*7}}'
    order: dict[str, Any] = {"ref": evil, "line": None, "sku": [], "customer": evil}
    world.send(
        said("a", text=evil, search={"query": evil}, product=evil, placement=evil, page={"url": f"javascript:{evil}", "lang": "lv"}),
        event("answer.given", NOW, question="order-rating", answer="r", value=1, order=order, text=evil),
        event("answer.given", NOW, question=evil, answer="x", value=evil),
    )  # fmt: skip
    person = signed_in(world)
    person.post_form("/app/answers/case", about("a"))
    person.post_form("/app/answers/note", about("a", text=evil))
    person.post_form("/app/answers/views", {"name": evil, "q": evil})
    key = f"order:{evil}".replace("%", "%25")
    pages = [
        person.get("/app/answers"), person.get("/app/answers", q=evil), person.get("/app/answers/cases"),
        person.get("/app/answers", product=evil, query=evil, placement=evil), person.get("/app/answers/one", **about("a")),
        person.get("/app/answers/one", **about("a"), list=evil), person.get("/app/answers/one", **about(key, "order-rating")),
        person.post_form("/app/answers/one/opened", about(key, "order-rating")), person.post_form("/app/answers/one/opened", about("a")),
    ]  # fmt: skip
    for page in pages:
        assert page.status_code == 200
        assert "<img src=x" not in page.text
        assert "49" not in re.findall(r"\{\{.*?\}\}|onerror=alert\(1\)&gt;&#39;(.{2})", page.text)
        assert not re.search(r'(href|src|action)="\s*javascript:', page.text, re.I)
        assert " style=" not in page.text


# --- cases


def test_cases_of_one_question(world: World) -> None:
    world.send(said("a"), said("b", at=NOW - 1), said("c", "order-rating", 1, NOW - 2))
    person = signed_in(world, "editor")
    for key, question in (("a", "search-found"), ("b", "search-found"), ("c", "order-rating")):
        person.post_form("/app/answers/case", about(key, question))
    journey = re.findall(r'href="(/app/answers/cases\?question=[a-z-]+)">(\d+)</a>', person.get("/app/overview", period="2025-11").text)
    assert sorted(journey) == [("/app/answers/cases?question=order-rating", "1"), ("/app/answers/cases?question=search-found", "2")]
    for address, n in journey:
        assert len(listed(person, address)) == int(n)
    person.post_form("/app/answers/cases/change", about("a", version="1", status="solved"))
    assert listed(person, "/app/answers/cases", question="search-found") == ["b"]
    assert listed(person, "/app/answers/cases", question="search-found", done="yes") == ["a"]
    assert listed(person, "/app/answers/cases", question="nobody") == ["b", "c"]


def test_from_an_answer_to_a_case_that_is_solved(world: World) -> None:
    world.send(said("a", text="no oak chairs"), said("b", at=NOW - 1))
    person = signed_in(world, "editor")
    colleague = signed_in(world, "viewer")
    made = person.post_form("/app/answers/case", about("a"))
    assert (made.status_code, made.headers["Location"]) == (303, "/app/answers/one?question=search-found&key=browser:a#case")
    assert listed(person, "/app/answers/cases") == ["a"]
    assert listed(person, case="open") == ["a"]
    assert listed(person, case="none") == ["b"]
    wanted = about("a", version="1", status="doing", assignee=colleague.account, due="2025-11-01")
    assert person.post_form("/app/answers/cases/change", wanted).status_code == 303
    case = case_of(world, "a")
    assert case is not None
    assert (case.status, case.assignee, case.due) == ("doing", colleague.account, 1_762_034_399_999)  # 2025-11-01 in Riga is over
    assert listed(colleague, who="me") == ["a"]
    assert listed(colleague, "/app/answers/cases", who="me") == ["a"]
    assert listed(person, "/app/answers/cases", who="me") == listed(person, who="none") == []
    told = words_of(colleague.get("/app/answers/cases").text)
    assert "Overdue" in told
    assert "1 case is past its time" in told
    story = words_of(person.get("/app/answers/one", **about("a")).text)
    for part in ("Made a case of it Editor", "The case is now: In work Editor", "Viewer sees to it Editor", "Due on 1 Nov 2025 Editor"):
        assert part in story
    person.post_form("/app/answers/cases/change", about("a", version="2", status="solved"))
    assert listed(person, "/app/answers/cases") == []
    assert listed(person, "/app/answers/cases", done="yes") == ["a"]
    assert listed(person, case="solved") == ["a"]


def test_who_looked_at_an_older_state_is_told(world: World) -> None:
    world.send(said("a"))
    person = signed_in(world)
    person.post_form("/app/answers/case", about("a"))
    person.post_form("/app/answers/cases/change", about("a", version="1", status="doing"))
    person.post_form("/app/answers/cases/change", about("a", version="1", status="closed"))
    assert toast(person).startswith("Somebody else has just changed this case.")
    case = case_of(world, "a")
    assert case is not None
    assert case.status == "doing"


def stands(page: str) -> dict[str, str]:
    """What the fields of a case hold in a page, and the version it was made from."""
    found: dict[str, str] = {}
    for name, options in re.findall(r'<select [^>]*name="(\w+)"[^>]*>(.*?)</select>', page, re.S):
        found[name] = "".join(re.findall(r'<option value="([^"]*)" selected>', options))
    found |= dict(re.findall(r'<input [^>]*name="(due|version)"[^>]*value="([^"]*)"', page))
    found |= dict(re.findall(r'<textarea [^>]*name="(note|text)"[^>]*>(.*?)</textarea>', page, re.S))
    return {name: html.unescape(value) for name, value in found.items()}


def errors(page: str) -> dict[str, str]:
    """What is said beside fields."""
    found = re.findall(r'<p class="error" id="f-(\w+)-error">(?:<svg.*?</svg>)?(.*?)</p>', page, re.S)
    assert all(f'aria-describedby="f-{name}-error" aria-invalid="true"' in page for name, _ in found)
    return {name: html.unescape(text) for name, text in found}


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ({"status": "lost"}, "Choose one of the list."), ({"assignee": "acc_nobody"}, "Choose one of the list."),
        ({"due": "tomorrow"}, "“tomorrow” is not understood."), ({"due": "2025-02-30"}, "“2025-02-30” is not understood."),
        ({"due": "0202-11-22"}, "“0202-11-22” is not understood."), ({"note": "x" * 2001}, "A note has at most 2000 characters."),
    ],
)  # fmt: skip
def test_what_a_case_can_t_be_is_refused_and_what_was_typed_stands(world: World, field: dict[str, str], why: str) -> None:
    world.send(said("a"))
    person = signed_in(world)
    person.post_form("/app/answers/case", about("a"))
    typed = {"status": "doing", "assignee": person.account, "due": "2025-12-01", "note": "Called <her>", "version": "1", **field}
    # A button that says itself how far it is, or whose, makes up for what was wrong there.
    for button in ("save", "mine", "solved") if {"due", "note"} & set(field) else ("save",):
        reply = person.post_form("/app/answers/cases/change", about("a", **typed, do=button, list="/app/answers?case=open"))
        assert (reply.status_code, errors(reply.text)) == (422, dict.fromkeys(field, why))
        # A list has no place for what isn't in it.
        assert stands(reply.text) == {**typed, **dict.fromkeys({"status", "assignee"} & set(field), "")}
        assert 'name="list" value="/app/answers?case=open"' in reply.text
    case = case_of(world, "a")
    assert case is not None
    assert (case.version, case.status) == (1, "new")
    assert "Called" not in person.get("/app/answers/one", **about("a")).text
    again = {**typed, "status": "doing", "assignee": person.account, "due": "2025-12-01", "note": "Called <her>"}
    assert person.post_form("/app/answers/cases/change", about("a", **again)).status_code == 303
    assert "Called <her>" in words_of(person.get("/app/answers/one", **about("a")).text)


def test_what_is_shown_again_is_still_of_the_state_it_was_made_from(world: World) -> None:
    world.send(said("a"))
    person, other = signed_in(world), signed_in(world)
    person.post_form("/app/answers/case", about("a"))
    other.post_form("/app/answers/cases/change", about("a", version="1", status="doing"))
    refused = person.post_form("/app/answers/cases/change", about("a", version="1", status="closed", assignee="", due="x", note=""))
    person.post_form("/app/answers/cases/change", about("a", **{**stands(refused.text), "due": ""}))
    assert toast(person).startswith("Somebody else has just changed this case.")
    case = case_of(world, "a")
    assert case is not None and case.status == "doing"


def test_a_case_of_a_former_member_goes_on(world: World) -> None:
    world.send(said("a"))
    person, gone = signed_in(world), signed_in(world, "editor")
    person.post_form("/app/answers/case", about("a"))
    person.post_form("/app/answers/cases/change", about("a", assignee=gone.account))
    with world.database.writing() as conn:
        members.remove(conn, world.shop.id, gone.account)
    form = stands(person.get("/app/answers/one", **about("a")).text)
    assert form["assignee"] == gone.account
    for n, (button, status) in enumerate((("save", "new"), ("solved", "solved"))):
        reply = person.post_form("/app/answers/cases/change", about("a", **{**form, "note": f"note {n}", "do": button}))
        assert reply.status_code == 303
        page = person.get("/app/answers/one", **about("a")).text
        form = stands(page)
        assert f"note {n}" in page and (form["status"], form["assignee"]) == (status, gone.account)
    person.post_form("/app/answers/cases/change", about("a", assignee=""))
    assert person.post_form("/app/answers/cases/change", about("a", assignee=gone.account)).status_code == 422, "nobody's anew"


def test_only_members_of_the_shop_see_to_its_cases(world: World) -> None:
    world.send(said("a"))
    person, stranger = signed_in(world), signed_in(world, shop=world.neighbour)
    person.post_form("/app/answers/case", about("a"))
    assert person.post_form("/app/answers/cases/change", about("a", assignee=stranger.account)).status_code == 422


@pytest.mark.parametrize("path", ["case", "cases/change", "note", "quarantine", "release", "bulk", "views", "views/remove"])
def test_a_viewer_only_looks(world: World, path: str) -> None:
    world.send(said("a"))
    viewer = signed_in(world, "viewer")
    assert viewer.post_form(f"/app/answers/{path}", about("a", text="x", reason="x", do="case", name="x")).status_code == 403
    assert "Make a case" not in viewer.get("/app/answers").text.replace("Make a case of it</td>", "")
    assert case_of(world, "a") is None


def test_a_note_goes_along_with_whatever_is_done_to_the_case(world: World) -> None:
    world.send(said("a"), said("b"))
    person = signed_in(world)
    name = ("search-found", "browser:a")
    person.post_form("/app/answers/case", about("a"))

    def kept() -> tuple[list[str], Any]:
        with world.database.reading() as conn:
            written = [note.text for note in notes.of_answer(conn, world.shop.id, name) if note.kind == "note"]
            return written, cases.of_answers(conn, world.shop.id, [name])[name]

    form = {"status": "new", "assignee": "", "due": ""}
    person.post_form("/app/answers/cases/change", about("a", **form, note=" called\r\nher ", do="save"))
    assert toast(person) == "Saved."
    person.post_form("/app/answers/cases/change", about("a", **form, note="I do it", do="mine"))
    written, case = kept()
    assert sorted(written) == ["I do it", "called\nher"] and case.assignee == person.account
    assert person.post_form("/app/answers/cases/change", about("a", **form, note="x" * 2001, do="solved")).status_code == 422
    assert kept()[1].status == "doing", "taken on, and nothing is done without the note"
    person.post_form("/app/answers/cases/change", about("a", **form, note="", do="solved"))
    written, case = kept()
    assert len(written) == 2 and case.status == "solved"
    assert "A note for your colleagues" in person.get("/app/answers/one", **about("b")).text, "also where there is no case"


def test_notes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.send(said("a"))
    person = signed_in(world)
    person.post_form("/app/answers/note", about("a", text=" two\r\nlines\0 "))
    assert toast(person) == "Noted."
    with world.database.reading() as conn:
        assert [note.text for note in notes.of_answer(conn, world.shop.id, ("search-found", "browser:a"))] == ["two\nlines"]
    person.post_form("/app/answers/note", about("a", text=" "))
    assert toast(person) == "Write a note first."
    monkeypatch.setattr(notes, "MOST", 1)
    for text, why in (("x" * 2001, "A note has at most 2000 characters."), ("one more", "There are too many notes about this answer.")):
        reply = person.post_form("/app/answers/note", about("a", text=text))
        assert (reply.status_code, errors(reply.text), stands(reply.text)["text"]) == (422, {"text": why}, text)
    person.post_form("/app/answers/case", about("a"))
    # Somebody has made a case of it meanwhile: the note stands with the case.
    reply = person.post_form("/app/answers/note", about("a", text="one more"))
    assert (reply.status_code, errors(reply.text), stands(reply.text)["note"]) == (422, {"note": why}, "one more")
    reply = person.post_form("/app/answers/cases/change", about("a", note="one more", status="solved"))
    assert (reply.status_code, stands(reply.text)["note"], stands(reply.text)["status"]) == (422, "one more", "solved")
    case = case_of(world, "a")
    assert case is not None and case.status == "new", "nothing is done without the note"


# --- quarantine


def counted(world: World) -> int:
    n = api(world, "/v1/scores", metric="success", question="search-found")["total"]["n"]
    assert list(verify(world.database)) == []
    return int(n)


def api(world: World, path: str, **query: Any) -> Any:
    return world.get(path, **query).json


def test_into_quarantine_and_back_as_the_api_does(world: World) -> None:
    world.send(said("a", text="rude"), said("b"))
    person = signed_in(world, "editor")
    assert counted(world) == 2
    person.post_form("/app/answers/quarantine", about("a", reason=" "))
    assert toast(person) == "Say why it should not count."
    person.post_form("/app/answers/quarantine", about("a", reason="insults\na colleague"))
    work(world)
    assert counted(world) == 1
    assert listed(person, quarantined="yes") == ["a"]
    assert listed(person) == ["b"]
    assert [each["quarantined"] for each in api(world, "/v1/answers", quarantined="true")["answers"]] == ["insults a colleague"]
    seen = words_of(person.get("/app/answers/one", **about("a")).text)
    assert "It is in no score: insults a colleague." in seen
    assert "Left out of the count Editor insults a colleague" in seen
    person.post_form("/app/answers/quarantine", about("a", reason="again"))
    assert toast(person) == "Nothing was changed."
    person.post_form("/app/answers/release", about("a"))
    work(world)
    assert counted(world) == 2
    assert "Counted again Editor" in words_of(person.get("/app/answers/one", **about("a")).text)


def test_a_stream_that_takes_nothing_is_said(sqlite_database: Database, make_world: Make) -> None:
    world = make_world(sqlite_database)
    world.send(said("a"))
    person = signed_in(world)
    reply = person.post_form("/app/answers/quarantine", about("a", reason="rude"))
    assert reply.status_code == 503
    assert "The decision" in reply.text or "try again" in reply.text.lower()
    with world.database.reading() as conn:
        assert notes.of_answer(conn, world.shop.id, ("search-found", "browser:a")) == []


# --- many at once


def test_many_at_once(world: World) -> None:
    world.send(*(said(f"{n}", at=NOW - n) for n in range(4)))
    person = signed_in(world)
    some = [f"search-found\r\nbrowser:{n}" for n in (0, 2)]
    reply = person.post_form("/app/answers/bulk", {"do": "case", "name": some, "back": "/app/answers?case=none"})
    assert reply.headers["Location"].partition("#")[0] == "/app/answers?case=none"
    assert toast(person) == "2 cases made."
    person.post_form("/app/answers/bulk", {"do": "mine", "name": [*some, "search-found\nbrowser:1"]})
    assert listed(person, who="me") == ["0", "1", "2"]
    person.post_form("/app/answers/bulk", {"do": "solved", "name": some})
    assert listed(person, case="open") == listed(person, case="doing") == ["1"]
    assert listed(person, case="solved") == ["0", "2"]
    person.post_form("/app/answers/bulk", {"do": "quarantine", "name": some, "reason": "a test"})
    work(world)
    assert listed(person, quarantined="yes") == ["0", "2"]
    person.post_form("/app/answers/bulk", {"do": "release", "name": some})
    work(world)
    assert listed(person) == ["0", "1", "2", "3"]
    person.post_form("/app/answers/bulk", {"case": "search-found\nbrowser:3", "do": "release", "name": some})
    assert listed(person, case="open") == ["1", "3"]


@pytest.mark.parametrize("what", ["case", "mine", "solved", "closed", "quarantine", "release"])
def test_many_take_as_many_statements_as_few(world: World, what: str) -> None:
    counts = []
    for n in (5, 50):
        world.send(*(said(f"{n}.{each}") for each in range(n)))
        person = signed_in(world)
        form: dict[str, Any] = {"name": [f"search-found\nbrowser:{n}.{each}" for each in range(n)], "reason": "a test"}
        if what == "release":
            person.post_form("/app/answers/bulk", {**form, "do": "quarantine"})
            work(world)
        with statements() as asked:
            person.post_form("/app/answers/bulk", {**form, "do": what})
        assert str(n) in toast(person)
        counts.append(len(asked))
    assert 0 < counts[0] == counts[1] < 30


def test_many_is_not_too_many_and_all_or_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_answer_deeds, "MOST_AT_ONCE", 2)
    world.send(*(said(f"{n}") for n in range(3)))
    person = signed_in(world)
    names = [f"search-found\nbrowser:{n}" for n in range(3)]
    person.post_form("/app/answers/bulk", {"do": "case", "name": names})
    assert toast(person) == "At most 2 answers at once."
    person.post_form("/app/answers/bulk", {"do": "case"})
    assert toast(person) == "Tick some answers first."
    assert person.post_form("/app/answers/bulk", {"do": "burn", "name": names[:1]}).status_code == 422
    assert person.post_form("/app/answers/bulk", {"do": "case", "name": [names[0], "search-found\nbrowser:zz"]}).status_code == 404
    assert listed(person, case="any") == []


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/app/answers/../x", "/app/answers?\\x", "/app/answersx", "x"])
def test_a_form_leads_back_to_lists_only(world: World, back: str) -> None:
    world.send(said("a"))
    reply = signed_in(world).post_form("/app/answers/bulk", {"case": "search-found\nbrowser:a", "back": back})
    path, _, row = reply.headers["Location"].partition("#")
    assert path == "/app/answers"
    assert f'<li data-row id="{row}">' in signed_in(world).get(path).text, "at the row that it was about"


# --- views


def test_views_are_saved_and_deleted(world: World) -> None:
    world.send(said("a"), said("b", "order-rating", 1))
    owner, editor = signed_in(world), signed_in(world, "editor")
    reply = owner.post_form("/app/answers/views", {"name": "Unhappy", "low": "1", "high": "2", "verified": "maybe"})
    assert reply.headers["Location"] == "/app/answers?low=1&high=2"
    owner.post_form("/app/answers/views", {"name": "Lost", "value": "no", "everybody": "1"})
    assert "Unhappy" in owner.get("/app/answers").text
    assert "Unhappy" not in editor.get("/app/answers").text
    seen = editor.get("/app/answers", value="no").text
    assert "Lost" in seen
    assert listed(editor, value="no") == ["a"]
    with world.database.reading() as conn:
        own, shops_own = sorted(views.seen_by(conn, world.shop.id, owner.account), key=lambda view: view.account is None)
    assert editor.post_form("/app/answers/views/remove", {"view": own.id}).status_code == 404
    assert signed_in(world, shop=world.neighbour).post_form("/app/answers/views/remove", {"view": shops_own.id}).status_code == 404
    assert editor.post_form("/app/answers/views/remove", {"view": shops_own.id}).status_code == 303
    assert "Lost" not in owner.get("/app/answers").text
    for given, why in (({"name": ""}, "Give the view a name."), ({"name": "All"}, "Choose some filters first.")):
        owner.post_form("/app/answers/views", given)
        assert toast(owner) == why


def test_a_page_that_found_nothing_yet_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MOST_LOOKED_AT", 2)
    world.send(*(said(f"{n}", at=NOW - n, page={"lang": "et" if n == 5 else "lv"}) for n in range(6)))
    person = signed_in(world)
    page = person.get("/app/answers", lang="et").text
    for _ in range(3):
        if "Look through older ones" not in page:
            break
        (address,) = re.findall(r'class="button primary" href="([^"]+)"', page)
        page = person.get(html.unescape(address)).text
    assert "key=browser:5" in html.unescape(page)


def test_an_answer_stands_under_what_was_asked_then(world: World) -> None:
    with world.database.reading() as conn:
        asked = shops.by_id(conn, world.shop.id).question("search-found")  # type: ignore[union-attr]
    assert asked is not None
    world.send(said("a", question_version=asked.version))
    texts = {**asked.texts, "en": {**asked.texts["en"], "title": "Was it there?"}}
    with world.database.writing() as conn:
        questions.change(conn, world.shop.id, "search-found", lambda old: replace(old, texts=texts))
    world.send(said("b", question_version=asked.version + 1))
    person = signed_in(world)
    for key, title in (("a", asked.texts["en"]["title"]), ("b", "Was it there?")):
        page = person.get("/app/answers/one", question="search-found", key=f"browser:{key}").text
        assert f"<h1>{title}</h1>" in page
