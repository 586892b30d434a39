"""The reference integration: what a receiver sees, and what each answer of it means."""

from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
import time_machine

from integrations import Notify, PermanentError, Receipt, Response, TemporaryError, webhook
from integrations.signing import make_secret
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
