"""Stand-ins for the servers that get webhooks: one that really listens, and one that takes the HTTP client's place."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from integrations import Response


@dataclass(frozen=True)
class Got:
    """One webhook as it arrived."""

    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Answer = Callable[[Got, int], Response]


def fine(_got: Got, _number: int) -> Response:
    return Response(200)


class FakeHttp:
    """Takes the place of the HTTP client. `answer` gets the webhook and how many came before it."""

    def __init__(self, answer: Answer = fine) -> None:
        self.answer = answer
        self.got: list[Got] = []
        self.at_once: Counter[str] = Counter()  # the most requests to each URL at the same time
        self._now: Counter[str] = Counter()
        self._lock = threading.Lock()

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Response:
        got = Got(url, dict(headers or {}), body)
        with self._lock:
            number = len(self.got)
            self.got.append(got)
            self._now[url] += 1
            self.at_once[url] = max(self.at_once[url], self._now[url])
        try:
            return self.answer(got, number)
        finally:
            with self._lock:
                self._now[url] -= 1


class Receiver:
    """Listens on loopback and keeps what arrives; `statuses` are its answers, the last one for all that follow."""

    def __init__(self, statuses: list[int]) -> None:
        self.statuses = statuses
        self.got: list[Got] = []
        self.url = ""

    def answer(self, got: Got) -> int:
        self.got.append(got)
        return self.statuses[min(len(self.got), len(self.statuses)) - 1]


@contextlib.contextmanager
def listening(*statuses: int) -> Iterator[Receiver]:
    receiver = Receiver(list(statuses) or [200])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.answer(Got(receiver.url, headers, body)))
            self.end_headers()

        def log_message(self, *_given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
