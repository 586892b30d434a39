"""What must hold after any fault, found out by plain SQL and the oracle of the tests.

Everything acknowledged is in the log, once; the log holds nothing that was not sent; answers and counters are what the
oracle makes of the log; points and coupons are what the rule says of the log; nothing is set aside, pending, spilled or
in two states; the database is whole.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests import oracle
from tests.faults import loyalty
from tests.faults.sending import Ledger

Run = Callable[[str], list[Any]]


@dataclass
class Finding:
    """How many acknowledged events are lost, how many things are counted twice, and what else is wrong."""

    acknowledged: int
    lost: int
    doubled: int
    problems: list[str] = field(default_factory=list)


def inspect(database_url: str, shop: str, ledger: Ledger, aside: int = 0, platform: loyalty.Platform | None = None) -> Finding:
    """Look at everything; the program has nothing left to do. So many events must have been set aside."""
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as conn:
            return _inspect(lambda sql: conn.execute(sql).fetchall(), shop, ledger, aside, platform, sqlite=True)
    with psycopg.connect(database_url) as conn:
        return _inspect(lambda sql: conn.execute(sql).fetchall(), shop, ledger, aside, platform, sqlite=False)  # type: ignore[call-overload]


def _inspect(run: Run, shop: str, ledger: Ledger, aside: int, platform: loyalty.Platform | None, sqlite: bool) -> Finding:
    log = [(name, body) for name, body in run(f"SELECT id, body FROM events WHERE shop = '{shop}'")]
    events = oracle.stored_events(run, shop)
    ids = {event["id"] for event in events}
    wanted = oracle.recount(events)
    stored = oracle.stored_counters(run, shop)
    doubled = len(log) - len(ids) + sum(1 for row in stored | wanted.counters if stored[row] != wanted.counters[row])
    finding = Finding(len(ledger.acknowledged), len(set(ledger.acknowledged) - ids), doubled)
    nobody = {event["id"] for event in events if not event["type"].startswith("order.")} - set(ledger.sent)
    finding.problems += [f"{len(nobody)} events nobody sent"] if nobody else []
    if not oracle.same_answers(oracle.stored_answers(run, shop), wanted):
        finding.problems.append("the answers are not those of the log")
    wrong = [event["id"] for event in events if not _as_sent(event, ledger.sent.get(event["id"], {}))]
    finding.problems += [f"{len(wrong)} events are not as they were sent"] if wrong else []
    if platform is not None:
        lost, doubled, problems = loyalty.inspect(run, shop, events, platform)
        finding.acknowledged += len(platform.acknowledged)
        finding.lost, finding.doubled = finding.lost + lost, finding.doubled + doubled
        finding.problems += problems
    finding.problems += _states(run, ids, aside)
    finding.problems += ledger.wrong[:3]
    if ledger.no_retry_after:
        finding.problems.append(f"{ledger.no_retry_after} times no Retry-After")
    if sqlite and run("PRAGMA integrity_check") != [("ok",)]:
        finding.problems.append("integrity_check")
    return finding


def _as_sent(stored: dict[str, Any], sent: dict[str, Any]) -> bool:
    return all(stored.get(name) == value for name, value in sent.items())


def _states(run: Run, ids: set[str], wanted: int) -> list[str]:
    found = []
    aside = run("SELECT error, envelope FROM set_aside")
    if len(aside) != wanted:
        found.append(f"{len(aside)} set aside, {wanted} wanted")
    if aside and not wanted:
        both = sum(1 for _, envelope in aside if any(name in envelope for name in ids))
        found.append(f"{len(aside)} set aside ({aside[0][0]}), {both} of them in the log too")
    states = {state for (state,) in run("SELECT DISTINCT state FROM outbox")}
    if not states <= {"due", "done", "dead", "cancelled"}:
        found.append(f"outbox states {states}")
    odd = run("SELECT state, error FROM inbox WHERE state <> 'done' LIMIT 1")
    found += [f"the inbox holds something {odd[0][0]} ({odd[0][1]})"] if odd else []
    if run("SELECT 1 FROM outbox WHERE state = 'dead' AND last_error IS NULL LIMIT 1"):
        found.append("a message died without a reason")
    if run("SELECT 1 FROM outbox GROUP BY shop, key HAVING count(*) > 1"):
        found.append("a message stands twice in the outbox")
    return found
