"""The shop's own web server: plain and threaded, on a socket that is already open."""

import signal
import socket
import sys
from types import FrameType

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server


class _Quiet(WSGIRequestHandler):
    """Keeps connections open, and says nothing of each request."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def log(self, type: str, message: str, *args: object) -> None:
        pass


def serve(app: Flask, sock: socket.socket) -> int:
    """Serve until SIGTERM or SIGINT. Must run in the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    sock.setblocking(True)
    host, port = sock.getsockname()[:2]
    server = make_server(host, port, app, threaded=True, request_handler=_Quiet, fd=sock.fileno())
    server.daemon_threads = True  # type: ignore[attr-defined]
    server.serve_forever()
    return 0


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
