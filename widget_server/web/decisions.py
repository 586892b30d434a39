"""What people decide about an answer: that it does not count, that it does, or that it is gone. By the owner API and by the
pages alike.

A decision is an event in the stream like everything else, so that it stands in the log and is counted by the worker.
"""

import time
import uuid
from collections.abc import Iterable
from typing import Any, Literal

import redis
from sqlalchemy import Connection

from widget_server.contract.answer import Answer
from widget_server.intake.checks import envelope
from widget_server.intake.stream import StreamFull, append_sync
from widget_server.record import answers

from .errors import RETRY_AFTER, Problem
from .state import state

Kind = Literal["answer.quarantined", "answer.released", "answer.removed"]
Name = tuple[str, str]
"""Question and key of an answer."""


def decidable(conn: Connection, shop: str, names: Iterable[Name]) -> dict[Name, Answer]:
    """Those of these answers of the shop that say something and are not removed."""
    wanted = list(names)
    found = answers.load(conn, shop, [key for _, key in wanted])
    return {
        name: answer
        for name in wanted
        if (answer := found.get(name)) is not None and answer.answered and answer.get("removed") is None
    }


def decide(shop: str, kind: Kind, about: Iterable[Answer], **more: Any) -> dict[Name, str]:
    """Put decisions about these answers into the stream, all of them or none; `more` is the reason, if there is one.
    Returns the id of each one's event. Raises a Problem when the stream takes nothing."""
    now = int(time.time() * 1000)
    events = [
        {
            "id": str(uuid.uuid4()), "type": kind, "at": _moment(answer, now), "question": answer.question,
            "key": answer.key, **more,
        }
        for answer in about
    ]  # fmt: skip
    try:
        append_sync(
            state().redis, [envelope(shop, now, event, "owner") for event in events], state().settings.stream_limit
        )
    except (StreamFull, redis.RedisError) as error:
        retry = {"Retry-After": str(RETRY_AFTER)}
        raise Problem(
            503, "unavailable", "The decision can't be stored now; try again soon.", headers=retry
        ) from error
    return {(event["question"], event["key"]): event["id"] for event in events}


def _moment(answer: Answer, now: int) -> int:
    """Now, but after what was decided before, also when a clock was set back since."""
    before = answer.registers.get("quarantined")
    return max(now, 0 if before is None else before.stamp.at + 1)
