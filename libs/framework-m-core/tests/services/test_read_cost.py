"""Which reads are heavy: those whose cost grows with what is stored."""

from __future__ import annotations

from uuid import UUID

import pytest

from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import EVERYTHING, NOTHING, And, Comparison, Filter, Not, Or
from framework_m_core.domain.page import OrderSpec
from framework_m_core.interfaces.reader import QueryTemplate
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.queries.cursors import filter_after_values
from framework_m_core.services.queries.read_cost import is_heavy
from framework_m_core.services.rows.projection import LIVE

from .conftest import NOW, SHELF, THING

ID = Comparison("id", "eq", UUID(int=1))
MINE = Comparison("owner", "eq", "ada")
BY_NUMBER = Comparison("number", "eq", 1)
BY_NOTE = Comparison("note", "eq", "x")
NEWEST = (OrderSpec("creation", descending=True), OrderSpec("id", descending=True))
SECOND_PAGE = filter_after_values(THING, NEWEST, [NOW, UUID(int=1)])


def template(
    where: Filter, order: tuple[OrderSpec, ...] = NEWEST, *, count: bool = False
) -> QueryTemplate[CompiledDocType]:
    parts = And((EVERYTHING, LIVE, where))
    return QueryTemplate(THING, ("id",), parameterize(parts)[0], () if count else order, paged=not count, count=count)


@pytest.mark.parametrize(
    "where",
    [
        EVERYTHING,
        NOTHING,
        ID,
        MINE,
        BY_NUMBER,
        SECOND_PAGE,
        And((MINE, SECOND_PAGE)),
        And((BY_NUMBER, BY_NOTE)),
        Comparison("shelf", "in", (UUID(int=1), UUID(int=2))),
        Comparison("number", "between", (1, 2)),
        And((ID, Comparison("text", "contains", "x"))),
        Or((MINE, And((BY_NUMBER, BY_NOTE)))),
    ],
)
def test_what_an_index_answers_is_light(where: Filter) -> None:
    assert not is_heavy(THING, template(where))


@pytest.mark.parametrize(
    "where",
    [
        BY_NOTE,
        And((SECOND_PAGE, BY_NOTE)),
        And((Comparison("number", "gt", 0), BY_NOTE)),
        Or((MINE, BY_NOTE)),
        Not(MINE),
        Comparison("owner", "ne", "ada"),
        Comparison("shelf", "is_null", True),
        And((MINE, Comparison("text", "contains", "x"))),
        Or((MINE, Comparison("text", "ilike", "x%"))),
        And((BY_NUMBER, Not(Comparison("note", "like", "%x")))),
    ],
)
def test_what_none_answers_is_heavy(where: Filter) -> None:
    assert is_heavy(THING, template(where))


@pytest.mark.parametrize(
    ("field", "heavy"),
    [("creation", False), ("modified", False), ("number", False), ("name", False), ("text", True), ("shelf", True)],
)
def test_an_order_needs_an_index_whose_nulls_are_last(field: str, heavy: bool) -> None:
    assert is_heavy(THING, template(EVERYTHING, (OrderSpec(field), OrderSpec("id")))) is heavy
    assert not is_heavy(THING, template(ID, (OrderSpec(field),)))


def test_counts_are_heavy_unless_one_is_counted() -> None:
    assert is_heavy(THING, template(EVERYTHING, count=True))
    assert is_heavy(THING, template(MINE, count=True))
    assert not is_heavy(THING, template(ID, count=True))


def test_a_unique_field_finds_one() -> None:
    label = And((Comparison("label", "eq", "a"), Comparison("docstatus", "eq", 0)))
    assert not is_heavy(
        SHELF, QueryTemplate(SHELF, ("id",), parameterize(label)[0], (OrderSpec("docstatus"),), paged=True)
    )
