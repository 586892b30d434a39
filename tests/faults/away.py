"""Valkey away under load, once stopped (SIGSTOP) and once killed with its restart withheld: every request is still
answered 202, about as quickly as before, and everything arrives when it is back."""

import os
import signal
import time
from collections.abc import Callable

from tests.faults import Outcome
from tests.faults.houses import Apart
from tests.faults.invariants import inspect
from tests.faults.sending import WAITED, Client, Ledger
from tests.servers import wait_for

_WEBS = 2
# So many requests a process may wait for a time-out of Redis.
MOST_WAITED = 5


def stopped(seconds: float, clients: int = 32) -> Outcome:
    """It is there, but says nothing."""
    return _away("Valkey silent (SIGSTOP)", seconds, clients, _stop, _continue)


def killed(seconds: float, clients: int = 32) -> Outcome:
    """It is gone, and not started again."""
    return _away("Valkey gone (kill -9)", seconds, clients, lambda house: house.valkey.kill(), lambda house: house.valkey.start())


def _stop(house: Apart) -> None:
    assert house.valkey.process is not None
    os.kill(house.valkey.process.pid, signal.SIGSTOP)


def _continue(house: Apart) -> None:
    assert house.valkey.process is not None
    os.kill(house.valkey.process.pid, signal.SIGCONT)


def _away(title: str, seconds: float, clients: int, leave: Callable[[Apart], None], come_back: Callable[[Apart], None]) -> Outcome:
    with Apart(webs=_WEBS) as house:
        ledger, shop = Ledger(), house.add_shop()
        senders = [Client(ledger, shop, [house.ports[n % _WEBS]], rate=8, number=n) for n in range(clients)]
        for sender in senders:
            sender.start()
        wait_for(lambda: len(ledger.acknowledged) > 5 * clients, "nothing is acknowledged")
        before = time.monotonic()
        time.sleep(seconds)
        gone = time.monotonic()
        leave(house)
        time.sleep(seconds)
        back = time.monotonic()
        spilled = sum(path.stat().st_size for path in house.folder.glob("*/spill/*.spill"))
        come_back(house)
        wait_for(lambda: house.waiting()[2] == 0, "the spill is not emptied", seconds=60)
        for sender in senders:
            sender.stop.set()
        for sender in senders:
            sender.join(20)
        wait_for(house.done, "entries remain", seconds=60)
        took = time.monotonic() - back
        problems = house.end()
        finding = inspect(house.database_url, shop.id, ledger)
    finding.problems += problems
    statuses = ledger.statuses(gone, back)
    waited = sum(one.took > WAITED for one in ledger.between(gone - 1, back))
    if set(statuses) != {202}:
        finding.problems.append(f"not only 202: {dict(statuses)}")
    outcome = Outcome(title, 1, 1 if spilled else 0, finding, took)
    if waited > MOST_WAITED * _WEBS:
        outcome.slow.append(f"{waited} requests waited for a time-out")
    outcome.notes += [
        f"{statuses.total()} requests in {seconds:.0f} s without Valkey, by status {dict(statuses)}; {spilled} bytes spilled",
        f"p99 {ledger.p99(gone, back):.1f} ms, in the {seconds:.0f} s before {ledger.p99(before, gone):.1f} ms",
        f"{waited} requests of {_WEBS} processes waited for a time-out",
    ]
    return outcome
