"""The filter tree: one semantics for user filters, row scopes and reports, on every store and in memory.

Logic is two-valued: a comparison with null is false; `ne` and `not_in` negate `eq` and `in`, so they include null; only
`is_null` tests for null. Text compares by code point. `like`, `contains` and `starts_with` are case-sensitive, with a
backslash as escape in patterns; `ilike` folds only ASCII letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, get_args
from uuid import UUID

from framework_m_core.domain.errors import QueryError
from framework_m_core.domain.fields.spec import FieldKind
from framework_m_core.domain.hash_keys import HashKey, hash_key

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "OPERATORS",
    "And",
    "Comparison",
    "Filter",
    "Not",
    "Operator",
    "Or",
    "Placeholder",
    "UserAttribute",
    "check_pattern",
    "fields_of",
    "fold_ascii",
    "matches",
    "parameterize",
    "predicate",
    "simplified",
]

type Operator = Literal[
    "eq",
    "ne",
    "lt",
    "lte",
    "gt",
    "gte",
    "in",
    "not_in",
    "like",
    "ilike",
    "contains",
    "starts_with",
    "between",
    "is_null",
]
OPERATORS: Final[tuple[str, ...]] = get_args(Operator.__value__)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field against one value; `in`, `not_in` and `between` take a tuple, `is_null` a bool."""

    field: str
    operator: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; without parts it is always true."""

    parts: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds; without parts it is never true."""

    parts: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Filter


type Filter = Comparison | And | Or | Not

EVERYTHING: Final = And()
NOTHING: Final = Or()


@dataclass(frozen=True, slots=True)
class UserAttribute:
    """In a row scope, stands for the caller's `id`, `email` or values of an attribute.

    If the caller has no such value, or one that the field cannot hold, the scope matches nothing. `kind` is that of the
    compared field and is set from the DocType.
    """

    name: str
    kind: FieldKind = FieldKind.TEXT


@dataclass(frozen=True, slots=True)
class Placeholder:
    """In a query template, stands for a value given at run time; `size` is the length of an `in` list."""

    size: int = 1


def parameterize(tree: Filter) -> tuple[Filter, tuple[Any, ...]]:
    """Split a tree into a template, which a store compiles once, and the placeholder values in reading order.

    The tree is simplified first, so that redundant nesting does not create further templates. An `in` list is padded to
    a power of two by repeating its last value, so that few templates cover all lengths.
    """
    values: list[Any] = []
    return _shape(simplified(tree), values), tuple(values)


def simplified(tree: Filter) -> Filter:
    """Return the tree without redundant nesting and branches that do not affect the result."""
    match tree:
        case And(parts):
            return _joined(And, [simplified(part) for part in parts], neutral=EVERYTHING, deciding=NOTHING)
        case Or(parts):
            return _joined(Or, [simplified(part) for part in parts], neutral=NOTHING, deciding=EVERYTHING)
        case Not(part):
            return _denied(simplified(part))
        case Comparison(_, "in" | "not_in" as operator, items) if not items:
            return NOTHING if operator == "in" else EVERYTHING
    return tree


def _joined(kind: type[And | Or], parts: list[Filter], *, neutral: Filter, deciding: Filter) -> Filter:
    flat: list[Filter] = []
    for part in parts:
        if part == deciding:
            return deciding
        if isinstance(part, kind):
            flat += part.parts
        elif part != neutral:
            flat.append(part)
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _denied(part: Filter) -> Filter:
    if isinstance(part, Not):
        return part.part
    return NOTHING if part == EVERYTHING else EVERYTHING if part == NOTHING else Not(part)


def _shape(tree: Filter, values: list[Any]) -> Filter:
    match tree:
        case And(parts):
            return And(tuple([_shape(part, values) for part in parts]))
        case Or(parts):
            return Or(tuple([_shape(part, values) for part in parts]))
        case Not(part):
            return Not(_shape(part, values))
        case Comparison(_, "is_null", _):
            return tree
        case Comparison(field, "in" | "not_in" as operator, items):
            return _list_shape(field, operator, tuple(items), values)
        case Comparison(field, "between", (low, high)):
            values += (low, high)
            return Comparison(field, "between", (Placeholder(), Placeholder()))
        case Comparison(field, operator, value):
            values.append(value)
            return Comparison(field, operator, Placeholder())
    raise TypeError(f"not a filter: {tree!r}")


