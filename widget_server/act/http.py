"""The one outbound HTTP client.

It is given addresses by strangers, so it promises:

- only public addresses. Every address a name has must pass, and the connection goes to exactly the address that was
  checked, with the name kept for TLS and `Host`; a second answer of the name server changes nothing. The rules are our
  own list: `ipaddress.is_global` of Python 3.11.7 calls 18 of 42 dangerous addresses global.
- https on port 443 or 8443, no credentials in the URL, no redirects, no proxy from the environment.
- one deadline for everything: looking up, connecting, TLS, sending, and reading, however slowly a byte drips in.
- a cap on what is read, and nothing is unpacked.

`allow_private` (ATBALSS_ALLOW_PRIVATE: tests, a shop on the operator's own network) also allows http, any port and
private addresses; those where clouds keep their credentials stay closed even then.
"""

import copy
import http.client
import io
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

import idna

from integrations import PermanentError, Response, TemporaryError

DEADLINE = 15.0  # Standard Webhooks asks for 15 to 30 s
BODY_LIMIT = 64 * 1024
URL_LIMIT = 2048
PORTS = (443, 8443)
USER_AGENT = "Atbalss/1"
# Several of one name are one list, parted by commas (RFC 9110, section 5.3). Policies hold all at once.
_LISTS = frozenset({"content-security-policy", "link"})

_CHECK_DEADLINE = 5.0  # while somebody waits in front of a form
_LOOKUPS_AT_ONCE = 32

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str], Sequence[str]]
Connect = Callable[[str, int, float], socket.socket]


class UrlRefused(PermanentError):
    """This URL may never be called. The reason is a sentence for whoever typed it."""


class AddressRefused(TemporaryError):
    """The name points to an address that may not be called. Temporary, because names can be put right."""


class NoAnswer(TemporaryError):
    """No answer within the deadline, or none at all."""


# Where clouds answer with their credentials; refused even when private addresses are allowed.
_METADATA = tuple(
    ipaddress.ip_network(each)
    for each in (
        "168.63.129.16/32",  # Azure
        "169.254.0.0/16",  # link-local: AWS, Google, Azure, OpenStack
        "192.0.0.192/32",  # Oracle
        "100.100.100.200/32",  # Alibaba
        "fd00:ec2::254/128",  # AWS
        "fd20:ce::254/128",  # Google
        "fe80::/10",  # link-local
    )
)

# https://www.iana.org/assignments/iana-ipv4-special-registry
_CLOSED_V4 = tuple(
    ipaddress.ip_network(each)
    for each in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)

