"""The three public routes of the snippet: `ask`, `answers`, `asked`. An async callable in front of everything else.

It speaks RSGI (https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md): one read and one write a
request. Half-sent bodies hold no thread, only a few hundred bytes, and end after `BODY_SECONDS`.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import structlog

from widget_server.contract.settings import Settings
from widget_server.contract.shop import Shop
from widget_server.contract.tokens import MAX_LENGTH, OrderClaims, TokenError

from . import checks, replies
from .append import Appender, Backlog, Options
from .ask import Asking
from .checks import MAX_BODY, SHOPPER, Sender
from .figures import Figures
from .limits import Limits, client_address, is_inner
from .replies import ACCEPTED, Refusal, Reply, later
from .robots import is_robot
from .seen import Seen
from .shops_cache import Known, ShopsCache
from .spill import Spill, SpillFull

PREFIX = "/v1/shops/"
BODY_SECONDS = 10.0
DISCARDED = 1024 * 1024
IN_FLIGHT = 2000
_ANSWERED_SECONDS = 2.0
_SITE_KEY_LENGTH = 64
_MEDIA = ("text/plain", "application/json")

log = structlog.get_logger("intake")

# The questions not to be asked on the page of an order; runs in a thread
Answered = Callable[[Shop, OrderClaims], list[str]]


class TooLarge(Exception):
    """More body than the `most` bytes allowed."""

    def __init__(self, most: int) -> None:
        super().__init__(f"The body is larger than {most} bytes.")
        self.most = most


class Reader:
    """Reads bodies with a cap and a deadline, without a timer each."""

    def __init__(self) -> None:
        self._reading: dict[asyncio.Task[Any], float] = {}
        self._sweeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._sweeper = asyncio.create_task(self._sweep())

    def stop(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()

    async def read(self, protocol: Any, declared: int | None, most: int) -> bytes:
        """The body. Raises TooLarge, TimeoutError, or ConnectionError when the client left."""
        task = asyncio.current_task()
        assert task is not None
        self._reading[task] = time.monotonic()
        try:
            if declared is None or declared > most:
                return await _read_chunks(protocol, most)
            return bytes(await protocol())
        except asyncio.CancelledError:
            if task in self._reading:
                raise
            raise TimeoutError(f"The body did not come within {BODY_SECONDS:.0f} s.") from None
        except TooLarge:
            raise
        except Exception as error:
            # granian raises its own kinds when the client is gone or broke the protocol.
            raise ConnectionError(type(error).__name__) from error
        finally:
            self._reading.pop(task, None)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1)
            oldest = time.monotonic() - BODY_SECONDS
            for task in [task for task, since in self._reading.items() if since < oldest]:
                del self._reading[task]
                task.cancel()


async def _read_chunks(protocol: Any, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in protocol:
        size += len(part)
        if size <= most:
            parts.append(part)
        elif size > DISCARDED:
            break
        else:
            # Read on for a while, keeping nothing: who is still sending sees a broken connection, not our refusal.
            parts.clear()
    if size > most:
        raise TooLarge(most)
    return b"".join(parts)


class Collector:
    """Serves the three routes of every shop. `start` and `stop` run on the event loop."""

    def __init__(
        self,
        settings: Settings,
        load: Callable[[str], Shop | None],
        answered: Answered,
        figures: Figures | None = None,
    ) -> None:
        self.figures = figures or Figures()
        self.reader = Reader()
        self._proxies = settings.proxies
        self._limits = Limits(settings.shop_rate, settings.network_rate, settings.burst)
        self._appender = Appender(
            Options(settings.redis_url, settings.redis_timeout, settings.stream_limit),
            Spill(settings.spill_dir, settings.spill_limit), self._limits, self.figures,
        )  # fmt: skip
        self._shops = ShopsCache(load)
        self._seen = Seen(settings.redis_url, settings.redis_timeout)
        self._telling: asyncio.Task[None] | None = None
        self._answered = answered
        self._in_flight = 0
        self._routes: dict[str, tuple[str, Callable[[Any, Any, str], Awaitable[Reply]]]] = {
            "answers": ("POST", self._answers),
            "ask": ("GET", self._ask),
            "asked": ("POST", self._asked),
        }

    async def start(self) -> None:
        self.reader.start()
        await self._appender.start()
        self._telling = asyncio.create_task(self._seen.run())

    async def stop(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
        await self._appender.stop()
        self.reader.stop()
        self._shops.close()

    def takes(self, path: str) -> bool:
        """Whether the request is one of ours."""
        return path.startswith(PREFIX) and path.count("/") == 4 and path.rpartition("/")[2] in self._routes

    async def __call__(self, scope: Any, protocol: Any) -> None:
        """Serve one request."""
        _, _, _, site_key, route = scope.path.split("/")
        self._in_flight += 1
        try:
            reply = self._early(scope.method, route)
            if reply is None:
                reply = await self._routes[route][1](scope, protocol, site_key)
        except Refusal as refusal:
            reply = refusal.reply()
        except TooLarge as error:
            reply = Refusal(413, "too_large", str(error), {"body": f"At most {error.most} bytes."}).reply()
        except TimeoutError as error:
            reply = Refusal(408, "timeout", str(error), after=1).reply()
        except ConnectionError:
            return
        except Exception:
            # The wall between one request and all the others.
            log.exception("a request failed", route=route)
            reply = Refusal(500, "internal", "Something went wrong here.").reply()
        finally:
            self._in_flight -= 1
        self.figures.replied(route, reply.status)
        if reply.body:
            protocol.response_bytes(reply.status, reply.headers, reply.body)
        else:
            protocol.response_empty(reply.status, reply.headers)

    def _early(self, method: str, route: str) -> Reply | None:
        """The reply to what needs no look at the request; None for the others."""
        wanted = self._routes[route][0]
        if method != wanted and not (method == "HEAD" and wanted == "GET"):
            methods = "GET, HEAD, OPTIONS" if wanted == "GET" else f"{wanted}, OPTIONS"
            return replies.preflight(methods) if method == "OPTIONS" else replies.wrong_method(methods)
        if self._in_flight > IN_FLIGHT:
            raise later("busy", "Too many requests at once.", 1)
        return None

    async def _answers(self, scope: Any, protocol: Any, site_key: str) -> Reply:
        raw = await self.reader.read(protocol, _length(scope.headers), MAX_BODY)
        network = self._count_request(scope)
        known = self._shops.peek(site_key) or await self._find(site_key)
        self._check_origin(scope, known)
        shop = known.shop
        robot = is_robot(scope.headers.get("user-agent", ""))
        burst = self._limits.is_burst(network, shop.id) and not is_inner(self._address(scope))
        sender = Sender(robot, burst) if robot or burst else SHOPPER
        found = checks.check(raw, shop, time.time_ns() // 1_000_000, sender)
        if not self._limits.take_events(shop.id, found.accepted):
            raise self._too_many("shop_rate", "This shop sends more than it may in a minute.")
        if found.unproven:
            self._limits.count_answers(network, shop.id, found.unproven)
        try:
            await self._appender.add(found.envelopes)
        except Backlog:
            raise later("backlog", "Too many events wait to be counted.") from None
        except SpillFull:
            raise later("spill_full", "There is no room left to store events.", 15) from None
        if found.rejected:
            return _partly(found)
        return ACCEPTED[found.accepted]

    async def _ask(self, scope: Any, protocol: Any, site_key: str) -> Reply:
        known = self._shops.peek(site_key) or await self._find(site_key)
        origin = scope.headers.get("origin")
        if origin is not None:
            self._seen.note(known.shop.id, origin, known.allows(origin))
        elif scope.headers.get("sec-fetch-site") == "same-origin":
            # The shop's own address leads here, and a browser doesn't name its page to itself.
            self._seen.note(known.shop.id, f"{scope.scheme}://{scope.authority or scope.headers.get('host', '')}", True)
        query = parse_qs(scope.query_string)
        lang, placement, question, why = (query.get(n, [""])[0][:64] for n in ("lang", "placement", "question", "why"))
        asking = Asking(lang[:35], placement, question, why == "1")
        accepted = scope.headers.get("accept-encoding") or ""
        return known.asks.reply(asking, scope.headers.get("if-none-match"), accepted)

    async def _asked(self, scope: Any, protocol: Any, site_key: str) -> Reply:
        raw = await self.reader.read(protocol, _length(scope.headers), MAX_LENGTH)
        self._count_request(scope)
        known = self._shops.peek(site_key) or await self._find(site_key)
        self._check_origin(scope, known)
        try:
            token = raw.decode("ascii").strip()
            claims = checks.claims_of(token, known.shop, int(time.time()))
        except UnicodeDecodeError:
            raise _bad_token("Not an order token.") from None
        except TokenError as error:
            if error.reason != "expired":
                raise _bad_token(f"{str(error).capitalize()}.") from None
            # Authentic once; whoever holds it learns nothing, and asking again does no harm.
            return replies.json(200, {"answered": []}, "The order token has expired.")
        loop = asyncio.get_running_loop()
        look = loop.run_in_executor(None, self._answered, known.shop, claims)
        try:
            return replies.json(200, {"answered": await asyncio.wait_for(look, _ANSWERED_SECONDS)})
        except Exception as error:  # noqa: BLE001  (whatever the database says, the page is told to come back)
            log.warning("answered questions could not be read", why=type(error).__name__)
            raise later("database_away", "What was answered can't be looked up now.") from None

    def _address(self, scope: Any) -> str:
        forwarded: list[str] = []
        if self._proxies:
            forwarded = [value for name, value in scope.headers.items() if name == "x-forwarded-for"]
        return client_address(scope.client, forwarded, self._proxies)

    def _count_request(self, scope: Any) -> bytes:
        """The network that the request comes from, now that it is counted."""
        network = self._limits.network(self._address(scope))
        if not self._limits.take_request(network):
            raise self._too_many("network_rate", "This network sends more than it may in a minute.")
        return network

    async def _find(self, site_key: str) -> Known:
        if len(site_key) > _SITE_KEY_LENGTH or not site_key.startswith("pk_") or not site_key.isascii():
            raise Refusal(404, "unknown_shop", "There is no shop with this site key.")
        return await self._shops.get(site_key)

    def _check_origin(self, scope: Any, known: Known) -> None:
        origin = scope.headers.get("origin")
        if not known.allows(origin):
            self._seen.note(known.shop.id, origin, False)
            raise Refusal(
                403, "foreign_origin", "Pages of this origin do not belong to the shop.",
                {"origin": "Not a domain of this shop."},
            )  # fmt: skip

    def _too_many(self, code: str, message: str) -> Refusal:
        # Not all in the first second of the next minute.
        return Refusal(429, code, message, after=self._limits.seconds_left() + 1 + secrets.randbelow(10))


def _partly(found: checks.Checked) -> Reply:
    first = found.rejected[0]
    errors = {f"events.{first['index']}.{path}": sentence for path, sentence in first["errors"].items()}
    why = replies.reason(f"{len(found.rejected)} not accepted.", errors)
    return replies.json(202, {"accepted": found.accepted, "rejected": found.rejected}, why)


def _length(headers: Any) -> int | None:
    """The declared length of a body we may read; None when it comes in chunks. Raises Refusal."""
    if headers.get("content-encoding", "identity") != "identity":
        raise Refusal(415, "encoding", "Send the body as it is.", {"content-encoding": "Must not be set."})
    _check_media(headers.get("content-type"))
    length = headers.get("content-length")
    return None if length is None else int(length)


def _check_media(content_type: str | None) -> None:
    # The two kinds a browser sends without parameters, or with the one charset that JSON has.
    if content_type in _USUAL:
        return
    media, _, parameters = (content_type or "").lower().partition(";")
    charset = parameters.replace(" ", "").replace('"', "")
    if media.strip() not in _MEDIA or charset not in ("", "charset=utf-8", "charset=utf8"):
        raise Refusal(
            415, "media_type", "Send text/plain or application/json in UTF-8.",
            {"content-type": "Must be text/plain or application/json, in UTF-8."},
        )  # fmt: skip


_USUAL = frozenset(
    {None, "text/plain", "application/json", "text/plain;charset=UTF-8", "text/plain; charset=utf-8"}
)


def _bad_token(sentence: str) -> Refusal:
    return Refusal(422, "invalid", "The order token proves nothing.", {"order_token": sentence})
