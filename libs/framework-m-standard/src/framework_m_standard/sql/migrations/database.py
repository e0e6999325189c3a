"""The database as Alembic needs it: a plain connection within a transaction, and one run of migrations at a time.

SQLite does not enforce foreign keys while tables are rewritten, because children would be deleted with the copied
parent; they are checked before the end of each transaction instead.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from framework_m_core.domain.errors import ConfigurationError, MigrationError
from framework_m_standard.sql.engine.driver import Driver
from framework_m_standard.sql.engine.sqlite_driver import SqliteDriver
from framework_m_standard.sql.schema.field_registry import kind_types
from framework_m_standard.sql.schema.mapper import SCHEMA_LOCK
from framework_m_standard.sql.settings import SqlSettings

__all__ = ["MigrationDatabase", "Work", "knowing_kinds", "migration_database"]

type Work[T] = Callable[[sa.Connection], T]

_log = logging.getLogger(__name__)
_BEGIN = {True: "BEGIN IMMEDIATE", False: "BEGIN"}
_BROKEN_LINKS = "PRAGMA foreign_key_check"
_WAITING = "another run of migrations is in progress: waiting for its end"


class MigrationDatabase(Protocol):
    """A database to migrate."""

    @property
    def engine(self) -> sa.Engine:
        """The engine, whose events show the statements."""
        ...

    async def work[T](self, work: Work[T], *, keep: bool = True) -> T:
        """Run work in a transaction, which is rolled back if the work raises or `keep` is False."""
        ...

    def locked(self) -> Any:
        """Return a context that excludes other runs of migrations and, on PostgreSQL, development's sync.

        The lock is released with the process, however it ends.
        """
        ...


def migration_database(driver: Driver, settings: SqlSettings) -> MigrationDatabase:
    """Return the database of a driver. Raises ConfigurationError for an unsupported driver."""
    if isinstance(driver, SqliteDriver):
        return _SqliteDatabase(driver.path, settings)
    dedicated = getattr(driver, "dedicated", None)
    if driver.name != "postgresql" or dedicated is None:
        raise ConfigurationError(f"expected a driver of SQLite or PostgreSQL for migrations, got {driver.name}")
    return _PostgresDatabase(dedicated)


def knowing_kinds(engine: sa.Engine) -> sa.Engine:
    """Make a SQLite engine recognize the kinds of existing columns, and return it."""
    dialect: Any = engine.dialect
    dialect.ischema_names = {**dialect.ischema_names, **kind_types()}
    return engine


class _SqliteDatabase:
    def __init__(self, path: Path, settings: SqlSettings) -> None:
        self._path = path
        self._timeout = settings.lock_timeout_seconds
        self.engine = knowing_kinds(sa.create_engine("sqlite://", creator=self._connect, poolclass=NullPool))
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
    async def locked(self) -> AsyncIterator[None]:
        """Lock a file beside the database, so that patches can write to the database itself."""
        lock = sqlite3.connect(f"{self._path}-migrate", timeout=0, isolation_level=None)
        with closing(lock):
            told = False
            while not _is_taken(lock):
                if not told:
                    _log.warning(_WAITING)
                told = True
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


class _PostgresDatabase:
    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://", async_creator=connect, poolclass=NullPool
        )
        self.engine = self._engine.sync_engine

    async def work[T](self, work: Work[T], *, keep: bool = True) -> T:
        async with self._engine.connect() as connection, connection.begin() as transaction:
            result = await connection.run_sync(work)
            if not keep:
                await transaction.rollback()
        return result

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
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
