"""Recounting: what the answers and the log say, against what the counters say; and the counters made anew from them.
Points and coupons: verify_points."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection

from widget_server.contract.answer import skipped
from widget_server.contract.shop import Shop
from widget_server.record import (
    answer_products,
    answer_texts,
    answers,
    counters,
    eventlog,
    orders,
    searches,
    shops,
)
from widget_server.record.answer_products import About, Place
from widget_server.record.db import Database, lock_shops

from . import verify_points
from .pipeline import count_order, counts_of, search_counts, spellings, trust

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that says something else than a recount. `row` names it in words."""

    shop: str
    row: str
    stored: int
    counted: int


def verify(database: Database, shop_id: str | None = None) -> Iterator[Difference]:
    """Every difference, shop by shop, each shop in one snapshot, so that writers may go on beside it."""
    with database.reading() as conn:
        wanted = [shop for shop in shops.every(conn) if shop_id in (None, shop.id)]
    for shop in wanted:
        with database.reading() as conn:
            # Read again inside the snapshot: the time zone must be that of the counters.
            present = shops.by_id(conn, shop.id)
            if present is not None:
                yield from _verify_shop(conn, present)


def rebuild(database: Database, shop_id: str | None = None, time_zone: str | None = None) -> int:
    """Make the counters, and what answers are found by, anew from answers and log, each shop in one transaction; with a
    new time zone, when given.

    Returns the number of shops.
    """
    with database.reading() as conn:
        wanted = [shop.id for shop in shops.every(conn) if shop_id in (None, shop.id)]
    with database.writing() as conn:
        answer_texts.reindex(conn)
    for name in wanted:
        with database.writing() as conn:
            lock_shops(conn, [name])
            if time_zone is not None:
                shops.set_time_zone(conn, name, time_zone)
            shop = shops.by_id(conn, name)
            if shop is not None:
                changes, spelled = recount(conn, shop)
                counters.forget(conn, name)
                searches.forget(conn, name)
                counters.add(conn, name, changes)
                searches.add(conn, name, spelled)
                _rebuild_texts(conn, name)
                _rebuild_products(conn, name)
    return len(wanted)


def _rebuild_texts(conn: Connection, shop: str) -> None:
    answer_texts.forget(conn, shop)
    pages = answers.with_text(conn, shop)
    while page := list(islice(pages, _AT_ONCE)):
        answer_texts.save(conn, page)


def _rebuild_products(conn: Connection, shop: str) -> None:
    answer_products.forget(conn, shop)
    found = _products(conn, shop)
    while page := dict(islice(found, _AT_ONCE)):
        answer_products.save(conn, shop, {}, page)


def _products(conn: Connection, shop: str) -> Iterator[tuple[About, Place]]:
    """What every answer of a shop is about, in the order of key, question and product."""
    pages = answers.of_shop(conn, shop)
    while page := list(islice(pages, _AT_ONCE)):
        known = orders.load(conn, shop, sorted({answer.order for answer in page if answer.order is not None}))
        for answer in page:
            order = None if answer.order is None else known.get(answer.order)
            yield from sorted(answer_products.of(answer, () if order is None else order.present_lines()).items())


def recount(conn: Connection, shop: Shop) -> tuple[dict[counters.Change, int], dict[tuple[str, str], int]]:
    """What every answer, order and search of `shop` counts for, added up; and how queries are spelled."""
    found: dict[counters.Change, int] = defaultdict(int)
    pages = answers.of_shop(conn, shop.id)
    while page := [answer for _, answer in zip(range(_AT_ONCE), pages, strict=False)]:
        known = orders.load(conn, shop.id, sorted({answer.order for answer in page if answer.order is not None}))
        for answer in page:
            for count, n in counts_of(answer, known, shop.time_zone).items():
                found[answer.question, trust(answer), count] += n
    for order in orders.of_shop(conn, shop.id):
        count_order(order, shop, +1, found)
    spelled: dict[tuple[str, str], int] = defaultdict(int)
    for event in eventlog.of_shop(conn, shop.id, ("search.performed", "result.clicked", "question.skipped")):
        for count in search_counts(event, shop.time_zone):
            found[counters.SEARCHES, "unverified", count] += 1
        for count in skipped(event, shop.time_zone):
            found[event["question"], "unverified", count] += 1
        for pair in spellings(event):
            spelled[pair] += 1
    return found, spelled


def _verify_shop(conn: Connection, shop: Shop) -> Iterator[Difference]:
    counted, spelled = recount(conn, shop)
    for one in counters.differences(conn, shop.id, counted):
        when = one.start or "all time"
        named = f"{one.dimension} {one.key}".strip()
        question = one.question or "searches"
        row = f"counter {one.counter} of {question}, {one.trust}, {named}, bucket {one.bucket or '-'}, {when}"
        yield Difference(shop.id, row, one.stored, one.counted)
    present = searches.stored(conn, shop.id)
    for key, text in sorted(set(present) | set(spelled)):
        stored_n, counted_n = present.get((key, text), 0), spelled.get((key, text), 0)
        if stored_n != counted_n:
            yield Difference(shop.id, f'spelling "{text}" of the query "{key}"', stored_n, counted_n)
    for written in answer_texts.differences(conn, shop.id, answers.with_text(conn, shop.id)):
        row = f"words of the answer {written.key} to {written.question}"
        yield Difference(shop.id, row, written.stored, written.counted)
    for one_of in answer_products.differences(conn, shop.id, _products(conn, shop.id)):
        key, question, product = one_of.about
        row = f"the product {product} of the answer {key} to {question}"
        yield Difference(shop.id, row, one_of.stored, one_of.counted)
    for row, stored_n, counted_n in verify_points.verify(conn, shop):
        yield Difference(shop.id, row, stored_n, counted_n)
