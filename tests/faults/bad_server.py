"""A server that means no good, in twelve ways: what other people's servers do to whoever sends them webhooks.

One server has an address for each way, and reads the request before it misbehaves. `repair` makes it take everything.
"""

import gzip
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

_OK = b"HTTP/1.1 200 OK\r\n"
_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
_PAUSE = 0.01  # seconds between the bytes of a drip


class BadServer:
    """Listens on the loopback until `close`. `ids` are the webhooks that came to each way, and how often."""

    def __init__(self) -> None:
        self.struck: Counter[str] = Counter()  # way -> how often it misbehaved
        self.ids: Counter[str] = Counter()  # webhook-id -> how often it was taken
        self.strangers = 0  # requests that nobody should have made, such as after a redirect
        self.over = threading.Event()
        self.repaired = False
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listener.getsockname()[1])
        # Its queue of connections is full, so that the handshake of the next never ends.
        self._full = socket.create_server(("127.0.0.1", 0), backlog=0)
        self._fillers = [_filler(self._full.getsockname()) for _ in range(4)]
        threading.Thread(target=self._accept, args=(self._listener,), name="bad-server", daemon=True).start()

    def url(self, mode: str) -> str:
        """The address that misbehaves so."""
        port = self._full.getsockname()[1] if mode == UNREACHABLE else self.port
        return f"http://127.0.0.1:{port}/{mode}"

    def repair(self) -> None:
        """Take everything from now on, also what hangs at this moment."""
        self.repaired = True
        if not self.over.is_set():
            self.over.set()
            for filler in self._fillers:
                filler.close()
            threading.Thread(target=self._accept, args=(self._full,), name="bad-server", daemon=True).start()

    def close(self) -> None:
        self.repair()
        for listener in (self._listener, self._full):
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), name="bad-server", daemon=True).start()

    def _serve(self, conn: socket.socket) -> None:
        with suppress(OSError), conn:
            conn.settimeout(30)
            mode, name = _read(conn)
            if not mode:
                return
            bad = None if self.repaired else MODES.get(mode)
            with self._lock:
                self.strangers += mode not in MODES and mode != FINE
                self.struck[mode] += bad is not None
                self.ids[name] += bad is None
            if bad is None:
                conn.sendall(_TAKEN)
            else:
                bad(conn, self.over)


def _filler(address: tuple[str, int]) -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    with suppress(BlockingIOError):
        made.connect(address)
    return made


def _read(conn: socket.socket) -> tuple[str, str]:
    """The way and the webhook's id of a whole request; both empty when it broke off."""
    got = b""
    while b"\r\n\r\n" not in got or len(got.partition(b"\r\n\r\n")[2]) < _length(got):
        part = conn.recv(65_536)
        if not part:
            return "", ""
        got += part
    lines = got.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return lines[0].split()[1].strip("/"), headers.get("webhook-id", "")


def _length(got: bytes) -> int:
    for line in got.partition(b"\r\n\r\n")[0].lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


Mode = Callable[[socket.socket, threading.Event], None]


def _hangs(data: bytes) -> Mode:
    def handle(conn: socket.socket, over: threading.Event) -> None:
        conn.sendall(data)
        over.wait()

    return handle


def _drips(head: bytes, part: bytes, at_once: int = 1) -> Mode:
    """A few bytes at a time, for ever: no single read takes long."""

    def handle(conn: socket.socket, over: threading.Event) -> None:
        conn.sendall(head)
        while not over.wait(_PAUSE):
            conn.sendall(part * at_once)

    return handle


def _floods(head: bytes, part: bytes) -> Mode:
    def handle(conn: socket.socket, over: threading.Event) -> None:
        conn.sendall(head)
        while not over.is_set():
            conn.sendall(part)

    return handle


def _resets(conn: socket.socket, _over: threading.Event) -> None:
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _bomb(conn: socket.socket, _over: threading.Event) -> None:
    """30 MB of zeros in 30 kB, said to be gzip, and a hundred times that."""
    conn.sendall(_OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n")
    for _ in range(100):
        conn.sendall(_ZEROS)


def _redirects(conn: socket.socket, _over: threading.Event) -> None:
    host, port = conn.getsockname()[:2]
    conn.sendall(f"HTTP/1.1 307 Moved\r\nLocation: http://{host}:{port}/inside\r\nContent-Length: 0\r\n\r\n".encode())


def _late(conn: socket.socket, over: threading.Event) -> None:
    """Says "later" at once, and keeps the connection."""
    conn.sendall(b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 999\r\n\r\n")
    over.wait()


_ZEROS = gzip.compress(b"\0" * 30_000_000)
FINE = "fine"
UNREACHABLE = "unreachable"
MODES: dict[str, Mode] = {
    "silent": _hangs(b""),
    UNREACHABLE: _hangs(b""),
    "half-status": _hangs(b"HTTP/1.1 2"),
    "drips-status": _drips(b"HTTP/1.1 200 ", b"O"),
    "headers-without-end": _drips(_OK, b"x-a: b\r\n", at_once=2),
    "continue-for-ever": _drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "drips-body": _drips(_OK + b"Content-Length: 50000\r\n\r\n", b"b"),
    "body-without-end": _floods(_OK + b"\r\n", b"b" * 10_000),
    "bomb": _bomb,
    "resets": _resets,
    "redirects": _redirects,
    "busy-and-hangs": _late,
}
# These say 200 before they misbehave, so the message is taken.
TAKING = ("drips-body", "body-without-end", "bomb")
assert len(MODES) == 12

