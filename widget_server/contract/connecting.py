"""What an owner fills in to connect a platform, checked field by field. Pure.

A field that is `None` is taken away: its value is made anew where the platform says how, and told once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations import Integration, Setting

MASK = "********"
LONGEST = 2048
_NO_TEXT = f"Give text of at most {LONGEST} characters, without control characters."

_LINE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*")
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Form:
    """The settings as they should be kept, those among them that were `made` here, the addresses that are new, and what
    is wrong, by field."""

    settings: Mapping[str, str]
    made: Mapping[str, str]
    urls: Mapping[str, str]
    errors: Mapping[str, str]


def filled_in(
    integration: Integration, given: Mapping[str, Any], before: Mapping[str, str] | None = None
) -> Form:
    """What is `given`, whatever that is, over what was there `before`."""
    names = {setting.name for setting in integration.settings}
    known = ", ".join(setting.name for setting in integration.settings)
    errors = {name: f"This platform has no such setting; it has {known}." for name in given if name not in names}
    settings = {name: text for name, text in (before or {}).items() if name in names}
    made = {}
    for setting in integration.settings:
        text = given.get(setting.name)
        if text is not None and not isinstance(text, str):
            errors[setting.name] = _NO_TEXT
            continue
        wanted = (text or "").strip()
        if setting.name in given and wanted != MASK:
            settings.pop(setting.name, None)
            if wanted:
                settings[setting.name] = wanted
        if setting.name not in settings and setting.make is not None:
            settings[setting.name] = made[setting.name] = setting.make()
        wrong = _wrong(setting, settings.get(setting.name, ""))
        if wrong is not None:
            errors[setting.name] = wrong
    urls = {
        setting.name: settings[setting.name]
        for setting in integration.settings
        if setting.kind == "url" and settings.get(setting.name) != (before or {}).get(setting.name)
        and setting.name in settings and setting.name not in errors
    }  # fmt: skip
    return Form(settings, made, urls, errors)


def shown(integration: Integration, settings: Mapping[str, str]) -> dict[str, str]:
    """The settings as people may see them."""
    return {
        setting.name: MASK if setting.secret else settings[setting.name]
        for setting in integration.settings
        if setting.name in settings
    }


def _wrong(setting: Setting, text: str) -> str | None:
    if not text:
        return "Required." if setting.required else None
    if len(text) > LONGEST or not _LINE.fullmatch(text):
        return _NO_TEXT
    if setting.kind == "number" and not _NUMBER.fullmatch(text):
        return "Give a whole number."
    if setting.check is not None:
        try:
            setting.check(text)
        except ValueError as error:
            return str(error)
    return None
