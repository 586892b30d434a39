"""From the endpoint to the wire: what may not be called is not, by whatever name, and good hosts are reached.

Every connection that anybody asks for is written down and goes to one real listener, so a guard that failed would show.
"""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from integrations import Response
from tests.certificates import make_certificate
from tests.pipeline.test_deliver import START, Setup
from tests.unit.test_http import BAD_V4, BAD_V6, GOOD_V4, GOOD_V6
from widget_server.act.deliver import SCHEDULE
from widget_server.act.http import AddressRefused, HttpClient, UrlRefused
from widget_server.record.db import Database

HOSTS = ("shop.example", "hooks.shop.example", "xn--mnchen-3ya.example", "a.b.c.example", "moved.example")


class Wire:
    """Stands where the network is: each name has the addresses of `names`, and all connections end here."""

    def __init__(self, certificate: Path) -> None:
        self.asked: list[tuple[str, int]] = []  # connections that the client asked for
        self.accepted = 0  # connections that arrived
        self.requests: list[str] = []
        self.names: dict[str, list[list[str]]] = {}
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        trusting = ssl.create_default_context(cafile=certificate)
        self.client = HttpClient(resolve=self._resolve, connect=self._connect, tls=trusting)

    def _resolve(self, host: str) -> list[str]:
        """The answers one after the other, the last again and again."""
        answers = self.names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.asked.append((address, port))
        return socket.create_connection(self._listener.getsockname(), seconds)

    def _serve(self) -> None:
        while True:
            conn, _ = self._listener.accept()
            self.accepted += 1
            with suppress(OSError), conn:
                conn.settimeout(10)
                with self._tls.wrap_socket(conn, server_side=True) as secure:
                    head = secure.recv(65_536).decode("latin-1")
                    if not head:
                        return
                    host = head.lower().partition("\r\nhost: ")[2].partition("\r\n")[0]
                    self.requests.append(host)
                    moved = b"307 Moved\r\nLocation: https://127.0.0.1/inside\r\nContent-Length: 0\r\n\r\n"
                    secure.sendall(b"HTTP/1.1 " + (moved if host == "moved.example" else b"204 No Content\r\n\r\n"))
                    with suppress(OSError):
                        secure.unwrap()

    def close(self) -> None:
        stop = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        stop.check_hostname = False
        stop.verify_mode = ssl.CERT_NONE
        with socket.create_connection(self._listener.getsockname()) as conn, stop.wrap_socket(conn) as secure, suppress(OSError):
            secure.unwrap()
        self._thread.join()
        self._listener.close()


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    made = Wire(make_certificate(tmp_path, *HOSTS))
    yield made
    made.close()


@pytest.fixture
def setup(sqlite_database: Database) -> Iterator[Setup]:
    made = Setup(sqlite_database)
    yield made
    made.close()


def spellings(text: str) -> list[str]:
    """Six hosts of a URL that mean this address somewhere."""
    address = ipaddress.ip_address(text)
    number = int(address)
    if address.version == 6:
        exploded = address.exploded
        return [f"[{text}]", f"[{exploded}]", f"[{exploded.upper()}]", f"[{text}%eth0]", f"[{text}%25lo]", text]
    return [text, str(number), hex(number), f"0{number:o}", f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]", f"[64:ff9b::{text}]"]


def send(setup: Setup, wire: Wire, urls: list[str]) -> None:
    """A message to each of `urls`, which got past the check when they were saved."""
    for number, url in enumerate(urls):
        shop = f"shop_{number // 40}"
        endpoint, _ = setup.endpoint(url, shop)
        setup.add(endpoint, str(number), shop=shop)
    setup.deliver(wire.client)


def test_sixty_bad_addresses_in_six_spellings_each_are_never_called(setup: Setup, wire: Wire) -> None:
    bad = BAD_V4 + BAD_V6
    urls = [f"https://{host}/hook" for address in bad for host in spellings(address)]
    for url in urls:
        with pytest.raises((UrlRefused, AddressRefused)):
            wire.client.check_url(url)
    send(setup, wire, urls)
    with setup.database.reading() as conn:
        tried = conn.exec_driver_sql("SELECT count(*) FROM attempts").scalar_one()
    assert (wire.asked, wire.accepted) == ([], 0)
    assert tried == len(urls) == 6 * len(bad) >= 360
    print(f"{len(bad)} bad addresses, {len(urls)} spellings, each tried at save and at send: {len(wire.asked)} connections")


def test_names_that_point_to_bad_addresses_are_never_called(setup: Setup, wire: Wire) -> None:
    bad = BAD_V4 + BAD_V6
    for number, address in enumerate(bad):
        wire.names[f"bad{number}.example"] = [[address]]
        wire.names[f"mixed{number}.example"] = [[GOOD_V4, GOOD_V6, address]]
    urls = [f"https://{name}/hook" for name in wire.names]
    for url in urls:
        with pytest.raises(AddressRefused):
            wire.client.check_url(url)
    send(setup, wire, urls)
    assert (wire.asked, wire.accepted) == ([], 0)
    assert setup.states() == {"due": 2 * len(bad)}, "a name can be put right"


def test_a_name_that_changes_after_the_check_leads_nowhere(setup: Setup, wire: Wire) -> None:
    """Rebinding: good when the endpoint is saved, bad when the message is sent; and good, then bad at once."""
    wire.names["rebind.example"] = [[GOOD_V4], ["127.0.0.1"]]
    wire.client.check_url("https://rebind.example/hook")
    send(setup, wire, ["https://rebind.example/hook"])
    assert (wire.asked, wire.accepted) == ([], 0)
    wire.names["shop.example"] = [[GOOD_V4], ["127.0.0.1"]]
    assert wire.client.request("POST", "https://shop.example/hook").status == 204
    assert wire.asked == [(GOOD_V4, 443)], "the address that was checked"


def test_five_good_hosts_are_reached_and_a_redirect_is_not_followed(setup: Setup, wire: Wire) -> None:
    for number, host in enumerate(HOSTS):
        wire.names[host] = [[GOOD_V6, GOOD_V4] if number % 2 else [GOOD_V4]]
    urls = [f"https://{host}{':8443' if host.startswith('hooks') else ''}/hook" for host in HOSTS]
    send(setup, wire, [url.replace("xn--mnchen-3ya", "münchen") for url in urls])
    assert sorted(wire.requests) == sorted(url.removeprefix("https://").removesuffix("/hook") for url in urls)
    assert len(wire.asked) == wire.accepted == len(HOSTS) == 5
    assert {address for address, _ in wire.asked} == {GOOD_V4, GOOD_V6}
    assert setup.states() == {"done": 4, "due": 1}
    [moved] = [row for row in setup.rows() if row.state == "due"]
    assert moved.last_error == "answered 307: redirects are not followed"
    assert START < (moved.next_at or 0) <= START + 1200 * SCHEDULE[1]
    assert not any(address.startswith("127.") for address, _ in wire.asked)


def test_the_wire_would_notice(wire: Wire) -> None:
    """A client without the guard reaches the listener."""
    unguarded = HttpClient(allow_private=True, connect=wire._connect, resolve=wire._resolve, tls=wire.client._given_tls)
    wire.names["shop.example"] = [["127.0.0.1"]]
    reply: Response = unguarded.request("POST", "https://shop.example/hook")
    assert (reply.status, wire.asked, wire.accepted) == (204, [("127.0.0.1", 443)], 1)
