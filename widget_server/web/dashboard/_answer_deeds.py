"""What is done to answers: cases and notes, and whether they count. The same can be done to one and to many that were ticked,
at most `MOST_AT_ONCE`.

What leaves an answer out of the count or counts it again goes into the stream as the owner API's decisions do, and shows a
moment later.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from sqlalchemy import Connection

from widget_server.record import cases, members, notes
from widget_server.record.cases import STATUSES, Case, CaseConflict, Name
from widget_server.web.decisions import Kind, decide
from widget_server.web.errors import Problem

from . import _answer_filters as filters
from ._answer_context import typed_again
from ._answer_rows import anchor_of, back_to_list, found_here, is_list, named, now_ms
from ._page import Visit
from ._texts import lazy_gettext as _

MOST_AT_ONCE = 100
_BUSY = _("Somebody else has just changed this case. Have a look at it and try again.")


def make_case(visit: Visit) -> ResponseReturnValue:
    """One click makes an answer a case."""
    name = named()
    _do(visit, "case", [name])
    return _to_one(name, "case")


def change_case(visit: Visit) -> ResponseReturnValue:
    """Status, who sees to it, until when, and a note about it; a button may say who or what instead of the fields. Nothing
    is done when one of them can't be: what was typed is shown again."""
    name, written = named(), _written("note")
    with visit.writing() as conn:
        found_here(conn, visit.shop, [name])
        changes, wrong = _changes(visit, conn, cases.of_answers(conn, visit.shop.id, [name]).get(name))
        wrong |= _wrong_note(visit, conn, name, written)
        done = 0 if wrong else _change(visit, conn, name, changes, written)
    if wrong:
        typed = {field: request.form[field] for field in ("status", "assignee", "due", "version") if field in request.form}
        return typed_again(visit, name, {**typed, "note": written}, wrong), 422
    if done < 0:
        flash(str(_BUSY), "bad")
    else:
        flash(gettext("Saved.") if done or written else gettext("Nothing was changed."), "good")
    return _to_one(name, "case")


def _change(visit: Visit, conn: Connection, name: Name, changes: Mapping[str, Any], written: str) -> int:
    """How many cases are otherwise now, -1 when somebody else was faster; the note is kept in any case."""
    account, now, version = visit.member.account, now_ms(), request.form.get("version", "")
    if written:
        notes.add(conn, visit.shop.id, [name], account, "note", written, now)
    seen = int(version) if re.fullmatch(r"\d{1,9}", version, re.ASCII) else None
    try:
        return cases.change(conn, visit.shop.id, [name], changes, account, now, seen)
    except CaseConflict:
        return -1


def add_note(visit: Visit) -> ResponseReturnValue:
    name, written = named(), _written("text")
    if not written:
        flash(gettext("Write a note first."), "bad")
        return _to_one(name, "story")
    with visit.writing() as conn:
        found_here(conn, visit.shop, [name])
        wrong = _wrong_note(visit, conn, name, written)
        if not wrong:
            notes.add(conn, visit.shop.id, [name], visit.member.account, "note", written, now_ms())
    if wrong:
        return typed_again(visit, name, {"note": written}, wrong), 422
    flash(gettext("Noted."), "good")
    return _to_one(name, "story")


def _written(field: str) -> str:
    return request.form.get(field, "").replace("\0", "").replace("\r\n", "\n").strip()


def _wrong_note(visit: Visit, conn: Connection, name: Name, written: str) -> dict[str, str]:
    if len(written) > notes.LONGEST:
        most = notes.LONGEST
        return {"note": str(ngettext("A note has at most %(n)s character.", "A note has at most %(n)s characters.", most, n=most))}
    if written and not notes.room(conn, visit.shop.id, name):
        return {"note": gettext("There are too many notes about this answer.")}
    return {}


def quarantine(visit: Visit) -> ResponseReturnValue:
    name = named()
    _do(visit, "quarantine", [name])
    return _to_one(name)


def release(visit: Visit) -> ResponseReturnValue:
    name = named()
    _do(visit, "release", [name])
    return _to_one(name)


def bulk(visit: Visit) -> ResponseReturnValue:
    """The same to all that were ticked; a row's own button is about its row alone."""
    alone = request.form.get("case")
    names = [_split(each) for each in ([alone] if alone else request.form.getlist("name"))]
    what = "case" if alone else request.form.get("do", "")
    if what not in _DEEDS:
        raise Problem(422, "invalid", "Choose what to do.")
    if not names:
        flash(gettext("Tick some answers first."), "bad")
    elif len(names) > MOST_AT_ONCE:
        flash(ngettext("At most %(n)s answer at once.", "At most %(n)s answers at once.", MOST_AT_ONCE, n=MOST_AT_ONCE), "bad")
    else:
        _do(visit, what, names)
    # To the row that it was about; what has left the list has no place there.
    at = anchor_of("\n".join(names[0])) if names else None
    return back_to_list(url_for("answers.show"), at)