def _list_shape(field: str, operator: Operator, items: tuple[Any, ...], values: list[Any]) -> Filter:
    size = 1 << (len(items) - 1).bit_length()
    values.extend(items + items[-1:] * (size - len(items)))
    return Comparison(field, operator, Placeholder(size))


def fields_of(tree: Filter) -> frozenset[str]:
    """Return all fields that a tree names."""
    match tree:
        case And(parts) | Or(parts):
            return frozenset().union(*(fields_of(part) for part in parts))
        case Not(part):
            return fields_of(part)
        case Comparison(field, _, _):
            return frozenset({field})
    raise TypeError(f"not a filter: {tree!r}")


type Predicate = Callable[[Mapping[str, Any]], bool]


def matches(tree: Filter, document: Mapping[str, Any]) -> bool:
    """Return whether a document, given as stored values by field name, satisfies a tree."""
    return predicate(tree)(document)


def predicate(tree: Filter) -> Predicate:
    """Compile a tree into a function like `matches`, walking the tree once for many documents."""
    match tree:
        case And(parts):
            return _all([predicate(part) for part in parts])
        case Or(parts):
            return _negated(_all([_negated(predicate(part)) for part in parts]))
        case Not(part):
            return _negated(predicate(part))
        case Comparison(field, _, UserAttribute(name)):
            raise TypeError(f"expected a value for {field!r}, got the caller's {name}: bind the scope first")
        case Comparison(field, "is_null", value):
            return lambda document: (document[field] is None) is value
        case Comparison(field, "ne" | "not_in" as operator, value):
            return _negated(_comparison(field, "eq" if operator == "ne" else "in", value))
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
    alike = isinstance(values, tuple) and (_all_of(values, UUID) or _all_of(values, str))
    return frozenset(map(hash_key, values)) if alike else None


def _all_of(values: tuple[Any, ...], type_: type) -> bool:
    return all(isinstance(value, type_) for value in values)


def _negated(part: Predicate) -> Predicate:
    return lambda document: not part(document)


def _all(parts: list[Predicate]) -> Predicate:
    def hold(document: Mapping[str, Any]) -> bool:
        for part in parts:  # noqa: SIM110 - a generator for each document costs more than the loop
            if not part(document):
                return False
        return True

    return parts[0] if len(parts) == 1 else hold


_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_TOKEN = re.compile(r"\\(.)|(%)|(_)|([^\\%_]+)", re.DOTALL)


def fold_ascii(text: str) -> str:
    """Lower-case A–Z and leave all other characters unchanged."""
    return text.translate(_ASCII_LOWER)


def check_pattern(pattern: str) -> str:
    """Return the pattern. Raises QueryError if it ends in a lone backslash."""
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise QueryError("the pattern ends in a lone backslash: write two to match one")
    return pattern


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    parts = []
    for escaped, any_run, any_one, text in _TOKEN.findall(pattern):
        parts.append(".*" if any_run else "." if any_one else re.escape(escaped or text))
    return re.compile("".join(parts), re.DOTALL)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda stored, value: bool(stored == value),
    "lt": lambda stored, value: bool(stored < value),
    "lte": lambda stored, value: bool(stored <= value),
    "gt": lambda stored, value: bool(stored > value),
    "gte": lambda stored, value: bool(stored >= value),
    "in": lambda stored, value: stored in value,
    "between": lambda stored, value: bool(value[0] <= stored <= value[1]),
    "contains": lambda stored, value: value in stored,
    "starts_with": lambda stored, value: stored.startswith(value),
    "like": lambda stored, value: _pattern(value).fullmatch(stored) is not None,
    "ilike": lambda stored, value: _pattern(fold_ascii(value)).fullmatch(fold_ascii(stored)) is not None,
}
