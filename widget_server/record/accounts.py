"""Accounts: people who sign in. One account may be a member of several shops (members.py).

An e-mail is one account's, whatever the case it is written in. Of a password only its argon2id hash is here
(contract/passwords.py says which are taken); the secret of two-factor sign-in is sealed; of a recovery code there is a
keyed hash, which a stolen database alone can't be searched with.
"""

import hmac
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Column, Connection, Row, Table, Text, delete, func, select, update

from .db import Key, insert_ignore, metadata, sealer

_accounts = Table(
    "accounts",
    metadata,
    Column("id", Key, primary_key=True),
    Column("email", Key, nullable=False, unique=True),
    Column("name", Key, nullable=False),
    Column("password", Text, nullable=False),
    Column("totp", Text),
    # The step of the newest code that was taken: none at or before it is taken again.
    Column("totp_step", BigInteger, nullable=False),
    Column("language", Key, nullable=False),
    Column("theme", Key, nullable=False),
    Column("created", BigInteger, nullable=False),
)

_recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("account", Key, primary_key=True),
    Column("hash", Key, primary_key=True),
)

# What other tables' owners may join: who somebody is, without any secret.
people = (
    select(_accounts.c.id, _accounts.c.email, _accounts.c.name, _accounts.c.language, _accounts.c.theme,
           _accounts.c.totp.is_not(None).label("has_totp"))
    .subquery("people")
)  # fmt: skip


class EmailTaken(Exception):
    """Refused: somebody else has made an account with this e-mail, perhaps at this very moment."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person who signs in. `language` is that of the pages, `theme` is `light`, `dark` or nothing (as the device)."""

    id: str
    email: str
    name: str
    language: str
    theme: str = ""
    has_totp: bool = False
    password: str = field(default="", repr=False)


def folded(email: str) -> str:
    """The one way an e-mail is written here: small letters, each as one character where there is one. No letter becomes
    others (`casefold` makes "ss" of "ß", which is somebody else's address)."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def create(conn: Connection, email: str, name: str, language: str, password: str, now: int) -> Account:
    """A new account. `password` is a hash already. Raises EmailTaken, also to the later of two at once."""
    made = Account(f"acc_{secrets.token_hex(8)}", folded(email), name, language, password=password)
    row = {
        "id": made.id, "email": made.email, "name": name, "password": password, "totp": None, "totp_step": 0,
        "language": language, "theme": "", "created": now,
    }  # fmt: skip
    # PostgreSQL waits here for who has begun with the same e-mail.
    insert_ignore(conn, _accounts, [row])
    if by_id(conn, made.id) is None:
        raise EmailTaken
    return made


def by_email(conn: Connection, email: str) -> Account | None:
    return _one(conn.execute(select(_accounts).where(_accounts.c.email == folded(email))).one_or_none())


def by_id(conn: Connection, account: str) -> Account | None:
    return _one(conn.execute(select(_accounts).where(_accounts.c.id == account)).one_or_none())


def set_password(conn: Connection, account: str, password: str) -> None:
    conn.execute(update(_accounts).where(_accounts.c.id == account).values(password=password))


def set_person(conn: Connection, account: str, name: str, language: str, theme: str) -> None:
    """What somebody says about themselves."""
    chosen = update(_accounts).where(_accounts.c.id == account)
    conn.execute(chosen.values(name=name, language=language, theme=theme))


def totp_secret(conn: Connection, account: str) -> str | None:
    """The secret of two-factor sign-in; None when it is off."""
    sealed = conn.execute(select(_accounts.c.totp).where(_accounts.c.id == account)).scalar_one_or_none()
    return None if sealed is None else sealer(conn).open(sealed, _place(account))


def turn_totp_on(conn: Connection, account: str, secret: str, step: int, codes: Sequence[str]) -> bool:
    """From now on a code is asked for. `step` is that of the code it was tried with, `codes` the recovery codes. False,
    and nothing is changed, when it is on already."""
    sealed = sealer(conn).seal(secret, _place(account))
    off = update(_accounts).where(_accounts.c.id == account, _accounts.c.totp.is_(None))
    if not conn.execute(off.values(totp=sealed, totp_step=step)).rowcount:
        return False
    replace_codes(conn, account, codes)
    return True


def turn_totp_off(conn: Connection, account: str) -> None:
    conn.execute(update(_accounts).where(_accounts.c.id == account).values(totp=None, totp_step=0))
    replace_codes(conn, account, [])


def use_totp_step(conn: Connection, account: str, step: int) -> bool:
    """Whether the code of this step is taken: each works once, and none works after a later one."""
    fresh = update(_accounts).where(_accounts.c.id == account, _accounts.c.totp_step < step)
    return bool(conn.execute(fresh.values(totp_step=step)).rowcount)


def replace_codes(conn: Connection, account: str, codes: Sequence[str]) -> None:
    """These recovery codes and no others."""
    conn.execute(delete(_recovery_codes).where(_recovery_codes.c.account == account))
    if codes:
        hashes = [{"account": account, "hash": _code_hash(conn, account, code)} for code in codes]
        conn.execute(_recovery_codes.insert(), hashes)


def use_code(conn: Connection, account: str, code: str) -> bool:
    """Whether this recovery code was there; it is gone then."""
    mine = _recovery_codes.c.account == account
    found = delete(_recovery_codes).where(mine, _recovery_codes.c.hash == _code_hash(conn, account, code))
    return bool(conn.execute(found).rowcount)


def codes_left(conn: Connection, account: str) -> int:
    counted = select(func.count()).select_from(_recovery_codes).where(_recovery_codes.c.account == account)
    return int(conn.execute(counted).scalar_one())


def _code_hash(conn: Connection, account: str, code: str) -> str:
    key = sealer(conn).key_for(f"recovery_codes/hash/{account}")
    return hmac.digest(key.encode(), code.encode(), "sha256").hex()


def _one(row: Row[tuple[object, ...]] | None) -> Account | None:
    if row is None:
        return None
    return Account(row.id, row.email, row.name, row.language, row.theme, row.totp is not None, row.password)


def _place(account: str) -> str:
    return f"accounts/totp/{account}"
