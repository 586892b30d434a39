"""A receiver of webhooks that checks each signature with the public library and remembers what it was told."""

import json
import threading
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


class Receiver:
    """Listens on the loopback until `close`. `secret` is set when the endpoint is there."""

    def __init__(self) -> None:
        self.secret = ""
        self.times: Counter[str] = Counter()  # webhook-id -> how often it came
        self.bodies: dict[str, set[bytes]] = defaultdict(set)
        self.forged = 0
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver._take(body, dict(self.headers.items()))
                self.send_response(204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

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
        return Counter(json.loads(body)["data"]["id"] for bodies in self.bodies.values() for body in bodies)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
