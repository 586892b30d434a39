"""What needs the owner, on every page: open cases, what was switched off, failed for good, or was set aside.

A few counts by an index, none of which grows with what a shop has; on the pages where it is told anyway there is nothing.
"""

import time
from dataclasses import dataclass

import structlog
from flask import Flask, session
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from widget_server.record import cases, connections, endpoints, outbox, setaside

from ._page import Visit

log = structlog.get_logger(__name__)

SEEN = "failures_seen"
MOST = 99
_RECENT = 7 * 24 * 3600 * 1000


@dataclass(frozen=True)
class Attention:
    """How many endpoints and connections were switched off, messages given up lately, and entries set aside."""

    off: int
    failed: int
    aside: int

    @property
    def is_needed(self) -> bool:
        return bool(self.off or self.failed or self.aside)


def attention(visit: Visit) -> Attention | None:
    """None where there is nothing to say, or nobody who could do something; also while the database is away, as the page
    that says so has a frame too."""
    if visit.is_sample or not visit.member.may("editor"):
        return None
    since = max(time.time_ns() // 1_000_000 - _RECENT, _seen(visit.shop.id))
    try:
        with visit.reading() as conn:
            found = _read(conn, visit.shop.id, since)
    except DBAPIError as error:
        log.warning("attention_not_read", error=type(error).__name__)
        return None
    return found if found.is_needed else None


def open_cases(visit: Visit) -> int:
    """For the menu; at most one more than `MOST`."""
    try:
        with visit.reading() as conn:
            return cases.how_many_open(conn, visit.shop.id, MOST + 1)
    except DBAPIError as error:
        log.warning("cases_not_counted", error=type(error).__name__)
        return 0


def _read(conn: Connection, shop: str, since: int) -> Attention:
    off = endpoints.disabled(conn, shop) + connections.stopped(conn, shop)
    return Attention(off, outbox.given_up(conn, shop, since, MOST + 1), setaside.of_shop(conn, shop))


def install(app: Flask) -> None:
    """For the layout."""
    app.jinja_env.globals.update(attention=attention, open_cases=open_cases, MOST_FAILED=MOST)


def _seen(shop: str) -> int:
    """Until when whoever sits at this browser has said that they know."""
    kept = session.get(SEEN)
    found = kept.get(shop) if isinstance(kept, dict) else None
    return found if isinstance(found, int) else 0
