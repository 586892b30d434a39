"""Who may do what on the owner's pages: built from the URL map, so that a route nobody has thought about fails.

Each route has a row in dashboard_routes.py. For every row each kind of visitor tries it: nobody, an API key, a viewer, an
editor, an owner, and another shop's owner. What they may not do changes nothing; and what is another shop's is neither
shown nor changed, whatever ids they name.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import MetaData
from werkzeug.test import TestResponse

from tests.pipeline.envelopes import NOW
from tests.web.conftest import CANARY, Person, World, enrol, signed_in
from tests.web.dashboard_routes import ROUTES, Row
from widget_server.record import connections, endpoints, invitations, keys, sessions
from widget_server.web.headers import is_of_owners

SAFE = ("GET", "HEAD", "OPTIONS")
ROLES = ("viewer", "editor", "owner")


@dataclass
class House:
    """The first shop with everything, its members, and a neighbour."""

    world: World
    people: dict[str, Person]
    stranger: Person
    names: dict[str, str]

    def furnish(self) -> None:
        """What may be taken away is there again."""
        world = self.world
        colleague = enrol(world, "editor")
        with world.database.writing() as conn:
            email = f"{colleague.id}@people.example"
            invited, _ = invitations.create(conn, email, NOW * 2, shop=world.shop.id, role="viewer")
            found = sessions.find(conn, sessions.begin(conn, colleague.id, world.shop.id, NOW * 2), NOW * 2)
            assert found is not None
            if endpoints.by_id(conn, world.shop.id, world.endpoint) is None:
                world.endpoint = endpoints.create(conn, world.shop.id, f"https://{CANARY}.example/", ("answer.given",), NOW)[0].id
            if connections.by_id(conn, world.shop.id, world.connection) is None:
                secrets = {"url": "https://127.0.0.1/", "consumer_key": "k", "consumer_secret": "s", "secret": "s"}
                world.connection = connections.create(conn, world.shop.id, "woocommerce", CANARY, secrets, NOW).id
            if not keys.of_shop(conn, world.shop.id):
                keys.create(conn, world.shop.id, CANARY)
            key = keys.of_shop(conn, world.shop.id)[0].id
        self.names = {
            "shop": world.shop.id, "colleague": colleague.id, "session": found.session, "invitation": invited.id,
            "endpoint": world.endpoint, "delivery": world.delivery, "connection": world.connection, "rule": world.rule,
            "name": CANARY, "question": CANARY, "goal": world.endpoint, "key": key, "token": "no-such-token",
        }  # fmt: skip

    def path(self, rule: str) -> str:
        """The address of a rule, with what the first shop has in it."""
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: self.names.get(found[1], CANARY), rule)

    def ask(self, who: Person, method: str, rule: str, token: bool = True, **more: Any) -> TestResponse:
        row = ROUTES[method, rule]
        filled = {name: self.fill(value) for name, value in row.form.items()}
        data = None if method in SAFE else {**filled, **({"csrf_token": who.token()} if token else {})}
        query = {name: self.fill(value) for name, value in row.query.items()}
        return who.client.open(self.path(rule), method=method, data=data, query_string=query or None, **more)

    def fill(self, value: str) -> str:
        return re.sub(r"{(\w+)}", lambda found: self.names[found[1]], value)

    def everything(self, but: tuple[str, ...] = ("sessions",)) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables; `but` those that every visit changes."""
        tables = MetaData()
        with self.world.database.reading() as conn:
            tables.reflect(conn)
            kept = [t for t in tables.sorted_tables if t.name not in but]
            return {t.name: sorted((tuple(row) for row in conn.execute(t.select())), key=repr) for t in kept}


@pytest.fixture
def house(full_world: World) -> House:
    people = {role: signed_in(full_world, role) for role in ROLES}
    house = House(full_world, people, signed_in(full_world, "owner", full_world.neighbour), {})
    house.furnish()
    return house


def rules(world: World) -> Iterator[tuple[str, str]]:
    for rule in world.app.url_map.iter_rules():
        if is_of_owners(rule.rule):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield method, rule.rule


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
def test_what_changes_something_needs_the_forms_token(house: House, part: int) -> None:
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


def test_every_reply_carries_the_headers(house: House) -> None:
    for method, rule in ROUTES:
        for client in (house.people["owner"].client, house.world.app.test_client()):
            reply = client.open(house.path(rule), method=method)
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
