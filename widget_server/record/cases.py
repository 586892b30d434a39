"""Cases: answers that somebody in the shop sees to, at most one for each answer. Owner of `cases`.

Open ones are listed by when they are due, so that what is overdue comes first. Every change leaves a line among the notes of
the answer, in the same transaction: who, when and what.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Row,
    Subquery,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy import case as when

from . import notes
from .db import Key, among, lock_shops, metadata
from .taking import Taken

STATUSES = ("new", "doing", "solved", "closed")
OPEN = ("new", "doing")
_FIELDS: Final[tuple[notes.Kind, ...]] = ("status", "assignee", "due")

# Behind every real time: what is not due at any time comes last.
_NEVER: Final = 9_007_199_254_740_991
# Of one filter; the newest ones.
_MOST = 5000

_cases = Table(
    "cases",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("question", Key, primary_key=True),
    Column("key", Key, primary_key=True),
    Column("id", Key, nullable=False),
    Column("status", Key, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("assignee", Key),
    Column("due", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
)
_taken = Taken(
    _cases, ("question", "key"), ("question", "key", "status", "assignee", "due", "created", "changed"), left=("id", "open", "version")
)
_c = _cases.c
Index("cases_by_id", _c.shop, _c.id, unique=True)
Index(
    "cases_open", _c.shop, _c.due, _c.created, _c.id, sqlite_where=_c.open.is_(True), postgresql_where=_c.open.is_(True)
)  # fmt: skip
Index("cases_changed", _c.shop, _c.changed, _c.id)

Name = tuple[str, str]
"""Question and key of the answer."""


@dataclass(frozen=True, slots=True)
class Case:
    """`assignee` is the account of a member, `due` a time in ms. `version` grows with each change."""

    id: str
    question: str
    key: str
    status: str
    assignee: str | None
    due: int | None
    created: int
    changed: int
    version: int

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def is_overdue(self, now: int) -> bool:
        """Whether it is still open after the time it was due."""
        return self.is_open and self.due is not None and self.due < now


class CaseConflict(Exception):
    """Somebody else has changed it meanwhile."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases; None means any. An `assignee` of "" is nobody."""

    statuses: Sequence[str] | None = None
    assignee: str | None = None
    question: str | None = None


def make(conn: Connection, shop: str, names: Sequence[Name], account: str | None, now: int) -> int:
    """Make cases of answers; those that are cases already stay as they are. Returns how many are new."""
    lock_shops(conn, [shop])
    known = of_answers(conn, shop, names)
    new = [name for name in dict.fromkeys(names) if name not in known]
    if new:
        rows = [
            {
                "shop": shop, "question": question, "key": key, "id": f"case_{secrets.token_hex(12)}", "status": "new",
                "open": True, "assignee": None, "due": _NEVER, "created": now, "changed": now, "version": 1,
            }
            for question, key in new
        ]  # fmt: skip
        conn.execute(insert(_cases), rows)
        notes.add(conn, shop, new, account, "status", "new", now)
    return len(new)


def change(
    conn: Connection, shop: str, names: Sequence[Name], changes: Mapping[str, Any], account: str | None, now: int,
    version: int | None = None,
) -> int:  # fmt: skip
    """Set `status`, `assignee` and `due`, as far as `changes` names them, of the cases of these answers. Returns how many
    are otherwise now. Raises CaseConflict when one is not at the `version` that was looked at."""
    lock_shops(conn, [shop])
    known = of_answers(conn, shop, names)
    if version is not None and any(case.version != version for case in known.values()):
        raise CaseConflict
    others = {
        field: [name for name, case in known.items() if getattr(case, field) != changes[field]] for field in _FIELDS if field in changes
    }
    changed = {name for named in others.values() for name in named}
    if changed:
        _set(conn, shop, [known[name].id for name in changed], changes, now)
    for field, named in others.items():
        notes.add(conn, shop, named, account, field, "" if changes[field] is None else str(changes[field]), now)
    return len(changed)


def taken_along(conn: Connection, shop: str) -> Iterator[dict[str, Any]]:
    """All of them, by question and key; `due` is None where there is no such time."""
    for row in _taken.rows(conn, shop):
        yield {**row, "due": None if row["due"] == _NEVER else row["due"]}


def of_answers(conn: Connection, shop: str, names: Iterable[Name]) -> dict[Name, Case]:
    """The cases that these answers are."""
    wanted = set(names)
    if not wanted:
        return {}
    # Each column for itself: of pairs SQLite would read the whole table.
    questions, keys = sorted({question for question, _ in wanted}), sorted({key for _, key in wanted})
    found = select(_cases).where(_c.shop == shop, among(conn, _c.question, questions), among(conn, _c.key, keys))
    cases = ((row.question, row.key, row) for row in conn.execute(found))
    return {(question, key): _case(row) for question, key, row in cases if (question, key) in wanted}


