"""Members: who may do what in which shop. A shop always keeps an owner."""

from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Table,
    and_,
    delete,
    func,
    select,
    update,
)

from . import accounts
from .db import Key, lock_shops, metadata, put

Role = Literal["viewer", "editor", "owner"]
# Each may what those before it may.
ROLES: tuple[Role, ...] = get_args(Role)

_members = Table(
    "members",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("account", Key, primary_key=True),
    Column("role", Key, nullable=False),
    Column("created", BigInteger, nullable=False),
    Index("members_by_account", "account"),
)

# What other tables' owners may join.
roles = select(_members.c.shop, _members.c.account, _members.c.role).subquery("roles")


class LastOwner(Exception):
    """Refused: the shop would be without an owner."""


@dataclass(frozen=True, slots=True)
class Membership:
    """A person in a shop."""

    account: str
    email: str
    name: str
    role: Role
    has_totp: bool
    since: int


def may(role: str, needed: Role) -> bool:
    """Whether who has `role` may what `needed` may."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


def of_shop(conn: Connection, shop: str, limit: int = 500) -> list[Membership]:
    """Who is a member, by e-mail."""
    who = accounts.people
    found = (
        select(who.c.id, who.c.email, who.c.name, _members.c.role, who.c.has_totp, _members.c.created)
        .join_from(_members, who, who.c.id == _members.c.account)
        .where(_members.c.shop == shop)
        .order_by(who.c.email)
        .limit(limit)
    )
    return [Membership(*row) for row in conn.execute(found).all()]


def shops_of(conn: Connection, account: str, limit: int = 200) -> dict[str, Role]:
    """The shops that `account` is a member of, the oldest membership first."""
    mine = select(_members.c.shop, _members.c.role).where(_members.c.account == account)
    rows = conn.execute(mine.order_by(_members.c.created, _members.c.shop).limit(limit)).all()
    return {row.shop: row.role for row in rows}


def role_of(conn: Connection, shop: str, account: str) -> Role | None:
    return conn.execute(select(_members.c.role).where(_one(shop, account))).scalar_one_or_none()


def add(conn: Connection, shop: str, account: str, role: Role, now: int) -> None:
    """Make `account` a member, or give a member another role. Raises LastOwner."""
    before = _locked_role(conn, shop, account)
    if before is not None:
        set_role(conn, shop, account, role)
        return
    put(conn, _members, [{"shop": shop, "account": account, "role": role, "created": now}])


def join(conn: Connection, shop: str, account: str, role: Role, now: int) -> None:
    """Make `account` a member; who is one already keeps the role they have."""
    if _locked_role(conn, shop, account) is None:
        put(conn, _members, [{"shop": shop, "account": account, "role": role, "created": now}])


def set_role(conn: Connection, shop: str, account: str, role: Role) -> bool:
    """Whether there is such a member. Raises LastOwner."""
    before = _locked_role(conn, shop, account)
    if before == "owner" and role != "owner":
        _keep_an_owner(conn, shop)
    return bool(conn.execute(update(_members).where(_one(shop, account)).values(role=role)).rowcount)


def remove(conn: Connection, shop: str, account: str) -> bool:
    """Whether there was such a member. Raises LastOwner."""
    if _locked_role(conn, shop, account) == "owner":
        _keep_an_owner(conn, shop)
    return bool(conn.execute(delete(_members).where(_one(shop, account))).rowcount)


def _locked_role(conn: Connection, shop: str, account: str) -> Role | None:
    """Two owners who remove one another come one after the other."""
    lock_shops(conn, [shop])
    return role_of(conn, shop, account)


def _keep_an_owner(conn: Connection, shop: str) -> None:
    owners = select(func.count()).where(_members.c.shop == shop, _members.c.role == "owner")
    if conn.execute(owners).scalar_one() < 2:
        raise LastOwner


def _one(shop: str, account: str) -> ColumnElement[bool]:
    return and_(_members.c.shop == shop, _members.c.account == account)
