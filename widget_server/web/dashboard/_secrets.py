"""What somebody proves themselves with: the password, hashed a few at a time, and the codes of two-factor sign-in."""

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyotp
from flask_babel import gettext
from sqlalchemy import Connection

from widget_server.contract import passwords
from widget_server.record import accounts
from widget_server.web.errors import Problem

_STEP = 30_000
# 80 random bits each, of letters that nobody mistakes for another.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_CODES = 10

# Each hash takes a processor for 30 ms and 19 MiB; whatever else this process serves must not wait for many of them, and
# finds a processor that is not hashing.
_hashing = threading.BoundedSemaphore(max(1, min(2, (os.cpu_count() or 1) // 2)))
_queue = threading.BoundedSemaphore(8)
_PATIENCE = 5.0


def is_right(password: str, kept: str | None) -> bool:
    """Whether it is the password of which `kept` was made; as slow when there is none."""
    with _one_of_few():
        return passwords.is_right(password, kept)


def hashed(password: str) -> str:
    with _one_of_few():
        return passwords.hashed(password)


def password_fault(password: str, *about: str) -> str | None:
    """Why it is not taken, in a sentence; None when it is."""
    sentences = {
        "short": gettext("Take at least %(n)s characters; a few words in a row are good.", n=passwords.LEAST),
        "long": gettext("That is longer than anybody can need; take a shorter one."),
        "common": gettext("That is one of the first that others would try. Take another."),
        "yours": gettext("That is little more than your e-mail or the shop's name. Take another."),
    }
    fault = passwords.fault(password, *about)
    return None if fault is None else sentences[fault]


def new_totp() -> str:
    return pyotp.random_base32()


def totp_address(secret: str, email: str) -> str:
    """What an app for codes reads from the QR picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Atbalss")


def totp_step(secret: str, code: str, now: int) -> int | None:
    """The step whose code this is: the present one, or one beside it, as clocks differ; None when it is of none."""
    totp, bare = pyotp.TOTP(secret), "".join(code.split())
    steps = (now // _STEP, now // _STEP - 1, now // _STEP + 1)
    right = [step for step in steps if secrets.compare_digest(totp.generate_otp(step), bare.encode("ascii", "replace").decode())]
    return right[0] if right else None


def new_recovery_codes() -> list[str]:
    """Ten codes of four times four letters."""
    return ["-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4)) for _ in range(_CODES)]


def use_second_factor(conn: Connection, account: str, given: str, now: int) -> bool:
    """Whether `given` is the code of the moment or one of the recovery codes. Either works once."""
    secret = accounts.totp_secret(conn, account)
    if secret is None:
        return False
    step = totp_step(secret, given, now)
    if step is not None:
        return accounts.use_totp_step(conn, account, step)
    return accounts.use_code(conn, account, _written(given))


def _written(code: str) -> str:
    """A recovery code as it was made, however it was typed."""
    bare = "".join(c for c in code.casefold() if c.isalnum())
    return "-".join(bare[i : i + 4] for i in range(0, len(bare), 4))


@contextmanager
def _one_of_few() -> Iterator[None]:
    if not _queue.acquire(blocking=False):
        raise _busy()
    try:
        if not _hashing.acquire(timeout=_PATIENCE):
            raise _busy()
        try:
            yield
        finally:
            _hashing.release()
    finally:
        _queue.release()


def _busy() -> Problem:
    return Problem(503, "unavailable", "Too many sign in at once; try again soon.", headers={"Retry-After": "2"})
