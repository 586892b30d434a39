"""The house: imports point down, integrations stay plain, and only a table's owner names it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from widget_server.record.db import Database, metadata

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "widget_server" / "record"
PYTHON = sorted(p for room in ("widget_server", "integrations") for p in (ROOT / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """The top-level names of what a file imports from elsewhere."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_imports_point_down() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports('setup.cfg'))"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_integrations_need_only_the_standard_library_and_cryptography() -> None:
    allowed = set(sys.stdlib_module_names) | {"cryptography", "integrations"}
    foreign = {str(p): names for p in (ROOT / "integrations").rglob("*.py") if (names := imported(p) - allowed)}
    assert foreign == {}


def owned_tables() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in RECORD.glob("*.py"):
        for name in re.findall(r'=\s*Table\(\s*"(\w+)"', path.read_text()):
            assert name not in found, f"{name} has two owners"
            found[name] = path
    return found


def test_only_a_tables_owner_names_it() -> None:
    """Neither its `Table` object nor, in SQL text, its name stands in any other module."""
    owned = owned_tables()
    assert {"shops", "events", "answers", "orders", "counters", "outbox", "endpoints", "set_aside"} <= set(owned)
    strangers = []
    for path in PYTHON:
        if "migrations" in path.parts:
            continue
        text = path.read_text()
        sql = sql_in(text)
        for table, owner in owned.items():
            if path != owner and re.search(rf"(?i)\b(from|into|update|join|table)\s+\"?{table}\b(?!\.)", sql):
                strangers.append(f"{path}: {table}")
        if path.parent != RECORD and "Table(" in text and "sqlalchemy" in text:
            strangers.append(f"{path} makes a table")
        strangers += [f"{path}: {line}" for line in re.findall(r"from \S*record\.\w+ import .*\b_\w+", text)]
    assert strangers == []


def sql_in(source: str) -> str:
    """The string literals of a module that look like SQL statements (docstrings aside)."""
    tree = ast.parse(source)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body and isinstance(node.body[0], ast.Expr)
    }  # fmt: skip
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in docs]
    return "\n".join(text for text in texts if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER)\b", text))


def test_metadata_and_migrations_agree(database: Database) -> None:
    assert database.is_migrated()

    def is_common(_object: object, name: str | None, *_more: object) -> bool:
        """What only one of the databases has, for full-text search, is the migration's alone."""
        return not (name or "").startswith("answer_words") and name != "answer_texts_words"

    with database.writing() as conn:
        found = compare_metadata(MigrationContext.configure(conn, opts={"include_object": is_common}), metadata)
        assert found == []


def test_platforms_do_not_import_one_another() -> None:
    folders = {p.name for p in (ROOT / "integrations").iterdir() if p.is_dir()}
    for path in (ROOT / "integrations").rglob("*.py"):
        others = folders - set(path.relative_to(ROOT / "integrations").parts)
        assert not re.search(rf"(integrations\.|from \.+)({'|'.join(sorted(others)) or '$^'})\b", path.read_text()), path
