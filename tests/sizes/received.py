"""What a page received from whom, as Chromium's network stack counts it: bytes on the wire, packed as they came."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import Page


@dataclass
class Reply:
    """One reply; `headers` and `body` in bytes. `body` is None until the reply has ended."""

    url: str
    status: int = 0
    headers: int = 0
    body: int | None = None

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


class Received:
    """Everything that a page asked for, ours or not, in the order of asking."""

    def __init__(self, replies: dict[str, Reply]) -> None:
        self._replies = replies

    def of(self, origin: str) -> list[Reply]:
        return [reply for reply in self._replies.values() if reply.url.startswith(origin + "/")]

    def origins(self) -> set[str]:
        return {"{0.scheme}://{0.netloc}".format(urlsplit(reply.url)) for reply in self._replies.values()}

    def body(self, origin: str) -> int:
        """Bytes of all bodies; every reply must have ended."""
        pending = [reply.url for reply in self.of(origin) if reply.body is None]
        assert not pending, f"still on their way: {pending}"
        return sum(reply.body or 0 for reply in self.of(origin))

    def headers(self, origin: str) -> int:
        return sum(reply.headers for reply in self.of(origin))


@contextmanager
def receiving(page: Page, encoding: str = "gzip") -> Iterator[Received]:
    """Count from now on; replies may be packed in this way only. Nothing is taken from a cache."""
    replies: dict[str, Reply] = {}
    session = page.context.new_cdp_session(page)
    session.on(
        "Network.requestWillBeSent", lambda e: replies.__setitem__(e["requestId"], Reply(e["request"]["url"]))
    )

    def came(event: dict) -> None:  # type: ignore[type-arg]
        reply = replies[event["requestId"]]
        reply.status = event["response"]["status"]
        reply.headers = int(event["response"]["encodedDataLength"])

    def ended(event: dict) -> None:  # type: ignore[type-arg]
        reply = replies[event["requestId"]]
        reply.body = int(event["encodedDataLength"]) - reply.headers

    session.on("Network.responseReceived", came)
    session.on("Network.loadingFinished", ended)
    session.on("Network.loadingFailed", lambda e: setattr(replies[e["requestId"]], "body", 0))
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.send("Network.setExtraHTTPHeaders", {"headers": {"Accept-Encoding": encoding}})
    yield Received(replies)
    session.detach()
