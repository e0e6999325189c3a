"""Validation: what a sound document is stored as, and every error of an unsound one at its path."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from pydantic import BaseModel, StringConstraints, field_validator, model_validator

from framework_m_core.domain.documents.doctype import attribute_of
from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.services.documents.merging import parse_fields
from framework_m_core.services.documents.validation import dump_document, revalidate, validate
from framework_m_testing.fakes.doctype import FakeDocType

from .conftest import THING, errors_by_field, stored, stored_things, travelled


class Size(IntEnum):
    SMALL = 1


class Row(FakeDocType):
    price: Decimal = Field(default=Decimal(0), scale=1)
    what: str = ""
    state: Literal["on", "off"] = "on"

    class Meta:
        is_child_table = True


class Strict(FakeDocType):
    code: Annotated[str, StringConstraints(pattern="^[A-Z]+$")] = "A"
    title: str = Field(default="", max_length=3)
    number: int = Field(default=1, ge=1, lt=10)
    choice: Literal["a", "b"] = "a"
    size: Size = Size.SMALL
    price: Decimal = Field(default=Decimal(0), scale=2)
    data: dict[str, Any] = {}
    short: str = Field(default="", index=True)
    needed: int
    rows: list[Row] = []

    @field_validator("title")
    @classmethod
    def _no_x(cls, value: str) -> str:
        if value == "x":
            raise ValueError("expected anything but x")
        return value

    @model_validator(mode="before")
    @classmethod
    def _not_both(cls, values: Any) -> Any:
        if (values.get("number"), values.get("choice")) == (9, "b"):
            raise ValueError("9 and b exclude each other")
        return values


def _plan() -> Any:
    builder = RegistryBuilder()
    for model in (Row, Strict):
        builder.add_doctype(model, "tests")
    return builder.freeze().get("Strict")


PLAN = _plan()


def _find_errors(**values: Any) -> Any:
    with pytest.raises(ValidationError) as refused:
        validate(PLAN, {"needed": 1, **values})
    return errors_by_field(refused.value)


def _changed(**values: Any) -> Any:
    """A document whose hook has left values of any type."""
    document = validate(PLAN, {"needed": 1})
    for name, value in values.items():
        setattr(document, name, value)
    return document


@given(stored_things())
def test_what_is_stored_is_valid_and_stored_as_it_was(known: dict[str, Any]) -> None:
    document = validate(THING, {attribute_of(name): value for name, value in known.items()})
    assert dump_document(THING, document) == known
    assert dump_document(THING, revalidate(THING, document)) == known


@given(stored_things())
def test_fields_are_parsed_from_what_travels(known: dict[str, Any]) -> None:
    values = {name: known[name] for name in THING.columns}
    errors: list[FieldError] = []
    assert parse_fields(THING.specs, travelled(values), errors) == values
    assert errors == []


def test_all_fields_that_cannot_be_parsed_are_told_at_their_paths() -> None:
    errors: list[FieldError] = []
    sent = {"text": 5, "number": 1, "price": "x", "count": 1 << 63}
    assert parse_fields(THING.specs, sent, errors, "slots.3.") == {"number": 1}
    assert errors == [
        FieldError("slots.3.text", "wrong_type", params={"type": "text"}),
        FieldError("slots.3.price", "wrong_type", params={"type": "decimal"}),
        FieldError("slots.3.count", "out_of_bounds", params={"bits": 64}),
    ]


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"needed": None}, {"needed": "wrong_type"}),
        ({"code": "a"}, {"code": "bad_pattern"}),
        ({"title": "long"}, {"title": "out_of_bounds"}),
        ({"title": "x"}, {"title": "invalid"}),
        ({"number": 0}, {"number": "out_of_bounds"}),
        ({"number": 10}, {"number": "out_of_bounds"}),
        ({"number": "many"}, {"number": "wrong_type"}),
        ({"choice": "c"}, {"choice": "not_a_choice"}),
        ({"size": 2}, {"size": "not_a_choice"}),
        ({"price": Decimal("NaN")}, {"price": "out_of_bounds"}),
        ({"price": "0.001"}, {"price": "out_of_bounds"}),
        ({"data": {"a": "\0"}}, {"data": "out_of_bounds"}),
        ({"rows": 5}, {"rows": "wrong_type"}),
        ({"rows": [{}, {"price": Decimal("0.01")}]}, {"rows.1.price": "out_of_bounds"}),
        ({"rows": [{"what": 5}, {"gone": 1}]}, {"rows.0.what": "wrong_type", "rows.1.gone": "unknown_field"}),
        ({"short": "x" * (MAX_INDEXED_TEXT + 1)}, {"short": "too_long"}),
        ({"number": 9, "choice": "b"}, {"*": "invalid"}),
        ({"gone": 1, "code": ""}, {"gone": "unknown_field", "code": "bad_pattern"}),
        ({"price": "1e16", "data": {"a": 1 << 63}}, {"price": "out_of_bounds", "data": "out_of_bounds"}),
    ],
)  # fmt: skip
def test_errors_have_a_path_and_one_of_few_codes(values: dict[str, Any], errors: dict[str, str]) -> None:
    assert _find_errors(**values) == errors


@pytest.mark.parametrize(
    ("values", "field", "params"),
    [
        ({"needed": None}, "needed", {"type": "integer"}),
        ({"number": "many"}, "number", {"type": "integer"}),
        ({"title": 5}, "title", {"type": "text"}),
        ({"data": 5}, "data", {"type": "object"}),
        ({"rows": 5}, "rows", {"type": "list"}),
        ({"rows": [5]}, "rows.0", {"type": "object"}),
        ({"number": 0}, "number", {"min": 1}),
        ({"number": 10}, "number", {"less_than": 10}),
        ({"title": "long"}, "title", {"max_length": 3}),
        ({"code": "a"}, "code", {"pattern": "^[A-Z]+$"}),
        ({"choice": "c"}, "choice", {"choices": ["a", "b"]}),
        ({"rows": [{"state": "c"}]}, "rows.0.state", {"choices": ["on", "off"]}),
        ({"price": "0.001"}, "price", {"max_decimal_places": 2}),
        ({"price": "1e16"}, "price", {"max_whole_digits": 16}),
        ({"price": Decimal("NaN")}, "price", {"finite": "number"}),
        ({"data": {"a": "\0"}}, "data", {"character": "NUL"}),
        ({"short": "x" * 256}, "short", {"max_length": 255}),
        ({"gone": 1}, "gone", {}),
        ({"size": 2}, "size", {}),
    ],
)
def test_what_is_expected_stands_in_the_parameters(values: dict[str, Any], field: str, params: dict[str, Any]) -> None:
    """Declared bounds alone, never what was given, as that may be a stored or hidden value."""
    with pytest.raises(ValidationError) as refused:
        validate(PLAN, {"needed": 1, **values})
    assert [(error.field, error.params) for error in refused.value.errors] == [(field, params)]


def test_a_missing_field_is_required() -> None:
    with pytest.raises(ValidationError) as refused:
        validate(PLAN, {})
    assert errors_by_field(refused.value) == {"needed": "required"}


def test_errors_without_end_are_counted_and_not_told() -> None:
    assert _find_errors(rows=[5] * 1_000).keys() == {f"rows.{place}" for place in range(1_000)}
    with pytest.raises(ValidationError) as refused:
        validate(PLAN, {"needed": 1, "rows": [5] * 1_001})
    assert refused.value.errors == (FieldError("*", "invalid", params={"count": 1_001}),)


def test_messages_of_ones_own_validators_are_told_as_they_are() -> None:
    with pytest.raises(ValidationError) as refused:
        validate(PLAN, {"needed": 1, "title": "x"})
    assert refused.value.errors == (FieldError("title", "invalid", "expected anything but x"),)


def test_the_longest_indexed_text_is_taken() -> None:
    document: Any = validate(PLAN, {"needed": 1, "short": "x" * MAX_INDEXED_TEXT})
    assert len(document.short) == MAX_INDEXED_TEXT


def test_json_is_copied_so_that_nobody_else_holds_the_documents_own() -> None:
    given_data: dict[str, Any] = {"list": []}
    document: Any = validate(PLAN, {"needed": 1, "data": given_data})
    given_data["list"].append(1)
    assert document.data == {"list": []}


@pytest.mark.parametrize(("left", "kept"), [("0.125", "0.12"), ("0.135", "0.14"), ("-0.125", "-0.12"), ("1", "1.00")])
def test_decimals_of_hooks_are_rounded_half_even_and_padded(left: str, kept: str) -> None:
    document: Any = revalidate(PLAN, _changed(price=Decimal(left)))
    assert str(document.price) == kept


def test_decimals_of_rows_are_rounded_to_their_own_scale() -> None:
    row = Row(price=Decimal("0.25"))
    document: Any = revalidate(PLAN, _changed(rows=[row, Row(price=Decimal("0.35"))]))
    assert [str(one.price) for one in document.rows] == ["0.2", "0.4"]


def test_what_hooks_have_left_is_converted_or_refused() -> None:
    document: Any = revalidate(PLAN, _changed(price=2, number="3"))
    assert (document.price, document.number) == (Decimal("2.00"), 3)
    with pytest.raises(ValidationError) as refused:
        revalidate(PLAN, _changed(number="many", code="a", choice=None))
    assert errors_by_field(refused.value) == {"number": "wrong_type", "code": "bad_pattern", "choice": "not_a_choice"}


def test_all_values_of_hooks_that_no_store_could_hold_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        revalidate(PLAN, _changed(price=Decimal(10) ** 16, title="\0", rows=[Row(), Row(what="\0")]))
    assert errors_by_field(refused.value) == dict.fromkeys(("price", "title", "rows.1.what"), "out_of_bounds")


def test_stored_values_are_plain() -> None:
    document: Any = validate(PLAN, {"needed": 1, "rows": [{"what": "a"}]})
    values = dump_document(PLAN, document)
    assert (type(values["size"]), type(values["docstatus"]), values["_version"]) == (int, int, 0)
    assert values["rows"] == [{"id": document.rows[0].id, "price": Decimal("0.0"), "what": "a", "state": "on"}]
    assert isinstance(document, BaseModel)
    assert values.keys() == {*PLAN.columns, "rows"}


def test_a_document_of_core_is_stored_whole() -> None:
    assert stored(THING).keys() == {*THING.columns, *THING.children}
