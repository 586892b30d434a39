"""The same shop twice, small and large, on SQLite and on PostgreSQL: how much slower does the large one answer?

SQLite is filled through the pipeline, and PostgreSQL gets a copy of its tables. Both sizes are asked by turns, round after
round and each time the other one first, so that a slow moment of the machine hits both. The first rounds are not counted,
but for how long the very first request took.
"""

import itertools
import multiprocessing
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Boolean

from tests.servers import PostgresServer
from widget_server.act.pipeline import process
from widget_server.record.db import Database, metadata

KEY = "benchmark-secret-key-0123456789"
EVENTS = (10_000, 1_000_000)
_BATCH = 50_000
_WARM = 3


@dataclass(frozen=True)
class Filled:
    """The addresses of the two sizes on one database; `seconds` is how long they took to fill."""

    name: str
    urls: tuple[str, str]
    seconds: float


@contextmanager
def filled(fill: Callable[[str, int], None]) -> Iterator[list[Filled]]:
    """Both databases, both sizes. `fill(url, events)` fills one on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        server = PostgresServer(durable=True)
        try:
            names = ("small", "large")
            sqlite = tuple(f"sqlite:///{Path(folder)}/{name}.db" for name in names)
            postgres = tuple(server.url(name) for name in names)
            for name in names:
                server.run(f"CREATE DATABASE {name}")
            yield [
                _filled("SQLite", sqlite, [(fill, url, events) for url, events in zip(sqlite, EVENTS, strict=True)]),
                _filled("PostgreSQL", postgres, [(copy, *pair) for pair in zip(sqlite, postgres, strict=True)]),
            ]
        finally:
            server.stop()


def _filled(name: str, urls: tuple[str, ...], works: Iterable[tuple[Any, ...]]) -> Filled:
    began = time.perf_counter()
    for work, *arguments in works:
        elsewhere(work, *arguments)
    small, large = urls
    return Filled(name, (small, large), time.perf_counter() - began)


def pour(database: Database, bodies: Iterable[bytes]) -> None:
    """What stands in the stream, through the pipeline."""
    rest = iter(bodies)
    while batch := list(itertools.islice(rest, _BATCH)):
        process(database, batch)


def elsewhere(work: Callable[..., None], *arguments: Any) -> None:
    """In a process of its own, so that what it leaves in memory slows no request."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__} failed")


def copy(source: str, target: str) -> None:
    """Every row of every table, from SQLite to PostgreSQL."""
    database = Database(target, KEY)
    database.migrate()
    database.close()
    with sqlite3.connect(source.removeprefix("sqlite:///")) as rows, psycopg.connect(target) as conn:
        for table in metadata.sorted_tables:
            names = ", ".join(column.name for column in table.columns)
            flags = [n for n, column in enumerate(table.columns) if isinstance(column.type, Boolean)]
            with conn.cursor().copy(f"COPY {table.name} ({names}) FROM STDIN") as sink:
                for row in rows.execute(f"SELECT {names} FROM {table.name}"):
                    sink.write_row([bool(cell) if n in flags else cell for n, cell in enumerate(row)])
        conn.execute("ANALYZE")


@dataclass
class Times:
    """How long one request took at one size, in ms: the very first time, and in all rounds that count."""

    first: float = 0.0
    took: list[float] = field(default_factory=list)

    @property
    def middle(self) -> float:
        return statistics.median(self.took)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.took, n=20)[-1]


@dataclass(frozen=True)
class Compared:
    """One request at both sizes."""

    small: Times = field(default_factory=Times)
    large: Times = field(default_factory=Times)

    @property
    def ratio(self) -> float:
        return self.large.p95 / self.small.p95

    def cells(self) -> tuple[str, ...]:
        """As they stand under HEADER."""
        small, large = self.small, self.large
        return (*(f"{ms:.1f}" for ms in (small.middle, small.p95, large.first, large.middle, large.p95)), f"{self.ratio:.2f}")


HEADER = ("10k p50 ms", "p95 ms", "1M first ms", "p50 ms", "p95 ms", "ratio")

Ask = Callable[[], Callable[[], object] | None]
"""Asks once; what it returns is called when the time is taken."""


def by_turns(asks: Mapping[str, tuple[Ask, Ask]], rounds: int, before: Mapping[str, Compared] | None = None) -> dict[str, Compared]:
    """Each request at both sizes, by its name. `before`: rounds that these are added to."""
    found = {name: Compared() for name in asks} if before is None else {name: before[name] for name in asks}
    for number in range(-_WARM, rounds):
        for name, (small, large) in asks.items():
            turns = [(small, found[name].small), (large, found[name].large)]
            for ask, times in turns if number % 2 else reversed(turns):
                began = time.perf_counter()
                end = ask()
                took = (time.perf_counter() - began) * 1000
                if end is not None:
                    end()
                if number >= 0:
                    times.took.append(took)
                elif not times.first:
                    times.first = took
    return found
