"""A file system in memory that forgets what was not synced, as a disk does when the power goes.

It speaks the kernel's FUSE protocol itself, so it needs /dev/fuse and the right to mount, and no package. What `fsync` of
a file has confirmed stays; so do names that `fsync` of their folder has confirmed. Of all else a cut keeps nothing, or
(`some`) the beginning of what was written since, its last piece torn, as a disk may that was just about to write.

https://www.kernel.org/doc/html/latest/filesystems/fuse.html, include/uapi/linux/fuse.h (7.31)
"""

import ctypes
import errno
import os
import random
import select
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_IN = struct.Struct("<IIQQIIIHH")
_OUT = struct.Struct("<IiQ")
_ATTR = struct.Struct("<6Q10I")
_ENTRY = struct.Struct("<4Q2I")
_INIT = struct.Struct("<IIIIHHIIHHI7I")
_SETATTR = struct.Struct("<IIQQQQQQIIIIIIII")
_DIRENT = struct.Struct("<QQII")
_MAX_WRITE = 128 * 1024
_VALID = 3600  # seconds; nobody but the kernel changes anything
_BIG_WRITES, _MAX_PAGES = 1 << 5, 1 << 22
_KEEP_CACHE = 2
_MODE, _UID, _GID, _SIZE = 1, 2, 4, 8
_MNT_DETACH = 2


class PowerFailure:
    """The file system at `folder`, in a process of its own, until `close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forgetful", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._answer()

    def settle(self) -> None:
        """Everything is on the disk now, as some time after the last write."""
        self._say("settle")

    def cut(self) -> int:
        """Power off: nothing can be read or written any more. Returns how many bytes were not synced."""
        return self._say("cut")

    def back(self, some: bool) -> None:
        """Power on, with what was kept."""
        self._say("some" if some else "none")

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        _libc().umount2(str(self.folder).encode(), _MNT_DETACH)

    def _say(self, word: str) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise OSError("the file system ended")
        return int(line)


def why_not() -> str:
    """Why it can't be had here, or nothing."""
    try:
        handle = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        return f"/dev/fuse: {error.strerror}"
    os.close(handle)
    return "" if os.geteuid() == 0 else "mounting needs root"


@dataclass
class _Node:
    """A file or a folder: as it is, as the disk has it, and what was done since the disk was told."""

    number: int
    mode: int
    uid: int = 0
    gid: int = 0
    data: bytearray = field(default_factory=bytearray)
    names: dict[bytes, "_Node"] = field(default_factory=dict)
    kept: bytearray = field(default_factory=bytearray)
    kept_names: dict[bytes, "_Node"] = field(default_factory=dict)
    since: list[tuple[int, bytes | None]] = field(default_factory=list)  # (offset, bytes), or (size, None)
    changed: float = 0.0

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)

    def write(self, offset: int, piece: bytes) -> None:
        _write(self.data, offset, piece)
        self.since.append((offset, piece))

    def resize(self, size: int) -> None:
        _resize(self.data, size)
        self.since.append((size, None))

    def sync(self) -> None:
        for step in self.since:
            _step(self.kept, step)
        self.since.clear()
        self.kept_names = dict(self.names)

    def forget(self, some: random.Random | None) -> None:
        """Only what the disk has is left."""
        if some is not None and self.since:
            keep = some.randrange(len(self.since) + 1)
            for step in self.since[:keep]:
                _step(self.kept, step)
            if keep < len(self.since) and (piece := self.since[keep][1]):
                _write(self.kept, self.since[keep][0], piece[: some.randrange(len(piece))])
        if some is not None and some.random() < 0.5:
            self.kept_names = dict(self.names)
        self.since.clear()
        self.data = bytearray(self.kept)
        self.names = dict(self.kept_names)


def _write(data: bytearray, offset: int, piece: bytes) -> None:
    if len(data) < offset:
        data.extend(bytes(offset - len(data)))
    data[offset : offset + len(piece)] = piece


def _resize(data: bytearray, size: int) -> None:
    if size < len(data):
        del data[size:]
    else:
        data.extend(bytes(size - len(data)))


def _step(data: bytearray, step: tuple[int, bytes | None]) -> None:
    if step[1] is None:
        _resize(data, step[0])
    else:
        _write(data, step[0], step[1])


class _Refused(Exception):
    """The number of an error for whoever asked."""


Answer = Callable[[_Node, bytes], bytes | None]


