"""The database as Alembic needs it: a plain connection within a transaction, and one run of migrations at a time.

Foreign keys are not enforced on SQLite while tables are rewritten, else children would go with the copied parent;
they are checked before the end of each transaction instead.
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
_WAITING = "another run of migrations is at work: waiting for its end"


class MigrationDatabase(Protocol):
    """One database."""

    @property
    def engine(self) -> sa.Engine:
        """Where statements can be listened to."""
        ...

    async def work[T](self, work: Work[T], *, keep: bool = True) -> T:
        """Does work in a transaction, which is undone when the work raises, or is not to be kept."""
        ...

    def locked(self) -> Any:
        """A context in which no other run of migrations is at work, on PostgreSQL nor development's sync.

        The lock goes with the process, however it ends.
        """
        ...


def migration_database(driver: Driver, settings: SqlSettings) -> MigrationDatabase:
    """The database of a driver. Raises ConfigurationError for a driver that migrations do not know."""
    if isinstance(driver, SqliteDriver):
        return _SqliteDatabase(driver.path, settings)
    dedicated = getattr(driver, "dedicated", None)
    if driver.name != "postgresql" or dedicated is None:
        raise ConfigurationError(f"migrations know SQLite and PostgreSQL, the driver is for {driver.name}")
    return _PostgresDatabase(dedicated)


def knowing_kinds(engine: sa.Engine) -> sa.Engine:
    """An engine of SQLite that tells the kinds of the columns it finds."""
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
        """Tells of rows that link to nothing and did not do so before, as another connection still sees it."""
        if not (after := _broken(connection.exec_driver_sql(_BROKEN_LINKS))):
            return
        with closing(self._connect()) as other:
            new = after - _broken(other.execute(_BROKEN_LINKS))
        for table, target in new:
            raise MigrationError(f"rows of {table} would link to rows of {target} that are not there")

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """By a file beside the database, so that patches can write to the database itself meanwhile."""
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
    """Python's own handling of transactions on SQLite would end them before each change of the schema."""
    connection.exec_driver_sql(connection.get_execution_options()["begin"])


def _broken(rows: Iterable[Any]) -> Counter[tuple[str, str]]:
    """How many rows of a table link to nothing in another; tables clustered by their key do not tell which."""
    return Counter((table, target) for table, _, target, _ in rows)


def _is_taken(lock: sqlite3.Connection) -> bool:
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise MigrationError(f"the lock for migrations cannot be taken: {error}") from error
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
        """By an advisory lock of a connection of its own."""
        connection = await self._connect()
        try:
            if not await connection.fetchval(f"SELECT pg_try_advisory_lock({SCHEMA_LOCK})"):
                _log.warning(_WAITING)
                await connection.execute("SET lock_timeout = 0")
                await connection.execute(f"SELECT pg_advisory_lock({SCHEMA_LOCK})")
            yield
        finally:
            await connection.close()
