"""The questions pages: list, one, ready ones, the editor."""

import re
from typing import Any

import pytest

from tests.web.conftest import World, signed_in
from widget_server.record import questions


def fields(page: str) -> dict[str, Any]:
    """What a browser would send of the editor's form, as it stands."""
    form = page[page.index('id="editor"'):]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        kind = re.search(r'type="([^"]+)"', tag)
        if name and (kind is None or kind[1] not in ("checkbox", "radio") or " checked" in tag):
            found.setdefault(name[1], []).append(unescape(value[1] if value else ""))
    for name, text in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>([^<]*)', form):
        found.setdefault(name, []).append(unescape(text))
    for name, inner in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        options = re.findall(r'<option value="([^"]*)"( selected)?', inner)
        found.setdefault(name, []).append(next((v for v, chosen in options if chosen), options[0][0]))
    return found


from html import unescape  # noqa: E402


@pytest.mark.parametrize("path", ["", "/one/search-found", "/one/order-rating/edit", "/sets/why-us", "/new", "/new?type=choice&placement=order"])
def test_pages_open(small_world: World, path: str) -> None:
    page = signed_in(small_world).get(f"/app/questions{path}")
    assert page.status_code == 200, page.text


def test_saving_what_the_form_holds_changes_nothing(small_world: World) -> None:
    person = signed_in(small_world)
    for name in ("search-found", "order-rating"):
        form = fields(person.get(f"/app/questions/one/{name}/edit").text)
        reply = person.post_form(f"/app/questions/one/{name}/edit", {**form, "do": "save"})
        assert reply.status_code == 303, reply.text
    with small_world.database.reading() as conn:
        found = questions.of_shop(conn, small_world.shop.id)
    assert {name: len(versions) for name, versions in found.items()} == {"search-found": 1, "order-rating": 1}
