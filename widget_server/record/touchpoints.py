"""Touchpoints as a shop's owner has arranged them; a shop without any has the built-in ones (contract/journey.py)."""

from collections.abc import Sequence

from sqlalchemy import Column, Connection, Integer, Table, Text, delete, select

from widget_server.contract.journey import MOST_TOUCHPOINTS, STAGES, Touchpoint, arranged
from widget_server.contract.shop import Shop

from .db import Key, lock_shops, metadata
from .taking import Taken

_touchpoints = Table(
    "touchpoints",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("name", Key, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("stage", Key, nullable=False),
    Column("title", Text, nullable=False),
)
taken = Taken(_touchpoints, ("name",), ("name", "place", "stage", "title"))


def of_shop(conn: Connection, shop: Shop) -> list[Touchpoint]:
    """All touchpoints of a shop in the order of the journey, those included that only a question names."""
    newest = [versions[-1] for versions in shop.questions.values()]
    return arranged(_saved(conn, shop.id), [question for question in newest if not question.deleted])


def replace(conn: Connection, shop: str, touchpoints: Sequence[Touchpoint]) -> None:
    """What the owner has arranged, in place of what was there before."""
    if len(touchpoints) > MOST_TOUCHPOINTS or any(one.stage not in STAGES for one in touchpoints):
        raise ValueError(f"At most {MOST_TOUCHPOINTS} touchpoints, each in one of the stages.")
    lock_shops(conn, [shop])
    conn.execute(delete(_touchpoints).where(_touchpoints.c.shop == shop))
    rows = [
        {"shop": shop, "name": one.name, "place": place, "stage": one.stage, "title": one.title}
        for place, one in enumerate(touchpoints)
    ]
    if rows:
        conn.execute(_touchpoints.insert(), rows)


def _saved(conn: Connection, shop: str) -> list[Touchpoint]:
    c = _touchpoints.c
    rows = conn.execute(select(c.name, c.stage, c.title).where(c.shop == shop).order_by(c.place, c.name))
    return [Touchpoint(row.name, row.stage, row.title) for row in rows]
