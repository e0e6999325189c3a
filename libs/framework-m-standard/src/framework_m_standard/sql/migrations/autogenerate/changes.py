"""Translation of Alembic's differences to revision operations, in a workable order, with values for existing rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.operations import MigrateOperation, ops
from pydantic import BaseModel

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.fields.defaults import stored_default
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.registry.registry import Registry
from framework_m_standard.sql.migrations.autogenerate.reflected_types import kind_type_of
from framework_m_standard.sql.migrations.operations.alembic_operations import (
    NOTHING,
    AddColumn,
    AddIndex,
    AddLink,
    ChangeType,
    DropColumn,
    DropLink,
    KeepColumn,
    KeepTable,
    SetNotNullable,
    SetNullable,
)
from framework_m_standard.sql.migrations.operations.dropping import DropIndex, dropped_index, dropped_table
from framework_m_standard.sql.schema.tables import table_name

__all__ = ["Changes", "is_change", "reversed_changes"]

_ORDER: tuple[type[MigrateOperation], ...] = (
    DropIndex,
    ops.DropIndexOp,
    DropLink,
    ops.CreateTableOp,
    AddColumn,
    ChangeType,
    SetNullable,
    SetNotNullable,
    AddLink,
    AddIndex,
    DropColumn,
    KeepColumn,
    ops.DropTableOp,
    KeepTable,
)
"""Operations that must be out of the way come first, those that could be in the way last."""


class Changes:
    """Translator for one registry; with `drop`, it drops what no DocType declares anymore."""

    def __init__(self, registry: Registry, tables: Mapping[str, sa.Table], *, drop: bool) -> None:
        self._fields = _fields(registry)
        self._tables = tables
        self._drop = drop

    def of(self, found: ops.UpgradeOps) -> list[MigrateOperation]:
        """Return the operations of a revision, including those that only state that something is kept.

        Raises ConfigurationError for a difference that no revision operation can express.
        """
        changes = [change for one in _each(found.ops) for change in self._translated(one)]
        changes += _links_put_off(changes)
        if unknown := [change for change in changes if type(change) not in _ORDER]:
            raise ConfigurationError("a revision cannot express these differences of the database:", _listed(unknown))
        return sorted(changes, key=lambda change: _ORDER.index(type(change)))

    def _translated(self, found: MigrateOperation) -> Iterator[MigrateOperation]:
        match found:
            case ops.AddColumnOp():
                fill = self._stored_default(found.table_name, found.column.name)
                yield AddColumn(found.table_name, found.column, fill)
            case ops.DropColumnOp():
                yield from self._gone(found)
            case ops.AlterColumnOp():
                yield from self._altered(found)
            case ops.CreateForeignKeyOp():
                rule = found.kw.get("ondelete") == "CASCADE"
                yield AddLink(found.source_table, found.local_cols[0], found.referent_table, cascade=rule)
            case ops.DropConstraintOp():
                yield _dropped_link(found)
            case ops.CreateIndexOp() if all(isinstance(column, (str, sa.Column)) for column in found.columns):
                names = [str(getattr(column, "name", column)) for column in found.columns]
                yield AddIndex(found.table_name, names, unique=bool(found.unique))
            case ops.DropTableOp():
                yield dropped_table(found) if self._drop else KeepTable(found.table_name)
            case ops.DropIndexOp():
                if self._drop or found.table_name in self._tables:  # otherwise its table is kept
                    yield dropped_index(found)
            case _:
                yield found

    def _gone(self, found: ops.DropColumnOp) -> Iterator[MigrateOperation]:
        column = found.to_column()
        if self._drop:
            yield DropColumn(found.table_name, sa.Column(column.name, kind_type_of(column.type), nullable=True))
            return
        if not column.nullable:
            yield SetNullable(found.table_name, column.name)
        yield KeepColumn(found.table_name, column.name)

    def _altered(self, found: ops.AlterColumnOp) -> Iterator[MigrateOperation]:
        table, name = found.table_name, found.column_name
        if found.modify_type is not None:
            yield ChangeType(table, name, found.modify_type, kind_type_of(found.existing_type))
        if found.modify_nullable is True:
            yield SetNullable(table, name)
        elif found.modify_nullable is False:
            yield SetNotNullable(table, name, self._tables[table].c[name].type, self._stored_default(table, name))

    def _stored_default(self, table: str, name: str) -> Any:
        known = self._fields.get(table, {}).get(name)
        value = known[1].parts_of(stored_default(*known[:2]))[known[2]] if known else None
        return NOTHING if value is None else value


def _each(found: Sequence[MigrateOperation]) -> Iterator[MigrateOperation]:
    """Yield each difference except table comments, which belong to people working with the database."""
    for one in found:
        if isinstance(one, ops.ModifyTableOps):
            yield from _each(one.ops)
        elif not isinstance(one, (ops.CreateTableCommentOp, ops.DropTableCommentOp)):
            yield one


def _listed(unknown: Sequence[Any]) -> list[str]:
    return [f"{getattr(change, 'table_name', 'the database')}: {type(change).__name__}" for change in unknown]


def _dropped_link(found: ops.DropConstraintOp) -> DropLink:
    constraint = found.to_constraint()
    assert isinstance(constraint, sa.ForeignKeyConstraint)  # noqa: S101 - other constraints are ignored
    rule = constraint.ondelete == "CASCADE"
    return DropLink(found.table_name, constraint.column_keys[0], _target(constraint), cascade=rule)


def _links_put_off(changes: Sequence[MigrateOperation]) -> list[AddLink]:
    """Move links to tables that are created later out of the new tables, and return them as separate changes."""
    created: set[str] = set()
    waiting = {change.table_name for change in changes if isinstance(change, ops.CreateTableOp)}
    put_off: list[AddLink] = []
    for change in changes:
        if not isinstance(change, ops.CreateTableOp):
            continue
        created.add(change.table_name)
        for part in list(change.columns):
            target = _target(part)
            if target in waiting - created:
                change.columns = [one for one in change.columns if one is not part]
                put_off.append(_link(change.table_name, part))
    return put_off


def _target(part: Any) -> str:
    is_link = isinstance(part, sa.ForeignKeyConstraint)
    return part.elements[0].target_fullname.partition(".")[0] if is_link else ""


def _link(table: str, constraint: Any) -> AddLink:
    cascade = constraint.ondelete == "CASCADE"
    return AddLink(table, constraint.column_keys[0], _target(constraint), cascade=cascade)


def is_change(change: MigrateOperation) -> bool:
    """Return whether an operation does anything."""
    return not isinstance(change, (KeepColumn, KeepTable))


def reversed_changes(changes: Sequence[MigrateOperation]) -> list[MigrateOperation]:
    """Return the operations that revert the changes; indexes are dropped with their table."""
    created = {change.table_name for change in changes if isinstance(change, ops.CreateTableOp)}
    undone = [change for change in changes if is_change(change) and not _goes_with(change, created)]
    return [change.reverse() for change in reversed(undone)]


def _goes_with(change: MigrateOperation, tables: set[str]) -> bool:
    return isinstance(change, AddIndex) and change.table in tables


type _Field = tuple[type[BaseModel], FieldSpec, int]


def _fields(registry: Registry) -> Mapping[str, Mapping[str, _Field]]:
    """Return the model and field of each column, and which of the field's columns it is, by table."""
    found: dict[str, Mapping[str, _Field]] = {}
    for plan in registry.doctypes.values():
        found[table_name(plan.name)] = _by_column(plan.model, plan.fields)
        for child in plan.children.values():
            found[table_name(plan.name, child.field)] = _by_column(child.model, child.fields)
    return found


def _by_column(model: type[BaseModel], fields: Mapping[str, FieldSpec]) -> Mapping[str, _Field]:
    return {column.name: (model, spec, part) for spec in fields.values() for part, column in enumerate(spec.columns)}
