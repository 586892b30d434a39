"""Rules: when this happens, and if that holds, then points, a coupon, a webhook or a mail."""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from marshmallow import Schema, fields

from widget_server.act import rules as acting
from widget_server.act.dry_run import DAYS, MOST_FACTS, Outcome, dry_run
from widget_server.contract import rules as contract
from widget_server.contract.fields import Fields, Whole
from widget_server.contract.rules import Version
from widget_server.contract.shop import Shop
from widget_server.contract.times import format_time
from widget_server.record import endpoints
from widget_server.record import rules as record
from widget_server.record.db import lock_shops
from widget_server.record.rules import RuleConflict
from widget_server.web.errors import Problem, conflict, invalid, not_found
from widget_server.web.params import Count, Params, YesNo
from widget_server.web.resource import Read, Resource, Write
from widget_server.web.state import state

RESOURCE = Resource("rules", "When this happens, then points, a coupon, a webhook or a mail.", place=60)

_NONE = {404: "The shop has no such rule."}
_PATH = {"rule": {"type": "string", "pattern": "^rule_[0-9a-f]{24}$", "example": "rule_0123456789abcdef01234567"}}
_NOT_IN_SHOP = "The shop has no such question or endpoint, or its questions no such metric"
_JSON_TYPE = '-H "Authorization: Bearer $KEY" -H "Content-Type: application/json" '
_EXAMPLE = (
    """{"name": "50 points for rating an order", "when": "answer.given", "if": {"question": ["order-rating"]}, """
    """"then": [{"points": 50}], "caps": {"customer": 500, "total": 100000}}"""
)
_CHANGES = Fields(
    "RuleChanges", {**contract.RULE.kinds, "version": Whole(1, 10_000_000)}, hints=contract.RULE.hints, names_known=True
)

RuleBody = contract.RULE.schema()
ChangeBody = _CHANGES.schema()


class RuleShape(Schema):
    id = fields.String(required=True)
    version = fields.Integer(required=True, metadata={"description": "what happened before it counts under an older one"})
    valid_from = fields.String(required=True, metadata={"format": "date-time", "description": "when this version was saved"})
    deleted = fields.Boolean(required=True)
    name = fields.String(required=True)
    active = fields.Boolean(required=True)
    when = fields.String(required=True, metadata={"description": f"one of {', '.join(contract.TRIGGERS)}"})
    if_ = fields.Dict(
        keys=fields.String(), required=True, data_key="if", metadata={"description": "all of it must hold; empty: always"}
    )
    then = fields.List(fields.Dict(keys=fields.String()), required=True)
    starts = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    ends = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    return_days = fields.Integer(
        required=True, allow_none=True, metadata={"description": "days that a reward waits; null: as the shop has set it"}
    )
    caps = fields.Dict(keys=fields.String(), required=True, allow_none=True)


class Rules(Schema):
    rules = fields.List(fields.Nested(RuleShape), required=True)


class DryRun(Schema):
    name = fields.String(required=True, metadata={"description": "of the rule"})
    from_ = fields.String(required=True, data_key="from", metadata={"format": "date-time"})
    to = fields.String(required=True, metadata={"format": "date-time"})
    facts = fields.Integer(required=True, metadata={"description": "how often it would have fired"})
    points = fields.Integer(required=True)
    coupons = fields.Integer(required=True)
    customers = fields.Integer(required=True, metadata={"description": "how many would have been given something"})
    complete = fields.Boolean(required=True, metadata={"description": f"false: there is more than {MOST_FACTS:,} to look at"})
    summary = fields.String(required=True, metadata={"description": "the same as a sentence, and why nothing would have come of it"})


class RulesQuery(Params):
    deleted = YesNo(load_default=False, metadata={"description": "those that were deleted, instead of the others"})


class RuleQuery(Params):
    version = Count(1, 10_000_000, metadata={"description": "that version, also of a rule that was deleted; else the newest"})


@RESOURCE.route(
    "GET",
    "/v1/rules",
    summary="All rules of the shop",
    query=RulesQuery,
    reply=Rules,
    example='"$HOST/v1/rules" -H "Authorization: Bearer $KEY"',
)
def rules(call: Read) -> dict[str, Any]:
    """Oldest first, each in its newest version."""
    newest = [history[-1] for history in record.of_shop(call.conn, call.shop.id)]
    return {"rules": [_json(version) for version in newest if version.deleted == call.query["deleted"]]}


