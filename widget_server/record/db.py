"""The database: one writer engine, one reader engine, and the few statements that SQLite and PostgreSQL word differently.

Writers are serialised per shop (`lock_shops`); on SQLite every writer begins IMMEDIATE, because a read that turns into
a write inside a deferred transaction fails at once instead of waiting (https://www.sqlite.org/rescode.html#busy_snapshot).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    Table,
    Text,
    bindparam,
    cast,
    column,
    create_engine,
    event,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from .sealing import Sealer

metadata = MetaData()

# Texts that are sorted or compared sort by code point everywhere, as Python does, so that cursors agree.
Key = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # NORMAL lost 3,054 of 88,746 committed rows under simulated power cuts
    "PRAGMA busy_timeout=10000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-32000",
)
# Whatever is read here reads few rows: to start helpers or to compile for it took ten times as long as the reading.
_POSTGRES_SETTINGS = ("SET max_parallel_workers_per_gather = 0", "SET jit = off")


# https://www.postgresql.org/docs/18/errcodes-appendix.html: no connection, read-only standby, idle too long, rolled
# back, out of resources, in use, operator, system; and no such table or column, as before a migration.
_PASSING_STATES = ("08", "25006", "25P03", "40", "53", "55", "57", "58", "42P01", "42703")
# https://www.sqlite.org/rescode.html: PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN, PROTOCOL, SCHEMA
_PASSING_CODES = (3, 5, 6, 7, 8, 10, 13, 14, 15, 17)


class OtherTables(Exception):
    """The tables are those of another version. The message is one sentence."""


class Database:
    """Opens `url` (sqlite:///FILE or postgresql://...). `secret_key` opens what is sealed in it."""

    def __init__(self, url: str, secret_key: str = "") -> None:
        self.url = _driver_url(url)
        self.dialect = self.url.get_backend_name()
        options = {"sealer": Sealer(secret_key)}
        self._writer = self._engine(begin="BEGIN IMMEDIATE").execution_options(**options)
        self._reader = self._engine(begin="BEGIN", read_only=True).execution_options(**options)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction: committed when the block ends, rolled back when it raises."""
        with self._writer.begin() as conn:
            yield conn

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot: every statement in the block sees the same state. Writing is refused by the database."""
        with self._reader.connect() as conn, conn.begin():
            yield conn

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()

    def migrate(self) -> None:
        """Bring the tables to the newest form. Safe when several processes start at once. Raises OtherTables."""
        with self._writer.begin() as conn:
            if self.dialect == "postgresql":
                conn.execute(text("SELECT pg_advisory_xact_lock(7226001)"))
            config = _alembic_config()
            config.attributes["connection"] = conn
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                # Those of a newer version, which has steps that we don't know.
                raise OtherTables("The tables of the database are those of a newer version of Atbalss.") from error
            lacks = _lacking(conn)
            if lacks:
                raise OtherTables(f"The tables of the database are those of another version of Atbalss: there is no {lacks}.")

    def is_migrated(self) -> bool:
        """Whether the tables have the form this version needs."""
        with self._reader.connect() as conn:
            current = MigrationContext.configure(conn).get_current_heads()
        return set(current) == set(ScriptDirectory.from_config(_alembic_config()).get_heads())

    def _engine(self, begin: str, read_only: bool = False) -> Engine:
        if self.dialect == "sqlite":
            return _sqlite_engine(self.url, begin, read_only)
        engine = create_engine(
            self.url,
            hide_parameters=True,  # what shoppers wrote must not get into logs by way of an error
            pool_pre_ping=True,
            pool_size=8,
            max_overflow=8,
            connect_args={"connect_timeout": 5, "keepalives_idle": 10, "application_name": "atbalss"},
        )
        event.listen(engine, "connect", _set_up_postgres)
        if read_only:
            engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return engine


def _lacking(conn: Connection) -> str:
    """A table, or a column of one, that this version needs and that isn't there; empty when all is."""
    there = {table: {column["name"] for column in columns} for (_, table), columns in inspect(conn).get_multi_columns().items()}
    for table in metadata.sorted_tables:
        if table.name not in there:
            return table.name
        lacks = [column.name for column in table.columns if column.name not in there[table.name]]
        if lacks:
            return f"{table.name}.{lacks[0]}"
    return ""


def is_passing(error: Exception) -> bool:
    """Whether the database was away, busy, full or not migrated, so that the same work may succeed later unchanged.

    The drivers' own classes don't tell: they call it "operational" too when a row is too big, which waiting never cures.
    """
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str):
        return state.startswith(_PASSING_STATES)
    code = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(code, int):
        return code & 0xFF in _PASSING_CODES or "no such " in str(error.orig)
    # PostgreSQL's driver names no state when it did not reach the server.
    return isinstance(error, OperationalError)


def sealer(conn: Connection) -> Sealer:
    """The sealer of the database that `conn` belongs to."""
    found = conn.get_execution_options()["sealer"]
    assert isinstance(found, Sealer)
    return found


