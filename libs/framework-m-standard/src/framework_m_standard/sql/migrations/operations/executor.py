"""Immediate execution of operations when a database is taken over; revisions call the operations themselves."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic.operations import MigrateOperation, Operations
from alembic.runtime.migration import MigrationContext

from framework_m_standard.sql.migrations.operations import alembic_operations as operations
from framework_m_standard.sql.migrations.operations import operations as vocabulary
from framework_m_standard.sql.migrations.operations.column_types import KindType

__all__ = ["perform"]


def perform(connection: sa.Connection, changes: Sequence[MigrateOperation]) -> None:
    """Execute changes. Raises MigrationError for one that stored rows do not allow."""
    with Operations.context(MigrationContext.configure(connection=connection)) as alembic:
        for change in changes:
            _perform(alembic, change)


def _perform(alembic: Operations, change: MigrateOperation) -> None:
    match change:
        case operations.AddColumn():
            vocabulary.add_column(change.table, change.column, fill=change.fill)
        case operations.SetNotNullable():
            type_ = change.type if isinstance(change.type, KindType) else None
            vocabulary.set_not_nullable(change.table, change.name, type_, fill=change.fill)
        case operations.SetNullable():
            vocabulary.set_nullable(change.table, change.name)
        case operations.AddIndex():
            (vocabulary.add_unique if change.unique else vocabulary.add_index)(change.table, change.columns)
        case operations.AddLink():
            vocabulary.add_link(change.table, change.name, change.target, cascade=change.cascade)
        case operations.DropLink():
            vocabulary.drop_link(change.table, change.name)
        case _:
            alembic.invoke(change)
