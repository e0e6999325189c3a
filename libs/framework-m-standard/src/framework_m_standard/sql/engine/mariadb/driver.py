"""MariaDB through asyncmy: prepared statements of the binary protocol, so that no value is ever part of SQL text.

Transactions are READ COMMITTED, as PostgreSQL's are: a read after a wait for a lock sees what the other has committed.
Several reads on one snapshot use REPEATABLE READ.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from asyncmy.errors import MySQLError
from sqlalchemy.engine import Dialect

from framework_m_core.spi import ConfigurationError, OutcomeUnknownError, RepositoryError, TransientError, hide_password
from framework_m_standard.sql.engine.connection_pool import ConnectionPool
from framework_m_standard.sql.engine.error_translation import UNAVAILABLE
from framework_m_standard.sql.engine.mariadb.address import parse_address
from framework_m_standard.sql.engine.mariadb.connection import MariadbConnection, open_session
from framework_m_standard.sql.engine.mariadb.dialect import make_dialect
from framework_m_standard.sql.engine.mariadb.errors import is_lost, is_rolled_back
from framework_m_standard.sql.engine.row_codec import MARIADB
from framework_m_standard.sql.engine.statement import Statement
from framework_m_standard.sql.settings import SqlSettings

__all__ = ["MariadbDriver"]

_PING: Final = Statement("SELECT 1")
_SNAPSHOT: Final = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
)


class MariadbDriver:
    """A pool of connections to one database."""

    name = MARIADB
    single_statement_writes = False
    nested_rows = True
    conditional_upserts = False

    def __init__(self, url: str, settings: SqlSettings) -> None:
        self.dialect: Dialect = make_dialect()
        self.heavy_reads = settings.heavy_read_limit
        self._url = url
        self._settings = settings
        self._pool = ConnectionPool(self._connect, self._discard, settings.pool_size, settings.lock_timeout_seconds)
        self._ending: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<MariadbDriver {hide_password(self._url)}: {self._pool.total} connections>"

    async def open(self) -> None:
        """Connect once. Raises ConfigurationError if the address, the login or the server's version is wrong."""
        try:
            await self._pool.open()
        except (OSError, MySQLError, ValueError, RepositoryError) as error:
            cause = None if isinstance(error, ValueError) else error  # it may quote a part of the password
            raise ConfigurationError(
                f"MariaDB cannot be reached at {hide_password(self._url)}: {error.__cause__ or error}. "
                "Check DATABASE_URL and that the server runs"
            ) from cause

    async def close(self) -> None:
        """Close all idle connections, and the others when they are released."""
        for connection in self._pool.close():
            await connection.raw.ensure_closed()
        if self._ending:
            await asyncio.wait(self._ending, timeout=5)

    async def ping(self) -> None:
        """Raise TransientError while the database does not respond."""
        await self.fetch(_PING, ())

    async def fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Run one read; if its connection turns out to be broken, retry once on another."""
        try:
            return await self._fetch(statement, values)
        except TransientError as error:
            if not is_lost(error.__cause__):
                raise
            return await self._fetch(statement, values)

    async def _fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        connection = await self._connected()
        try:
            result = await connection.execute(statement, values)
        finally:
            self._release(connection)
        return list(result.rows or ())

    async def write(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Run one writing statement that commits by itself, and return its rows."""
        return list((await self._write(statement, values)).rows or ())

    async def apply(self, statement: Statement, values: Sequence[Any]) -> int:
        """Run one writing statement that commits by itself, and return the number of affected rows."""
        return int((await self._write(statement, values)).affected_rows)

    async def _write(self, statement: Statement, values: Sequence[Any]) -> Any:
        connection = await self._connected()
        try:
            await connection.prepare(statement)
            with _committing():
                return await connection.execute(statement, values)
        finally:
            self._release(connection)

    async def run_on_snapshot[T](
        self, work: Callable[[_MariadbTransaction], Coroutine[Any, Any, T]], *, heavy: bool = False
    ) -> T:
        """Run several reads on one snapshot."""
        transaction = await self._begin(_SNAPSHOT)
        try:
            return await work(transaction)
        finally:
            await transaction.rollback()

    async def begin(self) -> _MariadbTransaction:
        """Open a transaction for writing."""
        return await self._begin("START TRANSACTION")

    async def _begin(self, sql: str) -> _MariadbTransaction:
        for attempt in (1, 2):
            connection = await self._connected()
            try:
                await connection.run_script(sql)
            except BaseException as error:
                self._release(connection)
                if attempt == 1 and is_lost(error.__cause__):
                    continue
                raise
            return _MariadbTransaction(connection, self._release)
        raise AssertionError("unreachable")

    async def _connected(self) -> MariadbConnection:
        """Return a connection not known to be broken."""
        while True:
            connection = self._pool.free.pop() if self._pool.free else await self._pool.take()
            if connection.is_usable:
                return connection
            self._release(connection)

    async def connect(self) -> Any:
        """Return a connection outside the pool that commits when told, without statement timeout; the caller closes
        it."""
        arguments = parse_address(self._url)
        return await open_session(arguments, self._settings, autocommit=False, statement_timeout=0)

    async def _connect(self) -> MariadbConnection:
        try:
            raw = await open_session(
                parse_address(self._url), self._settings, statement_timeout=self._settings.statement_timeout_seconds
            )
            await raw.query("SELECT @@max_allowed_packet")
        except (MySQLError, OSError, TimeoutError) as error:
            raise TransientError(UNAVAILABLE) from error
        return MariadbConnection(raw, int(raw._result.rows[0][0]))

    def _release(self, connection: MariadbConnection) -> None:
        self._pool.release(connection, healthy=connection.is_usable)

    def _discard(self, connection: MariadbConnection) -> None:
        """Close a connection and kill its running statement, which would otherwise keep its locks until it ends."""
        connection.raw.close()
        if connection.busy:
            ending = asyncio.get_running_loop().create_task(self._end(connection.raw.thread_id()))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def _end(self, thread: int) -> None:
        with suppress(MySQLError, OSError, TimeoutError):
            raw = await open_session(parse_address(self._url), self._settings, statement_timeout=5)
            try:
                await raw.query(f"KILL CONNECTION {thread}")
            finally:
                await raw.ensure_closed()


