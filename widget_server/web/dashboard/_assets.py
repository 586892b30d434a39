"""The pages' own files: style sheets and pictures as they lie in static/pages, scripts as `make snippet` builds them.

Their addresses hold a word that changes with the bytes, so that browsers keep them for ever and see an upgrade at once.
They go out packed as far as the browser takes it.
"""

import json
from functools import cache
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from flask import Flask, Response, request, url_for
from werkzeug.security import safe_join

from widget_server.intake.packing import Packed, pack
from widget_server.web.errors import not_found

_STATIC = Path(__file__).parents[1] / "static/pages"
_BUILT = "built"
_FOR_EVER = "public, max-age=31536000, immutable"
# A page drawn before an upgrade asks for what another word stands for.
_CHECK_EACH_TIME = "no-cache"
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


def install(app: Flask) -> None:
    """`asset("dashboard/dashboard.css")` and `built("main.js")` in the templates of `app`, and the route behind them."""
    app.jinja_env.globals.update(asset=asset, built=built)
    app.add_url_rule("/static/kept/<word>/<path:path>", "kept", send)


def asset(path: str) -> str:
    """The address of a file in static/pages."""
    return url_for("kept", word=_word(path, _changed(path)), path=path)


def built(name: str) -> str:
    """The address of a script of js_snippet/dashboard; empty when it was never built: every page works without."""
    try:
        files = _files(_changed(f"{_BUILT}/manifest.json"))
    except FileNotFoundError:
        return ""
    # Its name changes with its bytes, and what it imports stands beside it.
    return url_for("kept", word="js", path=f"{_BUILT}/{files[name]}")


def send(word: str, path: str) -> Response:
    """A file in the smallest form that the browser takes."""
    found = safe_join(str(_STATIC), path)
    if found is None or "\0" in path or not Path(found).is_file():
        raise not_found("There is no such file.")
    coding, content = _packed(path, _changed(path)).best(request.headers.get("Accept-Encoding", ""))
    kind = _KINDS.get(Path(path).suffix) or guess_type(path)[0] or "application/octet-stream"
    reply = Response(content, content_type=kind)
    if coding:
        reply.headers["Content-Encoding"] = coding
    is_newest = word == "js" or word == _word(path, _changed(path))
    reply.headers["Cache-Control"] = _FOR_EVER if is_newest else _CHECK_EACH_TIME
    reply.headers["Vary"] = "Accept-Encoding"
    reply.set_etag(f"{_word(path, _changed(path))}-{coding}")
    reply.make_conditional(request)
    return reply


def _changed(path: str) -> int:
    return (_STATIC / path).stat().st_mtime_ns


@cache
def _word(path: str, changed: int) -> str:
    return sha256((_STATIC / path).read_bytes()).hexdigest()[:10]


@cache
def _packed(path: str, changed: int) -> Packed:
    return pack((_STATIC / path).read_bytes())


@cache
def _files(changed: int) -> dict[str, str]:
    files: dict[str, str] = json.loads((_STATIC / _BUILT / "manifest.json").read_text())["files"]
    return files
