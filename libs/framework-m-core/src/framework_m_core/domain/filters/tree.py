"""The filter tree: one semantics for user filters, row scopes and reports, on every store and in memory.

Logic is two-valued: a comparison with null is false; `ne` and `not_in` negate `eq` and `in`, so they include null; only
`is_null` tests for null. Text compares by code point. `like`, `contains` and `starts_with` are case-sensitive, with a
backslash as escape in patterns; `ilike` folds only ASCII letters. `has` tests whether a list contains a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from framework_m_core.domain.fields.spec import FieldKind

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
    "UserAttribute",
    "comparisons_of",
    "fields_of",
    "simplify",
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
    "has",
]
OPERATORS: Final[tuple[str, ...]] = get_args(Operator.__value__)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field against one value; `in`, `not_in` and `between` take a tuple, `is_null` a bool.

    >>> from framework_m_core.domain.filters.matching import matches
    >>> matches(Comparison("qty", "between", (1, 5)), {"qty": 3})
    True
    """

    field: str
    operator: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; without parts it is always true.

    >>> from framework_m_core.domain.filters.matching import matches
    >>> open_and_mine = And((Comparison("open", "eq", True), Comparison("owner", "eq", "ada")))
    >>> matches(open_and_mine, {"open": True, "owner": "bob"})
    False
    """

    parts: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds; without parts it is never true.

    >>> from framework_m_core.domain.filters.matching import matches
    >>> open_or_mine = Or((Comparison("open", "eq", True), Comparison("owner", "eq", "ada")))
    >>> matches(open_or_mine, {"open": True, "owner": "bob"})
    True
    """

    parts: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold.

    >>> from framework_m_core.domain.filters.matching import matches
    >>> matches(Not(Comparison("qty", "gt", 5)), {"qty": None})
    True
    """

    part: Filter


type Filter = Comparison | And | Or | Not

EVERYTHING: Final = And()
NOTHING: Final = Or()


@dataclass(frozen=True, slots=True)
class UserAttribute:
    """In a row scope, stands for the caller's `id`, `email` or values of an attribute.

    If the caller has no such value, or one that the field cannot hold, the scope matches nothing. `kind` is that of the
    compared field and is set from the DocType.

    >>> class Meta:  # in a DocType: sellers read the documents of their territories
    ...     permissions = {"read": {"Seller": Comparison("territory", "in", UserAttribute("territory"))}}
    """

    name: str
    kind: FieldKind = FieldKind.TEXT


def simplify(tree: Filter) -> Filter:
    """Return the tree without redundant nesting and branches that do not affect the result."""
    match tree:
        case And(parts):
            return _join(And, [simplify(part) for part in parts], neutral=EVERYTHING, deciding=NOTHING)
        case Or(parts):
            return _join(Or, [simplify(part) for part in parts], neutral=NOTHING, deciding=EVERYTHING)
        case Not(part):
            return _negate(simplify(part))
        case Comparison(_, "in" | "not_in" as operator, items) if not items:
            return NOTHING if operator == "in" else EVERYTHING
    return tree


def _join(kind: type[And | Or], parts: list[Filter], *, neutral: Filter, deciding: Filter) -> Filter:
    flat: list[Filter] = []
    for part in parts:
        if part == deciding:
            return deciding
        if isinstance(part, kind):
            flat += part.parts
        elif part != neutral:
            flat.append(part)
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _negate(part: Filter) -> Filter:
    if isinstance(part, Not):
        return part.part
    return NOTHING if part == EVERYTHING else EVERYTHING if part == NOTHING else Not(part)


def comparisons_of(tree: Filter) -> Iterator[Comparison]:
    """Yield the comparisons of a tree in reading order."""
    match tree:
        case And(parts) | Or(parts):
            for part in parts:
                yield from comparisons_of(part)
        case Not(part):
            yield from comparisons_of(part)
        case Comparison():
            yield tree
        case _:
            raise TypeError(f"expected a filter, got {tree!r}")


def fields_of(tree: Filter) -> frozenset[str]:
    """Return all fields that a tree names."""
    return frozenset(comparison.field for comparison in comparisons_of(tree))
