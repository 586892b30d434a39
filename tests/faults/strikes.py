"""kill -9 of everything while four clients send: nothing acknowledged is lost, nothing counted twice."""

import random
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing

from tests.faults import Outcome
from tests.faults.bench import TOLD, told
from tests.faults.houses import Apart, House, OneMachine
from tests.faults.invariants import inspect
from tests.faults.receiving import Receiver
from tests.faults.sending import Client, Ledger
from tests.servers import wait_for

# The promise: all is counted within so many seconds after the last kill.
RECOVERY = 3.0


def one_machine(kills: Mapping[str, int], events: int) -> Outcome:
    """`atbalss up` on SQLite with its own Valkey."""
    return _strike(OneMachine(), "kill -9, one machine (SQLite)", kills, events)


def many_processes(kills: Mapping[str, int], events: int) -> Outcome:
    """Two web and two worker processes on PostgreSQL."""
    return _strike(Apart(webs=2, workers=2, postgres=True), "kill -9, 2 web + 2 worker (PostgreSQL)", kills, events)


def _strike(house: House, title: str, kills: Mapping[str, int], events: int) -> Outcome:
    with house, closing(Receiver()) as receiver:
        shop, ledger = house.add_shop(), Ledger()
        # Only where senders are killed too: what a killed one had taken is sent once more when its lease ends.
        webhooks = "deliver" in kills
        if webhooks:
            receiver.secret = house.add_endpoint(shop, receiver.url, TOLD)
        clients = [Client(ledger, shop, house.ports, rate=100, number=n) for n in range(4)]
        for client in clients:
            client.start()
        wait_for(lambda: len(ledger.acknowledged) > 50, "nothing is acknowledged")
        struck, done = _kill_all(house, kills, ledger, events)
        last = time.monotonic()
        backlog = house.waiting()
        for client in clients:
            client.stop.set()
        for client in clients:
            client.join(20)
        wait_for(house.done, "entries remain", seconds=60)
        took = time.monotonic() - last
        wait_for(lambda: house.rows("SELECT count(*) FROM outbox WHERE state <> 'done'") == [(0,)], "messages remain", seconds=90)
        problems = house.end()
        finding = inspect(house.database_url, shop.id, ledger)
        heard = house.rows(f"SELECT id FROM events WHERE type = '{TOLD}'") if webhooks else []
    finding.problems += problems + told(receiver, [name for (name,) in heard])
    if struck["consumer"] < 0.9 * done["consumer"]:
        finding.problems.append("too few consumers were struck with entries in hand")
    outcome = Outcome(title, done.total(), struck.total(), finding, took)
    if took > RECOVERY:
        outcome.slow.append(f"{took:.1f} s until all was counted, {RECOVERY} are promised")
    outcome.notes += [
        "struck/killed: " + ", ".join(f"{what} {struck[what]}/{done[what]}" for what in sorted(done)),
        f"at the last kill {backlog[0]} entries in the stream, {backlog[1]} of them in hand, {backlog[2]} bytes spilled",
        *([f"{len(receiver.bodies)} webhooks for {len(heard)} events, {receiver.times.total() - len(receiver.bodies)} of them came more than once"] if webhooks else []),
        f"{ledger.again} events sent again after their 202; requests by status (0: connection broke): {dict(ledger.statuses())}",
    ]
    return outcome


def _kill_all(house: House, kills: Mapping[str, int], ledger: Ledger, events: int) -> tuple[Counter[str], Counter[str]]:
    """Sending goes on as long as the kills, and the kills as long as it takes to send enough; the last is a consumer's,
    so that what it had in hand must be taken over."""
    order = [what for what, times in kills.items() for _ in range(times)]
    random.Random(3).shuffle(order)
    struck, done = Counter[str](), Counter[str]()
    while order or len(ledger.acknowledged) < events:
        what = order.pop() if order else "consumer"
        struck[what] += house.strike(what)
        done[what] += 1
    struck["consumer"] += house.strike("consumer")
    done["consumer"] += 1
    return struck, done
