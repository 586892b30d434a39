"""Waves without anything in the browser: on the page of an order a question rests that its customer has answered for
another order recently enough, whoever told us who the customer is."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
import redis
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import Engine

from tests.conftest import SECRET_KEY
from tests.pipeline.envelopes import NOW, envelope
from tests.pipeline.envelopes import event as counted
from tests.pipeline.shopfront import Live, Shopfront, stored
from tests.pipeline.shopfront import event as sent
from widget_server.act.pipeline import process
from widget_server.contract.order import pseudonym
from widget_server.contract.shop import Question, Shop
from widget_server.contract.tokens import OrderClaims
from widget_server.intake import asked
from widget_server.record import endpoints, outbox, questions, shops
from widget_server.record.db import Database

DAY = 86_400_000
WAVE = 90
_WALKS = {
    "answers_of_customer": "SELECT first_at FROM answers WHERE shop = 's' AND customer = 'c' AND question = 'q' "
    "AND answered IS true ORDER BY first_at DESC LIMIT 1",
    "orders_of_customer": "SELECT ref FROM orders WHERE shop = 's' AND customer = 'c' ORDER BY placed_at DESC LIMIT 200",
}


class House:
    """A shop that asks `nps` once in 90 days, `known` until it is answered, and `order-rating` for every order."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.writing() as conn:
            made = shops.create(conn, "Shop", "shop.example")
            self.id = made.id
            self.ask("nps", conn, every_days=WAVE)
            self.ask("known", conn, until_answered=True)
            self.neighbour = shops.create(conn, "Neighbour", "neighbour.example").id

    def ask(self, name: str, conn: Connection, version: int = 1, paused: bool = False, **settings: Any) -> None:
        questions.add_version(conn, self.id, Question(name, version, "nps", "order", paused, settings, {"en": {"title": "?"}}))

    def shop(self) -> Shop:
        with self.database.reading() as conn:
            found = shops.by_id(conn, self.id)
        assert found is not None
        return found

    def placed(
        self, ref: str, customer: str | None, at: str = "2025-11-22T08:00:00Z", shop: str | None = None, **more: str
    ) -> None:
        order = {"ref": ref, "customer": customer, "placed_at": at, **more}
        process(self.database, [envelope(shop or self.id, counted("order.placed", order=order), "platform")])

    def answered(self, question: str, ref: str, cust: str | None = None, days_ago: float = 0, shop: str | None = None) -> None:
        order: dict[str, Any] = {"ref": ref, "line": None, "sku": []}
        if cust is not None:
            order["customer"] = pseudonym(self.shop().customer_key, cust)
        given = counted("answer.given", NOW - int(days_ago * DAY), question=question, value=9, order=order)
        process(self.database, [envelope(shop or self.id, given)])

    def rests(self, ref: str, cust: str | None = None, line: str | None = None, now: int = NOW) -> list[str]:
        claims = OrderClaims(ref, "jti", "rate", 0, 0, line=line, customer=cust)
        with self.database.reading() as conn:
            return asked.answered(conn, self.shop(), claims, now)


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def test_keys_of_pseudonyms_are_the_shops_own_and_stay(house: House) -> None:
    with house.database.reading() as conn:
        neighbour = shops.by_id(conn, house.neighbour)
    assert neighbour is not None
    mine = house.shop().customer_key
    assert len(mine) == 64 and mine == house.shop().customer_key != neighbour.customer_key
    assert mine not in repr(house.shop())
    assert pseudonym(mine, "Anna@Example.com ") == pseudonym(mine, "anna@example.com") != pseudonym(neighbour.customer_key, "anna@example.com")


def test_webhooks_are_not_told_the_pseudonym(house: House) -> None:
    with house.database.writing() as conn:
        endpoints.create(conn, house.id, "https://hooks.example/", ("answer.given", "order.placed"), NOW)
    house.answered("nps", "A-1", cust="c7")
    house.placed("A-2", "c8", email="a" * 32)
    with house.database.writing() as conn:
        bodies = [orjson.loads(row.body) for row in outbox.claim(conn, now=NOW * 2, lease=60_000, limit=10, by="test")]
    orders = {body["type"]: body["data"]["order"] for body in bodies}
    assert orders["answer.given"] == {"ref": "A-1", "line": None, "sku": []}
    assert (orders["order.placed"]["customer"], "email" in orders["order.placed"]) == ("c8", False)


