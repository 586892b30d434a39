"""Order tokens: the vectors that every language shares, and that no mutated token proves anything."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests import forging
from widget_server.contract.tokens import TokenError, sign_order_token, verify_order_token

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "order_tokens.json").read_text())["vectors"]
SECRET = "ots_tests"
NOW = 1_763_800_000


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["description"])
def test_vector(vector: dict[str, Any]) -> None:
    def verify() -> Any:
        return verify_order_token(
            vector["token"], vector["secret"], site=vector["site"], use=vector["use"], now=vector["now"]
        )

    if "error" in vector:
        with pytest.raises(TokenError) as caught:
            verify()
        assert caught.value.reason == vector["error"]
    else:
        found = verify()
        assert (found.order, found.jti, found.expires) == tuple(vector["claims"][n] for n in ("order", "jti", "exp"))
        assert list(found.sku) == vector["claims"].get("sku", [])
        kid = vector["token"].split(".")[1]
        assert sign_order_token(vector["secret"], vector["claims"], kid) == vector["token"]


def accepted(candidates: Iterable[str], secret: str = SECRET, site: str = "pk_1", use: str = "rate", now: int = NOW) -> list[str]:
    """Those that prove something."""
    found = []
    for candidate in candidates:
        try:
            verify_order_token(candidate, secret, site=site, use=use, now=now)
        except TokenError:
            continue
        found.append(candidate)
    return found


@pytest.fixture(scope="module")
def good() -> list[str]:
    """200 tokens, all of which are accepted as they are."""
    made = forging.tokens(SECRET, "pk_1", NOW)
    assert len(set(made)) == 200
    assert accepted(made) == made
    return made


def test_no_token_with_one_changed_byte_is_accepted(good: list[str]) -> None:
    assert [found for token in good for found in accepted(forging.mutations(token))] == []


def test_no_forgery_is_accepted(good: list[str]) -> None:
    assert accepted(forging.forgeries(good)) == []


def test_a_good_token_proves_nothing_elsewhere_or_later(good: list[str]) -> None:
    assert accepted(good, site="pk_2") == []
    assert accepted(good, secret="ots_of_another_shop") == []
    assert accepted(good, use="claim") == []
    assert accepted(good, now=NOW + 86_400) == []
    assert accepted(good, now=NOW - 86_400) == []
    assert accepted(forging.tokens(SECRET, "pk_1", NOW, use="claim")) == []
    # A hoster that keeps one secret for all its shops has them told apart all the same.
    assert accepted(forging.tokens(SECRET, "pk_2", NOW)) == []
