"""Advice on what a sync leaves to the developer: values under an old name, and missing values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy.engine import Dialect

from framework_m_standard.sql.engine.driver import Transaction
from framework_m_standard.sql.engine.statement import Statement
from framework_m_standard.sql.schema.changes import AddColumn, Change, KeepColumn, SetNotNullable
from framework_m_standard.sql.schema.column_defaults import convert_column_default, needs_value
from framework_m_standard.sql.schema.existing import ExistingSchema
from framework_m_standard.sql.schema.field_registry import format_type, is_type_of
from framework_m_standard.sql.schema.renames import find_renamed_tables

__all__ = ["Gaps", "advise_on_sync", "find_gaps"]

type Gaps = frozenset[tuple[str, str]]
"""Tables and columns that come to need a value which stored rows lack."""


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
