"""What a set of events adds up to, worked out the slow and obvious way. It shares no code with the program.

Every event counts once, by its id, wherever it stands in the list. For each register of an answer or an order, the
newest event (by time, then id) that says something about it wins.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

# Questions that a new shop has.
BUCKETS = {
    "search-found": lambda value: value if value in ("yes", "no") else None,
    "order-rating": lambda value: str(value) if type(value) is int and 1 <= value <= 5 else None,
}
SUSPECT = ["trap", "fast", "bot", "burst"]
WHY_SKIPPED = ["sampled", "cap", "wave", "cooldown", "cooldown_all", "checkout", "hidden", "typing", "dialog", "covered"]
# question, counter, trust, dimension, key, bucket, period, start
Row = tuple[str, str, str, str, str, str, str, str]
OF_BROWSERS = ("question.shown", "question.dismissed", "answer.given")
OF_OWNERS = ("answer.quarantined", "answer.released", "answer.removed")


@dataclass
class Result:
    """What must stand in the tables: counter rows, and answers by (question, key)."""

    counters: Counter[Row] = field(default_factory=Counter)
    answers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)


def recount(events: Iterable[dict[str, Any]], time_zone: str = "UTC") -> Result:
    """Events in, tables out."""
    once = list({event["id"]: event for event in events}.values())
    result = Result()
    lines = _lines_of_orders(once)
    parts = defaultdict(list)
    for event in once:
        if event["type"] in OF_BROWSERS + OF_OWNERS:
            parts[event["question"], _key(event)].append(event)
    for (question, key), about in parts.items():
        answer = _answer(question, about)
        result.answers[question, key] = answer
        trust = "unverified" if key.startswith("browser:") else "verified"
        for row in _rows_of(question, trust, answer, lines, time_zone):
            result.counters[row] += 1
    for event in once:
        for row in _rows_of_search(event, time_zone):
            result.counters[row] += 1
        for row in _rows_of_skipped(event, time_zone):
            result.counters[row] += 1
    for row, amount in _rows_of_orders(once, time_zone):
        result.counters[row] += amount
    return result


def _key(event: dict[str, Any]) -> str:
    if event["type"] in OF_OWNERS:
        return event["key"]
    if event.get("row") is not None:
        return "import:" + event["row"]
    if event.get("order"):
        line = event["order"].get("line")
        return "order:" + event["order"]["ref"] + ("" if line is None else ":" + line)
    return "browser:" + (event.get("answer") or event["id"])


def _when(event: dict[str, Any]) -> tuple[int, str]:
    return event.get("revision", event["at"]), event["id"]


def _answer(question: str, about: list[dict[str, Any]]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "value": None, "bucket": None, "text": None, "product": None, "language": None, "placement": None,
        "query": None, "order": None, "hidden": False, "removed": False, "seen": set(), "times": [], "dismissed": False,
        "suspect": {"value": [], "text": [], "shown": []},
    }  # fmt: skip
    decided, reason = False, None
    for event in sorted(about, key=_when):
        if event["type"] == "answer.quarantined":
            decided, reason = True, event["reason"]
        elif event["type"] == "answer.released":
            decided, reason = True, None
        elif event["type"] == "answer.removed":
            answer["removed"] = True
        else:
            _say(answer, question, event)
    if not decided:
        reason = _held_against(answer)
    answer["hidden"] = reason is not None or answer["removed"]
    answer["quarantined"] = None if answer["removed"] or not _said_something(answer) else reason
    answer["first_at"] = min(answer["times"]) if answer["times"] else None
    return answer


def _said_something(answer: dict[str, Any]) -> bool:
    return answer["value"] is not None or answer["text"] is not None


def _held_against(answer: dict[str, Any]) -> str | None:
    suspect = answer["suspect"]
    against = suspect["value"] + suspect["text"] if _said_something(answer) else suspect["shown"]
    return ", ".join(mark for mark in SUSPECT if mark in against) or None


def _say(answer: dict[str, Any], question: str, event: dict[str, Any]) -> None:
    answer["seen"].add(event.get("row") or event.get("answer") or event["id"])
    if "row" in event:
        # A corrected row replaces the whole row, also what it no longer says.
        answer["times"] = [event["at"]]
        for name in ("value", "bucket", "text", "product", "language", "placement", "query", "order"):
            answer[name] = None
    else:
        answer["times"].append(event["at"])
    suspect = [mark for mark in event.get("marks", []) if mark in SUSPECT]
    if event["type"] == "question.dismissed":
        answer["dismissed"] = True
    if event["type"] != "answer.given":
        answer["suspect"]["shown"] = suspect or answer["suspect"]["shown"]
    else:
        if event.get("value") is not None:
            answer["suspect"]["value"] = suspect
            answer["value"] = event["value"]
            answer["bucket"] = BUCKETS[question](event["value"])
        if event.get("text") is not None:
            answer["suspect"]["text"] = suspect
            answer["text"] = event["text"]
    for name in ("product", "placement", "order"):
        if event.get(name) is not None:
            answer[name] = event[name]
    if (event.get("search") or {}).get("query") is not None:
        answer["query"] = event["search"]["query"]
    if (event.get("page") or {}).get("lang") is not None:
        answer["language"] = event["page"]["lang"].split("-")[0].lower()


def _lines_of_orders(events: Iterable[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """{order: {line: product}}: a full list replaces all lines, a partial one only those it names."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    # Of one moment a refund is the last word. Statuses and times of platforms: tests/unit/test_orders.py.
    for event in sorted(events, key=lambda event: (_when(event)[0], event["type"] == "order.refunded", event["id"])):
        if event["type"].startswith("order."):
            lines = event["order"].get("lines")
            if lines is not None:
                if not event["order"].get("partial"):
                    found[event["order"]["ref"]] = {}
                found[event["order"]["ref"]].update({line["line"]: line["product"] for line in lines})
    return found


