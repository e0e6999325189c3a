"""The tables of the app's DocTypes, and the changes of a database from which revisions are written.

The framework's own tables are excluded, because the app's revisions do not cover them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from framework_m_core.spi import Registry
from framework_m_standard.sql.migrations.files.recorder import OWN_TABLES
from framework_m_standard.sql.schema.changes import (
    AddLink,
    Change,
    ChangeType,
    CreateTable,
    DropLink,
    SetNotNullable,
    SetNullable,
)
from framework_m_standard.sql.schema.comparison import compare
from framework_m_standard.sql.schema.existing import ExistingSchema, read_with
from framework_m_standard.sql.schema.field_registry import KindType, KindTypes
from framework_m_standard.sql.schema.tables import Tables

__all__ = ["SchemaComparison", "find_converted_columns"]

type _Stored = Mapping[tuple[str, str], KindType]
"""The stored types by table and column."""


class SchemaComparison:
    """The declared tables of an app, and their comparison with a database."""

    def __init__(self, registry: Registry, dialect: str) -> None:
        tables = Tables(registry.doctypes.values(), dialect, types=KindTypes(), strict=True)
        tables.all()
        self.tables: Mapping[str, sa.Table] = tables.of_apps
        self._metadata = tables.metadata
        self._ours = tables.metadata.tables.keys() - self.tables.keys()

    def existing(self, connection: sa.Connection) -> ExistingSchema:
        """Return the schema of the database without the framework's own tables."""
        return read_with(connection).without(self._ours | OWN_TABLES)

    def changes(self, connection: sa.Connection, *, drop: bool = False) -> list[Change]:
        """Return the changes that make the database match the DocTypes."""
        return compare(connection.dialect, list(self.tables.values()), self.existing(connection), drop=drop)

    def find_first_changes(self, connection: sa.Connection) -> list[Change]:
        """Return the changes that make the tables of the DocTypes, in which columns of other types stay as stored."""
        existing = self.existing(connection)
        stored = find_converted_columns(self.changes(connection))
        found = compare(connection.dialect, list(self.tables.values()), ExistingSchema({}, {}, {}))
        return [_as_stored(change, stored, existing) for change in found if not _is_put_off(change, stored)]

    def compare_before_types(self, connection: sa.Connection) -> list[Change]:
        """Return the changes of the database but those of columns whose type differs."""
        changes = self.changes(connection)
        stored = find_converted_columns(changes)
        return [change for change in changes if not _is_put_off(change, stored)]

    def make_framework(self, connection: sa.Connection) -> None:
        """Create the framework's own tables in an empty database."""
        self._metadata.create_all(connection, [self._metadata.tables[name] for name in self._ours], checkfirst=False)

    def has_tables(self, connection: sa.Connection) -> bool:
        """Return whether any of the app's tables exists."""
        return any(sa.inspect(connection).has_table(name) for name in self.tables)

    def has_rows(self, connection: sa.Connection) -> bool:
        """Return whether any of the app's tables holds rows."""
        there = [name for name in self.tables if sa.inspect(connection).has_table(name)]
        return any(connection.scalar(sa.select(sa.exists().select_from(sa.table(name)))) for name in there)


def find_converted_columns(changes: Iterable[Change]) -> _Stored:
    """Return the columns whose type changes, with their stored types."""
    return {(change.table, change.name): change.before for change in changes if isinstance(change, ChangeType)}


def _is_put_off(change: Change, stored: _Stored) -> bool:
    """Return whether a change of one column needs its new type."""
    if not isinstance(change, (AddLink, ChangeType, DropLink, SetNotNullable, SetNullable)):
        return False
    return (change.table, change.name) in stored


def _as_stored(change: Change, stored: _Stored, existing: ExistingSchema) -> Change:
    """Return a change that makes a table with columns of the stored types, which link to nothing yet."""
    names = {name for table, name in stored if table == change.table}
    if not isinstance(change, CreateTable) or not names:
        return change
    links = [link for link in change.links if not names.intersection(link.column_keys)]
    declared = sa.Table(change.table, sa.MetaData())
    for column in change.declared.columns:
        key = (change.table, column.name)
        nullable = not existing.columns[change.table][column.name].required if key in stored else column.nullable
        declared.append_column(sa.Column(column.name, stored.get(key, column.type), nullable=nullable))
    return CreateTable(change.table, declared, links)
