"""Reading what no webhook told, and looking whether the webhooks still come.

Every ten minutes each connection whose platform sends us requests is read from its cursor minus an hour: some platforms
never repeat a delivery that failed, and switch a webhook off without a word. The cursor is the newest time of change
that was read, by the platform's own clock, and moves only after all of it is committed. Once an hour, and soon after a
connection was made, its platform is told to send us what it does not, and the webhooks are looked at. What is wrong stands
on the connection, in sentences for its owner.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
import structlog

from integrations import Http, NotUnderstood, PermanentError, PlatformEvent, TemporaryError
from widget_server.contract.order import ERASED, Order
from widget_server.contract.shop import Shop
from widget_server.contract.times import format_time, parse_time
from widget_server.record import connections, eventlog, inbox, leases, orders, shops
from widget_server.record.connections import ShopConnection
from widget_server.record.db import Database

from .inbound import envelope_of, receiving
from .pipeline import process

EVERY = 10 * 60 * 1000  # ms between two readings of one connection
CHECK_EVERY = 3600 * 1000
OVERLAP = 3600 * 1000
DEADLINE = 30.0  # seconds for one page; shops on cheap servers need them
BODY_LIMIT = 8 * 1024 * 1024  # bytes of a page of orders
_BATCH = 100
_NOT_READ = "Orders could not be read:"
_RECENT = 24 * 3600 * 1000
# What a read may differ in from the order that we know.
_COMPARED = ("status", "customer", "email", "placed_at", "completed_at", "currency", "total", "refunded", "language")

log = structlog.get_logger("reconcile")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reading found: orders that had changed, and how many of them said something new."""

    orders: int = 0
    new: int = 0


def due(database: Database, now: int) -> list[tuple[str, str]]:
    """("read" or "check", connection) of all whose time has come; each is named once in its time."""
    with database.reading() as conn:
        ids = [each.id for each in connections.active(conn) if receiving(each.platform) is not None]
        free = [
            (what, name, length)
            for name in ids
            for what, length in (("read", EVERY), ("check", CHECK_EVERY))
            if leases.left(conn, f"{what}:{name}", "", now) == 0
        ]
    if not free:
        return []
    with database.writing() as conn:
        return [
            (what, name) for what, name, length in free if leases.take(conn, f"{what}:{name}", "clock", now, length)
        ]


def act(database: Database, http: Http, what: str, connection: str, base_url: str, now: int) -> None:
    """Do what `due` has named."""
    if what == "read":
        read(database, http, connection, now)
    else:
        subscribe(database, http, connection, base_url)
        check(database, http, connection, base_url, now)


def read(database: Database, http: Http, connection: str, now: int) -> Reading:
    """Read one connection from its cursor on. What goes wrong at the platform stands on the connection afterwards."""
    found = _connection(database, connection)
    if found is None:
        return Reading()
    sender, shop = found
    integration = receiving(sender.platform)
    if integration is None:
        return Reading()
    known = sender.created if sender.cursor is None else parse_time(sender.cursor) or sender.created
    try:
        done, newest = _read(database, shop, integration.reconcile(sender.settings, http, format_time(known - OVERLAP)), now)
    except (TemporaryError, PermanentError) as error:
        log.warning("not_read", connection=connection, reason=error.reason)
        _tell(database, connection, [*_others(sender), f"{_NOT_READ} {error.reason}."], now)
        return Reading()
    if len(_others(sender)) < len(_problems(sender)):
        _tell(database, connection, _others(sender), now)
    # A shop whose clock runs ahead must not make us skip what comes next.
    cursor = min(max(known, newest), now)
    if sender.cursor is None or cursor > known:
        with database.writing() as conn:
            connections.set_cursor(conn, connection, format_time(cursor))
    return done


def subscribe(database: Database, http: Http, connection: str, base_url: str) -> None:
    """Have the platform send us what it does not send. Where we may not do that, `check` tells what its owner has to."""
    found = _connection(database, connection)
    integration = None if found is None else receiving(found[0].platform)
    if found is None or integration is None:
        return
    try:
        integration.subscribe(found[0].settings, http, address(base_url, found[0]))
    except (TemporaryError, PermanentError) as error:
        log.warning("not_subscribed", connection=connection, reason=error.reason)


