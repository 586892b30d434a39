"""/v1/points, /v1/loyalty and /v1/coupons."""

import threading
import uuid
from collections import Counter
from typing import Any

import pytest

from tests.pipeline.envelopes import NOW, event
from tests.web.conftest import DAY, World
from widget_server.act import loyalty
from widget_server.contract.coupons import CouponTerms
from widget_server.contract.points import Due

FIVE = {"kind": "fixed", "amount": "5.00", "currency": "EUR", "days": 30}
REWARD = {"name": "5 euros off", "points": 40, "coupon": FIVE}


def earn(world: World, points: int = 100, source: str = "order:A-17", customer: str = "4711", **more: Any) -> None:
    named = {"available_at": NOW, "why": "a point a euro", "at": NOW, **more}
    with world.database.writing() as conn:
        loyalty.settle(conn, world.shop.id, [Due("rul_1", 1, source, customer, points, **named)], (), named["at"])


def post(world: World, path: str, body: Any, customer: str = "4711", key: str | None = None) -> Any:
    return world.call("POST", f"/v1/points/{customer}/{path}", key or world.shop.api_key, json=body)


def redeem(world: World, points: int = 60, **more: Any) -> Any:
    return post(world, "redeem", {"id": str(uuid.uuid4()), "points": points, "coupon": FIVE, **more})


def test_a_balance_and_its_lines_in_words(world: World) -> None:
    earn(world)
    earn(world, 50, "order:A-18", available_at=NOW + 3650 * DAY)
    earn(world, 60, because="refunded", at=NOW + 1)
    said = world.get("/v1/points/4711").json
    assert (said["customer"], said["balance"], said["pending"], said["next"]) == ("4711", 60, 50, None)
    assert (said["entries"][0]["kind"], said["entries"][0]["points"]) == ("refund", -40)
    assert {line["text"] for line in said["entries"]} == {
        "Points earned: order A-17 (rule: a point a euro)", "Points earned: order A-18 (rule: a point a euro)",
        "Points taken back because of a refund: order A-17 (rule: a point a euro)",
    }  # fmt: skip
    texts = {
        lang: world.get("/v1/points/4711", lang=lang).json["entries"][0]["text"] for lang in ("lv", "lt", "et", "ru", "en", "de")
    }
    assert len(set(texts.values())) == 5
    assert texts["lv"] == "Punkti atskaitīti, jo nauda atmaksāta: pasūtījums A-17 (noteikums: a point a euro)"
    assert texts["de"] == texts["en"]


