"""How often a password may be tried: counted before anything is hashed, in Redis or, without it, here."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import redis

from widget_server.web.dashboard._tries import ACCOUNT, INNER, NETWORK, Limit, Tries

HERE, THERE, INSIDE = "198.51.100.7", "203.0.113.9", "127.0.0.1"
ANNA = "anna@lampas.example"


@dataclass
class Clock:
    """Goes on when told."""

    now: int = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["redis", "away"])
def tries(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Tries]:
    """The same with Redis and without it."""
    if request.param == "redis":
        yield Tries(request.getfixturevalue("redis_client"), "k" * 32, clock)
    else:
        with redis.Redis(host="127.0.0.1", port=1, retry=None, socket_timeout=0.1) as away:
            yield Tries(away, "k" * 32, clock)


def made(count: int, once: Callable[[], int]) -> int:
    """How many of so many tries were let through."""
    return sum(once() == 0 for _ in range(count))


def test_a_thousand_tries_at_once_are_a_handful(tries: Tries) -> None:
    assert made(1000, lambda: tries.password(ANNA, None, HERE).wait) == ACCOUNT.free + 0
    assert tries.password(ANNA, None, THERE).wait > 0, "from elsewhere too"
    assert tries.password("other@lampas.example", None, THERE).wait == 0, "others are not held up"


def test_at_the_same_moment_no_more_get_through_than_one_after_the_other(redis_client: "redis.Redis", clock: Clock) -> None:
    processes = [Tries(redis_client, "k" * 32, clock) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda i: processes[i % 4].password(ANNA, None, HERE).wait, range(200)))
    assert waits.count(0) == ACCOUNT.free


def test_each_further_try_waits_twice_as_long_and_nobody_waits_for_ever(tries: Tries, clock: Clock) -> None:
    made(ACCOUNT.free, lambda: tries.password(ANNA, None, HERE).wait)
    waits = []
    for _ in range(14):
        waits.append(tries.password(ANNA, None, HERE).wait)
        clock.now += waits[-1] - 1
        assert tries.password(ANNA, None, HERE).wait == 1, "not before its time"
        clock.now += 1
        assert tries.password(ANNA, None, HERE).wait == 0
    assert waits[:4] == [2000, 4000, 8000, 16000]
    assert waits[-1] == ACCOUNT.most == max(waits)
    clock.now += ACCOUNT.memory
    assert made(100, lambda: tries.password(ANNA, None, THERE).wait) == ACCOUNT.free, "all is forgotten in the end"


def test_what_is_right_begins_anew(tries: Tries) -> None:
    for _ in range(50):
        assert made(ACCOUNT.free - 1, lambda: tries.password(ANNA, None, INSIDE).wait) == ACCOUNT.free - 1
        right = tries.password(ANNA, None, INSIDE)
        assert right.wait == 0
        right.was_right()


def test_a_new_password_by_a_link_begins_anew(tries: Tries) -> None:
    made(100, lambda: tries.password(ANNA, None, HERE).wait)
    tries.password_forgotten(ANNA)
    assert tries.password(ANNA, None, THERE).wait == 0


def test_who_tries_anothers_passwords_does_not_delay_a_browser_that_was_signed_in(tries: Tries) -> None:
    made(100, lambda: tries.password(ANNA, None, HERE).wait)
    assert tries.password(ANNA, None, THERE).wait > 0
    assert made(100, lambda: tries.password(ANNA, "her-browser", THERE).wait) == ACCOUNT.free, "nor may it try for ever"


def test_one_network_may_not_try_one_account_after_the_other(tries: Tries) -> None:
    everybody = (f"p{i}@lampas.example" for i in range(10_000))
    assert made(500, lambda: tries.password(next(everybody), None, HERE).wait) == NETWORK.free
    assert tries.password("late@lampas.example", None, "198.51.100.250").wait > 0, "the /24 is one network"
    assert tries.password("late@lampas.example", None, "2001:db8::1").wait == 0
    assert made(1000, lambda: tries.password(next(everybody), None, INSIDE).wait) == INNER.free, "an untold proxy: everybody"


def test_a_right_one_gives_its_network_one_back(tries: Tries) -> None:
    for i in range(NETWORK.free * 3):
        attempt = tries.password(f"p{i}@lampas.example", None, HERE)
        assert attempt.wait == 0
        attempt.was_right()


def test_codes_and_the_own_password_have_counts_of_their_own(tries: Tries) -> None:
    assert made(100, lambda: tries.code("acc_1").wait) == 5
    assert tries.own_password("acc_1").wait == 0
    assert tries.code("acc_2").wait == 0


def test_neither_e_mail_nor_address_is_in_redis(redis_client: "redis.Redis", clock: Clock) -> None:
    Tries(redis_client, "k" * 32, clock).password(ANNA, "her-browser", HERE)
    said = b" ".join(redis_client.keys("*")) + b" ".join(v for k in redis_client.keys("*") for v in redis_client.hgetall(k).values())
    assert ANNA.encode() not in said and HERE.encode() not in said and b"198.51.100" not in said
    assert all(0 < redis_client.pttl(key) <= ACCOUNT.memory for key in redis_client.keys("*")), "and all of it goes away"


def test_a_redis_that_comes_back_is_used_again(redis_client: "redis.Redis", clock: Clock) -> None:
    class Flaky:
        away = True

        def eval(self, *words: object) -> object:
            if self.away:
                raise redis.ConnectionError
            return redis_client.eval(*words)

    flaky = Flaky()
    tries = Tries(flaky, "k" * 32, clock)
    assert made(20, lambda: tries.password(ANNA, None, HERE).wait) == ACCOUNT.free
    flaky.away = False
    assert made(20, lambda: tries.password(ANNA, None, HERE).wait) == ACCOUNT.free, "the count of all, which begins now"


def test_a_process_alone_forgets_the_oldest_rather_than_fill_the_memory(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("widget_server.web.dashboard._tries._MOST_NAMES", 10)
    with redis.Redis(host="127.0.0.1", port=1, retry=None, socket_timeout=0.1) as away:
        tries = Tries(away, "k" * 32, clock)
        made(100, lambda: tries.code("first").wait)
        for i in range(20):
            assert tries.code(f"acc_{i}").wait == 0
        assert tries.code("first").wait == 0


@pytest.mark.parametrize(("tries", "delay"), [(1, 0), (4, 0), (5, 10), (6, 20), (9, 100), (5000, 100)])
def test_the_delay_grows(tries: int, delay: int) -> None:
    assert Limit(5, 10, 100, 1000).delay(tries) == delay
