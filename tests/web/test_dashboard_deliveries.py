"""The pages of deliveries and of the settings that belong to the shop: what an owner reads there, and what they can do."""

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from tests.pipeline.envelopes import NOW
from tests.web.conftest import Person, World, answer, signed_in
from widget_server.act.notices import TYPES
from widget_server.contract.connecting import MASK
from widget_server.contract.platforms import platforms
from widget_server.record import connections, endpoints, holds, keys, outbox, setaside, shops
from widget_server.record.outbox import Attempt, OutboxRow, Sought
from widget_server.web.dashboard import _delivery_words, _troubles

HOOK = "https://hooks.example/atbalss"
DAY = 86_400_000
WOO = {"url": "https://shop.example/", "consumer_key": "ck_geheim", "consumer_secret": "cs_geheim", "secret": "geheim"}


def text(reply: TestResponse) -> str:
    """What stands on the page, in one line."""
    main = reply.text.partition("<main")[2]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def told(world: World, path: str, **query: str) -> Any:
    """What the owner API says."""
    return world.get(path, **query).json


def add_endpoint(world: World, types: tuple[str, ...] = ("answer.given",)) -> str:
    with world.database.writing() as conn:
        return endpoints.create(conn, world.shop.id, HOOK, types, NOW)[0].id


def add_woo(world: World) -> str:
    with world.database.writing() as conn:
        return connections.create(conn, world.shop.id, "woocommerce", "Veikals", WOO, NOW).id


def fail(world: World, goal: str, error: str, status: int | None = None, dead: bool = True, key: str = "") -> str:
    """A message to this goal that was tried once, in vain."""
    at = time.time_ns() // 1_000_000
    with world.database.writing() as conn:
        row = OutboxRow(world.shop.id, f"test:{goal}:{error}:{key}", goal, "answer.given", '{"type":"answer.given"}')
        outbox.add(conn, [row], at)
        (mine,) = [
            each
            for each in outbox.claim(conn, now=at, lease=60_000, limit=99, by="test", each=99)
            if each.key == row.key
        ]
        attempt = Attempt(at, status, error, 12, "<b>no</b>", "POST https://hooks.example/atbalss")
        if dead:
            outbox.give_up(conn, mine, attempt)
        else:
            outbox.retry_later(conn, mine, attempt, at + 60_000)
        return mine.id


def states(world: World) -> dict[str, str]:
    with world.database.reading() as conn:
        return {each.id: each.state for each in outbox.search(conn, Sought(world.shop.id))[0]}


# --- how it stands


def test_every_state_of_an_endpoint_is_said_with_since_when_and_what_to_do(world: World) -> None:
    goal, viewer, now = add_endpoint(world), signed_in(world, "viewer"), time.time_ns() // 1_000_000
    assert "Healthy" in text(viewer.get("/app/deliveries"))
    fail(world, goal, "the address of hooks.example could not be found", dead=False)
    with world.database.writing() as conn:
        endpoints.failed(conn, goal, now)
    said = text(viewer.get("/app/deliveries"))
    assert "Doubtful since" in said and "It is tried again and again. If it does not work until" in said
    assert "Its name could not be found on the internet." in said
    assert "the address of hooks.example could not be found" in said, "the detail for whoever runs it"
    assert "1 message waits." in said
    with world.database.writing() as conn:
        endpoints.pause(conn, world.shop.id, goal, now)
    assert "Paused since" in text(viewer.get("/app/deliveries"))
    with world.database.writing() as conn:
        endpoints.disable(conn, goal, endpoints.SILENT, now)
    said = text(viewer.get("/app/deliveries"))
    assert "Switched off since" in said and "did not work once in five days" in said and "switch it on" in said
    with world.database.writing() as conn:
        endpoints.resume(conn, world.shop.id, goal)
        endpoints.disable(conn, goal, "answered 410: it wants no more webhooks", now)
    said = text(viewer.get("/app/deliveries"))
    assert "Gone since" in said and "It said that it wants no more." in said and "remove it" in said


