"""Malformed requests of named families over all write routes, against a real web process.

Each is asserted on its status and on the field or limit that the reply names. Nothing here may ever be a 5xx.
"""

import gzip
import json
import socket
import time
import uuid
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.shopfront import Reply, Shopfront, shopfront
from tests.servers import ValkeyServer
from widget_server.contract.tokens import sign_order_token
from widget_server.record.shops import NewShop

ANSWERS, ASKED, ENDPOINTS, ORIGINS = "answers", "asked", "/v1/endpoints", "/v1/origins"
QUESTIONS, QUESTION, PREVIEWS = "/v1/questions", "/v1/questions/<name>", "/v1/previews"
WIDGET = "/v1/widget"
TEST, REPLAY_ALL = "/v1/endpoints/<endpoint>/test", "/v1/replays"
RULES, RULE, DRY_RUN = "/v1/rules", "/v1/rules/<rule>", "/v1/dry-runs"
CONNECTIONS, CONNECTION = "/v1/connections", "/v1/connections/<connection>"
HOOKS = "/v1/hooks/<platform>/<connection>"
REDEEM, ADJUST, LOYALTY = "/v1/points/<customer>/redeem", "/v1/points/<customer>/adjust", "/v1/loyalty"
WRITE_ROUTES = {
    ANSWERS, ASKED, HOOKS, ENDPOINTS, ORIGINS, QUESTIONS, QUESTION, PREVIEWS, WIDGET, "/v1/endpoints/<endpoint>", "/v1/endpoints/<endpoint>/secret",
    TEST, REPLAY_ALL,
    "/v1/deliveries/<delivery>/replay", RULES, RULE, DRY_RUN, REDEEM, ADJUST, LOYALTY,
    CONNECTIONS, CONNECTION, f"{CONNECTION}/test",
}  # fmt: skip
UUID = "0b7e1c5e-3f5a-4d0e-9a36-5f2d6a7b8c9d"


@dataclass(frozen=True)
class Case:
    """One request: what it sends, which status it gets and what the reply has to name."""

    family: str
    route: str
    body: Any
    status: int
    names: str
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    path: str = ""
    chunked: bool = False

    def __str__(self) -> str:
        return f"{self.family}-{self.route.strip('/')}"


def event(**fields: Any) -> dict[str, Any]:
    made = {"id": UUID, "type": "answer.given", "at": "2026-11-22T10:00:00Z", "question": "order-rating", "value": 5}
    return {name: value for name, value in {**made, **fields}.items() if value is not ...}


def body_of(**fields: Any) -> bytes:
    return json.dumps({"events": [event(**fields)]}).encode()


def nested(depth: int, of: Any = 1) -> Any:
    for _ in range(depth):
        of = [of]
    return of


def syntax() -> Iterator[Case]:
    for raw in (
        b"", b" ", b"{", b"}", b"[", b'{"events":', b'{"events":[}', b"{'events':[]}", b'{"events":[],}', b"events=1", b"nil",
        b'{"events":[]}{}', b"<events/>", b"01", b'{"events" []}', b'"\x01"', b"\x00", b"//", b'{"a":tru}', b"\xf0\x9f\x98\x80",
    ):  # fmt: skip
        yield Case("syntax", ANSWERS, raw, 400, "body")
        yield Case("syntax", ENDPOINTS, raw, 400, "", headers={"Content-Type": "application/json"})


def encoding() -> Iterator[Case]:
    whole = body_of().decode()
    for raw in (
        b"\xff\xfe" + whole.encode("utf-16-le"), whole.encode("utf-16"), whole.encode("utf-32"), b"\xef\xbb\xbf" + whole.encode(),
        b'{"events":["\xed\xa0\x80"]}', b'{"events":["\xc0\x80"]}', b'{"events":["\xf5\x80\x80\x80"]}', b'{"events":["\x80"]}',
        b'{"events":["\\ud800"]}', b'{"events":["\\udfff"]}', b'{"events":["\\ud800\\u0041"]}', "{\"events\":[\"ā\"]}".encode("cp1257"),
    ):  # fmt: skip
        yield Case("encoding", ANSWERS, raw, 400, "body")


def numbers() -> Iterator[Case]:
    for raw in (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"1" * 4300, b"0x10", b"1.", b".5", b"+1", b"1e"):
        yield Case("numbers", ANSWERS, b'{"events":[{"value":%b}]}' % raw, 400, "body")
    for number in (2**53, -(2**53), 2**63, 2**64, 10**40, 1e15, -1e15, 1e308):
        yield Case("numbers", ANSWERS, body_of(value=number), 422, "events.0.event")
    for number in (1.5, 5.0, -1, 6, 0, 2**31):
        yield Case("numbers", ANSWERS, body_of(value=number), 422, "events.0.value")


