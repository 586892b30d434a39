"""Robots by their own word, and that nobody else is taken for one."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget_server.intake.robots import is_robot

_FILE = Path(__file__).parents[1] / "vectors" / "user_agents.json"
AGENTS: dict[str, list[str]] = json.loads(_FILE.read_text())


@pytest.mark.parametrize("agent", AGENTS["browsers"])
def test_a_browser_that_a_person_holds_is_no_robot(agent: str) -> None:
    assert not is_robot(agent)


@pytest.mark.parametrize("agent", AGENTS["programs"])
def test_a_program_that_hands_answers_on_is_no_robot(agent: str) -> None:
    assert not is_robot(agent)


@pytest.mark.parametrize("agent", AGENTS["robots"])
def test_a_robot_by_its_own_word_is_one(agent: str) -> None:
    assert is_robot(agent)


@given(st.text(max_size=50))
def test_no_header_breaks_it(agent: str) -> None:
    assert is_robot(agent) in (True, False)
    assert is_robot(f"{agent} HeadlessChrome/1")
    assert not is_robot("x" * 1000 + agent + "HeadlessChrome/1")
