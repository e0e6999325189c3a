"""The protocol of database drivers, of which there is one for each database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

from sqlalchemy.engine import Dialect

from framework_m_standard.sql.engine.statement import Statement

__all__ = ["Driver", "Transaction", "transact"]


class Transaction(Protocol):
    """An open transaction on its own connection. Raises the errors of `domain/errors`."""

    async def fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Run a statement and return its rows."""
        ...

    async def execute(self, statement: Statement, values: Sequence[Any]) -> int:
        """Run a statement and return the number of affected rows."""
        ...

    async def execute_many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row of values."""
        ...

    async def run_script(self, sql: str) -> None:
        """Run SQL text without parameters."""
        ...

    async def commit(self) -> None:
        """Commit the transaction and release the connection."""
        ...

    async def rollback(self) -> None:
        """Roll the transaction back and release the connection."""
        ...


class Driver(Protocol):
    """Connections to one database. Raises the errors of `domain/errors`; TransientError if it is unavailable."""

    name: str
    dialect: Dialect
    single_statement_writes: bool
    """Whether one statement can write a document with its audit entry and event."""
    nested_rows: bool
    """Whether one statement can read documents with their child rows."""
    conditional_upserts: bool
    """Whether an INSERT can replace a row on a condition."""
    heavy_reads: int
    """How many slow statements may run at once while leaving capacity for all others."""

    async def open(self) -> None:
        """Connect. Raises ConfigurationError if the address is wrong."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...

    async def ping(self) -> None:
        """Raise TransientError while the database does not respond."""
        ...

    async def fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Run one statement outside a transaction and return its rows; a broken connection is replaced once."""
        ...

    async def write(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Run one writing statement that commits by itself, and return its rows."""
        ...

    async def apply(self, statement: Statement, values: Sequence[Any]) -> int:
        """Run one writing statement that commits by itself, and return the number of affected rows."""
        ...

    async def run_on_snapshot[T](
        self, work: Callable[[Transaction], Coroutine[Any, Any, T]], *, heavy: bool = False
    ) -> T:
        """Run several reads on one snapshot; `heavy` ones may be slow. `work` must await nothing but its reads."""
        ...

    async def begin(self) -> Transaction:
        """Open a transaction for writing."""
        ...


async def transact[T](driver: Driver, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Run work in a transaction for writing; commit it, or roll it back if the work fails."""
    transaction = await driver.begin()
    try:
        result = await work(transaction)
    except BaseException:
        await transaction.rollback()
        raise
    await transaction.commit()
    return result
