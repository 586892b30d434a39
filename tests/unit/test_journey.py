"""The customer's journey: where touchpoints stand, and what is called a change of a score."""

import pytest

from widget_server.contract.journey import BUILT_IN, STAGES, Touchpoint, arranged, named
from widget_server.contract.metrics import headline, metrics
from widget_server.contract.placing import TOUCHPOINTS
from widget_server.contract.questions import question_types
from widget_server.contract.scores import Counts, Score, compare
from widget_server.contract.sets import SETS
from widget_server.contract.shop import Question


def stars(fives: int, ones: int) -> Score:
    return metrics()["stars"].read(Counts({"5": fives, "1": ones}))


@pytest.mark.parametrize(
    ("now", "before", "kind"),
    [
        (stars(90, 10), stars(10, 90), "up"),
        (stars(10, 90), stars(90, 10), "down"),
        (stars(11, 9), stars(9, 11), "unclear"),
        (stars(90, 10), stars(9, 0), "few"),
        (stars(9, 0), stars(90, 10), "few"),
        (stars(0, 0), stars(90, 10), "few"),
        (stars(90, 10), stars(0, 0), "none"),
        (stars(90, 10), None, "none"),
    ],
)
def test_a_change_is_only_called_one_when_the_intervals_part(now: Score, before: Score | None, kind: str) -> None:
    assert compare(now, before).kind == kind


def test_a_change_says_by_how_much() -> None:
    assert compare(stars(90, 10), stars(10, 90)).by == pytest.approx(3.2)
    touching = Score(0.6, 50, (0.5, 0.7), {}), Score(0.4, 50, (0.3, 0.5), {})
    assert compare(*touching).kind == "unclear", "a value that both can have"


def test_every_type_but_texts_is_judged_by_a_metric_that_reads_it() -> None:
    found = {name: headline(name) for name in question_types()}
    assert {name: metric and metric.name for name, metric in found.items()} == {
        "ces": "ces", "choice": "top_option", "choices": "top_option", "csat": "csat", "nps": "nps", "stars": "stars",
        "text": None, "yes_no": "success",
    }  # fmt: skip


def test_whatever_a_question_names_by_itself_has_its_place() -> None:
    built_in = {touchpoint.name for touchpoint in BUILT_IN}
    assert set(TOUCHPOINTS.values()) <= built_in
    assert {made.touchpoint for made in SETS.values()} <= built_in
    assert {touchpoint.stage for touchpoint in BUILT_IN} == set(STAGES)


def test_a_shop_that_arranged_nothing_has_the_built_in_ones_in_the_order_of_the_journey() -> None:
    assert arranged([], []) == list(BUILT_IN)


def test_what_an_owner_arranged_stands_first_and_what_only_questions_name_behind_it() -> None:
    saved = [Touchpoint("gift", "after", "Gift wrapping"), Touchpoint("search", "need", "Seeking")]
    asked = [
        Question("a", 1, "yes_no", "search", touchpoint="fitting-room"),
        Question("b", 1, "stars", "order"),
        Question("c", 1, "stars", "link", touchpoint="gift"),
    ]
    assert arranged(saved, asked) == [
        Touchpoint("search", "need", "Seeking"),
        Touchpoint("fitting-room", "search"),
        Touchpoint("order", "purchase"),
        Touchpoint("gift", "after", "Gift wrapping"),
    ]


def test_a_question_without_a_touchpoint_has_that_of_its_placement() -> None:
    assert [named(Question("q", 1, "yes_no", placement)) for placement in ("product", "link", "search")] == [
        "choice", "delivery", "search",
    ]  # fmt: skip
