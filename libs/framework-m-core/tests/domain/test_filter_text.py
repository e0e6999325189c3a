"""Filters as a person reads them."""

from __future__ import annotations

from uuid import UUID

import pytest

from framework_m_core.domain.filters.format import format_filter
from framework_m_core.domain.filters.tree import EVERYTHING, NOTHING, And, Comparison, Filter, Not, Or, UserAttribute

NORTH, BIG = Comparison("branch", "in", ("North", "South")), Comparison("size", "gt", 3)


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (EVERYTHING, "everything"),
        (NOTHING, "nothing"),
        (NORTH, "branch in ('North', 'South')"),
        (And((NORTH, Or((BIG, Not(BIG))))), "branch in ('North', 'South') and (size gt 3 or not (size gt 3))"),
        (Comparison("branch", "in", UserAttribute("branch")), "branch in the caller's branch"),
        (Comparison("id", "eq", UUID(int=1)), "id eq '00000000-0000-0000-0000-000000000001'"),
        (Comparison("branch", "in", ()), "branch in ()"),
        (Comparison("due", "is_null", True), "due is_null True"),
    ],
)
def test_text(tree: Filter, text: str) -> None:
    assert format_filter(tree) == text
