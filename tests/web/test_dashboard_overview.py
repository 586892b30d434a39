"""The overview: numbers as the owner API has them, what is called worth fixing, touchpoints, and how many statements."""

import html
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.pipeline.envelopes import NOW
from tests.web.conftest import DAY, Person, World, answer, search, signed_in
from widget_server.contract.sets import SETS
from widget_server.contract.times import local_day
from widget_server.record import answers, cases, questions, shops, touchpoints

TODAY = local_day(NOW, "Europe/Riga")
MONTH = {"period": TODAY[:7]}
BEFORE = NOW - 31 * DAY


def text_of(html: str) -> str:
    """What a page says, tags aside."""
    bare = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", bare)).replace("&#39;", "'")


def stage(html: str, name: str) -> str:
    """What the journey says of a stage."""
    for part in html.split('<li class="stage')[1:]:
        said = text_of(part.partition("</section>\n")[0] if "trend" not in part else part.split('id="trend"')[0])
        if f"</span>{name}</h3>" in part:
            return said
    raise AssertionError(f"no stage {name}")


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def shown(question: str, at: int = NOW) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "type": "question.shown", "at": at, "question": question, "answer": str(uuid.uuid4())}


def asked_about(query: str, value: str, at: int = NOW, results: int = 3) -> dict[str, Any]:
    return answer("search-found", value, at, search={"id": str(uuid.uuid4()), "query": query, "results": results}, placement="search")


def test_without_answers_it_says_what_to_do(small_world: World) -> None:
    page = signed_in(small_world).get("/app/overview")
    assert page.status_code == 200
    assert "Nothing was asked in these days" in page.text and "/app/sample" in page.text


def test_every_question_stands_in_its_stage_with_the_numbers_of_the_api(world: World) -> None:
    world.send(*(answer("search-found", "yes") for _ in range(30)), *(answer("search-found", "no") for _ in range(12)))
    world.send(*(shown("search-found") for _ in range(8)), *(answer("order-rating", 4) for _ in range(9)))
    api = world.get("/v1/scores", metric="success", question="search-found", **{"from": f"{TODAY[:7]}-01"}).json["total"]
    page = signed_in(world).get("/app/overview", **MONTH).text
    low, high = (f"{end:.0%}" for end in api["interval"])
    said = stage(page, "Search")
    assert f"{api['value']:.0%}" in said and f"{low} to {high} · {api['n']} answers" in said
    assert "Asked 50 Answered 42" in said
    assert "9 answers Too few answers to say" in stage(page, "Purchase"), "below ten nothing is said"
    assert "Ask on your front page" in stage(page, "Need")


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [((18, 2), (3, 17), "up 75 points"), ((3, 17), (18, 2), "down 75 points"), ((11, 9), (9, 11), "no clear change")],
)
def test_a_change_is_told_only_when_the_intervals_part(
    small_world: World, now: tuple[int, int], before: tuple[int, int], said: str
) -> None:
    for at, (yes, no) in ((NOW, now), (BEFORE, before)):
        small_world.send(*(answer("search-found", value, at) for value, n in (("yes", yes), ("no", no)) for _ in range(n)))
    assert said in stage(signed_in(small_world).get("/app/overview", **MONTH).text, "Search")


