"""The preview: what `ask` would say, behind a link that is signed, ends after an hour and leads to nothing else."""

import json
import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from werkzeug.test import TestResponse

from tests.web.conftest import World
from widget_server.contract.sets import SETS
from widget_server.intake.ask import Asking, ask
from widget_server.record import questions, shops
from widget_server.web.preview import LONGEST


def preview(world: World, body: Any) -> Any:
    reply = world.call("POST", "/v1/previews", world.shop.api_key, json=body)
    assert reply.status_code == 201, reply.text
    return reply.json


def open_page(world: World, url: str, inner: bool = False) -> TestResponse:
    parts = urlsplit(url)
    return world.client.get(f"{parts.path}{'/page' if inner else ''}?{parts.query}")


def data_of(page: TestResponse) -> Any:
    found = re.search(r'<script type="application/json" id="preview">(.*?)</script>', page.text, re.S)
    assert found
    return json.loads(unescape(found[1]))


def test_a_saved_question_is_shown_as_ask_tells_it(world: World) -> None:
    made = preview(world, {"question": "order-rating", "lang": "lt"})
    with world.database.writing() as conn:
        questions.delete(conn, world.shop.id, "search-found")
        shop = shops.by_id(conn, world.shop.id)
    assert shop is not None
    assert made["ask"] == ask(shop, Asking("lt"))
    page = data_of(open_page(world, made["url"], inner=True))
    assert (page["question"], page["language"]) == (made["ask"]["questions"][0], "lt")


def test_changes_are_shown_and_not_saved(small_world: World) -> None:
    before = small_world.get("/v1/questions").text
    made = preview(small_world, {"question": "order-rating", "texts": {"en": {"title": "<b>Well?</b>"}}, "placement": "product", "lang": "en"})
    page = open_page(small_world, made["url"], inner=True)
    assert data_of(page)["question"]["texts"]["title"] == "<b>Well?</b>"
    assert "<b>Well?" not in page.text
    assert small_world.get("/v1/questions").text == before


def test_a_question_for_pages_yet_to_be_named_can_be_looked_at(small_world: World) -> None:
    body = {"type": "yes_no", "placement": "page", "texts": {"lv": {"title": "Viss skaidrs?"}}}
    assert data_of(open_page(small_world, preview(small_world, body)["url"], inner=True))["question"]["texts"]["title"] == "Viss skaidrs?"
    refused = small_world.call("POST", "/v1/previews", small_world.shop.api_key, json={**body, "settings": {"where": []}})
    assert "settings.where" in refused.json["errors"]


@pytest.mark.parametrize("name", sorted(SETS))
def test_every_set_can_be_looked_at_in_every_language(small_world: World, name: str) -> None:
    made = preview(small_world, {"set": name})
    assert len(urlsplit(made["url"]).path) <= LONGEST + 20
    frame = open_page(small_world, made["url"])
    for lang in SETS[name].texts:
        assert f'href="?lang={lang}&amp;look=&amp;width="' in frame.text
        page = data_of(open_page(small_world, made["url"].partition("?")[0] + f"?lang={lang}", inner=True))
        assert page["question"]["texts"] == SETS[name].texts[lang]


def test_the_longest_question_has_a_link_too(small_world: World) -> None:
    langs = [f"l{chr(97 + n)}" for n in range(26)]
    texts = {lang: {"title": "".join(chr(0x0400 + (n * n * 37 + ord(lang[1]) * 11 * n) % 250) for n in range(200)), "yes": "y", "no": "n", "close": "c", "thanks": "t"}
             for lang in langs}  # fmt: skip
    body = {"type": "yes_no", "placement": "order", "settings": {"follow_up": "never"}, "texts": texts, "lang": "lq"}
    made = preview(small_world, body)
    assert len(urlsplit(made["url"]).path) <= LONGEST + 20
    assert data_of(open_page(small_world, made["url"], inner=True))["question"]["texts"] == texts["lq"]


