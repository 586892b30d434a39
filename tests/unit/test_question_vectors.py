"""Question types: what is an answer, and which bucket it falls into, as the vectors say that JavaScript reads too."""

import json
from pathlib import Path
from typing import Any

import pytest

from widget_server.contract.questions import question_types

VECTORS = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in (Path(__file__).parents[1] / "vectors" / "questions").glob("*.json")
}


def test_every_question_type_has_vectors() -> None:
    assert set(VECTORS) == set(question_types())


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_answers_and_their_buckets(name: str) -> None:
    kind, vectors = question_types()[name], VECTORS[name]
    told: list[tuple[Any, str | None]] = [(v["value"], kind.bucket(v["value"], kind.settings)) for v in vectors["valid"]]
    assert told == [(v["value"], v["bucket"]) for v in vectors["valid"]]
    assert tuple(bucket for _, bucket in told) == kind.buckets
    assert [v for v in vectors["invalid"] if kind.bucket(v, kind.settings) is not None] == []
