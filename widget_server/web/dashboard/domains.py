"""Settings, domains: on whose pages shoppers may be asked, and from whose pages browsers may read the owner API. The same
is done here as at /v1/domains and /v1/origins, by the same code."""

import re
from functools import partial

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import Connection

from widget_server.record import origins, shops
from widget_server.web.api import domains as api_domains
from widget_server.web.api import origins as api_origins
from widget_server.web.errors import Problem
from widget_server.web.params import load
from widget_server.web.resource import Write

from . import _clash
from ._page import Page, View, Visit, draw
from ._texts import lazy_gettext as _
from .start import domain_of


def show(visit: Visit) -> ResponseReturnValue:
    return _page(visit)


def save(visit: Visit) -> ResponseReturnValue:
    """The shop's domains: these and no others."""
    typed = request.form.get("domains", "")[:20_000]
    named = list(dict.fromkeys(filter(None, map(domain_of, _words(typed)))))
    try:
        body = load(api_domains.DomainsBody, {"domains": named})
    except Problem as problem:
        return _page(visit, domains=typed, wrong={"domains": _wrong(problem, named, api_domains.MOST)}), 422
    try:
        api_domains.put_domains(Write(visit.shop, body, _clash.guarded(visit, partial(_domains, visit), named)))
    except _clash.Clash:
        _clash.say()
        return _page(visit, domains=typed), 409
    flash(gettext("Saved. It holds within a minute."), "good")
    return redirect(url_for("domains.show"), 303)


def save_origins(visit: Visit) -> ResponseReturnValue:
    """From whose pages browsers may read the owner API: these and no others."""
    typed = request.form.get("origins", "")[:20_000]
    named = [word.lower().rstrip("/") for word in _words(typed)]
    try:
        body = load(api_origins.OriginsBody, {"origins": named})
    except Problem as problem:
        return _page(visit, allowed=typed, wrong={"origins": _wrong(problem, named, api_origins.MOST)}), 422
    try:
        api_origins.put_origins(Write(visit.shop, body, _clash.guarded(visit, partial(_origins, visit), sorted(set(named)))))
    except _clash.Clash:
        _clash.say()
        return _page(visit, allowed=typed), 409
    flash(gettext("Saved."), "good")
    return redirect(url_for("domains.show"), 303)


def _wrong(problem: Problem, named: list[str], most: int) -> str:
    """Which of them is no domain, if it is one of them."""
    for path in problem.errors:
        _name, _dot, place = path.partition(".")
        if place.isdigit():
            return str(gettext("“%(text)s” is not understood.", text=named[int(place)][:100]))
    if not named:
        return str(gettext("Give at least one."))
    return str(gettext("Give at most %(n)s.", n=most))


def _words(typed: str) -> list[str]:
    return re.split(r"[\s,;]+", typed.strip()) if typed.strip() else []


def _page(
    visit: Visit, *, domains: str | None = None, allowed: str | None = None, wrong: dict[str, str] | None = None
) -> str:
    with visit.reading() as conn:
        named = origins.of_shop(conn, visit.shop.id)
    return draw(
        "settings/domains.html", domains="\n".join(visit.shop.domains) if domains is None else domains, named=named,
        origins="\n".join(named) if allowed is None else allowed, wrong=wrong or {},
        made_from=_clash.mark(list(visit.shop.domains)), origins_made_from=_clash.mark(sorted(named)),
    )  # fmt: skip


def _domains(visit: Visit, conn: Connection) -> list[str]:
    found = shops.by_id(conn, visit.shop.id)
    return [] if found is None else list(found.domains)


def _origins(visit: Visit, conn: Connection) -> list[str]:
    return sorted(origins.of_shop(conn, visit.shop.id))


PAGE = Page(
    "/settings/domains", _("Domains"), 70, "globe", part_of="/settings", in_menu=False,
    about=_("On whose pages shoppers may be asked"),
    views=(
        View("", show),
        View("", save, methods=("POST",), role="owner"),
        View("/origins", save_origins, methods=("POST",), role="owner"),
    ),
)  # fmt: skip
