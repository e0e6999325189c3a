"""The meaning of a filter in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from framework_m_core.domain.filters.patterns import fold_ascii, pattern_regex
from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Or, UserAttribute
from framework_m_core.domain.hash_keys import HashKey, hash_key

__all__ = ["Predicate", "compile_predicate", "matches"]

type Predicate = Callable[[Mapping[str, Any]], bool]


def matches(tree: Filter, document: Mapping[str, Any]) -> bool:
    """Return whether a document, given as stored values by field name, satisfies a tree."""
    return compile_predicate(tree)(document)


def compile_predicate(tree: Filter) -> Predicate:
    """Compile a tree into a function like `matches`, walking the tree once for many documents."""
    match tree:
        case And(parts):
            return _all([compile_predicate(part) for part in parts])
        case Or(parts):
            return _negate(_all([_negate(compile_predicate(part)) for part in parts]))
        case Not(part):
            return _negate(compile_predicate(part))
        case Comparison(field, _, UserAttribute(name)):
            raise TypeError(f"expected a value for {field!r}, got the caller's {name}: bind the scope first")
        case Comparison(field, "is_null", value):
            return lambda document: (document[field] is None) is value
        case Comparison(field, "ne" | "not_in" as operator, value):
            return _negate(_comparison(field, "eq" if operator == "ne" else "in", value))
        case Comparison(field, operator, value):
            return _comparison(field, operator, value)
    raise TypeError(f"not a filter: {tree!r}")


def _comparison(field: str, operator: str, value: Any) -> Predicate:
    if operator == "in" and (keys := _keys(value)) is not None:
        return lambda document: (stored := document[field]) is not None and hash_key(stored) in keys
    compare = _COMPARE[operator]

    def holds(document: Mapping[str, Any]) -> bool:
        stored = document[field]
        return stored is not None and value is not None and compare(stored, value)

    return holds


def _keys(values: Any) -> frozenset[HashKey] | None:
    """Return the hash keys of a list of only UUIDs or only texts, for lookup in constant time, else None."""
    alike = isinstance(values, tuple) and values and (_all_of(values, UUID) or _all_of(values, str))
    return frozenset(map(hash_key, values)) if alike else None


def _all_of(values: tuple[Any, ...], type_: type) -> bool:
    return all(isinstance(value, type_) for value in values)


def _negate(part: Predicate) -> Predicate:
    return lambda document: not part(document)


def _all(parts: list[Predicate]) -> Predicate:
    def hold(document: Mapping[str, Any]) -> bool:
        for part in parts:  # noqa: SIM110 - a generator for each document costs more than the loop
            if not part(document):
                return False
        return True

    return parts[0] if len(parts) == 1 else hold


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda stored, value: bool(stored == value),
    "lt": lambda stored, value: bool(stored < value),
    "lte": lambda stored, value: bool(stored <= value),
    "gt": lambda stored, value: bool(stored > value),
    "gte": lambda stored, value: bool(stored >= value),
    "in": lambda stored, value: stored in value,
    "between": lambda stored, value: bool(value[0] <= stored <= value[1]),
    "has": lambda stored, value: value in stored,
    "contains": lambda stored, value: value in stored,
    "starts_with": lambda stored, value: stored.startswith(value),
    "like": lambda stored, value: pattern_regex(value).fullmatch(stored) is not None,
    "ilike": lambda stored, value: pattern_regex(fold_ascii(value)).fullmatch(fold_ascii(stored)) is not None,
}
