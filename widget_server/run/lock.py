"""One owner a data folder. The lock is the kernel's, so it ends with the last process that was started under it."""

import fcntl
import os
import time
from pathlib import Path
from typing import Self

# Processes of a killed supervisor need a moment to be gone, and so does one that has just been told to stop.
_GRACE_SECONDS = 0.5
_LINGER_SECONDS = 10.0


class Locked(Exception):
    """This data folder is not ours: somebody else keeps house in it, or it can't be written to. The message is one
    sentence."""


class DataLock:
    """Held from `take` until `release`, and by every child that inherited it, whatever happens to this process."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "lock"
        self._handle: int | None = None
        self._data_dir = data_dir

    def take(self) -> Self:
        """Raises Locked when a living process has it, or it can't be had; waits for the remains of a dead one."""
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Locked(f"The file {self._path} can't be written to: {error.strerror}.") from error
        began = time.monotonic()
        while not _flock(handle):
            holder = _holder(handle)
            patience = _GRACE_SECONDS if holder and _is_alive(holder) else _LINGER_SECONDS
            if time.monotonic() - began > patience:
                os.close(handle)
                raise Locked(f"Atbalss already runs in {self._data_dir} (process {holder or 'unknown'}).")
            time.sleep(0.02)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        self._handle = handle
        return self

    @property
    def handle(self) -> int:
        """The descriptor a child inherits, so that the folder stays locked as long as that child lives."""
        assert self._handle is not None
        return self._handle

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self if self._handle is not None else self.take()

    def __exit__(self, *_exception: object) -> None:
        self.release()


def _flock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(handle: int) -> int | None:
    text = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdecimal() else None


def _is_alive(pid: int) -> bool:
    """A dead process that its parent hasn't asked after yet counts as dead, where the system tells."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return state.rpartition(")")[2].split()[0] not in ("Z", "X")
