"""Classification of heavy reads, once per query template, by what an index can answer."""

from __future__ import annotations

from typing import Final

from framework_m_core.domain.filters.tree import And, Comparison, Filter, Or, comparisons_of
from framework_m_core.interfaces.reader import QueryTemplate
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["LARGE_OFFSET", "is_heavy"]

LARGE_OFFSET: Final = 1_000
"""Number of rows that a page may skip before it counts as heavy."""

_SEARCHES: Final = frozenset({"contains", "ilike", "like"})
"""Operators that no index answers; the start of a pattern is unknown when its query template is compiled."""

_EXACT: Final = frozenset({"eq", "in"})
_RANGES: Final = frozenset({*_EXACT, "lt", "lte", "gt", "gte", "between", "starts_with"})


def is_heavy(plan: CompiledDocType, template: QueryTemplate[CompiledDocType]) -> bool:
    """Return whether the cost of a read grows with the number of stored documents."""
    conditions = [one for one in _conditions(template.where) if not _is_liveness(one)]
    if any(_is_exact(one, plan.unique_fields) for one in conditions):
        return False
    if template.count or _has_search(template.where):
        return True
    if template.order_by and not _is_in_order(plan, template.order_by[0].field):
        return True
    exact = any(_is_exact(one, plan.index_heads) for one in conditions)
    return not exact and not all(_is_indexed(one, plan.index_heads) for one in conditions)


def _is_in_order(plan: CompiledDocType, field: str) -> bool:
    """Return whether an index yields rows in a field's order; nullable fields never do, as nulls are sorted last."""
    return field in plan.index_heads and not plan.specs[field].nullable


def _conditions(tree: Filter) -> list[Filter]:
    """Return the conditions that must all hold, with nested `And` flattened."""
    if isinstance(tree, And):
        return [condition for part in tree.parts for condition in _conditions(part)]
    return [tree]


def _is_liveness(tree: Filter) -> bool:
    return isinstance(tree, Comparison) and tree.field == "deleted_at"


def _is_exact(tree: Filter, fields: frozenset[str]) -> bool:
    match tree:
        case Comparison(field, operator, _):
            return field in fields and operator in _EXACT
        case Or(parts):
            return all(any(_is_exact(one, fields) for one in _conditions(part)) for part in parts)
    return False


def _is_indexed(tree: Filter, fields: frozenset[str]) -> bool:
    match tree:
        case Comparison(field, operator, _):
            return field in fields and operator in _RANGES
        case And(parts):
            return any(_is_indexed(part, fields) for part in parts)
        case Or(parts):
            return all(_is_indexed(part, fields) for part in parts)
    return False


def _has_search(tree: Filter) -> bool:
    return any(comparison.operator in _SEARCHES for comparison in comparisons_of(tree))
