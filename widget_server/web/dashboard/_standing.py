"""How it stands with an endpoint or a connection: a name for it, since when, what that means, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask_babel import gettext, ngettext, pgettext
from sqlalchemy import Connection

from widget_server.contract.times import parse_time
from widget_server.record import connections as connections_record
from widget_server.record import endpoints as endpoints_record
from widget_server.record import holds, outbox
from widget_server.record.connections import ShopConnection
from widget_server.record.endpoints import Endpoint

from . import _troubles
from ._formats import ago, moment, number
from ._troubles import Trouble

# Of so many that have troubles these are told; more than a shop-keeper reads at once.
_TOLD = 10
_MOST_WAITING = 1000


@dataclass(frozen=True)
class Standing:
    """`name` is healthy, doubtful, paused or off; `tone` its colour. `trouble` is the last one, `waiting` how much waits."""

    name: str
    title: str
    tone: str
    since: int | None
    what: str
    todo: str
    trouble: Trouble | None = None
    trouble_at: int | None = None
    waiting: str = ""
    problems: tuple[Trouble, ...] = ()

    @property
    def is_sent_to(self) -> bool:
        """Whether messages go there now."""
        return self.name in ("healthy", "doubtful")


@dataclass(frozen=True)
class Told:
    """What was read beside the row itself."""

    holds: Mapping[str, int]
    failures: Mapping[str, outbox.Attempt]
    waiting: Mapping[str, int]


def of_endpoints(conn: Connection, shop: str, found: list[Endpoint], now: int) -> dict[str, Standing]:
    """By id."""
    troubled = [e.id for e in found if e.failing_since is not None or e.disabled_at is not None or e.paused_at is not None]
    told = _told(conn, shop, troubled[:_TOLD], now)
    return {each.id: of_endpoint(each, told) for each in found}


def of_connections(conn: Connection, shop: str, found: list[ShopConnection], now: int) -> dict[str, Standing]:
    """By id."""
    troubled = [each.id for each in found if each.failing_since is not None or each.paused is not None]
    told = _told(conn, shop, troubled[:_TOLD], now)
    return {each.id: of_connection(each, told) for each in found}


def _told(conn: Connection, shop: str, ids: list[str], now: int) -> Told:
    failures = {name: failed for name in ids if (failed := outbox.last_failure(conn, shop, name)) is not None}
    waiting = {name: outbox.waiting(conn, name, _MOST_WAITING + 1) for name in ids}
    return Told(holds.until(conn, ids, now), failures, waiting)


def of_endpoint(endpoint: Endpoint, told: Told) -> Standing:
    failed = told.failures.get(endpoint.id)
    trouble = _trouble(failed)
    at, waiting = None if failed is None else failed.at, _waiting(told.waiting.get(endpoint.id, 0))
    if endpoint.disabled_at is not None:
        return _off(endpoint, trouble, at)
    if endpoint.paused_at is not None:
        return Standing(
            "paused", pgettext("a webhook", "Paused"), "warn", endpoint.paused_at,
            gettext("Nothing is sent there. What comes meanwhile is kept."),
            gettext("Resume it by %(when)s; after that it is switched off.", when=moment(endpoint.paused_at + endpoints_record.FORGOTTEN)),
            trouble, at, waiting,
        )  # fmt: skip
    if endpoint.failing_since is None:
        return _healthy()
    return Standing(
        "doubtful", pgettext("a webhook", "Doubtful"), "warn", endpoint.failing_since,
        gettext("It has taken nothing since then."), _goes_on(endpoint.id, endpoint.failing_since + endpoints_record.GIVE_UP, told),
        trouble, at, waiting,
    )  # fmt: skip


def _off(endpoint: Endpoint, trouble: Trouble | None, at: int | None) -> Standing:
    reason = endpoint.disabled_reason or ""
    why = _troubles.explain(reason)
    is_gone = reason not in (endpoints_record.SILENT, endpoints_record.LEFT_PAUSED)
    todo = why.todo if is_gone else gettext("Put right what is wrong, then switch it on. What failed meanwhile can be sent again.")
    title = pgettext("a webhook", "Gone") if is_gone else pgettext("a webhook", "Switched off")
    # What it said when it left is its last trouble; no need to say it twice.
    return Standing("off", title, "bad", endpoint.disabled_at, why.what, todo, None if is_gone else trouble, at)


def of_connection(connection: ShopConnection, told: Told) -> Standing:
    failed = told.failures.get(connection.id)
    trouble = _trouble(failed)
    at, waiting = None if failed is None else failed.at, _waiting(told.waiting.get(connection.id, 0))
    problems = problems_of(connection)
    if connection.paused is not None:
        by_owner = connection.paused == connections_record.BY_OWNER
        why = _troubles.explain(connection.paused)
        return Standing(
            "paused" if by_owner else "off", pgettext("a connection", "Paused") if by_owner else pgettext("a connection", "Stopped"),
            "warn" if by_owner else "bad",
            connection.paused_at, why.what,
            gettext("What is owed to customers is kept and made once you resume it.") if by_owner
            else gettext("Put right what is wrong, then resume it. Nothing that is owed is lost; it waits."),
            None if by_owner else trouble, at, waiting, problems,
        )  # fmt: skip
    if connection.failing_since is not None:
        return Standing(
            "doubtful", pgettext("a connection", "Doubtful"), "warn", connection.failing_since, gettext("It has taken nothing since then."),
            _goes_on(connection.id, connection.failing_since + connections_record.GIVE_UP, told), trouble, at, waiting, problems,
        )  # fmt: skip
    if problems:
        return Standing(
            "doubtful", pgettext("a connection", "Doubtful"), "warn", checked_at(connection), gettext("Something is not as it should be there."),
            "", problems=problems,
        )  # fmt: skip
    return _healthy()


def problems_of(connection: ShopConnection) -> tuple[Trouble, ...]:
    """What was found wrong when it was last looked at."""
    return tuple(_troubles.problem(each) for each in _health(connection).get("problems", ()))


def checked_at(connection: ShopConnection) -> int | None:
    """When it was last looked at."""
    return parse_time(str(_health(connection).get("checked_at", "")))


def _health(connection: ShopConnection) -> dict[str, Any]:
    found: dict[str, Any] = {} if connection.health is None else orjson.loads(connection.health)
    return found


def _healthy() -> Standing:
    return Standing("healthy", gettext("Healthy"), "good", None, gettext("Nothing has failed there."), "")


def _goes_on(name: str, ends: int, told: Told) -> str:
    until = told.holds.get(name)
    if until is not None:
        said = gettext(
            "It is tried again %(soon)s. If it does not work until %(when)s, it is switched off.", soon=ago(until), when=moment(ends)
        )
        return str(said)
    return str(gettext("It is tried again and again. If it does not work until %(when)s, it is switched off.", when=moment(ends)))


def _trouble(failed: outbox.Attempt | None) -> Trouble | None:
    return None if failed is None else _troubles.explain(failed.error, failed.status)


def _waiting(count: int) -> str:
    if not count:
        return ""
    if count > _MOST_WAITING:
        return str(ngettext("More than %(n)s message waits.", "More than %(n)s messages wait.", _MOST_WAITING, n=number(_MOST_WAITING)))
    return str(ngettext("%(n)s message waits.", "%(n)s messages wait.", count, n=number(count)))
