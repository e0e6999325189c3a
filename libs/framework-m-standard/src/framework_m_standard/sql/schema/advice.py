"""Advice on what a sync leaves to a person: values under an old name, and missing values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.engine import Dialect

from framework_m_standard.sql.schema.changes import AddColumn, Change, KeepColumn, SetNotNullable
from framework_m_standard.sql.schema.column_defaults import column_default, needs_value
from framework_m_standard.sql.schema.existing import ExistingSchema
from framework_m_standard.sql.schema.field_registry import is_type_of, type_text
from framework_m_standard.sql.schema.missing_values import Gaps

__all__ = ["advice_on"]


def advice_on(dialect: Dialect, changes: Sequence[Change], existing: ExistingSchema, gaps: Gaps) -> Iterator[str]:
    """Yield a line for each change that may need action."""
    kept = [change for change in changes if isinstance(change, KeepColumn)]
    for change in changes:
        if not isinstance(change, (AddColumn, SetNotNullable)) or (column := change.column) is None:
            continue
        name = f"{change.table}.{column.name}"
        if isinstance(change, AddColumn) and (old := _old_names(dialect, change, kept, existing)):
            yield (
                f"{name} is new, and {', '.join(old)} no longer declared; its data is kept. If the field was "
                "renamed, copy the values by SQL, or rename it back"
            )
        is_gap = (change.table, column.name) in gaps and needs_value(column)
        if is_gap and column_default(column) is None:
            yield (
                f"{name} is required and has no default: existing documents lack it and cannot be changed until "
                "it is filled. Give the field a default, or fill it"
            )


def _old_names(dialect: Dialect, change: AddColumn, kept: Sequence[KeepColumn], existing: ExistingSchema) -> list[str]:
    """Return the columns that no field declares anymore and whose type fits the new column."""
    wanted, id = type_text(dialect, change.column), existing.columns[change.table].get("id")
    of_table = [one for one in kept if one.table == change.table]
    return [one.name for one in of_table if is_type_of(one.found, wanted, id=id.type if id else None)]
