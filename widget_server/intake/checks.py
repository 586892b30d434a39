"""From an untrusted body to envelopes: pure functions, no I/O.

A body is UTF-8 JSON with the keys `sent_at` (optional) and `events` (1 to 50). Each event is judged alone: a bad one is
named by its index and its fields and does not harm the others. What a shopper can't help (a question that was paused or
edited meanwhile, an expired token) is never refused: it is accepted and marked.

Nor is what may not come from a shopper at all. It is marked with the suspicion (contract/answer.py says what follows):
`trap` when a field was filled that people don't see; `fast` when an answer came sooner after the question than a thumb
can (who doesn't say how long it took is not suspected); `bot` when the user agent says so, a valid order token or not, as
mail scanners open the links that carry one; `burst` when its network has given the shop too many answers, unless an
order token proves that each of them is another order's.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from widget_server.contract.events import MAX_EVENTS, check_browser_event
from widget_server.contract.fields import BIGGEST, NOT_OBJECT, REQUIRED, UNKNOWN
from widget_server.contract.order import pseudonym
from widget_server.contract.questions import QuestionType, question_types
from widget_server.contract.shop import Question, Shop
from widget_server.contract.times import corrected, parse_time
from widget_server.contract.tokens import OrderClaims, TokenError, verify_order_token

from .replies import Refusal

MAX_BODY = 64 * 1024
MAX_DEPTH = 20
MAX_KEYS = 200
LARGEST = 1e15
# From the question's appearing to a tap on it. A person who waits for it needs 200 ms to see it and a hand to get there;
# half of that leaves room for a question that was drawn late.
FASTEST = 120

_BODY_KEYS = frozenset({"sent_at", "events"})
_BAD_TIME = "Give a time like 2026-11-22T10:00:00Z."
_NO_EVENTS = f"Give 1 to {MAX_EVENTS} events."
_TYPES: dict[str, QuestionType] = question_types()

# What orjson says, in words that name the limit.
_MALFORMED = (
    ("depth limit", f"Nested deeper than {MAX_DEPTH}."),
    ("allocate memory", f"Nested deeper than {MAX_DEPTH}."),
    ("valid UTF-8", "Not valid UTF-8."),
    ("surrogate", "Half a surrogate pair is no character."),
    ("infinity", f"Numbers must be smaller than {LARGEST:.0e}."),
    ("BOM", "Leave out the byte order mark."),
    ("zero-length", "The body is empty."),
)


class Sender(NamedTuple):
    """What the request says of who sends it: a robot by its own word, one of a network that sends too much."""

    robot: bool = False
    burst: bool = False


SHOPPER = Sender()


@dataclass(slots=True)
class Checked:
    """What is to be stored, and what was refused: [{"index", "errors"}]. `unproven` are the answers without a token,
    by their ids."""

    accepted: int
    envelopes: list[bytes]
    rejected: list[dict[str, Any]]
    unproven: list[str]


def parse(raw: bytes) -> tuple[list[Any], int | None]:
    """The events of a body and when it was sent (ms). Raises Refusal: 400 when it is no JSON, else 422."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _malformed(str(error)) from None
    if not isinstance(body, dict):
        raise _invalid({"body": limit_broken(body) or NOT_OBJECT})
    events, sent_at = body.get("events"), body.get("sent_at")
    sent = parse_time(sent_at) if isinstance(sent_at, str) else None
    # One look for the usual case; the details only when something is wrong.
    if (
        not isinstance(events, list)
        or not 1 <= len(events) <= MAX_EVENTS
        or not body.keys() <= _BODY_KEYS
        or (sent is None and sent_at is not None)
    ):
        raise _invalid(_body_errors(body))
    return events, sent


def check(raw: bytes, shop: Shop, received: int, sender: Sender = SHOPPER) -> Checked:
    """The envelopes of the good events in `raw`. `received` is now, in ms. Raises Refusal when none is good."""
    events, sent = parse(raw)
    envelopes: list[bytes] = []
    rejected: list[dict[str, Any]] = []
    seen: set[str] = set()
    unproven: list[str] = []
    accepted = 0
    for index, event in enumerate(events):
        errors = check_browser_event(event)
        if not errors:
            errors = _complete(event, shop, sent, received, sender)
        elif (broken := limit_broken(event)) is not None:
            errors = {"event": broken}
        if errors:
            rejected.append({"index": index, "errors": errors})
            continue
        accepted += 1
        if event["id"] not in seen:
            seen.add(event["id"])
            if event["type"] == "answer.given" and "order" not in event:
                unproven.append(event.get("answer") or event["id"])
            envelopes.append(envelope(shop.id, received, event))
    if not accepted:
        raise _invalid(
            {f"events.{r['index']}.{path}": s for r in rejected for path, s in r["errors"].items()}
        )
    return Checked(accepted, envelopes, rejected, unproven)


def envelope(shop: str, received: int, event: Mapping[str, Any], source: str = "browser") -> bytes:
    """What stands in the stream for one event."""
    return orjson.dumps({"shop": shop, "source": source, "received": received, "event": event})


