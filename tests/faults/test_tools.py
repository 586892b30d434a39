"""The tools do what they say: a fault bench whose faults do nothing proves nothing."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.faults import Outcome
from tests.faults import __main__ as table
from tests.faults.disk import Disk
from tests.faults.forgetful import PowerFailure, why_not
from tests.faults.invariants import Finding
from tests.faults.proxy import MODES, Proxy
from tests.servers import ValkeyServer


@pytest.fixture
def proxy(valkey: ValkeyServer) -> Iterator[Proxy]:
    with closing(Proxy({"a": str(valkey.socket), "b": str(valkey.socket)}, {"b": "MARK"})) as made:
        yield made


def client(proxy: Proxy, route: str = "a") -> redis.Redis:
    return redis.Redis(port=proxy.ports[route], socket_timeout=0.6, retry=Retry(NoBackoff(), 0))


# Whether the caller gets a reply, and whether the server has done it.
EXPECTED = {
    "cut before the request": (False, False),
    "cut after the request, reply lost": (False, True),
    "cut within the reply": (False, True),
    "answer late": (True, True),
    "connection reset": (False, True),
    "silent drop": (False, False),
    "single bytes": (True, True),
}


@pytest.mark.parametrize("mode", MODES)
def test_a_harm_is_done_where_it_was_asked_for(proxy: Proxy, redis_client: redis.Redis, mode: str) -> None:
    with client(proxy) as harmed:
        harmed.set("first", 1)
        proxy.arm("a", mode, b"SECRET", seconds=0.2)
        harmed.set("other", 1)
        replied = False
        with suppress(redis.RedisError):
            replied = bool(harmed.set("SECRET", "x" * 50))
    assert (replied, bool(redis_client.exists("SECRET"))) == EXPECTED[mode]
    assert redis_client.exists("other")


def test_a_mark_must_have_been_seen_before(proxy: Proxy, redis_client: redis.Redis) -> None:
    with client(proxy, "b") as unmarked, client(proxy, "b") as marked:
        marked.set("MARK", 1)
        proxy.arm("b", "cut before the request", b"COMMIT")
        unmarked.set("COMMIT", 1)
        with pytest.raises(redis.RedisError):
            marked.set("COMMIT", 2)
    assert redis_client.get("COMMIT") == b"1"


def test_what_never_came_is_not_harmed(proxy: Proxy) -> None:
    assert not proxy.harm("a", MODES[0], b"NEVER", within=0.1)
    with client(proxy) as unharmed:
        assert unharmed.set("NEVER", 1)


def test_a_power_cut_keeps_what_was_synced_and_nothing_else(tmp_path: Path) -> None:
    if why_not():
        return
    with closing(PowerFailure(tmp_path / "disk")) as disk:
        folder = disk.folder
        (folder / "kept").write_text("synced")
        disk.settle()
        handle = os.open(folder / "kept", os.O_WRONLY | os.O_APPEND)
        os.write(handle, b", and more")
        os.fsync(handle)
        os.write(handle, b", never synced")
        (folder / "name").write_text("its folder was never synced")
        assert disk.cut() == len(", never synced") + len("its folder was never synced")
        with pytest.raises(OSError, match="not connected"):
            os.close(handle)
        disk.back(some=False)
        assert [path.name for path in folder.iterdir()] == ["kept"]
        assert (folder / "kept").read_text() == "synced, and more"


@pytest.mark.parametrize(("synchronous", "kept"), [("FULL", 20), ("OFF", 0)])
def test_a_database_keeps_what_it_syncs(tmp_path: Path, synchronous: str, kept: int) -> None:
    """The same cut costs nothing, or everything."""
    if why_not():
        return
    with closing(PowerFailure(tmp_path / "disk")) as disk:
        with closing(sqlite3.connect(disk.folder / "db")) as conn:
            conn.execute("PRAGMA journal_mode=WAL")
            conn.execute("CREATE TABLE t (n)")
            disk.settle()
            conn.execute(f"PRAGMA synchronous={synchronous}")
            for n in range(20):
                conn.execute("INSERT INTO t VALUES (?)", (n,))
                conn.commit()
            disk.cut()
        disk.back(some=False)
        with closing(sqlite3.connect(disk.folder / "db")) as conn:
            assert conn.execute("SELECT count(*) FROM t").fetchone() == (kept,)


def test_sqlite_survives_a_torn_end_with_all_it_committed(tmp_path: Path) -> None:
    if why_not():
        return
    with closing(PowerFailure(tmp_path / "disk")) as disk:
        for n in range(1, 6):
            with closing(sqlite3.connect(disk.folder / "db")) as conn, suppress(sqlite3.Error):
                conn.execute("PRAGMA journal_mode=WAL")
                conn.execute("PRAGMA synchronous=FULL")
                conn.execute("CREATE TABLE IF NOT EXISTS t (n)")
                conn.execute("INSERT INTO t VALUES (?)", (n,))
                conn.commit()
                conn.execute("PRAGMA cache_spill=1")
                conn.executemany("INSERT INTO t VALUES (zeroblob(2000))", [()] * 2000)
                disk.cut()
            disk.back(some=True)
            with closing(sqlite3.connect(disk.folder / "db")) as conn:
                assert conn.execute("SELECT n FROM t").fetchall() == [(one,) for one in range(1, n + 1)]
                assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_disk_can_be_full_and_have_room_again() -> None:
    with closing(Disk()) as disk:
        if disk.why_not:
            return
        (disk.folder / "before").write_bytes(b"x" * 5000)
        with disk.full(), pytest.raises(OSError, match="No space left"):
            (disk.folder / "more").write_bytes(b"x" * 5000)
        (disk.folder / "after").write_bytes(b"x" * 5000)


def outcome(**given: Any) -> Outcome:
    return Outcome("a fault", 1, 1, Finding(10, 0, 0), 0.0, **given)


@pytest.mark.parametrize(
    ("result", "skip", "status"),
    [
        (outcome(), "", 0),
        (outcome(notes=["a note"], slow=["too slow"]), "", 1),
        (Outcome("a fault", 1, 1, Finding(10, 1, 0), 0.0), "", 1),
        (Outcome("a fault", 1, 1, Finding(10, 0, 1), 0.0), "", 1),
        (outcome(skipped="there is no disk"), "", 1),
        (outcome(skipped="there is no disk"), "something else", 1),
        (outcome(skipped="there is no disk"), "something else; thing", 0),
    ],
)
def test_what_is_lost_or_skipped_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: Outcome, skip: str, status: int
) -> None:
    monkeypatch.setattr(table, "ONE_BY_ONE", {"thing": lambda: result})
    monkeypatch.setattr(table, "FAULTS", ("thing",))
    monkeypatch.setenv("FAULTS_SKIP", skip)
    assert table.main(["thing"]) == status
    assert ("skipped" in capsys.readouterr().out) == bool(result.skipped)


def test_too_few_acknowledged_events_prove_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "ONE_BY_ONE", {"thing": outcome})
    monkeypatch.setattr(table, "FAULTS", ("thing",))
    monkeypatch.setattr(table, "SIDE_BY_SIDE", {})
    assert table.main([]) == 1
    monkeypatch.setattr(table, "ENOUGH", 10)
    assert table.main([]) == 0