@RESOURCE.route(
    "GET",
    "/v1/rules/{rule}",
    summary="One rule",
    query=RuleQuery,
    reply=RuleShape,
    parameters=_PATH,
    refusals={404: "The shop has no such rule, or the rule no such version."},
    example='"$HOST/v1/rules/$RULE" -H "Authorization: Bearer $KEY"',
)
def rule(call: Read, rule: str) -> dict[str, Any]:
    """As it is now, or as an older version says: what was granted under one stays granted under it."""
    number = call.query.get("version")
    history = record.by_id(call.conn, call.shop.id, rule) or []
    found = [version for version in history if number in (None, version.number)]
    if history and not found:
        raise not_found(f"This rule has no version {number}; its newest is {history[-1].number}.")
    if not found or (number is None and found[-1].deleted):
        raise _unknown()
    return _json(found[-1])


@RESOURCE.route(
    "POST",
    "/v1/rules",
    summary="Add a rule",
    body=RuleBody,
    reply=RuleShape,
    status=201,
    refusals={409: f"{_NOT_IN_SHOP}, or it has too many rules."},
    example='-X POST "$HOST/v1/rules" ' + _JSON_TYPE + f"-d '{_EXAMPLE}'",
)
def add_rule(call: Write) -> dict[str, Any]:
    """It counts for what happens from now on, and never for what is older. A rule that grants points or coupons can't ask
    what was answered: rewards are for answering (Directive 2005/29/EC, Annex I, 23b and 23c). Points and coupons go only to
    customers whose order the shop's platform has told us about."""
    body, now = _checked(call.body), _now()
    _check_ends(body, now)
    with call.writing() as conn:
        lock_shops(conn, [call.shop.id])
        _check_questions(call.shop, body)
        _check_endpoint(conn, call.shop.id, body)
        return _json(_tried(lambda: acting.create(conn, call.shop, body, now)))


@RESOURCE.route(
    "PATCH",
    "/v1/rules/{rule}",
    summary="Change, pause or resume a rule",
    body=ChangeBody,
    reply=RuleShape,
    parameters=_PATH,
    refusals={
        **_NONE,
        409: f"`when` can't change, `version` is old by now, it was changed 200 times, or: {_NOT_IN_SHOP}.",
    },
    example='-X PATCH "$HOST/v1/rules/$RULE" ' + _JSON_TYPE + """-d '{"active": false}'""",
)
def change_rule(call: Write, rule: str) -> dict[str, Any]:
    """What is named is replaced as a whole, null takes it away, all else stays. A change is a new version: what happened
    before it counts as before, also what is heard of later. Nothing changed, no new version."""
    changes = {name: value for name, value in call.body.items() if name != "version"}
    now = _now()

    with call.writing() as conn:
        lock_shops(conn, [call.shop.id])

        def changed(old: Mapping[str, Any]) -> Mapping[str, Any]:
            body = _checked({**old, **changes})
            if body.get("ends") != old.get("ends"):
                _check_ends(body, now)
            if changes.get("if") is not None:
                _check_questions(call.shop, body)
            _check_endpoint(conn, call.shop.id, body)
            return body

        made = _tried(lambda: acting.change(conn, call.shop, rule, changed, now, call.body.get("version")))
    if made is None:
        raise _unknown()
    return _json(made)


@RESOURCE.route(
    "DELETE",
    "/v1/rules/{rule}",
    summary="Delete a rule",
    reply=None,
    status=204,
    parameters=_PATH,
    refusals=_NONE,
    example='-X DELETE "$HOST/v1/rules/$RULE" -H "Authorization: Bearer $KEY"',
)
def delete_rule(call: Write, rule: str) -> None:
    """It counts for nothing that happens from now on. What it granted stays, and a refund still takes its part back."""
    with call.writing() as conn:
        lock_shops(conn, [call.shop.id])
        if not acting.remove(conn, call.shop, rule, _now()):
            raise _unknown()


