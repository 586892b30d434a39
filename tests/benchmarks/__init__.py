"""Ratios against named baselines, measured in one run. Never part of `make test`; `make bench` prints one table each.

A benchmark is a module here with `BENCHMARK = Benchmark(letter, title, run)`. Its rows say what was measured; `goals`
are held against the figures, and `limits` says in a sentence what stands in the way of more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Goal:
    """`reached` of `wanted`: more is better unless `most` is set."""

    what: str
    reached: float
    wanted: float
    most: bool = False

    @property
    def held(self) -> bool:
        return self.reached <= self.wanted if self.most else self.reached >= self.wanted


@dataclass(frozen=True)
class Result:
    """One table: a header, rows of cells, the goals, and what limits the figures."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    goals: Sequence[Goal] = ()
    limits: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class Benchmark:
    """`run` takes a minute or two and cleans up after itself."""

    letter: str
    title: str
    run: Callable[[], Result]
