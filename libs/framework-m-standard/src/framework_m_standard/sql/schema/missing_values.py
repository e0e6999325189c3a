"""Columns whose field needs a value that stored rows lack: new columns, and columns that were optional."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.schema.column_defaults import needs_value
from framework_m_standard.sql.schema.existing import ExistingSchema
from framework_m_standard.sql.statements.compiled import Statement

__all__ = ["Gaps", "find_gaps"]

type Gaps = frozenset[tuple[str, str]]
"""Tables and columns."""


async def find_gaps(transaction: Transaction, tables: Sequence[sa.Table], existing: ExistingSchema) -> Gaps:
    """Find the columns that need a value and are null in some row; a missing column counts if the table has rows."""
    gaps: set[tuple[str, str]] = set()
    for table in tables:
        found = existing.columns.get(table.name, {})
        wanted = [column.name for column in table.columns if found and needs_value(column)]
        asked = {name: f'"{name}" IS NULL' for name in wanted if name in found and not found[name].required}
        asked |= {name: "TRUE" for name in wanted if name not in found}
        if asked:
            [row] = await transaction.fetch(_any_rows(table.name, asked.values()), ())
            gaps |= {(table.name, name) for name, is_gap in zip(asked, row, strict=True) if is_gap}
    return frozenset(gaps)


def _any_rows(table: str, conditions: Iterable[str]) -> Statement:
    """Return a statement that tells for each condition whether any row of the table meets it."""
    parts = ", ".join(f'EXISTS (SELECT 1 FROM "{table}" WHERE {one})' for one in conditions)  # noqa: S608
    return Statement(f"SELECT {parts}")
