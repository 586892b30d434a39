"""3,000 real orders with their ratings: what the owner's pages show equals the owner API, and a recount of the log.

Every number is compared as it is shown, to its last digit. The recount reads the events as they lie in the log and uses
nothing else of the program's.
"""

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from math import sqrt

import pytest
from sqlalchemy import text

from tests.pipeline.test_olist import Stand, pytestmark, sqlite_stand, stand
from tests.web.test_dashboard_overview import stage, text_of
from widget_server.record import accounts, members, sessions

__all__ = ["pytestmark", "sqlite_stand", "stand"]

WHOLE = {"period": "own", "from": "2016-10-01", "to": "2018-12-31"}
Z = 1.959963984540054


class Pages:
    """The stand's shop as its owner sees it."""

    def __init__(self, stand: Stand) -> None:
        self._client = stand.client.application.test_client()
        now = time.time_ns() // 1_000_000
        with stand.database.writing() as conn:
            made = accounts.create(conn, "owner@people.example", "Owner", "en", "no password", now)
            members.add(conn, stand.shop["id"], made.id, "owner", now)
            token = sessions.begin(conn, made.id, stand.shop["id"], now)
        with self._client.session_transaction() as cookie:
            cookie["token"] = token

    def get(self, path: str, **query: str) -> str:
        reply = self._client.get(path, query_string=query)
        assert reply.status_code == 200, reply.text[:500]
        return reply.text


def in_the_log(stand: Stand) -> dict[str, list[int]]:
    """{month (UTC): the scores given in it}, from the events."""
    found: dict[str, list[int]] = defaultdict(list)
    with stand.database.reading() as conn:
        for (body,) in conn.execute(text("SELECT body FROM events WHERE type = 'answer.given'")):
            event = json.loads(body)
            found[f"{datetime.fromtimestamp(event['at'] / 1000, UTC):%Y-%m}"].append(event["value"])
    return dict(sorted(found.items()))


def mean(scores: Iterable[int]) -> tuple[float, float, float]:
    """Mean of 1 to 5 and its interval: two answers more at each end (Agresti and Coull 1998)."""
    said = list(scores)
    more = [*said, 1, 1, 5, 5]
    centre = sum(more) / len(more)
    half = Z * sqrt((sum(score * score for score in more) / len(more) - centre * centre) / len(more))
    value = sum(said) / len(said)
    return value, min(max(1.0, centre - half), value), max(min(5.0, centre + half), value)


def in_words(scores: list[int]) -> str:
    """How a table says it."""
    if len(scores) < 10:
        return "–"
    value, low, high = mean(scores)
    return f"{value:.1f} {low:.1f} to {high:.1f}"


