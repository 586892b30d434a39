"""GET /v1/scores: what it adds up, how it pages, and what it refuses."""

import pytest

from tests.pipeline.envelopes import NOW
from tests.web.conftest import DAY, World, answer

STARS = {"metric": "stars", "question": "order-rating"}


def rate(world: World, *values: int, at: int = NOW, **more: object) -> None:
    world.send(*(answer("order-rating", value, at, **more) for value in values))


def test_a_total_with_its_uncertainty(world: World) -> None:
    rate(world, 5, 5, 4, 1)
    reply = world.get("/v1/scores", **STARS)
    assert reply.status_code == 200
    total = reply.json["total"]
    assert total["value"] == 3.75
    assert total["n"] == 4
    assert total["enough"] is False
    assert total["distribution"] == {"1": 1, "2": 0, "3": 0, "4": 1, "5": 2}
    low, high = total["interval"]
    assert 1 <= low < 3.75 < high <= 5
    assert (reply.json["metric"], reply.json["by"], reply.json["rows"], reply.json["next"]) == ("stars", None, [], None)


def test_a_shop_without_answers_has_a_score_without_a_value(world: World) -> None:
    total = world.get("/v1/scores", **STARS, by="month").json
    assert total["total"] | {"distribution": {}} == {
        "value": None, "n": 0, "enough": False, "interval": None, "distribution": {},
    }  # fmt: skip
    assert total["rows"] == []


def test_days_weeks_and_months_are_those_of_the_shop(world: World) -> None:
    # 2025-11-30 23:30 in Riga (+02:00), and an hour later.
    last_hour = 1_764_538_200_000
    rate(world, 5, at=last_hour)
    rate(world, 1, at=last_hour + 3_600_000)
    rows = {by: world.get("/v1/scores", **STARS, by=by).json["rows"] for by in ("day", "week", "month")}
    assert [(row["key"], row["value"]) for row in rows["day"]] == [("2025-11-30", 5.0), ("2025-12-01", 1.0)]
    assert [(row["key"], row["value"]) for row in rows["week"]] == [("2025-W48", 5.0), ("2025-W49", 1.0)]
    assert [(row["key"], row["value"]) for row in rows["month"]] == [("2025-11", 5.0), ("2025-12", 1.0)]
    ranged = world.get("/v1/scores", **STARS, by="month", **{"from": "2025-12-01", "to": "2025-12-31"}).json
    assert ranged["total"]["n"] == 1
    assert [row["key"] for row in ranged["rows"]] == ["2025-12"]


@pytest.mark.parametrize("by", ["product", "language", "placement"])
def test_rows_by_dimension(world: World, by: str) -> None:
    more = {"product": {"product": "b"}, "language": {"page": {"lang": "lv-LV"}}, "placement": {"placement": "order"}}
    rate(world, 4, 5, **more[by])
    rate(world, 1)
    body = world.get("/v1/scores", **STARS, by=by).json
    assert [(row["key"], row["n"], row["value"]) for row in body["rows"]] == [
        ({"product": "b", "language": "lv", "placement": "order"}[by], 2, 4.5)
    ]
    assert body["total"]["n"] == 3


def test_trust_tells_proven_purchases_from_others(world: World) -> None:
    rate(world, 5, order={"ref": "7", "line": None, "sku": []})
    rate(world, 1, 1)
    means = {trust: world.get("/v1/scores", **STARS, trust=trust).json["total"] for trust in ("all", "verified", "unverified")}
    assert {trust: (score["n"], score["value"]) for trust, score in means.items()} == {
        "all": (3, 7 / 3), "verified": (1, 5.0), "unverified": (2, 1.0),
    }  # fmt: skip


def test_pages_of_rows_are_whole_and_disjoint(world: World) -> None:
    products = [f"p{n:02d}" for n in range(7)] + ["žalias/ä%", "a b"]
    for product in products:
        rate(world, 5, product=product)
    for number in range(7):
        rate(world, 5, at=NOW - number * DAY)
    for by, expected in (("product", sorted(products)), ("day", None)):
        whole = [row["key"] for row in world.get("/v1/scores", **STARS, by=by).json["rows"]]
        assert expected is None or whole == expected
        assert paged(world, by, 2) == whole


