"""Passwords: which are taken, and how they are kept.

argon2id with 19 MiB, two passes and one lane, OWASP's first choice of its least ones (the library's own default, 64 MiB
and four lanes, would let twenty people who sign in at once take 1.3 GB). At least 12 characters, any characters; not
one of those that everybody tries first; at most 1,024 bytes, so that nobody has us hash a book.
"""

import functools
import itertools

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST = 12
MOST_BYTES = 1024

# The commonest of twelve characters and more in published lists of leaked passwords, and what stands on the keyboard.
_COMMON_TEXT = """
123456789012 1234567890123 12345678901234 123456789123 123123123123 1234567890qwerty 112233445566 121212121212
111111111111 000000000000 0123456789012 987654321012 1qaz2wsx3edc 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qazxsw23edc
qwertyuiop123 qwertyuiop12 qwertyuiop[] qwerty123456 qwerty1234567 qwerty12345678 qwertyqwerty asdfghjkl123
asdfghjkl;' zxcvbnm12345 qazwsxedcrfv qazwsxedcrfvtgb q1w2e3r4t5y6 password1234 password12345 password123456
passwordpassword password!123 mypassword123 newpassword1 welcome12345 welcome123456 letmein12345 letmeinletmein
iloveyou1234 iloveyouforever administrator admin1234567 adminadmin12 changeme1234 trustno1trustno1 superman1234
football1234 abcdefghijkl abcdefgh1234 abcd12345678 abc123abc123 a1b2c3d4e5f6 aaaaaaaaaaaa unknownunknown
sunshine1234 princess1234 charlie12345 monkey123456 dragon123456 baseball1234 computer1234 internet1234
correcthorsebatterystaple parole123456 paroleparole slaptazodis slaptazodis1 slaptazodis123 parool123456
paroolparool parolparol12 privetprivet qwertyuiopas jcukengshsch
йцукенгшщзхъ йцукенгшщзхъфыва пароль123456 парольпароль
"""
_COMMON = frozenset(_COMMON_TEXT.split())

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16)


def fault(password: str, *about: str) -> str | None:
    """Why `password` is not taken: `short`, `long`, `common`, or `yours` when it is no more than what stands in `about`
    (e-mail, name of the shop); None when it is."""
    if len(password.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        return "long"
    if len(password) < LEAST:
        return "short"
    bare = password.casefold()
    if bare in _COMMON or len(set(bare)) < 4 or _is_run(bare):
        return "common"
    known = [word.casefold() for word in about if word]
    known += [word.partition("@")[0] for word in known if "@" in word]
    if any(len(word) > 3 and len(bare.replace(word, "")) < 6 for word in known):
        return "yours"
    return None


def hashed(password: str) -> str:
    """What is kept of a password. Takes some 30 ms and 19 MiB on purpose."""
    return _hasher.hash(_bytes(password))


def is_right(password: str, kept: str | None) -> bool:
    """Whether `kept` was made of `password`. Takes as long when nothing is kept, so that time tells nothing."""
    try:
        return _hasher.verify(_nobodys() if kept is None else kept, _bytes(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether it was made with other settings than today's, and has to be made anew when the password is known."""
    return _hasher.check_needs_rehash(kept)


def _is_run(text: str) -> bool:
    """Whether each character is one more, or one less, than the one before, or they are a short word again and again."""
    steps = {ord(b) - ord(a) for a, b in itertools.pairwise(text)}
    return steps in ({1}, {-1}) or any(text == (text[:n] * len(text))[: len(text)] for n in range(1, 5))


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")[: MOST_BYTES + 1]


@functools.cache
def _nobodys() -> str:
    """A hash that nobody's password has."""
    return _hasher.hash(b"\0nobody")
