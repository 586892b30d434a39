"""Questions: what is asked, when, where and how often, in words; switching on, writing, pausing.

What the editor sends is checked by the same schemas as the owner API (web/api/questions.py). A question that somebody
else has changed meanwhile is never overwritten unseen: the form carries the version it was made from.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from widget_server.contract import saving, schedule
from widget_server.contract.journey import Touchpoint, named
from widget_server.contract.placing import PLACEMENTS, SETTINGS
from widget_server.contract.questions import question_types
from widget_server.contract.sets import SETS, QuestionSet
from widget_server.contract.shop import Question, Shop
from widget_server.record import counters, touchpoints
from widget_server.record import questions as record
from widget_server.record.counters import Reached, Slice
from widget_server.record.questions import QuestionConflict
from widget_server.web.api.questions import ChangeBody, NewQuestionBody
from widget_server.web.errors import Problem, not_found
from widget_server.web.params import load

from . import _question_editor as editor
from . import _question_form as form
from . import _question_words as words
from ._names import title_of
from ._page import Page, View, Visit, draw
from ._period import Period, read_period
from ._sentences import said
from ._texts import lazy_gettext as _
from ._touchpoints import label as touchpoint_label


@dataclass(frozen=True)
class Row:
    """A question in the list."""

    question: Question
    title: str
    state: str
    touchpoint: str
    said: list[str]
    shown: int
    answered: int


def show(visit: Visit) -> ResponseReturnValue:
    period = read_period({}, visit.shop.time_zone)
    with visit.reading() as conn:
        there = touchpoints.of_shop(conn, visit.shop)
        reached = _reached(counters.reach(conn, _slice(visit.shop, tuple(visit.shop.questions), period)))
    rows = [_row(question, there, reached) for question in _sorted(_alive(visit.shop), there)]
    return draw("questions/list.html", rows=rows, sets=_sets(visit.shop), period=period, words=words)


def one(visit: Visit, name: str) -> ResponseReturnValue:
    question = _find(visit, name)
    period = read_period(request.args, visit.shop.time_zone)
    with visit.reading() as conn:
        there = touchpoints.of_shop(conn, visit.shop)
        reached = _reached(counters.reach(conn, _slice(visit.shop, (name,), period)))
    return draw(
        "questions/one.html", row=_row(question, there, reached), lines=editor.lines(visit.shop, question, {}), period=period,
        look=editor.look(visit.shop, question), words=words, lang=str(get_locale()), now=_now(), question=question,
    )  # fmt: skip


def edit(visit: Visit, name: str) -> ResponseReturnValue:
    return _editor(visit, _find(visit, name))


def save(visit: Visit, name: str) -> ResponseReturnValue:
    before = _find(visit, name)
    made = form.read(request.form, before, visit.shop.time_zone)
    if not _is_saving():
        return _editor(visit, made)
    version = _version(before)
    if version != before.version:
        return _conflict(visit, before, made)
    wrong, checked = _checked(ChangeBody, before, form.body(before, made))
    if wrong:
        return _editor(visit, made, wrong), 422
    try:
        with visit.writing() as conn:
            # Whoever changed it a moment before us is found out here, under the lock.
            saved = record.change(conn, visit.shop.id, name, lambda _old: checked, version)
    except QuestionConflict as error:
        if error.field == "version":
            return _conflict(visit, _newest(visit, name), made)
        return _editor(visit, made, {error.field: str(error)}), 409
    if saved is None:
        raise _unknown()
    flash(gettext("Nothing was changed.") if saved.version == before.version else _saved_words(saved), "good")
    return redirect(url_for("questions.one", name=name), 303)


def try_out(visit: Visit, name: str) -> ResponseReturnValue:
    """The frame and the words for what is being typed: a part of the editor's page."""
    return _looked(visit, form.read(request.form, _find(visit, name), visit.shop.time_zone))