def depth_and_size() -> Iterator[Case]:
    for raw in (b"[" * 60_000, b'{"a":' * 10_000, b"[" * 30_000 + b"]" * 30_000, b'{"events":' + b"[" * 5_000 + b"]" * 5_000 + b"}"):
        yield Case("depth", ANSWERS, raw, 400, "body")
    for value in (nested(21), {"a": nested(30)}, nested(900)):
        yield Case("depth", ANSWERS, body_of(value=value), 422, "events.0.event")
    yield Case("keys", ANSWERS, body_of(page={str(n): n for n in range(500)}), 422, "events.0.event")
    yield Case("keys", ANSWERS, body_of(**{f"k{n}": n for n in range(300)}), 422, "events.0.event")
    yield Case("events", ANSWERS, json.dumps({"events": [event() for _ in range(51)]}).encode(), 422, "events")
    for size in (64 * 1024 + 1, 200_000):
        yield Case("size", ANSWERS, b" " * size, 413, "body")
        yield Case("size", ANSWERS, b" " * size, 413, "body", chunked=True)
        yield Case("size", ASKED, b"v" * size, 413, "body")
    yield Case("size", ASKED, b"v" * 5_000, 413, "body", chunked=True)
    for size in (64 * 1024 + 1, 500_000):
        yield Case("size", ENDPOINTS, b" " * size, 413, "", headers={"Content-Type": "application/json"})


def shape() -> Iterator[Case]:
    for raw, name in (
        ([], "body"), (None, "body"), ("x", "body"), (7, "body"), (True, "body"), ([event()], "body"), ({}, "events"),
        ({"events": None}, "events"), ({"events": []}, "events"), ({"events": {}}, "events"), ({"events": "x"}, "events"),
        ({"events": {"0": event()}}, "events"), ({"event": event()}, "events"), ({"events": [event()], "more": 1}, "more"),
        ({"events": [event()], "": 1}, ""), ({"events": [event()], "sent_at": 1}, "sent_at"),
        ({"events": [event()], "sent_at": []}, "sent_at"), ({"events": [event()], "sent_at": "soon"}, "sent_at"),
        ({"events": [event()], "sent_at": "2026-11-22"}, "sent_at"), ({"events": [event()], "__proto__": {}}, "__proto__"),
    ):  # fmt: skip
        yield Case("shape", ANSWERS, json.dumps(raw).encode(), 422, name)
    for item in (None, 1, "x", [], [event()], True, 1.5):
        yield Case("shape", ANSWERS, json.dumps({"events": [item]}).encode(), 422, "events.0.event")


def fields_of_the_wrong_kind() -> Iterator[Case]:
    objects: tuple[Any, ...] = ([], {}, True, 1.5)
    wrong: dict[str, tuple[Any, ...]] = {
        "id": (*objects, 1, "", "x", UUID[:-1], UUID + "0", UUID.replace("-", ""), f" {UUID}", f"{UUID}\n", "{" + UUID + "}"),
        "at": (*objects, 1, "", "now", "2026-11-22", "2026-11-22T10:00:00", "2026-13-01T00:00:00Z", "1969-12-31T23:59:59Z",
               "2026-02-30T00:00:00Z", "2026-11-22T25:00:00Z", "٢٠٢٦-11-22T10:00:00Z"),
        "question": (*objects, 1, "", "A", "-a", "a b", "a/b", "a" * 65, "ā", "a\n", "../x", "a\x00"[:1] + "%"),
        "question_version": (*objects, 0, -1, 10**7, "1"),
        "placement": (*objects, 1, "", "Search", "a b", "x" * 65),
        "answer": (*objects, 1, "", "x", UUID[:-1]),
        "value": (*objects, "", "x" * 201, "a\nb", "a\x7f"),
        "text": (*objects, 1, "", "x" * 2001),
        "final": ([], {}, 1, 0, "true", 1.5),
        "page": ([], True, 1, "https://shop.example/"),
        "search": ([], True, 1, "chair"),
        "product": (*objects, 1, "", "x" * 192, "a\nb"),
        "order_token": (*objects, 1, "", "x" * 4097),
    }  # fmt: skip
    for name, values in wrong.items():
        for value in values:
            yield Case("kind", ANSWERS, body_of(**{name: value}), 422, f"events.0.{name}")
    for group, inner, value in (
        ("page", "url", 1), ("page", "url", "x" * 2049), ("page", "url", "a\nb"), ("page", "lang", 1), ("page", "lang", "x"),
        ("page", "lang", "lv_"), ("page", "title", "x"), ("search", "id", "x"), ("search", "query", 1), ("search", "query", ""),
        ("search", "query", "x" * 501), ("search", "query", "a\tb"), ("search", "results", -1), ("search", "results", "3"),
        ("search", "results", 1.5), ("search", "position", 0), ("search", "more", 1),
    ):  # fmt: skip
        yield Case("kind", ANSWERS, body_of(**{group: {inner: value}}), 422, f"events.0.{group}.{inner}")


def controls() -> Iterator[Case]:
    for name, value in (
        ("text", "a\x00b"), ("text", "\x00"), ("value", "\x00"), ("product", "a\x00"), ("question", "a\x00"), ("id", UUID[:-1] + "\x00"),
        ("page", {"url": "\x00"}), ("search", {"query": "\x00"}), ("order_token", "\x00"), ("x\x00y", 1), ("at", "\x00"),
    ):  # fmt: skip
        yield Case("controls", ANSWERS, body_of(**{name: value}), 422, "events.0.event")
    yield Case("controls", ASKED, b"v1.1.\x00.x", 422, "order_token")


def types() -> Iterator[Case]:
    for name in (
        "order.placed", "order.updated", "order.completed", "order.refunded", "customer.updated", "customer.erased",
        "answer.quarantined", "answer.released", "answer.removed", "", "answer", "ANSWER.GIVEN", "answer.given ", "__class__", 1, [],
    ):  # fmt: skip
        yield Case("types", ANSWERS, body_of(type=name), 422, "events.0.type")
    yield Case("types", ANSWERS, body_of(type=...), 422, "events.0.type")
    yield Case("types", ANSWERS, body_of(type=None), 422, "events.0.type")


