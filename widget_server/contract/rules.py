"""Rules: when this happens, and if that holds, then points, a coupon, a webhook or a mail. Data, not code. Pure.

A rule is a list of versions, each in force from the moment it was saved until the next one. What counts for a fact is the
version that was in force at the fact's own time, however late the fact is heard of; a fact that is older than its rule
counts for nothing. `points` and `coupon` say what a version owes for the present state of a fact. They never add anything
up, so the same fact may be looked at any number of times.

**Rewards are for answering, never for what was answered.** To reward some answers only, or to reward good ones better, is
an unfair commercial practice in all circumstances (Directive 2005/29/EC, Annex I, 23b and 23c, put in by Directive (EU)
2019/2161, "Omnibus"). So a rule that grants anything has no condition on an answer's value, and every answer that one is
promised for bears a mark (`promises`).
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from . import coupons
from .coupons import COUPON, CouponTerms
from .events import MAX_PRODUCT
from .fields import (
    BIGGEST,
    REQUIRED,
    Fields,
    Flag,
    Group,
    Kind,
    Many,
    Number,
    Text,
    Time,
    Whole,
    currency,
    language,
    money,
    one_of,
    slug,
)
from .metrics import metrics
from .money import decimal, exponent, minor
from .order import OrderFacts
from .placing import PLACEMENTS
from .points import MOST, Caps
from .times import DAY, format_time, parse_time

When = Literal[
    "answer.given", "order.completed", "order.refunded", "score.updated", "customer.birthday", "customer.silent"
]
# What each trigger can be narrowed down by.
CONDITIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "answer.given": (
        "question", "placement", "value", "verified", "first", "order_value", "product", "language", "segment",
    ),
    "order.completed": ("first", "order_value", "product", "language", "segment"),
    "order.refunded": ("order_value", "product", "language", "segment"),
    "score.updated": ("question", "metric", "score", "days"),
    "customer.birthday": ("language", "segment"),
    "customer.silent": ("days", "language", "segment"),
}  # fmt: skip
TRIGGERS: Final = tuple(CONDITIONS)
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {"score.updated": ("metric", "score"), "customer.silent": ("days",)}
# A refund takes back by itself what was given, and a score has nobody who could be given anything.
REWARDING: Final = ("answer.given", "order.completed", "customer.birthday", "customer.silent")
ACTIONS: Final = ("points", "points_per", "coupon", "webhook", "mail")
REWARDS: Final = ("points", "points_per", "coupon")

MOST_ACTIONS = len(ACTIONS)
MOST_POINTS = 1_000_000
MOST_DAYS = 3650
LONGEST_RETURN = 365
RETURN_DAYS = 14
"""Days that a reward waits, when neither the rule nor the shop says otherwise."""
BIRTHDAY_KNOWN = 30
"""Days that a birthday must have been known before it is worth anything: nobody is to have one whenever it pays."""

LEGAL = (
    "A rule that grants points or coupons can't ask what was answered: rewards are for answering, never for the answer "
    "(Directive 2005/29/EC, Annex I, 23b and 23c, as amended by Directive (EU) 2019/2161, Omnibus)."
)
_MOST_QUESTIONS = 1000
_MOST_NAMED = 20
_ENDPOINT = re.compile(r"ep_[0-9a-f]{24}", re.ASCII)

_RANGE = Fields("Range", {"min": money(), "max": money(), "currency": currency()}, frozenset({"currency"}), names_known=True)
_VALUE = Fields(
    "ValueRange",
    {"min": Whole(-BIGGEST, BIGGEST), "max": Whole(-BIGGEST, BIGGEST), "is": Many(Text(200), 20, '["no"]')},
    names_known=True,
)
_SCORE = Fields("ScoreRange", {"min": Number(-1000, 1000), "max": Number(-1000, 1000)}, names_known=True)
IF = Fields(
    "RuleConditions",
    {
        "question": Many(slug(), 20, '["order-rating"]'),
        "placement": Many(one_of(*PLACEMENTS), 20, '["order"]'),
        "value": Group(_VALUE, '{"max": 2}'),
        "verified": Flag(),
        "first": Flag(),
        "order_value": Group(_RANGE, '{"min": "20.00", "currency": "EUR"}'),
        "product": Many(Text(MAX_PRODUCT), 100, '["SKU-1"]'),
        "language": Many(language(), 20, '["lv"]'),
        "segment": Many(slug(), 20, '["vip"]'),
        "metric": one_of(*metrics()),
        "score": Group(_SCORE, '{"max": 0.5}'),
        "days": Whole(1, MOST_DAYS),
    },
    names_known=True,
)
_PER = Fields(
    "PointsPer",
    {"points": Whole(1, MOST_POINTS), "amount": money(), "currency": currency()},
    frozenset({"points", "amount", "currency"}),
    names_known=True,
)
_WEBHOOK = Fields(
    "RuleWebhook",
    {"endpoint": Text(27, 27, _ENDPOINT, "Give the id of an endpoint, like ep_0123456789abcdef01234567.")},
    frozenset({"endpoint"}),
    names_known=True,
)
_ACTION = Fields(
    "RuleAction",
    {
        "points": Whole(1, MOST_POINTS),
        "points_per": Group(_PER),
        "coupon": Group(COUPON),
        "webhook": Group(_WEBHOOK),
        "mail": Group(Fields("RuleMail", {})),
    },
    names_known=True,
)
_COUPON_CAPS: dict[str, Kind] = {name: Whole(1, MOST) for name in ("customer", "day", "total")}
_COUPONS = Fields("RuleCouponCaps", _COUPON_CAPS, names_known=True)
_CAPS = Fields("RuleCaps", {**_COUPON_CAPS, "coupons": Group(_COUPONS)}, names_known=True)
RULE = Fields(
    "NewRule",
    {
        "name": Text(100),
        "active": Flag(),
        "when": one_of(*TRIGGERS),
        "if": Group(IF, '{"question": ["order-rating"]}'),
        "then": Many(Group(_ACTION, '{"points": 50}'), MOST_ACTIONS, '[{"points": 50}]'),
        "starts": Time(),
        "ends": Time(),
        "return_days": Whole(0, LONGEST_RETURN),
        "caps": Group(_CAPS, '{"customer": 500}'),
    },
    frozenset({"name", "when", "then"}),
    {"paused": "Give active: false to pause a rule."},
    names_known=True,
)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that rules listen to, as it is at present. `source` names it for ever, within its shop.

    `at` is the fact's own time in ms. `value` is what was answered. `stands`: nobody has taken it away again (an answer
    that is removed or waits in quarantine, an order that is cancelled). `customer` is who would be rewarded.
    """

    when: str
    source: str
    at: int
    customer: str | None = None
    stands: bool = True
    question: str | None = None
    placement: str | None = None
    value: Any = None
    verified: bool = False
    first: bool = False
    order: OrderFacts | None = None
    products: Collection[str] = ()
    language: str | None = None
    segments: Collection[str] = ()
    metric: str | None = None
    score: float | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class PointsPer:
    """`points` for each `amount` (minor units) that was paid."""

    points: int
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Money:
    """From `least` to `most` minor units; None is any."""

    least: int | None
    most: int | None
    currency: str


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a rule. It is in force from `valid_from` (ms) until the next version. `body` is what its owner gave."""

    rule: str
    number: int
    valid_from: int
    deleted: bool
    body: Mapping[str, Any]
    name: str
    active: bool
    when: str
    starts: int | None
    ends: int | None
    return_days: int | None
    caps: Caps | None
    coupon_caps: Caps | None
    points: int
    per: PointsPer | None
    coupon: CouponTerms | None
    webhook: str | None
    mail: bool
    questions: frozenset[str] | None
    placements: frozenset[str] | None
    products: frozenset[str] | None
    languages: frozenset[str] | None
    segments: frozenset[str] | None
    verified: bool | None
    first: bool | None
    order_value: Money | None
    value: Mapping[str, Any] | None
    metric: str | None
    score: tuple[float | None, float | None]
    days: int | None

    @property
    def rewards(self) -> bool:
        """Whether it grants points or a coupon."""
        return self.points > 0 or self.per is not None or self.coupon is not None

    @property
    def looks_back(self) -> bool:
        """Whether what it owes for a fact depends on more than this fact."""
        if self.when not in ("answer.given", "order.completed"):
            return False
        by_customer = self.segments is not None or (self.languages is not None and self.when == "order.completed")
        return by_customer or self.first is not None

    @property
    def tells(self) -> bool:
        """Whether somebody is told when it fires."""
        return self.webhook is not None or self.mail


History = Sequence[Version]
"""The versions of one rule, oldest first."""


class Book:
    """The rules of a shop, by what they listen to. `looks_back`: those for which one event may change another fact."""

    def __init__(self, histories: Iterable[History]) -> None:
        self._rules = {history[0].rule: history for history in histories}
        versions = [version for history in self._rules.values() for version in history]
        self.asks_products = any(v.products is not None for v in versions)
        self.asks_first = any(v.first is not None for v in versions)
        self.asks_customers = any(v.segments is not None or v.languages is not None for v in versions)
        self.looks_back = frozenset(v.rule for v in versions if v.looks_back)
        self._listening: dict[str, tuple[History, ...]] = {}
        self._answers: dict[tuple[str, bool], tuple[History, ...]] = {}
        for when in TRIGGERS:
            self._listening[when] = tuple(h for h in self._rules.values() if h[0].when == when)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def rule(self, name: str) -> History | None:
        return self._rules.get(name)

    def listening(self, when: str) -> tuple[History, ...]:
        """The rules for a trigger; deleted ones too, because what is heard of late counts under the version of its time."""
        return self._listening.get(when, ())

    def for_answers(self, question: str, nobodys: bool = False) -> tuple[History, ...]:
        """Those for answers to one question; for answers of `nobodys` those that are not only there to reward."""
        found = self._answers.get((question, nobodys))
        if found is None:
            asking = (h for h in self._listening["answer.given"] if any(_asks(v, question) for v in h))
            found = tuple(h for h in asking if not nobodys or any(v.tells for v in h))
            if len(self._answers) < _MOST_QUESTIONS:
                self._answers[question, nobodys] = found
        return found


NO_RULES: Final = Book(())


def version_of(rule: str, number: int, valid_from: int, deleted: bool, body: Mapping[str, Any]) -> Version:
    """A version as the other functions want it, from a body that has no `errors`."""
    given = {name: value for name, value in (body.get("if") or {}).items() if value is not None}
    then = {name: value for action in body["then"] for name, value in action.items() if value is not None}
    caps = body.get("caps") or {}
    score = given.get("score") or {}
    active = body.get("active")
    return Version(
        rule=rule, number=number, valid_from=valid_from, deleted=deleted, body=body, name=body["name"],
        active=active is None or active, when=body["when"], starts=_time(body.get("starts")), ends=_time(body.get("ends")),
        return_days=body.get("return_days"), caps=_caps(caps), coupon_caps=_caps(caps.get("coupons") or {}),
        points=then.get("points", 0), per=_per(then.get("points_per")), coupon=None if then.get("coupon") is None else coupons.terms(then["coupon"]),
        webhook=(then.get("webhook") or {}).get("endpoint"), mail="mail" in then,
        questions=_any_of(given.get("question")), placements=_any_of(given.get("placement")),
        products=_any_of(given.get("product")), languages=_any_of(_primary(each) for each in given.get("language") or ()),
        segments=_any_of(given.get("segment")), verified=given.get("verified"), first=given.get("first"),
        order_value=_money(given.get("order_value")), value=given.get("value"), metric=given.get("metric"),
        score=(score.get("min"), score.get("max")), days=given.get("days"),
    )  # fmt: skip


def in_force(history: History, at: int) -> Version | None:
    """The version that counted at `at`; None before the first one and once the rule was deleted."""
    last = history[-1]
    if at < last.valid_from:
        place = bisect_right(history, at, key=_valid_from)
        if place == 0:
            return None
        last = history[place - 1]
    return None if last.deleted else last


def runs(version: Version, at: int) -> bool:
    """Whether a version counts for anything that happens at `at`, it being in force."""
    return (
        version.active
        and not version.deleted
        and (version.starts is None or at >= version.starts)
        and (version.ends is None or at < version.ends)
    )


def matches(version: Version, fact: Fact) -> bool:
    """Whether the rule fires for the fact as it is now."""
    return (
        fact.stands
        and version.when == fact.when
        and runs(version, fact.at)
        and (version.questions is None or fact.question in version.questions)
        and (version.placements is None or fact.placement in version.placements)
        and (version.verified is None or fact.verified is version.verified)
        and (version.first is None or fact.first is version.first)
        and (version.languages is None or _primary(fact.language) in version.languages)
        and (version.products is None or not version.products.isdisjoint(fact.products))
        and (version.segments is None or not version.segments.isdisjoint(fact.segments))
        and (version.order_value is None or _is_worth(version.order_value, fact.order))
        and (version.value is None or _is_among(version.value, fact.value))
        and (version.metric is None or version.metric == fact.metric)
        and (fact.when != "score.updated" or _is_between(version.score, fact.score))
        and (fact.when != "customer.silent" or version.days == fact.days)
    )


def points(version: Version, fact: Fact) -> int:
    """The points that the version owes for the fact as it is now; what was refunded of an order counts for nothing."""
    if not (version.points or version.per) or not _earns(version, fact):
        return 0
    order = fact.order
    if version.when != "order.completed" or order is None:
        return version.points
    kept = order.total - order.refunded
    owed = version.points * kept // order.total if order.total else version.points
    if version.per is not None and version.per.currency == order.currency:
        owed += version.per.points * kept // version.per.amount
    return min(owed, MOST)


def coupon(version: Version, fact: Fact) -> CouponTerms | None:
    """The coupon that the version owes for the fact as it is now."""
    return version.coupon if version.coupon is not None and _earns(version, fact) else None


def promises(
    version: Version, at: int, question: str, placement: str | None, language: str | None, verified: bool
) -> bool:
    """Whether a reward was held out for an answer given `at`, whatever became of it: its answer bears the mark.

    What only turns out afterwards (the order's value, its products, whose order it is) makes no difference to the promise.
    """
    return (
        version.rewards
        and version.when == "answer.given"
        and runs(version, at)
        and (version.questions is None or question in version.questions)
        and (version.placements is None or placement is None or placement in version.placements)
        and (version.languages is None or language is None or _primary(language) in version.languages)
        and (not version.verified or verified)
    )


def available_at(version: Version, fact: Fact, return_days: int) -> int:
    """When a reward is no longer pending: what was bought can't be returned any more. `return_days` are the shop's."""
    days = version.return_days
    if fact.order is None:
        # Nothing was bought, so nothing can be returned; a rule may wait all the same.
        return fact.at + (days or 0) * DAY
    bought = fact.order.completed_at or fact.order.placed_at or 0
    return max(fact.at, bought) + (return_days if days is None else days) * DAY


def errors(body: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with a rule as its owner gave it, by dotted path; empty when it can be saved."""
    found = RULE.check(body)
    return found or _contradictions(body)


def over(body: Mapping[str, Any], now: int) -> dict[str, str]:
    """The same for a rule that has ended before it began to count."""
    ends = _time(body.get("ends"))
    if ends is None or ends > now:
        return {}
    return {"ends": f"This is over already. Give a time after {format_time(now)}, or leave it out."}


def conflicts(body: Mapping[str, Any], questions: Mapping[str, str]) -> dict[str, str]:
    """What of a rule without `errors` can never come true in a shop with these questions (name: type), by dotted path."""
    given = body.get("if") or {}
    named = given.get("question") or ()
    unknown = [name for name in named if name not in questions]
    if unknown:
        return {"if.question": f"This shop has no question {', '.join(unknown)}; {_named(sorted(questions))}."}
    metric = None if given.get("metric") is None else metrics()[given["metric"]]
    if metric is None or not named or not metric.question_types:
        return {}
    types = {name: questions[name] for name in named}
    if not set(types.values()).isdisjoint(metric.question_types):
        return {}
    wanted = " or ".join(metric.question_types)
    fitting = [name for name, each in metrics().items() if set(types.values()) & set(each.question_types)]
    has = f"; for {', '.join(f'{name} ({type})' for name, type in types.items())} there is {', '.join(fitting)}" if fitting else ""
    return {"if.metric": f"{metric.name} is read from {wanted} questions{has}."}


def _named(questions: Sequence[str]) -> str:
    if not questions:
        return "it has none"
    more = len(questions) - _MOST_NAMED
    return f"it has {', '.join(questions[:_MOST_NAMED])}" + (f" and {more} more" if more > 0 else "")


def _contradictions(body: Mapping[str, Any]) -> dict[str, str]:
    """What is right in itself, but not together."""
    when = body["when"]
    given = {name: value for name, value in (body.get("if") or {}).items() if value is not None}
    found: dict[str, str] = {}
    for name in given:
        if name not in CONDITIONS[when]:
            found[f"if.{name}"] = f"{when} has no such condition; it has {', '.join(CONDITIONS[when])}."
    for name in _NEEDED.get(when, ()):
        if name not in given:
            found[f"if.{name}"] = REQUIRED
    for name, value in given.items():
        if isinstance(value, list) and not value:
            found[f"if.{name}"] = "Give at least one, or leave it out."
    for name in ("value", "score", "order_value"):
        if f"if.{name}" not in found and name in given:
            found.update(_range_errors(f"if.{name}", given[name]))
    if "if.score" not in found and "metric" in given and "score" in given:
        found.update(_scale_errors(given["metric"], given["score"]))
    found.update(_then_errors(body["then"], when, "value" in given))
    if given.get("verified") is False and any(action.get(name) is not None for action in body["then"] for name in REWARDS):
        found["if.verified"] = "Only answers with an order that is known can be rewarded; leave it out, or give true."
    found.update(_frame_errors(body))
    return found


def _range_errors(path: str, given: Mapping[str, Any]) -> dict[str, str]:
    least, most = given.get("min"), given.get("max")
    if given.get("is") is not None:
        return {} if given["is"] and least is None and most is None else {path: "Give `min` and `max`, or a list `is`."}
    if least is None and most is None:
        return {path: "Give `min`, `max` or both."}
    if "currency" in given:
        bounds = {name: _in_minor(value, given["currency"]) for name, value in (("min", least), ("max", most)) if value}
        wrong = {f"{path}.{name}": said for name, said in bounds.items() if isinstance(said, str)}
        if wrong:
            return wrong
        least, most = bounds.get("min"), bounds.get("max")
    return {path: "`min` is above `max`."} if least is not None and most is not None and least > most else {}


def _scale_errors(metric: str, given: Mapping[str, Any]) -> dict[str, str]:
    least, most = metrics()[metric].scale
    bounds = {name: given[name] for name in ("min", "max") if given.get(name) is not None}
    said = f"{metric} is between {least:g} and {most:g}."
    return {f"if.score.{name}": said for name, bound in bounds.items() if not least <= bound <= most}


def _then_errors(then: Sequence[Mapping[str, Any]], when: str, asks_value: bool) -> dict[str, str]:
    if not then:
        return {"then": f"Give at least one of: {', '.join(ACTIONS)}."}
    found: dict[str, str] = {}
    seen: set[str] = set()
    for place, action in enumerate(then):
        path = f"then.{place}"
        names = [name for name, value in action.items() if value is not None]
        if len(names) != 1:
            found[path] = f"Give exactly one of: {', '.join(ACTIONS)}."
            continue
        (name,) = names
        if name in seen:
            found[path] = f"Give {name} once."
        elif name in REWARDS and when not in REWARDING:
            found[f"{path}.{name}"] = f"{when} can't grant anything; give webhook or mail."
        elif name in REWARDS and asks_value:
            found["if.value"] = LEGAL
        elif name == "points_per" and when != "order.completed":
            found[f"{path}.points_per"] = "Only order.completed has an amount to give points for."
        else:
            found.update(_action_errors(path, name, action[name]))
        seen.add(name)
    return found


def _action_errors(path: str, name: str, given: Any) -> dict[str, str]:
    if name == "coupon":
        return {f"{path}.coupon.{field}": said for field, said in coupons.errors(given).items()}
    if name == "points_per":
        amount = _in_minor(given["amount"], given["currency"])
        if not isinstance(amount, int) or amount == 0:
            return {f"{path}.points_per.amount": f"Give an amount above 0{_decimals(given['currency'])}."}
    return {}


def _in_minor(amount: str, unit: str) -> int | str:
    """The amount in the smallest units, or what is wrong with it."""
    found = minor(amount, unit)
    exact = Decimal(decimal(found, unit)) == Decimal(amount)
    return found if exact and found >= 0 else f"Give an amount of 0 or more{_decimals(unit)}."


def _decimals(unit: str) -> str:
    return f", with at most {exponent(unit)} decimals"


def _frame_errors(body: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    starts, ends = _time(body.get("starts")), _time(body.get("ends"))
    if starts is not None and ends is not None and ends <= starts:
        found["ends"] = "`ends` is not after `starts`."
    granted = {name for action in body["then"] for name, value in action.items() if value is not None}
    caps = {name: value for name, value in (body.get("caps") or {}).items() if value is not None}
    if set(caps) - {"coupons"} and granted.isdisjoint({"points", "points_per"}):
        found["caps"] = "The rule grants no points that could be capped; coupons are capped under `coupons`."
    if "coupons" in caps and "coupon" not in granted:
        found["caps.coupons"] = "The rule grants no coupons that could be capped."
    if body.get("return_days") is not None and granted.isdisjoint(REWARDS):
        found["return_days"] = "The rule grants nothing that could wait."
    return found


def _earns(version: Version, fact: Fact) -> bool:
    """Whether somebody is to be rewarded: only a customer whom the platform names, and for an answer or an order only where
    the platform knows the order and it was not cancelled."""
    if fact.customer is None or not matches(version, fact):
        return False
    if fact.when == "answer.given":
        return fact.verified and fact.order is not None and fact.order.state != "cancelled"
    return fact.when != "order.completed" or (fact.order is not None and fact.order.state == "completed")


def _asks(version: Version, question: str) -> bool:
    return version.questions is None or question in version.questions


def _valid_from(version: Version) -> int:
    return version.valid_from


def _is_worth(wanted: Money, order: OrderFacts | None) -> bool:
    if order is None or order.currency != wanted.currency:
        return False
    return _is_between((wanted.least, wanted.most), order.total)


def _is_among(wanted: Mapping[str, Any], value: Any) -> bool:
    named = wanted.get("is")
    if named is not None:
        said = value if isinstance(value, list) else [str(value)]
        return value is not None and not set(named).isdisjoint(said)
    return type(value) is int and _is_between((wanted.get("min"), wanted.get("max")), value)


def _is_between(bounds: tuple[float | None, float | None], value: float | None) -> bool:
    least, most = bounds
    return value is not None and (least is None or value >= least) and (most is None or value <= most)


def _any_of(given: Iterable[str] | None) -> frozenset[str] | None:
    return frozenset(given or ()) or None


def _primary(language: str | None) -> str:
    return "" if language is None else language.replace("_", "-").partition("-")[0].lower()


def _time(text: str | None) -> int | None:
    return None if text is None else parse_time(text)


def _caps(given: Mapping[str, Any]) -> Caps | None:
    found = Caps(given.get("customer"), given.get("day"), given.get("total"))
    return None if found == Caps() else found


def _per(given: Mapping[str, Any] | None) -> PointsPer | None:
    if given is None:
        return None
    return PointsPer(given["points"], minor(given["amount"], given["currency"]), given["currency"])


def _money(given: Mapping[str, Any] | None) -> Money | None:
    if given is None:
        return None
    unit = given["currency"]
    least, most = (None if given.get(name) is None else minor(given[name], unit) for name in ("min", "max"))
    return Money(least, most, unit)
