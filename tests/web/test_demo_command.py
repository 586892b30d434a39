"""`atbalss demo` as a process: ready once, its data found again, a taken port said in a sentence."""

import json
import socket
import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.browser.running_demo import RunningDemo
from tests.conftest import SECRET_KEY
from widget_server.record.db import Database
from widget_server.run.commands import demo as demo_command


def test_a_second_start_finds_its_data(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = RunningDemo(folder)
    try:
        assert first.said.count("ready") == 1
        stars = first.get("/v1/scores", metric="stars", question="order-rating")["total"]
        success = first.get("/v1/scores", metric="success", question="search-found")["total"]
        assert stars["n"] > 100
        assert stars["enough"]
        assert success["n"] > 200
        curl = next(line for line in first.said.splitlines() if line.startswith("curl"))
        assert subprocess.run(curl, shell=True, capture_output=True, check=True).stdout.count(b'"distribution"') == 1
        again = demo(folder, 0, 0)
        assert (again.returncode, again.stdout) == (1, "")
        assert again.stderr.startswith(f"Error: Atbalss already runs in {folder} (process "), again.stderr
        assert again.stderr.count("\n") == 1
    finally:
        assert first.stop() == 0
    kept = folder / "demo-shop.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    second = RunningDemo(folder)
    try:
        assert second.api_key == first.api_key == json.loads(kept.read_text())["api_key"]
        assert second.get("/v1/scores", metric="stars", question="order-rating")["total"] == stars
    finally:
        assert second.stop() == 0


@pytest.mark.parametrize("option", ["--port", "--shop-port"])
def test_a_taken_port_is_one_sentence(tmp_path: Path, option: str) -> None:
    other = "--shop-port" if option == "--port" else "--port"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--data-dir", str(tmp_path / "data"), "demo", option, str(port), other, "0")
    assert done.returncode == 1
    assert done.stdout == ""
    sentence = f"Error: Port {port} on 127.0.0.1 is taken by another program; choose another with {option}.\n"
    assert done.stderr == sentence


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE accounts DROP COLUMN theme", "another version of Atbalss: there is no accounts.theme."),
        ("DROP TABLE touchpoints", "another version of Atbalss: there is no touchpoints."),
        ("UPDATE alembic_version SET version_num = '9999_later'", "a newer version of Atbalss."),
    ],
)
def test_data_of_another_version_are_one_sentence(tmp_path: Path, change: str, said: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    database = Database(f"sqlite:///{folder / 'atbalss.db'}", SECRET_KEY)
    database.migrate()
    with database.writing() as conn:
        conn.exec_driver_sql(change)
    database.close()
    done = demo(folder, 0, 0)
    assert (done.returncode, done.stdout) == (1, "")
    advice = f"Delete {folder} to begin anew, or name another folder with --data-dir."
    assert done.stderr == f"Error: The tables of the database are those of {said} {advice}\n"


def test_a_folder_that_can_not_be_written_to_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    below = demo(tmp_path / "file" / "data", 0, 0)
    assert (below.returncode, below.stdout) == (1, "")
    assert below.stderr == f"Error: The folder {tmp_path / 'file' / 'data'} can't be made: Not a directory.\n"
    # As somebody else's would be; nothing is forbidden to root.
    (tmp_path / "theirs" / "lock").mkdir(parents=True)
    theirs = demo(tmp_path / "theirs", 0, 0)
    assert (theirs.returncode, theirs.stdout) == (1, "")
    assert theirs.stderr == f"Error: The file {tmp_path / 'theirs' / 'lock'} can't be written to: Is a directory.\n"


def demo(folder: Path, port: int, shop_port: int) -> "subprocess.CompletedProcess[str]":
    return run("--data-dir", str(folder), "demo", "--port", str(port), "--shop-port", str(shop_port))


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "widget_server.run", *command]
    return subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("host", "given", "allowed"),
    [("127.0.0.1", None, True), ("0.0.0.0", None, False), ("127.0.0.1", "0", False)],
)
def test_private_addresses_are_called_only_while_nobody_else_reaches_the_demo(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, given: str | None, allowed: bool
) -> None:
    monkeypatch.setenv("ATBALSS_DATA_DIR", str(tmp_path / "data"))
    if given is None:
        monkeypatch.delenv("ATBALSS_ALLOW_PRIVATE", raising=False)
    else:
        monkeypatch.setenv("ATBALSS_ALLOW_PRIVATE", given)
    with click.Context(demo_command.command):
        assert demo_command._settings(host, 0).allow_private is allowed
