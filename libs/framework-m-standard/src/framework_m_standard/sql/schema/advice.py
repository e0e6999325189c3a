"""Advice on what a schema change leaves to a person: values under an old name, and missing values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from framework_m_standard.sql.schema.column_defaults import column_default
from framework_m_standard.sql.schema.existing import ExistingColumn, ExistingSchema
from framework_m_standard.sql.schema.field_registry import is_type_of, type_text
from framework_m_standard.sql.schema.missing_values import Gaps

__all__ = ["advice_on"]


def advice_on(dialect: Dialect, tables: Sequence[sa.Table], before: ExistingSchema, gaps: Gaps) -> Iterator[str]:
    """Yield a line for each column of an existing table that may need action."""
    for table in tables:
        existing = before.columns.get(table.name, {})
        for column in table.columns if existing else ():
            if column.name not in existing and (old := _old_names(dialect, table, column, existing)):
                yield (
                    f"{table.name}.{column.name} is new, and {', '.join(old)} no longer declared; its data is "
                    "kept. If the field was renamed, copy the values by SQL, or rename it back"
                )
            if (table.name, column.name) in gaps and column_default(column) is None:
                yield (
                    f"{table.name}.{column.name} is required and has no default: existing documents lack it and "
                    "cannot be changed until it is filled. Give the field a default, or fill it"
                )


def _old_names(
    dialect: Dialect, table: sa.Table, column: sa.Column[object], existing: Mapping[str, ExistingColumn]
) -> list[str]:
    """Return the columns that no field declares anymore and whose type fits the new column."""
    wanted = type_text(dialect, column)
    id = existing["id"].type if "id" in existing else None
    left = {name: found for name, found in existing.items() if name not in table.columns}
    return [name for name, found in left.items() if is_type_of(found.type, wanted, id=id)]
