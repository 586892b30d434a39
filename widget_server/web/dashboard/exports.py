"""Export: everything that a shop has, as CSV for spreadsheets and JSON for programs, as a stream of any length."""

import io
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import orjson
from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from sqlalchemy import Connection

from widget_server.contract.shop import Shop
from widget_server.contract.times import format_time, local_day
from widget_server.record.db import Database
from widget_server.web.errors import Problem, not_found
from widget_server.web.state import state

from . import _csv
from ._csv import Marks
from ._everything import KINDS, PEOPLE, Kind, Reader
from ._page import Page, View, Visit, draw
from ._spool import NoPlace, Place, spooled
from ._texts import lazy_gettext as _

EVERYTHING = "everything"
FORMS = ("csv", "json")
# Sent at once: many small pieces cost more than they hold.
_PIECE = 64 * 1024
# So many seconds later whoever was told to wait may try again.
_RETRY = 10

Make = Callable[[Connection, Shop, list[Kind], Reader], Iterator[bytes]]

_ABOUT = {
    "answers": _("What shoppers said, one row an answer, those that are not counted too."),
    "searches": _("Every search and every click on a result."),
    "orders": _("Orders with their lines, as your platform told them."),
    "scores": _("Every score of every question, month by month, with its interval."),
    "questions": _("Your questions in all their versions and languages."),
    "cases": _("Answers that somebody sees to: how it stands, who does it, until when."),
    "notes": _("What was said and done about answers, line by line."),
    "points": _("Every line of the points ledger."),
    "coupons": _("Coupons that were promised, and what became of them. Their codes only for an owner who asks."),
    "customers": _("What we know of your customers beside their orders."),
    "deliveries": _("Messages to other systems, and whether they arrived."),
    "settings": _("What the shop is set to: rules, touchpoints, connections, members and more, without any secret."),
}
_NAMES = {
    "answers": _("Answers"), "searches": _("Searches"), "orders": _("Orders"), "scores": _("Scores"),
    "questions": _("Questions"), "cases": _("Cases"), "notes": _("Notes"), "points": _("Points"), "coupons": _("Coupons"),
    "customers": _("Customers"), "deliveries": _("Deliveries"), "settings": _("Settings"),
}  # fmt: skip


def show(visit: Visit) -> ResponseReturnValue:
    kinds = [{"name": name, "title": _NAMES[name], "about": _ABOUT[name], "people": name in PEOPLE} for name in KINDS]
    return draw("settings/export.html", kinds=kinds, everything=EVERYTHING)


def download(visit: Visit) -> ResponseReturnValue:
    """One kind, or everything: as CSV (everything: a ZIP of them) or as JSON. `people=1`: also whose it is."""
    name, form = request.args.get("what", ""), request.args.get("form", "")
    if form not in FORMS or name not in (*KINDS, EVERYTHING):
        raise not_found("There is no such file.")
    reader = Reader(visit.member.account, visit.member.may("owner"), request.args.get("people") == "1")
    if reader.people and not reader.is_owner:
        raise Problem(403, "forbidden", "Only an owner may take personal data along.")
    kinds = list(KINDS.values()) if name == EVERYTHING else [KINDS[name]]
    marks = _csv.marks_of(str(get_locale() or "en"))
    make: Make
    if form == "json":
        make, ending, mimetype = _json, "json", "application/json"
    elif name == EVERYTHING:
        make, ending, mimetype = partial(_zip, marks=marks), "zip", "application/zip"
    else:
        make, ending, mimetype = partial(_csv_of_one, marks=marks), "csv", _csv.MIMETYPE
    try:
        place = Place(visit.member.account)
    except NoPlace:
        raise Problem(429, "too_many", "Other files are still being sent.", headers={"Retry-After": str(_RETRY)}) from None
    reply = Response(spooled(partial(_made, state().database, visit.shop, make, kinds, reader), place), mimetype=mimetype)
    # Also where nothing is sent, as for HEAD.
    reply.call_on_close(place.leave)
    day = local_day(time.time_ns() // 1_000_000, visit.shop.time_zone)
    reply.headers["Content-Disposition"] = f'attachment; filename="atbalss-{name}-{day}.{ending}"'
    return reply


def _made(database: Database, shop: Shop, make: Make, kinds: list[Kind], reader: Reader) -> Iterator[bytes]:
    """All of it from one snapshot, so that orders, points and answers fit together."""
    with database.reading() as conn:
        yield from make(conn, shop, kinds, reader)


def _csv_of_one(conn: Connection, shop: Shop, kinds: list[Kind], reader: Reader, marks: Marks) -> Iterator[bytes]:
    return _in_pieces(_file(conn, shop, kinds[0], reader, marks))


def _file(conn: Connection, shop: Shop, kind: Kind, reader: Reader, marks: Marks) -> Iterator[str]:
    names = kind.columns(reader.people)
    rows = kind.rows(conn, shop, reader)
    return _csv.lines(names, ([_cell(row[name]) for name in names] for row in rows), marks)


def _cell(value: Any) -> _csv.Cell:
    """A value as a cell: several options as a list, what has parts of its own as JSON."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " | ".join(value)
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    cell: _csv.Cell = value
    return cell


def _json(conn: Connection, shop: Shop, kinds: list[Kind], reader: Reader) -> Iterator[bytes]:
    """One object: who and when, and a list of each kind, every row on a line of its own."""
    return _in_pieces(_json_lines(conn, shop, kinds, reader))


def _json_lines(conn: Connection, shop: Shop, kinds: list[Kind], reader: Reader) -> Iterator[str]:
    about = {"shop": shop.name, "site_key": shop.site_key, "exported_at": format_time(time.time_ns() // 1_000_000)}
    yield orjson.dumps(about).decode()[:-1]
    for kind in kinds:
        yield f',\n"{kind.name}": ['
        comma = "\n"
        for row in kind.rows(conn, shop, reader):
            yield comma + orjson.dumps(row, default=_plain).decode()
            comma = ",\n"
        yield "\n]"
    yield "}\n"


def _plain(value: Any) -> Any:
    """Money is text in our JSON, so that no reader makes a rounded number of it."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} is no JSON")


def _in_pieces(lines: Iterable[str]) -> Iterator[bytes]:
    """The same bytes in pieces worth sending."""
    kept, size = [], 0
    for line in lines:
        piece = line.encode("utf-8", "replace")
        kept.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield b"".join(kept)
            kept, size = [], 0
    if kept:
        yield b"".join(kept)


class _Sink(io.RawIOBase):
    """What a ZIP is written into: it forgets what was taken out."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._kept += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._kept)
        self._kept.clear()
        return taken


def _zip(conn: Connection, shop: Shop, kinds: list[Kind], reader: Reader, marks: Marks) -> Iterator[bytes]:
    """A ZIP of the CSV files, made while it is sent."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as made:
        for kind in kinds:
            # How long it will be nobody knows yet, so room is kept for more than 4 GB.
            with made.open(f"{kind.name}.csv", "w", force_zip64=True) as part:
                for piece in _in_pieces(_file(conn, shop, kind, reader, marks)):
                    part.write(piece)
                    if taken := sink.take():
                        yield taken
    yield sink.take()


PAGE = Page(
    "/settings/export", _("Export"), 80, "download", part_of="/settings", in_menu=False,
    about=_("Everything you have here, as files to take along."),
    views=(View("", show), View("/file", download)),
)  # fmt: skip
