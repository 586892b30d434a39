"""A shop that has something of everything, its members, and a neighbour: what the tests of all the owner's pages stand on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import MetaData
from werkzeug.test import TestResponse

from tests.pipeline.envelopes import NOW
from tests.web.conftest import CANARY, Person, World, enrol, signed_in
from tests.web.dashboard_routes import ROUTES
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


def built(world: World) -> House:
    """The house of a world that is filled (conftest.fill)."""
    people = {role: signed_in(world, role) for role in ROLES}
    house = House(world, people, signed_in(world, "owner", world.neighbour), {})
    house.furnish()
    return house


def rules(world: World) -> Iterator[tuple[str, str]]:
    """Every route of the owner's pages: its method and its rule."""
    for rule in world.app.url_map.iter_rules():
        if is_of_owners(rule.rule):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield method, rule.rule
