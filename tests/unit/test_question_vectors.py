"""Question types: what is an answer, and which bucket it falls into, as the vectors say that JavaScript reads too."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget_server.contract.questions import QuestionType, question_types, settings_errors, texts_needed

VECTORS = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in (Path(__file__).parents[1] / "vectors" / "questions").glob("*.json")
}


def test_every_question_type_has_vectors() -> None:
    assert set(VECTORS) == set(question_types())


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_answers_and_their_buckets(name: str) -> None:
    kind, vectors = question_types()[name], VECTORS[name]
    settings = {**kind.settings, **vectors.get("settings", {})}
    assert settings_errors(kind, settings) == {}
    taken = [*vectors["valid"], *vectors.get("combined", []), *vectors.get("unknown", [])]
    assert [bucket_of(kind, settings, v["value"]) for v in taken] == [v["bucket"] for v in taken]
    if kind.buckets:
        assert tuple(v["bucket"] for v in vectors["valid"]) == kind.buckets
    assert [v for v in vectors["invalid"] if kind.bucket(v, settings) is not None] == []


def bucket_of(kind: QuestionType, settings: Mapping[str, Any], value: Any) -> Any:
    """As JSON has it."""
    bucket = kind.bucket(value, settings)
    return list(bucket) if isinstance(bucket, tuple) else bucket


@given(st.sampled_from(sorted(question_types())), st.recursive(st.none() | st.integers() | st.text(max_size=9), st.lists))
def test_no_value_breaks_a_type(name: str, value: Any) -> None:
    kind = question_types()[name]
    bucket = kind.bucket(value, {**kind.settings, **VECTORS[name].get("settings", {})})
    assert bucket is None or isinstance(bucket, str | tuple)


@pytest.mark.parametrize(
    ("kind", "settings", "wrong"),
    [
        ("stars", {"follow_up": [{"when": [1, 2], "text": "follow_up_low"}, {"when": [5]}]}, []),
        ("stars", {"follow_up": [{"when": [6]}]}, ["follow_up"]),
        ("stars", {"follow_up": [{"when": 1}]}, ["follow_up"]),
        ("stars", {"follow_up": [{"text": "title"}]}, ["follow_up"]),
        ("stars", {"follow_up": [{"if": [1]}]}, ["follow_up"]),
        ("stars", {"follow_up": []}, ["follow_up"]),
        ("stars", {"follow_up": 2}, []),
        ("stars", {"follow_up": "sometimes"}, ["follow_up"]),
        ("yes_no", {"follow_up": "no"}, []),
        ("yes_no", {"follow_up": {"when": ["no"]}}, ["follow_up"]),
        ("text", {"follow_up": "always"}, ["follow_up"]),
        ("choice", {"options": ["a", "b"], "follow_up": [{"when": ["b"]}]}, []),
        ("choices", {"options": ["a", "b"], "follow_up": [{"when": ["b"]}]}, []),
        ("choices", {"options": ["a", "b"], "follow_up": [{"when": ["c"]}]}, ["follow_up"]),
        ("choice", {}, ["options"]),
        ("choice", {"options": ["a"]}, ["options"]),
        ("choice", {"options": ["a", "a"]}, ["options"]),
        ("choice", {"options": ["a", "B"]}, ["options"]),
        ("choice", {"options": "ab"}, ["options"]),
        ("choice", {"options": [["a"], {}]}, ["options"]),
        ("choice", {"options": [f"o{n}" for n in range(21)]}, ["options"]),
    ],
)
def test_what_an_owner_may_set(kind: str, settings: dict[str, Any], wrong: list[str]) -> None:
    assert sorted(settings_errors(question_types()[kind], settings)) == wrong


def test_the_texts_a_question_needs() -> None:
    types = question_types()
    low = {"follow_up": [{"when": [1, 2], "text": "follow_up_low"}, {"when": [5]}]}
    assert texts_needed(types["stars"], low) == (
        "title", "low", "high", "star", "follow_up_low", "follow_up", "send", "thanks", "close",
    )  # fmt: skip
    assert texts_needed(types["choice"], {"options": ["a", "b"]}) == ("title", "option.a", "option.b", "thanks", "close")
