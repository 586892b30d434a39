"""Shops, the tenants: their names, domains, time zone, order token secret (sealed) and looks of the snippet."""

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
from sqlalchemy import BigInteger, Boolean, Column, Connection, Row, Table, Text, select

from widget_server.contract.shop import Shop
from widget_server.contract.times import zone

from . import keys, questions
from .db import Key, among, metadata, sealer

_shops = Table(
    "shops",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Key, nullable=False),
    Column("site_key", Text, nullable=False, unique=True),
    Column("domains", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("order_token_secret", Text, nullable=False),
    Column("widget", Text, nullable=False),
    # A new word with each change of its rules, none before the first: who has read the rules knows whether they still hold.
    Column("rules", Key, nullable=False),
    # Whether its owner has gone through the first steps, or has left them out.
    Column("is_set_up", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
)


SAMPLE = "shop_sample"
"""The one shop that belongs to nobody: it has no API key, its site key is known to nobody, and `by_site_key` never
finds it, so that nothing from outside gets into it."""


@dataclass(frozen=True, slots=True)
class NewShop:
    """What is told once, when a shop is created."""

    id: str
    name: str
    site_key: str
    api_key: str
    order_token_secret: str


def create(conn: Connection, name: str, domains: str | list[str], time_zone: str = "UTC") -> NewShop:
    """A new shop with its keys and its first two questions. Raises ValueError for a time zone or a domain
    that is none."""
    zone(time_zone)
    hosts = [_host(domain) for domain in ([domains] if isinstance(domains, str) else domains)]
    made = f"shop_{secrets.token_hex(8)}"
    site_key, secret = _insert(conn, made, name, hosts, time_zone)
    questions.create_first(conn, made)
    return NewShop(made, name, site_key, keys.create(conn, made, "first"), secret)


def create_sample(conn: Connection, name: str, time_zone: str) -> None:
    """The sample shop, without questions."""
    _insert(conn, SAMPLE, name, ["sample.example"], time_zone)
    set_up(conn, SAMPLE)


def _insert(conn: Connection, made: str, name: str, hosts: Sequence[str], time_zone: str) -> tuple[str, str]:
    """A row; its site key and order token secret."""
    secret = f"ots_{keys.random_word(43)}"
    site_key = f"pk_{keys.random_word(20)}"
    conn.execute(
        _shops.insert().values(
            id=made, name=name, site_key=site_key, time_zone=time_zone, created=int(time.time() * 1000),
            domains=orjson.dumps(list(hosts)).decode(), widget="{}", rules="", is_set_up=False,
            order_token_secret=sealer(conn).seal(secret, _place(made)),
        )
    )  # fmt: skip
    return site_key, secret


def by_site_key(conn: Connection, site_key: str) -> Shop | None:
    """The shop whose public key this is; the sample shop has none."""
    wanted = select(_shops).where(_shops.c.site_key == site_key, _shops.c.id != SAMPLE)
    return _one(conn, conn.execute(wanted).one_or_none())


def by_id(conn: Connection, shop: str) -> Shop | None:
    """The shop with this id."""
    return _one(conn, conn.execute(select(_shops).where(_shops.c.id == shop)).one_or_none())


def every(conn: Connection) -> list[Shop]:
    """All shops, oldest first."""
    rows = conn.execute(select(_shops).order_by(_shops.c.created, _shops.c.id)).all()
    return [shop for row in rows if (shop := _one(conn, row)) is not None]


def names(conn: Connection, ids: Iterable[str]) -> dict[str, str]:
    """What the shops with these ids are called."""
    wanted = select(_shops.c.id, _shops.c.name).where(among(conn, _shops.c.id, ids))
    return {row.id: row.name for row in conn.execute(wanted).all()}


def set_time_zone(conn: Connection, shop: str, time_zone: str) -> None:
    """Days are cut elsewhere from now on; the counters must be rebuilt in the same transaction."""
    zone(time_zone)
    conn.execute(_shops.update().where(_shops.c.id == shop).values(time_zone=time_zone))


def set_name(conn: Connection, shop: str, name: str) -> None:
    """What the shop is called from now on."""
    conn.execute(_shops.update().where(_shops.c.id == shop).values(name=name))


def set_up(conn: Connection, shop: str) -> None:
    """Its owner needs the first steps no more."""
    conn.execute(_shops.update().where(_shops.c.id == shop).values(is_set_up=True))


def set_widget(conn: Connection, shop: str, widget: Mapping[str, Any]) -> None:
    """What the owner wants of the snippet's looks and manners, in place of all that was set before."""
    conn.execute(_shops.update().where(_shops.c.id == shop).values(widget=orjson.dumps(dict(widget)).decode()))


def set_domains(conn: Connection, shop: str, hosts: Sequence[str]) -> None:
    """The hosts on whose pages the snippet may ask, in place of those before."""
    conn.execute(_shops.update().where(_shops.c.id == shop).values(domains=orjson.dumps(list(hosts)).decode()))


def rules_changed(conn: Connection, shop: str) -> None:
    """Whoever has read the shop's rules has to read them again."""
    conn.execute(_shops.update().where(_shops.c.id == shop).values(rules=secrets.token_hex(8)))


def _host(domain: str) -> str:
    """The host (and port, where one is named) of a domain or of an address that was pasted whole."""
    bare = domain.strip().lower()
    parts = urlsplit(bare if "://" in bare else f"//{bare}")
    if not parts.hostname or any(c.isspace() for c in parts.netloc):
        raise ValueError(f'"{domain}" is no domain; write one like shop.example')
    return parts.netloc.rpartition("@")[2]


def _one(conn: Connection, row: Row[tuple[object, ...]] | None) -> Shop | None:
    if row is None:
        return None
    return Shop(
        id=row.id, name=row.name, site_key=row.site_key, domains=tuple(orjson.loads(row.domains)),
        time_zone=row.time_zone, order_token_secret=sealer(conn).open(row.order_token_secret, _place(row.id)),
        questions=questions.of_shop(conn, row.id), widget=orjson.loads(row.widget),
        customer_key=sealer(conn).key_for(f"shops/customers/{row.id}"), rules=row.rules,
        is_set_up=row.is_set_up,
    )  # fmt: skip


def _place(shop: str) -> str:
    return f"shops/order_token_secret/{shop}"
