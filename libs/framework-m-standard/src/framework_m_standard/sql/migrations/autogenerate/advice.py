"""Advice on what to check in a revision before it is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alembic.operations import MigrateOperation, ops

from framework_m_standard.sql.migrations.operations.alembic_operations import (
    NOTHING,
    AddColumn,
    ChangeType,
    DropColumn,
    KeepColumn,
    KeepTable,
    SetNotNullable,
)

__all__ = ["advice_on"]


def advice_on(changes: Sequence[MigrateOperation]) -> Iterator[str]:
    """Yield a line for each change that may lose data or needs a value."""
    for change in changes:
        match change:
            case KeepColumn():
                yield (
                    f"{change.table}.{change.name} is declared no longer and kept, with what it holds: if it has a new "
                    "name, let the revision copy the values; --drop drops it"
                )
            case KeepTable():
                yield f"table {change.table} is declared no longer and kept, with what it holds; --drop drops it"
            case DropColumn() | ops.DropTableOp():
                name = f"{change.table}.{change.name}" if isinstance(change, DropColumn) else change.table_name
                yield f"{name} goes with all that it holds, and a rollback does not bring that back"
            case AddColumn() if not change.column.nullable and change.fill is NOTHING:
                yield _needs_value(change.table, change.name)
            case SetNotNullable() if change.fill is NOTHING:
                yield _needs_value(change.table, change.name)
            case ChangeType():
                yield f"{change.table}.{change.name} changes its type: the revision stops at a value it cannot convert"


def _needs_value(table: str, name: str) -> str:
    return (
        f"{table}.{name} needs a value and the field has no default: rows that have none stop the revision. Give them "
        "one by fill=… in it, or by a patch before it"
    )
