"""JSON Schema of documents and bodies: nothing of what a caller may not see, and bodies as they are taken."""

from __future__ import annotations

import base64
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypedDict

import pytest

from framework_m_core.domain.fields.field import Field
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.metadata.disclosure import Disclosure
from framework_m_core.services.metadata.schemas import describe_document, describe_input
from framework_m_testing.fakes.doctype import FakeDocType

from .conftest import SHELF, THING, paths_of

UNNAMED = Disclosure(frozenset(), frozenset())


class Colour(StrEnum):
    RED = "red"


class Street(TypedDict):
    """A part of a home."""

    label: str


class Home(TypedDict):
    """A value that is stored as JSON."""

    street: Street


class Row(FakeDocType):
    what: str
    cost: Decimal = Field(default=Decimal(0), ge=0, lt=100, scale=2)

    class Meta:
        is_child_table = True


class Patient(FakeDocType):
    full_name: str
    diagnosis: str = Field(default="flu", sensitive=True, examples=["cold"])
    town: str = Field(default="Ulm", examples=["Bonn"], max_length=40, index=True)
    visits: int = 0
    photo: bytes = b"\xff\xfe"
    home: list[Home] = []
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
    return describe_document(PATIENT, frozenset(readable), frozenset(writable), UNNAMED)["properties"]


def test_a_schema_holds_what_may_be_read_or_written_and_says_which() -> None:
    found = _properties("id", "full_name", "town", writable=("town", "weight"))
    marks = {name: (one.get("readOnly", False), one.get("writeOnly", False)) for name, one in found.items()}
    assert marks == {
        "id": (True, False), "full_name": (True, False), "town": (False, False), "weight": (False, True),
    }  # fmt: skip


def test_a_hidden_field_leaves_no_trace() -> None:
    schema = describe_document(PATIENT, frozenset({"town", "rows", "rows.what"}), frozenset(), UNNAMED)
    assert list(schema["properties"]["rows"]["items"]["properties"]) == ["id", "what"]
    assert [word for word in ("full_name", "diagnosis", "Colour", "cost", "deleted_at") if word in str(schema)] == []


def test_definitions_stand_where_they_are_referred_to() -> None:
    assert list(describe_document(PATIENT, frozenset({"colour"}), frozenset(), UNNAMED)["$defs"]) == ["Colour"]


def test_sensitive_values_are_neither_defaults_nor_examples() -> None:
    found = _properties("diagnosis", "town")
    assert found["diagnosis"].keys().isdisjoint({"default", "examples"})
    assert (found["town"]["default"], found["town"]["examples"]) == ("Ulm", ["Bonn"])


def test_decimals_travel_as_text_and_their_bounds_stand_beside() -> None:
    found = _properties("weight", "rows", "rows.cost")
    assert (found["weight"]["type"], found["weight"]["x-framework-m-exclusive-minimum"]) == ("string", "0")
    cost = found["rows"]["items"]["properties"]["cost"]
    assert (cost["x-framework-m-minimum"], cost["x-framework-m-exclusive-maximum"]) == ("0", "100")
    assert "minimum" not in cost


def test_words_beyond_json_schema_have_a_prefix() -> None:
    found = _properties("weight", "diagnosis", "rows", "rows.cost")
    row = found["rows"]["items"]["properties"]
    assert (found["weight"]["x-framework-m-scale"], row["cost"]["x-framework-m-scale"]) == (1, 2)
    assert found["diagnosis"]["x-framework-m-sensitive"] is True
    assert [one for one in (*found.values(), *row.values()) if {"scale", "sensitive"} & one.keys()] == []


def test_bounds_of_values_are_told() -> None:
    found = _properties("name", "town", "rows", "_version", "visits", "photo")
    assert (found["name"]["type"], found["name"]["maxLength"]) == ("string", 255)
    assert found["town"]["maxLength"] == 40
    assert found["rows"]["maxItems"] == 10_000
    assert (found["_version"]["format"], found["visits"]["format"]) == ("int64", "int64")
    assert found["photo"]["maxLength"] == len(base64.b64encode(bytes(1 << 20)))
    assert found["photo"]["default"] == "//4="


def test_definitions_bring_those_that_they_refer_to() -> None:
    assert list(describe_document(PATIENT, frozenset({"home"}), frozenset(), UNNAMED)["$defs"]) == ["Home", "Street"]


def test_placeholders_of_framework_fields_are_no_defaults() -> None:
    found = describe_document(THING, frozenset(THING.columns), frozenset(), UNNAMED)["properties"]
    assert [name for name in ("id", "owner", "creation", "_version", "docstatus") if "default" in found[name]] == []


def test_a_body_that_creates_says_what_is_required() -> None:
    schema = describe_input(PATIENT, paths_of(PATIENT), UNNAMED, creating=True)
    assert (schema["required"], schema["additionalProperties"]) == (["full_name"], False)
    assert schema["properties"].keys() == PATIENT.fields.keys()
    row = schema["properties"]["rows"]["items"]
    assert (list(row["properties"]), row["required"], row["additionalProperties"]) == (
        ["what", "cost"],
        ["what"],
        False,
    )


def test_a_body_that_changes_requires_nothing_and_names_version_and_rows() -> None:
    schema = describe_input(PATIENT, paths_of(PATIENT), UNNAMED, creating=False)
    assert "required" not in schema
    assert schema["properties"]["_version"]["type"] == "integer"
    row = schema["properties"]["rows"]["items"]
    assert "required" not in row
    assert "readOnly" not in row["properties"]["id"] and "writeOnly" not in row["properties"]["what"]
    assert [one for one in (*schema["properties"].values(), *row["properties"].values()) if "default" in one] == []


def test_a_body_holds_only_what_may_be_written() -> None:
    schema = describe_input(PATIENT, frozenset({"town"}), UNNAMED, creating=True)
    assert schema["properties"].keys() == {"town"}
    assert "required" not in schema
    assert "writeOnly" not in schema["properties"]["town"]


def test_a_prompted_name_is_required_when_creating_alone() -> None:
    creating, changing = (describe_input(SHELF, frozenset({"label"}), UNNAMED, creating=when) for when in (True, False))
    assert (creating["required"], list(creating["properties"])) == (["name", "label"], ["name", "label"])
    assert "name" not in changing["properties"]


@pytest.mark.parametrize("plan", [PATIENT, THING, SHELF])
def test_a_schema_is_the_callers_own(plan: CompiledDocType) -> None:
    readable = frozenset(plan.columns)
    first = describe_document(plan, readable, frozenset(), UNNAMED)
    first["properties"].clear()
    assert describe_document(plan, readable, frozenset(), UNNAMED)["properties"]


def test_everything_readable_is_in_it() -> None:
    assert _properties(*ALL).keys() == {*PATIENT.columns, "rows"} - {"deleted_at"}