def claims_of(token: str, shop: Shop, now: int) -> OrderClaims:
    """The claims of a rating token of this shop. Raises TokenError."""
    return verify_order_token(token, shop.order_token_secret, site=shop.site_key, use="rate", now=now)


def limit_broken(value: Any) -> str | None:
    """The limit that a parsed value breaks: depth, number of keys, size of numbers, NUL; None when it is tame."""
    keys = 0
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                keys += len(item)
                below += item.values()
                below += item
            elif isinstance(item, list):
                below += item
            elif (broken := _leaf(item)) is not None:
                return broken
        if keys > MAX_KEYS:
            return f"More than {MAX_KEYS} keys."
        if not below:
            return None
        level = below
    return f"Nested deeper than {MAX_DEPTH}."


def _leaf(item: Any) -> str | None:
    if isinstance(item, str):
        return "NUL is no character." if "\x00" in item else None
    if isinstance(item, float):
        return (
            None
            if math.isfinite(item) and abs(item) < LARGEST
            else f"Numbers must be smaller than {LARGEST:.0e}."
        )
    if isinstance(item, int) and abs(item) > BIGGEST:
        return f"Whole numbers must lie between -{BIGGEST} and {BIGGEST}."
    return None


def _complete(
    event: dict[str, Any], shop: Shop, sent: int | None, received: int, sender: Sender
) -> dict[str, str]:
    """Bring a checked event into the form that is stored; its errors that only the shop can tell."""
    marks: list[str] = []
    name = event.get("question")
    if name is not None:
        errors = _check_question(event, name, shop, marks)
        if errors:
            return errors
    token = event.pop("order_token", None)
    if token is not None:
        try:
            claims = claims_of(token, shop, received // 1000)
        except TokenError as error:
            if error.reason != "expired":
                return {"order_token": f"{str(error).capitalize()}."}
            marks.append("expired_token")
        else:
            event["order"] = {"ref": claims.order, "line": claims.line, "sku": claims.sku}
            if claims.customer:
                event["order"]["customer"] = pseudonym(shop.customer_key, claims.customer)
    at = parse_time(event["at"])
    assert at is not None
    event["at_raw"] = event["at"]
    event["at"] = corrected(at, sent, received)
    # A UUID is the same in either case (RFC 9562, section 4).
    event["id"] = event["id"].lower()
    if event.get("answer") is not None:
        event["answer"] = event["answer"].lower()
    if sender is not SHOPPER or "took" in event or "trap" in event:
        _suspect(event, sender, marks)
    if marks:
        event["marks"] = marks
    return {}


def _suspect(event: Mapping[str, Any], sender: Sender, marks: list[str]) -> None:
    if event.get("trap"):
        marks.append("trap")
    if sender.robot:
        marks.append("bot")
    if event["type"] == "answer.given":
        took = event.get("took")
        if took is not None and took < FASTEST:
            marks.append("fast")
        if sender.burst and "order" not in event:
            marks.append("burst")


def _check_question(event: Mapping[str, Any], name: str, shop: Shop, marks: list[str]) -> dict[str, str]:
    newest = shop.question(name)
    if newest is None:
        marks.append("unknown_question")
        return {}
    version = event.get("question_version")
    question = newest if version is None else shop.question(name, version)
    if question is None:
        marks.append("unknown_version")
        return {}
    if newest.paused:
        marks.append("paused_question")
    value = event.get("value")
    return {} if value is None else _check_value(value, question, marks)


def _check_value(value: Any, question: Question, marks: list[str]) -> dict[str, str]:
    kind = _TYPES.get(question.type)
    if kind is None:
        return {}
    bucket = kind.bucket(value, question.settings)
    if bucket is None:
        return {"value": kind.sentence}
    if bucket == "" or (isinstance(bucket, tuple) and len(bucket) < len(value)):
        marks.append("unknown_option")
    return {}


def _body_errors(body: Mapping[str, Any]) -> dict[str, str]:
    errors = {name: UNKNOWN for name in body if name not in _BODY_KEYS}
    if (broken := limit_broken({k: v for k, v in body.items() if k != "events"})) is not None:
        errors = {"body": broken}
    sent_at, events = body.get("sent_at"), body.get("events")
    if sent_at is not None and (not isinstance(sent_at, str) or parse_time(sent_at) is None):
        errors["sent_at"] = _BAD_TIME
    if events is None:
        errors["events"] = REQUIRED
    elif not isinstance(events, list) or not 1 <= len(events) <= MAX_EVENTS:
        errors["events"] = _NO_EVENTS
    return errors


def _malformed(said: str) -> Refusal:
    sentence = next((words for sign, words in _MALFORMED if sign in said), None)
    if sentence is None:
        # Only the place is repeated, never what stood there.
        sentence = f"Not JSON{said[said.rfind(': line') :]}." if ": line" in said else "Not JSON."
    return Refusal(400, "malformed", "The body can't be read.", {"body": sentence})


def _invalid(errors: dict[str, str]) -> Refusal:
    return Refusal(422, "invalid", "Nothing in it could be accepted.", errors)
