"""What a page is made of: its views, who may see them, and what a view is handed.

A file in this folder defines `PAGE`; nothing else has to be edited. It gets its menu entry (or, as a part of another
page, its tab there), its addresses under /app, sign-in, the check of the role and of the form's token, and a place in
the access tests, which fail until the new route has its row there.

A view is handed a `Visit`: who is here, and in which shop. There is no other way to know, and whatever a page reads or
changes it looks up with `visit.shop.id`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from sqlalchemy import Connection

from widget_server.contract.shop import Shop
from widget_server.record.members import Role, may
from widget_server.web.state import state

Handler = Callable[..., ResponseReturnValue]


@dataclass(frozen=True)
class View:
    """One address of a page. `handler(visit, **path)` gives HTML or a response; its name is the address's name, as in
    `url_for("searches.show")`.

    Say `role="editor"` or `"owner"` where something of the shop is changed. `frames`: the page may hold frames of ours.
    """

    path: str
    handler: Handler
    methods: tuple[str, ...] = ("GET",)
    role: Role = "viewer"
    frames: bool = False
    # May be used while sample data are shown, as nothing of a shop is changed by it.
    in_sample: bool = False


@dataclass(frozen=True)
class Page:
    """A page and its addresses, each below `/app` and `path`. In the menu it stands by `place`.

    With `part_of`, the path of another page, it is a tab of that one and not in the menu; `about` says in a sentence
    what it is for.
    """

    path: str
    label: LazyString
    place: int
    icon: str
    views: tuple[View, ...]
    in_menu: bool = True
    part_of: str = ""
    about: LazyString | str = ""

    @property
    def role(self) -> Role:
        """Who may see it at all."""
        return self.views[0].role


@dataclass(frozen=True)
class Member:
    """Who is here. `role` is what they are in the shop of this visit."""

    session: str
    account: str
    email: str
    name: str
    role: Role
    language: str
    theme: str
    has_totp: bool

    def may(self, needed: Role) -> bool:
        return may(self.role, needed)


@dataclass(frozen=True)
class Visit:
    """A member in a shop. `is_sample`: the shop is made up, and nothing in it can be changed."""

    member: Member
    shop: Shop
    is_sample: bool = False

    def reading(self) -> AbstractContextManager[Connection]:
        """One snapshot. Whatever is looked up is looked up with `self.shop.id`."""
        return state().database.reading()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction; keep what is slow outside."""
        if self.is_sample:
            raise RuntimeError("sample data are not changed")
        with state().database.writing() as conn:
            yield conn


def draw(template: str, **values: Any) -> str:
    """`templates/dashboard/TEMPLATE` with `values`, and with `visit` and the menu's `pages`."""
    visit = visit_of_request()
    return render_template(f"dashboard/{template}", visit=visit, pages=menu(visit), **values)


def visit_of_request() -> Visit | None:
    """Who is here; None on pages for everybody."""
    found: Visit | None = g.get("visit")
    return found


def menu(visit: Visit | None, part_of: str = "") -> list[Page]:
    """The pages that this member may see, in order: those of the menu, or the parts of one."""
    if visit is None:
        return []
    pages: list[Page] = g.dashboard_pages
    wanted = [p for p in pages if p.part_of == part_of and (p.in_menu or part_of) and visit.member.may(p.role)]
    return sorted(wanted, key=lambda page: page.place)


def page_at(path: str) -> Page | None:
    """The page with this path, if there is one."""
    pages: list[Page] = g.dashboard_pages
    return next((page for page in pages if page.path == path), None)


def is_here(page: Page) -> bool:
    """Whether the request is for this page or one below it."""
    address = f"/app{page.path}"
    return request.path == address or request.path.startswith(f"{address}/")
