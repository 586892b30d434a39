"""Serves the built snippet: the loader under its two names, and its chunks, whose names change with their bytes.

Any page may load them (CORS *). They go out packed as far as the browser takes it. The folder is looked at
again whenever a build has replaced it. Once the first version is frozen (frozen.py), `/widget.v1.js` is that for ever,
and its chunks are served beside those of whatever build there is.
"""

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

import orjson
from flask import Blueprint, Response, request

from widget_server.intake.packing import Packed, pack

from . import frozen
from .errors import Problem, not_found

_ROLLING = "public, max-age=3600"
# For the first version until it is frozen, after which it may be cached for ever; and for a chunk's successor.
_CHECK_EACH_TIME = "no-cache"
_FOR_EVER = "public, max-age=31536000, immutable"
_NOT_BUILT = "The snippet is not built yet; `make snippet` builds it."


@dataclass(frozen=True)
class _File:
    content: Packed
    etag: str


class Bundle:
    """The files of the newest build in `folder`, or of what is frozen there, read once a build."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._seen = (0, 0)
        self._loader = ""
        self._files: dict[str, _File] = {}
        self._chunks: dict[str, str] = {}

    def is_there(self) -> bool:
        """Whether there is anything to serve."""
        return bool(self._files) or (self._folder / frozen.MANIFEST).exists()

    def loader(self) -> _File:
        self._refresh()
        return self._files[self._loader]

    def chunk(self, name: str) -> _File | None:
        """A chunk of this build, by its file name."""
        self._refresh()
        return None if name == self._loader else self._files.get(name)

    def successor(self, name: str) -> _File | None:
        """What this build has in place of another build's chunk: the one of the same name with another hash."""
        own = [n for n in self._files if n != self._loader and n.rpartition("-")[0] == name.rpartition("-")[0] != ""]
        return self._files[own[0]] if own and name.endswith(".js") else None

    def chunks(self) -> dict[str, str]:
        """The file name of each chunk of this build, by its plain name."""
        self._refresh()
        return dict(self._chunks)

    def _refresh(self) -> None:
        try:
            state = (self._folder / frozen.MANIFEST).stat()
            seen = (state.st_mtime_ns, state.st_ino)
            if seen == self._seen:
                return
            with self._lock:
                manifest = orjson.loads((self._folder / frozen.MANIFEST).read_bytes())
                names = [manifest["loader"], *manifest["chunks"].values()]
                self._files = {name: _read(self._folder / name) for name in names}
                self._chunks = dict(manifest["chunks"])
                self._loader, self._seen = manifest["loader"], seen
        except FileNotFoundError as error:
            if not self._files:
                raise Problem(503, "not_built", _NOT_BUILT, headers={"Retry-After": "60"}) from error


def blueprint(folder: Path = frozen.BUILT, frozen_folder: Path = frozen.FOLDER) -> Blueprint:
    """The routes of the snippet."""
    made = Blueprint("snippet", __name__)
    bundle, first = Bundle(folder), Bundle(frozen_folder)

    def rolling() -> Response:
        return _send(bundle.loader(), _ROLLING)

    def first_version() -> Response:
        return _send(first.loader(), _FOR_EVER) if first.is_there() else _send(bundle.loader(), _CHECK_EACH_TIME)

    def chunk(name: str) -> Response:
        found = (first.chunk(name) if first.is_there() else None) or bundle.chunk(name)
        if found is not None:
            return _send(found, _FOR_EVER)
        # A loader that a browser or a proxy kept from before an upgrade asks for chunks that are gone.
        later = bundle.successor(name)
        if later is None:
            raise not_found("This build of the snippet has no such file.")
        return _send(later, _CHECK_EACH_TIME)

    made.add_url_rule("/widget.js", "rolling", rolling)
    made.add_url_rule("/widget.v1.js", "first_version", first_version)
    made.add_url_rule("/widget/<name>", "chunk", chunk)
    made.after_request(_for_any_page)
    return made


def _read(path: Path) -> _File:
    plain = path.read_bytes()
    return _File(pack(plain), hashlib.sha256(plain).hexdigest()[:20])


def _send(file: _File, caching: str) -> Response:
    coding, content = file.content.best(request.headers.get("Accept-Encoding", ""))
    reply = Response(content, content_type="text/javascript; charset=utf-8")
    if coding:
        reply.headers["Content-Encoding"] = coding
    reply.headers["Cache-Control"] = caching
    reply.headers["Vary"] = "Accept-Encoding"
    reply.set_etag(f"{file.etag}-{coding}" if coding else file.etag)
    reply.make_conditional(request)
    return reply


def _for_any_page(reply: Response) -> Response:
    reply.headers["Access-Control-Allow-Origin"] = "*"
    reply.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return reply
