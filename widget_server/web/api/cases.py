"""Cases: answers that somebody in the shop sees to, as the owner's pages show them."""

import time
from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy import Connection

from widget_server.contract.events import EVENT_TYPES
from widget_server.contract.fields import Text
from widget_server.contract.shop import Shop
from widget_server.contract.times import format_time, local_day, midnight
from widget_server.record import cases as record
from widget_server.record import members, notes
from widget_server.record.cases import OPEN, STATUSES, Case, CaseConflict, Wanted
from widget_server.web.decisions import decidable
from widget_server.web.errors import conflict, not_found
from widget_server.web.params import Day, Params, Position, choice, cursor, line, of_kind, page_size
from widget_server.web.resource import Read, Resource, Write
from widget_server.web.shapes import next_field

RESOURCE = Resource("cases", "Answers that somebody in the shop sees to, and how far they are.", place=35)

_JSON_TYPE = '-H "Authorization: Bearer $KEY" -H "Content-Type: application/json" '
_ADDRESS = line(254, "the e-mail address of a member", "owner@shop.example")


class CasesQuery(Params):
    status = choice("open", *STATUSES, default="open", help="`open` is new and doing")
    cursor = Position()
    limit = page_size(50, 200)


class CaseShape(Schema):
    id = fields.String(required=True)
    question = fields.String(required=True)
    key = fields.String(required=True, metadata={"description": "of the answer, unique with its question"})
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    assignee = fields.String(
        required=True, allow_none=True, metadata={"description": "e-mail address of the member who sees to it; null for nobody"}
    )
    due = fields.String(
        required=True, allow_none=True,
        metadata={"format": "date", "description": "last day to see to it, in the shop's time zone; null for none"},
    )  # fmt: skip
    overdue = fields.Boolean(required=True, metadata={"description": "still open after that day"})
    created = fields.String(required=True, metadata={"format": "date-time"})
    updated_at = fields.String(required=True, metadata={"format": "date-time"})
    version = fields.Integer(required=True, metadata={"description": "grows with each change"})


class Cases(Schema):
    cases = fields.List(fields.Nested(CaseShape), required=True, validate=validate.Length(max=200))
    next = next_field()


def _about_answer() -> dict[str, Any]:
    """Which answer."""
    kinds = EVENT_TYPES["answer.quarantined"].fields.kinds
    made: dict[str, Any] = {"question": kinds["question"].field(required=True), "key": kinds["key"].field(required=True)}
    made["question"].metadata = {**made["question"].metadata, "example": "order-rating"}
    made["key"].metadata = {**made["key"].metadata, "example": "order:A-17", "description": "as the list of answers shows it"}
    return made


def _changes() -> dict[str, Any]:
    """What can be set."""
    due = Day(allow_none=True, metadata={"description": "last day to see to it; null for none", "example": "2026-12-01"})
    return {
        "status": choice(*STATUSES, help="how far it is"),
        "assignee": fields.String(
            allow_none=True, validate=_ADDRESS.validators, metadata={"description": "the e-mail address of a member; null for nobody"}
        ),
        "due": due,
        "note": of_kind(
            Text(notes.LONGEST, lines=True, message=f"Give text of 1 to {notes.LONGEST} characters."),
            "for the colleagues; stands among what happened to the answer",
        ),
    }


