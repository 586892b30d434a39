"""From what platforms say to events of ours, exactly once.

An event's id is made from what it says, so the same words are one event, however often and by whatever way they come.
A request is taken out of the inbox after its events are committed; when everything ends in between, it is read again
and changes nothing. One that can't be understood is kept with the reason and stops no other.
"""

import traceback
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection

from integrations import Inbound, NotUnderstood, PlatformEvent, Receiving
from widget_server.contract.events import EVENT_TYPES
from widget_server.contract.order import pseudonymous
from widget_server.contract.platforms import platforms
from widget_server.contract.shop import Shop
from widget_server.contract.times import parse_time
from widget_server.record import connections, inbox, setaside, shops
from widget_server.record.connections import ShopConnection
from widget_server.record.db import Database, is_passing
from widget_server.record.inbox import Name, Taken

from .crash import crash_point
from .pipeline import Outcome, process

BATCH = 100
_MOST_BATCHES = 20  # before the clock has to look at something else
# Nothing else here makes UUIDs under it. Changing it would make every event of every platform new.
_SPACE = uuid.UUID("5e0f3a55-3a0d-5c6b-9f0e-6c1f0b9c7a11")

log = structlog.get_logger("inbound")


@dataclass
class _Batch:
    """What a batch of requests says."""

    envelopes: dict[Name, list[bytes]] = field(default_factory=dict)
    refused: dict[Name, str] = field(default_factory=dict)


def receiving(platform: str) -> Receiving | None:
    """The integration of a platform that sends us requests; None when there is no such platform."""
    found = platforms().get(platform)
    return found if isinstance(found, Receiving) else None


def take_in(database: Database) -> Outcome:
    """Have everything in the inbox counted. Raises only what waiting may cure; then nothing is lost."""
    new = messages = 0
    for _ in range(_MOST_BATCHES):
        with database.reading() as conn:
            batch = _read(conn)
        if batch is None:
            break
        outcome = _apply(database, batch)
        new, messages = new + outcome.new, messages + outcome.messages
    return Outcome(new, messages)


def envelope_of(shop: Shop, event: PlatformEvent, received: int, salt: str = "") -> bytes:
    """The envelope of an event, with hashes in the place of e-mail addresses. Raises NotUnderstood when it is not what
    contract/events.py says; what differs in `salt` only is another event."""
    at = parse_time(event.at)
    kind = EVENT_TYPES.get(event.type)
    if at is None or kind is None or kind.source != "platform":
        raise NotUnderstood(f"{event.type} at {event.at[:40]} is no event of a platform")
    about = "order" if event.type.startswith("order.") else "customer"
    said: Mapping[str, Any] = pseudonymous({"type": event.type, about: dict(event.about)}, shop.customer_key)
    content = orjson.dumps([shop.id, said, salt], option=orjson.OPT_SORT_KEYS).decode()
    made = {"id": str(uuid.uuid5(_SPACE, content)), "at": event.at, **said}
    errors = kind.check(made)
    if errors:
        raise NotUnderstood("; ".join(f"{path}: {sentence}" for path, sentence in sorted(errors.items())[:5]))
    return orjson.dumps({"shop": shop.id, "source": "platform", "received": received, "event": {**made, "at": at}})


def _read(conn: Connection) -> _Batch | None:
    """What the oldest requests say; None when none waits."""
    rows = inbox.waiting(conn, BATCH)
    if not rows:
        return None
    senders = connections.targets(conn, {row.connection for row in rows})
    known = {name: shops.by_id(conn, name) for name in {row.shop for row in rows}}
    batch = _Batch()
    for row in rows:
        try:
            batch.envelopes[row.name] = _envelopes(row, senders[row.connection], known[row.shop])
        except NotUnderstood as error:
            batch.refused[row.name] = str(error)
        except Exception as error:
            log.error("request_failed", connection=row.connection, topic=row.topic, exc_info=error)
            # What the error says may quote the request.
            batch.refused[row.name] = f"an accident of ours ({type(error).__name__}); it is in the log"
    return batch


def _envelopes(row: Taken, sender: ShopConnection, shop: Shop | None) -> list[bytes]:
    integration = receiving(sender.platform)
    if sender.deleted or integration is None or shop is None:
        raise NotUnderstood("the connection was deleted before this was read")
    request = Inbound(row.headers, row.body, row.received)
    return [envelope_of(shop, event, row.received) for event in integration.receive(request, sender.settings)]


def _apply(database: Database, batch: _Batch) -> Outcome:
    for name, reason in batch.refused.items():
        log.warning("not_understood", connection=name[0], reason=reason[:200])
        with database.writing() as conn:
            inbox.failed(conn, name, reason)
    return _apply_some(database, list(batch.envelopes.items()))


def _apply_some(database: Database, requests: Sequence[tuple[Name, list[bytes]]]) -> Outcome:
    """Count the events of requests, then take those out; halve them when that raises, until the bad one is alone."""
    if not requests:
        return Outcome()
    try:
        outcome = process(database, [envelope for _, envelopes in requests for envelope in envelopes])
    except Exception as error:
        if is_passing(error):
            raise
        if len(requests) == 1:
            return _set_aside(database, *requests[0], error)
        half = len(requests) // 2
        first, second = _apply_some(database, requests[:half]), _apply_some(database, requests[half:])
        return Outcome(first.new + second.new, first.messages + second.messages)
    crash_point("requests of a platform counted, not noted down")
    with database.writing() as conn:
        inbox.done(conn, [name for name, _ in requests])
    return outcome


def _set_aside(database: Database, name: Name, envelopes: Sequence[bytes], error: Exception) -> Outcome:
    """As the stream's consumer does: what fails alone waits for `atbalss setaside replay`."""
    log.error("set_aside", error=type(error).__name__)
    told = "".join(traceback.format_exception(error))
    with database.writing() as conn:
        for envelope in envelopes:
            setaside.add(conn, envelope, f"{type(error).__name__}: {error}", told)
        inbox.done(conn, [name])
    return Outcome()
