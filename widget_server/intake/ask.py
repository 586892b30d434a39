"""What a shop asks, as ready-made replies: the same bytes for every visitor of a language.

A language the shop has no texts in falls back to English, else to whatever there is: a question never disappears
because of the page's language.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from widget_server.contract import schedule, theme
from widget_server.contract.placing import PLACEMENTS
from widget_server.contract.shop import Question, Shop
from widget_server.contract.texts import FALLBACK

from .packing import Packed, pack
from .replies import CORS, Headers, Reply

SECONDS = 25
"""How long caches keep a reply. With the oldest that the shop itself may be here (shops_cache.STALE) and a look-up it is
less than the minute within which a change is live."""

_CACHE = f"public, max-age={SECONDS}"
_MOST = 64
_NOBODYS = "-"


@dataclass(frozen=True, slots=True)
class Asking:
    """What a page wants to know: the questions in `lang`; those of one `placement`; one `question`; and `why`, the names of
    those that are paused or not asked at this time."""

    lang: str = ""
    placement: str = ""
    question: str = ""
    why: bool = False


@dataclass(frozen=True, slots=True)
class _Ready:
    etag: str
    headers: Headers
    content: Packed
    unchanged: Reply


class AskReplies:
    """The replies of one shop, made when first asked for."""

    __slots__ = ("_clock", "_languages", "_made", "_shop", "_until")

    def __init__(self, shop: Shop, clock: Callable[[], float] = time.time) -> None:
        self._shop = shop
        self._clock = clock
        self._made: dict[Asking, _Ready] = {}
        self._begin(int(clock() * 1000))

    def reply(self, asking: Asking, if_none_match: str | None, accept_encoding: str = "") -> Reply:
        """The questions that are asked for, packed as it is accepted; 304 when the visitor has them already."""
        if self._until is not None and self._clock() * 1000 >= self._until:
            self._begin(int(self._clock() * 1000))
        wanted = self._evened_out(asking)
        ready = self._made.get(wanted)
        if ready is None:
            if len(self._made) >= _MOST:
                self._made.clear()
            ready = self._made[wanted] = _ready(ask(self._shop, wanted, int(self._clock() * 1000)))
        if if_none_match is not None and _has(if_none_match, ready.etag):
            return ready.unchanged
        coding, body = ready.content.best(accept_encoding)
        return Reply(200, [*ready.headers, ("content-encoding", coding)] if coding else ready.headers, body)

    def _begin(self, now: int) -> None:
        """Until the schedule of a question changes what is asked, the replies stay as they are."""
        self._until = schedule.next_change(_newest(self._shop), now)
        self._languages = _languages(_asked(self._shop, now))
        self._made.clear()

    def _evened_out(self, asking: Asking) -> Asking:
        """All that give the same reply are one, so that visitors cannot fill the memory."""
        lang, placement, question = _choose(asking.lang, self._languages), asking.placement, asking.question
        if question:
            return Asking(lang, "", question if question in self._shop.questions else _NOBODYS, asking.why)
        return Asking(lang, placement if placement in PLACEMENTS or not placement else _NOBODYS, "", asking.why)


def ask(shop: Shop, asking: Asking, now: int | None = None) -> dict[str, Any]:
    """What a page is told at `now` (ms; when it is left out, at present). Questions of the placement "page" have no texts when a placement was named: most pages need
    none of them, so those that do ask for the question by its name. What is named `question` counts alone."""
    now = int(time.time() * 1000) if now is None else now
    asked = _asked(shop, now)
    chosen = [question for question in asked if _is_meant(question, asking)]
    short = bool(asking.placement and not asking.question)
    body = _told(shop, chosen, _choose(asking.lang, _languages(asked)), short)
    if asking.why:
        resting = [q for q in _newest(shop) if q not in asked and not q.deleted and _is_meant(q, asking)]
        body["paused"] = [q.name for q in resting if q.paused]
        if unscheduled := [q.name for q in resting if not q.paused]:
            body["unscheduled"] = unscheduled
    return body


def ask_about(shop: Shop, question: Question, lang: str) -> dict[str, Any]:
    """What a page in `lang` would be told if `question`, saved or not, were the shop's only one."""
    return _told(shop, [question], _choose(lang, sorted(question.texts)), short=False)


