"""Order tokens: the shop's backend says "this order is real", and a browser carries the word to us.

Form: `v1.<kid>.<b64url(JSON claims)>.<b64url(HMAC-SHA256)>`, base64url without padding, the MAC over everything before
the last dot, its key HKDF-SHA256(order token secret, no salt, info "order-token-v1", 32 bytes). There is no algorithm
field, so there is nothing to confuse. Claims: `site` (the shop's site key), `order`, `line`?, `sku`?, `cust`?,
`iat` and `exp` (Unix seconds), `jti`, `use` ("rate" or "claim"), `locale`?. Money never stands in a token.
Vectors for every language: tests/vectors/order_tokens.json.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

MAX_LENGTH = 4096
_FORM = re.compile(r"v1\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})", re.ASCII)
_ORDER = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
# A shop's clock may run ahead of ours by this many seconds.
_SKEW = 300


class TokenError(Exception):
    """A token that proves nothing. `reason` is malformed, signature, site, use or expired."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class OrderClaims(NamedTuple):
    """What a valid token says. `key` is what one answer per order (or order line) is counted under."""

    order: str
    jti: str
    use: str
    issued: int
    expires: int
    line: str | None = None
    sku: tuple[str, ...] = ()
    customer: str | None = None
    locale: str | None = None


def sign_order_token(secret: str, claims: Mapping[str, Any], kid: str = "1") -> str:
    """The token for `claims` (see the module) under the shop's order token secret."""
    body = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
    signed = f"v1.{kid}.{_b64(body)}"
    return f"{signed}.{_b64(_mac(secret, signed))}"


def verify_order_token(token: str, secret: str, *, site: str, use: str, now: int) -> OrderClaims:
    """The claims of a token signed with `secret` for `site` and `use` and not expired at `now` (Unix seconds).

    Raises TokenError; an expired token is told apart from a forged one, because its answer is still a shopper's word.
    """
    form = _FORM.fullmatch(token) if len(token) <= MAX_LENGTH else None
    if form is None:
        raise TokenError("malformed", "not an order token")
    signed, _, mac = token.rpartition(".")
    if not hmac.compare_digest(_b64(_mac(secret, signed)), mac):
        raise TokenError("signature", "the signature does not belong to this shop")
    claims = _claims(form.group(2))
    if claims["site"] != site:
        raise TokenError("site", "made for another shop")
    if claims["use"] != use:
        raise TokenError("use", f'made for "{claims["use"]}", not for "{use}"')
    if claims["exp"] < now or claims["iat"] > now + _SKEW:
        raise TokenError("expired", "no longer valid, or not yet")
    return OrderClaims(
        order=claims["order"], jti=claims["jti"], use=claims["use"], issued=claims["iat"], expires=claims["exp"],
        line=claims.get("line"), sku=tuple(claims.get("sku") or ()), customer=claims.get("cust"),
        locale=claims.get("locale"),
    )  # fmt: skip


def _claims(encoded: str) -> dict[str, Any]:
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except ValueError as error:
        raise TokenError("malformed", "the claims are not JSON") from error
    if not isinstance(claims, dict) or not _well_formed(claims):
        raise TokenError("malformed", "a claim is missing or of the wrong kind")
    return claims


def _well_formed(claims: Mapping[str, Any]) -> bool:
    # Written out, because this runs for every answer.
    get = claims.get
    order, line, sku, customer, locale = get("order"), get("line"), get("sku"), get("cust"), get("locale")
    if not (isinstance(order, str) and _ORDER.fullmatch(order)):
        return False
    if not (isinstance(get("site"), str) and isinstance(get("jti"), str) and isinstance(get("use"), str)):
        return False
    if type(get("iat")) is not int or type(get("exp")) is not int:
        return False
    if line is not None and not (isinstance(line, str) and _ORDER.fullmatch(line)):
        return False
    if not (customer is None or isinstance(customer, str)) or not (locale is None or isinstance(locale, str)):
        return False
    return sku is None or _is_sku(sku)


def _is_sku(sku: Any) -> bool:
    return isinstance(sku, list) and len(sku) <= 200 and all(isinstance(s, str) and len(s) <= 191 for s in sku)


def _mac(secret: str, signed: str) -> bytes:
    return hmac.digest(_key(secret), signed.encode(), "sha256")


@lru_cache(maxsize=4096)
def _key(secret: str) -> bytes:
    # HKDF (RFC 5869) with one block of output, written out because `hmac` alone is enough for it.
    extracted = hmac.digest(b"\x00" * hashlib.sha256().digest_size, secret.encode(), "sha256")
    return hmac.digest(extracted, b"order-token-v1\x01", "sha256")


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
