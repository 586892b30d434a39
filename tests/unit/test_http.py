"""The outbound client against addresses it must not call and servers that mean no good."""

import contextlib
import gzip
import ipaddress
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integrations import PermanentError, TemporaryError
from tests.certificates import make_certificate
from widget_server.act.http import (
    BODY_LIMIT,
    AddressRefused,
    HttpClient,
    NoAnswer,
    UrlRefused,
    is_public,
    parse_url,
)

GOOD_V4, GOOD_V6 = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

BAD_V4 = """
    0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255
    127.0.0.0 127.0.0.1 127.1.2.3 127.255.255.255 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2
    172.16.0.1 172.17.0.1 172.31.255.255 192.0.0.1 192.0.0.9 192.0.0.170 192.0.0.192 192.0.2.1 192.88.99.1
    192.168.0.1 192.168.1.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7
    224.0.0.1 233.252.0.1 239.255.255.250 240.0.0.1 255.255.255.254 255.255.255.255
""".split()  # noqa: SIM905
BAD_V6 = """
    :: ::1 ::127.0.0.1 ::10.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
    64:ff9b::127.0.0.1 64:ff9b::8.8.8.8 64:ff9b:1::10.0.0.1 100::1 100:0:0:1::1 2001::1 2001:0:4136:e378::1
    2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::1 2002:a00:1::1 2002:c0a8:101::1 3fff::1 3fff:fff::1
    4000::1 5f00::1 8000::1 fc00::1 fd00::1 fd00:ec2::254 fd20:ce::254 fdff:ffff::1 fe80::1 febf::1 fec0::1 feff::1
    ff01::1 ff02::1 ff02::fb ff0e::1
""".split()  # noqa: SIM905
GOOD = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 93.184.215.14 100.63.255.255 100.128.0.1 172.15.255.255 172.32.0.1
    192.0.1.1 192.167.255.255 198.17.255.255 198.20.0.1 223.255.255.255
    2001:4860:4860::8888 2606:4700:4700::1111 2620:fe::fe 2a00:1450:4001::1 2400:cb00::1
