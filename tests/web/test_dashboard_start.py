"""The first steps, and what is said of a shop's page that was looked at."""


import pytest

from tests.web.conftest import World, signed_in


@pytest.mark.parametrize("path", ["/shop", "/looks", "/line", "/check", "/check/sight"])
def test_steps_open(small_world: World, path: str) -> None:
    page = signed_in(small_world).get(f"/app/start{path}")
    assert page.status_code == 200, page.text
