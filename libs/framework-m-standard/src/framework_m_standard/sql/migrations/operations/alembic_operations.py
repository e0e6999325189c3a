"""Alembic operations on columns that mean the same on SQLite and PostgreSQL.

Tables are created, and tables and indexes dropped, by Alembic's own `op`. These operations add what the databases do
differently: existing rows get a value, and SQLite rewrites a table that it cannot alter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from alembic.operations import MigrateOperation, ops

from framework_m_standard.sql.schema.keys import key_name

__all__ = [
    "NOTHING",
    "AddColumn",
    "AddIndex",
    "AddLink",
    "ChangeType",
    "DropColumn",
    "DropLink",
    "KeepColumn",
    "KeepTable",
    "SetNotNullable",
    "SetNullable",
]

NOTHING: Final = object()
"""No value for existing rows."""


class _OnColumn(MigrateOperation):
    """An operation on one column."""

    def __init__(self, table: str, name: str) -> None:
        self.table = table
        self.name = name

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return (type(self).__name__, self.table, self.name)


class AddColumn(_OnColumn):
    """A new column; `fill` is the value of existing rows."""

    def __init__(self, table: str, column: sa.Column[Any], fill: Any = NOTHING) -> None:
        super().__init__(table, column.name)
        self.column = column
        self.fill = fill

    def reverse(self) -> DropColumn:
        return DropColumn(self.table, self.column)


class DropColumn(_OnColumn):
    """A column to drop with all its values."""

    def __init__(self, table: str, column: sa.Column[Any]) -> None:
        super().__init__(table, column.name)
        self.column = column

    def reverse(self) -> AddColumn:
        return AddColumn(self.table, sa.Column(self.name, self.column.type, nullable=True))


class KeepColumn(_OnColumn):
    """A column that no field declares anymore, kept with its values."""

    def reverse(self) -> KeepColumn:
        return self


class KeepTable(MigrateOperation):
    """A table that no DocType declares anymore, kept with its rows."""

    def __init__(self, table: str) -> None:
        self.table = table

    def reverse(self) -> KeepTable:
        return self

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return (type(self).__name__, self.table)


class SetNotNullable(_OnColumn):
    """A column that is to refuse null; `fill`, a value of the type, replaces existing nulls."""

    def __init__(self, table: str, name: str, type_: sa.types.TypeEngine[Any] | None = None, fill: Any = NOTHING):
        super().__init__(table, name)
        self.type = type_
        self.fill = fill

    def reverse(self) -> SetNullable:
        return SetNullable(self.table, self.name)


class SetNullable(_OnColumn):
    """A column that is to accept null."""

    def reverse(self) -> SetNotNullable:
        return SetNotNullable(self.table, self.name)


class ChangeType(_OnColumn):
    """A change of a column's type; its values are converted, and the revision fails if one cannot be."""

    def __init__(self, table: str, name: str, type_: sa.types.TypeEngine[Any], before: Any) -> None:
        super().__init__(table, name)
        self.type = type_
        self.before = before

    def reverse(self) -> ChangeType:
        return ChangeType(self.table, self.name, self.before, self.type)


class AddIndex(MigrateOperation):
    """An index over columns; a unique one ignores soft-deleted rows."""

    def __init__(self, table: str, columns: Sequence[str], *, unique: bool) -> None:
        self.table = table
        self.columns = tuple(columns)
        self.unique = unique

    @property
    def index_name(self) -> str:
        return key_name("uq" if self.unique else "ix", self.table, self.columns)

    def reverse(self) -> ops.DropIndexOp:
        return ops.DropIndexOp(self.index_name, self.table)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return (type(self).__name__, self.index_name)


class AddLink(_OnColumn):
    """A foreign key from a column to the id of another table."""

    def __init__(self, table: str, name: str, target: str, *, cascade: bool = False) -> None:
        super().__init__(table, name)
        self.target = target
        self.cascade = cascade

    def reverse(self) -> DropLink:
        return DropLink(self.table, self.name, self.target, cascade=self.cascade)


class DropLink(_OnColumn):
    """A foreign key to drop."""

    def __init__(self, table: str, name: str, target: str = "", *, cascade: bool = False) -> None:
        super().__init__(table, name)
        self.target = target
        self.cascade = cascade

    def reverse(self) -> AddLink:
        return AddLink(self.table, self.name, self.target, cascade=self.cascade)
