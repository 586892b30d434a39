"""A load generator: one process, `connections` kept-alive connections, one request in flight on each, no pipelining.

Requests are made ahead, so that what is measured is the server. `busy` tells how much of its core the generator used:
near 100 % it, and not the server, is the limit.
"""

import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What one run saw. Times in ms."""

    per_second: float
    p50: float
    p99: float
    longest: float
    statuses: dict[int, int]
    busy: float
    broken: int = 0


def free_port() -> int:
    """A port of the loopback that nobody uses now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def post(path: str, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """A whole request."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *(f"{n}: {v}" for n, v in headers)]
    return "\r\n".join((*lines, "", "")).encode() + body


def run(port: int, requests: Sequence[bytes], connections: int = 64, seconds: float = 4.0) -> Load:
    """Send `requests` round and round for `seconds`."""
    clock = time.perf_counter
    poll = select.epoll()
    socks = {}
    for _ in range(connections):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        socks[sock.fileno()] = sock
        poll.register(sock.fileno(), select.EPOLLIN)
    sends = {fd: sock.send for fd, sock in socks.items()}
    recvs = {fd: sock.recv for fd, sock in socks.items()}
    took: list[float] = []
    counts: dict[bytes, int] = {}
    parts: dict[int, bytes] = {}
    at, total, broken = 0, len(requests), 0
    cpu, began = time.process_time(), clock()
    until = began + seconds
    since = {}
    for fd in socks:
        since[fd] = clock()
        sends[fd](requests[at % total])
        at += 1
    now = began
    while now < until and since:
        for fd, _ in poll.poll(1.0):
            reply = recvs[fd](65536)
            now = clock()
            if not reply:
                poll.unregister(fd)
                del since[fd]
                broken += 1
                continue
            reply = parts.pop(fd, b"") + reply
            if not _whole(reply):
                parts[fd] = reply
                continue
            took.append(now - since[fd])
            status = reply[9:12]
            counts[status] = counts.get(status, 0) + 1
            since[fd] = now
            sends[fd](requests[at % total])
            at += 1
        now = clock()
    elapsed = clock() - began
    busy = (time.process_time() - cpu) / elapsed
    for sock in socks.values():
        sock.close()
    poll.close()
    took.sort()
    return Load(
        len(took) / elapsed, _at(took, 0.5), _at(took, 0.99), took[-1] * 1000 if took else 0.0,
        {int(status): count for status, count in counts.items()}, busy, broken,
    )  # fmt: skip


def _whole(reply: bytes) -> bool:
    end = reply.find(b"\r\n\r\n")
    if end < 0:
        return False
    place = reply.lower().find(b"content-length:", 0, end)
    length = int(reply[place + 15 : reply.find(b"\r", place)]) if place >= 0 else 0
    return len(reply) >= end + 4 + length


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0
