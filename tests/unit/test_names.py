"""Nothing that a shop's page loads from us has a name that block lists look for.

The words are those that generic rules of the common lists are made of, in the path of any host; a new chunk, route or
parameter with one of them would be gone for every shopper who blocks advertising.
"""

import json
import re
from pathlib import Path

import pytest

from widget_server.intake.collector import PREFIX
from widget_server.web import frozen
from widget_server.web.app import resources
from widget_server.web.openapi import document

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "js_snippet" / "src").rglob("*.ts"))
_WORDS = """
ad ads adv advert adverts advertise advertisement advertising adserver affiliate analytic analytics banner banners
beacon beacons campaign click clicks collect collector consent conversion cookie cookies count counter event events
fingerprint flags gdpr ga gtm hit hits impression impressions insight insights log logger logging metric metrics monitor
newsletter optout pageview pageviews ping pings pixel pixels poll polls popin popover popunder popup popups pv promo rum
session sponsor sponsored stat statistic statistics stats subscribe survey surveys syndication tag tags telemetry
tracer track tracked tracker trackers tracking utm visit visitor visitors
"""
BLOCKED = frozenset(_WORDS.split())


def words(address: str) -> set[str]:
    """`/widget/yes_no-1a2b3c4d.js` is widget, yes, no and js."""
    return {word for word in re.split(r"[^a-z]+", re.sub(r"-[0-9a-f]{8}\.", ".", address.lower())) if word}


def addresses() -> set[str]:
    """Every path and parameter of ours that a page asks for."""
    manifest = json.loads((frozen.BUILT / "manifest.json").read_text())
    found = {"/widget.js", "/widget.v1.js", *(f"/widget/{file}" for file in manifest["chunks"].values())}
    routes = {path for path in document(resources(), "https://host.example")["paths"] if path.startswith(PREFIX)}
    assert len(routes) >= 3
    found |= {route.replace("{site_key}", "pk") for route in routes}
    sent = set(re.findall(r"[?&]([a-z_]+)=", "\n".join(path.read_text() for path in SOURCES)))
    assert {"lang", "placement"} <= sent
    return found | {f"?{name}=" for name in sent} | {"/atbalss/"}


def test_no_address_has_a_word_that_block_lists_look_for() -> None:
    there = addresses()
    assert len(there) > 15
    assert {address: words(address) & BLOCKED for address in there if words(address) & BLOCKED} == {}


def test_nor_has_our_element_in_the_page() -> None:
    names = set(re.findall(r'createElement\("([a-z]+(?:-[a-z]+)+)"\)', "\n".join(path.read_text() for path in SOURCES)))
    assert "atbalss-panel" in names
    assert all(not words(name) & BLOCKED for name in names)


@pytest.mark.parametrize(
    "address", ["/widget/tracker-1a2b3c4d.js", "/v1/shops/pk/events", "?utm_source=", "/static/survey.js", "/widget/pop-up-visits/visit-00000000.js"]
)
def test_a_name_that_would_be_blocked_is_seen(address: str) -> None:
    assert words(address) & BLOCKED
