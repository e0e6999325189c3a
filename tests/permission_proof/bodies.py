"""Interpretation of the body of a write: which fields it may set, and to which values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from tests.permission_proof.declared import DeclaredField
from tests.permission_proof.permission_model import PermissionModel
from tests.permission_proof.plain_filters import Wrong, parse_value

__all__ = ["as_json", "build_new_body", "copy_body", "merge_body"]


def as_json(value: Any) -> Any:
    """Return a stored value as JSON."""
    match value:
        case UUID() | Decimal():
            return str(value)
        case date() | datetime():
            return value.isoformat()
        case list():
            return [as_json(item) for item in value]
        case Mapping():
            return {name: as_json(item) for name, item in value.items()}
    return value


def build_new_body(permissions: PermissionModel, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the own fields of a new document. Raises Wrong for fields that the caller may not set."""
    for name in body:
        if permissions.writable(name) is None:
            raise Wrong(f"{name} is not to be set")
    defaults = {one.name: [] if one.rows else one.default for one in permissions.declared.fields}
    return {**defaults, **_given(permissions, body, {})}


def copy_body(permissions: PermissionModel, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a copy of a document, with the fields that the caller may read and set."""
    served = permissions.serialize(document)
    body = {}
    for field in permissions.declared.fields:
        if field.name not in served or not permissions.writes(field):
            continue
        body[field.name] = as_json(served[field.name])
        if field.rows:
            columns = [one.name for one in field.rows.fields if permissions.writes(one, field)]
            body[field.name] = [{name: row[name] for name in columns if name in row} for row in body[field.name]]
    return body


def merge_body(permissions: PermissionModel, before: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a body changes.

    Fields that the caller may not set are ignored if they echo the served values. Raises Wrong otherwise.
    """
    served = permissions.serialize(before)
    for name, raw in body.items():
        if permissions.writable(name) is not None or name == "_version":
            continue
        if name not in served or not _echoes(permissions, name, served[name], raw):
            raise Wrong(f"{name} is not to be set")
    return _given(permissions, body, before)


def _given(permissions: PermissionModel, body: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    values = {}
    for name, raw in body.items():
        field = permissions.writable(name)
        if field is not None and field.rows:
            values[name] = [*_rows(permissions, field, before.get(name, []), raw)]
        elif field is not None:
            values[name] = _value(field, raw)
    return values


def _value(field: DeclaredField, raw: Any) -> Any:
    if raw is None and not field.nullable:
        raise Wrong(f"{field.name} is never null")
    return parse_value(field.kind, raw)


def _rows(
    permissions: PermissionModel, table: DeclaredField, before: Sequence[Mapping[str, Any]], raw: Any
) -> Iterator[dict[str, Any]]:
    if not isinstance(raw, list):
        raise Wrong("a list of rows is expected")
    known = {row["id"]: row for row in before}
    for given in raw:
        if not isinstance(given, Mapping):
            raise Wrong("a row is expected")
        if "id" in given and UUID(given["id"]) not in known:
            raise Wrong("no such row")
        yield _row(permissions, table, known.pop(UUID(given["id"])) if "id" in given else {}, given)


def _row(
    permissions: PermissionModel, table: DeclaredField, before: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    assert table.rows
    row = dict(before) or {"id": uuid4(), **{one.name: one.default for one in table.rows.fields}}
    for name, raw in given.items():
        field = table.rows.get(name)
        if name == "id":
            continue
        if field is not None and permissions.writes(field, table):
            row[name] = _value(field, raw)
        elif (
            field is None
            or not before
            or not permissions.reads(field, table)
            or parse_value(field.kind, raw) != before[name]
        ):
            raise Wrong(f"{name} is not to be set")
    return row


def _echoes(permissions: PermissionModel, name: str, served: Any, raw: Any) -> bool:
    field = permissions.declared.get(name)
    if field is None or not field.rows:
        return permissions.same(name, served, raw)
    if not isinstance(raw, list) or len(raw) != len(served):
        return False
    return all(
        isinstance(given, Mapping) and _echoes_row(field, row, given) for row, given in zip(served, raw, strict=True)
    )


def _echoes_row(table: DeclaredField, served: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    assert table.rows
    kinds = {"id": "link", **{one.name: one.kind for one in table.rows.fields}}
    return given.keys() <= served.keys() and all(
        parse_value(kinds[name], raw) == served[name] for name, raw in given.items()
    )
