"""What the outside is told about a batch: which endpoints asked for which of its events. Rules come here too."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from widget_server.contract.answer import Answer, answer_key
from widget_server.contract.metrics import metrics
from widget_server.contract.shop import Shop
from widget_server.contract.times import format_time
from widget_server.record import endpoints, outbox
from widget_server.record.endpoints import Endpoint

from .notices import SCORE_UPDATED


def send(
    conn: Connection,
    shop: Shop,
    fresh: Sequence[Mapping[str, Any]],
    touched: Mapping[tuple[str, str], Answer],
    changed: Iterable[str],
) -> int:
    """Put a message into the outbox for every endpoint that wants one; returns how many.

    `touched` are the answers that the events were about, `changed` the questions whose counts changed.
    """
    listening = endpoints.for_shop(conn, shop.id)
    if not listening:
        return 0
    now = int(time.time() * 1000)
    rows = [row for envelope in fresh for row in _told(shop, envelope, touched, listening)]
    outbox.add(conn, rows, now)
    scores = [
        outbox.ScoreChange(shop.id, endpoint.id, question, metric)
        for endpoint in listening
        if SCORE_UPDATED in endpoint.types
        for question in sorted(changed)
        for metric in _metrics_of(shop, question)
    ]
    outbox.add_scores(conn, scores, now)
    return len(rows) + len(scores)


def _told(
    shop: Shop,
    envelope: Mapping[str, Any],
    touched: Mapping[tuple[str, str], Answer],
    listening: Iterable[Endpoint],
) -> list[outbox.OutboxRow]:
    event = envelope["event"]
    if envelope["source"] == "import":
        return []  # history is no news: ten years of ratings would arrive as ten years of webhooks
    wanting = [endpoint for endpoint in listening if event["type"] in endpoint.types]
    if not wanting:
        return []
    body = outbox.webhook_body(event["type"], event["at"], _public(shop, envelope, touched))
    return [
        outbox.OutboxRow(shop.id, f"{event['type']}:{event['id']}:{endpoint.id}", endpoint.id, event["type"], body)
        for endpoint in wanting
    ]


def _public(
    shop: Shop, envelope: Mapping[str, Any], touched: Mapping[tuple[str, str], Answer]
) -> dict[str, Any]:
    """The event as receivers see it: as it was sent, with the answer's trust beside it, and why the answer does not
    count when it waits in quarantine."""
    event = {
        name: value
        for name, value in envelope["event"].items()
        if name not in ("at_raw", "revision", "row", "marks", "type")
    }
    event["at"] = format_time(event["at"])
    # Pseudonyms that only we can make use of: hashes of e-mail addresses, and the customer of an answer's order.
    for name, hidden in (("order", ("email", "customer") if "question" in event else ("email",)), ("customer", ("email",))):
        if event.get(name):
            event[name] = {inner: value for inner, value in event[name].items() if inner not in hidden}
    found = {"shop": shop.id, "source": envelope["source"], **event}
    answer = touched.get((event["question"], answer_key(envelope["event"]))) if "question" in event else None
    if answer is not None:
        found["verified"] = answer.verified
        found["key"] = answer.key
        found["quarantined"] = answer.quarantined
        found["incentivised"] = answer.incentivised
    return found


def _metrics_of(shop: Shop, question: str) -> list[str]:
    known = shop.question(question)
    return [] if known is None else [m.name for m in metrics().values() if known.type in m.question_types]
