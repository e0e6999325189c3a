"""What every request needs to know of a DocType, worked out once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from framework_m_core.controllers.controller import Controller
from framework_m_core.domain.documents.doctype import FRAMEWORK_FIELDS
from framework_m_core.domain.fields.field import Field
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_testing.fakes.doctype import FakeDocType

from .conftest import compiled


class Colour(StrEnum):
    RED = "red"


class Row(FakeDocType):
    partner: UUID | None = Field(default=None, link="Partner")
    pin: str = Field(default="", sensitive=True)

    class Meta:
        is_child_table = True


class Partner(FakeDocType):
    code: str = Field(default="", unique=True)
    alias: str = Field(default="", index=True)
    town: str = ""
    street: str = ""
    note: str = ""
    size: Literal["S", "L"] = Field(default="S", index=True)
    colour: Colour = Field(default=Colour.RED, index=True)
    number: int = Field(default=0, unique=True)
    price: Decimal = Field(default=Decimal(0), scale=2)
    day: date | None = None
    data: dict[str, Any] = {}
    pin: str = Field(default="", sensitive=True)
    parent_partner: UUID | None = Field(default=None, link="Partner")
    rows: list[Row] = []

    class Meta:
        indexes = (("town", "day"),)
        unique_together = (("street", "number"),)


class Plain(FakeDocType):
    rows: list[Row] = []


class Bare(FakeDocType):
    text: str = ""


class PartnerController(Controller[Partner]):
    async def before_save(self) -> None:
        """The only hook."""


def _plan(name: str = "Partner") -> CompiledDocType:
    return compiled(Row, Partner, Plain, Bare, controllers=[PartnerController]).get(name)


def test_columns_are_the_frameworks_fields_then_the_declared_scalars() -> None:
    plan = _plan()
    declared = [name for name in plan.fields if name != "rows"]
    assert plan.columns == (*FRAMEWORK_FIELDS, *declared)
    assert plan.specs.keys() == {*plan.columns, "rows"}
    assert dict(zip(plan.columns, plan.attributes, strict=True))["_version"] == "row_version"
    assert [name for name in plan.columns if name != "_version"] == [
        name for name in plan.attributes if "row" not in name
    ]


def test_columns_of_a_row_begin_with_its_id() -> None:
    assert _plan().children["rows"].columns == ("id", "partner", "pin")


def test_hooks_are_those_that_the_controller_defines() -> None:
    assert (_plan().hooks, _plan("Bare").hooks) == (frozenset({"before_save"}), frozenset())


def test_links_and_sensitive_fields_of_documents_and_rows() -> None:
    plan = _plan()
    assert plan.links == {"parent_partner": "Partner"}
    assert plan.sensitive == plan.children["rows"].sensitive == {"pin"}
    assert [_plan(name).has_links for name in ("Partner", "Plain", "Bare")] == [True, True, False]


def test_values_that_are_not_stored_as_the_model_holds_them() -> None:
    assert (_plan().enum_fields, _plan().converted) == (("colour",), ("colour", "data"))


def test_text_in_an_index_is_kept_short_wherever_the_index_is_declared() -> None:
    assert set(_plan().indexed_text) == {"name", "owner", "code", "alias", "town", "street", "size"}
