"""The tables of the app's DocTypes, and the changes of a database from which revisions are written.

The framework's own tables are excluded, because the app's revisions do not cover them.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from framework_m_core.registry.registry import Registry
from framework_m_standard.sql.migrations.recorder import OWN_TABLES
from framework_m_standard.sql.schema.changes import Change
from framework_m_standard.sql.schema.comparison import compare
from framework_m_standard.sql.schema.existing import ExistingSchema, read_with
from framework_m_standard.sql.schema.field_registry import KindTypes
from framework_m_standard.sql.schema.tables import Tables

__all__ = ["Comparison"]


class Comparison:
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

    def all_changes(self, connection: sa.Connection) -> list[Change]:
        """Return the changes that make an empty database match the DocTypes."""
        return compare(connection.dialect, list(self.tables.values()), ExistingSchema({}, {}, {}))

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