def test_a_month_that_still_runs_stands_against_the_same_days_of_the_month_before(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("widget_server.web.dashboard._period.time", lambda: NOW / 1000)
    for at, value, n in ((NOW, "yes", 20), (NOW - 40 * DAY, "no", 12), (NOW - 25 * DAY, "yes", 40)):
        small_world.send(*(answer("search-found", value, at) for _ in range(n)))
    person = signed_in(small_world)
    page = person.get("/app/overview", compare="1", **MONTH).text
    assert "up 100 points" in stage(page, "Search"), "what was said after the 22nd of October is not compared"
    assert "are against 1 Oct 2025 to 22 Oct 2025." in text_of(page)
    days = re.findall(r'<th scope="row">(.*?)</th>', page.split('id="chart-reach"')[1].split("</figure>")[0])
    assert days[-1] == "17 Nov to 22 Nov" and "The last bar is only 6 days long." in text_of(page), "no day to come"
    before = person.get("/app/overview", period="own", **{"from": "2025-10-01", "to": "2025-10-22"}).text
    assert "Answered 12" in stage(before, "Search")


def test_with_nothing_before_no_change_is_told(small_world: World) -> None:
    small_world.send(*(answer("search-found", "yes") for _ in range(20)))
    said = stage(signed_in(small_world).get("/app/overview", **MONTH).text, "Search")
    assert "change" not in said and "up" not in said.split() and "down" not in said.split()


def test_open_cases_stand_beside_their_question(small_world: World) -> None:
    small_world.send(answer("order-rating", 1), answer("order-rating", 2))
    with small_world.database.writing() as conn:
        found = answers.newest(conn, small_world.shop.id, answers.Filter(), None, 10)
        cases.make(conn, small_world.shop.id, [(one.question, one.key) for one in found], None, NOW)
    page = signed_in(small_world).get("/app/overview", **MONTH).text
    assert "Open cases 2" in stage(page, "Purchase") and "Open cases 0" not in stage(page, "Purchase")


@pytest.mark.parametrize("days", [MONTH, {"period": "2020-01"}], ids=["these days", "days without anything"])
def test_open_cases_are_told_whatever_became_of_their_question(small_world: World, days: dict[str, str]) -> None:
    small_world.send(answer("order-rating", 1), answer("search-found", "no"))
    with small_world.database.writing() as conn:
        (one,) = answers.newest(conn, small_world.shop.id, answers.Filter(question="order-rating"), None, 10)
        cases.make(conn, small_world.shop.id, [(one.question, one.key)], None, NOW)
        cases.change(conn, small_world.shop.id, [(one.question, one.key)], {"due": 1}, None, NOW)
        questions.delete(conn, small_world.shop.id, "order-rating")
    said = text_of(signed_in(small_world).get("/app/overview", **days).text)
    assert "1 open case" in said and "1 case is past its time" in said


# --- what is worth fixing ---------------------------------------------------------------------------------------------


def fixes(person: Person) -> list[tuple[str, str]]:
    """(title, text) of each finding."""
    page = person.get("/app/overview", **MONTH).text
    found = re.findall(r"<h3><a href=\"([^\"]+)\">(.*?)</a></h3>\s*<p>(.*?)</p>", page)
    return [(text_of(title), text_of(words)) for _, title, words in found]


def test_a_search_that_shoppers_do_not_find_is_told_with_its_numbers_and_leads_to_its_answers(world: World) -> None:
    world.send(*(asked_about("Gift card", "no") for _ in range(14)), asked_about("gift card", "yes"))
    world.send(*(asked_about("chair", "yes") for _ in range(30)), *(search("Gift card") for _ in range(40)))
    person = signed_in(world)
    assert fixes(person) == [
        ("Shoppers don't find “Gift card”", "14 of 15 answers are no. It was searched for 40 times."),
    ]
    page = person.get("/app/overview", **MONTH).text
    href = re.search(r'<h3><a href="([^"]+)">', page)
    assert href is not None and "query=gift+card" in href[1] and "value=no" in href[1] and f"period={TODAY[:7]}" in href[1]


def test_an_empty_page_is_worth_fixing_too(small_world: World) -> None:
    small_world.send(*(search("wreath", 0) for _ in range(25)), asked_about("wreath", "no", results=0))
    assert fixes(signed_in(small_world)) == [
        ("The search for “wreath” shows nothing", "25 of 25 searches for it showed nothing. 1 shopper said no.")
    ]


def test_a_clear_fall_is_told_and_an_unclear_one_is_not(small_world: World) -> None:
    small_world.send(*(answer("order-rating", 5, BEFORE) for _ in range(40)), *(answer("order-rating", 3) for _ in range(20)))
    small_world.send(*(answer("search-found", "yes", BEFORE) for _ in range(12)), *(answer("search-found", "no") for _ in range(4)))
    assert fixes(signed_in(small_world)) == [
        ("“How was shopping with us?” has clearly fallen", "From 5.0 to 3.0 (2 less), with 20 answers.")
    ]


def test_a_product_and_a_language_below_the_rest(small_world: World) -> None:
    small_world.send(*(answer("order-rating", 5, product=f"p{n}", page={"lang": "lv"}) for n in range(80)))
    small_world.send(*(answer("order-rating", 2, product="pot", page={"lang": "ru"}) for _ in range(12)))
    assert fixes(signed_in(small_world)) == [
        ("Shoppers who read Russian are less content", "“How was shopping with us?”: 2.0 from 12 of them, 4.6 from all."),
        ("“pot” disappoints", "2.0 from 12 answers, while all together give 4.6."),
    ]


def test_too_few_answers_are_no_finding(small_world: World) -> None:
    small_world.send(*(asked_about("gift card", "no") for _ in range(9)))
    person = signed_in(small_world)
    assert fixes(person) == []
    assert "Too few answers to say." in person.get("/app/overview", **MONTH).text
    small_world.send(*(asked_about("chair", "yes") for _ in range(30)))
    assert "Nothing stands out in these days" in person.get("/app/overview", **MONTH).text


def test_at_most_three_and_two_of_a_sort_the_weightiest_first(small_world: World) -> None:
    for words, times in (("a", 20), ("b", 30), ("c", 25)):
        small_world.send(*(asked_about(words, "no") for _ in range(times)))
    small_world.send(*(answer("order-rating", 5, BEFORE) for _ in range(30)), *(answer("order-rating", 1) for _ in range(12)))
    assert [title for title, _ in fixes(signed_in(small_world))] == [
        "Shoppers don't find “b”", "Shoppers don't find “c”", "“How was shopping with us?” has clearly fallen",
    ]  # fmt: skip


def test_where_only_searches_fail_there_are_three_of_them(small_world: World) -> None:
    for words, times in (("a", 20), ("b", 30), ("c", 25), ("d", 22)):
        small_world.send(*(asked_about(words, "no") for _ in range(times)))
    assert [title for title, _ in fixes(signed_in(small_world))] == [f"Shoppers don't find “{words}”" for words in "bcd"]


def orders(n: int) -> list[dict[str, Any]]:
    placed = [{"ref": str(uuid.uuid4()), "total": "50.00", "currency": "EUR"} for _ in range(n)]
    return [{"id": str(uuid.uuid4()), "type": "order.placed", "at": NOW, "order": order} for order in placed]


def test_the_worst_search_is_the_same_as_in_the_table_of_searches_and_says_what_it_may_cost(world: World) -> None:
    """Most “no” first, though nothing was found far more often for the other one."""
    world.send(*(search("wreath", 0) for _ in range(80)), *(asked_about("wreath", "no", results=0) for _ in range(2)))
    world.send(*(search("vase", 0) for _ in range(12)), *(asked_about("vase", "no", results=0) for _ in range(6)))
    world.send(*(asked_about("chair", value) for value in ("yes",) * 30 + ("no",) * 9))
    world.send(*orders(12), source="platform")
    person = signed_in(world)
    assert [title for title, _ in fixes(person)] == ["The search for “vase” shows nothing", "The search for “wreath” shows nothing"]
    card = text_of(person.get("/app/overview", **MONTH).text.split('<li class="card">')[1].split("</li>")[0])
    page = person.get("/app/searches", **MONTH).text
    rows = page.split('id="table"')[1].split("<tbody>")[1].split("<tr>")[1:]
    said = [text_of(row) for row in rows]
    assert [row.split()[0] for row in said] == ["chair", "vase", "wreath"]
    assert ["shows nothing" in row for row in said] == [False, True, True], "the overview names those that are marked"
    api = {row["query"]: row["lost_demand"] for row in world.get("/v1/searches", sort="not_found", **{"from": f"{TODAY[:7]}-01"}).json["searches"]}
    money = api["vase"]
    assert f"Perhaps €{money['value']} lost €{money['interval'][0]} to €{money['interval'][1]}" in card
    assert f"€{money['value']} €{money['interval'][0]} to €{money['interval'][1]}" in said[1]


# --- unhappy buyers ---------------------------------------------------------------------------------------------------


def unhappy(person: Person, **query: str) -> str:
    """What the overview says of them."""
    page = person.get("/app/overview", **(query or MONTH)).text
    return page.split('<section class="unhappy"')[1].split("</section>")[0] if 'class="unhappy"' in page else ""


def test_the_newest_low_ratings_are_shown_and_a_case_is_made_of_one(world: World) -> None:
    world.send(*(answer("order-rating", 5, NOW - n) for n in range(20)), answer("search-found", "no"))
    for number, (stars, text) in enumerate(((1, "a broken vase"), (2, "late"), (3, "so so"), (1, "rude"), (2, "wet box"), (1, "the oldest"))):
        world.send(answer("order-rating", stars, NOW - 1000 - number * 1000, text=text))
    world.send(answer("order-rating", 1, BEFORE, text="another month"))
    person = signed_in(world, "editor")
    said = text_of(unhappy(person))
    assert "5 of 26 ratings after orders are low: 1 to 2 of 5." in said
    places = [said.index(words) for words in ("1 of 5 a broken vase", "2 of 5 late", "1 of 5 rude", "2 of 5 wet box")]
    assert places == sorted(places), "newest first"
    assert not any(words in said for words in ("so so", "the oldest", "another month"))
    api = world.get("/v1/scores", metric="stars", question="order-rating", **{"from": f"{TODAY[:7]}-01"}).json["total"]
    assert (api["n"], api["distribution"]["1"] + api["distribution"]["2"]) == (26, 5)

    form = unhappy(person).split("<form")[1]
    fields = {name: html.unescape(value) for name, value in re.findall(r'name="(question|key|list)" value="([^"]*)"', form)}
    made = person.post_form("/app/answers/case", fields)
    assert made.status_code == 303 and "/app/answers/one?" in made.location
    opened = person.get(made.location.partition("#")[0]).text
    assert "a broken vase" in opened and f'href="/app/overview?period={TODAY[:7]}"' in opened
    said = text_of(unhappy(person))
    assert "1 open case" in said and "a broken vase" not in said and "the oldest" in said, "nobody sees to these yet"
    with world.database.writing() as conn:
        found = answers.newest(conn, world.shop.id, answers.Filter(buckets=("1", "2")), None, 4)
        cases.make(conn, world.shop.id, [(one.question, one.key) for one in found], None, NOW)
    said = text_of(unhappy(person))
    assert said.index("the oldest") < said.index("a broken vase") and said.count("Make a case") == 1 and "Case: New" in said
    with world.database.writing() as conn:
        cases.change(conn, world.shop.id, [(fields["question"], fields["key"])], {"status": "solved"}, None, NOW)
    said = text_of(unhappy(person))
    assert "a broken vase" not in said and "wet box" in said, "what is solved makes room for the next"


def test_who_only_reads_makes_no_case_and_where_nobody_is_unhappy_it_says_so(small_world: World) -> None:
    assert unhappy(signed_in(small_world)) == ""
    small_world.send(*(answer("order-rating", 4) for _ in range(3)))
    viewer = signed_in(small_world, "viewer")
    assert "No buyer gave a low rating in these days." in text_of(unhappy(viewer))
    small_world.send(answer("order-rating", 1, text='<img src=x onerror="alert(1)">'))
    assert "Make a case" not in unhappy(viewer) and "<img" not in unhappy(viewer) and "&lt;img" in unhappy(viewer)


def test_the_menu_counts_open_cases_of_the_own_shop(small_world: World) -> None:
    small_world.send(answer("order-rating", 1), answer("order-rating", 2))
    with small_world.database.writing() as conn:
        found = answers.newest(conn, small_world.shop.id, answers.Filter(), None, 10)
        cases.make(conn, small_world.shop.id, [(one.question, one.key) for one in found], None, NOW)
        assert cases.how_many_open(conn, small_world.shop.id, 1) == 1, "no further than asked for"
    menu = signed_in(small_world).get("/app/questions").text.split("</nav>")[0]
    assert "2 open cases" in text_of(menu)
    assert "open case" not in signed_in(small_world, shop=small_world.neighbour).get("/app/questions").text.split("</nav>")[0]


def test_what_shoppers_typed_stays_text(small_world: World) -> None:
    bad = '<img src=x onerror="alert(1)">'
    small_world.send(*(asked_about(bad, "no") for _ in range(12)), search(bad))
    page = signed_in(small_world).get("/app/overview", **MONTH).text
    assert "<img src=x" not in page and "&lt;img src=x" in page


# --- charts -----------------------------------------------------------------------------------------------------------


def test_the_chart_is_of_the_question_asked_for_and_has_a_table_beside_it(small_world: World) -> None:
    small_world.send(*(answer("order-rating", 4, NOW - n % 3 * DAY) for n in range(90)), *(answer("search-found", "yes") for _ in range(95)))
    person = signed_in(small_world)
    page = person.get("/app/overview", chart="order-rating", **MONTH).text
    assert 'id="chart-score"' in page and '<option value="order-rating" selected>' in page
    assert '<option value="search-found" selected>' in person.get("/app/overview", chart="none", **MONTH).text
    twin = text_of(page.split('id="chart-score"')[1].split("</figure>")[0])
    assert "4.0" in twin


def test_days_with_too_few_answers_are_put_together_to_weeks(small_world: World) -> None:
    small_world.send(*(answer("order-rating", 4, NOW - n % 6 * DAY) for n in range(24)))
    page = signed_in(small_world).get("/app/overview", **MONTH).text
    labels = re.findall(r'<th scope="row">(.*?)</th>', page.split('id="chart-score"')[1].split("</figure>")[0])
    assert 4 <= len(labels) <= 6 and all(" to " in label or "Nov" in label for label in labels)


def test_weeks_and_months_that_are_cut_are_said(small_world: World) -> None:
    small_world.send(*(answer("order-rating", 4, NOW - n % 6 * DAY) for n in range(24)))
    person = signed_in(small_world)

    def said(first: str, last: str) -> str:
        return text_of(person.get("/app/overview", period="own", **{"from": first, "to": last}).text)

    weeks = said("2025-09-06", "2025-12-03")
    assert "The first bar is only 2 days long. The last bar is only 3 days long." in weeks
    assert "days long" not in said("2025-09-01", "2025-12-07"), "Monday to Sunday"
    assert "The last bar is only 12 days long." in said("2024-01-01", "2025-12-12")


def test_nonsense_in_the_address_shows_the_last_thirty_days(small_world: World) -> None:
    person = signed_in(small_world)
    for query in ({"period": "x"}, {"period": "own", "from": "9"}, {"period": "own", "from": "2025-02-31", "to": "2025-01-01"}, {"chart": "\0"}):
        assert person.get("/app/overview", **query).status_code == 200


# --- how much it asks of the database ---------------------------------------------------------------------------------

# Session, shop, its questions; cases and those overdue; counters, touchpoints; the newest answers, their orders, and the
# counters of searches, products and languages that come into question; what lost demand is worked out from; low ratings
# and their cases; what needs the owner, and the menu's open cases.
MOST_STATEMENTS = 22


def test_the_number_of_statements_does_not_grow_with_the_shop(world: World) -> None:
    person = signed_in(world)
    with world.database.writing() as conn:
        for number, made in enumerate(SETS.values()):
            questions.create(conn, world.shop.id, made.question(f"more-{number}"))
    for number in range(40):
        words = f"words {number % 12}"
        world.send(asked_about(words, "no"), search(words, 0), answer("order-rating", 1 + number % 5, product=f"p{number % 9}", page={"lang": "lv"}))
        world.send(*(answer(f"more-{n}", 5, BEFORE) for n in (3, 4, 7)))
    counted = []
    for query in (MONTH, {"period": "90"}, {"period": "own", "from": "2024-01-01", "to": TODAY, "compare": "1"}):
        with statements() as asked:
            assert person.get("/app/overview", **query).status_code == 200
        counted.append(len([text for text in asked if not text.startswith(("BEGIN", "PRAGMA"))]))
    assert max(counted) <= MOST_STATEMENTS, counted


# --- touchpoints ------------------------------------------------------------------------------------------------------


def arranged(world: World) -> list[tuple[str, str, str]]:
    with world.database.reading() as conn:
        found = shops.by_id(conn, world.shop.id)
        assert found is not None
        return [(one.name, one.stage, one.title) for one in touchpoints.of_shop(conn, found)]


def test_an_owner_names_orders_adds_and_removes_touchpoints(world: World) -> None:
    person = signed_in(world, "editor")

    def send(**form: str) -> None:
        assert person.post_form("/app/overview/touchpoints", form).status_code == 303

    send(do="add", title="Dāvanu  saiņošana", stage="purchase")
    send(**{"do": "save", "title-search": "Mūsu meklētājs", "title-order": "Ordering", "stage-site": "comparison"})
    assert ("davanu-sainosana", "purchase", "Dāvanu saiņošana") in arranged(world)
    assert ("search", "search", "Mūsu meklētājs") in arranged(world)
    assert ("order", "purchase", "") in arranged(world), "our own words stay ours"
    assert ("site", "comparison", "") in arranged(world)
    send(do="up:davanu-sainosana")
    assert [name for name, stage, _ in arranged(world) if stage == "purchase"] == ["davanu-sainosana", "order"]
    send(do="up:davanu-sainosana")
    assert [name for name, stage, _ in arranged(world) if stage == "purchase"] == ["davanu-sainosana", "order"]
    send(do="remove:davanu-sainosana")
    send(do="remove:order")
    names = [name for name, _, _ in arranged(world)]
    assert "davanu-sainosana" not in names and "order" in names, "what a question belongs to stays"
    assert "Mūsu meklētājs" in person.get("/app/overview/touchpoints").text
    send(do="add", title="  ", stage="purchase")
    assert [name for name, _, _ in arranged(world)] == names
    send(do="add", title="Обмен", stage="nowhere")
    send(do="add", title="Возврат", stage="after")
    assert {("step", "need", "Обмен"), ("step-2", "after", "Возврат")} <= set(arranged(world))


def test_a_question_moves_to_another_touchpoint_and_its_numbers_with_it(world: World) -> None:
    world.send(*(answer("search-found", "yes") for _ in range(12)))
    person = signed_in(world)
    assert person.post_form("/app/overview/touchpoints/questions", {"question-search-found": "delivery", "question-order-rating": "nowhere"}).status_code == 303
    page = person.get("/app/overview", **MONTH).text
    assert "Answered 12" in stage(page, "After") and "Answered" not in stage(page, "Search")
    with world.database.reading() as conn:
        found = shops.by_id(conn, world.shop.id)
    assert found is not None
    asked = {name: versions[-1].touchpoint for name, versions in found.questions.items()}
    assert asked == {"search-found": "delivery", "order-rating": "order"}, "nobody moves to a touchpoint that is none"


def test_there_is_an_end_to_touchpoints(small_world: World) -> None:
    person = signed_in(small_world)
    for number in range(40):
        person.post_form("/app/overview/touchpoints", {"do": "add", "title": f"Step {number}", "stage": "after"})
    assert len(arranged(small_world)) == 30


def test_a_viewer_sees_touchpoints_and_changes_none(small_world: World) -> None:
    person = signed_in(small_world, "viewer")
    page = person.get("/app/overview/touchpoints")
    assert page.status_code == 200 and "Ordering" in page.text and "<input id" not in page.text
    assert person.post_form("/app/overview/touchpoints", {"do": "add", "title": "x"}).status_code == 403
