"""Two small web servers for the browser tests: one in the place of ours, one in the place of a shop.

They stand on different ports, so everything that a page of another origin meets is met here. Ours answers as the
contract says (CORS headers included), writes down every request, and can be told to fail.

With ATBALSS_TEST_SLOW=400 in the environment they are slow, as on a machine that has much else to do: each request is
taken and replied to up to so many ms late, each by a time of its own, so that replies overtake one another. Every test
must pass with it. (conftest.py slows the browser as well, for the servers that are real ones.)
"""

import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from widget_server.contract.events import check_browser_event
from widget_server.contract.texts import FALLBACK, TEXTS

BUILT = Path(__file__).parents[2] / "widget_server/web/static/widget"
SITE_KEY = "pk_0123456789abcdef0123456789abcdef"
PATIENCE = 15
SLOW = int(os.environ.get("ATBALSS_TEST_SLOW", "0"))
"""In ms; read here, because no test finds settings in its environment."""

T = TypeVar("T")


@dataclass
class Reply:
    status: int = 200
    body: str | bytes = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: str
    status: int = 0

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A page that is closed breaks off what it was reading or sending, as some tests want.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Server:
    """An HTTP server on a free port of this machine, in threads of its own."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.arrived = threading.Condition()
        self.begun = self.ended = 0
        self._http = _Http(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def rest(self) -> int:
        """Waits until no request is under way; gives how many there were."""
        self.wait(lambda: self.begun == self.ended)
        return self.ended

    def answer(self, request: Request) -> Reply:
        """What to reply."""
        return Reply(404)

    def took(self, request: Request) -> Reply:
        reply = self.answer(request)
        request.status = reply.status
        with self.arrived:
            self.requests.append(request)
            self.arrived.notify_all()
        return reply

    def wait(self, found: Callable[[], T]) -> T:
        """What `found` gives once it is true; an AssertionError when that doesn't happen."""
        with self.arrived:
            self.arrived.wait_for(found, PATIENCE)
        result = found()
        assert result, f"did not come: {[(r.method, r.path, r.status, r.body[:300]) for r in self.requests]}"
        return result


class Ours(Server):
    """In the place of our server. `replies` are given to the next posts of events instead of 202."""

    def __init__(self) -> None:
        super().__init__()
        self.questions = [question("search-found", "yes_no", "search"), question("order-rating", "stars", "order")]
        self.answered: list[str] = []
        self.widget: dict[str, Any] = {}
        self.paused: list[str] = []
        self.asked_fails = False
        self.replies: list[Reply] = []

    def answer(self, request: Request) -> Reply:
        name = request.path.rpartition("/")[2]
        api = f"/v1/shops/{SITE_KEY}/"
        if request.path == "/widget.js" or request.path.startswith("/widget/"):
            return _file(name)
        if request.path == api + "ask":
            return _json(200, self._ask({name: values[0] for name, values in request.query.items()}))
        if request.path == api + "asked":
            return _json(503, {"code": "away"}) if self.asked_fails else _json(200, {"answered": self.answered})
        if request.path == api + "answers" and request.method == "POST":
            return self.replies.pop(0) if self.replies else self._accept(request)
        return _json(404, {"code": "not_found"})

    def posts(self) -> list[Request]:
        return [r for r in self.requests if r.path.endswith("/answers") and r.method == "POST"]

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """The events that were taken, each once, in the order of their times: two requests may overtake one another."""
        taken = [e for r in self.posts() if r.status == 202 for e in r.json["events"]]
        unique = {e["id"]: e for e in reversed(taken)}
        return sorted((e for e in unique.values() if e["type"].startswith(name)), key=lambda e: e["at"])

    def wait_for(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        """The first `count` events of a type, as soon as they are here."""
        return self.wait(lambda: self.events(name)[:count] if len(self.events(name)) >= count else [])

    def types(self, count: int) -> list[str]:
        """The types of all events, in the order of their times, as soon as there are `count`."""
        self.wait_for("", count)
        return [event["type"] for event in self.events()]

    def _ask(self, query: dict[str, str]) -> dict[str, Any]:
        """What the server replies to `ask`: without a name, questions for any page come without their texts."""
        known = set(TEXTS["search-found"]).union(*(q.get("texts", ()) for q in self.questions))
        lang = query["lang"] if query["lang"] in known else FALLBACK
        placement, name = query.get("placement"), query.get("question")
        questions = [
            {key: value for key, value in q.items() if key != "texts"}
            if placement and q["placement"] == "page"
            else {**q, "texts": (q.get("texts") or TEXTS.get(q["question"], {lang: {}}))[lang]}
            for q in self.questions
            if (q["question"] == name if name else q["placement"] in (placement, "page") or not placement)
        ]
        widget = {"widget": self.widget} if self.widget else {}
        paused = {"paused": self.paused} if "why" in query else {}
        shop = {"site_key": SITE_KEY, "name": "Stūra veikals"}
        return {"shop": shop, "lang": lang, **widget, "questions": questions, **paused}

    def _accept(self, request: Request) -> Reply:
        errors = {i: check_browser_event(e) for i, e in enumerate(request.json["events"])}
        wrong = [{"index": i, "errors": e} for i, e in errors.items() if e]
        return _json(422 if wrong else 202, {"accepted": len(errors) - len(wrong), "rejected": wrong})


class Shop(Server):
    """In the place of a shop: pages are what a test puts into `pages`."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, Reply] = {}

    def answer(self, request: Request) -> Reply:
        return self.pages.get(request.path, Reply(404, "nothing here"))


def question(name: str, type: str, placement: str, **settings: Any) -> dict[str, Any]:
    """A question as `ask` gives it (without its texts), shown at once and always unless the settings say otherwise."""
    return {
        "question": name,
        "version": 1,
        "type": type,
        "placement": placement,
        "settings": {"delay": 0, "sample": 100, **settings},
    }


def _file(name: str) -> Reply:
    path = BUILT / name
    if not path.is_file():
        return Reply(404)
    return Reply(200, path.read_bytes(), {"Content-Type": "text/javascript; charset=utf-8", **CORS})


CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After, X-Atbalss-Reason, ETag",
}


def _json(status: int, body: Any, **headers: str) -> Reply:
    return Reply(status, json.dumps(body), {"Content-Type": "application/json", **CORS, **headers})


def failure(status: int, **headers: str) -> Reply:
    """A refusal in the shape of ours."""
    return _json(status, {"code": "away", "message": "Later.", "errors": {}}, **headers)


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with server.arrived:
                server.begun += 1
            try:
                self.reply()
            finally:
                with server.arrived:
                    server.ended += 1
                    server.arrived.notify_all()

        def reply(self) -> None:
            split = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            late = random.uniform(0, SLOW / 1000)
            on_the_way = random.uniform(0, late)
            time.sleep(on_the_way)
            request = Request(self.command, split.path, parse_qs(split.query), dict(self.headers.items()), body)
            reply = server.took(request)
            time.sleep(late - on_the_way)
            content = reply.body.encode() if isinstance(reply.body, str) else reply.body
            self.send_response(reply.status)
            for name, value in {"Content-Type": "text/html; charset=utf-8", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_OPTIONS = do_HEAD = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
