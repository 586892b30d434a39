"""Signing in and out."""

from tests.web.conftest import World, signed_in


def test_who_is_signed_in_sees_the_pages_of_the_shop(world: World) -> None:
    person = signed_in(world)
    assert "Shop" in person.get("/app/settings").text
    assert person.post_form("/app/sign-out").status_code == 303
    gone = person.get("/app/settings")
    assert (gone.status_code, gone.headers["Location"]) == (303, "/app/sign-in?next=/app/settings")