def missing() -> Iterator[Case]:
    required = {
        "question.shown": ("id", "at", "question"), "question.dismissed": ("id", "at", "question"),
        "question.skipped": ("id", "at", "question", "reason"), "answer.given": ("id", "at", "question", "value"),
        "search.performed": ("id", "at", "search"), "result.clicked": ("id", "at", "search"),
    }  # fmt: skip
    whole: dict[str, Any] = {"reason": "later", "search": {"query": "chair", "position": 1}}
    for name, needed in required.items():
        mine = {field: whole[field] for field in needed if field in whole}
        for field_ in needed:
            for gone in (..., None):
                yield Case("missing", ANSWERS, body_of(**{**mine, "type": name, field_: gone}), 422, f"events.0.{field_}")
    yield Case("missing", ANSWERS, body_of(type="search.performed", search={}), 422, "events.0.search.query")
    yield Case("missing", ANSWERS, body_of(type="result.clicked", search={"query": "a"}), 422, "events.0.search.position")


def strangers() -> Iterator[Case]:
    for name in ("order", "marks", "at_raw", "row", "key", "received", "shop", "source", "verified", "Value", "$where", "é", ""):
        yield Case("unknown field", ANSWERS, body_of(**{name: {"ref": "1"}}), 422, f"events.0.{name}")


def values() -> Iterator[Case]:
    for question, wrong in (
        ("order-rating", (0, 6, -1, "5", "five", 10**9)), ("search-found", (0, 1, "Yes", "ja", "yes ", "no no")),
    ):  # fmt: skip
        for value in wrong:
            yield Case("values", ANSWERS, body_of(question=question, value=value), 422, "events.0.value")


def tokens(shop: NewShop) -> Iterator[Case]:
    now = int(time.time())
    good = {"site": shop.site_key, "order": "1", "iat": now, "exp": now + 600, "jti": "j", "use": "rate"}
    secret = shop.order_token_secret
    whole = sign_order_token(secret, good)
    bad = [
        "v1", "....", "v1.1.e30.", whole[:-1], whole + "A", whole + ".", whole.replace("v1.", "v2."), whole.replace(".1.", ".2."),
        sign_order_token("ots_other", good), sign_order_token(secret, {**good, "site": "pk_other"}),
        sign_order_token(secret, {**good, "use": "claim"}), sign_order_token(secret, {**good, "order": ""}),
        sign_order_token(secret, {**good, "order": 1}), sign_order_token(secret, {**good, "order": "x" * 129}),
        sign_order_token(secret, {**good, "exp": str(now)}), sign_order_token(secret, {**good, "iat": None}),
        sign_order_token(secret, {**good, "exp": 1e99}), sign_order_token(secret, {**good, "line": 5}),
        sign_order_token(secret, {**good, "sku": "x"}), sign_order_token(secret, {"site": shop.site_key}),
        "eyJhbGciOiJub25lIn0.eyJvcmRlciI6IjEifQ.", "null", "{}",
    ]  # fmt: skip
    for token in bad:
        yield Case("tokens", ANSWERS, body_of(order_token=token), 422, "events.0.order_token")
        yield Case("tokens", ASKED, token.encode(), 422, "order_token")
    for raw in (b"", b" ", b"\xff", "ā".encode()):
        yield Case("tokens", ASKED, raw, 422, "order_token")


def media() -> Iterator[Case]:
    for route in (ANSWERS, ASKED):
        for media_type in (
            "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/html", "application/xml", "x", ";",
            "text/plain; charset=utf-16", "application/json; charset=latin-1", "application/json; charset=utf-8; q=1",
        ):  # fmt: skip
            yield Case("media", route, body_of(), 415, "content-type", headers={"Content-Type": media_type})
    packed = body_of()
    for name, raw in (
        ("gzip", gzip.compress(packed)), ("deflate", zlib.compress(packed)), ("br", b"x"), ("identity, gzip", packed), ("", packed),
        ("zstd", packed), ("GZIP", gzip.compress(b" " * 10_000_000)),
    ):  # fmt: skip
        yield Case("compressed", ANSWERS, raw, 415, "content-encoding", headers={"Content-Encoding": name})
    for media_type in ("text/plain", "application/xml", "multipart/form-data", "x"):
        yield Case("media", ENDPOINTS, b"{}", 415, "", headers={"Content-Type": media_type})


def strange_shops() -> Iterator[Case]:
    for key in (
        "pk_", "pk_nobody", "sk_x", "x" * 300, "pk_%00", "pk_%ff", "%F0%9F%98%80", "pk_'--", "pk_{{7*7}}", "pk_\\",
    ):  # fmt: skip
        for route in (ANSWERS, ASKED):
            yield Case("shop", route, body_of(), 404, "unknown_shop", path=f"/v1/shops/{key}/{route}")


def foreign_origins() -> Iterator[Case]:
    for origin in (
        "https://evil.example", "https://shop.example.evil.example", "https://evilshop.example", "https://", "x", "file://",
        "https://shop.example@evil.example", "https://[::1", "javascript:shop.example", "https://shop.example:99999",
    ):  # fmt: skip
        for route in (ANSWERS, ASKED):
            yield Case("origin", route, body_of(), 403, "origin", headers={"Origin": origin})


