"""Finds the modules of a package that bring one more of something: a question type, a metric, a command."""

import importlib
import pkgutil
from typing import Any


class RegistryError(Exception):
    """A module in a registry package does not say what it brings."""


def load_all(package: str, attribute: str, only_folders: bool = False) -> dict[str, Any]:
    """Import every module of `package` and return {module name: its `attribute`}, sorted by name.

    Folders without `__init__.py` and names beginning with an underscore are not looked at; with `only_folders`, single
    files neither.
    Raises RegistryError, naming the module, when one lacks the attribute.
    """
    found: dict[str, Any] = {}
    for info in sorted(pkgutil.iter_modules(importlib.import_module(package).__path__), key=lambda i: i.name):
        if info.name.startswith("_") or (only_folders and not info.ispkg):
            continue
        module = importlib.import_module(f"{package}.{info.name}")
        if not hasattr(module, attribute):
            raise RegistryError(f"{package}.{info.name} has no `{attribute}`")
        found[info.name] = getattr(module, attribute)
    return found
