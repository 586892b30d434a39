"""The demo shop by itself: what a shopper finds, and what its server tells Atbalss."""

import json
import re
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from widget_server.contract import passwords
from widget_server.contract.events import EVENT_TYPES, check_browser_event
from widget_server.contract.times import format_time
from widget_server.contract.tokens import verify_order_token
from widget_server.demo import catalogue, history, tenant
from widget_server.demo.shop import Demo, create_app
from widget_server.intake.ask import Asking, ask
from widget_server.record import accounts, members, shops
from widget_server.record.db import Database

LANGUAGES = ("lv", "lt", "en")
DEMO = Demo("http://127.0.0.1:8000", "pk_demo", "ots_demo-secret", "cookie-secret")
NOW = 1_763_800_000_000


@pytest.fixture
def told() -> list[Mapping[str, Any]]:
    return []


@pytest.fixture
def client(told: list[Mapping[str, Any]]) -> FlaskClient:
    app = create_app(DEMO, told.append)
    app.testing = True
    return app.test_client()


def test_every_page_in_every_language(client: FlaskClient) -> None:
    stock = catalogue.load()
    assert len(stock.products) == 40
    assert len({p.sku for p in stock.products}) == 40
    for lang in LANGUAGES:
        for path in ("", *(f"c/{c.slug}" for c in stock.categories), *(f"p/{p.slug}" for p in stock.products), "basket"):
            page = client.get(f"/{lang}/{path}")
            assert page.status_code == 200, path
            assert f'<html lang="{lang}">' in page.text
            assert page.text.count('<script async src="http://127.0.0.1:8000/widget.js" data-shop="pk_demo"></script>') == 1
            for file in set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)):
                with client.get(file) as reply:
                    assert reply.status_code == 200, file


def test_the_policy_leaves_nothing_but_atbalss(client: FlaskClient) -> None:
    page = client.get("/lv/search?q=pirts")
    policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert policy["script-src"] == policy["connect-src"] == "http://127.0.0.1:8000"
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in str(policy)
    assert not re.search(r'\sstyle="|<style|\son\w+="', page.text)


def test_the_front_page_is_in_the_language_of_the_browser(client: FlaskClient) -> None:
    for wanted, lang in (("lt,en;q=0.5", "lt"), ("de", "lv"), ("en-GB", "en")):
        assert client.get("/", headers={"Accept-Language": wanted}).location == f"/{lang}/"


@pytest.mark.parametrize(
    ("lang", "query", "found"),
    [
        ("lv", "berza slota", ["whisk"]),
        ("lv", "BĒRZA  slota", ["whisk"]),
        ("lv", "slotas", []),
        ("lv", "wool", []),
        ("lt", "kuprine", ["backpack"]),
        ("en", "woool", []),
        ("en", "gift card", []),
        ("en", "???", []),
    ],
)
def test_search_folds_diacritics_and_puts_nothing_right(lang: str, query: str, found: list[str]) -> None:
    assert [p.slug for p in catalogue.load().search(query, lang)] == found


def test_a_search_is_told_by_attributes_by_json_or_by_the_page_alone(client: FlaskClient) -> None:
    latvian = client.get("/lv/search", query_string={"q": 'pirts "'}).text
    assert '<div data-atbalss-query="pirts &#34;" data-atbalss-results="9"></div>' in latvian
    english = client.get("/en/search", query_string={"q": "</script><b>"}).text
    block = re.search(r'<script type="application/json" data-atbalss>(.*?)</script>', english)
    assert block is not None
    assert json.loads(block[1]) == {"search": {"query": "</script><b>", "results": 0}}
    lithuanian = client.get("/lt/search?q=medus").text
    assert set(re.findall(r"data-atbalss[-a-z]*", lithuanian)) == {"data-atbalss-product"}
    assert '<p class="lead search-count">Rasta prekių: 2</p>' in lithuanian


