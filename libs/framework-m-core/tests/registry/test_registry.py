"""The snapshot: look-ups by name, roles, and who links to whom."""

from __future__ import annotations

from uuid import UUID

import pytest

from framework_m_core.domain.errors import DocTypeNotFoundError
from framework_m_core.domain.fields.field import Field
from framework_m_core.registry.registry import Referrer
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names

from .conftest import compiled


class Line(FakeDocType):
    item: UUID | None = Field(default=None, link="Item")
    cost: str = Field(default="", permlevel=1)

    class Meta:
        is_child_table = True
        field_levels = {1: {"read": ["Auditor"]}}


class Item(FakeDocType):
    replaced_by: UUID | None = Field(default=None, link="Item")

    class Meta:
        permissions = {"read": {"Clerk": "all"}, "write": ["Keeper"]}


class Sale(FakeDocType):
    main: UUID | None = Field(default=None, link="Item")
    lines: list[Line] = []


def test_a_doctype_that_there_is_not_is_an_error_with_its_name() -> None:
    with pytest.raises(DocTypeNotFoundError) as refused:
        compiled(Line, Item, Sale).get("Sael")
    assert refused.value.details == {"doctype": "Sael"}
    assert_names(refused.value, "DocType 'Sael'", "'Sale'")
    assert "Sale" not in refused.value.message


def test_a_child_table_is_no_doctype_of_its_own() -> None:
    registry = compiled(Line, Item, Sale)
    assert list(registry.child_tables) == ["Line"]
    with pytest.raises(DocTypeNotFoundError) as refused:
        registry.get("Line")
    assert_names(refused.value, "'Line'", "child table")


def test_roles_are_all_that_any_doctype_or_child_table_names() -> None:
    assert compiled(Line, Item, Sale).roles == {"Clerk", "Keeper", "Auditor"}
    assert compiled().roles == frozenset()


def test_referrers_are_links_of_documents_and_of_their_rows() -> None:
    referrers = compiled(Line, Item, Sale).referrers
    assert list(referrers) == ["Item"]
    assert set(referrers["Item"]) == {
        Referrer("Item", "replaced_by"), Referrer("Sale", "main"), Referrer("Sale", "item", "lines"),
    }  # fmt: skip