# Only 2000::/3 is handed out to anybody; whatever hides an IPv4 address (::/96, 64:ff9b::/96, ::ffff:0:0:0/96) and
# whatever is local lies outside of it. These parts of it are closed too:
# https://www.iana.org/assignments/iana-ipv6-special-registry
_OPEN_V6 = ipaddress.ip_network("2000::/3")
_CLOSED_V6 = tuple(
    ipaddress.ip_network(each)
    for each in (
        "2001::/23",  # protocol assignments, with Teredo (an IPv4 address inside), benchmarking and ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)


def is_public(address: Address) -> bool:
    """Whether `address` belongs to the open internet, and not to this machine, its network or its cloud."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        return address.scope_id is None and address in _OPEN_V6 and not _within(address, _CLOSED_V6)
    return not _within(address, _CLOSED_V4)


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _is_own(address: Address) -> bool:
    """Whether `address` is one of this machine's. Connecting a datagram socket sends nothing; the kernel only says
    which address it would send from, and for an own address that is the address itself."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ipaddress.ip_address(probe.getsockname()[0].partition("%")[0]) == address
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that passed: `host` is ASCII and in lower case, `path` has the query in it."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == {"http": 80, "https": 443}[self.scheme] else f"{name}:{self.port}"


_ODD = re.compile(r"[\x00-\x20\x7f\\\s]")
_NAME = re.compile(
    r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?\Z"
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*\Z")


def parse_url(url: str, allow_private: bool = False) -> Target:
    """Raises UrlRefused for every URL whose form alone says that it may not be called."""
    if len(url) > URL_LIMIT:
        raise UrlRefused(f"the URL is longer than {URL_LIMIT} characters")
    if _ODD.search(url):
        raise UrlRefused("the URL has a space, a backslash or a control character in it")
    try:
        parts = urlsplit(url)
        port = parts.port
        url.encode()
    except ValueError as error:
        raise UrlRefused("this is not a URL") from error
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or (scheme == "http" and not allow_private):
        raise UrlRefused("the URL must begin with https://")
    if "@" in parts.netloc:
        raise UrlRefused("the URL may not hold a user name or password")
    host = _host(parts.hostname or "", bracketed="[" in parts.netloc)
    port = port if port is not None else {"http": 80, "https": 443}[scheme]
    if port == 0 or (port not in PORTS and not allow_private):
        raise UrlRefused(f"the port must be {' or '.join(map(str, PORTS))}")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        path += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    return Target(scheme, host, port, path)


def _host(host: str, bracketed: bool) -> str:
    """The ASCII form of a name, or an address in its usual spelling."""
    if bracketed:
        try:
            address = ipaddress.IPv6Address(host)
        except ValueError as error:
            raise UrlRefused("this is not an address") from error
        if address.scope_id is not None:
            raise UrlRefused("an address with a zone is of this machine's own network")
        return str(address)
    try:
        name = idna.encode(host, uts46=True).decode("ascii").lower() if not host.isascii() else host.lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise UrlRefused("the URL has no valid host name") from error
    name = name.removesuffix(".")
    try:
        return str(ipaddress.IPv4Address(name))
    except ValueError:
        pass
    # A name whose last label is a number (2130706433, 127.1, 0x7f.1) is read as an IPv4 address by some resolvers.
    if not _NAME.match(name):
        raise UrlRefused("the URL has no valid host name")
    return name


class HttpClient:
    """Sends one request at a time, any number of them side by side. `resolve`, `connect` and `tls` are seams for
    tests."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        deadline: float = DEADLINE,
        body_limit: int = BODY_LIMIT,
        resolve: Resolve | None = None,
        connect: Connect | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._deadline = deadline
        self._body_limit = body_limit
        self._resolve = resolve or _look_up
        self._connect = connect or _connect
        self._given_tls = tls
        self._lookups = threading.BoundedSemaphore(_LOOKUPS_AT_ONCE)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Read from disk once, and only when https is spoken at all."""
        return self._given_tls or ssl.create_default_context()

    def within(self, seconds: float) -> "HttpClient":
        """The same, in a hurry: each request has so much time at most."""
        hurried = copy.copy(self)
        hurried._deadline = min(self._deadline, seconds)
        return hurried

    def reading(self, most: int) -> "HttpClient":
        """The same, reading so many bytes of a body at most."""
        patient = copy.copy(self)
        patient._body_limit = most
        return patient

    def check_url(self, url: str) -> None:
        """For the moment a URL is saved: raises UrlRefused, AddressRefused or NoAnswer, each with a sentence."""
        deadline = _Deadline(min(self._deadline, _CHECK_DEADLINE))
        with deadline.kept():
            self._addresses(parse_url(url, self._allow_private), deadline)

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Response:
        """Raises UrlRefused, AddressRefused or NoAnswer; every status is an answer."""
        target = parse_url(url, self._allow_private)
        head = _head(method, target, headers or {}, len(body))
        deadline = _Deadline(self._deadline)
        with deadline.kept():
            sock = self._open(target, self._addresses(target, deadline), deadline)
            try:
                # From the first byte on, nobody knows what the other side did with it but the other side.
                with deadline.kept(sent=True):
                    deadline.send(sock, head + body)
                    return self._read(sock, method, deadline)
            finally:
                sock.close()

    def _addresses(self, target: Target, deadline: "_Deadline") -> list[Address]:
        """What the name stands for, looked up once. One bad address among good ones refuses them all."""
        try:
            found = [_plain(ipaddress.ip_address(target.host))]
        except ValueError:
            found = [_plain(ipaddress.ip_address(each)) for each in self._look_up(target.host, deadline)]
        if not found:
            raise NoAnswer(f"{target.host} has no address")
        for address in found:
            self._check(address)
        return list(dict.fromkeys(found))

    def _check(self, address: Address) -> None:
        if address.is_multicast or address.is_unspecified or _within(address, _METADATA):
            raise AddressRefused(f"{address} may not be called")
        if not self._allow_private and (not is_public(address) or _is_own(address)):
            raise AddressRefused(f"{address} is not an address of the open internet")

    def _look_up(self, host: str, deadline: "_Deadline") -> Sequence[str]:
        """The resolver of the system cannot be interrupted, so it waits in a thread of its own, and only so many at
        once may be left behind."""
        if not self._lookups.acquire(timeout=deadline.left()):
            raise NoAnswer("too many names are being looked up")
        answer: list[Sequence[str] | Exception] = []

        def look_up() -> None:
            try:
                answer.append(self._resolve(host))
            except Exception as error:  # noqa: BLE001 - handed over to the thread that waits
                answer.append(error)
            finally:
                self._lookups.release()

        thread = threading.Thread(target=look_up, name="lookup", daemon=True)
        thread.start()
        thread.join(deadline.left())
        if not answer:
            raise NoAnswer(f"the address of {host} could not be found in time")
        if isinstance(answer[0], Exception):
            raise NoAnswer(f"the address of {host} could not be found") from answer[0]
        return answer[0]

    def _open(self, target: Target, addresses: Sequence[Address], deadline: "_Deadline") -> socket.socket:
        sock = self._first(addresses, target.port, deadline)
        if target.scheme == "http":
            return sock
        try:
            sock.settimeout(deadline.left())
            return self._tls.wrap_socket(sock, server_hostname=target.host)
        except BaseException:
            sock.close()
            raise

    def _first(self, addresses: Sequence[Address], port: int, deadline: "_Deadline") -> socket.socket:
        """A connection to the first address that takes one. A silent address leaves time for those after it."""
        failed: OSError = OSError("no address")
        for place, address in enumerate(addresses):
            try:
                return self._connect(str(address), port, deadline.left() / (len(addresses) - place))
            except OSError as error:
                failed = error
        raise failed

    def _read(self, sock: socket.socket, method: str, deadline: "_Deadline") -> Response:
        response = http.client.HTTPResponse(_Reading(sock, deadline), method=method)  # type: ignore[arg-type]
        try:
            response.begin()
            headers = _headers(response.getheaders())
            body, complete = self._body(response)
            return Response(response.status, headers, body, complete)
        finally:
            response.close()

    def _body(self, response: http.client.HTTPResponse) -> tuple[bytes, bool]:
        """At most the limit. Once there is a status, a body that breaks off is only incomplete: the other side has
        said what became of the request."""
        got = bytearray()
        try:
            while len(got) <= self._body_limit:
                part = response.read1(16 * 1024)
                if not part:
                    return bytes(got), not response.length
                got += part
        except (OSError, http.client.HTTPException, ValueError):
            pass
        return bytes(got[: self._body_limit]), False


class _Deadline:
    """The moment by which everything has to be over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    @contextmanager
    def kept(self, sent: bool = False) -> Iterator[None]:
        """Whatever goes wrong on the network inside is told as NoAnswer, in words for the owner. `sent`: the other side
        may have got the request by then."""
        try:
            yield
        except TimeoutError as error:
            raise NoAnswer(f"no answer within {self._seconds:g} s", unknown=sent) from error
        except ssl.SSLCertVerificationError as error:
            raise NoAnswer(f"its certificate is not good: {error.verify_message}", unknown=sent) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswer(f"no answer: {_told(error)}", unknown=sent) from error

    def left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def send(self, sock: socket.socket, data: bytes) -> None:
        view = memoryview(data)
        while view:
            sock.settimeout(self.left())
            view = view[sock.send(view) :]


class _Reading(io.RawIOBase):
    """What `http.client` takes for a socket: every single read has only the time that is left of the whole."""

    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self, 16 * 1024)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._deadline.left())
        return self._sock.recv_into(buffer)


def _head(method: str, target: Target, headers: Mapping[str, str], length: int) -> bytes:
    """The request up to its body. A header with a line end in it, or in two values, never leaves the house."""
    lines = {"host": target.host_header, "user-agent": USER_AGENT, "accept": "*/*", "connection": "close"}
    if length or method not in ("GET", "HEAD", "DELETE"):
        lines["content-length"] = str(length)
    for name, value in headers.items():
        if not _TOKEN.match(name) or not _HEADER_VALUE.match(value):
            raise UrlRefused(f"the header {name[:40]!r} has a character in it that headers cannot have")
        if name.lower() in ("host", "content-length", "transfer-encoding", "connection", "accept-encoding"):
            raise UrlRefused(f"the header {name} is set by the client itself")
        lines[name.lower()] = value
    if not _TOKEN.match(method):
        raise UrlRefused("this is not a method")
    text = f"{method} {target.path} HTTP/1.1\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in lines.items()
    )
    return (text + "\r\n").encode("ascii")


def _headers(found: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By their names in small letters. Of one that came several times the last counts, but for those that are lists."""
    headers: dict[str, str] = {}
    for name, value in found:
        known = name.lower()
        headers[known] = f"{headers[known]}, {value}" if known in _LISTS and known in headers else value
    return headers


def _plain(address: Address) -> Address:
    """An IPv4 address written as an IPv6 one is that IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _look_up(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


def _connect(address: str, port: int, seconds: float) -> socket.socket:
    sock = socket.create_connection((address, port), timeout=seconds)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _told(error: Exception) -> str:
    """A few words for the owner, without what the other side wrote."""
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, http.client.RemoteDisconnected | ConnectionError):
        return "the connection was cut"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason})"
    if isinstance(error, http.client.HTTPException | ValueError):
        return "what came back is not HTTP"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return type(error).__name__
