"""Rules in a batch: what the facts that it touched are worth now, and who is told. In the batch's one transaction.

Nothing is added up here. For every fact that a batch touched, each rule is asked what it owes for the fact as it is now,
and the ledger and the coupons are settled to that. So it makes no difference how often, in which order or in how many
pieces a fact was heard of. What a rule owes is the word of the version that was in force at the fact's own time.

A rule that asks for a customer's first answer or order, or for a segment, looks back: it is asked about all that the
customers of the batch ever did, because one event may make another fact the first.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from widget_server.contract import rules as contract
from widget_server.contract.answer import Answer
from widget_server.contract.coupons import CouponDue, CouponTerms
from widget_server.contract.order import ERASED, GUEST
from widget_server.contract.points import Due
from widget_server.contract.rules import Book, Fact, History, Version
from widget_server.contract.shop import Shop
from widget_server.contract.times import format_time
from widget_server.record import answers, loyalty
from widget_server.record import rules as record

from . import facts, grants, notices
from . import loyalty as granting
from .facts import CLOCK, Found, Sight
from .fold import Change


@dataclass(frozen=True, slots=True)
class _Pair:
    """A fact as it was and as it is, and the rules that may listen. `anew`: nobody looked at what it was, so everything is
    settled whether or not it has changed, and nobody is told."""

    rules: Sequence[History]
    old: Found | None
    new: Found | None
    anew: bool = False


@dataclass(slots=True)
class _Owed:
    points: list[Due] = field(default_factory=list)
    coupons: list[CouponDue] = field(default_factory=list)
    fired: list[tuple[Version, Fact]] = field(default_factory=list)


_Word = tuple[Version | None, int, CouponTerms | None]
_SILENCE: _Word = (None, 0, None)


def settle(
    conn: Connection, shop: Shop, book: Book, change: Change, fresh: Sequence[Mapping[str, Any]], now: int
) -> int:
    """Settle what the batch changed, all of which is saved already. Returns how many messages that made."""
    if not book:
        return 0
    sight = Sight(conn, shop, book)
    noticed = [envelope["event"] for envelope in fresh if envelope["event"]["type"] in CLOCK]
    sight.meet(sight.facts_of(order).customer for known in (change.known, change.known_after) for order in known.values())
    past = facts.Past()
    if book.looks_back:
        past = sight.past(_whom(sight, change))
        sight.firsts = past.firsts
    pairs = [*_answers(sight, book, change), *_orders(sight, book, change), *_refunds(sight, book, change, fresh)]
    pairs += [_Pair(book.listening(event["type"]), None, facts.noticed(event)) for event in noticed]
    pairs += _looked_back(sight, book, past, change)
    return _settle(conn, shop, pairs, now)


def mark(book: Book, change: Change) -> Change:
    """`change`, its answers knowing whether a reward was held out for them when they were given."""
    if not book.listening("answer.given"):
        return change
    return replace(change, after={**change.after, **{name: _marked(book, change.after[name]) for name in change.touched}})


def note_scores(conn: Connection, shop: Shop, book: Book, changed: Iterable[str], now: int) -> None:
    """Remember whose scores have changed, where rules listen to that; the clock looks at them (`occasions`)."""
    listening = [history[-1] for history in book.listening("score.updated") if not history[-1].deleted]
    if listening:
        asked = [name for name in changed if any(v.questions is None or name in v.questions for v in listening)]
        record.score_changed(conn, shop.id, asked, now)


def create(conn: Connection, shop: Shop, body: Mapping[str, Any], now: int) -> Version:
    """A new rule. Raises RuleConflict."""
    made = record.create(conn, shop.id, body, now)
    _settle_since(conn, shop, made, now)
    return made


def change(
    conn: Connection,
    shop: Shop,
    rule: str,
    changed: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    now: int,
    expected: int | None = None,
) -> Version | None:
    """The next version of a rule, or the present one when nothing is different; None when there is no such rule. Raises
    RuleConflict."""
    found = record.change(conn, shop.id, rule, changed, now, expected)
    if found is None:
        return None
    old, made = found
    if made is not old:
        _settle_since(conn, shop, made, now)
    return made


def remove(conn: Connection, shop: Shop, rule: str, now: int) -> bool:
    """Let a rule count for nothing that happens from now on. False when there is no such one."""
    found = record.remove(conn, shop.id, rule, now)
    if found is not None:
        _settle_since(conn, shop, found[1], now)
    return found is not None


def recount(conn: Connection, shop: Shop) -> Iterator[Due | CouponDue]:
    """What all rules owe for all facts as they are now, as far as it is more than nothing.

    A rule with a cap may have given less, and so may any to customers who were erased: they get nothing new.
    """
    book = record.book(conn, shop)
    for page in (*facts.pages(conn, shop, book, 0), *facts.all_noticed(conn, shop, book)):
        owed = _owed(conn, shop, [_Pair(_listening(book, found.fact), None, found, anew=True) for found in page])
        yield from (due for due in owed.points if due.points)
        yield from (due for due in owed.coupons if due.terms is not None)


def tell(conn: Connection, shop: str, fired: Sequence[tuple[Version, Fact]], now: int) -> None:
    """That rules have fired for facts, once each: to their endpoints, to all that asked for `rule.fired`, and by mail."""
    if not fired:
        return
    told = [(version, f"{version.rule}:{fact.source}", _public(version, fact)) for version, fact in fired]
    notices.tell_all(conn, shop, notices.RULE_FIRED, [(cause, data) for _, cause, data in told], now)
    for endpoint in sorted({version.webhook for version, _, _ in told if version.webhook is not None}):
        its = [(cause, data) for version, cause, data in told if version.webhook == endpoint]
        notices.tell_all(conn, shop, notices.RULE_FIRED, its, now, only=endpoint)
    mails = [(f"{notices.RULE_FIRED}:{cause}", data) for version, cause, data in told if version.mail]
    grants.mails(conn, shop, mails, now)


def _answers(sight: Sight, book: Book, change: Change) -> Iterator[_Pair]:
    if not book.listening("answer.given"):
        return
    for name, answer in change.after.items():
        if book.for_answers(answer.question):
            new = sight.answer(answer, change.known_after)
            old = sight.answer(change.before.get(name), change.known)
            # Most answers are given before their order is known, if it ever is.
            nobodys = all(found is None or found.fact.customer is None for found in (old, new))
            yield _Pair(book.for_answers(answer.question, nobodys), old, new)


def _orders(sight: Sight, book: Book, change: Change) -> Iterator[_Pair]:
    rules = book.listening("order.completed")
    for ref in sorted(change.refs) if rules else ():
        yield _Pair(rules, sight.completed(change.known.get(ref)), sight.completed(change.known_after[ref]))


def _refunds(
    sight: Sight, book: Book, change: Change, fresh: Sequence[Mapping[str, Any]]
) -> Iterator[_Pair]:
    """Orders of which more is paid back than before. What an import says of that is no news."""
    rules = book.listening("order.refunded")
    if not rules:
        return
    heard: dict[str, int] = {}
    for envelope in fresh:
        event = envelope["event"]
        if event["type"].startswith("order.") and envelope["source"] != "import":
            ref = event["order"]["ref"]
            heard[ref] = max(event["at"], heard.get(ref, 0))
    for ref, at in sorted(heard.items()):
        before = change.known.get(ref)
        paid_back = 0 if before is None else sight.facts_of(before).refunded
        if sight.facts_of(change.known_after[ref]).refunded > paid_back:
            yield _Pair(rules, None, sight.refunded(change.known_after[ref], at))


def _whom(sight: Sight, change: Change) -> set[str | None]:
    """The customers of whom the batch has told anything."""
    known = (*change.known.values(), *change.known_after.values())
    return {*change.customers, *(sight.facts_of(order).customer for order in known)}


def _looked_back(sight: Sight, book: Book, past: facts.Past, change: Change) -> Iterator[_Pair]:
    """What else these customers did, for the rules that look back."""
    for name, answer in past.answers.items():
        rules = [history for history in book.for_answers(answer.question) if history[0].rule in book.looks_back]
        if rules and name not in change.after:
            yield _Pair(rules, None, sight.answer(answer, past.orders), anew=True)
    rules = [history for history in book.listening("order.completed") if history[0].rule in book.looks_back]
    for ref, order in past.orders.items() if rules else ():
        if ref not in change.refs:
            yield _Pair(rules, None, sight.completed(order), anew=True)


def _listening(book: Book, fact: Fact) -> Sequence[History]:
    return book.listening(fact.when) if fact.question is None else book.for_answers(fact.question)


def _settle_since(conn: Connection, shop: Shop, made: Version, now: int) -> None:
    """A version counts for all facts of its time, also for those that were heard of before it was made: clocks differ."""
    history = record.by_id(conn, shop.id, made.rule)
    assert history is not None
    book = Book([history])
    for page in facts.pages(conn, shop, book, made.valid_from):
        pairs = [_Pair(_listening(book, found.fact), None, found, anew=True) for found in page]
        _settle(conn, shop, pairs, now)
    if made.when == "answer.given":
        every = Book(record.of_shop(conn, shop.id))
        for answered in answers.since(conn, shop.id, made.valid_from, None, facts.PAGE):
            answers.save(conn, [after for answer in answered if (after := _marked(every, answer)) is not answer])


def _marked(book: Book, answer: Answer) -> Answer:
    promised = (
        answer.answered
        and not answer.key.startswith("import:")
        and any(_promises(history, answer) for history in book.for_answers(answer.question))
    )
    return answer if answer.incentivised is promised else replace(answer, incentivised=promised)


def _promises(history: History, answer: Answer) -> bool:
    version = contract.in_force(history, answer.first_at)
    return version is not None and contract.promises(
        version, answer.first_at, answer.question, answer.get("placement"), answer.get("language"), answer.verified
    )


def _settle(conn: Connection, shop: Shop, pairs: Iterable[_Pair], now: int) -> int:
    owed = _owed(conn, shop, pairs)
    tell(conn, shop.id, owed.fired, now)
    if not owed.points and not owed.coupons:
        return len(owed.fired)
    settled = granting.settle(conn, shop.id, owed.points, owed.coupons, now, shop.time_zone)
    return len(owed.fired) + len(settled.entries) + len(settled.coupons)


def _owed(conn: Connection, shop: Shop, pairs: Iterable[_Pair]) -> _Owed:
    owed = _Owed()
    return_days: list[int] = []
    for pair in pairs:
        if pair.old is None and pair.new is None:
            continue
        for history in pair.rules:
            was, now = _word(history, pair.old), _word(history, pair.new)
            if was is _SILENCE and now is _SILENCE and not pair.anew:
                continue
            if was[1] or was[2] or now[1] or now[2] or _may_have_given(history, pair):
                if not return_days:
                    return_days.append(loyalty.of_shop(conn, shop.id).return_days)
                _add(owed, history, pair, was, now, return_days[0])
            version = now[0]
            if version is not None and version.tells and not pair.anew and _begins(version, pair, was[0]):
                assert pair.new is not None
                owed.fired.append((version, pair.new.fact))
    return owed


def _word(history: History, found: Found | None) -> _Word:
    """The version in force, and what it owes."""
    if found is None:
        return _SILENCE
    version = contract.in_force(history, found.fact.at)
    if version is None:
        return _SILENCE
    if not version.rewards:
        return version, 0, None
    return version, contract.points(version, found.fact), contract.coupon(version, found.fact)


def _may_have_given(history: History, pair: _Pair) -> bool:
    """Whether something may stand in the ledger although nothing is owed and the fact as it was tells of nothing."""
    if not any(version.rewards for version in history):
        return False
    return pair.anew or any(version.looks_back for version in history)


def _begins(version: Version, pair: _Pair, was: Version | None) -> bool:
    """Whether the rule fires for the fact as it is, and did not for the fact as it was."""
    if pair.new is None or not contract.matches(version, pair.new.fact):
        return False
    return was is None or pair.old is None or not contract.matches(was, pair.old.fact)


def _add(owed: _Owed, history: History, pair: _Pair, was: _Word, now: _Word, return_days: int) -> None:
    found = pair.new or pair.old
    assert found is not None
    fact, version = found.fact, now[0] or was[0] or history[-1]
    customer = fact.customer or (pair.old and pair.old.fact.customer) or ""
    points, terms = now[1], now[2]
    common: dict[str, Any] = {
        "rule": version.rule, "version": version.number, "source": fact.source, "customer": customer,
        "available_at": contract.available_at(version, fact, return_days), "at": fact.at, "why": version.name,
    }  # fmt: skip
    if any(each.points or each.per for each in history):
        owed.points.append(Due(**common, points=points, caps=version.caps, because=found.less))
    if any(each.coupon for each in history):
        owed.coupons.append(CouponDue(**common, terms=terms, caps=version.coupon_caps))


def _public(version: Version, fact: Fact) -> dict[str, Any]:
    """What receivers are told about a rule that fired. Of a guest nothing is known that means anything to a shop."""
    nameless = fact.customer is None or fact.customer.startswith((GUEST, ERASED))
    found = {
        "rule": version.rule, "version": version.number, "name": version.name, "when": version.when,
        "source": fact.source, "at": format_time(fact.at), "customer": None if nameless else fact.customer,
        "question": fact.question, "placement": fact.placement, "value": fact.value,
        "order": None if fact.order is None else fact.order.ref, "metric": fact.metric, "score": fact.score,
        "days": fact.days,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}
