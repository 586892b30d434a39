"""The page of searches, one search, lost demand, and the table as a file."""

import csv
import html
import io
import re
import time
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import event as sql_event

from tests.pipeline.envelopes import event
from tests.web.conftest import World, answer, search, signed_in

NOW = int(time.time() * 1000)
DAY = 86_400_000


def asked(query: str, value: str, n: int = 1, **more: Any) -> list[dict[str, Any]]:
    return [answer("search-found", value, NOW - 1000 + number, search={"query": query}, **more) for number in range(n)]


def orders(n: int, total: str = "50.00", currency: str = "EUR", **more: Any) -> list[dict[str, Any]]:
    return [
        event("order.placed", NOW - 2000, order={"ref": str(uuid.uuid4()), "total": total, "currency": currency, **more})
        for _ in range(n)
    ]


def fill(world: World) -> None:
    """A search with results that fails, one without results, and one that goes well."""
    world.send(
        *(search("Zaļš krēsls", 5, NOW - 1000) for _ in range(20)), *asked("zaļš krēsls", "no", 9), *asked("zals kresls", "yes", 3),
        *asked("zaļš krēsls", "no", 2, text="koka krēsls"), *asked("zaļš krēsls", "no", 1, text="ar roku balstiem"),
        *(search("kettle", 0, NOW - 1000) for _ in range(15)), *asked("kettle", "no", 10), *asked("kettle", "yes", 2),
        *(search("lamp", 9, NOW - 1000) for _ in range(30)), *asked("lamp", "yes", 12),
        search("rare", 1, NOW - 1000), *asked("rare", "no", 1), search("never asked", None, NOW - 1000),
    )  # fmt: skip
    world.send(*orders(12), source="platform")


def text_of(page: str) -> str:
    """What a page says, without its tags."""
    main = page.split("<main", 1)[1]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", main)))


