"""`python -m tests.faults [NAME ...]`: every fault in full, and one table. Exit 1 when anything was lost or doubled."""

import sys
import time
import traceback
from collections.abc import Callable

from tests.faults import Outcome, away, starve, strikes

FAULTS: dict[str, Callable[[], Outcome]] = {
    "kill-sqlite": lambda: strikes.one_machine({"consumer": 100, "valkey": 12, "web": 6, "worker": 4, "supervisor": 4, "deliver": 10}, 20_000),
    "kill-postgres": lambda: strikes.many_processes({"consumer": 100, "valkey": 12, "web": 6, "worker": 4, "database": 10, "deliver": 10}, 20_000),
    "frozen": lambda: starve.frozen_consumer(20),
    "silent": lambda: away.stopped(30),
    "gone": lambda: away.killed(30),
    "full": starve.spill_full,
    "half-sent": lambda: starve.half_sent(30),
}


def main(names: list[str]) -> int:
    """Run those named, or all."""
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        print(f"There is no fault {unknown[0]}; there are {', '.join(FAULTS)}.")
        return 2
    outcomes, broken, skipped = [], [], [name for name in FAULTS if names and name not in names]
    for name in names or FAULTS:
        began = time.monotonic()
        print(f"{name} ...", end=" ", flush=True)
        try:
            outcome = FAULTS[name]()
        except Exception as error:
            print(f"broke: {type(error).__name__}: {error}", flush=True)
            traceback.print_exc()
            broken.append(name)
            continue
        outcomes.append(outcome)
        print(f"{'ok' if outcome.clean else 'FAILED'}, {time.monotonic() - began:.0f} s", flush=True)
    _print(outcomes)
    if skipped:
        print(f"skipped: {', '.join(skipped)}")
    if broken:
        print(f"broke before they could tell anything: {', '.join(broken)}")
    return 0 if not broken and all(one.clean for one in outcomes) else 1


def _print(outcomes: list[Outcome]) -> None:
    header = ("fault", "runs", "struck", "acknowledged", "lost", "doubled", "recovery s")
    rows = [
        (one.fault, str(one.runs), f"{one.struck} of {one.runs}", f"{one.finding.acknowledged:,}", str(one.finding.lost),
         str(one.finding.doubled), f"{one.recovery:.1f}" if one.recovery else "-")
        for one in outcomes
    ]  # fmt: skip
    widths = [max(len(row[n]) for row in [header, *rows]) for n in range(len(header))]
    for place, row in enumerate([header, *rows]):
        print("  ".join(cell.rjust(width) if n else cell.ljust(width) for n, (cell, width) in enumerate(zip(row, widths, strict=True))))
        if place:
            one = outcomes[place - 1]
            for note in one.notes:
                print(f"    {note}")
            for problem in one.problems:
                print(f"    PROBLEM: {problem}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
