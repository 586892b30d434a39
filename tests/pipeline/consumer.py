"""A consumer in a process of its own, for tests that kill it: `python -m tests.pipeline.consumer REDIS_URL DATABASE_URL`."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from widget_server.act.consume import Consumer
from widget_server.record.db import Database

SECRET_KEY = "tests-only-secret-key-0123456789"


def start(redis_url: str, database_url: str, crash_at: int = 0, batch: int = 500) -> "subprocess.Popen[bytes]":
    """Start one. With `crash_at` it dies at its n-th crash point."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.pipeline.consumer", redis_url, database_url, str(batch)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "ATBALSS_CRASH_AT": str(crash_at)},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def main(redis_url: str, database_url: str, batch: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    client = redis.Redis.from_url(redis_url, socket_timeout=2, retry=Retry(NoBackoff(), 0))
    Consumer(client, Database(database_url, SECRET_KEY), batch=int(batch)).run(stop)


if __name__ == "__main__":
    main(*sys.argv[1:])
