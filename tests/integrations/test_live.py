"""A WooCommerce shop on a port of its own and `atbalss up` beside it: connected by API, told by webhook and by reading."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.integrations.test_woocommerce import signed
from tests.integrations.woo_shop import WooShop, order
from tests.running import Program, get, run
from tests.servers import wait_for


@pytest.fixture
def shop() -> Iterator[tuple[WooShop, str]]:
    """The shop in memory, and its address."""
    shop = WooShop(scheme="http")

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            shop.host = self.headers["Host"]
            answer = shop.request(self.command, f"http://{shop.host}{self.path}", headers=headers, body=body)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = _answer

        def log_message(self, *_args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield shop, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    started = Program(tmp_path / "data", "up", "--port", "0", allow_private="1")
    yield started.wait_until_ready()
    started.kill()


def post(url: str, key: str, body: Any) -> Any:
    request = Request(url, json.dumps(body).encode(), {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    with urlopen(request, timeout=10) as reply:
        return json.loads(reply.read())


def test_a_shop_is_connected_and_from_then_on_its_orders_earn_points(
    program: Program, shop: tuple[WooShop, str], tmp_path: Path
) -> None:
    woo, address = shop
    key = json.loads(run(tmp_path / "data", "shop", "add", "Shop", "--domain", "shop.example", "--json").stdout)["api_key"]
    post(f"{program.url}/v1/rules", key, {"name": "Orders", "when": "order.completed", "then": [{"points": 50}]})
    settings = {"url": address, "consumer_key": "ck_sample", "consumer_secret": "cs_sample"}
    made = post(f"{program.url}/v1/connections", key, {"platform": "woocommerce", "settings": settings})

    # The worker has made the webhooks: seven topics, one address, the secret that was told once.
    wait_for(lambda: len(woo.webhooks) == 7, "the webhooks were not made")
    assert {(each["delivery_url"], each["secret"]) for each in woo.webhooks} == {(made["address"], made["made"]["secret"])}

    def healthy() -> bool:
        (found,) = get(f"{program.url}/v1/connections", key)[1]["connections"]
        return found["health"] == {**(found["health"] or {}), "ok": True, "problems": []}

    wait_for(healthy, "its health was not looked at")

    time.sleep(1)  # the shop's times are whole seconds, and what is older than the rule earns nothing
    now = post(f"{program.url}/v1/connections/{made['id']}/test", key, {})["checked_at"][:19]
    done = order(5, "completed", modified=now, date_completed_gmt=now)
    headers, body = signed("order.updated", done, secret=made["made"]["secret"])
    hook = program.url + made["address"].partition("/v1/")[1] + made["address"].partition("/v1/")[2]
    for _ in range(3):
        with urlopen(Request(hook, body, headers), timeout=10) as reply:
            assert reply.status == 200

    def points() -> int:
        status, found = get(f"{program.url}/v1/points/7", key)
        return int(found["pending"]) if status == 200 else 0

    wait_for(lambda: points() == 50, "the order earned nothing")