def _rows_of(
    question: str, trust: str, answer: dict[str, Any], orders: dict[str, dict[str, str]], time_zone: str
) -> Iterable[Row]:
    if answer["hidden"] or not answer["seen"]:
        return
    dimensions = [("total", "")]
    dimensions += [(name, answer[name]) for name in ("language", "placement") if answer[name] is not None]
    if answer["query"] is not None:
        dimensions.append(("query", _query(answer["query"])))
    dimensions += [("product", product) for product in _products(answer, orders)]
    bucket = answer["bucket"]
    if answer["value"] is None and answer["text"] is not None:
        bucket = ""
    for dimension, key in dimensions:
        for period, start in _periods(answer["first_at"], time_zone):
            for _ in answer["seen"]:
                yield question, "shown", trust, dimension, key, "", period, start
            if bucket is not None:
                yield question, "answers", trust, dimension, key, bucket, period, start
            if answer["dismissed"] and not _said_something(answer) and dimension in ("total", "placement"):
                yield question, "dismissed", trust, dimension, key, "", period, start


def _products(answer: dict[str, Any], orders: dict[str, dict[str, str]]) -> set[str]:
    if answer["product"] is not None:
        return {answer["product"]}
    order = answer["order"]
    if order is None:
        return set()
    lines = orders.get(order["ref"], {})
    wanted = order.get("line")
    named = {product for line, product in lines.items() if wanted in (None, line)}
    return named or set(order.get("sku") or [])


def _rows_of_search(event: dict[str, Any], time_zone: str) -> Iterable[Row]:
    if event["type"] not in ("search.performed", "result.clicked"):
        return
    counter, bucket = "clicks", ""
    if event["type"] == "search.performed":
        results = event["search"].get("results")
        counter, bucket = "searches", "unknown" if results is None else "some" if results else "zero"
    for dimension, key in (("total", ""), ("query", _query(event["search"]["query"]))):
        for period, start in _periods(event["at"], time_zone):
            yield "", counter, "unverified", dimension, key, bucket, period, start


def _rows_of_skipped(event: dict[str, Any], time_zone: str) -> Iterable[Row]:
    if event["type"] != "question.skipped" or any(mark in SUSPECT for mark in event.get("marks", [])):
        return
    reason = event["reason"] if event["reason"] in WHY_SKIPPED else "other"
    dimensions = [("total", "")]
    if event.get("placement") is not None:
        dimensions.append(("placement", event["placement"]))
    for dimension, key in dimensions:
        for period, start in _periods(event["at"], time_zone):
            yield event["question"], "skipped", "unverified", dimension, key, reason, period, start


# Of one moment the status that is further wins.
_STATUSES = {"pending": 1, "on-hold": 1, "completed": 4, "partially-refunded": 5, "cancelled": 6, "failed": 6, "refunded": 7}