class _Version(fields.Integer):
    """A whole number; `2.0` is one too."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        whole = int(value) if type(value) is float and value.is_integer() else value
        if type(whole) is not int:
            raise self.make_error("invalid")
        return whole


def _version() -> fields.Integer:
    sentence = "Give a whole number from 1 to 999999999."
    return _Version(
        validate=validate.Range(1, 999_999_999, error=sentence), error_messages={"invalid": sentence},
        metadata={"description": "only if the case is still at this version"},
    )  # fmt: skip


CaseBody = type("CaseBody", (Params,), {**_about_answer(), **_changes()})
CaseChangeBody = type(
    "CaseChangeBody",
    (Params,),
    {**_changes(), "version": _version()},
)


@RESOURCE.route(
    "GET",
    "/v1/cases",
    summary="Cases, what is overdue first",
    query=CasesQuery,
    reply=Cases,
    example='"$HOST/v1/cases" -H "Authorization: Bearer $KEY"',
)
def list_cases(call: Read) -> dict[str, Any]:
    """Open ones by their due day, those without one last; others by their last change, newest first."""
    limit, status = call.query["limit"], call.query["status"]
    wanted = Wanted(OPEN if status == "open" else (status,))
    number, name = call.query.get("cursor", (None, ""))
    case, _, due = name.partition("\n")
    if status == "open" or status in OPEN:
        after = None if number is None else (int(due) if due.isascii() and due.isdigit() else 0, number, case)
        found = record.listed(call.conn, call.shop.id, wanted, after, limit + 1)
    else:
        before = None if number is None else (number, case)
        found = record.ended(call.conn, call.shop.id, wanted, before, limit + 1)
    people = _addresses(call.conn, call.shop)
    return {
        "cases": [_json(each, call.shop, people) for each in found[:limit]],
        "next": _next(found[limit - 1]) if len(found) > limit else None,
    }


@RESOURCE.route(
    "POST",
    "/v1/cases",
    summary="Make an answer a case",
    body=CaseBody,
    reply=CaseShape,
    status=201,
    refusals={404: "The shop has no such answer.", 409: "No member has that address."},
    example='-X POST "$HOST/v1/cases" ' + _JSON_TYPE + """-d '{"question": "order-rating", "key": "order:A-17"}'""",
)
def make_case(call: Write) -> dict[str, Any]:
    """An answer is one case: when it is one already, what is given is changed about it."""
    name = call.body["question"], call.body["key"]
    with call.writing() as conn:
        if name not in decidable(conn, call.shop.id, [name]):
            raise not_found("This shop has no such answer.", {"key": "Give the `key` of an answer to this question."})
        record.make(conn, call.shop.id, [name], None, _now())
        return _changed(conn, call, name)


@RESOURCE.route(
    "PATCH",
    "/v1/cases/{case}",
    summary="Change a case",
    body=CaseChangeBody,
    reply=CaseShape,
    refusals={404: "The shop has no such case.", 409: "No member has that address, or the case is at another version."},
    parameters={"case": {"description": "its id"}},
    example='-X PATCH "$HOST/v1/cases/$CASE" ' + _JSON_TYPE + """-d '{"status": "solved"}'""",
)
def change_case(call: Write, case: str) -> dict[str, Any]:
    """What is named is changed, the rest stays."""
    with call.writing() as conn:
        found = record.by_id(conn, call.shop.id, case)
        if found is None:
            raise not_found("This shop has no such case.")
        return _changed(conn, call, (found.question, found.key))


def _changed(conn: Connection, call: Write, name: record.Name) -> dict[str, Any]:
    """Change what the body names, and tell the case."""
    shop, body, now = call.shop, call.body, _now()
    people = _addresses(conn, shop)
    changes: dict[str, Any] = {"status": body["status"]} if "status" in body else {}
    if "assignee" in body:
        changes["assignee"] = _account(people, body["assignee"])
    if "due" in body:
        changes["due"] = None if body["due"] is None else midnight(body["due"], 1, shop.time_zone) - 1
    try:
        record.change(conn, shop.id, [name], changes, None, now, body.get("version"))
    except CaseConflict as error:
        raise conflict({"version": "The case is at another version by now; read it and try again."}) from error
    if "note" in body:
        if not notes.room(conn, shop.id, name):
            raise conflict({"note": f"There are {notes.MOST} notes about this answer already."})
        notes.add(conn, shop.id, [name], None, "note", body["note"], now)
    return _json(record.of_answers(conn, shop.id, [name])[name], shop, people)


def _account(people: dict[str, str], address: str | None) -> str | None:
    if address is None:
        return None
    wanted = address.casefold()
    found = next((account for account, email in people.items() if email.casefold() == wanted), None)
    if found is None:
        raise conflict({"assignee": "No member has this address."})
    return found


def _addresses(conn: Connection, shop: Shop) -> dict[str, str]:
    return {member.account: member.email for member in members.of_shop(conn, shop.id)}


def _json(case: Case, shop: Shop, people: dict[str, str]) -> dict[str, Any]:
    return {
        "id": case.id,
        "question": case.question,
        "key": case.key,
        "status": case.status,
        "assignee": None if case.assignee is None else people.get(case.assignee),
        "due": None if case.due is None else local_day(case.due, shop.time_zone),
        "overdue": case.is_overdue(_now()),
        "created": format_time(case.created),
        "updated_at": format_time(case.changed),
        "version": case.version,
    }


def _next(last: Case) -> str:
    due, created, name = record.place(last)
    return cursor(created, f"{name}\n{due}") if last.is_open else cursor(last.changed, f"{name}\n")


def _now() -> int:
    return time.time_ns() // 1_000_000