def test_a_connection_says_what_is_wrong_there_and_who_makes_coupons(world: World) -> None:
    name, owner = add_woo(world), signed_in(world)
    health = (
        '{"ok":false,"problems":["Orders could not be read: answered 401: the shop does not accept the API keys.",'
        '"WooCommerce has no webhook for order.created: add one that goes to https://x.example/."],"checked_at":"2026-11-22T10:00:00Z"}'
    )
    with world.database.writing() as conn:
        connections.set_health(conn, name, health)
    said = text(owner.get(f"/app/deliveries/connections/{name}"))
    assert "Orders could not be read. It wants a key or a password, and did not accept ours." in said
    assert "WooCommerce does not tell us of order.created." in said
    assert "Coupons that your rules grant are made here" in said and "It has no points of its own" in said
    with world.database.writing() as conn:
        connections.pause(conn, name, connections.SILENT, NOW)
    said = text(owner.get("/app/deliveries"))
    assert "Stopped since" in said and "Nobody makes coupons just now" in said


@pytest.mark.parametrize(
    ("reason", "status", "what"),
    [
        ("no answer within 15 s", None, "It did not answer in time."),
        ("no answer: the connection was refused", None, "Nobody answers at that address."),
        ("no answer: the connection was cut", None, "It hung up in the middle."),
        ("its certificate is not good: certificate has expired", None, "Its certificate is not valid"),
        ("no answer: TLS failed (WRONG_VERSION_NUMBER)", None, "No safe connection could be made."),
        ("10.0.0.1 is not an address of the open internet", None, "private network"),
        ("answered 301: redirects are not followed", 301, "sent us on to another address"),
        ("answered 401", 401, "It wants a key or a password"),
        ("answered 403", 403, "It refused to let us in."),
        ("answered 404", 404, "There is nothing at that address."),
        ("answered 410: it wants no more webhooks", 410, "It said that it wants no more."),
        ("answered 429: the receiver asked us to slow down", 429, "It asked us to slow down."),
        ("answered 500", 500, "Something broke there"),
        ("answered 503: the receiver was away", 503, "It was away for a moment."),
        ("a fault of ours: KeyError", None, "That was our fault, not theirs."),
        ("the endpoint was disabled: it was paused for thirty days", None, "still waiting when the endpoint was switched off"),
    ],
)
def test_why_something_failed_is_said_in_words(small_world: World, reason: str, status: int | None, what: str) -> None:
    with small_world.app.test_request_context("/app/deliveries"):
        found = _troubles.explain(reason, status)
    assert what in found.what
    assert found.todo
    assert found.detail == reason


def test_a_reason_that_nobody_knows_is_said_as_it_stands(small_world: World) -> None:
    with small_world.app.test_request_context("/app/deliveries"):
        assert _troubles.explain("the moon was full").what == "The moon was full."
        assert _troubles.problem("The shop is closed on Sundays.").what == "The shop is closed on Sundays."
        assert _troubles.refusal("No such thing.") == "No such thing."


def test_everything_that_can_be_asked_for_and_every_setting_has_a_name() -> None:
    assert set(_delivery_words.TYPES) == set(TYPES)
    assert set(_delivery_words.STATES) == set(outbox.STATES)
    assert set(_delivery_words.STAGES) == set(outbox.STAGES)
    for code in platforms().values():
        assert code.name in _delivery_words.PLATFORMS
        assert {(code.name, setting.name) for setting in code.settings} <= set(_delivery_words.SETTINGS)


# --- the log


def test_the_log_is_filtered_paged_and_leads_to_one_delivery(world: World) -> None:
    goal, viewer = add_endpoint(world), signed_in(world, "viewer")
    world.send(*(answer("order-rating", 5, at=NOW + i) for i in range(55)))
    dead = fail(world, goal, "answered 404", 404)
    first = viewer.get("/app/deliveries/log")
    rows = re.findall(r'href="/app/deliveries/log/(msg_\w+)"', first.text)
    assert len(rows) == 50
    following = unescape(re.search(r'href="([^"]+)" rel="next"', first.text)[1])  # type: ignore[index]
    more = re.findall(r'href="/app/deliveries/log/(msg_\w+)"', viewer.get(following).text)
    assert len(more) == 6 and not set(more) & set(rows)
    assert re.findall(r"log/(msg_\w+)", viewer.get("/app/deliveries/log?state=dead").text) == [dead]
    for nothing in ("type=order.placed", "goal=ep_0&state=due&type=mail", "period=own&from=2020-01-01&to=2020-01-02"):
        assert "log/msg_" not in viewer.get(f"/app/deliveries/log?{nothing}").text
    shown = viewer.get(f"/app/deliveries/log/{dead}")
    assert "There is nothing at that address." in text(shown) and "answered 404" in text(shown)
    shown = signed_in(world).get(f"/app/deliveries/log/{dead}")
    assert "&lt;b&gt;no&lt;/b&gt;" in shown.text and "<b>no</b>" not in shown.text
    assert "Send it again" not in viewer.get(f"/app/deliveries/log/{dead}").text