def methods() -> Iterator[Case]:
    for route in (ANSWERS, ASKED):
        for method in ("GET", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "post"):
            yield Case("method", route, None, 405, "method_not_allowed", method=method)
    for method in ("PUT", "PATCH", "DELETE"):
        yield Case("method", ENDPOINTS, None, 405, "method_not_allowed", method=method)


def owner_bodies() -> Iterator[Case]:
    as_json = {"Content-Type": "application/json"}
    for raw, name in (
        ([], ""), (None, ""), ("x", ""), (7, ""), ({}, "url"), ({"url": "https://a.example/"}, "types"),
        ({"url": 7, "types": ["answer.given"]}, "url"), ({"url": "x", "types": ["answer.given"]}, "url"),
        ({"url": "http://a.example/", "types": ["answer.given"]}, "url"), ({"url": "https://u:p@a.example/", "types": ["answer.given"]}, "url"),
        ({"url": "https://a.example:22/", "types": ["answer.given"]}, "url"),
        ({"url": "https://a.example/" + "x" * 3000, "types": ["answer.given"]}, "url"), ({"url": "\x00", "types": ["answer.given"]}, "url"),
        ({"url": "https://a.example/", "types": []}, "types"), ({"url": "https://a.example/", "types": "answer.given"}, "types"),
        ({"url": "https://a.example/", "types": ["no.such"]}, "types.0"), ({"url": "https://a.example/", "types": [7]}, "types.0"),
        ({"url": "https://a.example/", "types": {"a": 1}}, "types"),
        ({"url": "https://a.example/", "types": ["answer.given"], "more": 1}, "more"),
    ):  # fmt: skip
        yield Case("owner", ENDPOINTS, json.dumps(raw).encode(), 422, name, headers=as_json)
    for raw, name in (
        ([], ""), ({}, "origins"), ({"origins": 7}, "origins"), ({"origins": ["x"]}, "origins.0"), ({"origins": [7]}, "origins.0"),
        ({"origins": ["https://a.example/path"]}, "origins.0"), ({"origins": None}, "origins"), ({"origins": [], "more": 1}, "more"),
        ({"origins": ["*"]}, "origins.0"), ({"origins": ["null"]}, "origins.0"), ({"origins": ["\x00"]}, "origins.0"),
    ):  # fmt: skip
        yield Case("owner", ORIGINS, json.dumps(raw).encode(), 422, name, method="PUT", headers=as_json)
    for raw, name in (
        ([], "body"), ({"brand": "#12345\n"}, "brand"), ({"brand": "\x00000000"}, "brand"), ({"brand": "#\ud800ffff"}, "brand"),
        ({"brand": {"hex": "#123456"}}, "brand"), ({"radius": float("nan")}, "radius"), ({"radius": float("inf")}, "radius"),
        ({"radius": 10**400}, "radius"), ({"cooldown_hours": nested(900)}, "cooldown_hours"), ({"mode": "light\x00"}, "mode"),
        ({"\ud800": 1}, "?"), ({"text": "#fff0f0"}, "text"), ({"text": "#" + "0" * 60_000}, "text"),
    ):  # fmt: skip
        yield Case("owner", WIDGET, json.dumps(raw).encode(), 422, name, method="PUT", headers=as_json)
    for raw, name in (
        ([], "body"), (7, "body"), ({"paused": "yes"}, "paused"), ({"paused": 1}, "paused"), ({"paused": None}, "paused"), ({"url": None}, "url"),
        ({"url": "http://a.example/"}, "url"), ({"url": "https://a.example/\r\nx: y"}, "url"), ({"types": []}, "types"), ({"types": None}, "types"),
        ({"types": ["endpoint.test"]}, "types.0"), ({"secret": "mine"}, "secret"), ({"disabled": None}, "disabled"), ({"\ud800": 1}, "?"),
    ):  # fmt: skip
        path = "/v1/endpoints/ep_" + "0" * 24
        yield Case("owner", "/v1/endpoints/<endpoint>", json.dumps(raw).encode(), 422, name, "PATCH", as_json, path)
    for raw, status, name in (
        ([], 422, "body"), (None, 422, "body"), ({"from": 7}, 422, "from"), ({"from": "soon"}, 422, "from"), ({"to": "2026-13-01T00:00:00Z"}, 422, "to"),
        ({"from": None}, 422, "from"), ({"state": "due"}, 422, "state"), ({"state": "cancelled"}, 422, "state"), ({"endpoint": ""}, 422, "endpoint"),
        ({"endpoint": "x" * 65}, 422, "endpoint"), ({"endpoint": "a\x00"}, 422, "endpoint"), ({"shop": "shop_1"}, 422, "shop"),
        ({"state": "done"}, 409, "from"), ({"from": "2026-11-22T10:00:00Z", "to": "2026-11-22T10:00:00Z"}, 409, "to"),
        ({"from": "2026-11-22T10:00:00Z", "to": "2026-11-22T11:59:59+02:00"}, 409, "to"),
    ):  # fmt: skip
        yield Case("owner", REPLAY_ALL, json.dumps(raw).encode(), status, name, headers=as_json)
    private = json.dumps({"url": "https://127.0.0.1/", "types": ["answer.given"]}).encode()
    yield Case("owner", ENDPOINTS, private, 409, "url", headers=as_json)
    for key in ("x", "ep_0", "%00", "ep_" + "0" * 24, "a" * 500, "%F0%9F%98%80"):
        yield Case("owner", "/v1/endpoints/<endpoint>", None, 404, "", method="DELETE", path=f"/v1/endpoints/{key}")
        yield Case("owner", "/v1/endpoints/<endpoint>", b"{}", 404, "", "PATCH", as_json, f"/v1/endpoints/{key}")
        yield Case("owner", "/v1/endpoints/<endpoint>/secret", None, 404, "", path=f"/v1/endpoints/{key}/secret")
        yield Case("owner", TEST, None, 404, "", path=f"/v1/endpoints/{key}/test")
        yield Case("owner", "/v1/deliveries/<delivery>/replay", None, 404, "", path=f"/v1/deliveries/{key}/replay")


