"""Touchpoints: the owner's own names for the steps of the journey, their order, and which question belongs where."""

import re
from collections.abc import Sequence
from functools import partial

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import Connection

from widget_server.contract import saving
from widget_server.contract.journey import (
    BUILT_IN,
    LONGEST_TITLE,
    MOST_TOUCHPOINTS,
    STAGES,
    Touchpoint,
    named,
)
from widget_server.contract.queries import query_key
from widget_server.contract.shop import Question, Shop
from widget_server.record import questions, shops
from widget_server.record import touchpoints as record
from widget_server.record.questions import QuestionConflict
from widget_server.web.errors import Problem

from . import _clash
from ._names import title_of
from ._page import Page, View, Visit, draw
from ._texts import lazy_gettext
from ._touchpoints import label, stage_label

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")


def show(visit: Visit) -> ResponseReturnValue:
    with visit.reading() as conn:
        known = record.of_shop(conn, visit.shop)
    asked = _asked(visit.shop)
    used = {one.name: [question for question in asked if named(question) == one.name] for one in known}
    return draw(
        "touchpoints.html", touchpoints=known, used=used, questions=asked, label=label, named=named, title_of=title_of,
        stages=[(stage, stage_label(stage)) for stage in STAGES],
        longest=LONGEST_TITLE, built_in=[one.name for one in BUILT_IN],
        choices=[(one.name, label(one)) for one in known], may_change=visit.member.may("editor") and not visit.is_sample, is_full=len(known) >= MOST_TOUCHPOINTS,
        made_from=_clash.mark(_steps(known)), assigned_from=_clash.mark(_assigned(visit.shop)),
    )  # fmt: skip


def save(visit: Visit) -> ResponseReturnValue:
    """All names and stages as they stand in the form, and what its button does to one of them."""
    word, _, name = request.form.get("do", "save").partition(":")
    try:
        _save(visit, word, name)
    except _clash.Clash:
        _clash.say_theirs()
    except _Refused as refused:
        flash(str(refused), "bad")
    else:
        flash(gettext("Saved."), "good")
    return _back()


class _Refused(Exception):
    """Nothing is saved; the text says why."""


def _save(visit: Visit, word: str, name: str) -> None:
    with _clash.guarded(visit, partial(_steps_now, visit))() as conn:
        shop = _present(conn, visit)
        known = [_from_form(one) for one in record.of_shop(conn, shop)]
        if word in ("up", "down"):
            known = _moved(known, name, -1 if word == "up" else 1)
        elif word == "remove":
            used = {named(question) for question in _asked(shop)}
            known = [one for one in known if one.name != name or name in used]
        elif word == "add":
            title = _title(request.form.get("title", ""))
            if not title:
                raise _Refused(gettext("Give the new step a name."))
            if len(known) >= MOST_TOUCHPOINTS:
                raise _Refused(gettext("That is all there is room for: remove a step first."))
            known.append(Touchpoint(_new_name(title, known), _stage(request.form.get("stage", "")), title))
        record.replace(conn, shop.id, sorted(known, key=lambda one: STAGES.index(one.stage)))


def assign(visit: Visit) -> ResponseReturnValue:
    """Each question to the touchpoint that the form names."""
    changed = 0
    try:
        with _clash.guarded(visit, partial(_assigned_now, visit))() as conn:
            shop = _present(conn, visit)
            known = {one.name for one in record.of_shop(conn, shop)}
            for question in _asked(shop):
                wanted = request.form.get(f"question-{question.name}", named(question))
                if wanted in known and wanted != named(question):
                    questions.change(conn, shop.id, question.name, lambda old, to=wanted: saving.changed(old, {"touchpoint": to}))  # type: ignore[misc]
                    changed += 1
    except _clash.Clash:
        _clash.say_theirs()
        return _back()
    except QuestionConflict as error:
        flash(str(error), "bad")
        return _back()
    flash(gettext("Saved.") if changed else gettext("Nothing was changed."), "good" if changed else "info")
    return _back()


def _steps_now(visit: Visit, conn: Connection) -> list[list[str]]:
    return _steps(record.of_shop(conn, _present(conn, visit)))


def _assigned_now(visit: Visit, conn: Connection) -> dict[str, str]:
    return _assigned(_present(conn, visit))


def _steps(known: Sequence[Touchpoint]) -> list[list[str]]:
    return [[one.name, one.stage, one.title] for one in known]


def _assigned(shop: Shop) -> dict[str, str]:
    return {question.name: named(question) for question in _asked(shop)}


def _present(conn: Connection, visit: Visit) -> Shop:
    """The shop as it is in this transaction."""
    found = shops.by_id(conn, visit.shop.id)
    if found is None:
        raise Problem(404, "not_found", "There is nothing here.")
    return found


def _asked(shop: Shop) -> list[Question]:
    return [versions[-1] for versions in shop.questions.values() if not versions[-1].deleted]


def _from_form(touchpoint: Touchpoint) -> Touchpoint:
    title = request.form.get(f"title-{touchpoint.name}")
    stage = request.form.get(f"stage-{touchpoint.name}", touchpoint.stage)
    kept = touchpoint.title if title is None else _title(title)
    # Our own words stay ours, so that they are read in each member's language.
    if not touchpoint.title and kept == label(touchpoint):
        kept = ""
    return Touchpoint(touchpoint.name, _stage(stage, touchpoint.stage), kept)


def _title(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())[:LONGEST_TITLE].rstrip()


def _stage(text: str, otherwise: str = "need") -> str:
    return text if text in STAGES else otherwise


def _moved(known: Sequence[Touchpoint], name: str, by: int) -> list[Touchpoint]:
    """`name` one place up or down among those of its stage."""
    found = sorted(known, key=lambda one: STAGES.index(one.stage))
    at = next((place for place, one in enumerate(found) if one.name == name), None)
    if at is not None and 0 <= at + by < len(found) and found[at + by].stage == found[at].stage:
        found[at], found[at + by] = found[at + by], found[at]
    return found


def _new_name(title: str, known: Sequence[Touchpoint]) -> str:
    """A short name that none has yet, from the title where it has Latin letters."""
    base = re.sub(r"[^a-z0-9]+", "-", query_key(title)).strip("-")[:40].rstrip("-") or "step"
    taken = {one.name for one in (*known, *BUILT_IN)}
    numbered = (base if number == 1 else f"{base}-{number}" for number in range(1, MOST_TOUCHPOINTS + len(BUILT_IN) + 2))
    return next(name for name in numbered if name not in taken)


def _back() -> ResponseReturnValue:
    return redirect(url_for("touchpoints.show"), 303)


PAGE = Page(
    "/overview/touchpoints", lazy_gettext("Steps of the journey"), 11, "edit", in_menu=False,
    views=(
        View("", show),
        View("", save, methods=("POST",), role="editor"),
        View("/questions", assign, methods=("POST",), role="editor"),
    ),
)  # fmt: skip
