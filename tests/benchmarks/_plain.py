"""What most would write: a Flask route, a marshmallow schema of the same fields, one XADD with redis-py's defaults.

No Origin rule, no limits, no token check, no spill: less work than our collector does. `empty` does nothing at all.
"""

import os
from typing import Any

import redis
from flask import Flask, jsonify, request
from marshmallow import Schema, ValidationError, fields

from widget_server.contract.events import EVENT_TYPES
from widget_server.intake.stream import STREAM


class _Body(Schema):
    sent_at = fields.String()
    events = fields.List(fields.Nested(EVENT_TYPES["answer.given"].fields.schema()), required=True)


app = Flask(__name__)
_body = _Body()
_redis = redis.Redis.from_url(os.environ["BENCH_REDIS_URL"])


@app.post("/v1/shops/<site_key>/answers")
def answers(site_key: str) -> Any:
    """Check, store, say so."""
    try:
        body = _body.load(request.get_json(force=True))
    except ValidationError as error:
        return jsonify(error.messages), 422
    for event in body["events"]:
        _redis.xadd(STREAM, {"e": app.json.dumps({"shop": site_key, "event": event})})
    return jsonify({"accepted": len(body["events"]), "rejected": []}), 202


def empty(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """The floor: what granian can do with Python behind it."""
    start_response("202 Accepted", [("content-type", "application/json")])
    return [b'{"accepted":1,"rejected":[]}']
