"""Where events wait on disk while Redis is away.

One file a process slot, held by a lock that the kernel drops when the process dies; whoever finds a file without its
process adopts it. A frame is length, CRC-32 and bytes; `append` returns when the frames are synced to disk, and a file
is truncated only after the stream has all of it. A torn tail (the machine died in a write that nobody was told of) is
cut off; frames behind a damaged one are still found.
"""

import contextlib
import fcntl
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

_HEADER = struct.Struct(">II")
_LONGEST = 1 << 20
_SUFFIX = ".spill"
_SLOTS = 256
_CHUNK = 256 * 1024

log = structlog.get_logger("spill")

Append = Callable[[Sequence[bytes]], object]


class SpillFull(Exception):
    """No room: the limit is reached, or the disk took nothing more."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What one pass over the spill brought into the stream."""

    events: int
    files: int


class Spill:
    """The spill of this process in `folder`. Thread-safe: one thread appends while another drains."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._file = _own_slot(folder)

    @property
    def path(self) -> Path:
        return self._file.path

    def append(self, payloads: Sequence[bytes]) -> int:
        """Write and sync all of `payloads`, or nothing: raises SpillFull. Returns the bytes written."""
        frames = b"".join(_frame(payload) for payload in payloads)
        with self._lock:
            try:
                if self.size() + len(frames) > self.limit:
                    raise SpillFull(f"the spill holds its limit of {self.limit} bytes")
                self._file.append(frames)
            except OSError as error:
                raise SpillFull(f"the spill can't be written: {error.strerror}") from error
        return len(frames)

    def size(self) -> int:
        """Bytes of all spill files in the folder, of other processes and dead ones too."""
        total = 0
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(_SUFFIX):
                    with contextlib.suppress(FileNotFoundError):
                        total += entry.stat().st_size
        return total

    def waiting(self) -> bool:
        """Whether anything waits that this process may drain: its own file, or one whose process is gone."""
        return self._file.end > 0 or any(path.stat().st_size for path in self._others())

    def drain(self, append: Append) -> Drained:
        """Give everything to `append` (the stream) in groups, then truncate. What `append` raises ends the pass.

        Nothing is truncated that was not appended; what was appended twice, because of a crash in between, is one
        event all the same.
        """
        events = self._drain_own(append)
        files = 1 if events else 0
        for path in self._others():
            file = _try_open(path)
            if file is None:
                continue
            with contextlib.closing(file):
                moved = _pour(file, append)
                file.truncate()
            if moved:
                log.info("adopted", events=moved)
            events += moved
            files += 1 if moved else 0
        return Drained(events, files)

    def close(self) -> None:
        """Let go of the slot. What still waits is adopted by another process or by the next start."""
        self._file.close()

    def _drain_own(self, append: Append) -> int:
        events = 0
        while self._file.end > 0:
            events += _pour(self._file, append)
            with self._lock:
                if self._file.drained == self._file.end:
                    self._file.truncate()
        return events

    def _others(self) -> list[Path]:
        return sorted(
            path for path in self.folder.glob(f"*{_SUFFIX}") if path != self.path and path.stat().st_size > 0
        )


class _File:
    """A locked spill file, its whole frames up to `end`, of which the stream has those before `drained`."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd = fd
        self.end = os.fstat(fd).st_size
        self.drained = 0
        # Our own writes never leave a torn tail, because a write that fails is taken back.
        self._mend()

    def append(self, frames: bytes) -> None:
        try:
            written = 0
            while written < len(frames):
                written += os.pwrite(self._fd, frames[written:], self.end + written)
            _sync(self._fd)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self.end)
            raise
        self.end += len(frames)

    def read(self, at: int, length: int) -> bytes:
        return os.pread(self._fd, min(length, self.end - at), at)

    def truncate(self) -> None:
        os.ftruncate(self._fd, 0)
        self.end = self.drained = 0
        _sync(self._fd)

    def close(self) -> None:
        os.close(self._fd)

    def _mend(self) -> None:
        last = 0
        for start, payload in _frames(self):
            last = start + _HEADER.size + len(payload)
        if last < self.end:
            log.warning("cut a torn tail", bytes=self.end - last)
            os.ftruncate(self._fd, last)
            self.end = last


def _own_slot(folder: Path) -> _File:
    for slot in range(_SLOTS):
        path = folder / f"{slot}{_SUFFIX}"
        new = not path.exists()
        file = _try_open(path)
        if file is not None:
            if new:
                _sync_folder(folder)
            return file
    raise OSError(f"all {_SLOTS} slots of {folder} are taken")


def _try_open(path: Path) -> _File | None:
    """The file, locked; None while a process holds it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return _File(path, fd)


def _pour(file: _File, append: Append) -> int:
    """Append what is not yet drained of the frames there are at the call; returns how many events that were."""
    end, moved = file.end, 0
    batch: list[bytes] = []
    size = at = 0
    for start, payload in _frames(file, file.drained, end):
        batch.append(payload)
        size += len(payload)
        at = start + _HEADER.size + len(payload)
        if size >= _CHUNK:
            append(batch)
            moved += len(batch)
            file.drained = at
            batch, size = [], 0
    if batch:
        append(batch)
    file.drained = end
    return moved + len(batch)


def _frames(file: _File, at: int = 0, end: int | None = None) -> Iterator[tuple[int, bytes]]:
    """(place, payload) of every whole frame; behind a damaged one the search goes on byte by byte."""
    end = file.end if end is None else end
    damaged = 0
    while at + _HEADER.size <= end:
        length, crc = _HEADER.unpack(file.read(at, _HEADER.size))
        payload = file.read(at + _HEADER.size, length) if 0 < length <= _LONGEST else b""
        if (
            not payload
            or len(payload) < length
            or at + _HEADER.size + length > end
            or zlib.crc32(payload) != crc
        ):
            at, damaged = _next_candidate(file, at + 1, end), damaged + 1
            continue
        yield at, payload
        at += _HEADER.size + length
    if damaged:
        log.warning("damaged frames in the spill", times=damaged)


def _next_candidate(file: _File, at: int, end: int) -> int:
    # Every payload is a JSON object, so a frame's first byte after the header is a brace.
    while at < end:
        chunk = file.read(at + _HEADER.size, _CHUNK)
        found = chunk.find(b"{")
        if found >= 0:
            return at + found
        if not chunk:
            return end
        at += len(chunk)
    return end


def _frame(payload: bytes) -> bytes:
    return _HEADER.pack(len(payload), zlib.crc32(payload)) + payload


def _sync(fd: int) -> None:
    # macOS knows no fdatasync.
    (getattr(os, "fdatasync", None) or os.fsync)(fd)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
