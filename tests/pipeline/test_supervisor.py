"""What a supervisor promises about its processes, tried with processes that only sleep, on a supervisor of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.servers import wait_for, wait_until_dead

# The children say who they are in a file; `last` is ready one second after its first start by touching a file.
_PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from widget_server.run import logs, offspring
from widget_server.run.supervisor import Child, Supervisor

folder = Path(sys.argv[1])
if sys.argv[2:] == ["no-kernel-help"]:
    offspring._LIBC = None
logs.configure("info")

def say(line):
    with (folder / "said").open("a") as file:
        file.write(line + "\\n")

def sleeper(name):
    def run():
        offspring.watch_parent()
        signal.signal(signal.SIGTERM, lambda *_: (say(f"{name} stops"), sys.exit(0)))
        say(f"{name} runs")
        while True:
            time.sleep(60)
    return run

def nest():
    return Supervisor([Child("inner", entry=sleeper("inner"))]).run()

children = [Child("first", entry=sleeper("first"), ready=(folder / "first-is-ready").exists)]
if sys.argv[2:] != ["no-kernel-help"]:
    children.append(Child("program", argv=[sys.executable, "-c", "import time; time.sleep(600)"]))
children += [Child("nest", entry=nest), Child("last", entry=sleeper("last"))]
if sys.argv[2:] == ["dying"]:
    children = [Child("dying", entry=lambda: say("dying runs") or 1)]
if sys.argv[2:] == ["deaf"]:
    def deaf():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say("deaf runs")
        time.sleep(600)
    children = [Child("deaf", entry=deaf, stop_seconds=0.2)]
sys.exit(Supervisor(children, on_ready=lambda: say("all ready")).run())
"""


class House:
    """A running supervisor."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(folder), *arguments], stderr=log
            )

    def said(self) -> list[str]:
        path = self.folder / "said"
        return path.read_text().splitlines() if path.exists() else []

    def wait_until_said(self, line: str, times: int = 1) -> None:
        wait_for(lambda: self.said().count(line) >= times, f"{line!r} was not said {times} times")

    def logged(self, event: str) -> dict[str, list[int]]:
        """Process name -> the pids logged with `event`, in order."""
        found: dict[str, list[int]] = {}
        for line in (self.folder / "log").read_text().splitlines(keepends=True):
            if not line.endswith("\n"):
                continue  # is being written
            entry = json.loads(line)
            if entry["event"] == event:
                found.setdefault(entry["process"], []).append(entry["pid"])
        return found

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    houses: list[House] = []

    def start(*arguments: str) -> House:
        houses.append(House(tmp_path, *arguments))
        return houses[-1]

    yield start
    for each in houses:
        if each.process.poll() is None:
            family = each.family()
            each.process.kill()
            each.process.wait()
            wait_until_dead(family)


def _start_all(house: Callable[..., House], *arguments: str) -> House:
    started = house(*arguments)
    (started.folder / "first-is-ready").touch()
    started.wait_until_said("all ready")
    started.wait_until_said("last runs")
    started.wait_until_said("inner runs")
    return started


def test_the_next_process_waits_until_the_one_before_is_ready(house: Callable[..., House]) -> None:
    started = house()
    started.wait_until_said("first runs")
    assert "program" not in started.logged("started")
    (started.folder / "first-is-ready").touch()
    started.wait_until_said("all ready")
    order = [name for name in started.logged("started") if name != "inner"]  # which is nest's affair
    assert order == ["first", "program", "nest", "last"]


def test_a_killed_process_is_back_and_the_others_are_left_alone(house: Callable[..., House]) -> None:
    started = _start_all(house)
    (old,) = started.logged("started")["first"]
    others = {p.pid for p in started.family()} - {old}
    os.kill(old, signal.SIGKILL)
    started.wait_until_said("first runs", 2)
    assert others < {p.pid for p in started.family()}
    assert started.said().count("all ready") == 1


def test_sigterm_stops_the_last_started_first_and_exits_0(house: Callable[..., House]) -> None:
    started = _start_all(house)
    family = started.family()
    started.process.send_signal(signal.SIGTERM)
    assert started.process.wait(20) == 0
    stops = [line for line in started.said() if line.endswith("stops")]
    assert stops == ["last stops", "inner stops", "first stops"]
    wait_until_dead(family)


def test_ctrl_c_reaches_only_the_supervisor(house: Callable[..., House]) -> None:
    started = _start_all(house)
    group = os.getpgid(started.process.pid)
    assert all(os.getpgid(p.pid) != group for p in started.family())


@pytest.mark.parametrize("watcher", ["kernel", "no-kernel-help"])
def test_nothing_survives_a_killed_supervisor(house: Callable[..., House], watcher: str) -> None:
    started = _start_all(house, *([] if watcher == "kernel" else [watcher]))
    family = started.family()
    assert len(family) >= 4
    started.process.kill()
    started.process.wait()
    wait_until_dead(family)


def test_what_dies_at_once_again_and_again_is_started_less_often(house: Callable[..., House]) -> None:
    started = house("dying")
    started.wait_until_said("dying runs", 4)
    started.process.terminate()
    started.process.wait(20)
    entries = [json.loads(line) for line in (started.folder / "log").read_text().splitlines()]
    ended = [entry for entry in entries if entry["event"] == "ended"]
    assert {entry["code"] for entry in ended} == {1}
    assert ended[0]["level"] == "warning"
    # Were it started again without a pause, there would be thousands.
    assert started.said().count("dying runs") < 10


def test_who_does_not_hear_sigterm_is_killed(house: Callable[..., House]) -> None:
    started = house("deaf")
    started.wait_until_said("deaf runs")
    started.process.send_signal(signal.SIGTERM)
    assert started.process.wait(20) == 0
    assert started.logged("ended")["deaf"]