# A message of each form, in which all that only owners read has "geheim" in it.
KEPT_ASIDE = {
    "coupon.issue": {"code": "geheim", "kind": "percent", "amount": "10", "customer": "geheim", "reason": "For all", "at": "now"},
    "coupon.created": {"data": {"code": "geheim", "customer": "geheim", "source": "birthday:2026:geheim", "amount": "10"}},
    "points.grant": {"customer": "geheim", "points": 5, "total": 10, "reason": "For all"},
    "rule.fired": {"data": {"name": "For all", "source": "silent:geheim:A-1", "customer": "geheim"}},
    "mail": {"to": "geheim@people.example", "template": "weekly", "values": {"name": "geheim"}},
    "order.placed": {"data": {"order": {"ref": "A-1", "customer": "geheim", "email": "geheim", "lines": [{"product": "chair"}]}}},
    "customer.updated": {"data": {"customer": {"ref": "geheim", "birthday": "geheim", "segments": ["geheim"], "language": "lv"}}},
    "answer.given": {"data": {"value": 5, "text": "Good?", "page": {"url": "https://shop.example/thanks?name=geheim#geheim"}}},
    "search.performed": {"data": {"page": {"url": "https://shop.example/#geheim"}, "search": {"query": "lamp"}}},
}  # fmt: skip


@pytest.mark.parametrize("type_", [*KEPT_ASIDE, "no JSON"])
def test_what_was_said_is_read_whole_by_owners_only(small_world: World, type_: str) -> None:
    body = json.dumps(KEPT_ASIDE[type_]) if type_ in KEPT_ASIDE else "geheim"
    at, goal = time.time_ns() // 1_000_000, add_endpoint(small_world)
    with small_world.database.writing() as conn:
        outbox.add(conn, [OutboxRow(small_world.shop.id, "test", goal, type_, body)], at)
        (mine,) = outbox.claim(conn, now=at, lease=60_000, limit=9, by="test", each=9)
        request = f"POST https://hooks.example/services/geheim\nwebhook-id: msg_1\n\n{body}"
        outbox.give_up(conn, mine, Attempt(at, 404, "answered 404", 12, "no coupon geheim", request))
    path = f"/app/deliveries/log/{mine.id}"
    for role in ("viewer", "editor"):
        page = signed_in(small_world, role).get(path)
        assert "geheim" not in page.text
        said = text(page)
        for word in ("There is nothing at that address.", "answered 404", "12 ms", "POST https://hooks.example/…", "webhook-id: msg_1"):
            assert word in said
    told = text(signed_in(small_world).get(path))
    assert told.count("geheim") == 2 * body.count("geheim") + 2


def test_who_is_no_owner_reads_what_a_message_is_about(small_world: World) -> None:
    goal = add_endpoint(small_world)
    small_world.send(answer("order-rating", 4, text="Good?", page={"url": "https://shop.example/thanks?name=geheim", "lang": "lv"}))
    with small_world.database.reading() as conn:
        (found,) = outbox.search(conn, Sought(small_world.shop.id, endpoint=goal))[0]
    said = text(signed_in(small_world, "viewer").get(f"/app/deliveries/log/{found.id}"))
    for word in ('"type": "answer.given"', '"value": 4', '"text": "Good?"', '"url": "https://shop.example/thanks…"', '"lang": "lv"'):
        assert word in said


def test_what_is_rare_is_searched_for_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LOOKED_AT", 10)
    goal = add_endpoint(world)
    for number in range(25):
        fail(world, goal, "answered 500", dead=number == 0, key=str(number))
    found, before, looks = [], None, 0
    with world.database.reading() as conn:
        while True:
            rows, before = outbox.search(conn, Sought(world.shop.id, type="mail"), before)
            found += rows
            looks += 1
            if before is None:
                break
        assert (found, looks) == ([], 3)
        assert len(outbox.search(conn, Sought(world.shop.id, state="dead"))[0]) == 1
        assert len(outbox.search(conn, Sought(world.shop.id, endpoint=goal), limit=4)[0]) == 4


# --- sending again


