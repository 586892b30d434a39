"""The cast of the web tests: a shop that has everything, a neighbour that has nothing, and whoever has no key."""

import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from tests.pipeline.envelopes import NOW, envelope, event
from widget_server.act import loyalty, rules
from widget_server.act.http import HttpClient
from widget_server.act.pipeline import process
from widget_server.contract import passwords
from widget_server.contract.coupons import CouponDue, CouponTerms
from widget_server.contract.loyalty import Loyalty, Reward
from widget_server.contract.points import Due
from widget_server.contract.sets import SETS
from widget_server.contract.settings import Settings
from widget_server.record import (
    accounts,
    cases,
    connections,
    endpoints,
    members,
    origins,
    outbox,
    questions,
    sessions,
    shops,
)
from widget_server.record import loyalty as settings
from widget_server.record.accounts import Account
from widget_server.record.db import Database
from widget_server.record.members import Role
from widget_server.record.shops import NewShop

DAY = 86_400_000
PUBLIC = "93.184.215.14"
# Stands in everything that the first shop has.
CANARY = "kanarejputns"


@dataclass
class World:
    """Two shops on one server."""

    app: Flask
    database: Database
    shop: NewShop
    neighbour: NewShop
    endpoint: str = ""
    delivery: str = ""
    rule: str = ""
    connection: str = ""
    case: str = ""
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def get(self, path: str, key: str | None = None, **query: Any) -> TestResponse:
        """A GET with the shop's key, unless another is given."""
        return self.call("GET", path, self.shop.api_key if key is None else key, query_string=query or None)

    def call(self, method: str, path: str, key: str, **more: Any) -> TestResponse:
        """Any request; an empty key sends none."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return self.client.open(path, method=method, headers={**headers, **more.pop("headers", {})}, **more)

    def send(self, *events: dict[str, Any], source: str = "browser", shop: str | None = None) -> None:
        """Have events counted, as if they had come through the stream."""
        process(self.database, [envelope(shop or self.shop.id, each, source) for each in events])


def answer(question: str, value: Any, at: int = NOW, **more: Any) -> dict[str, Any]:
    return event("answer.given", at, question=question, value=value, answer=str(uuid.uuid4()), **more)


def search(query: str, results: int | None = 3, at: int = NOW) -> dict[str, Any]:
    return event("search.performed", at, search={"id": str(uuid.uuid4()), "query": query, "results": results})


@dataclass
class Person:
    """Somebody who is signed in: a browser of their own, with the forms' token at hand."""

    client: FlaskClient
    account: str
    email: str
    role: str

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.client.get(path, query_string=query or None)

    def post_form(self, path: str, data: Mapping[str, Any] | None = None, **more: Any) -> TestResponse:
        """Send a form, as a page of ours would."""
        return self.client.post(path, data={"csrf_token": self.token(), **(data or {})}, **more)

    def token(self) -> str:
        """What a form of this browser would carry, made without asking for a page: tests send hundreds."""
        with self.client.session_transaction() as cookie:
            secret = cookie.setdefault("csrf_token", secrets.token_hex(20))
        return str(URLSafeTimedSerializer(self.client.application.secret_key or "", "wtf-csrf-token").dumps(secret))


PASSWORD = "pareizs zirgs 12"
_HASHED = passwords.hashed(PASSWORD)
_people = count(1)


def enrol(world: World, role: str = "owner", shop: NewShop | None = None, email: str = "", language: str = "en") -> Account:
    """A new account with PASSWORD, a member of the first shop unless another is named."""
    email = email or f"{role}{next(_people)}@people.example"
    with world.database.writing() as conn:
        made = accounts.create(conn, email, role.title(), language, _HASHED, NOW)
        members.add(conn, (shop or world.shop).id, made.id, cast("Role", role), NOW)
    return made