def questions() -> Iterator[Case]:
    as_json = {"Content-Type": "application/json"}
    mine = {"name": "q", "type": "yes_no", "placement": "product", "texts": {"lv": {"title": "?"}}}
    for raw, name in (
        ([], "body"), ({}, "name"), ({**mine, "name": "Q q"}, "name"), ({**mine, "type": "thumbs"}, "type"), ({**mine, "placement": "shelf"}, "placement"),
        ({**mine, "paused": 1}, "paused"), ({**mine, "settings": "delay"}, "settings"), ({**mine, "settings": {"delay": 3601}}, "settings.delay"),
        ({**mine, "settings": {"where": nested(30)}}, "settings.where.0"), ({**mine, "settings": {"selector": "a[b"}}, "settings.selector"),
        ({**mine, "settings": {"match": nested(900)}}, "settings.match"), ({**mine, "settings": {"\ud800": 1}}, "settings.?"),
        ({**mine, "texts": {"lv": {"title": "a\nb"}}}, "texts.lv.title"), ({**mine, "texts": {"lv": nested(900)}}, "texts.lv"),
        ({**mine, "texts": {"lv": {"title": "x" * 201}}}, "texts.lv.title"), ({**mine, "texts": {"x y": {"title": "?"}}}, "texts.x y"),
        ({**mine, "\ud800": 1}, "?"), ({"set": "none"}, "set"), ({"set": {}}, "set"), ({"set": "why-us", "type": "text"}, "type"),
    ):  # fmt: skip
        yield Case("question", QUESTIONS, json.dumps(raw).encode(), 422, name, headers=as_json)
        yield Case("question", PREVIEWS, json.dumps(raw).encode(), 422, name.replace("name", "type") if raw == {} else name, headers=as_json)
    for raw, status, name in (
        ([], 422, "body"), ({"name": "q"}, 422, "name"), ({"type": "stars"}, 409, "type"), ({"version": 99}, 409, "version"), ({"version": []}, 422, "version"),
        ({"placement": "link", "settings": {"delay": 1}}, 422, "settings.delay"), ({"settings": {"follow_up": {}}}, 422, "settings.follow_up"),
        ({"texts": {"en": {"\u0000": "x"}}}, 422, "texts.en.?"), ({"texts": None}, 422, "texts"),
    ):  # fmt: skip
        yield Case("question", QUESTION, json.dumps(raw).encode(), status, name, "PATCH", as_json, "/v1/questions/search-found")
    for raw in (b"", b"{", b"[" * 50_000, b"\xff"):
        yield Case("question", QUESTION, raw, 400, "", "PATCH", as_json, "/v1/questions/search-found")
        yield Case("question", QUESTIONS, raw, 400, "", headers=as_json)
    for key in ("x", "Search-Found", "%00", "a" * 500, "%F0%9F%98%80", "..%2f"):
        yield Case("question", QUESTION, b"{}", 404, "", "PATCH", as_json, f"/v1/questions/{key}")
        yield Case("question", QUESTION, None, 404, "", "DELETE", path=f"/v1/questions/{key}")


class Malformed:
    """The shop and its process."""

    def __init__(self, front: Shopfront) -> None:
        self.front = front

    def send(self, case: Case) -> Reply:
        path = case.path or (case.route if case.route.startswith("/") else f"{self.front.path}/{case.route}")
        headers = {name.replace("-", "_"): value for name, value in case.headers.items()}
        if not path.startswith("/v1/shops/"):
            headers["Authorization"] = f"Bearer {self.front.shop.api_key}"
        body = case.body
        if case.chunked:
            body = iter([body[start : start + 8000] for start in range(0, len(body), 8000)])
        return self.front.call(case.method, path, body, **headers)


@pytest.fixture(scope="module")
def malformed(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, valkey: ValkeyServer
) -> Iterator[Malformed]:
    folder = tmp_path_factory.mktemp("malformed")
    (folder / "atbalss.db").write_bytes(sqlite_template.read_bytes())
    with shopfront(folder / "data", f"sqlite:///{folder / 'atbalss.db'}", valkey.url, network_rate="1000000") as front:
        yield Malformed(front)


def hooks() -> Iterator[Case]:
    """To addresses that are none; what is sent to one that is: tests/integrations/test_contract.py."""
    unknown = f"/v1/hooks/woocommerce/con_{'0' * 24}"
    for body in (b"", b"{", b"\xff", b"webhook_id=1", b"[" * 60_000, b" " * 1024 * 1024):
        yield Case("hooks", HOOKS, body, 404, "not_found", path=unknown)
    for path in ("woocommerce", "woocommerce/", "nothing/x", "woocommerce/con_%00", "woocommerce/%FF", "webhook/" + unknown[-28:], "..%2f/x"):
        yield Case("hooks", HOOKS, b"{}", 404, "not_found", path=f"/v1/hooks/{path}")
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        yield Case("hooks", HOOKS, b"", 405, "method_not_allowed", method=method, path=unknown)
    for chunked in (False, True):
        yield Case("hooks", HOOKS, b" " * (1024 * 1024 + 1), 413, "too_large", path=unknown, chunked=chunked)


