"""The widget: what the panel looks like in the shop, and the manners that hold for all its questions."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from widget_server.contract import theme
from widget_server.contract.fields import Kind, Text, Whole, one_of
from widget_server.contract.shop import Shop
from widget_server.record import shops
from widget_server.web import frozen
from widget_server.web.errors import invalid
from widget_server.web.params import Params
from widget_server.web.resource import Read, Resource, Write
from widget_server.web.state import state

RESOURCE = Resource("widget", "What the panel looks like in the shop, its manners, and the line that puts it there.", place=35)

_COLOUR = Text(7, 7, re.compile(theme.COLOUR.pattern, re.ASCII), "Give a colour like #1d4ed8.")
_HOURS = 8760


def _setting(kind: Kind, help: str, example: Any = None) -> fields.Field[Any]:
    """null is the default, so that a reply can be sent back with one value changed."""
    made = kind.field(required=False)
    made.metadata = {**made.metadata, "description": help, **({} if example is None else {"example": example})}
    return made


class WidgetBody(Params):
    brand = _setting(_COLOUR, "the shop's colour; what it draws with is computed from it for light and dark", "#1d4ed8")
    background = _setting(_COLOUR, "of the light card, in place of white", "#fffaf0")
    text = _setting(_COLOUR, "on the light card", "#15171c")
    mode = _setting(one_of("system", "light", "dark"), "`system` (the default) follows the shopper's device")
    radius = _setting(Whole(0, 28), "of the corners, in px; 18 by default")
    position = _setting(one_of("end", "start"), "the lower corner where lines end (the default) or start")
    font = _setting(one_of("page", "system"), "`page` (the default) is the font of the page")
    cooldown_hours = _setting(
        Whole(0, _HOURS), "between two questions to one visitor, orders aside, where something may be remembered; 24 by default"
    )
    consent = _setting(
        one_of("auto", "never", "always"),
        "`auto` (the default) reads the shop's consent platform; `never` keeps nothing in browsers; `always`: the shop has it",
    )


class CardShape(Schema):
    background = fields.String(required=True)
    text = fields.String(required=True)
    accent = fields.String(required=True, metadata={"description": "what is drawn in the brand; 3:1 on the card at least"})
    on_accent = fields.String(required=True, metadata={"description": "text upon that; 4.5:1 at least"})


class WidgetShape(Schema):
    brand = fields.String(required=True, allow_none=True)
    background = fields.String(required=True, allow_none=True)
    text = fields.String(required=True, allow_none=True)
    mode = fields.String(required=True)
    radius = fields.Integer(required=True)
    position = fields.String(required=True)
    font = fields.String(required=True)
    cooldown_hours = fields.Integer(required=True)
    consent = fields.String(required=True)
    light = fields.Nested(CardShape, required=True)
    dark = fields.Nested(CardShape, required=True)
    notes = fields.List(fields.String(), required=True, metadata={"description": "what was mended, in words"})
    tag = fields.String(required=True, metadata={"description": "the line for every page of the shop: the newest snippet"})
    frozen_tag = fields.String(
        required=True, allow_none=True,
        metadata={"description": "the same with the first version for ever and its SRI hash; null until there is a release"},
    )  # fmt: skip


@RESOURCE.route(
    "GET",
    "/v1/widget",
    summary="How the panel looks and behaves",
    reply=WidgetShape,
    example='"$HOST/v1/widget" -H "Authorization: Bearer $KEY"',
)
def widget(call: Read) -> dict[str, Any]:
    """What is set, the colours that follow from it, and the script line."""
    return _json(call.shop, call.shop.widget)


@RESOURCE.route(
    "PUT",
    "/v1/widget",
    summary="Set how the panel looks and behaves",
    body=WidgetBody,
    reply=WidgetShape,
    example='-X PUT "$HOST/v1/widget" -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" '
    """-d '{"brand": "#0f766e", "radius": 12}'""",
)
def put_widget(call: Write) -> dict[str, Any]:
    """These and no others: what is left out has its default again. A brand colour that is too faint for a line is made
    darker or lighter, and `notes` says so; an own pair of background and text below 4.5:1 is refused. Live within a
    minute."""
    kept = theme.stored(call.body)
    wrong = theme.errors(kept)
    if wrong:
        raise invalid(wrong)
    with call.writing() as conn:
        shops.set_widget(conn, call.shop.id, kept)
    return _json(call.shop, kept)


def _json(shop: Shop, widget: Mapping[str, Any]) -> dict[str, Any]:
    cards = {
        name: {
            "background": card.background, "text": card.text, "accent": drawn.accent, "on_accent": drawn.on_accent,
        }
        for name, (card, drawn) in theme.cards(widget).items()
    }  # fmt: skip
    return {
        **theme.DEFAULTS, **widget, **cards, "notes": theme.notes(widget), "tag": tag(shop),
        "frozen_tag": _frozen_tag(shop),
    }  # fmt: skip


def tag(shop: Shop) -> str:
    """The line for every page of the shop."""
    return _tag(shop, "widget.js")


def _tag(shop: Shop, file: str, more: str = "") -> str:
    return f'<script async src="{state().settings.base_url}/{file}"{more} data-shop="{shop.site_key}"></script>'


def _frozen_tag(shop: Shop) -> str | None:
    integrity = frozen.integrity(frozen.FOLDER)
    return integrity and _tag(shop, "widget.v1.js", f' integrity="{integrity}" crossorigin="anonymous"')
