"""Checks of the options of `Meta` about lists: their default order and default filters."""

from __future__ import annotations

from collections.abc import Iterator

from framework_m_core.domain.filters.conditions import read_comparison
from framework_m_core.domain.filters.operators import is_sortable
from framework_m_core.domain.page import MAX_SORT_FIELDS
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["check_list_options"]


def check_list_options(plan: CompiledDocType) -> Iterator[str]:
    """Yield the errors of `Meta.order_by` and `Meta.default_filters`."""
    names = [name.removeprefix("-") for name in plan.meta.order_by]
    sortable = [name for name in plan.columns if is_sortable(plan.specs[name]) and name != "deleted_at"]
    for name in names:
        if name not in sortable:
            yield f"Meta.order_by names {name!r}: expected a sortable field, one of {', '.join(sorted(sortable))}"
        elif names.count(name) > 1:
            yield f"Meta.order_by names {name!r} more than once"
        yield from _check_level(plan, "order_by", name)
    if len(names) > MAX_SORT_FIELDS:
        yield f"Meta.order_by: expected at most {MAX_SORT_FIELDS} fields, got {len(names)}"
    for condition, value in plan.meta.default_filters.items():
        try:
            comparison = read_comparison(condition, value, plan.column_specs)
        except ValueError as error:
            yield f"Meta.default_filters: {error}"
        else:
            yield from _check_level(plan, "default_filters", comparison.field)


def _check_level(plan: CompiledDocType, option: str, name: str) -> Iterator[str]:
    spec = plan.specs.get(name)
    if spec is not None and spec.permlevel:
        got = f"{name!r} with permlevel={spec.permlevel}"
        yield f"Meta.{option}: expected fields that all who see the list may see, got {got}"
