"""Standard Webhooks signatures: our vectors, read by every language, and the public library as a judge of both."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from integrations.signing import SignatureError, make_secret, sign, verify

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "webhooks.json").read_text("utf-8")
)


def _named(vectors: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(vector, id=vector["description"]) for vector in vectors]


@pytest.mark.parametrize("vector", _named(VECTORS["sign"]))
def test_a_signature_is_the_one_of_the_vector(vector: dict[str, Any]) -> None:
    headers = sign(vector["secrets"], vector["id"], vector["timestamp"], vector["body"].encode())
    assert headers == {
        "webhook-id": vector["id"],
        "webhook-timestamp": str(vector["timestamp"]),
        "webhook-signature": vector["signature"],
    }


@pytest.mark.parametrize("vector", _named(VECTORS["sign"]))
def test_the_public_library_takes_each_signature_of_the_vectors(vector: dict[str, Any]) -> None:
    headers = sign(vector["secrets"], vector["id"], vector["timestamp"], vector["body"].encode())
    for secret in vector["secrets"]:
        with time_machine.travel(vector["timestamp"], tick=False):
            standardwebhooks.Webhook(secret).verify(vector["body"], headers, json_parse=False)


@pytest.mark.parametrize("vector", _named(VECTORS["verify"]))
def test_a_receiver_decides_as_the_vector_says(vector: dict[str, Any]) -> None:
    arguments = (vector["secrets"], vector["headers"], vector["body"].encode(), vector["now"])
    if vector["valid"]:
        assert verify(*arguments) in vector["headers"].values()
        return
    with pytest.raises(SignatureError) as caught:
        verify(*arguments)
    assert caught.value.reason == vector["reason"]


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.integers(1, 4), st.integers(0, 10**10))
def test_whatever_is_signed_verifies_with_every_secret_alone(body: str, count: int, at: int) -> None:
    secrets = [make_secret() for _ in range(count)]
    headers = sign(secrets, "msg_1", at, body.encode())
    assert all(verify([secret], headers, body.encode(), at) == "msg_1" for secret in secrets)
    with pytest.raises(SignatureError):
        verify([make_secret()], headers, body.encode(), at)


def test_every_changed_bit_of_body_or_signature_is_noticed() -> None:
    secret, body = make_secret(), b'{"type":"answer.given","data":{"value":"no"}}'
    headers = sign([secret], "msg_1", 1_000_000_000, body)
    for place in range(len(body) * 8):
        changed = bytearray(body)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(SignatureError):
            verify([secret], headers, bytes(changed), 1_000_000_000)
    signature = bytearray(base64.b64decode(headers["webhook-signature"].removeprefix("v1,")))
    for place in range(len(signature) * 8):
        signature[place // 8] ^= 1 << place % 8
        forged = headers | {"webhook-signature": "v1," + base64.b64encode(signature).decode()}
        signature[place // 8] ^= 1 << place % 8
        with pytest.raises(SignatureError):
            verify([secret], forged, body, 1_000_000_000)


def test_secrets_are_long_and_never_the_same() -> None:
    made = {make_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32 for secret in made)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64!", "whsec_ä"])
def test_a_secret_that_is_none_signs_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        sign([secret], "msg_1", 1, b"{}")


def test_without_secrets_nothing_is_signed() -> None:
    with pytest.raises(ValueError, match="at least one"):
        sign([], "msg_1", 1, b"{}")
