"""Scores against published numbers and against their own promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget_server.contract.metrics import metrics
from widget_server.contract.scores import ENOUGH, Counts, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718), (29, 29, 0.8830, 1.0)],
)
def test_wilson_agrees_with_the_published_intervals(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n) == pytest.approx((low, high), abs=0.00005)


def test_nps_is_promoters_minus_detractors() -> None:
    score = metrics()["nps"].read(Counts({"10": 40, "9": 10, "8": 20, "7": 10, "6": 5, "0": 15}))
    assert (score.value, score.n) == (30.0, 100)


def test_stars_is_the_mean_and_csat_the_share_of_fours_and_fives() -> None:
    counts = Counts({"5": 6, "4": 2, "1": 2})
    assert metrics()["stars"].read(counts).value == 4.0
    assert metrics()["csat"].read(counts).value == 0.8


def test_ces_is_the_mean_and_the_share_of_five_to_seven() -> None:
    counts = Counts({"7": 4, "5": 2, "4": 2, "1": 2})
    assert metrics()["ces"].read(counts).value == 4.8
    assert metrics()["ces_easy"].read(counts).value == 0.6


def test_options_are_shares_of_the_answers_not_of_the_ticks() -> None:
    score = metrics()["top_option"].read(Counts({"": 10}, shown=20, chosen={"price": 8, "range": 6}))
    assert (score.value, score.n, score.distribution) == (0.8, 10, {"price": 8, "range": 6})
    one = metrics()["top_option"].read(Counts({"better": 3, "worse": 1, "": 1}))
    assert (one.value, one.n, one.distribution) == (0.6, 5, {"better": 3, "worse": 1})


def test_response_rate_never_exceeds_one() -> None:
    assert metrics()["response_rate"].read(Counts({"yes": 3}, shown=2)).value == 1.0
    assert metrics()["response_rate"].read(Counts({"yes": 1, "no": 1}, shown=8)).value == 0.25


def test_a_text_without_a_value_is_an_answer_but_no_star() -> None:
    counts = Counts({"": 4, "5": 1}, shown=10)
    assert metrics()["stars"].read(counts).n == 1
    assert metrics()["response_rate"].read(counts).value == 0.5


buckets = {"success": ["yes", "no"], "stars": list("12345"), "csat": list("12345"), "nps": [str(n) for n in range(11)],
           "response_rate": ["yes", "no"], "ces": list("1234567"), "ces_easy": list("1234567"), "top_option": ["a", "b", ""]}  # fmt: skip


@pytest.mark.parametrize("name", sorted(buckets))
@given(data=st.data())
def test_every_interval_holds_its_value_and_has_a_width(name: str, data: st.DataObject) -> None:
    answers = {bucket: data.draw(st.integers(0, 10**6)) for bucket in buckets[name]}
    score = metrics()[name].read(Counts(answers, shown=data.draw(st.integers(0, 10**7))))
    if score.n == 0:
        assert score.value is None and score.interval is None and not score.enough
        return
    assert score.value is not None and score.interval is not None
    low, high = score.interval
    assert low <= score.value <= high
    assert high > low
    assert score.enough == (score.n >= ENOUGH)


def test_every_metric_has_a_test_here() -> None:
    assert set(metrics()) == set(buckets)
