"""What an owner assumes because nobody can count it: the share of searches that end in an order. Owner of `assumptions`."""

from sqlalchemy import BigInteger, Column, Connection, Integer, Table, select

from widget_server.contract.demand import Conversion

from .db import Key, metadata, put
from .taking import Taken

_assumptions = Table(
    "assumptions",
    metadata,
    Column("shop", Key, primary_key=True),
    # In parts of `demand.WHOLE`.
    Column("search_conversion", Integer, nullable=False),
    Column("changed", BigInteger, nullable=False),
)
taken = Taken(_assumptions, (), ("search_conversion", "changed"))


def conversion(conn: Connection, shop: str) -> Conversion:
    """What the owner has set, or what holds until then."""
    parts = conn.execute(select(_assumptions.c.search_conversion).where(_assumptions.c.shop == shop)).scalar()
    return Conversion() if parts is None else Conversion(parts, own=True)


def set_conversion(conn: Connection, shop: str, parts: int, now: int) -> None:
    """From now on; what is shown of the past changes with it."""
    put(conn, _assumptions, [{"shop": shop, "search_conversion": parts, "changed": now}])
