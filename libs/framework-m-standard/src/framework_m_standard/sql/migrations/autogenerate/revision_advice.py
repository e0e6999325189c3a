"""Advice on what to check in a revision before it is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from framework_m_standard.sql.schema import changes as made
from framework_m_standard.sql.schema.changes import NOTHING, Change
from framework_m_standard.sql.schema.renames import find_renamed_tables

__all__ = ["advise_on_revision"]


def advise_on_revision(changes: Sequence[Change]) -> Iterator[str]:
    """Yield a line for each change that may lose data or needs a value."""
    for change in changes:
        match change:
            case made.KeepColumn():
                yield (
                    f"{change.table}.{change.name} is no longer declared; it is kept with its data. If it was renamed, "
                    "use m.rename_column in the revision; --drop drops it"
                )
            case made.KeepTable():
                yield f"table {change.table} is no longer declared; it is kept with its data; --drop drops it"
            case made.DropColumn() | made.DropTable():
                name = f"{change.table}.{change.column.name}" if isinstance(change, made.DropColumn) else change.table
                yield f"{name} is dropped with its data, which a rollback does not restore"
            case made.AddColumn() if not change.column.nullable and change.fill is NOTHING:
                yield _needs_value(change.table, change.column.name)
            case made.SetNotNullable() if change.fill is NOTHING:
                yield _needs_value(change.table, change.name)
            case made.ChangeType():
                yield f"{change.table}.{change.name} changes its type: the revision fails if it cannot convert a value"
    for former, new in find_renamed_tables(changes):
        yield (
            f"table {new} is new, and {former} is no longer declared and has much the same columns; it keeps its rows. "
            "If the DocType was renamed, replace the operations on both by m.rename_doctype with its old and new name"
        )


def _needs_value(table: str, name: str) -> str:
    return (
        f"{table}.{name} becomes required and the field has no default: rows without a value make the revision fail. "
        "Give them one by fill=… in it, or by an earlier patch"
    )