def test_an_order_is_told_and_its_token_is_good(client: FlaskClient, told: list[Mapping[str, Any]]) -> None:
    for slug in ("bucket", "honey", "honey"):
        assert client.post("/lv/basket", data={"product": slug}).location == "/lv/basket"
    assert client.post("/lv/checkout", data={"name": "A", "email": "a@shop.example"}).location == "/lv/thank-you"
    page = client.get("/lv/thank-you").text
    token = re.search(r'data-atbalss-order-token="([^"]+)"', page)
    assert token is not None
    claims = verify_order_token(token[1], DEMO.order_token_secret, site="pk_demo", use="rate", now=int(time.time()))
    assert claims.sku == ("MM-102", "MM-403")
    assert claims.locale == "lv"
    (order,) = told
    assert order["ref"] == claims.order
    assert order["total"] == "54.80"  # 39.00 + 2 * 7.90, from 50 on without delivery
    assert [(line["product"], line["quantity"]) for line in order["lines"]] == [("MM-102", 1), ("MM-403", 2)]
    event = {"type": "order.placed", "id": "0f6e3c1e-6b0a-4f3e-9a35-0d1c7f2f6f01", "at": format_time(NOW), "order": order}
    assert EVENT_TYPES["order.placed"].check(event) == {}
    assert "MM-" not in client.get("/lv/basket").text  # it is empty now


def test_the_thank_you_page_is_for_who_ordered(client: FlaskClient, told: list[Mapping[str, Any]]) -> None:
    assert client.get("/en/thank-you").location == "/en/"
    assert client.post("/en/checkout").location == "/en/basket"
    assert told == []


def test_only_the_page_of_a_product_says_which_one_it_is(client: FlaskClient) -> None:
    bucket = catalogue.load().product("bucket")
    assert bucket is not None
    assert f'<body data-atbalss-product="{bucket.sku}">' in client.get("/lv/p/bucket").text
    for path in ("/lv/", "/lv/c/" + bucket.category, "/lv/basket"):
        assert "data-atbalss-product" not in client.get(path).text
    assert client.get("/lv/p/bucket").text.count("data-atbalss-product") == 1, "what lies beside it is no result"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_result_says_which_product_it_is(client: FlaskClient, lang: str) -> None:
    query = {"lv": "pirts", "lt": "medus", "en": "sauna"}[lang]
    page = client.get(f"/{lang}/search", query_string={"q": query}).text
    results = catalogue.load().search(query, lang)
    assert len(results) > 1 and "<body>" in page
    assert re.findall(r'<li data-atbalss-product="([^"]+)">\s*<a class="card" href', page) == [p.sku for p in results]


def test_everybody_who_tries_it_is_asked(sqlite_database: Database, tmp_path: Path) -> None:
    mine = tenant.settle(sqlite_database, tmp_path)
    assert tenant.settle(sqlite_database, tmp_path) == mine
    with sqlite_database.reading() as conn:
        shop = shops.by_id(conn, mine.id)
    assert shop is not None
    assert shop.is_set_up
    told = {q["question"]: q for q in ask(shop, Asking("lv"))["questions"]}
    assert set(told) == {"search-found", "order-rating", "product-info"}
    assert told["search-found"]["settings"] == {"follow_up": "no", "sample": 100}
    assert (told["product-info"]["placement"], told["product-info"]["settings"]["trigger"]) == ("product", "exit")


def test_its_owner_signs_in_with_what_is_kept_for_the_line_that_is_printed(sqlite_database: Database, tmp_path: Path) -> None:
    mine = tenant.settle(sqlite_database, tmp_path)
    with sqlite_database.writing() as conn:
        account = accounts.by_email(conn, mine.owner)
        assert account is not None and passwords.is_right(mine.password, account.password)
        assert members.role_of(conn, mine.id, account.id) == "owner"
        assert passwords.fault(mine.password, mine.owner) is None
    older = json.loads((tmp_path / "demo-shop.json").read_text())
    del older["owner"], older["password"]
    (tmp_path / "demo-shop.json").write_text(json.dumps(older))
    again = tenant.settle(sqlite_database, tmp_path)
    assert (again.id, again.owner) == (mine.id, mine.owner), "a folder of before gets an owner, and stays the same shop"
    with sqlite_database.reading() as conn:
        account = accounts.by_email(conn, again.owner)
        assert account is not None and passwords.is_right(again.password, account.password)


