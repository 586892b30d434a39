"""GET /v1/searches and /v1/answers."""

import uuid
from typing import Any

import pytest

from tests.pipeline.envelopes import NOW, event
from tests.web.conftest import DAY, World, answer, search
from widget_server.record import answers, counters
from widget_server.record.counters import Searching


def asked(query: str, value: str | None = None, at: int = NOW, **more: Any) -> dict[str, Any]:
    kind = "question.shown" if value is None else "answer.given"
    given = {} if value is None else {"value": value}
    searched = {"query": query}
    return event(kind, at, question="search-found", answer=str(uuid.uuid4()), search=searched, **given, **more)


def test_spellings_of_a_search_are_one_row(world: World) -> None:
    world.send(
        search("Krēsls", 0), search("krēsls", 4), search(" KRESLS ", 0), search("krēsls"),
        event("result.clicked", search={"id": str(uuid.uuid4()), "query": "kresls", "position": 1}),
        asked("krēsls"), asked("krēsls", "no", text="zaļu krēslu"), asked("kresls", "yes", NOW + 1),
        search("galds", None),
    )  # fmt: skip
    rows = world.get("/v1/searches").json["searches"]
    assert [row["key"] for row in rows] == ["kresls", "galds"]
    chair, table = rows
    assert chair["query"] == "krēsls"
    assert (chair["searches"], chair["clicks"], chair["asked"]) == (4, 1, 3)
    assert chair["zero_results"] == {"n": 2, "share": 0.5}
    assert (chair["found"]["value"], chair["found"]["n"], chair["found"]["enough"]) == (0.5, 2, False)
    assert chair["found"]["interval"][0] < 0.5 < chair["found"]["interval"][1]
    assert chair["texts"] == ["zaļu krēslu"]
    assert table["zero_results"] == {"n": 0, "share": None}
    assert (table["asked"], table["found"]["value"], table["texts"]) == (0, None, [])


def test_searches_are_filtered_and_paged(world: World) -> None:
    for number, word in enumerate(("apple", "Äpfel rot", "birne", "apfelmus", "50% off_")):
        world.send(*(search(word, at=NOW - number * DAY) for _ in range(number + 1)))
    keys = [row["key"] for row in world.get("/v1/searches").json["searches"]]
    assert keys == ["50% off_", "apfelmus", "birne", "apfel rot", "apple"]
    assert [r["key"] for r in world.get("/v1/searches", q="ÄPFEL").json["searches"]] == ["apfelmus", "apfel rot"]
    assert [r["key"] for r in world.get("/v1/searches", q="%").json["searches"]] == ["50% off_"]
    found: list[str] = []
    more: dict[str, str] = {}
    while True:
        page = world.get("/v1/searches", limit=2, **more).json
        found += [row["key"] for row in page["searches"]]
        if page["next"] is None:
            break
        more = {"cursor": page["next"]}
    assert found == keys
    last_day = world.get("/v1/searches", **{"from": "2025-11-22"}).json["searches"]
    assert [row["key"] for row in last_day] == ["apple"]


def test_searches_are_sorted_by_what_hurts(world: World) -> None:
    world.send(
        search("often", 9), search("often", 9), search("often", 9), asked("often", "yes"), asked("often", "no"),
        search("empty", 0), search("empty", 0), asked("empty"), asked("empty"), asked("empty"),
        search("bad", 0), asked("bad", "no"), asked("bad", "no"), asked("never searched", "no"),
    )  # fmt: skip
    expected = {
        "searches": ["often", "empty", "bad"],
        "zero_results": ["empty", "bad"],
        "asked": ["empty", "bad", "often", "never searched"],
        "not_found": ["bad", "never searched", "often"],
    }
    for sort, keys in expected.items():
        rows = world.get("/v1/searches", sort=sort).json["searches"]
        assert [row["key"] for row in rows] == keys
        found: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            page = world.get("/v1/searches", sort=sort, limit=1, **more).json
            found += page["searches"]
            if page["next"] is None:
                break
            more = {"cursor": page["next"]}
        assert found == rows
    (bad,) = world.get("/v1/searches", sort="not_found", q="BAD").json["searches"]
    assert (bad["searches"], bad["zero_results"]["n"], bad["asked"], bad["found"]["value"]) == (1, 1, 2, 0.0)


@pytest.mark.parametrize("containing", [None, "apfel"])
@pytest.mark.parametrize("days", [(None, None), ("2025-10-05", "2025-11-22"), ("2025-11-21", "2025-11-22")])
def test_one_reading_gives_what_two_give(world: World, containing: str | None, days: tuple[str | None, str | None]) -> None:
    for number, word in enumerate(("apfel", "apfelmus", "birne", "roter apfel", "pflaume")):
        said = ["no"] * (7 - number) + ["yes"] * (number * 3 % 7)
        world.send(*(asked(word, value, NOW - n * 9 * DAY) for n, value in enumerate(said)))
    chosen = Searching(world.shop.id, ("search-found",), *days, containing)
    with world.database.reading() as conn:
        whole = counters.ranked(conn, chosen, "not_found", None, 10)
        assert whole
        for least in (1, 8):
            for after in (None, *whole):
                expected = counters.answered(conn, chosen, least, 3), counters.ranked(conn, chosen, "not_found", after, 2)
                assert counters.answered_and_not_found(conn, chosen, least, 3, after, 2) == expected


