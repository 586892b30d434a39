"""The real command in a process of its own, as an operator starts it."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import psutil

from tests.servers import wait_for, wait_until_dead

ATBALSS = (sys.executable, "-m", "widget_server.run")


def environment(**settings: str) -> dict[str, str]:
    """This environment with exactly the given settings (names without the prefix, in small letters)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATBALSS_")}
    return kept | {f"ATBALSS_{name.upper()}": value for name, value in settings.items()}


def run(data_dir: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """One command to its end."""
    return subprocess.run(
        [*ATBALSS, "--data-dir", str(data_dir), *arguments],
        env=environment(**settings), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


class Program:
    """A command that goes on. Its output stands in files beside the data folder."""

    def __init__(self, data_dir: Path, *arguments: str, **settings: str) -> None:
        self.data_dir = data_dir
        name = f"{arguments[0]}-{uuid.uuid4().hex[:8]}"
        self._out, self._err = data_dir.parent / f"{name}.out", data_dir.parent / f"{name}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*ATBALSS, "--data-dir", str(data_dir), *arguments],
                env=environment(**settings), stdout=out, stderr=err,
            )  # fmt: skip
        self.url = ""

    def wait_until_ready(self) -> "Program":
        """Until the `ready` line of `up` is there; then `url` is known."""
        wait_for(lambda: "ready" in self.out, "no ready line", self.process)
        self.url = self.out.split("ready", 1)[1].split()[0].replace("localhost", "127.0.0.1")
        return self

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def logged(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """The log lines of `event` that have these fields."""
        whole = (
            line
            for line in self.err.splitlines(keepends=True)
            if line.startswith("{") and line.endswith("\n")
        )
        lines = (json.loads(line) for line in whole)
        return [line for line in lines if line["event"] == event and fields.items() <= line.items()]

    def pid_of(self, name: str) -> int:
        """The process of that name that was started last."""
        wait_for(lambda: bool(self.logged("started", process=name)), f"{name} was not started")
        return int(self.logged("started", process=name)[-1]["pid"])

    def family(self) -> list[psutil.Process]:
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def terminate(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.terminate()
        return self.process.wait(40)

    def kill(self) -> None:
        """kill -9 of the process that was started, and a wait until its children have followed."""
        if self.process.poll() is not None:
            return
        family = self.family()
        self.process.kill()
        self.process.wait()
        wait_until_dead(family)


def get(url: str, key: str = "") -> tuple[int, Any]:
    """Status and JSON."""
    return _ask(urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {}))


def answer(url: str, site_key: str, value: str = "yes", **fields: object) -> tuple[int, Any]:
    """Send one answer to "did you find it?", as the snippet does."""
    event = {
        "id": str(uuid.uuid4()), "type": "answer.given", "at": "2026-11-22T10:00:00Z", "question": "search-found",
        "value": value, **fields,
    }  # fmt: skip
    body = json.dumps({"sent_at": "2026-11-22T10:00:00Z", "events": [event]}).encode()
    return _ask(
        urllib.request.Request(f"{url}/v1/shops/{site_key}/answers", body, {"Content-Type": "text/plain"})
    )


def _ask(request: urllib.request.Request) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")
