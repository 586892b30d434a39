"""README is tested: what exists is documented, and what it shows works."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from js_snippet.node import npm
from widget_server.contract.events import EVENT_TYPES
from widget_server.contract.metrics import metrics
from widget_server.contract.questions import question_types
from widget_server.contract.settings import SETTINGS
from widget_server.contract.tokens import verify_order_token
from widget_server.run.cli import group
from widget_server.web.app import resources
from widget_server.web.openapi import document

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def code(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def settings_table() -> str:
    """The README's table of settings, as it must be."""
    rows = [
        f"| `{s.name}` | {'' if s.default is None else f'`{s.default}`'} | {s.help} |" for s in SETTINGS
    ]
    return "\n".join(["| setting | default | |", "|---|---|---|", *rows])


def commands(command: click.Command, name: str) -> Iterator[str]:
    if isinstance(command, click.Group):
        for child, below in command.commands.items():
            yield from commands(below, f"{name} {child}")
    else:
        yield name


def test_every_setting_stands_in_the_table() -> None:
    assert settings_table() in README


@pytest.mark.parametrize("name", sorted(commands(group(), "atbalss")))
def test_every_command_is_explained(name: str) -> None:
    assert re.search(rf"`{name}`", README)


@pytest.mark.parametrize("name", sorted({*EVENT_TYPES, "score.updated", *metrics(), *question_types()}))
def test_every_event_metric_and_question_type_is_explained(name: str) -> None:
    assert re.search(rf"^\|.*`{re.escape(name)}`", README, re.M)


def test_every_route_stands_in_the_table() -> None:
    """Those of programs; pages and their files aside."""
    paths = document(resources(), "https://atbalss.example.com")["paths"]
    there = {f"{method.upper()} {path}" for path, item in paths.items() for method in item if method != "parameters"}
    there |= {f"GET /{name}" for name in ("v1/openapi.json", "docs", "healthz", "readyz", "metrics", "widget.js", "widget.v1.js")}
    assert {route for route in there if f"`{route}`" not in README} == set()


def test_every_attribute_that_the_snippet_reads_is_explained() -> None:
    sources = "\n".join(p.read_text() for p in (ROOT / "js_snippet" / "src").rglob("*.ts"))
    read = set(re.findall(r"data-atbalss(?:-[a-z]+)*", sources)) | {"data-shop", "data-lang", "data-host"}
    assert {name for name in read if f"`{name}`" not in README} == set()


def test_every_picture_is_there() -> None:
    for path in re.findall(r"!\[[^]]+]\(([^)]+)\)", README):
        assert (ROOT / path).stat().st_size > 10_000


def _accepted(token: str) -> None:
    found = verify_order_token(token, "ots_readme", site="pk_1", use="rate", now=int(time.time()))
    assert (found.order, found.sku) == ("A-17 ē", ("s1",))


def test_the_python_example_signs_a_good_token() -> None:
    names: dict[str, object] = {}
    (source,) = code("python")
    exec(compile(source, "README.md", "exec"), names)
    sign = names["order_token"]
    assert callable(sign)
    _accepted(sign("ots_readme", "pk_1", "A-17 ē", ["s1"]))


def test_the_javascript_example_signs_a_good_token(tmp_path: Path) -> None:
    (source,) = code("js")
    file = tmp_path / "token.mjs"
    file.write_text(source + '\nprocess.stdout.write(orderToken("ots_readme", "pk_1", "A-17 ē", ["s1"]));')
    done = subprocess.run([npm()[1] / "node", file], capture_output=True, text=True, check=True)
    _accepted(done.stdout)


def test_the_php_example_signs_a_good_token() -> None:
    (source,) = code("php")
    php = shutil.which("php")
    if php is None:
        pytest.skip("no PHP on this machine")
    call = source + '\necho atbalss_order_token("ots_readme", "pk_1", "A-17 ē", ["s1"]);'
    done = subprocess.run([php, "-r", call], capture_output=True, text=True, check=True)
    _accepted(done.stdout)
