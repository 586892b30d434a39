"""What every integration must keep. A new folder is under these tests without being named here."""

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

import integrations
from integrations import GRANTS, MESSAGES, Finder, Receiving, Setting
from widget_server.contract.registry import load_all

FOLDER = Path(integrations.__file__).parent
ALLOWED = {"integrations", "cryptography"}
FOUND = load_all("integrations", "integration", only_folders=True)


def test_the_reference_is_found() -> None:
    assert "webhook" in FOUND


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_only_the_standard_library_and_cryptography_are_imported(path: Path) -> None:
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.add((node.module or "").partition(".")[0])
    assert names - ALLOWED <= sys.stdlib_module_names


@pytest.mark.parametrize("name", FOUND)
def test_an_integration_says_what_it_is_and_needs(name: str) -> None:
    found: Any = FOUND[name]
    assert found.name == name
    assert all(isinstance(setting, Setting) for setting in found.settings)
    assert len({setting.name for setting in found.settings}) == len(found.settings)
    assert all(setting.secret for setting in found.settings if setting.kind == "secret")
    assert found.handles or isinstance(found, Receiving)
    assert set(found.handles) <= set(MESSAGES.values())


@pytest.mark.parametrize("name", FOUND)
def test_who_grants_can_be_asked_what_it_has(name: str) -> None:
    found: Any = FOUND[name]
    assert isinstance(found, Finder) or not set(found.handles) & set(GRANTS)