_DEEDS = ("case", "mine", "solved", "closed", "quarantine", "release")


def _do(visit: Visit, what: str, names: Sequence[Name]) -> None:
    """Do it and say so. What there is no answer to is an answer of somebody else: nothing is done then."""
    shop, account, now = visit.shop.id, visit.member.account, now_ms()
    if what in ("quarantine", "release"):
        _decide(visit, "answer.quarantined" if what == "quarantine" else "answer.released", names)
        return
    with visit.writing() as conn:
        found_here(conn, visit.shop, names)
        made = cases.make(conn, shop, names, account, now)
        if what == "mine":
            begun = [name for name, case in cases.of_answers(conn, shop, names).items() if case.status == "new"]
            cases.change(conn, shop, begun, {"status": "doing"}, account, now)
        changes: Mapping[str, Any] = {"case": {}, "mine": {"assignee": account}}.get(what, {"status": what})
        changed = cases.change(conn, shop, names, changes, account, now)
    if what == "case":
        flash(ngettext("%(n)s case made.", "%(n)s cases made.", made, n=made) if made else gettext("That is a case already."), "good")
    elif what == "mine":
        flash(ngettext("You see to %(n)s case.", "You see to %(n)s cases.", len(names), n=len(names)), "good")
    else:
        flash(
            ngettext("%(n)s case done with.", "%(n)s cases done with.", changed, n=changed)
            if changed else gettext("Nothing was changed."), "good",
        )  # fmt: skip


def _decide(visit: Visit, kind: Kind, names: Sequence[Name]) -> None:
    reason = _reason()
    if kind == "answer.quarantined" and not reason:
        flash(gettext("Say why it should not count."), "bad")
        return
    with visit.reading() as conn:
        found = found_here(conn, visit.shop, names)
    waits = kind == "answer.quarantined"
    wanted = [answer for answer in found.values() if (answer.quarantined is not None) is not waits]
    if not wanted:
        flash(gettext("Nothing was changed."), "good")
        return
    events = decide(visit.shop.id, kind, wanted, **({"reason": reason} if reason else {}))
    with visit.writing() as conn:
        notes.add_each(conn, visit.shop.id, events, visit.member.account, "decided", now_ms())
    n = len(wanted)
    if waits:
        flash(ngettext("Left out. It stops counting in a moment.", "%(n)s answers left out. They stop counting in a moment.", n, n=n), "good")
    else:
        flash(ngettext("It counts in a moment.", "%(n)s answers count in a moment.", n, n=n), "good")


def _reason() -> str:
    """One line, as the owner API takes it."""
    return re.sub(r"[\x00-\x1f\x7f\s]+", " ", request.form.get("reason", "")).strip()[:500]


def _changes(visit: Visit, conn: Connection, case: Case | None) -> tuple[dict[str, Any], dict[str, str]]:
    """What a form says of a case, and what is wrong in it by field. Who sees to it already may go on, a former member too."""
    found: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    status, assignee, due, button = (request.form.get(name) for name in ("status", "assignee", "due", "do"))
    if button == "solved":
        status = "solved"
    if button == "mine":
        assignee = visit.member.account
        status = "doing" if status in (None, "new") else status
    if status is not None:
        found["status"] = status
        if status not in STATUSES:
            wrong["status"] = gettext("Choose one of the list.")
    if assignee is not None:
        found["assignee"] = assignee or None
        is_theirs = case is not None and case.assignee == assignee
        if assignee and not is_theirs and members.role_of(conn, visit.shop.id, assignee) is None:
            wrong["assignee"] = gettext("Choose one of the list.")
    if due is not None:
        day = filters.day_of(due)
        found["due"] = None if day is None else filters.end_of(day, visit.shop.time_zone)
        if due and day is None:
            wrong["due"] = gettext("“%(text)s” is not understood.", text=due[:100])
    return found, wrong


def _split(name: str) -> Name:
    question, _, key = name.replace("\r\n", "\n").partition("\n")
    return question, key


def _to_one(name: Name, part: str | None = None) -> ResponseReturnValue:
    """To the answer, which still knows the list it was opened from."""
    back = request.form.get("list", "")
    return redirect(
        url_for("answers.one", question=name[0], key=name[1], list=back if is_list(back) else None, _anchor=part), 303
    )
