"""The question types, one file each: what an answer may be, and which bucket of the distribution it falls into."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from widget_server.contract.registry import load_all


@dataclass(frozen=True)
class QuestionType:
    """`bucket(value, settings)` names the bucket of a valid value, and is None for a value that the type does not know.

    `settings` gives the default of each thing that an owner can set, `choices` what it may be set to.
    """

    name: str
    buckets: tuple[str, ...]
    sentence: str
    bucket: Callable[[Any, Mapping[str, Any]], str | None]
    settings: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


def whole_number(least: int, most: int) -> Callable[[Any, Mapping[str, Any]], str | None]:
    """The bucket of a whole number from `least` to `most` is its own digits."""

    def bucket(value: Any, _settings: Mapping[str, Any]) -> str | None:
        return str(value) if type(value) is int and least <= value <= most else None

    return bucket


@cache
def question_types() -> dict[str, QuestionType]:
    """Every question type by name."""
    return load_all("widget_server.contract.questions", "QUESTION_TYPE")
