"""Answers as an inbox: what shoppers said, to be found, read in its context, and seen to.

Whatever is done to one answer can be done to many that were ticked, at most `MOST_AT_ONCE`. What puts an answer into
quarantine or takes it out goes into the stream as the owner API's decisions do, and counts a moment later.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2s
from typing import Any
from urllib.parse import urlencode

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection

from widget_server.contract import order as orders_of
from widget_server.contract.answer import Answer
from widget_server.contract.order import Order, OrderFacts
from widget_server.contract.shop import Shop
from widget_server.contract.times import local_day
from widget_server.record import answers, cases, customers, eventlog, members, notes, orders, views
from widget_server.record.answers import Position
from widget_server.record.cases import STATUSES, Case, CaseConflict, Name, Wanted
from widget_server.web.decisions import Kind, decidable, decide
from widget_server.web.errors import Problem, not_found
from widget_server.web.params import cursor, open_cursor

from . import _answer_filters as filters
from . import _answer_words as words
from ._answer_filters import Chosen
from ._answer_words import Said
from ._formats import day as format_day
from ._names import language_name
from ._page import Page, View, Visit, draw
from ._period import read_period

PAGE_SIZE = 50
MOST_AT_ONCE = 100
_MOST_EVENTS = 200
_CURSOR = re.compile(r"[0-9]{1,19}\.[A-Za-z0-9_-]{0,3000}", re.ASCII)
_BUSY = _("Somebody else has just changed this case. Have a look at it and try again.")


@dataclass(frozen=True)
class Row:
    """An answer in a list. `name` is its question and key, as a form sends them; `anchor` its place in the page."""

    answer: Answer
    said: Said
    asked: str
    name: str
    case: Case | None
    late: bool

    @property
    def anchor(self) -> str:
        return _anchor(self.name)


def _anchor(name: str) -> str:
    return f"a{blake2s(name.encode(), digest_size=6).hexdigest()}"


# --- the list ---------------------------------------------------------------------------------------------------------


def show(visit: Visit) -> ResponseReturnValue:
    """The list, newest first."""
    chosen = filters.read(request.args, visit.shop, visit.member.account)
    after = _position(request.args.get("after"))
    with visit.reading() as conn:
        page = answers.page(conn, visit.shop.id, chosen.filter, after, PAGE_SIZE)
        rows = _rows(conn, visit.shop, page.answers)
        people = _people(conn, visit.shop)
        saved = views.seen_by(conn, visit.shop.id, visit.member.account)
        n_open = sum(cases.open_by_question(conn, visit.shop.id).values())
    question = visit.shop.question(chosen.given.get("question", ""))
    refused = filters.names()
    return draw(
        "answers/list.html", rows=rows, chosen=chosen, given=chosen.given, people=people, views=saved, open=n_open,
        chips=_chips(chosen, visit.shop, people), here=_link(chosen, after), next=None if page.next is None else _link(chosen, page.next),
        first=None if after is None else _link(chosen, None),
        refused=", ".join(refused[name] for name in chosen.refused),
        questions=_questions(visit.shop), values=words.values(question), languages=_languages(visit.shop),
        placements=_placements(visit.shop), statuses=words.STATUS_NAMES, tones=words.STATUS_TONES,
        why=words.why_quarantined, most=MOST_AT_ONCE,
    )  # fmt: skip


def _rows(conn: Connection, shop: Shop, found: Sequence[Answer]) -> list[Row]:
    known = cases.of_answers(conn, shop.id, [(answer.question, answer.key) for answer in found])
    now = _now()
    return [_row(shop, answer, known.get((answer.question, answer.key)), now) for answer in found]


def _row(shop: Shop, answer: Answer, case: Case | None, now: int) -> Row:
    return Row(
        answer, words.said(shop, answer), words.asked(shop, answer.question), f"{answer.question}\n{answer.key}", case,
        case is not None and case.is_overdue(now),
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
        "placement": dict(_placements(shop)),
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


def _questions(shop: Shop) -> list[tuple[str, str]]:
    """Those that are asked first, then those that are gone."""
    newest = sorted((versions[-1] for versions in shop.questions.values()), key=lambda question: question.deleted)
    return [(question.name, words.asked(shop, question.name)) for question in newest]


def _languages(shop: Shop) -> list[tuple[str, str]]:
    codes = {"lv", "lt", "et", "ru", "en"} | {code for each in shop.questions.values() for code in each[-1].texts}
    return sorted(((code, language_name(code)) for code in codes), key=lambda pair: pair[1].casefold())


def _placements(shop: Shop) -> list[tuple[str, str]]:
    names = {
        "search": gettext("Search results"), "order": gettext("After the order"), "product": gettext("Product page"),
        "inline": gettext("Inside a page"), "mail": gettext("Link in a mail"),
    }  # fmt: skip
    found = {version.placement for each in shop.questions.values() for version in each}
    return sorted(((name, names.get(name, name)) for name in found), key=lambda pair: pair[1].casefold())


def _people(conn: Connection, shop: Shop) -> dict[str, str]:
    """The members by their account."""
    return {member.account: member.name or member.email for member in members.of_shop(conn, shop.id)}


# --- one answer -------------------------------------------------------------------------------------------------------


def one(visit: Visit) -> ResponseReturnValue:
    """An answer in its context, what is personal aside."""
    return _one(visit, (request.args.get("question", ""), request.args.get("key", "")), opened=False)


def opened(visit: Visit) -> ResponseReturnValue:
    """The same with what is personal; that it was looked at is noted first."""
    name = _named()
    with visit.writing() as conn:
        _found(conn, visit.shop, [name])
        notes.add(conn, visit.shop.id, [name], visit.member.account, "opened", "", _now())
    return _one(visit, name, opened=True)


def _one(visit: Visit, name: Name, opened: bool) -> ResponseReturnValue:
    shop = visit.shop
    with visit.reading() as conn:
        answer = _found(conn, shop, [name])[name]
        case = cases.of_answers(conn, shop.id, [name]).get(name)
        people = _people(conn, shop)
        subjects = [eventlog.of_answer(answer.key)]
        order = None
        if answer.order is not None:
            subjects.append(eventlog.of_order(answer.order))
            order = orders.load(conn, shop.id, [answer.order]).get(answer.order)
        events = eventlog.about(conn, shop.id, subjects, _MOST_EVENTS)
        story = words.story(shop, answer, events, notes.of_answer(conn, shop.id, name), people, case)
        facts = None if order is None else orders_of.facts(order)
        person = _person(conn, shop, answer, facts) if opened else None
    now = _now()
    back = request.values.get("list", "")
    return draw(
        "answers/one.html", answer=answer, row=_row(shop, answer, case, now), case=case, people=people, story=story,
        order=facts, lines=_lines(answer, order), person=person,
        is_personal=_is_personal(answer, facts), url=_url(answer, opened), due=_due_day(case, shop),
        back=back if _is_list(back) else url_for("answers.show"), language=language_name,
        statuses=words.STATUS_NAMES, tones=words.STATUS_TONES, why=words.why_quarantined, placements=dict(_placements(shop)),
    )  # fmt: skip


@dataclass(frozen=True)
class Person:
    """What is known of who gave an answer: only shown to who has asked for it."""

    customer: str
    segments: Sequence[str]
    orders: Sequence[OrderFacts]
    # What they said about these orders, by the order's number.
    said: Mapping[str, Sequence[Row]]


def _person(conn: Connection, shop: Shop, answer: Answer, facts: OrderFacts | None) -> Person | None:
    ref = None if facts is None else facts.customer
    if ref is None:
        return None if answer.customer is None else Person(answer.customer, (), (), {})
    known = customers.load(conn, shop.id, [ref]).get(ref)
    theirs = [orders_of.facts(order) for order in orders.of_customers(conn, shop.id, [ref], 10)]
    said: dict[str, list[Row]] = {}
    for other in answers.load(conn, shop.id, [], [each.ref for each in theirs]).values():
        if other.answered and other.counted and other.order is not None:
            said.setdefault(other.order, []).append(_row(shop, other, None, 0))
    return Person(ref, () if known is None else known.segments_at(_now()), theirs, said)


def _is_personal(answer: Answer, facts: OrderFacts | None) -> bool:
    """Whether there is anything to open."""
    known = answer.customer is not None or (facts is not None and facts.customer is not None)
    return known or _url(answer, False) != _url(answer, True)


def _url(answer: Answer, opened: bool) -> str:
    """The page it was given on; what follows its path may tell who somebody is."""
    whole = answer.get("url") or ""
    return whole if opened else re.split(r"[?#]", whole)[0]


def _lines(answer: Answer, order: Order | None) -> list[str]:
    """The products of the order that the answer is about."""
    if order is None:
        return []
    names = {each["product"]: each["name"] for each in (line.value for line in order.lines.values()) if each.get("name")}
    products = sorted({line.product for line in order.present_lines()})
    return [f"{names[product]} ({product})" if product in names else product for product in products]


def _due_day(case: Case | None, shop: Shop) -> str:
    return "" if case is None or case.due is None else local_day(case.due, shop.time_zone)


# --- what is done -----------------------------------------------------------------------------------------------------


def make_case(visit: Visit) -> ResponseReturnValue:
    """One click makes an answer a case."""
    name = _named()
    _do(visit, "case", [name])
    return _to_one(name, "case")


def change_case(visit: Visit) -> ResponseReturnValue:
    """Status, who sees to it, until when, and a note about it; a button may say who or what instead of the fields."""
    name = _named()
    changes = _changes(visit)
    version = request.form.get("version", "")
    written = _written("note")
    if len(written) > notes.LONGEST:
        flash(_too_long(), "bad")
        return _to_one(name, "case")
    with visit.writing() as conn:
        _found(conn, visit.shop, [name])
        noted = bool(written) and _add_note(conn, visit, name, written)
        try:
            done = cases.change(
                conn, visit.shop.id, [name], changes, visit.member.account, _now(),
                int(version) if re.fullmatch(r"\d{1,9}", version, re.ASCII) else None,
            )  # fmt: skip
        except CaseConflict:
            done = -1
    if written and not noted:
        flash(gettext("There are too many notes about this answer."), "bad")
    if done < 0:
        flash(str(_BUSY), "bad")
    else:
        flash(gettext("Saved.") if done or noted else gettext("Nothing was changed."), "good")
    return _to_one(name, "case")


def add_note(visit: Visit) -> ResponseReturnValue:
    name = _named()
    written = _written("text")
    if not written:
        flash(gettext("Write a note first."), "bad")
    elif len(written) > notes.LONGEST:
        flash(_too_long(), "bad")
    else:
        with visit.writing() as conn:
            _found(conn, visit.shop, [name])
            has_room = _add_note(conn, visit, name, written)
        flash(*((gettext("Noted."), "good") if has_room else (gettext("There are too many notes about this answer."), "bad")))
    return _to_one(name, "story")


def _written(field: str) -> str:
    return request.form.get(field, "").replace("\0", "").replace("\r\n", "\n").strip()


def _too_long() -> str:
    return str(ngettext("A note has at most %(n)s character.", "A note has at most %(n)s characters.", notes.LONGEST, n=notes.LONGEST))


def _add_note(conn: Connection, visit: Visit, name: Name, written: str) -> bool:
    """Whether there was room for it."""
    has_room = notes.room(conn, visit.shop.id, name)
    if has_room:
        notes.add(conn, visit.shop.id, [name], visit.member.account, "note", written, _now())
    return has_room


def quarantine(visit: Visit) -> ResponseReturnValue:
    name = _named()
    _do(visit, "quarantine", [name])
    return _to_one(name)


def release(visit: Visit) -> ResponseReturnValue:
    name = _named()
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
    at = _anchor("\n".join(names[0])) if names else None
    return _back(url_for("answers.show"), at)


_DEEDS = ("case", "mine", "solved", "closed", "quarantine", "release")


def _do(visit: Visit, what: str, names: Sequence[Name]) -> None:
    """Do it and say so. What there is no answer to is an answer of somebody else: nothing is done then."""
    shop, account, now = visit.shop.id, visit.member.account, _now()
    if what in ("quarantine", "release"):
        _decide(visit, "answer.quarantined" if what == "quarantine" else "answer.released", names)
        return
    with visit.writing() as conn:
        _found(conn, visit.shop, names)
        made = cases.make(conn, shop, names, account, now)
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
        found = _found(conn, visit.shop, names)
    waits = kind == "answer.quarantined"
    wanted = [answer for answer in found.values() if (answer.quarantined is not None) is not waits]
    if not wanted:
        flash(gettext("Nothing was changed."), "good")
        return
    events = decide(visit.shop.id, kind, wanted, **({"reason": reason} if reason else {}))
    with visit.writing() as conn:
        for name, event in events.items():
            notes.add(conn, visit.shop.id, [name], visit.member.account, "decided", event, _now())
    n = len(wanted)
    if waits:
        flash(ngettext("Left out. It stops counting in a moment.", "%(n)s answers left out. They stop counting in a moment.", n, n=n), "good")
    else:
        flash(ngettext("It counts in a moment.", "%(n)s answers count in a moment.", n, n=n), "good")


def _reason() -> str:
    """One line, as the owner API takes it."""
    return re.sub(r"[\x00-\x1f\x7f\s]+", " ", request.form.get("reason", "")).strip()[:500]


def _changes(visit: Visit) -> dict[str, Any]:
    """What a form says of a case; what it can't mean is 422."""
    found: dict[str, Any] = {}
    status, assignee, due, button = (request.form.get(name) for name in ("status", "assignee", "due", "do"))
    if button == "solved":
        status = "solved"
    if button == "mine":
        assignee = visit.member.account
    if status is not None:
        if status not in STATUSES:
            raise Problem(422, "invalid", "There is no such status.")
        found["status"] = status
    if assignee is not None:
        with visit.reading() as conn:
            if assignee and members.role_of(conn, visit.shop.id, assignee) is None:
                raise Problem(422, "invalid", "Nobody like that is a member.")
        found["assignee"] = assignee or None
    if due is not None:
        day = filters.day_of(due)
        if due and day is None:
            raise Problem(422, "invalid", "That is no day.")
        found["due"] = None if day is None else filters.end_of(day, visit.shop.time_zone)
    return found


