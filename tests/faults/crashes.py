"""Dying at each crash point (`ATBALSS_CRASH_AT=n`) once, on the standing system under load.

The workers (or one of the web processes) are started anew so that a part of them dies whenever it first comes there; all
else goes on meanwhile, and afterwards they are back as they were.
"""

import time
from collections.abc import Callable

from tests.faults.catalogue import Fault, Strike
from tests.faults.standing import WORKERS
from widget_server.act.crash import POINTS

# Those where a web process comes by; at all others a part of a worker does.
IN_WEB = ("request of a platform kept", "points redeemed")
_PATIENCE = 20.0


def crash_points() -> list[Fault]:
    """A fault for each, to be run once."""
    return [Fault(f"crash point {number}: {name}", _crash(number, name)) for number, name in enumerate(POINTS, 1)]


def _crash(number: int, name: str) -> Callable[[Strike], bool]:
    return lambda strike: (_crash_web if name.startswith(IN_WEB) else _crash_worker)(strike, number)


def _crash_worker(strike: Strike, number: int) -> bool:
    """Both of them: nobody knows which one's clock is the one that acts."""
    house = strike.house
    for n in range(WORKERS):
        house.programs[f"worker{n}"].kill()
    dying = [house.start_worker(n, crash_at=number) for n in range(WORKERS)]
    died = _within(lambda: any(line["code"] == 137 for one in dying for line in one.logged("ended")), house.time_passes)
    for n in range(WORKERS):
        house.kill_worker(n)
    return died


def _crash_web(strike: Strike, number: int) -> bool:
    house = strike.house
    house.programs["web0"].kill()
    dying = house.start_web(0, crash_at=number)
    died = _within(lambda: dying.process.poll() == 137, lambda: None)
    house.kill_web(0)
    return died


def _within(holds: Callable[[], bool], meanwhile: Callable[[], None]) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        meanwhile()
        time.sleep(0.2)
    return True
