"""Customers of shops, as their platforms and their orders tell them: pseudonyms, never an address.

Of an erased customer a row is left under a tombstone, which a reference leads to and not the other way. It tells until
when all that was ever said is erased, so that what arrives late does not bring it back.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import BigInteger, Column, Connection, Index, Row, Table, Text, delete, select

from widget_server.contract import customer as customers_of
from widget_server.contract.answer import Register, Stamp, dump_registers, load_registers
from widget_server.contract.customer import Customer, Profile
from widget_server.contract.order import GUEST, pseudonym, tombstone
from widget_server.contract.shop import Shop

from .db import Key, among, metadata, put
from .taking import Taken

__all__ = ["Customer", "apply", "born_on", "erased_until", "load", "ordered", "same_person", "silent_since", "written"]

_customers = Table(
    "customers",
    metadata,
    Column("shop", Key, primary_key=True),
    Column("ref", Key, primary_key=True),
    Column("email", Key),
    Column("birthday", Text),
    Column("birthday_since", BigInteger),
    # The day of it, MM-DD.
    Column("born", Key),
    Column("language", Text),
    Column("segments", Text),
    Column("last_order_at", BigInteger),
    Column("last_order", Key),
    Column("erased_at", BigInteger),
    Column("state", Text),
)
# A birthday is the platform's to tell, and the e-mail is a keyed hash that says nothing outside.
taken = Taken(
    _customers, ("ref",), ("ref", "language", "segments", "last_order_at", "last_order", "erased_at"),
    left=("email", "birthday", "birthday_since", "born", "state"),
)  # fmt: skip
Index(
    "customers_by_email", _customers.c.shop, _customers.c.email,
    sqlite_where=_customers.c.email.is_not(None), postgresql_where=_customers.c.email.is_not(None),
)  # fmt: skip
Index(
    "customers_born", _customers.c.shop, _customers.c.born, _customers.c.ref,
    sqlite_where=_customers.c.born.is_not(None), postgresql_where=_customers.c.born.is_not(None),
)  # fmt: skip
Index(
    "customers_by_last_order", _customers.c.shop, _customers.c.last_order_at,
    sqlite_where=_customers.c.last_order_at.is_not(None), postgresql_where=_customers.c.last_order_at.is_not(None),
)  # fmt: skip


def apply(conn: Connection, shop: Shop, events: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Fold `customer.updated` and `customer.erased`. Returns the customers whose erasure is news, and until when (ms)
    what was said of them is erased.

    Whoever is erased is erased as a guest too, under every e-mail address that the platform told of the account, and
    under the pseudonyms that order tokens and files give them.
    """
    about: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for event in events:
        about[event["customer"]["ref"]].append(event)
    if not about:
        return {}
    profiles = _profiles(conn, shop.id, about)
    before = erased_until(conn, shop, about)
    until, others = dict(before), []
    for ref, told in about.items():
        profile, hashes = profiles.get(ref, Profile()), set()
        for event in told:
            if event["type"] != "customer.erased":
                profile = customers_of.merged(profile, event)
                continue
            until[ref] = max(until.get(ref, 0), customers_of.stamp_of(event).at)
            hashes.add(event["customer"].get("email"))
        if ref in until:
            heard = profile.heard.get("email", {})
            hashes |= {email for email, times in heard.items() if times[0] <= until[ref]}
            others += [(name, until[ref]) for name in _other_names(shop, ref, hashes - {None})]
            profile = customers_of.without(profile, until[ref])
        profiles[ref] = profile
    before |= erased_until(conn, shop, (name for name, _ in others))
    for name, at in others:
        until[name] = max(until.get(name, before.get(name, 0)), at)
    news = {ref: at for ref, at in until.items() if at > before.get(ref, -1)}
    put(conn, _customers, [_row(shop.id, ref, profiles[ref]) for ref in about])
    put(conn, _customers, [{"shop": shop.id, "ref": tombstone(shop.customer_key, ref), "erased_at": at} for ref, at in news.items()])
    _forget_empty(conn, shop.id, [ref for ref in about if not profiles[ref].registers])
    return news


def erased_until(conn: Connection, shop: Shop, refs: Iterable[str]) -> dict[str, int]:
    """Until when (ms) all that was said of those of `refs` who were erased is erased."""
    stones = {tombstone(shop.customer_key, ref): ref for ref in refs}
    if not stones:
        return {}
    c = _customers.c
    rows = conn.execute(select(c.ref, c.erased_at).where(c.shop == shop.id, among(conn, c.ref, stones)))
    return {stones[row.ref]: row.erased_at for row in rows}


def written(conn: Connection, shop: str, refs: Iterable[str]) -> dict[str, list[Stamp]]:
    """Who last wrote each field of those of `refs` who are known."""
    profiles = _profiles(conn, shop, refs)
    return {ref: [register.stamp for register in profile.registers.values()] for ref, profile in profiles.items()}


