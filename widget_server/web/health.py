"""/healthz (this process answers), /readyz (send it shoppers) and /metrics (Prometheus). No names of shops or people."""

from collections.abc import Iterable

import redis
from flask import Blueprint, Flask, Response, current_app, jsonify
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from widget_server.intake.readiness import Readiness
from widget_server.intake.stream import GROUP, STREAM
from widget_server.record import outbox, setaside

from .errors import RETRY_AFTER
from .state import State, state

_READINESS = "atbalss_readiness"
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def install(app: Flask, state: State) -> None:
    """What `app` remembers of how `state` was."""
    app.extensions[_READINESS] = Readiness(state.redis, state.database, state.settings)


def blueprint() -> Blueprint:
    """The three routes. What the collector of this process counts stands in prometheus_client's own registry."""
    made = Blueprint("health", __name__)

    def healthz() -> Response:
        return jsonify({"status": "alive"})

    def readyz() -> Response:
        problems = current_app.extensions[_READINESS].check()
        reply = jsonify(
            {
                "status": "not ready" if problems else "ready",
                "problems": [{"check": p.check, "message": p.message, "remedy": p.remedy} for p in problems],
            }
        )
        if problems:
            reply.status_code = 503
            reply.headers["Retry-After"] = str(RETRY_AFTER)
        return reply

    def metrics() -> Response:
        registry = CollectorRegistry()
        registry.register(_Figures(state()))
        return Response(generate_latest(REGISTRY) + generate_latest(registry), content_type=_TYPE)

    for name, view in (("healthz", healthz), ("readyz", readyz), ("metrics", metrics)):
        made.add_url_rule(f"/{name}", name, view)
    made.after_request(_not_cached)
    return made


class _Figures(Collector):
    """Asked anew at each scrape. What can't be asked is left out, and `atbalss_up` says so."""

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("atbalss_up", "1 when it answers, as seen by this process.", labels=["part"])
        yield GaugeMetricFamily("atbalss_spill_waiting_bytes", "On disk until Redis is back.", value=self._spilled())
        found, answers = self._of_redis()
        up.add_metric(["redis"], answers)
        yield from found
        found, answers = self._of_database()
        up.add_metric(["database"], answers)
        yield from found
        yield up

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: it would ask everything at the start."""
        return []

    def _spilled(self) -> int:
        folder = self._state.settings.spill_dir
        return sum(path.stat().st_size for path in folder.glob("*.spill")) if folder.is_dir() else 0

    def _of_redis(self) -> tuple[list[Metric], int]:
        try:
            waiting = int(self._state.redis.xlen(STREAM))
            pending = _pending(self._state.redis)
        except redis.RedisError:
            return [], 0
        backlog = GaugeMetricFamily("atbalss_backlog_events", "In the stream and not yet counted.", value=waiting)
        taken = GaugeMetricFamily("atbalss_backlog_taken_events", "Of these, taken by a worker.", value=pending)
        return [backlog, taken], 1

    def _of_database(self) -> tuple[list[Metric], int]:
        try:
            with self._state.database.reading() as conn:
                aside, states = setaside.count(conn), outbox.counts(conn)
        except SQLAlchemyError:
            return [], 0
        messages = GaugeMetricFamily("atbalss_outbox_messages", "Messages to the outside, by state.", labels=["state"])
        for name, n in states.items():
            messages.add_metric([name], n)
        return [GaugeMetricFamily("atbalss_set_aside_events", "Events that failed alone.", value=aside), messages], 1


def _pending(client: "redis.Redis") -> int:
    try:
        found = client.xpending(STREAM, GROUP)
    except redis.ResponseError:
        return 0  # no worker has made the group yet
    return int(found["pending"])


def _not_cached(reply: Response) -> Response:
    reply.headers["Cache-Control"] = "no-store"
    return reply
