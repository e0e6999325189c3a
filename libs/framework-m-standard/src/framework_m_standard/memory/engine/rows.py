"""Stored rows: values that callers cannot change, converted when stored and copied when read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from framework_m_core.domain.errors import IntegrityError
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import bounded
from framework_m_core.interfaces.reader import ChildSelection
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["Row", "from_json", "getter", "json_text", "stored_row", "stored_value", "values_of"]


class Row(dict[str, Any]):
    """A document's stored values by field, with child rows as a tuple of rows. It is replaced, never mutated.

    JSON is stored as text. A field that the row was stored without is None.
    """

    def __missing__(self, name: str) -> None:
        return None


def json_text(value: Any) -> str:
    """Return a JSON value as text, with ids, datetimes and decimals in it as strings."""
    return to_json(value).decode()


def from_json(text: str | None) -> Any:
    """Return a new copy of a value that was stored as JSON."""
    return None if text is None else json.loads(text)


def stored_value(spec: FieldSpec, value: Any) -> Any:
    """Return the stored form of a scalar value. Raises IntegrityError for one that the field cannot hold."""
    if value is None:
        if spec.nullable:
            return None
        raise IntegrityError(f"the store refuses these values: expected one for {spec.name}, got none")
    if spec.kind is FieldKind.JSON:
        return json_text(value)
    try:
        return bounded(spec, value, rounding=True)
    except (ValueError, OverflowError) as error:
        raise IntegrityError(f"the store refuses these values: {spec.name}: {error}") from error


def stored_row(plan: CompiledDocType, values: Mapping[str, Any]) -> Row:
    """Return the row that stores a document's values, given as by `document_values`. Raises IntegrityError."""
    row = Row({name: stored_value(plan.specs[name], values[name]) for name in plan.columns})
    for field, child in plan.children.items():
        row[field] = tuple(
            Row({"id": given["id"], **{name: stored_value(spec, given[name]) for name, spec in child.fields.items()}})
            for given in values[field]
        )
    return row


def values_of(plan: CompiledDocType, row: Row) -> dict[str, Any]:
    """Return a stored row's values as `document_values` returned them, in new containers."""
    values = {name: getter(plan, name)(row) for name in plan.columns}
    for field, child in plan.children.items():
        rows = getter(plan, ChildSelection(field, child.columns))(row)
        values[field] = [dict(zip(child.columns, one, strict=True)) for one in rows]
    return values


def getter(plan: CompiledDocType, part: str | ChildSelection) -> Callable[[Row], Any]:
    """Return a getter of a selected part of a row, as readers return it. Raises KeyError for an unknown name."""
    if isinstance(part, ChildSelection):
        child = plan.children[part.field]
        take = [_column(child.fields.get(name), child.columns, name) for name in part.columns]
        return lambda row: _tuples(row[part.field], take)
    return _column(plan.specs.get(part), plan.columns, part)


def _tuples(rows: Sequence[Row] | None, take: Sequence[Callable[[Row], Any]]) -> list[tuple[Any, ...]]:
    return [tuple([one(row) for one in take]) for row in rows or ()]


def _column(spec: FieldSpec | None, columns: Sequence[str], name: str) -> Callable[[Row], Any]:
    if name not in columns:
        raise KeyError(name)
    if spec is not None and spec.kind is FieldKind.JSON:
        return lambda row: from_json(row[name])
    return lambda row: row[name]
