"""To add a question type one writes three files and edits none: shown by adding one in a copy of the house."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from js_snippet.node import npm

ROOT = Path(__file__).parents[2]

PYTHON = '''"""Thumb up or down."""

from . import QuestionType

QUESTION_TYPE = QuestionType(
    name="thumbs", buckets=("up", "down"), sentence="Give up or down.",
    bucket=lambda value, _settings: value if value in ("up", "down") else None, settings={"follow_up": "down"},
)
'''
TYPESCRIPT = """import type { QuestionType } from "../types";

const values = ["up", "down"];
const type: QuestionType = {
  values: () => values,
  followUp: "down",
  focus: true,
  hasRow: true,
  draw: ({ texts, row }) => row({ look: "list fill", values, name: (value) => texts["option." + value] || "" + value }),
};
export default type;
"""
VECTORS = {"valid": [{"value": "up", "bucket": "up"}, {"value": "down", "bucket": "down"}], "invalid": ["", 1, None, []]}

# An event for a question of the new type, as a browser sends it, and what a reader of the registry sees.
ASK = """
import orjson
from widget_server.contract.questions import question_types, settings_errors
from widget_server.contract.shop import Question, Shop
from widget_server.intake import checks
thumbs = Question("like", 1, "thumbs", "order", settings={"follow_up": [{"when": ["down"]}]})
shop = Shop("s", "S", "pk_1", (), "UTC", "ots_1", {"like": (thumbs,)})
event = {"id": "0b7e1c5e-3f5a-4d0e-9a36-5f2d6a7b8c9d", "type": "answer.given", "at": "2025-11-22T08:26:40Z", "question": "like"}
body = {"events": [{**event, "value": "up"}, {**event, "value": "sideways"}]}
found = checks.check(orjson.dumps(body), shop, 1_763_800_000_000)
kind = question_types()["thumbs"]
print(found.accepted, found.rejected[0]["errors"], settings_errors(kind, thumbs.settings), kind.bucket("up", {}))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The house with one type more."""
    without = shutil.ignore_patterns("__pycache__", "node_modules", "static", "static.*", "sizes.json", "*.pyc")
    for name in ("widget_server", "js_snippet", "tests/vectors"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=without)
    (tmp_path / "widget_server/web/static").mkdir()
    # A folder of its own, because the tests in JavaScript are bundled into it.
    (tmp_path / "js_snippet/node_modules").mkdir()
    for package in (ROOT / "js_snippet/node_modules").iterdir():
        (tmp_path / "js_snippet/node_modules" / package.name).symlink_to(package)
    for path, text in (
        ("widget_server/contract/questions/thumbs.py", PYTHON),
        ("js_snippet/src/questions/thumbs.ts", TYPESCRIPT),
        ("tests/vectors/questions/thumbs.json", json.dumps(VECTORS)),
    ):
        (tmp_path / path).write_text(text)
    return tmp_path


def test_the_server_takes_its_answers(copy: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", ASK], check=False, cwd=copy, env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1 {'value': 'Give up or down.'} {} up\n", "")


def test_the_snippet_has_a_chunk_for_it_within_its_budget(copy: Path) -> None:
    folder = copy / "js_snippet"
    environment = {**os.environ, "PATH": f"{npm()[1]}{os.pathsep}{os.environ['PATH']}"}
    # Whether all together is light enough is asked where the snippet is built; here only whether the type is in it.
    built = subprocess.run(["node", "build.mjs"], check=False, cwd=folder, env=environment, capture_output=True, text=True)
    sizes = json.loads((folder / "sizes.json").read_text())
    (chunk,) = (name for name in sizes if name.startswith("thumbs-"))
    assert 0 < sizes[chunk] <= 1000, built.stdout + built.stderr
    # The tests of the vectors find it by themselves.
    for other in folder.glob("test/*.test.ts"):
        if other.name != "vectors.test.ts":
            other.unlink()
    tested = subprocess.run(["node", "test/run.mjs"], check=False, cwd=folder, env=environment, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "question type thumbs offers exactly the values that the server knows" in tested.stdout