@RESOURCE.route(
    "POST",
    "/v1/dry-runs",
    summary="Try a rule before it is saved",
    body=RuleBody,
    reply=DryRun,
    refusals={409: f"{_NOT_IN_SHOP}."},
    example='-X POST "$HOST/v1/dry-runs" ' + _JSON_TYPE + f"-d '{_EXAMPLE}'",
)
def try_rule(call: Write) -> dict[str, Any]:
    """What it would have granted over the last 30 days, had it been in force all the time, caps included; `starts`, `ends`
    and `active` are left aside. Nothing is granted and nothing is stored."""
    body = _checked(call.body)
    _check_questions(call.shop, body)
    with state().database.reading() as conn:
        _check_endpoint(conn, call.shop.id, body)
        return _tried_json(body["name"], dry_run(conn, call.shop, body, _now()))


@RESOURCE.route(
    "GET",
    "/v1/rules/{rule}/dry-run",
    summary="Try a saved rule",
    reply=DryRun,
    parameters=_PATH,
    refusals=_NONE,
    example='"$HOST/v1/rules/$RULE/dry-run" -H "Authorization: Bearer $KEY"',
)
def try_saved_rule(call: Read, rule: str) -> dict[str, Any]:
    """What its newest version would have granted over the last 30 days, had it been in force all the time."""
    history = record.by_id(call.conn, call.shop.id, rule)
    if history is None or history[-1].deleted:
        raise _unknown()
    return _tried_json(history[-1].name, dry_run(call.conn, call.shop, history[-1].body, _now()))


_T = TypeVar("_T")


def _tried(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except RuleConflict as error:
        raise conflict({error.field: str(error)}) from error


def _checked(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what is null, or 422 naming all that is wrong."""
    bare = {name: value for name, value in body.items() if value is not None}
    errors = contract.errors(bare)
    if errors:
        raise invalid(errors)
    return bare


def _check_ends(body: Mapping[str, Any], now: int) -> None:
    errors = contract.over(body, now)
    if errors:
        raise invalid(errors)


def _check_questions(shop: Shop, body: Mapping[str, Any]) -> None:
    """A rule that waits for what never happens would be taken for one that works."""
    newest = (versions[-1] for versions in shop.questions.values())
    errors = contract.conflicts(body, {question.name: question.type for question in newest if not question.deleted})
    if errors:
        raise conflict(errors)


def _check_endpoint(conn: Any, shop: str, body: Mapping[str, Any]) -> None:
    for place, action in enumerate(body["then"]):
        webhook = action.get("webhook")
        if webhook is not None and endpoints.by_id(conn, shop, webhook["endpoint"]) is None:
            raise conflict({f"then.{place}.webhook.endpoint": f"This shop has no endpoint {webhook['endpoint']}."})


def _unknown() -> Problem:
    return not_found("This shop has no such rule.")


def _json(version: Version) -> dict[str, Any]:
    body = version.body
    return {
        "id": version.rule, "version": version.number, "valid_from": format_time(version.valid_from),
        "deleted": version.deleted, "name": version.name, "active": version.active, "when": version.when,
        "if": body.get("if") or {}, "then": body["then"], "starts": body.get("starts"), "ends": body.get("ends"),
        "return_days": version.return_days, "caps": body.get("caps"),
    }  # fmt: skip


def _tried_json(name: str, outcome: Outcome) -> dict[str, Any]:
    return {
        "name": name, "from": format_time(outcome.start), "to": format_time(outcome.end), "facts": outcome.facts,
        "points": outcome.points, "coupons": outcome.coupons, "customers": outcome.customers,
        "complete": outcome.complete,
        "summary": _summary(outcome),
    }  # fmt: skip


def _summary(outcome: Outcome) -> str:
    why = "" if outcome.why is None else f" {outcome.why}"
    if not outcome.facts:
        return f"In the last {DAYS} days it would not have fired.{why}"
    times = "once" if outcome.facts == 1 else f"{outcome.facts} times"
    return (
        f"In the last {DAYS} days it would have fired {times} and granted {_counted(outcome.points, 'point')} and "
        f"{_counted(outcome.coupons, 'coupon')} to {_counted(outcome.customers, 'customer')}.{why}"
    )


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _now() -> int:
    return int(time.time() * 1000)
