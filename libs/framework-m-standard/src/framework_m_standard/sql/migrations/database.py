"""The database as Alembic needs it: a plain connection within a transaction, and one run of migrations at a time.

SQLite does not enforce foreign keys while tables are rewritten, because children would be deleted with the copied
parent; they are checked before the end of each transaction instead.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final, Protocol

import sqlalchemy as sa
from alembic.ddl.mysql import MariaDBImpl
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from framework_m_core.spi import ConfigurationError, MigrationError
from framework_m_standard.sql.engine.driver import Driver
from framework_m_standard.sql.engine.mariadb.column_types import drop_index
from framework_m_standard.sql.engine.mariadb.dialect import ensure_quotes
from framework_m_standard.sql.engine.row_codec import MARIADB
from framework_m_standard.sql.engine.sqlite_driver import SqliteDriver
from framework_m_standard.sql.schema.existing import read_with
from framework_m_standard.sql.schema.field_registry import list_kind_types
from framework_m_standard.sql.schema_mapper import MARIADB_LOCK, SCHEMA_LOCK
from framework_m_standard.sql.settings import SqlSettings

__all__ = ["MigrationDatabase", "Work", "choose_migration_database", "register_kinds"]

type Work[T] = Callable[[sa.Connection], T]

_log = logging.getLogger(__name__)
_BEGIN = {True: "BEGIN IMMEDIATE", False: "BEGIN"}
_BROKEN_LINKS = "PRAGMA foreign_key_check"
_WAITING = "another run of migrations is in progress: waiting for its end"


class MigrationDatabase(Protocol):
    """A database to migrate."""

    is_transactional: bool
    """Whether changes of the schema can be rolled back."""

    @property
    def engine(self) -> sa.Engine:
        """The engine, whose events show the statements."""
        ...

    async def work[T](self, work: Work[T], *, keep: bool = True) -> T:
        """Run work in a transaction, which is rolled back if the work raises or `keep` is False."""
        ...

    def hold_lock(self) -> Any:
        """Return a context that excludes other runs of migrations and, on a server, development's sync.

        The lock is released with the process, however it ends.
        """
        ...


def choose_migration_database(driver: Driver, settings: SqlSettings) -> MigrationDatabase:
    """Return the database of a driver. Raises ConfigurationError for an unsupported driver."""
    if isinstance(driver, SqliteDriver):
        return _SqliteDatabase(driver.path, settings)
    connect = getattr(driver, "connect", None)
    if driver.name not in _SERVERS or connect is None:
        raise ConfigurationError(
            f"expected a driver of SQLite, PostgreSQL or MariaDB for migrations, got {driver.name}"
        )
    return _SERVERS[driver.name](connect)


def register_kinds(engine: sa.Engine) -> sa.Engine:
    """Make a SQLite engine recognize the kinds of existing columns, and return it."""
    dialect: Any = engine.dialect
    dialect.ischema_names = {**dialect.ischema_names, **list_kind_types()}
    return engine


class _SqliteDatabase:
    is_transactional = True

    def __init__(self, path: Path, settings: SqlSettings) -> None:
        self._path = path
        self._timeout = settings.lock_timeout_seconds
        self.engine = register_kinds(sa.create_engine("sqlite://", creator=self._connect, poolclass=NullPool))
        event.listen(self.engine, "begin", _begin)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=self._timeout, isolation_level=None)

    async def work[T](self, work: Work[T], *, keep: bool = True) -> T:
        opened = self.engine.connect().execution_options(begin=_BEGIN[keep])
        with opened as connection, connection.begin() as transaction:
            result = work(connection)
            if keep:
                self._check_links(connection)
            else:
                transaction.rollback()
        return result

    def _check_links(self, connection: sa.Connection) -> None:
        """Raise MigrationError if this transaction broke links; another connection still sees the earlier state."""
        if not (after := _broken(connection.exec_driver_sql(_BROKEN_LINKS))):
            return
        with closing(self._connect()) as other:
            new = after - _broken(other.execute(_BROKEN_LINKS))
        for table, target in new:
            raise MigrationError(f"rows of {table} would link to missing rows of {target}")

    @asynccontextmanager
    async def hold_lock(self) -> AsyncIterator[None]:
        """Lock a file beside the database, so that patches can write to the database itself."""
        lock = sqlite3.connect(f"{self._path}-migrate", timeout=0, isolation_level=None)
        with closing(lock):
            warned = False
            while not _is_taken(lock):
                if not warned:
                    _log.warning(_WAITING)
                warned = True
                await asyncio.sleep(0.05)
            yield


def _begin(connection: sa.Connection) -> None:
    """Begin explicitly: Python's own transaction handling on SQLite would commit before each schema change."""
    connection.exec_driver_sql(connection.get_execution_options()["begin"])


