"""What an operator may set, and what is said when it can't be."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from widget_server.contract.settings import SETTINGS, Settings, SettingsError, parse_size
from widget_server.run import config
from widget_server.run.config import SOCKET_PATH_LIMIT, load, unknown


def test_one_machine_needs_no_setting_at_all(tmp_path: Path) -> None:
    settings = load({}, tmp_path / "house")
    assert settings.database_url == f"sqlite:///{tmp_path}/house/atbalss.db"
    assert settings.redis_url.startswith("unix://")
    assert settings.base_url == "http://localhost:8000"
    assert settings.spill_dir == tmp_path / "house" / "spill"
    assert config.owns_redis(settings)


def test_every_row_of_the_table_is_a_field_and_every_field_a_row() -> None:
    assert {setting.field for setting in SETTINGS} == set(Settings.__dataclass_fields__)
    assert all(setting.help for setting in SETTINGS)


def test_defaults_of_the_table_can_be_read() -> None:
    for setting in SETTINGS:
        if setting.default is not None:
            setting.read(setting.default)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ATBALSS_PORT", "eighty"),
        ("ATBALSS_PORT", "70000"),
        ("ATBALSS_PORT", "٨٠"),
        ("ATBALSS_DATABASE_URL", "mysql://localhost/shop"),
        ("ATBALSS_DATABASE_URL", "postgresql://"),
        ("ATBALSS_REDIS_URL", "localhost:6379"),
        ("ATBALSS_BASE_URL", "voice.example.com"),
        ("ATBALSS_BASE_URL", "https://voice.example.com/?a=b"),
        ("ATBALSS_PROXIES", "-1"),
        ("ATBALSS_SPILL_LIMIT", "much"),
        ("ATBALSS_SPILL_LIMIT", "0"),
        ("ATBALSS_REDIS_TIMEOUT", "nan"),
        ("ATBALSS_REDIS_TIMEOUT", "60"),
        ("ATBALSS_REDIS_TRUSTED", "perhaps"),
        ("ATBALSS_LOG_LEVEL", "loud"),
        ("ATBALSS_DATA_DIR", "what?"),
    ],
)
def test_a_bad_value_refuses_in_one_sentence_that_names_the_setting(
    name: str, value: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as refused:
        load({"ATBALSS_DATA_DIR": str(tmp_path), name: value})
    sentence = str(refused.value)
    assert sentence.startswith(name)
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_a_refused_secret_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load({"ATBALSS_SECRET_KEY": "hunter2"}, tmp_path)
    assert "ATBALSS_SECRET_KEY" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_secrets_do_not_show_in_the_repr(tmp_path: Path) -> None:
    settings = load({"ATBALSS_SECRET_KEY": "k" * 20, "ATBALSS_REDIS_URL": "redis://:word@host"}, tmp_path)
    assert "kkkk" not in repr(settings)
    assert "word" not in repr(settings)


def test_a_setting_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a key of sufficient length\n")
    settings = load({"ATBALSS_SECRET_KEY_FILE": str(tmp_path / "key")}, tmp_path)
    assert settings.secret_key == "a key of sufficient length"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ATBALSS_SECRET_KEY_FILE names .*absent"):
        load({"ATBALSS_SECRET_KEY_FILE": str(tmp_path / "absent")}, tmp_path)


def test_a_value_and_a_file_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="both given"):
        load({"ATBALSS_PORT": "1", "ATBALSS_PORT_FILE": "x"}, tmp_path)


def test_an_empty_value_counts_as_none(tmp_path: Path) -> None:
    assert load({"ATBALSS_PORT": "", "ATBALSS_REDIS_URL": ""}, tmp_path).port == 8000


def test_a_misspelt_setting_is_noticed() -> None:
    (sentence,) = unknown(
        {"ATBALSS_PROT": "80", "ATBALSS_PORT": "80", "ATBALSS_SECRET_KEY_FILE": "x", "PATH": ""}
    )
    assert "ATBALSS_PROT " in sentence


def test_the_secret_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "house"
    first, second = load({}, folder), load({}, folder)
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) > 40
    assert stat.S_IMODE((folder / "secret-key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not list(folder.glob(".secret-key*"))


def test_processes_that_start_together_agree_on_the_secret_key(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from widget_server.run.config import load;"
        "sys.stdin.read(1); print(load({}, pathlib.Path(sys.argv[1])).secret_key)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "house")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    keys = {process.communicate(b"x")[0] for process in processes}
    assert len(keys) == 1
    assert all(process.returncode == 0 for process in processes)


def test_the_socket_has_a_short_path_whatever_the_data_folder_is_called(tmp_path: Path) -> None:
    folder = tmp_path / ("ļoti-garš-" * 8) / "house"
    settings = load({}, folder)
    path = Path(config.socket_path(settings))
    try:
        assert len(os.fsencode(path)) < SOCKET_PATH_LIMIT
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert load({}, folder).redis_url == settings.redis_url, "the data folder knows it"
        path.parent.rmdir()
        moved = Path(config.socket_path(load({}, folder)))
        assert moved.parent.is_dir(), "a swept runtime folder is made anew"
    finally:
        for made in {path.parent, moved.parent}:
            if made.is_dir():
                made.rmdir()


def test_a_runtime_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 90)
    first = Path(config.socket_path(load({}, folder))).parent
    first.chmod(0o777)
    second = Path(config.socket_path(load({}, folder))).parent
    try:
        assert first != second
    finally:
        first.rmdir()
        second.rmdir()


@pytest.mark.parametrize(
    ("text", "size"),
    [("1048576", 1 << 20), ("64 mb", 64 << 20), ("256MiB", 256 << 20), ("2g", 2 << 30), ("3K", 3072)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size
