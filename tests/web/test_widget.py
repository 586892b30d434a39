"""GET and PUT /v1/widget: what an owner sets, what is refused or mended, and what the snippet is then told."""

from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import World
from tests.web.test_frozen import built
from widget_server.contract import theme
from widget_server.record import shops
from widget_server.web import frozen

SETTINGS = {
    "brand": None, "background": None, "text": None, "mode": "system", "radius": 18, "position": "end", "font": "page",
    "cooldown_hours": 24, "consent": "auto",
}  # fmt: skip


def put(world: World, body: Any, key: str | None = None) -> Any:
    return world.call("PUT", "/v1/widget", world.shop.api_key if key is None else key, json=body)


def settings(reply: Any) -> dict[str, Any]:
    return {name: reply.json[name] for name in SETTINGS}


def told(world: World, shop: str | None = None) -> dict[str, Any]:
    """What the snippet of a shop is told."""
    with world.database.reading() as conn:
        found = shops.by_id(conn, shop or world.shop.id)
    assert found is not None
    return theme.resolved(found.widget)


def test_a_new_shop_has_the_defaults_and_a_line_to_paste(world: World) -> None:
    reply = world.get("/v1/widget")
    assert reply.status_code == 200
    assert settings(reply) == SETTINGS
    assert reply.json["light"] == {"background": "#ffffff", "text": "#15171c", "accent": "#15171c", "on_accent": "#ffffff"}
    assert reply.json["dark"] == {"background": "#1c1e24", "text": "#f4f5f7", "accent": "#f4f5f7", "on_accent": "#1c1e24"}
    assert reply.json["notes"] == []
    assert reply.json["tag"] == f'<script async src="http://localhost:8000/widget.js" data-shop="{world.shop.site_key}"></script>'
    assert told(world) == {}


def test_what_is_set_is_kept_and_told(world: World) -> None:
    body = {
        "brand": "#0F766E", "mode": "light", "radius": 4, "position": "start", "font": "system", "cooldown_hours": 72,
        "consent": "never",
    }  # fmt: skip
    reply = put(world, body)
    assert reply.status_code == 200
    assert settings(reply) == {**SETTINGS, **body, "brand": "#0f766e"} == settings(world.get("/v1/widget"))
    assert reply.json["light"]["accent"] == "#0f766e"
    assert told(world) == {
        "mode": "light", "radius": 4, "position": "start", "font": "system", "cooldown_hours": 72, "consent": "never",
        "accent": "#0f766e", "on_accent": "#ffffff",
        "accent_dark": reply.json["dark"]["accent"], "on_accent_dark": reply.json["dark"]["on_accent"],
    }  # fmt: skip
    assert told(world, world.neighbour.id) == {}


def test_put_replaces_all_and_a_reply_can_be_sent_back(world: World) -> None:
    put(world, {"brand": "#0f766e", "radius": 0})
    changed = {**settings(world.get("/v1/widget")), "radius": 8}
    assert settings(put(world, changed)) == {**SETTINGS, "brand": "#0f766e", "radius": 8}
    assert settings(put(world, {})) == SETTINGS
    assert told(world) == {}


def test_a_faint_brand_is_mended_and_said_so(small_world: World) -> None:
    reply = put(small_world, {"brand": "#ffdd00"})
    assert reply.status_code == 200
    (note,) = reply.json["notes"]
    mended = reply.json["light"]["accent"]
    assert note == f"#ffdd00 on #ffffff is 1.34:1; a line needs 3:1, so {mended} is used on the light card."
    assert reply.json["brand"] == "#ffdd00"
    assert reply.json["dark"]["accent"] == "#ffdd00"
    assert small_world.get("/v1/widget").json["notes"] == [note]
    assert told(small_world)["accent"] == mended


def test_an_own_pair_that_cannot_be_read_is_refused_with_the_nearest_that_can(small_world: World) -> None:
    put(small_world, {"radius": 3})
    reply = put(small_world, {"background": "#fffaf0", "text": "#999999"})
    assert reply.status_code == 422
    (sentence,) = reply.json["errors"].values()
    assert list(reply.json["errors"]) == ["text"]
    assert sentence.startswith("#999999 on #fffaf0 is 2.73:1; text needs 4.5:1. The nearest that has it is #")
    assert settings(small_world.get("/v1/widget")) == {**SETTINGS, "radius": 3}  # nothing of it was kept
    nearest = sentence[-8:-1]
    taken = put(small_world, {"background": "#fffaf0", "text": nearest})
    assert (taken.status_code, taken.json["light"]["text"]) == (200, nearest)
    alone = put(small_world, {"background": "#303030"})
    assert (alone.status_code, list(alone.json["errors"])) == (422, ["background"])


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("brand", ["red", "#fff", "#12345", "#1234567", "#12345g", "0f766e", "#0f766e\n", "", 7, [], "#１２３456"]),
        ("background", ["white", "rgb(0,0,0)"]),
        ("text", ["#", False]),
        ("mode", ["auto", "Dark", "", 1]),
        ("radius", [-1, 29, 3.5, "8", True, "18px"]),
        ("position", ["left", "bottom", ""]),
        ("font", ["Arial", "url(x)"]),
        ("cooldown_hours", [-1, 8761, "24", 1e300]),
        ("consent", ["yes", True]),
        ("css", ["body{}"]),
        ("light", [{"accent": "#000000"}]),
        ("tag", ["<script>"]),
    ],
)
def test_what_is_wrong_is_named_and_nothing_changes(small_world: World, field: str, values: list[Any]) -> None:
    for value in values:
        reply = put(small_world, {"radius": 9, field: value})
        assert (reply.status_code, list(reply.json["errors"])) == (422, [field]), value
    assert settings(small_world.get("/v1/widget")) == SETTINGS


@pytest.mark.parametrize("body", [[], "x", 1])
def test_a_body_that_is_no_object_is_refused(small_world: World, body: Any) -> None:
    assert put(small_world, body).status_code == 422


def test_the_frozen_line_comes_with_the_first_release(
    small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "frozen" / "v1"
    monkeypatch.setattr(frozen, "FOLDER", folder)
    assert small_world.get("/v1/widget").json["frozen_tag"] is None
    hashes = frozen.release(built(tmp_path / "build"), folder)
    assert small_world.get("/v1/widget").json["frozen_tag"] == (
        f'<script async src="http://localhost:8000/widget.v1.js" integrity="{hashes["widget.js"]}" crossorigin="anonymous"'
        f' data-shop="{small_world.shop.site_key}"></script>'
    )
