"""Defaults that depend on the time and the caller, on every store, in documents and in rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from framework_m import Controller, CurrentUser, DocType, Field, Now, Today
from framework_m_core.domain.context import Principal, RequestContext, make_system_context
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.services.metadata.disclosure import Disclosure
from framework_m_core.services.metadata.schemas import describe_input

from .wiring import Wired, wired

MOMENT = datetime(2024, 11, 30, 23, 59, 59, 7, tzinfo=UTC)
SOON = Field(default=Today(months=3), no_copy=True)


class User(DocType):
    """Somebody."""


class Visit(DocType):
    """A row of a listing."""

    what: str = ""
    on: date = Field(default=Today())
    noted_by: str | None = Field(default=CurrentUser())

    class Meta:
        is_child_table = True


class Listing(DocType):
    """Something to sell."""

    title: str = ""
    available: date = SOON
    fixed: date | None = Field(default=Today(), read_only=True)
    until: datetime = Field(default=Now(years=-1, hours=25))
    seller: UUID | None = Field(default=CurrentUser(), link="User")
    maker: str | None = Field(default=CurrentUser())
    visits: list[Visit] = []

    class Meta:
        naming = "L-.##"


class ListingController(Controller[Listing]):
    async def validate(self) -> None:
        if self.doc.title == "visited":
            self.doc.visits = [*self.doc.visits, Visit(what="a"), Visit(what="b", on=date(2020, 1, 1))]


@pytest.fixture
async def market(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (User, Visit, Listing):
        builder.add_doctype(doctype, "market")
    builder.add_controller(ListingController)
    async with wired(database_url, builder.freeze()) as opened:
        yield opened


def _caller(id: object = "program", moment: datetime = MOMENT) -> RequestContext:
    return RequestContext(Principal(str(id)), clock=lambda: moment)


async def test_defaults_are_those_of_the_callers_clock(market: Wired) -> None:
    made = await market.documents.create(_caller(), "Listing", {"visits": [{"what": "x"}, {"on": "2020-02-02"}]})
    assert made == await market.stored("Listing", made["id"])
    assert (made["available"], made["fixed"]) == (date(2025, 2, 28), date(2024, 11, 30))
    assert made["until"] == datetime(2023, 12, 2, 0, 59, 59, 7, tzinfo=UTC)
    assert [row["on"] for row in made["visits"]] == [date(2024, 11, 30), date(2020, 2, 2)]


async def test_a_given_value_is_taken(market: Wired) -> None:
    user = await market.create("User")
    given = {"available": "2020-01-01", "seller": None, "maker": "", "until": "2020-01-01T00:00:00Z"}
    made = await market.documents.create(_caller(user["id"]), "Listing", given)
    assert (made["available"], made["seller"], made["maker"]) == (date(2020, 1, 1), None, "")


async def test_the_caller_is_named_and_what_is_no_user_is_not_linked(market: Wired) -> None:
    user = await market.create("User")
    made = await market.documents.create(_caller(user["id"]), "Listing", {"visits": [{}]})
    assert (made["seller"], made["maker"]) == (user["id"], str(user["id"]))
    assert made["visits"][0]["noted_by"] == str(user["id"])
    other = await market.documents.create(_caller(), "Listing", {"visits": [{}]})
    assert (other["seller"], other["maker"], other["visits"][0]["noted_by"]) == (None, "program", "program")
    system = await market.documents.create(make_system_context("fill", source="cli"), "Listing", {})
    assert (system["seller"], system["maker"]) == (None, "system")


async def test_an_update_fills_new_rows_alone(market: Wired) -> None:
    made = await market.documents.create(_caller(), "Listing", {"visits": [{}]})
    rows: list[dict[str, Any]] = [{"id": made["visits"][0]["id"], "what": "old"}, {"what": "new"}]
    later = _caller(uuid4(), MOMENT + timedelta(days=1))
    changed = await market.documents.update(later, "Listing", made["id"], {"visits": rows})
    assert [row["on"] for row in changed["visits"]] == [date(2024, 11, 30), date(2024, 12, 1)]
    assert [row["noted_by"] for row in changed["visits"]] == ["program", later.principal.id]
    assert (changed["available"], changed["seller"]) == (made["available"], None)


async def test_rows_of_hooks_have_them_too(market: Wired) -> None:
    made = await market.documents.create(_caller(), "Listing", {"title": "visited"})
    assert [row["on"] for row in made["visits"]] == [date(2024, 11, 30), date(2020, 1, 1)]
    later = _caller(uuid4(), MOMENT + timedelta(days=1))
    changed = await market.documents.update(later, "Listing", made["id"], {"until": "2020-01-01T00:00:00Z"})
    assert [row["on"] for row in changed["visits"][2:]] == [date(2024, 12, 1), date(2020, 1, 1)]
    assert changed["visits"][2]["noted_by"] == later.principal.id

    def visit(listing: Listing) -> None:
        listing.title = ""
        listing.visits = [Visit()]

    system = make_system_context("visit", source="cli", clock=lambda: MOMENT)
    visited = await market.documents.change(system, "Listing", made["id"], visit)
    assert [row["on"] for row in visited["visits"]] == [date(2024, 11, 30)]


async def test_a_copy_has_todays(market: Wired) -> None:
    made = await market.documents.create(_caller(), "Listing", {"available": "2020-01-01", "until": MOMENT})
    copied = await market.documents.duplicate(_caller(), "Listing", made["id"])
    assert (copied["available"], copied["until"]) == (date(2025, 2, 28), MOMENT)


def test_schemas_tell_of_them() -> None:
    builder = RegistryBuilder()
    for doctype in (User, Visit, Listing):
        builder.add_doctype(doctype, "market")
    plan = builder.freeze().get("Listing")
    paths = frozenset({*plan.fields, "visits.on"})
    schema = describe_input(plan, paths, Disclosure(paths, paths), creating=True)
    word = "x-framework-m-default-from"
    assert schema["properties"]["available"][word] == {"value": "today", "plus": {"months": 3}}
    assert schema["properties"]["visits"]["items"]["properties"]["on"][word] == {"value": "today"}
    assert schema["properties"]["seller"][word] == {"value": "current_user"}
    assert "required" not in schema
    changing = describe_input(plan, paths, Disclosure(paths, paths), creating=False)
    assert word not in changing["properties"]["available"]


def test_documents_of_python_have_the_systems_time_and_no_user() -> None:
    listing = Listing()
    assert abs(listing.available - (datetime.now(UTC) + timedelta(days=91)).date()) < timedelta(days=3)
    assert (listing.seller, listing.maker) == (None, None)
