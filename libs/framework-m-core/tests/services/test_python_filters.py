"""Filters as mappings and keyword arguments, in the form of the HTTP API."""

from __future__ import annotations

from typing import Any

import pytest

from framework_m_core.services.queries.python_filters import read_filters

OPEN = {"field": "state", "operator": "eq", "value": "Open"}
MANY = {"field": "qty", "operator": "gt", "value": 3}


@pytest.mark.parametrize(
    ("filters", "where", "expected"),
    [
        (None, {}, None),
        ({}, {}, None),
        ([], {}, None),
        ([OPEN], {}, [OPEN]),
        (OPEN, {}, OPEN),
        ({"or": [OPEN, MANY]}, {}, {"or": [OPEN, MANY]}),
        ({"not": OPEN}, {}, {"not": OPEN}),
        ({"state": "Open", "qty__gt": 3}, {}, [OPEN, MANY]),
        (None, {"state": "Open", "qty__gt": 3}, [OPEN, MANY]),
        ([OPEN], {"qty__gt": 3}, [[OPEN], MANY]),
        ({"or": [OPEN]}, {"qty__gt": 3}, [{"or": [OPEN]}, MANY]),
        ({"state__in": ("a", "b")}, {}, [{"field": "state", "operator": "in", "value": ["a", "b"]}]),
        ({"state": None}, {}, [{"field": "state", "operator": "is_null", "value": True}]),
        ({"state__ne": None}, {}, [{"field": "state", "operator": "is_null", "value": False}]),
        ({"state__is_null": False}, {}, [{"field": "state", "operator": "is_null", "value": False}]),
        ({"odd__name": 1}, {}, [{"field": "odd__name", "operator": "eq", "value": 1}]),
        ({"odd__name__lt": 1}, {}, [{"field": "odd__name", "operator": "lt", "value": 1}]),
        ({"and": "x"}, {}, [{"field": "and", "operator": "eq", "value": "x"}]),
        ({"__eq": 1}, {}, [{"field": "", "operator": "eq", "value": 1}]),
    ],
)
def test_the_form_of_the_api(filters: Any, where: dict[str, Any], expected: Any) -> None:
    assert read_filters(filters, where) == expected
