"""One of the options that the owner names: "worse, as, or better than you expected?"."""

from collections.abc import Mapping
from typing import Any

from . import QuestionType, is_option


def bucket(value: Any, settings: Mapping[str, Any]) -> str | None:
    """The option itself; "" for one that the question doesn't have (any more)."""
    if not is_option(value):
        return None
    return str(value) if value in settings.get("options", ()) else ""


QUESTION_TYPE = QuestionType(
    name="choice",
    buckets=(),
    sentence="Give the name of an option.",
    bucket=bucket,
    settings={"options": (), "follow_up": "never"},
    choices={"follow_up": ("never", "always")},
)
