"""The shop cache: fresh for seconds, served on while the database is away, kind to the database; origins."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from widget_server.contract.shop import Shop
from widget_server.intake.replies import Refusal
from widget_server.intake.shops_cache import FRESH, STALE, Known, ShopsCache


def shop(name: str = "Shop", domains: tuple[str, ...] = ("shop.example",)) -> Shop:
    return Shop("shop_1", name, "pk_1", domains, "UTC", "ots_1")


class Database:
    """Counts what it is asked; `answer` may raise."""

    def __init__(self, answer: Callable[[str], Shop | None]) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self, site_key: str) -> Shop | None:
        self.asked.append(site_key)
        return self.answer(site_key)


def away(_site_key: str) -> Shop | None:
    raise ConnectionError


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def run(database: Database, story: Callable[[ShopsCache, Clock], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        clock = Clock()
        cache = ShopsCache(database, clock)
        try:
            await story(cache, clock)
        finally:
            cache.close()

    asyncio.run(main())


async def refusal(cache: ShopsCache, site_key: str = "pk_1") -> Refusal:
    with pytest.raises(Refusal) as caught:
        await cache.get(site_key)
    return caught.value


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0.005)


def test_a_fresh_shop_is_not_looked_up_again() -> None:
    database = Database(lambda _: shop())

    async def story(cache: ShopsCache, clock: Clock) -> None:
        assert cache.peek("pk_1") is None
        first = await cache.get("pk_1")
        clock.now += FRESH - 0.1
        assert cache.peek("pk_1") is first
        assert await cache.get("pk_1") is first
        assert database.asked == ["pk_1"]

    run(database, story)


def test_an_older_one_serves_while_it_is_refreshed_behind() -> None:
    database = Database(lambda _: shop("Old"))

    async def story(cache: ShopsCache, clock: Clock) -> None:
        await cache.get("pk_1")
        database.answer = lambda _: shop("New")
        clock.now += FRESH
        old = cache.peek("pk_1")
        assert old is not None and old.shop.name == "Old"
        await settle()
        new = cache.peek("pk_1")
        assert new is not None and new.shop.name == "New"

    run(database, story)


def test_a_shop_not_seen_for_long_is_waited_for() -> None:
    database = Database(lambda _: shop("Old"))

    async def story(cache: ShopsCache, clock: Clock) -> None:
        await cache.get("pk_1")
        database.answer = lambda _: shop("New")
        clock.now += STALE
        assert cache.peek("pk_1") is None
        assert (await cache.get("pk_1")).shop.name == "New"

    run(database, story)


def test_a_known_shop_is_served_for_as_long_as_the_database_is_away() -> None:
    database = Database(lambda _: shop())

    async def story(cache: ShopsCache, clock: Clock) -> None:
        await cache.get("pk_1")
        database.answer = away
        for _ in range(10):
            clock.now += 1000
            assert (await cache.get("pk_1")).shop.name == "Shop"

    run(database, story)


def test_a_shop_never_seen_is_503_while_the_database_is_away_and_found_at_once_after() -> None:
    database = Database(away)

    async def story(cache: ShopsCache, clock: Clock) -> None:
        refused = await refusal(cache)
        assert (refused.status, refused.code) == (503, "database_away")
        assert refused.after is not None and refused.after >= 1
        database.answer = lambda _: shop()
        assert (await cache.get("pk_1")).shop.name == "Shop"

    run(database, story)


def test_an_unknown_key_is_404_and_asked_for_once_in_a_while() -> None:
    database = Database(lambda _: None)

    async def story(cache: ShopsCache, clock: Clock) -> None:
        for _ in range(5):
            assert (await refusal(cache, "pk_wrong")).status == 404
        assert len(database.asked) == 1
        clock.now += FRESH
        database.answer = lambda _: shop()
        assert (await cache.get("pk_wrong")).shop.name == "Shop"

    run(database, story)


def test_a_shop_that_was_deleted_is_404_soon() -> None:
    database = Database(lambda _: shop())

    async def story(cache: ShopsCache, clock: Clock) -> None:
        await cache.get("pk_1")
        database.answer = lambda _: None
        clock.now += STALE
        assert (await refusal(cache)).status == 404

    run(database, story)


def test_many_who_ask_at_once_ask_the_database_once() -> None:
    gate = threading.Event()

    def slow(_site_key: str) -> Shop:
        assert gate.wait(5)
        return shop()

    database = Database(slow)

    async def story(cache: ShopsCache, clock: Clock) -> None:
        waiting = [asyncio.create_task(cache.get("pk_1")) for _ in range(50)]
        await settle()
        gate.set()
        assert {known.shop.name for known in await asyncio.gather(*waiting)} == {"Shop"}
        assert len(database.asked) == 1

    run(database, story)


def test_a_flood_of_wrong_keys_is_refused_before_it_reaches_the_database() -> None:
    gate = threading.Event()

    def slow(_site_key: str) -> None:
        assert gate.wait(5)

    database = Database(slow)

    async def story(cache: ShopsCache, clock: Clock) -> None:
        waiting = [asyncio.create_task(cache.get(f"pk_{n}")) for n in range(1000)]
        await settle()
        gate.set()
        refused = await asyncio.gather(*waiting, return_exceptions=True)
        statuses = [r.status for r in refused if isinstance(r, Refusal)]
        assert sorted(set(statuses)) == [404, 503]
        assert statuses.count(503) == 800
        assert len(database.asked) == 200

    run(database, story)


@pytest.mark.parametrize(
    ("domains", "origin", "allowed"),
    [
        (("shop.example",), None, True),
        (("shop.example",), "null", True),
        (("shop.example",), "https://shop.example", True),
        (("shop.example",), "https://www.shop.example", True),
        (("shop.example",), "https://a.b.shop.example:8443", True),
        (("shop.example",), "http://SHOP.example", True),
        (("shop.example",), "https://shop.example.", True),
        (("Shop.Example",), "https://shop.example", True),
        (("https://shop.example/",), "https://shop.example", True),
        (("shop.example",), "https://notshop.example", False),
        (("shop.example",), "https://shop.example.evil.example", False),
        (("shop.example",), "https://example", False),
        (("shop.example",), "https://evil.example/?shop.example", False),
        (("shop.example",), "https://shop.example@evil.example", False),
        (("shop.example",), "ftp://shop.example", False),
        (("shop.example",), "chrome-extension://shop.example", False),
        (("shop.example",), "", False),
        (("shop.example",), "https://", False),
        (("shop.example",), "https://[::1", False),
        (("shop.example",), "https://shop.example:port", False),
        (("localhost:8001",), "http://localhost:8001", True),
        (("localhost:8001",), "http://localhost:8002", False),
        (("localhost:8001",), "http://localhost", False),
        (("shop.example:443",), "https://shop.example", True),
        (("shop.example:443",), "http://shop.example", False),
        (("a.example", "b.example"), "https://b.example", True),
        (("veikals-āda.lv",), "https://xn--veikals-da-1fb.lv", True),
        (("127.0.0.1:8001",), "http://127.0.0.1:8001", True),
        ((), "https://shop.example", False),
    ],
)
def test_origins(domains: tuple[str, ...], origin: str | None, allowed: bool) -> None:
    known = Known(shop(domains=domains))
    assert known.allows(origin) is allowed
    assert known.allows(origin) is allowed
