"""Row scopes: filters over a document and the caller, checked once and bound to each caller.

A scope matches nothing if the caller lacks a value that it names, or has one that the field cannot hold; otherwise a
negated condition would grant access.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from framework_m_core.domain.context import Principal
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.filters.format import format_filter
from framework_m_core.domain.filters.operators import operators_of
from framework_m_core.domain.filters.tree import (
    EVERYTHING,
    NOTHING,
    And,
    Comparison,
    Filter,
    Not,
    Or,
    UserAttribute,
    comparisons_of,
)

__all__ = ["bind_scopes", "bind_user_attributes", "check_scope", "unite", "with_field_kinds"]

_ANY_NUMBER: Final = frozenset({"eq", "ne", "in", "not_in"})
_ORDERED: Final = frozenset({"lt", "lte", "gt", "gte"})
_SEARCHING: Final = frozenset({"contains", "starts_with"})
_OPERATORS: Final = {
    FieldKind.TEXT: _ANY_NUMBER | _ORDERED | _SEARCHING,
    FieldKind.INTEGER: _ANY_NUMBER | _ORDERED,
    FieldKind.UUID: _ANY_NUMBER,
}
"""Operators for a caller's values, by kind of field; decimals and dates are excluded, as their text is not unique."""


def unite(scopes: Iterable[Filter]) -> Filter:
    """Return the filter that matches if any of the scopes does."""
    parts: list[Filter] = []
    for scope in scopes:
        if scope == EVERYTHING:
            return EVERYTHING
        if scope != NOTHING and scope not in parts:
            parts.append(scope)
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def bind_scopes(scopes: Iterable[Filter], principal: Principal) -> Filter:
    """Return the union of the scopes bound to the caller; a missing value empties only its own scope."""
    return unite([bind_user_attributes(scope, principal) for scope in scopes])


def bind_user_attributes(scope: Filter, principal: Principal) -> Filter:
    """Return a scope with every `UserAttribute` replaced by the caller's values, or NOTHING if one is missing."""
    bound = _bind(scope, principal)
    return NOTHING if bound is None else bound


def with_field_kinds(scope: Filter, specs: Mapping[str, FieldSpec]) -> Filter:
    """Return the scope with the kind of each `UserAttribute` set to that of the field it is compared with."""
    match scope:
        case And(parts):
            return And(tuple(with_field_kinds(part, specs) for part in parts))
        case Or(parts):
            return Or(tuple(with_field_kinds(part, specs) for part in parts))
        case Not(part):
            return Not(with_field_kinds(part, specs))
        case Comparison(field, operator, UserAttribute(name)):
            return Comparison(field, operator, UserAttribute(name, specs[field].items or specs[field].kind))
    return scope


def check_scope(scope: Filter, specs: Mapping[str, FieldSpec]) -> Iterator[str]:
    """Yield the errors of a scope: unknown fields, and user attributes that cannot be compared."""
    for comparison in comparisons_of(scope):
        spec = specs.get(comparison.field)
        if spec is None or spec.kind is FieldKind.CHILDREN:
            known = ", ".join(sorted(name for name, one in specs.items() if one.kind is not FieldKind.CHILDREN))
            yield f"names {comparison.field!r}: expected one of {known}"
        elif comparison.operator == "has" and spec.items is None:
            yield f"says {format_filter(comparison)!r}: expected a list of texts or integers, got {spec.kind}"
        elif isinstance(comparison.value, UserAttribute) and comparison.operator != "has":
            yield from _check_comparison(comparison, spec.kind)
        elif isinstance(comparison.value, (tuple, list, set, frozenset)) and any(
            isinstance(value, UserAttribute) for value in comparison.value
        ):
            yield f"lists the caller's value for {comparison.field!r}: use it alone, as it may be several values"
        elif comparison.operator not in (offered := operators_of(spec)):
            yield f"says {format_filter(comparison)!r}: expected an operator of {', '.join(sorted(offered))}"


def _check_comparison(comparison: Comparison, kind: FieldKind) -> Iterator[str]:
    allowed = _OPERATORS.get(kind, frozenset())
    if not allowed:
        kinds = ", ".join(sorted(_OPERATORS))
        yield f"says {format_filter(comparison)!r}: expected a field of kind {kinds}, got {kind}"
    elif comparison.operator not in allowed:
        yield f"says {format_filter(comparison)!r}: expected an operator of {', '.join(sorted(allowed))}"


def _bind(tree: Filter, principal: Principal) -> Filter | None:
    """Return the bound tree, or None if any value in it is missing."""
    match tree:
        case And(parts):
            bound = _bind_all(parts, principal)
            return None if bound is None else And(bound)
        case Or(parts):
            bound = _bind_all(parts, principal)
            return None if bound is None else Or(bound)
        case Not(part):
            inner = _bind(part, principal)
            return None if inner is None else Not(inner)
        case Comparison(_, _, UserAttribute() as value):
            return _compare(tree, _values_of(principal, value))
    return tree


def _bind_all(parts: tuple[Filter, ...], principal: Principal) -> tuple[Filter, ...] | None:
    bound = [_bind(part, principal) for part in parts]
    known = tuple(part for part in bound if part is not None)
    return known if len(known) == len(parts) else None


def _compare(comparison: Comparison, values: tuple[Any, ...] | None) -> Filter | None:
    field, operator = comparison.field, comparison.operator
    if not values:
        return None
    if operator in {"in", "not_in"}:
        return Comparison(field, operator, values)
    if len(values) == 1:
        return Comparison(field, operator, values[0])
    if operator in {"eq", "ne"}:
        return Comparison(field, "in" if operator == "eq" else "not_in", values)
    if operator == "has":
        return Or(tuple(Comparison(field, operator, value) for value in values))
    return None


def _values_of(principal: Principal, wanted: UserAttribute) -> tuple[Any, ...] | None:
    """Return the caller's values converted to the wanted kind, or None unless all can be converted."""
    convert = _FROM_TEXT.get(wanted.kind)
    if convert is None:
        return None
    try:
        return tuple(convert(_text(value)) for value in _known(principal, wanted.name))
    except ValueError:
        return None


def _known(principal: Principal, name: str) -> Iterable[Any]:
    if name in {"id", "email"}:
        value = getattr(principal, name)
        return (value,) if value else ()
    # third-party identity adapters may return anything: a text is one value, not its letters
    found: Any = principal.attributes.get(name, ())
    return (found,) if isinstance(found, str) or not isinstance(found, Iterable) else found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected a text, got {type(value).__name__}")
    return value


def _int64(text: str) -> int:
    number = int(text)
    if number.bit_length() > 63:
        raise ValueError("expected an integer within 64 bits")
    return number


_FROM_TEXT: Final[Mapping[FieldKind, Callable[[str], Any]]] = {
    FieldKind.TEXT: str,
    FieldKind.UUID: UUID,
    FieldKind.INTEGER: _int64,
}
