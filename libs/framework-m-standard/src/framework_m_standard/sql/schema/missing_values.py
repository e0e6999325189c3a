"""Columns that come to need a value that stored rows lack: new columns, and columns that were optional."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.engine.statement import Statement
from framework_m_standard.sql.schema.changes import AddColumn, Change, SetNotNullable
from framework_m_standard.sql.schema.column_defaults import needs_value

__all__ = ["Gaps", "find_gaps"]

type Gaps = frozenset[tuple[str, str]]
"""Tables and columns."""


async def find_gaps(transaction: Transaction, changes: Sequence[Change]) -> Gaps:
    """Find the columns that come to need a value and are null in some row; a new one counts if the table has rows."""
    asked: dict[str, dict[str, str]] = {}
    for change in changes:
        if isinstance(change, SetNotNullable):
            asked.setdefault(change.table, {})[change.name] = f'"{change.name}" IS NULL'
        elif isinstance(change, AddColumn) and needs_value(change.column):
            asked.setdefault(change.table, {})[change.column.name] = "TRUE"
    gaps: set[tuple[str, str]] = set()
    for table, conditions in asked.items():
        [row] = await transaction.fetch(_any_rows(table, conditions.values()), ())
        gaps |= {(table, name) for name, is_gap in zip(conditions, row, strict=True) if is_gap}
    return frozenset(gaps)


def _any_rows(table: str, conditions: Iterable[str]) -> Statement:
    """Return a statement that tells for each condition whether any row of the table meets it."""
    parts = ", ".join(f'EXISTS (SELECT 1 FROM "{table}" WHERE {one})' for one in conditions)  # noqa: S608
    return Statement(f"SELECT {parts}")
