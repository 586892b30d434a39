"""Origins: from which pages browsers may read the owner API with this shop's key."""

from typing import Any

from marshmallow import Schema, fields, validate

from widget_server.record import origins as record
from widget_server.web.params import Params
from widget_server.web.resource import Read, Resource, Write

MOST = 20
_FORM = r"^https?://[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:[0-9]{1,5})?\Z"
_SENTENCE = "Give an origin like https://panel.shop.example, in lower case and without a path."

RESOURCE = Resource("origins", "From which pages browsers may read this API with the shop's key: none, unless named.", place=70)


class OriginsBody(Params):
    origins = fields.List(
        fields.String(validate=validate.Regexp(_FORM, error=_SENTENCE)),
        required=True,
        validate=validate.Length(max=MOST, error=f"Give a list of at most {MOST}."),
        metadata={"description": "scheme, host and port, as browsers send them", "example": ["https://panel.shop.example"]},
    )


class Origins(Schema):
    origins = fields.List(fields.String(), required=True)


@RESOURCE.route(
    "GET",
    "/v1/origins",
    summary="The origins that may read this API",
    reply=Origins,
    example='"$HOST/v1/origins" -H "Authorization: Bearer $KEY"',
)
def list_origins(call: Read) -> dict[str, Any]:
    """Programs on servers need none."""
    return {"origins": record.of_shop(call.conn, call.shop.id)}


@RESOURCE.route(
    "PUT",
    "/v1/origins",
    summary="Name the origins that may read this API",
    body=OriginsBody,
    reply=Origins,
    example='-X PUT "$HOST/v1/origins" -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" '
    """-d '{"origins": ["https://panel.shop.example"]}'""",
)
def put_origins(call: Write) -> dict[str, Any]:
    """These and no others. Whoever can open a page that holds the key has the key: name only pages behind a sign-in."""
    with call.writing() as conn:
        record.replace(conn, call.shop.id, call.body["origins"])
        return {"origins": record.of_shop(conn, call.shop.id)}
