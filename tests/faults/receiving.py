"""A receiver of webhooks that checks each signature with the public library and remembers what it was told.

It can misbehave for a while: refuse, keep the sender waiting, or cut the connection after it has taken the message.
"""

import json
import socket
import threading
import time
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

# How it can misbehave, beside "" for well.
REFUSES, LOSES_REPLY, CUTS = "refuses", "takes it, but the reply is lost", "cuts the connection"


class Receiver:
    """Listens on the loopback until `close`. `secret` is set when the endpoint is there."""

    def __init__(self) -> None:
        self.secret = ""
        self.times: Counter[str] = Counter()  # webhook-id -> how often it came
        self.bodies: dict[str, set[bytes]] = defaultdict(set)
        self.forged = 0
        self.bad = ""
        self.misbehaved = 0
        self.pause = 0.0  # seconds before each reply
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bad = receiver.bad
                receiver.misbehaved += bool(bad)
                if bad == REFUSES:
                    self._say(503)
                elif bad == CUTS:
                    self._cut()
                else:
                    receiver._take(body, dict(self.headers.items()))
                    time.sleep(receiver.pause)
                    if bad == LOSES_REPLY:
                        self._cut()
                    else:
                        self._say(204)

            def _say(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _cut(self) -> None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """Whoever sent was killed meanwhile."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.25,), daemon=True).start()

    def _take(self, body: bytes, headers: dict[str, str]) -> None:
        headers = {name.lower(): value for name, value in headers.items()}
        with self._lock:
            try:
                Webhook(self.secret).verify(body, headers)
            except WebhookVerificationError:
                self.forged += 1
            self.times[headers["webhook-id"]] += 1
            self.bodies[headers["webhook-id"]].add(body)

    def told(self) -> Counter[str]:
        """The ids of the events that were told, by how many messages told them."""
        with self._lock:
            return Counter(json.loads(body)["data"]["id"] for bodies in self.bodies.values() for body in bodies)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