def by_id(conn: Connection, shop: str, case: str) -> Case | None:
    """The case of this id, None when the shop has none."""
    row = conn.execute(select(_cases).where(_c.shop == shop, _c.id == case)).one_or_none()
    return None if row is None else _case(row)


def listed(
    conn: Connection, shop: str, wanted: Wanted, after: tuple[int, int, str] | None, limit: int
) -> list[Case]:
    """Open cases by when they are due, the oldest of equal ones first; `after` is the `place` of the last one."""
    where = [_c.shop == shop, _c.open.is_(True), *_conditions(wanted)]
    if after is not None:
        due, created, name = after
        where.append(
            or_(
                _c.due > due,
                and_(_c.due == due, _c.created > created),
                and_(_c.due == due, _c.created == created, _c.id > name),
            )
        )
    found = select(_cases).where(*where).order_by(_c.due, _c.created, _c.id).limit(limit)
    return [_case(row) for row in conn.execute(found)]


def ended(
    conn: Connection, shop: str, wanted: Wanted, before: tuple[int, str] | None, limit: int
) -> list[Case]:
    """Solved and closed cases, those changed last first; `before` is (changed, id) of the last one."""
    where = [_c.shop == shop, _c.open.is_(False), *_conditions(wanted)]
    if before is not None:
        changed, name = before
        where.append(or_(_c.changed < changed, and_(_c.changed == changed, _c.id < name)))
    found = select(_cases).where(*where).order_by(_c.changed.desc(), _c.id.desc()).limit(limit)
    return [_case(row) for row in conn.execute(found)]


def place(case: Case) -> tuple[int, int, str]:
    """Where an open case stands in the list."""
    return _NEVER if case.due is None else case.due, case.created, case.id


def matching(shop: str, wanted: Wanted) -> Subquery:
    """`question` and `key` of the answers that are such cases; of very many the ones changed last."""
    found = select(_c.question, _c.key).where(_c.shop == shop, *_conditions(wanted))
    return found.order_by(_c.changed.desc(), _c.id.desc()).limit(_MOST).subquery()


def none_of(shop: str, question: ColumnElement[str], key: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the answer of these columns is no case."""
    return ~select(_c.id).where(_c.shop == shop, _c.question == question, _c.key == key).exists()


def open_by_question(conn: Connection, shop: str) -> dict[str, int]:
    """How many open cases there are about each question; those without any are left out."""
    found = select(_c.question, func.count().label("n")).where(_c.shop == shop, _c.open.is_(True)).group_by(_c.question)
    return {row.question: row.n for row in conn.execute(found).all()}


def how_many_open(conn: Connection, shop: str, most: int | None = None) -> int:
    """How many open cases there are, counted up to `most`."""
    # In their order, or SQLite walks all there are and not the index of open ones.
    found = select(_c.id).where(_c.shop == shop, _c.open.is_(True)).order_by(_c.due, _c.created, _c.id).limit(most).subquery()
    return int(conn.execute(select(func.count()).select_from(found)).scalar_one())


def overdue(conn: Connection, shop: str, now: int) -> int:
    """How many open cases should have been seen to by now."""
    late = select(func.count()).select_from(_cases).where(_c.shop == shop, _c.open.is_(True), _c.due < now)
    return int(conn.execute(late).scalar_one())


def remove(conn: Connection, shop: str, names: Sequence[Name]) -> None:
    """Forget the cases of answers that were removed."""
    one = delete(_cases).where(_c.shop == shop, _c.question == bindparam("named_question"), _c.key == bindparam("named_key"))
    if names:
        conn.execute(one, [{"named_question": question, "named_key": key} for question, key in names])


def _set(conn: Connection, shop: str, ids: Iterable[str], changes: Mapping[str, Any], now: int) -> None:
    """One statement for all of them."""
    values = dict(changes)
    if "due" in values:
        values["due"] = _NEVER if values["due"] is None else values["due"]
    if "status" in values:
        values["open"] = values["status"] in OPEN
    at = when((_c.changed > now, _c.changed), else_=now)
    these = update(_cases).where(_c.shop == shop, among(conn, _c.id, ids))
    conn.execute(these.values(**values, changed=at, version=_c.version + 1))


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.statuses is not None:
        found.append(_c.status.in_(list(wanted.statuses)))
    if wanted.assignee is not None:
        found.append(_c.assignee.is_(None) if wanted.assignee == "" else _c.assignee == wanted.assignee)
    if wanted.question is not None:
        found.append(_c.question == wanted.question)
    return found


def _case(row: Row[Any]) -> Case:
    due = None if row.due == _NEVER else row.due
    return Case(
        row.id, row.question, row.key, row.status, row.assignee, due, row.created, row.changed, row.version
    )
