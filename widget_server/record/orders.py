"""Orders and their lines, as their platforms and imports tell them."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Column, Connection, Index, Row, Select, Table, Text, select, union_all

from widget_server.contract.answer import Stamp, dump_registers, load_registers
from widget_server.contract.order import Order

from .db import Key, among, metadata, put

_orders = Table(
    "orders",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("ref", Key, primary_key=True),
    Column("status", Text),
    Column("customer", Text),
    Column("placed_at", Text),
    Column("state", Text, nullable=False),
)
Index(
    "orders_of_customer", _orders.c.shop, _orders.c.customer, _orders.c.placed_at,
    sqlite_where=_orders.c.customer.is_not(None), postgresql_where=_orders.c.customer.is_not(None),
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
    """Whose order it is, as the shop's platform or file names customers; None when nobody said."""
    return conn.execute(select(_orders.c.customer).where(_orders.c.shop == shop, _orders.c.ref == ref)).scalar()


def newest_of(conn: Connection, shop: str, customers: Sequence[str], each: int) -> list[str]:
    """References of the `each` newest orders of each of `customers`."""
    rows = conn.execute(union_all(*(_newest_of(shop, customer, each) for customer in customers)))
    return [row.ref for row in rows]


def _newest_of(shop: str, customer: str, each: int) -> Select[tuple[str]]:
    c = _orders.c
    wanted = select(c.ref).where(c.shop == shop, c.customer == customer).order_by(c.placed_at.desc()).limit(each)
    return select(wanted.subquery().c.ref)


def _row(order: Order) -> dict[str, Any]:
    whole = None if order.whole is None else list(order.whole)
    state = {"h": dump_registers(order.registers), "l": dump_registers(order.lines), "w": whole}
    return {
        "shop": order.shop, "ref": order.ref, "status": order.get("status"), "customer": order.get("customer"),
        "placed_at": order.get("placed_at"), "state": orjson.dumps(state).decode(),
    }  # fmt: skip


def _order(row: Row[Any]) -> Order:
    state = orjson.loads(row.state)
    whole = None if state["w"] is None else Stamp(*state["w"])
    return Order(row.shop, row.ref, load_registers(state["h"]), load_registers(state["l"]), whole)
