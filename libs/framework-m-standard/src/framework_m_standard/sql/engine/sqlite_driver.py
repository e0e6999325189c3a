"""SQLite through the standard library's module, called on the event loop's thread.

It uses one writer behind an asyncio lock, separate readers, and a write-ahead log. Point reads take less time than a
switch to another thread; slow statements run on a reader thread.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.engine import Dialect

from framework_m_core.spi import ConfigurationError, TransientError, run_shielded
from framework_m_standard.sql.engine.driver import transact
from framework_m_standard.sql.engine.error_translation import UNAVAILABLE, translate_sqlite_errors
from framework_m_standard.sql.engine.sqlite_file import check_room, prepare_file
from framework_m_standard.sql.engine.statement import Statement
from framework_m_standard.sql.settings import SqlSettings

__all__ = ["SqliteDriver"]

_LIST_READERS = 2
"""Threads for lists served by an index, in addition to those for heavy reads."""

_PROGRESS_STEPS = 20_000
_OWN_STATEMENTS = 1_000
_LIST_STATEMENTS = 100
"""Statements cached by a connection; those of lists are shaped by callers and may be large."""

_CHECKPOINT_WAIT_MS = 1_000
_CHECKPOINT_PAUSE_SECONDS = 1.0


class SqliteDriver:
    """Connections to one database file."""

    name = "sqlite"
    single_statement_writes = False
    nested_rows = False
    conditional_upserts = True

    def __init__(self, path: Path, settings: SqlSettings) -> None:
        self.dialect: Dialect = pysqlite.dialect()
        self.path = path
        self._settings = settings
        self._lock = asyncio.Lock()
        self._idle: list[sqlite3.Connection] = []
        self.heavy_reads = settings.heavy_read_limit
        self._readers = self.heavy_reads + _LIST_READERS
        self._turns = asyncio.Semaphore(self._readers)
        self._threads = ThreadPoolExecutor(self._readers, thread_name_prefix="sqlite-reader")
        self._draining = asyncio.Lock()
        self._next_checkpoint = 0.0

    def __repr__(self) -> str:
        return f"<SqliteDriver {self.path}>"

    async def open(self) -> None:
        """Connect. Raises ConfigurationError if the file cannot be used."""
        try:
            prepare_file(self.path)
            self._writer = self._connect()
            self._reader = self._connect()
            opened = os.stat(self.path)
            self._identity = opened.st_dev, opened.st_ino
        except (sqlite3.Error, OSError) as error:
            raise ConfigurationError(
                f"the SQLite file {self.path} cannot be opened: {error}. Check the path and its permissions, or set "
                "DATABASE_URL"
            ) from error

    def _connect(self, statements: int = _OWN_STATEMENTS) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=statements
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
        connection.execute(f"PRAGMA journal_size_limit={self._wal_limit}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA case_sensitive_like=ON")
        return connection

    async def close(self) -> None:
        """Close all connections."""
        self._threads.shutdown()
        for connection in (self._writer, self._reader, *self._idle):
            connection.close()
        self._idle.clear()

    async def ping(self) -> None:
        """Raise an error while the file cannot be read, is gone, or cannot grow."""
        self._check_identity()
        check_room(self.path)
        with translate_sqlite_errors():
            self._reader.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()

    async def fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Run one read; a heavy one on a reader thread."""
        arranged = statement.arrange(values)
        with translate_sqlite_errors():
            if not statement.heavy:
                return self._reader.execute(statement.sql, arranged).fetchall()
            return await self._in_thread(lambda connection: connection.execute(statement.sql, arranged).fetchall())

    async def _in_thread[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work on a connection on a reader thread. Its statements are interrupted at the timeout, whether they
        take many steps or return few slow rows."""
        await self._bound_wal()
        async with self._turns:
            loop, timeout = asyncio.get_running_loop(), self._settings.statement_timeout_seconds
            connection = self._idle.pop() if self._idle else await self._connected()
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

    async def _connected(self) -> sqlite3.Connection:
        return await run_shielded(self._on_thread(self._connect, _LIST_STATEMENTS))

    @property
    def _wal_limit(self) -> int:
        """The size in bytes above which the write-ahead log is emptied."""
        return self._settings.max_sqlite_wal_mb * 1_000_000

    async def _bound_wal(self) -> None:
        """Empty the write-ahead log if it exceeds its limit.

        Reads that overlap without a gap would let it grow forever, because it can be emptied only while nothing reads
        it. So no new read begins until the running ones have ended, each by its timeout at the latest.
        """
        if not self._is_wal_too_long():
            return
        async with self._draining:
            taken = 0
            try:
                while self._is_wal_too_long() and taken < self._readers:
                    await self._turns.acquire()
                    taken += 1
                if self._is_wal_too_long():
                    await self._checkpoint()
            finally:
                for _ in range(taken):
                    self._turns.release()

    def _is_wal_too_long(self) -> bool:
        try:
            size = os.stat(f"{self.path}-wal").st_size
        except FileNotFoundError:
            return False
        return size > self._wal_limit and time.monotonic() >= self._next_checkpoint

    async def _checkpoint(self) -> None:
        """Empty the write-ahead log; if another process keeps reading it, try again later."""
        connection = self._idle.pop() if self._idle else await self._connected()
        try:
            if not await run_shielded(self._on_thread(_empty_wal, connection)):
                self._next_checkpoint = time.monotonic() + _CHECKPOINT_PAUSE_SECONDS
        finally:
            self._idle.append(connection)

    async def _on_thread[T](self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    async def write(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Run one writing statement in its own transaction."""
        return await transact(self, lambda transaction: transaction.fetch(statement, values))

    async def apply(self, statement: Statement, values: Sequence[Any]) -> int:
        """Run one writing statement in its own transaction, and return the number of affected rows."""
        return await transact(self, lambda transaction: transaction.execute(statement, values))

    async def run_on_snapshot[T](
        self, work: Callable[[_SqliteTransaction], Coroutine[Any, Any, T]], *, heavy: bool = False
    ) -> T:
        """Run several reads on one snapshot; heavy ones on a reader thread."""
        if not heavy:
            return _on_one_snapshot(self._reader, work)
        return await self._in_thread(lambda connection: _on_one_snapshot(connection, work))

    async def begin(self) -> _SqliteTransaction:
        """Open a transaction for writing. Raises TransientError if its turn does not come in time."""
        self._check_identity()
        deadline = time.monotonic() + self._settings.lock_timeout_seconds
        if self._lock.locked():
            await self._take_turn()
        else:
            await self._lock.acquire()
        try:
            await self._begin_immediate(deadline)
        except BaseException:
            self._lock.release()
            raise
        return _SqliteTransaction(self._writer, self._lock)

    def _check_identity(self) -> None:
        """Raise TransientError if the file is not the one that was opened: what is written to that one is lost."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            found = None
        if found is None or (found.st_dev, found.st_ino) != self._identity:
            raise TransientError(f"the database file {self.path} was deleted or replaced: restart the server")

    async def _take_turn(self) -> None:
        try:
            async with asyncio.timeout(self._settings.lock_timeout_seconds):
                await self._lock.acquire()
        except TimeoutError:
            raise TransientError(UNAVAILABLE, retryable=False) from None

    async def _begin_immediate(self, deadline: float) -> None:
        """Take the file's write lock, which another process may hold, without blocking the event loop."""
        while True:
            try:
                with translate_sqlite_errors():
                    self._writer.execute("BEGIN IMMEDIATE")
                return
            except TransientError as error:
                if time.monotonic() > deadline:
                    raise TransientError(UNAVAILABLE, retryable=False) from error
                await asyncio.sleep(0.001 + random.random() * 0.01)  # noqa: S311 - jitter, no secret


def _empty_wal(connection: sqlite3.Connection) -> bool:
    """Empty the write-ahead log and return whether it succeeded, that is, no other process was reading it."""
    with translate_sqlite_errors():
        connection.execute(f"PRAGMA busy_timeout={_CHECKPOINT_WAIT_MS}")
        try:
            [(busy, _, _)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.execute("PRAGMA busy_timeout=0")
    return not busy


def _on_one_snapshot[T](
    connection: sqlite3.Connection, work: Callable[[_SqliteTransaction], Coroutine[Any, Any, T]]
) -> T:
    """Run work to its end without yielding to the event loop; its reads never wait."""
    with translate_sqlite_errors():
        connection.execute("BEGIN")
    try:
        work(_SqliteTransaction(connection, None)).send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        connection.rollback()
    raise AssertionError("expected work on a snapshot to await only its reads")


class _SqliteTransaction:
    """A transaction on a connection; with a lock, it is the writer's and releases the lock when it ends."""

    def __init__(self, connection: sqlite3.Connection, lock: asyncio.Lock | None) -> None:
        self._connection = connection
        self._lock = lock

    async def fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Run a statement and return its rows."""
        with translate_sqlite_errors():
            return self._connection.execute(statement.sql, statement.arrange(values)).fetchall()

    async def execute(self, statement: Statement, values: Sequence[Any]) -> int:
        """Run a statement and return the number of affected rows."""
        with translate_sqlite_errors():
            return self._connection.execute(statement.sql, statement.arrange(values)).rowcount

    async def execute_many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row of values."""
        with translate_sqlite_errors():
            self._connection.executemany(statement.sql, [statement.arrange(row) for row in rows])

    async def run_script(self, sql: str) -> None:
        """Run SQL text without parameters."""
        with translate_sqlite_errors():
            self._connection.execute(sql)

    async def commit(self) -> None:
        """Commit the transaction; roll it back if that fails."""
        try:
            with translate_sqlite_errors():
                self._connection.execute("COMMIT")
        except BaseException:
            await self.rollback()
            raise
        self._release()

    async def rollback(self) -> None:
        """Roll the transaction back, unless it has ended, and release the lock."""
        try:
            if self._connection.in_transaction:
                with translate_sqlite_errors():
                    self._connection.execute("ROLLBACK")
        finally:
            self._release()

    def _release(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()
