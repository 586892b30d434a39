"""The Redis protocol as the hot path speaks it, and bodies that come slowly."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers import ValkeyServer
from widget_server.intake import collector, wire
from widget_server.intake.collector import Reader, TooLarge
from widget_server.intake.wire import Lost, Replies, ReplyError, pack

STREAM = b"$15\r\n1732249000000-0\r\n:7\r\n+OK\r\n-OOM no memory\r\n$-1\r\n*2\r\n$3\r\na\r\n\r\n:1\r\n*0\r\n$0\r\n\r\n"


def shown(replies: list[wire.Reply]) -> list[Any]:
    return [f"error {reply}" if isinstance(reply, ReplyError) else reply for reply in replies]


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=8))
def test_replies_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    replies, found = Replies(), []
    places = [0, *sorted(set(cuts)), len(STREAM)]
    for start, end in itertools.pairwise(places):
        found += replies.feed(STREAM[start:end])
    assert shown(found) == [b"1732249000000-0", 7, b"OK", "error OOM no memory", None, [b"a\r\n", 1], [], b""]


def test_what_is_no_reply_is_not_taken_for_one() -> None:
    with pytest.raises(ValueError, match="not a reply"):
        Replies().feed(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_password_a_user_and_a_database_of_the_address_are_used() -> None:
    server = ValkeyServer()
    try:
        with server.client() as client:
            client.execute_command("ACL", "SETUSER", "app", "on", ">s3:cret@", "~*", "+@all")  # type: ignore[no-untyped-call]
            client.config_set("requirepass", "top secret")

        async def numbers() -> list[Any]:
            made = []
            for address in (
                "unix://app:s3%3Acret%40@{}?db=3",
                "unix://:top%20secret@{}",
                "unix://app:s3%3Acret%40@{}",
            ):
                link = await wire.connect(address.format(server.socket), 5)
                made.append((await link.ask(pack(b"INCR", b"number")))[0])
                link.close()
            return made

        assert asyncio.run(numbers()) == [1, 1, 2]
        for wrong in ("unix://app:no@{}", "unix://{}"):
            with pytest.raises((ReplyError, Lost)):
                asyncio.run(wire.connect(wrong.format(server.socket), 5))
    finally:
        server.stop()


class Body:
    """A request's body as granian gives it: whole, or in parts; `hang` never ends."""

    def __init__(self, *parts: bytes, hang: bool = False) -> None:
        self.parts = list(parts)
        self.hang = hang
        self.taken = 0

    async def __call__(self) -> bytes:
        if self.hang:
            await asyncio.Event().wait()
        return b"".join(self.parts)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.taken += len(part)
            yield part
        if self.hang:
            await asyncio.Event().wait()


def read(body: Body, declared: int | None, most: int = 10) -> bytes:
    async def main() -> bytes:
        reader = Reader()
        reader.start()
        try:
            return await reader.read(body, declared, most)
        finally:
            reader.stop()

    return asyncio.run(main())


def test_a_body_is_read_whole_or_in_parts() -> None:
    assert read(Body(b"{}"), 2) == b"{}"
    assert read(Body(b"{", b"}"), None) == b"{}"
    assert read(Body(), None) == b""


@pytest.mark.parametrize("declared", [None, 11, 5_000_000])
def test_of_a_body_that_is_too_large_no_more_is_read_than_decency_asks(declared: int | None) -> None:
    body = Body(*[b"x" * 65_536] * 100)
    with pytest.raises(TooLarge):
        read(body, declared)
    assert body.taken <= collector.DISCARDED + 65_536


@pytest.mark.parametrize("declared", [None, 10])
def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch, declared: int | None) -> None:
    monkeypatch.setattr(collector, "BODY_SECONDS", 0.0)
    with pytest.raises(TimeoutError):
        read(Body(b"{", hang=True), declared)


def test_a_client_that_leaves_is_no_error_of_ours() -> None:
    class Gone(Body):
        async def __call__(self) -> bytes:
            raise RuntimeError("RSGI transport is closed")

    with pytest.raises(ConnectionError):
        read(Gone(), 5)