def paged(world: World, by: str, limit: int) -> list[str]:
    found: list[str] = []
    more: dict[str, str] = {}
    while True:
        body = world.get("/v1/scores", **STARS, by=by, limit=limit, **more).json
        assert len(body["rows"]) <= limit
        found += [row["key"] for row in body["rows"]]
        if body["next"] is None:
            return found
        more = {"cursor": body["next"]}


def test_without_a_question_all_of_the_metrics_types_count_together(world: World) -> None:
    rate(world, 4)
    world.send(answer("search-found", "yes"))
    assert world.get("/v1/scores", metric="stars").json["total"]["n"] == 1
    assert world.get("/v1/scores", metric="response_rate").json["total"]["n"] == 2


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "metric"),
        ({"metric": "mean"}, "metric"),
        ({"metric": "stars", "by": "colour"}, "by"),
        ({"metric": "stars", "trust": "some"}, "trust"),
        ({"metric": "stars", "from": "2025-02-30"}, "from"),
        ({"metric": "stars", "from": "20250101"}, "from"),
        ({"metric": "stars", "to": "yesterday"}, "to"),
        ({"metric": "stars", "limit": "0"}, "limit"),
        ({"metric": "stars", "limit": "1001"}, "limit"),
        ({"metric": "stars", "limit": "٣"}, "limit"),
        ({"metric": "stars", "limit": "1" * 5000}, "limit"),
        ({"metric": "stars", "cursor": "x"}, "cursor"),
        ({"metric": "stars", "cursor": ""}, "cursor"),
        ({"metric": "stars", "question": "Order Rating"}, "question"),
        ({"metric": "stars", "shop": "another"}, "shop"),
        ({"metric": ["stars", "csat"]}, "metric"),
    ],
)
def test_a_wrong_parameter_is_named(small_world: World, query: dict[str, str], field: str) -> None:
    reply = small_world.get("/v1/scores", **query)
    assert reply.status_code == 422
    assert reply.json["code"] == "invalid"
    assert list(reply.json["errors"]) == [field]


def test_what_contradicts_is_a_conflict_and_what_is_missing_not_found(small_world: World) -> None:
    mismatch = small_world.get("/v1/scores", metric="nps", question="search-found")
    assert (mismatch.status_code, list(mismatch.json["errors"])) == (409, ["metric"])
    reversed_range = small_world.get("/v1/scores", metric="stars", **{"from": "2025-02-01", "to": "2025-01-01"})
    assert (reversed_range.status_code, list(reversed_range.json["errors"])) == (409, ["from"])
    missing = small_world.get("/v1/scores", metric="stars", question="nobody-asked")
    assert (missing.status_code, list(missing.json["errors"])) == (404, ["question"])


PAGED = ["/v1/scores?metric=stars&by=product&", "/v1/searches?", "/v1/answers?", "/v1/deliveries?"]
EVER = ("0001-01-01", "9999-12-31")


def test_any_well_formed_cursor_is_a_position(world: World) -> None:
    for path in PAGED:
        for cursor in ("0.", "999999999999999.", "1.A", "1._-", "0.AAAA", "5._w", "0." + "A" * 3000):
            assert world.get(f"{path}cursor={cursor}").status_code == 200


def test_the_ends_of_the_calendar_are_days_like_others(world: World) -> None:
    rate(world, 3)
    for path in ("/v1/scores?metric=stars&by=day&", "/v1/searches?", "/v1/answers?"):
        for first, last in (EVER, ("9999-12-30", "9999-12-31"), ("0001-01-01", "0001-01-02")):
            reply = world.get(f"{path}from={first}&to={last}")
            assert reply.status_code == 200
            if "scores" in path:
                assert reply.json["total"]["n"] == (1 if (first, last) == EVER else 0)


def test_an_interval_holds_its_value_also_when_all_agree(small_world: World) -> None:
    rate(small_world, *[5] * 28)
    for metric in ("csat", "stars"):
        score = small_world.get("/v1/scores", metric=metric).json["total"]
        low, high = score["interval"]
        assert low < score["value"] == high
