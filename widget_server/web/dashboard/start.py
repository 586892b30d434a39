"""The first steps: the shop and its domain, its colour, the line in its pages, and whether that works.

A new shop's owner is led through them at the first sign-in. Each can be left out, and each can be come back to.
"""

import threading
import time
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

import redis
from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from markupsafe import Markup
from sqlalchemy import Connection

from integrations import PermanentError, Response, TemporaryError
from widget_server.contract import theme
from widget_server.contract.shop import Question, Shop
from widget_server.intake import seen
from widget_server.intake.shops_cache import Known
from widget_server.record import accounts, shops
from widget_server.record.db import lock_shops
from widget_server.web import preview
from widget_server.web.api.domains import DomainsBody
from widget_server.web.api.widget import WidgetBody, tag
from widget_server.web.errors import Problem
from widget_server.web.params import load
from widget_server.web.state import state

from . import _clash, _texts
from . import _question_words as words
from ._page import Page, View, Visit, draw
from ._sentences import said
from ._shop_page import Expected, Finding, look
from ._start_words import PLATFORMS, told
from ._texts import lazy_gettext as _

STEPS = (_("Your shop"), _("Language and colour"), _("The line"), _("Does it work?"))

_LONGEST_NAME = 100
# Longer than any page's head, and no more than a slow shop sends in the time there is.
_MOST_READ = 1024 * 1024
_SECONDS = 8.0
"""For a look at a page, wherever it leads on to."""
_HOPS = 3
_EVERY = 3
"""Seconds between two looks at a shop's page."""
# Shops that don't answer hold up whoever asked, and not everybody else's pages.
_looking = threading.BoundedSemaphore(2)
_BUSY_SECONDS = 5


def begin(visit: Visit) -> ResponseReturnValue:
    """The first step for an owner; who may not change the shop begins with the line."""
    return redirect(url_for("start.shop" if visit.member.may("owner") else "start.line"), 303)


# --- 1: the shop


def shop(visit: Visit) -> ResponseReturnValue:
    return _shop_form(visit, visit.shop.name, "\n".join(visit.shop.domains), {})


def save_shop(visit: Visit) -> ResponseReturnValue:
    name, typed = request.form.get("name", "").strip(), request.form.get("domains", "")
    wrong: dict[str, str] = {}
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        wrong["name"] = gettext("Give a name of 1 to %(most)s characters.", most=_LONGEST_NAME)
    domains = list(dict.fromkeys(filter(None, map(domain_of, typed.replace(",", " ").split()))))
    try:
        load(DomainsBody, {"domains": domains})
    except Problem:
        wrong["domains"] = gettext("Give the address of your shop, like shop.example.")
    if wrong:
        return _shop_form(visit, name, typed, wrong), 422
    try:
        with _clash.guarded(visit, partial(_shop_now, visit), [name, domains])() as conn:
            shops.set_name(conn, visit.shop.id, name)
            shops.set_domains(conn, visit.shop.id, domains)
    except _clash.Clash:
        _clash.say()
        return _shop_form(visit, name, typed, {}), 409
    return redirect(url_for("start.looks"), 303)


def add_domain(visit: Visit) -> ResponseReturnValue:
    """A page that was refused belongs to the shop after all."""
    domain = domain_of(request.form.get("domain", ""))
    try:
        with visit.writing() as conn:
            # What a colleague has added since the page was drawn stays.
            lock_shops(conn, [visit.shop.id])
            found = shops.by_id(conn, visit.shop.id) or visit.shop
            domains = list(dict.fromkeys((*found.domains, domain)))
            load(DomainsBody, {"domains": domains})
            shops.set_domains(conn, visit.shop.id, domains)
        flash(gettext("%(domain)s belongs to your shop now.", domain=domain), "good")
    except Problem:
        flash(gettext("That is no domain."), "bad")
    return redirect(url_for("start.check"), 303)


def _shop_form(visit: Visit, name: str, domains: str, wrong: dict[str, str]) -> str:
    made_from = _clash.mark([visit.shop.name, list(visit.shop.domains)])
    return draw("start/shop.html", steps=STEPS, name=name, domains=domains, wrong=wrong, most=_LONGEST_NAME, made_from=made_from)


def _shop_now(visit: Visit, conn: Connection) -> list[Any]:
    found = shops.by_id(conn, visit.shop.id)
    return [] if found is None else [found.name, list(found.domains)]


def domain_of(typed: str) -> str:
    """The host, and port where there is one, of what was pasted: an address or a domain, in any script."""
    bare = typed.strip().lower()
    try:
        parts = urlsplit(bare if "://" in bare else f"//{bare}")
        host, port = parts.hostname or "", parts.port
        host = host if host.isascii() else host.encode("idna").decode()
    except (ValueError, UnicodeError):
        return typed.strip()
    host = host.removeprefix("www.")
    return f"{host}:{port}" if port and port not in (80, 443) else host


# --- 2: language and colour


