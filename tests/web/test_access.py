"""Who may call what: built from the URL map, so that a route nobody has thought about fails."""

from typing import Any

import pytest

from tests.web.conftest import CANARY, World, finish
from widget_server.web.headers import is_of_owners

NEEDS_KEY = "needs the shop's key"
PUBLIC = "for everybody"
SIGNED = "for whoever signs with the connection's secret (tests/integrations/test_contract.py)"

ROUTES: dict[tuple[str, str], str] = {
    ("GET", "/"): PUBLIC,
    ("GET", "/docs"): PUBLIC,
    ("GET", "/favicon.ico"): PUBLIC,
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/preview/<token>"): PUBLIC,
    ("GET", "/preview/<token>/page"): PUBLIC,
    ("GET", "/metrics"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/static/<path:filename>"): PUBLIC,
    ("GET", "/static/kept/<word>/<path:path>"): PUBLIC,
    ("GET", "/v1/openapi.json"): PUBLIC,
    ("GET", "/widget.js"): PUBLIC,
    ("GET", "/widget.v1.js"): PUBLIC,
    ("GET", "/widget/<name>"): PUBLIC,
    ("POST", "/v1/hooks/<platform>/<connection>"): SIGNED,
    ("GET", "/v1/answers"): NEEDS_KEY,
    ("POST", "/v1/answers/quarantine"): NEEDS_KEY,
    ("POST", "/v1/answers/release"): NEEDS_KEY,
    ("POST", "/v1/answers/remove"): NEEDS_KEY,
    ("GET", "/v1/cases"): NEEDS_KEY,
    ("POST", "/v1/cases"): NEEDS_KEY,
    ("PATCH", "/v1/cases/<case>"): NEEDS_KEY,
    ("GET", "/v1/reach"): NEEDS_KEY,
    ("GET", "/v1/deliveries"): NEEDS_KEY,
    ("GET", "/v1/endpoints"): NEEDS_KEY,
    ("GET", "/v1/domains"): NEEDS_KEY,
    ("PUT", "/v1/domains"): NEEDS_KEY,
    ("GET", "/v1/origins"): NEEDS_KEY,
    ("PUT", "/v1/origins"): NEEDS_KEY,
    ("GET", "/v1/platforms"): NEEDS_KEY,
    ("GET", "/v1/connections"): NEEDS_KEY,
    ("POST", "/v1/connections"): NEEDS_KEY,
    ("PATCH", "/v1/connections/<connection>"): NEEDS_KEY,
    ("DELETE", "/v1/connections/<connection>"): NEEDS_KEY,
    ("POST", "/v1/connections/<connection>/test"): NEEDS_KEY,
    ("GET", "/v1/rules"): NEEDS_KEY,
    ("POST", "/v1/rules"): NEEDS_KEY,
    ("GET", "/v1/rules/<rule>"): NEEDS_KEY,
    ("PATCH", "/v1/rules/<rule>"): NEEDS_KEY,
    ("DELETE", "/v1/rules/<rule>"): NEEDS_KEY,
    ("POST", "/v1/dry-runs"): NEEDS_KEY,
    ("GET", "/v1/rules/<rule>/dry-run"): NEEDS_KEY,
    ("GET", "/v1/questions"): NEEDS_KEY,
    ("GET", "/v1/questions/<name>"): NEEDS_KEY,
    ("GET", "/v1/sets"): NEEDS_KEY,
    ("GET", "/v1/scores"): NEEDS_KEY,
    ("GET", "/v1/searches"): NEEDS_KEY,
    ("POST", "/v1/questions"): NEEDS_KEY,
    ("POST", "/v1/previews"): NEEDS_KEY,
    ("PATCH", "/v1/questions/<name>"): NEEDS_KEY,
    ("DELETE", "/v1/questions/<name>"): NEEDS_KEY,
    ("GET", "/v1/widget"): NEEDS_KEY,
    ("PUT", "/v1/widget"): NEEDS_KEY,
    ("POST", "/v1/endpoints"): NEEDS_KEY,
    ("DELETE", "/v1/endpoints/<endpoint>"): NEEDS_KEY,
    ("PATCH", "/v1/endpoints/<endpoint>"): NEEDS_KEY,
    ("POST", "/v1/endpoints/<endpoint>/secret"): NEEDS_KEY,
    ("POST", "/v1/endpoints/<endpoint>/test"): NEEDS_KEY,
    ("GET", "/v1/deliveries/<delivery>"): NEEDS_KEY,
    ("POST", "/v1/replays"): NEEDS_KEY,
    ("POST", "/v1/deliveries/<delivery>/replay"): NEEDS_KEY,
    ("GET", "/v1/points"): NEEDS_KEY,
    ("GET", "/v1/points/<customer>"): NEEDS_KEY,
    ("POST", "/v1/points/<customer>/redeem"): NEEDS_KEY,
    ("POST", "/v1/points/<customer>/adjust"): NEEDS_KEY,
    ("GET", "/v1/loyalty"): NEEDS_KEY,
    ("PUT", "/v1/loyalty"): NEEDS_KEY,
    ("GET", "/v1/coupons"): NEEDS_KEY,
}
# Every way to ask for something that may show what a shop has.
QUERIES: dict[str, list[dict[str, str]]] = {
    "/v1/answers": [{}, {"product": CANARY}, {"query": CANARY}, {"quarantined": "true"}],
    "/v1/reach": [{}, {"by": "placement"}],
    "/v1/deliveries": [{}, {"state": "due"}],
    "/v1/points": [{}],
    f"/v1/points/{CANARY}": [{}, {"lang": "lv"}],
    "/v1/coupons": [{}, {"customer": CANARY}],
    "/v1/loyalty": [{}],
    "/v1/scores": [{"metric": "stars", "by": by} for by in ("product", "placement", "month", "language")],
    "/v1/searches": [{}, {"q": CANARY[:4]}],
}
DECISION = {"question": "order-rating", "key": f"order:{CANARY}", "reason": "rude"}
RULE = {"name": "50 points", "when": "answer.given", "then": [{"points": 50}]}
COUPON = {"kind": "percent", "amount": "10"}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/answers/quarantine": DECISION, "/v1/answers/release": DECISION, "/v1/answers/remove": DECISION,
    "/v1/cases": {"question": "order-rating", "key": f"order:{CANARY}", "note": "call them"}, "/v1/cases/<case>": {"status": "doing"},
    "/v1/endpoints": {"url": "https://example.com/", "types": ["answer.given"]},
    "/v1/endpoints/<endpoint>": {"types": ["order.placed"], "paused": True}, "/v1/replays": {"from": "2020-01-01T00:00:00Z"},
    "/v1/connections": {"platform": "webhook", "settings": {"url": "https://example.com/"}},
    "/v1/connections/<connection>": {"name": "another", "paused": True},
    "/v1/domains": {"domains": ["shop.example"]}, "/v1/origins": {"origins": []}, "/v1/widget": {"brand": "#0f766e"},
    "/v1/questions": {"set": "recommend"},
    "/v1/previews": {"question": CANARY},
    "/v1/points/<customer>/redeem": {"id": "0b7e1c5e-3f5a-4d0e-9a36-5f2d6a7b8c9d", "points": 1, "coupon": COUPON},
    "/v1/points/<customer>/adjust": {"id": "0b7e1c5e-3f5a-4d0e-9a36-5f2d6a7b8c9d", "points": 1, "reason": "a present"},
    "/v1/loyalty": {"return_days": 7, "rewards": [{"name": "off", "points": 5, "coupon": COUPON}]},
    "/v1/questions/<name>": {"paused": True},
    "/v1/rules": RULE, "/v1/dry-runs": RULE, "/v1/rules/<rule>": {"active": False},
}
# Nothing of the shop is in it but whether it has taken one up.
ANSWERED_AT_ONCE = ("/v1/dry-runs",)
THE_SAME_FOR_ALL = ("/v1/sets", "/v1/widget", "/v1/platforms")