def test_one_and_all_and_those_of_some_days_are_sent_again(world: World) -> None:
    goal, editor = add_endpoint(world), signed_in(world, "editor")
    one, other = fail(world, goal, "answered 500", 500), fail(world, goal, "answered 502", 502)
    assert editor.post_form(f"/app/deliveries/log/{one}/replay").status_code == 303
    assert states(world) == {one: "due", other: "dead"}
    refused = editor.post_form(f"/app/deliveries/log/{one}/replay", follow_redirects=True)
    assert "still waiting" in text(refused)
    days = {"period": "own", "from": "2020-01-01", "to": "2020-01-02"}
    assert "0 deliveries are" in text(editor.post_form("/app/deliveries/replays", days, follow_redirects=True))
    assert states(world)[other] == "dead"
    assert "1 delivery is on its way" in text(editor.post_form("/app/deliveries/replays", {"period": "7"}, follow_redirects=True))
    assert states(world) == {one: "due", other: "due"}


def test_what_failed_is_mentioned_on_every_page_until_somebody_knows(world: World) -> None:
    goal, editor, viewer = add_endpoint(world), signed_in(world, "editor"), signed_in(world, "viewer")
    assert "Needs you" not in editor.get("/app/settings").text
    fail(world, goal, "answered 500", 500)
    assert "1 delivery has failed for good" in text(editor.get("/app/settings"))
    assert "Needs you" not in viewer.get("/app/settings").text, "who could do nothing about it"
    assert "Needs you" not in signed_in(world, "owner", world.neighbour).get("/app/settings").text
    editor.post_form("/app/deliveries/seen")
    assert "Needs you" not in editor.get("/app/settings").text
    with world.database.writing() as conn:
        endpoints.disable(conn, goal, endpoints.SILENT, NOW)
        setaside.add(conn, b'{"shop":"%s"}' % world.shop.id.encode(), "broken", "")
        setaside.add(conn, b"no envelope", "broken", "")
    said = text(editor.get("/app/settings"))
    assert "1 connection or webhook is switched off." in said and "1 entry could not be counted" in said