def looks(visit: Visit) -> ResponseReturnValue:
    return _looks_form(visit, {**theme.DEFAULTS, **visit.shop.widget}, {})


def save_looks(visit: Visit) -> ResponseReturnValue:
    given, wrong = _widget(visit)
    if wrong or request.form.get("do") == "look":
        return _looks_form(visit, given, wrong), 422 if wrong else 200
    language = request.form.get("language", visit.member.language)
    try:
        with _clash.guarded(visit, partial(looks_now, visit), theme.stored(given))() as conn:
            shops.set_widget(conn, visit.shop.id, theme.stored(given))
    except _clash.Clash:
        _clash.say()
        return _looks_form(visit, given, wrong), 409
    with visit.writing() as conn:
        if language in _texts.LANGUAGES:
            accounts.set_person(conn, visit.member.account, visit.member.name, language, visit.member.theme)
    return redirect(url_for("start.line"), 303)


def try_looks(visit: Visit) -> ResponseReturnValue:
    """The panel in the colour that is being chosen: a part of the page."""
    given, wrong = _widget(visit)
    return draw("start/look.html", **seen_as(visit, given, wrong))


def _widget(visit: Visit) -> tuple[dict[str, Any], dict[str, str]]:
    """What the panel would look like, and what is wrong with that."""
    given = {**theme.DEFAULTS, **visit.shop.widget, "brand": chosen_colour(), "mode": request.form.get("mode", "system")}
    try:
        load(WidgetBody, given)
    except Problem as problem:
        return given, {field: said(sentence) for field, sentence in problem.errors.items()}
    return given, {field: said(sentence) for field, sentence in theme.errors(given).items()}


def chosen_colour() -> str | None:
    """The colour that a form of the looks asks for; None where the panel shall have none."""
    colour = request.form.get("brand", "").strip()
    # Whoever has just chosen another colour wants it, whatever the box still says.
    if request.form.get("no_brand") and colour == request.form.get("was", ""):
        return None
    return colour or None


def _looks_form(visit: Visit, given: dict[str, Any], wrong: dict[str, str]) -> str:
    return draw(
        "start/looks.html", steps=STEPS, given=given, wrong=wrong, languages=_texts.LANGUAGES, words=words,
        made_from=_clash.mark(dict(visit.shop.widget)), **seen_as(visit, given, wrong),
    )  # fmt: skip


def looks_now(visit: Visit, conn: Connection) -> dict[str, Any]:
    """What the panel looks like in this transaction."""
    found = shops.by_id(conn, visit.shop.id)
    return {} if found is None else dict(found.widget)


def seen_as(visit: Visit, given: dict[str, Any], wrong: dict[str, str]) -> dict[str, Any]:
    question = _example(visit.shop)
    if wrong or question is None:
        return {"frames": [], "notes": list(wrong.values()), "langs": [], "lang": ""}
    langs = list(question.texts)
    wanted = request.values.get("p.lang", request.form.get("language", str(get_locale())))
    lang = wanted if wanted in langs else next((each for each in (str(get_locale()), "en") if each in langs), langs[0])
    kept = theme.stored(given)
    link = preview.make(visit.shop.id, question, lang, kept)
    path = "/preview/" + link.url.partition("/preview/")[2].partition("?")[0]
    modes = ("light", "dark") if given["mode"] == "system" else (given["mode"],)
    frames = [(f"{path}/page?lang={lang}&look={mode}", mode) for mode in modes]
    return {"frames": frames, "notes": [said(note) for note in theme.notes(kept)], "langs": langs, "lang": lang}


def _example(shop: Shop) -> Question | None:
    """The question that shows the colour best: the first that the shop has, stars before others."""
    there = [versions[-1] for versions in shop.questions.values() if not versions[-1].deleted]
    return min(there, key=lambda each: (each.type != "stars", each.name), default=None)


# --- 3: the line


def line(visit: Visit) -> ResponseReturnValue:
    chosen = request.args.get("platform", "")
    names = [name for name, _shown, _where in PLATFORMS]
    return draw("start/line.html", steps=STEPS, tag=tag(visit.shop), platforms=PLATFORMS, chosen=chosen if chosen in names else "")


# --- 4: does it work?


def check(visit: Visit) -> ResponseReturnValue:
    return _check_page(visit, "", None)


def sight(visit: Visit) -> ResponseReturnValue:
    """Whether the shop's page was seen: a part of the page, fetched again and again."""
    return draw("start/sight.html", **_sight(visit))


def look_at_page(visit: Visit) -> ResponseReturnValue:
    address = request.form.get("address", "").strip()
    if "://" not in address:
        address = f"https://{address}"
    if not _is_of_shop(visit.shop, address):
        wrong = gettext("Give an address of your shop's own domains: %(domains)s.", domains=", ".join(visit.shop.domains))
        return _check_page(visit, address, None, wrong), 422
    if not _looking.acquire(blocking=False):
        busy = gettext("Others are being tried just now. Try again in a few seconds.")
        return _check_page(visit, address, None, busy), 503, {"Retry-After": str(_BUSY_SECONDS)}
    try:
        found = _findings(visit.shop, address) if _may_look(visit.shop.id) else None
    finally:
        _looking.release()
    if found is None:
        return _check_page(visit, address, None, gettext("We have just looked. Please wait a moment.")), 429
    return _check_page(visit, address, found)


