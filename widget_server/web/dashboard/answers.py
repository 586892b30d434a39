"""Answers as an inbox: the list with its filters, the cases among them, and saved views of it. One answer is drawn by
`_answer_context`; what is done to answers is in `_answer_deeds`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from widget_server.contract.shop import Shop
from widget_server.record import answers, cases, views
from widget_server.record.answers import Position
from widget_server.record.cases import Wanted
from widget_server.web.errors import not_found
from widget_server.web.params import cursor, open_cursor

from . import _answer_filters as filters
from . import _answer_words as words
from ._answer_context import one, opened
from ._answer_deeds import MOST_AT_ONCE, add_note, bulk, change_case, make_case, quarantine, release
from ._answer_filters import Chosen
from ._answer_rows import back_to_list, now_ms, people_of, placements, row_of, rows_of
from ._formats import day as format_day
from ._names import language_name, title_of
from ._page import Page, View, Visit, draw
from ._period import read_period
from ._texts import lazy_gettext as _

PAGE_SIZE = 50
# Of a longer list it is not said how long it is.
_MOST_COUNTED = 1000
_CURSOR = re.compile(r"[0-9]{1,19}\.[A-Za-z0-9_-]{0,3000}", re.ASCII)
_CREATED = re.compile(r"[0-9]{1,15}", re.ASCII)


# --- the list ---------------------------------------------------------------------------------------------------------


def show(visit: Visit) -> ResponseReturnValue:
    """The list, newest first."""
    chosen = filters.read(request.args, visit.shop, visit.member.account)
    after = _position(request.args.get("after"))
    with visit.reading() as conn:
        page = answers.page(conn, visit.shop.id, chosen.filter, after, PAGE_SIZE)
        in_all = len(page.answers)
        if after is not None or page.next is not None:
            in_all = answers.how_many(conn, visit.shop.id, chosen.filter, _MOST_COUNTED) or 0
        rows = rows_of(conn, visit.shop, page.answers)
        people = people_of(conn, visit.shop)
        saved = views.seen_by(conn, visit.shop.id, visit.member.account)
        n_open = cases.how_many_open(conn, visit.shop.id)
    refused = filters.names()
    return draw(
        "answers/list.html", rows=rows, in_all=in_all, chosen=chosen, given=chosen.given, people=people, views=saved, open=n_open,
        chips=_chips(chosen, visit.shop, people), here=_link(chosen, after), next=None if page.next is None else _link(chosen, page.next),
        first=None if after is None else _link(chosen, None),
        refused=", ".join(refused[name] for name in chosen.refused),
        questions=_questions(visit.shop, chosen), values=_values(visit.shop, chosen), languages=_languages(visit.shop),
        placements=placements(visit.shop), statuses=words.STATUS_NAMES, tones=words.STATUS_TONES,
        why=words.why_quarantined, most=MOST_AT_ONCE,
    )  # fmt: skip


def _link(chosen: Chosen, after: Position | None) -> str:
    """A page of this list."""
    query = dict(chosen.given)
    if after is not None:
        at, key, question = after
        query["after"] = cursor(at, f"{key}\n{question}")
    return f"{url_for('answers.show')}?{urlencode(query)}" if query else url_for("answers.show")


@dataclass(frozen=True)
class Chip:
    """A filter that is on, in words; `href` is the list without it."""

    text: str
    href: str


def _chips(chosen: Chosen, shop: Shop, people: Mapping[str, str]) -> list[Chip]:
    """Those filters that don't stand open above the list."""
    found = []
    for name, value in chosen.given.items():
        if name in filters.AT_HAND or name == "quarantined" or (name == "period" and value == "own"):
            continue
        rest = {other: given for other, given in chosen.given.items() if other != name}
        text = f"{filters.names()[name]}: {_chip_value(name, value, shop, people)}"
        found.append(Chip(text[:1].upper() + text[1:], f"{url_for('answers.show')}?{urlencode(rest)}"))
    return found


def _chip_value(name: str, value: str, shop: Shop, people: Mapping[str, str]) -> str:
    known: Mapping[str, Any] = {
        "verified": {"yes": gettext("yes"), "no": gettext("no")},
        "text": {"yes": gettext("yes"), "no": gettext("no")},
        "placement": dict(placements(shop)),
        "case": {**words.STATUS_NAMES, "open": gettext("open"), "any": gettext("any"), "none": gettext("none")},
        "who": {**people, "me": gettext("you"), "none": gettext("nobody yet")},
    }.get(name, {})
    if name == "period":
        return read_period({"period": value}, shop.time_zone).label
    if name in ("from", "to"):
        return format_day(value)
    return language_name(value) if name == "lang" else str(known.get(value, value))


def _position(text: str | None) -> Position | None:
    """Where the page before ended; a made-up one is the beginning."""
    if text is None or not _CURSOR.fullmatch(text):
        return None
    number, last = open_cursor(text)
    key, _, question = last.partition("\n")
    return min(number, 2**63 - 1), key, question


def _questions(shop: Shop, chosen: Chosen) -> list[tuple[str, str]]:
    """Those that are asked first, then those that are gone; before them several, where a door led to all of them."""
    newest = sorted((versions[-1] for versions in shop.questions.values()), key=lambda question: question.deleted)
    asked = filters.questions(chosen.given)
    several = [(chosen.given["question"], " · ".join(words.asked(shop, name) for name in asked))] if len(asked) > 1 else []
    return [*several, *((question.name, words.asked(shop, question.name)) for question in newest)]


