"""Every number of the owner's pages that counts answers is a door to a list of exactly as many."""

import html
import re
import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from tests.pipeline.envelopes import event
from tests.web.conftest import Person, World, answer, signed_in
from widget_server.act import sample
from widget_server.contract.shop import Question
from widget_server.record import questions
from widget_server.web.dashboard import sample as sample_page

_LINK = re.compile(r'<a\b[^>]*\bhref="(/app/answers(?:/cases)?\?[^"]+)"[^>]*>(.*?)</a>', re.S)
# Shares and means have other signs in them, or a decimal point. "0 of 6" are six, of whom nobody said yes.
_COUNT = re.compile(r"(?:\d of (?=\d$))?(\d[\d,]*)(?: answers?| “no”| of [\d,]+ ratings? after orders (?:is|are) low: .*)?")
_ASKED = re.compile(r'<dt>Asked</dt><dd><a href="(/app/questions/one/[^"]+)">([\d,]+)</a>')
_NEXT = re.compile(r'href="([^"]+)" rel="next"')
# Some of the days of the sample shop, which end today.
_TODAY = date.today()
OWN = f"period=own&from={_TODAY - timedelta(20)}&to={_TODAY - timedelta(6)}"


@pytest.fixture
def owner(small_world: World, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Who looks at a shop with something of everything."""
    monkeypatch.setattr(sample, "DAYS", 40)
    monkeypatch.setattr(sample_page, "_PATIENCE", 120)
    person = signed_in(small_world)
    assert person.post_form("/app/sample").status_code == 303
    return person


def doors(person: Person, path: str) -> dict[str, set[int]]:
    """Where the numbers of a page lead, and the numbers."""
    found: dict[str, set[int]] = {}
    for address, inside in _LINK.findall(person.get(path).text):
        said = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", inside))).strip()
        if count := _COUNT.fullmatch(said):
            found.setdefault(html.unescape(address), set()).add(int(count[1].replace(",", "")))
    return found


def listed(person: Person, address: str) -> int:
    """How many answers a list has on all its pages."""
    return sum(page.count("<li data-row") for page in pages(person, address))


def pages(person: Person, address: str) -> Iterator[str]:
    """A list, page by page."""
    following: str | None = address
    while following is not None:
        page = person.get(following).text
        yield page
        more = _NEXT.search(page)
        following = None if more is None else html.unescape(more[1])


@pytest.mark.parametrize(
    ("path", "least"),
    [
        ("/app/overview?period=7", 10), ("/app/overview?period=30&compare=1", 10), ("/app/overview?{own}", 10),
        ("/app/searches?{own}", 20), ("/app/searches?period=30", 20),
        ("/app/searches?period=7&sort=searches", 20), ("/app/searches?period=90&sort=share_not_found", 5),
        ("/app/searches?period=30&corner=results_no", 1), ("/app/searches/query?q=kinkekaart&period=90", 1),
        ("/app/searches/query?q=davanu+karte&period=7", 1), ("/app/questions", 8), ("/app/questions/one/search-found", 1),
        ("/app/questions/one/order-rating", 1), ("/app/questions/one/search-found?period=7", 1),
        ("/app/questions/one/order-rating?{own}", 1),
    ],
)  # fmt: skip
def test_each_number_leads_to_as_many_answers(owner: Person, path: str, least: int) -> None:
    found = doors(owner, path.format(own=OWN))
    assert len(found) >= least
    assert {address: said for address, said in found.items() if said != {listed(owner, address)}} == {}


@pytest.mark.parametrize("days", ["period=7", "period=30", "period=90", OWN])
def test_how_many_were_asked_leads_to_the_same_number_of_the_same_days(owner: Person, days: str) -> None:
    overview = owner.get(f"/app/overview?{days}&compare=1").text
    label = re.search(r'<details class="menu">.*?<span>([^<]+)</span>', overview, re.S)
    found = _ASKED.findall(overview)
    assert label is not None and len(found) == 8
    for address, asked in found:
        page = owner.get(html.unescape(address)).text
        so_far = page[page.index("So far") : page.index("As shoppers see it")]
        assert (label[1] in so_far, re.findall(r'<p class="value">([\d,]+)</p>', so_far)) == (True, [asked]), address
        both = [html.unescape(link) for link in re.findall(r'href="(/app/answers\?[^"]+)"', so_far)]
        assert len(both) == 2 and both[0] == both[1] and both[0].endswith(f"&{days}"), "the answers are of these days too"


def test_how_a_question_is_looked_at_keeps_its_days(owner: Person) -> None:
    page = owner.get(f"/app/questions/one/search-found?{OWN}").text
    form = page[page.index('class="ways-form"') :].split("</form>")[0]
    assert dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form)) == dict(each.split("=") for each in OWN.split("&"))


def test_where_two_questions_ask_about_searches_each_door_opens_on_both_and_on_nothing_else(small_world: World) -> None:
    person = signed_in(small_world)
    with small_world.database.writing() as conn:
        for question in (Question("again", 1, "yes_no", "search"), Question("ease", 1, "stars", "search"), Question("wish", 1, "text", "search")):
            questions.add_version(conn, small_world.shop.id, question)
    now = time.time_ns() // 1_000_000
    about: dict[str, Any] = {"search": {"query": "Kettle"}, "placement": "search"}
    small_world.send(
        *(answer("search-found", "no" if n % 3 else "yes", now - n, **about) for n in range(20)),
        *(answer("again", "no", now - n, text="a red one" if n < 3 else None, **about) for n in range(14)),
        *(answer("ease", 1, now - n, **about) for n in range(5)),
        *(event("answer.given", now - n, question="wish", answer=str(n), text="a small one", **about) for n in range(4)),
    )
    for path in ("/app/searches?period=90", "/app/searches/query?q=kettle&period=90"):
        found = doors(person, path)
        assert {20 + 14, 13 + 14} & set[int]().union(*found.values())
        assert {address: said for address, said in found.items() if said != {listed(person, address)}} == {}
        texts = {html.unescape(address) for address, _ in _LINK.findall(person.get(path).text) if "text=yes" in address}
        assert [listed(person, address) for address in texts] == [3 + 4]
    (both,) = (address for address in doors(person, "/app/searches/query?q=kettle&period=90") if "value=no" in address)
    page = person.get(both).text
    assert 'value="again,search-found" selected' in page and 'value="no" selected' in page
    assert "Not understood" in person.get("/app/answers?question=search-found,gone").text


def test_a_product_that_disappoints_leads_to_the_ratings_of_its_orders(small_world: World) -> None:
    now = time.time_ns() // 1_000_000
    for n in range(60):
        ref, bad = f"A-{n}", n < 14
        lines = [{"line": "1", "product": "pot" if bad else f"p{n}", "name": "Clay pot" if bad else "Other"}, {"line": "2", "product": f"q{n}"}]
        rated = {"ref": ref, "line": None, "sku": [], "customer": None}
        words = {"text": "cracked"} if n % 3 == 0 else {}
        small_world.send(
            event("order.placed", now - n - 9, order={"ref": ref, "status": "completed", "lines": lines}),
            event("answer.given", now - n, question="order-rating", value=1 + n % 2 if bad else 5, order=rated, **words),
        )
    person = signed_in(small_world)
    page = person.get("/app/overview?period=7").text
    assert "“Clay pot” disappoints" in page and "1.5 from 14 answers" in page
    found = {html.unescape(address) for address in re.findall(r'href="(/app/answers\?[^"]*product=pot[^"]*)"', page)}
    assert {"text=yes" in address: listed(person, address) for address in found} == {False: 14, True: 5}
    api = small_world.get("/v1/answers", product="pot", question="order-rating").json["answers"]
    scores = small_world.get("/v1/scores", metric="stars", question="order-rating", by="product").json["rows"]
    assert len(api) == 14 == {row["key"]: row["n"] for row in scores}["pot"]
