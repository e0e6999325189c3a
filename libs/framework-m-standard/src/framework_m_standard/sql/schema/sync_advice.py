"""Advice on what a sync leaves to the developer: values under an old name, and missing values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.engine import Dialect

from framework_m_standard.sql.schema.changes import AddColumn, Change, KeepColumn, SetNotNullable
from framework_m_standard.sql.schema.column_defaults import convert_column_default, needs_value
from framework_m_standard.sql.schema.existing import ExistingSchema
from framework_m_standard.sql.schema.field_registry import format_type, is_type_of
from framework_m_standard.sql.schema.missing_values import Gaps
from framework_m_standard.sql.schema.renames import find_renamed_tables

__all__ = ["advise_on_sync"]


def advise_on_sync(dialect: Dialect, changes: Sequence[Change], existing: ExistingSchema, gaps: Gaps) -> Iterator[str]:
    """Yield a line for each change that may need action."""
    for former, new in find_renamed_tables(changes):
        yield (
            f"table {new} is new, and {former} is no longer declared and has much the same columns; it keeps its rows. "
            "If the DocType was renamed: rename it back, run `m migrate init`, rename it again, and call "
            "m.rename_doctype in a revision that `m migrate create --empty` writes"
        )
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
        if is_gap and convert_column_default(column) is None:
            yield (
                f"{name} is required and has no default: existing documents lack it and cannot be changed until "
                "it is filled. Give the field a default, or fill it"
            )


def _old_names(dialect: Dialect, change: AddColumn, kept: Sequence[KeepColumn], existing: ExistingSchema) -> list[str]:
    """Return the columns that no field declares anymore and whose type fits the new column."""
    wanted, id = format_type(dialect, change.column), existing.columns[change.table].get("id")
    of_table = [one for one in kept if one.table == change.table]
    return [one.name for one in of_table if is_type_of(one.found, wanted, id=id.type if id else None)]
