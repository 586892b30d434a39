"""An order's state: whatever order its events arrive in, however often, what was written last stands."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget_server.contract.events import EVENT_TYPES
from widget_server.contract.order import (
    Order,
    OrderFacts,
    disowned,
    facts,
    merged,
    pseudonym,
    pseudonymous,
    tombstone,
)
from widget_server.contract.times import format_time

T = 1_763_800_000_000
KEY = "key-of-one-shop"
MAIL = pseudonym(KEY, "jane@example.com")


def said(kind: str, at: int = T, name: str = "00", **order: Any) -> dict[str, Any]:
    """An event; `updated` is given in ms."""
    if "updated" in order:
        order["updated_at"] = format_time(order.pop("updated"))
    return {"id": name, "type": f"order.{kind}", "at": at, "order": {"ref": "7", **order}}


def folded(*events: dict[str, Any]) -> Order:
    state = None
    for event in events:
        state = merged(state, "shop", event)
    assert state is not None
    return state


def either_way(first: dict[str, Any], second: dict[str, Any]) -> OrderFacts:
    """The facts of two events, which must not depend on their arrival."""
    found = facts(folded(first, second))
    assert facts(folded(second, first)) == found
    assert facts(folded(second, first, second, first)) == found
    return found


# --- who wrote last ---------------------------------------------------------------------------------------------------


def test_of_two_states_of_one_second_the_one_further_on_stands() -> None:
    # As WooCommerce sends them: completed within the second in which it was placed, and the ids say nothing.
    placed = said("placed", name="ff", updated=T, status="processing", total="10.00")
    completed = said("updated", name="00", updated=T, status="completed", total="10.00")
    assert either_way(placed, completed).state == "completed"
    refunded = said("updated", name="11", updated=T, status="refunded", total="10.00")
    assert either_way(completed, refunded).state == "cancelled"


def test_a_later_second_stands_above_a_status_further_on() -> None:
    completed = said("updated", name="ff", updated=T + 1000, status="completed")
    reopened = said("updated", name="00", updated=T + 2000, status="on-hold")
    assert either_way(completed, reopened).state == "open"


def test_the_platforms_time_stands_above_the_events_own() -> None:
    old = said("updated", at=T + 9000, updated=T, status="completed")
    new = said("updated", at=T, name="01", updated=T + 1000, status="cancelled")
    assert either_way(old, new).state == "cancelled"


def test_a_read_stands_above_what_webhooks_said_of_the_same_second() -> None:
    read = said("updated", name="00", updated=T, status="processing", read=True, total="5.00")
    webhook = said("updated", name="ff", updated=T, status="completed", total="5.00", refunded="1.00")
    found = either_way(read, webhook)
    assert (found.state, found.refunded) == ("open", 0)
    newer = said("updated", name="01", updated=T + 1000, status="completed")
    assert either_way(read, newer).state == "completed"


def test_of_two_reads_of_one_second_the_later_read_stands() -> None:
    first = said("updated", at=T + 5000, name="ff", updated=T, status="completed", read=True, total="10.00")
    second = said("updated", at=T + 9000, name="00", updated=T, status="processing", read=True, total="10.00")
    assert either_way(first, second).state == "open"


def test_of_one_second_and_status_the_larger_refund_stands() -> None:
    before = said("updated", name="ff", updated=T, status="completed", total="10.00", refunded="1.00", currency="EUR")
    after = said("refunded", name="00", updated=T, status="completed", total="10.00", refunded="10.0", currency="EUR")
    found = either_way(before, after)
    assert (found.refunded, found.state) == (1000, "cancelled")


def test_a_read_tells_the_whole_header() -> None:
    webhook = said("placed", updated=T, customer="15", email=MAIL, refunded="2.00", total="9.00", language="lv")
    read = said("updated", at=T + 60_000, name="01", updated=T + 1000, status="completed", total="9.00", read=True)
    found = either_way(webhook, read)
    assert (found.customer, found.refunded, found.language) == (None, 0, None)


def test_what_an_event_leaves_out_stays() -> None:
    placed = said("placed", customer="15", total="9.00", currency="EUR", language="lv")
    completed = said("completed", at=T + 1000, name="01")
    assert either_way(placed, completed) == OrderFacts(
        "7", "15", "completed", "EUR", 900, 0, T, T + 1000, (), "lv"
    )  # fmt: skip


# --- what it is -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", "open"), ("processing", "open"), ("shipped", "open"), ("on-hold", "open"), ("whatever", "open"),
        ("completed", "completed"), ("complete", "completed"), ("delivered", "completed"),
        ("cancelled", "cancelled"), ("canceled", "cancelled"), ("failed", "cancelled"), ("unavailable", "cancelled"),
        ("refunded", "cancelled"),
    ],
)  # fmt: skip
def test_words_for_states(status: str, state: str) -> None:
    assert facts(folded(said("updated", status=status, total="3.00"))).state == state


def test_a_status_that_tells_nothing_leaves_the_word_to_the_time_of_completion() -> None:
    time = format_time(T - 5000)
    assert facts(folded(said("updated", status="partially-refunded", completed_at=time))).state == "completed"
    assert facts(folded(said("updated", status="partially-refunded"))).state == "open"
    assert facts(folded(said("placed", completed_at=time))).completed_at == T - 5000


def test_refunded_whole_is_cancelled_and_refunds_never_exceed_the_total() -> None:
    whole = facts(folded(said("updated", status="completed", total="10.00", refunded="10.00")))
    assert (whole.state, whole.refunded) == ("cancelled", 1000)
    more = facts(folded(said("updated", status="completed", total="10.00", refunded="99.00")))
    assert (more.state, more.refunded) == ("cancelled", 1000)
    less = facts(folded(said("updated", status="completed", total="10.00", refunded="-4.00")))
    assert (less.state, less.refunded) == ("completed", 0)
    free = facts(folded(said("updated", status="completed", total="0.00", refunded="0.00")))
    assert (free.state, free.total) == ("completed", 0)
    by_word = facts(folded(said("refunded", total="10.00")))
    assert (by_word.state, by_word.refunded) == ("cancelled", 1000)
    part = facts(folded(said("completed", total="10.00"), said("refunded", T + 1, "01", refunded="4.00")))
    assert (part.state, part.refunded) == ("completed", 400)


def test_money_is_in_the_smallest_unit_of_its_currency() -> None:
    for currency, units in (("EUR", 100_050), ("JPY", 1001), ("KWD", 1_000_500)):
        assert facts(folded(said("placed", total="1000.50", currency=currency))).total == units


def test_completed_when_the_platform_says_so_else_when_it_was_first_said() -> None:
    first = said("updated", T + 1000, "01", status="completed")
    again = said("updated", T + 9000, "02", status="completed")
    assert either_way(first, again).completed_at == T + 1000
    told = said("updated", T + 9500, "03", status="completed", completed_at=format_time(T + 500))
    assert either_way(first, told).completed_at == T + 500


def test_a_file_that_knows_no_time_of_completion_completes_nothing_today() -> None:
    placed_at = format_time(T - 86_400_000 * 400)
    row = said("placed", T - 86_400_000 * 400, status="delivered", placed_at=placed_at) | {"revision": T}
    found = facts(folded(row))
    assert (found.state, found.completed_at) == ("completed", T - 86_400_000 * 400)


def test_whose_order_it_is() -> None:
    assert facts(folded(said("placed"))).customer is None
    guest = said("placed", email=MAIL)
    assert facts(folded(guest)).customer == f"e:{MAIL}"
    account = said("updated", T + 1, "01", customer="15", email=MAIL)
    assert either_way(guest, account).customer == "15"


def test_products_are_those_of_its_present_lines() -> None:
    lines = [{"line": "1", "product": "b"}, {"line": "2", "product": "a"}, {"line": "3", "product": "b"}]
    placed = said("placed", lines=lines)
    assert facts(folded(placed)).products == ("a", "b")
    changed = said("updated", T + 1, "01", lines=[{"line": "1", "product": "c"}], partial=True)
    assert either_way(placed, changed).products == ("a", "b", "c")
    whole = said("updated", T + 2, "02", lines=[{"line": "9", "product": "z"}])
    assert either_way(placed, whole).products == ("z",)


# --- nobody's address -------------------------------------------------------------------------------------------------


def test_addresses_become_hashes_and_hashes_stay() -> None:
    raw = said("placed", customer="Jane@Example.com ", email=" JANE@example.com")
    made = pseudonymous(raw, KEY)
    assert made["order"] == {"ref": "7", "customer": f"e:{MAIL}", "email": MAIL}
    assert pseudonymous(made, KEY) == made
    about = {"id": "1", "type": "customer.updated", "at": T, "customer": {"ref": "jane@example.com", "email": "nobody"}}
    assert pseudonymous(about, KEY)["customer"] == {"ref": f"e:{MAIL}", "email": None}
    plain = said("placed", customer="15")
    assert pseudonymous(plain, KEY) is plain
    # An order may be called what it likes.
    assert pseudonymous(said("placed") | {"order": {"ref": "7@home"}}, KEY)["order"] == {"ref": "7@home"}


def test_an_event_with_an_address_is_refused() -> None:
    event = {**said("placed", email="jane@example.com"), "id": "0b7e1c5e-3f5a-4d0e-9a36-5f2d6a7b8c9d"}
    event["at"] = "2026-11-22T10:00:00Z"
    assert set(EVENT_TYPES["order.placed"].check(event)) == {"order.email"}
    about = {"id": event["id"], "type": "customer.updated", "at": event["at"]}
    wrong = {"ref": "1", "email": "jane@example.com", "birthday": "1990-13-01", "segments": ["VIP Club"]}
    found = EVENT_TYPES["customer.updated"].check({**about, "customer": wrong})
    assert set(found) == {"customer.email", "customer.birthday", "customer.segments.0"}
    right = {"ref": "1", "email": MAIL, "birthday": "02-29", "segments": ["vip"], "updated_at": event["at"]}
    assert EVENT_TYPES["customer.updated"].check({**about, "customer": right}) == {}


def test_a_disowned_order_keeps_its_money_and_names_nobody() -> None:
    order = folded(said("placed", customer="15", email=MAIL, total="3.00"))
    gone = disowned(order, KEY)
    assert facts(gone).customer == tombstone(KEY, "15")
    assert facts(gone).total == 300
    assert MAIL not in repr(gone) and "'15'" not in repr(gone)
    assert disowned(gone, KEY) == gone
    guest = disowned(folded(said("placed", email=MAIL)), KEY)
    assert facts(guest).customer == tombstone(KEY, f"e:{MAIL}")
    # A later word about whose it is stands.
    assert facts(merged(gone, "shop", said("updated", T + 1, "01", customer="16"))).customer == "16"


# --- any history ------------------------------------------------------------------------------------------------------

_seconds = st.integers(0, 3).map(lambda n: T + n * 1000)
_amounts = st.sampled_from(["0.00", "5.00", "10.00", "10.005"])
_lines = st.lists(
    st.builds(lambda line, product: {"line": line, "product": product}, st.sampled_from("12"), st.sampled_from("abc")),
    max_size=2,
)
_statuses = st.sampled_from(["pending", "processing", "completed", "cancelled", "refunded", "odd"])
_events = st.builds(
    said,
    st.sampled_from(["placed", "updated", "completed", "refunded"]),
    st.integers(0, 5000).map(lambda n: T + n),
    st.uuids(version=4).map(str),
    customer=st.sampled_from([None, "15", "16"]), email=st.sampled_from([None, MAIL]), status=_statuses | st.none(),
    total=_amounts | st.none(), refunded=_amounts | st.none(), currency=st.sampled_from([None, "EUR"]),
    language=st.sampled_from([None, "lv"]), completed_at=(_seconds | st.none()).map(lambda ms: ms and format_time(ms)),
    read=st.booleans(), partial=st.booleans(), lines=_lines | st.none(), updated=_seconds,
)  # fmt: skip


def by_hand(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The header and the products, the slow way: sort by what the platform says, then let each overwrite."""
    how_far = ["pending", "processing odd", "", "completed", "", "cancelled", "refunded"]

    def status(event: dict[str, Any]) -> str | None:
        order = event["order"]
        if order["status"] is None and event["type"] == "order.completed":
            return "completed"
        if order["status"] is None and event["type"] == "order.refunded" and order["refunded"] is None:
            return "refunded"
        given: str | None = order["status"]
        return given

    def place(event: dict[str, Any]) -> tuple[Any, ...]:
        word = status(event)
        rank = 0 if word is None else next(n for n, words in enumerate(how_far, 1) if word in words.split())
        cents = {None: 0, "0.00": 0, "5.00": 500, "10.00": 1000, "10.005": 1001}[event["order"]["refunded"]]
        read = event["at"] if event["order"]["read"] else 0
        return event["order"]["updated_at"], read, rank, cents, event["id"]

    header: dict[str, Any] = {}
    lines: dict[str, str] = {}
    for event in sorted(events, key=place):
        told = {**event["order"], "status": status(event)}
        for name in ("status", "customer", "email", "completed_at", "currency", "total", "refunded", "language"):
            if told[name] is not None or told["read"]:
                header[name] = told[name]
        if told["lines"] is not None:
            if not told["partial"]:
                lines = {}
            lines.update({line["line"]: line["product"] for line in reversed(told["lines"])})
    header["products"] = tuple(sorted(set(lines.values())))
    return header


