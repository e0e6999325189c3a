"""What the store needs of a database driver: one protocol, two implementations."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from sqlalchemy.engine import Dialect

from framework_m_standard.sql.statements.compiled import Statement

__all__ = ["Driver", "Transaction"]


class Transaction(Protocol):
    """An open transaction on a connection of its own. Raises the errors of `domain/errors`."""

    async def fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Runs a statement and returns its rows."""
        ...

    async def execute(self, statement: Statement, values: Sequence[Any]) -> int:
        """Runs a statement and returns how many rows it touched."""
        ...

    async def execute_many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> None:
        """Runs a statement once for each row of values."""
        ...

    async def script(self, sql: str) -> None:
        """Runs text that takes no values."""
        ...

    async def commit(self) -> None:
        """Makes the transaction durable and gives the connection back."""
        ...

    async def rollback(self) -> None:
        """Undoes the transaction and gives the connection back."""
        ...


class Driver(Protocol):
    """Connections to one database. Raises the errors of `domain/errors`; TransientError when it is away."""

    name: str
    dialect: Dialect
    single_statement_writes: bool
    nested_rows: bool
    heavy_reads: int
    """How many statements that take long may run at once, with room beside them for all others."""

    async def open(self) -> None:
        """Connects. Raises ConfigurationError when the address is wrong."""
        ...

    async def close(self) -> None:
        """Closes all connections."""
        ...

    async def ping(self) -> None:
        """Raises TransientError while the database does not answer."""
        ...

    async def fetch(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Runs one statement outside a transaction and returns its rows; a broken connection is replaced once."""
        ...

    async def write(self, statement: Statement, values: Sequence[Any]) -> list[Any]:
        """Runs one writing statement that commits by itself, and returns its rows."""
        ...

    async def snapshot[T](self, work: Callable[[Transaction], Coroutine[Any, Any, T]], *, heavy: bool = False) -> T:
        """Runs several reads on one snapshot; `heavy` ones may run long. `work` waits for nothing but its reads."""
        ...

    async def begin(self) -> Transaction:
        """Opens a transaction for writing."""
        ...
