"""A process that delivers, to be killed: `python -m tests.pipeline.deliver_child DATABASE_URL SECRET_KEY NOW_MS [die]`.

With `die` it kills itself at the worst moment: the receiver has answered 200, and nothing is noted down yet.
"""

import os
import signal
import sys
from typing import Any

from widget_server.act.deliver import Deliverer
from widget_server.act.http import HttpClient
from widget_server.record import outbox
from widget_server.record.db import Database


def main(url: str, secret_key: str, now: int, dying: bool) -> None:
    if dying:
        outbox.finish = _die  # type: ignore[assignment]
    database = Database(url, secret_key)
    deliverer = Deliverer(
        database, HttpClient(allow_private=True), lambda _conn, _row: None, clock=lambda: now
    )
    deliverer.run(60)
    deliverer.close()
    database.close()


def _die(*_given: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), "die" in sys.argv[4:])
