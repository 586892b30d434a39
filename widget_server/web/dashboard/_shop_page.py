"""What a page of the shop says about the line that should be in it: pure, from the HTML and the headers that came.

Found are: no line at all, the line of another shop or server, one that waits for a consent platform, and a policy of the
page (CSP, by header or by meta) that keeps our script or its requests out. A browser knows more than we do; what we are
not sure of we don't say.
"""

import codecs
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Literal
from urllib.parse import SplitResult, urljoin, urlsplit

Code = Literal[
    "none", "cut", "other_key", "other_server", "waits_for_consent", "mixed", "csp_script", "csp_connect", "packed", "not_html",
    "status", "moved", "unreachable",
]  # fmt: skip

_LOADERS = ("widget.js", "widget.v1.js")
_PORTS = {"http": 80, "https": 443}
# What pages are written in (Encoding Standard, section 4.2), as Python calls it. What else Python takes for a charset may
# be no text at all, run for minutes, or stop at what it can't read.
_CHARSETS = frozenset((
    "ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso8859-1", "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-5",
    "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-9", "iso8859-10", "iso8859-11", "iso8859-13", "iso8859-14", "iso8859-15",
    "iso8859-16", "tis-620", "cp866", "cp874", "cp932", "cp949", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255",
    "cp1256", "cp1257", "cp1258", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "gb2312", "gbk", "gb18030", "big5",
    "big5hkscs", "euc_jp", "euc_kr", "shift_jis", "iso2022_jp",
))  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Something that is wrong. `what` is what was found there, `fix` what belongs there instead."""

    code: Code
    what: str = ""
    fix: str = ""


@dataclass(frozen=True)
class Expected:
    """What the line in the page must be: of which server (its origin and more), for which shop."""

    server: str
    site_key: str


@dataclass
class _Tag:
    src: str
    shop: str
    host: str
    kind: str
    nonce: str
    integrity: str


@dataclass
class _Page(HTMLParser):
    """The scripts that may be ours, and the policies that stand in the page before them."""

    tags: list[_Tag] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    base: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "base" and not self.base:
            self.base = given.get("href", "")
        elif tag == "meta" and given.get("http-equiv", "").lower() == "content-security-policy":
            self.policies.append(given.get("content", ""))
        elif tag == "script":
            src = given.get("src") or given.get("data-src", "")
            if "data-shop" in given or urlsplit(_safe(src)).path.rpartition("/")[2] in _LOADERS:
                kind = given.get("type", "") if given.get("src") else "text/plain"
                self.tags.append(_Tag(src, given.get("data-shop", ""), given.get("data-host", ""), kind, given.get("nonce", ""), given.get("integrity", "")))


def look(url: str, headers: Mapping[str, str], body: bytes, expected: Expected, is_whole: bool = True) -> list[Finding]:
    """What is wrong with the page of `url` whose answer this is; empty when all is as it should be. Header names are in
    small letters. `is_whole`: nothing of the page is missing."""
    if headers.get("content-encoding", "identity") not in ("", "identity"):
        return [Finding("packed", headers["content-encoding"][:40])]
    if "html" not in headers.get("content-type", "text/html"):
        return [Finding("not_html", headers["content-type"][:80])]
    page = _Page()
    with contextlib.suppress(AssertionError):
        # What the parser can't make anything of ends the reading there.
        page.feed(body.decode(_charset(headers.get("content-type", "")), "replace"))
    if not page.tags:
        return [Finding("none")] if is_whole else [Finding("cut")]
    tag = next((each for each in page.tags if each.shop == expected.site_key), page.tags[0])
    return _of_tag(tag, urljoin(url, _safe(page.base)), url, expected) or _of_policies(tag, page, url, headers, expected)


def _of_tag(tag: _Tag, base: str, url: str, expected: Expected) -> list[Finding]:
    if tag.shop != expected.site_key:
        return [Finding("other_key", tag.shop[:80], expected.site_key)]
    if tag.kind.lower() not in ("", "module", "text/javascript", "application/javascript"):
        return [Finding("waits_for_consent", tag.kind[:80])]
    if not _safe(tag.src):
        return [Finding("other_server", tag.src[:200], _origin(expected.server))]
    src = urljoin(base, _safe(tag.src))
    if _origin(src) != _origin(expected.server) and _origin(src) != _origin(url):
        return [Finding("other_server", _origin(src), _origin(expected.server))]
    if urlsplit(url).scheme == "https" and urlsplit(src).scheme == "http":
        return [Finding("mixed", _origin(src), _origin(src).replace("http:", "https:", 1))]
    return []


def _of_policies(tag: _Tag, page: _Page, url: str, headers: Mapping[str, str], expected: Expected) -> list[Finding]:
    src = urljoin(urljoin(url, _safe(page.base)), _safe(tag.src))
    server = _safe(tag.host) or src
    # Several policies hold all at once; a header may carry several, parted by commas, and a page has one in each `meta`.
    policies = [*headers.get("content-security-policy", "").split(","), *page.policies]
    found: list[Finding] = []
    for policy in map(_directives, policies):
        script = _first(policy, "script-src-elem", "script-src", "default-src")
        if script is not None and not _lets_script(script, src, url, tag):
            found.append(Finding("csp_script", f"script-src {' '.join(script)}"[:300], _origin(src)))
        connect = _first(policy, "connect-src", "default-src")
        if connect is not None and not _lets(connect, server, url):
            found.append(Finding("csp_connect", f"connect-src {' '.join(connect)}"[:300], _origin(server)))
    return list({finding.code: finding for finding in found}.values())


def _directives(policy: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in policy.split(";"):
        name, *values = part.split() or [""]
        if name:
            # The first of a name counts (CSP 3, section 2.2.1).
            found.setdefault(name.lower(), values)
    return found


def _first(policy: Mapping[str, list[str]], *names: str) -> list[str] | None:
    return next((policy[name] for name in names if name in policy), None)


def _lets_script(sources: list[str], src: str, url: str, tag: _Tag) -> bool:
    lowered = [source.lower() for source in sources]
    if tag.nonce and f"'nonce-{tag.nonce}'" in sources:
        return True
    if tag.integrity and any(f"'{part}'" in sources for part in tag.integrity.split()):
        return True
    # With strict-dynamic, names of servers count for nothing (CSP 3, section 8.2).
    return "'strict-dynamic'" not in lowered and _lets(sources, src, url)


def _lets(sources: list[str], wanted: str, url: str) -> bool:
    """Whether a list of sources lets `wanted` be fetched from the page `url` (CSP 3, section 6.7.2.7)."""
    return any(_is_let(source.lower(), wanted, url) for source in sources)


def _is_let(source: str, wanted: str, url: str) -> bool:
    to, own = urlsplit(wanted), urlsplit(url)
    if source == "'self'":
        return _origin(wanted) == _origin(url)
    if source.startswith("'"):
        return False
    if source == "*":
        return to.scheme in ("http", "https")
    if source.endswith(":"):
        return to.scheme == source[:-1] or (source == "http:" and to.scheme == "https")
    scheme, _, rest = source.rpartition("://")
    if scheme and to.scheme != scheme and not (scheme == "http" and to.scheme == "https"):
        return False
    if not scheme and to.scheme != own.scheme and not (own.scheme == "http" and to.scheme == "https"):
        return False
    place, slash, path = rest.partition("/")
    host, _, port = place.partition(":") if not place.startswith("[") else (place, "", "")
    name = to.hostname or ""
    if host.startswith("*."):
        if not name.endswith(host[1:]):
            return False
    elif host not in ("*", name):
        return False
    there = _port(to) or _PORTS.get(to.scheme)
    if port != "*" and (port or str(_PORTS.get(to.scheme))) != str(there):
        return False
    return not slash or not path or (to.path.startswith("/" + path) if path.endswith("/") else to.path == "/" + path)


def _origin(url: str) -> str:
    parts = urlsplit(_safe(url))
    port = _port(parts)
    shown = f":{port}" if port and port != _PORTS.get(parts.scheme) else ""
    return f"{parts.scheme}://{parts.hostname or ''}{shown}"[:200]


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return None


def _safe(url: str) -> str:
    """An address that can be taken apart; one that can't is none."""
    bare = url.strip()
    try:
        urlsplit(bare)
    except ValueError:
        return ""
    return bare


def _charset(content_type: str) -> str:
    name = content_type.lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return "utf-8"
    return found if found in _CHARSETS else "utf-8"
