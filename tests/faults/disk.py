"""A small disk of its own for what must be able to run full: a tmpfs whose size can be changed while it is in use.

Mounting needs root (`unshare -Urm` gives that to anybody, where it is allowed). Where it can't be had, `why_not` says
so, the folder is an ordinary one, and faults that need a full disk are skipped.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.servers import short_folder

_SIZE = 768 * 1024 * 1024
_PAGE = os.sysconf("SC_PAGESIZE")
_MS_REMOUNT = 32
_MNT_DETACH = 2


class Disk:
    """`folder` is there, open to every user's programs, until `close`."""

    def __init__(self) -> None:
        self.folder = short_folder("atb-d-")
        self.folder.chmod(0o755)
        self.why_not = ""
        try:
            self._mount(_SIZE)
        except OSError as error:
            self.why_not = f"no tmpfs can be mounted here ({error.strerror})"

    @contextmanager
    def full(self) -> Iterator[None]:
        """No room at all while the block lasts."""
        found = os.statvfs(self.folder)
        self._mount(max((found.f_blocks - found.f_bfree) * found.f_frsize, _PAGE), _MS_REMOUNT)
        try:
            yield
        finally:
            self._mount(_SIZE, _MS_REMOUNT)

    def close(self) -> None:
        if not self.why_not:
            _libc().umount2(str(self.folder).encode(), _MNT_DETACH)
        with suppress(OSError):
            self.folder.rmdir()

    def _mount(self, size: int, flags: int = 0) -> None:
        options = f"size={size},mode=755"
        if _libc().mount(b"atbalss", str(self.folder).encode(), b"tmpfs", flags, options.encode()):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
