"""Faults: everything is killed, stopped, cut and starved under load. `make faults` runs all and prints one table.

A fault counts only if it struck while work was pending. The short forms run in `make test`.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.invariants import Finding


@dataclass
class Outcome:
    """A row of the table. `recovery` is in seconds; `slow` says what took longer than promised, which a busy machine may
    cause, so that only `make faults` fails for it."""

    fault: str
    runs: int
    struck: int
    finding: "Finding"
    recovery: float
    notes: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    on: str = ""  # the database, where a fault is tried on both
    points: int = 0  # at the receiving shop
    coupons: int = 0
    skipped: str = ""  # why it can't be had here

    @property
    def problems(self) -> list[str]:
        """Everything that must not be."""
        return self.finding.problems + self.slow

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing doubled, nothing else wrong."""
        return not (self.finding.lost or self.finding.doubled or self.problems)

    @property
    def verdict(self) -> str:
        """In a word, or a few more."""
        return self.skipped or ("ok" if self.clean else "FAILED: " + "; ".join(self.problems))
