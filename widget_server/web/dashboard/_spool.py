"""A long file that is written at our own speed and sent at that of whoever fetches it.

It is made by a thread into a temporary file, and sent from there while it grows. So the first piece goes at once, the
snapshot that it is read from ends as soon as all is read, however slow the line, and memory never grows: who sends it
asks for a piece when the one before is on its way (run/bridge.py). A file lies on the disk until it is sent or its reader
has left, so there are only so many: one for each member, and a few in a process.
"""

import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import IO, ClassVar

import structlog

_PIECE = 256 * 1024
# So many are made at once in a process; the others wait for their turn.
_turns = threading.BoundedSemaphore(2)
_MOST = 4

log = structlog.get_logger("web")


class Place:
    """One of the places for files that are being sent. Given back by `leave`, or when nothing knows of it any more."""

    _lock = threading.Lock()
    _taken: ClassVar[set[str]] = set()

    def __init__(self, whose: str) -> None:
        """Raises NoPlace where `whose` has one already, or all are taken."""
        self._whose = ""
        with self._lock:
            if whose in self._taken or len(self._taken) >= _MOST:
                raise NoPlace
            self._taken.add(whose)
        self._whose = whose

    def leave(self) -> None:
        whose, self._whose = self._whose, ""
        self._taken.discard(whose)

    __del__ = leave


class NoPlace(Exception):
    """So many files are being sent already."""


def spooled(make: Callable[[], Iterable[bytes]], place: Place) -> Iterator[bytes]:
    """What `make` gives, from a file. `make` runs in a thread, without the request; nothing of it begins before the first
    piece is asked for, and it ends when this iterator is closed, and leaves `place`. Raises RuntimeError where `make`
    failed."""
    try:
        with tempfile.TemporaryFile() as file:
            spool = _Spool(file, make)
            writer = threading.Thread(target=spool.fill, name="export", daemon=True)
            writer.start()
            try:
                at = 0
                while piece := spool.piece(at):
                    yield piece
                    at += len(piece)
            finally:
                spool.leave()
                writer.join()
    finally:
        place.leave()


class _Spool:
    def __init__(self, file: IO[bytes], make: Callable[[], Iterable[bytes]]) -> None:
        self._file = file
        self._make = make
        self._written = 0
        self._is_whole = self._is_left = self._has_failed = False
        self._changed = threading.Condition()

    def fill(self) -> None:
        try:
            while not _turns.acquire(timeout=0.2):
                if self._is_left:
                    return
            try:
                self._write()
            finally:
                _turns.release()
        except Exception:
            log.exception("file_not_made")
            self._has_failed = True
        finally:
            with self._changed:
                self._is_whole = True
                self._changed.notify_all()

    def piece(self, at: int) -> bytes:
        """What is there from `at` on, as soon as there is something; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._written > at or self._is_whole)
            size = min(_PIECE, self._written - at)
        if not size and self._has_failed:
            raise RuntimeError("the file could not be made to its end")
        return os.pread(self._file.fileno(), size, at)

    def leave(self) -> None:
        """Nobody wants the rest."""
        self._is_left = True

    def _write(self) -> None:
        pieces = iter(self._make())
        try:
            for piece in pieces:
                if self._is_left:
                    return
                self._file.write(piece)
                self._file.flush()
                with self._changed:
                    self._written += len(piece)
                    self._changed.notify_all()
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
