"""/docs: every route is on it, and its examples run as they stand."""

import re
import shlex
from html import unescape
from typing import Any

import pytest

from tests.pipeline.envelopes import NOW
from tests.web.conftest import World, answer, finish
from widget_server.act import loyalty
from widget_server.act.notices import TYPES
from widget_server.contract.placing import SETTINGS
from widget_server.record import connections
from widget_server.web.app import resources


def examples() -> dict[str, str]:
    return {route.name: route.example for resource in resources().values() for route in resource.routes}


def parse_curl(line: str) -> tuple[str, str, dict[str, str], str | None]:
    """What curl would send: method, address, headers, body."""
    words = shlex.split(line)
    assert words.pop(0) == "curl"
    method, url, headers, data = "GET", "", {}, None
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-d":
            data = words.pop(0)
        else:
            url = word
    return method, url, headers, data


@pytest.mark.parametrize("name", sorted(examples()))
def test_an_example_runs_as_it_stands(full_world: World, name: str) -> None:
    finish(full_world)
    full_world.send(answer("order-rating", 1, order={"ref": "A-17", "line": None, "sku": []}))
    with full_world.database.writing() as conn:
        loyalty.adjust(conn, full_world.shop.id, "4711", "docs", 1000, "a present", NOW)
    line = unescape(page(full_world)[name])
    for variable, value in (
        ("$HOST", "http://localhost:8000"),
        ("$KEY", full_world.shop.api_key),
        ("$ENDPOINT", full_world.endpoint),
        ("$CASE", full_world.case),
        ("$RULE", full_world.rule),
        ("$DELIVERY", full_world.delivery),
        ("$CONNECTION", full_world.connection),
    ):
        line = line.replace(variable, value)
    assert "$" not in line
    method, url, headers, data = parse_curl(line)
    path = url.removeprefix("http://localhost:8000")
    reply = full_world.client.open(path, method=method, headers=headers, data=data)
    assert 200 <= reply.status_code < 300, reply.text


def page(world: World) -> dict[str, str]:
    """The example of each route, as the page shows it."""
    text = world.client.get("/docs").text
    found = re.findall(r'<article id="([^"]+)">.*?<pre[^>]*><code>(.*?)</code></pre>', text, re.S)
    return dict(found)


def test_everything_is_on_the_page(small_world: World) -> None:
    shown: Any = page(small_world)
    assert set(shown) == set(examples()) | {"ask", "answers_post", "asked", "hook"}
    text = small_world.client.get("/docs").text
    ids = re.findall(r'id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)


def test_the_example_of_a_platforms_webhook_runs_as_it_stands(small_world: World) -> None:
    with small_world.database.writing() as conn:
        made = connections.create(conn, small_world.shop.id, "woocommerce", "w", {"secret": "s"}, NOW)
    line = unescape(page(small_world)["hook"]).replace("$HOST", "http://localhost:8000").replace("$CONNECTION", made.id)
    method, url, headers, data = parse_curl(line)
    reply = small_world.client.open(url.removeprefix("http://localhost:8000"), method=method, headers=headers, data=data)
    assert (reply.status_code, reply.json) == (200, {})


def test_every_webhook_type_is_in_the_table(small_world: World) -> None:
    (table,) = re.findall(r'aria-label="Webhook types">.*?</table>', small_world.client.get("/docs").text, re.DOTALL)
    assert sorted(re.findall(r'<th scope="row"><code>([^<]+)</code>', table)) == sorted(TYPES)


def test_every_setting_of_a_question_is_explained(small_world: World) -> None:
    section = small_world.client.get("/docs").text.partition('<section id="question-settings">')[2].partition("</section>")[0]
    assert re.findall(r'<th scope="row"><code>([a-z_]+)</code></th>', section) == list(SETTINGS)


def test_the_icon_is_there_by_the_name_that_browsers_guess(small_world: World) -> None:
    with small_world.client.get("/favicon.ico") as reply:
        assert (reply.status_code, reply.mimetype) == (200, "image/svg+xml")