def pause(visit: Visit, name: str) -> ResponseReturnValue:
    """Pause or go on, by the field `paused`: 1 or 0."""
    paused = request.form.get("paused") == "1"
    made = _changed(visit, name, lambda old: replace(old, paused=paused))
    title = title_of(made)
    if paused:
        flash(gettext("Paused: “%(title)s”. Within a minute it is no longer asked.", title=title), "good")
    elif words.waits_for_mails(made):
        flash(_waiting_words(title), "good")
    else:
        flash(gettext("Asked again within a minute: “%(title)s”.", title=title), "good")
    return redirect(_back(name), 303)


def delete(visit: Visit, name: str) -> ResponseReturnValue:
    made = _changed(visit, name, lambda old: replace(old, deleted=True, paused=True))
    flash(gettext("Deleted: “%(title)s”. Its answers stay.", title=title_of(made)), "good")
    return redirect(url_for("questions.show"), 303)


def one_set(visit: Visit, name: str) -> ResponseReturnValue:
    found = _set(name)
    question = found.question()
    with visit.reading() as conn:
        there = touchpoints.of_shop(conn, visit.shop)
    return draw(
        "questions/set.html", set=found, about=said(found.about), row=_row(question, there, {}), question=question,
        look=editor.look(visit.shop, question), lines=editor.lines(visit.shop, question, {}), words=words,
        lang=str(get_locale()), now=_now(), is_there=_is_there(visit.shop, name),
    )  # fmt: skip


def switch_on(visit: Visit, name: str) -> ResponseReturnValue:
    found = _set(name)
    try:
        with visit.writing() as conn:
            made = record.create(conn, visit.shop.id, found.question())
    except QuestionConflict as error:
        flash(said(str(error)), "bad")
        return redirect(url_for("questions.show"), 303)
    title = title_of(made)
    asked = gettext("Switched on: “%(title)s”. It is asked within a minute.", title=title)
    flash(_waiting_words(title) if words.waits_for_mails(made) else asked, "good")
    return redirect(url_for("questions.one", name=name), 303)


def choose(visit: Visit) -> ResponseReturnValue:
    """A question of one's own begins with its type."""
    kind, placement = request.args.get("type", ""), request.args.get("placement", "")
    if kind not in question_types() or placement not in PLACEMENTS:
        return draw("questions/new.html", words=words, kind=kind, placement=placement, types=words.most_used(question_types()), places=list(PLACEMENTS))
    return _editor(visit, form.blank(kind, placement, str(get_locale())))


def add(visit: Visit) -> ResponseReturnValue:
    made = _new(visit)
    if not _is_saving():
        return _editor(visit, made)
    name = request.form.get("name", "").strip() or _free_name(visit.shop, made)
    body = {**form.body(replace(made, placement="", touchpoint="", settings={}, texts={}), made), "type": made.type, "name": name}
    wrong, checked = _checked(NewQuestionBody, Question(name, 1, "", ""), body)
    if not wrong:
        try:
            with visit.writing() as conn:
                saved = record.create(conn, visit.shop.id, checked)
        except QuestionConflict as error:
            wrong = {error.field: str(error)}
    if wrong:
        return _editor(visit, made, wrong), 422
    flash(_saved_words(saved), "good")
    return redirect(url_for("questions.one", name=saved.name), 303)


def try_new(visit: Visit) -> ResponseReturnValue:
    return _looked(visit, _new(visit))


# --- parts of pages


