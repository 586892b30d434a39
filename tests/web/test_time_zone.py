"""Another time zone has everything counted anew, and on SQLite nobody else's answers are stored meanwhile: so it is done
now and then, one shop at a time, and for large shops not by a page."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from tests.web.conftest import Make, Person, World, answer, search, signed_in
from widget_server.act import verify
from widget_server.record import shops
from widget_server.record.db import Database
from widget_server.web.dashboard import shop as page

PATH = "/app/settings/shop"


@pytest.fixture(params=["Redis", "no Redis"])
def either_world(request: pytest.FixtureRequest, sqlite_database: Database, make_world: Make) -> World:
    return make_world(sqlite_database, request.getfixturevalue("redis_client") if request.param == "Redis" else None)


@pytest.fixture
def redis_world(sqlite_database: Database, make_world: Make, redis_client: "redis.Redis") -> World:
    return make_world(sqlite_database, redis_client)


@pytest.fixture
def as_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process remembers nothing."""

    class Nothing(dict[str, float]):
        def __setitem__(self, name: str, value: float) -> None:
            pass

    monkeypatch.setattr(page, "_own_until", Nothing())


def move(owner: Person, zone: str, name: str = "Shop") -> Any:
    return owner.post_form(PATH, {"name": name, "time_zone": zone})


def now_is(world: World) -> tuple[str, str]:
    with world.database.reading() as conn:
        found = shops.by_id(conn, world.shop.id)
    assert found is not None
    return found.name, found.time_zone


def test_a_shop_is_counted_anew_once_in_a_while(either_world: World) -> None:
    owner = signed_in(either_world)
    assert move(owner, "UTC").status_code == 303
    again = move(owner, "Europe/Riga", "Another")
    assert again.status_code == 429 and 590 < int(again.headers["Retry-After"]) <= 600
    assert "Too many tries. Try again in" in again.text
    assert now_is(either_world) == ("Shop", "UTC"), "nothing of it is saved"
    assert move(owner, "UTC", "Another").status_code == 303, "a name may change at any time"
    assert now_is(either_world) == ("Another", "UTC")
    assert move(signed_in(either_world, shop=either_world.neighbour), "Europe/Riga", "Neighbour").status_code == 303


@pytest.mark.usefixtures("as_another_process")
def test_all_processes_count_together(redis_world: World, redis_client: "redis.Redis") -> None:
    owner = signed_in(redis_world)
    redis_client.set("atbalss:counting-anew", 1)
    assert move(owner, "UTC").status_code == 429, "another process is at it"
    redis_client.delete("atbalss:counting-anew")
    assert move(owner, "UTC").status_code == 303, "who was told to wait has had no turn"
    assert redis_client.keys("atbalss:counting-anew*") == [f"atbalss:counting-anew:{redis_world.shop.id}".encode()]
    assert move(owner, "Europe/Riga").status_code == 429
    assert 590 < redis_client.ttl(f"atbalss:counting-anew:{redis_world.shop.id}") <= 600
    redis_client.flushall()
    assert move(owner, "Europe/Riga").status_code == 303


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Counting anew says that it has begun, and waits."""
    begun, goes_on = threading.Event(), threading.Event()
    real = verify.rebuild

    def rebuild(*given: Any) -> int:
        begun.set()
        assert goes_on.wait(20)
        return real(*given)

    monkeypatch.setattr(verify, "rebuild", rebuild)
    yield begun, goes_on
    goes_on.set()


def test_one_shop_is_counted_anew_at_a_time(either_world: World, slow: tuple[threading.Event, threading.Event]) -> None:
    begun, goes_on = slow
    owner, other = signed_in(either_world), signed_in(either_world, shop=either_world.neighbour)
    with ThreadPoolExecutor() as threads:
        first = threads.submit(move, owner, "UTC")
        assert begun.wait(20)
        assert move(other, "Europe/Riga", "Neighbour").status_code == 429
        goes_on.set()
        assert first.result(20).status_code == 303
    assert move(other, "Europe/Riga", "Neighbour").status_code == 303


def test_what_failed_was_no_turn(either_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> int:
        raise OSError("the disk is full")

    owner = signed_in(either_world)
    monkeypatch.setattr(verify, "rebuild", fail)
    assert move(owner, "UTC").status_code == 500
    monkeypatch.undo()
    assert move(owner, "UTC").status_code == 303


@pytest.mark.parametrize("what", ["answers", "searches"])
def test_what_takes_long_is_done_by_whoever_runs_the_server(world: World, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_MOST_ON_SQLITE", 3)
    monkeypatch.setattr(page, "_MOST_EVENTS_ON_SQLITE", 6)
    world.send(*(answer("order-rating", 5) if what == "answers" else search("kettle") for _ in range(3)))
    owner = signed_in(world)
    assert move(owner, "UTC").status_code == 303
    page._own_until.clear()
    world.send(*(answer("order-rating", 5) if what == "answers" else search("kettle") for _ in range(3)))
    refused = move(owner, "Europe/Riga")
    if world.database.dialect == "sqlite":
        assert refused.status_code == 422 and "atbalss counters rebuild" in refused.text
    else:
        assert refused.status_code == 303
