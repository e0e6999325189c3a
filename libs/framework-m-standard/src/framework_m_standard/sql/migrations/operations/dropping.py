"""Drop operations whose reverse is written in kinds of fields, so that it runs on every database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.operations import MigrateOperation, ops

from framework_m_standard.sql.migrations.autogenerate.reflected_types import kind_type_of
from framework_m_standard.sql.migrations.operations.alembic_operations import AddIndex

__all__ = ["DropIndex", "dropped_index", "dropped_table"]


class DropIndex(ops.DropIndexOp):
    """An index of the framework to drop."""

    def __init__(self, made_by: AddIndex) -> None:
        super().__init__(made_by.index_name, made_by.table)
        self.made_by = made_by

    def reverse(self) -> AddIndex:  # type: ignore[override]
        return self.made_by


def dropped_index(found: ops.DropIndexOp) -> MigrateOperation:
    """Return the drop as one of a framework index if its name and plain columns show that it is one, else unchanged."""
    index = found.to_index()
    names = [column.name for column in index.columns]
    if len(names) != len(list(index.expressions)):
        return found
    made_by = AddIndex(str(found.table_name), names, unique=bool(index.unique))
    return DropIndex(made_by) if made_by.index_name == found.index_name else found


def dropped_table(found: ops.DropTableOp) -> ops.DropTableOp:
    """Return the drop of a table with its column types as kinds of fields."""
    table = found.to_table()
    links = [constraint for constraint in table.constraints if isinstance(constraint, sa.ForeignKeyConstraint)]
    same = sa.Table(
        table.name,
        sa.MetaData(),
        *(sa.Column(column.name, _kind(column.type), nullable=column.nullable) for column in table.columns),
        sa.PrimaryKeyConstraint(*(column.name for column in table.primary_key)),
        *map(_link, sorted(links, key=lambda link: str(link.name))),
        sqlite_with_rowid=False,
    )
    return ops.DropTableOp.from_table(same)


def _kind(type_: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """Return a column type as a kind of field; the index of a child row is the only column without one."""
    return sa.Integer() if type(type_) is sa.INTEGER else kind_type_of(type_)


def _link(link: sa.ForeignKeyConstraint) -> sa.ForeignKeyConstraint:
    targets = [element.target_fullname for element in link.elements]
    return sa.ForeignKeyConstraint(link.column_keys, targets, name=link.name, ondelete=link.ondelete)
