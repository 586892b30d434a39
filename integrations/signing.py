"""Standard Webhooks signatures (https://www.standardwebhooks.com).

The signed text is `ID.TIMESTAMP.BODY`; a signature is `v1,` and the base64 of its HMAC-SHA256. With several secrets
there are several signatures, separated by a space, so that a receiver can change its secret without missing anything.
Vectors for every language: tests/vectors/webhooks.json. Platforms that are older than the standard sign the body alone
(`verify_body`).
"""

import base64
import binascii
import hashlib
import hmac
import secrets as random
from collections.abc import Mapping, Sequence
from typing import Literal

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix that the standard gives to every secret
_KEY_LENGTHS = range(24, 65)  # bytes, as the standard asks
_FORM = "A signing secret is whsec_ and the base64 of 24 to 64 random bytes; leave it empty and one is made."
TOLERANCE = 300  # seconds a timestamp may be old or early


class SignatureError(Exception):
    """The message is not signed by any of the secrets, or not now. `reason` is one word for a log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def make_secret() -> str:
    """A new secret: 256 random bits in the standard's form."""
    return SECRET_PREFIX + base64.b64encode(random.token_bytes(32)).decode()


def check_secret(text: str) -> None:
    """Raises ValueError, with a sentence, when `text` is not one secret or two with a space between."""
    if not 1 <= len(text.split()) <= 2:
        raise ValueError("Give one secret, or two with a space between while you change it.")
    for secret in text.split():
        if not secret.startswith(SECRET_PREFIX):
            raise ValueError(_FORM)
        try:
            key = _key(secret)
        except ValueError as error:
            raise ValueError(_FORM) from error
        if len(key) not in _KEY_LENGTHS:
            raise ValueError(_FORM)


def sign(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a webhook. `timestamp` is the moment of this attempt, in seconds."""
    signatures = [_signature(_key(secret), message_id, str(timestamp), body) for secret in secrets]
    if not signatures:
        raise ValueError("signing needs at least one secret")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def verify(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: float, tolerance: int = TOLERANCE
) -> str:
    """Return the webhook's id when any secret made any of its signatures; else raise SignatureError."""
    given = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not message_id or not timestamp or not given.get("webhook-signature"):
        raise SignatureError("missing")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise SignatureError("malformed")
    if abs(int(timestamp) - now) > tolerance:
        raise SignatureError("time")
    presented = [part.encode() for part in given["webhook-signature"].split(" ")]
    for secret in secrets:
        expected = _signature(_key(secret), message_id, timestamp, body).encode()
        if any(hmac.compare_digest(expected, each) for each in presented):
            return message_id
    raise SignatureError("signature")


def verify_body(secrets: Sequence[str], body: bytes, presented: str, encoding: Literal["base64", "hex"]) -> None:
    """The older form: a header holds the HMAC-SHA256 of the body alone, under the secret as it is written. It has no
    time in it, so only what is remembered tells a replay. Raises SignatureError."""
    if not presented:
        raise SignatureError("missing")
    given = presented.encode("utf-8", "replace")
    for secret in secrets:
        digest = hmac.digest(secret.encode(), body, "sha256")
        expected = base64.b64encode(digest) if encoding == "base64" else digest.hex().encode()
        if secret and hmac.compare_digest(expected, given):
            return
    raise SignatureError("signature")


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    text = secret.removeprefix(SECRET_PREFIX)
    try:
        # Some libraries print secrets without padding.
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a signing secret is base64, with or without whsec_ in front") from error
    if not key:
        raise ValueError("a signing secret may not be empty")
    return key
