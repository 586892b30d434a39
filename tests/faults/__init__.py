"""Faults: everything is killed, stopped, cut and starved under load. `make faults` runs all and prints one table.

A fault counts only if it struck while work was pending. The short forms run in `make test`.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.invariants import Finding


@dataclass
class Outcome:
    """A row of the table. `recovery` is in seconds."""

    fault: str
    runs: int
    struck: int
    finding: "Finding"
    recovery: float
    notes: list[str] = field(default_factory=list)
    too_slow: bool = False

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing doubled, everything as it must be; slowness is told apart."""
        return self.finding.clean
