"""What an owner sets about looks and manners reaches the pages of the shop within seconds, and only those."""

import json

from tests.pipeline.shopfront import Live, Shopfront, make_shop
from tests.servers import wait_for


def test_what_is_set_is_asked_with_within_seconds(front: Shopfront, live: Live) -> None:
    neighbour = Shopfront(live, make_shop(live.database_url))
    before = front.call("GET", f"{front.path}/ask?lang=lv")
    assert "widget" not in before.json
    set_ = front.call(
        "PUT", "/v1/widget", json.dumps({"brand": "#FFDD00", "mode": "system", "radius": 6}),
        authorization=f"Bearer {front.shop.api_key}", content_type="application/json",
    )  # fmt: skip
    assert set_.status == 200
    light, dark = set_.json["light"], set_.json["dark"]
    told = {
        "radius": 6, "accent": light["accent"], "on_accent": light["on_accent"], "accent_dark": dark["accent"],
        "on_accent_dark": dark["on_accent"],
    }  # fmt: skip
    wait_for(lambda: front.call("GET", f"{front.path}/ask?lang=lv").json.get("widget") == told, "the looks do not come")
    after = front.call("GET", f"{front.path}/ask?lang=lv", if_none_match=before.headers["etag"])
    assert (after.status, after.headers["etag"] != before.headers["etag"]) == (200, True)
    assert after.json["questions"] == before.json["questions"]
    assert "widget" not in neighbour.call("GET", f"{neighbour.path}/ask?lang=lv").json