def _values(shop: Shop, chosen: Chosen) -> list[tuple[str, str]]:
    """What may be answered; nothing where several questions don't take the same answers."""
    each = [words.values(shop.question(name)) for name in filters.questions(chosen.given)]
    return each[0] if each and all(values == each[0] for values in each) else []


def _languages(shop: Shop) -> list[tuple[str, str]]:
    codes = {"lv", "lt", "et", "ru", "en"} | {code for each in shop.questions.values() for code in each[-1].texts}
    return sorted(((code, language_name(code)) for code in codes), key=lambda pair: pair[1].casefold())


# --- the cases --------------------------------------------------------------------------------------------------------


def list_cases(visit: Visit) -> ResponseReturnValue:
    """Open cases by when they are due, overdue ones first; or those that are done with. Of one question or of all."""
    done, mine = request.args.get("done") == "yes", request.args.get("who") == "me"
    question = visit.shop.question(request.args.get("question", ""))
    about_it = {} if question is None else {"question": question.name}
    wanted = Wanted(assignee=visit.member.account if mine else None, question=about_it.get("question"))
    after = _position(request.args.get("after"))
    now = now_ms()
    with visit.reading() as conn:
        if done:
            before = None if after is None else (after[0], after[1])
            found = cases.ended(conn, visit.shop.id, wanted, before, PAGE_SIZE + 1)
        else:
            behind = None if after is None else (after[0], int(after[2]) if _CREATED.fullmatch(after[2]) else 0, after[1])
            found = cases.listed(conn, visit.shop.id, wanted, behind, PAGE_SIZE + 1)
        shown = found[:PAGE_SIZE]
        about = answers.load(conn, visit.shop.id, [case.key for case in shown])
        people = people_of(conn, visit.shop)
        n_open = cases.how_many_open(conn, visit.shop.id)
        overdue = cases.overdue(conn, visit.shop.id, now)
    rows = [
        row_of(visit.shop, about[case.question, case.key], case, now) for case in shown if (case.question, case.key) in about
    ]
    lists = {"done": "yes"} if done else {}
    lists |= {"who": "me"} if mine else {}
    keep = {**lists, **about_it}
    more = None
    if len(found) > PAGE_SIZE:
        due, created, name = cases.place(shown[-1])
        last = cursor(shown[-1].changed, f"{name}\n") if done else cursor(due, f"{name}\n{created}")
        more = _cases_link({**keep, "after": last})
    return draw(
        "answers/cases.html", rows=rows, people=people, done=done, mine=mine, open=n_open, overdue=overdue, next=more,
        first=None if after is None else _cases_link(keep), here=_cases_link(keep), about_it=about_it, every=_cases_link(lists),
        asked=None if question is None else title_of(question), statuses=words.STATUS_NAMES, tones=words.STATUS_TONES,
        why=words.why_quarantined, most=MOST_AT_ONCE,
    )  # fmt: skip


def _cases_link(query: Mapping[str, str]) -> str:
    return url_for("answers.list_cases") + (f"?{urlencode(query)}" if query else "")


# --- saved views ------------------------------------------------------------------------------------------------------


def save_view(visit: Visit) -> ResponseReturnValue:
    """Keep the filters of the list under a name."""
    given = {name: request.form[name] for name in filters.NAMES if request.form.get(name)}
    chosen = filters.read(given, visit.shop, visit.member.account)
    name = re.sub(r"[\x00-\x1f\x7f\s]+", " ", request.form.get("name", "")).strip()[: views.LONGEST_NAME]
    account = None if request.form.get("everybody") == "1" else visit.member.account
    if not name:
        flash(gettext("Give the view a name."), "bad")
    elif chosen.is_empty:
        flash(gettext("Choose some filters first."), "bad")
    else:
        try:
            with visit.writing() as conn:
                views.save(conn, visit.shop.id, account, name, chosen.query, now_ms())
            flash(gettext("The view “%(name)s” is saved.", name=name), "good")
        except views.ViewConflict:
            flash(gettext("There are too many views; delete one first."), "bad")
    return redirect(_link(chosen, None), 303)


def remove_view(visit: Visit) -> ResponseReturnValue:
    wanted = request.form.get("view", "")
    with visit.writing() as conn:
        gone = views.remove(conn, visit.shop.id, wanted, visit.member.account) or views.remove(conn, visit.shop.id, wanted, None)
    if not gone:
        raise not_found("There is no such view.")
    flash(gettext("The view is deleted."), "good")
    return back_to_list(url_for("answers.show"))


PAGE = Page(
    "/answers", _("Answers"), 30, "answers",
    views=(
        View("", show), View("/one", one), View("/cases", list_cases),
        View("/one/opened", opened, methods=("POST",), role="editor"),
        View("/case", make_case, methods=("POST",), role="editor"),
        View("/cases/change", change_case, methods=("POST",), role="editor"),
        View("/note", add_note, methods=("POST",), role="editor"),
        View("/quarantine", quarantine, methods=("POST",), role="editor"),
        View("/release", release, methods=("POST",), role="editor"),
        View("/bulk", bulk, methods=("POST",), role="editor"),
        View("/views", save_view, methods=("POST",), role="editor"),
        View("/views/remove", remove_view, methods=("POST",), role="editor"),
    ),
)  # fmt: skip
