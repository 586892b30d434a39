"""Orders and their lines, as their platforms and imports tell them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Row,
    Select,
    Table,
    Text,
    and_,
    func,
    or_,
    select,
    union_all,
)

from widget_server.contract.order import Order, OrderStamp, dump_registers, facts, load_registers

from .db import Key, among, metadata, put

_PAGE = 2000

_orders = Table(
    "orders",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("ref", Key, primary_key=True),
    # As `contract.order.OrderFacts` says them.
    Column("customer", Key),
    Column("placed_at", BigInteger),
    Column("completed_at", BigInteger),
    Column("cancelled", Boolean, nullable=False),
    Column("state", Text, nullable=False),
)
Index(
    "orders_of_customer", _orders.c.shop, _orders.c.customer, _orders.c.placed_at,
    sqlite_where=_orders.c.customer.is_not(None), postgresql_where=_orders.c.customer.is_not(None),
)  # fmt: skip
Index(
    "orders_completed", _orders.c.shop, _orders.c.completed_at, _orders.c.ref,
    sqlite_where=_orders.c.completed_at.is_not(None), postgresql_where=_orders.c.completed_at.is_not(None),
)  # fmt: skip


def load(conn: Connection, shop: str, refs: Iterable[str]) -> dict[str, Order]:
    """The orders among `refs` that are known, by reference."""
    wanted = list(refs)
    if not wanted:
        return {}
    rows = conn.execute(select(_orders).where(_orders.c.shop == shop, among(conn, _orders.c.ref, wanted)))
    return {row.ref: _order(row) for row in rows}


def save(conn: Connection, orders: Iterable[Order]) -> None:
    """Write the present state of `orders`."""
    put(conn, _orders, [_row(order) for order in orders])


def customer_of(conn: Connection, shop: str, ref: str) -> str | None:
    """Whose order it is, as `OrderFacts` names customers; None when nobody said."""
    return conn.execute(select(_orders.c.customer).where(_orders.c.shop == shop, _orders.c.ref == ref)).scalar()


def newest_of(conn: Connection, shop: str, customers: Sequence[str], each: int) -> list[str]:
    """References of the `each` newest orders of each of `customers`."""
    rows = conn.execute(union_all(*(_newest_of(shop, customer, each) for customer in customers)))
    return [row.ref for row in rows]


def of_customers(conn: Connection, shop: str, customers: Iterable[str], limit: int) -> list[Order]:
    """Orders of any of `customers`, at most `limit`, the newest first."""
    c = _orders.c
    chosen = select(_orders).where(c.shop == shop, among(conn, c.customer, customers))
    newest = chosen.order_by(c.placed_at.desc(), c.ref.desc()).limit(limit)
    return [_order(row) for row in conn.execute(newest)]


def refs_of_customers(conn: Connection, shop: str, customers: Iterable[str]) -> list[str]:
    """References of all orders of `customers`."""
    c = _orders.c
    chosen = select(c.ref).where(c.shop == shop, among(conn, c.customer, customers))
    return list(conn.execute(chosen.order_by(c.ref)).scalars())


def last_of(conn: Connection, shop: str, customers: Iterable[str]) -> dict[str, tuple[int, str]]:
    """When each of `customers` placed their newest order that is not cancelled, and its reference."""
    c = _orders.c
    row_number = func.row_number().over(partition_by=c.customer, order_by=(c.placed_at.desc(), c.ref.desc()))
    ranked = (
        select(c.customer, c.placed_at, c.ref, row_number.label("nth"))
        .where(
            c.shop == shop, among(conn, c.customer, customers), c.cancelled.is_(False), c.placed_at.is_not(None)
        )
        .subquery()
    )
    chosen = select(ranked.c.customer, ranked.c.placed_at, ranked.c.ref).where(ranked.c.nth == 1)
    return {row.customer: (row.placed_at, row.ref) for row in conn.execute(chosen)}


def completed(
    conn: Connection, shop: str, start: int, end: int | None, after: tuple[int, str] | None, limit: int
) -> list[Order]:
    """Orders completed in [`start`, `end`) (ms), oldest first, also those since cancelled.

    `after` is (completed_at, ref) of the last of the page before.
    """
    c = _orders.c
    where = [c.shop == shop, c.completed_at >= start]
    if end is not None:
        where.append(c.completed_at < end)
    if after is not None:
        where.append(or_(c.completed_at > after[0], and_(c.completed_at == after[0], c.ref > after[1])))
    chosen = select(_orders).where(*where).order_by(c.completed_at, c.ref).limit(limit)
    return [_order(row) for row in conn.execute(chosen)]


def page(conn: Connection, shop: str, after: str, limit: int) -> list[Order]:
    """The next orders of a shop after the reference `after`, in the order of their references."""
    c = _orders.c
    chosen = select(_orders).where(c.shop == shop, c.ref > after).order_by(c.ref).limit(limit)
    return [_order(row) for row in conn.execute(chosen)]


def of_shop(conn: Connection, shop: str) -> Iterator[Order]:
    """Every order of a shop, page by page."""
    after = ""
    while found := page(conn, shop, after, _PAGE):
        yield from found
        after = found[-1].ref


def _newest_of(shop: str, customer: str, each: int) -> Select[tuple[str]]:
    c = _orders.c
    wanted = select(c.ref).where(c.shop == shop, c.customer == customer).order_by(c.placed_at.desc()).limit(each)
    return select(wanted.subquery().c.ref)


def _row(order: Order) -> dict[str, Any]:
    now = facts(order)
    whole = None if order.whole is None else list(order.whole)
    state = {
        "h": dump_registers(order.registers), "l": dump_registers(order.lines), "w": whole,
        "f": dump_registers(order.firsts),
    }  # fmt: skip
    return {
        "shop": order.shop, "ref": order.ref, "customer": now.customer, "placed_at": now.placed_at,
        "completed_at": now.completed_at, "cancelled": now.state == "cancelled",
        "state": orjson.dumps(state).decode(),
    }  # fmt: skip


def _order(row: Row[Any]) -> Order:
    state = orjson.loads(row.state)
    whole = None if state["w"] is None else OrderStamp(*state["w"])
    registers, lines, firsts = (load_registers(state[name]) for name in ("h", "l", "f"))
    return Order(row.shop, row.ref, registers, lines, whole, firsts)