def _broken(rows: Iterable[Any]) -> Counter[tuple[str, str]]:
    """Count the broken links by table and target; for tables clustered by key SQLite does not report the rows."""
    return Counter((table, target) for table, _, target, _ in rows)


def _is_taken(lock: sqlite3.Connection) -> bool:
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise MigrationError(f"cannot acquire the lock for migrations: {error}") from error
        return False
    return True


class _ServerDatabase:
    """A database whose driver makes connections for Alembic."""

    is_transactional = True
    _address = "postgresql+asyncpg://"

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._engine: AsyncEngine = create_async_engine(self._address, async_creator=connect, poolclass=NullPool)
        self.engine = self._engine.sync_engine

    async def work[T](self, work: Work[T], *, keep: bool = True) -> T:
        async with self._engine.connect() as connection, connection.begin() as transaction:
            result = await connection.run_sync(work)
            if not keep:
                await transaction.rollback()
        return result


class _PostgresDatabase(_ServerDatabase):
    @asynccontextmanager
    async def hold_lock(self) -> AsyncIterator[None]:
        """Hold an advisory lock on a separate connection."""
        connection = await self._connect()
        try:
            if not await connection.fetchval(f"SELECT pg_try_advisory_lock({SCHEMA_LOCK})"):
                _log.warning(_WAITING)
                await connection.execute("SET lock_timeout = 0")
                await connection.execute(f"SELECT pg_advisory_lock({SCHEMA_LOCK})")
            yield
        finally:
            await connection.close()


class _MariadbChanges(MariaDBImpl):
    """Alembic's changes, except that an index which a link needs is replaced."""

    __dialect__ = MARIADB

    def drop_index(self, index: sa.Index, **options: Any) -> None:
        """Drop an index of the framework or another."""
        bind, name, table = self.bind, str(index.name), index.table
        if bind is None or table is None:
            super().drop_index(index, **options)
            return
        links = read_with(bind).links_of(name)
        self._exec(sa.text(drop_index(self.dialect.identifier_preparer.quote, table.name, name, links)))


class _MariadbDatabase(_ServerDatabase):
    """Each change of the schema commits by itself, and with it what came before in the transaction."""

    is_transactional = False
    _address = "mariadb+asyncmy://"

    def __init__(self, connect: Callable[[], Any]) -> None:
        super().__init__(connect)
        ensure_quotes(self.engine.dialect)
        event.listen(self.engine, "before_cursor_execute", _unescape, retval=True)

    @asynccontextmanager
    async def hold_lock(self) -> AsyncIterator[None]:
        """Hold a lock of a name on a separate connection."""
        connection = await self._connect()
        try:
            if not await _fetch_value(connection, MARIADB_LOCK.replace("86400", "0")):
                _log.warning(_WAITING)
                while not await _fetch_value(connection, MARIADB_LOCK):
                    pass
            yield
        finally:
            await connection.ensure_closed()


def _unescape(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> tuple[str, Any]:
    """Undo the doubling of `%` in text that SQLAlchemy has made, which the driver undoes only beside parameters."""
    made = getattr(context, "compiled", None) is not None
    return (statement.replace("%%", "%") if made and not parameters else statement), parameters


async def _fetch_value(connection: Any, sql: str) -> Any:
    async with connection.cursor() as cursor:
        await cursor.execute(sql)
        return (await cursor.fetchone())[0]


_SERVERS: Final[Mapping[str, type[_PostgresDatabase] | type[_MariadbDatabase]]] = {
    "postgresql": _PostgresDatabase,
    MARIADB: _MariadbDatabase,
}