def test_look_width_and_language_are_chosen_by_links(small_world: World) -> None:
    url = preview(small_world, {"question": "search-found", "lang": "lv"})["url"].partition("?")[0]
    frame = open_page(small_world, f"{url}?lang=ru&look=dark&width=phone")
    assert len(re.findall(r'aria-current="true"', frame.text)) == 3
    assert re.search(r'<iframe [^>]*class="phone" src="[^"]+/page\?lang=ru&amp;look=dark&amp;width=phone"', frame.text)
    page = open_page(small_world, f"{url}?lang=ru&look=dark", inner=True)
    assert 'data-look="dark"' in page.text
    assert (data_of(page)["widget"], data_of(page)["language"]) == ({"mode": "dark"}, "ru")
    # Whatever an address asks for, it gets one of what there is.
    odd = open_page(small_world, f"{url}?lang=%3Cscript%3E&look=%22x&width=1e9", inner=True)
    assert (odd.status_code, data_of(odd)["language"]) == (200, "en")
    assert "<script>" not in odd.text and 'data-look=""' in odd.text


def test_it_is_closed_to_the_world(small_world: World) -> None:
    url = preview(small_world, {"question": "search-found"})["url"]
    for inner in (False, True):
        reply = open_page(small_world, url, inner)
        headers = reply.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "connect-src" not in policy
        assert headers["X-Robots-Tag"] == "noindex, nofollow"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Frame-Options"] == ("SAMEORIGIN" if inner else "DENY")
        assert "style=" not in reply.text
        assert small_world.shop.api_key not in reply.text and small_world.shop.order_token_secret not in reply.text


def test_it_ends_after_an_hour(world: World) -> None:
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        made = preview(world, {"question": "search-found"})
        assert made["expires"] == "2027-01-15T09:00:00.000Z"
        clock.shift(3600)
        assert open_page(world, made["url"]).status_code == 200
        clock.shift(1)
        for inner in (False, True):
            over = open_page(world, made["url"], inner)
            assert (over.status_code, "This link is over" in over.text) == (404, True)
            assert over.headers["X-Robots-Tag"] == "noindex, nofollow"


def test_nobody_can_make_a_link(small_world: World) -> None:
    url = preview(small_world, {"set": "why-us", "lang": "lv"})["url"].partition("?")[0]
    token = url.rpartition("/")[2]
    body, _, mac = token.partition(".")
    other = {True: "B", False: "A"}
    changed = (f"{body[:-1]}{other[body[-1] == 'A']}.{mac}", f"{body}.{other[mac[0] == 'A']}{mac[1:]}")
    for forged in (body, f"{body}.", f".{mac}", *changed, "x", "%C4%81.x", f"{mac}.{body}", "." * 3000):
        assert open_page(small_world, f"/preview/{forged}").status_code == 404
        assert open_page(small_world, f"/preview/{forged}", inner=True).status_code == 404
    assert open_page(small_world, url).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "type"), ({"question": "nobody"}, 404, None), ({"question": "search-found", "set": "why-us"}, 422, "set"),
        ({"question": "search-found", "lang": "latviski, lūdzu"}, 422, "lang"), ({"question": "search-found", "settings": {"delay": -1}}, 422, "settings.delay"),
        ({"set": "why-us", "texts": {"lv": {"title": ""}}}, 422, "texts.lv.title"), ({"question": "search-found", "version": 1}, 422, "version"),
    ],
)  # fmt: skip
def test_what_can_t_be_shown_is_refused_and_named(small_world: World, body: Any, status: int, field: str | None) -> None:
    reply = small_world.call("POST", "/v1/previews", small_world.shop.api_key, json=body)
    assert reply.status_code == status
    assert field is None or field in reply.json["errors"]


def test_a_neighbours_link_shows_the_neighbours_question(world: World) -> None:
    mine = preview(world, {"question": "search-found", "lang": "lv"})
    theirs = world.call("POST", "/v1/previews", world.neighbour.api_key, json={"question": "search-found", "lang": "lv"}).json
    assert mine["ask"]["shop"]["name"] == "Shop"
    assert theirs["ask"]["shop"]["name"] == "Neighbour"
    assert "Neighbour" in open_page(world, theirs["url"]).text
