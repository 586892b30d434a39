"""Histories of a shop as no list of faults thinks of them, by the thousand, on both databases.

What is told of them is in tests/pipeline/histories.py. Each ends with everything that was said compared with what stands.
"""

import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import orjson

from tests.conftest import SECRET_KEY
from tests.faults import Outcome
from tests.faults.invariants import Finding
from widget_server.record.db import Database

_ROOT = Path(__file__).parents[2]
_PROCESSES = 2


def histories(examples: int = 2000, database_url: str | None = None) -> Outcome:
    """So many histories, on new SQLite files unless an empty database is given."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="atbalss-histories-") as folder:
        if database_url is not None:
            urls = [database_url]
        else:
            urls = [f"sqlite:///{folder}/{number}.db" for number in range(_PROCESSES)]
        shares = [examples // len(urls) + (number < examples % len(urls)) for number in range(len(urls))]
        running = [_start(url, share) for url, share in zip(urls, shares, strict=True)]
        found = [_end(process) for process in running]
    seen: Counter[str] = sum((one for one, _ in found), Counter())
    problems = [problem for _, problem in found if problem]
    finding = Finding(seen["arrived"], 0, len(problems), problems)
    if seen["histories"] < examples and not problems:
        finding.problems.append(f"only {seen['histories']} of {examples} histories")
    told = ", ".join(f"{seen[name]:,} {words}" for name, words in _TOLD.items())
    notes = [f"{told}; {time.monotonic() - began:.0f} s"]
    on = "sqlite" if database_url is None else "postgres"
    return Outcome("histories", examples, seen["struck"], finding, 0, notes=notes, on=on)


_TOLD = {
    "died": "transactions died", "repeated": "batches repeated", "lost": "webhooks lost", "earn": "times points earned",
    "correction": "corrections", "refund": "refunds", "spent": "redemptions", "refused": "redemptions refused",
    "expiry": "expired",
}  # fmt: skip


def _start(url: str, examples: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.faults.histories", url, str(examples)]
    return subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _end(process: "subprocess.Popen[bytes]") -> tuple[Counter[str], str]:
    out, err = process.communicate()
    if process.returncode:
        return Counter(), err.decode(errors="replace")[-4000:]
    return Counter(orjson.loads(out)), ""


def main(url: str, examples: str) -> None:
    """One process of many: what it has seen, as JSON; a traceback with the history when one went wrong."""
    from tests.pipeline.test_loyalty_history import check

    database = Database(url, SECRET_KEY)
    database.migrate()
    print(orjson.dumps(check(database, int(examples))).decode())
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
