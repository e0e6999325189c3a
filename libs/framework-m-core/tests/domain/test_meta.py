"""The options of `class Meta`: what is accepted, what they mean, and that nobody inherits them by accident."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from framework_m_core.domain.documents.actions import ACTIONS
from framework_m_core.domain.documents.meta import MetaOptions, read_meta
from framework_m_core.domain.filters.tree import EVERYTHING, And, Comparison
from tests.errors import assert_names

OPEN = Comparison("status", "eq", "Open")


def _meta(**options: Any) -> MetaOptions:
    return read_meta(type("Declared", (), {"Meta": type("Meta", (), options)}))


def test_without_options_it_is_the_administrators_with_an_api() -> None:
    meta = read_meta(type("Declared", (), {}))
    assert meta == MetaOptions()
    assert (meta.has_api, meta.rls_field, meta.scopes_of("read"), meta.roles) == (True, "owner", {}, frozenset())


def test_meta_is_not_inherited() -> None:
    parent = type("Parent", (), {"Meta": type("Meta", (), {"naming": "prompt"})})
    assert read_meta(type("Child", (parent,), {})).naming is None


def test_a_plain_list_of_roles_means_own_or_all_where_nobody_owns() -> None:
    assert _meta(permissions={"read": ["A", "B"]}).scopes_of("read") == {"A": "own", "B": "own"}
    assert _meta(permissions={"read": ["A"]}, rls_field=None).scopes_of("read") == {"A": "all"}


def test_a_mapping_gives_each_role_its_scope() -> None:
    scopes = {"A": "all", "B": "own", "C": OPEN, "D": And((OPEN, EVERYTHING))}
    assert _meta(permissions={"write": scopes}).scopes_of("write") == scopes
    assert _meta(permissions={"write": scopes}).scopes_of("read") == {}


def test_roles_are_all_that_are_named() -> None:
    levels = {1: {"read": ["Reader"], "write": ("Writer",)}}
    meta = _meta(permissions={"read": ["A"], "write": {"B": "all"}}, field_levels=levels)
    assert meta.roles == {"A", "B", "Reader", "Writer"}


@pytest.mark.parametrize(
    ("options", "has_api"),
    [({}, True), ({"is_child_table": True}, False), ({"api_resource": False}, False),
     ({"is_child_table": True, "api_resource": True}, True)],
)  # fmt: skip
def test_child_tables_have_no_api_unless_they_say_so(options: dict[str, Any], has_api: bool) -> None:
    assert _meta(**options).has_api is has_api


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"permisions": {}}, "Extra inputs"),
        ({"permissions": {"raed": ["A"]}}, "unknown action 'raed': expected one of " + ", ".join(ACTIONS)),
        ({"permissions": {"read": "A"}}, "a list of roles or a mapping"),
        ({"permissions": {"read": 7}}, "a list of roles or a mapping"),
        ({"permissions": {"read": {"A": "some"}}}, "expected the scope 'all', 'own' or a filter"),
        ({"permissions": {"read": {"A": None}}}, "expected the scope 'all', 'own' or a filter"),
        ({"permissions": {"read": [""]}}, "non-empty text"),
        ({"permissions": {"read": [" "]}}, "non-empty text"),
        ({"permissions": {"read": [7]}}, "non-empty text"),
        ({"permissions": {"read": {7: "all"}}}, "non-empty text"),
        ({"permissions": ["read"]}, "valid dictionary|mapping"),
        ({"field_levels": {1: {"raed": []}}}, "Extra inputs"),
        ({"field_levels": {"one": {}}}, "valid integer"),
        ({"indexes": "text"}, "tuple"),
        ({"submittable": "perhaps"}, "boolean"),
    ],
)
def test_what_is_no_option_is_refused_with_what_would_be(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        _meta(**options)


def test_all_errors_of_permissions_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        _meta(permissions={"raed": ["A"], "write": {"A": "some", "B": "mine"}, "create": 7, "delete": [" "]})
    assert_names(refused.value, "'raed'", "'some'", "'mine'", "'create'", "'delete'")


def test_invalid_options_can_be_left_out_so_that_the_others_are_checked() -> None:
    declared = type("Declared", (), {"Meta": type("Meta", (), {"permisions": {}, "naming": "prompt"})})
    assert read_meta(declared, without={"permisions"}).naming == "prompt"
