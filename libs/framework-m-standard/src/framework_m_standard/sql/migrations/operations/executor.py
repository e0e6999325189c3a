"""Immediate execution of changes when a database is taken over; revisions call the operations themselves."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext

from framework_m_standard.sql.migrations.operations import table_operations as operations
from framework_m_standard.sql.schema import changes as made
from framework_m_standard.sql.schema.changes import Change
from framework_m_standard.sql.schema.field_registry import KindType

__all__ = ["perform"]


def perform(connection: sa.Connection, changes: Iterable[Change]) -> None:
    """Execute changes; none may drop a table or column. Raises MigrationError if stored rows forbid one."""
    with Operations.context(MigrationContext.configure(connection=connection)) as alembic:
        for change in changes:
            _perform(alembic, change)


def _perform(alembic: Operations, change: Change) -> None:
    match change:
        case made.CreateTable():
            alembic.invoke(_create_table(change))
        case made.AddColumn():
            operations.add_column(change.table, change.column, fill=change.fill)
        case made.ChangeType(type=KindType() as type_):
            operations.change_type(change.table, change.name, type_)
        case made.SetNotNullable(column=column):
            kind = column.type if column is not None and isinstance(column.type, KindType) else None
            operations.set_not_nullable(change.table, change.name, kind, fill=change.fill)
        case made.SetNullable():
            operations.set_nullable(change.table, change.name)
        case made.AddIndex():
            (operations.add_unique if change.unique else operations.add_index)(change.table, change.columns)
        case made.DropIndex():
            alembic.drop_index(change.name, change.table)
        case made.AddLink():
            operations.add_link(change.table, change.name, change.target, cascade=change.cascade)
        case made.DropLink():
            operations.drop_link(change.table, change.name)


def _create_table(change: made.CreateTable) -> ops.CreateTableOp:
    """Return the operation, with only the links of the change: the targets of the others do not exist yet."""
    operation = ops.CreateTableOp.from_table(change.declared)
    put_off = change.declared.foreign_key_constraints.difference(change.links)
    operation.columns = [part for part in operation.columns if part not in put_off]
    return operation
