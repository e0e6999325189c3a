"""Projections: the fields of a DocType that a caller is served, and the conversion of rows to documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_json

from framework_m_core.domain.documents.doctype import VERSION_FIELD
from framework_m_core.domain.documents.names import normalize_name
from framework_m_core.domain.errors import EntityNotFoundError
from framework_m_core.domain.fields.computed import find_info
from framework_m_core.domain.fields.json_form import json_encoders_of, to_json_form
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.filters.tree import Comparison, Filter
from framework_m_core.interfaces.reader import ChildSelection, Row
from framework_m_core.registry.compiled import FRAMEWORK_SPECS, CompiledDocType
from framework_m_core.registry.derived import Derived

__all__ = [
    "LIVE",
    "Projection",
    "Selection",
    "Served",
    "by_reference",
    "compile_projection",
    "compile_receipt",
    "convert_row",
    "convert_rows",
    "extract_part",
    "make_not_found",
    "names_of",
    "refuse_impossible",
    "select_child",
    "select_readable",
    "select_stored_fields",
    "serialize",
]

LIVE: Filter = Comparison("deleted_at", "is_null", True)

_MAX_SHOWN = 255
"""Number of characters of a reference that an error repeats; no name is longer."""

_FORM: Final = 1
"""Version of the JSON output; increase it when the same values are serialized differently."""

_MAX_KEPT: Final = 256
"""Sets of readable fields kept per DocType."""

_RECEIPT: Final = ("id", "name", VERSION_FIELD)

type Selection = tuple[str | ChildSelection, ...]


class Served(dict[str, Any]):
    """A document as a caller is served it.

    Documents with the same id, version and `fingerprint` have the same bytes. It is None if the bytes depend on more
    than the row and the readable fields: on parameters, linked documents or a policy engine's decision.
    """

    __slots__ = ("fingerprint",)

    fingerprint: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """The fields that a caller is served of a DocType's documents.

    `fingerprint` identifies it: it is the same in all processes, and changes when a served field is added, removed or
    declared differently. `written` is the fingerprint of the response to a write: None if a store may return other
    bytes than it was sent, as it does with the keys and numbers of JSON.
    """

    chosen: Selection
    fingerprint: str
    written: str | None


def _readable(plan: CompiledDocType, readable: frozenset[str]) -> Selection:
    """Return all readable fields, child tables last."""
    scalars = [name for name in plan.columns if name in readable and name != "deleted_at"]
    return (*scalars, *(select_child(plan, name, readable) for name in plan.children if name in readable))


def select_stored_fields(plan: CompiledDocType) -> Selection:
    """Return every stored field, child tables last, as writes and policy decisions need them."""
    return _FULL.of(plan)


def _full(plan: CompiledDocType) -> Selection:
    return (*plan.columns, *(ChildSelection(name, child.columns) for name, child in plan.children.items()))


def select_child(plan: CompiledDocType, field: str, readable: frozenset[str]) -> ChildSelection:
    """Return the readable columns of a child table, always with `id`."""
    child = plan.children[field]
    return ChildSelection(field, ("id", *(name for name in child.fields if f"{field}.{name}" in readable)))


def compile_projection(plan: CompiledDocType, readable: frozenset[str]) -> Projection:
    """Return the projection for a caller with these readable fields."""
    return _PROJECTIONS.of(plan)(readable)


def compile_receipt(plan: CompiledDocType) -> Projection:
    """Return the projection of a written document that the caller may not read."""
    return _RECEIPTS.of(plan)


def _cache_projections(plan: CompiledDocType) -> Callable[[frozenset[str]], Projection]:
    return lru_cache(maxsize=_MAX_KEPT)(lambda readable: _projection(plan, _readable(plan, readable)))


def _projection(plan: CompiledDocType, chosen: Selection) -> Projection:
    specs = [spec for part in chosen for spec in _specs(plan, part)]
    # Only served fields: otherwise callers could find out by trial how hidden fields are declared.
    description = to_json([_FORM, plan.name, [_describe(plan, part) for part in chosen]])
    fingerprint = sha256(description).hexdigest()[:16]
    return Projection(chosen, fingerprint, None if any(map(_holds_json, specs)) else fingerprint)


def _holds_json(spec: FieldSpec) -> bool:
    return any(column.kind is FieldKind.JSON for column in spec.columns)


_FULL: Final = Derived(_full)
_PROJECTIONS: Final = Derived(_cache_projections)
_RECEIPTS: Final = Derived[CompiledDocType, Projection](lambda plan: _projection(plan, _RECEIPT))


def _specs(plan: CompiledDocType, part: str | ChildSelection) -> Iterable[FieldSpec]:
    if isinstance(part, str):
        return (plan.specs[part],)
    fields = plan.children[part.field].fields
    return (plan.specs[part.field], *(fields[name] for name in part.columns if name != "id"))


def _describe(plan: CompiledDocType, part: str | ChildSelection) -> Any:
    """Return what the bytes of a part depend on besides its value, such as the default that old rows get."""
    if isinstance(part, str):
        return _field(plan.specs[part], plan.model)
    child, (whole, *columns) = plan.children[part.field], _specs(plan, part)
    return [_field(whole, plan.model), [_field(spec, child.model) for spec in columns]]


def _field(spec: FieldSpec, model: type[BaseModel]) -> Any:
    if spec.name in FRAMEWORK_SPECS:
        return spec.name
    stated = to_json_form(find_info(model, spec.name).default, json_encoders_of((spec,)))
    default = to_json(stated, fallback=lambda _: None).decode()
    if spec.field_type is not None:
        return [spec.name, repr(spec.field_type), spec.nullable, spec.permlevel, default]
    return [spec.name, spec.kind.value, spec.nullable, spec.scale, spec.permlevel, default]


def serialize(values: Mapping[str, Any] | Iterable[tuple[str, Any]], fingerprint: str | None) -> Served:
    """Return a served document with the fingerprint of its projection, if any."""
    served = Served(values)
    served.fingerprint = fingerprint
    return served


def names_of(chosen: Iterable[str | ChildSelection]) -> tuple[str, ...]:
    """Return the field names of a selection."""
    return tuple(part if isinstance(part, str) else part.field for part in chosen)


def convert_rows(chosen: Sequence[str | ChildSelection], rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Convert rows to documents, with a fast path for selections without child tables."""
    if all(isinstance(part, str) for part in chosen):
        return [dict(zip(chosen, row, strict=True)) for row in rows]  # type: ignore[arg-type]
    return [convert_row(chosen, row) for row in rows]