def test_the_basket_counts(client: FlaskClient) -> None:
    client.post("/en/basket", data={"product": "soap", "quantity": "3"})
    assert "€17.90" in client.get("/en/basket").text  # 3 * 4.80 and 3.50 for delivery
    client.post("/en/basket", data={"product": "soap", "quantity": "999"})
    assert 'value="20"' in client.get("/en/basket").text
    client.post("/en/basket", data={"product": "soap", "quantity": "0"})
    assert "Your basket is empty" in client.get("/en/basket").text


def test_what_is_not_there(client: FlaskClient) -> None:
    for path in ("/en/p/nothing", "/en/c/nothing", "/de/", "/en/nothing", "/de/basket"):
        assert client.get(path).status_code == 404
    assert client.post("/en/basket", data={"product": "nothing"}).status_code == 400
    assert "leads nowhere" in client.get("/en/nothing").text


def test_the_history_is_the_same_each_time_and_full_of_good_events() -> None:
    bodies = history.envelopes("shop_1", NOW)
    assert bodies == history.envelopes("shop_1", NOW)
    events = [json.loads(body)["event"] for body in bodies]
    assert len({event["id"] for event in events}) == len(events)
    assert not {event["id"] for event in events} & {
        json.loads(body)["event"]["id"] for body in history.envelopes("shop_2", NOW)
    }
    for event in events:
        assert NOW - 92 * 86_400_000 < event["at"] < NOW
        sent = {**event, "at": format_time(event["at"])}
        if not event["type"].startswith("order."):
            sent.pop("order", None)
            assert check_browser_event(sent) == {}
        else:
            assert EVENT_TYPES[event["type"]].check(sent) == {}


def test_the_history_has_something_to_tell() -> None:
    events = [json.loads(body)["event"] for body in history.envelopes("shop_1", NOW)]
    kinds = Counter(event["type"] for event in events)
    assert kinds["search.performed"] > 2000
    assert kinds["order.placed"] > 400
    stars = [event["value"] for event in events if event.get("question") == "order-rating" and "value" in event]
    assert 4.0 < sum(stars) / len(stars) < 4.5
    searched = [event["search"] for event in events if event["type"] == "search.performed"]
    assert 0.1 < sum(search["results"] == 0 for search in searched) / len(searched) < 0.5
    assert {event["page"]["lang"] for event in events if event["type"] == "answer.given"} == set(LANGUAGES)


def test_what_is_found_in_the_history_is_mostly_looked_at() -> None:
    events = [json.loads(body)["event"] for body in history.envelopes("shop_1", NOW)]
    searched = {event["search"]["id"]: event for event in events if event["type"] == "search.performed"}
    clicked = {event["search"]["id"]: event for event in events if event["type"] == "result.clicked"}
    assert 0.4 < len(clicked) / len(searched) < 0.65
    stock = catalogue.load()
    for name, event in clicked.items():
        search, before = event["search"], searched[name]
        assert {**search, "position": None} == {**before["search"], "position": None} and event["page"] == before["page"]
        results = stock.search(search["query"], event["page"]["lang"])
        assert event["product"] == results[search["position"] - 1].sku
        assert event["at"] > before["at"]
    said = [event for event in events if event.get("question") == "search-found" and event["type"] == "answer.given"]
    assert all(event["at"] < clicked[event["search"]["id"]]["at"] for event in said if event["search"]["id"] in clicked)
    for value, least, most in (("yes", 0.8, 1.0), ("no", 0.0, 0.1)):
        looked = [event["search"]["id"] in clicked for event in said if event.get("value") == value]
        assert least <= sum(looked) / len(looked) <= most
    elsewhere = [json.loads(body)["event"] for body in history.envelopes("shop_2", NOW)]
    assert [(each["type"], each["at"]) for each in elsewhere] == [(each["type"], each["at"]) for each in events]