def signed_in(world: World, role: str = "owner", shop: NewShop | None = None, language: str = "en") -> Person:
    """A new member of a shop, signed in there. (The sign-in itself has tests of its own.)"""
    account = enrol(world, role, shop, language=language)
    client = world.app.test_client()
    with world.database.writing() as conn:
        token = sessions.begin(conn, account.id, (shop or world.shop).id, time.time_ns() // 1_000_000, agent="tests")
    with client.session_transaction() as cookie:
        cookie["token"] = token
    return Person(client, account.id, account.email, role)


Make = Callable[..., World]


@pytest.fixture
def make_world(settings: Settings, lend_app: Callable[..., Flask]) -> Make:
    """Opens a world on a database; without a Redis there is one that is away."""

    def make(database: Database, client: "redis.Redis | None" = None) -> World:
        with database.writing() as conn:
            shop = shops.create(conn, "Shop", "shop.example", "Europe/Riga")
            neighbour = shops.create(conn, "Neighbour", "neighbour.example")
        # Nothing listens there; names are looked up nowhere.
        away = redis.Redis(host="127.0.0.1", port=1, retry=None, socket_timeout=0.1)
        http = HttpClient(resolve=lambda host: [PUBLIC])
        return World(lend_app(settings, database, client or away, http=http), database, shop, neighbour)

    return make


@pytest.fixture
def world(database: Database, make_world: Make) -> World:
    """Both shops, still empty, on each kind of database."""
    return make_world(database)


@pytest.fixture
def small_world(sqlite_database: Database, make_world: Make) -> World:
    """The same on SQLite only, for what the kind of database can't change."""
    return make_world(sqlite_database)


@pytest.fixture
def full_world(sqlite_database: Database, make_world: Make, redis_client: "redis.Redis") -> World:
    """The first shop has something of everything, and the canary is in all of it; what owners decide goes into a stream."""
    world = make_world(sqlite_database, redis_client)
    fill(world)
    return world


def fill(world: World) -> None:
    with world.database.writing() as conn:
        made, _ = endpoints.create(conn, world.shop.id, f"https://{CANARY}.example/", ("answer.given",), NOW)
        world.endpoint = made.id
        origins.replace(conn, world.shop.id, [f"https://{CANARY}.example"])
        shops.set_domains(conn, world.shop.id, ["shop.example", f"{CANARY}.example"])
        questions.create(conn, world.shop.id, SETS["why-us"].question(CANARY))
        # Of an address that may not be called, so that nobody is when it is tried.
        secrets = {"url": "https://127.0.0.1/", "consumer_key": CANARY, "consumer_secret": CANARY, "secret": CANARY}
        world.connection = connections.create(conn, world.shop.id, "woocommerce", CANARY, secrets, NOW).id
        worth = CouponTerms("percent", 1000)
        settings.replace(conn, world.shop.id, Loyalty(rewards=(Reward(CANARY, 5, worth),)))
        owed = Due("rul_1", 1, f"order:{CANARY}", CANARY, 100, NOW, NOW, why=CANARY)
        granted = CouponDue("rul_1", 1, f"order:{CANARY}", CANARY, worth, NOW, NOW, why=CANARY)
        loyalty.settle(conn, world.shop.id, [owed], [granted], NOW)
        known = shops.by_id(conn, world.shop.id)
        assert known is not None
        body = {"name": CANARY, "when": "answer.given", "if": {"question": [CANARY]}, "then": [{"points": 5}]}
        world.rule = rules.create(conn, known, body, NOW).rule
    searched = {"query": CANARY, "results": 0}
    world.send(
        search(CANARY, 0),
        answer("search-found", "no", text=f"a {CANARY}", search=searched, page={"url": "https://s.example/", "lang": "lv"}),
        answer("order-rating", 5, product=CANARY, placement=CANARY, order={"ref": CANARY, "line": None, "sku": []}),
        answer("search-found", "yes", text=f"buy {CANARY}", marks=["trap"]),
    )
    with world.database.writing() as conn:
        name = ("order-rating", f"order:{CANARY}")
        cases.make(conn, world.shop.id, [name], None, NOW)
        world.case = cases.of_answers(conn, world.shop.id, [name])[name].id
    with world.database.reading() as conn:
        world.delivery = outbox.deliveries(conn, shop=world.shop.id)[0].id


def finish(world: World) -> None:
    """End what waits for the first shop's endpoint."""
    with world.database.writing() as conn:
        outbox.kill_queued(conn, world.endpoint, "it is over", NOW)
