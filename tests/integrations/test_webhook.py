"""The reference integration: what a receiver sees, and what each answer of it means."""

import base64
import sqlite3
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
import time_machine

from integrations import (
    CancelCoupon,
    GrantPoints,
    IssueCoupon,
    Message,
    Notify,
    PermanentError,
    Receipt,
    Response,
    TemporaryError,
    webhook,
)
from integrations.signing import check_secret, make_secret
from integrations.webhook import Webhook

NOW = 1_795_300_000.75
MESSAGE = Notify("answer.given", '{"type":"answer.given","data":{"text":"Neatradu zābakus"}}')


class _Answers:
    """An HTTP client that gives one answer and keeps what was asked."""

    def __init__(self, response: Response) -> None:
        self.response = response
        self.asked: list[tuple[str, str, Mapping[str, str], bytes]] = []

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Response:
        self.asked.append((method, url, headers or {}, body))
        return self.response


def _deliver(
    response: Response, secret: str = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ="
) -> tuple[Receipt, _Answers]:
    http = _Answers(response)
    settings = {"url": "https://shop.example/hook", "secret": secret}
    return Webhook(clock=lambda: NOW).deliver(MESSAGE, settings, http, "msg_1"), http


def test_a_receiver_can_verify_it_with_the_public_library_and_either_secret() -> None:
    new, old = make_secret(), make_secret()
    _, http = _deliver(Response(200), f"{new} {old}")
    [(method, url, headers, body)] = http.asked
    assert (method, url, headers["content-type"]) == ("POST", "https://shop.example/hook", "application/json")
    assert headers["webhook-id"] == "msg_1"
    assert body == MESSAGE.body.encode()
    for secret in (new, old):
        with time_machine.travel(NOW, tick=False):
            payload = standardwebhooks.Webhook(secret).verify(body, dict(headers))
        assert payload["data"]["text"] == "Neatradu zābakus"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_success(status: int) -> None:
    receipt, _ = _deliver(Response(status, body=b"thanks"))
    assert receipt == Receipt(status, "thanks")


@pytest.mark.parametrize(
    "status", [199, 300, 301, 302, 307, 308, 400, 401, 403, 404, 422, 429, 500, 502, 503, 504]
)
def test_everything_else_is_tried_again(status: int) -> None:
    with pytest.raises(TemporaryError, match=str(status)) as caught:
        _deliver(Response(status, body=b"no"))
    assert (caught.value.status, caught.value.excerpt) == (status, "no")


def test_410_wants_nothing_more() -> None:
    with pytest.raises(PermanentError, match="410") as caught:
        _deliver(Response(410))
    assert caught.value.gone


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "120", 120),
        (503, " 7 ", 7),
        (502, "0", 0),
        (500, formatdate(NOW + 90, usegmt=True), pytest.approx(90, abs=1)),
        (429, formatdate(NOW - 90, usegmt=True), 0),
        (429, "soon", None),
        (429, "-5", None),
        (429, "", None),
        (429, "9" * 400, 999_999_999),
        (400, "120", None),  # it says what it thinks of the message, not of the time
    ],
)
def test_retry_after_is_read(status: int, header: str, seconds: float | None) -> None:
    with pytest.raises(TemporaryError) as caught:
        _deliver(Response(status, {"retry-after": header}))
    assert caught.value.retry_after == seconds


def test_what_is_kept_of_an_answer_is_short_and_can_be_stored() -> None:
    receipt, _ = _deliver(Response(200, body=b"\x00\xff" + "č".encode() * 40_000))
    assert len(receipt.excerpt) == 500
    assert "\x00" not in receipt.excerpt


SECRET = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ="
COUPON = IssueCoupon(
    "abc", "fixed", "5.00", "EUR", None, "customer-1", "10 % off", "2026-11-22T10:00:00.000Z"
)


def _told(message: Message, response: Response) -> tuple[dict[str, Any], _Answers]:
    http = _Answers(response)
    Webhook(clock=lambda: NOW).deliver(message, {"url": "https://shop.example/", "secret": SECRET}, http, "msg_1")
    [(_, _, headers, body)] = http.asked
    with time_machine.travel(NOW, tick=False):
        told: dict[str, Any] = standardwebhooks.Webhook(SECRET).verify(body, dict(headers))
    return told, http


def test_coupons_and_points_are_webhooks_with_a_type_of_their_own() -> None:
    told, _ = _told(COUPON, Response(200))
    assert told == {
        "type": "coupon.issue",
        "timestamp": "2026-11-22T10:00:00.000Z",
        "data": {
            "code": "abc", "kind": "fixed", "amount": "5.00", "currency": "EUR", "expires": None,
            "customer": "customer-1", "reason": "10 % off",
        },
    }  # fmt: skip
    told, _ = _told(GrantPoints("customer-1", -5, 20, "rule", COUPON.at), Response(201))
    assert (told["type"], told["data"]["points"], told["data"]["total"]) == ("points.grant", -5, 20)
    told, _ = _told(CancelCoupon("abc", "customer-1", COUPON.at), Response(204))
    assert (told["type"], told["data"]) == ("coupon.cancel", {"code": "abc", "customer": "customer-1"})