def test_lines_and_customers_come_in_pages(world: World) -> None:
    for n in range(7):
        earn(world, 10 + n, f"order:{n}", f"c{n % 3}", at=NOW + n // 3)
    seen, path = [], "/v1/points/c0?limit=1"
    while path:
        page = world.get(path).json
        seen += [line["points"] for line in page["entries"]]
        path = page["next"] and f"/v1/points/c0?limit=1&cursor={page['next']}"
    assert seen == [16, 13, 10]
    first = world.get("/v1/points", limit=2).json
    rest = world.get("/v1/points", cursor=first["next"]).json
    assert rest["next"] is None
    assert [(each["customer"], each["balance"]) for each in first["customers"] + rest["customers"]] == [
        ("c0", 39), ("c1", 25), ("c2", 27),
    ]  # fmt: skip


def test_a_customer_without_points_has_none_and_a_stranger_is_not_known(world: World) -> None:
    world.send(
        event("order.completed", order={"ref": "A-1", "customer": "9", "status": "completed"}), source="platform"
    )
    assert world.get("/v1/points/9").json == {"customer": "9", "balance": 0, "pending": 0, "entries": [], "next": None}
    assert world.get("/v1/points/10").status_code == 404
    assert post(world, "adjust", {"id": str(uuid.uuid4()), "points": 5, "reason": "a present"}, "10").status_code == 404
    assert post(world, "adjust", {"id": str(uuid.uuid4()), "points": 5, "reason": "a present"}, "9").status_code == 201
    earn(world, customer="4711")
    assert world.get("/v1/points/4711", key=world.neighbour.api_key).status_code == 404


def test_points_are_exchanged_once_for_one_id(world: World) -> None:
    earn(world)
    body = {"id": str(uuid.uuid4()), "points": 60, "coupon": FIVE}
    first = post(world, "redeem", body)
    assert first.status_code == 201
    assert first.json["points"] == 60
    assert first.json["returned"] is False
    coupon = first.json["coupon"]
    assert (coupon["kind"], coupon["amount"], coupon["currency"], coupon["state"]) == ("fixed", "5.00", "EUR", "planned")
    again = post(world, "redeem", {**body, "id": body["id"].upper()})
    assert (again.status_code, again.json) == (201, first.json)
    assert world.get("/v1/points/4711").json["balance"] == 40
    other = post(world, "redeem", {**body, "points": 61})
    assert (other.status_code, list(other.json["errors"])) == (409, ["id"])
    (listed,) = world.get("/v1/coupons").json["coupons"]
    assert listed == coupon
    assert world.get("/v1/points/4711").json["entries"][0]["text"] == "Points exchanged for a coupon: 5.00 EUR"


def test_what_is_not_there_can_not_be_spent(world: World) -> None:
    earn(world, 50, available_at=NOW + 3650 * DAY)
    refused = redeem(world, 1)
    assert (refused.status_code, refused.json["errors"]) == (409, {"points": "The customer has 0 points to spend."})
    assert world.get("/v1/coupons").json["coupons"] == []
    assert [line["kind"] for line in world.get("/v1/points/4711").json["entries"]] == ["earn"]


def test_fifty_requests_at_once_and_one_wins(world: World) -> None:
    earn(world)
    found: Counter[int] = Counter()
    start = threading.Barrier(50)

    def one() -> None:
        client = world.app.test_client()
        body = {"id": str(uuid.uuid4()), "points": 100, "coupon": FIVE}
        start.wait()
        reply = client.post(
            "/v1/points/4711/redeem", json=body, headers={"Authorization": f"Bearer {world.shop.api_key}"}
        )
        found[reply.status_code] += 1

    threads = [threading.Thread(target=one) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {201: 1, 409: 49}
    assert world.get("/v1/points/4711").json["balance"] == 0
    assert len(world.get("/v1/coupons").json["coupons"]) == 1


def test_a_coupon_that_the_platform_refuses_gives_the_points_back(world: World) -> None:
    earn(world)
    body = {"id": str(uuid.uuid4()), "points": 60, "coupon": FIVE}
    coupon = post(world, "redeem", body).json["coupon"]["id"]
    for _ in range(3):
        with world.database.writing() as conn:
            loyalty.coupon_told(conn, world.shop.id, coupon, "failed", NOW, "no such currency")
    said = world.get("/v1/points/4711").json
    assert said["balance"] == 100
    assert [line["text"] for line in said["entries"] if line["kind"] == "return"] == [
        "Points given back because the coupon could not be made"
    ]
    again = post(world, "redeem", body).json
    assert (again["returned"], again["coupon"]["state"], again["coupon"]["error"]) == (True, "failed", "no such currency")
    assert world.get("/v1/points/4711").json["balance"] == 100


def test_rewards_are_what_the_shop_says(world: World) -> None:
    earn(world)
    assert world.get("/v1/loyalty").json == {"return_days": 14, "expire_days": None, "rewards": []}
    body = {"return_days": 7, "expire_days": 365, "rewards": [REWARD]}
    key = world.shop.api_key
    saved = world.call("PUT", "/v1/loyalty", key, json=body)
    assert (saved.status_code, saved.json) == (200, body)
    assert world.get("/v1/loyalty").json == body
    assert world.get("/v1/loyalty", key=world.neighbour.api_key).json["rewards"] == []
    made = post(world, "redeem", {"id": str(uuid.uuid4()), "reward": "5 euros off"})
    assert (made.status_code, made.json["points"], made.json["coupon"]["amount"]) == (201, 40, "5.00")
    assert world.get("/v1/points/4711", lang="lv").json["entries"][0]["text"] == "Punkti iemainīti: 5 euros off"
    unknown = post(world, "redeem", {"id": str(uuid.uuid4()), "reward": "6 euros off"})
    assert (unknown.status_code, list(unknown.json["errors"])) == (409, ["reward"])
    assert world.call("PUT", "/v1/loyalty", key, json={}).json == {"return_days": 14, "expire_days": None, "rewards": []}
    # Whoever lost the reply asks again, whatever the owner has done to the reward meanwhile.
    again = post(world, "redeem", {"id": made.json["id"], "reward": "5 euros off"})
    assert (again.status_code, again.json) == (201, made.json)
    assert post(world, "redeem", {"id": made.json["id"], "reward": "6 euros off"}).status_code == 409


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"points": 5}, ["coupon"]), ({"coupon": FIVE}, ["points"]), ({}, ["coupon", "points"]),
        ({"reward": "x", "points": 5, "coupon": FIVE}, ["coupon", "points"]),
        ({"points": 5, "coupon": {**FIVE, "currency": None}}, ["coupon.currency"]),
        ({"points": 5, "coupon": {**FIVE, "amount": "0.00"}}, ["coupon.amount"]),
        ({"points": 5, "coupon": {"kind": "percent", "amount": "101"}}, ["coupon.amount"]),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_named(small_world: World, body: dict[str, Any], wrong: list[str]) -> None:
    earn(small_world)
    reply = post(small_world, "redeem", {"id": str(uuid.uuid4()), **body})
    assert (reply.status_code, sorted(reply.json["errors"])) == (422, wrong)


