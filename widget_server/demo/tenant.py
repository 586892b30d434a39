"""The shop as a tenant of Atbalss. What its owner was told once is kept in the data folder, readable by nobody else."""

import json
import os
import secrets
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sqlalchemy import Connection

from widget_server.contract import passwords, saving
from widget_server.contract.sets import SETS
from widget_server.record import accounts, keys, members, questions, shops
from widget_server.record.db import Database

NAME = "Mežmala"
DOMAINS = ("127.0.0.1", "localhost")
TIME_ZONE = "Europe/Riga"
OWNER = "owner@mezmala.example"
OWNER_NAME = "Ieva"

_FILE = "demo-shop.json"


@dataclass(frozen=True, slots=True)
class Tenant:
    """The demo shop's keys, whether its history was loaded, and how its owner signs in."""

    id: str
    site_key: str
    api_key: str
    order_token_secret: str
    cookie_secret: str
    has_history: bool = False
    owner: str = ""
    password: str = ""


def settle(database: Database, folder: Path) -> Tenant:
    """The demo shop of this data folder; it is made when there is none, or when the database doesn't know it."""
    kept = read(folder)
    with database.reading() as conn:
        is_known = kept is not None and shops.by_site_key(conn, kept.site_key) is not None
        if kept is not None and is_known and kept.password and accounts.by_email(conn, OWNER) is not None:
            return kept
    with database.writing() as conn:
        tenant = _with_owner(conn, kept if kept is not None and is_known else _new_shop(conn))
        # Before the commit: without one, the next start sees that the database doesn't know these keys.
        _write(folder, tenant)
    return tenant


def _new_shop(conn: Connection) -> Tenant:
    made = shops.create(conn, NAME, list(DOMAINS), TIME_ZONE)
    _set_up_questions(conn, made.id)
    shops.set_up(conn, made.id)
    return Tenant(made.id, made.site_key, made.api_key, made.order_token_secret, secrets.token_urlsafe(32))


def _with_owner(conn: Connection, tenant: Tenant) -> Tenant:
    """The shop has an owner who can sign in with this password."""
    password = "-".join(keys.random_word(4).lower() for _ in range(4))
    kept, now = passwords.hashed(password), int(time.time() * 1000)
    account = accounts.by_email(conn, OWNER)
    if account is None:
        account = accounts.create(conn, OWNER, OWNER_NAME, "", kept, now)
    else:
        accounts.set_password(conn, account.id, kept)
    members.add(conn, tenant.id, account.id, "owner", now)
    return replace(tenant, owner=OWNER, password=password)


def _set_up_questions(conn: Connection, shop: str) -> None:
    """Whoever tries the shop is asked after each search, not one of three, and by one question more."""
    questions.change(conn, shop, "search-found", lambda old: saving.changed(old, {"settings": {"sample": 100}}))
    questions.create(conn, shop, SETS["product-info"].question())


def read(folder: Path) -> Tenant | None:
    """What is kept in the folder; None when there is nothing that can be used."""
    try:
        return Tenant(**json.loads((folder / _FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def note_history(folder: Path, tenant: Tenant) -> None:
    """From now on the history is known to be loaded."""
    _write(folder, replace(tenant, has_history=True))


def _write(folder: Path, tenant: Tenant) -> None:
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{_FILE}-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(tenant), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(folder / _FILE)
