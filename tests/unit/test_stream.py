"""The append for programs: durable, grouped, and refused while too much waits."""

from collections.abc import Iterator

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from tests.servers import ValkeyServer
from widget_server.intake.stream import (
    FIELD,
    GROUP_BYTES,
    GROUP_ENTRIES,
    STREAM,
    StreamFull,
    append_sync,
    groups,
    needs_waitaof,
)


@given(st.lists(st.integers(0, 70_000), max_size=600))
def test_groups_keep_everything_in_order_and_within_their_bounds(sizes: list[int]) -> None:
    made = [memoryview(b"x" * 70_000)[:size].tobytes() for size in sizes]
    found = groups(made)
    assert [envelope for group in found for envelope in group] == made
    assert all(len(group) <= GROUP_ENTRIES for group in found)
    assert all(len(group) == 1 or sum(map(len, group)) <= GROUP_BYTES for group in found)


def test_everything_is_appended_in_order_and_what_waits_is_told(redis_client: "redis.Redis") -> None:
    sent = [b'{"n":%d}' % n for n in range(450)]
    assert append_sync(redis_client, sent, 10_000) == 450
    assert [fields[FIELD] for _, fields in redis_client.xrange(STREAM)] == sent  # type: ignore[union-attr]


def test_a_full_stream_takes_nothing(redis_client: "redis.Redis") -> None:
    append_sync(redis_client, [b"{}"] * 10, 10)
    with pytest.raises(StreamFull):
        append_sync(redis_client, [b"{}"], 10)
    assert redis_client.xlen(STREAM) == 10


@pytest.fixture
def everysec() -> Iterator["redis.Redis"]:
    server = ValkeyServer({"appendfsync": "everysec"})
    with server.client() as client:
        yield client
    server.stop()


def test_with_everysec_the_disk_is_waited_for_once(everysec: "redis.Redis") -> None:
    assert needs_waitaof(everysec)
    append_sync(everysec, [b"{}"] * 450, 10_000)
    assert everysec.info("commandstats")["cmdstat_waitaof"]["calls"] == 3  # type: ignore[index]


def test_a_server_that_hides_its_settings_or_knows_no_waitaof_is_not_asked(everysec: "redis.Redis") -> None:
    path = everysec.get_connection_kwargs()["path"]
    for user, without in (("hides", "-config"), ("old", "-waitaof")):
        everysec.execute_command("ACL", "SETUSER", user, "on", "nopass", "~*", "+@all", without)  # type: ignore[no-untyped-call]
        client = redis.Redis(unix_socket_path=path, username=user, password="any")
        assert not needs_waitaof(client)
        assert append_sync(client, [b"{}"], 100)
        client.close()
