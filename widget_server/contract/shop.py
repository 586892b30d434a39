"""A shop and its questions as frozen values: what the other rooms are handed instead of database rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """One version of a question. `texts` is {language: {key: text}}; `settings` belong to the type and to the placement.

    `touchpoint` is the step of the customer journey that it measures. `deleted`: no longer asked nor shown, while its
    answers stay; such a version is paused too.
    """

    name: str
    version: int
    type: str
    placement: str
    paused: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    touchpoint: str = ""
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Shop:
    """A tenant. `questions` holds every version of each question by name, oldest first; `widget` is what the owner
    has set about looks and manners (contract/theme.py), `customer_key` what its customers' pseudonyms are made with.

    `rules` is another word after each change of its rules, and none while it never had any.
    `is_set_up`: its owner has gone through the first steps, or has left them out."""

    id: str
    name: str
    site_key: str
    domains: tuple[str, ...]
    time_zone: str
    order_token_secret: str
    questions: Mapping[str, tuple[Question, ...]] = field(default_factory=dict)
    widget: Mapping[str, Any] = field(default_factory=dict)
    customer_key: str = field(default="", repr=False)
    rules: str = ""
    is_set_up: bool = True

    def question(self, name: str, version: int | None = None) -> Question | None:
        """The version asked for, or the newest when none is named; None when there is no such question or version."""
        versions = self.questions.get(name)
        if not versions:
            return None
        if version is None:
            return versions[-1]
        return next((q for q in versions if q.version == version), None)
