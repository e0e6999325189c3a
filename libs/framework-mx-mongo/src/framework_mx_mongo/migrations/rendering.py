"""Revision files: changes as Python code, and advice on what to check before they are run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bson import Decimal128

from framework_m_core.spi import (
    BODY,
    MigrationFiles,
    RevisionStyle,
    StepId,
    call,
    format_literal,
    mark_long_lines,
)
from framework_m_core.spi import write_revision as write_file
from framework_mx_mongo.documents.indexes import Index
from framework_mx_mongo.documents.layout import Column
from framework_mx_mongo.schema import changes as made
from framework_mx_mongo.schema.changes import Change, reverse_changes

__all__ = ["advise_on_revision", "write_revision"]

_STYLE: Final = RevisionStyle(
    "async def",
    "database: m.Database",
    {
        "datetime.": "import datetime",
        "uuid.": "import uuid",
        "Decimal128(": "from bson import Decimal128",
        "m.": "from framework_mx_mongo import migrations as m",
    },
    always="m.",
)


def write_revision(
    files: MigrationFiles, message: str, changes: Sequence[Change], *, adopts: StepId | None = None
) -> Path:
    """Write a revision of an app after its newest one."""
    return write_file(files, message, _STYLE, _render(changes), _render(reverse_changes(changes)), adopts)


def advise_on_revision(changes: Sequence[Change]) -> Iterator[str]:
    """Yield a line for each change that may lose data or needs a value."""
    for change in changes:
        place = f"{change.collection}.{getattr(change, 'name', '')}".rstrip(".")
        match change:
            case made.KeepField():
                yield (
                    f"{place} is no longer declared; it is kept with its values. If it was renamed, use "
                    "database.rename_field in the revision; --drop drops it"
                )
            case made.KeepCollection():
                yield (
                    f"{place} is no longer declared; it is kept with its documents. If the DocType was renamed, use "
                    "database.rename_doctype in the revision; --drop drops it"
                )
            case made.DropField() | made.DropCollection():
                yield f"{place} is dropped with its data, which a rollback does not restore"
            case made.AddField(column=column) | made.ChangeField(column=column) if _needs_value(change, column):
                yield (
                    f"{place} is required and has no default: documents without a value make the revision fail. Give "
                    "them one by fill=… in it, or by an earlier patch"
                )
            case made.ChangeField() if change.before.kind != change.column.kind:
                yield f"{place} changes its kind: the revision fails if it cannot convert a value exactly"


def _needs_value(change: Change, column: Column) -> bool:
    was_required = isinstance(change, made.ChangeField) and not change.before.nullable
    return not column.nullable and column.default is None and not was_required


def _render(changes: Sequence[Change]) -> str:
    return mark_long_lines("\n".join([*(_CODE[type(change)](change) for change in changes), *_renames(changes)]))


def _renames(changes: Sequence[Change]) -> Iterator[str]:
    """Yield the operations, as comments, that rename what looks renamed."""
    kept = [change for change in changes if isinstance(change, made.KeepField)]
    for change in changes:
        for old in kept:
            if (
                isinstance(change, made.AddField)
                and old.collection == change.collection
                and old.column.kind == change.column.kind
            ):
                yield f"# if {old.name} was renamed to {change.name}, replace the operations on both by:"
                yield f"# {_operation('rename_field', *_texts(change.collection, old.name, change.name))}"


def _operation(name: str, *arguments: str) -> str:
    return "await " + call(f"database.{name}", *arguments, indent=BODY + len("await "))


def _texts(*values: str) -> Iterator[str]:
    yield from map(format_literal, values)


def _literal(value: Any) -> str:
    if isinstance(value, Decimal128):
        return f'Decimal128("{value}")'
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_literal(key)}: {_literal(item)}' for key, item in value.items())}}}"
    return format_literal(value)


def _column(column: Column) -> str:
    parts = [*_texts(column.kind, column.stored_as)]
    parts.append(f"nullable={column.nullable}")
    if column.default is not None:
        parts.append(f"default={_literal(column.default)}")
    return f"m.Column({', '.join(parts)})"


def _index(index: Index) -> str:
    keys = ", ".join(_texts(*index.keys)) + ("," if len(index.keys) == 1 else "")
    parts = [f"({keys})"]
    if index.unique:
        parts.append("unique=True")
    if index.where:
        parts.append(f"where={_literal(index.where)}")
    return f"m.Index({', '.join(parts)})"


def _create(change: made.CreateCollection) -> str:
    layout = change.layout
    fields = {key: _column(column) for key, column in (layout.columns if layout else {}).items()}
    rows = {path: format_literal(kind) for path, kind in (layout.rows if layout else {}).items()}
    parts = [format_literal(change.collection), _mapping(fields), *([_mapping(rows)] if rows else [])]
    return "await database.create_collection(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def _mapping(entries: Mapping[str, str]) -> str:
    if not entries:
        return "{}"
    lines = "".join(f"        {format_literal(key)}: {code},\n" for key, code in entries.items())
    return "{\n" + lines + "    }"


def _fill(change: made.AddField | made.ChangeField) -> list[str]:
    return [] if change.fill is None else [f"fill={_literal(change.fill)}"]


def _add_field(change: made.AddField) -> str:
    names = _texts(change.collection, change.name)
    return _operation("add_field", *names, _column(change.column), *_fill(change))


def _change_field(change: made.ChangeField) -> str:
    names = _texts(change.collection, change.name)
    return _operation("alter_field", *names, _column(change.before), _column(change.column), *_fill(change))


def _row_field(change: made.ChangeRowField) -> str:
    kinds = [format_literal(kind) for kind in (change.before, change.kind)]
    return _operation("set_row_field", *_texts(change.collection, change.path), *kinds)


_CODE: Final[Mapping[type[Change], Callable[[Any], str]]] = {
    made.CreateCollection: _create,
    made.DropCollection: lambda change: _operation("drop_collection", *_texts(change.collection)),
    made.KeepCollection: lambda change: (
        f'# kept with its documents; to drop it: await database.drop_collection("{change.collection}")'
    ),
    made.AddField: _add_field,
    made.DropField: lambda change: _operation("drop_field", *_texts(change.collection, change.name)),
    made.KeepField: lambda change: (
        f'# kept with its values; to drop it: await database.drop_field("{change.collection}", "{change.name}")'
    ),
    made.ChangeField: _change_field,
    made.ChangeRowField: _row_field,
    made.AddIndex: lambda change: _operation("add_index", *_texts(change.collection), _index(change.index)),
    made.DropIndex: lambda change: _operation("drop_index", *_texts(change.collection), _index(change.index)),
    made.SetValidator: lambda change: _operation("set_validator", *_texts(change.collection)),
}
