"""Keeps named processes alive: starts them in order, restarts at once what dies, stops them in the opposite order.

Nothing survives its supervisor (see `offspring`). A process that dies again within a second waits a little longer each
time, up to two seconds, so that a fault that stays doesn't burn a processor.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType

import structlog

from . import offspring

_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_QUICK_DEATH = 1.0
_MAX_PAUSE = 2.0
_TICK = 0.05
_IDLE = 5.0

log = structlog.get_logger("supervisor")


@dataclass(frozen=True)
class Child:
    """One process to keep alive: a program (`argv`, inheriting the descriptors `keep`) or a function of ours (`entry`).

    `ready` tells when the next one may start for the first time; without it that is at once. After `stop_seconds`
    without having ended on SIGTERM it is killed.
    """

    name: str
    argv: Sequence[str] = ()
    entry: Callable[[], int | None] | None = None
    keep: Sequence[int] = ()
    ready: Callable[[], bool] | None = None
    stop_seconds: float = 10.0


@dataclass
class _Running:
    """What the supervisor knows of a child."""

    child: Child
    pid: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    due: float = 0.0
    deaths: int = 0
    was_ready: bool = False


@dataclass
class Supervisor:
    """`on_ready` is called once, when the last child was ready for the first time. Run it in the main thread."""

    children: Sequence[Child]
    on_ready: Callable[[], None] = lambda: None
    _slots: list[_Running] = field(default_factory=list)
    _asked: int = 0

    def run(self) -> int:
        """Returns 0 when it was asked to stop (SIGTERM, SIGINT, SIGHUP) and everything has ended."""
        self._slots = [_Running(child) for child in self.children]
        wake, woken = socket.socketpair()
        for end in (wake, woken):
            end.setblocking(False)
        with wake, woken, self._signals(woken.fileno()):
            announced = False
            while not self._asked:
                pause = self._look_after()
                if not announced and all(slot.was_ready for slot in self._slots):
                    announced = True
                    self.on_ready()
                _sleep(wake, pause)
            self._stop_all(wake)
        return 0

    @contextlib.contextmanager
    def _signals(self, handle: int) -> Iterator[None]:
        """The handlers only note and wake, whatever the loop is doing."""
        before = {number: signal.getsignal(number) for number in (*_STOPPING, signal.SIGCHLD)}
        earlier = signal.set_wakeup_fd(handle, warn_on_full_buffer=False)
        try:
            for number in _STOPPING:
                # `nohup` has asked that the end of the terminal be ignored.
                if before[number] is not signal.SIG_IGN:
                    signal.signal(number, self._ask)
            signal.signal(signal.SIGCHLD, lambda *_: None)
            yield
        finally:
            signal.set_wakeup_fd(earlier)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked += 1

    def _look_after(self) -> float:
        """Notice deaths, start what is due, and tell for how long nothing will be."""
        now = time.monotonic()
        pause = _IDLE
        before_are_ready = True
        for slot in self._slots:
            self._bury(slot, now)
            if not slot.pid and before_are_ready:
                if slot.due <= now:
                    self._start(slot)
                else:
                    pause = min(pause, slot.due - now)
            if slot.pid and not slot.was_ready:
                slot.was_ready = slot.child.ready is None or slot.child.ready()
                pause = pause if slot.was_ready else _TICK
            before_are_ready = before_are_ready and slot.was_ready
        return pause

    def _start(self, slot: _Running) -> None:
        child = slot.child
        if child.entry is not None:
            slot.process, slot.pid = None, offspring.fork(child.name, child.entry)
        else:
            slot.process = offspring.spawn(child.argv, child.keep)
            slot.pid = slot.process.pid
        slot.started = time.monotonic()
        log.info("started", process=child.name, pid=slot.pid)

    def _bury(self, slot: _Running, now: float) -> bool:
        """Note that a child has ended and when it is due again. True when it isn't running (any more)."""
        if not slot.pid:
            return True
        code = _exit_code(slot)
        if code is None:
            return False
        slot.deaths = slot.deaths + 1 if now - slot.started < _QUICK_DEATH else 0
        slot.due = now + (min(0.05 * 2**slot.deaths, _MAX_PAUSE) if slot.deaths else 0.0)
        said = log.info if self._asked else log.warning
        said("ended", process=slot.child.name, pid=slot.pid, code=code)
        slot.pid, slot.process = 0, None
        return True

    def _stop_all(self, wake: socket.socket) -> None:
        """One after the other, the last started first: what depends on something ends before it."""
        impatient = self._asked
        for slot in reversed(self._slots):
            deadline = time.monotonic() + slot.child.stop_seconds
            self._signal(slot, signal.SIGTERM)
            while not self._bury(slot, time.monotonic()):
                if time.monotonic() > deadline or self._asked > impatient:
                    self._signal(slot, signal.SIGKILL)
                _sleep(wake, _TICK)

    def _signal(self, slot: _Running, number: signal.Signals) -> None:
        if slot.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(slot.pid, number)


def _exit_code(slot: _Running) -> int | None:
    """As the shell's: negative for a signal; None while it runs."""
    if slot.process is not None:
        return slot.process.poll()
    try:
        pid, status = os.waitpid(slot.pid, os.WNOHANG)
    except ChildProcessError:
        return 1
    return os.waitstatus_to_exitcode(status) if pid else None


def _sleep(wake: socket.socket, seconds: float) -> None:
    """Until a signal came, the time is up, or (where only a pipe tells) the parent is gone."""
    watched: list[socket.socket | int] = [wake]
    if offspring.parent_pipe is not None:
        watched.append(offspring.parent_pipe)
    readable, _, _ = select.select(watched, [], [], seconds)
    if offspring.parent_pipe in readable:
        os._exit(1)
    with contextlib.suppress(BlockingIOError):
        while wake.recv(4096):
            pass