def rules(world: World) -> set[tuple[str, str]]:
    return {
        (method, rule.rule)
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not is_of_owners(rule.rule)  # test_dashboard_access.py
    }


def path_of(world: World, rule: str) -> str:
    for name, value in (("<endpoint>", world.endpoint), ("<rule>", world.rule), ("<connection>", world.connection), ("<delivery>", world.delivery), ("<case>", world.case), ("<name>", CANARY), ("<customer>", CANARY)):
        rule = rule.replace(name, value)
    return rule


def closed() -> list[tuple[str, str]]:
    return [route for route, access in ROUTES.items() if access == NEEDS_KEY]


def test_every_route_has_been_thought_about(small_world: World) -> None:
    assert rules(small_world) == set(ROUTES)


@pytest.mark.parametrize(("method", "rule"), closed())
def test_nobody_without_the_key_gets_in(full_world: World, method: str, rule: str) -> None:
    key = full_world.shop.api_key
    almost = key[:-1] + ("A" if key[-1] != "A" else "B")
    for header in (
        "", "Bearer", "Bearer ", "Bearer sk_", f"Basic {key}", key, f"Bearer {key}x", f"Bearer {almost}",
        f"Bearer {full_world.shop.site_key}", f"Bearer {full_world.shop.order_token_secret}",
    ):  # fmt: skip
        reply = full_world.client.open(
            path_of(full_world, rule), method=method, headers={"Authorization": header}, json=BODIES.get(rule)
        )
        assert reply.status_code == 401
        assert reply.json["code"] == "unauthorized"
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")
        assert CANARY not in reply.text


