"""Whom nothing is sent to at present, and until when: endpoints and connections alike. Owner of the table `holds`.

Who failed five times in a row is held back for a minute, then tried with one message, and held back twice as long each
time that fails, up to a quarter of an hour; the first success lets everything flow. So one that is dead costs one
request a quarter of an hour, however much waits for it. Who asks for time gets it, whoever else succeeds meanwhile. A
paused one is held until it is resumed. Whoever works has no row here, so looking costs little.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, Integer, Table, delete, select, update

from .db import Key, metadata, put

AFTER = 5  # failures in a row
SHORTEST = 60 * 1000  # ms
LONGEST = 15 * 60 * 1000
# The time of a pause. Nobody can ask for so much.
FOR_GOOD = 2**62

_holds = Table(
    "holds",
    metadata,
    Column("id", Key, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("until", BigInteger, nullable=False),  # 0: not for its failures
    Column("asked", BigInteger, nullable=False),  # 0: it did not ask for time
)
_c = _holds.c


@dataclass(frozen=True, slots=True)
class Held:
    """`shut` get nothing now; `single` had their time and get one message to try."""

    shut: frozenset[str]
    single: frozenset[str]


def at(conn: Connection, now: int) -> Held:
    """All that are held back at this moment."""
    rows = conn.execute(select(_c.id, _c.until, _c.asked).where((_c.until > 0) | (_c.asked > 0))).all()
    shut = frozenset(row.id for row in rows if max(row.until, row.asked) > now)
    return Held(shut, frozenset(row.id for row in rows) - shut)


def until(conn: Connection, ids: Collection[str], now: int) -> dict[str, int]:
    """When the next message may go to those of `ids` that are shut; who is paused is not among them."""
    if not ids:
        return {}
    rows = conn.execute(select(_c.id, _c.until, _c.asked).where(_c.id.in_(sorted(ids)), _c.asked < FOR_GOOD))
    return {row.id: last for row in rows if (last := max(row.until, row.asked)) > now}


def try_one(conn: Connection, ids: Iterable[str], now: int, until: int) -> set[str]:
    """Shut again those of `ids` whose time is over, until the outcome of one message is known. Returns those that
    nobody else was faster to try."""
    won: set[str] = set()
    for each in sorted(ids):
        over = (_c.id == each) & (_c.until <= now) & (_c.asked <= now)
        won.update(conn.execute(update(_holds).where(over).values(until=until).returning(_c.id)).scalars())
    return won


def failed(conn: Connection, held: str, now: int, asked: int | None = None) -> None:
    """It failed once more, and perhaps asked for so many ms."""
    row = conn.execute(select(_holds).where(_c.id == held).with_for_update()).first()
    failures, shut, wanted = (row.failures + 1, row.until, row.asked) if row is not None else (1, 0, 0)
    if failures >= AFTER:
        shut = max(shut, now + min(LONGEST, SHORTEST << min(failures - AFTER, 10)))
    if asked:
        wanted = max(wanted, now + asked)
    put(conn, _holds, [{"id": held, "failures": failures, "until": shut, "asked": wanted}])


def worked(conn: Connection, ids: Iterable[str], now: int) -> None:
    """It took a message: forget how often it failed. The time it asked for stays its own."""
    _forget(conn, sorted(set(ids)), now)


def forget(conn: Connection, ids: Iterable[str]) -> None:
    """Treat them as if they had never failed or asked for time; who is paused stays so."""
    _forget(conn, sorted(set(ids)), FOR_GOOD - 1)


def hurry(conn: Connection, held: str, now: int) -> None:
    """Let one message go there now, unless it is paused."""
    mine = (_c.id == held) & (_c.asked < FOR_GOOD)
    conn.execute(update(_holds).where(mine, _c.until > now).values(until=now))
    conn.execute(update(_holds).where(mine, _c.asked > now).values(asked=now))


def pause(conn: Connection, held: str) -> None:
    """Send nothing there until `resume`."""
    put(conn, _holds, [{"id": held, "failures": 0, "until": 0, "asked": FOR_GOOD}])


def resume(conn: Connection, ids: Iterable[str]) -> None:
    """Let everything flow."""
    conn.execute(delete(_holds).where(_c.id.in_(sorted(set(ids)))))


def _forget(conn: Connection, ids: list[str], now: int) -> None:
    mine = _c.id.in_(ids)
    conn.execute(delete(_holds).where(mine, _c.asked <= now))
    conn.execute(update(_holds).where(mine).values(failures=0, until=0))