def check(database: Database, http: Http, connection: str, base_url: str, now: int) -> tuple[str, ...]:
    """Look whether a connection's platform still tells us everything; its problems, which stand on it afterwards."""
    found = _connection(database, connection)
    integration = None if found is None else receiving(found[0].platform)
    if found is None or integration is None:
        return ()
    sender = found[0]
    try:
        problems = integration.health(sender.settings, http, address(base_url, sender)).problems
    except (TemporaryError, PermanentError) as error:
        problems = (f"The webhooks could not be looked at: {error.reason}.",)
    problems += _not_understood(database, connection, now)
    problems += tuple(each for each in _problems(sender) if each.startswith(_NOT_READ))
    _tell(database, connection, problems, now)
    return problems


def address(base_url: str, connection: ShopConnection) -> str:
    """Where the platform of a connection should send to."""
    return f"{base_url.rstrip('/')}/v1/hooks/{connection.platform}/{connection.id}"


def prune_inbox(database: Database, now: int) -> None:
    """Forget requests that came more than 40 days ago; in short transactions, because others want to write."""
    for _ in range(100):
        with database.writing() as conn:
            if inbox.prune(conn, now - inbox.KEPT) == 0:
                return


def _connection(database: Database, connection: str) -> tuple[ShopConnection, Shop] | None:
    with database.reading() as conn:
        sender = connections.targets(conn, [connection]).get(connection)
        if sender is None or sender.deleted or sender.paused is not None:
            return None
        shop = shops.by_id(conn, sender.shop)
    return None if shop is None else (sender, shop)


def _read(database: Database, shop: Shop, events: Iterator[PlatformEvent], now: int) -> tuple[Reading, int]:
    """What was read, and the newest time of change in it (ms)."""
    count = new = newest = 0
    while batch := list(islice(events, _BATCH)):
        count += len(batch)
        newest = max([newest, *(parse_time(str(event.about.get("updated_at"))) or 0 for event in batch)])
        new += process(database, _envelopes(database, shop, batch, now)).new
    return Reading(count, new), newest


def _envelopes(database: Database, shop: Shop, events: Iterable[PlatformEvent], now: int) -> list[bytes]:
    """Those that say something new: whoever listens to orders hears of a change once, by webhook or by reading.

    What was said before is news again when the order says otherwise by now: then something late, or of the same second,
    has overwritten it.
    """
    made = {}
    for event in events:
        try:
            envelope = envelope_of(shop, _read_now(event, now), now)
        except NotUnderstood as error:
            log.warning("not_understood", shop=shop.id, reason=str(error)[:200])
            continue
        said = orjson.loads(envelope)["event"]
        made[said["id"]] = (event, envelope, said.get("order") or {})
    with database.reading() as conn:
        known = eventlog.known(conn, shop.id, list(made))
        held = orders.load(conn, shop.id, [said["ref"] for _, _, said in made.values() if said])
    fresh = []
    for name, (event, envelope, said) in made.items():
        if not said:
            fresh += [] if name in known else [envelope]
        elif not _says(held.get(said["ref"]), said):
            fresh.append(envelope_of(shop, _read_now(event, now), now, str(now)) if name in known else envelope)
    return fresh


def _read_now(event: PlatformEvent, now: int) -> PlatformEvent:
    """An order is so at the moment it is read, whenever it became so."""
    return PlatformEvent(event.type, format_time(now), event.about)


def _says(order: Order | None, read: Mapping[str, Any]) -> bool:
    """Whether the order that we know is as it was read."""
    if order is None:
        return False
    lines = {(line.line, line.product) for line in order.present_lines()}
    return lines == {(line["line"], line["product"]) for line in read.get("lines", ())} and all(
        order.get(name) == read.get(name) or _is_erased(order.get(name)) for name in _COMPARED
    )


def _is_erased(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(ERASED)


def _problems(sender: ShopConnection) -> list[str]:
    """What stands on the connection."""
    return [] if sender.health is None else list(orjson.loads(sender.health)["problems"])


def _others(sender: ShopConnection) -> list[str]:
    """Those that a reading has not found."""
    return [each for each in _problems(sender) if not each.startswith(_NOT_READ)]


def _not_understood(database: Database, connection: str, now: int) -> tuple[str, ...]:
    with database.reading() as conn:
        kept = inbox.refused(conn, connection, now - _RECENT)
    if not kept:
        return ()
    return (
        f"Requests of the last day that could not be understood: {len(kept)}. The last was {kept[0].topic}: {kept[0].error}.",
    )


def _tell(database: Database, connection: str, problems: Iterable[str], now: int) -> None:
    told = list(problems)
    health = {"ok": not told, "problems": told, "checked_at": format_time(now)}
    with database.writing() as conn:
        connections.set_health(conn, connection, orjson.dumps(health).decode())