def test_a_page_is_shown_although_nobody_can_say_whether_something_needs_its_owner(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> int:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr("widget_server.record.setaside.of_shop", away)
    assert signed_in(small_world).get("/app/settings").status_code == 200


# --- endpoints and connections


def test_an_endpoint_is_made_changed_tested_paused_and_removed(world: World) -> None:
    owner = signed_in(world)
    wrong = owner.post_form("/app/deliveries/endpoints/new", {"url": "http://x.example/"})
    assert wrong.status_code == 422
    assert "Please fill this in." in text(wrong) or "Choose at least one." in text(wrong)
    private = owner.post_form("/app/deliveries/endpoints/new", {"url": "https://127.0.0.1/", "types": "answer.given"})
    assert private.status_code == 422 and "private network" in text(private)
    made = owner.post_form("/app/deliveries/endpoints/new", {"url": HOOK, "types": ["answer.given", "score.updated"]})
    secret = re.search(r"whsec_\S+?(?=<)", made.text)
    assert secret is not None
    with world.database.reading() as conn:
        (found,) = endpoints.of_shop(conn, world.shop.id)
        assert endpoints.targets(conn, [found.id], NOW)[found.id].secrets == (secret[0],)
    here = f"/app/deliveries/endpoints/{found.id}"
    assert secret[0] not in owner.get(here).text, "shown once"
    tested = owner.post_form(f"{here}/test")
    assert "A test" in text(owner.get(tested.headers["Location"]))
    owner.post_form(f"{here}/pause")
    assert "It is paused" in text(owner.post_form(f"{here}/test", follow_redirects=True))
    owner.post_form(f"{here}/resume")
    changed = owner.post_form(f"{here}/secret")
    assert "whsec_" in changed.text and "goes on working until" in text(changed)
    owner.post_form(here, {"url": f"{HOOK}/2", "types": "order.placed"})
    with world.database.reading() as conn:
        (found,) = endpoints.of_shop(conn, world.shop.id)
        assert (found.url, found.types, found.paused_at) == (f"{HOOK}/2", ("order.placed",), None)
    owner.post_form(f"{here}/remove")
    assert owner.get(here).status_code == 404


@pytest.mark.parametrize("url", ["https://hooks.example/services/geheim", f"{HOOK}?token=geheim", "https://hooks.example?geheim"])
def test_only_owners_see_more_of_an_address_than_its_host(small_world: World, url: str) -> None:
    with small_world.database.writing() as conn:
        goal = endpoints.create(conn, small_world.shop.id, url, ("answer.given",), NOW)[0].id
    fail(small_world, goal, "answered 500", 500)
    for role in ("viewer", "editor"):
        for path in ("", "/log", f"/endpoints/{goal}"):
            page = signed_in(small_world, role).get(f"/app/deliveries{path}").text
            assert "geheim" not in page and "hooks.example" in page
    owner = signed_in(small_world, "owner")
    assert "geheim" in owner.get(f"/app/deliveries/endpoints/{goal}").text
    assert url.partition("?")[0].removeprefix("https://") in text(owner.get("/app/deliveries/log"))


def test_a_connection_is_made_from_what_its_platform_asks_for_and_keeps_its_secrets(world: World) -> None:
    owner = signed_in(world)
    chosen = owner.get("/app/deliveries/connections/new")
    for code in platforms().values():
        assert f"platform={code.name}" in chosen.text
        form = owner.get("/app/deliveries/connections/new", platform=code.name).text
        assert all(f'name="s.{setting.name}"' in form for setting in code.settings)
    new = "/app/deliveries/connections/new"
    wrong = owner.post_form(new, {"platform": "woocommerce", "s.url": "https://127.0.0.1/", "s.consumer_key": "ck"})
    assert wrong.status_code == 422 and "Please fill this in." in text(wrong)
    given = {f"s.{name}": value for name, value in WOO.items() if name != "secret"}
    made = owner.post_form(new, {"platform": "woocommerce", "name": "Veikals", **given})
    with world.database.reading() as conn:
        (found,) = connections.of_shop(conn, world.shop.id)
    assert found.settings["secret"] in made.text and "geheim" not in made.text
    here = f"/app/deliveries/connections/{found.id}"
    page = owner.get(here).text
    assert MASK in page and "geheim" not in page and found.settings["secret"] not in page
    kept = {"s.consumer_key": MASK, "s.consumer_secret": MASK, "s.secret": MASK, "s.birthday_field": "bday"}
    assert owner.post_form(here, {"name": "Mana", "s.url": WOO["url"], **kept}).status_code == 303
    with world.database.reading() as conn:
        (changed,) = connections.of_shop(conn, world.shop.id)
    assert changed.settings == {**found.settings, "birthday_field": "bday"}
    assert changed.name == "Mana"
    owner.post_form(f"{here}/pause")
    assert "Paused since" in text(owner.get(here)) and "An owner paused it." in text(owner.get(here))
    assert "It is paused." in text(owner.post_form(f"{here}/test", follow_redirects=True))
    owner.post_form(f"{here}/resume")
    assert "Healthy" in text(owner.get(here))
    owner.post_form(f"{here}/remove")
    assert owner.get(here).status_code == 404


# --- settings of the shop


def test_a_key_is_shown_once_noted_when_used_and_revoked(world: World) -> None:
    owner = signed_in(world)
    assert owner.post_form("/app/settings/keys", {"name": " "}).status_code == 422
    made = owner.post_form("/app/settings/keys", {"name": "Mana <b>programma</b>"})
    secret = re.search(r"sk_\w{40,}", made.text)
    assert secret is not None
    page = owner.get("/app/settings/keys")
    assert secret[0] not in page.text and "<b>programma" not in page.text and f"{secret[0][:11]}…" in page.text
    assert "never" in text(page)
    assert world.get("/v1/endpoints", secret[0]).status_code == 200
    assert world.get("/v1/endpoints").status_code == 200
    assert "never" not in text(owner.get("/app/settings/keys"))
    with world.database.reading() as conn:
        found = keys.find(conn, secret[0])
    assert found is not None and found.is_noted
    owner.post_form("/app/settings/keys/revoke", {"key": found.id})
    assert world.get("/v1/endpoints", secret[0]).status_code == 401
    assert world.get("/v1/endpoints").status_code == 200
    for number in range(keys.LIMIT):
        last = owner.post_form("/app/settings/keys", {"name": str(number)})
    assert last.status_code == 422 and f"{keys.LIMIT} keys" in text(last)


@pytest.mark.parametrize(
    ("make", "limit", "refused"),
    [
        (keys.create, keys.LIMIT, keys.KeyLimitError),
        (lambda conn, shop, name: endpoints.create(conn, shop, HOOK, (name,), NOW), endpoints.LIMIT, endpoints.EndpointLimitError),
    ],
    ids=["keys", "endpoints"],
)
def test_the_last_one_that_a_shop_may_have_is_made_once(
    world: World, make: Callable[[Connection, str, str], Any], limit: int, refused: type[Exception]
) -> None:
    """The other waits until whoever came first has made theirs, and counts it."""

    def other() -> None:
        with world.database.writing() as conn:
            make(conn, world.shop.id, "other")

    with ThreadPoolExecutor(1) as pool:
        with world.database.writing() as conn:
            for _ in range(limit - (len(keys.of_shop(conn, world.shop.id)) if make is keys.create else 0)):
                make(conn, world.shop.id, "first")
            waiting = pool.submit(other)
            with pytest.raises(TimeoutError):
                waiting.result(0.5)
        with pytest.raises(refused):
            waiting.result(30)


def test_domains_are_named_as_people_paste_them(world: World) -> None:
    owner = signed_in(world)
    owner.post_form("/app/settings/domains", {"domains": "https://www.Veikals.lv/lv/?a=1\nshop.example, māja.lv"})
    with world.database.reading() as conn:
        shop = shops.by_id(conn, world.shop.id)
    assert shop is not None and shop.domains == ("veikals.lv", "shop.example", "xn--mja-1oa.lv")
    wrong = owner.post_form("/app/settings/domains", {"domains": "shop.example not_a_domain"})
    assert wrong.status_code == 422 and "“not_a_domain” is not understood." in text(wrong)
    assert owner.post_form("/app/settings/domains", {"domains": ""}).status_code == 422
    assert owner.post_form("/app/settings/domains/origins", {"origins": "panel.example"}).status_code == 422
    owner.post_form("/app/settings/domains/origins", {"origins": "https://Panel.example/"})
    assert world.get("/v1/origins").json == {"origins": ["https://panel.example"]}


def test_another_time_zone_cuts_the_days_anew(world: World) -> None:
    late = NOW - NOW % DAY + 22 * 3600 * 1000  # 22:00 UTC is the next day in Riga
    world.send(answer("order-rating", 5, at=late))
    owner = signed_in(world)
    assert owner.post_form("/app/settings/shop", {"name": "", "time_zone": "Europe/Riga"}).status_code == 422
    assert owner.post_form("/app/settings/shop", {"name": "Mana", "time_zone": "Mars/Phobos"}).status_code == 422
    asked = {"metric": "stars", "question": "order-rating", "by": "day", "trust": "all"}
    (before,) = told(world, "/v1/scores", **asked)["rows"]
    assert owner.post_form("/app/settings/shop", {"name": "Mana", "time_zone": "UTC"}).status_code == 303
    (after,) = told(world, "/v1/scores", **asked)["rows"]
    assert after["key"] < before["key"]
    assert "Mana" in owner.get("/app/settings").text


def test_the_look_is_saved_only_if_it_can_be_read(world: World) -> None:
    owner = signed_in(world)
    form = {"brand": "#0f766e", "mode": "dark", "radius": "4", "position": "start", "font": "page", "cooldown_hours": "24", "consent": "auto"}
    assert owner.post_form("/app/settings/shop/look", {**form, "do": "look"}).status_code == 200
    assert told(world, "/v1/widget")["radius"] == 18, "looked at, not saved"
    assert owner.post_form("/app/settings/shop/look", {**form, "do": "save"}).status_code == 303
    kept = told(world, "/v1/widget")
    assert (kept["brand"], kept["mode"], kept["radius"], kept["position"]) == ("#0f766e", "dark", 4, "start")
    for wrong in ({"radius": "99"}, {"mode": "pink"}, {"brand": "green"}, {"background": "#ffffff", "text": "#eeeeee"}):
        assert owner.post_form("/app/settings/shop/look", {**form, **wrong, "do": "save"}).status_code == 422
    assert world.get("/v1/widget").json == kept


# --- what it costs


def test_the_pages_cost_so_many_queries_however_much_there_is(small_world: World) -> None:
    owner = signed_in(small_world)
    most = {"/app/deliveries": 45, "/app/deliveries/log": 14, "/app/settings/keys": 14, "/app/settings/domains": 14}
    for number in range(15):
        goal = add_endpoint(small_world)
        fail(small_world, goal, "answered 500", 500, dead=False, key=str(number))
        with small_world.database.writing() as conn:
            endpoints.failed(conn, goal, NOW)
            holds.failed(conn, goal, NOW)
    for path, limit in most.items():
        assert len(statements(small_world, owner, path)) <= limit, path


def statements(world: World, person: Person, path: str) -> list[str]:
    found: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")):
            found.append(statement)

    engines = [engine for engine in vars(world.database).values() if hasattr(engine, "connect")]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        assert person.get(path).status_code == 200
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
    assert found
    return found