def _editor(visit: Visit, question: Question, wrong: Mapping[str, str] | None = None, theirs: Question | None = None) -> str:
    wrong = wrong or {}
    with visit.reading() as conn:
        there = touchpoints.of_shop(conn, visit.shop)
    saved = theirs or (visit.shop.question(question.name) if question.name else None)
    return draw(
        "questions/edit.html", title_of=title_of,
        question=question, saved=saved, words=words, lang=str(get_locale()), now=_now(), kind=question_types()[question.type],
        groups=editor.groups(question, wrong, visit.shop.time_zone), lines=editor.lines(visit.shop, question, wrong),
        options=editor.options(question), follow_up=form.follow_up(question), values=form.values(question), form=form,
        other_languages=editor.other_languages(question), look=editor.look(visit.shop, question), most=editor.MOST,
        places=list(PLACEMENTS), touchpoints=[(one.name, touchpoint_label(one)) for one in there],
        wrong={field: " ".join(said(s) for _p, s in found) for field, found in form.by_field(wrong).items()},
        blamed=[(form.field_of(path), words.field_label(path, question), said(sentence)) for path, sentence in wrong.items()],
        mine_and_theirs=None if theirs is None else _differences(theirs, question),
    )  # fmt: skip


def _looked(visit: Visit, question: Question) -> str:
    return draw("questions/look.html", look=editor.look(visit.shop, question), question=question, words=words, now=_now(), lang=str(get_locale()))


def _conflict(visit: Visit, theirs: Question, mine: Question) -> ResponseReturnValue:
    """Both, side by side; what was typed is kept in the form, and saving it again is saving it over theirs."""
    return _editor(visit, replace(mine, version=theirs.version), theirs=theirs), 409


def _differences(theirs: Question, mine: Question) -> list[tuple[str, str, str]]:
    """(what, as it is saved, as it was typed) of all that differs."""
    body = form.body(theirs, mine)
    found = []
    for name, old, new in (("placement", theirs.placement, mine.placement), ("touchpoint", theirs.touchpoint, mine.touchpoint)):
        if name in body:
            label = gettext("Place") if name == "placement" else gettext("Touchpoint")
            found.append((label, words.place_label(old), words.place_label(new)))
    for name in body.get("settings", {}):
        label = str(words.setting(name).label) if name in SETTINGS else gettext("Options and what is asked then")
        found.append((label, _plain(theirs.settings.get(name)), _plain(mine.settings.get(name))))
    for lang, given in body.get("texts", {}).items():
        for key in given if given else theirs.texts.get(lang, {}):
            label = gettext("%(text)s (%(language)s)", text=words.text_label(key, mine), language=words.language_name(lang))
            found.append((label, theirs.texts.get(lang, {}).get(key, ""), mine.texts.get(lang, {}).get(key, "")))
    return found


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(gettext("Yes") if value else gettext("No"))
    if isinstance(value, list | tuple):
        return ", ".join(_plain(each) for each in value)
    if isinstance(value, Mapping):
        return " ".join(f"{name}: {_plain(each)}" for name, each in value.items())
    return "" if value is None else str(value)


def _row(question: Question, there: list[Touchpoint], reached: Mapping[str, Reached]) -> Row:
    now, got = _now(), reached.get(question.name)
    touchpoint = next((one for one in there if one.name == named(question)), Touchpoint(named(question), "need"))
    sentences = [*words.where(question), *words.when(question, now), *words.how_often(question)]
    return Row(
        question, title_of(question), schedule.state(question, now), touchpoint_label(touchpoint), sentences,
        got.shown if got else 0, got.answered if got else 0,
    )  # fmt: skip


def _sets(shop: Shop) -> list[dict[str, Any]]:
    """The ready questions that the shop doesn't ask."""
    return [
        {"name": one.name, "title": title_of(one.question()), "about": said(one.about), "place": words.place_label(one.placement),
         "type": words.type_label(one.type)}
        for one in SETS.values() if not _is_there(shop, one.name)
    ]  # fmt: skip


# --- looking up and checking


def _alive(shop: Shop) -> list[Question]:
    return [versions[-1] for versions in shop.questions.values() if not versions[-1].deleted]


def _sorted(found: list[Question], there: list[Touchpoint]) -> list[Question]:
    """In the order of the journey; those that rest come last."""
    place = {one.name: at for at, one in enumerate(there)}
    return sorted(found, key=lambda each: (each.paused, place.get(named(each), len(place)), each.name))


def _is_there(shop: Shop, name: str) -> bool:
    found = shop.question(name)
    return found is not None and not found.deleted


