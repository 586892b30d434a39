"""`atbalss up`, `web` and `worker` as an operator sees them: real processes, real servers, real kills."""

import json
import os
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from tests.running import Program, answer, get, run
from tests.servers import PostgresServer, ValkeyServer, wait_for, wait_until_dead
from widget_server.run import config


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    started: list[Program] = []
    yield started
    for program in started:
        program.kill()


@pytest.fixture
def up(data_dir: Path, programs: list[Program]) -> Program:
    programs.append(Program(data_dir, "up", "--port", "0"))
    return programs[-1].wait_until_ready()


def _socket(data_dir: Path) -> Path:
    """Where its Valkey listens: elsewhere when the folder's own path is too long."""
    return config.runtime_folder(data_dir) / config.SOCKET


def _add_shop(data_dir: Path, **settings: str) -> tuple[str, str]:
    """Site key and API key."""
    done = run(data_dir, "shop", "add", "Shop", "--domain", "shop.example", "--json", **settings)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    return made["site_key"], made["api_key"]


def _wait_until_counted(url: str, key: str, n: int) -> None:
    address = f"{url}/v1/scores?metric=success&question=search-found"
    wait_for(lambda: get(address, key)[1]["total"]["n"] == n, f"{n} answers were not counted")


def test_one_machine_counts_an_answer_through_every_kill_and_a_restart(
    data_dir: Path, up: Program, programs: list[Program]
) -> None:
    site_key, key = _add_shop(data_dir)
    assert answer(up.url, site_key)[0] == 202
    _wait_until_counted(up.url, key, 1)

    for n, name in enumerate(("consume", "web", "valkey", "worker"), start=2):
        old = up.pid_of(name)
        os.kill(old, signal.SIGKILL)
        wait_for(lambda name=name, old=old: up.pid_of(name) != old, f"{name} is not back")
        assert answer(up.url, site_key)[0] == 202, f"after {name} was killed"
        _wait_until_counted(up.url, key, n)

    family = up.family()
    assert len(family) >= 7  # up, Valkey, web, worker and its three parts
    up.process.kill()
    wait_until_dead(family)

    programs.append(Program(data_dir, "up", "--port", "0"))
    again = programs[-1].wait_until_ready()
    _wait_until_counted(again.url, key, 5)
    family = again.family()
    assert again.terminate() == 0
    wait_until_dead(family)
    assert {entry["code"] for entry in again.logged("ended")} == {0}


def test_what_stands_in_the_data_folder_is_private(data_dir: Path, up: Program) -> None:
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    for name in ("secret-key", "valkey/valkey.conf", "lock"):
        assert stat.S_IMODE((data_dir / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(_socket(data_dir).stat().st_mode) == 0o700
    assert "secret" not in up.err


def test_its_valkey_opens_no_port_and_allows_only_what_is_needed(data_dir: Path, up: Program) -> None:
    assert not psutil.Process(up.pid_of("valkey")).net_connections("tcp")
    with redis.Redis(unix_socket_path=str(_socket(data_dir))) as client:
        for name, value in (
            ("appendfsync", "always"),
            ("appendonly", "yes"),
            ("maxmemory-policy", "noeviction"),
        ):
            assert client.config_get(name)[name] == value
        for forbidden in (
            "FLUSHALL",
            "CONFIG SET appendonly no",
            "SHUTDOWN",
            "KEYS *",
            "DEBUG SLEEP 1",
            "ACL LIST",
        ):
            with pytest.raises(redis.exceptions.ResponseError, match=r"no permissions|not allowed"):
                client.execute_command(*forbidden.split())


def test_a_second_start_and_a_taken_port_are_one_sentence_each(
    data_dir: Path, up: Program, tmp_path: Path
) -> None:
    second = run(data_dir, "up", "--port", "0")
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr == f"Error: Atbalss already runs in {data_dir} (process {up.process.pid}).\n"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        third = run(tmp_path / "other", "up", "--port", str(port))
    assert (third.returncode, third.stdout) == (1, "")
    assert third.stderr == (
        f"Error: Port {port} on 127.0.0.1 is taken by another program; choose another with --port.\n"
    )
    assert get(f"{up.url}/readyz")[0] == 200


def test_a_bad_setting_is_one_sentence_and_help_touches_nothing(data_dir: Path) -> None:
    bad = run(data_dir, "up", proxies="many")
    assert bad.returncode == 1
    assert bad.stderr == 'Error: ATBALSS_PROXIES must be a whole number from 0 to 10, not "many".\n'
    assert run(data_dir, "up", "--help").returncode == 0
    assert not data_dir.exists()


def test_a_request_in_flight_is_answered_while_the_process_stops(data_dir: Path, up: Program) -> None:
    site_key, _ = _add_shop(data_dir)
    host, port = up.url.removeprefix("http://").split(":")
    body = b'{"sent_at":"2026-11-22T10:00:00Z","events":[]}'
    head = f"POST /v1/shops/{site_key}/answers HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head + body[:10])
        answer(up.url, site_key)  # the server has surely read the first part by now
        web = up.pid_of("web")
        os.kill(web, signal.SIGTERM)
        threading.Timer(0.3, lambda: connection.sendall(body[10:])).start()
        connection.settimeout(10)
        assert connection.recv(100).startswith(b"HTTP/1.1 422")


def test_a_draining_process_says_that_it_is_not_ready_and_still_serves(
    data_dir: Path, programs: list[Program]
) -> None:
    programs.append(Program(data_dir, "up", "--port", "0", drain="30"))
    up = programs[-1].wait_until_ready()
    site_key, _ = _add_shop(data_dir)
    os.kill(up.pid_of("web"), signal.SIGTERM)
    wait_for(lambda: get(f"{up.url}/readyz")[0] == 503, "it still says that it is ready")
    assert answer(up.url, site_key)[0] == 202


@pytest.mark.postgres
def test_two_webs_and_two_workers_share_one_postgresql_and_one_valkey(
    tmp_path: Path, postgres: PostgresServer, postgres_url: str, valkey: ValkeyServer, redis_url: str,
    programs: list[Program],
) -> None:  # fmt: skip
    shared = {"database_url": postgres_url, "redis_url": redis_url, "secret_key": "shared by all machines"}
    site_key, key = _add_shop(tmp_path / "a", **shared)
    for name in ("a", "b"):
        programs.append(Program(tmp_path / name, "worker", **shared))
    webs = []
    for name in ("a", "b"):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        programs.append(Program(tmp_path / name, "web", "--port", str(port), **shared))
        webs.append(f"http://127.0.0.1:{port}")
    for url in webs:
        wait_for(lambda url=url: get(f"{url}/readyz")[0] == 200, "a web process is not ready")
        for _ in range(5):
            assert answer(url, site_key)[0] == 202
    for url in webs:
        _wait_until_counted(url, key, 10)
    assert [program.terminate() for program in programs] == [0, 0, 0, 0]


def test_a_command_finds_a_house_of_its_own_when_nothing_runs(data_dir: Path) -> None:
    _add_shop(data_dir)
    listed = run(data_dir, "shop", "list", "--json")
    assert [shop["name"] for shop in json.loads(listed.stdout)] == ["Shop"]
    replayed = run(data_dir, "setaside", "list")
    assert replayed.returncode == 0, replayed.stderr