@given(st.lists(_events, min_size=1, max_size=8, unique_by=lambda event: event["id"]), st.randoms(use_true_random=False))
def test_any_arrival_with_repeats_ends_in_the_same_state(events: list[dict[str, Any]], shuffled: random.Random) -> None:
    sends = events + shuffled.choices(events, k=4)
    shuffled.shuffle(sends)
    one, other = folded(*events), folded(*sends)
    assert one == other
    wanted, found = by_hand(events), facts(one)
    products = wanted.pop("products")
    assert {name: one.get(name) for name in wanted} == wanted
    assert found.products == products
    assert 0 <= found.refunded <= found.total


@given(st.lists(_events, max_size=6, unique_by=lambda event: event["id"]), st.data())
def test_whatever_was_lost_a_read_of_the_platform_repairs(events: list[dict[str, Any]], data: st.DataObject) -> None:
    """After a read of the whole state, later than all else, nothing depends on what arrived before."""
    read = data.draw(_events)
    read["at"], read["id"] = T + 60_000, "00"
    read["order"] |= {"read": True, "partial": False, "lines": read["order"]["lines"] or [], "updated_at": format_time(T + 3000)}
    lost = data.draw(st.lists(st.sampled_from(events), max_size=6)) if events else []
    whole, rest = facts(folded(*events, read)), facts(folded(*lost, read))
    for name in ("customer", "state", "currency", "total", "refunded", "products", "language"):
        assert getattr(whole, name) == getattr(rest, name)
