"""How the snippet is served: to any page, gzipped, cached as its names allow, and with a sentence when it is not built."""

import gzip
import json
from pathlib import Path

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient

from widget_server.web import errors, headers, snippet

LOADER = b"(()=>{/* loader */})();" * 20
CHUNK = b"export const panel = 1;" * 20


def build(folder: Path, loader: bytes = LOADER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "widget.js").write_bytes(loader)
    (folder / "panel-0123456789.js").write_bytes(CHUNK)
    (folder / "secret.txt").write_text("not part of the build")
    manifest = {"loader": "widget.js", "chunks": {"panel": "panel-0123456789.js"}}
    (folder / "new.json").write_text(json.dumps(manifest))
    (folder / "new.json").rename(folder / "manifest.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "widget"


@pytest.fixture
def client(folder: Path) -> FlaskClient:
    app = Flask(__name__, static_folder=None)
    errors.install(app)
    headers.install(app)
    app.register_blueprint(snippet.blueprint(folder, folder.parent / "frozen"))
    return app.test_client()


@pytest.mark.parametrize(
    ("path", "bytes_", "caching"),
    [
        ("/widget.js", LOADER, "public, max-age=3600"),
        ("/widget.v1.js", LOADER, "no-cache"),
        ("/widget/panel-0123456789.js", CHUNK, "public, max-age=31536000, immutable"),
    ],
)
def test_a_file_of_the_build(client: FlaskClient, folder: Path, path: str, bytes_: bytes, caching: str) -> None:
    build(folder)
    plain = client.get(path, headers={"Origin": "https://shop.example", "Accept-Encoding": "identity"})
    assert plain.data == bytes_
    assert plain.content_type == "text/javascript; charset=utf-8"
    assert plain.headers["Cache-Control"] == caching
    assert plain.headers["Access-Control-Allow-Origin"] == "*"
    assert plain.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert plain.headers["X-Content-Type-Options"] == "nosniff"
    for accepted, coding, unpack in (("gzip, deflate, br", "br", brotli.decompress), ("gzip", "gzip", gzip.decompress)):
        packed = client.get(path, headers={"Accept-Encoding": accepted})
        assert packed.headers["Content-Encoding"] == coding
        assert packed.headers["Vary"] == "Accept-Encoding"
        assert unpack(packed.data) == bytes_
        assert packed.headers["ETag"] != plain.headers["ETag"]
        again = client.get(path, headers={"Accept-Encoding": accepted, "If-None-Match": packed.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Access-Control-Allow-Origin"] == "*"


def test_a_new_build_is_served_at_once(client: FlaskClient, folder: Path) -> None:
    build(folder)
    before = client.get("/widget.js")
    build(folder, LOADER + b"// newer")
    after = client.get("/widget.js", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.data.endswith(b"// newer")


@pytest.mark.parametrize("name", ["secret.txt", "manifest.json", "widget.js", "..%2fpages.py", "stars-9999999999.js", "panel-0123456789.css", "panel.js"])
def test_only_chunks_of_the_build_are_served(client: FlaskClient, folder: Path, name: str) -> None:
    build(folder)
    reply = client.get(f"/widget/{name}")
    assert reply.status_code == 404
    assert "max-age" not in reply.headers.get("Cache-Control", "")


def test_a_loader_from_before_an_upgrade_gets_the_newest_chunk(client: FlaskClient, folder: Path) -> None:
    build(folder)
    reply = client.get("/widget/panel-9999999999.js")
    assert reply.data == client.get("/widget/panel-0123456789.js").data
    assert reply.headers["Cache-Control"] == "no-cache"


def test_without_a_build_it_says_how_to_make_one(client: FlaskClient) -> None:
    reply = client.get("/widget.js")
    assert reply.status_code == 503
    assert "make snippet" in reply.get_json()["message"]
    assert reply.headers["Retry-After"]
    assert reply.headers["Access-Control-Allow-Origin"] == "*"


def test_while_a_build_is_being_replaced_the_last_one_is_served(client: FlaskClient, folder: Path) -> None:
    build(folder)
    assert client.get("/widget.js").status_code == 200
    (folder / "manifest.json").unlink()
    assert client.get("/widget.js").data == LOADER
