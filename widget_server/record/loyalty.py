"""What a shop has set about points: return window, expiry and rewards. Owner of the table `loyalty`.

`expired_until` is how far the clock has looked for points that are over.
"""

from sqlalchemy import BigInteger, Column, Connection, Table, Text, select

from widget_server.contract.loyalty import Loyalty

from .db import Key, metadata, put
from .taking import Taken

FIRST = Loyalty()
"""That of a shop that has set nothing."""

_loyalty = Table(
    "loyalty",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("settings", Text, nullable=False),
    Column("expired_until", BigInteger, nullable=False),
)
taken = Taken(_loyalty, (), ("settings",), left=("expired_until",))


def of_shop(conn: Connection, shop: str) -> Loyalty:
    """What the shop has set, or what holds until it does."""
    text = conn.execute(select(_loyalty.c.settings).where(_loyalty.c.shop == shop)).scalar()
    return FIRST if text is None else Loyalty.from_json(text)


def replace(conn: Connection, shop: str, settings: Loyalty) -> None:
    """This, in place of all that was set before. Lines that were written stay as they are."""
    mark = _mark(conn, shop)
    put(conn, _loyalty, [{"shop": shop, "settings": settings.to_json(), "expired_until": mark}])


def with_points(conn: Connection) -> list[tuple[str, int]]:
    """Every shop that has set something, and how far the clock has looked there."""
    rows = conn.execute(select(_loyalty.c.shop, _loyalty.c.expired_until).order_by(_loyalty.c.shop))
    return [(row.shop, row.expired_until) for row in rows]


def looked(conn: Connection, shop: str, until: int) -> None:
    """The clock has looked for what was over up to `until`."""
    conn.execute(_loyalty.update().where(_loyalty.c.shop == shop).values(expired_until=until))


def _mark(conn: Connection, shop: str) -> int:
    return conn.execute(select(_loyalty.c.expired_until).where(_loyalty.c.shop == shop)).scalar() or 0
