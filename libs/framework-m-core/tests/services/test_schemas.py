"""JSON Schema of documents and bodies: nothing of what a caller may not see, and bodies as they are taken."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest

from framework_m_core.domain.fields.field import Field
from framework_m_core.registry.builder import RegistryBuilder
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.metadata.schemas import document_schema, input_schema
from framework_m_testing.fakes.doctype import FakeDocType

from .conftest import SHELF, THING, paths_of


class Colour(StrEnum):
    RED = "red"


class Row(FakeDocType):
    what: str
    cost: Decimal = Field(default=Decimal(0), ge=0, lt=100, scale=2)

    class Meta:
        is_child_table = True


class Patient(FakeDocType):
    full_name: str
    diagnosis: str = Field(default="flu", sensitive=True, examples=["cold"])
    town: str = Field(default="Ulm", examples=["Bonn"])
    colour: Colour = Colour.RED
    weight: Decimal = Field(default=Decimal(1), gt=0, scale=1)
    rows: list[Row] = []


def _plan() -> CompiledDocType:
    builder = RegistryBuilder()
    for model in (Row, Patient):
        builder.add_doctype(model, "tests")
    return builder.freeze().get("Patient")


PATIENT = _plan()
ALL = frozenset({*PATIENT.columns, *paths_of(PATIENT)})


def _properties(*readable: str, writable: tuple[str, ...] = ()) -> Any:
    return document_schema(PATIENT, frozenset(readable), frozenset(writable))["properties"]


def test_a_schema_holds_what_may_be_read_or_written_and_says_which() -> None:
    found = _properties("id", "full_name", "town", writable=("town", "weight"))
    marks = {name: (one.get("readOnly", False), one.get("writeOnly", False)) for name, one in found.items()}
    assert marks == {
        "id": (True, False), "full_name": (True, False), "town": (False, False), "weight": (False, True),
    }  # fmt: skip


def test_a_hidden_field_leaves_no_trace() -> None:
    schema = document_schema(PATIENT, frozenset({"town", "rows", "rows.what"}), frozenset())
    assert list(schema["properties"]["rows"]["items"]["properties"]) == ["id", "what"]
    assert [word for word in ("full_name", "diagnosis", "Colour", "cost", "deleted_at") if word in str(schema)] == []


def test_definitions_stand_where_they_are_referred_to() -> None:
    assert list(document_schema(PATIENT, frozenset({"colour"}), frozenset())["$defs"]) == ["Colour"]


def test_sensitive_values_are_neither_defaults_nor_examples() -> None:
    found = _properties("diagnosis", "town")
    assert found["diagnosis"].keys().isdisjoint({"default", "examples"})
    assert (found["town"]["default"], found["town"]["examples"]) == ("Ulm", ["Bonn"])


def test_decimals_travel_as_text_and_their_bounds_stand_beside() -> None:
    found = _properties("weight", "rows", "rows.cost")
    assert (found["weight"]["type"], found["weight"]["x-framework-m"]) == ("string", {"exclusiveMinimum": "0"})
    cost = found["rows"]["items"]["properties"]["cost"]
    assert cost["x-framework-m"] == {"minimum": "0", "exclusiveMaximum": "100"}
    assert "minimum" not in cost


def test_placeholders_of_framework_fields_are_no_defaults() -> None:
    found = document_schema(THING, frozenset(THING.columns), frozenset())["properties"]
    assert [name for name in ("id", "owner", "creation", "_version", "docstatus") if "default" in found[name]] == []


def test_a_body_that_creates_says_what_is_required() -> None:
    schema = input_schema(PATIENT, paths_of(PATIENT), creating=True)
    assert (schema["required"], schema["additionalProperties"]) == (["full_name"], False)
    assert schema["properties"].keys() == PATIENT.fields.keys()
    row = schema["properties"]["rows"]["items"]
    assert (list(row["properties"]), row["required"], row["additionalProperties"]) == (
        ["what", "cost"],
        ["what"],
        False,
    )


def test_a_body_that_changes_requires_nothing_and_names_version_and_rows() -> None:
    schema = input_schema(PATIENT, paths_of(PATIENT), creating=False)
    assert "required" not in schema
    assert schema["properties"]["_version"]["type"] == "integer"
    assert "id" in schema["properties"]["rows"]["items"]["properties"]


def test_a_body_holds_only_what_may_be_written() -> None:
    schema = input_schema(PATIENT, frozenset({"town"}), creating=True)
    assert schema["properties"].keys() == {"town"}
    assert "required" not in schema
    assert "writeOnly" not in schema["properties"]["town"]


def test_a_prompted_name_is_required_when_creating_alone() -> None:
    creating, changing = (input_schema(SHELF, frozenset({"label"}), creating=when) for when in (True, False))
    assert (creating["required"], list(creating["properties"])) == (["name", "label"], ["name", "label"])
    assert "name" not in changing["properties"]


@pytest.mark.parametrize("plan", [PATIENT, THING, SHELF])
def test_a_schema_is_the_callers_own(plan: CompiledDocType) -> None:
    readable = frozenset(plan.columns)
    first = document_schema(plan, readable, frozenset())
    first["properties"].clear()
    assert document_schema(plan, readable, frozenset())["properties"]


def test_everything_readable_is_in_it() -> None:
    assert _properties(*ALL).keys() == {*PATIENT.columns, "rows"} - {"deleted_at"}
