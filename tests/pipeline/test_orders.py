"""Orders and customers through the pipeline, on both databases: any arrival, verified answers, erasure, no address."""

import random
import uuid
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy import event as sql_event

from tests.pipeline.envelopes import NOW, envelope, event
from widget_server.act import rules
from widget_server.act.pipeline import process
from widget_server.act.verify import verify
from widget_server.contract.order import facts, pseudonym, tombstone
from widget_server.contract.shop import Shop
from widget_server.contract.times import format_time
from widget_server.record import answers, counters, customers, ledger, orders, shops
from widget_server.record.customers import Customer
from widget_server.record.db import Database

DAY = 86_400_000
_names = count(1)


class House:
    """A shop, and what its platform and shoppers say."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.writing() as conn:
            made = shops.create(conn, f"Shop {next(_names)}", "shop.example", "Europe/Riga")
            found = shops.by_id(conn, made.id)
        assert found is not None
        self.shop: Shop = found
        self.mail = self.hashed("jane@example.com")

    def hashed(self, address: str) -> str:
        return pseudonym(self.shop.customer_key, address)

    def tombstone(self, ref: str) -> str:
        return tombstone(self.shop.customer_key, ref)

    def send(self, *events: dict[str, Any], source: str = "platform") -> None:
        """Together, in one batch."""
        process(self.database, [envelope(self.shop.id, one, source) for one in events])

    def order(self, kind: str, at: int = NOW, **fields: Any) -> dict[str, Any]:
        return event(f"order.{kind}", at, order={"ref": "7", **fields})

    def customer(self, kind: str, at: int = NOW, **fields: Any) -> dict[str, Any]:
        return event(f"customer.{kind}", at, customer={"ref": "15", **fields})

    def known(self, *refs: str) -> dict[str, Customer]:
        with self.database.reading() as conn:
            return customers.load(conn, self.shop.id, refs)

    def owner(self, ref: str = "7") -> str | None:
        with self.database.reading() as conn:
            return facts(orders.load(conn, self.shop.id, [ref])[ref]).customer

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        with self.database.reading() as conn:
            return [tuple(row) for row in conn.execute(text(sql))]

    def everything(self) -> str:
        """All that stands in any table about this shop's people, as one text."""
        tables = ("events", "orders", "answers", "customers", "outbox", "ledger", "coupons", "set_aside")
        return "\n".join(repr(row) for table in tables for row in self.run(f"SELECT * FROM {table}"))

    def products(self) -> dict[str, dict[str, int]]:
        """Answers about each product."""
        with self.database.reading() as conn:
            found = counters.by_key(conn, counters.Slice(self.shop.id, ("order-rating",), "product"), "", 10)
        return {name: dict(counts.answers) for name, counts in found.items()}


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def rating(at: int = NOW, ref: str = "7", line: str | None = None, **fields: Any) -> dict[str, Any]:
    """An answer with a valid order token, as the intake leaves it in the stream."""
    return event("answer.given", at, question="order-rating", order={"ref": ref, "line": line, "sku": ["from-token"]}, **fields)


# --- an answer and its order ------------------------------------------------------------------------------------------

LINES = [{"line": "1", "product": "chair"}, {"line": "2", "product": "lamp"}]


