"""`python -m tests.benchmarks [LETTER ...]`: runs these benchmarks (all without a letter) and prints their tables."""

import sys
import time

from tests.benchmarks import Benchmark, Result
from widget_server.contract.registry import load_all


def main(letters: list[str]) -> int:
    """Exit 1 when a goal was missed."""
    found: list[Benchmark] = sorted(load_all("tests.benchmarks", "BENCHMARK").values(), key=lambda b: b.letter)
    missed = 0
    for benchmark in found:
        if letters and benchmark.letter not in letters:
            continue
        began = time.monotonic()
        print(f"\n({benchmark.letter}) {benchmark.title}", flush=True)
        result = benchmark.run()
        _print(result)
        missed += sum(not goal.held for goal in result.goals)
        print(f"    took {time.monotonic() - began:.0f} s", flush=True)
    return 1 if missed else 0


def _print(result: Result) -> None:
    table = [result.header, *result.rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(result.header))]
    for place, row in enumerate(table):
        first, *others = (cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
        print("    " + "  ".join((first, *others)))
        if place == 0:
            print("    " + "  ".join("-" * w for w in widths))
    for goal in result.goals:
        sign = "at most" if goal.most else "at least"
        verdict = "held" if goal.held else "MISSED"
        print(f"    goal: {goal.what}: {goal.reached:.2f}, {sign} {goal.wanted:g} wanted: {verdict}")
    for sentence in result.limits:
        print(f"    {sentence}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
