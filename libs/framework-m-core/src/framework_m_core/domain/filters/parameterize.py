"""Splitting of a filter into a query template, which a store compiles once, and its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Operator, Or, simplify

__all__ = ["Placeholder", "parameterize"]


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
    return _extract(simplify(tree), values), tuple(values)


def _extract(tree: Filter, values: list[Any]) -> Filter:
    match tree:
        case And(parts):
            return And(tuple([_extract(part, values) for part in parts]))
        case Or(parts):
            return Or(tuple([_extract(part, values) for part in parts]))
        case Not(part):
            return Not(_extract(part, values))
        case Comparison(_, "is_null", _):
            return tree
        case Comparison(field, "in" | "not_in" as operator, items):
            return _extract_list(field, operator, tuple(items), values)
        case Comparison(field, "between", (low, high)):
            values += (low, high)
            return Comparison(field, "between", (Placeholder(), Placeholder()))
        case Comparison(field, operator, value):
            values.append(value)
            return Comparison(field, operator, Placeholder())
    raise TypeError(f"not a filter: {tree!r}")


def _extract_list(field: str, operator: Operator, items: tuple[Any, ...], values: list[Any]) -> Filter:
    size = 1 << (len(items) - 1).bit_length()
    values.extend(items + items[-1:] * (size - len(items)))
    return Comparison(field, operator, Placeholder(size))
