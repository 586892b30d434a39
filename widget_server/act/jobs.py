"""RQ, for coarse work only: two queues, each with a worker of its own.

The job of `deliver` says nothing but "look into the outbox"; those of `reconcile` name a connection that is to be read or
looked at. Nothing depends on RQ's memory. A job that is lost, doubled or never run changes nothing, because the outbox
holds what is due and the clock asks again. Jobs are JSON and carry ids only: who can write to Redis cannot make a worker
run code. The workers don't fork, so the `Deliverer` and its threads live from job to job.
"""

import contextlib
from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from .deliver import Deliverer

QUEUE = "deliver"
RECONCILE = "reconcile"
# Seconds. `run` ends well before the time-out, which only ends what hangs.
_SLICE = 20.0
_TIMEOUT = 180
_FAILURE_KEPT = 3600

# Reading a shop with a long backlog takes many pages; what is cut off goes on at the next reading.
_READING_TIMEOUT = 900

_working_for: "DeliverWorker | None" = None
_reading_for: "ReconcileWorker | None" = None


class DeliverWorker(SimpleWorker):
    """Runs the jobs of the one queue in this process, until SIGTERM or SIGINT."""

    max_connection_wait_time = 1.0  # RQ's own goes up to a minute, and that long after Redis came back
    deliverer: Deliverer

    def work(self, *args: Any, **kwargs: Any) -> bool:
        """Work until told to stop; then give back what was not begun and wait for the rest."""
        global _working_for
        _working_for = self
        try:
            return super().work(*args, **kwargs)
        finally:
            _working_for = None
            self.deliverer.close()

    def handle_warm_shutdown_request(self) -> None:
        self.deliverer.stop()
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]


class ReconcileWorker(SimpleWorker):
    """Runs the jobs that read platforms in this process, until SIGTERM or SIGINT."""

    max_connection_wait_time = 1.0
    act: Callable[[str, str], None]

    def work(self, *args: Any, **kwargs: Any) -> bool:
        """Work until told to stop."""
        global _reading_for
        _reading_for = self
        try:
            return super().work(*args, **kwargs)
        finally:
            _reading_for = None


def kick(redis: "Redis") -> None:
    """Have the outbox looked into soon. To be called after the commit that put something into it.

    A job that waits already will see that commit too, so there are never many of them.
    """
    queue = Queue(QUEUE, connection=redis, serializer=JSONSerializer)
    if queue.count == 0:
        queue.enqueue_call(deliver, timeout=_TIMEOUT, result_ttl=0, failure_ttl=_FAILURE_KEPT)


def deliver() -> None:
    """The job. Some of what it began may still be under way at its end, and the next job goes on with it."""
    worker = _working_for
    if worker is None:
        raise RuntimeError("the deliver job runs only in a worker made by make_worker")
    worker.deliverer.run(_SLICE)
    if worker.deliverer.busy:
        kick(worker.connection)


def ask_reconcile(redis: "Redis", what: str, connection: str) -> None:
    """Have a connection read ("read") or looked at ("check") soon; once, however often it is asked for meanwhile."""
    queue = Queue(RECONCILE, connection=redis, serializer=JSONSerializer)
    name = f"{what}-{connection}"
    if name not in queue.job_ids:
        queue.enqueue_call(
            reconcile, args=(what, connection), job_id=name, timeout=_READING_TIMEOUT, result_ttl=0,
            failure_ttl=_FAILURE_KEPT,
        )  # fmt: skip


def reconcile_soon(redis: "Redis", connection: str) -> None:
    """Have a connection that is new or changed looked at and read at once. To be called after the commit; while Redis is
    away the clock asks when it is due."""
    with contextlib.suppress(RedisError):
        for what in ("check", "read"):
            ask_reconcile(redis, what, connection)


def reconcile(what: str, connection: str) -> None:
    """The job."""
    worker = _reading_for
    if worker is None:
        raise RuntimeError("the reconcile job runs only in a worker made by make_reconciler")
    worker.act(what, connection)


def make_reconciler(redis: "Redis", act: Callable[[str, str], None]) -> ReconcileWorker:
    """The worker of the queue `reconcile`; `act` does what a job asks for. `redis` must not be shared."""
    worker = ReconcileWorker([Queue(RECONCILE, connection=redis, serializer=JSONSerializer)], **_options(redis))
    worker.log_result_lifespan = False
    worker.act = act
    return worker


def make_worker(redis: "Redis", deliverer: Deliverer) -> DeliverWorker:
    """The worker of the one queue. `redis` must not be shared, because RQ changes its time-outs.

    One queue a worker: with two, RQ takes jobs off by a command that loses them when the worker is killed.
    """
    worker = DeliverWorker([Queue(QUEUE, connection=redis, serializer=JSONSerializer)], **_options(redis))
    worker.log_result_lifespan = False
    worker.deliverer = deliverer
    return worker


def _options(redis: "Redis") -> dict[str, Any]:
    return {
        "connection": redis, "serializer": JSONSerializer, "default_result_ttl": 0, "worker_ttl": 30,
        "job_monitoring_interval": 5, "maintenance_interval": 60, "log_job_description": False,
    }  # fmt: skip
