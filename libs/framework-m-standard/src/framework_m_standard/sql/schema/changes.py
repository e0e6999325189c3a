"""The changes of a schema: development's sync runs them, and revisions are written from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from framework_m_standard.sql.schema.column_defaults import default_value_of
from framework_m_standard.sql.schema.field_registry import KindType

__all__ = [
    "NOTHING",
    "ORDER",
    "AddColumn",
    "AddIndex",
    "AddLink",
    "Change",
    "ChangeType",
    "CreateTable",
    "DropColumn",
    "DropIndex",
    "DropLink",
    "DropTable",
    "KeepColumn",
    "KeepTable",
    "SetNotNullable",
    "SetNullable",
    "is_change",
    "reverse_changes",
]

NOTHING: Final = object()
"""No value for existing rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A change of a table, or the statement that something is kept."""

    table: str

    def reverse(self) -> Change:
        """Return the change that reverts it."""
        return self


@dataclass(frozen=True, slots=True, eq=False)
class CreateTable(Change):
    """A new table, with those of its links whose targets exist by then."""

    declared: sa.Table
    links: Sequence[sa.ForeignKeyConstraint]

    def reverse(self) -> Change:
        return DropTable(self.table, self.declared, self.links)


@dataclass(frozen=True, slots=True, eq=False)
class DropTable(Change):
    """A table to drop with all its rows."""

    declared: sa.Table
    links: Sequence[sa.ForeignKeyConstraint]

    def reverse(self) -> Change:
        return CreateTable(self.table, self.declared, self.links)


@dataclass(frozen=True, slots=True, eq=False)
class KeepTable(Change):
    """A table that no DocType declares anymore, kept with its rows; `columns` are those of its fields."""

    columns: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class AddColumn(Change):
    """A new column; `fill` is the value of existing rows."""

    column: sa.Column[Any]
    fill: Any = NOTHING

    def reverse(self) -> Change:
        return DropColumn(self.table, sa.Column(self.column.name, self.column.type, nullable=True))


@dataclass(frozen=True, slots=True, eq=False)
class DropColumn(Change):
    """A column to drop with all its values."""

    column: sa.Column[Any]

    def reverse(self) -> Change:
        return AddColumn(self.table, self.column)


@dataclass(frozen=True, slots=True, eq=False)
class KeepColumn(Change):
    """A column that no field declares anymore, kept with its values; `found` is its type in the database."""

    name: str
    found: str


@dataclass(frozen=True, slots=True, eq=False)
class ChangeType(Change):
    """A change of a column's type, which is `found` in the database; its values are converted."""

    name: str
    type: Any
    before: KindType
    found: str = ""

    def reverse(self) -> Change:
        return ChangeType(self.table, self.name, self.before, self.type)


@dataclass(frozen=True, slots=True, eq=False)
class SetNotNullable(Change):
    """A column that is to refuse null."""

    name: str
    column: sa.Column[Any] | None = None

    @property
    def fill(self) -> Any:
        """The value that replaces existing nulls: the field's default; made when asked for."""
        value = None if self.column is None else default_value_of(self.column)
        return NOTHING if value is None else value

    def reverse(self) -> Change:
        return SetNullable(self.table, self.name)


@dataclass(frozen=True, slots=True, eq=False)
class SetNullable(Change):
    """A column that is to accept null, of an optional field or, if not `declared`, of none anymore."""

    name: str
    declared: bool = True

    def reverse(self) -> Change:
        return SetNotNullable(self.table, self.name)


@dataclass(frozen=True, slots=True, eq=False)
class AddLink(Change):
    """A foreign key from a column to the id of another table."""

    name: str
    target: str
    cascade: bool = False
    declared: sa.ForeignKeyConstraint | None = None

    def reverse(self) -> Change:
        return DropLink(self.table, self.name, self.target, self.cascade)


@dataclass(frozen=True, slots=True, eq=False)
class DropLink(Change):
    """A foreign key to drop."""

    name: str
    target: str
    cascade: bool = False

    def reverse(self) -> Change:
        return AddLink(self.table, self.name, self.target, self.cascade)


@dataclass(frozen=True, slots=True, eq=False)
class AddIndex(Change):
    """An index over columns; a unique one ignores soft-deleted rows."""

    name: str
    columns: Sequence[str]
    unique: bool
    declared: sa.Index | None = None

    def reverse(self) -> Change:
        return DropIndex(self.table, self.name, self.columns)


@dataclass(frozen=True, slots=True, eq=False)
class DropIndex(Change):
    """An index of the framework to drop."""

    name: str
    columns: Sequence[str]

    def reverse(self) -> Change:
        return AddIndex(self.table, self.name, self.columns, self.name.startswith("uq_"))


ORDER: Final[tuple[type[Change], ...]] = (
    DropIndex,
    DropLink,
    CreateTable,
    AddColumn,
    ChangeType,
    SetNullable,
    SetNotNullable,
    AddLink,
    AddIndex,
    DropColumn,
    KeepColumn,
    DropTable,
    KeepTable,
)
"""All kinds of changes: what must be out of the way comes first, what could be in the way last."""


def is_change(change: Change) -> bool:
    """Return whether a change does anything."""
    return not isinstance(change, (KeepColumn, KeepTable))


def reverse_changes(changes: Sequence[Change]) -> list[Change]:
    """Return the changes that revert these; the indexes of new tables are dropped with them."""
    created = {change.table for change in changes if isinstance(change, CreateTable)}
    goes_with_table = [change for change in changes if isinstance(change, AddIndex) and change.table in created]
    undone = [change for change in changes if is_change(change) and change not in goes_with_table]
    return [change.reverse() for change in reversed(undone)]
