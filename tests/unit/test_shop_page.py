"""What is wrong with a page of the shop: the line, and the page's own rules."""

import encodings
import pkgutil
from encodings.aliases import aliases

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from widget_server.web.dashboard._shop_page import Expected, look

SERVER, KEY, PAGE = "https://atbalss.example.com", "pk_1", "https://shop.example/lv/"
EXPECTED = Expected(SERVER, KEY)
LINE = f'<script async src="{SERVER}/widget.js" data-shop="{KEY}"></script>'


def codes(html: str, csp: str | None = None, url: str = PAGE, whole: bool = True, **headers: str) -> list[str]:
    given = {"content-type": "text/html; charset=utf-8", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if csp is not None:
        given["content-security-policy"] = csp
    return [finding.code for finding in look(url, given, html.encode(), EXPECTED, whole)]


@pytest.mark.parametrize(
    "html",
    [
        LINE, f"<!doctype html><html><head>{LINE}</head></html>", LINE.upper().replace("PK_1", KEY).replace(SERVER.upper(), SERVER).replace("WIDGET.JS", "widget.js"),
        f"<script src='{SERVER}/widget.v1.js' integrity=sha384-x crossorigin data-shop={KEY}></script>", f'<script type="module" src="{SERVER}/widget.js" data-shop="{KEY}">',
        # Through the shop's own address, also by a path.
        f'<script src="/ours/widget.js" data-shop="{KEY}"></script>', f'<base href="{SERVER}/"><script src="widget.js" data-shop="{KEY}"></script>',
        f'<script data-shop="pk_other" src="{SERVER}/widget.js"></script>{LINE}', f"<!-- {LINE} -->{LINE}",
    ],
)  # fmt: skip
def test_a_good_line_is_good(html: str) -> None:
    assert codes(html) == []


@pytest.mark.parametrize(
    ("html", "wrong"),
    [
        ("", "none"), ("<p>widget.js</p>", "none"), (f"<!-- {LINE} -->", "none"), ('<script src="/jquery.js"></script>', "none"),
        (LINE.replace(KEY, "pk_2"), "other_key"), (f'<script src="{SERVER}/widget.js"></script>', "other_key"),
        (LINE.replace(SERVER, "https://old.example"), "other_server"), (LINE.replace(SERVER, "http://atbalss.example.com"), "other_server"),
        (LINE.replace("<script", '<script type="text/plain" data-cookieconsent="statistics"'), "waits_for_consent"),
        (LINE.replace("src=", "data-src="), "waits_for_consent"), (LINE.replace("https://atbalss", "https://[bad"), "other_server"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_line_is_told(html: str, wrong: str) -> None:
    assert codes(html) == [wrong]


def test_the_other_shop_and_the_right_one_are_named() -> None:
    (found,) = look(PAGE, {}, LINE.replace(KEY, "pk_2").encode(), EXPECTED)
    assert (found.what, found.fix) == ("pk_2", KEY)


def test_a_script_without_https_on_a_page_with_it_is_blocked() -> None:
    found = look(PAGE, {}, LINE.replace("https://atbalss.example.com", "http://shop.example").encode(), Expected("http://shop.example", KEY))
    assert [finding.code for finding in found] == ["mixed"]


@pytest.mark.parametrize(
    ("policy", "wrong"),
    [
        ("default-src 'self'", ["csp_script", "csp_connect"]), ("script-src 'self'", ["csp_script"]), ("connect-src 'self'", ["csp_connect"]),
        (f"default-src 'self' {SERVER}", []), (f"default-src 'none'; script-src {SERVER}; connect-src {SERVER}", []),
        ("script-src https:; connect-src *", []), ("script-src *.example.com; connect-src *.example.com", []), ("script-src *.shop.example", ["csp_script"]),
        ("script-src atbalss.example.com:443", []), ("script-src atbalss.example.com:8443", ["csp_script"]), ("script-src atbalss.example.com:*", []),
        ("script-src http://atbalss.example.com", []), ("script-src wss://atbalss.example.com", ["csp_script"]),
        (f"script-src {SERVER}/widget.js", []), (f"script-src {SERVER}/other/", ["csp_script"]), (f"script-src {SERVER}/", []),
        (f"script-src 'strict-dynamic' {SERVER}", ["csp_script"]), ("script-src 'unsafe-inline' 'unsafe-eval'", ["csp_script"]), ("img-src 'self'", []),
        (f"script-src-elem {SERVER}; script-src 'none'", []), (f"script-src 'none'; script-src {SERVER}", ["csp_script"]), ("", []), (";;", []),
        (f"SCRIPT-SRC {SERVER.upper()}", []), (f"script-src {SERVER}, script-src 'self'", ["csp_script"]), ("script-src", ["csp_script"]),
        ("script-src data: blob:", ["csp_script"]), ("frame-ancestors 'none'; upgrade-insecure-requests", []),
    ],
)  # fmt: skip
def test_the_pages_policy_is_read_as_browsers_read_it(policy: str, wrong: list[str]) -> None:
    assert codes(LINE, policy) == wrong
    quoted = policy.replace('"', "&quot;")
    if policy and "," not in policy:
        assert codes(f'<meta http-equiv="Content-Security-Policy" content="{quoted}">{LINE}') == wrong


def test_a_nonce_or_a_hash_lets_it_in() -> None:
    assert codes(LINE.replace("<script", "<script nonce=abc"), "script-src 'nonce-abc' 'strict-dynamic'") == []
    assert codes(LINE.replace("<script", "<script nonce=abc"), "script-src 'nonce-abd'") == ["csp_script"]
    assert codes(LINE.replace("<script", "<script integrity=sha384-AbC"), "script-src 'sha384-AbC'") == []


def test_the_refused_rule_and_what_to_add_are_named() -> None:
    (found,) = look(PAGE, {"content-security-policy": "script-src 'self' https://cdn.example"}, LINE.encode(), EXPECTED)
    assert (found.what, found.fix) == ("script-src 'self' https://cdn.example", SERVER)


def test_an_answer_that_can_t_be_read_is_told_as_such() -> None:
    assert codes(LINE, content_encoding="gzip") == ["packed"]
    assert codes(LINE, content_type="application/json") == ["not_html"]
    assert codes("<p>long", whole=False) == ["cut"]
    assert codes(LINE, whole=False) == []


@pytest.mark.parametrize("charset", ["iso-8859-13", "windows-1257", "utf-16-nonsense", "", "hex", "'utf-8'"])
def test_any_charset_is_read(charset: str) -> None:
    assert codes(LINE, content_type=f"text/html; charset={charset}") == []


@pytest.mark.parametrize("odd", ["<![", "<![if !IE]>", "<!DOCTYPE [<!ENTITY", "<script" * 2000, "<" * 5000, "\x00" * 100, "<a href='" * 1000, "&#xffffffff;"])
def test_no_page_breaks_the_reading(odd: str) -> None:
    assert codes(LINE + odd) == []
    codes(odd + LINE)


ALL = sorted({*aliases, *aliases.values(), *(module.name for module in pkgutil.iter_modules(encodings.__path__))})


def test_a_page_is_read_whatever_python_takes_for_a_charset() -> None:
    """What is no charset of pages is read as UTF-8; one of two bytes a letter finds nothing in ours."""
    wide = {"u16", "utf16", "utf_16", "utf_16be", "utf_16_be", "utf_16le", "utf_16_le", "unicodebigunmarked", "unicodelittleunmarked"}
    for charset in (*ALL, "x" * 5000, "utf-8\0", "ķ", "../utf-8"):
        assert codes("ķ" + LINE, content_type=f"text/html; charset={charset}") == (["none"] if charset in wide else []), charset
        (found,) = look(PAGE, {"content-type": f"text/html; charset={charset}"}, bytes(range(256)) * 4, EXPECTED)
        assert found.code == "none", charset


@pytest.mark.parametrize(("charset", "sign"), [("windows-1257", "ķ"), ("iso-8859-13", "ķ"), ("koi8-r", "к"), ("gbk", "你"), ("utf-16", "ķ"), ("Shift_JIS", "日")])
def test_a_page_is_read_in_its_own_charset(charset: str, sign: str) -> None:
    (found,) = look(PAGE, {"content-type": f"text/html; charset={charset}"}, f'<script data-shop="{sign}" src="/widget.js"></script>'.encode(charset), EXPECTED)
    assert found.what == sign


ODD = ["//[x", "https://℀/", f"{SERVER}:abc/widget.js", f"{SERVER}:99999/", "\u2003//[x", "//", ":", "[", "]", "@", "?", "#", "*", "x:y", "\x00", "data:", "\\", "widget.js", SERVER, "'self'"]
ADDRESSES = st.lists(st.sampled_from(ODD), max_size=3).map("".join)


@drawn(st.one_of(ADDRESSES, st.just(f"{SERVER}/widget.js"), st.just(f"{SERVER}:abc/widget.js")), ADDRESSES, ADDRESSES, ADDRESSES)
def test_no_address_in_a_page_breaks_the_reading(src: str, host: str, base: str, source: str) -> None:
    html = f'<base href="{base}"><script src="{src}" data-host="{host}" data-shop="{KEY}"></script>'
    codes(html, f"script-src {source}; connect-src {source}")
    codes(html.partition(">")[2], f"script-src {SERVER}; connect-src {source}")


@pytest.mark.parametrize(
    ("given", "wrong"),
    [({"data-host": "//[x"}, []), ({"data-host": "https://℀/"}, []), ({"src": f"{SERVER}:abc/widget.js"}, []), ({"src": "\u2003//[x"}, ["other_server"])],
)  # fmt: skip
def test_an_address_that_can_t_be_taken_apart_is_none(given: dict[str, str], wrong: list[str]) -> None:
    attributes = " ".join(f'{name}="{value}"' for name, value in {"src": f"{SERVER}/widget.js", "data-shop": KEY, **given}.items())
    assert codes(f"<script {attributes}></script>", f"script-src {SERVER}; connect-src {SERVER}") == wrong