@pytest.mark.parametrize(("status", "unknown"), [(301, False), (404, False), (409, True), (429, False), (500, True), (504, True)])
def test_what_tells_nothing_about_the_outcome_is_unknown(status: int, unknown: bool) -> None:
    with pytest.raises(TemporaryError) as caught:
        _told(COUPON, Response(status))
    assert caught.value.unknown is unknown


@pytest.mark.parametrize("status", [400, 422])
def test_a_coupon_may_be_refused_for_good(status: int) -> None:
    with pytest.raises(PermanentError) as caught:
        _told(COUPON, Response(status))
    assert not caught.value.gone
    with pytest.raises(TemporaryError):
        _deliver(Response(status))


def _find(url: str, response: Response) -> tuple[Receipt | None, _Answers]:
    http = _Answers(response)
    return Webhook(clock=lambda: NOW).find(COUPON, {"url": url, "secret": SECRET}, http, "msg_1"), http


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://shop.example/hook", "https://shop.example/hook?id=msg_1"),
        ("https://shop.example/hook?shop=5", "https://shop.example/hook?shop=5&id=msg_1"),
    ],
)
def test_the_receiver_is_asked_by_a_signed_get(url: str, asked: str) -> None:
    found, http = _find(url, Response(404))
    assert found is None
    [(method, where, headers, body)] = http.asked
    assert (method, where, body) == ("GET", asked, b"")
    with time_machine.travel(NOW, tick=False):
        standardwebhooks.Webhook(SECRET).verify(b"", dict(headers), json_parse=False)


def test_it_has_it_when_it_names_it() -> None:
    found, _ = _find("https://shop.example/", Response(200, body=b'{"id": "msg_1", "code": "abc"}'))
    assert found is not None


@pytest.mark.parametrize(
    "response",
    [Response(200), Response(200, body=b"<p>Hello"), Response(200, body=b'{"id": "msg_2"}'), Response(200, body=b'["msg_1"]'),
     Response(204), Response(301), Response(401), Response(405), Response(410), Response(429), Response(500)],
)  # fmt: skip
def test_anything_else_is_no_answer(response: Response) -> None:
    with pytest.raises(TemporaryError, match="200 and JSON with its id"):
        _find("https://shop.example/", response)


def _secret(length: int) -> str:
    return "whsec_" + base64.b64encode(bytes(length)).decode()


@pytest.mark.parametrize("length", [24, 64])
def test_a_secret_has_24_to_64_bytes(length: int) -> None:
    check_secret(_secret(length))


@pytest.mark.parametrize(
    "text",
    ["", " ", "whsec_", "whsec_!", "a b c", "ā", "abc", _secret(23), _secret(65), _secret(32)[6:], f"{_secret(32)} abc"],
)
def test_a_secret_that_can_t_sign_is_refused_when_it_is_saved(text: str) -> None:
    [setting] = [each for each in Webhook().settings if each.name == "secret"]
    assert setting.check is not None
    assert setting.make is not None
    setting.check(setting.make())
    setting.check(f"{make_secret()} {make_secret()}")
    with pytest.raises(ValueError, match=r"[Ss]ecret"):
        setting.check(text)


def test_the_receiver_of_the_readme_works() -> None:
    readme = (Path(webhook.__file__).parent / "README.md").read_text("utf-8")
    code = readme.split("```python\n")[1].split("```")[0]
    found: dict[str, Any] = {}
    exec(code, found)
    secret = make_secret()
    _, http = _deliver(Response(200), secret)
    [(_, _, headers, body)] = http.asked
    with time_machine.travel(NOW, tick=False):
        assert found["receive"](dict(headers), body, secret)["type"] == "answer.given"
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            found["receive"](dict(headers), body + b" ", secret)


def test_the_shop_of_the_readme_does_everything_once() -> None:
    readme = (Path(webhook.__file__).parent / "README.md").read_text("utf-8")
    done: list[dict[str, Any]] = []
    found: dict[str, Any] = {"act_on": lambda _database, kind, data: done.append({"type": kind, **data})}
    exec(readme.split("```python\n")[2].split("```")[0], found)
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE atbalss (id TEXT PRIMARY KEY)")
    message = {"type": "coupon.issue", "data": {"code": "abc"}}
    assert found["asked"](database, "msg_1") == (404, {})
    assert [found["grant"](database, "msg_1", message) for _ in range(2)] == [200, 200]
    assert found["asked"](database, "msg_1") == (200, {"id": "msg_1"})
    assert done == [{"type": "coupon.issue", "code": "abc"}]
    database.close()
