"""Starting processes that cannot outlive the one that started them, even when that one is killed with -9.

On Linux the kernel does it (PR_SET_PDEATHSIG). Elsewhere a child of ours holds the reading end of a pipe whose writing
end only its parent has: when that reads as closed, the parent is gone. A foreign program (Valkey) has only the first
way; what is left of it elsewhere is ended by the next start (`valkey.stop_leftover`).
"""

import contextlib
import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None

_pipe: tuple[int, int] | None = None
"""The pipe whose writing end stays open as long as this process lives."""

parent_pipe: int | None = None
"""Its reading end in a child; only where the kernel doesn't watch for us."""


def fork(name: str, entry: Callable[[], int | None]) -> int:
    """Run `entry` in a child process and return its pid. The child ends with what `entry` returns, and never returns here.

    Forking keeps everything that is imported, so a child is back within milliseconds; hence no open connection and
    no second thread may exist in the parent.
    """
    parent = os.getpid()
    pipe = _own_pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    # A signal to the newborn waits until it has handlers of its own.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    pid = os.fork()
    if pid == 0:
        _live(name, entry, parent, pipe, mask)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return pid


def spawn(argv: Sequence[str], keep: Sequence[int] = ()) -> "subprocess.Popen[bytes]":
    """Start a foreign program in a session of its own, so that Ctrl-C reaches only the one who stops things in order."""
    parent = os.getpid()
    return subprocess.Popen(
        argv,
        pass_fds=keep,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        # Only two system calls happen in it, and the callers have one thread.
        preexec_fn=lambda: _die_with(parent),  # noqa: PLW1509
    )


def watch_parent() -> None:
    """In a child where the kernel does not watch: end as soon as the parent is gone."""
    if parent_pipe is not None:
        threading.Thread(target=_wait_for_parent, args=(parent_pipe,), daemon=True, name="parent").start()


def _live(
    name: str, entry: Callable[[], int | None], parent: int, pipe: tuple[int, int] | None, mask: Iterable[int]
) -> NoReturn:
    global _pipe, parent_pipe
    code = 1
    try:
        _die_with(parent)
        if pipe is not None:
            os.close(pipe[1])
            _pipe, parent_pipe = None, pipe[0]
        _reset(name)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        code = entry() or 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except KeyboardInterrupt:
        code = 130
    except BaseException:  # noqa: BLE001 - the last wall of the process: said, then its supervisor decides
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _reset(name: str) -> None:
    """Forget what belonged to the parent."""
    signal.set_wakeup_fd(-1)
    for number in _HANDLED:
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    gc.freeze()
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_NAME, f"atb-{name}"[:15].encode(), 0, 0, 0)


def _die_with(parent: int) -> None:
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _own_pipe() -> tuple[int, int] | None:
    global _pipe
    if _LIBC is None and _pipe is None:
        _pipe = os.pipe()
    return _pipe


def _wait_for_parent(handle: int) -> None:
    with contextlib.suppress(OSError):
        os.read(handle, 1)
    os._exit(1)
