"""Any number of the options that the owner names: "why did you choose us?"."""

from collections.abc import Mapping
from typing import Any

from . import QuestionType, is_option


def bucket(value: Any, settings: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Those of the chosen options that the question has, in its own order."""
    if not isinstance(value, list) or not all(map(is_option, value)) or len(set(value)) < len(value):
        return None
    return tuple(option for option in settings.get("options", ()) if option in value)


QUESTION_TYPE = QuestionType(
    name="choices",
    buckets=(),
    sentence="Give a list of names of options, each once.",
    bucket=bucket,
    settings={"options": (), "follow_up": "never"},
    choices={"follow_up": ("never", "always")},
    texts=("send",),
)
