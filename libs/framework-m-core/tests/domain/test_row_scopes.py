"""Row scopes: what becomes of them for a caller, and which cannot be used."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from framework_m_core.domain.context import Principal
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.filters.matching import matches
from framework_m_core.domain.filters.row_scopes import (
    bind_scopes,
    bind_user_attributes,
    check_scope,
    unite,
    with_field_kinds,
)
from framework_m_core.domain.filters.tree import (
    EVERYTHING,
    NOTHING,
    And,
    Comparison,
    Filter,
    Not,
    Operator,
    Or,
    UserAttribute,
)

ME = UUID(int=7)
SPECS = {
    name: FieldSpec(name, kind)
    for name, kind in {
        "team": FieldKind.TEXT,
        "floor": FieldKind.INTEGER,
        "who": FieldKind.UUID,
        "rate": FieldKind.FLOAT,
        "price": FieldKind.DECIMAL,
        "open": FieldKind.BOOLEAN,
        "day": FieldKind.DATE,
        "data": FieldKind.JSON,
        "rows": FieldKind.CHILDREN,
    }.items()
}
SPECS["teams"] = FieldSpec("teams", FieldKind.JSON, items=FieldKind.TEXT)
SPECS["floors"] = FieldSpec("floors", FieldKind.JSON, items=FieldKind.INTEGER)
CALLER = Principal(
    "u7",
    email="u7@example.com",
    attributes={
        "one": ("a",), "two": ("a", "b"), "empty": (), "floor": ("3", "4"), "mixed": ("3", "x"), "huge": (str(1 << 63),)
    },
)  # fmt: skip
LOOSE: dict[str, Any] = {
    "text": "ab",
    "list": ["a", "b"],
    "number": 5,
    "none": None,
    "numbers": (5,),
    "nested": (("a",),),
}
"""Attributes as an adapter may hand them over that does not keep to the declared type."""


def _compared(field: str, operator: Operator, name: str) -> Filter:
    return with_field_kinds(Comparison(field, operator, UserAttribute(name)), SPECS)


@pytest.mark.parametrize(
    ("tree", "bound"),
    [
        (_compared("team", "eq", "id"), Comparison("team", "eq", "u7")),
        (_compared("team", "ne", "email"), Comparison("team", "ne", "u7@example.com")),
        (_compared("team", "in", "one"), Comparison("team", "in", ("a",))),
        (_compared("team", "eq", "one"), Comparison("team", "eq", "a")),
        (_compared("team", "eq", "two"), Comparison("team", "in", ("a", "b"))),
        (_compared("teams", "has", "one"), Comparison("teams", "has", "a")),
        (_compared("teams", "has", "two"), Or((Comparison("teams", "has", "a"), Comparison("teams", "has", "b")))),
        (_compared("floors", "has", "floor"), Or((Comparison("floors", "has", 3), Comparison("floors", "has", 4)))),
        (_compared("team", "ne", "two"), Comparison("team", "not_in", ("a", "b"))),
        (_compared("team", "not_in", "two"), Comparison("team", "not_in", ("a", "b"))),
        (_compared("team", "starts_with", "one"), Comparison("team", "starts_with", "a")),
        (_compared("team", "lte", "one"), Comparison("team", "lte", "a")),
        (_compared("floor", "in", "floor"), Comparison("floor", "in", (3, 4))),
        (Comparison("team", "eq", "x"), Comparison("team", "eq", "x")),
    ],
)
def test_what_is_known_of_the_caller_takes_its_place(tree: Filter, bound: Filter) -> None:
    assert bind_user_attributes(tree, CALLER) == bound
    assert bind_user_attributes(And((Or((Not(tree),)),)), CALLER) == And((Or((Not(bound),)),))


@pytest.mark.parametrize("operator", ["eq", "ne", "in", "not_in", "has"])
@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("team", "missing"), ("team", "empty"), ("floor", "mixed"), ("floor", "huge"), ("floor", "one"), ("who", "id"),
        ("who", "one"), ("floors", "mixed"), ("rate", "floor"), ("price", "floor"), ("open", "one"),
        ("day", "one"), ("data", "one"),
    ],
)  # fmt: skip
def test_a_value_that_is_missing_or_cannot_be_held_empties_the_whole_scope(
    operator: Operator, field: str, name: str
) -> None:
    tree = _compared(field, operator, name)
    public = Comparison("team", "eq", "public")
    for scope in (tree, Not(tree), And((public, tree)), Or((public, tree)), Not(And((Not(tree), public)))):
        assert bind_user_attributes(scope, CALLER) == NOTHING, scope
        assert bind_user_attributes(scope, Principal("")) == NOTHING, scope
        assert bind_scopes((public, scope), CALLER) == public, scope
    assert bind_scopes((tree, EVERYTHING), CALLER) == EVERYTHING


@pytest.mark.parametrize("operator", ["lt", "lte", "gt", "gte", "contains", "starts_with"])
def test_what_compares_with_one_value_has_one(operator: Operator) -> None:
    assert bind_user_attributes(_compared("team", operator, "two"), CALLER) == NOTHING
    assert bind_user_attributes(Not(_compared("team", operator, "two")), CALLER) == NOTHING


@pytest.mark.parametrize("operator", ["in", "not_in"])
@pytest.mark.parametrize(
    ("name", "values"),
    [("text", ("ab",)), ("list", ("a", "b")), ("number", None), ("none", None), ("numbers", None), ("nested", None)],
)
def test_attributes_of_another_type_open_nothing(name: str, values: tuple[str, ...] | None, operator: Operator) -> None:
    bound = bind_user_attributes(_compared("team", operator, name), Principal("u7", attributes=LOOSE))
    assert bound == (NOTHING if values is None else Comparison("team", operator, values))


def test_an_id_is_read_as_a_uuid_where_the_field_is_one() -> None:
    assert bind_user_attributes(_compared("who", "eq", "id"), Principal(str(ME))) == Comparison("who", "eq", ME)


@pytest.mark.parametrize("operator", ["eq", "ne"])
def test_nobody_owns_nothing(operator: Operator) -> None:
    """An anonymous caller has no id, so even documents without an owner are not theirs."""
    tree = bind_user_attributes(Comparison("owner", operator, UserAttribute("id")), Principal(""))
    assert not matches(tree, {"owner": ""}) and not matches(tree, {"owner": "somebody"})


@pytest.mark.parametrize("operator", ["eq", "ne", "in", "not_in"])
def test_a_scope_that_is_not_bound_matches_nothing_by_mistake(operator: Operator) -> None:
    with pytest.raises(TypeError, match="bind the scope"):
        matches(Comparison("team", operator, UserAttribute("one")), {"team": "a"})


def test_scopes_are_united_without_those_that_add_nothing() -> None:
    first, second = Comparison("team", "in", ["a"]), Comparison("floor", "eq", 3)
    assert unite((first, NOTHING, second, first)) == Or((first, second))
    assert unite((NOTHING, first)) == first
    assert unite((first, EVERYTHING)) == EVERYTHING
    assert unite(()) == NOTHING


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (_compared("team", "starts_with", "email"), None),
        (_compared("floor", "lte", "floor"), None),
        (_compared("who", "not_in", "id"), None),
        (Comparison("rate", "gt", 1.5), None),
        (
            Comparison("nope", "eq", "a"),
            "names 'nope': expected one of data, day, floor, floors, open, price, rate, team, teams, who",
        ),
        (Comparison("rows", "eq", "a"), "names 'rows'"),
        (_compared("rate", "ne", "one"), '"rate ne the caller\'s one": expected a field of kind '),
        (_compared("price", "eq", "one"), "got decimal"),
        (_compared("open", "eq", "one"), "got boolean"),
        (_compared("day", "eq", "one"), "got date"),
        (_compared("data", "eq", "one"), "got json"),
        (_compared("teams", "has", "one"), None),
        (_compared("teams", "eq", "one"), "got json"),
        (_compared("team", "has", "one"), "expected a list of texts or integers, got text"),
        (Comparison("data", "has", "a"), "expected a list of texts or integers, got json"),
        (_compared("team", "like", "one"), "expected an operator of contains, eq, gt, gte, in, lt, lte, ne, not_in"),
        (_compared("team", "ilike", "one"), "expected an operator of"),
        (_compared("team", "between", "two"), "expected an operator of"),
        (_compared("team", "is_null", "one"), "expected an operator of"),
        (_compared("who", "lt", "id"), "expected an operator of eq, in, ne, not_in"),
        (_compared("floor", "contains", "floor"), "expected an operator of"),
        (Comparison("team", "not_in", ("a", UserAttribute("one"))), "lists the caller's value for 'team'"),
        (Comparison("team", "between", [UserAttribute("one"), "z"]), "lists the caller's value for 'team'"),
    ],
)
def test_scopes_that_cannot_be_used_are_told(tree: Filter, expected: str | None) -> None:
    for scope in (tree, Or((EVERYTHING, And((Not(tree),))))):
        found = list(check_scope(scope, SPECS))
        assert len(found) == (expected is not None), scope
        assert expected is None or expected in found[0], scope
