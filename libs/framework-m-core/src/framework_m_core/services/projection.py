"""Which fields of a DocType a caller is served, and rows turned into documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from framework_m_core.domain.errors import EntityNotFoundError
from framework_m_core.domain.filters import Comparison, Filter
from framework_m_core.interfaces.reader import ChildSelection, Row
from framework_m_core.registry.plans import DocTypePlan

__all__ = [
    "LIVE",
    "Selection",
    "by_reference",
    "child_selection",
    "cut",
    "full_selection",
    "names_of",
    "not_found",
    "row_to_document",
    "rows_to_documents",
    "selection",
    "visible",
]

LIVE: Filter = Comparison("deleted_at", "is_null", True)

_MOST_SHOWN = 255
"""Characters of a reference that an error repeats; no name is longer."""

type Selection = tuple[str | ChildSelection, ...]


@lru_cache(maxsize=4096)
def selection(plan: DocTypePlan, readable: frozenset[str]) -> Selection:
    """All readable fields, children last."""
    scalars = [name for name in plan.columns if name in readable and name != "deleted_at"]
    return (*scalars, *(child_selection(plan, name, readable) for name in plan.children if name in readable))


@lru_cache(maxsize=4096)
def full_selection(plan: DocTypePlan) -> Selection:
    """Every stored field, children last: what a write or an object-level decision works on."""
    return (*plan.columns, *(ChildSelection(name, child.columns) for name, child in plan.children.items()))


def child_selection(plan: DocTypePlan, field: str, readable: frozenset[str]) -> ChildSelection:
    """The readable columns of a child table, ids always."""
    child = plan.children[field]
    return ChildSelection(field, ("id", *(name for name in child.fields if f"{field}.{name}" in readable)))


def names_of(chosen: Iterable[str | ChildSelection]) -> tuple[str, ...]:
    """Field names of a selection."""
    return tuple(part if isinstance(part, str) else part.field for part in chosen)


def rows_to_documents(chosen: Sequence[str | ChildSelection], rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows as documents; a page without child tables takes the short way."""
    if all(isinstance(part, str) for part in chosen):
        return [dict(zip(chosen, row, strict=True)) for row in rows]  # type: ignore[arg-type]
    return [row_to_document(chosen, row) for row in rows]


def row_to_document(chosen: Sequence[str | ChildSelection], row: Row) -> dict[str, Any]:
    """A row as a document: fields by name, child rows as dictionaries."""
    document: dict[str, Any] = {}
    for part, value in zip(chosen, row, strict=True):
        if isinstance(part, str):
            document[part] = value
        else:
            document[part.field] = [dict(zip(part.columns, child, strict=True)) for child in value or ()]
    return document


def visible(plan: DocTypePlan, readable: frozenset[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Of a document's stored values, what a caller with these readable fields is served."""
    chosen = selection(plan, readable)
    if not plan.children:
        return {name: values[name] for name in chosen}  # type: ignore[index,misc] # no part is of a child table
    document: dict[str, Any] = {}
    for part in chosen:
        if isinstance(part, str):
            document[part] = values[part]
        else:
            document[part.field] = [{name: row[name] for name in part.columns} for row in values[part.field]]
    return document


def cut(part: str | ChildSelection, document: Mapping[str, Any]) -> Any:
    """Of a whole document, what a part of a selection asks for, as a reader gives it."""
    if isinstance(part, str):
        return document[part]
    return [tuple(row[name] for name in part.columns) for row in document[part.field]]


def by_reference(ref: UUID | str) -> Comparison:
    """The filter for an id or a name."""
    return Comparison("id" if isinstance(ref, UUID) else "name", "eq", ref)


def not_found(plan: DocTypePlan, ref: UUID | str) -> EntityNotFoundError:
    """The error for a document that is not there, or not there for this caller."""
    shown = str(ref)[:_MOST_SHOWN]
    return EntityNotFoundError(f"there is no {plan.name} {shown!r}", doctype=plan.name, ref=shown)