class _Server:
    """Answers the kernel, one question after the other."""

    def __init__(self, folder: str) -> None:
        self._folder = folder.encode()
        self._root = _Node(1, stat.S_IFDIR | 0o755, os.getuid(), os.getgid())
        self._nodes = {1: self._root}
        self._asker = (0, 0)
        self._handle = -1
        self._random = random.Random(4)
        self._answers: dict[int, Answer] = {
            1: self._lookup, 3: self._getattr, 4: self._setattr, 8: self._mknod, 9: self._mkdir, 10: self._unlink,
            11: self._rmdir, 12: self._rename, 45: self._rename2, 13: self._link, 14: self._open, 15: self._read,
            16: self._write, 17: self._statfs, 18: _nothing, 20: self._fsync, 25: _nothing, 26: self._init, 27: self._open,
            28: self._readdir, 29: _nothing, 30: self._fsync, 34: _nothing, 35: self._create, 43: self._fallocate,
            2: _silence, 36: _silence, 42: _silence,
        }  # fmt: skip

    def run(self) -> None:
        self._mount()
        _tell(0)
        while True:
            handles = [sys.stdin.fileno()] + ([self._handle] if self._handle >= 0 else [])
            readable, _, _ = select.select(handles, [], [])
            if sys.stdin.fileno() in readable and not self._obey(os.read(sys.stdin.fileno(), 100).decode().strip()):
                return
            if self._handle in readable:
                self._serve()

    def _obey(self, word: str) -> bool:
        if word == "settle":
            for node in self._nodes.values():
                node.sync()
            _tell(0)
        elif word == "cut":
            # First the connection: nothing that is still under way may reach the disk.
            os.close(self._handle)
            self._handle = -1
            _libc().umount2(self._folder, _MNT_DETACH)
            _tell(sum(len(piece or b"") for node in self._nodes.values() for _, piece in node.since))
        elif word in ("some", "none"):
            for node in self._nodes.values():
                node.forget(self._random if word == "some" else None)
            self._keep_reachable()
            self._mount()
            _tell(0)
        return bool(word)

    def _keep_reachable(self) -> None:
        found, look = {1: self._root}, [self._root]
        while look:
            for node in look.pop().names.values():
                if node.number not in found:
                    found[node.number] = node
                    look.append(node)
        self._nodes = found

    def _mount(self) -> None:
        self._handle = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self._handle},rootmode=40755,user_id={os.getuid()},group_id={os.getgid()},allow_other,default_permissions"
        if _libc().mount(b"atbalss", self._folder, b"fuse", 2 | 4, options.encode()):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def _serve(self) -> None:
        try:
            question = os.read(self._handle, _MAX_WRITE + 4096)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                return
            raise
        _, what, unique, number, uid, gid, *_ = _IN.unpack_from(question)
        self._asker = (uid, gid)
        refused, said = 0, b""
        try:
            answer = self._answers.get(what)
            if answer is None:
                raise _Refused(errno.ENOSYS)
            node = self._nodes.get(number) or self._root
            found = answer(node, question[_IN.size :])
            if found is None:
                return
            said = found
        except _Refused as error:
            refused = error.args[0]
        try:
            os.write(self._handle, _OUT.pack(_OUT.size + len(said), -refused, unique) + said)
        except OSError as error:
            if error.errno != errno.ENOENT:  # whoever asked was killed
                raise

    # --- names ---

    def _made(self, folder: _Node, name: bytes, mode: int) -> _Node:
        if name in folder.names:
            raise _Refused(errno.EEXIST)
        node = _Node(max(self._nodes) + 1, mode, *self._asker, changed=time.time())
        self._nodes[node.number] = folder.names[name] = node
        return node

    def _found(self, folder: _Node, name: bytes) -> _Node:
        if name not in folder.names:
            raise _Refused(errno.ENOENT)
        return folder.names[name]

    def _lookup(self, folder: _Node, said: bytes) -> bytes:
        return _entry(self._found(folder, _name(said)))

    def _mknod(self, folder: _Node, said: bytes) -> bytes:
        return _entry(self._made(folder, _name(said[16:]), struct.unpack_from("<I", said)[0]))

    def _mkdir(self, folder: _Node, said: bytes) -> bytes:
        return _entry(self._made(folder, _name(said[8:]), stat.S_IFDIR | struct.unpack_from("<I", said)[0]))

    def _create(self, folder: _Node, said: bytes) -> bytes:
        return _entry(self._made(folder, _name(said[16:]), struct.unpack_from("<I", said, 4)[0])) + _OPENED

    def _unlink(self, folder: _Node, said: bytes) -> bytes:
        self._found(folder, _name(said))
        del folder.names[_name(said)]
        return b""

    def _rmdir(self, folder: _Node, said: bytes) -> bytes:
        if self._found(folder, _name(said)).names:
            raise _Refused(errno.ENOTEMPTY)
        return self._unlink(folder, said)

    def _rename(self, folder: _Node, said: bytes) -> bytes:
        return self._move(folder, struct.unpack_from("<Q", said)[0], said[8:], 0)

    def _rename2(self, folder: _Node, said: bytes) -> bytes:
        number, flags, _ = struct.unpack_from("<QII", said)
        return self._move(folder, number, said[16:], flags)

    def _move(self, folder: _Node, number: int, names: bytes, flags: int) -> bytes:
        old, new = names.split(b"\0")[:2]
        there = self._nodes[number]
        node = self._found(folder, old)
        if flags & ~1:
            raise _Refused(errno.EINVAL)
        if flags and new in there.names:
            raise _Refused(errno.EEXIST)
        del folder.names[old]
        there.names[new] = node
        return b""

    def _link(self, folder: _Node, said: bytes) -> bytes:
        node = self._nodes[struct.unpack_from("<Q", said)[0]]
        folder.names[_name(said[8:])] = node
        return _entry(node)

    def _readdir(self, folder: _Node, said: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", said)
        listed, place = b"", 0
        for place, (name, node) in enumerate([(b".", folder), (b"..", folder), *sorted(folder.names.items())], 1):
            if place <= offset:
                continue
            entry = _DIRENT.pack(node.number, place, len(name), stat.S_IFMT(node.mode) >> 12) + name
            entry += bytes(-len(entry) % 8)
            if len(listed) + len(entry) > size:
                break
            listed += entry
        return listed

    # --- contents ---

    def _init(self, _node: _Node, said: bytes) -> bytes:
        _, minor, ahead, flags = struct.unpack_from("<IIII", said)
        wanted = flags & (_BIG_WRITES | _MAX_PAGES)
        return _INIT.pack(7, min(minor, 31), ahead, wanted, 16, 12, _MAX_WRITE, 1, _MAX_WRITE // 4096, 0, 0, *([0] * 7))

    def _getattr(self, node: _Node, _said: bytes) -> bytes:
        return struct.pack("<QII", _VALID, 0, 0) + _attributes(node)

    def _setattr(self, node: _Node, said: bytes) -> bytes:
        valid, _, _, size, *_, mode, _, uid, gid, _ = _SETATTR.unpack_from(said)
        if valid & _MODE:
            node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
        if valid & _UID:
            node.uid = uid
        if valid & _GID:
            node.gid = gid
        if valid & _SIZE:
            node.resize(size)
        return self._getattr(node, b"")

    def _open(self, _node: _Node, _said: bytes) -> bytes:
        return _OPENED

    def _read(self, node: _Node, said: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", said)
        return bytes(node.data[offset : offset + size])

    def _write(self, node: _Node, said: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", said)
        node.write(offset, said[40 : 40 + size])
        node.changed = time.time()
        return struct.pack("<II", size, 0)

    def _fallocate(self, node: _Node, said: bytes) -> bytes:
        _, offset, length, mode, _ = struct.unpack_from("<QQQII", said)
        if mode & ~1:
            raise _Refused(errno.EOPNOTSUPP)
        if not mode and offset + length > len(node.data):
            node.resize(offset + length)
        return b""

    def _fsync(self, node: _Node, _said: bytes) -> bytes:
        node.sync()
        return b""

    def _statfs(self, _node: _Node, _said: bytes) -> bytes:
        return struct.pack("<5Q4I6I", 1 << 20, 1 << 19, 1 << 19, 1 << 20, 1 << 19, 4096, 255, 4096, 0, *([0] * 6))


_OPENED = struct.pack("<QII", 0, _KEEP_CACHE, 0)


def _nothing(_node: _Node, _said: bytes) -> bytes:
    return b""


def _silence(_node: _Node, _said: bytes) -> None:
    """The kernel wants no answer."""


def _name(said: bytes) -> bytes:
    return said.split(b"\0", 1)[0]


def _attributes(node: _Node) -> bytes:
    seconds = int(node.changed)
    size = len(node.data)
    return _ATTR.pack(node.number, size, (size + 511) // 512, seconds, seconds, seconds, 0, 0, 0, node.mode, 1, node.uid, node.gid, 0, 4096, 0)


def _entry(node: _Node) -> bytes:
    return _ENTRY.pack(node.number, 0, _VALID, _VALID, 0, 0) + _attributes(node)


def _tell(number: int) -> None:
    print(number, flush=True)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    _Server(sys.argv[1]).run()
