"""The filter operators of each kind of field, and whether documents can be sorted by it."""

from __future__ import annotations

from typing import Final

from framework_m_core.domain.fields.field_type import ORDERING
from framework_m_core.domain.fields.kinds import FieldKind
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.filters.tree import OPERATORS

__all__ = ["ORDERING", "TEXT_OPERATORS", "is_sortable", "operators_of"]

TEXT_OPERATORS: Final = frozenset({"like", "ilike", "contains", "starts_with"})
_NULL: Final = frozenset({"is_null"})
_EQUAL: Final = _NULL | {"eq", "ne"}
_LISTED: Final = _EQUAL | {"in", "not_in"}
_BY_KIND: Final = {
    FieldKind.TEXT: _LISTED | ORDERING | TEXT_OPERATORS,
    FieldKind.BOOLEAN: _LISTED,
    FieldKind.UUID: _LISTED,
    FieldKind.BYTES: _EQUAL,
    FieldKind.JSON: _NULL,
    FieldKind.CHILDREN: frozenset[str](),
}
_UNSORTED: Final = frozenset({FieldKind.JSON, FieldKind.BYTES, FieldKind.CHILDREN})


def operators_of(spec: FieldSpec) -> tuple[str, ...]:
    """Return the operators that filters may compare a field with."""
    offered = _NULL.union(spec.field_type.operators) if spec.field_type else _BY_KIND.get(spec.kind, _LISTED | ORDERING)
    offered |= {"has"} if spec.items else set()
    return tuple(operator for operator in OPERATORS if operator in offered)


def is_sortable(spec: FieldSpec) -> bool:
    """Return whether documents can be sorted by a field."""
    return spec.field_type.sortable if spec.field_type else spec.kind not in _UNSORTED
