"""Rendering of operations as the Python code of a revision, and as a line for a person."""

from __future__ import annotations

import decimal
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate import render_python_code, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, ops

from framework_m_core.domain.fields.spec import FieldKind
from framework_m_standard.sql.migrations.autogenerate.changes import is_change
from framework_m_standard.sql.migrations.operations import alembic_operations as operations
from framework_m_standard.sql.migrations.operations.alembic_operations import NOTHING
from framework_m_standard.sql.migrations.operations.column_types import KindType

__all__ = ["imports_of", "render", "summary"]

_WORDS = {
    FieldKind.TEXT: "text",
    FieldKind.INTEGER: "integer",
    FieldKind.FLOAT: "float_",
    FieldKind.BOOLEAN: "boolean",
    FieldKind.DATETIME: "datetime",
    FieldKind.DATE: "date",
    FieldKind.UUID: "uuid",
    FieldKind.JSON: "json",
    FieldKind.BYTES: "bytes_",
}
_IMPORTS = {
    "datetime.": "import datetime",
    "decimal.": "import decimal",
    "uuid.": "import uuid",
    "sa.": "import sqlalchemy as sa",
    "op.": "from alembic import op",
    "m.": "from framework_m import migrations as m",
}


def render(changes: Sequence[MigrateOperation]) -> str:
    """Return the body of `upgrade` or `downgrade`."""
    return render_python_code(ops.UpgradeOps(ops=list(changes)), render_item=_render_type)


def imports_of(*bodies: str) -> list[str]:
    """Return the import lines that the bodies need: the standard library's, then others."""
    words = {part for body in bodies for line in body.splitlines() for part in _qualifiers(line)}
    return [line for prefix, line in _IMPORTS.items() if prefix in words]


def summary(changes: Sequence[MigrateOperation]) -> Iterator[str]:
    """Yield a line per change, without the indexes of new tables."""
    created = {change.table_name for change in changes if isinstance(change, ops.CreateTableOp)}
    for change in changes:
        if is_change(change) and not (isinstance(change, operations.AddIndex) and change.table in created):
            yield _describe(change)


def _describe(change: MigrateOperation) -> str:
    """Describe a change in a few words."""
    for kind, say in _SENTENCES.items():
        if isinstance(change, kind):
            return say(change)
    return str(change.to_diff_tuple())


_SENTENCES: dict[type[Any], Callable[[Any], str]] = {
    ops.CreateTableOp: lambda change: f"new table {change.table_name}",
    ops.DropTableOp: lambda change: f"drop table {change.table_name} with its data",
    operations.AddIndex: lambda change: f"new {'unique ' if change.unique else ''}index {change.index_name}",
    ops.DropIndexOp: lambda change: f"drop index {change.index_name}",
    operations.AddColumn: lambda change: f"new column {change.table}.{change.name}",
    operations.DropColumn: lambda change: f"drop column {change.table}.{change.name} with its data",
    operations.KeepColumn: lambda change: f"keep column {change.table}.{change.name}, which no field declares",
    operations.KeepTable: lambda change: f"keep table {change.table}, which no DocType declares",
    operations.SetNotNullable: lambda change: f"{change.table}.{change.name} becomes required",
    operations.SetNullable: lambda change: f"{change.table}.{change.name} becomes optional",
    operations.ChangeType: lambda change: (
        f"{change.table}.{change.name} changes from {_shown(change.before)} to {_shown(change.type)}"
    ),
    operations.AddLink: lambda change: f"{change.table}.{change.name} links to {change.target}",
    operations.DropLink: lambda change: f"{change.table}.{change.name} no longer links to another table",
}


def _shown(type_: Any) -> str:
    rendered = _type(type_)
    return rendered.partition(".")[2].removesuffix("()")


def _render_type(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    return _type(item) if kind == "type" and isinstance(item, KindType) else False


def _type(item: Any) -> str:
    if not isinstance(item, KindType):
        return f"sa.{item!r}"
    if item.kind is FieldKind.DECIMAL:
        return f"m.decimal({item.scale})"
    return f"m.{_WORDS[item.kind]}()"


def _column(column: sa.Column[Any]) -> str:
    null = "" if column.nullable else ", nullable=False"
    return f'sa.Column("{column.name}", {_type(column.type)}{null})'


def _fill(value: Any) -> str:
    return "" if value is NOTHING else f", fill={_literal(value)}"


def _literal(value: Any) -> str:
    """Return a stored value as Python code, qualified by its module if necessary."""
    if isinstance(value, decimal.Decimal):
        return f"decimal.{value!r}"
    if isinstance(value, uuid.UUID):
        return f"uuid.{value!r}"
    shown = repr(value)
    return f'"{shown[1:-1]}"' if shown.startswith("'") and '"' not in shown else shown


def _qualifiers(line: str) -> Iterator[str]:
    code = line.partition("#")[0]
    for prefix in _IMPORTS:
        if code.startswith(prefix) or any(f"{before}{prefix}" in code for before in " (,=["):
            yield prefix


@renderers.dispatch_for(operations.AddColumn)
def _add_column(context: AutogenContext, change: operations.AddColumn) -> str:
    missing = not change.column.nullable and change.fill is NOTHING
    remark = "  # existing rows need a value: fill=…" if missing else ""
    return f'm.add_column("{change.table}", {_column(change.column)}{_fill(change.fill)}){remark}'


@renderers.dispatch_for(operations.DropColumn)
def _drop_column(context: AutogenContext, change: operations.DropColumn) -> str:
    return f'm.drop_column("{change.table}", "{change.name}")'


@renderers.dispatch_for(operations.KeepColumn)
def _keep_column(context: AutogenContext, change: operations.KeepColumn) -> str:
    return f'# kept with its data; to drop it: m.drop_column("{change.table}", "{change.name}")'


@renderers.dispatch_for(operations.KeepTable)
def _keep_table(context: AutogenContext, change: operations.KeepTable) -> str:
    return f'# kept with its data; to drop it: op.drop_table("{change.table}")'


@renderers.dispatch_for(operations.SetNotNullable)
def _set_required(context: AutogenContext, change: operations.SetNotNullable) -> str:
    type_ = f", {_type(change.type)}" if change.fill is not NOTHING else ""
    return f'm.set_not_nullable("{change.table}", "{change.name}"{type_}{_fill(change.fill)})'


@renderers.dispatch_for(operations.SetNullable)
def _set_optional(context: AutogenContext, change: operations.SetNullable) -> str:
    return f'm.set_nullable("{change.table}", "{change.name}")'


@renderers.dispatch_for(operations.ChangeType)
def _change_type(context: AutogenContext, change: operations.ChangeType) -> str:
    return f'm.change_type("{change.table}", "{change.name}", {_type(change.type)})'


@renderers.dispatch_for(operations.AddIndex)
def _add_index(context: AutogenContext, change: operations.AddIndex) -> str:
    columns = ", ".join(f'"{name}"' for name in change.columns)
    return f'm.{"add_unique" if change.unique else "add_index"}("{change.table}", [{columns}])'


@renderers.dispatch_for(operations.AddLink)
def _add_link(context: AutogenContext, change: operations.AddLink) -> str:
    rule = ", cascade=True" if change.cascade else ""
    return f'm.add_link("{change.table}", "{change.name}", "{change.target}"{rule})'


@renderers.dispatch_for(operations.DropLink)
def _drop_link(context: AutogenContext, change: operations.DropLink) -> str:
    return f'm.drop_link("{change.table}", "{change.name}")'
