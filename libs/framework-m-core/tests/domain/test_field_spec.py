"""What a declared field means, and which declarations are refused with what would be right."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional, TypedDict, Union
from uuid import UUID

import pytest
from pydantic import BaseModel, create_model

from framework_m_core.domain.fields.field import KEYWORDS, Field
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec, read_field_spec
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(enum.Enum):
    TEXT = "text"
    NUMBER = 1


class Row(FakeDocType):
    text: str = ""

    class Meta:
        is_child_table = True


class Priced(TypedDict):
    price: Decimal


class Titled(TypedDict, total=False):
    title: str
    within: list[Titled]


class NoRow(FakeDocType):
    text: str = ""


def spec_of(annotation: Any, default: Any = ...) -> FieldSpec:
    model: type[BaseModel] = create_model("Declared", x=(annotation, default))
    return read_field_spec("x", model.model_fields["x"])


@pytest.mark.parametrize(
    ("annotation", "kind", "nullable"),
    [
        (str, FieldKind.TEXT, False),
        (int, FieldKind.INTEGER, False),
        (float, FieldKind.FLOAT, False),
        (bool, FieldKind.BOOLEAN, False),
        (date, FieldKind.DATE, False),
        (datetime, FieldKind.DATETIME, False),
        (UUID, FieldKind.UUID, False),
        (str | None, FieldKind.TEXT, True),
        (Optional[int], FieldKind.INTEGER, True),  # noqa: UP045 - as older code writes it
        (Union[None, date], FieldKind.DATE, True),  # noqa: UP007
        (Annotated[str, "x"], FieldKind.TEXT, False),
        (Annotated[str | None, "x"], FieldKind.TEXT, True),
        (Annotated[str, "x"] | None, FieldKind.TEXT, True),
        (Literal["a", "b"], FieldKind.TEXT, False),
        (Colour, FieldKind.TEXT, False),
        (Level, FieldKind.INTEGER, False),
        (list, FieldKind.JSON, False),
        (dict, FieldKind.JSON, False),
        (list[str], FieldKind.JSON, False),
        (dict[str, Any], FieldKind.JSON, False),
        (Mapping[str, int], FieldKind.JSON, False),
        (Any, FieldKind.JSON, True),
        (object, FieldKind.JSON, True),
        (list[Row], FieldKind.CHILDREN, False),
    ],
)
def test_a_type_has_a_kind(annotation: Any, kind: FieldKind, nullable: bool) -> None:
    spec = spec_of(annotation)
    assert (spec.kind, spec.nullable, spec.required) == (kind, nullable, True)
    assert spec.is_scalar is (kind is not FieldKind.CHILDREN)


@pytest.mark.parametrize(
    ("annotation", "items"),
    [
        (list[str], FieldKind.TEXT),
        (list[Literal["a", "b"]] | None, FieldKind.TEXT),
        (list[Colour], FieldKind.TEXT),
        (list[int], FieldKind.INTEGER),
        (list[str | None], None),
        (list[bool], None),
        (list[float], None),
        (list[list[str]], None),
        (list[dict[str, Any]], None),
        (list[Row], None),
        (list, None),
        (dict[str, str], None),
        (str, None),
    ],
)
def test_a_list_knows_the_kind_of_its_elements(annotation: Any, items: FieldKind | None) -> None:
    assert spec_of(annotation).items is items


def test_choices_and_classes_are_kept() -> None:
    assert spec_of(Literal["a", "b"]).choices == ("a", "b")
    assert (spec_of(Colour).choices, spec_of(Colour).enum) == (("red", "blue"), Colour)
    assert (spec_of(Level).choices, spec_of(Level | None).enum) == ((), Level)
    assert spec_of(list[Row]).child is Row


@pytest.mark.parametrize("annotation", [complex, type, str | int, str | int | None, Literal["a", 1], BaseModel, None])
def test_a_type_that_no_store_holds_is_refused(annotation: Any) -> None:
    with pytest.raises(ValueError, match="cannot be stored") as refused:
        spec_of(annotation)
    assert_names(refused.value, "str", "int", "Decimal", "UUID")


@pytest.mark.parametrize(("annotation", "write"), [(NoRow, r"Field\(link='NoRow'\)"), (Row, r"list\[Row\]")])
def test_a_document_is_no_type_of_a_field(annotation: Any, write: str) -> None:
    with pytest.raises(ValueError, match=write):
        spec_of(annotation)


@pytest.mark.parametrize(
    ("annotation", "culprit"),
    [
        (list[Decimal], "Decimal"),
        (dict[str, Decimal] | None, "Decimal"),
        (list[dict[str, list[Decimal | None]]], "Decimal"),
        (list[UUID], "UUID"),
        (list[date], "date"),
        (dict[str, bytes], "bytes"),
        (dict[str, Annotated[datetime, "x"]], "datetime"),
        (list[Priced], "Decimal"),
    ],
)
def test_a_type_that_json_would_change_is_refused(annotation: Any, culprit: str) -> None:
    with pytest.raises(ValueError, match=r"\bJSON\b") as refused:
        spec_of(annotation)
    assert_names(refused.value, culprit, "str, int")


@pytest.mark.parametrize(
    "annotation", [list[Any], dict[str, Titled], list[Literal["a"] | int | None], dict[str, list[Colour]], list[Level]]
)
def test_a_type_that_json_holds_is_taken(annotation: Any) -> None:
    assert spec_of(annotation).kind is FieldKind.JSON


def test_an_enum_of_mixed_values_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\bstr\b.*\bint\b"):
        spec_of(Mixed)


@pytest.mark.parametrize(
    ("annotation", "field", "expected"),
    [
        (Decimal, Field(), r"Field\(scale=2\)"),
        (Decimal, Field(scale=18), "0 to 17"),
        (Decimal, Field(scale=-1), "0 to 17"),
        (int, Field(scale=2), "on a Decimal"),
        (str, Field(link="X"), "expected the type UUID"),
        (dict, Field(unique=True), "unique=True: expected a scalar type, got the kind json"),
        (list[Row], Field(unique=True), "unique=True: expected a scalar type, got the kind children"),
        (bytes, Field(unique=True), "unique=True: expected values that can be compared, got the kind bytes"),
        (bytes, Field(index=True), "index=True: expected values that can be compared, got the kind bytes"),
        (str, Field(default=None), r"as the type of a field that may be None"),
    ],
)
def test_keywords_that_do_not_fit_the_type_are_refused(annotation: Any, field: Any, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        spec_of(annotation, field)


@pytest.mark.parametrize("default", ["a", Field(default="a"), Field(default_factory=str)])
def test_a_default_makes_it_optional(default: Any) -> None:
    assert spec_of(str, default).required is False


def test_every_keyword_reaches_the_spec() -> None:
    values: dict[str, Any] = {
        "fetch_from": "a.b", "label": "L", "unique": True, "index": True, "in_list": True, "read_only": True,
        "set_once": True, "no_copy": True, "allow_on_submit": True, "permlevel": 2, "sensitive": True,
    }  # fmt: skip
    spec = spec_of(str | None, Field(None, **values))
    assert {name: getattr(spec, name) for name in values} == values
    assert spec_of(Decimal, Field(scale=0)).scale == 0
    assert spec_of(UUID, Field(link="Customer")).link == "Customer"
    assert spec_of(UUID, Field(link="Customer", on_cancel="allow")).on_cancel == "allow"
    assert set(values) | {"scale", "link", "on_cancel"} == set(KEYWORDS)


def test_what_is_fetched_is_read_only() -> None:
    assert spec_of(str | None, Field(None, fetch_from="a.b")).read_only


def test_json_schema_extra_alone_works_too() -> None:
    assert spec_of(UUID, Field(json_schema_extra={"link": "Customer", "unheard_of": 1})).link == "Customer"
