"""Order tokens: the vectors that every language shares, and that no mutated token proves anything."""

import json
from pathlib import Path
from typing import Any

import pytest

from widget_server.contract.tokens import TokenError, sign_order_token, verify_order_token

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "order_tokens.json").read_text())["vectors"]
SECRET = "ots_tests"
CLAIMS = {"site": "pk_1", "order": "17", "iat": 1_000, "exp": 2_000, "jti": "j", "use": "rate"}


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


def test_no_token_with_one_changed_character_is_accepted() -> None:
    accepted = []
    for number in range(200):
        token = sign_order_token(SECRET, {**CLAIMS, "order": f"o-{number}", "jti": f"j{number * 7919}"})
        for place in range(len(token)):
            for bit in (1, 32):
                changed = token[:place] + chr(ord(token[place]) ^ bit) + token[place + 1 :]
                try:
                    verify_order_token(changed, SECRET, site="pk_1", use="rate", now=1_500)
                except TokenError:
                    continue
                accepted.append((token, changed))
    assert accepted == []
