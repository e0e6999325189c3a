"""What looks renamed: a new DocType or field beside one that is no longer declared and is much like it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from framework_m_core.spi import FRAMEWORK_FIELDS
from framework_m_standard.sql.schema.changes import AddColumn, Change, CreateTable, KeepColumn, KeepTable
from framework_m_standard.sql.schema.field_registry import KindType, kind_of

__all__ = ["find_renamed_columns", "find_renamed_tables"]


def find_renamed_tables(changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    """Yield the old and the new table of each DocType that looks renamed, without those of child rows.

    At least half of the fields have the same names.
    """
    kept = [change for change in changes if isinstance(change, KeepTable) and "__" not in change.table]
    for change in changes:
        if isinstance(change, CreateTable) and "__" not in change.table:
            fields = {column.name for column in change.declared.columns} - {*FRAMEWORK_FIELDS}
            for old in kept:
                if 2 * len(fields & old.columns) >= len(fields | old.columns):
                    yield old.table, change.table


def find_renamed_columns(changes: Sequence[Change]) -> Iterator[tuple[str, str, str]]:
    """Yield the table, the old and the new name of each column that may be renamed: its type is the same."""
    kept = [change for change in changes if isinstance(change, KeepColumn)]
    for change in changes:
        if isinstance(change, AddColumn) and isinstance(change.column.type, KindType):
            for old in kept:
                if old.table == change.table and _form(kind_of(old.found)) == _form(change.column.type):
                    yield change.table, old.name, change.column.name


def _form(type_: KindType) -> tuple[object, ...]:
    return type_.kind, type_.scale