def convert_row(chosen: Sequence[str | ChildSelection], row: Row) -> dict[str, Any]:
    """Convert a row to a document: fields by name, child rows as dictionaries."""
    document: dict[str, Any] = {}
    for part, value in zip(chosen, row, strict=True):
        if isinstance(part, str):
            document[part] = value
        else:
            document[part.field] = [dict(zip(part.columns, child, strict=True)) for child in value or ()]
    return document


def select_readable(plan: CompiledDocType, readable: frozenset[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a caller with these readable fields is served of a document's stored values."""
    chosen = compile_projection(plan, readable).chosen
    if not plan.children:
        return {name: values[name] for name in chosen}  # type: ignore[index,misc] # no part is of a child table
    document: dict[str, Any] = {}
    for part in chosen:
        if isinstance(part, str):
            document[part] = values[part]
        else:
            document[part.field] = [{name: row[name] for name in part.columns} for row in values[part.field]]
    return document


def extract_part(part: str | ChildSelection, document: Mapping[str, Any]) -> Any:
    """Return one part of a selection from a whole document, as readers return it."""
    if isinstance(part, str):
        return document[part]
    return [tuple(row[name] for name in part.columns) for row in document[part.field]]


def by_reference(ref: UUID | str) -> Comparison:
    """Return the filter for an id or a name."""
    return Comparison("id", "eq", ref) if isinstance(ref, UUID) else Comparison("name", "eq", normalize_name(ref))


def refuse_impossible(plan: CompiledDocType, ref: str) -> None:
    """Raise EntityNotFoundError for a name that no document has because stores cannot hold it."""
    if "\0" in ref or any("\ud800" <= character <= "\udfff" for character in ref):
        raise make_not_found(plan, ref.encode(errors="replace").decode())


def make_not_found(plan: CompiledDocType, ref: UUID | str) -> EntityNotFoundError:
    """Return the error for a document that does not exist or that the caller cannot read."""
    shown = str(ref)[:_MAX_SHOWN]
    return EntityNotFoundError(f"there is no {plan.name} {shown!r}", doctype=plan.name, ref=shown)
