"""What nobody types, at every address of the owner's pages: each gets a page that says no or takes it as it is, never a
failure of ours.

Built from the URL map: the values below are put into every part of every path, into every parameter and every field that
any page knows, at once and one by one, by an owner who is signed in, so that they get as far in as anybody can.
"""

import dataclasses
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import redis
from werkzeug.test import TestResponse

from tests.web.conftest import CANARY, Make, Person, World, fill, signed_in
from tests.web.dashboard_routes import ROUTES
from tests.web.house import SAFE, House, built
from widget_server.act.http import HttpClient
from widget_server.record.db import Database
from widget_server.web import dashboard
from widget_server.web.state import State

# As bytes, for some of them are no text.
VALUES = {
    "nul": b"a\0b",
    "half a character": b"\xed\xa0\x80",
    "beyond 2^63": b"9223372036854775808",
    "below": b"-9223372036854775809",
    "longest number": b"9" * 5000,
    "the last day": b"9999-12-31",
    "queries": b"\"a* AND (NEAR ':&|!<-> \\' OR 1=1 -- %_",
    "json": b'{"a":["\\ud800"],"b":1e999}',
    "lines": b"a\r\nSet-Cookie: a=b\r\n\r\n<b>",
    "digits that are no digits": "²٣١".encode(),
    "an address": b"https://[::1/:99999?\\@",
    "long": "ā".encode() * 6000,
}
MORE = {
    "nothing": b"",
    "no utf-8": b"\xff\xfe\xc0\x80",
    "no numbers": b"NaN",
    "a day that is none": b"2026-02-30",
    "the first day": b"0001-01-01",
    "templates": b"%(n)s %s {0} {{7*7}} ${7*7}",
    "paths": b"../../../etc/passwd",
    "signs": "\u202e\u2028\ufeff\U0001f469\u200d\U0001f680\u0301".encode(),
}
_NAMED = re.compile(r"(?:form|args|values)(?:\.get|\.getlist|\.get_all)?[(\[]\s*\"([\w.-]+)\"")
_FIELD = re.compile(r"<(?:input|select|textarea|button)\b[^>]*?\bname=\"([^\"]+)\"")


@pytest.fixture
def house(database: Database, make_world: Make, redis_client: "redis.Redis") -> House:
    """A house on each kind of database, for what gets as far as there."""
    return _house(database, make_world, redis_client)


@pytest.fixture
def small_house(sqlite_database: Database, make_world: Make, redis_client: "redis.Redis") -> House:
    return _house(sqlite_database, make_world, redis_client)


def _house(database: Database, make_world: Make, client: "redis.Redis") -> House:
    world = make_world(database, client)
    fill(world)
    state = world.app.extensions["atbalss"]
    assert isinstance(state, State)
    # Whatever address is made of the values, nobody is called.
    dataclasses.replace(state, http=HttpClient(resolve=lambda host: ["93.184.215.14"], connect=_nobody)).install(world.app)
    return built(world)


def test_every_parameter_and_field_at_once_each_with_another_value(house: House) -> None:
    names = sorted(known_names(house))
    assert {"q", "period", "question", "key", "email", "l", "t.en.title", "brand", "o"} <= set(names)
    values = [value[:100] for value in {**VALUES, **MORE}.values()]
    for (method, rule), person in visits(house):
        for turn in range(0, len(values), 7):
            pairs = "&".join(f"{quote_plus(name)}={quote(values[(n + turn) % len(values)])}" for n, name in enumerate(names))
            check(send(person, method, house.path(rule), pairs), method, rule, f"turn {turn}")


def test_each_field_that_a_page_wants_with_each_value(house: House) -> None:
    """The others are as they should be, so that the one is looked at."""
    for (method, rule), person in visits(house):
        row = ROUTES[method, rule]
        wanted = {name: house.fill(value).encode() for name, value in (row.query if method in SAFE else row.form).items()}
        for name in wanted:
            for title, value in VALUES.items():
                changed = {**wanted, name: value}
                pairs = "&".join(f"{quote_plus(each)}={quote(said)}" for each, said in changed.items())
                check(send(person, method, house.path(rule), pairs), method, rule, f"{name}: {title}")


def test_every_part_of_every_path_with_every_value(house: House) -> None:
    for (method, rule), person in visits(house, lambda rule: "<" in rule):
        for part in re.findall(r"<[^>]+>", rule):
            for title, value in VALUES.items():
                path = house.path(rule.replace(part, "here")).replace("here", quote(value, safe=""))
                reply = send(person, method, path, "")
                check(reply, method, rule, title)
                assert reply.status_code in (200, 303, 308, 400, 404, 405, 413, 414), (method, rule, title, reply.status_code)


