"""`atbalss demo` as a process: ready once, its data found again, a taken port said in a sentence."""

import json
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.running_demo import RunningDemo


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
        command = ["--data-dir", str(tmp_path / "data"), "demo", option, str(port), other, "0"]
        done = subprocess.run(
            [sys.executable, "-m", "widget_server.run", *command],
            check=False, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    sentence = f"Error: Port {port} on 127.0.0.1 is taken by another program; choose another with {option}.\n"
    assert done.stderr == sentence
