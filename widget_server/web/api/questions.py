"""Questions: what a shop asks, where, and in which words."""

from typing import Any

from marshmallow import Schema, fields

from widget_server.web.resource import Read, Resource

RESOURCE = Resource("questions", "What the shop asks, where, and in which words.", place=40)


class QuestionShape(Schema):
    name = fields.String(required=True)
    version = fields.Integer(required=True, metadata={"description": "the newest; older ones keep their answers"})
    type = fields.String(required=True)
    placement = fields.String(required=True)
    paused = fields.Boolean(required=True)
    settings = fields.Dict(keys=fields.String(), required=True)
    texts = fields.Dict(
        keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.String()), required=True,
        metadata={"description": "{language: {text: words}}"},
    )  # fmt: skip


class Questions(Schema):
    questions = fields.List(fields.Nested(QuestionShape), required=True)


@RESOURCE.route(
    "GET",
    "/v1/questions",
    summary="All questions of the shop",
    reply=Questions,
    example='"$HOST/v1/questions" -H "Authorization: Bearer $KEY"',
)
def questions(call: Read) -> dict[str, Any]:
    """Sorted by name."""
    newest = [versions[-1] for _, versions in sorted(call.shop.questions.items())]
    return {
        "questions": [
            {
                "name": question.name,
                "version": question.version,
                "type": question.type,
                "placement": question.placement,
                "paused": question.paused,
                "settings": dict(question.settings),
                "texts": {language: dict(words) for language, words in question.texts.items()},
            }
            for question in newest
        ]
    }