def test_what_the_order_itself_has_answered_rests(house: House) -> None:
    house.answered("order-rating", "A-1")
    house.answered("nps", "A-1")
    assert house.rests("A-1") == ["nps", "order-rating"]
    assert house.rests("A-1", line="2") == []


def test_an_order_of_a_platform_tells_who_the_customer_is(house: House) -> None:
    house.placed("A-1", "cust-7")
    house.placed("A-2", "cust-7")
    house.placed("A-3", "cust-8")
    for question in ("order-rating", "nps", "known"):
        house.answered(question, "A-1")
    assert house.rests("A-2") == ["known", "nps"]  # each order has its own rating
    assert house.rests("A-3") == []
    assert house.rests("A-unheard-of") == []


def test_the_token_tells_who_the_customer_is(house: House) -> None:
    house.answered("nps", "A-1", cust="Anna@Example.com")
    assert house.rests("A-2", cust="anna@example.com ") == ["nps"]
    assert house.rests("A-2", cust="berta@example.com") == []
    assert house.rests("A-2") == []


def test_platform_file_and_token_mean_the_same_customer(house: House) -> None:
    house.answered("nps", "A-1", cust="c7")
    house.placed("A-2", "c7")  # a platform names the customer as the token does
    house.placed("A-3", pseudonym(house.shop().customer_key, "C7"))  # an imported file by pseudonym
    assert house.rests("A-2") == house.rests("A-3") == ["nps"]
    house.placed("B-1", "c9")
    house.answered("known", "B-1")
    assert house.rests("B-2", cust="c9") == ["known"]


def test_what_waits_in_quarantine_holds_nothing_back(house: House) -> None:
    house.placed("A-1", "c7")
    for order in ({"ref": "A-1", "line": None, "sku": []}, {"ref": "B-1", "customer": pseudonym(house.shop().customer_key, "c7")}):
        given = counted("answer.given", question="nps", value=9, order={"line": None, "sku": [], **order}, marks=["bot"])
        process(house.database, [envelope(house.id, given)])
    house.placed("A-2", "c7")
    assert house.rests("A-2") == house.rests("A-3", cust="c7") == []


def test_a_wave_ends_and_until_answered_does_not(house: House) -> None:
    house.answered("nps", "A-1", cust="c7", days_ago=WAVE - 0.01)
    house.answered("known", "A-1", cust="c7", days_ago=3000)
    assert house.rests("A-2", cust="c7") == ["known", "nps"]
    assert house.rests("A-2", cust="c7", now=NOW + DAY) == ["known"]
    house.answered("nps", "A-2", cust="c7")  # the newest counts
    assert house.rests("A-3", cust="c7", now=NOW + DAY) == ["known", "nps"]


def test_who_only_saw_or_closed_it_is_asked(house: House) -> None:
    order = {"ref": "A-1", "line": None, "sku": [], "customer": pseudonym(house.shop().customer_key, "c7")}
    for kind in ("question.shown", "question.dismissed"):
        process(house.database, [envelope(house.id, counted(kind, question="nps", order=order))])
    assert house.rests("A-2", cust="c7") == []


def test_neither_another_shop_nor_an_old_setting_holds_a_question_back(house: House) -> None:
    house.placed("N-1", "c7", shop=house.neighbour)
    house.answered("nps", "N-1", cust="c7", shop=house.neighbour)
    assert house.rests("A-2", cust="c7") == []
    house.answered("nps", "A-1", cust="c7")
    assert house.rests("A-2", cust="c7") == ["nps"]
    with house.database.writing() as conn:
        house.ask("nps", conn, version=2)
    assert house.rests("A-2", cust="c7") == []
    assert house.rests("A-1", cust="c7") == ["nps"]


def test_a_paused_question_needs_no_looking_up(house: House, statements: list[str]) -> None:
    with house.database.writing() as conn:
        house.ask("nps", conn, version=2, paused=True, every_days=WAVE)
        house.ask("known", conn, version=2, paused=True, until_answered=True)
    shop, claims = house.shop(), OrderClaims("A-1", "jti", "rate", 0, 0, customer="c7")
    with house.database.reading() as conn:
        statements.clear()
        asked.answered(conn, shop, claims, NOW)
    assert len([statement for statement in statements if statement.startswith("SELECT")]) == 1


