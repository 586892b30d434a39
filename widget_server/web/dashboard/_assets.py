"""Addresses of the pages' own files, with a word in them that changes with the bytes: an upgrade is seen at once."""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Flask, url_for

_STATIC = Path(__file__).parents[1] / "static/pages"


def install(app: Flask) -> None:
    """`asset("dashboard/dashboard.css")` and `built("main.js")` in the templates of `app`."""
    app.jinja_env.globals.update(asset=asset, built=built)


def asset(path: str) -> str:
    """The address of a file as it lies in static/pages."""
    file = _STATIC / path
    return url_for("static", filename=path, v=_word(path, file.stat().st_mtime_ns))


def built(name: str) -> str:
    """The address of a file that `make snippet` makes from js_snippet/dashboard; empty when it was never made: every
    page works without."""
    manifest = _STATIC / "built/manifest.json"
    try:
        found = _files(manifest.stat().st_mtime_ns)[name]
    except FileNotFoundError:
        return ""
    return url_for("static", filename=f"built/{found}")


@cache
def _word(path: str, changed: int) -> str:
    return sha256((_STATIC / path).read_bytes()).hexdigest()[:8]


@cache
def _files(changed: int) -> dict[str, str]:
    files: dict[str, str] = json.loads((_STATIC / "built/manifest.json").read_text())["files"]
    return files
