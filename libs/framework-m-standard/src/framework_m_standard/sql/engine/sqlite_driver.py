"""SQLite through the standard library's module, called on the loop's thread.

One writer behind an asyncio lock, readers apart, write-ahead log. Point reads take less time than a hop to another
thread; what may run long goes to a reader's thread.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.engine import Dialect

from framework_m_core.domain.errors import ConfigurationError, TransientError
from framework_m_core.services.runtime.shield import run_shielded
from framework_m_standard.sql.engine.error_translation import AWAY, translated_sqlite
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.statements.compiled import Statement

__all__ = ["SqliteDriver"]

_HEAVY_READERS = 2
_PROGRESS_STEPS = 20_000


class SqliteDriver:
    """Connections to one database file."""

    name = "sqlite"
    single_statement_writes = False
    nested_rows = False

    def __init__(self, path: Path, settings: SqlSettings) -> None:
        self.dialect: Dialect = pysqlite.dialect()
        self.path = path
        self._settings = settings
        self._lock = asyncio.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._heavy = asyncio.Semaphore(_HEAVY_READERS)
        self._threads = ThreadPoolExecutor(_HEAVY_READERS, thread_name_prefix="sqlite-reader")

    async def open(self) -> None:
        """Connects. Raises ConfigurationError when the file cannot be used."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._connect()
            self._reader = self._connect()
        except (sqlite3.Error, OSError) as error:
            raise ConfigurationError(
                f"the SQLite file {self.path} cannot be opened: {error}. Check the path and its permissions, or set "
                "DATABASE_URL"
            ) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=1000
        )
        deadline = time.monotonic() + self._settings.lock_timeout_seconds
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        connection.execute(f"PRAGMA synchronous={self._settings.sqlite_synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA case_sensitive_like=ON")
        return connection

    async def close(self) -> None:
        """Closes all connections."""
        self._threads.shutdown()
        for connection in (self._writer, self._reader, *self._idle):
            connection.close()
        self._idle.clear()

    async def ping(self) -> None:
        """Raises while the file cannot be read."""
        with translated_sqlite():
            self._reader.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()

    async def fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Runs one read; a heavy one in a reader's thread."""
        arranged = statement.arrange(values)
        with translated_sqlite():
            if not statement.heavy:
                return self._reader.execute(statement.sql, arranged).fetchall()
            return await self._in_thread(lambda connection: connection.execute(statement.sql, arranged).fetchall())

    async def _in_thread[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs work on a connection in a reader's thread. Its statements end at the timeout: between two steps of many,
        and between two rows that each take long."""
        async with self._heavy:
            loop, timeout = asyncio.get_running_loop(), self._settings.statement_timeout_seconds
            connection = self._idle.pop() if self._idle else await run_shielded(self._on_thread(self._connect))
            deadline = time.monotonic() + timeout
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _PROGRESS_STEPS)
            too_late = loop.call_later(timeout, connection.interrupt)
            try:
                return await run_shielded(self._on_thread(work, connection))
            finally:
                too_late.cancel()
                connection.set_progress_handler(None, 0)
                if connection.in_transaction:
                    connection.rollback()
                self._idle.append(connection)

    async def _on_thread[T](self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    async def write(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Runs one writing statement in a transaction of its own."""
        transaction = await self.begin()
        try:
            rows = await transaction.fetch(statement, values)
        except BaseException:
            await transaction.rollback()
            raise
        await transaction.commit()
        return rows

    async def snapshot[T](
        self, work: Callable[[SqliteTransaction], Coroutine[Any, Any, T]], *, heavy: bool = False
    ) -> T:
        """Runs several reads on one snapshot; heavy ones in a reader's thread."""
        if not heavy:
            return _on_one_snapshot(self._reader, work)
        return await self._in_thread(lambda connection: _on_one_snapshot(connection, work))

    async def begin(self) -> SqliteTransaction:
        """Opens a transaction for writing; waits its turn, for at most the lock timeout."""
        deadline = time.monotonic() + self._settings.lock_timeout_seconds
        await self._take_turn()
        try:
            await self._begin_immediate(deadline)
        except BaseException:
            self._lock.release()
            raise
        return SqliteTransaction(self._writer, self._lock)

    async def _take_turn(self) -> None:
        if not self._lock.locked():
            await self._lock.acquire()
            return
        try:
            async with asyncio.timeout(self._settings.lock_timeout_seconds):
                await self._lock.acquire()
        except TimeoutError:
            raise TransientError(AWAY) from None

    async def _begin_immediate(self, deadline: float) -> None:
        """Takes the file's write lock, which another process may hold, without keeping the loop waiting."""
        while True:
            try:
                with translated_sqlite():
                    self._writer.execute("BEGIN IMMEDIATE")
                return
            except TransientError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.001 + random.random() * 0.01)  # noqa: S311 - jitter, no secret


def _on_one_snapshot[T](
    connection: sqlite3.Connection, work: Callable[[SqliteTransaction], Coroutine[Any, Any, T]]
) -> T:
    """Runs work, whose reads never wait, to its end without giving the thread away."""
    with translated_sqlite():
        connection.execute("BEGIN")
    try:
        work(SqliteTransaction(connection, None)).send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        connection.rollback()
    raise AssertionError("work on a snapshot waits for nothing but its reads")


class SqliteTransaction:
    """A transaction on a connection; with a lock it is the writer's and gives the lock back at its end."""

    def __init__(self, connection: sqlite3.Connection, lock: asyncio.Lock | None) -> None:
        self._connection = connection
        self._lock = lock

    async def fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Runs a statement and returns its rows."""
        with translated_sqlite():
            return self._connection.execute(statement.sql, statement.arrange(values)).fetchall()

    async def execute(self, statement: Statement, values: Sequence[Any]) -> int:
        """Runs a statement and returns how many rows it touched."""
        with translated_sqlite():
            return self._connection.execute(statement.sql, statement.arrange(values)).rowcount

    async def execute_many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> None:
        """Runs a statement once for each row of values."""
        with translated_sqlite():
            self._connection.executemany(statement.sql, [statement.arrange(row) for row in rows])

    async def script(self, sql: str) -> None:
        """Runs text that takes no values."""
        with translated_sqlite():
            self._connection.execute(sql)

    async def commit(self) -> None:
        """Makes the transaction durable."""
        try:
            with translated_sqlite():
                self._connection.execute("COMMIT")
        except BaseException:
            await self.rollback()
            raise
        self._release()

    async def rollback(self) -> None:
        """Undoes the transaction."""
        try:
            if self._connection.in_transaction:
                with translated_sqlite():
                    self._connection.execute("ROLLBACK")
        finally:
            self._release()

    def _release(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()