""".split()  # noqa: SIM905


def _v4_spellings(text: str) -> list[str]:
    """Hosts of a URL that mean this address somewhere."""
    number = int(ipaddress.IPv4Address(text))
    a, b, c, d = text.split(".")
    return [
        text,
        text + ".",
        str(number),
        hex(number),
        f"0{number:o}",
        f"{hex(int(a))}.{int(b):#o}.{c}.{d}".replace("0o", "0"),
        f"{a}.{number & 0xFFFFFF}",
        f"[::ffff:{text}]",
        f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]",
        f"[::{text}]",
        f"[64:ff9b::{text}]",
        f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]",
        text.translate({ord("0") + n: chr(0xFF10 + n) for n in range(10)}),
        text.replace(".", "。"),
        "%31" + text[1:],
        f"user@{text}",
    ]


def _v6_spellings(text: str) -> list[str]:
    address = ipaddress.IPv6Address(text)
    return [
        f"[{text}]",
        f"[{address.exploded}]",
        f"[{address.exploded.upper()}]",
        f"[{text}%eth0]",
        f"[{text}%25lo]",
        text,
    ]


def _never(address: str, port: int, _seconds: float) -> socket.socket:
    pytest.fail(f"connected to {address} port {port}")


def _refused(client: HttpClient, url: str) -> None:
    with pytest.raises((UrlRefused, AddressRefused)):
        client.request("POST", url, body=b"{}")
    with pytest.raises((UrlRefused, AddressRefused)):
        client.check_url(url)


def test_no_spelling_of_a_closed_address_is_called() -> None:
    client = HttpClient(
        connect=_never, resolve=lambda _host: pytest.fail("an address was looked up as a name")
    )
    urls = [f"https://{host}/" for text in BAD_V4 for host in _v4_spellings(text)]
    urls += [f"https://{host}/" for text in BAD_V6 for host in _v6_spellings(text)]
    for url in urls:
        _refused(client, url)
    print(f"{len(BAD_V4) + len(BAD_V6)} addresses, {len(urls)} spellings, none called")
    assert len(BAD_V4) + len(BAD_V6) >= 60


@pytest.mark.parametrize("bad", BAD_V4 + BAD_V6)
def test_no_name_that_points_to_a_closed_address_is_called(bad: str) -> None:
    for answer in ([bad], [GOOD_V4, bad], [bad, GOOD_V6], [GOOD_V4, GOOD_V6, bad]):
        _refused(
            HttpClient(connect=_never, resolve=lambda _host, answer=answer: answer),
            "https://shop.example/hook",
        )


@pytest.mark.parametrize("good", GOOD)
def test_the_open_internet_is_open(good: str) -> None:
    assert is_public(ipaddress.ip_address(good))
    called = []

    def connect(address: str, port: int, _seconds: float) -> socket.socket:
        called.append((address, port))
        raise ConnectionRefusedError

    for port in (443, 8443):
        with pytest.raises(NoAnswer, match="refused"):
            HttpClient(connect=connect, resolve=lambda _host: [good]).request(
                "GET", f"https://shop.example:{port}/"
            )
    assert called == [(good, 443), (good, 8443)]


def test_an_own_address_is_refused_even_when_it_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("widget_server.act.http._is_own", lambda address: str(address) == GOOD_V4)
    _refused(HttpClient(connect=_never, resolve=lambda _host: [GOOD_V4]), "https://shop.example/")


def test_the_kernel_knows_the_own_addresses() -> None:
    from widget_server.act.http import _is_own

    assert _is_own(ipaddress.ip_address("127.0.0.1"))
    assert not _is_own(ipaddress.ip_address("198.51.100.1"))


@pytest.mark.parametrize(
    "url",
    [
        "", "shop.example", "//shop.example/", "https://", "https:///hook", "https:shop.example", "https://:443/",
        "http://shop.example/", "ftp://shop.example/", "file:///etc/passwd", "gopher://shop.example/", "unix:///s",
        "javascript:alert(1)", "https://shop.example:22/", "https://shop.example:80/", "https://shop.example:0/",
        "https://shop.example:65536/", "https://shop.example:-1/", "https://shop.example:４４３/",
        "https://user@shop.example/", "https://user:pass@shop.example/", "https://@shop.example/",
        "https://shop.example@127.0.0.1/", "https://127.0.0.1\\@shop.example/",
        "https://shop.example\t/", "https://shop.ex\nample/", "https://shop.example/a b", "https://shop.example/\r\nx: y",
        "https://shop.example/\x00", "https://shop.example /", " https://shop.example/", "https://shop.example/\u2028",
        "https://shop_.-example/", "https://-shop.example/", "https://shop..example/", "https://.example/",
        "https://" + "a" * 64 + ".example/", "https://shop.example/" + "a" * 2048, "https://[::1", "https://::1]/",
        "https://[shop.example]/", "https://[1.1.1.1]/", "https://1.2.3/", "https://1.2.3.4.5/", "https://0x1.example.0x1/",
        "https://shop.example%00.evil/", "https://shop%2eexample/", "https://\u2488.example\u2105/", "https://\ud800.example/",
        "https://shop.example/\ud800",
    ],
)  # fmt: skip
def test_urls_that_may_not_be_called(url: str) -> None:
    client = HttpClient(connect=_never, resolve=lambda _host: [GOOD_V4])
    with pytest.raises(UrlRefused):
        client.request("GET", url)
    with pytest.raises(UrlRefused):
        client.check_url(url)


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://shop.example", "shop.example", 443, "/"),
        ("HTTPS://Shop.Example:8443/Hook?a=1&b=c%20d#part", "shop.example", 8443, "/Hook?a=1&b=c%20d"),
        ("https://shop.example./x", "shop.example", 443, "/x"),
        ("https://münchen.example/kāja?q=zābaki", "xn--mnchen-3ya.example", 443, "/k%C4%81ja?q=z%C4%81baki"),
        ("https://straße.example/", "xn--strae-oqa.example", 443, "/"),
        ("https://пример.рф/", "xn--e1afmkfd.xn--p1ai", 443, "/"),
        ("https://8.8.8.8:443/", "8.8.8.8", 443, "/"),
        ("https://[2001:4860:4860::8888]/", "2001:4860:4860::8888", 443, "/"),
        ("https://my_shop.example/", "my_shop.example", 443, "/"),
    ],
)
def test_good_urls_in_their_plain_form(url: str, host: str, port: int, path: str) -> None:
    target = parse_url(url)
    assert (target.scheme, target.host, target.port, target.path) == ("https", host, port, path)


def test_a_name_is_looked_up_once_and_that_address_is_called() -> None:
    """DNS rebinding: the second answer of the name server would be this machine."""
    answers = iter([[GOOD_V4], ["127.0.0.1"]])
    asked, called = [], []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return next(answers)

    def connect(address: str, port: int, _seconds: float) -> socket.socket:
        called.append((address, port))
        raise ConnectionRefusedError

    with pytest.raises(NoAnswer):
        HttpClient(resolve=resolve, connect=connect).request("GET", "https://rebind.example/")
    assert (asked, called) == (["rebind.example"], [(GOOD_V4, 443)])


def test_the_second_address_is_tried_when_the_first_is_down() -> None:
    called = []

    def connect(address: str, _port: int, _seconds: float) -> socket.socket:
        called.append(address)
        raise ConnectionRefusedError

    with pytest.raises(NoAnswer):
        HttpClient(resolve=lambda _host: [GOOD_V6, GOOD_V4, GOOD_V6], connect=connect).request(
            "GET", "https://a.example/"
        )
    assert called == [GOOD_V6, GOOD_V4]


def test_private_addresses_are_called_only_where_the_operator_allows_it_and_clouds_never() -> None:
    with _serving(_says(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        assert HttpClient(allow_private=True).request("POST", server.url, body=b"{}").status == 204
        _refused(HttpClient(connect=_never), server.url)
    allowing = HttpClient(allow_private=True, connect=_never, resolve=lambda _host: ["169.254.169.254"])
    for url in ("http://169.254.169.254/latest/meta-data/", "http://metadata.example/", "http://[fd00:ec2::254]/",
                "http://[::ffff:169.254.169.254]/", "http://168.63.129.16/", "http://224.0.0.1/", "http://0.0.0.0/"):  # fmt: skip
        _refused(allowing, url)


def test_a_name_that_nobody_knows_is_told_when_it_is_typed() -> None:
    def resolve(host: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(NoAnswer, match=r"shop\.example could not be found"):
        HttpClient(resolve=resolve).check_url("https://shop.example/")
    with pytest.raises(NoAnswer, match="has no address"):
        HttpClient(resolve=lambda _host: []).check_url("https://shop.example/")


def test_all_errors_are_one_of_the_two_kinds() -> None:
    assert issubclass(UrlRefused, PermanentError)
    assert issubclass(AddressRefused, TemporaryError)
    assert issubclass(NoAnswer, TemporaryError)


# --- what goes over the wire


def test_what_is_sent_and_what_comes_back() -> None:
    answer = b"HTTP/1.1 202 Accepted\r\nRetry-After: 5\r\nX-Long: a\r\nX-Long: b\r\nContent-Length: 2\r\n\r\nokjunk"
    with _serving(_says(answer)) as server:
        response = HttpClient(allow_private=True).request(
            "POST", server.url + "hook?a=b", headers={"Content-Type": "application/json"}, body=b'{"a":1}'
        )
    assert (response.status, response.body, response.complete) == (202, b"ok", True)
    assert response.headers["retry-after"] == "5"
    head, _, body = bytes(server.received).partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post /hook?a=b http/1.1"
    assert sorted(lines[1:]) == [
        "accept: */*", "connection: close", "content-length: 7", "content-type: application/json",
        f"host: 127.0.0.1:{server.port}", "user-agent: atbalss/1",
    ]  # fmt: skip
    assert body == b'{"a":1}'


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-a", "b\r\nx-c: d"), ("x-a", "b\nx-c: d"), ("x-a", "b\x00"), ("x-a", "č"), ("x-a\r\nx-b", "c"), ("x a", "b"),
        ("", "b"), ("Host", "evil.example"), ("Content-Length", "0"), ("Transfer-Encoding", "chunked"),
        ("accept-encoding", "gzip"),
    ],
)  # fmt: skip
def test_headers_cannot_smuggle(name: str, value: str) -> None:
    client = HttpClient(connect=_never, resolve=lambda _host: [GOOD_V4])
    with pytest.raises(UrlRefused):
        client.request("POST", "https://shop.example/", headers={name: value})
    with pytest.raises(UrlRefused):
        client.request("GET / HTTP/1.1\r\nx: y", "https://shop.example/")


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with _serving(_says(b"HTTP/1.1 204 No Content\r\n\r\n")) as inside:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {inside.url}\r\nContent-Length: 0\r\n\r\n".encode()
        with _serving(_says(moved)) as server:
            response = HttpClient(allow_private=True).request("POST", server.url, body=b"{}")
    assert response.status == 307
    assert not inside.received


def test_a_proxy_in_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        _serving(_says(b"HTTP/1.1 200 OK\r\n\r\n")) as proxy,
        _serving(_says(b"HTTP/1.1 204 OK\r\n\r\n")) as server,
    ):
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert HttpClient(allow_private=True).request("GET", server.url).status == 204
    assert not proxy.received


def test_nothing_is_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 30_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    with _serving(_says(head + bomb)) as server:
        response = HttpClient(allow_private=True).request("GET", server.url)
    assert response.body == bomb
    with _serving(_says(head + bomb)) as server:
        response = HttpClient(allow_private=True, body_limit=1000).request("GET", server.url)
    assert (response.body, response.complete) == (bomb[:1000], False)


def test_chunks_are_put_together() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    with _serving(_says(chunked)) as server:
        response = HttpClient(allow_private=True).request("GET", server.url)
    assert (response.body, response.complete) == (b"abcde", True)


# --- https


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), "shop.example")


def test_tls_and_host_keep_the_name_while_the_checked_address_is_called(certificate: Path) -> None:
    names: list[str | None] = []
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate)
    server_side.sni_callback = lambda _sock, name, _context: names.append(name)
    with _serving(_says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), server_side) as server:
        called = []

        def connect(address: str, port: int, seconds: float) -> socket.socket:
            called.append((address, port))
            return socket.create_connection(("127.0.0.1", server.port), seconds)

        trusting = ssl.create_default_context(cafile=certificate)
        client = HttpClient(resolve=lambda _host: [GOOD_V4], connect=connect, tls=trusting)
        response = client.request("POST", "https://shop.example/hook", body=b"{}")
        assert (response.status, response.body) == (200, b"ok")
        assert called == [(GOOD_V4, 443)]
        assert names == ["shop.example"]
        assert b"\r\nhost: shop.example\r\n" in bytes(server.received)

        with pytest.raises(NoAnswer, match="certificate"):
            client.request("POST", "https://other.example/hook", body=b"{}")
        with pytest.raises(NoAnswer, match="certificate"):
            HttpClient(resolve=lambda _host: [GOOD_V4], connect=connect).request(
                "GET", "https://shop.example/"
            )


# --- servers that mean no good: every attempt ends with the deadline

DEADLINE = 0.4
SLACK = 5.0  # what a loaded machine may add before the test calls it endless


def _drips(data: bytes, pause: float = 0.02) -> "Handler":
    def handle(conn: socket.socket, over: threading.Event) -> None:
        for byte in data:
            conn.sendall(bytes([byte]))
            if over.wait(pause):
                return
        over.wait()

    return handle


def _repeats(head: bytes, part: bytes) -> "Handler":
    def handle(conn: socket.socket, over: threading.Event) -> None:
        conn.sendall(head)
        while not over.is_set():
            conn.sendall(part)

    return handle


def _hangs(data: bytes = b"") -> "Handler":
    def handle(conn: socket.socket, over: threading.Event) -> None:
        conn.sendall(data)
        over.wait()

    return handle


def _resets(conn: socket.socket, _over: threading.Event) -> None:
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _closes(_conn: socket.socket, _over: threading.Event) -> None:
    pass


OK = b"HTTP/1.1 200 OK\r\n"
NO_STATUS: dict[str, "Handler"] = {
    "takes the connection and says nothing": _hangs(),
    "says half a status line and hangs": _hangs(b"HTTP/1.1 2"),
    "drips its status line": _drips(b"HTTP/1.1 200 " + b"O" * 1000),
    "drips its headers": _drips(OK + b"x-a: " + b"b" * 1000),
    "sends headers without end": _repeats(OK, b"x-a: " + b"b" * 1000 + b"\r\n"),
    "sends one header line without end": _repeats(OK + b"x-a: ", b"b" * 10_000),
    "says 100 Continue for ever": _repeats(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "closes at once": _closes,
    "resets the connection": _resets,
    "speaks another protocol": _hangs(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "sends noise": _repeats(b"", b"\x00\xff\x80"),
    "says a status that is no number": _hangs(b"HTTP/1.1 abc Fine\r\n\r\n"),
}
CUT_BODY: dict[str, "Handler"] = {
    "drips its body": _drips(OK + b"Content-Length: 5000\r\n\r\n" + b"b" * 5000, 0.001),
    "sends a body without end": _repeats(OK + b"\r\n", b"b" * 10_000),
    "promises a body and hangs": _hangs(OK + b"Content-Length: 999999999\r\n\r\nabc"),
    "promises a body and closes": _hangs(OK + b"Content-Length: -5\r\n\r\nabc"),
    "sends a chunk size without end": _repeats(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 1000),
    "sends a chunk size that is none": _hangs(OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc"),
    "sends chunks without end": _repeats(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n"),
}


@pytest.mark.parametrize("mode", NO_STATUS)
def test_a_server_without_a_status_is_no_answer_in_time(mode: str) -> None:
    with _serving(NO_STATUS[mode]) as server, _in_time(mode), pytest.raises(NoAnswer) as caught:
        HttpClient(allow_private=True, deadline=DEADLINE).request("POST", server.url, body=b"{}")
    assert caught.value.unknown, "it may have done what it was asked for"


@pytest.mark.parametrize("mode", CUT_BODY)
def test_a_status_counts_though_the_body_never_ends(mode: str) -> None:
    with _serving(CUT_BODY[mode]) as server, _in_time(mode):
        response = HttpClient(allow_private=True, deadline=DEADLINE).request("POST", server.url, body=b"{}")
    assert response.status == 200
    assert not response.complete or mode == "promises a body and closes"
    assert len(response.body) <= BODY_LIMIT


def test_a_server_that_does_not_read_is_no_answer_in_time() -> None:
    def deaf(_conn: socket.socket, over: threading.Event) -> None:
        over.wait()

    with (
        _serving(deaf, read=False) as server,
        _in_time("does not read"),
        pytest.raises(NoAnswer, match="within"),
    ):
        HttpClient(allow_private=True, deadline=DEADLINE).request("POST", server.url, body=b"b" * 50_000_000)


def test_a_server_that_never_finishes_tls_is_no_answer_in_time() -> None:
    with (
        _serving(_hangs(), read=False) as server,
        _in_time("no TLS"),
        pytest.raises(NoAnswer, match="within") as caught,
    ):
        url = server.url.replace("http:", "https:")
        HttpClient(allow_private=True, deadline=DEADLINE).request("POST", url, body=b"{}")
    assert not caught.value.unknown, "the request never left"


def test_a_closed_port_is_no_answer() -> None:
    with _serving(_closes) as server:
        pass
    with _in_time("closed port"), pytest.raises(NoAnswer, match="refused") as caught:
        HttpClient(allow_private=True, deadline=DEADLINE).request("POST", server.url, body=b"{}")
    assert not caught.value.unknown, "the request never left"


def test_a_client_in_a_hurry_gives_up_sooner_and_the_patient_one_stays_patient() -> None:
    patient = HttpClient(allow_private=True, deadline=20)
    with _serving(_hangs()) as server, _in_time("in a hurry"), pytest.raises(NoAnswer, match=f"within {DEADLINE:g} s"):
        patient.within(DEADLINE).request("GET", server.url)
    with _serving(_says(OK + b"\r\n")) as server:
        assert patient.within(60).request("GET", server.url).status == 200


def test_a_name_server_that_hangs_is_no_answer_in_time() -> None:
    over = threading.Event()

    def resolve(_host: str) -> list[str]:
        over.wait(10)
        return [GOOD_V4]

    client = HttpClient(resolve=resolve, connect=_never, deadline=DEADLINE)
    try:
        for _ in range(3):
            with _in_time("name server hangs"), pytest.raises(NoAnswer, match="in time"):
                client.request("GET", "https://shop.example/")
    finally:
        over.set()


def test_many_hanging_lookups_do_not_become_many_threads() -> None:
    over = threading.Event()

    def resolve(_host: str) -> list[str]:
        over.wait(30)
        return [GOOD_V4]

    client = HttpClient(resolve=resolve, connect=_never, deadline=0.01)
    before = threading.active_count()
    try:
        for _ in range(60):
            with pytest.raises(NoAnswer):
                client.request("GET", "https://shop.example/")
        assert threading.active_count() - before <= 32
    finally:
        over.set()


# --- the stand-in for other people's servers

Handler = Callable[[socket.socket, threading.Event], None]


class _Server:
    """Keeps what it received; `url` is where it listens."""

    def __init__(self, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.received = bytearray()


def _says(answer: bytes) -> Handler:
    def handle(conn: socket.socket, _over: threading.Event) -> None:
        conn.sendall(answer)

    return handle


@contextlib.contextmanager
def _serving(handle: Handler, tls: ssl.SSLContext | None = None, read: bool = True) -> Iterator[_Server]:
    """Answer each connection by `handle` after its request was read, until the block ends."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = _Server(listener)
        thread = threading.Thread(target=_accept, args=(listener, server, handle, over, tls, read))
        thread.start()
        try:
            yield server
        finally:
            over.set()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", server.port), 1).close()
            thread.join()


def _accept(
    listener: socket.socket,
    server: _Server,
    handle: Handler,
    over: threading.Event,
    tls: ssl.SSLContext | None,
    read: bool,
) -> None:
    while True:
        conn, _ = listener.accept()
        if over.is_set():
            conn.close()
            return
        with contextlib.suppress(OSError):
            conn.settimeout(10)
            if tls is not None:
                conn = tls.wrap_socket(conn, server_side=True)
            if read:
                _read_request(conn, server)
            handle(conn, over)
            if read and handle is not _resets:
                conn.shutdown(socket.SHUT_RDWR)
        conn.close()


def _read_request(conn: socket.socket, server: _Server) -> None:
    got = b""
    while b"\r\n\r\n" not in got or not _has_body(got):
        part = conn.recv(65_536)
        if not part:
            break
        got += part
    server.received += got


def _has_body(got: bytes) -> bool:
    head, _, body = got.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return True


@contextlib.contextmanager
def _in_time(mode: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    print(f"{mode}: {took:.2f} s of {DEADLINE} s")
    assert took < DEADLINE + SLACK
