"""Stored rows: values that callers cannot change, converted when stored and copied when read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from pydantic_core import to_json

from framework_m_core.spi import (
    ChildSelection,
    CompiledChildTable,
    CompiledDocType,
    FieldKind,
    FieldSpec,
    IntegrityError,
    hash_key,
    measure_value,
    normalize_value,
)

__all__ = ["Row", "encode_value", "format_json", "make_getter", "make_size", "parse_json", "row_of", "values_of"]

_NEW: Final[Mapping[str, Any]] = MappingProxyType({})
"""The values before of what is new."""


class Row(dict[str, Any]):
    """A document's stored values by field, with child rows as a tuple of rows. It is replaced, never mutated.

    JSON is stored as text. A field that the row was stored without is None.
    """

    def __missing__(self, name: str) -> None:
        return None


def format_json(value: Any) -> str:
    """Return a JSON value as text, with ids, datetimes and decimals in it as strings."""
    return to_json(value).decode()


def parse_json(text: str | None) -> Any:
    """Return a new copy of a value that was stored as JSON."""
    return None if text is None else json.loads(text)


def encode_value(spec: FieldSpec, value: Any) -> Any:
    """Return the stored form of a scalar value. Raises IntegrityError for one that the field cannot hold."""
    if value is None:
        if spec.nullable:
            return None
        raise IntegrityError(f"the store refuses these values: expected one for {spec.name}, got none")
    if spec.kind is FieldKind.JSON:
        return format_json(value)
    try:
        return normalize_value(spec, value, rounding=True)
    except (ValueError, OverflowError) as error:
        raise IntegrityError(f"the store refuses these values: {spec.name}: {error}") from error


def row_of(plan: CompiledDocType, values: Mapping[str, Any], before: Mapping[str, Any] = _NEW) -> Row:
    """Return the row that stores a document's values, given as by `dump_document`. Raises IntegrityError.

    A required value may be missing if it is in the values `before`.
    """
    row = Row({name: _value(plan.specs[name], values, before) for name in plan.columns})
    for field, child in plan.children.items():
        known = {hash_key(one["id"]): one for one in before.get(field, ())}
        row[field] = tuple(
            _stored_child(child, given, known.get(hash_key(given["id"]), _NEW)) for given in values[field]
        )
    return row


def _stored_child(child: CompiledChildTable, values: Mapping[str, Any], before: Mapping[str, Any]) -> Row:
    return Row({"id": values["id"], **{name: _value(spec, values, before) for name, spec in child.fields.items()}})


def _value(spec: FieldSpec, values: Mapping[str, Any], before: Mapping[str, Any]) -> Any:
    is_still_missing = values[spec.name] is None and before.get(spec.name, ...) is None
    return None if is_still_missing else encode_value(spec, values[spec.name])


def values_of(plan: CompiledDocType, row: Row) -> dict[str, Any]:
    """Return a stored row's values as `dump_document` returned them, in new containers."""
    values = {name: make_getter(plan, name)(row) for name in plan.columns}
    for field, child in plan.children.items():
        rows = make_getter(plan, ChildSelection(field, child.columns))(row)
        values[field] = [dict(zip(child.columns, one, strict=True)) for one in rows]
    return values


def make_getter(plan: CompiledDocType, part: str | ChildSelection) -> Callable[[Row], Any]:
    """Return a getter of a selected part of a row, as readers return it. Raises KeyError for an unknown name."""
    if isinstance(part, ChildSelection):
        child = plan.children[part.field]
        take = [_column(child.fields.get(name), child.columns, name) for name in part.columns]
        return lambda row: _tuples(row[part.field], take)
    return _column(plan.specs.get(part), plan.columns, part)


def make_size(plan: CompiledDocType, part: str | ChildSelection) -> Callable[[Row], int]:
    """Return a function for about how many bytes a selected part of a row has."""
    if isinstance(part, str):
        return lambda row: measure_value(plan.specs[part], row[part])
    fields = plan.children[part.field].fields
    specs = [(name, fields.get(name, plan.specs["id"])) for name in part.columns]
    return lambda row: sum(measure_value(spec, child[name]) for child in row[part.field] or () for name, spec in specs)


def _tuples(rows: Sequence[Row] | None, take: Sequence[Callable[[Row], Any]]) -> list[tuple[Any, ...]]:
    return [tuple([one(row) for one in take]) for row in rows or ()]


def _column(spec: FieldSpec | None, columns: Sequence[str], name: str) -> Callable[[Row], Any]:
    if name not in columns:
        raise KeyError(name)
    if spec is not None and spec.kind is FieldKind.JSON:
        return lambda row: parse_json(row[name])
    return lambda row: row[name]