def points() -> Iterator[Case]:
    as_json = {"Content-Type": "application/json"}
    worth = {"kind": "fixed", "amount": "5.00", "currency": "EUR"}
    paid: dict[str, Any] = {"id": UUID, "points": 5, "coupon": worth}
    for raw, name in (
        ([], "body"), (None, "body"), ({}, "id"), ({**paid, "id": 7}, "id"), ({**paid, "id": "x"}, "id"), ({**paid, "id": f"{UUID}\n"}, "id"),
        ({**paid, "points": 0}, "points"), ({**paid, "points": -5}, "points"), ({**paid, "points": 5.0}, "points"), ({**paid, "points": "5"}, "points"),
        ({**paid, "points": True}, "points"), ({**paid, "points": 2**53}, "points"), ({**paid, "points": 10**400}, "points"),
        ({**paid, "points": float("nan")}, "points"), ({**paid, "coupon": "5 EUR"}, "coupon"), ({**paid, "coupon": {}}, "coupon.kind"),
        ({**paid, "coupon": {**worth, "kind": "gift"}}, "coupon.kind"), ({**paid, "coupon": {**worth, "amount": 5}}, "coupon.amount"),
        ({**paid, "coupon": {**worth, "amount": "1e9"}}, "coupon.amount"), ({**paid, "coupon": {**worth, "more": 1}}, "coupon.more"),
        ({**paid, "coupon": nested(900)}, "coupon"), ({**paid, "coupon": {**worth, "days": 0}}, "coupon.days"), ({**paid, "more": 1}, "more"),
        ({**paid, "reward": "x\x00"}, "reward"), ({**paid, "reward": ["x"]}, "reward"), ({**paid, "\ud800": 1}, "?"),
    ):  # fmt: skip
        yield Case("points", REDEEM, json.dumps(raw).encode(), 422, name, headers=as_json, path="/v1/points/4711/redeem")
    for raw, name in (
        ([], "body"), ({}, "id"), ({"id": UUID, "points": 5}, "reason"), ({"id": UUID, "points": 5, "reason": ""}, "reason"),
        ({"id": UUID, "points": 5, "reason": "a\x00"}, "reason"), ({"id": UUID, "points": 5, "reason": "x" * 501}, "reason"),
        ({"id": UUID, "points": 5, "reason": "\ud800"}, "reason"), ({"id": UUID, "points": 0, "reason": "x"}, "points"),
        ({"id": UUID, "points": 10**10, "reason": "x"}, "points"), ({"id": UUID, "points": None, "reason": "x"}, "points"),
        ({"id": UUID, "points": -(2**63), "reason": "x"}, "points"), ({"id": UUID, "points": 1, "reason": "x", "rule": "y"}, "rule"),
    ):  # fmt: skip
        yield Case("points", ADJUST, json.dumps(raw).encode(), 422, name, headers=as_json, path="/v1/points/4711/adjust")
    reward = {"name": "off", "points": 5, "coupon": worth}
    for raw, name in (
        ([], "body"), ({"return_days": -1}, "return_days"), ({"return_days": 366}, "return_days"), ({"return_days": None}, "return_days"),
        ({"return_days": "14"}, "return_days"), ({"expire_days": 0}, "expire_days"), ({"expire_days": 10**9}, "expire_days"), ({"rewards": {}}, "rewards"),
        ({"rewards": [reward] * 51}, "rewards"), ({"rewards": [reward, reward]}, "rewards.1.name"), ({"rewards": ["off"]}, "rewards.0"),
        ({"rewards": [{**reward, "points": 0}]}, "rewards.0.points"), ({"rewards": [{**reward, "coupon": {**worth, "currency": None}}]}, "rewards.0.coupon.currency"),
        ({"rewards": [{**reward, "coupon": {**worth, "amount": "0"}}]}, "rewards.0.coupon.amount"),
        ({"rewards": [{**reward, "coupon": {**worth, "amount": "0.001"}}]}, "rewards.0.coupon.amount"),
        ({"rewards": [{**reward, "coupon": {"kind": "fixed", "amount": "999999999999.9999", "currency": "CLF"}}]}, "rewards.0.coupon.amount"),
        ({"rewards": [{**reward, "coupon": {"kind": "percent", "amount": "100.01"}}]}, "rewards.0.coupon.amount"),
        ({"rewards": [{**reward, "coupon": {"kind": "percent", "amount": "5", "currency": "EUR"}}]}, "rewards.0.coupon.currency"),
    ):  # fmt: skip
        yield Case("points", LOYALTY, json.dumps(raw).encode(), 422, name, "PUT", as_json)
    for key in ("4711", "%00", "a" * 500, "%F0%9F%98%80", "%2e%2e", "%27--", "erased:0"):
        yield Case("points", REDEEM, json.dumps(paid).encode(), 404, "", headers=as_json, path=f"/v1/points/{key}/redeem")
        yield Case("points", ADJUST, json.dumps({"id": UUID, "points": 1, "reason": "x"}).encode(), 404, "", headers=as_json, path=f"/v1/points/{key}/adjust")
    for raw in (b"", b"{", b"[" * 50_000, b"\xff"):
        yield Case("points", REDEEM, raw, 400, "", headers=as_json, path="/v1/points/4711/redeem")


