"""Statements of a patch, in the words of the database at hand and within the patch's own transaction."""

from __future__ import annotations

from typing import Any

from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.statements.compiled import Statement

__all__ = ["PatchSql"]


class PatchSql:
    """For what documents cannot do: a column that no field stands for yet or any longer, or very many rows."""

    def __init__(self, transaction: Transaction, dialect: str) -> None:
        self._transaction = transaction
        self.dialect = dialect
        """`sqlite` or `postgresql`."""

    async def fetch(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a statement; values stand as `?` on SQLite and as `$1` on PostgreSQL."""
        rows = await self._transaction.fetch(Statement(statement), values)
        return [tuple(row) for row in rows]

    async def execute(self, statement: str, *values: Any) -> int:
        """Runs a statement and returns how many rows it touched."""
        return await self._transaction.execute(Statement(statement), values)
