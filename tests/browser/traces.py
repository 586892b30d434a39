"""What the snippet may leave behind, whatever page it is in: nothing in the browser, and nothing odd on the way."""

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Frame, Page

from .standin import SITE_KEY, Ours

_API = f"/v1/shops/{SITE_KEY}/"
_FIELDS = {
    "id", "type", "at", "question", "question_version", "placement", "answer", "value", "text", "final", "reason",
    "page", "search", "product", "order_token", "trap", "took",
}  # fmt: skip
_KEPT = """async () => {
  const count = async (look) => { try { return await look(); } catch { return "blocked"; } };
  return {
    cookie: await count(() => document.cookie),
    localStorage: await count(() => Object.keys(localStorage)),
    sessionStorage: await count(() => Object.keys(sessionStorage)),
    // Where storage is blocked, these two report it besides as an error of the page.
    indexedDB: origin === "null" ? [] : await count(async () => (await indexedDB.databases()).map((d) => d.name)),
    caches: origin === "null" ? [] : await count(() => caches.keys()),
    name: window.name,
  };
}"""


def kept(page: Page | Frame) -> dict[str, Any]:
    """What of the browser's storage holds something; what the page may not look at holds nothing."""
    found: dict[str, Any] = page.evaluate(_KEPT)
    context = page.context if isinstance(page, Page) else page.page.context
    found["cookies"] = context.cookies()
    return {name: what for name, what in found.items() if what and what != "blocked"}


def check_sent(ours: Ours) -> None:
    """Every request was one of ours, told nothing in its headers, and every event said only what the contract names."""
    for request in ours.requests:
        path = request.path
        assert path in ("/widget.js", _API + "ask", _API + "answers", _API + "asked") or path.startswith(
            "/widget/"
        )
        assert set(request.query) <= {"lang", "placement", "question", "why"}, request.query
        assert "Cookie" not in request.headers
        assert urlsplit(request.headers.get("Referer", "")).path in ("", "/") or path.startswith("/widget/")
    for request in ours.posts():
        sent = request.json
        assert set(sent) == {"sent_at", "events"}
        for event in sent["events"]:
            assert set(event) <= _FIELDS, event
            assert set(event["page"]) == {"url", "lang"}
            assert not urlsplit(event["page"]["url"]).query  # parameters may hold what is nobody's business
            assert set(event.get("search", {})) <= {"id", "query", "results", "position"}
