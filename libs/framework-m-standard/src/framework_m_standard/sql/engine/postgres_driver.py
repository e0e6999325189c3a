"""PostgreSQL through asyncpg: a small last-in-first-out pool with prepared statements and no reset between uses."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.engine import Dialect

from framework_m_core.spi import (
    ConfigurationError,
    DatabaseError,
    OutcomeUnknownError,
    RepositoryError,
    TransientError,
    hide_password,
)
from framework_m_standard.sql.engine.connection_pool import ConnectionPool
from framework_m_standard.sql.engine.error_translation import translated_postgres
from framework_m_standard.sql.engine.postgres_codecs import set_codecs
from framework_m_standard.sql.engine.statement import Statement
from framework_m_standard.sql.settings import SqlSettings

__all__ = ["PostgresDriver"]

_MAX_PREPARED = 500
_MAX_PREPARED_CHARACTERS = 1_000_000
_MAX_PREPARED_STATEMENT = 20_000
"""Statements with more characters are prepared each time, because the decoders of their rows stay in memory too."""

_LOST = (asyncpg.PostgresConnectionError, ConnectionError)
_BROKEN = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.CannotConnectNowError, ConnectionError)


class _Connection:
    """A driver connection with its prepared statements."""

    def __init__(self, raw: asyncpg.Connection) -> None:
        self.raw = raw
        self._prepared: OrderedDict[str, PreparedStatement] = OrderedDict()
        self._characters = 0

    async def prepared(self, sql: str) -> PreparedStatement:
        statement = self._prepared.get(sql)
        if statement is not None:
            self._prepared.move_to_end(sql)
            return statement
        statement = await self.raw.prepare(sql)
        if len(sql) <= _MAX_PREPARED_STATEMENT:
            self._keep(sql, statement)
        return statement

    def _keep(self, sql: str, statement: PreparedStatement) -> None:
        self._prepared[sql] = statement
        self._characters += len(sql)
        while len(self._prepared) > _MAX_PREPARED or self._characters > _MAX_PREPARED_CHARACTERS:
            oldest, _ = self._prepared.popitem(last=False)
            self._characters -= len(oldest)

    def terminate(self) -> None:
        self.raw.terminate()

    async def fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        prepared = await self.prepared(statement.sql)
        rows: list[Any] = await prepared.fetch(*statement.arrange(values))
        return rows


class PostgresDriver:
    """A pool of connections to one database."""

    name = "postgresql"
    single_statement_writes = True
    nested_rows = True
    conditional_upserts = True

    def __init__(self, url: str, settings: SqlSettings) -> None:
        self.dialect: Dialect = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]
        self.heavy_reads = settings.heavy_read_limit
        self._url = url
        self._settings = settings
        self._pool = ConnectionPool(
            self._connect,
            _Connection.terminate,
            settings.pool_size,
            settings.lock_timeout_seconds,
        )

    def __repr__(self) -> str:
        return f"<PostgresDriver {hide_password(self._url)}: {self._pool.total} connections>"

    async def open(self) -> None:
        """Connect once. Raises ConfigurationError if the address or the login is wrong."""
        try:
            await self._pool.open()
        except (OSError, asyncpg.PostgresError, ValueError, RepositoryError) as error:
            cause = None if isinstance(error, ValueError) else error  # it quotes a part of the password
            raise ConfigurationError(
                f"PostgreSQL cannot be reached at {hide_password(self._url)}: {_reason(error.__cause__ or error)}. "
                "Check DATABASE_URL and that the server runs"
            ) from cause

    async def close(self) -> None:
        """Close all idle connections, and the others when they are released."""
        for connection in self._pool.close():
            await connection.raw.close(timeout=5)

    async def ping(self) -> None:
        """Raise TransientError while the database does not respond."""
        async with self.lend_connection() as connection:
            with translated_postgres():
                await connection.raw.fetchval("SELECT 1")

    async def fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Run one read; if its connection turns out to be broken, retry once on another."""
        try:
            return await self._fetch(statement, values)
        except TransientError as error:
            if not isinstance(error.__cause__, _BROKEN):
                raise
            return await self._fetch(statement, values)

    async def _fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        connection = self._pool.free.pop() if self._pool.free else await self._pool.take()
        try:
            rows = await connection.fetch(statement, values)
        except BaseException as error:
            self._release(connection, healthy=isinstance(error, asyncpg.PostgresError))
            with translated_postgres():
                raise
        self._release(connection)
        return rows

    async def write(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Run one writing statement that commits by itself, and return its rows."""
        return (await self._write(statement, values))[0]

    async def apply(self, statement: Statement, values: Sequence[Any]) -> int:
        """Run one writing statement that commits by itself, and return the number of affected rows."""
        return (await self._write(statement, values))[1]

    async def _write(self, statement: Statement, values: Sequence[Any]) -> tuple[list[Any], int]:
        connection = await self._connected()
        try:
            with translated_postgres():
                prepared = await connection.prepared(statement.sql)
            with _committing():
                rows: list[Any] = await prepared.fetch(*statement.arrange(values))
        except BaseException as error:
            self._release(connection, healthy=isinstance(error.__cause__, asyncpg.PostgresError))
            raise
        affected = _affected(prepared)
        self._release(connection)
        return rows, affected

    async def _connected(self) -> _Connection:
        """Return a connection not known to be broken, for statements that cannot be retried."""
        while True:
            connection = self._pool.free.pop() if self._pool.free else await self._pool.take()
            if not connection.raw.is_closed():
                return connection
            self._release(connection, healthy=False)

    async def run_on_snapshot[T](
        self, work: Callable[[_PostgresTransaction], Coroutine[Any, Any, T]], *, heavy: bool = False
    ) -> T:
        """Run several reads on one snapshot."""
        transaction = await self._begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            return await work(transaction)
        finally:
            await transaction.rollback()

    async def begin(self) -> _PostgresTransaction:
        """Open a transaction for writing."""
        return await self._begin("BEGIN")

    async def _begin(self, sql: str) -> _PostgresTransaction:
        for attempt in (1, 2):
            connection = self._pool.free.pop() if self._pool.free else await self._pool.take()
            try:
                await connection.raw.execute(sql)
            except BaseException as error:
                self._release(connection, healthy=False)
                if attempt == 1 and isinstance(error, _BROKEN):
                    continue
                with translated_postgres():
                    raise
            return _PostgresTransaction(connection, self._release)
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def lend_connection(self) -> AsyncIterator[_Connection]:
        """Lend a connection to the block; drop it if the block raises."""
        connection = await self._pool.take()
        try:
            yield connection
        except BaseException:
            self._release(connection, healthy=False)
            raise
        self._release(connection)

    async def connect(self) -> asyncpg.Connection:
        """Return a connection outside the pool, without statement timeout; the caller closes it."""
        with translated_postgres():
            return await self._raw(statement_timeout="0")

    async def _raw(self, **server_settings: str) -> asyncpg.Connection:
        connection = await asyncpg.connect(
            self._url,
            timeout=math.ceil(self._settings.lock_timeout_seconds),
            statement_cache_size=0,
            server_settings={
                "application_name": "framework-m",
                "timezone": "UTC",
                "jit": "off",
                "lock_timeout": str(int(self._settings.lock_timeout_seconds * 1000)),
                **server_settings,
            },
        )
        await set_codecs(connection)
        return connection

    async def _connect(self) -> _Connection:
        with translated_postgres():
            raw = await self._raw(statement_timeout=str(int(self._settings.statement_timeout_seconds * 1000)))
        return _Connection(raw)

    def _release(self, connection: _Connection, *, healthy: bool = True) -> None:
        self._pool.release(connection, healthy=healthy and not connection.raw.is_closed())


class _PostgresTransaction:
    """A transaction, which holds a connection until it ends."""

    def __init__(self, connection: _Connection, release: Callable[..., None]) -> None:
        self._connection = connection
        self._release = release
        self._ended = False

    async def fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Run a statement and return its rows."""
        with translated_postgres():
            return await self._connection.fetch(statement, values)

    async def execute(self, statement: Statement, values: Sequence[Any]) -> int:
        """Run a statement and return the number of affected rows."""
        with translated_postgres():
            prepared = await self._connection.prepared(statement.sql)
            await prepared.fetch(*statement.arrange(values))
            return _affected(prepared)

    async def execute_many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row of values, in one round trip."""
        with translated_postgres():
            prepared = await self._connection.prepared(statement.sql)
            await prepared.executemany([statement.arrange(row) for row in rows])

    async def run_script(self, sql: str) -> None:
        """Run SQL text without parameters."""
        with translated_postgres():
            await self._connection.raw.execute(sql)

    async def commit(self) -> None:
        """Commit the transaction. Raises DatabaseError if it had failed, so that nothing was stored."""
        with _committing():
            status = await self._end("COMMIT")
        if status != "COMMIT":
            raise DatabaseError("the transaction failed before its commit, so nothing was stored")

    async def rollback(self) -> None:
        """Roll the transaction back, unless it has ended."""
        if not self._ended:
            with translated_postgres():
                await self._end("ROLLBACK")

    async def _end(self, sql: str) -> str:
        self._ended = True
        try:
            status: str = await self._connection.raw.execute(sql)
        except BaseException:
            self._release(self._connection, healthy=False)
            raise
        self._release(self._connection)
        return status


def _affected(prepared: PreparedStatement) -> int:
    """Return how many rows the last run of a statement affected; 0 for those that affect none."""
    count = prepared.get_statusmsg().rpartition(" ")[2]
    return int(count) if count.isdecimal() else 0


@contextmanager
def _committing() -> Iterator[None]:
    """Raise OutcomeUnknownError if the connection breaks during the block, which commits: it may have succeeded."""
    with translated_postgres():
        try:
            yield
        except _LOST as error:
            raise OutcomeUnknownError("the connection broke during a commit") from error


def _reason(cause: BaseException) -> str:
    """Return why a connection failed, without quoting a malformed address, which may contain the password."""
    if isinstance(cause, ValueError):
        return "the address is malformed: percent-encode special characters in user and password, @ as %40, / as %2F"
    return str(cause)
