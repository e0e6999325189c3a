"""Rendering of changes as the Python code of a revision, and as a line for a person."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from framework_m_core.spi import BODY, FieldKind, call, format_literal, mark_long_lines
from framework_m_standard.sql.schema import changes as made
from framework_m_standard.sql.schema.changes import NOTHING, Change, is_change
from framework_m_standard.sql.schema.field_registry import KindType
from framework_m_standard.sql.schema.keys import format_key_name
from framework_m_standard.sql.schema.renames import find_renamed_columns, find_renamed_tables

__all__ = ["render", "summarize"]

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


def render(changes: Sequence[Change]) -> str:
    """Return the body of `upgrade` or `downgrade`."""
    lines = [*(_CODE[type(change)](change) for change in changes), *_renames(changes)]
    return mark_long_lines("\n".join(lines))


def _renames(changes: Sequence[Change]) -> Iterator[str]:
    """Yield the operations, as comments, that rename what looks renamed."""
    for table, old, new in find_renamed_columns(changes):
        yield f"# if {old} was renamed to {new}, replace the operations on both by:"
        yield f"# m.rename_column({', '.join(_texts(table, old, new))})"
    for old, new in find_renamed_tables(changes):
        yield f"# if {old} was renamed to {new}, replace the operations on both by m.rename_doctype(old, new)"


def summarize(changes: Sequence[Change]) -> Iterator[str]:
    """Yield a line per change, without the indexes of new tables."""
    created = {change.table for change in changes if isinstance(change, made.CreateTable)}
    for change in changes:
        if is_change(change) and not (isinstance(change, made.AddIndex) and change.table in created):
            yield _SENTENCES[type(change)](change)


_SENTENCES: dict[type[Any], Callable[[Any], str]] = {
    made.CreateTable: lambda change: f"new table {change.table}",
    made.DropTable: lambda change: f"drop table {change.table} with its data",
    made.AddIndex: lambda change: f"new {'unique ' if change.unique else ''}index {change.name}",
    made.DropIndex: lambda change: f"drop index {change.name}",
    made.AddColumn: lambda change: f"new column {change.table}.{change.column.name}",
    made.DropColumn: lambda change: f"drop column {change.table}.{change.column.name} with its data",
    made.SetNotNullable: lambda change: f"{change.table}.{change.name} becomes required",
    made.SetNullable: lambda change: f"{change.table}.{change.name} becomes optional",
    made.ChangeType: lambda change: (
        f"{change.table}.{change.name} changes from {_shown(change.before)} to {_shown(change.type)}"
    ),
    made.AddLink: lambda change: f"{change.table}.{change.name} links to {change.target}",
    made.DropLink: lambda change: f"{change.table}.{change.name} no longer links to another table",
}


def _shown(type_: Any) -> str:
    rendered = _type(type_)
    return rendered.partition(".")[2].removesuffix("()")


def _type(item: Any) -> str:
    if not isinstance(item, KindType):
        return f"sa.{item!r}"
    if item.kind is FieldKind.DECIMAL:
        return f"m.decimal({item.scale})"
    return f"m.{_WORDS[item.kind]}()"


def _column(column: sa.Column[Any]) -> str:
    null = "" if column.nullable else ", nullable=False"
    return f'sa.Column("{column.name}", {_type(column.type)}{null})'


def _fill(value: Any) -> Iterator[str]:
    if value is not NOTHING:
        yield f"fill={format_literal(value)}"


def _texts(*values: str) -> Iterator[str]:
    yield from (f'"{value}"' for value in values)


def _create_table(change: made.CreateTable) -> str:
    parts = [
        *map(_column, change.declared.columns),
        'sa.PrimaryKeyConstraint("id")',
        *map(_foreign_key, change.links),
        "sqlite_with_rowid=False",
    ]
    lines = [f'"{change.table}",', *(f"{part}," for part in parts)]
    return "op.create_table(\n" + textwrap.indent("\n".join(lines), "    ") + "\n)"


def _foreign_key(link: sa.ForeignKeyConstraint) -> str:
    [column], [element] = link.columns, link.elements
    rule = [f'ondelete="{link.ondelete}"'] if link.ondelete else []
    parts = [f'["{column.name}"]', f'["{element.target_fullname}"]', f'name="{link.name}"', *rule]
    return call("sa.ForeignKeyConstraint", *parts, indent=2 * BODY, after=1)


def _add_column(change: made.AddColumn) -> str:
    missing = not change.column.nullable and change.fill is NOTHING
    remark = "# existing rows need a value: fill=…\n" if missing else ""
    return remark + call("m.add_column", *_texts(change.table), _column(change.column), *_fill(change.fill))


def _set_not_nullable(change: made.SetNotNullable) -> str:
    type_ = [] if change.column is None or change.fill is NOTHING else [_type(change.column.type)]
    return call("m.set_not_nullable", *_texts(change.table, change.name), *type_, *_fill(change.fill))


def _add_index(change: made.AddIndex) -> str:
    columns = f"[{', '.join(_texts(*change.columns))}]"
    if change.name != format_key_name("uq" if change.unique else "ix", change.table, change.columns):  # one by hand
        return call("op.create_index", *_texts(change.name, change.table), columns, f"unique={change.unique}")
    return call("m.add_unique" if change.unique else "m.add_index", *_texts(change.table), columns)


def _add_link(change: made.AddLink) -> str:
    rule = ["cascade=True"] if change.cascade else []
    return call("m.add_link", *_texts(change.table, change.name, change.target), *rule)


_CODE: dict[type[Any], Callable[[Any], str]] = {
    made.CreateTable: _create_table,
    made.DropTable: lambda change: f'op.drop_table("{change.table}")',
    made.KeepTable: lambda change: f'# kept with its data; to drop it: op.drop_table("{change.table}")',
    made.AddColumn: _add_column,
    made.DropColumn: lambda change: call("m.drop_column", *_texts(change.table, change.column.name)),
    made.KeepColumn: lambda change: (
        f'# kept with its data; to drop it: m.drop_column("{change.table}", "{change.name}")'
    ),
    made.ChangeType: lambda change: call("m.change_type", *_texts(change.table, change.name), _type(change.type)),
    made.SetNotNullable: _set_not_nullable,
    made.SetNullable: lambda change: call("m.set_nullable", *_texts(change.table, change.name)),
    made.AddLink: _add_link,
    made.DropLink: lambda change: call("m.drop_link", *_texts(change.table, change.name)),
    made.AddIndex: _add_index,
    made.DropIndex: lambda change: call("op.drop_index", *_texts(change.name), f'table_name="{change.table}"'),
}
