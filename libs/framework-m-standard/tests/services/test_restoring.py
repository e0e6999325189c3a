"""Restoring on every store: what comes out of the trash is whole, and nothing that has taken its place is hurt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from framework_m import Controller, DocType, Field, ValidationError
from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import (
    DocumentNotDeletedError,
    DuplicateNameError,
    EntityNotFoundError,
    LinkTargetError,
    NoGrantError,
    PreconditionFailedError,
    SubmittedDocumentError,
    VersionConflictError,
)
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_standard.auth.rbac import RbacPermission

from .wiring import Wired, wired

CONTEXT = RequestContext(Principal("tester", frozenset({"Administrator"})))

CALLS: list[str] = []


class Stop(DocType):
    place: UUID | None = Field(default=None, link="Place")

    class Meta:
        is_child_table = True


class Place(DocType):
    class Meta:
        naming = "prompt"


class Cruise(DocType):
    title: str
    start: UUID | None = Field(default=None, link="Place")
    stops: list[Stop] = []

    class Meta:
        naming = "prompt"
        submittable = True
        permissions = {
            "read": {"Guide": "own", "Clerk": "all"},
            "create": ["Guide", "Clerk"],
            "delete": {"Guide": "own"},
        }


class CruiseController(Controller[Cruise]):
    async def validate(self) -> None:
        if self.doc.title == "refused":
            raise ValidationError("no such tour")

    async def before_restore(self) -> None:
        CALLS.append("before_restore")
        assert self.previous is not None
        assert self.previous.deleted_at is not None
        if self.doc.docstatus == 0:
            self.doc.title = self.doc.title.strip("!")

    async def after_restore(self) -> None:
        CALLS.append("after_restore")
        assert self.doc.deleted_at is None


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Stop, Place, Cruise):
        builder.add_doctype(doctype, "office")
    builder.add_controller(CruiseController)
    CALLS.clear()
    registry = builder.freeze()
    async with wired(database_url, registry, RbacPermission(RegistryHandle(registry))) as opened:
        yield opened


async def _create(office: Wired, doctype: str, **values: Any) -> dict[str, Any]:
    return await office.documents.create(CONTEXT, doctype, values)


async def _stored(office: Wired, doctype: str, ref: str) -> dict[str, Any]:
    return await office.documents.get(CONTEXT, doctype, ref)


async def test_a_document_comes_back_with_its_rows(office: Wired) -> None:
    place = await _create(office, "Place", name="Harbour")
    tour = await _create(office, "Cruise", name="A", title="Ships", stops=[{"place": str(place["id"])}])
    await office.documents.delete(CONTEXT, "Cruise", "A")
    restored = await office.documents.restore(CONTEXT, "Cruise", tour["id"])
    assert (restored["id"], restored["name"], restored["_version"]) == (tour["id"], "A", 3)
    assert await _stored(office, "Cruise", "A") == restored
    assert restored["stops"] == tour["stops"]
    assert CALLS == ["before_restore", "after_restore"]
    assert [(one.action, one.version) for one in await office.audits("Cruise", tour["id"])][-1] == ("restore", 3)
    events = (await office.adapters.outbox.read(0, 100, lambda _: True)).events
    assert [(one.type, one.version) for one in events if one.document_id == tour["id"]] == [
        ("doc.created", 1),
        ("doc.deleted", 2),
        ("doc.restored", 3),
    ]


async def test_a_name_means_the_document_that_was_deleted_last(office: Wired) -> None:
    ids = []
    for title in ("first", "second"):
        ids.append((await _create(office, "Cruise", name="A", title=title))["id"])
        await office.documents.delete(CONTEXT, "Cruise", "A")
    assert (await office.documents.restore(CONTEXT, "Cruise", "A"))["id"] == ids[1]
    with pytest.raises(DuplicateNameError):
        await office.documents.restore(CONTEXT, "Cruise", ids[0])
    with pytest.raises(DuplicateNameError):
        await office.documents.restore(CONTEXT, "Cruise", "A")


@pytest.mark.parametrize("field", ["start", "stops.0.place"])
async def test_what_it_links_to_must_be_there(office: Wired, field: str) -> None:
    place = await _create(office, "Place", name="Harbour")
    values = {"stops": [{"place": "Harbour"}]} if "." in field else {"start": "Harbour"}
    tour = await _create(office, "Cruise", name="A", title="Ships", **values)
    await office.documents.delete(CONTEXT, "Cruise", "A")
    await office.documents.delete(CONTEXT, "Place", place["id"])
    with pytest.raises(LinkTargetError) as refused:
        await office.documents.restore(CONTEXT, "Cruise", tour["id"])
    assert [(one.field, one.code) for one in refused.value.errors] == [(field, "invalid_link")]
    await office.documents.restore(CONTEXT, "Place", place["id"])
    await office.documents.restore(CONTEXT, "Cruise", tour["id"])


async def test_only_what_is_deleted_is_restored(office: Wired) -> None:
    tour = await _create(office, "Cruise", name="A", title="Ships")
    for ref in (tour["id"], "A"):
        with pytest.raises(DocumentNotDeletedError):
            await office.documents.restore(CONTEXT, "Cruise", ref)
    await office.documents.delete(CONTEXT, "Cruise", "A")
    await office.documents.delete(CONTEXT, "Cruise", tour["id"], hard=True)
    for ref in (tour["id"], "A"):
        with pytest.raises(EntityNotFoundError):
            await office.documents.restore(CONTEXT, "Cruise", ref)


async def test_the_version_is_that_of_the_deleted_document(office: Wired) -> None:
    tour = await _create(office, "Cruise", name="A", title="Ships")
    await office.documents.delete(CONTEXT, "Cruise", "A")
    with pytest.raises(VersionConflictError):
        await office.documents.restore(CONTEXT, "Cruise", tour["id"], {"_version": 1})
    with pytest.raises(PreconditionFailedError):
        await office.documents.restore(CONTEXT, "Cruise", tour["id"], if_match=1)
    with pytest.raises(ValidationError) as refused:
        await office.documents.restore(CONTEXT, "Cruise", tour["id"], {"title": "Boats"})
    assert [(one.field, one.code) for one in refused.value.errors] == [("title", "unknown_field")]
    assert (await office.documents.restore(CONTEXT, "Cruise", tour["id"], {"_version": 2}))["_version"] == 3


async def test_rules_hold_for_what_comes_back(office: Wired) -> None:
    tour = await _create(office, "Cruise", name="A", title="Ships!")
    await office.documents.delete(CONTEXT, "Cruise", "A")
    assert (await office.documents.restore(CONTEXT, "Cruise", tour["id"]))["title"] == "Ships"
    async with office.adapters.units(CONTEXT) as unit:
        stored = await unit.repository("Cruise").get(tour["id"])
        assert stored is not None
        vars(stored)["title"] = "refused"
        await unit.repository("Cruise").update(stored, expected_version=3)
        await unit.commit()
    await office.documents.delete(CONTEXT, "Cruise", "A")
    with pytest.raises(ValidationError, match="no such tour"):
        await office.documents.restore(CONTEXT, "Cruise", tour["id"])
    page = await office.documents.list(CONTEXT, "Cruise", ListRequest(include_deleted=True))
    assert [item["deleted_at"] is None for item in page.items] == [False]


async def test_a_cancelled_document_comes_back_as_it_was(office: Wired) -> None:
    tour = await _create(office, "Cruise", name="A", title="Ships!")
    await office.documents.submit(CONTEXT, "Cruise", "A")
    with pytest.raises(SubmittedDocumentError):
        await office.documents.delete(CONTEXT, "Cruise", "A")
    await office.documents.cancel(CONTEXT, "Cruise", "A")
    await office.documents.delete(CONTEXT, "Cruise", "A")
    restored = await office.documents.restore(CONTEXT, "Cruise", tour["id"])
    assert (restored["docstatus"], restored["title"]) == (2, "Ships!")


async def test_it_needs_the_permission_to_delete(office: Wired) -> None:
    guide, other, clerk = (
        RequestContext(Principal(name, frozenset({role})))
        for name, role in (("guide", "Guide"), ("other", "Guide"), ("clerk", "Clerk"))
    )
    tour = await office.documents.create(guide, "Cruise", {"name": "A", "title": "Ships"})
    await office.documents.delete(guide, "Cruise", "A")
    for context, error in ((other, EntityNotFoundError), (clerk, NoGrantError)):
        with pytest.raises(error):
            await office.documents.restore(context, "Cruise", tour["id"])
    assert (await office.documents.restore(guide, "Cruise", tour["id"]))["modified_by"] == "guide"