def _find(visit: Visit, name: str) -> Question:
    found = visit.shop.question(name)
    if found is None or found.deleted:
        raise _unknown()
    return found


def _newest(visit: Visit, name: str) -> Question:
    with visit.reading() as conn:
        found = record.of_shop(conn, visit.shop.id).get(name)
    if found is None or found[-1].deleted:
        raise _unknown()
    return found[-1]


def _set(name: str) -> QuestionSet:
    if name not in SETS:
        raise not_found("There is no such ready question.")
    return SETS[name]


def _unknown() -> Problem:
    return not_found("This shop has no such question.")


def _slice(shop: Shop, names: tuple[str, ...], period: Period) -> Slice:
    return Slice(shop.id, names, start=period.first, end=period.last)


def _reached(found: list[Reached]) -> dict[str, Reached]:
    return {one.question: one for one in found}


def _now() -> int:
    return time.time_ns() // 1_000_000


def _is_saving() -> bool:
    return request.form.get("do", "save") == "save"


def _version(before: Question) -> int:
    given = request.form.get("version", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 8 else before.version


def _new(visit: Visit) -> Question:
    kind, placement = request.form.get("type", ""), request.form.get("placement", "")
    if kind not in question_types() or placement not in PLACEMENTS:
        raise Problem(422, "invalid", "Choose what kind of question it is first.")
    return form.read(request.form, form.blank(kind, placement, str(get_locale())), visit.shop.time_zone)


def _free_name(shop: Shop, question: Question) -> str:
    title = title_of(question, "en")
    return form.free_name(title if title else question.type, list(shop.questions))


def _checked(schema: Any, before: Question, body: dict[str, Any]) -> tuple[dict[str, str], Question]:
    """What is wrong, by the dotted paths of the API, and the question as it would be saved."""
    try:
        changes = load(schema, body)
    except Problem as problem:
        return dict(problem.errors), before
    made = saving.changed(before, {name: value for name, value in changes.items() if name not in ("name", "version")})
    return saving.errors(made), made


def _changed(visit: Visit, name: str, change: Any) -> Question:
    _find(visit, name)
    try:
        with visit.writing() as conn:
            made = record.change(conn, visit.shop.id, name, change)
    except QuestionConflict as error:
        raise Problem(409, "conflict", str(error)) from error
    if made is None:
        raise _unknown()
    return made


def _waiting_words(title: str) -> str:
    return str(gettext("Switched on: “%(title)s”. It waits: mails can't be sent yet.", title=title))


def _saved_words(saved: Question) -> str:
    state = schedule.state(saved, _now())
    if state == "on" and not words.waits_for_mails(saved):
        return str(gettext("Saved. Shoppers see it within a minute."))
    if state == "waits":
        return str(gettext("Saved. It is asked once its time has come."))
    return str(gettext("Saved. It is not asked at present."))


def _back(name: str) -> str:
    return url_for("questions.show") if request.form.get("from") == "list" else url_for("questions.one", name=name)


PAGE = Page(
    "/questions", _("Questions"), 40, "questions",
    views=(
        View("", show),
        View("/new", choose, role="editor", frames=True),
        View("/new", add, methods=("POST",), role="editor", frames=True),
        View("/new/look", try_new, methods=("POST",), role="editor", frames=True),
        View("/sets/<name>", one_set, frames=True),
        View("/sets/<name>", switch_on, methods=("POST",), role="editor"),
        View("/one/<name>", one, frames=True),
        View("/one/<name>/edit", edit, role="editor", frames=True),
        View("/one/<name>/edit", save, methods=("POST",), role="editor", frames=True),
        View("/one/<name>/look", try_out, methods=("POST",), role="editor", frames=True),
        View("/one/<name>/pause", pause, methods=("POST",), role="editor"),
        View("/one/<name>/delete", delete, methods=("POST",), role="editor"),
    ),
)  # fmt: skip