@pytest.mark.parametrize(("method", "rule"), closed())
def test_the_own_key_opens_the_own_shop(full_world: World, method: str, rule: str) -> None:
    replies = ask_everything(full_world, method, rule, full_world.shop.api_key)
    assert all(200 <= reply.status_code < 300 for reply in replies)
    if method == "GET" and rule not in THE_SAME_FOR_ALL:
        assert any(CANARY in reply.text or full_world.endpoint in reply.text for reply in replies)


@pytest.mark.parametrize(("method", "rule"), closed())
def test_a_neighbours_key_finds_nothing_and_changes_nothing(full_world: World, method: str, rule: str) -> None:
    before = everything_of(full_world)
    for reply in ask_everything(full_world, method, rule, full_world.neighbour.api_key):
        made = 201 if method == "POST" and rule not in ANSWERED_AT_ONCE else 200
        made = 202 if rule == "/v1/replays" else made
        names_mine = "<" in rule or (method != "GET" and CANARY in str(BODIES.get(rule)))
        assert reply.status_code == (404 if names_mine else made)
        for mine in (CANARY, full_world.case, full_world.rule, full_world.connection, full_world.endpoint, full_world.delivery, full_world.shop.id):
            assert mine not in reply.text
    assert everything_of(full_world) == before


def ask_everything(world: World, method: str, rule: str, key: str) -> list[Any]:
    path = path_of(world, rule)
    if rule.endswith("/replay") and key == world.shop.api_key:
        finish(world)
    return [
        world.call(method, path, key, query_string=query or None, json=BODIES.get(rule)) for query in QUERIES.get(rule, [{}])
    ]


def everything_of(world: World) -> list[str]:
    return [world.get(path, **query).text for path, queries in QUERIES.items() for query in queries] + [
        world.get("/v1/endpoints").text,
        world.get("/v1/deliveries").text,
        world.get("/v1/origins").text,
        world.get("/v1/widget").text,
        world.get("/v1/questions").text,
        world.get("/v1/rules").text,
        world.get("/v1/connections").text,
        world.get("/v1/cases").text,
        world.get(f"/v1/questions/{CANARY}").text,
    ]


def test_every_wrong_key_is_told_the_same(full_world: World) -> None:
    unknown = full_world.get("/v1/scores", key="sk_" + "x" * 43)
    malformed = full_world.get("/v1/scores", key="sk_\u00e4")
    assert unknown.status_code == malformed.status_code == 401
    assert unknown.json == malformed.json
