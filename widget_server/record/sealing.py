"""Secrets at rest: AES-256-GCM, bound to the place where they stand, so that a copied row does not open elsewhere.
And keys that are derived and stand nowhere."""

import base64
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_FORM = "s1."


class SealError(Exception):
    """A sealed value does not open: another secret key, another row, or a damaged value."""


class Sealer:
    """Seals and opens short texts under `ATBALSS_SECRET_KEY`. `place` names table, column and row."""

    def __init__(self, secret_key: str) -> None:
        self._aead = AESGCM(_derived(secret_key, b"atbalss-sealing-v1"))
        self._parent = _derived(secret_key, b"atbalss-keys-v1")

    def seal(self, text: str, place: str) -> str:
        nonce = os.urandom(12)
        box = nonce + self._aead.encrypt(nonce, text.encode(), place.encode())
        return _FORM + base64.b64encode(box).decode()

    def open(self, sealed: str, place: str) -> str:
        """Raises SealError when the value was sealed under another key or for another place."""
        try:
            box = base64.b64decode(sealed.removeprefix(_FORM), validate=True)
            return self._aead.decrypt(box[:12], box[12:], place.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SealError(
                f"{place} does not open; is ATBALSS_SECRET_KEY the one it was stored with?"
            ) from error

    def key_for(self, place: str) -> str:
        """The key of `place`, always the same under one secret key; it tells nothing about others."""
        return hmac.digest(self._parent, place.encode(), "sha256").hex()


def _derived(secret_key: str, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=purpose).derive(secret_key.encode())