def twin(html: str, chart: str) -> list[tuple[str, list[str]]]:
    """A chart's table: (label, cells) of each row."""
    table = html.split(f'id="{chart}"')[1].split("</figure>")[0]
    return [
        (text_of(label).strip(), [text_of(cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", cells, re.DOTALL)])
        for label, cells in re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', table, re.DOTALL)
    ]  # fmt: skip


def months_between(first: str, last: str) -> list[str]:
    numbers = [int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last)]
    return [f"{number // 12}-{number % 12 + 1:02d}" for number in range(numbers[0], numbers[1] + 1)]


def test_the_overview_shows_what_the_api_tells_and_the_log_holds(stand: Stand) -> None:
    stand.add_shop()
    stand.read("orders", "items", "ratings")
    counted = in_the_log(stand)
    total, by_month = stand.scores("stars", "month")
    page = Pages(stand).get("/app/overview", **WHOLE)

    value, low, high = mean([score for scores in counted.values() for score in scores])
    n = sum(map(len, counted.values()))
    assert n == 2987
    assert (f"{value:.6f}", n) == (f"{total['value']:.6f}", total["n"])
    assert [f"{end:.6f}" for end in (low, high)] == [f"{end:.6f}" for end in total["interval"]]
    said = stage(page, "Purchase")
    assert f"{value:.1f}" in said.split() and f"{low:.1f} to {high:.1f} · {n:,} answers" in said
    assert f"Asked {n:,} Answered {n:,} Open cases 0" in said

    months = months_between("2016-10", "2018-12")
    labels = [f"{date.fromisoformat(f'{month}-01'):%b %Y}" for month in months]
    recount = [counted.get(month, []) for month in months]
    assert twin(page, "chart-score") == [(label, [in_words(scores)]) for label, scores in zip(labels, recount, strict=True)]
    assert twin(page, "chart-reach") == [
        (label, [f"{len(scores):,}"] * 2) for label, scores in zip(labels, recount, strict=True)
    ]
    told = {
        month: f"{row['value']:.1f} {row['interval'][0]:.1f} to {row['interval'][1]:.1f}" if row["enough"] else "–"
        for month, row in by_month.items()
    }
    assert told == {month: in_words(scores) for month, scores in counted.items()}


@pytest.mark.parametrize("days", [WHOLE, {"period": "2018-03"}, {"period": "own", "from": "2018-02-03", "to": "2018-05-11"}])
def test_so_many_buyers_were_unhappy_as_the_log_says_and_the_newest_of_them_are_shown(
    sqlite_stand: Stand, days: dict[str, str]
) -> None:
    sqlite_stand.add_shop("UTC")
    sqlite_stand.read("orders", "items", "ratings")
    first, last = (days["from"], days["to"]) if "from" in days else (f"{days['period']}-01", f"{days['period']}-31")
    with sqlite_stand.database.reading() as conn:
        events = [json.loads(body) for (body,) in conn.execute(text("SELECT body FROM events WHERE type = 'answer.given'"))]
    within = [event for event in events if first <= f"{datetime.fromtimestamp(event['at'] / 1000, UTC):%Y-%m-%d}" <= last]
    low = sorted((event["at"] for event in within if event["value"] <= 2), reverse=True)
    page = Pages(sqlite_stand).get("/app/overview", **days).split('<section class="unhappy"')[1].split("</section>")[0]
    assert f"{len(low):,} of {len(within):,} ratings after orders are low: 1 to 2 of 5." in text_of(page)
    shown = [f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%dT%H:%M}" for at in low[:4]]
    assert re.findall(r'<time datetime="([^"]+)"', page) == shown
    key = sqlite_stand.shop["api_key"]
    reply = sqlite_stand.client.get(
        "/v1/scores", query_string={"metric": "stars", "question": "order-rating", "from": first, "to": last},
        headers={"Authorization": f"Bearer {key}"},
    )  # fmt: skip
    counts = reply.json["total"]["distribution"]
    assert (counts["1"] + counts["2"], sum(counts.values())) == (len(low), len(within))


@pytest.mark.parametrize("month", ["2017-02", "2017-12", "2018-03", "2018-06"])
def test_a_month_and_its_change_against_the_month_before(sqlite_stand: Stand, month: str) -> None:
    sqlite_stand.add_shop()
    sqlite_stand.read("orders", "items", "ratings")
    counted = in_the_log(sqlite_stand)
    before = months_between("2016-10", month)[-2]
    now, then = mean(counted[month]), mean(counted[before])
    said = stage(Pages(sqlite_stand).get("/app/overview", period=month), "Purchase")
    assert f"{now[0]:.1f}" in said.split()
    assert f"{now[1]:.1f} to {now[2]:.1f} · {len(counted[month])} answers" in said
    is_enough = len(counted[before]) >= 10
    parted = is_enough and (now[1] > then[2] or now[2] < then[1])
    assert ("no clear change" in said) == (is_enough and not parted)
    if parted:
        assert f"{'up' if now[0] > then[0] else 'down'} {abs(now[0] - then[0]):.1f}".removesuffix(".0") in said


def test_days_and_weeks_of_a_chart_are_those_of_the_api(sqlite_stand: Stand) -> None:
    sqlite_stand.add_shop("Europe/Riga")
    sqlite_stand.read("orders", "items", "ratings")
    pages = Pages(sqlite_stand)
    for by, days in (("week", {"from": "2018-02-03", "to": "2018-05-11"}), ("day", {"from": "2018-05-01", "to": "2018-05-10"})):
        key = sqlite_stand.shop["api_key"]
        reply = sqlite_stand.client.get(
            "/v1/scores", query_string={"metric": "stars", "question": "order-rating", "by": by, "limit": "100", **days},
            headers={"Authorization": f"Bearer {key}"},
        )  # fmt: skip
        page = pages.get("/app/overview", period="own", **days)
        asked = [int(cells[0].replace(",", "")) for _, cells in twin(page, "chart-reach")]
        assert [n for n in asked if n] == [row["n"] for row in reply.json["rows"]]
        shown = [cells[0] for _, cells in twin(page, "chart-score") if cells[0] != "–"]
        assert shown == [
            f"{row['value']:.1f} {row['interval'][0]:.1f} to {row['interval'][1]:.1f}" for row in reply.json["rows"] if row["enough"]
        ]