def lock_shops(conn: Connection, shops: Iterable[str]) -> None:
    """Let no other batch of these shops run until this transaction ends.

    Taken in sorted order, so that two batches cannot wait for each other. On SQLite the write lock is the lock.
    """
    if conn.dialect.name != "postgresql":
        return
    for shop in sorted(set(shops)):
        number = int.from_bytes(hashlib.blake2b(shop.encode(), digest_size=8).digest(), "big", signed=True)
        conn.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def insert_ignore(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`; those whose key is already there are left as they are."""
    if rows:
        _run(conn, _insert_ignore(conn.dialect.name, table, tuple(rows[0])), rows)


def put(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, or overwrite every column named in them where the primary key is already there."""
    if rows:
        _run(conn, _put(conn.dialect.name, table, tuple(rows[0])), rows)


def add_up(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], amount: str) -> None:
    """Insert `rows`, adding `amount` to what stands under the same primary key. No key may come twice."""
    if not rows:
        return
    # Two writers that take row locks in the same order cannot wait for each other.
    keys = tuple(c.name for c in table.primary_key)
    ordered = sorted(rows, key=itemgetter(*keys))
    _run(conn, _add_up(conn.dialect.name, table, tuple(rows[0]), amount), ordered)


def among(conn: Connection, column: ColumnElement[str], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether `column` is one of `values`, however many."""
    return column.in_(select(listed(conn, values)))


def listed(conn: Connection, values: Iterable[str]) -> ColumnElement[str]:
    """`values` as a column to select from: they travel as one JSON array, so the statement stays the same however many
    they are."""
    given = bindparam(None, orjson.dumps(list(values)).decode(), type_=Text)
    if conn.dialect.name == "postgresql":
        rows = func.json_array_elements_text(cast(given, postgresql.JSON)).table_valued(column("value", Text))
    else:
        rows = func.json_each(given).table_valued(column("value", Text))
    found: ColumnElement[str] = rows.c.value
    return found


def gathered(conn: Connection, column: ColumnElement[str]) -> ColumnElement[str | None]:
    """All values of `column`, in the order of the rows, as one JSON array; None or an empty one without any."""
    if conn.dialect.name == "postgresql":
        return cast(func.json_agg(column), Text)
    return func.json_group_array(column, type_=Text)


@dataclass(frozen=True)
class _Rows:
    """A statement for any number of rows. For SQLite also its text and the order of its variables."""

    statement: Any
    text: str = ""
    names: tuple[str, ...] = ()


@cache
def _insert_ignore(dialect: str, table: Table, names: tuple[str, ...]) -> _Rows:
    return _compiled(dialect, _insert(dialect, table, names).on_conflict_do_nothing())


@cache
def _put(dialect: str, table: Table, names: tuple[str, ...]) -> _Rows:
    keys = [c.name for c in table.primary_key]
    statement = _insert(dialect, table, names)
    others = {name: statement.excluded[name] for name in names if name not in keys}
    return _compiled(dialect, statement.on_conflict_do_update(index_elements=keys, set_=others))


@cache
def _add_up(dialect: str, table: Table, names: tuple[str, ...], amount: str) -> _Rows:
    keys = [c.name for c in table.primary_key]
    statement = _insert(dialect, table, names)
    total = table.c[amount] + statement.excluded[amount]
    return _compiled(dialect, statement.on_conflict_do_update(index_elements=keys, set_={amount: total}))


def _insert(dialect: str, table: Table, names: tuple[str, ...]) -> Any:
    """An insert of many rows whose text does not depend on how many.

    On PostgreSQL they travel as one JSON array, which the driver and the server handle far quicker than an array of
    texts for each column.
    """
    if dialect == "sqlite":
        return sqlite.insert(table).values({name: bindparam(name, type_=table.c[name].type) for name in names})
    given = cast(bindparam("rows", type_=Text), postgresql.JSON)
    columns = [column(name, table.c[name].type) for name in names]
    rows = func.json_to_recordset(given).table_valued(*columns, name="given").render_derived(with_types=True)
    return postgresql.insert(table).from_select(list(names), select(*(rows.c[name] for name in names)))


def _compiled(dialect: str, statement: Any) -> _Rows:
    if dialect != "sqlite":
        return _Rows(statement)
    compiled = statement.compile(dialect=sqlite.dialect())
    return _Rows(statement, str(compiled), tuple(compiled.positiontup))


def _run(conn: Connection, made: _Rows, rows: Sequence[Mapping[str, Any]]) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(made.statement, {"rows": orjson.dumps(list(rows)).decode()})
    else:
        # Straight to the driver: handling each value once more cost more than SQLite itself.
        conn.exec_driver_sql(made.text, [itemgetter(*made.names)(row) for row in rows])


def _driver_url(url: str) -> URL:
    made = make_url(url)
    if made.drivername in ("postgres", "postgresql"):
        made = made.set(drivername="postgresql+psycopg")
    return made


def _sqlite_engine(url: URL, begin: str, read_only: bool) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, connect_args={"isolation_level": None, "check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def _set_up(dbapi_connection: Any, _record: Any) -> None:
        for pragma in _SQLITE_PRAGMAS:
            dbapi_connection.execute(pragma)
        if read_only:
            dbapi_connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql(begin)

    return engine


def _set_up_postgres(dbapi_connection: Any, _record: Any) -> None:
    # Not among the connection's options: poolers refuse what they don't know there.
    for setting in _POSTGRES_SETTINGS:
        dbapi_connection.execute(setting)
    dbapi_connection.commit()


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
