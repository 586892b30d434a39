"""Envelopes as the intake makes them, for tests that begin behind it."""

import uuid
from typing import Any

import orjson

NOW = 1_763_800_000_000  # 2025-11-22T08:26:40Z


def envelope(shop: str, event: dict[str, Any], source: str = "browser") -> bytes:
    """The bytes that stand in the stream."""
    return orjson.dumps({"shop": shop, "source": source, "received": NOW, "event": event})


def event(kind: str, at: int = NOW, **fields: Any) -> dict[str, Any]:
    """An event with an id of its own unless one is given."""
    return {"id": str(uuid.uuid4()), "type": kind, "at": at, **fields}
