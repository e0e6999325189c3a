"""The parameters of a list: every filter that there is can be asked, and what is too much or unknown is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given

from framework_m_core.domain.errors import QueryError
from framework_m_core.domain.filters.tree import EVERYTHING, And, Comparison, Filter, Not, Or
from framework_m_core.domain.page import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, OrderSpec
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import ChildSelection
from framework_m_core.services.queries.filter_parsing import (
    MAX_COMPARISONS,
    MAX_FILTER_DEPTH,
    MAX_LIST_VALUES,
    MAX_NODES,
    MAX_SEARCHES,
    MAX_TEXT_VALUE,
    MAX_WILDCARDS,
)
from framework_m_core.services.queries.parsing import (
    ListRequest,
    ParsedList,
    parse_fields_parameter,
    parse_list,
)
from framework_m_testing.strategies import filters
from tests.errors import assert_names

from .conftest import THING, full_grant, grant_of, travelled

FULL = full_grant(THING)
NEWEST = (OrderSpec("creation", descending=True), OrderSpec("id", descending=True))
LONG = "x" * 10_000


def _parse(grant: Grant = FULL, **asked: Any) -> ParsedList:
    return parse_list(THING, grant, ListRequest(**asked), NEWEST)


def _refused(grant: Grant = FULL, **asked: Any) -> str:
    with pytest.raises(QueryError) as refused:
        _parse(grant, **asked)
    return refused.value.message


def _refused_at(**asked: Any) -> str:
    """The path and the code of the one error, whose message says what is told."""
    with pytest.raises(QueryError) as refused:
        _parse(**asked)
    [error] = refused.value.errors
    assert refused.value.message == str(refused.value) == f"{error.field}: {error.message}"
    return f"{error.field} {error.code}"


def _is(field: str = "text", operator: str = "eq", value: Any = "a") -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


def _written(tree: Filter) -> Any:
    """A filter as a client writes it."""
    match tree:
        case And(parts):
            return {"and": [_written(part) for part in parts]}
        case Or(parts):
            return {"or": [_written(part) for part in parts]}
        case Not(part):
            return {"not": _written(part)}
        case Comparison(field, operator, value):
            return _is(field, operator, value)


def _depth(tree: Filter) -> int:
    match tree:
        case And(parts) | Or(parts):
            return 1 + max((_depth(part) for part in parts), default=0)
        case Not(part):
            return 1 + _depth(part)
    return 1


def _nested(depth: int) -> Any:
    tree: Any = _is()
    for _ in range(depth - 1):
        tree = [tree]
    return tree


@given(filters(THING).filter(lambda tree: _depth(tree) <= MAX_FILTER_DEPTH))
def test_every_filter_can_be_asked(tree: Filter) -> None:
    assert _parse(filters=travelled(_written(tree))).where == tree


def test_a_list_of_filters_means_all_of_them() -> None:
    tree = [_is(), {"or": [_is("number", "gt", 1), [_is("flag", "eq", True)]]}]
    text, number, flag = Comparison("text", "eq", "a"), Comparison("number", "gt", 1), Comparison("flag", "eq", True)
    assert _parse(filters=tree).where == And((text, Or((number, And((flag,))))))


@pytest.mark.parametrize("nothing", [None, []])
def test_nothing_asked_is_everything_by_default(nothing: Any) -> None:
    parsed = _parse(filters=nothing)
    assert (parsed.where, parsed.order_by, parsed.limit, parsed.offset) == (EVERYTHING, NEWEST, DEFAULT_LIMIT, 0)
    assert (parsed.count, parsed.include_deleted, parsed.expand) == (False, False, ())


def test_a_list_holds_the_readable_columns_and_no_rows() -> None:
    expected = tuple(name for name in THING.columns if name != "deleted_at")
    assert _parse().fields == expected
    assert _parse(include_deleted=True).fields == (*expected, "deleted_at")
    assert _parse(grant_of({"id", "text", "slots", "slots.what"})).fields == ("id", "text")


def test_fields_that_are_asked_for_come_after_those_that_always_come() -> None:
    assert parse_fields_parameter(THING, FULL, ["text", "name", "text"]) == ("id", "name", "_version", "text")
    assert _parse(fields=["text"], include_deleted=True).fields == ("id", "name", "_version", "text", "deleted_at")


def test_child_tables_are_asked_for_whole_but_for_what_is_hidden() -> None:
    grant = grant_of({"slots", "slots.shelf", "slots.what"})
    assert parse_fields_parameter(THING, grant, ["slots"])[3:] == (ChildSelection("slots", ("id", "what", "shelf")),)


@pytest.mark.parametrize("name", ["nope", "deleted_at", "slots.what", "id.", ""])
def test_fields_that_there_are_not_are_refused_with_those_that_there_are(name: str) -> None:
    said = _refused(grant_of({"id", "text", "slots.what", "deleted_at"}), fields=[name])
    assert_names(said, "Thing", repr(name), "id, text")


@pytest.mark.parametrize(
    "asked", [{"fields": ["number"]}, {"order_by": ["number"]}, {"filters": _is("number", "eq", 1)}]
)
def test_a_hidden_field_is_as_one_that_there_is_not(asked: Mapping[str, Any]) -> None:
    said = _refused(grant_of({"id", "text"}), **asked)
    gone = _refused(grant_of({"id", "text"}), **{key: _renamed(value) for key, value in asked.items()})
    assert gone == said.replace("'number'", "'absent'")


@pytest.mark.parametrize("name", [["text"], {}, None, 1])
def test_a_name_that_is_no_text_is_unknown(name: Any) -> None:
    assert "has no field" in _refused(filters=_is(name))


def test_rows_are_said_to_have_no_comparison() -> None:
    assert_names(_refused(filters=_is("slots", "has", "a")), "'slots'", "rows")
    assert_names(_refused(grant_of({"id", "text"}), filters=_is("slots", "has", "a")), "no field 'slots'")


def test_a_part_of_a_field_is_told_of_to_readers_of_the_field_alone() -> None:
    assert_names(_refused(filters=_is("worth.value", "eq", 1)), "part of amount", "'worth'")
    hidden, absent = (_refused(grant_of({"id", "text"}), filters=_is(f"{name}.value")) for name in ("worth", "w"))
    assert hidden.replace("worth.value", "w.value") == absent


@pytest.mark.parametrize(
    ("field", "operator", "value", "said"),
    [
        ("worth", "gt", "1 EUR", "filters.operator unsupported_operator"),
        ("worth", "in", ["1 EUR"], "filters.operator unsupported_operator"),
        ("worth", "eq", "1", "filters.value invalid_value"),
        ("worth", "like", "1%", "filters.operator unsupported_operator"),
        ("photo", "gt", "AA==", "filters.operator unsupported_operator"),
        ("photo", "eq", "A" * 2_800, "filters.value out_of_bounds"),
        ("span", "contains", "1", "filters.operator unsupported_operator"),
    ],
)
def test_a_type_is_asked_what_it_offers(field: str, operator: str, value: Any, said: str) -> None:
    assert _refused_at(filters=_is(field, operator, value)) == said


@pytest.mark.parametrize(("field", "held"), [("worth", "amount"), ("photo", "bytes")])
def test_what_has_no_order_is_not_sorted_by(field: str, held: str) -> None:
    assert_names(_refused(order_by=[field]), "order_by", "sortable", repr(field), held)


def _renamed(value: Any) -> Any:
    return ["absent"] if isinstance(value, list) else {**value, "field": "absent"}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["number"], [("number", False), ("id", False)]),
        (["text", "-number"], [("text", False), ("number", True), ("id", True)]),
        (["-id"], [("id", True)]),
        (["id", "text"], [("id", False), ("text", False)]),
    ],
)
def test_an_order_is_made_total_by_the_id(names: list[str], expected: list[tuple[str, bool]]) -> None:
    assert [(spec.field, spec.descending) for spec in _parse(order_by=names).order_by] == expected
    assert _parse(order_by=",".join(names)).order_by == _parse(order_by=names).order_by


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["text", "-text"], "order_by repeated_field"),
        (["extra"], "order_by not_sortable"),
        (["slots"], "order_by not_comparable"),
        (["--text"], "order_by unknown_field"),
        (["text", "note", "number", "count", "ratio", "flag"], "order_by out_of_bounds"),
    ],
)
def test_orders_that_there_are_not(names: list[str], said: str) -> None:
    assert _refused_at(order_by=names) == said


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (["text desc"], "-text"), (["number", "text:DESC"], "-text"), (["text asc"], "text"),
        (["text", "desc"], "-text"), (["desc"], "-title"), ("text desc", "-text"), ("number,text asc", "text"),
    ],
)  # fmt: skip
def test_a_direction_in_words_is_refused_with_what_to_write(names: Any, meant: str) -> None:
    assert f"write {meant!r}" in _refused(order_by=names)
    assert _refused_at(order_by=names) == "order_by bad_direction"


def test_the_bounds_themselves_are_taken() -> None:
    assert _parse(limit=MAX_LIMIT, offset=MAX_OFFSET, count="exact").count
    assert _parse(limit=1, cursor="x").limit == 1


@pytest.mark.parametrize(
    "tree",
    [
        [_is()] * MAX_COMPARISONS,
        _nested(MAX_FILTER_DEPTH),
        [_is(operator="in", value=["a"] * MAX_LIST_VALUES)] * 2,
        _is(value="x" * MAX_TEXT_VALUE),
        [_is(operator="contains")] * MAX_SEARCHES,
        _is(operator="like", value="%a" * MAX_WILDCARDS),
        _is(operator="contains", value="%" * 100),
    ],
    ids=["comparisons", "depth", "list values", "text", "searches", "wildcards", "escaped wildcards"],
)
def test_a_filter_at_a_bound_is_taken(tree: Any) -> None:
    assert _parse(filters=tree).where != EVERYTHING


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"limit": 0}, "limit out_of_bounds"),
        ({"limit": MAX_LIMIT + 1}, "limit out_of_bounds"),
        ({"offset": -1}, "offset out_of_bounds"),
        ({"offset": MAX_OFFSET + 1}, "offset out_of_bounds"),
        ({"offset": 1, "cursor": "x"}, "cursor not_combinable"),
        ({"count": "some"}, "count not_a_choice"),
        ({"filters": [_is()] * (MAX_COMPARISONS + 1)}, "filters out_of_bounds"),
        ({"filters": [[]] * MAX_NODES}, "filters out_of_bounds"),
        ({"filters": {"or": [{"not": _is()}] * 49 + [[]] * 60}}, "filters out_of_bounds"),
        ({"filters": _nested(MAX_FILTER_DEPTH + 1)}, "filters out_of_bounds"),
        ({"filters": _is(operator="in", value=["a"] * (MAX_LIST_VALUES + 1))}, "filters.value out_of_bounds"),
        ({"filters": [_is(operator="in", value=["a"] * 500)] * 2 + [_is()]}, "filters out_of_bounds"),
        ({"filters": _is(value="x" * (MAX_TEXT_VALUE + 1))}, "filters.value out_of_bounds"),
        ({"filters": [_is(operator="ilike")] * (MAX_SEARCHES + 1)}, "filters out_of_bounds"),
        ({"filters": _is(operator="like", value="%a" * (MAX_WILDCARDS + 1))}, "filters.value out_of_bounds"),
        ({"filters": _is(operator="like", value="a\\")}, "filters.value bad_pattern"),
        ({"filters": {"xor": [_is()]}}, "filters wrong_type"),
        ({"filters": {"and": _is()}}, "filters wrong_type"),
        ({"filters": {"not": [_is()]}}, "filters wrong_type"),
        ({"filters": {**_is(), "more": 1}}, "filters wrong_type"),
        ({"filters": [5]}, "filters.0 wrong_type"),
        ({"filters": _is(operator="is")}, "filters.operator not_a_choice"),
        ({"filters": _is(value=None)}, "filters.value null_value"),
        ({"filters": _is(operator="is_null", value=1)}, "filters.value wrong_type"),
        ({"filters": _is("extra", "eq", {})}, "filters.operator unsupported_operator"),
        ({"filters": _is("tags", "in", ["a"])}, "filters.operator unsupported_operator"),
        ({"filters": _is("extra", "has", "a")}, "filters.operator unsupported_operator"),
        ({"filters": _is("text", "has", "a")}, "filters.operator unsupported_operator"),
        ({"filters": _is("tags", "has", 1)}, "filters.value wrong_type"),
        ({"filters": _is("counts", "has", True)}, "filters.value wrong_type"),
        ({"filters": _is("tags", "has", None)}, "filters.value null_value"),
        ({"filters": _is("tags", "has", "a" * 2_001)}, "filters.value out_of_bounds"),
        ({"filters": _is("number", "like", "1%")}, "filters.operator unsupported_operator"),
        ({"filters": _is("flag", "gt", True)}, "filters.operator unsupported_operator"),
        ({"filters": _is("shelf", "between", ["a", "b"])}, "filters.operator unsupported_operator"),
        ({"filters": _is("number", "between", [1])}, "filters.value out_of_bounds"),
        ({"filters": _is("number", "in", 1)}, "filters.value wrong_type"),
        ({"filters": _is("number", "eq", "1")}, "filters.value wrong_type"),
        ({"filters": _is("price", "in", ["0.001"])}, "filters.value.0 out_of_bounds"),
        ({"filters": _is("day", "eq", "today")}, "filters.value wrong_type"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_what_can(asked: dict[str, Any], said: str) -> None:
    assert _refused_at(**asked) == said


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ([_is(), _is("number")], "filters.1.value"),
        ([_is("nope")], "filters.0.field"),
        ({"and": [_is(), {"or": [_is(), {"not": _is(operator="is")}]}]}, "filters.and.1.or.1.not.operator"),
        ([_is("number", "in", [1, "x"])], "filters.0.value.1"),
    ],
)
def test_an_error_of_a_filter_stands_at_its_path(tree: Any, path: str) -> None:
    assert _refused_at(filters=tree).split()[0] == path


@pytest.mark.parametrize(
    ("value", "came"),
    ids=["text", "list", "integer", "object"],
    argvalues=[("today", "'today'"), ([1], "[1]"), (1 << 20_000, "an integer of"), ({"a": [[[[1]]]]}, "[...]")],
)
def test_what_came_is_told(value: Any, came: str) -> None:
    assert came in _refused(filters=_is("day", "eq", value))


@pytest.mark.parametrize(
    "asked",
    [
        {"fields": [LONG]},
        {"filters": {LONG: []}},
        {"filters": _is(operator=LONG)},
        {"filters": _is(LONG)},
        {"filters": _is("day", "eq", LONG)},
        {"filters": _is("number", "eq", [LONG] * 50)},
        {"filters": _is("a", "b", LONG)},
    ],
    ids=["field", "logic", "operator", "filter", "day", "list", "value"],
)
def test_what_is_refused_is_not_repeated_without_end(asked: dict[str, Any]) -> None:
    assert len(_refused(**asked)) < 500
