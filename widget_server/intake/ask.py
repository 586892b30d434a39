"""What a shop asks, as ready-made replies: the same bytes for every visitor of a language.

A language the shop has no texts in falls back to English, else to whatever there is: a question never disappears
because of the page's language.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from widget_server.contract.shop import Question, Shop
from widget_server.contract.texts import FALLBACK

from .replies import CORS, Headers, Reply

_CACHE = "public, max-age=60"
_MOST = 64


class AskReplies:
    """The replies of one shop, made when first asked for."""

    __slots__ = ("_made", "_placements", "_shop")

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._made: dict[tuple[str, str], tuple[Reply, Reply]] = {}
        self._placements = {question.placement for question in _asked(shop)}

    def reply(self, lang: str, if_none_match: str | None, placement: str = "") -> Reply:
        """The questions in `lang`, those of one placement where it is named; 304 when the visitor has them already."""
        chosen = _choose(lang, self._languages())
        # All names that nobody uses are one, so that visitors cannot fill the memory with replies.
        name = (chosen, placement if placement in self._placements or not placement else "-")
        pair = self._made.get(name)
        if pair is None:
            if len(self._made) >= _MOST:
                self._made.clear()
            pair = self._made[name] = self._make(chosen, placement)
        full, unchanged = pair
        etag = next(value for name, value in full.headers if name == "etag")
        if if_none_match is not None and _has(if_none_match, etag):
            return unchanged
        return full

    def _languages(self) -> list[str]:
        return sorted({lang for question in _asked(self._shop) for lang in question.texts})

    def _make(self, lang: str, placement: str) -> tuple[Reply, Reply]:
        asked = [question for question in _asked(self._shop) if placement in ("", question.placement)]
        body = orjson.dumps(
            {
                "shop": {"site_key": self._shop.site_key, "name": self._shop.name},
                "lang": lang,
                "questions": [_question(question, lang) for question in asked],
            }
        )
        etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
        headers: Headers = [*CORS, ("cache-control", _CACHE), ("etag", etag)]
        return Reply(200, [*headers, ("content-type", "application/json")], body), Reply(304, headers)


def _asked(shop: Shop) -> list[Question]:
    newest = (versions[-1] for versions in shop.questions.values() if versions)
    return [question for question in newest if not question.paused]


def _question(question: Question, lang: str) -> dict[str, Any]:
    return {
        "question": question.name,
        "version": question.version,
        "type": question.type,
        "placement": question.placement,
        "settings": dict(question.settings),
        "texts": dict(_texts(question, lang)),
    }


def _texts(question: Question, lang: str) -> Mapping[str, str]:
    if not question.texts:
        return {}
    found = _choose(lang, sorted(question.texts))
    # A text that an owner left out in one language is there in another.
    return {**question.texts.get(FALLBACK, {}), **question.texts[found]}


def _choose(lang: str, there: list[str]) -> str:
    """The best of the languages `there` are for a page in `lang`: itself, its base language, English, any."""
    wanted = lang.lower().replace("_", "-")
    by_name = {name.lower().replace("_", "-"): name for name in there}
    while wanted:
        if wanted in by_name:
            return by_name[wanted]
        wanted = wanted.rpartition("-")[0]
    return FALLBACK if FALLBACK in there or not there else there[0]


def _has(if_none_match: str, etag: str) -> bool:
    # Proxies that compress weaken the tag (RFC 9110, section 13.1.2: compare weakly).
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in if_none_match.split(","))
