"""3,000 real orders with their ratings, imported by the real command: the scores that the API tells must be exact.

What they must be stands in `expected.json`, or is worked out here from the CSV; none of it uses the program's code.
"""

import csv
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import inspect, text

from tests.running import Program, run
from tests.servers import wait_for
from widget_server.record.db import Database
from widget_server.run.cli import group
from widget_server.run.config import load
from widget_server.web.app import create_app

OLIST = Path(__file__).parents[3] / "shared" / "data" / "olist"
KEY = "tests-only-secret-key-0123456789"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not OLIST.is_dir(), reason="the olist data is not in ../shared/data"),
]


@dataclass
class Stand:
    """A database, a Redis, one shop, and the commands on them. The shop's scores are read through the API."""

    folder: Path
    database: Database
    settings: dict[str, str]
    shop: dict[str, str] = field(default_factory=dict)
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        environ = {f"ATBALSS_{name.upper()}": value for name, value in self.settings.items()}
        with redis.Redis.from_url(self.settings["redis_url"]) as away:
            self.client = create_app(load(environ, self.folder / "data"), self.database, away).test_client()

    def call(self, *words: str) -> str:
        """A command that must succeed; what it printed."""
        environ = {f"ATBALSS_{name.upper()}": value for name, value in self.settings.items()}
        done = CliRunner().invoke(group(), ["--data-dir", str(self.folder / "data"), *words], env=environ)
        assert done.exit_code == 0, done.output
        return done.stdout

    def add_shop(self, time_zone: str = "UTC") -> None:
        words = ("shop", "add", "Olist", "--domain", "olist.example", "--time-zone", time_zone, "--json")
        self.shop = json.loads(self.call(*words))

    def read(self, *kinds: str, **paths: Path) -> dict[str, Any]:
        """Import the files of these kinds, or others given by name; the summary of each by its kind."""
        files = {kind: OLIST / f"{kind}.csv" for kind in kinds} | paths
        words = [word for kind, path in files.items() for word in (f"--{kind}", str(path))]
        told = json.loads(self.call("import", "--shop", self.shop["site_key"], *words, "--json"))
        assert (told["counted"], told["set_aside"]) == (True, 0)
        return {file["kind"]: file for file in told["files"]}

    def scores(self, metric: str, by: str | None = None) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """The total and all rows by key, page by page."""
        rows: dict[str, dict[str, Any]] = {}
        query: dict[str, Any] = {"metric": metric, "question": "order-rating", "limit": 100}
        query |= {} if by is None else {"by": by}
        while True:
            reply = self.client.get(
                "/v1/scores", query_string=query, headers={"Authorization": f"Bearer {self.shop['api_key']}"}
            )
            assert reply.status_code == 200, reply.text
            rows |= {row["key"]: row for row in reply.json["rows"]}
            if reply.json["next"] is None:
                return reply.json["total"], rows
            query["cursor"] = reply.json["next"]

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row there is."""
        with self.database.reading() as conn:
            return {
                name: sorted(map(tuple, conn.execute(text(f"SELECT * FROM {name}"))), key=repr)
                for name in inspect(conn).get_table_names()
            }

    def verify(self) -> None:
        assert self.call("verify") == "No difference.\n"


@pytest.fixture
def stand(tmp_path: Path, database: Database, database_url: str, redis_url: str) -> Iterator[Stand]:
    yield Stand(tmp_path, database, {"database_url": database_url, "redis_url": redis_url, "secret_key": KEY})


@pytest.fixture
def sqlite_stand(tmp_path: Path, sqlite_database: Database, sqlite_url: str, redis_url: str) -> Stand:
    return Stand(
        tmp_path, sqlite_database, {"database_url": sqlite_url, "redis_url": redis_url, "secret_key": KEY}
    )


def assert_scores_are_exact(stand: Stand) -> None:
    """Every field of expected.json, rounded to 6 decimals; and nothing beside it."""
    expected = json.loads((OLIST / "expected.json").read_text())
    assert set(expected) == {
        "ratings", "distribution", "mean", "csat", "csat_interval_95_wilson", "by_month_of_answer",
        "products_with_3_or_more",
    }  # fmt: skip
    mean, mean_by_month = stand.scores("stars", "month")
    csat, csat_by_month = stand.scores("csat", "month")
    _, by_product = stand.scores("stars", "product")
    assert (mean["n"], csat["n"]) == (expected["ratings"], expected["ratings"])
    assert mean["distribution"] == expected["distribution"]
    assert round(mean["value"], 6) == expected["mean"]
    assert round(csat["value"], 6) == expected["csat"]
    assert [round(end, 6) for end in csat["interval"]] == expected["csat_interval_95_wilson"]
    assert {
        month: {
            "n": row["n"], "mean": round(row["value"], 6), "csat": round(csat_by_month[month]["value"], 6),
        }
        for month, row in mean_by_month.items()
    } == expected["by_month_of_answer"]  # fmt: skip
    assert {
        product: {"n": row["n"], "mean": round(row["value"], 6)}
        for product, row in by_product.items()
        if row["n"] >= 3
    } == expected["products_with_3_or_more"]


def ratings() -> list[dict[str, str]]:
    with (OLIST / "ratings.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_scores_are_exact_and_a_second_import_changes_nothing(stand: Stand) -> None:
    stand.add_shop()
    told = stand.read("orders", "items", "ratings")
    assert {kind: (file["new"], file["refused"]) for kind, file in told.items()} == {
        "orders": (3000, 0), "items": (3365, 0), "ratings": (2987, 0),
    }  # fmt: skip
    assert_scores_are_exact(stand)
    before = stand.tables()
    assert len(before["answers"]) == 2987 and len(before["orders"]) == 3000
    again = stand.read("orders", "items", "ratings")
    assert {kind: file["unchanged"] for kind, file in again.items()} == {
        "orders": 3000, "items": 3365, "ratings": 2987,
    }  # fmt: skip
    assert stand.tables() == before
    stand.verify()


def test_scores_are_exact_with_items_after_ratings_and_two_workers(
    stand: Stand, redis_client: "redis.Redis"
) -> None:
    stand.add_shop()
    with ExitStack() as stack:
        workers = [Program(stand.folder / f"w{n}", "worker", **stand.settings) for n in (1, 2)]
        for worker in workers:
            stack.callback(worker.kill)
        wait_for(lambda: len(redis_client.xinfo_consumers("atbalss:intake", "act")) == 2, "no two consumers")
        stand.read("ratings")
        _, by_product = stand.scores("stars", "product")
        assert by_product == {}, "no order tells its products yet"
        stand.read("orders")
        stand.read("items")
        assert len(redis_client.xinfo_consumers("atbalss:intake", "act")) == 2, (
            "the workers did it, not the import"
        )
        assert_scores_are_exact(stand)
        stand.verify()
        assert [worker.terminate() for worker in workers] == [0, 0]


def test_a_corrected_row_edits_and_may_return_to_what_it_was(stand: Stand, tmp_path: Path) -> None:
    stand.add_shop()
    rows = ratings()[:300]
    distribution = dict(Counter(row["score"] for row in rows))
    first = write(tmp_path / "first.csv", rows)
    stand.read(ratings=first)
    assert stand.scores("stars")[0]["distribution"] == distribution

    old = rows[7]["score"]
    new = "1" if old != "1" else "5"
    second = write(
        tmp_path / "second.csv", [{**row, "score": new} if row is rows[7] else row for row in rows]
    )
    corrected = dict(Counter(distribution) - Counter({old: 1}) + Counter({new: 1}))
    for path, wanted in ((second, corrected), (first, distribution), (second, corrected)):
        told = stand.read(ratings=path)["ratings"]
        assert (told["corrected"], told["unchanged"]) == (1, 299)
        total, _ = stand.scores("stars")
        assert (total["n"], total["distribution"]) == (300, wanted)
        before = stand.tables()
        assert stand.read(ratings=path)["ratings"]["unchanged"] == 300
        assert stand.tables() == before
    stand.verify()


def test_in_riga_18_ratings_belong_to_another_month(sqlite_stand: Stand) -> None:
    riga = ZoneInfo("Europe/Riga")
    by_month: dict[str, list[int]] = defaultdict(list)
    moved = 0
    for row in ratings():
        moment = datetime.fromisoformat(row["answered_at"])
        month = f"{moment.astimezone(riga):%Y-%m}"
        by_month[month].append(int(row["score"]))
        moved += month != row["answered_at"][:7]
    assert moved == 18
    wanted = {month: (len(said), round(sum(said) / len(said), 6)) for month, said in by_month.items()}

    def told() -> dict[str, tuple[int, float]]:
        _, rows = sqlite_stand.scores("stars", "month")
        return {month: (row["n"], round(row["value"], 6)) for month, row in rows.items()}

    sqlite_stand.add_shop("Europe/Riga")
    sqlite_stand.read("ratings")
    assert told() == wanted
    sqlite_stand.verify()
    shop = sqlite_stand.shop["id"]
    sqlite_stand.call("counters", "rebuild", "--shop", shop, "--time-zone", "UTC")
    expected = json.loads((OLIST / "expected.json").read_text())["by_month_of_answer"]
    assert told() == {month: (row["n"], row["mean"]) for month, row in expected.items()}
    sqlite_stand.call("counters", "rebuild", "--shop", shop, "--time-zone", "Europe/Riga")
    assert told() == wanted
    sqlite_stand.verify()


def test_an_operator_imports_on_one_machine_where_nothing_runs_and_goes_on_after_a_kill(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    added = run(data, "shop", "add", "Olist", "--domain", "olist.example", "--json")
    shop = json.loads(added.stdout)
    files = [
        word for kind in ("orders", "items", "ratings") for word in (f"--{kind}", str(OLIST / f"{kind}.csv"))
    ]
    words = ("import", "--shop", shop["site_key"], *files)

    def stored() -> int:
        with closing(sqlite3.connect(f"file:{data / 'atbalss.db'}?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT count(*) FROM events").fetchone()[0])

    killed = Program(data, *words)
    wait_for(lambda: stored() > 0, "nothing is counted", killed.process)
    killed.kill()
    assert (killed.process.returncode, 0 < stored() < 9352) == (-9, True)

    done = run(data, *words)
    assert done.returncode == 0, done.stderr
    assert "ratings: 2987 rows" in done.stdout and "refused row" not in done.stdout
    assert stored() == 9352
    verified = run(data, "verify")
    assert (verified.returncode, verified.stdout) == (0, "No difference.\n")
    again = run(data, *words)
    assert "ratings: 2987 rows, 2987 unchanged, 0 refused" in again.stdout
    assert "0 events counted" in again.stdout
