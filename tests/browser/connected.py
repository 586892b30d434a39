"""A shop on a server of ours that really runs: what tests ask its API, and how the shop's plugin signs for an order."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from tests.running import get
from widget_server.contract.tokens import sign_order_token

from .standin import Shop


@dataclass
class Connected:
    """`made` is what the server told when it made the shop: its keys."""

    url: str
    made: dict[str, Any]
    shop: Shop

    def read(self, path: str) -> Any:
        status, body = get(self.url + path, self.made["api_key"])
        assert status == 200, body
        return body

    def token(self, ref: str) -> str:
        now = int(time.time())
        claims = {
            "site": self.made["site_key"], "order": ref, "iat": now, "exp": now + 3600, "jti": secrets.token_hex(8), "use": "rate",
        }  # fmt: skip
        return sign_order_token(self.made["order_token_secret"], claims)
