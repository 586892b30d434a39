"""Bodies that are made at the first attempt, because the newest value is what the receiver wants."""

import time

from sqlalchemy import Connection

from widget_server.contract.metrics import metrics
from widget_server.record import counters, outbox, shops
from widget_server.record.counters import Slice
from widget_server.record.outbox import Claimed

from . import grants


def make_body(conn: Connection, row: Claimed) -> str | None:
    """That of points, or of the `score.updated` of a question as it stands now; None when what it tells of is gone."""
    if grants.is_grant(row):
        return grants.body(conn, row, time.time_ns() // 1_000_000)
    question, metric_name = outbox.score_of(row)
    shop, metric = shops.by_id(conn, row.shop), metrics().get(metric_name)
    if shop is None or metric is None or shop.question(question) is None:
        return None
    score = metric.read(counters.total(conn, Slice(shop.id, (question,))))
    told = {
        "shop": shop.id,
        "question": question,
        "metric": metric_name,
        "value": score.value,
        "n": score.n,
        "enough": score.enough,
        "interval": None if score.interval is None else list(score.interval),
        "distribution": dict(score.distribution),
    }
    return outbox.webhook_body(row.type, time.time_ns() // 1_000_000, told)
