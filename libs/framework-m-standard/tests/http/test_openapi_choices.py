"""Choices, definitions and examples are components that generators can use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any, Literal, TypedDict
from uuid import UUID

import jsonschema
import pytest

from framework_m import DocType, Field

from .conftest import OpenSite
from .openapi_documents import Served, document_for


class Mood(StrEnum):
    """How a guest feels."""

    GOOD = "good"
    BAD = "bad"


class Stars(IntEnum):
    """What a guest thinks."""

    ONE = 1
    TWO = 2


class Place(TypedDict):
    """Where something is."""

    street: str


class Address(TypedDict):
    """Where a guest lives."""

    place: Place


class Night(DocType):
    """A row of a booking."""

    room: Literal["single", "double"]
    mood: Mood | None = None
    price: Decimal = Field(gt=0, scale=2)

    class Meta:
        is_child_table = True


class Booking(DocType):
    """Every form of a field; one role may only create it."""

    guest: str = Field(min_length=6, max_length=9)
    code: str | None = Field(default=None, pattern="^[A-Z]{3}$")
    email: str = Field(default="a@example.com", examples=["ada@example.com"], index=True)
    persons: int = Field(default=2, ge=2, le=9)
    rating: float = Field(default=0.0, ge=0, lt=1)
    share: Decimal = Field(default=Decimal("0.5"), ge=0, lt=1, scale=4)
    picture: bytes | None = None
    mood: Mood = Mood.GOOD
    stars: Stars | None = None
    home: list[Address] = []
    hidden: UUID | None = Field(default=None, link="Hidden")
    problem: UUID | None = Field(default=None, link="Problem")
    nights: list[Night] = Field(default_factory=list, max_length=3)

    class Meta:
        permissions = {
            "read": {"Boss": "all", "Blue": "all"},
            "create": {"Boss": "all", "Owner": "all"},
            "write": {"Boss": "all"},
        }


@pytest.fixture
async def bookings(open_site: OpenSite) -> AsyncIterator[Any]:
    """The app with bookings."""
    async with open_site(Night, Booking) as opened:
        yield opened


async def test_choices_and_definitions_are_components_wherever_they_stand(bookings: Any) -> None:
    schemas = (await document_for(bookings, "boss"))["components"]["schemas"]
    assert (schemas["Booking-mood"]["enum"], schemas["Booking-stars"]["enum"]) == (["good", "bad"], [1, 2])
    assert (schemas["Booking-nights-room"]["enum"], schemas["Booking-nights-mood"]["enum"]) == (
        ["single", "double"],
        ["good", "bad"],
    )
    row = schemas["Booking-nights-RowCreate"]["properties"]
    assert row["mood"]["anyOf"] == [{"$ref": "#/components/schemas/Booking-nights-mood"}, {"type": "null"}]
    assert schemas["Booking-Create"]["properties"]["nights"]["maxItems"] == 3
    home = schemas["Booking"]["properties"]["home"]["items"]["$ref"]
    assert schemas[home.rpartition("/")[2]]["properties"]["place"]["$ref"] == "#/components/schemas/Booking--Place"


async def test_examples_satisfy_their_schemas_and_can_be_sent(bookings: Any) -> None:
    document = await document_for(bookings, "boss")
    for name, schema in document["components"]["schemas"].items():
        whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        for example in schema.get("examples", ()):
            jsonschema.validate(example, whole, jsonschema.Draft202012Validator)
    example = document["components"]["schemas"]["Booking-Create"]["examples"][0]
    async with bookings.client("boss") as client:
        response = await client.post("/api/v1/Booking", json={**example, "hidden": None, "problem": None})
    assert response.status_code == 201, response.text
    assert "code" not in example and example["email"] == "ada@example.com"


async def test_who_may_not_read_gets_a_receipt(bookings: Any) -> None:
    async with bookings.client("owner") as client:
        served = Served(client, await document_for(bookings, "owner"))
        made = await served("POST", "/api/v1/Booking", "/api/v1/Booking", json={"guest": "Ada Byron"})
    assert made.keys() == {"id", "name", "_version"}


async def test_links_expand_as_far_as_their_target_is_readable(bookings: Any) -> None:
    for who, holds in (("boss", ["string", "Problem", "null"]), ("blue", ["string", "null"])):
        link = (await document_for(bookings, who))["components"]["schemas"]["Booking"]["properties"]["problem"]
        assert [one.get("type") or one["$ref"].rpartition("/")[2] for one in link["anyOf"]] == holds, who
    hidden = (await document_for(bookings, "boss"))["components"]["schemas"]["Booking"]["properties"]["hidden"]
    assert {"type": "object"} in hidden["anyOf"]  # of a DocType without routes, and so without a schema
