"""The shop as a tenant of Atbalss. What its owner was told once is kept in the data folder, readable by nobody else."""

import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sqlalchemy import Connection

from widget_server.contract import saving
from widget_server.contract.sets import SETS
from widget_server.record import questions, shops
from widget_server.record.db import Database

NAME = "Mežmala"
DOMAINS = ("127.0.0.1", "localhost")
TIME_ZONE = "Europe/Riga"

_FILE = "demo-shop.json"


@dataclass(frozen=True, slots=True)
class Tenant:
    """The demo shop's keys, and whether its history was loaded."""

    id: str
    site_key: str
    api_key: str
    order_token_secret: str
    cookie_secret: str
    has_history: bool = False


def settle(database: Database, folder: Path) -> Tenant:
    """The demo shop of this data folder; it is made when there is none, or when the database doesn't know it."""
    kept = read(folder)
    with database.reading() as conn:
        if kept is not None and shops.by_site_key(conn, kept.site_key) is not None:
            return kept
    with database.writing() as conn:
        made = shops.create(conn, NAME, list(DOMAINS), TIME_ZONE)
        _set_up_questions(conn, made.id)
        tenant = Tenant(
            made.id, made.site_key, made.api_key, made.order_token_secret, secrets.token_urlsafe(32)
        )
        # Before the commit: without one, the next start sees that the database doesn't know these keys.
        _write(folder, tenant)
    return tenant


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