@pytest.mark.parametrize("order_first", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_an_answer_with_a_token_is_tied_to_its_order(house: House, order_first: bool, together: bool) -> None:
    parts = [house.order("placed", lines=LINES), rating(value=4)]
    ordered = parts if order_first else parts[::-1]
    if together:
        house.send(*ordered)
    else:
        for part in ordered:
            house.send(part)
    assert house.products() == {"chair": {"4": 1}, "lamp": {"4": 1}}
    with house.database.reading() as conn:
        found = answers.load(conn, house.shop.id, [], ["7"])
    assert {(name, answer.verified, answer.order) for name, answer in found.items()} == {
        (("order-rating", "order:7"), True, "7")
    }
    assert list(verify(house.database)) == []


@pytest.mark.parametrize("order_first", [True, False])
def test_an_answer_with_a_token_of_one_line_is_about_that_line(house: House, order_first: bool) -> None:
    parts = [house.order("placed", lines=LINES), rating(line="2", value=5), rating(line="1", value=1)]
    for part in parts if order_first else parts[::-1]:
        house.send(part)
    assert house.products() == {"lamp": {"5": 1}, "chair": {"1": 1}}
    house.send(rating(NOW + 1000, line="2", value=3))
    assert house.products() == {"lamp": {"3": 1}, "chair": {"1": 1}}
    assert list(verify(house.database)) == []


def test_until_the_order_is_known_the_token_says_what_was_bought(house: House) -> None:
    house.send(rating(value=4))
    assert house.products() == {"from-token": {"4": 1}}
    house.send(house.order("updated", status="processing"))
    assert house.products() == {"from-token": {"4": 1}}
    house.send(house.order("updated", NOW + 1, lines=LINES[:1]))
    assert house.products() == {"chair": {"4": 1}}


def test_one_order_gives_one_answer_and_the_second_edits(house: House) -> None:
    house.send(house.order("placed", lines=LINES[:1]), rating(value=1), rating(NOW + 5000, value=5))
    assert house.products() == {"chair": {"5": 1}}


# --- customers --------------------------------------------------------------------------------------------------------


def test_the_last_writer_of_each_field_stands(house: House) -> None:
    newer = house.customer("updated", NOW + 5, updated_at=format_time(NOW + 2000), language="lv", segments=["vip", "b2b"])
    older = house.customer("updated", NOW + 9, updated_at=format_time(NOW + 1000), language="en", birthday="1990-02-28", email=house.mail)
    house.send(newer)
    house.send(older)
    found = house.known("15", "16")
    assert set(found) == {"15"}
    one = found["15"]
    assert (one.email, one.birthday, one.birthday_since) == (house.mail, "1990-02-28", NOW + 1000)
    assert (one.language, one.segments, one.last_order_at, one.erased) == ("lv", ("vip", "b2b"), None, False)


def test_a_birthday_dates_from_when_it_was_first_heard_of(house: House) -> None:
    told = [
        house.customer("updated", NOW + n * DAY, birthday=day)
        for n, day in enumerate(("1990-02-28", "1990-02-28", "1990-03-01", "1990-03-01"))
    ]
    for one in reversed(told):
        house.send(one)
    assert (house.known("15")["15"].birthday, house.known("15")["15"].birthday_since) == ("1990-03-01", NOW + 2 * DAY)
    with house.database.reading() as conn:
        assert [one.ref for one in customers.born_on(conn, house.shop.id, "03-01", 10)] == ["15"]
        assert customers.born_on(conn, house.shop.id, "02-28", 10) == []


def test_birthdays_come_page_by_page_and_from_one_shop(house: House) -> None:
    refs = sorted(str(n) for n in range(7))
    house.send(*(house.customer("updated", ref=ref, birthday="05-05") for ref in refs))
    House(house.database).send(house.customer("updated", ref="other", birthday="05-05"))
    with house.database.reading() as conn:
        first = customers.born_on(conn, house.shop.id, "05-05", 4)
        rest = customers.born_on(conn, house.shop.id, "05-05", 4, first[-1].ref)
    assert [one.ref for one in first + rest] == refs


def test_when_a_customer_last_ordered_follows_the_orders(house: House) -> None:
    def placed(ref: str, days: int, **fields: Any) -> dict[str, Any]:
        return house.order("placed", ref=ref, customer="15", placed_at=format_time(NOW + days * DAY), **fields)

    def last(customer: str = "15") -> tuple[int | None, str | None]:
        found = house.known(customer).get(customer)
        return (None, None) if found is None else (found.last_order_at, found.last_order)

    house.send(placed("1", 1), placed("3", 3))
    assert last() == (NOW + 3 * DAY, "3")
    house.send(placed("2", 2))
    assert last() == (NOW + 3 * DAY, "3")
    house.send(house.order("updated", NOW + 9, ref="3", status="cancelled"))
    assert last() == (NOW + 2 * DAY, "2")
    house.send(house.order("updated", NOW + 9, ref="2", customer="16"))
    assert (last(), last("16")) == ((NOW + DAY, "1"), (NOW + 2 * DAY, "2"))
    house.send(house.order("updated", NOW + 9, ref="1", customer="16"))
    assert (last(), last("16")) == ((None, None), (NOW + 2 * DAY, "2"))
    # Of somebody of whom nothing is known any more nothing is kept.
    assert house.known("15") == {}


def test_who_has_been_silent(house: House) -> None:
    for n in range(5):
        house.send(house.order("placed", ref=f"o{n}", customer=f"c{n}", placed_at=format_time(NOW + n * DAY)))
    with house.database.reading() as conn:
        shop = house.shop.id
        assert [c.ref for c in customers.silent_since(conn, shop, NOW + 3 * DAY, NOW, 10)] == ["c1", "c2", "c3"]
        assert [c.last_order for c in customers.silent_since(conn, shop, NOW + 3 * DAY, NOW, 1)] == ["o1"]
        assert [c.ref for c in customers.silent_since(conn, shop, NOW + 3 * DAY, NOW, 10, "c2")] == ["c3"]


def test_accounts_and_guests_of_one_address_are_one_person(house: House) -> None:
    house.send(house.customer("updated", email=house.mail), house.customer("updated", ref="16", email=house.mail))
    House(house.database).send(house.customer("updated", ref="17", email=house.mail))
    guest = f"e:{house.mail}"
    with house.database.reading() as conn:
        assert customers.same_person(conn, house.shop.id, "15") == ("15", guest, "16")
        assert customers.same_person(conn, house.shop.id, guest) == (guest, "15", "16")
        assert customers.same_person(conn, house.shop.id, "nobody") == ("nobody",)


def test_a_billing_address_makes_nobody_the_same_person(house: House) -> None:
    """Anybody may type any address at a checkout; only the account's own makes a guest's orders theirs."""
    house.send(house.order("placed", customer="15", email=house.mail))
    with house.database.reading() as conn:
        assert customers.same_person(conn, house.shop.id, "15") == ("15",)


def test_no_address_gets_into_the_database(house: House) -> None:
    house.send(
        house.order("placed", email="Jane@Example.com", customer="jane@example.com"),
        house.customer("updated", ref="jane@example.com", email="jane@example.com"),
    )
    assert "example.com" not in house.everything().lower().replace("shop.example.com", "")
    assert house.owner() == f"e:{house.mail}"
    assert house.known(f"e:{house.mail}")[f"e:{house.mail}"].email == house.mail


def test_batches_that_speak_of_no_order_ask_nothing_about_customers(house: House) -> None:
    asked: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    house.send(event("answer.given", question="search-found", value="yes"))
    sql_event.listen(Engine, "before_cursor_execute", note)
    try:
        house.send(event("search.performed", search={"query": "lamp"}), event("question.shown", question="search-found"))
        assert asked and not [one for one in asked if "customers" in one or "FROM orders" in one]
        asked.clear()
        house.send(rating(value=5))
        assert [one for one in asked if "FROM orders" in one]
        assert not [one for one in asked if "customers" in one or "INTO orders" in one]
    finally:
        sql_event.remove(Engine, "before_cursor_execute", note)


# --- erasure ----------------------------------------------------------------------------------------------------------


def life(house: House) -> list[dict[str, Any]]:
    """What is said of a person until they are erased, with words in it that name them."""
    return [
        house.customer("updated", NOW + 1, email=house.mail, birthday="1990-02-28", language="lv", segments=["canary-vip"]),
        house.order("placed", NOW + 2, customer="15", email=house.mail, placed_at=format_time(NOW + 2), lines=LINES, total="9.00"),
        house.order("placed", NOW + 3, ref="8", email=house.mail, placed_at=format_time(NOW + 3)),
        rating(NOW + 4, value=5, text="canary words", page={"url": "https://shop.example/?canary", "lang": "lv"}),
        rating(NOW + 5, ref="8", text="canary only words"),
        {**rating(NOW + 6, line="1", value=2), "order": {"ref": "7", "line": "1", "sku": [], "customer": "canary-customer"}},
        house.order("completed", NOW + 7, status="completed"),
    ]


def check_erased(house: House) -> None:
    left = house.everything()
    assert "canary" not in left
    assert house.mail not in left
    assert house.known("15", f"e:{house.mail}") == {}
    assert house.known(house.tombstone("15"))[house.tombstone("15")].erased
    assert house.owner() == house.tombstone("15")
    assert house.owner("8") == house.tombstone(f"e:{house.mail}")
    with house.database.reading() as conn:
        order = facts(orders.load(conn, house.shop.id, ["7"])["7"])
        assert (order.total, order.state, order.products) == (900, "completed", ("chair", "lamp"))
        assert customers.born_on(conn, house.shop.id, "02-28", 10) == []
        assert customers.silent_since(conn, house.shop.id, NOW + DAY, 0, 10) == []
        counted = counters.total(conn, counters.Slice(house.shop.id, ("order-rating",)))
    # The text that was all of an answer still counts as an answer.
    assert dict(counted.answers) == {"5": 1, "2": 1, "": 1}
    assert house.products()["chair"] == {"5": 1, "2": 1}
    assert list(verify(house.database)) == []


def test_whoever_is_erased_leaves_what_counts(house: House) -> None:
    house.send(*life(house))
    assert "canary words" in house.everything()
    number = len(house.run("SELECT id FROM events"))
    house.send(house.customer("erased", NOW + 1000))
    check_erased(house)
    assert len(house.run("SELECT id FROM events")) == number + 1
    assert ("customer:15",) not in house.run("SELECT subject FROM events")


def test_what_arrives_after_the_erasure_does_not_bring_anybody_back(house: House) -> None:
    story = life(house)
    house.send(house.customer("erased", NOW + 1000))
    for one in reversed(story):
        house.send(one)
    check_erased(house)


@pytest.mark.parametrize("seed", range(4))
def test_an_erasure_may_arrive_at_any_time(house: House, seed: int) -> None:
    story = [*life(house), house.customer("erased", NOW + 1000, email=house.mail)]
    shuffled = random.Random(seed)
    shuffled.shuffle(story)
    while story:
        size = shuffled.choice([1, 2, 4])
        house.send(*story[:size], story[0])
        story = story[size:]
    check_erased(house)


def test_an_erased_customer_may_come_back(house: House) -> None:
    house.send(*life(house), house.customer("erased", NOW + 1000))
    later = NOW + DAY
    house.send(
        house.order("placed", later, ref="9", customer="15", placed_at=format_time(later)),
        house.customer("updated", later, language="et"),
        house.order("placed", later, ref="10", email=house.mail, placed_at=format_time(later)),
    )
    found = house.known("15")["15"]
    assert (found.language, found.birthday, found.email, found.last_order) == ("et", None, None, "9")
    assert (house.owner("9"), house.owner("7")) == ("15", house.tombstone("15"))
    assert house.owner("10") == f"e:{house.mail}"
    # The platform goes on telling of the old order, under the old name.
    house.send(house.order("updated", later + 1, customer="15", email=house.mail, status="refunded"))
    assert house.owner() == house.tombstone("15")
    assert house.known("15")["15"].last_order == "9"
    assert list(verify(house.database)) == []


def test_answers_whose_token_named_an_erased_customer_lose_their_words_too(house: House) -> None:
    """Also where no platform has ever told of the order."""

    def told(ref: str, cust: str, at: int = NOW) -> dict[str, Any]:
        given = rating(at, ref=ref, value=5, text=f"canary {cust}")
        return {**given, "order": {**given["order"], "customer": house.hashed(cust)}}

    house.send(told("t1", "15"), told("t2", "jane@example.com"), told("t3", "16"), told("t4", "15", NOW + DAY))
    house.send(house.order("placed", ref="t5", customer="16"), told("t5", "15"))
    house.send(house.customer("updated", NOW + 1, email=house.mail), house.customer("erased", NOW + 1000))
    left = house.everything()
    assert "canary jane" not in left
    with house.database.reading() as conn:
        found = answers.load(conn, house.shop.id, [], ["t1", "t2", "t3", "t4", "t5"])
    texts = {answer.order: answer.get("text") for answer in found.values()}
    # Of t5 the platform says that it is somebody else's; t4 was said after the erasure.
    assert texts == {"t1": "", "t2": "", "t3": "canary 16", "t4": "canary 15", "t5": "canary 15"}
    assert list(verify(house.database)) == []


def test_imported_orders_are_erased_with_their_customer(house: House) -> None:
    house.send(house.order("placed", customer=house.hashed("15"), placed_at=format_time(NOW)), source="import")
    house.send(house.customer("erased", NOW + 1000))
    assert house.owner() == house.tombstone(house.hashed("15"))
    house.send(house.order("placed", ref="8", customer=house.hashed("15"), placed_at=format_time(NOW)), source="import")
    assert house.owner("8") == house.tombstone(house.hashed("15"))


@pytest.mark.parametrize("seed", range(4))
def test_a_birthday_told_again_after_an_erasure_dates_from_then(house: House, seed: int) -> None:
    told = [house.customer("updated", NOW + n * DAY, birthday="05-05") for n in (1, 3, 4)]
    told.append(house.customer("erased", NOW + 2 * DAY))
    random.Random(seed).shuffle(told)
    for one in told:
        house.send(one)
    assert (house.known("15")["15"].birthday, house.known("15")["15"].birthday_since) == ("05-05", NOW + 3 * DAY)


def test_an_erasure_concerns_one_shop(house: House) -> None:
    other = House(house.database)
    other.send(*life(other))
    house.send(*life(house), house.customer("erased", NOW + 1000))
    assert other.owner() == "15"
    assert other.known("15")["15"].birthday == "1990-02-28"
    assert len([row for row in other.run(f"SELECT body FROM events WHERE shop = '{other.shop.id}'") if "canary" in row[0]]) == 4


# --- points -----------------------------------------------------------------------------------------------------------


def fifty_for_an_order(house: House) -> None:
    rule = {"name": "Thanks", "active": True, "when": "order.completed", "if": {}, "then": [{"points": 50}]}
    with house.database.writing() as conn:
        rules.create(conn, house.shop, rule, NOW - DAY)
        found = shops.by_id(conn, house.shop.id)
    assert found is not None
    house.shop = found


@pytest.mark.parametrize("erased_at", [0, 1, 2, 3])
def test_points_of_an_erased_customer_stand_under_nobodys_name(house: House, erased_at: int) -> None:
    """Whenever the erasure arrives: what was earned before it is nobody's, what comes after it is the customer's own."""
    fifty_for_an_order(house)

    def completed(ref: str, at: int) -> dict[str, Any]:
        time = format_time(at)
        return house.order("completed", at, ref=ref, customer="15", total="9.00", placed_at=time, completed_at=time)

    told = [completed("1", NOW), completed("2", NOW + 1), completed("3", NOW + DAY)]
    told.insert(erased_at, house.customer("erased", NOW + 1000))
    for one in told:
        house.send(one)
    with house.database.reading() as conn:
        mine = ledger.balance(conn, house.shop.id, "15", NOW + 365 * DAY)
        nobodys = ledger.balance(conn, house.shop.id, house.tombstone("15"), NOW + 365 * DAY)
    # Nothing new is given to somebody who is erased already.
    assert (mine.approved, nobodys.approved) == (50, 50 * min(erased_at, 2))
    assert list(verify(house.database)) == []
    refund = house.order("refunded", NOW + DAY, ref="1", status="refunded")
    house.send(refund)
    with house.database.reading() as conn:
        nobodys = ledger.balance(conn, house.shop.id, house.tombstone("15"), NOW + 365 * DAY)
    assert nobodys.approved == 50 * max(0, min(erased_at, 2) - 1)
    assert list(verify(house.database)) == []


# --- any history ------------------------------------------------------------------------------------------------------

_REFS = ("7", "8")
_MAILS = ("a" * 32, "b" * 32)
_owners: st.SearchStrategy[dict[str, str | None]] = st.sampled_from(
    [{"customer": "15"}, {"customer": "16"}, {"email": "a" * 32}, {"customer": "15", "email": "a" * 32}, {}]
)


@st.composite
def _order_events(draw: st.DrawFn) -> dict[str, Any]:
    ref = draw(st.sampled_from(_REFS))
    fields = {
        "ref": ref, "status": draw(st.sampled_from(["processing", "completed", "cancelled", None])),
        "total": draw(st.sampled_from(["5.00", None])), "refunded": draw(st.sampled_from(["1.00", "5.00", None])),
        "read": draw(st.sampled_from([True, False, False])), **draw(_owners),
        # An order is placed once.
        "placed_at": format_time(NOW + int(ref)), "updated_at": format_time(NOW + draw(st.integers(1, 3)) * 1000),
    }  # fmt: skip
    kind = draw(st.sampled_from(["order.placed", "order.updated", "order.completed", "order.refunded"]))
    order = {name: value for name, value in fields.items() if value is not None}
    return event(kind, NOW + draw(st.integers(0, 3)), order=order) | {"id": str(draw(st.uuids(version=4)))}


@st.composite
def _customer_events(draw: st.DrawFn) -> dict[str, Any]:
    ref = draw(st.sampled_from(["15", "16"]))
    kind = draw(st.sampled_from(["customer.updated", "customer.updated", "customer.erased"]))
    about: dict[str, Any] = {"ref": ref}
    if kind == "customer.updated":
        about |= draw(st.fixed_dictionaries({}, optional={
            "email": st.sampled_from(["a" * 32, "b" * 32]), "birthday": st.sampled_from(["01-01", "02-02"]),
            "language": st.sampled_from(["lv", "et"]), "segments": st.sampled_from([["vip"], []]),
        }))  # fmt: skip
    # Nobody is erased at two times.
    at = {"15": 4, "16": 6}[ref] if kind == "customer.erased" else draw(st.integers(0, 9))
    return event(kind, NOW + at, customer=about) | {"id": str(draw(st.uuids(version=4)))}


@st.composite
def _histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    events = draw(
        st.lists(_order_events() | _order_events() | _customer_events(), min_size=1, max_size=14, unique_by=lambda one: one["id"])
    )
    return events + draw(st.lists(st.sampled_from(events), max_size=5))


def _state(house: House, sends: list[dict[str, Any]], sizes: random.Random) -> Any:
    """What stands in the tables after these sends. The keys of two shops differ, so tombstones go by what they stand for."""
    left = list(sends)
    while left:
        size = sizes.choice([1, 2, 5, len(left)])
        house.send(*left[:size])
        left = left[size:]
    named = {house.tombstone(ref): f"erased {ref}" for ref in ("15", "16", *_MAILS, *(f"e:{mail}" for mail in _MAILS))}
    named |= {house.tombstone(house.hashed(ref)): f"erased token of {ref}" for ref in ("15", "16")}
    with house.database.reading() as conn:
        found = orders.load(conn, house.shop.id, _REFS)
        everybody = customers.load(conn, house.shop.id, [row[0] for row in house.run("SELECT ref FROM customers")])
    of_orders = {}
    for ref, one in found.items():
        owner = facts(one).customer or "nobody"
        of_orders[ref] = repr(facts(one)).replace(owner, ""), named.get(owner, owner)
    of_customers = {named.get(ref, ref): repr(one).replace(ref, "") for ref, one in everybody.items()}
    until = house.run(f"SELECT ref, erased_at FROM customers WHERE shop = '{house.shop.id}' AND erased_at IS NOT NULL")
    return of_orders, of_customers, sorted((named[ref], at) for ref, at in until)


_PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
_SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def _check(database: Database, sends: list[dict[str, Any]], seed: int) -> None:
    shuffled = random.Random(seed)
    first, other = (House(database) for _ in range(2))
    one = _state(first, sends, shuffled)
    assert _state(other, shuffled.sample(sends, len(sends)), shuffled) == one
    assert list(verify(database, first.shop.id)) == []


@given(_histories(), st.integers(0, 1000))
@settings(max_examples=60, deadline=None, phases=_PHASES, suppress_health_check=_SHARED)
def test_any_arrival_ends_alike(sqlite_database: Database, sends: list[dict[str, Any]], seed: int) -> None:
    _check(sqlite_database, sends, seed)


@pytest.mark.postgres
@given(_histories(), st.integers(0, 1000))
@settings(max_examples=10, deadline=None, phases=_PHASES, suppress_health_check=_SHARED)
def test_any_arrival_ends_alike_on_postgres(postgres_url: str, sends: list[dict[str, Any]], seed: int) -> None:
    database = Database(postgres_url, "tests-only-secret-key-0123456789")
    try:
        _check(database, sends, seed)
    finally:
        database.close()


def test_the_same_event_a_hundred_times_is_one(house: House) -> None:
    one = house.order("placed", customer="15", total="5.00")
    for _ in range(10):
        house.send(*[one] * 10)
    assert len(house.run("SELECT id FROM events")) == 1
    again = {**house.order("placed", customer="15", total="5.00"), "id": str(uuid.uuid4())}
    house.send(again)
    assert len(house.run("SELECT ref FROM orders")) == 1
