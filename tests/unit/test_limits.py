"""Limits: how much a network and a shop may send, and that nobody learns who it was."""

from pathlib import Path

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from tests.servers import wait_for
from widget_server.intake import limits
from widget_server.intake.limits import Limits, client_address, network
from widget_server.intake.wire import Reply
from widget_server.run.config import load


class Clock:
    def __init__(self, now: float = 600.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def made(shop: int = 100, of_network: int = 100, clock: Clock | None = None, burst: int = 100) -> Limits:
    return Limits(shop, of_network, burst, clock or Clock())


def taken(limits: Limits, address: str, times: int) -> int:
    return sum(limits.take_request(limits.network(address)) for _ in range(times))


def test_a_network_has_its_share_of_each_minute() -> None:
    clock = Clock()
    limits = made(of_network=10, clock=clock)
    assert taken(limits, "192.0.2.1", 15) == 10
    assert limits.seconds_left() == 60
    clock.now += 59
    assert taken(limits, "192.0.2.1", 1) == 0
    assert limits.seconds_left() == 1
    clock.now += 1
    assert taken(limits, "192.0.2.1", 15) == 10


def test_the_same_24_or_48_is_one_network_and_another_is_not() -> None:
    limits = made(of_network=10)
    assert taken(limits, "192.0.2.1", 6) + taken(limits, "192.0.2.250", 6) == 10
    assert taken(limits, "192.0.3.1", 6) == 6
    assert taken(limits, "2001:db8:1::1", 6) + taken(limits, "2001:db8:1:ffff::9", 6) == 10
    assert taken(limits, "2001:db8:2::1", 6) == 6
    assert network("::ffff:192.0.2.9") == network("192.0.2.1")
    assert network("fe80::1%eth0") == network("fe80::2")


def test_a_shop_has_its_share_and_a_request_is_taken_whole_or_not() -> None:
    limits = made(shop=10)
    assert limits.take_events("a", 8)
    assert not limits.take_events("a", 3)
    assert limits.take_events("a", 2)
    assert limits.take_events("b", 10)


def test_what_other_processes_took_counts_with_the_next_reply() -> None:
    limits = made(of_network=10)
    assert taken(limits, "192.0.2.1", 1) == 1
    commands, sent = limits.commands()
    assert sent is not None
    assert len(commands) == 2  # the count, and once a minute when the counts end
    assert taken(limits, "192.0.2.1", 2) == 2  # not yet told
    replies: list[Reply] = [9, 1]
    limits.learn(sent, replies)
    assert taken(limits, "192.0.2.1", 5) == 0
    assert b"192" not in b"".join(commands)


def test_a_reply_that_comes_in_the_next_minute_changes_nothing() -> None:
    clock = Clock()
    limits = made(of_network=10, clock=clock)
    taken(limits, "192.0.2.1", 1)
    _, sent = limits.commands()
    assert sent is not None
    clock.now += 60
    assert taken(limits, "192.0.2.1", 1) == 1
    limits.learn(sent, [1000, 1])
    assert taken(limits, "192.0.2.1", 1) == 1


def test_nothing_to_tell_costs_no_command() -> None:
    assert made().commands() == ([], None)


def test_another_salt_gives_other_names() -> None:
    names = set()
    for salt in (b"a" * 32, b"b" * 32, b"a" * 32):
        limits = made()
        limits.use_salt(salt)
        taken(limits, "192.0.2.1", 1)
        names.add(limits.commands()[0][0])
    assert len(names) == 2


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "address"),
    [
        ("192.0.2.1:4000", [], 0, "192.0.2.1"),
        ("[2001:db8::1]:4000", [], 0, "2001:db8::1"),
        ("10.0.0.1:1", ["198.51.100.7"], 0, "10.0.0.1"),
        ("10.0.0.1:1", ["198.51.100.7"], 1, "198.51.100.7"),
        ("10.0.0.1:1", ["6.6.6.6, 198.51.100.7"], 1, "198.51.100.7"),
        ("10.0.0.1:1", ["6.6.6.6, 198.51.100.7, 10.0.0.2"], 2, "198.51.100.7"),
        ("10.0.0.1:1", ["6.6.6.6", "198.51.100.7"], 1, "198.51.100.7"),
        ("10.0.0.1:1", [], 1, "10.0.0.1"),
        ("10.0.0.1:1", ["198.51.100.7"], 3, "198.51.100.7"),
        ("10.0.0.1:1", ["[2001:db8::1]:99"], 1, "2001:db8::1"),
        ("10.0.0.1:1", ["2001:db8::1"], 1, "2001:db8::1"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: list[str], proxies: int, address: str) -> None:
    assert client_address(peer, forwarded, proxies) == address


@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=3), st.integers(0, 3))
def test_no_header_breaks_it(peer: str, forwarded: list[str], proxies: int) -> None:
    assert taken(made(), client_address(peer, forwarded, proxies), 1) == 1


