"""`atbalss member`: how the first owner comes in, and how a lost password is made good."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from widget_server.contract import passwords
from widget_server.record import accounts, invitations, members, shops
from widget_server.record.db import Database
from widget_server.run.cli import group

KEY = "k" * 32
NOW = 1_700_000_000_000
Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> Run:
    for name, value in (("DATABASE_URL", sqlite_url), ("SECRET_KEY", KEY), ("BASE_URL", "https://voice.example.com")):
        monkeypatch.setenv(f"ATBALSS_{name}", value)
    return lambda *words: CliRunner().invoke(group(), ["--data-dir", str(tmp_path / "data"), *words])


def test_add_makes_a_link_that_is_in_the_database_only_as_a_hash(run: Run, sqlite_url: str) -> None:
    database = Database(sqlite_url, KEY)
    with database.writing() as conn:
        shop = shops.create(conn, "Lampas", "lampas.example")
    said = json.loads(run("member", "add", "Anna@Lampas.example", "--shop", shop.site_key, "--name", "Anna", "--language", "lv", "--json").output)
    assert said["email"] == "anna@lampas.example" and said["role"] == "owner" and said["shop"] == shop.id
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:]{8}Z", said["expires"])
    address, _, token = said["link"].rpartition("/")
    assert address == "https://voice.example.com/app/invitations" and len(token) >= 40
    with database.reading() as conn:
        found = invitations.find(conn, token, NOW)
        assert found is not None and (found.shop, found.role, found.name, found.language) == (shop.id, "owner", "Anna", "lv")
        assert token not in str(conn.exec_driver_sql("SELECT * FROM invitations").all())
        assert accounts.by_email(conn, "anna@lampas.example") is None, "nobody has an account before a password is chosen"

    plain = run("member", "add", "b@lampas.example", "--shop", shop.id, "--role", "viewer")
    assert "b@lampas.example, viewer of Lampas" in plain.output and "https://voice.example.com/app/invitations/" in plain.output
    database.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "anna", "--shop", "pk_none"), "anna is no e-mail address"),
        (("add", "anna@lampas.example", "--shop", "pk_none"), "There is no shop pk_none"),
        (("reset", "anna@lampas.example"), "Nobody signs in as anna@lampas.example"),
        (("list", "--shop", "pk_none"), "There is no shop pk_none"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_sentence(run: Run, words: tuple[str, ...], said: str) -> None:
    done = run("member", *words)
    assert done.exit_code == 1 and said in done.output and "Traceback" not in done.output


def test_a_member_is_listed_not_added_twice_and_gets_a_link_to_a_new_password(run: Run, sqlite_url: str) -> None:
    database = Database(sqlite_url, KEY)
    with database.writing() as conn:
        shop = shops.create(conn, "Lampas", "lampas.example")
        account = accounts.create(conn, "anna@lampas.example", "Anna", "lv", passwords.hashed("a long password"), NOW)
        accounts.turn_totp_on(conn, account.id, "JBSWY3DPEHPK3PXP", 1, ["aaaa-bbbb"])
        members.add(conn, shop.id, account.id, "editor", NOW)
    assert json.loads(run("member", "list", "--shop", shop.site_key, "--json").output) == [
        {"email": "anna@lampas.example", "name": "Anna", "role": "editor", "two_factor": True}
    ]
    assert run("member", "list", "--shop", shop.site_key).output == "anna@lampas.example  Anna  editor  two-factor\n"
    again = run("member", "add", "ANNA@lampas.example", "--shop", shop.site_key)
    assert again.exit_code == 1 and "is a member of Lampas already" in again.output

    said = json.loads(run("member", "reset", "Anna@lampas.example", "--json").output)
    with database.reading() as conn:
        found = invitations.find(conn, said["link"].rpartition("/")[2], NOW)
        assert found is not None and (found.shop, found.email) == (None, "anna@lampas.example")
        assert accounts.totp_secret(conn, account.id) is not None, "the phone is forgotten only when asked"
    assert run("member", "reset", "anna@lampas.example", "--two-factor-off").exit_code == 0
    with database.reading() as conn:
        assert accounts.totp_secret(conn, account.id) is None and accounts.codes_left(conn, account.id) == 0
        assert invitations.find(conn, said["link"].rpartition("/")[2], NOW) is None, "the newer link takes the place of the older"
    database.close()
