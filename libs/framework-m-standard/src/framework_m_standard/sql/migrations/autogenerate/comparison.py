"""Comparison of the tables of the app's DocTypes with those of a database, by Alembic's autogenerate.

The framework's own tables are excluded, because the app's revisions do not cover them. Indexes, keys and tables that
were not created for a DocType are ignored.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import SAWarning

from framework_m_core.domain.documents.doctype import FRAMEWORK_FIELDS
from framework_m_core.registry.registry import Registry
from framework_m_standard.sql.migrations.operations.column_types import KindTypes
from framework_m_standard.sql.migrations.recorder import OWN_TABLES
from framework_m_standard.sql.schema.field_registry import is_type_of, text_of_type, type_text
from framework_m_standard.sql.schema.keys import INDEX_PREFIXES
from framework_m_standard.sql.schema.tables import Tables

__all__ = ["Comparison"]

_FOREIGN_KEY = "fk_"
_CHILD_FIELDS = frozenset({"id", "parent", "idx"})


class Comparison:
    """The declared tables of an app, and their comparison with a database, from which revisions are written."""

    def __init__(self, registry: Registry, dialect: str) -> None:
        tables = Tables(registry.doctypes.values(), dialect, types=KindTypes(), strict=True)
        tables.all()
        self.tables: Mapping[str, sa.Table] = tables.of_apps
        self._metadata = tables.metadata
        self._ours = tables.metadata.tables.keys() - self.tables.keys()

    def with_database(self, connection: sa.Connection) -> ops.UpgradeOps:
        """Return the Alembic operations that would make the database match the DocTypes."""
        return self._produce(connection, self._is_looked_at)

    def with_nothing(self, connection: sa.Connection) -> ops.UpgradeOps:
        """Return the Alembic operations that would make an empty database match the DocTypes."""
        return self._produce(connection, lambda name, kind, parents: kind != "table")

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

    def _produce(self, connection: sa.Connection, include_name: Any) -> ops.UpgradeOps:
        context = MigrationContext.configure(
            connection=connection,
            opts={
                "target_metadata": self._metadata,
                "include_name": include_name,
                "include_object": self._is_ours,
                "compare_type": _types_differ,
                "compare_server_default": False,
            },
        )
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", SAWarning
            )  # about tables that link to each other; `Changes` orders them later
            found = produce_migrations(context, self._metadata).upgrade_ops
        assert found is not None  # noqa: S101 - produce_migrations always sets it
        return found

    def _is_looked_at(self, name: str | None, kind: str, parents: Mapping[str, str | None]) -> bool:
        return kind != "table" or (name not in OWN_TABLES and name not in self._ours)

    def _is_ours(self, item: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
        if kind == "table":
            return name in self.tables if not reflected else other is not None or _is_left_over(item)
        if reflected and other is None:
            if kind == "index":
                return (name or "").startswith(INDEX_PREFIXES)
            if kind == "foreign_key_constraint":
                return (name or "").startswith(_FOREIGN_KEY)
            return kind == "column"
        return True


def _is_left_over(table: sa.Table) -> bool:
    """Return whether a table was once created for a DocType or for its child rows."""
    names = set(table.columns.keys())
    return names.issuperset(FRAMEWORK_FIELDS) or ("__" in table.name and names >= _CHILD_FIELDS)


def _types_differ(
    context: MigrationContext, inspected: sa.Column[Any], wanted: sa.Column[Any], found: Any, _: Any
) -> bool:
    ids = inspected.table.columns.get("id")
    id = None if ids is None else type_text(context.dialect, ids)
    return not is_type_of(text_of_type(context.dialect, found), type_text(context.dialect, wanted), id=id)
