"""The filter tree: two-valued meaning, templates, and what stands for the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework_m_core.domain.filters.matching import matches
from framework_m_core.domain.filters.parameterize import Placeholder, parameterize
from framework_m_core.domain.filters.patterns import check_pattern, fold_ascii
from framework_m_core.domain.filters.tree import (
    EVERYTHING,
    NOTHING,
    OPERATORS,
    And,
    Comparison,
    Filter,
    Not,
    Or,
    fields_of,
    simplify,
)
from framework_m_testing.harness import build_sample_registry
from framework_m_testing.strategies import documents, filters

PLAN = build_sample_registry().get("Thing")
ME = UUID(int=7)


def test_true_and_false_are_trees() -> None:
    assert matches(EVERYTHING, {})
    assert not matches(NOTHING, {})


@pytest.mark.parametrize("operator", [word for word in OPERATORS if word not in {"ne", "not_in", "is_null"}])
def test_a_comparison_with_null_is_false(operator: Any) -> None:
    value = {"in": ("a",), "between": ("a", "b")}.get(operator, "a")
    assert not matches(Comparison("x", operator, value), {"x": None})
    assert matches(Not(Comparison("x", operator, value)), {"x": None})


def test_ne_and_not_in_include_null_and_is_null_asks() -> None:
    missing = {"x": None}
    assert matches(Comparison("x", "ne", "a"), missing)
    assert matches(Comparison("x", "not_in", ("a",)), missing)
    assert matches(Comparison("x", "is_null", True), missing)
    assert not matches(Comparison("x", "is_null", False), missing)


def test_an_empty_list_holds_nothing() -> None:
    assert not matches(Comparison("x", "in", ()), {"x": 1})
    assert matches(Comparison("x", "not_in", ()), {"x": 1})


@pytest.mark.parametrize(
    ("operator", "value", "text", "expected"),
    [
        ("like", "a%", "abc", True),
        ("like", "a%", "Abc", False),
        ("like", "a_c", "abc", True),
        ("like", "a_c", "a😀c", True),
        ("like", r"a\%", "a%", True),
        ("like", r"a\%", "ab", False),
        ("like", r"\\", "\\", True),
        ("like", "a%", "a\nb", True),
        ("like", "", "", True),
        ("ilike", "ABC", "abc", True),
        ("ilike", "É", "é", False),
        ("ilike", "K", "\u212a", False),
        ("contains", "%", "50%", True),
        ("contains", "%", "50", False),
        ("contains", "", "x", True),
        ("starts_with", "_", "_x", True),
        ("starts_with", "a", "A", False),
        ("lt", "\U0001f600", "\uffff", True),
        ("between", ("b", "a"), "b", False),
    ],
)
def test_text_by_code_point_and_pattern(operator: Any, value: Any, text: str, expected: bool) -> None:
    assert matches(Comparison("x", operator, value), {"x": text}) is expected


@pytest.mark.parametrize("read", [lambda tree: matches(tree, {}), parameterize, fields_of])
def test_what_is_no_filter_is_an_error(read: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError):
        read("text")


@pytest.mark.parametrize("pattern", ["\\", "a\\\\\\", "%\\"])
def test_a_lone_backslash_at_the_end_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="backslash"):
        check_pattern(pattern)


@given(st.text())
def test_a_pattern_is_checked_by_its_last_backslashes(pattern: str) -> None:
    assert check_pattern(pattern.rstrip("\\") + "\\\\") == pattern.rstrip("\\") + "\\\\"


@given(st.text())
def test_folding_leaves_all_but_ascii_alone(text: str) -> None:
    folded = fold_ascii(text)
    assert len(folded) == len(text)
    assert all(new == old or (old.isascii() and new == old.lower()) for new, old in zip(folded, text, strict=True))


@given(filters(PLAN), documents(PLAN))
def test_not_is_the_opposite_and_doubled_nothing(tree: Filter, document: dict[str, Any]) -> None:
    assert matches(Not(tree), document) is not matches(tree, document)
    assert matches(Not(Not(tree)), document) is matches(tree, document)


@given(st.lists(filters(PLAN), max_size=3), documents(PLAN))
def test_de_morgan(trees: list[Filter], document: dict[str, Any]) -> None:
    parts = tuple(trees)
    assert matches(Not(And(parts)), document) is matches(Or(tuple(map(Not, parts))), document)


@given(filters(PLAN))
def test_a_template_holds_no_values_and_as_many_placeholders(tree: Filter) -> None:
    template, values = parameterize(tree)
    assert _count_placeholders(template) == len(values)
    assert parameterize(tree) == (template, values)
    assert hash(template) == hash(parameterize(tree)[0])
    assert fields_of(template) <= fields_of(tree)


def _count_placeholders(tree: Filter) -> int:
    match tree:
        case And(parts) | Or(parts):
            return sum(map(_count_placeholders, parts))
        case Not(part):
            return _count_placeholders(part)
        case Comparison(_, "is_null", _):
            return 0
        case Comparison(_, "between", (Placeholder(), Placeholder())):
            return 2
        case Comparison(_, _, Placeholder(size)):
            return size
    raise AssertionError(f"a value is left in {tree}")


def test_lists_are_padded_so_that_few_shapes_cover_all_lengths() -> None:
    templates = {parameterize(Comparison("x", "in", tuple(range(length))))[0] for length in range(1, 65)}
    assert len(templates) == 7
    assert parameterize(Comparison("x", "in", (1, 2, 3)))[1] == (1, 2, 3, 3)
    assert parameterize(Comparison("x", "in", ()))[0] == NOTHING
    assert parameterize(Comparison("x", "not_in", ()))[0] == EVERYTHING


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (And((And(), Or((And(),)), And((And(), And())))), EVERYTHING),
        (Or((Or(), Not(And()), Comparison("x", "in", ()))), NOTHING),
        (And((Comparison("x", "eq", 1), NOTHING)), NOTHING),
        (Or((Comparison("x", "eq", 1), Not(NOTHING))), EVERYTHING),
        (Not(Not(Comparison("x", "is_null", True))), Comparison("x", "is_null", True)),
        (And((Or((And((Comparison("x", "is_null", True),)),)), And())), Comparison("x", "is_null", True)),
    ],
)
def test_what_decides_nothing_makes_no_shape_of_its_own(tree: Filter, expected: Filter) -> None:
    assert parameterize(tree) == (expected, ())


def test_empty_brackets_make_one_shape() -> None:
    one = Comparison("x", "eq", 1)
    templates = {parameterize(And((And(),) * empty + (one,) + (Or((And(),)),) * empty)) for empty in range(50)}
    assert templates == {parameterize(one)}


@given(filters(PLAN), documents(PLAN))
def test_a_simplified_tree_means_the_same(tree: Filter, document: dict[str, Any]) -> None:
    assert matches(simplify(tree), document) == matches(tree, document)
