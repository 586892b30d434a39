"""Domains: on whose pages the snippet may ask and send for this shop."""

from typing import Any

from marshmallow import Schema, fields, validate

from widget_server.record import shops
from widget_server.web.params import Params
from widget_server.web.resource import Read, Resource, Write

MOST = 50
_FORM = r"^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:[0-9]{1,5})?\Z"
_SENTENCE = (
    "Give a domain like shop.example: without http:// and path, in lower case, with letters beyond a to z as browsers "
    "send them (xn--...)."
)

RESOURCE = Resource("domains", "On whose pages the snippet may ask for this shop.", place=65)


class DomainsBody(Params):
    domains = fields.List(
        fields.String(validate=validate.Regexp(_FORM, error=_SENTENCE)),
        required=True,
        validate=validate.Length(1, MOST, error=f"Give a list of 1 to {MOST}."),
        metadata={"description": "each with its subdomains, and a port where the shop has one", "example": ["shop.example"]},
    )


class Domains(Schema):
    domains = fields.List(fields.String(), required=True)


@RESOURCE.route(
    "GET",
    "/v1/domains",
    summary="The domains of the shop",
    reply=Domains,
    example='"$HOST/v1/domains" -H "Authorization: Bearer $KEY"',
)
def list_domains(call: Read) -> dict[str, Any]:
    """Pages elsewhere are refused."""
    return {"domains": list(call.shop.domains)}


@RESOURCE.route(
    "PUT",
    "/v1/domains",
    summary="Name the domains of the shop",
    body=DomainsBody,
    reply=Domains,
    example='-X PUT "$HOST/v1/domains" -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" '
    """-d '{"domains": ["shop.example", "shop.lv"]}'""",
)
def put_domains(call: Write) -> dict[str, Any]:
    """These and no others, at least one. Live within a minute."""
    domains = list(dict.fromkeys(call.body["domains"]))
    with call.writing() as conn:
        shops.set_domains(conn, call.shop.id, domains)
    return {"domains": domains}
