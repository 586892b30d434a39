"""Two members have the same form open: nobody's change is lost without a word."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from tests.web.conftest import CANARY, Make, Person, World, fill, signed_in
from widget_server.contract.journey import named
from widget_server.record import connections, endpoints, origins, questions, shops, touchpoints
from widget_server.record.db import Database


@dataclass(frozen=True)
class Form:
    """A form, by its page and its address; what the first and the second member put in, and how it then stands."""

    page: str
    action: str
    first: dict[str, str]
    second: dict[str, str]
    now: Callable[[Any, World], Any]
    # What was typed stands in the page that is shown then; else the page is shown anew, with what the other has saved.
    keeps: str = ""
    query: str = ""


def shop(conn: Any, world: World) -> Any:
    found = shops.by_id(conn, world.shop.id)
    assert found is not None
    return found


def endpoint(conn: Any, world: World) -> Any:
    return endpoints.by_id(conn, world.shop.id, world.endpoint)


def connection(conn: Any, world: World) -> Any:
    return connections.by_id(conn, world.shop.id, world.connection)


FORMS = {
    "shop": Form(
        "/app/settings/shop", "/app/settings/shop", {"name": "First", "time_zone": "Europe/Riga"},
        {"name": "Second", "time_zone": "Europe/Riga"}, lambda conn, world: shop(conn, world).name, keeps="Second",
    ),
    "looks": Form(
        "/app/settings/shop/look", "/app/settings/shop/look", {"brand": "#0f766e", "radius": "4", "cooldown_hours": "24", "do": "save"},
        {"brand": "#7c2d12", "radius": "9", "cooldown_hours": "24", "do": "save"},
        lambda conn, world: shop(conn, world).widget.get("radius"), keeps="#7c2d12",
    ),
    "first looks": Form(
        "/app/start/looks", "/app/start/looks", {"brand": "#0f766e", "mode": "dark", "do": "save"},
        {"brand": "#7c2d12", "mode": "light", "do": "save"}, lambda conn, world: shop(conn, world).widget.get("mode"), keeps="#7c2d12",
    ),
    "first step": Form(
        "/app/start/shop", "/app/start/shop", {"name": "First", "domains": "first.example"},
        {"name": "Second", "domains": "second.example"}, lambda conn, world: shop(conn, world).domains, keeps="second.example",
    ),
    "domains": Form(
        "/app/settings/domains", "/app/settings/domains", {"domains": "first.example"}, {"domains": "second.example"},
        lambda conn, world: shop(conn, world).domains, keeps="second.example",
    ),
    "origins": Form(
        "/app/settings/domains", "/app/settings/domains/origins", {"origins": "https://first.example"},
        {"origins": "https://second.example"}, lambda conn, world: origins.of_shop(conn, world.shop.id), keeps="https://second.example",
    ),
    "endpoint": Form(
        "/app/deliveries/endpoints/{endpoint}", "/app/deliveries/endpoints/{endpoint}",
        {"url": "https://example.com/first", "types": "answer.given"}, {"url": "https://example.com/second", "types": "answer.given"},
        lambda conn, world: endpoint(conn, world).url, keeps="https://example.com/second",
    ),
    "connection": Form(
        "/app/deliveries/connections/{connection}", "/app/deliveries/connections/{connection}", {"name": "First"}, {"name": "Second"},
        lambda conn, world: connection(conn, world).name,
    ),
    "steps": Form(
        "/app/overview/touchpoints", "/app/overview/touchpoints", {"do": "add", "title": "First", "stage": "purchase"},
        {"do": "add", "title": "Second", "stage": "need"},
        lambda conn, world: [one.title for one in touchpoints.of_shop(conn, shop(conn, world)) if one.title],
    ),
    "questions of steps": Form(
        "/app/overview/touchpoints", "/app/overview/touchpoints/questions", {"question-search-found": "order"},
        {"question-search-found": "choice"}, lambda conn, world: named(questions.of_shop(conn, world.shop.id)["search-found"][-1]),
    ),
}  # fmt: skip


@pytest.fixture
def world(database: Database, make_world: Make, redis_client: "redis.Redis") -> World:
    made = make_world(database, redis_client)
    fill(made)
    return made


def address(world: World, path: str) -> str:
    return path.format(endpoint=world.endpoint, connection=world.connection)


def opened(world: World, who: Person, form: Form, page: str | None = None) -> str:
    """The mark of the form as this member sees it."""
    shown = who.get(address(world, form.page)).text if page is None else page
    for action, body in re.findall(r'<form method="post" action="([^"]+)"(.*?)</form>', shown, re.DOTALL):
        found = re.search(r'name="made_from" value="([^"]+)"', body)
        if action == address(world, form.action) and found is not None:
            return str(found[1])
    raise AssertionError(f"no form for {form.action}")


def state(world: World, form: Form) -> Any:
    with world.database.reading() as conn:
        return form.now(conn, world)


@pytest.mark.parametrize("name", FORMS)
def test_who_saves_second_is_told_and_may_save_all_the_same(world: World, name: str) -> None:
    form, one, other = FORMS[name], signed_in(world), signed_in(world)
    marks = [opened(world, who, form) for who in (one, other)]
    before = state(world, form)
    path = address(world, form.action)
    assert one.post_form(path, {**form.first, "made_from": marks[0]}).status_code == 303
    firsts = state(world, form)
    assert firsts != before
    refused = other.post_form(path, {**form.second, "made_from": marks[1]})
    page = refused if refused.status_code == 409 else other.get(refused.headers["Location"])
    assert "Somebody else has changed this" in page.text
    assert state(world, form) == firsts, "the other's change stands"
    if form.keeps:
        assert refused.status_code == 409 and form.keeps in refused.text
    again = opened(world, other, form, page.text)
    assert other.post_form(path, {**form.second, "made_from": again}).status_code == 303
    assert state(world, form) != firsts


@pytest.mark.parametrize("name", ["shop", "domains", "endpoint", "steps", "questions of steps"])
def test_of_two_at_once_one_is_told(world: World, name: str) -> None:
    form, people = FORMS[name], [signed_in(world), signed_in(world)]
    sent = [
        (who, {**typed, "made_from": opened(world, who, form)})
        for who, typed in zip(people, (form.first, form.second), strict=True)
    ]  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        replies = [each.result() for each in [pool.submit(who.post_form, address(world, form.action), data) for who, data in sent]]
    told = 0
    for who, reply in zip(people, replies, strict=True):
        page = reply if reply.status_code == 409 else who.get(reply.headers["Location"])
        told += "Somebody else has changed this" in page.text
    assert told == 1


@pytest.mark.parametrize("name", ["shop", "looks", "domains", "origins", "endpoint", "first step"])
def test_a_button_that_is_pressed_twice_is_no_clash(world: World, name: str) -> None:
    form, one = FORMS[name], signed_in(world)
    typed = {**form.first, "made_from": opened(world, one, form)}
    assert [one.post_form(address(world, form.action), typed).status_code for _ in range(2)] == [303, 303]


def test_a_question_and_a_case_carry_their_versions(world: World) -> None:
    one, other = signed_in(world), signed_in(world)
    path = "/app/questions/one/search-found/edit"
    version = re.search(r'name="version" value="(\d+)"', one.get(path).text)
    assert version is not None
    texts = {f"t.{lang}.title": f"Title {lang}" for lang in ("lv", "lt", "et", "ru", "en")}
    form = {"version": version[1], "placement": "search", "l": "en", **texts, "do": "save"}
    saved = one.post_form(path, {**form, "t.en.title": "The first"})
    assert saved.status_code == 303, saved.text
    refused = other.post_form(path, {**form, "t.en.title": "The second"})
    assert refused.status_code == 409 and "The first" in refused.text and "The second" in refused.text
    about = {"question": "order-rating", "key": f"order:{CANARY}"}
    case = re.search(r'name="version" value="(\d+)"', one.get("/app/answers/one", **about).text)
    assert case is not None
    for who, status in ((one, "doing"), (other, "solved")):
        who.post_form("/app/answers/cases/change", {**about, "status": status, "version": case[1]})
    with world.database.reading() as conn:
        found = conn.exec_driver_sql("SELECT status FROM cases").scalar_one()
    assert found == "doing"
    assert "Somebody else" in other.get("/app/answers/one", **about).text
