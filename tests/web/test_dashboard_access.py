"""Who may do what on the owner's pages: built from the URL map, so that a route nobody has thought about fails.

Each route has a row in dashboard_routes.py. For every row each kind of visitor tries it: nobody, an API key, a viewer, an
editor, an owner, and another shop's owner. What they may not do changes nothing; and what is another shop's is neither
shown nor changed, whatever ids they name.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
import redis

from tests.web.conftest import CANARY, Make, Person, World, fill, signed_in
from tests.web.dashboard_routes import ROUTES, Row
from tests.web.house import ROLES, SAFE, House, built, rules
from widget_server.record import sessions
from widget_server.record.db import Database


@pytest.fixture
def house(database: Database, make_world: Make, redis_client: "redis.Redis") -> House:
    """A house on each kind of database, for what reads or changes rows."""
    return _house(database, make_world, redis_client)


@pytest.fixture
def small_house(sqlite_database: Database, make_world: Make, redis_client: "redis.Redis") -> House:
    """One on SQLite only, for what the kind of database can't change."""
    return _house(sqlite_database, make_world, redis_client)


def _house(database: Database, make_world: Make, client: "redis.Redis") -> House:
    world = make_world(database, client)
    fill(world)
    return built(world)


def rows(wanted: Callable[[str, Row], bool]) -> list[tuple[str, str]]:
    return [route for route, row in ROUTES.items() if wanted(route[0], row)]


MEMBERS = rows(lambda method, row: row.role is not None)
UNSAFE = rows(lambda method, row: method not in SAFE)


def test_every_route_has_been_thought_about(small_world: World) -> None:
    assert set(rules(small_world)) == set(ROUTES)


def test_nobody_and_an_api_key_are_sent_to_the_sign_in(house: House) -> None:
    before = house.everything(but=())
    someone = Person(house.world.app.test_client(), "", "", "")
    token = form_token(someone)
    bearers = [{}, *({"Authorization": f"Bearer {shop.api_key}"} for shop in (house.world.shop, house.world.neighbour))]
    for method, rule in MEMBERS:
        for headers in bearers:
            reply = someone.client.open(house.path(rule), method=method, data={"csrf_token": token}, headers=headers)
            assert (rule, reply.status_code) == (rule, 303)
            assert reply.headers["Location"].startswith("/app/sign-in"), rule
            assert CANARY not in reply.text.replace(house.path(rule), ""), rule
    assert house.everything(but=()) == before


def test_who_may_not_changes_nothing(house: House) -> None:
    before = house.everything()
    for method, rule in MEMBERS:
        for role in ROLES[: ROLES.index(ROUTES[method, rule].role or "viewer")]:
            refused = house.ask(house.people[role], method, rule)
            assert (method, rule, role, refused.status_code) == (method, rule, role, 403)
    assert house.everything() == before


@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_who_may_does_it(house: House, part: int) -> None:
    for method, rule in MEMBERS[part::4]:
        row = ROUTES[method, rule]
        house.furnish()
        done = house.ask(signed_in(house.world, row.role or ""), method, rule)
        assert (method, rule, done.status_code in row.own) == (method, rule, True), done.status_code


@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_another_shops_owner_sees_and_changes_nothing_of_this_one(house: House, part: int) -> None:
    world, before = house.world, mine(house)
    ids = [world.shop.id, world.shop.site_key, world.endpoint, world.delivery, world.rule, world.connection,
           house.names["colleague"], house.names["invitation"], CANARY]  # fmt: skip
    for method, rule in MEMBERS[part::4]:
        row, stranger = ROUTES[method, rule], signed_in(world, "owner", world.neighbour)
        reply = house.ask(stranger, method, rule)
        assert (method, rule, reply.status_code in row.foreign) == (method, rule, True), reply.status_code
        shown = stranger.get(reply.headers["Location"]).text if reply.status_code == 303 else reply.text
        named = " ".join([house.path(rule), *(house.fill(value) for value in (*row.form.values(), *row.query.values()))])
        assert [each for each in ids if each in shown and each not in named] == [], (method, rule)
    assert mine(house) == before


@pytest.mark.parametrize("part", [0, 1])
def test_what_changes_something_needs_the_forms_token(small_house: House, part: int) -> None:
    house = small_house
    owner, elsewhere = house.people["owner"], house.stranger.token()
    owner.token()
    before = house.everything(but=())
    for method, rule in UNSAFE[part::2]:
        filled = {name: house.fill(value) for name, value in ROUTES[method, rule].form.items()}
        for data in ({}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": elsewhere}):
            reply = owner.client.open(house.path(rule), method=method, data={**filled, **data})
            assert (rule, data, reply.status_code) == (rule, data, 400)
        for headers in (
            {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
            {"Origin": "null"}, {"Origin": "https://localhost.evil.example"}, {"Origin": ""},
        ):  # fmt: skip
            assert (rule, headers, house.ask(owner, method, rule, headers=headers).status_code) == (rule, headers, 400)
    assert house.everything(but=()) == before


def test_to_look_at_anything_changes_nothing(small_house: House) -> None:
    """Or a picture on somebody's page could do it."""
    owner, before = small_house.people["owner"], small_house.everything()
    for method, rule in ROUTES:
        if method == "GET":
            for asked in ("GET", "HEAD"):
                assert owner.client.open(small_house.path(rule), method=asked).status_code < 500, rule
    assert small_house.everything() == before


def test_a_part_of_a_page_is_not_drawn_for_a_session_that_has_ended(small_house: House) -> None:
    owner = small_house.people["owner"]
    with small_house.world.database.writing() as conn:
        sessions.revoke_all(conn, owner.account)
    for method, rule in MEMBERS:
        reply = small_house.ask(owner, method, rule, headers={"HX-Request": "true"})
        assert (rule, reply.status_code, reply.get_data()) == (rule, 204, b"")
        assert reply.headers["HX-Redirect"].startswith("/app/sign-in"), rule


def test_every_reply_carries_the_headers(small_house: House) -> None:
    for method, rule in ROUTES:
        for client in (small_house.people["owner"].client, small_house.world.app.test_client()):
            reply = client.open(small_house.path(rule), method=method)
            headers, policy = reply.headers, reply.headers["Content-Security-Policy"]
            assert headers["Cache-Control"] == "no-store", rule
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy, rule
            assert "script-src 'self'" in policy or reply.mimetype != "text/html", rule
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "same-origin"
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert "Access-Control-Allow-Origin" not in headers


def mine(house: House) -> dict[str, list[tuple[Any, ...]]]:
    """What is the first shop's, or its people's: every row that names one of them."""
    own = {house.world.shop.id, *(p.account for p in house.people.values()), house.names["colleague"]}
    everything = house.everything(but=())
    return {name: [row for row in found if own & {v for v in row if isinstance(v, str)}] for name, found in everything.items()}


def form_token(someone: Person) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', someone.get("/app/sign-in").text)
    assert found is not None
    return found[1]
