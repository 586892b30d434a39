"""Which passwords are taken, and how they are kept."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from widget_server.contract import passwords


def test_they_are_hashed_as_owasp_says_at_least() -> None:
    kept = passwords.hashed("zaļš kaķis uz jumta")
    found = extract_parameters(kept)
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (Type.ID, 19 * 1024, 2, 1)
    assert (found.hash_len, found.salt_len) == (32, 16)
    assert passwords.is_right("zaļš kaķis uz jumta", kept)
    assert not passwords.is_right("zaļš kaķis uz jumta ", kept)
    assert not passwords.is_outdated(kept)
    assert kept != passwords.hashed("zaļš kaķis uz jumta")


def test_one_of_other_settings_still_opens_and_is_to_be_made_anew() -> None:
    older = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("a good long one")
    assert passwords.is_right("a good long one", older)
    assert passwords.is_outdated(older)


@pytest.mark.parametrize("kept", [None, "", "plain", "$argon2id$v=19$m=19456,t=2,p=1$broken"])
def test_nothing_is_right_where_nothing_is_kept(kept: str | None) -> None:
    for tried in ("", "nobody", "\0nobody", "plain"):
        assert not passwords.is_right(tried, kept)


def test_an_unknown_account_costs_as_much_work_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    real = PasswordHasher.verify

    def verify(self: PasswordHasher, kept: str, password: bytes) -> bool:
        verified.append(kept)
        return real(self, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    passwords.is_right("something", passwords.hashed("something else"))
    passwords.is_right("something", None)
    known, unknown = (extract_parameters(each) for each in verified)
    assert known == unknown


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("short", "short"), ("elevenchars", "short"), ("", "short"), ("ā" * 11, "short"),
        ("twelve chars", None), ("āčēģīķļņšūžō", None), ("пароль от магазина", None), ("a" * 13 + "b", "common"),
        ("123456789012", "common"), ("PASSWORD1234", "common"), ("abcdefghijklm", "common"), ("zyxwvutsrqponml", "common"),
        ("abcabcabcabc", "common"), ("qwertyuiop12", "common"), ("aaaaaaaaaaaaaaaa", "common"),
        ("anna@lampas.example", "yours"), ("annalampas.example", None), ("Lampas Lampas 1", "yours"),
        ("x" * 300 + "correct horse", None), ("ā" * 600, "long"), ("a1b2" * 257, "long"), ("horse\ud800 battery", None),
    ],
)  # fmt: skip
def test_what_is_taken(password: str, fault: str | None) -> None:
    assert passwords.fault(password, "anna@lampas.example", "Lampas") == fault


def test_a_book_is_not_hashed() -> None:
    assert not passwords.is_right("x" * 2_000_000, passwords.hashed("x" * 1024))