_TWICE = "&".join(f"{n}=1&{n}=2&{n}=" for n in ("q", "period", "question", "key", "name", "email", "role", "sort", "to"))
NO_FORMS = {
    "odd": f"%&%zz=%u0041&%=1&q=%E0%A4%A&period=%&=&=&&;&&&a[]=1&a[b]=2&name[]=3&{_TWICE}",
    "many": "&".join(f"name={quote(CANARY)}%0A{n}&l=a{n}" for n in range(990)),
    "too many": "&".join(f"name={n}" for n in range(5000)),
}


def test_queries_and_forms_that_are_none(small_house: House) -> None:
    for (method, rule), person in visits(small_house):
        for title, pairs in NO_FORMS.items():
            check(send(person, method, small_house.path(rule), pairs), method, rule, title)


BODIES = {
    "100 MB": ("application/x-www-form-urlencoded", b""),
    "json": ("application/json", b'{"name": {"a": [1]}}'),
    "no boundary": ("multipart/form-data", b"--x\r\n"),
    "cut": ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nabc'),
    "a file": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="name"; filename="a\0.txt"\r\nContent-Type: text/plain; charset=x\r\n\r\n\0\xff\r\n--x--\r\n',
    ),
    "other letters": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="name"\r\nContent-Type: text/plain; charset=utf-16\r\n\r\n\xff\xfe\x00\xd8\r\n--x--\r\n',
    ),
    "parts": ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n1\r\n' * 1500 + b"--x--\r\n"),
    "no kind": ("", b"name=1"),
    "unknown kind": ("text/x; charset=\xff", b"name=1"),
}  # fmt: skip


def test_bodies_that_are_no_forms(small_house: House) -> None:
    house = small_house
    for (method, rule), person in visits(house):
        if method in SAFE:
            continue
        for title, (kind, sent) in BODIES.items():
            more = {"environ_overrides": {"CONTENT_LENGTH": f"{100 * 1024 * 1024}"}} if title == "100 MB" else {}
            headers = {"X-CSRFToken": person.token()}
            reply = person.client.open(house.path(rule), method=method, data=sent, content_type=kind, headers=headers, **more)
            check(reply, method, rule, title)
            assert title != "100 MB" or reply.status_code == 413, (rule, reply.status_code)


def visits(house: House, wanted: Callable[[str], bool] = lambda rule: True) -> Iterator[tuple[tuple[str, str], Person]]:
    """Every route with an owner who is signed in, in a house where everything is."""
    for method, rule in ROUTES:
        if wanted(rule):
            if method not in SAFE:
                house.furnish()
            yield (method, rule), signed_in(house.world)


def send(person: Person, method: str, path: str, pairs: str) -> TestResponse:
    """The pairs as they stand: in the address, or as a form."""
    if method in SAFE:
        return person.client.open(f"{path}?{pairs}", method=method)
    body = f"csrf_token={quote_plus(person.token())}&{pairs}"
    return person.client.open(path, method=method, data=body.encode(), content_type="application/x-www-form-urlencoded")


def check(reply: TestResponse, method: str, rule: str, what: str) -> None:
    assert reply.status_code < 500, (method, rule, what, reply.status_code)
    assert "\n" not in reply.headers.get("Location", ""), (method, rule, what)
    assert [value for name, value in reply.headers if name == "Set-Cookie" and value.startswith("a=")] == []
    reply.get_data()


def known_names(house: House) -> set[str]:
    """The fields and parameters that any page asks for or shows: of the code, of the rows, of the pages themselves."""
    folder = Path(dashboard.__path__[0])
    found = {name for file in folder.glob("*.py") for name in _NAMED.findall(file.read_text("utf-8"))}
    for row in ROUTES.values():
        found |= {*row.form, *row.query}
    owner = house.people["owner"]
    for method, rule in ROUTES:
        if method == "GET":
            found |= set(_FIELD.findall(owner.get(house.path(rule)).text))
    return found - {"csrf_token"}


def _nobody(address: str, port: int, seconds: float) -> socket.socket:
    raise ConnectionRefusedError


def test_a_world_of_its_own_calls_nobody(house: House) -> None:
    world: World = house.world
    reply: Any = signed_in(world).post_form("/app/start/check", {"address": "https://shop.example/"})
    assert reply.status_code == 200 and "could not be reached" in reply.text
