"""Any multiset of sends of some events, in any order and any batches, ends in the answers and counters of the oracle."""

import random
import uuid
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests import oracle
from tests.pipeline.envelopes import NOW, envelope
from widget_server.act.pipeline import process
from widget_server.act.verify import verify
from widget_server.record import shops
from widget_server.record.db import Database

ZONE = "Europe/Riga"
_MINUTE = 60_000
_names = count(1)

# Around midnight in Riga and around the end of a month, and few enough that equal times are common.
_MIDNIGHT = 1_764_540_000_000  # 2025-11-30T22:00:00Z is 2025-12-01 in Riga
times = st.sampled_from([_MIDNIGHT + n * _MINUTE for n in (-3000, -2, -1, 0, 1, 2, 3000)])
ids = st.uuids(version=4).map(str)
# Few answers, orders and rows, so that parts of the same thing meet.
answer_ids = st.sampled_from([str(uuid.UUID(int=n)) for n in range(1, 4)])
orders = st.sampled_from([{"ref": "A", "line": None, "sku": ["s"]}, {"ref": "A", "line": "1", "sku": []}, {"ref": "B"}])
products = st.sampled_from(["p", "q", "r"])


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def event(kinds: Sequence[str], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An event; fields that are None are left out."""
    made = st.fixed_dictionaries({"id": ids, "type": st.sampled_from(kinds), "at": times, **fields})
    return made.map(lambda event: {name: value for name, value in event.items() if value is not None})


# What the intake may have marked; the last of them says nothing against a shopper.
marks = maybe(st.sampled_from([["bot"], ["fast"], ["trap", "fast"], ["burst", "unknown_version"], ["paused_question"]]))

about_search = event(
    ["question.shown", "question.dismissed", "answer.given"],
    question=st.just("search-found"), answer=answer_ids,
    value=maybe(st.sampled_from(["yes", "no", "maybe"])), text=maybe(st.sampled_from(["one", "two"])),
    page=maybe(st.sampled_from([{"lang": "lv-LV"}, {"lang": "en"}, {"url": "https://shop.example/"}])),
    search=maybe(st.sampled_from([{"query": "Red  chair"}, {"query": "red chair"}, {"query": "lamp"}])),
    placement=maybe(st.just("search")), marks=marks,
)  # fmt: skip
about_order = event(
    ["question.shown", "answer.given"],
    question=st.just("order-rating"), answer=maybe(answer_ids), value=maybe(st.sampled_from([1, 4, 5, 9])),
    text=maybe(st.just("fast")), order=maybe(orders), product=maybe(products), marks=marks,
)  # fmt: skip
imported = event(
    ["answer.given"],
    question=st.just("order-rating"), row=st.sampled_from(["r1", "r2"]), revision=st.sampled_from([5, 6, 7]),
    value=st.sampled_from([1, 2, 3]), text=maybe(st.just("from a file")), order=maybe(orders),
)  # fmt: skip
line = st.builds(lambda name, product: {"line": name, "product": product}, st.sampled_from(["1", "2"]), products)
order_changes = event(
    ["order.placed", "order.updated", "order.refunded"],
    order=st.fixed_dictionaries(
        {"ref": st.sampled_from(["A", "B"])},
        optional={
            "lines": st.lists(line, max_size=2, unique_by=lambda one: one["line"]), "partial": st.booleans(),
            "total": st.sampled_from(["10.00", "740.50"]), "refunded": st.sampled_from(["4.00", "10.00"]),
            "currency": st.sampled_from(["EUR", "SEK"]), "status": st.sampled_from(["processing", "completed", "cancelled"]),
            "placed_at": st.sampled_from(["2025-11-30T21:59:59.000Z", "2025-11-30T22:00:00.000Z"]),
        },
    ),
)  # fmt: skip
keys = st.one_of(
    answer_ids.map(lambda name: f"browser:{name}"), st.sampled_from(["order:A", "order:A:1", "order:B", "import:r1"])
)
hidings = event(
    ["answer.quarantined", "answer.released", "answer.quarantined", "answer.released", "answer.removed"],
    question=st.sampled_from(["search-found", "order-rating"]), key=keys, reason=st.just("spam"),
)  # fmt: skip
skips = event(
    ["question.skipped"],
    question=st.just("search-found"), reason=st.sampled_from(["cap", "typing", "made up", "more made up"]),
    placement=maybe(st.just("search")), marks=marks,
)  # fmt: skip
searches = event(
    ["search.performed", "result.clicked"],
    search=st.fixed_dictionaries(
        {"query": st.sampled_from(["Lamp", "lamp ", "red chair"])}, optional={"results": st.sampled_from([0, 3])}
    ),
)  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Sends, some of them of the same event, in any order."""
    # Some kinds only, so that events about the same thing are many.
    every = [about_search, about_order, imported, order_changes, hidings, searches, skips]
    about_orders = [about_order, imported, order_changes]
    any_event = st.one_of(draw(st.sampled_from([every, every, about_orders, [about_search, hidings], [about_order, order_changes]])))
    events = draw(st.lists(any_event, min_size=draw(st.sampled_from([1, 12])), max_size=25, unique_by=lambda one: one["id"]))
    repeats = draw(st.lists(st.sampled_from(events), max_size=10))
    return draw(st.permutations(events + repeats))


def check(database: Database, sends: list[dict[str, Any]], seed: int) -> None:
    """Sent in this order and, in another shop, in another order: the same tables, and those of the oracle."""
    shuffled = random.Random(seed)
    found = []
    for order in (sends, shuffled.sample(sends, len(sends))):
        with database.writing() as conn:
            shop = shops.create(conn, f"Shop {next(_names)}", "shop.example", ZONE)
        left = [envelope(shop.id, event) for event in order]
        while left:
            size = shuffled.choice([1, 2, 5, len(left)])
            process(database, left[:size])
            left = left[size:]
        assert list(verify(database, shop.id)) == []
        with database.reading() as conn:

            def run(sql: str, conn: Any = conn) -> list[Any]:
                return [tuple(row) for row in conn.execute(text(sql))]

            tables = oracle.stored_answers(run, shop.id), oracle.stored_counters(run, shop.id)
            state = sorted(run(f"SELECT question, key, updated_at, query_key, order_ref FROM answers WHERE shop = '{shop.id}'"))
            found.append((*tables, state))
    assert found[0][1:] == found[1][1:]
    wanted = oracle.recount(sends, ZONE)
    assert found[0][1] == wanted.counters
    assert oracle.same_answers(found[0][0], wanted)
    assert oracle.same_answers(found[1][0], wanted)


# Every try writes to a disk, so that shrinking a failure would take minutes.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
_SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@given(histories(), st.integers(0, 1000))
@settings(max_examples=100, deadline=None, phases=PHASES, suppress_health_check=_SHARED)
def test_any_order_of_sends_ends_alike(sqlite_database: Database, sends: list[dict[str, Any]], seed: int) -> None:
    check(sqlite_database, sends, seed)


@pytest.mark.postgres
@given(histories(), st.integers(0, 1000))
@settings(max_examples=15, deadline=None, phases=PHASES, suppress_health_check=_SHARED)
def test_any_order_of_sends_ends_alike_on_postgres(postgres_url: str, sends: list[dict[str, Any]], seed: int) -> None:
    database = Database(postgres_url, "tests-only-secret-key-0123456789")
    try:
        check(database, sends, seed)
    finally:
        database.close()


def test_the_oracle_itself_on_a_case_that_was_counted_by_hand() -> None:
    name = str(uuid.uuid4())
    parts = [
        {"id": "1", "type": "question.shown", "at": NOW, "question": "search-found", "answer": name},
        {"id": "2", "type": "answer.given", "at": NOW + 1, "question": "search-found", "answer": name, "value": "yes"},
        {"id": "3", "type": "answer.given", "at": NOW + 2, "question": "search-found", "answer": name, "value": "no"},
    ]
    shown = ("search-found", "shown", "unverified", "total", "", "")
    answered = ("search-found", "answers", "unverified", "total", "", "no")
    starts = [("day", "2025-11-22"), ("month", "2025-11"), ("all", "")]
    wanted = {(*row, *start): 1 for row in (shown, answered) for start in starts}
    assert oracle.recount([parts[2], parts[1], parts[0], parts[2]], ZONE).counters == wanted
