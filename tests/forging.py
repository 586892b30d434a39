"""Order tokens, and all that a forger can make of them without the shop's secret. None of it may prove anything."""

import base64
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from widget_server.contract.tokens import sign_order_token

COUNT = 200
_URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def tokens(secret: str, site: str, now: int, **claims: Any) -> list[str]:
    """200 good tokens that differ in what they say and in how long they are. `now` is in seconds."""
    found = []
    for number in range(COUNT):
        said: dict[str, Any] = {
            "site": site, "order": f"{'№-' * (number % 3)}{number}", "iat": now - number, "exp": now + 600 + number,
            "jti": f"j{number * 7919}", "use": "rate",
        }  # fmt: skip
        if number % 2:
            said["line"] = str(number % 5)
        if number % 3 == 1:
            said["sku"] = [f"KR-{number}", "ēzeltiņš"][: 1 + number % 2]
        if number % 5 == 2:
            said |= {"cust": f"c{number}@shop.example", "locale": "lv"}
        found.append(sign_order_token(secret, said | claims, ["1", "key_2"][number % 2]))
    return found


def mutations(token: str) -> Iterator[str]:
    """Each byte of it changed: each of its bits, its neighbour in base64, a NUL and a dot."""
    for place, character in enumerate(token):
        before, after, code = token[:place], token[place + 1 :], ord(character)
        others = {chr(code ^ (1 << bit)) for bit in range(8)} | {"\x00", "."}
        if character in _URL_SAFE:
            others.add(_URL_SAFE[(_URL_SAFE.index(character) + 1) % 64])
        for other in sorted(others - {character}):
            yield before + other + after


def mutated_once(token: str, seed: int) -> list[str]:
    """As `mutations`, but one change for each byte."""
    chosen = random.Random(seed)
    found = []
    for place, character in enumerate(token):
        other = chosen.choice([c for c in _URL_SAFE + "." if c != character])
        found.append(token[:place] + other + token[place + 1 :])
    return found


def misspelled(token: str) -> list[str]:
    """The same bytes in other spellings of base64, and with what careless readers strip."""
    version, kid, body, mac = token.split(".")
    found = [f"{version}.{kid}.{body}.{other}" for other in _tails(mac)]
    found += [f"{version}.{kid}.{other}.{mac}" for other in _tails(body)]
    found += [f"{version}.{kid}.{body}.{mac.translate(str.maketrans('-_', '+/'))}"]
    found += [f"{version}.{kid}.{body.translate(str.maketrans('-_', '+/'))}.{mac}"]
    found += [f"{version}.{kid}.{body}.{_raw(mac).hex()}", f"{version}.{kid}.{body}.{base64.b32encode(_raw(mac)).decode()}"]
    found += [f"{version.upper()}.{kid}.{body}.{mac}", f"{version}.{kid}.{body}.{mac.swapcase()}"]
    found += [f"{version}.{kid}.{body[:8]}\n{body[8:]}.{mac}", f"{version}.{kid}.{body}.{mac[:8]} {mac[8:]}"]
    found += [f"{version}.{kid}.{body}=.{mac}", f"{version}.{kid}.{body}.{mac}=", f"{version}.{kid}.{body}.{mac}=="]
    found += [token + end for end in ("\n", "\r\n", " ", "\t", "\x00", "\u200b", "%", ".", "\u0130")]
    found += [begin + token for begin in ("\n", " ", "\ufeff", ".", "Bearer ")]
    found += [token.replace(".", "%2E"), token.replace("v1", "v１"), _wide(token)]
    return [other for other in found if other != token]


def cut_and_joined(token: str, other: str) -> list[str]:
    """Pieces of it, and pieces of two good tokens put together."""
    version, kid, body, mac = token.split(".")
    _, _, body_2, mac_2 = other.split(".")
    found = [token[:n] for n in range(len(token))] + [token[n:] for n in range(1, len(token))]
    found += [f"{token}.{other}", token + other, token + token, f"{token},{other}", f"{token} {other}", f"{token}\n{other}"]
    found += [f"{version}.{kid}.{body}.{mac_2}", f"{version}.{kid}.{body_2}.{mac}", f"{version}.{kid}.{body}{body_2}.{mac}"]
    found += [f"{version}.{kid}{body}.{mac}", f"{version}.{kid}.{body}", f"{version}.{body}.{mac}", f"{kid}.{body}.{mac}"]
    found += [f"{version}.{kid}x.{body}.{mac}", f"{version}.{kid}.{kid}.{body}.{mac}", f"{version}.{kid}.{body}.{body}.{mac}"]
    found += [f"{version}..{body}.{mac}", f"{version}.{kid}..{mac}", f"{version}.{kid}.{body}.", "...", ""]
    return [made for made in found if made not in (token, other)]


def confused(token: str) -> list[str]:
    """What fools a reader who asks the token how it is signed."""
    _, kid, body, mac = token.split(".")
    said = json.loads(_raw(body))
    found = []
    for algorithm in ("none", "None", "HS256", "RS256"):
        head = _b64(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
        found += [f"{head}.{body}.", f"{head}.{body}.{mac}", f"v1.{head}.{body}.{mac}"]
    found += [sign_order_token(guess, said, kid) for guess in ("", said["site"], kid, mac, "ots_", "null")]
    found += [f"v1.{kid}.{_b64(json.dumps(said | {'order': 'mine'}).encode())}.{mac}"]
    return found


def forgeries(made: Sequence[str]) -> Iterator[str]:
    """All of these but the single bytes."""
    for number, token in enumerate(made):
        yield from misspelled(token)
        yield from cut_and_joined(token, made[number - 1])
        yield from confused(token)


def _tails(encoded: str) -> list[str]:
    """Spellings whose last character differs in bits that decoders drop."""
    spare = {2: 4, 3: 2}.get(len(encoded) % 4, 0)
    last = _URL_SAFE.index(encoded[-1])
    return [encoded[:-1] + _URL_SAFE[last ^ bits] for bits in range(1, 1 << spare)]


def _wide(token: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in token)


def _raw(encoded: str) -> bytes:
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