def table(page: str) -> list[list[str]]:
    """The rows of the table of searches, cell by cell."""
    body = page.split('id="table"', 1)[1].split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    body = re.sub(r'<span class="badge.*?</span>', "", body)
    cells = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in body.split("<tr>")[1:])
    return [[re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", cell))).strip() for cell in row] for row in cells]


def test_the_table_says_what_is_known_of_each_search(world: World) -> None:
    fill(world)
    rows = table(signed_in(world).get("/app/searches").text)
    assert [row[0].partition(" “")[0] for row in rows] == ["Zaļš krēsls", "kettle", "rare"]
    chair = rows[0]
    assert chair[0].startswith("Zaļš krēsls “koka krēsls” “")
    assert chair[1:] == ["20", "0 0%", "20% 7% to 45%", "12", "€12 €7 to €21"]
    assert rows[1][2] == "15 100%"
    assert rows[2][3] == "0 of 1 too few to say", "not as if one had found it"
    world.send(event("result.clicked", NOW - 1000, search={"query": "kettle", "position": 1}))
    assert [row[3] for row in table(signed_in(world).get("/app/searches").text)] == ["0", "1", "0"]


def test_the_page_and_the_api_say_the_same(world: World) -> None:
    fill(world)
    api = world.get("/v1/searches", sort="not_found").json
    person = signed_in(world)
    page = person.get("/app/searches").text
    said = text_of(page)
    for row, cells in zip(api["searches"], table(page), strict=False):
        assert cells[0].partition(" “")[0] == row["query"]
        assert cells[1] == str(row["searches"])
        assert cells[4] == str(row["found"]["distribution"]["no"])
    first = api["searches"][0]["lost_demand"]
    assert first == {"value": "12.00", "interval": ["6.86", "20.98"], "currency": "EUR"}
    assert api["lost_demand"]["value"] == "23.00"
    assert "€23 " in said
    assert api["basis"] == {
        "search_conversion": 0.02, "search_conversion_is_set": False,
        "average_order": {
            "value": "50.00", "interval": ["50.00", "50.00"], "currency": "EUR", "n": 12, "enough": True, "of_all_orders": True,
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sort", "first"),
    [("searches", "lamp"), ("zero_results", "kettle"), ("share_not_found", "kettle"), ("not_found", "Zaļš krēsls"), ("asked", "Zaļš krēsls")],
)
def test_the_table_is_sorted_by_its_columns(small_world: World, sort: str, first: str) -> None:
    fill(small_world)
    page = signed_in(small_world).get("/app/searches", sort=sort).text
    assert table(page)[0][0].partition(" “")[0] == first
    (direction,) = re.findall(r'aria-sort="(\w+)"', page.split('id="table"')[1]) or [""]
    assert direction == ("descending" if sort != "asked" else "")


def test_words_find_searches_however_they_are_spelt(small_world: World) -> None:
    fill(small_world)
    person = signed_in(small_world)
    assert [row[0][:11] for row in table(person.get("/app/searches", q="KRESLS").text)] == ["Zaļš krēsls"]
    assert "No search like that" in person.get("/app/searches", q="<nothing>").text


def test_corners_hold_searches_with_enough_answers_only(world: World) -> None:
    fill(world)
    person = signed_in(world)
    page = person.get("/app/searches").text
    found = re.findall(r'<li class="(\w+)">.*?<span class="value">(\d+) search', page.split('id="corners"')[1], re.S)
    assert found == [("results_no", "1"), ("empty_no", "1"), ("results_yes", "1"), ("empty_yes", "0")]
    assert [row[0][:11] for row in table(person.get("/app/searches", corner="results_no").text)] == ["Zaļš krēsls"]
    assert [row[0] for row in table(person.get("/app/searches", corner="empty_no").text)] == ["kettle"]


def test_words_are_looked_for_among_all_searches_also_those_that_nobody_said_no_to(small_world: World) -> None:
    fill(small_world)
    person = signed_in(small_world)
    assert "lamp" not in [row[0] for row in table(person.get("/app/searches").text)]
    page = person.get("/app/searches", q="lamp").text
    assert [row[0] for row in table(page)] == ["lamp"] and "All searches" in page.split('id="table"')[1][:200]
    assert 'name="sort"' not in page.split('role="search"')[1].split("</form>")[0]
    download = re.search(r'href="(/app/searches/export[^"]*)"', person.get("/app/searches").text)
    assert download is not None
    rows = list(csv.DictReader(io.StringIO(person.get(html.unescape(download[1])).text.lstrip("\ufeff"))))
    assert {row["query"] for row in rows} == {"Zaļš krēsls", "kettle", "lamp", "rare", "never asked"}


def test_searches_that_certainly_fail_are_marked(small_world: World) -> None:
    fill(small_world)
    page = signed_in(small_world).get("/app/searches", sort="searches").text
    rows = page.split('id="table"', 1)[1].split("<tbody>")[1].split("</tbody>")[0].split("<tr>")[1:]
    marked = {re.sub(r"<[^>]+>", "", row.split("</a>")[0]).strip(): re.findall(r'class="badge bad">\s*([^<]+?)\s*<', row) for row in rows}
    assert marked == {"Zaļš krēsls": ["not found"], "kettle": ["shows nothing"], "lamp": [], "rare": [], "never asked": []}


def test_what_is_said_of_one_search_is_of_the_days_that_are_looked_at(world: World) -> None:
    for number, text in ((0, "red one"), (1, "Red  one"), (40, "an old wish"), (41, "an old wish")):
        world.send(answer("search-found", "no", NOW - 1000 - number * DAY, search={"query": "chair"}, text=text))
    person = signed_in(world)
    said = text_of(person.get("/app/searches/query", q="chair").text)
    assert "Written more than once" in said and "an old wish" not in said
    assert "an old wish" in text_of(person.get("/app/searches/query", q="chair", period="90").text)
    assert "an old wish" not in text_of(person.get("/app/searches").text)
    today = time.strftime("%Y-%m-%d", time.gmtime(NOW / 1000 + 86400))
    month = time.strftime("%Y-%m-%d", time.gmtime(NOW / 1000 - 30 * 86400))
    assert sorted(world.get("/v1/searches", q="chair", sort="not_found", **{"from": month, "to": today}).json["searches"][0]["texts"]) == ["Red  one", "red one"]


def test_where_nothing_is_shown_there_is_nothing_to_wait_for(small_world: World) -> None:
    fill(small_world)
    small_world.send(*(search("wreath", 0, NOW - 1000) for _ in range(12)), *asked("wreath", "no", 2))
    person = signed_in(small_world)
    assert "Wait for" not in text_of(person.get("/app/searches/query", q="wreath").text)
    assert "Wait for 9 more answers" in text_of(person.get("/app/searches/query", q="rare").text)
    assert "found-over-time" not in person.get("/app/searches/query", q="rare").text, "no chart of one answer"
    one = person.get("/app/searches/query", q="rare").text
    assert "0 of 1 Too few answers to say" in text_of(one) and 'aria-label="Found it: 0 of 1"' in one
    assert "found-over-time" in person.get("/app/searches/query", q="kettle").text


@pytest.mark.parametrize("corner", ["", "results_no"])
def test_pages_of_the_table_are_whole(small_world: World, corner: str) -> None:
    names = [f"word {n}" for n in range(55)]
    small_world.send(*(search(name, 3, NOW - 1000) for name in names), *(each for name in names for each in asked(name, "no", 10)))
    person = signed_in(small_world)
    seen, path = [], f"/app/searches?corner={corner}"
    while path:
        page = person.get(path).text
        seen += [row[0] for row in table(page)]
        found = re.search(r'href="([^"]+)" rel="next"', page)
        path = html.unescape(found[1]).partition("#")[0] if found else ""
    assert (len(seen), sorted(seen)) == (55, sorted(names))


def test_every_number_leads_to_the_answers_behind_it(small_world: World) -> None:
    fill(small_world)
    page = signed_in(small_world).get("/app/searches?period=90").text
    links = {html.unescape(link) for link in re.findall(r'href="(/app/answers\?[^"]+)"', page)}
    wanted = [{key: values[0] for key, values in parse_qs(urlsplit(link).query).items()} for link in links]
    assert {"question": "search-found", "value": "no", "period": "90"} in wanted
    assert {"question": "search-found", "query": "zals kresls", "value": "no", "period": "90"} in wanted
    assert {"question": "search-found", "query": "zals kresls", "period": "90"} in wanted


def test_a_comparison_tells_the_searches_and_the_money_of_the_time_before(small_world: World) -> None:
    fill(small_world)
    then = NOW - 10 * DAY
    said_no = [answer("search-found", "no", then, search={"query": "sofa"}, placement="search") for _ in range(13)]
    small_world.send(*(search("sofa", 0, then) for _ in range(4)), *said_no)
    person = signed_in(small_world)
    compared = person.get("/app/searches", period="7", compare="1").text
    ((address, days),) = set(re.findall(r'<p class="sure"><a href="([^"]+)">([^<]+)</a>: ', compared))
    alone = text_of(person.get(html.unescape(address)).text)
    lost = re.search(r"(€\S+) perhaps lost, because shoppers did not find it (€\S+ to €\S+)", alone)
    assert lost is not None
    assert f"{days} : 0% (0% to 23%)" in text_of(compared)
    assert f"{days} : 4 · 100% showed nothing" in text_of(compared)
    assert f"{days} : {lost[1]} ({lost[2]})" in text_of(compared)
    assert f"{days} :" not in text_of(person.get("/app/searches", period="7").text)


def test_lost_demand_is_shown_factor_by_factor(world: World) -> None:
    fill(world)
    said = text_of(signed_in(world).get("/app/searches").text)
    assert "23 × €50.00 × 2% = €23" in said
    assert "Nobody has set it for your shop yet" in said


def test_the_owner_sets_the_conversion_and_sees_it(world: World) -> None:
    fill(world)
    owner = signed_in(world)
    reply = owner.post_form("/app/searches/conversion", {"percent": "4,5 %", "period": "90", "sort": "searches"})
    assert reply.status_code == 303
    assert reply.headers["Location"] == "/app/searches?period=90&sort=searches#lost"
    said = text_of(owner.get("/app/searches").text)
    assert "23 × €50.00 × 4.5% = €52" in said
    assert "as your shop has set it" in said
    assert "Lost demand is worked out with 4.5% from now on." in said
    assert world.get("/v1/searches").json["basis"]["search_conversion"] == 0.045
    assert world.get("/v1/searches", world.neighbour.api_key).json["basis"]["search_conversion_is_set"] is False


@pytest.mark.parametrize("typed", ["", "0", "0,00", "101", "100,01", "-3", "5%%", "two", "1e1", "٣", "2.555"])
def test_a_conversion_that_is_none_is_refused_where_it_was_typed(small_world: World, typed: str) -> None:
    fill(small_world)
    owner = signed_in(small_world)
    reply = owner.post_form("/app/searches/conversion", {"percent": typed})
    assert reply.status_code == 422
    assert "Give a number from 0.01 to 100" in text_of(reply.text)
    assert small_world.get("/v1/searches").json["basis"]["search_conversion_is_set"] is False


def test_from_a_refused_conversion_the_way_to_other_days_is_open(small_world: World) -> None:
    owner = signed_in(small_world)
    fill(small_world)
    page = owner.post_form("/app/searches/conversion", {"percent": "x"}).text.split("<main", 1)[1]
    links = {html.unescape(link) for link in re.findall(r'href="([^"]*period=7[^"]*)"', page)}
    assert links and all(owner.get(link).status_code == 200 for link in links if link.startswith("/"))
    assert all(link.startswith("/app/") for link in links)
    assert '<form method="get" action="/app/searches">' in page


def test_only_an_owner_sets_the_conversion(small_world: World) -> None:
    fill(small_world)
    for role in ("viewer", "editor"):
        person = signed_in(small_world, role)
        assert 'name="percent"' not in person.get("/app/searches").text
        assert person.post_form("/app/searches/conversion", {"percent": "5"}).status_code == 403


def test_without_enough_orders_nothing_is_said_in_money(small_world: World) -> None:
    small_world.send(search("kettle", 0, NOW - 1000), *asked("kettle", "no", 10))
    small_world.send(*orders(9), source="platform")
    said = text_of(signed_in(small_world).get("/app/searches").text)
    assert "In money it can be said once there are 10 orders" in said
    assert "€" not in said
    assert small_world.get("/v1/searches").json["lost_demand"] is None


def test_the_average_is_that_of_the_days_where_they_have_enough_orders(small_world: World) -> None:
    small_world.send(search("kettle", 0, NOW - 1000), *asked("kettle", "no", 10))
    small_world.send(*orders(10, "20.00"), *orders(3, "900.00", status="cancelled"), source="platform")
    old = [{**each, "at": NOW - 200 * DAY} for each in orders(10, "80.00")]
    small_world.send(*old, source="platform")
    person = signed_in(small_world)
    assert "10 × €20.00 × 2%" in text_of(person.get("/app/searches").text)
    first = time.strftime("%Y-%m-%d", time.gmtime((NOW - 400 * DAY) / 1000))
    last = time.strftime("%Y-%m-%d", time.gmtime((NOW + DAY) / 1000))
    assert "10 × €50.00 × 2%" in text_of(person.get("/app/searches", period="own", **{"from": first, "to": last}).text)


def test_one_search_has_a_page(world: World) -> None:
    fill(world)
    said = text_of(signed_in(world).get("/app/searches/query", q="ZALS kresls").text)
    assert "“Zaļš krēsls”" in said
    assert "12 “no” × €50.00 × 2%" in said
    assert "koka krēsls 2 times" in said
    assert "ar roku balstiem" in said
    assert "Is what they want among the first five results?" in said
    assert "How they write it" in said


def test_a_search_nobody_made_and_no_search_at_all(small_world: World) -> None:
    fill(small_world)
    person = signed_in(small_world)
    assert "Nobody searched for that" in person.get("/app/searches/query", q="nothing like it").text
    assert person.get("/app/searches/query").status_code == 404
    assert "No searches in these days" in signed_in(small_world, shop=small_world.neighbour).get("/app/searches").text


def test_the_table_as_a_file(world: World) -> None:
    fill(world)
    formula = "=HYPERLINK(1)"
    world.send(search(formula, 1, NOW - 1000), *asked(formula, "no", 1, text="+1\tx"))
    reply = signed_in(world, "viewer").get("/app/searches/export", sort="searches")
    assert (reply.status_code, reply.mimetype) == (200, "text/csv")
    assert reply.headers["Content-Disposition"].startswith('attachment; filename="searches-20')
    found = list(csv.DictReader(io.StringIO(reply.get_data().decode("utf-8-sig"), newline="")))
    assert [row["query"] for row in found[:3]] == ["lamp", "Zaļš krēsls", "kettle"]
    chair = found[1]
    assert (chair["searches"], chair["said_yes"], chair["said_no"], chair["found_share"]) == ("20", "3", "12", "0.2")
    assert (chair["lost_demand"], chair["lost_low"], chair["lost_high"], chair["currency"]) == ("12.00", "6.86", "20.98", "EUR")
    (bad,) = (row for row in found if "HYPERLINK" in row["query"])
    assert (bad["query"], bad["looked_for_instead"]) == ("'" + formula, "'+1\tx")


def test_a_long_table_is_a_whole_file(small_world: World) -> None:
    small_world.send(*(search(f"word {n}", 3, NOW - 1000) for n in range(1100)))
    reply = signed_in(small_world).get("/app/searches/export", sort="searches")
    names = [row["query"] for row in csv.DictReader(io.StringIO(reply.get_data().decode("utf-8-sig"), newline=""))]
    assert (len(names), len(set(names))) == (1100, 1100)


@pytest.mark.parametrize(
    "query",
    ["sort=lost", "after=1.x!", "after=9999999999999999.AA", "corner=none", "q=%00", "q=a%0Ab", "period=1000", "after=1.AA&sort=share_not_found", "q=" + "x" * 600],
)
def test_nonsense_in_the_address_is_no_failure(world: World, query: str) -> None:
    fill(world)
    person = signed_in(world)
    assert person.get(f"/app/searches?{query}").status_code == 200
    assert person.get(f"/app/searches/query?q=lamp&{query}").status_code in (200, 404)
    assert person.get(f"/app/searches/export?{query}").status_code == 200


def test_a_neighbours_searches_are_not_seen(small_world: World) -> None:
    fill(small_world)
    stranger = signed_in(small_world, shop=small_world.neighbour)
    assert "No searches in these days" in stranger.get("/app/searches").text
    assert stranger.get("/app/searches/export").text.count("\n") == 1
    page = stranger.get("/app/searches/query?q=zals kresls").text
    assert "Nobody searched for that" in page
    assert "Zaļš" not in page


@pytest.mark.parametrize(("path", "most"), [("/app/searches", 20), ("/app/searches/query?q=kettle", 17)])
def test_a_page_takes_a_few_statements_however_much_there_is(world: World, path: str, most: int) -> None:
    fill(world)
    person = signed_in(world)
    engine = world.database._reader
    counted: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            counted.append(statement)

    sql_event.listen(engine, "before_cursor_execute", note)
    try:
        few = len(counted)
        assert person.get(path).status_code == 200
        before = len(counted) - few
        world.send(*(search(f"word {n}", 0, NOW - 1000) for n in range(80)), *(e for n in range(40) for e in asked(f"word {n}", "no", 10)))
        counted.clear()
        assert person.get(path).status_code == 200
    finally:
        sql_event.remove(engine, "before_cursor_execute", note)
    assert len(counted) == before <= most, "\n".join(counted)