@pytest.mark.parametrize("n", [0, 1, 600])
def test_words_of_any_number_of_searches_are_one_statement(world: World, n: int) -> None:
    world.send(*(asked(f"word {k}", "no", NOW + j, text=f"“{k}”, \\{j}") for k in (0, 5) for j in range(4)))
    with world.database.reading() as conn:
        found = answers.newest_texts(conn, world.shop.id, [f"word {k}" for k in range(n)], 2)
    assert {key: texts for key, texts in found.items() if texts} == {
        f"word {k}": [f"“{k}”, \\3", f"“{k}”, \\2"] for k in (0, 5) if k < n
    }
    assert len(found) == n


def test_answers_newest_first_with_everything_about_them(world: World) -> None:
    world.send(
        answer("search-found", "no", NOW, text="a blue kettle", search={"query": "Kettle"}, page={"lang": "lv-LV"}),
        answer("order-rating", 5, NOW + 1, order={"ref": "100", "line": None, "sku": []}, placement="order"),
        event("question.shown", NOW + 2, question="search-found", answer=str(uuid.uuid4())),
    )
    found = world.get("/v1/answers").json
    assert found["next"] is None
    rating, kettle = found["answers"]
    assert rating["key"] == "order:100"
    assert (rating["value"], rating["verified"], rating["order"], rating["text"]) == (5, True, "100", None)
    assert kettle["key"].startswith("browser:")
    assert kettle | {"key": ""} == {
        "key": "", "question": "search-found", "value": "no", "text": "a blue kettle", "verified": False,
        "at": "2025-11-22T08:26:40.000Z", "updated_at": "2025-11-22T08:26:40.000Z", "placement": None,
        "lang": "lv", "product": None, "query": "Kettle", "order": None, "quarantined": None,
        "incentivised": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"question": "order-rating"}, ["r1", "r2"]),
        ({"value": "no"}, ["s1"]),
        ({"value": "5"}, ["r1"]),
        ({"verified": "true"}, ["r1"]),
        ({"verified": "false"}, ["s1", "s2", "r2"]),
        ({"text": "false"}, ["s2"]),
        ({"product": "p"}, ["r2"]),
        ({"lang": "et_EE"}, ["s2"]),
        ({"query": "  KETTLE"}, ["s1"]),
        ({"from": "2025-11-21", "to": "2025-11-21"}, ["s2"]),
        ({"to": "2025-11-20"}, ["r2"]),
        ({"question": "nobody-asked"}, []),
    ],
)
def test_answers_are_filtered(small_world: World, query: dict[str, str], expected: list[str]) -> None:
    small_world.send(
        answer("order-rating", 5, NOW, text="r1", order={"ref": "1", "line": None, "sku": []}),
        answer("search-found", "no", NOW - 1, text="s1", search={"query": "kettle"}),
        answer("search-found", "yes", NOW - DAY, page={"lang": "et"}),
        answer("order-rating", 2, NOW - 2 * DAY, text="r2", product="p"),
    )
    found = [each["text"] or "s2" for each in small_world.get("/v1/answers", **query).json["answers"]]
    assert sorted(found) == sorted(expected)


def test_pages_of_answers_are_whole_also_when_all_came_at_once(world: World) -> None:
    world.send(*(answer("order-rating", 5, NOW, text=f"n{number}") for number in range(7)))
    whole = [each["key"] for each in world.get("/v1/answers").json["answers"]]
    assert len(whole) == 7
    found: list[str] = []
    more: dict[str, str] = {}
    while True:
        page = world.get("/v1/answers", limit=3, **more).json
        found += [each["key"] for each in page["answers"]]
        if page["next"] is None:
            break
        more = {"cursor": page["next"]}
    assert found == whole


def test_a_hidden_answer_is_neither_listed_nor_quoted(small_world: World) -> None:
    given = asked("kettle", "no", text="rude words")
    small_world.send(given, search("kettle"))
    key = f"browser:{given['answer']}"
    hide = event("answer.quarantined", NOW + 1, question="search-found", key=key, reason="rude")
    small_world.send(hide, source="owner")
    assert small_world.get("/v1/answers").json["answers"] == []
    (row,) = small_world.get("/v1/searches").json["searches"]
    assert (row["texts"], row["found"]["n"]) == ([], 0)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/answers", {"verified": "yes"}),
        ("/v1/answers", {"text": ""}),
        ("/v1/answers", {"value": "x" * 65}),
        ("/v1/answers", {"lang": "latviešu"}),
        ("/v1/answers", {"product": "a\x00b"}),
        ("/v1/answers", {"query": "a\nb"}),
        ("/v1/answers", {"query": "a\n"}),
        ("/v1/searches", {"q": ""}),
        ("/v1/searches", {"limit": "201"}),
        ("/v1/deliveries", {"state": "late"}),
        ("/v1/questions", {"version": "1"}),
    ],
)
def test_a_wrong_parameter_is_named(small_world: World, path: str, query: dict[str, str]) -> None:
    reply = small_world.get(path, **query)
    assert (reply.status_code, list(reply.json["errors"])) == (422, list(query))


def test_questions_are_those_of_the_shop(small_world: World) -> None:
    found = small_world.get("/v1/questions").json["questions"]
    assert [(q["name"], q["type"], q["placement"], q["version"]) for q in found] == [
        ("order-rating", "stars", "order", 1), ("search-found", "yes_no", "search", 1),
    ]  # fmt: skip
    assert found[1]["texts"]["lv"]["yes"]
