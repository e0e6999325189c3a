"""Filters as Python code writes them: `{"state": "New", "qty__gt": 3}`, or the same as keyword arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from framework_m_core.domain.filters.conditions import split_condition

__all__ = ["read_filters"]

_BRANCHES: Final = frozenset({"and", "or", "not"})
_COMPARISON: Final = frozenset({"field", "operator", "value"})


def read_filters(filters: Any, where: Mapping[str, Any]) -> Any:
    """Return filters, and conditions that must hold as well, in the form of the HTTP API.

    Filters are in that form, or a mapping of a field, or `field__operator`, to a value; None asks for null. The last
    part is an operator only if it is one.
    """
    parts = []
    if isinstance(filters, Mapping) and not _is_tree(filters):
        parts += _comparisons(filters)
    elif filters:
        parts.append(filters)
    parts += _comparisons(where)
    return parts[0] if len(parts) == 1 and parts[0] is filters else parts or None


def _is_tree(filters: Mapping[str, Any]) -> bool:
    if filters.keys() == _COMPARISON:
        return True
    return len(filters) == 1 and all(key in _BRANCHES and isinstance(filters[key], (list, dict)) for key in filters)


def _comparisons(where: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_comparison(name, value) for name, value in where.items()]


def _comparison(name: str, value: Any) -> dict[str, Any]:
    field, operator, operand = split_condition(name, value)
    return {"field": field, "operator": operator, "value": operand}