# --- the cases --------------------------------------------------------------------------------------------------------


def list_cases(visit: Visit) -> ResponseReturnValue:
    """Open cases by when they are due, overdue ones first; or those that are done with."""
    done, mine = request.args.get("done") == "yes", request.args.get("who") == "me"
    wanted = Wanted(assignee=visit.member.account if mine else None)
    after = _position(request.args.get("after"))
    now = _now()
    with visit.reading() as conn:
        if done:
            before = None if after is None else (after[0], after[1])
            found = cases.ended(conn, visit.shop.id, wanted, before, PAGE_SIZE + 1)
        else:
            behind = None if after is None else (after[0], int(after[2] or 0) if after[2].isdigit() else 0, after[1])
            found = cases.listed(conn, visit.shop.id, wanted, behind, PAGE_SIZE + 1)
        shown = found[:PAGE_SIZE]
        about = answers.load(conn, visit.shop.id, [case.key for case in shown])
        people = _people(conn, visit.shop)
        n_open = sum(cases.open_by_question(conn, visit.shop.id).values())
        overdue = cases.overdue(conn, visit.shop.id, now)
    rows = [
        _row(visit.shop, about[case.question, case.key], case, now) for case in shown if (case.question, case.key) in about
    ]
    keep = {"done": "yes"} if done else {}
    keep |= {"who": "me"} if mine else {}
    more = None
    if len(found) > PAGE_SIZE:
        due, created, name = cases.place(shown[-1])
        last = cursor(shown[-1].changed, f"{name}\n") if done else cursor(due, f"{name}\n{created}")
        more = _cases_link({**keep, "after": last})
    return draw(
        "answers/cases.html", rows=rows, people=people, done=done, mine=mine, open=n_open, overdue=overdue, next=more,
        first=None if after is None else _cases_link(keep), here=_cases_link(keep), statuses=words.STATUS_NAMES, tones=words.STATUS_TONES,
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
                views.save(conn, visit.shop.id, account, name, chosen.query, _now())
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
    return _back(url_for("answers.show"))


# --- what all of them need --------------------------------------------------------------------------------------------


def _now() -> int:
    return time.time_ns() // 1_000_000


def _named() -> Name:
    return request.form.get("question", ""), request.form.get("key", "")


def _split(name: str) -> Name:
    question, _, key = name.replace("\r\n", "\n").partition("\n")
    return question, key


def _found(conn: Connection, shop: Shop, names: Sequence[Name]) -> dict[Name, Answer]:
    """All of these answers of the shop; 404 unless it has every one of them."""
    if any("\0" in part for name in names for part in name):
        raise not_found("This shop has no such answer.")
    found = decidable(conn, shop.id, names)
    if len(found) < len(set(names)):
        raise not_found("This shop has no such answer.")
    return found


def _to_one(name: Name, part: str | None = None) -> ResponseReturnValue:
    """To the answer, which still knows the list it was opened from."""
    back = request.form.get("list", "")
    return redirect(
        url_for("answers.one", question=name[0], key=name[1], list=back if _is_list(back) else None, _anchor=part), 303
    )


def _back(otherwise: str, anchor: str | None = None) -> ResponseReturnValue:
    """To the list where it was done, if it was done in one."""
    back = request.form.get("back", "")
    return redirect((back if _is_list(back) else otherwise) + (f"#{anchor}" if anchor else ""), 303)


def _is_list(address: str) -> bool:
    """Whether it is one of the lists, or the overview, which has one too: nothing else is led to by what a form or an address says."""
    return re.fullmatch(r"/app/(answers(/cases)?|overview)(\?[^\x00-\x20\x7f\\]*)?", address) is not None


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