def test_the_default_lets_a_carriers_shared_address_pass(tmp_path: Path) -> None:
    settings = load({}, tmp_path)
    limits = Limits(settings.shop_rate, settings.network_rate, settings.burst, Clock())
    assert taken(limits, "192.0.2.1", 1000) == 1000
    limits.count_answers(limits.network("192.0.2.1"), "shop", map(str, range(50)))
    assert not limits.is_burst(limits.network("192.0.2.1"), "shop")


def test_a_burst_is_of_one_network_and_one_shop_in_ten_minutes() -> None:
    clock = Clock(1200.0)
    limits = made(burst=3, clock=clock)

    def bursts(address: str, shop: str = "shop") -> bool:
        return limits.is_burst(limits.network(address), shop)

    limits.count_answers(limits.network("192.0.2.1"), "shop", ["a", "b", "a"])
    limits.count_answers(limits.network("192.0.2.1"), "shop", ["b"])
    assert not bursts("192.0.2.1")
    limits.count_answers(limits.network("192.0.2.99"), "shop", ["c"])
    assert bursts("192.0.2.1")
    assert not bursts("192.0.3.1")
    assert not bursts("192.0.2.1", "another")
    clock.now += 599
    assert bursts("192.0.2.1")
    clock.now += 1
    assert not bursts("192.0.2.1")
    limits.count_answers(limits.network("192.0.2.1"), "shop", ["a", "b", "c"])
    assert bursts("192.0.2.1")


@pytest.mark.parametrize(
    ("address", "inner"),
    [
        ("127.0.0.1", True), ("10.1.2.3", True), ("172.17.0.1", True), ("192.168.1.9", True), ("100.64.0.1", True), ("::1", True),
        ("fd00::1", True), ("fe80::1%eth0", True), ("::ffff:10.0.0.1", True), ("unix", True), ("", True),
        ("8.8.8.8", False), ("172.32.0.1", False), ("100.128.0.1", False), ("2a02::1", False), ("::ffff:8.8.8.8", False),
    ],
)  # fmt: skip
def test_an_address_of_no_shopper_is_known(address: str, inner: bool) -> None:
    assert limits.is_inner(address) == inner


def test_a_burst_spread_over_processes_is_one() -> None:
    one, other = made(burst=5), made(burst=5)
    for each in (one, other):
        each.use_salt(b"s" * 32)
    name = one.network("192.0.2.1")
    assert one.take_request(name)  # beside counts of the minute
    told: dict[bytes, int] = {}

    def append(limits: Limits) -> None:
        """What Redis would do."""
        commands, sent = limits.commands()
        assert sent is not None
        replies: list[Reply] = []
        for command in commands:
            parts = command.split(b"\r\n")[2::2]
            if parts[0] == b"HINCRBY":
                told[parts[1] + parts[2]] = told.get(parts[1] + parts[2], 0) + int(parts[3])
                replies.append(told[parts[1] + parts[2]])
            else:
                assert (parts[0], int(parts[2]) in (180, 1800)) == (b"EXPIRE", True)
                replies.append(1)
        limits.learn(sent, replies)

    one.count_answers(name, "shop", ["a", "b", "c"])
    append(one)
    other.count_answers(name, "shop", ["d", "e"])
    assert not other.is_burst(name, "shop")
    append(other)
    assert other.is_burst(name, "shop")
    assert not one.is_burst(name, "shop")  # it learns with its own next answer of that network
    one.count_answers(name, "shop", ["f"])
    append(one)
    assert one.is_burst(name, "shop")


def test_names_without_end_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_MOST_NAMES", 50)
    some = made()
    assert all(taken(some, f"10.{n}.0.1", 1) for n in range(200))
    assert len(some.commands()[0]) == 51
    for n in range(200):
        some.count_answers(some.network(f"10.{n}.0.1"), "shop", [str(n)])
    assert len(some.commands()[0]) == 51


def test_expired_salts_and_counts_leave_the_disk(redis_client: "redis.Redis") -> None:
    redis_client.set(limits.salt_key(0), b"a salt that must not stay", px=1)
    wait_for(lambda: not redis_client.exists(limits.salt_key(0)), "the salt does not expire")
    folder = Path(redis_client.config_get("dir")["dir"]) / "appendonlydir"  # type: ignore[index]
    limits.forget(redis_client)
    wait_for(lambda: not redis_client.info("persistence")["aof_rewrite_in_progress"], "the rewrite does not end")  # type: ignore[index]
    assert b"a salt that must not stay" not in b"".join(path.read_bytes() for path in folder.iterdir())


def test_a_redis_that_refuses_to_rewrite_is_only_logged(redis_client: "redis.Redis") -> None:
    redis_client.execute_command("ACL", "SETUSER", "app", "on", "nopass", "~*", "+@all", "-bgrewriteaof")  # type: ignore[no-untyped-call]
    limits.forget(redis.Redis(unix_socket_path=redis_client.get_connection_kwargs()["path"], username="app", password="x"))