def finish(visit: Visit) -> ResponseReturnValue:
    """The first steps are done, or left out."""
    with visit.writing() as conn:
        shops.set_up(conn, visit.shop.id)
    sight = _sight(visit)
    if sight["own"]:
        flash(gettext("Your shop is ready. You find these steps again under Settings."), "good")
    else:
        found = gettext("No page of your shop was seen yet.") if sight["known"] else gettext("Whether it was seen can't be told at present. Please try again in a minute.")
        flash(Markup('{} <a href="{}">{}</a>').format(found, url_for("start.check"), gettext("Does it work?")), "info")
    return redirect("/app", 303)


def _check_page(visit: Visit, address: str, findings: list[Finding] | None, wrong: str = "") -> str:
    found = None if findings is None else [told(finding) for finding in findings]
    sight = _sight(visit)
    usual = f"{sight['own'].origin}/" if sight["own"] else _usual_address(visit.shop)
    return draw("start/check.html", steps=STEPS, address=address or usual, found=found, wrong=wrong, **sight)


def _sight(visit: Visit) -> dict[str, Any]:
    try:
        own, refused = seen.of_shop(state().redis, visit.shop.id)
    except redis.RedisError:
        return {"known": False, "own": None, "refused": None, "seconds": 0, "host": ""}
    if refused is not None and Known(visit.shop).allows(refused.origin):
        refused = None  # it was added meanwhile
    now = time.time_ns() // 1_000_000
    return {
        "known": True, "own": own, "refused": refused, "seconds": max(0, (now - own.at) // 1000) if own else 0,
        "host": domain_of(refused.origin) if refused else "",
    }  # fmt: skip


def _usual_address(shop: Shop) -> str:
    domain = next(iter(shop.domains), "")
    scheme = "http" if state().settings.allow_private and domain.partition(":")[0] in ("localhost", "127.0.0.1") else "https"
    return f"{scheme}://{domain}/" if domain else ""


def _is_of_shop(shop: Shop, address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and "@" not in parts.netloc and Known(shop).allows(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return False


def _may_look(shop: str) -> bool:
    """Not again and again: somebody else's server answers each time."""
    try:
        return bool(state().redis.set(f"atbalss:looked:{shop}", 1, nx=True, ex=_EVERY))
    except redis.RedisError:
        return True


def _findings(shop: Shop, address: str) -> list[Finding]:
    """What is wrong with the shop's page, following it where it leads within the shop."""
    http, end = state().http.reading(_MOST_READ), time.monotonic() + _SECONDS
    for _hop in range(_HOPS + 1):
        left = round(end - time.monotonic(), 1)
        if left <= 0:
            return [Finding("unreachable", f"no answer within {_SECONDS:g} s")]
        try:
            answer = http.within(left).request("GET", address, headers={"accept": "text/html", "user-agent": "Atbalss/1 (looks for its line)"})
        except (PermanentError, TemporaryError) as error:
            return [Finding("unreachable", str(error)[:200])]
        if answer.status not in (301, 302, 303, 307, 308) or "location" not in answer.headers:
            return _of_answer(shop, address, answer)
        try:
            address = urljoin(address, answer.headers["location"][:2000])
        except ValueError:
            return [Finding("unreachable", "this is not a URL")]
        if not _is_of_shop(shop, address):
            return [Finding("moved", address[:200])]
    return [Finding("unreachable", gettext("it leads in a circle"))]


def _of_answer(shop: Shop, address: str, answer: Response) -> list[Finding]:
    if answer.status >= 400:
        return [Finding("status", str(answer.status))]
    expected = Expected(state().settings.base_url, shop.site_key)
    return look(address, answer.headers, answer.body, expected, answer.complete)


PAGE = Page(
    "/start", _("First steps"), 95, "start", in_menu=False, part_of="/settings",
    about=_("Name, address, colour, the line in your pages, and whether it works."),
    views=(
        View("", begin, role="editor"),
        View("/shop", shop, role="owner"),
        View("/shop", save_shop, methods=("POST",), role="owner"),
        View("/domain", add_domain, methods=("POST",), role="owner"),
        View("/looks", looks, role="owner", frames=True),
        View("/looks", save_looks, methods=("POST",), role="owner", frames=True),
        View("/looks/look", try_looks, methods=("POST",), role="owner", frames=True),
        View("/line", line, role="editor"),
        View("/check", check, role="editor"),
        View("/check", look_at_page, methods=("POST",), role="editor"),
        View("/check/sight", sight, role="editor"),
        View("/finish", finish, methods=("POST",), role="editor"),
    ),
)  # fmt: skip
