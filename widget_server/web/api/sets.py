"""Sets: ready questions that an owner can switch on."""

from typing import Any

from marshmallow import Schema, fields

from widget_server.contract.sets import SETS
from widget_server.web.resource import Read, Resource

RESOURCE = Resource("sets", "Ready questions to switch on, in many languages.", place=45)


class SetShape(Schema):
    name = fields.String(required=True)
    about = fields.String(required=True, metadata={"description": "what it is good for"})
    touchpoint = fields.String(required=True, metadata={"description": "the step of the customer journey it measures"})
    placement = fields.String(required=True)
    type = fields.String(required=True)
    settings = fields.Dict(keys=fields.String(), required=True)
    languages = fields.List(fields.String(), required=True)
    title = fields.Dict(keys=fields.String(), values=fields.String(), required=True, metadata={"description": "by language"})
    question = fields.String(
        required=True, allow_none=True, metadata={"description": "the shop's question of this name, if it has one"}
    )


class Sets(Schema):
    sets = fields.List(fields.Nested(SetShape), required=True)


@RESOURCE.route(
    "GET",
    "/v1/sets",
    summary="All ready questions",
    reply=Sets,
    example='"$HOST/v1/sets" -H "Authorization: Bearer $KEY"',
)
def sets(call: Read) -> dict[str, Any]:
    """`POST /v1/questions` with `{"set": name}` switches one on."""
    there = {name for name, versions in call.shop.questions.items() if not versions[-1].deleted}
    return {
        "sets": [
            {
                "name": made.name,
                "about": made.about,
                "touchpoint": made.touchpoint,
                "placement": made.placement,
                "type": made.type,
                "settings": dict(made.settings),
                "languages": list(made.texts),
                "title": {language: words["title"] for language, words in made.texts.items()},
                "question": made.name if made.name in there else None,
            }
            for made in SETS.values()
        ]
    }