def rules() -> Iterator[Case]:
    as_json = {"Content-Type": "application/json"}
    mine = {"name": "r", "when": "answer.given", "then": [{"points": 5}]}
    per = {"points": 1, "amount": "1.00", "currency": "EUR"}
    for raw, name in (
        ([], "body"), ({}, "name"), ({**mine, "name": ""}, "name"), ({**mine, "name": "a\x00"}, "name"), ({**mine, "when": "order.lost"}, "when"),
        ({**mine, "then": []}, "then"), ({**mine, "then": {"points": 5}}, "then"), ({**mine, "then": [{}]}, "then.0"), ({**mine, "then": [5]}, "then.0"),
        ({**mine, "then": [{"points": 5}, {"points": 6}]}, "then.1"), ({**mine, "then": [{"points": 5, "mail": {}}]}, "then.0"),
        ({**mine, "then": [{"points": 5}] * 6}, "then"), ({**mine, "then": [{"points": 0}]}, "then.0.points"), ({**mine, "then": [{"points": 1e3}]}, "then.0.points"),
        ({**mine, "then": [{"points": 2**70}]}, "then.0.points"), ({**mine, "then": [{"points": True}]}, "then.0.points"), ({**mine, "then": nested(900)}, "then.0"),
        ({**mine, "then": [{"coupon": {"kind": "percent", "amount": "101"}}]}, "then.0.coupon.amount"), ({**mine, "then": [{"coupon": {"kind": "fixed", "amount": "5"}}]}, "then.0.coupon.currency"),
        ({**mine, "then": [{"coupon": {"kind": "fixed", "amount": "0.004", "currency": "EUR"}}]}, "then.0.coupon.amount"), ({**mine, "then": [{"coupon": "10%"}]}, "then.0.coupon"),
        ({**mine, "when": "order.completed", "then": [{"points_per": {**per, "amount": "0.001"}}]}, "then.0.points_per.amount"),
        ({**mine, "then": [{"points_per": per}]}, "then.0.points_per"), ({**mine, "then": [{"webhook": {"endpoint": "ep_1"}}]}, "then.0.webhook.endpoint"),
        ({**mine, "if": []}, "if"), ({**mine, "if": {"colour": ["red"]}}, "if.colour"), ({**mine, "if": {"question": []}}, "if.question"), ({**mine, "if": {"question": "q"}}, "if.question"),
        ({**mine, "if": {"value": {"max": 3}}}, "if.value"), ({**mine, "if": {"segment": ["\ud800"]}}, "if.segment.0"), ({**mine, "if": {"score": {"min": 1}}}, "if.score"),
        ({**mine, "when": "score.updated", "if": {"metric": "nps", "score": {"max": 1}}}, "then.0.points"), ({**mine, "when": "score.updated", "then": [{"mail": {}}]}, "if.metric"),
        ({**mine, "when": "score.updated", "if": {"metric": "nps", "score": {"min": float("nan")}}, "then": [{"mail": {}}]}, "if.score.min"),
        ({**mine, "when": "score.updated", "if": {"metric": "nps", "score": {"min": float("inf")}}, "then": [{"mail": {}}]}, "if.score.min"),
        ({**mine, "when": "order.refunded"}, "then.0.points"), ({**mine, "when": "customer.silent"}, "if.days"), ({**mine, "caps": {"customer": -1}}, "caps.customer"),
        ({**mine, "caps": {"coupons": {"day": 1}}}, "caps.coupons"), ({**mine, "return_days": 366}, "return_days"), ({**mine, "starts": "tomorrow"}, "starts"),
        ({**mine, "starts": "2026-12-01T00:00:00Z", "ends": "2026-12-01T00:00:00Z"}, "ends"), ({**mine, "if": {"order_value": {"min": "-1", "currency": "EUR"}}}, "if.order_value.min"),
        ({**mine, "if": {"order_value": {"min": "2", "max": "1", "currency": "EUR"}}}, "if.order_value"), ({**mine, "\ud800": 1}, "?"), ({**mine, "active": "yes"}, "active"),
    ):  # fmt: skip
        for route in (RULES, DRY_RUN):
            yield Case("rule", route, json.dumps(raw).encode(), 422, name, headers=as_json)
    known = f"/v1/rules/rule_{'0' * 24}"
    for raw, status, name in (
        ([], 422, "body"), ({"active": 1}, 422, "active"), ({"version": "1"}, 422, "version"), ({"rule": "x"}, 422, "rule"), ({"active": False}, 404, "not_found"),
    ):  # fmt: skip
        yield Case("rule", RULE, json.dumps(raw).encode(), status, name, "PATCH", as_json, known)
    for raw in (b"", b"{", b"[" * 50_000, b"\xff"):
        yield Case("rule", RULES, raw, 400, "", headers=as_json)
    yield Case("rule", RULE, b"", 404, "not_found", "DELETE", path=known)