def _told(shop: Shop, questions: list[Question], lang: str, short: bool) -> dict[str, Any]:
    # Every byte counts where a shopper waits, and the page knows its shop.
    about = {} if short else {"shop": {"site_key": shop.site_key, "name": shop.name}}
    body: dict[str, Any] = {**about, "lang": lang}
    if widget := theme.resolved(shop.widget):
        body["widget"] = widget
    return {**body, "questions": [_question(question, lang, short) for question in questions]}


def _is_meant(question: Question, asking: Asking) -> bool:
    if question.placement == "link":
        return False
    if asking.question:
        return question.name == asking.question
    return asking.placement in ("", question.placement) or question.placement == "page"


def _ready(told: Mapping[str, Any]) -> _Ready:
    body = orjson.dumps(told)
    # Weak, because it names what is said and not how it is packed (RFC 9110, section 8.8.1).
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers: Headers = [*CORS, ("cache-control", _CACHE), ("etag", etag), ("vary", "accept-encoding")]
    return _Ready(etag, [*headers, ("content-type", "application/json")], pack(body), Reply(304, headers))


def _newest(shop: Shop) -> list[Question]:
    return [versions[-1] for versions in shop.questions.values() if versions]


def _asked(shop: Shop, now: int) -> list[Question]:
    return [question for question in _newest(shop) if not question.deleted and schedule.state(question, now) == "on"]


def _languages(questions: list[Question]) -> list[str]:
    return sorted({lang for question in questions for lang in question.texts})


def _question(question: Question, lang: str, short: bool) -> dict[str, Any]:
    said: dict[str, Any] = {
        "question": question.name,
        "version": question.version,
        "type": question.type,
        "placement": question.placement,
        "settings": {name: value for name, value in question.settings.items() if name not in schedule.SETTINGS},
    }
    if short and question.placement == "page":
        return said
    found, said["texts"] = _texts(question, lang)
    if found != lang:
        said["lang"] = found
    return said


def _texts(question: Question, lang: str) -> tuple[str, dict[str, str]]:
    """The language whose title is read, and the texts. What an owner left out in it is there in another: in its base
    language, in English, in any. Options are read in one language or another, never in two at once."""
    there = sorted(question.texts)
    if not there:
        return lang, {}
    options = {f"option.{name}" for name in question.settings.get("options", ())}
    found = _choose(lang, [name for name in there if options <= question.texts[name].keys()] or there)
    texts: dict[str, str] = {}
    for name in (*reversed(there), _choose(FALLBACK, there), _choose(found.replace("_", "-").partition("-")[0], there), found):
        texts.update(question.texts[name])
    return found, texts


def _choose(lang: str, there: list[str]) -> str:
    """The best of the languages `there` are for a page in `lang`: itself, its base language, English, any."""
    base = wanted = lang.lower().replace("_", "-")
    by_name = {name.lower().replace("_", "-"): name for name in there}
    while wanted:
        if wanted in by_name:
            return by_name[wanted]
        base, wanted = wanted, wanted.rpartition("-")[0]
    # What shops write: texts in lv_LV are as good for a page in lv.
    related = [name for key, name in by_name.items() if lang and key.partition("-")[0] == base]
    if related:
        return related[0]
    return FALLBACK if FALLBACK in there or not there else there[0]


def _has(if_none_match: str, etag: str) -> bool:
    wanted = etag.removeprefix("W/")
    return any(tag.strip().removeprefix("W/") in (wanted, "*") for tag in if_none_match.split(","))
