"""The power goes while everything runs with its default settings: `atbalss up`, SQLite and its own Valkey, on a disk that
forgets what was not synced. Every other cut leaves a torn beginning of it instead."""

import time
from pathlib import Path

from tests.faults import Outcome
from tests.faults.forgetful import PowerFailure, why_not
from tests.faults.houses import SETTINGS, OneMachine
from tests.faults.invariants import Finding, inspect
from tests.faults.sending import Client, Ledger
from tests.servers import wait_for

TITLE = "power cut, default settings"
_CLIENTS = 4


class _OnForgetful(OneMachine):
    """Its data folder is a disk whose power can go."""

    def __init__(self) -> None:
        self.disk: PowerFailure | None = None
        super().__init__()

    def _up(self) -> None:
        if self.disk is None:
            self.disk = PowerFailure(Path(self.folder) / "a")
        super()._up()

    def settings(self) -> dict[str, str]:
        """None but those that let clients of one address send at such a rate, and a quiet log."""
        return {name: SETTINGS[name] for name in ("shop_rate", "network_rate", "burst", "log_level")}

    def cut(self, some: bool) -> int:
        """Power off, everybody dead, power on, everything started again. The bytes that were not synced."""
        assert self.disk is not None
        unsynced = self.disk.cut()
        self.programs["a"].kill()
        self.disk.back(some)
        self._up()
        return unsynced

    def forget(self) -> None:
        if self.disk is not None:
            for program in self.programs.values():
                program.kill()
            self.disk.close()
        super().forget()


def cuts(times: int, seconds: float = 2.0) -> Outcome:
    """So many, each after so many seconds of load."""
    if reason := why_not():
        return Outcome(TITLE, 0, 0, Finding(0, 0, 0), 0.0, on="sqlite", skipped=reason)
    struck, unsynced, recoveries = 0, [], []
    with _OnForgetful() as house:
        ledger, shop = Ledger(), house.add_shop()
        assert house.disk is not None
        house.disk.settle()
        clients = [Client(ledger, shop, house.ports, rate=100, number=n) for n in range(_CLIENTS)]
        for client in clients:
            client.start()
        for n in range(times):
            acknowledged = len(ledger.acknowledged)
            wait_for(lambda before=acknowledged: len(ledger.acknowledged) > before + 50, "nothing is acknowledged")  # type: ignore[misc]
            time.sleep(seconds)
            pending = house._entries_wait()
            unsynced.append(house.cut(some=n % 2 == 1))
            struck += pending
            began, known = time.monotonic(), len(ledger.acknowledged)
            wait_for(lambda before=known: len(ledger.acknowledged) > before, "nothing is acknowledged any more")  # type: ignore[misc]
            recoveries.append(time.monotonic() - began)
        for client in clients:
            client.stop.set()
        for client in clients:
            client.join(20)
        wait_for(house.done, "entries remain", seconds=60)
        problems = house.end()
        finding = inspect(house.database_url, shop.id, ledger)
    finding.problems += problems
    outcome = Outcome(TITLE, times, struck, finding, max(recoveries), on="sqlite")
    # A single cut may come between two writes; of many that would prove nothing.
    if times > 2 and not any(unsynced):
        finding.problems.append("there was never anything that was not synced")
    outcome.notes.append(f"bytes not yet synced at each cut: {unsynced}; every other cut kept a torn beginning of them")
    return outcome
