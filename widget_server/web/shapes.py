"""Shapes that several replies share."""

from typing import Any

from marshmallow import Schema, fields

from widget_server.contract.scores import Score


class Interval(fields.Raw):
    """[low, high], or null."""

    def __init__(self) -> None:
        super().__init__(
            required=True,
            metadata={
                "type": ["array", "null"],
                "items": {"type": "number"},
                "minItems": 2,
                "maxItems": 2,
                "description": "95 % interval [low, high]; null without answers",
            },
        )


class ScoreShape(Schema):
    """A score with its uncertainty."""

    value = fields.Float(required=True, allow_none=True, metadata={"description": "null without answers"})
    n = fields.Integer(required=True, metadata={"description": "how many answers (or shown questions) it is read from"})
    enough = fields.Boolean(
        required=True, metadata={"description": 'false below 10: say "too few answers to say" instead of the value'}
    )
    interval = Interval()
    distribution = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True, metadata={"description": "{bucket: count}"}
    )


class ErrorShape(Schema):
    """Every refusal looks like this."""

    code = fields.String(required=True, metadata={"description": "for programs", "example": "invalid"})
    message = fields.String(required=True, metadata={"description": "one sentence for people"})
    errors = fields.Dict(
        keys=fields.String(), values=fields.String(), required=True,
        metadata={"description": "{field: sentence}; empty when no field is to blame"},
    )  # fmt: skip


def next_field() -> fields.String:
    return fields.String(
        required=True, allow_none=True, metadata={"description": "`cursor` of the next page; null on the last one"}
    )


def score_json(score: Score) -> dict[str, Any]:
    """A score as the API tells it."""
    return {
        "value": score.value,
        "n": score.n,
        "enough": score.enough,
        "interval": None if score.interval is None else list(score.interval),
        "distribution": dict(score.distribution),
    }
