"""Every fault of the catalogue on one standing system, each so many times under load, and what was found afterwards."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

from tests.faults import Outcome
from tests.faults.catalogue import Fault, Strike, catalogue
from tests.faults.crashes import crash_points
from tests.faults.invariants import Finding, inspect
from tests.faults.loyalty import Platform, arrived
from tests.faults.receiving import Receiver
from tests.faults.sending import Client, Ledger, Shop
from tests.faults.standing import Standing
from tests.servers import wait_for

# Events of this type are told to a webhook, which must hear of each.
TOLD = "question.shown"
CLIENTS = 4
# Bodies a second of each client; a body has 1.75 events on average.
RATE = 20
# A strike that found nothing pending is repeated, but not for ever.
_PATIENCE = 1.5
# Nothing may hang; how quickly a killed consumer is replaced is measured by strikes.py.
RECOVERY = 30.0
# Seconds within which every message must have been sent in the end; a killed sender's lease is 45.
_LAST = 150
_LAST_ORDERS = 300


@dataclass
class _Struck:
    """A fault's shop and what was done to it."""

    shop: Shop
    ledger: Ledger
    receiver: Receiver
    platform: Platform
    runs: int = 0
    struck: int = 0
    recoveries: list[float] = field(default_factory=list)


def standing(
    database: str, names: Collection[str] = (), runs: int = 20, without: Collection[str] = (), tell: Callable[[Outcome], None] = lambda _: None,
    minutes: float = float("inf"), kin_runs: int | None = None,
) -> Iterator[Outcome]:  # fmt: skip
    """The outcome of each fault on "sqlite" or "postgres" (of those `names`, if any are), all in one system's life.

    What is kin to another is struck `kin_runs` times. Those that would begin after so many `minutes` are skipped. `tell` hears of each when its own shop was looked at; what
    is yielded knows also whether its messages arrived.
    """
    fewer = runs if kin_runs is None else min(runs, kin_runs)
    wanted = [(fault, fewer if fault.is_kin else runs) for fault in catalogue(database)] + [(fault, 1) for fault in crash_points()]
    found: list[tuple[Outcome, _Struck]] = []
    until = time.monotonic() + 60 * minutes
    with Standing(database) as house, ExitStack() as stack:
        for fault, times in wanted:
            if fault.name in without or (names and fault.name not in names):
                continue
            if why_not := fault.why_not(house) or ("no time was left" if time.monotonic() > until else ""):
                yield Outcome(fault.name, 0, 0, Finding(0, 0, 0), 0.0, on=database, skipped=why_not)
                continue
            shop = house.add_shop()
            platform = stack.enter_context(closing(house.add_platform(shop)))
            struck = _Struck(shop, Ledger(), stack.enter_context(closing(Receiver())), platform)
            outcome = _suffer(house, fault, struck, times)
            found.append((outcome, struck))
            tell(outcome)
        _finish(house)
        problems = house.end()
        for outcome, struck in found:
            _look_again(house, outcome, struck)
    if found:
        found[-1][0].finding.problems += problems
    yield from (outcome for outcome, _ in found)


def whole(database: str, runs: int, kin_runs: int, without: Collection[str], minutes: float) -> list[Outcome]:
    """Everything, with a line for each fault as soon as its own shop was looked at."""
    began = time.monotonic()

    def tell(one: Outcome) -> None:
        print(f"  {time.monotonic() - began:5.0f} s  {one.on}  {one.fault}: {one.verdict}", flush=True)

    return list(standing(database, (), runs, without, tell, minutes, kin_runs))


def _suffer(house: Standing, fault: Fault, struck: _Struck, runs: int) -> Outcome:
    shop, ledger, platform = struck.shop, struck.ledger, struck.platform
    struck.receiver.secret = house.add_endpoint(shop, struck.receiver.url, TOLD)
    clients = [Client(ledger, shop, house.ports, rate=RATE, number=n, order=platform.order) for n in range(CLIENTS)]
    for one in (platform, *clients):
        one.start()
    wait_for(lambda: len(ledger.acknowledged) > 20, "nothing is acknowledged")
    while struck.struck < runs and struck.runs < _PATIENCE * runs:
        struck.struck += fault.strike(Strike(house, struck.receiver, platform.receiving, struck.runs))
        struck.runs += 1
        struck.recoveries.append(house.recover())
    for one in (*clients, platform):
        one.stop.set()
        # What is looked at must stand still: on a busy machine the last orders take long, and half of one looks like a loss.
        one.join(_LAST_ORDERS)
        if one.is_alive():
            raise TimeoutError(f"somebody is still sending after {_LAST_ORDERS} s")
    wait_for(house.done, "entries remain", seconds=60)
    finding = inspect(house.database_url, shop.id, ledger, house.aside, platform)
    finding.problems += house.verify(shop)
    outcome = Outcome(fault.name, struck.runs, struck.struck, finding, max(struck.recoveries), on=house.kind)
    if struck.struck < runs:
        finding.problems.append(f"struck only {struck.struck} times while work was pending, {runs} are wanted")
    if outcome.recovery > RECOVERY:
        outcome.slow.append(f"{outcome.recovery:.1f} s until all was counted, {RECOVERY} are promised")
    return outcome


def _finish(house: Standing) -> None:
    """What a killed sender had in hand is free again when its lease ends; what failed is tried again later."""

    def sent() -> bool:
        house.time_passes()
        time.sleep(0.5)
        return house.due() == 0

    try:
        wait_for(sent, "messages remain", seconds=_LAST)
    except TimeoutError as error:
        left = house.rows("SELECT kind, attempts, lease_until, next_at, last_error, count(*) FROM outbox WHERE state = 'due' GROUP BY 1, 2, 3, 4, 5 ORDER BY 6 DESC LIMIT 5")
        raise TimeoutError(f"{error}; at {time.time():.0f} such as {left}") from error


def _look_again(house: Standing, outcome: Outcome, struck: _Struck) -> None:
    """When all faults are over: nothing came or went since, and every event was told by one message, and the
    receiving shop has every coupon once."""
    with house.querying() as run:
        stored = {name for (name,) in run(f"SELECT id FROM events WHERE shop = '{struck.shop.id}'")}
        events = [name for (name,) in run(f"SELECT id FROM events WHERE shop = '{struck.shop.id}' AND type = '{TOLD}'")]
        dead = run(f"SELECT last_error, count(*) FROM outbox WHERE shop = '{struck.shop.id}' AND state <> 'done' GROUP BY 1")
        doubled, problems = arrived(run, struck.shop.id, struck.platform.receiving)
    outcome.finding.lost = max(outcome.finding.lost, len(set(struck.ledger.acknowledged) - stored))
    outcome.finding.doubled += doubled
    outcome.finding.problems += told(struck.receiver, events) + problems
    outcome.finding.problems += [f"{n} messages were not sent: {why}" for why, n in dead]
    outcome.points, outcome.coupons = struck.platform.receiving.points.total(), len(struck.platform.receiving.coupons)


def told(receiver: Receiver, events: Sequence[str]) -> list[str]:
    """Each event is told by one message, whose id, body and signature hold however often it comes."""
    problems = []
    if receiver.told() != Counter(events):
        problems.append(f"{len(receiver.told())} events were told by {receiver.told().total()} messages, {len(events)} are in the log")
    if any(len(bodies) > 1 for bodies in receiver.bodies.values()):
        problems.append("a message came with another body the second time")
    if receiver.forged:
        problems.append(f"{receiver.forged} signatures don't verify")
    return problems