def test_a_company_with_many_orders_costs_no_more_than_anybody(house: House, statements: list[str]) -> None:
    orders = [
        envelope(house.id, counted("order.placed", order={"ref": f"O-{n}", "customer": "big", "placed_at": f"2025-0{1 + n % 9}-01T00:00:00Z"}), "platform")
        for n in range(400)
    ]  # fmt: skip
    process(house.database, orders)
    house.answered("nps", "O-8")  # of September: among the newest 200
    shop, claims = house.shop(), OrderClaims("O-new", "jti", "rate", 0, 0, customer="big")
    with house.database.reading() as conn:
        statements.clear()
        assert asked.answered(conn, shop, claims, NOW) == ["nps"]
    selects = [statement for statement in statements if statement.startswith("SELECT")]
    assert len(selects) <= 5
    assert any("LIMIT" in statement for statement in selects)


@pytest.fixture
def statements() -> Iterator[list[str]]:
    found: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield found
    event.remove(Engine, "before_cursor_execute", note)


def test_every_step_walks_an_index(sqlite_database: Database) -> None:
    house = House(sqlite_database)
    house.placed("A-1", "c7")
    house.answered("nps", "A-1", cust="c7")
    ran: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            ran.append((statement, parameters))

    shop, claims = house.shop(), OrderClaims("A-2", "jti", "rate", 0, 0, customer="c7")
    event.listen(Engine, "before_cursor_execute", note)
    try:
        with sqlite_database.reading() as conn:
            asked.answered(conn, shop, claims, NOW)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(ran) == 5
    with sqlite_database.reading() as conn:
        plans = [conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all() for statement, parameters in ran]
    steps = [row[3] for plan in plans for row in plan]
    assert not [step for step in steps if step.startswith(("SCAN answers", "SCAN orders"))]
    for name in ("answers_of_customer", "answers_of_order", "orders_of_customer"):
        assert any(name in step for step in steps), steps


@pytest.mark.postgres
def test_every_step_can_walk_an_index_of_postgresql(postgres_url: str) -> None:
    database = Database(postgres_url, SECRET_KEY)
    with database.writing() as conn:
        conn.execute(text("SET LOCAL enable_seqscan = off"))
        for name, statement in _WALKS.items():
            plan = "\n".join(conn.execute(text(f"EXPLAIN {statement}")).scalars())
            assert f"using {name}" in plan and "Sort" not in plan, plan
    database.close()


@pytest.fixture
def live_database(live: Live) -> Iterator[Database]:
    """The one of the shared process."""
    opened = Database(live.database_url, SECRET_KEY)
    yield opened
    opened.close()


def test_from_a_browsers_answer_to_the_next_order(
    front: Shopfront, live_database: Database, redis_client: redis.Redis
) -> None:
    with live_database.writing() as conn:
        shop = shops.by_id(conn, front.shop.id)
        assert shop is not None
        rating = shop.question("order-rating")
        assert rating is not None
        wave = {**rating.settings, "every_days": 30}
        questions.add_version(conn, shop.id, replace(rating, version=rating.version + 1, settings=wave))
    given = sent(order_token=front.token("A-1", cust="Anna@Example.com"))
    assert front.send(given).status == 202
    waiting = stored(redis_client, front.shop)
    assert "anna" not in orjson.dumps(waiting).decode().lower()
    process(live_database, [orjson.dumps(each) for each in waiting])

    def rests(**claims: Any) -> Any:
        reply = front.call("POST", f"{front.path}/asked", front.token("A-2", **claims), content_type="text/plain")
        return reply.status, reply.json

    assert rests() == rests(cust="somebody else") == (200, {"answered": []})
    assert rests(cust="anna@example.com") == (200, {"answered": ["order-rating"]})


def test_a_guest_is_known_by_the_address_of_the_order(house: House) -> None:
    """By the hash that platform and file give, and by the address where a token names it."""
    hashed = pseudonym(house.shop().customer_key, "anna@example.com")
    for ref in ("A-1", "A-2"):
        process(house.database, [envelope(house.id, counted("order.placed", order={"ref": ref, "email": hashed}), "platform")])
    house.answered("nps", "A-1")
    assert house.rests("A-2") == ["nps"]
    assert house.rests("A-unheard-of", cust="Anna@example.com") == ["nps"]
    house.answered("known", "B-1", cust="anna@example.com")
    assert house.rests("A-2") == ["known", "nps"]
    assert house.rests("A-unheard-of", cust="berta@example.com") == []
