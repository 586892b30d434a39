"""A shop, a live web process and a browser's way of talking to it, for tests of the intake."""

import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import redis

from tests.conftest import SECRET_KEY
from tests.web.live import LiveServer
from widget_server.contract.tokens import sign_order_token
from widget_server.intake.stream import STREAM
from widget_server.record import shops
from widget_server.record.db import Database
from widget_server.record.shops import NewShop


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Live:
    """A web process on a database. `settings` are those of the process."""

    def __init__(self, folder: Path, database_url: str, redis_url: str, **settings: str) -> None:
        self.database_url = database_url
        given = {"database_url": database_url, "redis_url": redis_url, "secret_key": SECRET_KEY, **settings}
        self.server = LiveServer(folder, **given)
        self.netloc = urlsplit(self.server.url).netloc

    def stop(self) -> None:
        self.server.stop()


class Shopfront:
    """One shop on a live process."""

    def __init__(self, live: Live, shop: NewShop) -> None:
        self.live = live
        self.shop = shop
        self.netloc = live.netloc
        self.path = f"/v1/shops/{shop.site_key}"

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One request on a connection of its own. Fails after 8 s."""
        connection = http.client.HTTPConnection(self.netloc, timeout=8)
        try:
            return ask(connection, method, path, body, **headers)
        finally:
            connection.close()

    def send(self, *events: dict[str, Any], **headers: str) -> Reply:
        return self.call("POST", f"{self.path}/answers", orjson.dumps({"events": events}), **headers)

    def metric(self, name: str) -> float:
        """A figure of /metrics, summed over its labels."""
        lines = self.call("GET", "/metrics").body.decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    def token(self, order: str = "A-1", **claims: Any) -> str:
        now = int(time.time())
        made = {"site": self.shop.site_key, "order": order, "iat": now, "exp": now + 600, "jti": uuid.uuid4().hex, "use": "rate"}
        return sign_order_token(self.shop.order_token_secret, {**made, **claims})


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str) -> Reply:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, names)
    with connection.getresponse() as reply:
        return Reply(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())


@contextmanager
def shopfront(
    folder: Path, database_url: str, redis_url: str, shop: NewShop | None = None, **settings: str
) -> Iterator[Shopfront]:
    """A shop on a process of its own."""
    shop = shop or make_shop(database_url)
    live = Live(folder, database_url, redis_url, **settings)
    try:
        yield Shopfront(live, shop)
    finally:
        live.stop()


def make_shop(database_url: str, domain: str = "shop.example") -> NewShop:
    database = Database(database_url, SECRET_KEY)
    with database.writing() as conn:
        made = shops.create(conn, "Shop", domain)
    database.close()
    return made


def event(**fields: Any) -> dict[str, Any]:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"id": str(uuid.uuid4()), "type": "answer.given", "at": at, "question": "order-rating", "value": 5, **fields}


def stored(client: "redis.Redis", shop: NewShop) -> list[dict[str, Any]]:
    """The envelopes of the shop in the stream."""
    entries: Any = client.xrange(STREAM)
    envelopes = [orjson.loads(fields[b"e"]) for _, fields in entries]
    return [envelope for envelope in envelopes if envelope["shop"] == shop.id]


def stored_ids(client: "redis.Redis", shop: NewShop) -> set[str]:
    return {envelope["event"]["id"] for envelope in stored(client, shop)}


@dataclass
class Load:
    """Threads that send single events as long as the block lasts, and what became of each event."""

    front: Shopfront
    clients: int = 4
    acknowledged: set[str] = field(default_factory=set)
    replies: list[Reply] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Load":
        self._threads = [threading.Thread(target=self._run) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def statuses(self) -> set[int]:
        return {reply.status for reply in self.replies}

    def wait_for(self, count: int, counts: Callable[[Reply], bool] = lambda reply: True) -> None:
        """Until `count` more replies have come that count."""
        begin = len(self.replies)
        deadline = time.monotonic() + 30
        while sum(map(counts, self.replies[begin:])) < count:
            assert time.monotonic() < deadline, "the replies do not come"
            assert not self.failures, self.failures[:3]
            time.sleep(0.01)

    def _run(self) -> None:
        connection = http.client.HTTPConnection(self.front.netloc, timeout=8)
        while not self._stop.is_set():
            sent = event()
            body = orjson.dumps({"events": [sent]})
            try:
                reply = ask(connection, "POST", f"{self.front.path}/answers", body, content_type="text/plain")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
                continue
            self.replies.append(reply)
            if reply.status == 202:
                self.acknowledged.add(sent["id"])
            time.sleep(0.002)
        connection.close()

