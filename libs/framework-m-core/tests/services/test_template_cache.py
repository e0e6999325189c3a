"""Compiled templates are kept by use and by weight."""

from __future__ import annotations

from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Or
from framework_m_core.domain.page import OrderSpec
from framework_m_core.interfaces.reader import ChildSelection, QueryTemplate
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.rows.template_cache import TemplateCache, weight_of

from .conftest import THING


def _template(where: Filter, *fields: str) -> QueryTemplate[CompiledDocType]:
    return QueryTemplate(THING, fields or ("id",), parameterize(where)[0])


def _equal(*names: str) -> Filter:
    return And(tuple(Comparison(name, "eq", "x") for name in names))


def test_a_template_is_compiled_once_and_the_longest_unused_goes_first() -> None:
    made: list[QueryTemplate[CompiledDocType]] = []
    templates = [_template(_equal("a", name)) for name in "bcd"]
    weight = weight_of(templates[0])

    def make(template: QueryTemplate[CompiledDocType]) -> int:
        made.append(template)
        return len(made)

    cache = TemplateCache(make, max_weight=2 * weight)
    first, second, third = templates
    assert [cache(one) for one in (first, second, first, third, first, second)] == [1, 2, 1, 3, 1, 4]
    assert cache.weight == 2 * weight


def test_templates_of_any_number_and_size_stay_within_the_bound() -> None:
    cache = TemplateCache(lambda template: template, max_weight=2_000)
    for number in range(500):
        cache(_template(_equal(*(f"field_{number}_{n}" for n in range(number % 60)))))
        assert cache.weight <= 2_000


def test_a_large_template_is_not_kept() -> None:
    made: list[QueryTemplate[CompiledDocType]] = []
    cache = TemplateCache(made.append)
    large = _template(Comparison("id", "in", tuple(range(1_000))))
    cache(large)
    cache(large)
    assert (len(made), cache.weight) == (2, 0)


def test_all_of_a_template_weighs() -> None:
    light = weight_of(_template(And()))
    assert weight_of(QueryTemplate(THING, ("id",), order_by=(OrderSpec("a"),))) > light
    assert weight_of(QueryTemplate(THING, (ChildSelection("rows", ("a", "b", "c")),))) > light + 2
    assert weight_of(_template(Or((Not(_equal("a")), Comparison("b", "in", (1, 2, 3)))))) > light + 5
