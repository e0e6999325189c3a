"""What a document that others link to refuses on every store, and what it tells of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from framework_m import DocType, Field
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import LinkedDocumentError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_standard.auth.rbac import RbacPermission

from .wiring import Wired, wired

SCOPE = RequestContext(Principal("tester", frozenset({"Administrator"})))
CLERK = RequestContext(Principal("clerk", frozenset({"Clerk"})))
EVERYBODY = {action: {"Clerk": "all"} for action in ("create", "read", "delete", "purge")}


class City(DocType):
    class Meta:
        naming = "prompt"
        permissions = EVERYBODY


class Stay(DocType):
    city: UUID | None = Field(default=None, link="City")

    class Meta:
        is_child_table = True


class Ride(DocType):
    start: UUID | None = Field(default=None, link="City")
    stays: list[Stay] = []

    class Meta:
        naming = "prompt"
        submittable = True
        permissions = {"create": ["Clerk"], "read": {"Clerk": "own"}}


class Rating(DocType):
    city: UUID | None = Field(default=None, link="City", permlevel=1)

    class Meta:
        naming = "prompt"
        permissions = {"read": {"Clerk": "all"}}
        field_levels = {1: {"read": ["Boss"], "write": ["Boss"]}}


@pytest.fixture
async def agency(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Stay, City, Ride, Rating):
        builder.add_doctype(doctype, "agency")
    registry = builder.freeze()
    async with wired(database_url, registry, RbacPermission(RegistryHandle(registry))) as opened:
        yield opened


async def _refused(agency: Wired, context: RequestContext = SCOPE, *, hard: bool = False) -> tuple[list[str], object]:
    with pytest.raises(LinkedDocumentError) as refused:
        await agency.documents.delete(context, "City", "Bonn", hard=hard)
    named: Any = refused.value.details["linked_by"]
    return [f"{one['doctype']} {one['name']}" for one in named], refused.value.details["others"]


@pytest.mark.parametrize("values", [{"start": "Bonn"}, {"stays": [{"city": "Bonn"}, {"city": "Bonn"}]}])
async def test_drafts_and_submitted_documents_count(agency: Wired, values: dict[str, Any]) -> None:
    await agency.documents.create(SCOPE, "City", {"name": "Bonn"})
    tour = await agency.documents.create(SCOPE, "Ride", {"name": "T", **values})
    assert await _refused(agency) == (["Ride T"], 0)
    await agency.documents.submit(SCOPE, "Ride", tour["id"])
    assert await _refused(agency) == (["Ride T"], 0)
    await agency.documents.cancel(SCOPE, "Ride", tour["id"])
    assert await _refused(agency, hard=True) == (["Ride T"], 0)
    await agency.documents.delete(SCOPE, "City", "Bonn")


async def test_deleted_documents_count_for_a_purge_alone(agency: Wired) -> None:
    city = await agency.documents.create(SCOPE, "City", {"name": "Bonn"})
    await agency.documents.create(SCOPE, "Ride", {"name": "T", "start": "Bonn"})
    await agency.documents.delete(SCOPE, "Ride", "T")
    assert await _refused(agency, hard=True) == ([], 1)
    await agency.documents.delete(SCOPE, "City", city["id"])


async def test_only_what_the_caller_reads_is_named(agency: Wired) -> None:
    await agency.documents.create(SCOPE, "City", {"name": "Bonn"})
    await agency.documents.create(SCOPE, "Ride", {"name": "hidden", "start": "Bonn"})
    await agency.documents.create(CLERK, "Ride", {"name": "mine", "stays": [{"city": "Bonn"}]})
    await agency.documents.create(SCOPE, "Rating", {"name": "R", "city": "Bonn"})
    assert await _refused(agency, CLERK) == (["Ride mine"], 2)
    assert (await _refused(agency))[1] == 0


async def test_at_most_twenty_are_named(agency: Wired) -> None:
    await agency.documents.create(SCOPE, "City", {"name": "Bonn"})
    for number in range(22):
        await agency.documents.create(SCOPE, "Ride", {"name": f"T{number}", "start": "Bonn"})
    named, others = await _refused(agency)
    assert (len(named), others) == (20, 2)