def connections() -> Iterator[Case]:
    as_json = {"Content-Type": "application/json"}
    url = {"url": "https://example.com/"}
    for raw, name in (
        ([], "body"), ({}, "platform"), ({"platform": 5}, "platform"), ({"platform": "none"}, "platform"), ({"platform": "webhook"}, "settings.url"),
        ({"platform": "webhook", "settings": []}, "settings"), ({"platform": "webhook", "settings": {"url": 5}}, "settings.url"),
        ({"platform": "webhook", "settings": {**url, "\ud800": "a"}}, "settings.?"), ({"platform": "webhook", "settings": {"url": "https://a\x00.example"}}, "settings.url"),
        ({"platform": "webhook", "settings": {"url": "https://\ud800.example"}}, "settings.url"), ({"platform": "webhook", "settings": nested(900)}, "settings"),
        ({"platform": "webhook", "settings": {**url, "secret": "\x7f"}}, "settings.secret"), ({"platform": "webhook", "settings": {"url": "x" * 9_000}}, "settings.url"),
        ({"platform": "webhook", "settings": url, "name": ""}, "name"), ({"platform": "webhook", "settings": url, "name": "a\nb"}, "name"), ({"platform": "webhook", "settings": url, "id": "x"}, "id"),
    ):  # fmt: skip
        yield Case("connection", CONNECTIONS, json.dumps(raw).encode(), 422, name, headers=as_json)
    known = f"/v1/connections/con_{'0' * 24}"
    for raw, status, name in (
        ([], 422, "body"), ({"paused": 1}, 422, "paused"), ({"platform": "webhook"}, 422, "platform"), ({"paused": True}, 404, "not_found"),
        ({"settings": {"url": "https://example.com/"}}, 404, "not_found"),
    ):  # fmt: skip
        yield Case("connection", CONNECTION, json.dumps(raw).encode(), status, name, "PATCH", as_json, known)
    yield Case("connection", CONNECTION, b"", 404, "not_found", "DELETE", path=known)
    yield Case("connection", f"{CONNECTION}/test", b"", 404, "not_found", path=f"{known}/test")
    for key in ("x", "con_0", "%00", "a" * 500, "%F0%9F%98%80"):
        yield Case("connection", f"{CONNECTION}/test", b"", 404, "", path=f"/v1/connections/{key}/test")


FAMILIES = (
    syntax, encoding, numbers, depth_and_size, shape, fields_of_the_wrong_kind, controls, types, missing, strangers, values,
    media, strange_shops, foreign_origins, methods, owner_bodies, questions, points, hooks, rules, connections,
)  # fmt: skip
CASES = [case for family in FAMILIES for case in family()]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_malformed(malformed: Malformed, case: Case) -> None:
    check(case, malformed.send(case))


def test_malformed_tokens(malformed: Malformed) -> None:
    for case in tokens(malformed.front.shop):
        check(case, malformed.send(case))


def check(case: Case, reply: Reply) -> None:
    assert reply.status == case.status, reply.body[:300]
    said = reply.json
    assert set(said) == {"code", "message", "errors"}
    assert case.names in said["errors"] or case.names in ("", said["code"]), said
    if case.names and case.names not in said["errors"]:
        assert said["code"] == case.names
    if case.path.startswith("/v1/shops/") or not case.route.startswith("/"):
        assert reply.headers["access-control-allow-origin"] == "*"
        assert "X-Atbalss-Reason" in reply.headers["access-control-expose-headers"]
        assert reply.headers["x-atbalss-reason"].isprintable()


def test_there_are_300_and_every_write_route_is_met(malformed: Malformed) -> None:
    every = [*CASES, *tokens(malformed.front.shop)]
    assert len(every) >= 300
    assert {case.route for case in every} == WRITE_ROUTES
    assert min(Counter(case.route for case in every).values()) >= 5


def test_nothing_malformed_was_stored(malformed: Malformed, valkey: ValkeyServer) -> None:
    with valkey.client() as client:
        before = client.xlen("atbalss:intake")
        for case in CASES[::7]:
            malformed.send(case)
        assert client.xlen("atbalss:intake") == before


RAW = (
    b"\r\n\r\n", b"GET\r\n\r\n", b"\x00\x01\x02\r\n\r\n", b"POST / HTTP/9.9\r\nHost: x\r\n\r\n", b"POST /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST %b/answers HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"POST %b/answers HTTP/1.1\r\nHost: x\r\nContent-Length: 1e3\r\n\r\n",
    b"POST %b/answers HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"POST %b/answers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    b"POST %b/answers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    b"POST %b/answers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, x\r\n\r\nhello",
    b"POST %b/answers HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST %b/answers HTTP/1.1\r\nHost: x\r\nX: \x0b\r\nContent-Length: 2\r\n\r\n{}", b"POST %b/answers HTTP/1.1\r\nHost : x\r\n\r\n",
    b"POST %b/answers HTTP/1.1\r\nHost: x\r\nContent-Type: \xff\r\nContent-Length: 2\r\n\r\n{}",
    b"POST %b/answers HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 5000 + b"\r\n", b"POST /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST http://evil.example%b/answers HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST %b/answers HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 2\r\n\r\n{}",
)  # fmt: skip


@pytest.mark.parametrize("raw", RAW, ids=lambda raw: str(len(raw)))
def test_broken_http_is_a_4xx_or_a_closed_connection(malformed: Malformed, raw: bytes) -> None:
    host, port = malformed.front.netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=15) as sock:
        sock.sendall(raw.replace(b"%b", malformed.front.path.encode()))
        try:
            sock.shutdown(socket.SHUT_WR)
            reply = sock.recv(65536)
        except OSError:
            reply = b""
    assert reply == b"" or reply.startswith(b"HTTP/1.1 4"), reply[:200]
    assert malformed.front.send(event(id=str(uuid.uuid4()))).status == 202  # and it goes on
