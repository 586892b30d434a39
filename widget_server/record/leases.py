"""Who acts at the moment: a name, its holder, and until when. Owner of the table `leases`.

A holder that dies keeps others away only until its lease ends.
"""

from sqlalchemy import BigInteger, Column, Connection, String, Table, and_, or_, select, update

from .db import Key, insert_ignore, metadata

_leases = Table(
    "leases",
    metadata,
    Column("name", Key, primary_key=True),
    Column("owner", String, nullable=False),
    Column("until", BigInteger, nullable=False),
)


def take(conn: Connection, name: str, owner: str, now: int, length: int) -> bool:
    """Hold `name` for `length` ms from `now`: true when it was free, over, or held by `owner` already."""
    insert_ignore(conn, _leases, [{"name": name, "owner": "", "until": 0}])
    free = or_(_leases.c.owner == owner, _leases.c.until <= now)
    taken = conn.execute(
        update(_leases).where(and_(_leases.c.name == name, free)).values(owner=owner, until=now + length)
    )
    return bool(taken.rowcount)


def left(conn: Connection, name: str, owner: str, now: int) -> int:
    """How many ms `owner` still holds `name`; negative, as long as another holds it; 0 when it is free."""
    row = conn.execute(select(_leases.c.owner, _leases.c.until).where(_leases.c.name == name)).first()
    if row is None or row.until <= now:
        return 0
    return int(row.until - now) if row.owner == owner else int(now - row.until)


def free(conn: Connection, name: str, owner: str) -> None:
    """Let others have `name` at once."""
    mine = and_(_leases.c.name == name, _leases.c.owner == owner)
    conn.execute(update(_leases).where(mine).values(until=0))
