"""The tables of the apps' DocTypes, and the changes of a database from which revisions are written.

The framework's own tables are excluded, because the apps' revisions do not cover them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from framework_m_core.spi import MigrationGraph, Registry
from framework_m_standard.sql.migrations.autogenerate.division import TableOwners, split_changes
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
from framework_m_standard.sql.schema.migration_tables import OWN_TABLES
from framework_m_standard.sql.schema.tables import Tables

__all__ = ["SchemaComparison", "find_converted_columns", "is_put_off"]

type _Stored = Mapping[tuple[str, str], KindType]
"""The stored types by table and column."""


class SchemaComparison:
    """The declared tables of all apps, and their comparison with a database."""

    def __init__(self, registry: Registry, dialect: str) -> None:
        tables = Tables(registry.doctypes.values(), dialect, types=KindTypes(), strict=True)
        tables.list_all()
        self.tables: Mapping[str, sa.Table] = tables.of_apps
        self.registry = registry
        self.owners = TableOwners(registry)
        self._metadata = tables.metadata
        self._ours = tables.metadata.tables.keys() - self.tables.keys()

    def read_existing(self, connection: sa.Connection) -> ExistingSchema:
        """Return the schema of the database without the framework's own tables."""
        return read_with(connection).without(self._ours | OWN_TABLES)

    def find_changes(self, connection: sa.Connection, *, drop: bool = False) -> list[Change]:
        """Return the changes that make the database match the DocTypes."""
        return compare(connection.dialect, list(self.tables.values()), self.read_existing(connection), drop=drop)

    def split_by_app(self, changes: Iterable[Change], graph: MigrationGraph) -> Mapping[str, list[Change]]:
        """Return changes by the app whose revisions contain them."""
        return split_changes(changes, self.owners, graph, self.tables)

    def find_first_changes(self, connection: sa.Connection) -> list[Change]:
        """Return the changes that make the tables of the DocTypes, in which columns of other types stay as stored."""
        existing = self.read_existing(connection)
        stored = find_converted_columns(self.find_changes(connection))
        found = compare(connection.dialect, list(self.tables.values()), ExistingSchema({}, {}, {}))
        return [_as_stored(change, stored, existing) for change in found if not is_put_off(change, stored)]

    def make_framework(self, connection: sa.Connection) -> None:
        """Create the framework's own tables in an empty database."""
        self._metadata.create_all(connection, [self._metadata.tables[name] for name in self._ours], checkfirst=False)

    def find_apps(self, connection: sa.Connection) -> frozenset[str]:
        """Return the apps of which any table exists."""
        return frozenset(self.owners.app_of(name) for name in self._existing_names(connection))

    def find_filled(self, connection: sa.Connection) -> frozenset[str]:
        """Return the apps of which any table holds rows."""
        filled = (
            name
            for name in self._existing_names(connection)
            if connection.scalar(sa.select(sa.exists().select_from(sa.table(name))))
        )
        return frozenset(map(self.owners.app_of, filled))

    def _existing_names(self, connection: sa.Connection) -> list[str]:
        inspector = sa.inspect(connection)
        return [name for name in self.tables if inspector.has_table(name)]


def find_converted_columns(changes: Iterable[Change]) -> _Stored:
    """Return the columns whose type changes, with their stored types."""
    return {(change.table, change.name): change.before for change in changes if isinstance(change, ChangeType)}


def is_put_off(change: Change, stored: _Stored) -> bool:
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