def ordered(conn: Connection, shop: str, last: Mapping[str, tuple[int, str] | None]) -> None:
    """Keep when each customer last ordered (ms), and which order that was; None when there is no such order any more."""
    rows = []
    for ref, found in last.items():
        at, order = (None, None) if found is None else found
        rows.append({"shop": shop, "ref": ref, "last_order_at": at, "last_order": order})
    put(conn, _customers, rows)
    _forget_empty(conn, shop, [ref for ref, found in last.items() if found is None])


def load(conn: Connection, shop: str, refs: Iterable[str]) -> dict[str, Customer]:
    """The customers among `refs` of whom something is known."""
    wanted = list(refs)
    if not wanted:
        return {}
    c = _customers.c
    rows = conn.execute(select(_customers).where(c.shop == shop, among(conn, c.ref, wanted)))
    return {row.ref: _customer(row) for row in rows}


def born_on(conn: Connection, shop: str, month_day: str, limit: int, after: str = "") -> list[Customer]:
    """Whose birthday is on `month_day` (MM-DD), by reference; `after` is the last reference of the page before."""
    c = _customers.c
    chosen = select(_customers).where(c.shop == shop, c.born == month_day, c.ref > after)
    return [_customer(row) for row in conn.execute(chosen.order_by(c.ref).limit(limit))]


def silent_since(
    conn: Connection, shop: str, before: int, after: int, limit: int, after_ref: str = ""
) -> list[Customer]:
    """Whose last order was placed in (`after`, `before`] (ms), by reference; `after_ref` is the last of the page before."""
    c = _customers.c
    chosen = select(_customers).where(
        c.shop == shop, c.last_order_at > after, c.last_order_at <= before, c.ref > after_ref
    )
    return [_customer(row) for row in conn.execute(chosen.order_by(c.ref).limit(limit))]


def same_person(conn: Connection, shop: str, ref: str) -> tuple[str, ...]:
    """`ref` itself, then by what else the same person goes: accounts with the same e-mail address, and its guest."""
    c = _customers.c
    if ref.startswith(GUEST):
        email: str | None = ref.removeprefix(GUEST)
    else:
        email = conn.execute(select(c.email).where(c.shop == shop, c.ref == ref)).scalar()
    if email is None:
        return (ref,)
    accounts = conn.execute(select(c.ref).where(c.shop == shop, c.email == email).order_by(c.ref)).scalars()
    return tuple(dict.fromkeys([ref, f"{GUEST}{email}", *accounts]))


def _customer(row: Row[Any]) -> Customer:
    profile = Profile() if row.state is None else _profile(row.state)
    return Customer(
        ref=row.ref, email=row.email, birthday=row.birthday, birthday_since=row.birthday_since,
        language=row.language, segments=tuple(row.segments.split()) if row.segments else (),
        last_order_at=row.last_order_at, last_order=row.last_order, erased=row.erased_at is not None,
        past=profile.past, emails=tuple(sorted(profile.heard.get("email", {}))),
    )  # fmt: skip


def _profiles(conn: Connection, shop: str, refs: Iterable[str]) -> dict[str, Profile]:
    c = _customers.c
    chosen = select(c.ref, c.state).where(c.shop == shop, among(conn, c.ref, refs), c.state.is_not(None))
    return {row.ref: _profile(row.state) for row in conn.execute(chosen)}


def _profile(text: str) -> Profile:
    state = orjson.loads(text)
    past = tuple(Register(Stamp(at, event), value) for at, event, value in state["p"])
    return Profile(load_registers(state["r"]), state["f"], past)


def _row(shop: str, ref: str, profile: Profile) -> dict[str, Any]:
    birthday, segments = profile.get("birthday"), profile.get("segments")
    past = [[*said.stamp, said.value] for said in profile.past]
    state = {"r": dump_registers(profile.registers), "f": profile.heard, "p": past}
    return {
        "shop": shop, "ref": ref, "email": profile.get("email"), "birthday": birthday,
        "birthday_since": profile.birthday_since, "born": None if birthday is None else birthday[-5:],
        "language": profile.get("language"), "segments": None if segments is None else " ".join(segments),
        "state": orjson.dumps(state).decode() if profile.registers else None,
    }  # fmt: skip


def _other_names(shop: Shop, ref: str, emails: Iterable[str]) -> set[str]:
    guest = ref.removeprefix(GUEST) if ref.startswith(GUEST) else pseudonym(shop.customer_key, ref)
    return {guest, *(name for email in emails for name in (email, GUEST + email))}


def _forget_empty(conn: Connection, shop: str, refs: Iterable[str]) -> None:
    wanted = list(refs)
    if wanted:
        c = _customers.c
        empty = (c.state.is_(None), c.last_order_at.is_(None), c.erased_at.is_(None))
        conn.execute(delete(_customers).where(c.shop == shop, among(conn, c.ref, wanted), *empty))
