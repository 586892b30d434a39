"""What `doctor` and /readyz say about servers that would lose answers."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.running import run
from tests.servers import ValkeyServer
from widget_server.contract.settings import Settings
from widget_server.intake import readiness
from widget_server.intake.readiness import Problem, Readiness, RedisFacts
from widget_server.record.db import Database
from widget_server.run import doctor
from widget_server.run.doctor import Finding
from widget_server.run.valkey import connect, find_binary, is_vulnerable

_GOOD = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


@pytest.fixture
def client(valkey: ValkeyServer) -> Iterator["redis.Redis"]:
    with valkey.client() as opened:
        yield opened
        for name, value in _GOOD.items():
            opened.config_set(name, value)


@pytest.fixture
def migrated(settings: Settings, sqlite_url: str, redis_url: str) -> Settings:
    return dataclasses.replace(settings, database_url=sqlite_url, redis_url=redis_url)


def _problems(settings: Settings) -> dict[str, Finding]:
    return {f.check: f for f in doctor.examine(settings, {}) if f.level == "problem"}


def test_a_sound_installation_has_no_problem(migrated: Settings) -> None:
    assert _problems(migrated) == {}


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("appendonly", "no", "redis-appendonly"),
        ("appendfsync", "no", "redis-appendfsync"),
        ("maxmemory-policy", "allkeys-lru", "redis-eviction"),
        ("maxmemory-policy", "volatile-ttl", "redis-eviction"),
    ],
)
def test_a_redis_that_may_lose_answers_is_a_problem(
    migrated: Settings, client: "redis.Redis", name: str, value: str, check: str
) -> None:
    client.config_set(name, value)
    found = _problems(migrated)
    assert list(found) == [check]
    assert found[check].remedy


def test_everysec_is_enough_where_waitaof_is_known(migrated: Settings, client: "redis.Redis") -> None:
    client.config_set("appendfsync", "everysec")
    assert _problems(migrated) == {}
    assert readiness.read_facts(client).needs_waitaof


def _facts(**changes: object) -> RedisFacts:
    good = RedisFacts("redis", (7, 2, 11), True, "always", "noeviction", 1)
    return dataclasses.replace(good, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "trusted", "expected"),
    [
        (_facts(), False, []),
        (_facts(appendfsync="everysec"), False, []),
        (_facts(appendfsync="everysec", version=(7, 0, 15)), False, ["redis-appendfsync"]),
        (_facts(appendfsync="everysec", version=(7, 0, 15)), True, ["redis-appendfsync"]),
        (_facts(appendonly=None), False, ["redis-durability"]),
        (_facts(appendonly=None), True, []),
        (_facts(appendonly=None, appendfsync=None, policy=None), True, []),
        (_facts(appendonly=False), True, ["redis-appendonly"]),
        (_facts(policy="allkeys-lru"), True, ["redis-eviction"]),
    ],
)
def test_what_is_unknown_needs_trust_and_what_is_known_to_be_bad_stays_bad(
    facts: RedisFacts, trusted: bool, expected: list[str]
) -> None:
    assert [problem.check for problem in readiness.judge(facts, trusted)] == expected


def test_a_redis_that_forbids_config_is_unknown(migrated: Settings, client: "redis.Redis") -> None:
    client.execute_command("ACL", "SETUSER", "hosted", "on", ">pw", "~*", "+@all", "-config")
    try:
        url = f"{migrated.redis_url}?username=hosted&password=pw"
        assert "redis-durability" in _problems(dataclasses.replace(migrated, redis_url=url))
        assert _problems(dataclasses.replace(migrated, redis_url=url, redis_trusted=True)) == {}
    finally:
        client.execute_command("ACL", "DELUSER", "hosted")


def test_a_full_redis_is_a_problem(migrated: Settings, client: "redis.Redis") -> None:
    limit = client.config_get("maxmemory")["maxmemory"]
    client.config_set("maxmemory", int(client.info("memory")["used_memory"]) + 1000)
    try:
        assert "redis-memory" in _problems(migrated)
    finally:
        client.config_set("maxmemory", limit)


def test_tables_of_another_version_are_a_problem(settings: Settings, redis_url: str) -> None:
    found = _problems(dataclasses.replace(settings, redis_url=redis_url))
    assert "atbalss migrate" in found["database-tables"].remedy


@pytest.mark.postgres
def test_postgresql_without_fsync_is_a_problem(migrated: Settings, postgres_url: str) -> None:
    found = _problems(dataclasses.replace(migrated, database_url=postgres_url))
    assert list(found) == ["database-fsync"]  # the tests' own server really has none


def test_a_disk_without_room_for_the_spill_is_a_problem(migrated: Settings) -> None:
    assert "disk" in _problems(dataclasses.replace(migrated, spill_limit=1 << 60))


def test_a_proxy_that_nobody_trusts_is_pointed_out(migrated: Settings) -> None:
    behind = dataclasses.replace(migrated, base_url="https://voice.example.com")
    (finding,) = [f for f in doctor.examine(behind, {}) if f.check == "proxies"]
    assert finding.level == "warning"
    assert "ATBALSS_PROXIES" in finding.remedy


def test_the_command_exits_1_and_says_what_to_do(tmp_path: Path) -> None:
    done = run(tmp_path / "data", "doctor", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["ok"]) == (1, False)
    (away,) = [f for f in report["findings"] if f["check"] == "redis"]
    assert away["level"] == "problem"
    assert "atbalss up" in away["remedy"]


def test_readiness_outlives_an_absence_but_not_a_worse_redis(migrated: Settings) -> None:
    """Answers go to the spill while Redis is away, so shoppers are best left here."""
    own = ValkeyServer()
    database = Database(migrated.database_url, migrated.secret_key)
    try:
        ready = Readiness(connect(own.url, 1.0), database, migrated)
        assert ready.check() == []
        own.kill()
        assert ready.check() == []
        newcomer = Readiness(connect(own.url, 1.0), database, migrated)
        assert [p.check for p in newcomer.check()] == ["redis"], "who never saw it sound can't know"
        own.options["appendonly"] = "no"
        own.start()
        assert [p.check for p in ready.check()] == ["redis-appendonly"]
    finally:
        database.close()
        own.stop()


def test_a_problem_says_what_to_do() -> None:
    assert {field.name for field in dataclasses.fields(Problem)} >= {"message", "remedy"}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("redis", (6, 2, 20), (6, 2, 19)),
        ("redis", (7, 2, 11), (7, 2, 10)),
        ("redis", (7, 2, 11), (7, 0, 15)),
        ("redis", (7, 4, 6), (7, 4, 5)),
        ("redis", (8, 0, 4), (8, 0, 3)),
        ("redis", (8, 2, 2), (8, 2, 1)),
        ("redis", (8, 4, 0), (5, 0, 7)),
        ("redis", (8, 6, 1), (7, 9, 240)),
        ("valkey", (7, 2, 11), (7, 2, 10)),
        ("valkey", (8, 0, 6), (8, 0, 5)),
        ("valkey", (8, 1, 4), (8, 1, 3)),
        ("valkey", (9, 0, 0), (7, 2, 4)),
    ],
)
def test_releases_with_the_lua_fault_are_told_apart(
    kind: str, good: tuple[int, int, int], bad: tuple[int, int, int]
) -> None:
    assert not is_vulnerable(kind, good)
    assert is_vulnerable(kind, bad)


def _server_program(folder: Path, name: str, says: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_a_good_server_on_path_is_taken_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _server_program(
        tmp_path / "bin", "redis-server", "Redis server v=8.4.0 sha=00000000:0 malloc=libc bits=64"
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    found = find_binary(tmp_path)
    assert (found.path, found.kind, found.version) == (path, "redis", (8, 4, 0))


def test_a_vulnerable_server_on_path_is_passed_over_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _server_program(
        tmp_path / "bin", "redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=libc bits=64"
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    said: list[str] = []
    found = find_binary(tmp_path, said.append)
    assert found.kind == "valkey"
    assert "CVE-2025-49844" in said[0]
    assert str(path) in said[0]


def test_the_server_that_made_the_data_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older one found on PATH later might not be able to read them."""
    before = _server_program(
        tmp_path / "old", "valkey-server", "Valkey server v=9.1.2 sha=00000000:1 malloc=libc"
    )
    (tmp_path / "valkey").mkdir()
    (tmp_path / "valkey" / "server").write_text(f"{before}\n")
    _server_program(tmp_path / "bin", "valkey-server", "Valkey server v=8.1.4 sha=00000000:1 malloc=libc")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert find_binary(tmp_path).path == before
