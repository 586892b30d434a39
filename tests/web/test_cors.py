"""Who may read the owner API from a page: nobody, unless the shop whose key is shown has named the page's origin."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.web.conftest import World

PANEL = "https://panel.shop.example"
ALLOWED = "Access-Control-Allow-Origin"


def name(world: World, *origins: str) -> TestResponse:
    return world.call("PUT", "/v1/origins", world.shop.api_key, json={"origins": list(origins)})


def preflight(world: World, origin: str, method: str = "GET") -> TestResponse:
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization"}
    return world.client.options("/v1/questions", headers=asked)


def from_page(world: World, origin: str, key: str) -> TestResponse:
    return world.call("GET", "/v1/questions", key, headers={"Origin": origin})


def test_no_page_may_read_it_unless_named(small_world: World) -> None:
    for origin in (PANEL, "https://shop.example", "null", "https://evil.example"):
        assert ALLOWED not in preflight(small_world, origin).headers
        assert ALLOWED not in from_page(small_world, origin, small_world.shop.api_key).headers


def test_a_named_origin_may(world: World) -> None:
    assert name(world, PANEL, PANEL, "http://localhost:3000").json == {"origins": ["http://localhost:3000", PANEL]}
    asked = preflight(world, PANEL)
    assert asked.status_code == 200
    assert asked.headers[ALLOWED] == PANEL
    assert asked.headers["Access-Control-Allow-Headers"] == "authorization"
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(asked.headers["Access-Control-Allow-Methods"].split(", "))
    reply = from_page(world, PANEL, world.shop.api_key)
    assert (reply.status_code, reply.headers[ALLOWED]) == (200, PANEL)
    assert "Origin" in reply.headers["Vary"]
    for answered in (asked, reply):
        assert "Access-Control-Allow-Credentials" not in answered.headers


def test_one_shops_origin_is_not_anothers(small_world: World) -> None:
    name(small_world, PANEL)
    assert ALLOWED not in from_page(small_world, PANEL, small_world.neighbour.api_key).headers
    assert ALLOWED not in from_page(small_world, PANEL, "").headers


@pytest.mark.parametrize(
    "origin", ["https://panel.shop.example.evil.example", "https://panelxshop.example", "http://panel.shop.example",
               "https://panel.shop.example:8443", "https://PANEL.shop.example", "null", "https://panel.shop.example/"]
)  # fmt: skip
def test_nearly_the_named_origin_is_another(small_world: World, origin: str) -> None:
    name(small_world, PANEL)
    assert ALLOWED not in preflight(small_world, origin).headers
    assert ALLOWED not in from_page(small_world, origin, small_world.shop.api_key).headers


def test_naming_others_takes_it_back(small_world: World) -> None:
    name(small_world, PANEL)
    name(small_world)
    assert small_world.get("/v1/origins").json == {"origins": []}
    assert ALLOWED not in preflight(small_world, PANEL).headers


@pytest.mark.parametrize("origins", [["*"], ["null"], ["https://a.example/path"], [".*"], ["https://a.example\n"], "x", [7], None])
def test_what_is_no_origin_is_refused(small_world: World, origins: Any) -> None:
    reply = small_world.call("PUT", "/v1/origins", small_world.shop.api_key, json={"origins": origins})
    assert reply.status_code == 422
    assert next(iter(reply.json["errors"])).startswith("origins")
