"""What is remembered of a shop's pages: seldom, and only what a browser can have sent."""

import orjson
import pytest

from widget_server.intake.seen import EVERY, REFUSED, SEEN, Seen


def told(seen: Seen) -> dict[str, tuple[int, str]]:
    """{key: (ms, origin)} of the commands there are to tell."""
    found = {}
    for command in seen.commands():
        parts = command.split(b"\r\n")
        sight = orjson.loads(parts[6])
        found[parts[4].decode()] = (sight["at"], sight["origin"])
    return found


def test_a_shop_is_told_of_once_in_a_while() -> None:
    now = [1000.0]
    seen = Seen("redis://nowhere", 1.0, lambda: now[0])
    for _ in range(50):
        seen.note("a", "https://a.example", True)
    seen.note("b", "https://b.example:8443", True)
    assert told(seen) == {SEEN + "a": (1_000_000, "https://a.example"), SEEN + "b": (1_000_000, "https://b.example:8443")}
    now[0] += EVERY - 1
    seen.note("a", "https://a.example", True)
    assert told(seen) == {}
    now[0] += 1
    seen.note("a", "https://www.a.example", True)
    assert told(seen) == {SEEN + "a": (1_010_000, "https://www.a.example")}


def test_a_page_of_others_hides_none_of_the_shops_own() -> None:
    seen = Seen("redis://nowhere", 1.0, lambda: 1.0e9)
    seen.note("a", "https://copy.example", False)
    seen.note("a", "https://a.example", True)
    assert {key: origin for key, (_at, origin) in told(seen).items()} == {SEEN + "a": "https://a.example", REFUSED + "a": "https://copy.example"}


@pytest.mark.parametrize("origin", ["null", "", "https://", "javascript:alert(1)", "https://a.example/<b>", "https://a b", "https://" + "x" * 300, "https://a\r\n"])
def test_what_no_browser_sends_is_not_repeated(origin: str) -> None:
    seen = Seen("redis://nowhere", 1.0, lambda: 1.0e9)
    seen.note("a", origin, False)
    assert told(seen) == {}


def test_ten_thousand_shops_are_told_of_little_by_little() -> None:
    seen = Seen("redis://nowhere", 1.0, lambda: 1.0e9)
    for n in range(2_500):
        seen.note(f"s{n}", "https://a.example", True)
    counts = [len(told(seen)) for _ in range(4)]
    assert counts == [1_000, 1_000, 500, 0]
