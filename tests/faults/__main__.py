"""`python -m tests.faults [NAME ...]`: every fault in full, and one table.

Exit 1 when anything was lost, doubled or otherwise wrong, or when a fault was skipped that is not named in FAULTS_SKIP (a
list with semicolons; what is named there is not tried).
"""

import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager

from tests.faults import Outcome, away, bench, powercut, starve, strikes
from tests.faults.grants import kill_loop
from tests.faults.histories import histories
from tests.faults.receivers import bad_receivers
from tests.servers import PostgresServer, short_folder
from widget_server.record.db import Database

ENOUGH = 100_000  # acknowledged events, all together
RUNS = int(os.environ.get("FAULTS_RUNS", "20"))  # of each fault of a standing system
KIN_RUNS = int(os.environ.get("FAULTS_KIN_RUNS", "4"))  # of what is only another way of one of those
# The standing systems begin nothing new after that; what was not begun is skipped.
MINUTES = float(os.environ.get("FAULTS_MINUTES", "36"))
_COLUMNS = ("fault", "on", "runs", "struck", "acknowledged", "lost", "doubled", "recovery s")


@contextmanager
def _empty(database: str) -> Iterator[str]:
    """The address of an empty, migrated database."""
    server = PostgresServer() if database == "postgres" else None
    url = server.url() if server else f"sqlite:///{short_folder('atb-e-') / 'atbalss.db'}"
    try:
        made = Database(url, "faults-only-secret-key-0123456789")
        made.migrate()
        made.close()
        yield url
    finally:
        if server:
            server.stop()


def _on_postgres(run: Callable[[str], Outcome]) -> Outcome:
    with _empty("postgres") as url:
        return run(url)


def _grants(database: str) -> Outcome:
    with _empty(database) as url:
        return kill_loop(url, 500, on=database)


# These two run side by side, because most of their time is waiting.
SIDE_BY_SIDE = {"standing-sqlite": "sqlite", "standing-postgres": "postgres"}
ONE_BY_ONE: dict[str, Callable[[], Outcome]] = {
    "power-cut": lambda: powercut.cuts(12),
    "kill-sqlite": lambda: strikes.one_machine({"consumer": 100, "valkey": 12, "web": 6, "worker": 4, "supervisor": 4, "deliver": 10}, 20_000),
    "kill-postgres": lambda: strikes.many_processes({"consumer": 100, "valkey": 12, "web": 6, "worker": 4, "database": 10, "deliver": 10}, 20_000),
    "frozen": lambda: starve.frozen_consumer(20),
    "silent": lambda: away.stopped(30),
    "gone": lambda: away.killed(30),
    "full": starve.spill_full,
    "half-sent": lambda: starve.half_sent(30),
    "bad-receivers": bad_receivers,
    "bad-receivers-postgres": lambda: _on_postgres(lambda url: bad_receivers(database_url=url)),
    "grants": lambda: _grants("sqlite"),
    "grants-postgres": lambda: _grants("postgres"),
    "histories": lambda: histories(2000),
    "histories-postgres": lambda: _on_postgres(lambda url: histories(200, url)),
}
FAULTS = (*SIDE_BY_SIDE, *ONE_BY_ONE)


def main(names: list[str]) -> int:
    """Run those named, or all."""
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        print(f"There is no fault {unknown[0]}; there are {', '.join(FAULTS)}.")
        return 2
    began = time.monotonic()
    wanted = [name for name in FAULTS if name in (names or FAULTS) and name not in _without()]
    outcomes: list[Outcome] = []
    broken: list[str] = []
    missing: list[tuple[str, Outcome]] = []
    for name, run in _all(wanted):
        try:
            found = run()
        except Exception as error:
            print(f"{name} broke: {type(error).__name__}: {error}", flush=True)
            traceback.print_exc()
            broken.append(name)
            continue
        outcomes += found
        missing += [(name if name in ONE_BY_ONE else one.fault, one) for one in found if one.skipped]
        for one in found if name in ONE_BY_ONE else ():
            print(f"{name}: {one.verdict}", flush=True)
    tried = [one for one in outcomes if not one.skipped]
    print()
    _print(tried)
    acknowledged = sum(one.finding.acknowledged for one in tried)
    print(
        f"\n{len({one.fault for one in tried})} faults, {sum(one.runs for one in tried):,} runs, {acknowledged:,} acknowledged; "
        f"{sum(one.finding.lost for one in tried)} lost, {sum(one.finding.doubled for one in tried)} doubled; at receiving shops "
        f"{sum(one.points for one in tried):,} points and {sum(one.coupons for one in tried):,} coupons; "
        f"{(time.monotonic() - began) / 60:.0f} min"
    )
    for name in sorted(_without()):
        print(f"skipped, as FAULTS_SKIP says: {name}")
    for name, one in missing:
        print(f"skipped: {name} ({one.on}): {one.skipped}")
    if broken:
        print(f"broke before they could tell anything: {', '.join(broken)}")
    too_few = not names and acknowledged < ENOUGH
    if too_few:
        print(f"{ENOUGH:,} acknowledged events are wanted")
    return 1 if broken or missing or too_few or not all(one.clean for one in tried) else 0


def _without() -> frozenset[str]:
    return frozenset(name.strip() for name in os.environ.get("FAULTS_SKIP", "").split(";") if name.strip())


def _all(wanted: list[str]) -> Iterator[tuple[str, Callable[[], list[Outcome]]]]:
    """Each with what tells its outcomes, as they come."""
    together = [name for name in wanted if name in SIDE_BY_SIDE]
    if together:
        with ProcessPoolExecutor(len(together), multiprocessing.get_context("spawn")) as pool:
            running = {pool.submit(bench.whole, SIDE_BY_SIDE[name], RUNS, KIN_RUNS, _without(), MINUTES): name for name in together}
            for done in as_completed(running):
                yield running[done], done.result
    for name in wanted:
        if name in ONE_BY_ONE:
            yield name, lambda name=name: [ONE_BY_ONE[name]()]  # type: ignore[misc]


def _row(one: Outcome) -> tuple[str, ...]:
    return (
        one.fault, one.on, str(one.runs), f"{one.struck} of {one.runs}", f"{one.finding.acknowledged:,}", str(one.finding.lost),
        str(one.finding.doubled), f"{one.recovery:.1f}" if one.recovery else "-",
    )  # fmt: skip


def _print(outcomes: Iterable[Outcome]) -> None:
    rows = [(_row(one), one) for one in outcomes]
    widths = [max([len(name), *(len(row[n]) for row, _ in rows)]) for n, name in enumerate(_COLUMNS)]
    print(_line(_COLUMNS, widths))
    for row, one in rows:
        print(_line(row, widths))
        for note in one.notes:
            print(f"    {note}")
        for problem in one.problems:
            print(f"    PROBLEM: {problem}")


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.rjust(width) if n > 1 else cell.ljust(width) for n, (cell, width) in enumerate(zip(row, widths, strict=True)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