def test_a_person_gives_and_takes_with_a_reason(world: World) -> None:
    earn(world)
    body = {"id": str(uuid.uuid4()), "points": -130, "reason": "counted twice at the till"}
    first = post(world, "adjust", body)
    assert (first.status_code, first.json["text"]) == (201, "Corrected by the shop: counted twice at the till")
    assert post(world, "adjust", body).json == first.json
    assert world.get("/v1/points/4711").json["balance"] == -30
    assert post(world, "adjust", {**body, "points": -1}).status_code == 409
    assert redeem(world, 1).status_code == 409


def test_coupons_are_listed_newest_first(world: World) -> None:
    earn(world, 100)
    earn(world, 100, "order:B", "4712")
    with world.database.writing() as conn:
        for n in range(5):
            whose = "4711" if n % 2 else "4712"
            loyalty.redeem(conn, world.shop.id, whose, str(n), 10, CouponTerms("percent", 1250), NOW + n)
    first = world.get("/v1/coupons", limit=3).json
    rest = world.get("/v1/coupons", limit=3, cursor=first["next"]).json
    assert rest["next"] is None
    assert [each["source"] for each in first["coupons"] + rest["coupons"]] == [f"redeem:{n}" for n in (4, 3, 2, 1, 0)]
    assert {each["amount"] for each in first["coupons"]} == {"12.5"}
    assert [each["source"] for each in world.get("/v1/coupons", customer="4711").json["coupons"]] == ["redeem:3", "redeem:1"]
    assert world.get("/v1/coupons", state="done").json["coupons"] == []
    assert world.get("/v1/coupons", state="eaten").status_code == 422
    assert world.get("/v1/coupons", key=world.neighbour.api_key).json["coupons"] == []


@pytest.mark.parametrize("customer", ["%00", "a%00b", "%FF", "%F0%9F%98%80", "%ED%A0%80", "%27%3B--", "a" * 3000, "%0A", "%25"])
def test_a_name_that_can_not_be_one_is_not_known(world: World, customer: str) -> None:
    earn(world)
    body = {"id": str(uuid.uuid4()), "points": 1, "coupon": FIVE}
    assert world.get(f"/v1/points/{customer}").status_code == 404
    assert post(world, "redeem", body, customer).status_code == 404
    assert post(world, "adjust", {"id": body["id"], "points": 1, "reason": "x"}, customer).status_code == 404