def _rows_of_orders(events: Iterable[dict[str, Any]], time_zone: str) -> Iterable[tuple[Row, int]]:
    """What is left of what was paid for each order that stands, on the day it was placed. Two decimals, like euros."""
    about = defaultdict(list)
    for event in events:
        if event["type"].startswith("order."):
            about[event["order"]["ref"]].append(_header(event))
    for said in about.values():
        said.sort(key=lambda one: one["stamp"])
        now: dict[str, Any] = {}
        for one in said:
            known = {name: value for name, value in one["header"].items() if value is not None}
            now = known if one["read"] else {**now, **known}
        if now.get("total") is None or now.get("status") in ("cancelled", "failed", "refunded"):
            continue
        total, refunded = _cents(now["total"]), _cents(now.get("refunded"))
        if 0 < total <= refunded:
            continue
        placed = _ms(now["placed_at"]) if now.get("placed_at") else said[0]["at"]
        value = total - refunded
        sums = {"n": 1, "value": value, "squares_high": value**2 // 2**31, "squares": value**2 % 2**31}
        for period, start in _periods(placed, time_zone):
            for bucket, amount in sums.items():
                if amount:
                    yield ("", "orders", "verified", "currency", now.get("currency", ""), bucket, period, start), amount


def _header(event: dict[str, Any]) -> dict[str, Any]:
    order = dict(event["order"])
    if order.get("status") is None and event["type"] == "order.completed":
        order["status"] = "completed"
    if order.get("status") is None and order.get("refunded") is None and event["type"] == "order.refunded":
        order["status"] = "refunded"
    at = _ms(order["updated_at"]) if order.get("updated_at") else _when(event)[0]
    status = order.get("status")
    rank = 0 if status is None else _STATUSES.get(status, 2)
    read = bool(order.get("read"))
    stamp = at, event["at"] if read else 0, rank, _cents(order.get("refunded")), event["id"]
    names = ("status", "placed_at", "currency", "total", "refunded")
    return {"stamp": stamp, "at": event["at"], "read": read, "header": {name: order.get(name) for name in names}}


def _cents(amount: str | None) -> int:
    return 0 if amount is None else round(float(amount) * 100)


def _ms(text: str) -> int:
    return round((datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def _query(typed: str) -> str:
    """For the plain queries of tests: case and spaces."""
    return " ".join(typed.lower().split())


def _periods(ms: int, time_zone: str) -> list[tuple[str, str]]:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    day = moment.astimezone(ZoneInfo(time_zone)).date().isoformat()
    return [("day", day), ("month", day[:7]), ("all", "")]


# --- what stands in the tables, by plain SQL --------------------------------------------------------------------------


def stored_events(run: Any, shop: str) -> list[dict[str, Any]]:
    """Every event of the log. `run(sql)` gives rows."""
    return [json.loads(body) for (body,) in run(f"SELECT body FROM events WHERE shop = '{shop}'")]


def stored_counters(run: Any, shop: str) -> Counter[Row]:
    """Every counter row that is not zero."""
    columns = "question, counter, trust, dimension, key, bucket, period, start"
    rows = run(f"SELECT {columns}, n FROM counters WHERE shop = '{shop}' AND n <> 0")
    return Counter({tuple(row[:-1]): row[-1] for row in rows})


def stored_answers(run: Any, shop: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The columns of the answers that the oracle knows."""
    columns = "question, key, bucket, text, product, language, hidden, quarantined, verified, first_at"
    found = {}
    for question, key, bucket, text, product, language, hidden, quarantined, verified, first_at in run(
        f"SELECT {columns} FROM answers WHERE shop = '{shop}'"
    ):
        found[question, key] = {
            "bucket": bucket, "text": text, "product": product, "language": language, "hidden": bool(hidden),
            "quarantined": quarantined,
            "verified": bool(verified), "first_at": first_at,
        }  # fmt: skip
    return found


def same_answers(stored: dict[tuple[str, str], dict[str, Any]], result: Result) -> bool:
    """Whether the table of answers says what the oracle says."""
    wanted = {
        name: {
            "bucket": answer["bucket"], "text": answer["text"], "product": answer["product"],
            "language": answer["language"], "hidden": answer["hidden"], "quarantined": answer["quarantined"],
            "verified": not name[1].startswith("browser:"), "first_at": answer["first_at"],
        }
        for name, answer in result.answers.items()
        # Of an answer that only its owner has spoken about nothing is known yet.
        if answer["seen"]
    }  # fmt: skip
    return {name: row for name, row in stored.items() if name in wanted} == wanted and {
        name for name in stored if name not in wanted
    } == {name for name, answer in result.answers.items() if not answer["seen"]}
