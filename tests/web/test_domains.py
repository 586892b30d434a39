"""GET and PUT /v1/domains: on whose pages the snippet may ask."""

from typing import Any

import pytest

from tests.web.conftest import World
from widget_server.intake.shops_cache import Known
from widget_server.record import shops


def put(world: World, domains: Any) -> Any:
    return world.call("PUT", "/v1/domains", world.shop.api_key, json={"domains": domains})


def list_of(world: World) -> list[str]:
    reply: Any = world.get("/v1/domains").json
    return list(reply["domains"])


def allows(world: World, origin: str) -> bool:
    """Whether the collector would take what a page there sends."""
    with world.database.reading() as conn:
        shop = shops.by_id(conn, world.shop.id)
    assert shop is not None
    return Known(shop).allows(origin)


def test_new_domains_take_the_place_of_the_old_ones(world: World) -> None:
    before = list_of(world)
    reply = put(world, ["shop.lv", "shop.lv", "localhost:8001"])
    assert (reply.status_code, reply.json) == (200, {"domains": ["shop.lv", "localhost:8001"]})
    assert world.get("/v1/domains").json == reply.json
    assert allows(world, "https://www.shop.lv")
    assert not any(allows(world, f"https://{host}") for host in before)


@pytest.mark.parametrize("domains", [[], ["not a domain"], ["https://shop.example"], ["Shop.example"], ["mežmala.lv"], [7], "shop.lv", None])
def test_what_is_no_domain_is_refused_and_changes_nothing(world: World, domains: Any) -> None:
    before = world.get("/v1/domains").json
    reply = put(world, domains)
    assert reply.status_code == 422
    assert next(iter(reply.json["errors"])).startswith("domains")
    assert world.get("/v1/domains").json == before