class _MariadbTransaction:
    """A transaction, which holds a connection until it ends."""

    def __init__(self, connection: MariadbConnection, release: Callable[[MariadbConnection], None]) -> None:
        self._connection = connection
        self._release = release
        self._ended = False
        self._undone: BaseException | None = None

    async def fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Run a statement and return its rows."""
        with self._open():
            return list((await self._connection.execute(statement, values)).rows or ())

    async def execute(self, statement: Statement, values: Sequence[Any]) -> int:
        """Run a statement and return the number of affected rows."""
        with self._open():
            return int((await self._connection.execute(statement, values)).affected_rows)

    async def execute_many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row of values."""
        with self._open():
            await self._connection.execute_many(statement, rows)

    async def run_script(self, sql: str) -> None:
        """Run SQL text without parameters. A change of the schema commits what came before."""
        with self._open():
            await self._connection.run_script(sql)

    async def commit(self) -> None:
        """Commit the transaction. Raises TransientError if the database has rolled it back."""
        try:
            with self._open(), _committing():
                await self._connection.run_script("COMMIT")
        finally:
            self._end()

    async def rollback(self) -> None:
        """Roll the transaction back, unless it has ended."""
        if self._ended:
            return
        try:
            if not self._connection.busy:
                await self._connection.run_script("ROLLBACK")
        finally:
            self._end()

    def _end(self) -> None:
        self._ended = True
        self._release(self._connection)

    @contextmanager
    def _open(self) -> Iterator[None]:
        """Refuse statements after the end of the transaction, since each would commit by itself."""
        if self._ended or self._undone is not None:
            raise TransientError(UNAVAILABLE) from self._undone
        try:
            yield
        except RepositoryError as error:
            if error.__cause__ is not None and is_rolled_back(error.__cause__):
                self._undone = error.__cause__
            raise


@contextmanager
def _committing() -> Iterator[None]:
    """Raise OutcomeUnknownError if the connection breaks during the block, which commits: it may have succeeded."""
    try:
        yield
    except TransientError as error:
        if is_lost(error.__cause__):
            raise OutcomeUnknownError("the connection broke during a commit") from error.__cause__
        raise
