"""The stream between intake and record: its names, what an entry looks like, and how programs of ours append to it.

One entry is one event: field `e` holds its envelope, UTF-8 JSON (`checks.envelope`). The stream is bounded by looking
at its length, never by trimming, which would drop what nobody has read.
"""

from collections.abc import Sequence
from typing import Any

import redis

STREAM = "atbalss:intake"
GROUP = "act"
FIELD = b"e"

GROUP_ENTRIES = 200
GROUP_BYTES = 256 * 1024
# What WAITAOF may take before the append counts as not acknowledged.
_FSYNC_MS = 3000


class StreamFull(Exception):
    """The stream holds as many entries as it may; come back later."""


def append_sync(client: "redis.Redis", envelopes: Sequence[bytes], limit: int) -> int:
    """Append all `envelopes` and return how many entries then wait; when it returns they are on Redis's disk.

    For imports, hooks and the spill. Raises StreamFull, before anything is appended, when `limit` entries or more
    wait already; a redis error means that some or none are stored, so send them all again (event ids make that safe).
    """
    waiting = int(client.xlen(STREAM))
    if waiting >= limit:
        raise StreamFull(f"{waiting} events wait in the stream")
    fsync = needs_waitaof(client)
    # WAITAOF speaks of what its own connection wrote, and with `everysec` takes up to a second: one for all.
    for group in [list(envelopes)] if fsync else groups(envelopes):
        with client.pipeline(transaction=False) as pipe:
            for envelope in group:
                pipe.xadd(STREAM, {FIELD: envelope})
            pipe.xlen(STREAM)
            if fsync:
                pipe.execute_command("WAITAOF", 1, 0, _FSYNC_MS)  # type: ignore[no-untyped-call]
            replies: list[Any] = pipe.execute()
        if fsync and int(replies.pop()[0]) < 1:
            raise redis.TimeoutError("the append did not reach the disk in time")
        waiting = int(replies[-1])
    return waiting


def needs_waitaof(client: "redis.Redis") -> bool:
    """Whether Redis acknowledges before it has synced to disk, so that WAITAOF must be asked for each group."""
    try:
        found: Any = client.config_get("appendfsync")
        if found.get("appendfsync") != "everysec":
            return False
        client.execute_command("WAITAOF", 0, 0, 1)  # type: ignore[no-untyped-call]
    except redis.ResponseError:
        # Hidden, as at hosted ones, or older than WAITAOF: /readyz asks the operator to vouch for it.
        return False
    return True


def groups(envelopes: Sequence[bytes]) -> list[list[bytes]]:
    """`envelopes` in groups that one append takes."""
    made: list[list[bytes]] = []
    size = 0
    for envelope in envelopes:
        size += len(envelope)
        if not made or size > GROUP_BYTES or len(made[-1]) == GROUP_ENTRIES:
            made.append([])
            size = len(envelope)
        made[-1].append(envelope)
    return made
