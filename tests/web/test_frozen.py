"""The first version for ever: what a release copies, that it is guarded, and how it is served before and after."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from widget_server.web import errors, frozen, headers, snippet

FOR_EVER = "public, max-age=31536000, immutable"


def built(folder: Path, generation: int = 1) -> Path:
    """A build: a loader that names a chunk that names another, all named by their bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    stars = f"export const stars = {generation};".encode()
    stars_name = f"stars-{hashlib.sha256(stars).hexdigest()[:8]}.js"
    panel = f'import("./{stars_name}"); // {generation}'.encode()
    panel_name = f"panel-{hashlib.sha256(panel).hexdigest()[:8]}.js"
    loader = f'import("widget/{panel_name}"); // {generation}'.encode()
    files = {"widget.js": loader, panel_name: panel, stars_name: stars}
    for path in folder.iterdir():
        path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    manifest = {
        "loader": "widget.js", "chunks": {"panel": panel_name, "stars": stars_name}, "sizes": {},
        "integrity": {"widget.js": "sha384-" + base64.b64encode(hashlib.sha384(loader).digest()).decode()},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def chunks(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*-*.js")}


@pytest.fixture
def build(tmp_path: Path) -> Path:
    return built(tmp_path / "widget")


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    return tmp_path / "frozen" / "v1"


@pytest.fixture
def client(build: Path, v1: Path) -> FlaskClient:
    app = Flask(__name__, static_folder=None)
    errors.install(app)
    headers.install(app)
    app.register_blueprint(snippet.blueprint(build, v1))
    return app.test_client()


def test_what_this_repository_has_frozen_is_unharmed() -> None:
    """The guard: nothing below static/frozen/v1 may ever change."""
    assert frozen.damage(frozen.FOLDER) == []


def test_the_folder_is_whole_or_not_there() -> None:
    assert frozen.FOLDER.exists() == (frozen.FOLDER / "manifest.json").exists() == (frozen.integrity(frozen.FOLDER) is not None)


def test_a_release_copies_the_loader_and_every_chunk(build: Path, v1: Path) -> None:
    hashes = frozen.release(build, v1)
    assert {path.name for path in v1.iterdir()} == {*hashes, "manifest.json"} == {"widget.js", *chunks(build), "manifest.json"}
    for name, told in hashes.items():
        content = (v1 / name).read_bytes()
        assert content == (build / name).read_bytes()
        assert told == "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()
        named = set(re.findall(r"[a-z]+-[0-9a-f]{8}\.js", content.decode()))
        assert named <= set(hashes)
    assert frozen.integrity(v1) == hashes["widget.js"]
    assert frozen.damage(v1) == []
    assert [path.name for path in v1.parent.iterdir()] == ["v1"]


def test_of_the_real_build_too(tmp_path: Path) -> None:
    hashes = frozen.release(frozen.BUILT, tmp_path / "v1")
    names = json.loads((frozen.BUILT / "manifest.json").read_text())
    assert set(hashes) == {names["loader"], *names["chunks"].values()}
    assert hashes["widget.js"] == names["integrity"]["widget.js"]
    assert frozen.damage(tmp_path / "v1") == []


def test_the_guard_names_the_file_whatever_was_done_to_it(build: Path, v1: Path) -> None:
    assert frozen.damage(v1) == []  # nothing is frozen yet
    frozen.release(build, v1)
    panel, stars = sorted(chunks(v1))
    whole = (v1 / panel).read_bytes()
    (v1 / panel).write_bytes(whole[:-1] + b"2")
    assert frozen.damage(v1) == [f"{panel} was changed."]
    (v1 / panel).write_bytes(whole)
    assert frozen.damage(v1) == []
    (v1 / stars).unlink()
    (v1 / "panel-00000000.js").write_bytes(whole)
    assert frozen.damage(v1) == ["panel-00000000.js was not frozen with the others.", f"{stars} is missing."]
    (v1 / "manifest.json").unlink()
    assert frozen.damage(v1) == ["manifest.json is missing."]


def test_nothing_is_frozen_twice_or_from_half_a_build(build: Path, v1: Path) -> None:
    panel = sorted(chunks(build))[0]
    whole = (build / panel).read_bytes()
    (build / panel).unlink()
    with pytest.raises(frozen.CannotRelease, match=f"{panel} is missing"):
        frozen.release(build, v1)
    (build / panel).write_bytes(whole)
    loader = (build / "widget.js").read_bytes()
    (build / "widget.js").write_bytes(loader + b" ")
    with pytest.raises(frozen.CannotRelease, match="is not what was built"):
        frozen.release(build, v1)
    (build / "widget.js").write_bytes(loader)
    with pytest.raises(frozen.CannotRelease, match="is missing; build the snippet first"):
        frozen.release(build.parent / "nowhere", v1)
    assert not v1.parent.exists()
    before = frozen.release(build, v1)
    with pytest.raises(frozen.CannotRelease, match="stays as it is"):
        frozen.release(built(build, 2), v1)
    assert {name: frozen.sri((v1 / name).read_bytes()) for name in before} == before


def test_until_the_release_v1_is_the_rolling_build(client: FlaskClient, build: Path) -> None:
    for generation in (1, 2):
        built(build, generation)
        rolling, first = client.get("/widget.js"), client.get("/widget.v1.js")
        assert rolling.data == first.data == (build / "widget.js").read_bytes()
        assert (first.headers["Cache-Control"], first.headers["ETag"]) == ("no-cache", rolling.headers["ETag"])


def test_after_the_release_it_never_changes_again(client: FlaskClient, build: Path, v1: Path) -> None:
    assert client.get("/widget.v1.js").headers["Cache-Control"] == "no-cache"  # it was looked at before, too
    hashes = frozen.release(build, v1)
    old = chunks(build)
    built(build, 2)
    assert not old & chunks(build)

    first = client.get("/widget.v1.js", headers={"Origin": "https://shop.example"})
    assert first.data == (v1 / "widget.js").read_bytes() != client.get("/widget.js").data
    assert frozen.sri(first.data) == hashes["widget.js"]
    assert first.headers["Cache-Control"] == FOR_EVER
    assert first.headers["Access-Control-Allow-Origin"] == "*"  # without it `integrity` can't be checked
    assert client.get("/widget.js").headers["Cache-Control"] == "public, max-age=3600"

    asked = re.findall(r'widget/([^"]+)', first.text)
    while asked:  # the chunks it names, and those that they name
        reply = client.get(f"/widget/{asked.pop()}")
        assert (reply.status_code, reply.headers["Cache-Control"]) == (200, FOR_EVER)
        old.discard(next(name for name in old if (v1 / name).read_bytes() == reply.data))
        asked += re.findall(r'\./([^"]+)', reply.text)
    assert not old
    for name in chunks(build):
        assert client.get(f"/widget/{name}").data == (build / name).read_bytes()
    assert client.get("/widget/manifest.json").status_code == 404
    assert client.get("/widget/widget.js").status_code == 404


def test_the_frozen_one_is_served_while_there_is_no_build(client: FlaskClient, build: Path, v1: Path) -> None:
    frozen.release(build, v1)
    (build / "manifest.json").unlink()
    assert client.get("/widget.v1.js").status_code == 200
    assert client.get(f"/widget/{sorted(chunks(v1))[0]}").status_code == 200
    assert client.get("/widget.js").status_code == 503


def test_the_command_freezes_the_build_of_its_own_copy(build: Path, tmp_path: Path) -> None:
    """As `make release-snippet` runs it, in a copy of the package's folder."""
    package = tmp_path / "copy" / "widget_server" / "web"
    package.mkdir(parents=True)
    module = package / "frozen.py"
    module.write_bytes(Path(frozen.__file__).read_bytes())
    (package / "static").mkdir()
    build.rename(package / "static" / "widget")

    def run() -> "subprocess.CompletedProcess[str]":
        return subprocess.run([sys.executable, module], capture_output=True, text=True, check=False)

    done = run()
    v1 = package / "static" / "frozen" / "v1"
    assert done.returncode == 0, done.stderr
    assert "3 files are frozen" in done.stdout and str(frozen.integrity(v1)) in done.stdout
    assert frozen.damage(v1) == []
    again = run()
    assert (again.returncode, again.stdout) == (1, "")
    assert "stays as it is" in again.stderr and "Traceback" not in again.stderr
